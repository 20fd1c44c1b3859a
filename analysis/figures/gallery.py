"""The pictures of the report page, small enough to be mailed: overviews of whole images, and crops
at full resolution around the hole."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import cv2
import numpy as np
from jinja2.utils import htmlsafe_json_dumps
from numpy.typing import NDArray

from analysis.figures.pictures import Box, Pictures, edge_box, hole_box
from analysis.runs.run import Picture

# Bytes of the page that pictures take at most; less where the rest of it is large.
BUDGET = 12_600_000
# Base64 makes four bytes of three.
PLAIN = 3 / 4
OVERVIEW_SHARE = 0.35
# Of WebP, the best first; the lower ones are for pictures that are little but noise.
QUALITIES = (82, 60, 40, 20, 5)
# What the best takes for photographs with much detail.
BYTES_PER_PIXEL = 0.2
OVERVIEW_SIDES = (192, 720)
CROP_SIDES = (128, 1600)
# Of the known surroundings that a crop shows.
MARGIN = 64
MOST_PHOTOS = 40
# Crops are not cut down to less than this share of their sides.
LEAST_SHARE = 0.1


def chosen(images: list[str]) -> list[str]:
    """The photographs that the gallery shows: all, or forty evenly spread over the names."""
    step = max(1.0, len(images) / MOST_PHOTOS)
    return [images[int(i * step)] for i in range(min(len(images), MOST_PHOTOS))]


@dataclass
class _Crops:
    """Crops of one photograph, as pixels until all of them are known."""

    box: Box
    mask: NDArray[np.bool_]
    pixels: dict[str, Picture]


@dataclass
class Gallery:
    """Pictures gathered photograph by photograph; `entries` encodes them within the budget.

    photos, methods: how many there will be; budget: bytes of all entries as JSON."""

    photos: int
    methods: int
    budget: int = BUDGET
    _overviews: list[dict[str, Any]] = field(default_factory=list)
    _crops: list[_Crops] = field(default_factory=list)

    def add(self, pictures: Pictures) -> None:
        limit = self.budget * OVERVIEW_SHARE / self.photos
        for quality in QUALITIES:
            overview = _overview(pictures, self._overview_side(), quality)
            if json_length(overview) <= limit:
                break
        self._overviews.append(overview)
        box = _window(pictures, self._crop_side())
        named = {"reference": pictures.reference, **pictures.results}
        crops = {name: box.of(pixels).copy() for name, pixels in named.items()}
        self._crops.append(_Crops(box, box.of(pictures.mask).copy(), crops))

    def entries(self) -> list[dict[str, Any]]:
        """What the page's script reads: a record per photograph, pictures as data URLs. The last
        photographs are left out where the smallest pictures of all of them are too large."""
        left = self.budget - sum(map(json_length, self._overviews))
        share = 1.0
        while True:
            encoded = [_encoded_crops(crops, share) for crops in self._crops]
            size = sum(map(json_length, encoded))
            if size <= left or share == LEAST_SHARE:
                break
            share = max(LEAST_SHARE, share * 0.9 * math.sqrt(max(0, left) / size))
        entries = [
            {**overview, "crop": crop}
            for overview, crop in zip(self._overviews, encoded, strict=True)
        ]
        sizes = accumulate(map(json_length, entries))
        return entries[: sum(size <= self.budget for size in sizes)]

    def _overview_side(self) -> int:
        # Of a result only its hole is stored, about a ninth of the picture.
        pictures = self.photos * (1 + self.methods / 9)
        return _side(self.budget * OVERVIEW_SHARE / pictures, OVERVIEW_SIDES)

    def _crop_side(self) -> int:
        pictures = self.photos * (1 + self.methods)
        return _side(self.budget * (1 - OVERVIEW_SHARE) / pictures, CROP_SIDES)


def _side(page_bytes: float, limits: tuple[int, int]) -> int:
    """Side of a square picture that takes about so many bytes of the page."""
    return int(np.clip(math.sqrt(max(0.0, page_bytes) * PLAIN / BYTES_PER_PIXEL), *limits))


def _window(pictures: Pictures, side: int) -> Box:
    """The whole hole with some surroundings where that fits, else a square at its edge."""
    box = hole_box(pictures.mask, MARGIN)
    return box if box.width * box.height <= side**2 else edge_box(pictures, side)


def _overview(pictures: Pictures, side: int, quality: int) -> dict[str, Any]:
    height, width = pictures.mask.shape
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pictures.reference, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(pictures.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    changed = {}
    for method, pixels in pictures.results.items():
        result = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        # What equals the reference need not be stored twice.
        box = hole_box((result != small).any(axis=2)) if (result != small).any() else None
        if box:
            changed[method] = {"src": _webp(box.of(result), quality), "box": _percent(box, size)}
        else:
            changed[method] = {}
    return {
        "image": pictures.image,
        "width": width,
        "height": height,
        "overview": {"src": _webp(small, quality), "hole": _hole(mask), "changed": changed},
    }


def _encoded_crops(crops: _Crops, share: float) -> dict[str, Any]:
    """The crops, cut down around their centre to `share` of their sides."""
    height, width = crops.mask.shape
    cut_x, cut_y = int(width * (1 - share) / 2), int(height * (1 - share) / 2)
    inner = Box(cut_x, cut_y, width - cut_x, height - cut_y)
    return {
        "left": crops.box.left + cut_x,
        "top": crops.box.top + cut_y,
        "width": inner.width,
        "height": inner.height,
        "hole": _hole(inner.of(crops.mask)),
        "pictures": {name: _webp(inner.of(pixels)) for name, pixels in crops.pixels.items()},
    }


def _percent(box: Box, size: tuple[int, int]) -> list[float]:
    """left, top, width, height in percent of a picture."""
    width, height = size
    values = (box.left / width, box.top / height, box.width / width, box.height / height)
    return [round(100 * value, 4) for value in values]


def _webp(pixels: Picture, quality: int = QUALITIES[0]) -> str:
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return _url("webp", cv2.imencode(".webp", stored, [cv2.IMWRITE_WEBP_QUALITY, quality])[1])


def _hole(mask: NDArray[np.bool_]) -> str:
    """Black where the hole is, transparent elsewhere."""
    layers = np.zeros((*mask.shape, 4), np.uint8)
    layers[mask, 3] = 255
    return _url("png", cv2.imencode(".png", layers)[1])


def _url(kind: str, content: NDArray[np.uint8]) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content.tobytes()).decode()}"


def json_length(value: dict[str, Any]) -> int:
    """Bytes that a record takes in the page, the separator after it included."""
    return len(htmlsafe_json_dumps(value)) + 2
