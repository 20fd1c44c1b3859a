"""Fonts for names in any script: which installed one has the characters that the style's lacks."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from functools import cache

from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

# It would tell that a fallback has no face of the same weight.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
# Names of fonts that come with matplotlib and have boxes or mathematical signs for characters.
_WITHOUT_TEXT = ("Last Resort", "cm", "STIXSize", "STIXNonUnicode")
# First characters of blocks -> a free font with them, for the advice.
_ADVICE = {0: "Noto Sans", 0x2E80: "Noto Sans CJK", 0xD7B0: "Noto Sans", 0x1F000: "Noto Emoji"}


def use_fallbacks(figure: Figure) -> None:
    """Let all text of a figure fall back to fonts with the characters that its own font lacks.

    Characters that no installed font has are told on stderr, once, with a font that has them.
    """
    texts = [text for text in _texts(figure) if not text.get_text().isascii()]
    for text in texts:
        families = text.get_fontfamily()
        missing = set(text.get_text()) - _characters(tuple(families)) - {"\n"}
        if missing:
            text.set_fontfamily([*families, *_covering(frozenset(missing))])


def _texts(artist: Artist) -> Iterator[Text]:
    """Yield all text in an artist, without labels of axes that are off, which it takes long to
    make."""
    if isinstance(artist, Text):
        yield artist
    if not isinstance(artist, Axis) or artist.axes.axison:
        for child in artist.get_children():
            yield from _texts(child)


def _characters(families: tuple[str, ...]) -> set[str]:
    # As a list: names are not patterns, in which a hyphen has a meaning.
    files = [findfont(FontProperties(family=[family])) for family in families]
    return {character for file in files for character in _characters_in(file)}


@cache
def _characters_in(file: str) -> frozenset[str]:
    return frozenset(map(chr, FT2Font(file).get_charmap()))


@cache
def _covering(missing: frozenset[str]) -> Sequence[str]:
    """Return names of installed fonts that have the missing characters, most of them first."""
    names = []
    files = {
        entry.name: entry.fname
        for entry in fontManager.ttflist
        if not entry.name.startswith(_WITHOUT_TEXT)
    }
    left = set(missing)
    while left:
        found = {name: left & _characters_in(file) for name, file in files.items()}
        best = max(sorted(found), key=lambda name: len(found[name]), default="")
        if not best or not found[best]:
            _advise(frozenset(left))
            break
        names.append(best)
        left -= found[best]
    return names


@cache
def _advise(missing: frozenset[str]) -> None:
    characters = sorted(missing)
    firsts = {max(first for first in _ADVICE if first <= ord(one)) for one in characters}
    fonts = " and ".join(sorted({_ADVICE[first] for first in firsts}))
    print(
        f"note: plots show boxes for {' '.join(characters[:20])}, which no font on this machine "
        f"has: install one that has, such as {fonts}",
        file=sys.stderr,
    )
