"""Headings and labels of figures of photographs, broken and reduced to fit what they stand at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

# Height of a line and width of a character relative to the size of the type.
LINE, _CHARACTER = 1.3, 0.6
# The smallest type, in points.
_SMALLEST = 5.0


class Headings(NamedTuple):
    """Headings of a strip, none if they equal those above; type in points, height in inches."""

    texts: list[str]
    points: float
    height: float


def headings(
    strips: Sequence[list[str]], panel: float, points: float, gap: float
) -> list[Headings]:
    """Break the headings of strips, and reduce the type if they are still too wide.

    Parameters
    ----------
    panel, gap
        Width of a panel, and what is left below headings, in inches.
    points
        Size of the type.
    """
    found: list[Headings] = []
    above: list[str] = []
    for texts in strips:
        if texts == above:
            found.append(Headings([], points, 0))
            continue
        above = texts
        characters = max(4, int(panel * 72 / (points * _CHARACTER)))
        broken = [lines(text, characters) for text in texts]
        longest = max(len(line) for wrapped in broken for line in wrapped)
        size = fitting(longest, panel, points)
        height = max(map(len, broken)) * size * LINE / 72 + gap
        found.append(Headings(["\n".join(wrapped) for wrapped in broken], size, height))
    return found


def lines(text: str, characters: int) -> list[str]:
    """Break a text at blanks and behind hyphens, colons and underscores, never in a word."""
    # Vertical tabs are blanks to break at, which are not shown.
    breakable = re.sub(r"(?<=[_:])(?=\S)", "\v", text)
    wrapped = textwrap.wrap(
        breakable, max(1, characters), break_long_words=False, replace_whitespace=False
    )
    return [line.replace("\v", "") for line in wrapped] or [""]


def longest_line(text: str) -> int:
    """Return the characters of the longest line, 0 of no text."""
    return max(map(len, text.splitlines()), default=0)


def shortest(text: str) -> float:
    """Return the inches that the longest line takes in the smallest type."""
    return longest_line(text) * _SMALLEST * _CHARACTER / 72


def most_characters(inches: float) -> int:
    """Return how many characters of the smallest type a length has room for."""
    return int(inches * 72 / (_SMALLEST * _CHARACTER))


def fitting(characters: int, inches: float, points: float) -> float:
    """Return the size of type, at most `points`, in which a text fits a length."""
    return max(_SMALLEST, min(points, inches * 72 / (characters * _CHARACTER)))
