"""Texts of the pages, one file a language; another language is one more file in texts/."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[1] / "texts"


@cache
def languages() -> tuple[str, ...]:
    """Return the codes of the languages that there are texts in."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def load(language: str) -> dict[str, Any]:
    """Return the texts of a language by name; `study` has the defaults of a new study."""
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def consent(language: str, *, checks: bool) -> str:
    """Return the consent of a new study, with or without validation questions."""
    words = load(language)
    return str(words["study"]["consent"]).format(checks=words["consent"]["checks"] * checks)
