"""How plots look: one place for size, type, colours and markers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# Widths of one column and of a whole page in two-column papers, in inches.
COLUMN, PAGE = 3.4, 7.0

# Okabe & Ito 2008, told apart by people of every kind of colour vision; their yellow is left out
# because it cannot be seen on white paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# As many as there are colours, plus one: together they repeat after 56 methods only.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#666666"

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "lines.linewidth": 1.3,
    "lines.markersize": 5,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 300,
    # TrueType fonts inside PDFs: publishers refuse Type 3.
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    # Names of things inside an SVG must not differ from run to run.
    "svg.hashsalt": "inpainting",
}


@dataclass(frozen=True)
class Look:
    """How one method looks in every plot of a run."""

    colour: str
    marker: str


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """A colour and a marker for each method, by its place in the run."""
    return {
        method: Look(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
        for i, method in enumerate(methods)
    }


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the house style, whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def save(figure: Figure, path: Path, suffixes: Sequence[str] = ("png", "pdf")) -> None:
    """Write a figure under `path` with each suffix, the same bytes for the same figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix in suffixes:
        part = path.with_name(f".{path.name}.{suffix}.part")
        figure.savefig(part, format=suffix, metadata=_undated(suffix))
        part.replace(path.with_name(f"{path.name}.{suffix}"))


def _undated(suffix: str) -> dict[str, Any]:
    return {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(suffix, {})
