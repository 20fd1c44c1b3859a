"""A case may crash, hang or eat the memory: it becomes an outcome, and the next case runs."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import (
    CancelledError,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.execution.inference import InferenceProcess, Outcome, close_all, infer
from benchmark.execution.scoring import is_left_black, score_outcome
from benchmark.inputs import protocol
from benchmark.inputs.dataset import Photo
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case
from benchmark.planning.request import Limits
from benchmark.run_folder.folder import key_of
from methods.external import External
from tests.methods.test_outside import is_gone, wait_until
from tests.paths import ROOT

MASK = np.zeros((32, 32), bool)
MASK[10:20, 10:20] = True
DARK = np.zeros((32, 32, 3), np.uint8)
BRIGHT = np.full((32, 32, 3), 255, np.uint8)


def spec(method: str, **options: Any) -> MethodSpec:
    return MethodSpec(method, f"tests.benchmark.own_methods:{method}", options)


def case(
    method: MethodSpec,
    image: np.ndarray,
    time_limit: float = 60,
    memory_gb: float | None = None,
) -> Outcome:
    return infer(method, 32, "cat", image, MASK, Limits(time_limit, memory_gb))


@pytest.fixture(autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    close_all()


@pytest.mark.slow
def test_a_good_case() -> None:
    outcome = case(spec("Grey", value=7, seconds=0.2), DARK)
    assert outcome.status == "ok" and outcome.error == ""
    assert outcome.raw is not None and outcome.raw[15, 15].tolist() == [7, 7, 7]
    assert outcome.seconds is not None and outcome.seconds >= 0.2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "status", "error"),
    [
        ("raise", "failed", "RuntimeError: the network has diverged"),
        ("segfault", "failed", "process crashed: Segmentation fault"),
        ("killed", "out_of_memory", "process killed (signal 9)"),
        ("exit", "failed", "SystemExit: 5"),
        ("ends well", "failed", "process ended with exit status 0"),
        ("panic", "failed", "PanicException: index out of range"),
        ("interrupt", "failed", "KeyboardInterrupt"),
        ("unprintable", "failed", "UnprintableError: (no message: its __str__ raises ValueError)"),
        ("closes its output", "failed", "RuntimeError: closed"),
        ("no output", "failed", "RuntimeError: gone"),
        ("odd log", "failed", "odd"),
        ("no log", "failed", "NoLogError"),
        ("memory", "out_of_memory", "Unable to allocate"),
        ("shape", "failed", "returned uint8 (31, 32, 3) where uint8 (32, 32, 3) was expected"),
        ("float", "failed", "returned float32 (32, 32, 3)"),
        ("method-error", "failed", "the program said no"),
        ("missing", "skipped", "pip install part"),
    ],
)
def test_every_way_to_fail_is_an_outcome_and_the_next_case_runs(
    how: str, status: str, error: str
) -> None:
    bad = spec("Bad", how=how)
    outcome = case(bad, BRIGHT)
    assert (outcome.status, outcome.raw) == (status, None)
    assert error in outcome.error and "\n" not in outcome.error
    outcome.log.encode()
    if how == "method-error":
        assert outcome.log == "no, said the program"
    elif how not in {"missing", "odd log"}:
        assert f"about to be {how}" in outcome.log
    following = case(bad, DARK)
    assert following.status == "ok" and "about to be" not in following.log


def test_traceback_is_kept_in_the_log() -> None:
    outcome = case(spec("Bad", how="raise"), BRIGHT)
    assert "Traceback" in outcome.log and "own_methods.py" in outcome.log


@pytest.mark.slow
def test_a_hang_ends_at_the_time_limit() -> None:
    bad = spec("Bad", how="hang")
    outcome = case(bad, BRIGHT, time_limit=3)
    assert outcome.status == "timeout" and "3 s" in outcome.error
    assert case(bad, DARK).status == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("python", [None, sys.executable])
@pytest.mark.parametrize(
    ("how", "status"),
    [("leaves and hangs", "timeout"), ("leaves and ends", "failed"), ("leaves", "ok")],
)
def test_what_a_method_has_started_ends_with_it(
    how: str, status: str, python: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    outcome = case(replace(spec("Bad", how=how), python=python), BRIGHT, time_limit=3)
    assert outcome.status == status
    left = outcome.log.split("sleep is ")[1].split()[0]
    if status == "ok":
        assert not is_gone(left)  # the next case may need it
        close_all()
    wait_until(lambda: is_gone(left))


@pytest.mark.slow
def test_peak_memory_is_the_cases_own() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system keeps no high-water mark that can be reset")
    greedy, modest = spec("Greedy", megabytes=300), spec("Greedy", megabytes=1)
    base = case(modest, DARK).peak_memory_mb
    peak = case(greedy, DARK).peak_memory_mb
    again = case(modest, DARK).peak_memory_mb
    assert base and peak and again
    assert 290 < peak - base < 330
    # One that follows a greedy case does not inherit its peak.
    assert abs(again - base) < 30


@pytest.mark.slow
def test_peak_memory_is_reset_between_cases_of_one_process() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system keeps no high-water mark that can be reset")
    image = np.zeros((2048, 2048, 3), np.uint8)
    first = infer(spec("Grey"), 2048, "a", image, big_mask(), Limits(60))
    second = case(spec("Grey"), DARK)
    assert first.peak_memory_mb and second.peak_memory_mb
    assert first.peak_memory_mb - second.peak_memory_mb > 50


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="--memory-limit is for Linux")
def test_the_memory_limit_costs_one_case() -> None:
    greedy = spec("Bad", how="greedy")
    outcome = case(greedy, BRIGHT, memory_gb=1)
    assert outcome.status == "out_of_memory"
    assert outcome.error.startswith("memory limit of 1 GB reached: ")
    assert case(greedy, DARK, memory_gb=1).status == "ok"
    assert case(greedy, BRIGHT, memory_gb=4).status == "ok"


def big_mask() -> np.ndarray:
    mask = np.zeros((2048, 2048), bool)
    mask[:10, :10] = True
    return mask


def test_any_executor_will_do() -> None:
    with ProcessPoolExecutor(1) as executor:
        future = executor.submit(infer, spec("Grey", value=9), 32, "cat", DARK, MASK, Limits(60))
        outcome = future.result(timeout=60)
    assert outcome.raw is not None and outcome.raw[15, 15, 0] == 9


def test_a_case_whose_process_is_closed_under_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that stops just when a case is handed over must not wait for it for ever."""
    process = InferenceProcess(spec("Grey"))
    asked = process._pool.schedule

    def closing(*args: object, **kwargs: object) -> object:
        future: Future[object] = Future()
        asked(*args, **kwargs)
        process.close()
        return future

    monkeypatch.setattr(process._pool, "schedule", closing)
    with pytest.raises(CancelledError):
        process.run(32, "x", DARK, MASK, Limits(60))


