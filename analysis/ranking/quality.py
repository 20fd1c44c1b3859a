"""Quality of votes: agreement, circular triads, goodness of fit, influence of single clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import krippendorff
import numpy as np
import polars as pl
from scipy.stats import chi2

from analysis.bradley_terry import Counts, fit_resamples, probabilities
from analysis.ranking.result import Ranking, Unit
from analysis.votes.files import numbered
from analysis.votes.votes import Votes, vote_arrays


class Agreement(NamedTuple):
    """Krippendorff's alpha (nominal) over pairs of an image that at least two people judged."""

    alpha: float
    units: int


class Triads(NamedTuple):
    """Circular triples of methods (by chance one in four), and triples with three majorities."""

    circular: int
    complete: int


class Goodness(NamedTuple):
    """Likelihood-ratio test of the model against a separate share for each pair.

    Votes of one participant are not independent, so that the p-value tends to be too small.
    """

    deviance: float
    degrees: int
    p_value: float


class Influence(NamedTuple):
    """The participant or image without which an ability changes most.

    `trades` counts the neighbours in the ranking that trade places.
    """

    kind: str
    name: str
    change: float
    trades: int


def agreement(votes: Votes) -> Agreement | None:
    """Return the agreement between participants; None if no two of them judged the same."""
    if not (votes.has("image") and votes.has("participant")):
        return None
    data, _ = vote_arrays(votes, "image")
    first, second = np.minimum(data.left, data.right), np.maximum(data.left, data.right)
    value = np.where(data.choice == 2, 2, (data.choice == 0) != (data.left == first))
    unit = {"image": data.cluster, "first": first, "second": second}
    person = votes.without_checks["participant"].to_physical().to_numpy()
    counts = (
        pl.DataFrame({**unit, "person": person, "value": value})
        # The first answer only: repeated answers of one participant are no agreement.
        .unique((*unit, "person"), keep="first", maintain_order=True)
        .group_by(*unit)
        .agg((pl.col("value") == v).sum().alias(str(v)) for v in range(3))
        .sort(*unit)
        .drop(*unit)
        .to_numpy()
    )
    judged = counts[counts.sum(axis=1) >= 2]
    if len(judged) < 2 or (judged.sum(axis=0) > 0).sum() < 2:
        return None
    alpha = krippendorff.alpha(value_counts=judged, level_of_measurement="nominal")
    return Agreement(float(alpha), len(judged))


def circular_triads(votes: Votes, columns: Sequence[str]) -> Triads | None:
    """Count triads of the majorities for each combination of values; None without the columns."""
    if not all(map(votes.has, columns)):
        return None
    data, _ = vote_arrays(votes, "vote")
    cluster = votes.without_checks.select(pl.struct(columns).rank("dense")).to_series()
    data = data._replace(cluster=cluster.to_numpy().astype(np.int32) - 1)
    circular = complete = 0
    for _, counts in data.counts_by_cluster():
        beats = (counts.wins > counts.wins.swapaxes(1, 2)).astype(float)
        decided = beats + beats.swapaxes(1, 2)
        # Closed walks of three steps: three in a circular triple, six in any triple.
        circular += round(float(np.einsum("nij,nji->", beats @ beats, beats)) / 3)
        complete += round(float(np.einsum("nij,nji->", decided @ decided, decided)) / 6)
    return Triads(circular, complete)


def goodness(ranking: Ranking) -> Goodness | None:
    """Test the model; None with a prior, or if there are no degrees of freedom."""
    if ranking.settings.prior:
        return None
    fit = ranking.fit
    order = float(fit.order_error) > 0
    left, right, tie = ranking.counts
    if ranking.settings.ties == "half":
        left, right, tie = left + tie / 2, right + tie / 2, 0 * tie
    if not order:
        left, right, tie = np.triu(left + right.T), np.triu(right + left.T), np.triu(tie + tie.T)
    with_ties = bool(tie.any())
    log_tie = float(fit.tie) if with_ties else -np.inf
    expected = probabilities(np.concatenate([fit.abilities, [log_tie, float(fit.order)]]))
    votes = left + right + tie
    deviance = 0.0
    for observed, share in zip((left, right, tie), expected, strict=True):
        some = observed > 0
        ratio = observed[some] / (votes * share)[some]
        deviance += 2 * float((observed[some] * np.log(ratio)).sum())
    degrees = int((votes > 0).sum()) * (1 + with_ties)
    degrees -= len(fit.abilities) - 1 + with_ties + order
    if degrees < 1:
        return None
    return Goodness(max(deviance, 0.0), degrees, float(chi2.sf(deviance, degrees)))


def most_influential(votes: Votes, unit: Unit, ranking: Ranking) -> Influence | None:
    """Leave out each participant or image; None if there is only one, or nothing changes."""
    data, _ = vote_arrays(votes, unit)
    if data.n_clusters < 2:
        return None
    settings = ranking.settings
    whole = ranking.fit.abilities - ranking.fit.abilities.mean()
    names = numbered(votes.without_checks[unit])[1]
    strongest = Influence(unit, "", 0.0, 0)
    for first, own in data.counts_by_cluster():
        rest = Counts(*(total - part for total, part in zip(ranking.counts, own, strict=True)))
        estimates, _ = fit_resamples(
            rest,
            ties=settings.ties == "davidson",
            order=float(ranking.fit.order_error) > 0,
            prior=settings.prior,
            start=whole,
        )
        changes = np.abs(estimates.abilities - whole).max(axis=1)
        i = int(changes.argmax())
        if changes[i] > strongest.change:
            ordered = estimates.abilities[i][np.argsort(-whole)]
            trades = int((np.diff(ordered) > 0).sum())
            strongest = Influence(unit, names[first + i], float(changes[i]), trades)
    return strongest if strongest.name else None
