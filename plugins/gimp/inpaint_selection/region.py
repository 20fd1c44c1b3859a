"""Boxes and masks in plain bytes: GIMP's Python has no numpy.

A mask is one byte a pixel, row by row: 255 = hole, 0 = known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# At least half selected, of 255.
THRESHOLD = 128
HOLE = b"\xff"
KNOWN = b"\x00"
# The paper's proportion: the hole is the middle third of each side.
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

    def shifted(self, x: int, y: int) -> Box:
        return Box(self.x + x, self.y + y, self.width, self.height)

    def intersection(self, other: Box) -> Box | None:
        """What both cover, None where they do not meet."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        return Box(x, y, right - x, bottom - y) if x < right and y < bottom else None


def context_box(hole: Box, layer: Box) -> Box:
    """What a method is shown: three times the hole's box a side, at least 512 px, in the layer.

    A box that would stick out of the layer is moved inside; a layer that is smaller clips it.
    """
    x, width = _context(hole.x, hole.width, layer.x, layer.width)
    y, height = _context(hole.y, hole.height, layer.y, layer.height)
    return Box(x, y, width, height)


def _context(start: int, length: int, layer_start: int, layer_length: int) -> tuple[int, int]:
    wanted = min(max(THIRDS * length, LEAST_SIDE), layer_length)
    middle = start - (wanted - length) // 2
    return min(max(middle, layer_start), layer_start + layer_length - wanted), wanted


def threshold(values: bytes) -> bytes:
    """The mask of 8-bit values: hole where at least 128 of 255."""
    return values.translate(_BINARY)


def threshold_with_alpha(values_alpha: bytes) -> bytes:
    """The mask of interleaved 8-bit value and alpha: hole where both are at least 128 of 255."""
    values, alpha = threshold(values_alpha[::2]), threshold(values_alpha[1::2])
    both = int.from_bytes(values, "little") & int.from_bytes(alpha, "little")
    return both.to_bytes(len(values), "little")


def hole_box(mask: bytes, box: Box) -> Box | None:
    """The bounding box of the holes of `box`'s mask, None where there are none."""
    first, last = mask.find(HOLE), mask.rfind(HOLE)
    if first < 0:
        return None
    top, bottom = first // box.width, last // box.width
    left, right = box.width, -1
    for y in range(top, bottom + 1):
        start, end = y * box.width, (y + 1) * box.width
        found = mask.find(HOLE, start, end)
        if found >= 0:
            left = min(left, found - start)
            right = max(right, mask.rfind(HOLE, start, end) - start)
    return Box(box.x + left, box.y + top, right - left + 1, bottom - top + 1)


def cut(pixels: bytes, box: Box, wanted: Box, bytes_per_pixel: int) -> bytes:
    """The part `wanted` of the pixels of `box`; what is outside of `box` is 0."""
    common = box.intersection(wanted)
    blank = bytes(wanted.width * bytes_per_pixel)
    rows = [blank] * wanted.height
    if common is not None:
        left = bytes((common.x - wanted.x) * bytes_per_pixel)
        right = bytes(len(blank) - len(left) - common.width * bytes_per_pixel)
        for y in range(common.y, common.y + common.height):
            start = ((y - box.y) * box.width + common.x - box.x) * bytes_per_pixel
            row = pixels[start : start + common.width * bytes_per_pixel]
            rows[y - wanted.y] = left + row + right
    return b"".join(rows)


def runs(mask: bytes, width: int) -> Iterator[tuple[int, int]]:
    """Start and end, counted over the whole mask, of every run of hole pixels in a row."""
    for row in range(0, len(mask), width):
        start = mask.find(HOLE, row, row + width)
        while start >= 0:
            end = mask.find(KNOWN, start, row + width)
            end = row + width if end < 0 else end
            yield start, end
            start = mask.find(HOLE, end, row + width)


def spliced(original: bytes, filled: bytes, mask: bytes, width: int, alpha: int) -> bytes:
    """`original` with the hole's pixels of `filled`, each keeping its own last `alpha` bytes.

    Both are pixels of one format over one box, as many as the mask has; `alpha` is the size of the
    format's alpha, 0 where it has none.
    """
    size = len(original) // len(mask)
    result = bytearray(original)
    for start, end in runs(mask, width):
        result[start * size : end * size] = filled[start * size : end * size]
        for byte in range(size - alpha, size):
            channel = slice(start * size + byte, end * size, size)
            result[channel] = original[channel]
    return bytes(result)


def alone(filled: bytes, mask: bytes, width: int) -> bytes:
    """The hole's pixels of `filled`; the others' bytes are 0, which is transparent."""
    return spliced(bytes(len(filled)), filled, mask, width, alpha=0)
