"""`python -m analysis merge`: several run folders become one."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def merge(
    folders: Annotated[list[Path], Argument(metavar="RUN...", help="Run folders, two or more.")],
    out: Annotated[Path, Option(metavar="DIR", help="The new run folder; not there, or empty.")],
    rename: Annotated[
        list[str] | None,
        Option(metavar="RUN:OLD=NEW", help="Another name for a method of a run; repeatable."),
    ] = None,
) -> None:
    """Join runs of the same protocol and photographs, of other methods or by other people, into
    one run folder, with tables, figures and report."""
    from analysis.merging.merge import merge as merge_runs
    from analysis.report.page import FILE_NAME
    from analysis.report.publish import publish

    command = ["python", "-m", "analysis", *sys.argv[1:]]
    merge_runs(
        folders,
        out,
        rename or [],
        command,
        say=lambda text: print(text, file=sys.stderr),
        publish=partial(publish, force=True),
    )
    print(out / FILE_NAME)
