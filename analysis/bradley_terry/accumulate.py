"""Sum of weights over resamples, compiled: a module of its own, since Numba is slow to import."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry.counts import Array
from methods.compiled import compiled


@compiled(fastmath=True)
def add_votes(
    cells: NDArray[np.intp],
    owner: NDArray[np.int32],
    weight: Array,
    times: NDArray[np.uint8],
    tables: Array,
) -> None:
    """Add weight * times[owner, resample] to tables[cell, resample] for each vote.

    `cells` are sorted, so that a row of `tables` stays in the cache.
    """
    for vote in range(len(cells)):
        row, often, heavy = tables[cells[vote]], times[owner[vote]], weight[vote]
        for resample in range(len(row)):
            row[resample] += heavy * often[resample]
