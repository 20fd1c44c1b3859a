"""A metric of your own: the distance between mean colours."""

import numpy as np

from benchmark.metrics import ImagePair, Metric, Scores


def colour_shift(pair: ImagePair, weight: float = 1.0) -> Scores:
    def shift(where: np.ndarray) -> float:
        difference = pair.result[where].mean(axis=0) - pair.reference[where].mean(axis=0)
        return weight * float(np.linalg.norm(difference))

    everywhere = np.ones(pair.result.shape[:2], bool)
    return Scores(shift(everywhere), None if pair.mask is None else shift(pair.mask))


COLOUR_SHIFT = Metric(
    name="colour_shift",
    label="Colour shift",
    unit="0-442",
    better="lower",
    decimals=2,
    definition="distance between mean RGB colours, times {weight}; over the whole image",
    options={"weight": 1.0},
    across_resolutions=True,
    needs_reference=True,
    function=colour_shift,
)
