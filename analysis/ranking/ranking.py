"""From votes to a ranking: abilities with intervals, ranks, and who differs from whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from analysis.bradley_terry import fit as bradley_terry
from analysis.bradley_terry import small_samples, unbounded
from analysis.bradley_terry.bootstrap import Coded, Draws, draws
from analysis.bradley_terry.counts import bounded_groups
from analysis.bradley_terry.fit import Array, Counts, Fit, NoEstimateError
from analysis.votes.simulated import Simulated, simulated
from analysis.votes.votes import KNOWN, Votes, numbered
from methods.errors import InputError, closest

Unit = Literal["participant", "vote", "image"]
# Pairs that differ at this level, after Holm's adjustment, get different letters.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Settings:
    """unit: what the bootstrap draws; samples: how often; level: of intervals; ties: Davidson's
    model, or half a win for both; order: estimate the effect of the side; prior: extra votes for
    each two methods; anchor: the method whose ability is 0, instead of mean zero."""

    unit: Unit = "participant"
    samples: int = 1000
    seed: int = 0
    level: float = 0.95
    ties: Literal["davidson", "half"] = "davidson"
    order: bool = False
    prior: float = 0.0
    anchor: str | None = None


class Row(NamedTuple):
    """A line of ranking.csv. Intervals of ability and rank are NaN where votes do not give any."""

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


class Pair(NamedTuple):
    """Two methods, the better one first. difference: of abilities; share: of the decided votes that
    the first is expected to win; p_value: two-sided, adjusted for all pairs (Holm). Intervals and
    p_value are NaN where votes do not give any."""

    better: str
    worse: str
    difference: float
    ci_low: float
    ci_high: float
    share: float
    share_low: float
    share_high: float
    p_value: float
    votes: float


@dataclass(frozen=True)
class Ranking:
    """rows: best first; letters: methods that share one do not differ significantly, none where
    that is not known; unit: what was drawn, after what the votes allow; notes: what a reader must
    know; simulated: how many of the participants were; order_error, tie_error: standard errors of
    the effect of the side and of log t from the bootstrap, and order_p: that such an effect is
    chance, NaN where they are not estimated."""

    rows: list[Row]
    pairs: list[Pair]
    letters: dict[str, str]
    fit: Fit
    counts: Counts
    methods: list[str]
    unit: Unit
    settings: Settings
    notes: list[str]
    simulated: Simulated
    order_error: float = math.nan
    order_p: float = math.nan
    tie_error: float = math.nan


def coded(votes: Votes, unit: Unit | Literal["group"]) -> tuple[Coded, list[str]]:
    """Votes as numbers, validation questions left out, and the methods' names in alphabetical
    order. Raises InputError."""
    frame = votes.asked
    if frame.is_empty():
        raise InputError(f"{votes.source}: no votes are left")
    if not frame["weight"].sum():
        raise InputError(f"{votes.source}: no votes, every weight is 0")
    both, methods = numbered(pl.concat([frame["left"], frame["right"]]))
    return Coded(
        both[: len(frame)],
        both[len(frame) :],
        frame["choice"].to_physical().to_numpy().astype(np.int8),
        frame["weight"].to_numpy(),
        None if unit == "vote" else numbered(frame[unit])[0],
        len(methods),
    ), methods


def rank(votes: Votes, settings: Settings) -> Ranking:
    """Raises InputError where the votes do not determine a ranking; the message names methods."""
    unit, notes = _unit(votes, settings.unit)
    notes += _left_aside(votes)
    data, methods = coded(votes, unit)
    counts = data.counts()
    anchor = _anchor(settings.anchor, methods)
    davidson = settings.ties == "davidson"
    order = settings.order and votes.sided
    if settings.order and not votes.sided:
        notes.append("the file does not tell left from right: no order effect")
    try:
        fit = bradley_terry.fit(counts, ties=davidson, order=order, prior=settings.prior)
    except NoEstimateError as error:
        raise InputError(f"{votes.source}: {unbounded.refusal(error, methods)}") from error
    drawn = draws(
        data, settings.samples, settings.seed, ties=davidson, order=order, prior=settings.prior
    )
    notes += _notes(drawn, data, settings, unit)
    if settings.prior:
        notes += unbounded.warnings(counts, methods, anchor)
    shown = fit if anchor is None else fit.anchored(anchor)
    pairs = pairwise(methods, fit, drawn, counts, settings.level)
    known = np.isfinite(small_samples.errors(drawn.abilities, drawn.clusters))
    known &= ~unbounded.from_prior(counts, anchor)
    wide = small_samples.widened(drawn.abilities, fit.abilities, drawn.clusters, settings.level)
    if anchor is not None:
        wide = wide - wide[:, anchor, None]
    rows = _rows(methods, shown, wide, known, counts, settings.level)
    compared = [row.method for row in rows if row.rank_low == row.rank_low]
    letters = dict.fromkeys(methods, "") | compact_letters(
        compared, {frozenset((p.better, p.worse)) for p in pairs if p.p_value < SIGNIFICANT}
    )
    order_error = small_samples.effect_error(drawn.order, drawn.clusters)
    return Ranking(
        rows, pairs, letters, shown, counts, methods, unit, settings, notes, simulated(votes),
        order_error,
        small_samples.p_value(float(fit.order), order_error, drawn.clusters),
        small_samples.effect_error(drawn.tie, drawn.clusters),
    )  # fmt: skip


def _unit(votes: Votes, wanted: Unit) -> tuple[Unit, list[str]]:
    if wanted == "vote" or votes.has(wanted):
        return wanted, []
    if wanted == "image":
        raise InputError(f"{votes.source}: no column 'image' to draw images from")
    return "vote", [
        "no column 'participant': votes are drawn one by one, as if each came from another person; "
        "where they do not, intervals are too narrow"
    ]


def _left_aside(votes: Votes) -> list[str]:
    """What is in the file but not in the ranking."""
    notes = []
    if len(votes.checks):
        notes.append(f"{len(votes.checks):,} answers to validation questions are not ranked")
    missing = [name for name in KNOWN if not votes.has(name)]
    for name in votes.unused:
        meant = closest(name, missing, 0.8)
        remedy = f" (is {meant!r} meant? --column {meant}={name} reads it)" if meant else ""
        notes.append(f"the column {name!r} is not used{remedy}")
    return notes


def _anchor(name: str | None, methods: list[str]) -> int | None:
    if name is None:
        return None
    if name not in methods:
        raise InputError(f"--anchor {name}: no votes for it ({', '.join(methods)})")
    return methods.index(name)


def _notes(drawn: Draws, data: Coded, settings: Settings, unit: Unit) -> list[str]:
    notes = []
    if settings.prior:
        notes.append(
            f"regularised: each two methods are taken to have been compared {settings.prior:g} "
            "times more, and won half of it each"
        )
    if (data.weight != 1).any():
        total = f"{float(data.weight.sum()):,.15g}"
        notes.append(f"weights: {len(data.weight):,} rows count as {total} votes")
        if unit == "vote" and not data.whole:
            notes.append(
                "Warning: weights are not whole numbers of votes: rows are drawn for the "
                "intervals, each as if it were one vote of its weight"
            )
    if drawn.unbounded:
        notes.append(
            f"{drawn.unbounded} of {settings.samples} draws had no finite estimate and were fitted "
            "with a prior of 0.1 votes for each two methods"
        )
    return notes + small_samples.warnings(drawn.clusters, unit)


def _rows(
    methods: list[str], fit: Fit, drawn: Array, known: NDArray[np.bool_], counts: Counts,
    level: float,
) -> list[Row]:  # fmt: skip
    """known: methods of which the draws tell an interval."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    place = np.argsort(np.argsort(-fit.abilities, kind="stable"), kind="stable") + 1
    places = (-drawn).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") + 1
    best, worst = np.quantile(places, [(1 - level) / 2, (1 + level) / 2], axis=0, method="nearest")
    wins, ties = counts.wins, counts.ties
    low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
    rows = [
        Row(
            method,
            ability=float(fit.abilities[i]),
            std_error=float(fit.std_errors[i]),
            ci_low=float(low[i]),
            ci_high=float(high[i]),
            rank=int(place[i]),
            rank_low=int(best[i]) if known[i] else math.nan,
            rank_high=int(worst[i]) if known[i] else math.nan,
            wins=float(wins[i].sum()),
            losses=float(wins[:, i].sum()),
            ties=float(ties[i].sum()),
        )
        for i, method in enumerate(methods)
    ]
    return sorted(rows, key=lambda row: row.rank)


