"""How long an answer took: by the browser, which a script may run, and by the server."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from survey.results.board import as_text
from survey.results.validity import server_times, statistics
from tests.survey.conftest import Served, Visitor, attentive, make_study, run

Serve = Callable[..., Served]
PAUSE_S = 1.6


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_the_servers_time_counts_where_it_is_shorter(tmp_path: Path, serve: Serve) -> None:
    folder = make_study(tmp_path)
    served = serve(folder)
    right = attentive(served.study)
    script, slow = Visitor(served.address), Visitor(served.address)
    for person in (script, slow):
        person.start()
    for _ in range(7):
        asked = script.question()
        # Says what a person would take, and answers at once.
        assert script.vote(asked["position"], right(asked), response_ms=8000).ok
        if script.get("/question").url.endswith("/done"):
            break
    asked = slow.question()
    time.sleep(PAUSE_S)
    while asked:
        reply = slow.vote(asked["position"], right(asked), response_ms=1)
        asked = reply.json()["question"]
    file = folder / "study.toml"
    file.write_text(file.read_text().replace("min_median_ms = 0.0", "min_median_ms = 1"))
    assert run("export", folder, tmp_path / "votes.csv").returncode == 0
    quick, honest = read(tmp_path / "participants.csv")
    assert (quick["median_response_ms"], quick["times_disagree"]) == ("8000", "7")
    assert float(quick["median_server_ms"]) < 2000
    assert (honest["times_disagree"], honest["excluded"]) == ("0", "0")
    shown = read(tmp_path / "shown.csv")
    assert int(shown[7]["server_ms"]) >= 1000 * PAUSE_S > int(shown[8]["server_ms"])
    file.write_text(file.read_text().replace("min_median_ms = 1", "min_median_ms = 4000"))
    run("export", folder, tmp_path / "again.csv")
    assert read(tmp_path / "participants.csv")[0]["reason"] == "median answer under 4000 ms"
    assert {row["response_ms"] for row in read(tmp_path / "votes.csv")[:7]} == {"8000"}
    assert "  1 with answers that took longer by the browser than by the server" in as_text(folder)


def answer(position: int, response_ms: int, answered_at: int, code: str = "p-1") -> SimpleNamespace:
    return SimpleNamespace(
        code=code, started_at=1000, position=position, response_ms=response_ms, choice="left",
        left="a", right="b", is_check=False, answered_at=answered_at,
    )  # fmt: skip


def test_each_answer_is_timed_from_the_one_before() -> None:
    answers = [answer(1, 400, 1500), answer(2, 5000, 4500), answer(3, 50, 4400)]
    # The third is of a clock that was set back.
    assert server_times(answers) == [500, 3000, 0]
    found = statistics(answers)
    assert (found.median_ms, found.median_server_ms, found.median_shorter_ms) == (400, 500, 400)
    assert found.times_disagree == 1


def test_simulated_people_are_as_quick_as_they_say() -> None:
    answers = [answer(n, 3000, 1000, "simulated-0001") for n in (1, 2)]
    assert server_times(answers) == [3000, 3000] and statistics(answers).times_disagree == 0
