"""An image with a hole: what is known of it stays, bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from methods.errors import MethodError

# OpenCV is imported where it is used: methods are listed without it.

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# The published test inputs of Moskalenko et al. 2020 are black under the hole.
BLANK = 0


def blank(image: Image, mask: Mask) -> Image:
    """Return a copy of the image with black pixels in the hole.

    Parameters
    ----------
    image
        uint8 (H, W, 3) RGB, 0-255.
    mask
        bool (H, W), True = hole.

    Returns
    -------
    ndarray
        uint8 (H, W, 3).
    """
    import cv2

    return cv2.copyTo(image, _as_uint8(~mask), np.full_like(image, BLANK))


def composite(image: Image, raw: Image, mask: Mask) -> Image:
    """Paste the known pixels over a raw result.

    Parameters
    ----------
    image, raw
        uint8 (H, W, 3).
    mask
        bool (H, W), True = hole.

    Returns
    -------
    ndarray
        uint8 (H, W, 3): the pixels of `raw` in the hole and those of `image`, bit for bit, outside.
    """
    import cv2

    return cv2.copyTo(raw, _as_uint8(mask), image.copy())


def known_pixels_changed(image: Image, raw: Image, mask: Mask) -> int:
    """Count the pixels outside the hole that differ between two images in any channel.

    Parameters
    ----------
    image, raw
        uint8 (H, W, 3).
    mask
        bool (H, W), True = hole.

    Returns
    -------
    int
        From 0 to H * W.
    """
    import cv2

    # Most methods change none, which OpenCV detects thirty times faster than numpy counts.
    if cv2.norm(image, raw, cv2.NORM_L1, _as_uint8(~mask)) == 0:
        return 0
    return int(np.count_nonzero((image != raw).any(axis=2) & ~mask))


def _as_uint8(mask: Mask) -> NDArray[np.uint8]:
    """Return a mask in OpenCV's type, without copying where that is possible."""
    return np.ascontiguousarray(mask).view(np.uint8)


def check_pair(image: Image, mask: Mask) -> None:
    """Refuse an image and a mask that cannot be filled.

    Parameters
    ----------
    image
        uint8 (H, W, 3) RGB, 0-255.
    mask
        bool (H, W), True = hole.

    Raises
    ------
    ValueError
        If type, shape or sizes differ from these, or the mask is empty or full.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be uint8 (H, W, 3) RGB, is {image.dtype} {image.shape}")
    if mask.dtype != np.bool_ or mask.shape != image.shape[:2]:
        raise ValueError(
            f"mask must be bool {image.shape[:2]}, True = hole, is {mask.dtype} {mask.shape}"
        )
    if not mask.any():
        raise ValueError("mask is empty: there is nothing to fill")
    if mask.all():
        raise ValueError("mask covers the whole image: nothing is known to fill from")


def check_raw(raw: object, image: Image) -> Image:
    """Check what a method has returned.

    Parameters
    ----------
    raw
        Anything.
    image
        uint8 (H, W, 3): what the method was given.

    Returns
    -------
    ndarray
        `raw`, unchanged.

    Raises
    ------
    MethodError
        If it is not uint8 of the image's shape.
    """
    if not isinstance(raw, np.ndarray) or raw.dtype != np.uint8 or raw.shape != image.shape:
        actual = f"{raw.dtype} {raw.shape}" if isinstance(raw, np.ndarray) else type(raw).__name__
        raise MethodError(f"returned {actual} where uint8 {image.shape} was expected")
    return raw
