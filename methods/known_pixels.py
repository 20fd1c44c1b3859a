"""An image with a hole: what is known of it stays, bit for bit."""

from __future__ import annotations

from typing import Any

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
    check_image(image)
    check_mask(mask, image)
    if not mask.any():
        raise ValueError("mask is empty: there is nothing to fill")
    if mask.all():
        raise ValueError("mask covers the whole image: nothing is known to fill from")


def check_image(image: Any, name: str = "image") -> None:
    """Refuse what is not an image.

    Parameters
    ----------
    image
        Anything.
    name
        What the message calls it.

    Raises
    ------
    ValueError
        If it is not uint8 (H, W, 3).
    """
    is_bytes = isinstance(image, np.ndarray) and image.dtype == np.uint8
    if not is_bytes or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"{name} must be uint8 (H, W, 3) RGB, is {_described(image)}")


def check_mask(mask: Any, image: Image) -> None:
    """Refuse what is not a mask of an image.

    Parameters
    ----------
    mask
        Anything.
    image
        uint8 (H, W, 3).

    Raises
    ------
    ValueError
        If it is not bool (H, W).
    """
    shape = image.shape[:2]
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != shape:
        is_grey = isinstance(mask, np.ndarray) and mask.dtype == np.uint8 and mask.shape == shape
        remedy = "; mask > 127 turns 0 and 255 into it" if is_grey else ""
        raise ValueError(f"mask must be bool {shape}, True = hole, is {_described(mask)}{remedy}")


def _described(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return f"{type(value).__name__}, not an array of NumPy"


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
        raise MethodError(f"returned {_described(raw)} where uint8 {image.shape} was expected")
    return raw
