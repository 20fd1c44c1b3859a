"""Rules that decide whose votes are valid; exclusions are data with reasons, nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

from methods.labels import REFERENCE
from survey.study import texts
from survey.study.config import Exclusion

# How the codes of simulated participants begin; the analysis recognises them by it.
SIMULATED = "simulated-"
# The browser's time may exceed the server's by as much: clocks have steps, and are corrected.
_TOLERANCE_MS = 1000
# With fewer decided answers, a preference for one side may be chance.
_MIN_DECIDED = 5


class Statistics(NamedTuple):
    """Summary of a participant's answers; only `checks` and `checks_failed` count validation
    questions. `decided` answers are not ties; `left_share` is a share of these. The medians are of
    times by the browser, by the server, and of the shorter ones; `times_disagree` counts answers
    that took longer by the browser than by the server."""

    answered: int
    decided: int
    checks: int
    checks_failed: int
    median_ms: float | None
    left_share: float | None
    median_server_ms: float | None = None
    median_shorter_ms: float | None = None
    times_disagree: int = 0


def check_passed(choice: str, left: str) -> bool:
    """Return whether a validation question was answered with the original.

    A tie is a wrong answer, because the difference is easy to see.
    """
    return choice == ("left" if left == REFERENCE else "right")


def statistics(answers: Sequence[Any]) -> Statistics:
    """Summarise a participant's answers (rows of `store.answers`)."""
    checks = [row for row in answers if row.is_check]
    without_checks = [row for row in answers if not row.is_check]
    decided = [row.choice for row in without_checks if row.choice != "tie"]
    both = list(zip(answers, server_times(answers), strict=True))
    times = [(row.response_ms, server) for row, server in both if not row.is_check]
    return Statistics(
        answered=len(without_checks),
        decided=len(decided),
        checks=len(checks),
        checks_failed=sum(not check_passed(row.choice, row.left) for row in checks),
        median_ms=_median(browser for browser, _ in times),
        median_server_ms=_median(server for _, server in times),
        median_shorter_ms=_median(map(min, times)),
        times_disagree=sum(row.response_ms > server + _TOLERANCE_MS for row, server in both),
        left_share=decided.count("left") / len(decided) if decided else None,
    )


def server_times(answers: Sequence[Any]) -> list[int]:
    """Return the milliseconds in which each answer was possible, by the server's clock.

    A question is sent with the receipt of the answer before, the first one when its participant
    starts. Pauses and the way through the network count too, so only a script's, or a wrong, time
    in the browser is longer. Simulated participants answer at once: theirs are as they say.

    Parameters
    ----------
    answers
        All answers of one participant, in order (rows of `store.answers`).
    """
    if not answers or answers[0].code.startswith(SIMULATED):
        return [row.response_ms for row in answers]
    asked = [answers[0].started_at, *(row.answered_at for row in answers[:-1])]
    return [max(0, row.answered_at - at) for row, at in zip(answers, asked, strict=True)]


def _median(times: Iterable[int]) -> float | None:
    known = list(times)
    return median(known) if known else None


def exclusion_reason(
    answers: Statistics, finished: bool, rules: Exclusion, language: str = "en"
) -> str:
    """Return why a participant's votes are not valid, "" if they are; files have it in English."""
    words: dict[str, str] = texts.load(language)["reason"]
    if answers.checks_failed > rules.max_failed_checks:
        if rules.max_failed_checks == 0:
            return words["failed"]
        return words["failed_more"].format(number=rules.max_failed_checks + 1)
    if not finished and rules.unfinished:
        return words["unfinished"]
    median_ms = answers.median_shorter_ms
    if median_ms is not None and median_ms < rules.min_median_ms:
        return words["fast"].format(ms=f"{rules.min_median_ms:.15g}")
    if answers.left_share is None or answers.decided < _MIN_DECIDED:
        return ""
    if max(answers.left_share, 1 - answers.left_share) > rules.max_same_side:
        return words["one_side"].format(percent=f"{100 * rules.max_same_side:g}")
    return ""
