"""The images of the report page, small enough to be mailed: overviews of whole photographs, and
crops at full resolution around the hole."""

from __future__ import annotations

import base64
import math
from itertools import accumulate
from typing import Any, NamedTuple

import cv2
import numpy as np
from jinja2.utils import htmlsafe_json_dumps

from analysis.figures.case_images import Box, CaseImages, edge_box, hole_box
from methods.base import Image, Mask

# Bytes of the page that the images take at most; less where the rest of the page is large.
BUDGET = 12_600_000
MOST_PHOTOS = 40
# Base64 encodes three bytes as four.
_BASE64 = 3 / 4
_OVERVIEW_SHARE = 0.35
# WebP qualities, best first; the lower ones are for images that are almost only noise.
_QUALITIES = (82, 60, 40, 20, 5)
# Size at the best quality of photographs with much detail.
_BYTES_PER_PIXEL = 0.2
# Limits of the sides of images, in pixels.
_OVERVIEW_SIDES = (192, 720)
_CROP_SIDES = (128, 1600)
# Pixels that a crop shows around the hole.
_MARGIN = 64
# Crops keep at least this share of their sides.
_LEAST_SHARE = 0.1


def chosen(images: list[str]) -> list[str]:
    """Return the photographs in the gallery: all, or forty, evenly spread over the names."""
    step = max(1.0, len(images) / MOST_PHOTOS)
    return [images[int(i * step)] for i in range(min(len(images), MOST_PHOTOS))]


class _Crops(NamedTuple):
    """Crops of one photograph, not encoded before the sizes of all are known."""

    box: Box
    mask: Mask
    pixels: dict[str, Image]


class Gallery:
    """Images of `photos` photographs, `budget` bytes as JSON at most, added one by one."""

    def __init__(self, photos: int, methods: int, budget: int = BUDGET) -> None:
        self._budget = budget
        self._overview_bytes = budget * _OVERVIEW_SHARE / photos
        # An overview of a result stores only its hole, about a ninth of the image.
        self._overview_side = _side(self._overview_bytes / (1 + methods / 9), _OVERVIEW_SIDES)
        crop_bytes = budget * (1 - _OVERVIEW_SHARE) / (photos * (1 + methods))
        self._crop_side = _side(crop_bytes, _CROP_SIDES)
        self._overviews: list[dict[str, Any]] = []
        self._crops: list[_Crops] = []

    def add(self, images: CaseImages) -> None:
        """Add a photograph."""
        for quality in _QUALITIES:
            overview = _overview(images, self._overview_side, quality)
            if json_length(overview) <= self._overview_bytes:
                break
        self._overviews.append(overview)
        # The whole hole if it fits, else a square at its edge.
        box = hole_box(images.mask, _MARGIN)
        if box.width * box.height > self._crop_side**2:
            box = edge_box(images, self._crop_side)
        named = {"reference": images.reference, **images.results}
        # Copies, since views would keep the whole images in memory.
        crops = {name: box.crop(pixels).copy() for name, pixels in named.items()}
        self._crops.append(_Crops(box, box.crop(images.mask).copy(), crops))

    def entries(self) -> list[dict[str, Any]]:
        """Return a record per photograph for the page's script, images as data URLs.

        To fit the budget, crops are reduced and, if necessary, the last photographs left out.
        """
        left = self._budget - sum(map(json_length, self._overviews))
        share = 1.0
        while True:
            encoded = [_encoded_crops(crops, share) for crops in self._crops]
            size = sum(map(json_length, encoded))
            if size <= left or share == _LEAST_SHARE:
                break
            share = max(_LEAST_SHARE, share * 0.9 * math.sqrt(max(0, left) / size))
        entries = [
            {**overview, "crop": crop}
            for overview, crop in zip(self._overviews, encoded, strict=True)
        ]
        sizes = accumulate(map(json_length, entries))
        return entries[: sum(size <= self._budget for size in sizes)]


def json_length(value: dict[str, Any]) -> int:
    """Return the bytes that a record takes in the page, with a separator after it."""
    return len(htmlsafe_json_dumps(value)) + 2


def reduced_size(pixels: Image | Mask, side: int) -> tuple[int, int]:
    """Return width and height of an image whose longer side is reduced to `side` pixels."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def webp(pixels: Image, quality: int) -> bytes:
    """Return an image as a lossy WebP file."""
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".webp", stored, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()


def data_url(kind: str, content: bytes) -> str:
    """Return an image file as a URL that a page can embed."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _side(page_bytes: float, limits: tuple[int, int]) -> int:
    """Return the side of a square image that takes about `page_bytes` of the page."""
    return int(np.clip(math.sqrt(max(0.0, page_bytes) * _BASE64 / _BYTES_PER_PIXEL), *limits))


def _overview(images: CaseImages, side: int, quality: int) -> dict[str, Any]:
    height, width = images.mask.shape
    size = reduced_size(images.mask, side)
    small = cv2.resize(images.reference, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(images.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    changed: dict[str, dict[str, Any]] = {}
    for method, pixels in images.results.items():
        result = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        # Store only what differs from the reference.
        differs = (result != small).any(axis=2)
        changed[method] = {}
        if differs.any():
            box = hole_box(differs)
            source = _webp_url(box.crop(result), quality)
            changed[method] = {"src": source, "box": _percent(box, size)}
    return {
        "image": images.image,
        "width": width,
        "height": height,
        "overview": {"src": _webp_url(small, quality), "hole": _hole(mask), "changed": changed},
    }


def _encoded_crops(crops: _Crops, share: float) -> dict[str, Any]:
    """Encode the crops, reduced around their centre to `share` of their sides."""
    height, width = crops.mask.shape
    cut_x, cut_y = int(width * (1 - share) / 2), int(height * (1 - share) / 2)
    inner = Box(cut_x, cut_y, width - cut_x, height - cut_y)
    return {
        "left": crops.box.left + cut_x,
        "top": crops.box.top + cut_y,
        "width": inner.width,
        "height": inner.height,
        "hole": _hole(inner.crop(crops.mask)),
        "pictures": {name: _webp_url(inner.crop(pixels)) for name, pixels in crops.pixels.items()},
    }


def _percent(box: Box, size: tuple[int, int]) -> list[float]:
    """Return left, top, width and height in percent of an image of (width, height)."""
    width, height = size
    values = (box.left / width, box.top / height, box.width / width, box.height / height)
    return [round(100 * value, 4) for value in values]


def _webp_url(pixels: Image, quality: int = _QUALITIES[0]) -> str:
    return data_url("webp", webp(pixels, quality))


def _hole(mask: Mask) -> str:
    """Encode a mask as an image that is black in the hole and transparent elsewhere."""
    layers = np.zeros((*mask.shape, 4), np.uint8)
    layers[mask, 3] = 255
    return data_url("png", cv2.imencode(".png", layers)[1].tobytes())
