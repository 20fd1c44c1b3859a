"""The pages' words in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from survey.study import texts


def test_languages_have_the_same_texts() -> None:
    """Names of texts, and what is filled into them."""
    found = {name: dict(flat(texts.load(name))) for name in texts.languages()}
    assert {"en", "ru", "de"} <= set(found)
    for name, words in found.items():
        assert words.keys() == found["en"].keys(), name
        for key, value in words.items():
            slots = sorted(re.findall(r"\{\w+\}", value))
            assert slots == sorted(re.findall(r"\{\w+\}", found["en"][key])), (name, key)


def flat(words: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in words.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield before + key, value
