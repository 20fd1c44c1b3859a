"""How plots look: one place for size, type, colours and markers, and what a style file changes."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from methods.errors import InputError, suggestion
from methods.files import replacing

# Okabe & Ito 2008, told apart by people of every kind of colour vision; their yellow is left out
# because it cannot be seen on white paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# As many as there are colours, plus one: together they repeat after 56 methods only.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# Of labels, in characters: a line of several, and one that stands alone.
LONGEST_LABEL, LONGEST_SHORT = 18, 24
MOST_LINES = 3
GREY = "#666666"
WARNING = "#C04A00"

_SETTINGS: dict[str, Any] = {
    "axes.titlesize": "medium",
    "axes.labelsize": "medium",
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


class Style(BaseModel):
    """What a style file may say. column_width, page_width: in inches, of one column and of a whole
    page; font_size: of labels, in points, legends and ticks are one point smaller; matplotlib: any
    of its settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column_width: float = Field(default=3.4, ge=1, le=20)
    page_width: float = Field(default=7.0, ge=1, le=20)
    font: str = "DejaVu Sans"
    font_size: float = Field(default=8, ge=4, le=24)
    colours: tuple[str, ...] = Field(default=COLOURS, min_length=1)
    matplotlib: dict[Any, Any] = {}

    @field_validator("font")
    @classmethod
    def _installed(cls, font: str) -> str:
        try:
            findfont(font, fallback_to_default=False)
        except ValueError:
            raise ValueError(f"no font {font!r} on this machine") from None
        return font

    @field_validator("colours")
    @classmethod
    def _colours(cls, colours: tuple[str, ...]) -> tuple[str, ...]:
        for colour in colours:
            if not is_color_like(colour):
                raise ValueError(f"{colour!r} is no colour; write it as '#0072B2'")
        return colours

    @field_validator("matplotlib")
    @classmethod
    def _settings(cls, settings: dict[Any, Any]) -> dict[Any, Any]:
        for key, value in settings.items():
            if key not in mpl.rcParams:
                raise ValueError(f"no setting {key!r}{suggestion(key, list(mpl.rcParams))}")
            with mpl.rc_context():
                mpl.rcParams.update({key: value})
        return settings

    def settings(self) -> dict[Any, Any]:
        """For matplotlib."""
        small = self.font_size - 1
        return {
            **_SETTINGS,
            "font.family": self.font,
            "font.size": self.font_size,
            **dict.fromkeys(("legend.fontsize", "xtick.labelsize", "ytick.labelsize"), small),
            **self.matplotlib,
        }


HOUSE = Style()
_current: ContextVar[Style] = ContextVar("style", default=HOUSE)


def read(path: Path | None) -> Style:
    """A style file (TOML); the house style without one. Raises InputError, one line."""
    if path is None:
        return HOUSE
    try:
        return Style.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        raise InputError(f"{path}: {_in_words(error)}") from None
    except ValueError as error:
        raise InputError(f"{path}: not TOML in UTF-8: {error}") from None


def _in_words(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"no setting {name!r}{suggestion(name, list(Style.model_fields))}"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}".splitlines()[0]


def column() -> float:
    """Width of one column in two-column papers, in inches."""
    return _current.get().column_width


def page() -> float:
    """Width of a whole page, in inches."""
    return _current.get().page_width


def font_size() -> float:
    """Of labels, in points."""
    return _current.get().font_size


def colours() -> tuple[str, ...]:
    return _current.get().colours


@dataclass(frozen=True)
class Look:
    """How one method looks in every plot of a run."""

    colour: str
    marker: str


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """A colour and a marker for each method, by its place in the run."""
    own = colours()
    return {
        method: Look(own[i % len(own)], MARKERS[i % len(MARKERS)])
        for i, method in enumerate(methods)
    }


@contextmanager
def styled(style: Style = HOUSE) -> Iterator[None]:
    """Draw in a style, whatever the user's own matplotlibrc says."""
    token = _current.set(style)
    try:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(style.settings())
            yield
    finally:
        _current.reset(token)


def broken(name: str) -> str:
    """A name as a label, in lines short enough to leave room for the plot."""
    return literal(textwrap.fill(name, LONGEST_LABEL, max_lines=MOST_LINES, placeholder="…"))


def short(name: str) -> str:
    """A name as a label where there is one line only."""
    cut = name if len(name) <= LONGEST_SHORT else f"{name[: LONGEST_SHORT - 1].rstrip()}…"
    return literal(cut)


def literal(text: str) -> str:
    """What somebody called a thing, where matplotlib would read mathematics between dollars."""
    return text.replace("$", r"\$")


def remark(figure: Figure, text: str) -> None:
    """A line over a figure, at the right, that must not be overlooked; none for an empty text."""
    if text:
        figure.suptitle(text, x=0.995, ha="right", color=WARNING, fontsize="small")


def save(figure: Figure, path: Path, suffixes: Sequence[str] = ("png", "pdf")) -> None:
    """Write a figure under `path` with each suffix, the same bytes for the same figure."""
    for suffix in suffixes:
        with replacing(path.with_name(f"{path.name}.{suffix}")) as (part,):
            figure.savefig(part, format=suffix, metadata=_undated(suffix))


def _undated(suffix: str) -> dict[str, Any]:
    return {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(suffix, {})
