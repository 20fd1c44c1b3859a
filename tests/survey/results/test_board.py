"""The owner's page and the terminal, where votes give no intervals."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from survey.study import secrets_file
from survey.study.texts import load
from tests.survey.conftest import METHODS, Served, Visitor, make_study, run, shown


@pytest.mark.slow
def test_a_ranking_without_intervals_is_shown_without_them(
    tmp_path: Path, serve: Callable[..., Served]
) -> None:
    """Everybody agrees on an order: votes bound no difference between two methods."""
    folder = make_study(tmp_path, language="ru")
    token = secrets_file.new_owner_token(folder)
    served = serve(folder)

    def first_of_the_order(asked: dict[str, Any]) -> str:
        order = ["reference", *METHODS]
        left, right = map(order.index, shown(asked, served.study))
        return "left" if left < right else "right"

    for _ in range(6):
        visitor = Visitor(served.address)
        visitor.start()
        visitor.finish(first_of_the_order)
    careless = Visitor(served.address)
    careless.start()
    careless.finish(lambda asked: "right" if first_of_the_order(asked) == "left" else "left")
    owner = Visitor(served.address)
    owner.csrf = re.search(r'csrf_token" value="([^"]+)"', owner.get("/owner").text)[1]
    page = owner.post("/owner/login", {"token": token}).text
    note = load("ru")["ranking_note"]["prior"].format(prior=0.1)
    assert note in page and "Bradley-Terry on" not in page
    assert page.count("<td>–</td>") == len(METHODS)
    assert 'class="reach"' not in page and page.count("<circle") == len(METHODS)
    why = load("ru")["reason"]["failed"]
    assert f"{why}</th><td>1<" in page and "failed a validation question" not in page
    said = run("status", folder)
    assert "excluded: 1 failed a validation question" in said.stdout
    assert said.returncode == 0 and "too few votes for a finite ranking" in said.stdout
    assert re.search(r"^  1  telea +\d\.\d{3}  -$", said.stdout, re.M), said.stdout
