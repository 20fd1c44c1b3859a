"""Appearance of all plots: sizes, type, colours and markers, and style files that change them."""

from __future__ import annotations

import io
import re
import textwrap
import threading
import tomllib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib as mpl
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from analysis.fonts import use_fallbacks
from methods.errors import InputError, suggestion
from methods.files import replacing

# Palette of Okabe & Ito 2008, distinguishable with any colour vision; without its yellow, which is
# invisible on white paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# One more than there are colours, so that combinations repeat only after 56 methods.
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#666666"
_WARNING_COLOUR = "#C04A00"
# Labels: characters in a line, in all lines, and where there is one line only.
_LINE_LENGTH, _LONGEST_LABEL, _SHORT_LENGTH = 18, 120, 24
# Distance of lines relative to the size of the type.
_LINE_SPACING = 1.25

_RC_PARAMS: dict[str, Any] = {
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
    # Embed TrueType fonts in PDFs: publishers refuse Type 3.
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    # A fixed salt makes the ids inside an SVG reproducible.
    "svg.hashsalt": "inpainting",
}


class Style(BaseModel):
    """Contents of a style file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Widths of figures in inches: one column of a two-column paper, and a whole page.
    column_width: float = Field(default=3.4, ge=1, le=20)
    page_width: float = Field(default=7.0, ge=1, le=20)
    # What figures of photographs have of a page, in inches: the rest is for their caption.
    page_height: float = Field(default=9.0, ge=2, le=30)
    # Name of an installed font, and size of labels in points; small text is one point smaller.
    font: str = "DejaVu Sans"
    font_size: float = Field(default=8, ge=4, le=24)
    # Colours of the methods, in any notation of matplotlib, in the order of the run.
    colours: tuple[str, ...] = Field(default=COLOURS, min_length=1)
    # Further matplotlib settings (`rcParams`), which override all others.
    matplotlib: dict[Any, Any] = {}

    @field_validator("font")
    @classmethod
    def _check_font(cls, font: str) -> str:
        try:
            findfont(font, fallback_to_default=False)
        except ValueError:
            raise ValueError(f"no font {font!r} on this machine") from None
        return font

    @field_validator("colours")
    @classmethod
    def _check_colours(cls, colours: tuple[str, ...]) -> tuple[str, ...]:
        for colour in colours:
            if not is_color_like(colour):
                raise ValueError(f"{colour!r} is no colour; write it as '#0072B2'")
        return colours

    @field_validator("matplotlib")
    @classmethod
    def _check_settings(cls, settings: dict[Any, Any]) -> dict[Any, Any]:
        for key, value in settings.items():
            if key not in mpl.rcParams:
                raise ValueError(f"no setting {key!r}{suggestion(key, list(mpl.rcParams))}")
            with mpl.rc_context():
                mpl.rcParams.update({key: value})
        return settings

    def rc_params(self) -> dict[Any, Any]:
        """Return the style as matplotlib's `rcParams`."""
        small = ("legend.fontsize", "xtick.labelsize", "ytick.labelsize")
        return {
            **_RC_PARAMS,
            "font.family": self.font,
            "font.size": self.font_size,
            **dict.fromkeys(small, self.font_size - 1),
            **self.matplotlib,
        }


HOUSE = Style()
_current: ContextVar[Style] = ContextVar("style", default=HOUSE)


def read(path: Path | None) -> Style:
    """Read a style file (TOML), or return the house style; raise InputError if it is invalid."""
    if path is None:
        return HOUSE
    try:
        return Style.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        raise InputError(f"{path}: {_message(error)}") from None
    except ValueError as error:
        raise InputError(f"{path}: not TOML in UTF-8: {error}") from None


def _message(error: ValidationError) -> str:
    """Return the first problem of a style file as one line."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"no setting {name!r}{suggestion(name, list(Style.model_fields))}"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}".splitlines()[0]


_styling = threading.RLock()


@contextmanager
def styled(style: Style = HOUSE) -> Iterator[None]:
    """Draw in a style within the context, independently of the user's own matplotlibrc."""
    token = _current.set(style)
    try:
        # The settings of matplotlib are those of all threads.
        with _styling, mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(style.rc_params())
            yield
    finally:
        _current.reset(token)


