"""How far votes can be trusted: agreement, circular triads, fit of the model, influence, speed."""

from __future__ import annotations

from typing import NamedTuple

import krippendorff
import numpy as np
import polars as pl
from scipy.stats import chi2

from analysis.bradley_terry import fit as bradley_terry
from analysis.bradley_terry.bootstrap import CHUNK, WEAK_PRIOR, Coded
from analysis.bradley_terry.fit import Array, Counts
from analysis.ranking.ranking import Ranking, coded
from analysis.votes.votes import CHOICES, LEFT, TIE, Votes

# Leave-one-out fits that are made at most; beyond, nobody dominates anyway.
MOST_LEFT_OUT = 5000


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
    data, _ = coded(votes, "image")
    first, second = np.minimum(data.left, data.right), np.maximum(data.left, data.right)
    value = np.where(
        data.choice == CHOICES.index(TIE),
        2,
        (data.choice == CHOICES.index(LEFT)) != (data.left == first),
    )
    person = votes.asked["participant"].to_physical().to_numpy()
    counts = (
        pl.DataFrame(
            {
                "image": data.cluster,
                "first": first,
                "second": second,
                "person": person,
                "value": value,
            }
        )
        # One answer of each person: who answers twice does not agree with somebody.
        .unique(("image", "first", "second", "person"), keep="first", maintain_order=True)
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
    data, _ = coded(votes, "image")
    return _triads(data)


def triads_of_people(votes: Votes) -> Triads | None:
    """Of triples of methods all of whose pairs one person judged on one image."""
    if not (votes.has("image") and votes.has("participant")):
        return None
    data, _ = coded(votes, "image")
    cell = votes.asked.select(pl.struct("participant", "image").rank("dense")).to_series()
    return _triads(data._replace(cluster=cell.to_numpy().astype(np.int32) - 1))


def _triads(data: Coded) -> Triads:
    """In each cluster."""
    assert data.cluster is not None
    k = data.methods
    lead = data.weight * np.array([1.0, -1.0, 0.0])[data.choice]
    place = data.left.astype(np.intp) * k + data.right
    circular = complete = 0
    at_once = max(1, int(CHUNK / (8 * k**2)))
    for first in range(0, data.clusters, at_once):
        number = min(at_once, data.clusters - first)
        mine = (data.cluster >= first) & (data.cluster < first + number)
        cells = (data.cluster[mine] - first) * k**2 + place[mine]
        ahead = np.bincount(cells, weights=lead[mine], minlength=number * k**2)
        ahead = ahead.reshape(number, k, k)
        beats = (ahead > ahead.swapaxes(1, 2)).astype(float)
        decided = beats + beats.swapaxes(1, 2)
        # Ways to walk round: three for a circular triple, six for any triple.
        circular += round(float(np.einsum("nij,nji->", beats @ beats, beats)) / 3)
        complete += round(float(np.einsum("nij,nji->", decided @ decided, decided)) / 6)
    return Triads(circular, complete)


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
    many, only one, or nothing changes."""
    if not 2 <= data.clusters <= MOST_LEFT_OUT or data.cluster is None:
        return None
    whole = _centred(ranking)
    best = np.argsort(-whole)
    size, k = 3 * data.methods**2, data.methods
    cells = data.cells()
    total = np.bincount(cells, weights=data.weight, minlength=size)
    found = Influence(kind, "", 0.0, 0)
    at_once = max(1, int(CHUNK / (8 * size)))
    for first in range(0, data.clusters, at_once):
        number = min(at_once, data.clusters - first)
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
    return found if found.name else None


def _centred(ranking: Ranking) -> Array:
    return ranking.fit.abilities - ranking.fit.abilities.mean()


def _refitted(counts: Counts, ranking: Ranking) -> Array:
    settings = ranking.settings
    order = float(ranking.fit.order_error) > 0
    bounded = bradley_terry.finite(counts, order)
    prior = settings.prior or WEAK_PRIOR * ~bounded
    return bradley_terry.fit_many(
        counts,
        ties=settings.ties == "davidson",
        order=order,
        prior=prior,
        start=_centred(ranking),
    ).abilities
