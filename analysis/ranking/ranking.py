"""From votes to a ranking: abilities and ranks with intervals, and differences between methods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry import (
    Array,
    Counts,
    Fit,
    NoEstimateError,
    Resamples,
    VoteArrays,
    bootstrap,
    bounded_by_prior,
    bounded_groups,
    no_estimate,
    ranks,
    side_effect,
    small_samples,
    with_names,
)
from analysis.bradley_terry import fit as fit_counts
from analysis.ranking.pairwise import (
    SIGNIFICANT,
    PairDifference,
    compact_letter_display,
    pairwise_differences,
)
from analysis.votes.columns import KNOWN, meant
from analysis.votes.names import composed
from analysis.votes.simulated import SimulatedShare, count_simulated
from analysis.votes.votes import Votes, vote_arrays
from methods.errors import InputError

Unit = Literal["participant", "vote", "image"]


@dataclass(frozen=True)
class Settings:
    """How to rank."""

    unit: Unit = "participant"  # what the bootstrap draws
    samples: int = 1000  # resamples of the bootstrap
    seed: int = 0
    level: float = 0.95  # nominal coverage of intervals, between 0 and 1
    ties: Literal["davidson", "half"] = "davidson"  # Davidson's model, or half a win for both
    order: bool = False  # whether to estimate the effect of the side
    prior: float = 0.0  # votes to add for each pair of methods, half of them won by each
    anchor: str | None = None  # method whose ability is 0; without one, their mean is 0


class RankedMethod(NamedTuple):
    """A row of ranking.csv; intervals of ability and rank are NaN if votes do not give any."""

    method: str
    ability: float
    std_error: float
    ci_low: float
    ci_high: float
    rank: int
    rank_low: float
    rank_high: float
    wins: float
    losses: float
    ties: float


@dataclass(frozen=True)
class Ranking:
    """A ranking with what it was computed from."""

    rows: list[RankedMethod]  # best first
    pairs: list[PairDifference]  # every two methods
    # Compact letter display: methods that share a letter do not differ significantly. Empty for
    # methods without an interval.
    letters: dict[str, str]
    fit: Fit
    counts: Counts
    methods: list[str]  # in the order of `fit` and `counts`
    unit: Unit  # what the bootstrap drew, which depends on the columns of the file
    settings: Settings
    notes: list[str]  # what readers must know
    simulated: SimulatedShare
    # Bootstrap standard errors of the order effect and of log t, and the p-value of the order
    # effect; NaN if not estimated.
    order_error: float
    order_p: float
    tie_error: float


def rank(votes: Votes, settings: Settings) -> Ranking:
    """Rank methods by votes.

    Raises
    ------
    InputError
        If the votes do not determine a ranking (the message names methods), or lack a column.
    """
    unit, notes = _available_unit(votes, settings.unit)
    notes += _unused_input(votes)
    data, methods = vote_arrays(votes, unit)
    counts = data.counts()
    anchor = _anchor(settings.anchor, methods)
    davidson = settings.ties == "davidson"
    order = settings.order and votes.sided
    if settings.order and not votes.sided:
        notes.append("the file does not tell left from right: no order effect")
    try:
        fit = fit_counts(counts, ties=davidson, order=order, prior=settings.prior)
    except NoEstimateError as error:
        reason = with_names(str(error), methods)
        raise InputError(f"{votes.source}: {reason}{_remedy(error)}") from error
    resamples = bootstrap(
        data, settings.samples, settings.seed, ties=davidson, order=order, prior=settings.prior
    )
    notes += _notes(resamples, data, settings, unit)
    group = bounded_groups(counts, ties=davidson, order=order)
    by_prior = bounded_by_prior(group, anchor)
    if settings.prior and (unbounded := no_estimate(counts, ties=davidson, order=order)):
        names = ", ".join(methods[i] for i in np.flatnonzero(by_prior))
        notes.append(
            f"Warning: {with_names(str(unbounded), methods)}; ability and standard error of "
            f"{names} come from the prior, not from votes: no intervals, no tests"
        )
    clusters = resamples.clusters
    shown = fit if anchor is None else fit.anchored(anchor)
    known = np.isfinite(small_samples.std_errors(resamples.abilities, clusters))
    known &= ~by_prior
    wide = small_samples.widened(resamples.abilities, fit.abilities, clusters, settings.level)
    if anchor is not None:
        wide = wide - wide[:, anchor, None]
    rows = _rows(methods, shown, wide, known, counts, settings.level)
    pairs = pairwise_differences(methods, fit, resamples, counts, settings.level, group)
    level = settings.level
    order_limits = np.full(2, np.nan)
    if not (order and settings.prior) or side_effect(counts, ties=davidson) == "bounded":
        order_limits = small_samples.interval(resamples.order, float(fit.order), clusters, level)
    tie_limits = small_samples.interval(resamples.tie, float(fit.tie), clusters, level)
    return Ranking(
        rows,
        pairs,
        _letters(rows, pairs),
        shown,
        counts,
        methods,
        unit,
        settings,
        notes,
        count_simulated(votes),
        order_error=small_samples.standard_error(order_limits, clusters, level),
        order_p=small_samples.p_value(float(fit.order), order_limits, clusters, level),
        tie_error=small_samples.standard_error(tie_limits, clusters, level),
    )


def _remedy(error: NoEstimateError) -> str:
    if error.exists:
        return "; --prior 1 gives a ranking, which says so"
    if error.prior_helps:
        other = {"ties": "--ties half or ", "no order": "leaving out --order or "}
        return (
            f": no finite ranking; {other.get(error.remedy, '')}--prior 1 gives one, which says so"
        )
    return "; leave out --order" if error.remedy else ""


def _available_unit(votes: Votes, unit: Unit) -> tuple[Unit, list[str]]:
    if unit == "vote" or votes.has(unit):
        return unit, []
    if unit == "image":
        raise InputError(f"{votes.source}: no column 'image' to draw images from")
    return "vote", [
        "no column 'participant': votes are drawn one by one, as if each came from another person; "
        "where they do not, intervals are too narrow"
    ]


def _unused_input(votes: Votes) -> list[str]:
    """Return notes on what is in the file but not in the ranking."""
    notes = []
    if len(votes.checks):
        notes.append(f"{len(votes.checks):,} answers to validation questions are not ranked")
    missing = [name for name in KNOWN if not votes.has(name)]
    for name in votes.unused:
        known = meant(name, missing)
        remedy = f" (is {known!r} meant? --column {known}={name} reads it)" if known else ""
        notes.append(f"the column {name!r} is not used{remedy}")
    return notes


def _anchor(name: str | None, methods: list[str]) -> int | None:
    if name is None:
        return None
    name = composed(name)
    if name not in methods:
        raise InputError(f"--anchor {name}: no votes for it ({', '.join(methods)})")
    return methods.index(name)


def _notes(resamples: Resamples, data: VoteArrays, settings: Settings, unit: Unit) -> list[str]:
    notes = []
    if settings.prior:
        notes.append(
            f"regularised: a prior of {settings.prior:g} for each pair of methods (so many more "
            "votes, half of them won by each)"
        )
    if (data.weight != 1).any():
        total = f"{float(data.weight.sum()):,.15g}"
        notes.append(f"weights: {len(data.weight):,} rows count as {total} votes")
        if unit == "vote" and not data.whole_weights:
            notes.append(
                "Warning: weights are not whole numbers of votes: rows are drawn for the "
                "intervals, each as if it were one vote of its weight"
            )
    errors = small_samples.std_errors(resamples.abilities, resamples.clusters)
    if resamples.unbounded and np.isfinite(errors).any():
        notes.append(
            f"{resamples.unbounded} of {settings.samples} resamples had no finite estimate and "
            "were fitted with a prior of 0.1 votes for each pair of methods"
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
