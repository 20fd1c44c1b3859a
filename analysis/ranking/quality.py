"""Quality of votes: agreement, circular triads, goodness of fit, influence of single clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import krippendorff
import numpy as np
import pandas as pd
from scipy.stats import chi2

from analysis import plackett_luce
from analysis.bradley_terry import Array, Counts, fit_resamples, probabilities
from analysis.bradley_terry.counts import parts
from analysis.ranking.result import Ranking, Unit
from analysis.votes.files import numbered
from analysis.votes.order_arrays import order_arrays
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
    if votes.form != "pairs" or not (votes.has("image") and votes.has("participant")):
        return None
    data, _ = vote_arrays(votes, "image")
    first, second = np.minimum(data.left, data.right), np.maximum(data.left, data.right)
    value = np.where(data.choice == 2, 2, (data.choice == 0) != (data.left == first))
    unit = {"image": data.cluster, "first": first, "second": second}
    person = votes.without_checks["participant"].cat.codes.to_numpy()
    answers = pd.DataFrame({**unit, "person": person, "value": value})
    # The first answer only: repeated answers of one participant are no agreement.
    answers = answers.drop_duplicates([*unit, "person"])
    counts = answers.groupby([*unit, "value"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=range(3), fill_value=0).to_numpy()
    judged = counts[counts.sum(axis=1) >= 2]
    if len(judged) < 2 or (judged.sum(axis=0) > 0).sum() < 2:
        return None
    alpha = krippendorff.alpha(value_counts=judged, level_of_measurement="nominal")
    return Agreement(float(alpha), len(judged))


def circular_triads(votes: Votes, columns: Sequence[str]) -> Triads | None:
    """Count triads of the majorities for each combination of values.

    None without the columns, or if votes are no pairs.
    """
    if votes.form != "pairs" or not all(map(votes.has, columns)):
        return None
    data, _ = vote_arrays(votes, "vote")
    cluster = votes.without_checks.groupby(columns, observed=True).ngroup()
    data = data._replace(cluster=cluster.to_numpy(np.int32))
    circular = complete = 0
    for _, counts in data.counts_by_cluster():
        beats = (counts.wins > counts.wins.swapaxes(1, 2)).astype(float)
        decided = beats + beats.swapaxes(1, 2)
        # Closed walks of three steps: three in a circular triple, six in any triple.
        circular += round(float(np.einsum("nij,nji->", beats @ beats, beats)) / 3)
        complete += round(float(np.einsum("nij,nji->", decided @ decided, decided)) / 6)
    return Triads(circular, complete)


def goodness(ranking: Ranking) -> Goodness | None:
    """Test the model; None with a prior, among several methods, or without degrees of freedom."""
    if ranking.settings.prior or ranking.model != "Bradley-Terry":
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
    whole = ranking.fit.abilities - ranking.fit.abilities.mean()
    strongest = Influence(unit, "", 0.0, 0)
    left_out = _pairs_left_out if votes.form == "pairs" else _choices_left_out
    for names, abilities in left_out(votes, unit, ranking, whole):
        changes = np.abs(abilities - whole).max(axis=1)
        i = int(changes.argmax())
        if changes[i] > strongest.change:
            ordered = abilities[i][np.argsort(-whole)]
            trades = int((np.diff(ordered) > 0).sum())
            strongest = Influence(unit, names[i], float(changes[i]), trades)
    return strongest if strongest.name else None


def _pairs_left_out(
    votes: Votes, unit: Unit, ranking: Ranking, whole: Array
) -> Iterator[tuple[list[str], Array]]:
    """Yield names of some participants or images, and abilities without each of them."""
    data, _ = vote_arrays(votes, unit)
    if data.n_clusters < 2:
        return
    settings = ranking.settings
    names = numbered(votes.without_checks[unit])[1]
    for first, own in data.counts_by_cluster():
        rest = Counts(*(total - part for total, part in zip(ranking.counts, own, strict=True)))
        estimates, _ = fit_resamples(
            rest,
            ties=settings.ties == "davidson",
            order=float(ranking.fit.order_error) > 0,
            prior=settings.prior,
            start=whole,
        )
        yield names[first:], estimates.abilities


def _choices_left_out(
    votes: Votes, unit: Unit, ranking: Ranking, whole: Array
) -> Iterator[tuple[list[str], Array]]:
    """Yield the same from votes among several methods."""
    data, _, names = order_arrays(votes, unit)
    own, total = data.by_cluster(), data.counts()
    for part in parts(len(names) if len(names) > 1 else 0, len(total)):
        rest = total - own[part.start : part.stop].toarray()
        estimates, _ = plackett_luce.fit_resamples(
            data.choices, rest, prior=ranking.settings.prior, start=whole
        )
        yield names[part.start :], estimates.abilities
