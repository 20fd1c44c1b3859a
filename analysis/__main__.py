"""`python -m analysis`: from a run folder to tables, plots, figures and the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from typer import Argument, Option

from analysis import figures, pictures, publish, run, style
from analysis.errors import InputError, run_command_line
from analysis.pictures import Box, Pictures

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
RunFolder = Annotated[Path, Argument(metavar="RUN", help="Run folder, such as results/demo.")]


@app.callback()
def main() -> None:
    """Tables, plots, figures and reports from finished runs."""


@app.command()
def report(folder: RunFolder) -> None:
    """Write tables/, figures/ and report.html of a run folder again."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("drawing", total=None)
        page = publish.publish(
            folder,
            force=True,
            done=lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(page)


@app.command()
def figure(
    folder: RunFolder,
    image: Annotated[str, Option(help="Photograph, by its name without suffix.")],
    resolution: Annotated[
        int | None, Option(help="Pixels.", show_default="the run's highest")
    ] = None,
    methods: Annotated[
        str | None, Option(help="Comma-separated, in the order of the figure.", show_default="all")
    ] = None,
    crop: Annotated[
        str | None,
        Option(
            metavar="LEFT,TOP,SIDE",
            help="What to enlarge, in pixels.",
            show_default="where results differ most at the hole's edge",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Option(
            help="File to write, .png or .pdf.",
            show_default="RUN/figures/figure-IMAGE-RESOLUTION, both",
        ),
    ] = None,
) -> None:
    """Draw one photograph by several methods side by side, with an enlarged crop."""
    loaded = run.load(folder)
    size = resolution or max(loaded.resolutions)
    _check_known("image", [image], loaded.images)
    _check_known("resolution", [size], loaded.resolutions)
    wanted = [name.strip() for name in methods.split(",")] if methods else loaded.methods
    _check_known("methods", wanted, loaded.methods)
    if out and out.suffix not in {".png", ".pdf"}:
        raise InputError(f"--out {out}: the suffix must be .png or .pdf")
    shown = pictures.load(loaded, image, size, wanted)
    if shown is None or (methods and len(shown.results) < len(wanted)) or not shown.results:
        missing = [name for name in wanted if shown is None or name not in shown.results]
        raise InputError(
            f"{folder}: no result of {', '.join(missing)} for {image} at {size} px; run it first"
        )
    box = _box(crop, shown) if crop else pictures.edge_box(shown, figures.crop_side(shown))
    target = out or folder / publish.FIGURES / f"figure-{image}-{size}"
    with style.styled():
        drawn = figures.side_by_side(shown, box)
        if out:
            style.save(drawn, out.with_suffix(""), (out.suffix[1:],))
        else:
            style.save(drawn, target)
    print(f"{target}{'' if out else '.png and .pdf'}, crop {box.left},{box.top},{box.width}")


def _box(crop: str, shown: Pictures) -> Box:
    height, width = shown.mask.shape
    try:
        left, top, side = (int(number) for number in crop.split(","))
    except ValueError:
        raise InputError(f"--crop {crop!r}: write it as LEFT,TOP,SIDE in pixels") from None
    if min(left, top) < 0 or side < 1 or left + side > width or top + side > height:
        raise InputError(f"--crop {crop}: reaches out of the image of {width}x{height} pixels")
    return Box(left, top, left + side, top + side)


def _check_known(what: str, given: list, known: list) -> None:
    for name in given:
        if name not in known:
            raise InputError(f"--{what} {name}: not in this run ({', '.join(map(str, known))})")


if __name__ == "__main__":
    run_command_line(app)
