"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from methods.errors import InputError
from methods.terminal import plain_console

if TYPE_CHECKING:
    from analysis.runs.run import Run
    from analysis.votes import exclusions, votes
    from methods.base import Resolution

RunFolder = Annotated[Path, Argument(metavar="RUN", help="Run folder, such as results/demo.")]
VotesFile = Annotated[Path, Argument(metavar="VOTES", help="Votes, .csv or .parquet.")]
Out = Annotated[Path, Option(help="Folder for the files.")]
Participants = Annotated[
    Path | None, Option(help="participants.csv of a study; leave out participants it excludes.")
]
MaxFailedChecks = Annotated[
    int | None,
    Option(
        min=0,
        help="Leave out participants who failed more validation questions.",
        show_default="0, without --participants",
    ),
]
MinVotes = Annotated[int, Option(min=0, help="Leave out participants with fewer votes.")]
MinMedian = Annotated[
    float,
    Option("--min-median-ms", min=0, help="Leave out participants whose median answer was faster."),
]
Prior = Annotated[
    float, Option(min=0, help="Votes to add for each pair of methods, half of them won by each.")
]
Ties = Annotated[
    Literal["davidson", "half"], Option(help="Davidson's model, or half a win for both.")
]
Order = Annotated[bool, Option("--order", help="Estimate and test the effect of the side.")]
Columns = Annotated[
    list[str] | None,
    Option("--column", metavar="OURS=THEIRS", help="Name of a column in the file; repeatable."),
]
Answers = Annotated[
    list[str] | None,
    Option(
        "--answer",
        metavar="WORD=left|right|tie",
        help="Meaning of an answer in the file; repeatable.",
    ),
]
Separator = Annotated[
    str | None,
    Option(
        metavar="CHARACTER|tab",
        help="Separator of the columns in the votes file.",
        show_default="found from its heading and rows",
    ),
]
StyleFile = Annotated[
    Path | None, Option("--style", help="Widths, font and colours of a journal, .toml.")
]


def read_valid_votes(
    file: Path,
    columns: list[str] | None,
    answers: list[str] | None,
    separator: str | None,
    rules: exclusions.Rules,
) -> tuple[votes.Votes, list[exclusions.Step]]:
    """Read a votes file and apply exclusions; also return the steps from all to valid votes."""
    from analysis.votes import exclusions, votes

    reading = votes.Reading(
        key_values(columns, "--column"), key_values(answers, "--answer"), separator
    )
    found = votes.read(file, reading)
    beside = file.with_name("participants.csv")
    if rules.participants is None and beside != file and beside.is_file():
        print(
            f"note: {beside}, which may exclude participants, is not used; --participants reads it",
            file=sys.stderr,
        )
    return exclusions.apply(found, rules)


def resolution_of(run: Run, text: str | None) -> Resolution:
    """Return the value of `--resolution`, by default the highest of the run."""
    from analysis.runs.run import highest

    if text is None:
        return highest(run.resolutions)
    known = {str(size): size for size in run.resolutions}
    check_known("resolution", [text], list(known))
    return known[text]


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[..., None]]:
    """Show a progress bar on a terminal; give the function that updates it."""
    from rich.progress import Progress

    console = plain_console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        yield partial(bar.update, bar.add_task(description, total=None))


def key_values(texts: list[str] | None, option: str) -> dict[str, str]:
    """Parse NAME=VALUE of a repeatable option; NAME may be empty."""
    values: dict[str, str] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise InputError(f"{option} {text!r}: write it as NAME=VALUE")
        if values.setdefault(name, value) != value:
            raise InputError(f"{option} {text}: {option} {name}={values[name]} is there too")
    return values


def numbers(text: str, option: str) -> list[float]:
    """Parse finite numbers separated by commas."""
    try:
        values = [float(number) for number in text.split(",")]
    except ValueError:
        values = [math.nan]
    if not all(map(math.isfinite, values)):
        raise InputError(f"{option} {text!r}: numbers separated by commas are needed")
    return values


def check_known(option: str, values: Sequence[object], known: Sequence[object]) -> None:
    """Raise InputError if a value of an option is not in the run."""
    for value in values:
        if value not in known:
            raise InputError(f"--{option} {value}: not in this run ({', '.join(map(str, known))})")