@pytest.mark.slow
def test_a_case_can_be_closed_at_any_moment_of_its_start() -> None:
    """Pebble's pool, stopped while it starts, would run on, and wait for itself for ever."""
    moments = [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3]
    with ThreadPoolExecutor(1) as executor:
        for delay in moments:
            future = executor.submit(case, spec("Grey", seconds=60), DARK)
            time.sleep(delay)
            while not wait([future], timeout=0.1).done:
                close_all()
            with pytest.raises(CancelledError):
                future.result()


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0, 0.5])
def test_a_process_that_dies_between_cases_costs_none(pause: float) -> None:
    """As by the system, for lack of memory elsewhere. pause: whether its pool has noticed."""
    method = spec("Grey", value=7)
    assert case(method, DARK).status == "ok"
    for child in multiprocessing.active_children():
        child.kill()
    time.sleep(pause)
    assert case(method, DARK).status == "ok"


def test_an_external_result_that_changed_after_it_was_checked_is_no_result() -> None:
    image, mask = np.full((32, 32, 3), 9, np.uint8), np.eye(32, dtype=bool)
    source = MethodSpec("PS", "external", {"folder": "there"})
    identity = {"method": "external", "version": External.version, "sha256": "checked"}
    key = key_of(["input", identity])
    planned = Case(source, 32, Photo("x", "x.png", "s"), "input", key, "")
    for read, status in (("checked", "ok"), ("other", "failed")):
        outcome = Outcome("ok", raw=image, read_sha256=read)
        row, stored = score_outcome(planned, outcome, image, mask, protocol.load("moskalenko2020"))
        assert row.status == status and (stored is None) == (status == "failed")
    assert row.error.startswith("the result has changed since it was checked")


@pytest.mark.parametrize(("value", "black"), [(0, True), (1, False)])
def test_a_hole_left_black_is_noticed(value: int, black: bool) -> None:
    image, mask = np.full((8, 8, 3), 9, np.uint8), np.eye(8, dtype=bool)
    raw = np.where(mask[..., None], value, image).astype(np.uint8)
    assert is_left_black(image, raw, mask) == black
    # Where the photograph is black itself, black is right.
    assert not is_left_black(raw * 0, raw * 0, mask)