def pairwise(
    methods: list[str], fit: Fit, drawn: Draws, counts: Counts, level: float
) -> list[Pair]:  # fmt: skip
    """Differences with percentile intervals; p-values from the bootstrap's standard error."""
    order = np.argsort(-fit.abilities, kind="stable")
    found = []
    votes = counts.wins + counts.wins.T + counts.ties
    wide = small_samples.widened(drawn.abilities, fit.abilities, drawn.clusters, level)
    group = bounded_groups(counts)
    for first, i in enumerate(order):
        for j in order[first + 1 :]:
            difference = float(fit.abilities[i] - fit.abilities[j])
            error = float(
                small_samples.errors(drawn.abilities[:, i] - drawn.abilities[:, j], drawn.clusters)
            )
            low = high = math.nan
            if group[i] != group[j]:
                error = math.nan
            if error > 0:
                limits = [(1 - level) / 2, (1 + level) / 2]
                low, high = np.quantile(wide[:, i] - wide[:, j], limits)
            p_value = small_samples.p_value(difference, error, drawn.clusters)
            found.append(
                Pair(
                    methods[i],
                    methods[j],
                    difference=difference,
                    ci_low=float(low),
                    ci_high=float(high),
                    share=float(expit(difference)),
                    share_low=float(expit(low)),
                    share_high=float(expit(high)),
                    p_value=p_value,
                    votes=float(votes[i, j]),
                )
            )
    adjusted = small_samples.holm([pair.p_value for pair in found])
    return [pair._replace(p_value=p) for pair, p in zip(found, adjusted, strict=True)]


def compact_letters(methods: list[str], different: set[frozenset[str]]) -> dict[str, str]:
    """Letters so that two methods share one exactly where they do not differ (H.-P. Piepho, An
    Algorithm for a Letter-Based Representation of All-Pairwise Comparisons, 2004: insert and
    absorb). methods: best first."""
    groups = [set(methods)]
    for pair in sorted(different, key=sorted):
        first, second = sorted(pair)
        split = []
        for group in groups:
            split += [group - {first}, group - {second}] if pair <= group else [group]
        groups = [
            group
            for i, group in enumerate(split)
            if not any(group < other or (group == other and j < i) for j, other in enumerate(split))
        ]
    groups.sort(key=lambda group: [methods.index(m) for m in sorted(group, key=methods.index)])
    letters = [chr(ord("a") + i) if i < 26 else f"({i + 1})" for i in range(len(groups))]
    return {
        method: "".join(
            letter for letter, group in zip(letters, groups, strict=True) if method in group
        )
        for method in methods
    }