def current() -> Style:
    """Return the style of the context."""
    return _current.get()


@dataclass(frozen=True)
class MethodStyle:
    """Colour and marker of one method in every plot of a run."""

    colour: str
    marker: str


def method_styles(methods: Sequence[str]) -> dict[str, MethodStyle]:
    """Assign a colour and a marker to each method, by its position in the run."""
    palette = current().colours
    return {
        method: MethodStyle(palette[i % len(palette)], _MARKERS[i % len(_MARKERS)])
        for i, method in enumerate(methods)
    }


def wrapped_label(name: str, length: int = _LINE_LENGTH) -> str:
    """Return a name, whole, as a label of several short lines, which leave room for the plot."""
    # Vertical tabs are blanks to break at, which are not shown.
    breakable = re.sub(r"(?<=[_/.:-])(?=\S)", "\v", name)
    wrapped = textwrap.fill(breakable, length, replace_whitespace=False, break_on_hyphens=False)
    return escape_math(wrapped.replace("\v", ""))


def wrapped_labels(names: Sequence[str]) -> list[str]:
    """Return names as labels of several lines; only very long ones are shortened."""
    return [wrapped_label(name) for name in _shortened(names, _LONGEST_LABEL)]


def lines_height(labels: Iterable[str]) -> float:
    """Return the height in inches of the label with the most lines."""
    most = max((label.count("\n") + 1 for label in labels), default=1)
    return most * current().font_size * _LINE_SPACING / 72


def short_labels(names: Sequence[str]) -> list[str]:
    """Return names as labels of one line, long ones shortened so that they stay different."""
    return [escape_math(label) for label in _shortened(names, _SHORT_LENGTH)]


def _shortened(names: Sequence[str], length: int) -> list[str]:
    """Replace the middle of names longer than `length`, or than it takes to tell them apart."""
    lengths = dict.fromkeys(names, length)
    while True:
        labels = {name: _without_middle(name, most) for name, most in lengths.items()}
        often = Counter(labels.values())
        alike = [name for name, label in labels.items() if often[label] > 1]
        if not alike:
            return [labels[name] for name in names]
        lengths |= {name: lengths[name] + 1 for name in alike}


def _without_middle(name: str, length: int) -> str:
    if len(name) <= length:
        return name
    end = (length - 1) // 2
    return f"{name[: length - 1 - end].rstrip()}…{name[-end:].lstrip()}"


def escape_math(text: str) -> str:
    """Escape dollar signs, between which matplotlib would typeset mathematics."""
    return text.replace("$", r"\$")


def add_warning(figure: Figure, text: str) -> None:
    """Write a conspicuous line above a figure, at the right; nothing if `text` is empty."""
    if text:
        figure.suptitle(text, x=0.995, ha="right", color=_WARNING_COLOUR, fontsize="small")


def shown_in_notebooks(figure: Figure) -> Figure:
    """Let notebooks show a figure, which they otherwise do for those of pyplot only."""

    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: Figure) -> bytes:
    with styled():
        return encoded(figure, "png")


def save(figure: Figure, path: Path, suffixes: Sequence[str] = ("png", "pdf")) -> None:
    """Write a figure to `path` plus each suffix; equal figures give equal bytes."""
    for suffix in suffixes:
        with replacing(path.with_name(f"{path.name}.{suffix}")) as (part,):
            write(figure, part, suffix)


def encoded(figure: Figure, suffix: str) -> bytes:
    """Return the file that `write` would write."""
    content = io.BytesIO()
    write(figure, content, suffix)
    return content.getvalue()


def write(figure: Figure, target: Path | BinaryIO, suffix: str) -> None:
    """Write a figure in the format of a suffix, with fonts for names in any script."""
    undated: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    # Figures of photographs take a third less time than at Pillow's own level, and 3 % more room.
    options: dict[str, Any] = {"pil_kwargs": {"compress_level": 4}} if suffix == "png" else {}
    use_fallbacks(figure)
    with warnings.catch_warnings():
        # It has told what no font has.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(target, format=suffix, metadata=undated.get(suffix, {}), **options)
