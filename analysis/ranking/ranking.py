"""From votes to a ranking: abilities and ranks with intervals, and differences between methods."""

from __future__ import annotations

import numpy as np

from analysis.bradley_terry import (
    Counts,
    Fit,
    NoEstimateError,
    bootstrap,
    bounded_groups,
    no_estimate,
    side_effect,
    small_samples,
)
from analysis.bradley_terry import fit as fit_counts
from analysis.ranking import plackett_luce, witness
from analysis.ranking.assembly import (
    Estimates,
    assembled,
    available_unit,
    refusal,
    unused_input,
)
from analysis.ranking.result import Ranking, Settings
from analysis.votes.votes import Votes, vote_arrays


def rank(votes: Votes, settings: Settings) -> Ranking:
    """Rank methods by votes: by the Bradley-Terry model, or, among several methods, Plackett-Luce.

    Raises InputError if the votes do not determine a ranking (the message names methods), or lack a
    column; or if another library finds another ranking.
    """
    if votes.form != "pairs":
        return plackett_luce.rank(votes, settings)
    unit, notes = available_unit(votes, settings.unit)
    notes += unused_input(votes)
    data, methods = vote_arrays(votes, unit)
    counts = data.counts()
    davidson = settings.ties == "davidson"
    order = settings.order and votes.sided
    if settings.order and not votes.sided:
        notes.append("the file does not tell left from right: no order effect")
    try:
        fit = fit_counts(counts, ties=davidson, order=order, prior=settings.prior)
    except NoEstimateError as error:
        raise refusal(votes, error, methods) from error
    checked = _witness(counts, fit, settings, order)
    resamples = bootstrap(
        data, settings.samples, settings.seed, ties=davidson, order=order, prior=settings.prior
    )
    found = Estimates(
        methods,
        fit,
        resamples,
        counts,
        bounded_groups(counts, ties=davidson, order=order),
        no_estimate(counts, ties=davidson, order=order) if settings.prior else None,
    )
    return assembled(
        votes,
        settings,
        unit,
        notes,
        found,
        model="Bradley-Terry",
        witness=checked,
        **_effects(found, settings, order),
    )


def _witness(counts: Counts, fit: Fit, settings: Settings, order: bool) -> witness.Witness | str:
    """Fit again by choix, which has neither ties nor an order effect but takes halves of votes."""
    if order:
        return "choix has no order effect"
    if settings.ties == "davidson" and counts.tie.any():
        return "choix has no ties by Davidson's model"
    wins = counts.wins + counts.ties / 2
    wins += settings.prior / 2 * (1 - np.eye(len(wins)))
    return witness.pairwise(wins, fit.abilities)


def _effects(found: Estimates, settings: Settings, order: bool) -> dict[str, float]:
    """Return standard errors of the order effect and of log t, and the former's p-value."""
    fit, resamples, level = found.fit, found.resamples, settings.level
    clusters, ties = resamples.clusters, settings.ties == "davidson"
    order_limits = np.full(2, np.nan)
    if not (order and settings.prior) or side_effect(found.counts, ties=ties) == "bounded":
        order_limits = small_samples.interval(resamples.order, float(fit.order), clusters, level)
    tie_limits = small_samples.interval(resamples.tie, float(fit.tie), clusters, level)
    return {
        "order_error": small_samples.standard_error(order_limits, clusters, level),
        "order_p": small_samples.p_value(float(fit.order), order_limits, clusters, level),
        "tie_error": small_samples.standard_error(tie_limits, clusters, level),
    }
