"""Blur of a result, without a reference."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmark.metrics.metric import ImagePair, Metric, Scores
from methods.base import Image

# Side of scikit-image's re-blurring filter in pixels.
H_SIZE = 11


def blur_effect(pair: ImagePair) -> Scores:
    """Return how blurred a result is: over the whole image, and in the box around the hole.

    References
    ----------
    Crete, Dolmiere, Ladret & Nicolas, The Blur Effect, 2007, as in scikit-image.
    """
    hole = None
    if pair.mask is not None:
        left, top, width, height = cv2.boundingRect(pair.mask.view(np.uint8))
        hole = _blur(pair.result[top : top + height, left : left + width])
    return Scores(_blur(pair.result), hole)


def _blur(image: Image) -> float:
    """Return 0 (sharp) to 1 (blurred); NaN where the image is uniform, which is neither."""
    from skimage.measure import blur_effect as measure

    grey: NDArray[np.float64] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) / 255.0
    # Rounding errors of the filter would decide.
    if min(grey.shape) < 2 or np.ptp(grey) == 0:
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(measure(grey, h_size=H_SIZE))


BLUR_EFFECT = Metric(
    name="blur_effect",
    label="Blur",
    better="lower",
    definition=(
        "blur effect (Crete et al. 2007) as in scikit-image, h_size=11, on grey values, 0 = sharp, "
        "1 = blurred; over the hole: in the box around it; needs no reference"
    ),
    across_resolutions=False,
    needs_reference=False,
    function=blur_effect,
)
