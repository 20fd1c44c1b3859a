"""Whose votes are valid. Nothing is ever deleted: exclusions are data, with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from survey.study.config import Exclusion

# Fewer decided answers on one side are no habit.
FEWEST = 5


class Facts(NamedTuple):
    """What rules look at. decided: answers that are no ties; failed: validation questions answered
    wrongly; median_ms, left: median time, and share of left among decided answers, None without
    any."""

    answered: int
    decided: int
    checks: int
    failed: int
    median_ms: float | None
    left: float | None


def passed(choice: str, left: str, reference: str) -> bool:
    """A validation question: was the original chosen? A tie is a wrong answer, since the
    difference is plain to see."""
    return choice == ("left" if left == reference else "right")


def facts(rows: Sequence[Any], reference: str) -> Facts:
    """Of one participant's answers (rows of `store.answers`)."""
    checks = [row for row in rows if row.is_check]
    asked = [row for row in rows if not row.is_check]
    decided = [row.choice for row in asked if row.choice != "tie"]
    return Facts(
        answered=len(asked),
        decided=len(decided),
        checks=len(checks),
        failed=sum(not passed(row.choice, row.left, reference) for row in checks),
        median_ms=median(row.response_ms for row in asked) if asked else None,
        left=decided.count("left") / len(decided) if decided else None,
    )


def reason(found: Facts, finished: bool, rules: Exclusion) -> str:
    """Why a participant's votes are not valid; "" when they are."""
    if found.failed > rules.max_failed_checks:
        if rules.max_failed_checks == 0:
            return "failed a validation question"
        return f"failed more than {rules.max_failed_checks} validation questions"
    if not finished and rules.unfinished:
        return "not finished"
    if found.median_ms is not None and found.median_ms < rules.min_median_ms:
        return f"median answer under {rules.min_median_ms:g} ms"
    if found.left is None or found.decided < FEWEST:
        return ""
    if max(found.left, 1 - found.left) > rules.max_same_side:
        return f"more than {100 * rules.max_same_side:g} % on one side"
    return ""
