"""What a worker does with a task that comes before, or after, its check."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import Reschedule

from benchmark.cluster import worker
from benchmark.cluster.messages import STARTED, PhotographMissingError

PHOTO = SimpleNamespace(photo=None, slot=("telea", 48, "cliff"))
MESSAGE: Any = SimpleNamespace(run="ours", files=None, dataset="/nowhere", case=PHOTO)


class Running:
    """Stands for Dask's worker. passed: the outcome of its check, None while it goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, passed: bool | None) -> None:
        self.closes = threading.Event()
        self.check = SimpleNamespace(passed=passed)
        self.plugins = {"ours": self.check}
        self.loop = SimpleNamespace(add_callback=lambda call: call())
        self.close_gracefully = self.closes.set
        self.events: list[object] = []
        self.scheduler = SimpleNamespace(log_event=lambda **event: self.events.append(event))
        monkeypatch.setattr(worker, "sync", lambda loop, call, **given: call(**given))
        monkeypatch.setattr(worker, "get_worker", lambda: self)
        monkeypatch.setattr(worker, "has_files", lambda *_: False)


def test_a_task_that_comes_during_the_check_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only worker went away when the command was just registering after a broken connection."""
    running = Running(monkeypatch, None)
    threading.Timer(0.3, setattr, (running.check, "passed", True)).start()
    with pytest.raises(PhotographMissingError):  # of an admitted task
        worker.run_case(MESSAGE)
    assert running.check.passed and not running.closes.is_set()
    assert running.events == [{"topic": "ours", "msg": {STARTED: PHOTO.slot}}]


def test_a_worker_whose_check_failed_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(monkeypatch, False)
    with pytest.raises(Reschedule):
        worker.run_case(MESSAGE)
    assert running.closes.is_set() and not running.events


def test_a_task_of_a_run_that_is_over_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(monkeypatch, True)
    running.plugins.clear()
    with pytest.raises(CancelledError):
        worker.run_case(MESSAGE)
