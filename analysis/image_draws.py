"""Images drawn again: what people's abilities on them would have been with other photographs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis import per_image
from analysis.bootstrap import CHUNK, WEAK_PRIOR
from analysis.bradley_terry import Array, Counts, finite, fit_many


class ImageDraws(NamedTuple):
    """times: (draws, images), how often each image was drawn; people: (draws, images, methods),
    abilities on each, 0 where it was not drawn."""

    times: NDArray[np.int64]
    people: Array


def drawn(wins: Array, number: int, seed: int, prior: float) -> ImageDraws:
    """wins: of each image, (images, methods, methods). In each draw the overall abilities are
    fitted to the images drawn, and those on each image towards these: an overall order that chance
    made would otherwise stand fast in every draw, and look like agreement on every image."""
    images, k = wins.shape[:2]
    rng = np.random.default_rng(seed)
    times = rng.multinomial(images, np.full(images, 1 / images), size=number)
    total = (times @ wins.reshape(images, -1)).reshape(number, k, k)
    counts = Counts(total, 0 * total, 0 * total)
    weak = prior or WEAK_PRIOR * ~finite(counts)
    overall = fit_many(counts, prior=weak).abilities
    people = np.zeros((number, images, k))
    at_once = max(1, int(CHUNK / (8 * images * k**2)))
    for first in range(0, number, at_once):
        draw, image = np.nonzero(times[first : first + at_once])
        draw += first
        people[draw, image] = per_image.shrunk(wins[image], overall[draw])
    return ImageDraws(times, people)
