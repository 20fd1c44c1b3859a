"""Sizes at which methods run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

# The side of a square case in pixels, or each photograph at its own size.
Resolution = int | Literal["native"]
NATIVE: Final = "native"


def size_text(resolution: Resolution) -> str:
    """Return a resolution for a sentence, such as "1024 px"."""
    return f"{resolution} px" if resolution != NATIVE else "native size"


def sizes_text(resolutions: Sequence[Resolution]) -> str:
    """Return resolutions for a sentence, such as "1024, 2048 px"."""
    *others, last = resolutions
    return ", ".join([*map(str, others), size_text(last)])
