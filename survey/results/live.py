"""The ranking while votes come in, for the dashboard and for adaptive designs.

The fit is that of `analysis.bradley_terry`; intervals draw participants, as `analysis rank` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from analysis.bradley_terry.fit import Counts, Fit, NoEstimateError, finite, fit, fit_many
from survey.results.people import Judged
from survey.storage import store

DRAWS = 200
# With fewer people there is nothing to draw from.
FEWEST = 5
# Extra votes for each two methods where draws, or the votes so far, have no finite estimate.
PRIOR = 0.1


class Row(NamedTuple):
    """A line of the live ranking; the interval covers 95 %."""

    method: str
    ability: float
    ci_low: float
    ci_high: float
    rank: int
    wins: float
    losses: float
    ties: float


def counts(connection: Connection, methods: Sequence[str]) -> Counts:
    """Votes of those not excluded so far."""
    table = np.zeros((3, len(methods), len(methods)))
    number = {method: i for i, method in enumerate(methods)}
    for left, right, choice, times in store.tally(connection):
        if left in number and right in number:
            table[store.CHOICES.index(choice), number[left], number[right]] += times
    return Counts(*table)


def compared(valid: Sequence[Judged], wanted: Sequence[str]) -> list[str]:
    """The study's methods, and those that were taken out of it after there were votes on them."""
    voted = {m for one in valid for row in one.answers if not row.is_check
             for m in (row.left, row.right)}  # fmt: skip
    return [*wanted, *sorted(voted - set(wanted))]


def ranking(valid: Sequence[Judged], methods: Sequence[str]) -> tuple[list[Row], str]:
    """Best first, and a note on how it was made or why there is none."""
    if len(valid) < FEWEST:
        return [], f"The ranking begins with {FEWEST} valid participants; now {len(valid)}."
    tables = _by_person(valid, methods)
    total = tables.sum(0)
    found, note = _fit(Counts(*total))
    if found is None:
        return [], note
    low, high = _intervals(tables)
    order = np.argsort(-found.abilities, kind="stable")
    wins, ties = Counts(*total).wins, Counts(*total).ties
    rows = [
        Row(
            methods[i],
            float(found.abilities[i]),
            float(low[i]),
            float(high[i]),
            place,
            float(wins[i].sum()),
            float(wins[:, i].sum()),
            float(ties[i].sum()),
        )
        for place, i in enumerate(order, 1)
    ]
    return rows, note


def _by_person(valid: Sequence[Judged], methods: Sequence[str]) -> NDArray[np.float64]:
    """(people, 3, K, K): each participant's votes by choice, left and right method."""
    number = {method: i for i, method in enumerate(methods)}
    tables = np.zeros((len(valid), 3, len(methods), len(methods)))
    for table, one in zip(tables, valid, strict=True):
        for row in one.answers:
            if not row.is_check:
                cell = store.CHOICES.index(row.choice), number[row.left], number[row.right]
                table[cell] += 1
    return tables


def _fit(total: Counts) -> tuple[Fit | None, str]:
    made = f"Bradley-Terry on valid votes; 95 % intervals from {DRAWS} draws of participants."
    try:
        return fit(total), made
    except NoEstimateError:
        pass
    try:
        regularised = fit(total, prior=PRIOR)
    except NoEstimateError as error:
        return None, f"No ranking yet: {error}."
    return regularised, (
        f"{made} Too few votes for a finite ranking yet: it is pulled together by {PRIOR:g} votes "
        "for each two methods."
    )


def _intervals(tables: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    people, k = len(tables), tables.shape[-1]
    rng = np.random.default_rng(0)
    times = rng.multinomial(people, np.full(people, 1 / people), size=DRAWS).astype(float)
    drawn = (times @ tables.reshape(people, -1)).reshape(DRAWS, 3, k, k)
    redrawn = Counts(*drawn.swapaxes(0, 1))
    found = fit_many(redrawn, prior=PRIOR * ~finite(redrawn))
    low, high = np.quantile(found.abilities, [0.025, 0.975], axis=0)
    return low, high


def times_of_pairs(valid: Sequence[Judged], methods: Sequence[str]) -> list[list[Any]]:
    """Votes on each two methods, None on the diagonal."""
    total = _by_person(valid, methods).sum((0, 1))
    both = (total + total.T).astype(int)
    return [
        [None if i == j else int(both[i, j]) for j in range(len(methods))]
        for i in range(len(methods))
    ]
