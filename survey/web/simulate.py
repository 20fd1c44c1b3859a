"""Simulated participants, who use a study through its pages, as people do.

They differ from each other, some are careless, and everything they leave behind says that it is
simulated: a study has simulated participants or people, never both.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from methods.errors import InputError
from methods.labels import REFERENCE
from survey.storage import database, store
from survey.storage.open_study import OpenStudy
from survey.storage.schema import questions
from survey.web.app import create_app

CSRF = re.compile(r'csrf[-_]token"[^>]*?(?:value|content)="([^"]+)"')
IMAGE = re.compile(r"/([0-9a-f]{32})\.webp")
# Median response times, and the standard deviation of their logarithm.
_ATTENTIVE_MS, _CARELESS_MS, _TIME_SPREAD = 6000, 900, 0.5
# Davidson's tie parameter: a quarter of the votes on two equal methods are ties.
_LOG_TIE = np.log(2 / 3)
# How often attentive people miss the original in a validation question.
_SLIP = 0.005


class Crowd(NamedTuple):
    """Simulated participants: `truth` has the abilities of the methods (natural logarithms),
    `spread` is the standard deviation of a person's own abilities around them, and `careless` the
    share of people who answer at random."""

    people: int
    truth: Mapping[str, float]
    spread: float
    careless: float
    seed: int


def read_truth(path: Path, methods: list[str]) -> dict[str, float]:
    """Read abilities from a CSV file with columns `method` and `ability`, such as ranking.csv."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            truth = {row["method"]: float(row["ability"]) for row in csv.DictReader(file)}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except KeyError as error:
        raise InputError(f"{path}: no column {error}; needed are method and ability") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: an ability is not a number ({error})") from error
    missing = [method for method in methods if method not in truth]
    if missing:
        raise InputError(f"{path}: no ability for {', '.join(missing)}, which the study compares")
    return truth


class _StudyFullError(Exception):
    """The study has all its votes: nobody can start."""


def simulate(folder: Path, crowd: Crowd, on_finished: Callable[[], None] = lambda: None) -> int:
    """Let a crowd take part, until the study has its votes; return how many did."""
    app = create_app(folder, simulated=True)
    study: OpenStudy = app.extensions["study"]
    with database.reading(study.engine) as connection:
        before = store.next_id(connection) - 1
    finished = 0
    with suppress(_StudyFullError):
        while finished < crowd.people:
            rng = np.random.default_rng([crowd.seed, before + finished])
            person = _make_person(crowd, study.config.design.ties, rng)
            _take_part(app.test_client(), study, person)
            finished += 1
            on_finished()
    study.engine.dispose()
    return finished


@dataclass(frozen=True)
class _Person:
    abilities: Mapping[str, float]
    careless: bool
    ties: bool
    rng: np.random.Generator

    def choice(self, left: str, right: str, is_check: bool) -> str:
        """Choose by Davidson's model, or in a validation question by what everybody sees."""
        if self.careless:
            return "left" if self.rng.random() < 0.5 else "right"
        if is_check:
            return "left" if (left == REFERENCE) == (self.rng.random() > _SLIP) else "right"
        lead = self.abilities[left] - self.abilities[right]
        weights = np.exp([lead / 2, -lead / 2, _LOG_TIE if self.ties else -np.inf])
        return str(self.rng.choice(["left", "right", "tie"], p=weights / weights.sum()))

    def response_ms(self) -> int:
        median = _CARELESS_MS if self.careless else _ATTENTIVE_MS
        return int(median * np.exp(_TIME_SPREAD * self.rng.standard_normal()))


def _make_person(crowd: Crowd, ties: bool, rng: np.random.Generator) -> _Person:
    careless = bool(rng.random() < crowd.careless)
    abilities = {
        method: ability + crowd.spread * rng.standard_normal()
        for method, ability in sorted(crowd.truth.items())
    }
    return _Person(abilities, careless, ties, rng)


def _take_part(browser: FlaskClient, study: OpenStudy, person: _Person) -> None:
    """Consent, answer all questions, and open the last page."""
    welcome = browser.get("/")
    _check_started(welcome, study.folder)
    form = {"csrf_token": _csrf_token(welcome), "consent": "yes"}
    page = browser.post("/start", data=form, follow_redirects=True)
    _check_started(page, study.folder)
    method_of = {stimulus.name: stimulus.method for stimulus in study.stimuli}
    checks = _check_positions(study)
    token = {"X-CSRFToken": _csrf_token(page)}
    question = _next_question(browser.get("/question", headers={"Accept": "application/json"}))
    while question:
        left, right = (method_of[IMAGE.findall(question[side])[0]] for side in ("left", "right"))
        vote = {
            "id": question["id"],
            "position": question["position"],
            "choice": person.choice(left, right, question["position"] in checks),
            "response_ms": person.response_ms(),
            "layout": "side",
            "shown_px": 0,
            "zoomed": False,
            "compared": False,
        }
        question = _next_question(browser.post("/vote", json=vote, headers=token))
    _check_succeeded(browser.get("/done"))


def _next_question(response: TestResponse) -> Any:
    _check_succeeded(response)
    body: Any = response.json
    return body["question"]


def _csrf_token(page: TestResponse) -> str:
    match = CSRF.search(page.text)
    if not match:
        raise RuntimeError(f"no CSRF token in {page.request.path}")
    return match[1]


def _check_started(response: TestResponse, folder: Path) -> None:
    reason = response.headers.get("X-Stopped", "")
    if reason in {"full", "taken"}:
        raise _StudyFullError
    if reason == "simulated":
        raise InputError(f"{folder}: people have taken part; simulate in a study of its own")
    if reason:
        raise InputError(f"{folder}: it is {reason}; the owner's page opens it")
    _check_succeeded(response)


def _check_succeeded(response: TestResponse) -> None:
    if response.status_code >= 400:
        raise RuntimeError(f"{response.request.path}: {response.status}")


def _check_positions(study: OpenStudy) -> set[int]:
    """Return the positions of the newest participant's validation questions."""
    with database.reading(study.engine) as connection:
        newest = select(func.max(questions.c.participant)).scalar_subquery()
        query = select(questions.c.position).where(questions.c.participant == newest)
        return set(connection.scalars(query.where(questions.c.is_check)))
