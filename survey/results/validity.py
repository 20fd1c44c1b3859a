"""Rules that decide whose votes are valid; exclusions are data with reasons, nothing is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from survey.study.config import Exclusion
from survey.study.stimuli import REFERENCE

# With fewer decided answers, a preference for one side may be chance.
_MIN_DECIDED = 5


class Statistics(NamedTuple):
    """Summary of a participant's answers; only `checks` and `checks_failed` count validation
    questions. `decided` answers are not ties; `left_share` is a share of these."""

    answered: int
    decided: int
    checks: int
    checks_failed: int
    median_ms: float | None
    left_share: float | None


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
    return Statistics(
        answered=len(without_checks),
        decided=len(decided),
        checks=len(checks),
        checks_failed=sum(not check_passed(row.choice, row.left) for row in checks),
        median_ms=median(row.response_ms for row in without_checks) if without_checks else None,
        left_share=decided.count("left") / len(decided) if decided else None,
    )


def exclusion_reason(answers: Statistics, finished: bool, rules: Exclusion) -> str:
    """Return why a participant's votes are not valid, "" if they are."""
    if answers.checks_failed > rules.max_failed_checks:
        if rules.max_failed_checks == 0:
            return "failed a validation question"
        return f"failed more than {rules.max_failed_checks} validation questions"
    if not finished and rules.unfinished:
        return "not finished"
    if answers.median_ms is not None and answers.median_ms < rules.min_median_ms:
        return f"median answer under {rules.min_median_ms:g} ms"
    if answers.left_share is None or answers.decided < _MIN_DECIDED:
        return ""
    if max(answers.left_share, 1 - answers.left_share) > rules.max_same_side:
        return f"more than {100 * rules.max_same_side:g} % on one side"
    return ""
