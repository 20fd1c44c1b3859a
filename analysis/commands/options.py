"""Options that several commands share, and what they mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from analysis.votes import votes
from methods.errors import InputError

RunFolder = Annotated[Path, Argument(metavar="RUN", help="Run folder, such as results/demo.")]
VotesFile = Annotated[Path, Argument(metavar="VOTES", help="Votes, .csv or .parquet.")]
Out = Annotated[Path, Option(help="Folder for what is written.")]
Participants = Annotated[
    Path | None, Option(help="participants.csv of a study; those it excludes are left out.")
]
MaxFailedChecks = Annotated[
    int | None,
    Option(
        min=0,
        help="People who failed more validation questions are left out.",
        show_default="0, without --participants",
    ),
]
MinVotes = Annotated[int, Option(min=0, help="People with fewer are left out.")]
MinMedian = Annotated[
    float,
    Option("--min-median-ms", min=0, help="People whose median answer was faster are left out."),
]
Prior = Annotated[
    float, Option(min=0, help="So many votes more for each two methods, half won each.")
]
Order = Annotated[bool, Option("--order", help="Estimate and test the effect of the side.")]
Columns = Annotated[
    list[str] | None,
    Option("--column", metavar="OURS=THEIRS", help="What a column is called; repeatable."),
]
Answers = Annotated[
    list[str] | None,
    Option("--answer", metavar="WORD=left|right|tie", help="What an answer means; repeatable."),
]
StyleFile = Annotated[
    Path | None, Option("--style", help="Widths, font and colours of a journal, .toml.")
]


def reading(columns: list[str] | None, answers: list[str] | None) -> votes.Reading:
    return votes.Reading(words(columns, "--column"), words(answers, "--answer"))


def words(given: list[str] | None, option: str) -> dict[str, str]:
    """NAME=VALUE, where NAME may be empty."""
    found = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise InputError(f"{option} {text!r}: write it as NAME=VALUE")
        found[name] = value
    return found


def numbers(text: str, option: str) -> list[float]:
    """Separated by commas."""
    try:
        found = [float(number) for number in text.split(",")]
        if all(map(math.isfinite, found)):
            return found
        raise ValueError
    except ValueError:
        raise InputError(f"{option} {text!r}: numbers separated by commas are needed") from None


def check_known(what: str, given: Sequence[object], known: Sequence[object]) -> None:
    for name in given:
        if name not in known:
            raise InputError(f"--{what} {name}: not in this run ({', '.join(map(str, known))})")
