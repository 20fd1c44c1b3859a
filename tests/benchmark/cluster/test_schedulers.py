"""Clusters as people get them: by a scheduler's file, adaptive, in a network of their own, on a
queue that takes workers back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.benchmark.cluster.conftest import (
    DASK,
    LONGEST_S,
    Cluster,
    ClusterBench,
    environment,
    start,
    until,
)
from tests.benchmark.cluster.relay import relay
from tests.benchmark.conftest import Bench, save
from tests.command_line import Done
from tests.hosts import Namespace
from tests.paths import ROOT

WAITING = "tests.benchmark.cluster.own_methods:Waiting"
TELEA = ("--methods", "telea", "--resolutions", "48")

# Starts a worker once there is something to do, as on Slurm or Kubernetes.
ADAPTIVE = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=0, threads_per_worker=1, host=sys.argv[1], dashboard_address=None
    ) as cluster:
        cluster.adapt(minimum=0, maximum=1, **eval(sys.argv[2]))
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


def assert_all_ok(bench: Bench, done: Done, log: str = "") -> None:
    assert done.returncode == 0, done.stderr + log
    assert [row["status"] for row in bench.rows().values()] == ["ok"] * 4


def test_a_scheduler_is_found_by_its_file(
    bench: ClusterBench, cluster: Cluster, tmp_path: Path
) -> None:
    file = tmp_path / "scheduler.json"
    host = cluster.hosts[0]
    command = [*DASK, "scheduler", "--host", host.address]
    command += ["--port", "8790", "--dashboard-address", ":0", "--scheduler-file", str(file)]
    host.start(command, env=environment())
    cluster.address = f"tcp://{host.address}:8790"
    cluster.start_worker(cluster.hosts[1])
    until(file.exists)
    assert_all_ok(bench, bench.run(*TELEA, "--cluster", str(file)), cluster.log())


@pytest.mark.parametrize("patience", ["dict(wait_count=60)", "dict(interval='50ms', wait_count=1)"])
def test_an_adaptive_cluster_starts_its_first_worker(
    bench: ClusterBench, tmp_path: Path, patience: str
) -> None:
    """Also where it takes it away again before there is a case to run."""
    (tmp_path / "adaptive.py").write_text(ADAPTIVE)
    with adaptive(tmp_path, patience) as address:
        done = bench.run(*TELEA, "--cluster", address)
    assert "waiting for a worker" in done.stderr
    assert_all_ok(bench, done)
    info = json.loads((bench.out / "run.json").read_text())
    assert info["workers"] >= 1 and info["threads"] == 1


@contextmanager
def adaptive(folder: Path, patience: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, str(folder / "adaptive.py"), "127.0.0.1", patience],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)),
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.communicate("", timeout=LONGEST_S)


def test_workers_that_only_the_scheduler_reaches(
    bench: ClusterBench, cluster_with_worker: Cluster
) -> None:
    """Also when the connection breaks over which a result is just coming."""
    cluster = cluster_with_worker
    worker = cluster.hosts[1]
    if not isinstance(worker, Namespace):
        pytest.skip("needs network namespaces: on the loopback everybody reaches everybody")
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    for path in bench.photos.iterdir():
        save(path, noise)
    bench.protocol.write_text(bench.protocol.read_text().replace("[48,", "[48, 999,"))
    words = ("--methods", "telea", "--resolutions", "999")
    route = ["ip", "route", "add", "unreachable", worker.address]
    subprocess.run(route, check=True)
    try:
        with relay((cluster.hosts[0].address, 8786), break_after=2**21) as way:
            done = bench.run(*words, "--cluster", way.address)
            assert way.broken.is_set()
    finally:
        subprocess.run([*route[:2], "delete", *route[3:]], check=True)
    assert_all_ok(bench, done, cluster.log())


def test_a_broken_connection_to_the_scheduler_is_made_again(
    bench: ClusterBench, cluster_with_worker: Cluster, tmp_path: Path
) -> None:
    """As by `kubectl port-forward`: scheduler and workers are there all the time."""
    cluster = cluster_with_worker
    with relay((cluster.hosts[0].address, 8786)) as way:
        words = ("--methods", WAITING, "--option", f"{WAITING}.folder={tmp_path}")
        process = start(bench, *words, "--resolutions", "48", "--cluster", way.address)
        until(lambda: list(tmp_path.glob("started-*")))
        way.cut()
        # The worker has given up the case and begins one again.
        until(lambda: len(list(tmp_path.glob("started-*"))) == 2)
        (tmp_path / "go").touch()
        done = process.finish(LONGEST_S)
    assert_all_ok(bench, done, cluster.log())


def test_a_case_that_a_queue_takes_back_too_often_becomes_a_row(
    bench: ClusterBench, cluster: Cluster, tmp_path: Path
) -> None:
    # One case alone: of several the next worker may begin with another one.
    for path in sorted(bench.photos.iterdir())[1:]:
        path.unlink()
    cluster.hosts[0].kill()
    cluster.start_scheduler(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1")
    words = ("--methods", WAITING, "--option", f"{WAITING}.folder={tmp_path}")
    words += ("--resolutions", "48", "--cluster", cluster.address)
    process = start(bench, *words)
    for number in range(1, 3):
        nanny = cluster.start_worker(cluster.hosts[1])
        until(lambda number=number: len(list(tmp_path.glob("started-*"))) == number)
        # Slurm's and Kubernetes' word before they take a machine back.
        nanny.terminate()
        nanny.wait(LONGEST_S)
    (tmp_path / "go").touch()
    cluster.start_worker(cluster.hosts[2])
    done = process.finish(LONGEST_S)
    assert done.returncode == 1, done.stderr + cluster.log()
    failed = [row["error"] for row in bench.rows().values() if row["status"] == "failed"]
    assert len(failed) == 1 and failed[0].startswith("2 workers were lost while they ran it")

    again = bench.run(*words, "--overwrite", "failed")
    assert again.returncode == 0, again.stderr + cluster.log()
    assert [row["status"] for row in bench.rows().values()] == ["ok"]
