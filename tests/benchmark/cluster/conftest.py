"""A Dask cluster of real processes on hosts of its own, and the main job that uses it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from tests.benchmark.conftest import Bench, photos, protocol
from tests.hosts import Host, hosts
from tests.paths import ROOT

__all__ = ["photos", "protocol"]

LONGEST_S = 60
# Losses are noticed by the network alone; by default after 30 s, at least after 12 s.
QUICK = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "4s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **QUICK, **more}


class Cluster:
    """A scheduler on one host and workers on others, for the tests of a module."""

    def __init__(self, hosts: tuple[Host, ...], folder: Path) -> None:
        self.hosts = hosts
        self._folder = folder
        self._log = (folder / "cluster.log").open("ab")
        self._scheduler: subprocess.Popen[bytes] | None = None
        self._is_usual = False

    def begin(self) -> None:
        """Start the scheduler unless it still runs as usual; forget what was logged before."""
        self.address = f"tcp://{self.hosts[0].address}:8786"
        self._before = len(self._read_log())
        if self._scheduler is None or self._scheduler.poll() is not None or not self._is_usual:
            self.hosts[0].kill()
            self.start_scheduler()
            self._is_usual = True

    def end(self) -> None:
        """Stop all workers."""
        for host in self.hosts[1:]:
            host.mend()
            host.kill()

    def start_scheduler(self, **more: str) -> subprocess.Popen[bytes]:
        """more: of its environment."""
        command = ["--host", self.hosts[0].address, "--port", "8786", "--no-dashboard"]
        scheduler = self._start(self.hosts[0], "distributed.cli.dask_scheduler", *command, **more)
        self._scheduler, self._is_usual = scheduler, not more
        return scheduler

    def start_worker(
        self,
        host: Host,
        *options: str,
        before: Sequence[str] = (),
        more_path: str | None = None,
        **more: str,
    ) -> subprocess.Popen[bytes]:
        """A nanny with one worker. before: words before the command; more_path: where it finds
        modules first; more: of its environment."""
        command = [self.address, "--host", host.address, "--nthreads", "1", "--no-dashboard"]
        command += ["--local-directory", str(self._folder / "scratch"), *options]
        if more_path:
            more["PYTHONPATH"] = f"{more_path}{os.pathsep}{ROOT}"
        return self._start(host, "distributed.cli.dask_worker", *command, before=before, **more)

    def _start(
        self, host: Host, module: str, *command: str, before: Sequence[str] = (), **more: str
    ) -> subprocess.Popen[bytes]:
        return host.start(
            [*before, sys.executable, "-m", module, *command],
            env=environment(**more),
            # What is found must not depend on where a worker was started.
            cwd=self._folder,
            stdout=self._log,
            stderr=self._log,
        )

    def log(self) -> str:
        """What scheduler and workers have logged in this test."""
        return self._read_log()[self._before :]

    def _read_log(self) -> str:
        return (self._folder / "cluster.log").read_text(errors="replace")


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with hosts(3) as made:
        yield Cluster(made, tmp_path_factory.mktemp("cluster"))


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Iterator[Cluster]:
    """Three hosts, the scheduler runs on the first; no workers yet."""
    shared_cluster.begin()
    yield shared_cluster
    shared_cluster.end()


@pytest.fixture
def bench(photos: Path, protocol: Path, tmp_path: Path) -> Bench:
    return Bench(photos, protocol, tmp_path / "run")


def start(bench: Bench, *arguments: str) -> subprocess.Popen[str]:
    """The main job, in the background."""
    return subprocess.Popen(
        bench.command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    )


def until(holds: Callable[[], object]) -> None:
    """Wait for something to hold; fails after a minute."""
    end = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def scores(bench: Bench) -> list[dict[str, str]]:
    """scores.csv without what a clock or another machine changes."""
    measured = {"seconds", "peak_memory_mb", "peak_cuda_memory_mb"}
    return [
        {name: value for name, value in row.items() if name not in measured}
        for row in bench.rows().values()
    ]


def results(bench: Bench) -> dict[str, bytes]:
    """Every picture of a run folder."""
    return {
        path.relative_to(bench.out).as_posix(): path.read_bytes()
        for folder in ("outputs", "masks")
        for path in sorted((bench.out / folder).rglob("*.png"))
    }


def workers_of(host: Host) -> list[psutil.Process]:
    """The worker processes of a host: their nannies' children that have loaded Dask's worker."""
    return [one for one in host.processes() if "spawn_main" in " ".join(one.cmdline())]
