"""From votes among several methods to a ranking, by the Plackett-Luce model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis import plackett_luce
from analysis.bradley_terry import Fit, NoEstimateError, bounded_groups, no_estimate
from analysis.plackett_luce import OrderArrays
from analysis.ranking import witness
from analysis.ranking.assembly import (
    Estimates,
    assembled,
    available_unit,
    refusal,
    unused_input,
)
from analysis.ranking.result import Ranking, Settings
from analysis.votes.order_arrays import order_arrays
from analysis.votes.votes import Votes

# choix takes votes one by one; more comparisons than these take it longer than some seconds.
_MOST_COMPARISONS = 300_000


def rank(votes: Votes, settings: Settings) -> Ranking:
    """Rank methods by choices or orders; raise InputError as `analysis.ranking.ranking.rank`."""
    unit, notes = available_unit(votes, settings.unit)
    notes += unused_input(votes)
    if settings.order:
        notes.append(f"{votes.form} do not tell left from right: no order effect")
    if settings.ties == "half":
        notes.append(f"{votes.form} have no ties: --ties has no effect")
    data, methods, _ = order_arrays(votes, unit)
    counts = data.counts()
    implied = data.choices.implied(counts)
    try:
        fit = plackett_luce.fit(data.choices, counts, settings.prior)
    except NoEstimateError as error:
        raise refusal(votes, error, methods) from error
    checked = _witness(data, fit, settings.prior, votes.form == "orders")
    found = Estimates(
        methods,
        fit,
        plackett_luce.bootstrap(data, settings.samples, settings.seed, settings.prior),
        implied,
        bounded_groups(implied, ties=False, order=False),
        no_estimate(implied, ties=False, order=False) if settings.prior else None,
    )
    return assembled(
        votes,
        settings,
        unit,
        [*_described(votes, data.distinct), *notes],
        found,
        model="Plackett-Luce",
        witness=checked,
    )


def _described(votes: Votes, distinct: Sequence[tuple[int, ...]]) -> list[str]:
    sizes = sorted({len(vote) for vote in distinct})
    shown = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    what, first = f"orders of {shown} methods", "put the first before the second"
    if votes.form == "choices":
        what, first = f"choices of one among {shown} methods", "chose the first of two"
    return [
        f"Votes are {what}. Wins and losses of two methods, in pairs.csv and summed in the table: "
        f"votes that {first} where both were shown"
    ]


def _witness(data: OrderArrays, fit: Fit, prior: float, ordered: bool) -> witness.Witness | str:
    """Fit again by choix, which takes single votes without weights."""
    if prior:
        return "choix has no such prior for votes among several methods"
    if not data.whole_weights:
        return "choix takes whole numbers of votes among several methods"
    sizes = np.array([len(vote) for vote in data.distinct])
    comparisons = sizes * (sizes - 1) / 2 if ordered else sizes
    if data.votes @ comparisons > _MOST_COMPARISONS:
        return "choix takes too long for so many votes among several methods"
    single = [
        vote
        for vote, times in zip(data.distinct, data.votes, strict=True)
        for _ in range(int(times))
    ]
    check = witness.orders if ordered else witness.first_choices
    return check(single, fit.abilities)
