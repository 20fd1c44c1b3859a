"""Numbers have as many digits as it takes to agree with the words beside them."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from analysis.agreement.correlate import Correlation
from analysis.agreement.files import cell
from analysis.output import p_in_words, percent
from analysis.ranking.files import _order_effect
from analysis.report.page import _difference_cell


@pytest.mark.parametrize(
    ("p_value", "said"),
    [
        (0.0499, "= 0.0499"), (0.04996, "= 0.04996"), (0.0501, "= 0.0501"), (0.05, "= 0.050"),
        (0.2, "= 0.200"), (0.0004, "< 0.001"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_a_p_value_is_on_its_side_of_the_limit(p_value: float, said: str) -> None:
    assert p_in_words(p_value) == said


def test_only_a_share_of_one_half_is_50_percent() -> None:
    shares = (0.5, 0.502, 0.49999, 0.6, 0.5 + 1e-12)
    assert [percent(share) for share in shares] == ["50", "50.2", "49.999", "60", "50"]
    assert percent(0.50001, 1) == "50.001"


def test_an_effect_of_the_side_agrees_with_its_p_value() -> None:
    for p_value, verdict in ((0.04996, "the left side is preferred"), (0.05004, "not significant")):
        said = _order_effect(0.001, 0.0005, p_value)
        assert verdict in said and f"p = {p_value}" in said
        assert "the left one wins 50.02 % of decided votes" in said


def test_limits_of_intervals_do_not_round_to_chance() -> None:
    row = Correlation("m", 30, 9, 0.2, 0.0004, 0.4, *[0.1] * 6, 0.6, 0.5002, 0.7, 9)
    assert cell(row, "spearman") == "0.200 [0.0004, 0.400]"
    assert cell(row, "predicted") == "0.600 [0.5002, 0.700]"
    difference = Mock(difference=0.3, ci_low=0.0004, ci_high=0.6, outcome="better")
    assert _difference_cell(difference, 2)["text"] == "+0.30 [+0.0004, +0.60]"
