"""The pages' words, one file a language: another language needs one more file in texts/."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "texts"


@cache
def languages() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load(language: str) -> dict[str, Any]:
    """Texts by name; `study` holds what a new study in that language begins with."""
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
