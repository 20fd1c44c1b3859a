"""`python -m analysis figure`: photographs by several methods, for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Option

from analysis.commands import options
from methods.errors import InputError

if TYPE_CHECKING:
    from methods.base import Resolution

# With more photographs, the name of the file counts them.
_MOST_NAMED = 3


def figure(
    folder: options.RunFolder,
    image: Annotated[
        list[str], Option(help="Photograph, by its name without suffix; repeatable, a row each.")
    ],
    resolution: Annotated[
        list[str] | None,
        Option(
            metavar="PIXELS|native",
            help="Size in the run; repeatable, a row each.",
            show_default="the run's highest",
        ),
    ] = None,
    methods: Annotated[
        str | None, Option(help="Comma-separated, in the order of the figure.", show_default="all")
    ] = None,
    crop: Annotated[
        list[str] | None,
        Option(
            metavar="LEFT,TOP,SIDE",
            help="Region to enlarge, in pixels of the highest resolution shown; once for all "
            "photographs or once for each.",
            show_default="where results differ most at the hole's edge",
        ),
    ] = None,
    show: Annotated[
        Literal["both", "whole", "crop"], Option(help="Whole images, enlarged crops, or both.")
    ] = "both",
    masked: Annotated[bool, Option(help="Show a column of the masked input.")] = True,
    reference: Annotated[bool, Option(help="Show a column of the reference.")] = True,
    width: Annotated[Literal["page", "column"], Option(help="Width in a paper.")] = "page",
    label: Annotated[
        list[str] | None,
        Option(metavar="NAME=TEXT", help="Text for a method or photograph; repeatable."),
    ] = None,
    style_file: options.StyleFile = None,
    out: Annotated[
        Path | None,
        Option(
            help="File to write, .png, .pdf, or both without a suffix.",
            show_default="RUN/figures/figure-IMAGES-RESOLUTIONS",
        ),
    ] = None,
) -> None:
    """Draw photographs by several methods: methods across, photographs and resolutions down, with
    enlarged crops."""
    from analysis import style
    from analysis.figures import FIGURES, comparison
    from analysis.figures.comparison import FigureSpec
    from analysis.figures.strips import ENDS
    from analysis.runs import run

    plot_style = style.read(style_file)
    loaded = run.load(folder)
    options.check_known("image", image, loaded.images)
    wanted: Sequence[str | None] = resolution or [None]
    sizes = [options.resolution_of(loaded, text) for text in wanted]
    shown = [name.strip() for name in methods.split(",")] if methods else None
    options.check_known("methods", shown or [], loaded.methods)
    names = options.key_values(label, "--label")
    options.check_known("label", list(names), [*loaded.methods, *loaded.images, *ENDS])
    crops = crop or []
    if len(crops) not in {0, 1, len(image)}:
        raise InputError(f"--crop: {len(crops)} of them for {len(image)} images; one or one each")
    if out and out.suffix not in {"", ".png", ".pdf"}:
        raise InputError(f"--out {out}: the suffix must be .png or .pdf")
    ends = [name for name, asked in zip(ENDS, (masked, reference), strict=True) if asked]
    path = out or folder / FIGURES / _default_name(image, sizes)
    with style.styled(plot_style):
        inches = plot_style.page_width if width == "page" else plot_style.column_width
        spec = FigureSpec(image, sizes, shown, inches, crops, show, ends, names)
        drawn, boxes = comparison.draw(loaded, spec)
        suffixes = [out.suffix[1:]] if out and out.suffix else ["png", "pdf"]
        stem = str(path.with_suffix("")) if out and out.suffix else str(path)
        stems = [stem] if len(drawn) == 1 else [f"{stem}-{i}" for i in range(1, len(drawn) + 1)]
        for one, name in zip(drawn, stems, strict=True):
            style.save(one, Path(name), suffixes)
    if len(drawn) > 1:
        print(f"{len(drawn)} figures, because one would be higher than a page:")
    crops_used = " ".join(f"{box.left},{box.top},{box.width}" for box in boxes)
    written = " and ".join(f".{suffix}" for suffix in suffixes)
    print(f"{', '.join(f'{name}{written}' for name in stems)}, crop {crops_used}")


def _default_name(images: list[str], sizes: list[Resolution]) -> str:
    shown = "-".join(images) if len(images) <= _MOST_NAMED else f"{len(images)}-images"
    return f"figure-{shown}-{'-'.join(map(str, sizes))}"
