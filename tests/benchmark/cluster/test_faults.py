"""Whatever dies in a run on a cluster: nothing that is done is lost, the rest is done by others or
by the next call of the same command. Real processes on hosts of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.benchmark.cluster.conftest import (
    LONGEST_S,
    Cluster,
    ClusterBench,
    environment,
    start,
    until,
    workers_of,
)
from tests.benchmark.forked import Forked
from tests.hosts import Host
from tests.paths import ROOT

WAITING = "tests.benchmark.cluster.own_methods:Waiting"
DEADLY = "tests.benchmark.cluster.own_methods:Deadly"


class Steered:
    """A run of four cases that wait, on two workers, until `go`."""

    def __init__(self, bench: ClusterBench, cluster: Cluster, folder: Path) -> None:
        self.bench, self.cluster, self._folder = bench, cluster, folder
        self.words = ("--methods", WAITING, "--option", f"{WAITING}.folder={folder}")
        self.words += ("--resolutions", "48", "--cluster", cluster.address)

    def start(self) -> Forked:
        return start(self.bench, *self.words)

    def begun(self) -> int:
        return len(list(self._folder.glob("started-*")))

    def go(self) -> None:
        (self._folder / "go").touch()

    def finish_one(self) -> None:
        (self._folder / "one").touch()
        until(lambda: sum(self.finished().values()) == 1)

    def finished(self) -> Counter[str]:
        """How often each case stands in the journal as finished."""
        journal = self.bench.out / "cases.jsonl"
        lines = map(json.loads, journal.read_text().splitlines()) if journal.exists() else []
        return Counter(line["slot"][2] for line in lines if "row" in line)


@pytest.fixture
def steered(bench: ClusterBench, cluster_with_workers: Cluster, tmp_path: Path) -> Steered:
    folder = tmp_path / "steering"
    folder.mkdir()
    return Steered(bench, cluster_with_workers, folder)


def assert_done(run: Steered, process: Forked) -> None:
    """All four cases, each finished once."""
    done = process.finish(LONGEST_S)
    assert done.returncode == 0, done.stderr + run.cluster.log()
    assert {row["status"] for row in run.bench.rows().values()} == {"ok"}
    assert sorted(run.finished().values()) == [1, 1, 1, 1]
    assert "Traceback" not in done.stderr


def test_the_command_is_killed(steered: Steered) -> None:
    process = steered.start()
    until(lambda: steered.begun() == 2)
    steered.finish_one()
    until(lambda: steered.begun() == 3)
    process.kill()
    kept = sum(steered.finished().values())
    # The workers give up what nobody waits for any more, and are there for the next command.
    again = steered.start()
    until(lambda: steered.begun() == 5)
    steered.go()
    done = again.finish(LONGEST_S)
    assert done.returncode == 0, done.stderr
    assert f"{kept} finished before, {4 - kept} to run" in done.stderr
    assert sorted(steered.finished().values()) == [1, 1, 1, 1]


def test_ctrl_c_frees_the_workers(steered: Steered) -> None:
    process = steered.start()
    until(lambda: steered.begun() == 2)
    methods = [child for host in steered.cluster.hosts[1:] for child in method_processes(host)]
    assert len(methods) == 2
    process.send_signal(signal.SIGINT)
    done = process.finish(LONGEST_S)
    assert done.returncode == 130 and "the same command goes on" in done.stderr
    until(lambda: not any(child.is_running() for child in methods))
    steered.go()
    assert_done(steered, steered.start())


def method_processes(host: Host) -> list[psutil.Process]:
    """The processes in which methods run: children of workers."""
    workers = workers_of(host)
    pids = {worker.pid for worker in workers}
    return [worker for worker in workers if worker.ppid() in pids]


def test_a_worker_is_killed_in_the_middle_of_a_case(steered: Steered) -> None:
    process = steered.start()
    until(lambda: steered.begun() == 2)
    for worker in workers_of(steered.cluster.hosts[1]):
        worker.kill()
    # Another one runs what it had, or the same one once its nanny has started it again.
    until(lambda: steered.begun() == 3)
    steered.go()
    assert_done(steered, process)
    # While the worker's end is noticed, what it had may be handed out once more.
    assert steered.begun() in {5, 6}


def test_a_case_that_kills_four_workers_becomes_a_row(
    bench: ClusterBench, cluster_with_workers: Cluster, tmp_path: Path
) -> None:
    cluster = cluster_with_workers
    words = ("--methods", DEADLY, "--option", f"{DEADLY}.folder={tmp_path}")
    done = bench.run(*words, "--resolutions", "48", "--cluster", cluster.address)
    assert done.returncode == 1, done.stderr + cluster.log()
    rows = bench.rows()
    deadly = rows["deadly", 48, "bright"]
    assert deadly["status"] == "failed"
    assert deadly["error"].startswith("4 workers were lost while they ran it")
    assert len(list(tmp_path.glob("killed-*"))) == 4
    others = [row["status"] for (_, _, image), row in rows.items() if image != "bright"]
    assert others == ["ok", "ok", "ok"]


def test_what_waits_behind_a_case_that_kills_its_worker_is_not_blamed(
    bench: ClusterBench, cluster_with_worker: Cluster, tmp_path: Path
) -> None:
    """It is on every worker that is lost, as there is but one at a time."""
    words = ("--methods", DEADLY, "--option", f"{DEADLY}.folder={tmp_path}")
    done = bench.run(*words, "--resolutions", "48", "--cluster", cluster_with_worker.address)
    assert done.returncode == 1, done.stderr + cluster_with_worker.log()
    statuses = {image: row["status"] for (_, _, image), row in bench.rows().items()}
    assert statuses.pop("bright") == "failed"
    assert list(statuses.values()) == ["ok", "ok", "ok"]
    # What it was itself counted for while it waited gives it a few more.
    assert 4 <= len(list(tmp_path.glob("killed-*"))) <= 7


def test_a_host_loses_power(steered: Steered) -> None:
    process = steered.start()
    until(lambda: steered.begun() == 2)
    steered.cluster.hosts[1].kill()
    steered.go()
    assert_done(steered, process)


def test_a_host_is_cut_off(steered: Steered) -> None:
    process = steered.start()
    until(lambda: steered.begun() == 2)
    cut = steered.cluster.hosts[1]
    cut.cut()
    # The case it had begins again on the other host, once it is missed, behind the one there.
    until(lambda: f"Remove worker addr: tcp://{cut.address}" in steered.cluster.log())
    steered.go()
    assert_done(steered, process)
    # Back on the network its nanny would start a worker at some time.
    cut.kill()


def test_the_scheduler_is_gone(steered: Steered) -> None:
    process = steered.start()
    until(lambda: steered.begun() == 2)
    steered.finish_one()
    steered.cluster.hosts[0].kill()
    done = process.finish(LONGEST_S)
    assert done.returncode == 2, done.stderr
    assert "distributed" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"error: the scheduler at {steered.cluster.address} is gone; finished cases are kept: "
        "start it again, the same command goes on"
    )
    kept = steered.finished()
    assert kept

    steered.cluster.start_scheduler()
    for host in steered.cluster.hosts[1:]:
        host.kill()
        steered.cluster.start_worker(host)
    steered.go()
    again = steered.start()
    assert_done(steered, again)


def test_a_case_too_large_for_one_worker_and_deadly_to_another_becomes_a_row(
    bench: ClusterBench, cluster: Cluster, tmp_path: Path
) -> None:
    for host, memory in zip(cluster.hosts[1:], ("1GiB", "8GiB"), strict=True):
        cluster.start_worker(host, "--memory-limit", memory)
    words = ("--methods", DEADLY, "--option", f"{DEADLY}.folder={tmp_path}")
    words += ("--option", f"{DEADLY}.least_mb=2000", "--resolutions", "48")
    done = bench.run(*words, "--cluster", cluster.address)
    assert done.returncode == 1, done.stderr + cluster.log()
    statuses = {image: row["status"] for (_, _, image), row in bench.rows().items()}
    assert statuses.pop("bright") in {"failed", "out_of_memory"}
    assert set(statuses.values()) == {"ok"}
    assert 1 <= len(list(tmp_path.glob("killed-*"))) <= 3


def test_ctrl_c_in_a_terminal_ends_workers_here_too(bench: ClusterBench, tmp_path: Path) -> None:
    """A terminal sends it to the command and to the workers that it has started."""
    words = ("--methods", WAITING, "--option", f"{WAITING}.folder={tmp_path}")
    process = subprocess.Popen(
        bench.command(*words, "--resolutions", "48", "--cluster", "local:2"),
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    try:
        until(lambda: len(list(tmp_path.glob("started-*"))) == 2)
        everybody = [process.pid, *(one.pid for one in psutil.Process(process.pid).children(True))]
        for pid in everybody:
            os.kill(pid, signal.SIGINT)
        _, told = process.communicate(timeout=LONGEST_S)
    finally:
        process.kill()
    assert process.returncode == 130
    assert told.splitlines()[1:] == [
        "error: interrupted; finished cases are kept, the same command goes on from here"
    ]
    until(lambda: not any(map(psutil.pid_exists, everybody)))
