"""A Dask cluster of real processes on hosts of its own, and the main job that uses it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from tests.benchmark.conftest import PROTOCOL, UNDRAWN, Bench, photos
from tests.benchmark.forked import Forked
from tests.command_line import Done
from tests.hosts import Host, hosts
from tests.paths import ROOT

__all__ = ["photos"]

LONGEST_S = 60
# Losses are noticed by the network alone; by default after 30 s, at least after 12 s.
QUICK = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "4s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}


# As users start it: with `python -m` each process of a method would import Dask again.
DASK = (sys.executable, str(Path(sysconfig.get_path("scripts")) / "dask"))
# Commands in the background, which end with their test.
_started: list[Forked] = []


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUICK.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def _no_command_left() -> Iterator[None]:
    yield
    while _started:
        _started.pop().kill()


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **QUICK, **more}


class Cluster:
    """A scheduler on one host and workers on others, for the tests of a module.

    Usual workers, which are started without options, stay for the next test that wants them."""

    def __init__(self, hosts: tuple[Host, ...], folder: Path) -> None:
        self.hosts = hosts
        self._folder = folder
        self._log = (folder / "cluster.log").open("ab")
        self._scheduler: subprocess.Popen[bytes] | None = None
        self._is_usual = False
        self._usual_workers: dict[Host, subprocess.Popen[bytes]] = {}
        # Lengths of the log when the scheduler and when the test began.
        self._scheduled = self._before = 0

    def begin(self, workers: int = 0) -> None:
        """Have the usual scheduler and so many usual workers, on a host each; forget what was
        logged before."""
        self.address = f"tcp://{self.hosts[0].address}:8786"
        if self._scheduler is None or self._scheduler.poll() is not None or not self._is_usual:
            for host in self.hosts:
                host.kill()
            self.start_scheduler()
            self._is_usual = True
        for number, host in enumerate(self.hosts[1:]):
            usual = self._usual_workers.get(host)
            if number >= workers or usual is None or usual.poll() is not None:
                host.kill()
                self._usual_workers.pop(host, None)
            if number < workers and host not in self._usual_workers:
                self._usual_workers[host] = self.start_worker(host)
        until(lambda: len(self._registered()) == workers)
        self._before = len(self._read_log())

    def end(self) -> None:
        """Stop all workers that are not the usual ones."""
        for host in self.hosts[1:]:
            host.mend()
            if host not in self._usual_workers:
                host.kill()

    def _registered(self) -> set[str]:
        """The addresses of the workers that the scheduler knows."""
        known: set[str] = set()
        for line in self._read_log()[self._scheduled :].splitlines():
            if found := re.search(r"(Register|Remove) worker addr: (\S+)", line):
                (known.add if found[1] == "Register" else known.discard)(found[2])
        return known

    def start_scheduler(self, **more: str) -> subprocess.Popen[bytes]:
        """more: of its environment."""
        command = ["--host", self.hosts[0].address, "--port", "8786", "--no-dashboard"]
        self._scheduled = len(self._read_log())
        scheduler = self._start(self.hosts[0], "scheduler", *command, **more)
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
        return self._start(host, "worker", *command, before=before, **more)

    def _start(
        self, host: Host, kind: str, *command: str, before: Sequence[str] = (), **more: str
    ) -> subprocess.Popen[bytes]:
        return host.start(
            [*before, *DASK, kind, *command],
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
def cluster_with_worker(shared_cluster: Cluster) -> Iterator[Cluster]:
    """As `cluster`, with a worker on the second host."""
    shared_cluster.begin(workers=1)
    yield shared_cluster
    shared_cluster.end()


@pytest.fixture
def cluster_with_workers(shared_cluster: Cluster) -> Iterator[Cluster]:
    """As `cluster`, with a worker on each of the other two hosts."""
    shared_cluster.begin(workers=2)
    yield shared_cluster
    shared_cluster.end()


class ClusterBench(Bench):
    """The main job in a process of its own: Dask leaves threads and levels of logging behind."""

    def run(self, *arguments: str) -> Done:
        return start(self, *arguments).finish(longest_s=5 * LONGEST_S)


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    """The tiny one without SSIM, for which every worker would load a compiler."""
    path = tmp_path / "tiny.toml"
    path.write_text(PROTOCOL.replace(', "ssim"', ""))
    return path


@pytest.fixture
def bench(photos: Path, protocol: Path, tmp_path: Path) -> ClusterBench:
    return ClusterBench(photos, protocol, tmp_path / "run")


def start(bench: Bench, *arguments: str) -> Forked:
    """The main job, in the background; it ends with the test at the latest."""
    _started.append(Forked(UNDRAWN, bench.words(*arguments)))
    return _started[-1]


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
