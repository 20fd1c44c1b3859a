"""The analysis from Python and notebooks: the code of its commands, tables of pandas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pandas as pd

from analysis.agreement import files as agreement_files
from analysis.agreement.correlate import Correlation, correlations
from analysis.ranking import study
from analysis.ranking.result import Settings, Unit
from analysis.ranking.tables import RankingResult
from analysis.runs import objective_table as objective_tables
from analysis.runs import run as run_folders
from analysis.runs import tables
from analysis.runs.from_scores import run_of
from analysis.runs.objective_table import ObjectiveTable
from analysis.runs.run import Run, highest
from analysis.votes import exclusions
from analysis.votes import votes as votes_files
from analysis.votes.exclusions import Rules
from analysis.votes.files import Source
from analysis.votes.frames import from_pandas, to_pandas
from analysis.votes.votes import Reading, Votes
from methods.base import Resolution
from methods.errors import InputError, in_python_words
from methods.validation import build

__all__ = ["RankingResult", "correlate", "objective_table", "rank", "read_votes"]

# A table, or the file that holds it.
Table: TypeAlias = "pd.DataFrame | str | Path"


@in_python_words()
def read_votes(
    path: str | Path,
    *,
    column: Mapping[str, str] | None = None,
    answer: Mapping[str, str] | None = None,
    separator: str | None = None,
) -> pd.DataFrame:
    """Read a votes file of the suite or of another platform.

    Parameters
    ----------
    path
        .csv or .parquet; docs/analysis.md describes the columns.
    column
        Our name of a column -> the file's.
    answer
        Word of the file -> "left", "right" or "tie".
    separator
        Of the columns; by default found from the file.

    Returns
    -------
    pandas.DataFrame
        A row for each answered question: `left`, `right` and `choice`, or `winner` and `loser`, or
        `chosen` and `other1`, `other2`, ..., or `order`; `weight`; and those of the other columns
        that the file has.

    Raises
    ------
    InputError
        If the file cannot be used; the message names the first line that is wrong.
    """
    return to_pandas(_read(path, column, answer, separator))


@in_python_words()
def rank(
    votes: Table,
    *,
    anchor: str | None = None,
    ties: Literal["davidson", "half"] = "davidson",
    order: bool = False,
    prior: float = 0.0,
    samples: int = 1000,
    seed: int = 0,
    bootstrap: Unit = "participant",
    level: float = 0.95,
    participants: Table | None = None,
    max_failed_checks: int | None = None,
    min_votes: int = 0,
    min_median_ms: float = 0.0,
    column: Mapping[str, str] | None = None,
    answer: Mapping[str, str] | None = None,
) -> RankingResult:
    """Rank methods by people's votes, with intervals and tests.

    The model is Bradley and Terry's for votes between two, Plackett and Luce's for choices among
    several and for orders.

    Parameters
    ----------
    votes
        `left`, `right` and `choice`, or `winner` and `loser`, or `chosen` and `others`, or `order`
        as a>b>c, with the columns `participant`, `image`, `weight` and so on where there are some;
        or a file of them.
    anchor, ties, order, prior, samples, seed, bootstrap, level
        As the options of `python -m analysis rank`; at least 100 samples.
    participants
        A table `participant`, `excluded`, or a file of it.
    max_failed_checks, min_votes, min_median_ms
        Whom to leave out, as the command's options.
    column, answer
        As for `read_votes`.

    Returns
    -------
    RankingResult
        The same numbers as the command's files.

    Raises
    ------
    InputError
        If an option or the votes cannot be used, or do not determine a ranking.
    """
    settings = _settings(
        unit=bootstrap,
        samples=samples,
        seed=seed,
        level=level,
        ties=ties,
        order=order,
        prior=prior,
        anchor=anchor,
    )
    rules = Rules(_optional(participants), max_failed_checks, min_votes, min_median_ms)
    valid, flow = exclusions.apply(_read(votes, column, answer), rules)
    return RankingResult(study.ranked(valid, flow, settings, ["analysis.rank"]), valid)


@in_python_words()
def correlate(
    scores: Table,
    votes: Table,
    resolution: Resolution | None = None,
    *,
    participants: Table | None = None,
    samples: int = 1000,
    seed: int = 0,
    column: Mapping[str, str] | None = None,
    answer: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Compare each metric of a run with people's votes.

    Parameters
    ----------
    scores
        Of `benchmark.run` or `benchmark.read_scores`, or a run folder.
    votes, participants, column, answer
        As for `rank`.
    resolution
        Of the results that people saw; by default the highest.
    samples, seed
        Resamples of photographs for the intervals, and the seed of the random numbers.

    Returns
    -------
    pandas.DataFrame
        A row for each metric with the columns of correlate.csv; ``attrs["notes"]`` says what
        readers must know.

    Raises
    ------
    InputError
        If votes and scores cannot be used or matched.
    """
    _settings(samples=samples, seed=seed)
    run = _run(scores)
    known = {str(size): size for size in run.resolutions}
    if resolution is not None and str(resolution) not in known:
        raise InputError(f"resolution {resolution}: not in this run ({', '.join(known)})")
    size = highest(run.resolutions) if resolution is None else known[str(resolution)]
    rules = Rules(_optional(participants))
    valid, flow = exclusions.apply(_read(votes, column, answer), rules)
    found = correlations(run, valid, size, samples, seed)
    frame = pd.DataFrame(found.rows, columns=list(Correlation._fields))
    frame = frame.assign(**found.simulated.constants(found.prior))
    frame.attrs["notes"] = agreement_files.notes_of(found, flow)
    return frame


@in_python_words()
def objective_table(scores: Table) -> ObjectiveTable:
    """Return the means of the protocol's metrics as Table 1 of Moskalenko et al. 2020.

    Parameters
    ----------
    scores
        Of `benchmark.run` or `benchmark.read_scores`, whole or rows of it, or a run folder.

    Returns
    -------
    ObjectiveTable
        A pandas.DataFrame of methods by resolutions and metrics. Its `to_latex` and `to_markdown`
        have the suite's layout, `notes` what readers must know.

    Raises
    ------
    InputError
        If the scores cannot be used.
    """
    return objective_tables.objective_table(tables.objective(_run(scores)))


def _read(
    votes: Table,
    column: Mapping[str, str] | None,
    answer: Mapping[str, str] | None,
    separator: str | None = None,
) -> Votes:
    reading = Reading(_names(column, "column"), _names(answer, "answer"), separator)
    return votes_files.read(_source(votes), reading)


def _names(given: Any, keyword: str) -> dict[str, str]:
    """Return names as they are in a file: of columns, or of answers, which may be numbers."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{keyword}: a dictionary is needed, not {type(given).__name__}")
    return {str(name): str(value) for name, value in given.items()}


def _source(table: Table) -> Source:
    if isinstance(table, pd.DataFrame):
        return from_pandas(table)
    return _path(table)


def _path(path: Any) -> Path:
    if not isinstance(path, str | Path):
        raise InputError(f"a DataFrame or a path is needed, not {type(path).__name__}")
    return Path(path).expanduser()


def _optional(table: Table | None) -> Source | None:
    return None if table is None else _source(table)


def _run(scores: Table) -> Run:
    if isinstance(scores, pd.DataFrame):
        return run_of(scores)
    return run_folders.load(_path(scores))


def _settings(**values: Any) -> Settings:
    try:
        return build(Settings, values, "analysis")
    except ValueError as error:
        # The keyword is that of the command's option.
        raise InputError(str(error).replace("unit:", "bootstrap:")) from None
