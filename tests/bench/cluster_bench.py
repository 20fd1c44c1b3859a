"""Measure throughput on a cluster: `python -m tests.bench.cluster_bench [PART ...]`.

tiny: cases per second against workers and against the number of cases, so small that everything but
    the method is measured; and the peak memory of the command's process.
real: the same with photographs of 2048 px (datasets/demo), beside --workers of a local run.
writer: results of 2048 px that one process writes per second.
scheduler: empty tasks per second.

The time of a run is that of its cases, without the start, the check of the dataset and the report.
Each figure comes from a process of its own; memory is its peak, Python included.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distributed import Client, LocalCluster, wait
from rich.console import Console

import benchmark.job
from benchmark.cluster.runner import WRITERS
from benchmark.execution.writer import Writer
from benchmark.job import run_job
from benchmark.planning.plan import Plan
from benchmark.planning.request import Job, Request
from methods.files import write_atomically
from methods.images import png_bytes, read_rgb
from tests.bench.fresh import measured
from tests.bench.scale_bench import PROTOCOL, SIZES, wanted
from tests.benchmark.conftest import save, scene
from tests.paths import ROOT

DEMO = ROOT / "datasets" / "demo"
TINY = (100, 1000, 4000)
WHERE = ("1 here", "2 here", "local:1", "local:2")
REAL = "telea"


def tiny(folder: str, where: str) -> Callable[[], None]:
    return run_of(placed(wanted(Path(folder), REAL), where))


def real(folder: str, where: str) -> Callable[[], None]:
    request = replace(wanted(Path(folder), REAL), dataset=DEMO)
    request = replace(request, protocol="moskalenko2020", resolutions="2048")
    return run_of(placed(request, where))


def placed(request: Request, where: str) -> Request:
    if where.startswith("local:"):
        return replace(request, cluster=where)
    return replace(request, workers=int(where.split()[0]))


def run_of(request: Request) -> Callable[[], None]:
    """Write the seconds in which cases ran to seconds.txt."""

    def act() -> None:
        spent: list[float] = []
        with timed(spent):
            statuses = run_job(request, Console(quiet=True))
        assert set(statuses) == {"ok"}, set(statuses)
        (request.out / "seconds.txt").write_text(repr(spent[0]))

    return act


@contextmanager
def timed(spent: list[float]) -> Iterator[None]:
    """Add the seconds of a job's cases to `spent`."""
    opening = benchmark.job.open_backend

    @contextmanager
    def clocked(job: Job, console: Console) -> Iterator[Any]:
        with opening(job, console) as backend:
            run = backend.run

            def timed_run(writer: Writer, plan: Plan) -> None:
                began = time.perf_counter()
                run(writer, plan)
                spent.append(time.perf_counter() - began)

            backend.run = timed_run  # type: ignore[method-assign]
            yield backend

    benchmark.job.open_backend = clocked
    try:
        yield
    finally:
        benchmark.job.open_backend = opening


def show_tiny() -> None:
    print(f"\n{'cases':>8}" + "".join(f"{where + ' cases/s':>18}{'MB':>6}" for where in WHERE))
    for size in TINY:
        with TemporaryDirectory() as place:
            photos = size // len(SIZES)
            for number in range(photos):
                save(Path(place) / "photos" / f"{number:05}.png", scene(number, 48, 48))
            (Path(place) / "tiny.toml").write_text(PROTOCOL)
            print(f"{photos * len(SIZES):8}", end="", flush=True)
            for where in WHERE:
                show("tiny", place, where, photos * len(SIZES))
            print()


def show_real() -> None:
    photos = len(list(DEMO.glob("*.jpg"))) + len(list(DEMO.glob("*.png")))
    print(f"\n{REAL}, 2048 px, {photos} photographs")
    print("".join(f"{where + ' cases/s':>18}{'MB':>6}" for where in WHERE))
    with TemporaryDirectory() as place:
        (Path(place) / "tiny.toml").write_text(PROTOCOL)
        for where in WHERE:
            show("real", place, where, photos)
    print()


def show(part: str, place: str, where: str, cases: int) -> None:
    memory = measured(f"tests.bench.cluster_bench:{part}", place, where).megabytes
    run = Path(place) / "run"
    seconds = float((run / "seconds.txt").read_text())
    run.rename(Path(place) / f"run {where}")
    print(f"{cases / seconds:18.2f}{memory:6.0f}", end="", flush=True)


def show_writer() -> None:
    """Write and sync results with as many threads as a run has."""
    photo = next(iter(sorted(DEMO.glob("*.[jp][pn]g"))))
    content = png_bytes(read_rgb(photo))
    with TemporaryDirectory(dir=ROOT / "results") as place, ThreadPoolExecutor(WRITERS) as pool:
        began = time.perf_counter()
        paths = [Path(place) / f"{number}.png" for number in range(64)]
        list(pool.map(lambda path: write_atomically(path, content), paths))
        seconds = time.perf_counter() - began
    megabytes = len(content) / 2**20
    print(
        f"\nwriter: {len(paths) / seconds:.1f} results/s of {megabytes:.1f} MB each, "
        f"{len(paths) * megabytes / seconds:.0f} MB/s"
    )


def show_scheduler() -> None:
    tasks = 2000
    with (
        LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        wait(client.map(abs, range(100), pure=False))
        began = time.perf_counter()
        wait(client.map(abs, range(tasks), pure=False))
        seconds = time.perf_counter() - began
    print(f"\nscheduler: {tasks / seconds:.0f} tasks/s")


PARTS = {"tiny": show_tiny, "real": show_real, "writer": show_writer, "scheduler": show_scheduler}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    for part in parser.parse_args().parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
