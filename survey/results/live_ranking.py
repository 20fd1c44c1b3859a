"""The ranking while votes come in, for the owner's page and for adaptive designs.

Fit, resamples of participants and what few of them allow are those of `analysis.bradley_terry`, so
that `analysis rank` finds the same in an export of the same votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection

from analysis.bradley_terry import (
    MIN_CLUSTERS,
    WEAK_PRIOR,
    Array,
    Counts,
    Fit,
    NoEstimateError,
    Resamples,
    bootstrap_clusters,
    bounded_by_prior,
    bounded_groups,
    fit,
    ranks,
    small_samples,
)
from survey.results.participants import Participant
from survey.storage import store

# Those of `analysis rank`.
_RESAMPLES, _SEED, _LEVEL = 1000, 0, 0.95


def vote_counts(connection: Connection, methods: Sequence[str]) -> Counts:
    """Return the votes of all participants who are not yet excluded."""
    table = np.zeros((3, len(methods), len(methods)))
    index = {method: i for i, method in enumerate(methods)}
    for left, right, choice, times in store.count_votes(connection):
        if left in index and right in index:
            table[store.CHOICES.index(choice), index[left], index[right]] += times
    return Counts(*table)


def methods_with_votes(valid: Sequence[Participant], methods: Sequence[str]) -> list[str]:
    """Return the study's methods, then those removed from it after there were votes on them."""
    voted = {method for one in valid for vote in one.votes for method in (vote.left, vote.right)}
    return [*methods, *sorted(voted - set(methods))]


def votes_by_participant(valid: Sequence[Participant], methods: Sequence[str]) -> Array:
    """Return votes by participant, choice, left and right method: (participants, 3, K, K).

    Participants are in the order of their codes, as `analysis rank` resamples them.
    """
    index = {method: i for i, method in enumerate(methods)}
    tables = np.zeros((len(valid), 3, len(methods), len(methods)))
    in_order = sorted(valid, key=lambda participant: str(participant.row.code))
    for table, participant in zip(tables, in_order, strict=True):
        for vote in participant.votes:
            table[store.CHOICES.index(vote.choice), index[vote.left], index[vote.right]] += 1
    return tables


def votes_of_pairs(votes: Array) -> list[list[int | None]]:
    """Return how often each two methods were compared, None on the diagonal."""
    total = votes.sum((0, 1))
    return [
        [None if i == j else int(times) for j, times in enumerate(row)]
        for i, row in enumerate(total + total.T)
    ]


class _Estimate(NamedTuple):
    """The ranking of K methods, and how sure it is."""

    votes: Counts
    prior: float  # with which it was fitted, 0 if the votes determine it
    fit: Fit
    resamples: Resamples
    low: Array  # limits of the intervals, (K,), NaN without one
    high: Array


def ranking(
    votes: Array, methods: Sequence[str], words: dict[str, str]
) -> tuple[list[dict[str, Any]], str]:
    """Rank methods by `votes_by_participant`, best first; say how, or why that is impossible.

    A row has the method's ability with its 95 % interval (None if votes do not give one), rank,
    wins, losses and ties. Methods without votes have no row. `words` are the texts `ranking_note`
    of a language.
    """
    votes = votes[votes.any((1, 2, 3))]
    if len(votes) < MIN_CLUSTERS:
        return [], words["begins"].format(least=MIN_CLUSTERS, people=len(votes))
    times = votes.sum((0, 1))
    voted = (times + times.T).any(0)
    try:
        found = _estimate(votes[:, :, voted][..., voted])
    except NoEstimateError as error:
        return [], words["only_ties" if error.remedy == "only ties" else "none"]
    rows = _rows(found, [method for method, has in zip(methods, voted, strict=True) if has])
    without = [method for method, has in zip(methods, voted, strict=True) if not has]
    return rows, " ".join(_notes(found, without, words))


def _estimate(votes: Array) -> _Estimate:
    total, prior = Counts(*votes.sum(0)), 0.0
    try:
        estimate = fit(total)
    except NoEstimateError:
        prior = WEAK_PRIOR
        estimate = fit(total, prior=prior)
    resamples = bootstrap_clusters(votes, _RESAMPLES, _SEED, prior=prior)
    errors = small_samples.std_errors(resamples.abilities, len(votes))
    by_prior = bounded_by_prior(bounded_groups(total, ties=True, order=False), None)
    known = np.isfinite(errors) & ~by_prior
    wide = small_samples.widened(resamples.abilities, estimate.abilities, len(votes), _LEVEL)
    limits = np.quantile(wide, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    low, high = np.where(known, limits, np.nan)
    return _Estimate(total, prior, estimate, resamples, low, high)


def _rows(found: _Estimate, methods: Sequence[str]) -> list[dict[str, Any]]:
    rank_of = ranks(found.fit.abilities)
    wins, ties = found.votes.wins, found.votes.ties
    return [
        {
            "method": methods[i],
            "ability": float(found.fit.abilities[i]),
            "ci_low": None if np.isnan(found.low[i]) else float(found.low[i]),
            "ci_high": None if np.isnan(found.high[i]) else float(found.high[i]),
            "rank": int(rank_of[i]),
            "wins": float(wins[i].sum()),
            "losses": float(wins[:, i].sum()),
            "ties": float(ties[i].sum()),
        }
        for i in np.argsort(rank_of, kind="stable")
    ]


def _notes(found: _Estimate, without: Sequence[str], words: dict[str, str]) -> list[str]:
    people, prior = found.resamples.clusters, f"{WEAK_PRIOR:g}"
    notes = [words["model"].format(resamples=_RESAMPLES)]
    if found.prior:
        notes.append(words["prior"].format(prior=prior))
    elif np.isnan(found.low).all():
        notes.append(words["alike"])
    elif found.resamples.unbounded:
        notes.append(words["unbounded"].format(number=found.resamples.unbounded, prior=prior))
    if small_samples.warnings(people, "participant"):
        notes.append(words["few"].format(people=people))
    if without:
        notes.append(words["no_votes"].format(methods=", ".join(without)))
    return notes
