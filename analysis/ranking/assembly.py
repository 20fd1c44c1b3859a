"""From fits and resamples to a ranking: what is the same for every model of votes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry import (
    Array,
    Counts,
    Fit,
    NoEstimateError,
    Resamples,
    bounded_by_prior,
    ranks,
    small_samples,
    with_names,
)
from analysis.ranking.pairwise import (
    SIGNIFICANT,
    PairDifference,
    compact_letter_display,
    pairwise_differences,
)
from analysis.ranking.result import RankedMethod, Ranking, Settings, Unit
from analysis.votes.columns import KNOWN, meant
from analysis.votes.names import composed, look_alike
from analysis.votes.simulated import count_simulated
from analysis.votes.votes import Votes
from methods.errors import InputError

# How many lines of a file a note names.
_MOST_LINES = 6


def available_unit(votes: Votes, unit: Unit) -> tuple[Unit, list[str]]:
    """Return what the bootstrap can draw, and a note if that is not `unit`.

    Raises InputError if there is no column to draw images from.
    """
    if unit == "vote" or votes.has(unit):
        return unit, []
    if unit == "image":
        raise InputError(f"{votes.source}: no column 'image' to draw images from")
    return "vote", [
        "no column 'participant': votes are drawn one by one, as if each came from another person; "
        "where they do not, intervals are too narrow"
    ]


def unused_input(votes: Votes) -> list[str]:
    """Return notes on what is in the file but not in the ranking."""
    notes = []
    if len(votes.checks):
        notes.append(f"{len(votes.checks):,} answers to validation questions are not ranked")
    if len(votes.headings) == 1:
        notes.append(f"line {votes.headings[0]} is the heading again, no vote")
    elif votes.headings:
        lines = ", ".join(map(str, votes.headings[:_MOST_LINES]))
        more = ", ..." if len(votes.headings) > _MOST_LINES else ""
        notes.append(f"lines {lines}{more} are headings again, no votes")
    return notes + _unused_columns(votes) + unused_answers(votes)


def _unused_columns(votes: Votes) -> list[str]:
    """Return a note on each column that may be meant, and one on all others."""
    missing = [name for name in KNOWN if not votes.has(name)]
    known = {name: "" if name in KNOWN else meant(name, missing) for name in votes.unused}
    notes = [
        f"the column {name!r} is not used (is {ours!r} meant? --column {ours}={name} reads it)"
        for name, ours in known.items()
        if ours
    ]
    others = [repr(name) for name, ours in known.items() if not ours]
    if len(others) == 1:
        notes.append(f"the column {others[0]} is not used")
    elif others:
        notes.append(f"{len(others)} columns are not used: {', '.join(others)}")
    return notes


def unused_answers(votes: Votes) -> list[str]:
    """Return notes on answers that were explained, but nobody gave."""
    return [
        f"--answer {word}=...: no row of the file has this answer" for word in votes.unused_answers
    ]


def refusal(votes: Votes, error: NoEstimateError, methods: Sequence[str]) -> InputError:
    """Return the error for votes that do not determine a ranking, with the remedy."""
    reason = f"{with_names(str(error), methods)}{_remedy(error)}"
    return InputError("; ".join([f"{votes.source}: {reason}", *_look_alike(methods)]))


def _look_alike(methods: Sequence[str]) -> list[str]:
    return [
        f"{' and '.join(map(repr, names))} differ only in capitals, blanks or invisible "
        "characters: if they are one method, spell it in one way"
        for names in look_alike(methods)
    ]


def _remedy(error: NoEstimateError) -> str:
    if error.exists:
        return "; --prior 1 gives a ranking, which says so"
    if error.prior_helps:
        other = {"ties": "--ties half or ", "no order": "leaving out --order or "}
        return (
            f": no finite ranking; {other.get(error.remedy, '')}--prior 1 gives one, which says so"
        )
    if error.remedy == "only ties":
        return "; --ties half gives all of them the same ability"
    return "; leave out --order"


class Estimates(NamedTuple):
    """What a model makes of the votes of K methods."""

    methods: list[str]  # their names
    fit: Fit  # of all votes, (K,)
    resamples: Resamples
    counts: Counts  # for each two methods, how many votes put which first, (K, K)
    group: NDArray[np.int32]  # `bounded_groups`, (K,)
    unbounded: NoEstimateError | None  # why there is no estimate without a prior, if there is none


def assembled(
    votes: Votes, settings: Settings, unit: Unit, notes: list[str], found: Estimates, **more: Any
) -> Ranking:
    """Assemble the rows, differences and notes of a ranking.

    Parameters
    ----------
    unit, notes
        What the bootstrap drew, and what readers must know so far.
    more
        The other fields of `Ranking`.
    """
    methods, fit, resamples, level = found.methods, found.fit, found.resamples, settings.level
    anchor = _anchor(settings.anchor, methods)
    by_prior = bounded_by_prior(found.group, anchor)
    notes = notes + _look_alike(methods) + _notes(votes, resamples, settings, unit)
    if settings.prior and found.unbounded:
        names = ", ".join(methods[i] for i in np.flatnonzero(by_prior))
        notes.append(
            f"Warning: {with_names(str(found.unbounded), methods)}; ability and standard error of "
            f"{names} come from the prior, not from votes: no intervals, no tests"
        )
    shown = fit if anchor is None else fit.anchored(anchor)
    known = np.isfinite(small_samples.std_errors(resamples.abilities, resamples.clusters))
    known &= ~by_prior
    wide = small_samples.widened(resamples.abilities, fit.abilities, resamples.clusters, level)
    if anchor is not None:
        wide = wide - wide[:, anchor, None]
    rows = _rows(methods, shown, wide, known, found.counts, level)
    pairs = pairwise_differences(methods, fit, resamples, found.counts, level, found.group)
    return Ranking(
        rows=rows,
        pairs=pairs,
        letters=_letters(rows, pairs),
        fit=shown,
        counts=found.counts,
        unit=unit,
        settings=settings,
        notes=notes,
        simulated=count_simulated(votes),
        **more,
    )


def _anchor(name: str | None, methods: list[str]) -> int | None:
    if name is None:
        return None
    name = composed(name)
    if name not in methods:
        raise InputError(f"--anchor {name}: no votes for it ({', '.join(methods)})")
    return methods.index(name)


def _notes(votes: Votes, resamples: Resamples, settings: Settings, unit: Unit) -> list[str]:
    notes = []
    if settings.prior:
        notes.append(
            f"regularised: a prior of {settings.prior:g} for each pair of methods (so many more "
            "votes, half of them won by each)"
        )
    weight = votes.without_checks["weight"].to_numpy()
    if (weight != 1).any():
        total = f"{float(weight.sum()):,.15g}"
        notes.append(f"weights: {len(weight):,} rows count as {total} votes")
        if unit == "vote" and (weight != np.rint(weight)).any():
            notes.append(
                "Warning: weights are not whole numbers of votes: rows are drawn for the "
                "intervals, each as if it were one vote of its weight"
            )
    errors = small_samples.std_errors(resamples.abilities, resamples.clusters)
    if resamples.unbounded and np.isfinite(errors).any():
        told = (
            f"{resamples.unbounded} of {settings.samples} resamples had no finite estimate and "
            "were fitted with a prior of 0.1 votes for each pair of methods"
        )
        most = 2 * resamples.unbounded > settings.samples
        notes.append(
            f"Warning: {told}: intervals depend on it more than on votes" if most else told
        )
    alike = not np.isfinite(errors).any()
    return notes + small_samples.warnings(resamples.clusters, unit, alike)


def _letters(rows: Sequence[RankedMethod], pairs: Sequence[PairDifference]) -> dict[str, str]:
    with_interval = [row.method for row in rows if not math.isnan(row.rank_low)]
    known = set(with_interval)
    different = {
        frozenset((p.better, p.worse))
        for p in pairs
        if p.p_value < SIGNIFICANT and {p.better, p.worse} <= known
    }
    letters = compact_letter_display(with_interval, different)
    return {row.method: letters.get(row.method, "") for row in rows}


def _rows(
    methods: list[str], fit: Fit, resampled: Array, known: NDArray[np.bool_], counts: Counts,
    level: float,
) -> list[RankedMethod]:  # fmt: skip
    """Return the methods, best first; resampled: (resamples, K); known: which have intervals."""
    limits = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.where(known, np.quantile(resampled, limits, axis=0), np.nan)
    best = np.quantile(ranks(resampled, "best"), limits[0], axis=0, method="nearest")
    worst = np.quantile(ranks(resampled, "worst"), limits[1], axis=0, method="nearest")
    rank_of = ranks(fit.abilities)
    wins, ties = counts.wins, counts.ties
    rows = [
        RankedMethod(
            method,
            ability=float(fit.abilities[i]),
            std_error=float(fit.std_errors[i]),
            ci_low=float(low[i]),
            ci_high=float(high[i]),
            rank=int(rank_of[i]),
            rank_low=int(best[i]) if known[i] else math.nan,
            rank_high=int(worst[i]) if known[i] else math.nan,
            wins=float(wins[i].sum()),
            losses=float(wins[:, i].sum()),
            ties=float(ties[i].sum()),
        )
        for i, method in enumerate(methods)
    ]
    return sorted(rows, key=lambda row: row.rank)
