"""`python -m analysis figure`: photographs by several methods, for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from analysis import style
from analysis.commands.options import RunFolder, StyleFile, check_known, words
from analysis.figures import figure_rows
from analysis.figures.figure_rows import Wanted
from analysis.figures.figures import ENDS, Show
from analysis.report import publish
from analysis.runs import run
from methods.errors import InputError

# Photographs that stand in the name of a file.
MOST_NAMED = 3


def figure(
    folder: RunFolder,
    image: Annotated[
        list[str], Option(help="Photograph, by its name without suffix; repeatable, a row each.")
    ],
    resolution: Annotated[
        list[int] | None,
        Option(help="Pixels; repeatable, a row each.", show_default="the run's highest"),
    ] = None,
    methods: Annotated[
        str | None, Option(help="Comma-separated, in the order of the figure.", show_default="all")
    ] = None,
    crop: Annotated[
        list[str] | None,
        Option(
            metavar="LEFT,TOP,SIDE",
            help="What to enlarge, in pixels of the highest resolution shown; once for all "
            "photographs or once for each.",
            show_default="where results differ most at the hole's edge",
        ),
    ] = None,
    show: Annotated[Show, Option(help="Whole pictures, what is enlarged, or both.")] = "both",
    masked: Annotated[bool, Option(help="A column of the masked input.")] = True,
    reference: Annotated[bool, Option(help="A column of the reference.")] = True,
    width: Annotated[Literal["page", "column"], Option(help="Of a paper.")] = "page",
    label: Annotated[
        list[str] | None,
        Option(metavar="NAME=TEXT", help="What to call a method or photograph; repeatable."),
    ] = None,
    style_file: StyleFile = None,
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
    look = style.read(style_file)
    loaded = run.load(folder)
    sizes = resolution or [max(loaded.resolutions)]
    check_known("image", image, loaded.images)
    check_known("resolution", sizes, loaded.resolutions)
    wanted = [name.strip() for name in methods.split(",")] if methods else None
    check_known("methods", wanted or [], loaded.methods)
    names = words(label, "--label")
    check_known("label", list(names), [*loaded.methods, *loaded.images, *ENDS])
    crops = crop or []
    if len(crops) not in {0, 1, len(image)}:
        raise InputError(f"--crop: {len(crops)} of them for {len(image)} images; one or one each")
    if out and out.suffix not in {"", ".png", ".pdf"}:
        raise InputError(f"--out {out}: the suffix must be .png or .pdf")
    ends = [name for name, there in zip(ENDS, (masked, reference), strict=True) if there]
    with style.styled(look):
        across = style.page() if width == "page" else style.column()
        asked = Wanted(image, sizes, wanted, across, crops, show, ends, names)
        drawn, boxes = figure_rows.draw(loaded, asked)
        target = out or folder / publish.FIGURES / _name(image, sizes)
        suffixes = (target.suffix[1:],) if out and out.suffix else ("png", "pdf")
        style.save(drawn, target.with_suffix("") if out and out.suffix else target, suffixes)
    said = " ".join(f"{box.left},{box.top},{box.width}" for box in boxes)
    print(f"{target}{'' if len(suffixes) == 1 else '.png and .pdf'}, crop {said}")


def _name(images: list[str], sizes: list[int]) -> str:
    shown = "-".join(images) if len(images) <= MOST_NAMED else f"{len(images)}-images"
    return f"figure-{shown}-{'-'.join(map(str, sizes))}"
