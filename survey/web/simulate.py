"""Simulated participants, who use a study as people do: through its pages and over HTTP.

They differ from each other, some are careless, and whatever they leave behind says that it is
simulated: a study holds simulated participants or people, never both.
"""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import requests
from flask import Flask
from sqlalchemy import func, select
from werkzeug.serving import WSGIRequestHandler, make_server

from methods.errors import InputError
from survey.storage import database, store
from survey.storage.opened import Opened
from survey.storage.schema import questions
from survey.study.stimuli import REFERENCE
from survey.web.app import create_app

CSRF = re.compile(r'csrf[-_]token"[^>]*?(?:value|content)="([^"]+)"')
PAGE = re.compile(r"/([0-9a-f]{32})\.webp")
# Median times and their spread (standard deviation of the logarithm).
ATTENTIVE_MS, CARELESS_MS, SPREAD_OF_TIMES = 6000, 900, 0.5
# Davidson's parameter: of two equal methods, a quarter of the votes are ties.
LOG_TIE = np.log(2 / 3)
# Attentive people see the original in a validation question nearly always.
SLIP = 0.005
TIMEOUT_S = 60


class Crowd(NamedTuple):
    """people: how many; truth: abilities, natural logarithms; spread: standard deviation of a
    person's own abilities around them; careless: share that answers at random."""

    people: int
    truth: Mapping[str, float]
    spread: float
    careless: float
    seed: int


def read_truth(path: Path, needed: list[str]) -> dict[str, float]:
    """Columns `method` and `ability`, so that a ranking.csv will do. Raises InputError."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            found = {row["method"]: float(row["ability"]) for row in csv.DictReader(file)}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except KeyError as error:
        raise InputError(f"{path}: no column {error}; needed are method and ability") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: an ability is not a number ({error})") from error
    missing = [method for method in needed if method not in found]
    if missing:
        raise InputError(f"{path}: no ability for {', '.join(missing)}, which the study compares")
    return found


class StudyIsFull(Exception):  # noqa: N818
    """It has all its votes: nobody more is needed."""


def simulate(folder: Path, crowd: Crowd, done: Callable[[], None] = lambda: None) -> int:
    """Play the crowd, one after the other, until all have taken part or the study has its votes;
    how many took part. Raises InputError when nobody can start."""
    app = create_app(folder, simulated=True)
    study = app.extensions["study"]
    took_part = 0
    with database.reading(study.engine) as connection:
        before = store.next_id(connection) - 1
    with _served(app) as address, suppress(StudyIsFull):
        while took_part < crowd.people:
            rng = np.random.default_rng([crowd.seed, before + took_part])
            _take_part(address, study, crowd, rng)
            took_part += 1
            done()
    study.engine.dispose()
    return took_part


class _Quiet(WSGIRequestHandler):
    """Without a line for each of thousands of requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def _served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class _Person:
    """own: abilities as this one sees them."""

    own: Mapping[str, float]
    careless: bool
    ties: bool
    rng: np.random.Generator

    def choice(self, left: str, right: str, is_check: bool) -> str:
        """By Davidson's model; a validation question by what everybody sees."""
        if self.careless:
            return "left" if self.rng.random() < 0.5 else "right"
        if is_check:
            return "left" if (left == REFERENCE) == (self.rng.random() > SLIP) else "right"
        lead = self.own[left] - self.own[right]
        weights = np.exp([lead / 2, -lead / 2, LOG_TIE if self.ties else -np.inf])
        return str(self.rng.choice(["left", "right", "tie"], p=weights / weights.sum()))

    def response_ms(self) -> int:
        middle = CARELESS_MS if self.careless else ATTENTIVE_MS
        return int(middle * np.exp(SPREAD_OF_TIMES * self.rng.standard_normal()))


def _person(crowd: Crowd, ties: bool, rng: np.random.Generator) -> _Person:
    careless = bool(rng.random() < crowd.careless)
    own = {
        method: ability + crowd.spread * rng.standard_normal()
        for method, ability in sorted(crowd.truth.items())
    }
    return _Person(own, careless, ties, rng)


def _take_part(address: str, study: Opened, crowd: Crowd, rng: np.random.Generator) -> None:
    """Consent, answer every question, come to the end."""
    person = _person(crowd, study.study.design.ties, rng)
    with requests.Session() as browser:
        welcome = browser.get(f"{address}/", timeout=TIMEOUT_S)
        _check_started(welcome, study.folder)
        form = {"csrf_token": _csrf(welcome), "consent": "yes"}
        started = browser.post(f"{address}/start", data=form, timeout=TIMEOUT_S)
        _check_started(started, study.folder)
        _answer_all(browser, address, study, person)
        browser.get(f"{address}/done", timeout=TIMEOUT_S).raise_for_status()


def _answer_all(browser: requests.Session, address: str, study: Opened, person: _Person) -> None:
    made = {one.name: one.method for one in study.stimuli}
    checks = _checks(study)
    page = f"{address}/question"
    browser.headers["X-CSRFToken"] = _csrf(browser.get(page, timeout=TIMEOUT_S))
    wanted = {"Accept": "application/json"}
    asked = browser.get(page, headers=wanted, timeout=TIMEOUT_S).json()["question"]
    while asked:
        left, right = (made[PAGE.findall(asked[side])[0]] for side in ("left", "right"))
        answer = {
            "position": asked["position"],
            "choice": person.choice(left, right, asked["position"] in checks),
            "response_ms": person.response_ms(),
            "layout": "side",
            "shown_px": 0,
            "zoomed": False,
            "compared": False,
        }
        reply = browser.post(f"{address}/vote", json=answer, timeout=TIMEOUT_S)
        reply.raise_for_status()
        asked = reply.json()["question"]


def _csrf(page: requests.Response) -> str:
    found = CSRF.search(page.text)
    if not found:
        raise RuntimeError(f"no CSRF token in {page.url}")
    return found[1]


def _check_started(answer: requests.Response, folder: Path) -> None:
    reason = answer.headers.get("X-Stopped", "")
    if reason == "full":
        raise StudyIsFull
    if reason == "simulated":
        raise InputError(f"{folder}: people have taken part; simulate in a study of its own")
    if reason:
        raise InputError(f"{folder}: it is {reason}; the owner's page opens it")
    answer.raise_for_status()


def _checks(study: Opened) -> set[int]:
    """Where the validation questions of who came last are. People see it in the pictures."""
    with database.reading(study.engine) as connection:
        last = select(func.max(questions.c.participant)).scalar_subquery()
        wanted = select(questions.c.position).where(questions.c.participant == last)
        return set(connection.scalars(wanted.where(questions.c.is_check)))
