"""`python -m analysis site`: static pages about several runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from analysis.commands import options


def site(
    folders: Annotated[list[Path], Argument(metavar="RUN...", help="Run folders.")],
    out: Annotated[
        Path, Option(metavar="DIR", help="Folder for the pages; an earlier site in it is replaced.")
    ],
    resolution: Annotated[
        str | None,
        Option(
            metavar="PIXELS|native",
            help="Size of the pictures, in runs that have it.",
            show_default="the highest of each run",
        ),
    ] = None,
    full: Annotated[
        bool, Option("--full", help="Copy the PNG files that were scored, too.")
    ] = False,
    title: Annotated[str, Option(help="Heading of the first page.")] = "Inpainting results",
) -> None:
    """Write static pages about runs, of any protocols and datasets: tables to sort, and behind
    each number its definition, interval, pictures and provenance."""
    from analysis.site.build import build

    command = ["python", "-m", "analysis", *sys.argv[1:]]
    with options.progress_bar("pictures") as update:
        page = build(
            folders,
            out,
            resolution,
            full,
            title,
            command,
            progress=lambda name, done, total: update(
                description=name, completed=done, total=total
            ),
        )
    print(page)
