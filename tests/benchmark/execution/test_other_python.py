"""A method in another Python fails, is stopped and is logged as one in the usual process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from benchmark.execution.inference import Outcome, close_all, infer
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.request import Limits
from tests.paths import ROOT

MASK = np.zeros((32, 32), bool)
MASK[10:20, 10:20] = True
DARK = np.zeros((32, 32, 3), np.uint8)
BRIGHT = np.full((32, 32, 3), 255, np.uint8)


def spec(method: str, python: str | None = sys.executable, **options: Any) -> MethodSpec:
    return MethodSpec(method, f"tests.benchmark.own_methods:{method}", options, python=python)


def case(
    method: MethodSpec, image: np.ndarray, time_limit: float = 60, memory_gb: float | None = None
) -> Outcome:
    return infer(method, 32, "cat", image, MASK, Limits(time_limit, memory_gb))


def children() -> list[psutil.Process]:
    """The inference processes of another Python that this process has."""
    name = "benchmark.execution.inference_child"
    return [each for each in psutil.Process().children(recursive=True) if name in each.cmdline()]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(ROOT)
    yield
    close_all()


@pytest.mark.slow
def test_a_good_case_is_the_usual_one() -> None:
    there, here = (
        case(spec("Grey", python, value=7, seconds=0.2), DARK) for python in (sys.executable, None)
    )
    assert there.status == "ok" and there.error == "" and there.log == ""
    assert there.raw is not None and here.raw is not None
    assert np.array_equal(there.raw, here.raw) and there.raw[15, 15].tolist() == [7, 7, 7]
    assert there.seconds is not None and there.seconds >= 0.2
    assert bool(there.peak_memory_mb) == bool(here.peak_memory_mb)


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        *("raise", "segfault", "killed", "exit", "memory", "shape", "float", "method-error"),
        *("missing", "ends well", "panic", "interrupt", "unprintable", "closes its output"),
        *("no output", "odd log", "no log"),
    ],
)
def test_every_way_to_fail_is_the_same_outcome_and_the_next_case_runs(how: str) -> None:
    here = case(spec("Bad", None, how=how), BRIGHT)
    bad = spec("Bad", how=how)
    there = case(bad, BRIGHT)
    assert (there.status, there.error, there.raw) == (here.status, here.error, None)
    # Printed without being flushed, it is lost with a process that crashes, in both.
    assert ("about to be" in there.log) == ("about to be" in here.log)
    assert ("Traceback" in there.log) == ("Traceback" in here.log)
    following = case(bad, DARK)
    assert following.status == "ok" and "about to be" not in following.log


@pytest.mark.slow
def test_a_hang_ends_at_the_time_limit() -> None:
    bad = spec("Bad", how="hang")
    outcome = case(bad, BRIGHT, time_limit=2)
    assert outcome.status == "timeout" and outcome.error == "time limit of 2 s reached"
    assert case(bad, DARK).status == "ok"
    assert len(children()) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="--memory-limit is for Linux")
def test_the_memory_limit_costs_one_case() -> None:
    greedy = spec("Bad", how="greedy")
    outcome = case(greedy, BRIGHT, memory_gb=1)
    assert outcome.status == "out_of_memory"
    assert outcome.error.startswith("memory limit of 1 GB reached: ")
    assert case(greedy, DARK, memory_gb=1).status == "ok"


@pytest.mark.slow
def test_a_process_that_dies_between_cases_costs_none() -> None:
    method = spec("Grey", value=7)
    assert case(method, DARK).status == "ok"
    [first] = children()
    first.kill()
    assert case(method, DARK).status == "ok"
    assert [each.pid for each in children()] != [first.pid]


def test_one_that_ends_before_it_can_begin_is_a_failed_case(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    outcome = case(spec("Grey", str(program)), DARK)
    assert (outcome.status, outcome.error) == (
        "failed", "process ended twice before it could begin the case",
    )  # fmt: skip


@pytest.mark.slow
def test_a_case_can_be_closed_at_any_moment_of_its_start() -> None:
    with ThreadPoolExecutor(1) as executor:
        for delay in (0, 0.005, 0.02, 0.1, 0.5, 1.0):
            future = executor.submit(case, spec("Grey", seconds=60), DARK)
            time.sleep(delay)
            while not future.done():
                close_all()
                time.sleep(0.05)
            with pytest.raises(CancelledError):
                future.result()
            assert children() == []


@pytest.mark.slow
def test_a_script_that_starts_the_python_will_do(tmp_path: Path) -> None:
    """As one that runs it in a container: it takes the signals, not the Python."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\nexit $?\n')
    program.chmod(0o755)
    grey = spec("Grey", str(program), value=7)
    outcome = case(grey, DARK)
    assert outcome.raw is not None and outcome.raw[15, 15, 0] == 7
    bad = spec("Bad", str(program), how="hang")
    assert case(bad, BRIGHT, time_limit=2).status == "timeout"
    assert case(bad, DARK).status == "ok"
    left = children()
    close_all()
    gone, alive = psutil.wait_procs(left, timeout=20)
    assert gone and not alive


RUN = """
from tests.benchmark.execution import test_other_python as here
print("begun", flush=True)
here.case(here.spec("Grey", seconds=600), here.DARK)
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_benchmark(sent: signal.Signals) -> None:
    words = [sys.executable, "-c", RUN]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None and benchmark.stdout.readline() == "begun\n"
        family = psutil.Process(benchmark.pid)
        while not (left := family.children(recursive=True)):
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(benchmark.pid, sent)
        benchmark.wait(30)
    gone, alive = psutil.wait_procs(left, timeout=20)
    assert gone and not alive
