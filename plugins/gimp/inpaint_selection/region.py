"""Boxes and masks in plain bytes: GIMP's Python has no numpy.

A mask is one byte a pixel, row by row: 255 = hole, 0 = known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# A pixel is a hole if at least half of it is selected, of 255.
THRESHOLD = 128
HOLE = b"\xff"
KNOWN = b"\x00"
# As in the paper, the hole is the middle third of each side of the context.
THIRDS = 3
LEAST_SIDE = 512

_BINARY = bytes(0 if value < THRESHOLD else 255 for value in range(256))


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels: left and top edge, width and height."""

    x: int
    y: int
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def intersection(self, other: Box) -> Box | None:
        """Return the common part, None if there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        return Box(x, y, right - x, bottom - y) if x < right and y < bottom else None


def context_box(hole: Box, layer: Box) -> Box:
    """Return the box that a method sees: three times the hole's sides, at least 512 px.

    The box is moved inside the layer, and clipped if the layer is smaller."""
    x, width = _context(hole.x, hole.width, layer.x, layer.width)
    y, height = _context(hole.y, hole.height, layer.y, layer.height)
    return Box(x, y, width, height)


def _context(start: int, length: int, layer_start: int, layer_length: int) -> tuple[int, int]:
    size = min(max(THIRDS * length, LEAST_SIDE), layer_length)
    centred = start - (size - length) // 2
    return min(max(centred, layer_start), layer_start + layer_length - size), size


def threshold(values: bytes) -> bytes:
    """Return the mask of 8-bit values: hole if at least 128 of 255."""
    return values.translate(_BINARY)


def threshold_with_alpha(values_alpha: bytes) -> bytes:
    """Return the mask of interleaved 8-bit value and alpha: hole if both are at least 128."""
    values, alpha = threshold(values_alpha[::2]), threshold(values_alpha[1::2])
    both = int.from_bytes(values, "little") & int.from_bytes(alpha, "little")
    return both.to_bytes(len(values), "little")


def hole_box(mask: bytes, box: Box) -> Box | None:
    """Return the bounding box of the holes in the mask of `box`, None if there are none."""
    first, last = mask.find(HOLE), mask.rfind(HOLE)
    if first < 0:
        return None
    top, bottom = first // box.width, last // box.width
    left, right = box.width, -1
    for y in range(top, bottom + 1):
        start, end = y * box.width, (y + 1) * box.width
        first = mask.find(HOLE, start, end)
        if first >= 0:
            left = min(left, first - start)
            right = max(right, mask.rfind(HOLE, start, end) - start)
    return Box(box.x + left, box.y + top, right - left + 1, bottom - top + 1)


def cut(pixels: bytes, box: Box, part: Box, bytes_per_pixel: int) -> bytes:
    """Return the pixels of `part` from the pixels of `box`; outside of `box` they are 0."""
    common = box.intersection(part)
    blank = bytes(part.width * bytes_per_pixel)
    rows = [blank] * part.height
    if common is not None:
        left = bytes((common.x - part.x) * bytes_per_pixel)
        right = bytes(len(blank) - len(left) - common.width * bytes_per_pixel)
        for y in range(common.y, common.y + common.height):
            start = ((y - box.y) * box.width + common.x - box.x) * bytes_per_pixel
            row = pixels[start : start + common.width * bytes_per_pixel]
            rows[y - part.y] = left + row + right
    return b"".join(rows)


def runs(mask: bytes, width: int) -> Iterator[tuple[int, int]]:
    """Yield start and end, as indices into the mask, of every run of hole pixels in a row."""
    for row in range(0, len(mask), width):
        start = mask.find(HOLE, row, row + width)
        while start >= 0:
            end = mask.find(KNOWN, start, row + width)
            end = row + width if end < 0 else end
            yield start, end
            start = mask.find(HOLE, end, row + width)


def spliced(original: bytes, filled: bytes, mask: bytes, width: int, alpha: int) -> bytes:
    """Return `original` with the hole's pixels from `filled`, except their alpha.

    Both have the pixel format and the size of the mask; the last `alpha` bytes of a pixel, 0 or
    more, are its alpha."""
    size = len(original) // len(mask)
    result = bytearray(original)
    for start, end in runs(mask, width):
        result[start * size : end * size] = filled[start * size : end * size]
        for byte in range(size - alpha, size):
            channel = slice(start * size + byte, end * size, size)
            result[channel] = original[channel]
    return bytes(result)


def hole_pixels(filled: bytes, mask: bytes, width: int) -> bytes:
    """Return the hole's pixels of `filled`; all other bytes are 0, which is transparent."""
    return spliced(bytes(len(filled)), filled, mask, width, alpha=0)
