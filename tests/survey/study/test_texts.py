"""The pages' words in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from survey.results.validity import Statistics, exclusion_reason
from survey.study import texts
from survey.study.config import Exclusion


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


@pytest.mark.parametrize("language", texts.languages())
def test_a_number_of_questions_stands_where_its_noun_has_one_form(language: str) -> None:
    """Russian has three forms, after 1, 2 and 5; "1 questions" is wrong in English too."""
    assert re.search(r"\{total\}(?!\s*\w)", texts.load(language)["welcome"]["length"])


@pytest.mark.parametrize(
    "rules, reason",
    [
        ({"max_failed_checks": 0}, "неверный ответ на проверочный вопрос"),
        ({}, "неверных ответов на проверочные вопросы: 2 или больше"),
        ({"max_failed_checks": 2}, "не завершили"),
        (
            {"max_failed_checks": 2, "unfinished": False, "min_median_ms": 1234567},
            "медиана времени ответа меньше 1234567 мс",
        ),
        (
            {"max_failed_checks": 2, "unfinished": False, "max_same_side": 0.8},
            "более 80 % ответов на одной стороне",
        ),
        ({"max_failed_checks": 2, "unfinished": False}, ""),
    ],
)
def test_reasons_for_exclusion_are_in_the_language_asked_for(
    rules: dict[str, Any], reason: str
) -> None:
    answers = Statistics(9, 9, 2, 2, 900.0, 1.0, 900.0, 900.0)
    assert exclusion_reason(answers, False, Exclusion(**rules), "ru") == reason
