"""How far votes can be trusted: agreement, circular triads, fit of the model, influence, speed."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import krippendorff
import numpy as np
import polars as pl
from scipy.stats import chi2

from analysis import bradley_terry
from analysis.bootstrap import WEAK_PRIOR, Coded
from analysis.bradley_terry import Array, Counts
from analysis.ranking import Ranking
from analysis.votes import CHOICES, LEFT, TIE, Votes

# Leave-one-out fits that are made at most; beyond, nobody dominates anyway.
MOST_LEFT_OUT = 5000
AT_ONCE = 500


class Agreement(NamedTuple):
    """alpha: Krippendorff's, nominal, over people who judged the same pair of the same image;
    units: pairs of an image that two people or more judged."""

    alpha: float
    units: int


class Triads(NamedTuple):
    """Triples of methods whose majorities on one image go round in a circle, of those with a
    majority in all three pairs. By chance it would be one in four."""

    circular: int
    complete: int


class Goodness(NamedTuple):
    """Likelihood-ratio test of the model against a free share for each pair. Votes of one person
    are not independent, so that the p-value is too small rather than too large."""

    deviance: float
    degrees: int
    p_value: float


class Influence(NamedTuple):
    """Who, left out, changes the abilities most. change: the largest of an ability; trades: pairs
    of neighbours in the ranking that trade places."""

    kind: str
    name: str
    change: float
    trades: int


def agreement(votes: Votes) -> Agreement | None:
    """None without images and participants, or where nobody judged what another one did."""
    if not (votes.has("image") and votes.has("participant")):
        return None
    swapped = pl.col("left") > pl.col("right")
    first_won = (pl.col("choice") == LEFT) != swapped
    value = pl.when(pl.col("choice") == TIE).then(2).otherwise(first_won.cast(pl.Int32))
    counts = (
        votes.asked.with_columns(
            first=pl.min_horizontal("left", "right"),
            second=pl.max_horizontal("left", "right"),
            value=value,
        )
        .group_by("image", "first", "second")
        .agg((pl.col("value") == v).sum().alias(str(v)) for v in range(len(CHOICES)))
        .sort("image", "first", "second")
        .select(str(v) for v in range(len(CHOICES)))
        .to_numpy()
    )
    judged = counts[counts.sum(axis=1) >= 2]
    if len(judged) < 2 or (judged.sum(axis=0) > 0).sum() < 2:
        return None
    alpha = krippendorff.alpha(value_counts=judged, level_of_measurement="nominal")
    return Agreement(float(alpha), len(judged))


def circular_triads(votes: Votes) -> Triads | None:
    """By the majority of each image; None without images."""
    if not votes.has("image"):
        return None
    circular = complete = 0
    for (_,), frame in votes.asked.group_by("image", maintain_order=True):
        beats = _majorities(frame)
        names = sorted({name for pair in beats for name in pair})
        for three in itertools.combinations(names, 3):
            wins = [sum((one, other) in beats for other in three if other != one) for one in three]
            complete += sum(wins) == 3
            circular += wins == [1, 1, 1]
    return Triads(circular, complete)


def _majorities(frame: pl.DataFrame) -> set[tuple[str, str]]:
    """Pairs (better, worse)."""
    won = (
        pl.when(pl.col("choice") == LEFT)
        .then(1)
        .when(pl.col("choice") == TIE)
        .then(0)
        .otherwise(-1)
    )
    swapped = pl.when(pl.col("left") > pl.col("right")).then(-1).otherwise(1)
    lead = (
        frame.with_columns(
            first=pl.min_horizontal("left", "right"),
            second=pl.max_horizontal("left", "right"),
            lead=won * swapped * pl.col("weight"),
        )
        .group_by("first", "second")
        .agg(pl.col("lead").sum())
    )
    return {
        (first, second) if value > 0 else (second, first)
        for first, second, value in lead.iter_rows()
        if value != 0
    }


def goodness(ranking: Ranking) -> Goodness | None:
    """None where there is nothing left to test, or a prior stands in."""
    if ranking.settings.prior:
        return None
    counts, fit = ranking.counts, ranking.fit
    order = float(fit.order_error) > 0
    tables = list(counts)
    if ranking.settings.ties == "half":
        tables = [counts.left + counts.tie / 2, counts.right + counts.tie / 2, 0 * counts.tie]
    if not order:
        left, right, tie = tables
        tables = [np.triu(left + right.T), np.triu(right + left.T), np.triu(tie + tie.T)]
    with_ties = bool(tables[2].any())
    log_tie = float(fit.tie) if with_ties else -np.inf
    parameters = np.concatenate([fit.abilities, [log_tie, float(fit.order)]])
    expected = bradley_terry.probabilities(parameters)
    votes = tables[0] + tables[1] + tables[2]
    deviance = 0.0
    for table, share in zip(tables, expected, strict=True):
        there = table > 0
        deviance += 2 * float((table[there] * np.log(table[there] / (votes * share)[there])).sum())
    degrees = int((votes > 0).sum()) * (1 + with_ties)
    degrees -= len(fit.abilities) - 1 + with_ties + order
    if degrees < 1:
        return None
    return Goodness(max(deviance, 0.0), degrees, float(chi2.sf(deviance, degrees)))


def most_influential(
    data: Coded, names: list[str], kind: str, ranking: Ranking
) -> Influence | None:
    """Leave-one-out over the clusters of `data`; names: of the clusters. None where there are too
    many or only one."""
    if not 2 <= data.clusters <= MOST_LEFT_OUT or data.cluster is None:
        return None
    whole = _centred(ranking)
    best = np.argsort(-whole)
    size, k = 3 * data.methods**2, data.methods
    cells = data.cells()
    total = np.bincount(cells, weights=data.weight, minlength=size)
    found = Influence(kind, "", 0.0, 0)
    for first in range(0, data.clusters, AT_ONCE):
        number = min(AT_ONCE, data.clusters - first)
        mine = (data.cluster >= first) & (data.cluster < first + number)
        place = (data.cluster[mine] - first) * size + cells[mine]
        own = np.bincount(place, weights=data.weight[mine], minlength=number * size)
        left = total - own.reshape(number, size)
        tables = left.reshape(number, 3, k, k).transpose(1, 0, 2, 3)
        abilities = _refitted(Counts(*tables), ranking)
        changes = np.abs(abilities - whole).max(axis=1)
        strongest = int(changes.argmax())
        if changes[strongest] > found.change:
            ordered = abilities[strongest][best]
            trades = int((np.diff(ordered) > 0).sum())
            found = Influence(kind, names[first + strongest], float(changes[strongest]), trades)
    return found


def _centred(ranking: Ranking) -> Array:
    return ranking.fit.abilities - ranking.fit.abilities.mean()


def _refitted(counts: Counts, ranking: Ranking) -> Array:
    settings = ranking.settings
    order = float(ranking.fit.order_error) > 0
    bounded = bradley_terry.finite(counts, order)
    prior = settings.prior or WEAK_PRIOR * ~bounded
    return bradley_terry.fit_many(
        counts, ties=settings.ties == "davidson", order=order, prior=prior
    ).abilities
