"""How a run grows: `python -m tests.bench.scale_bench growth [CASES ...]`.

growth: planning, writing and resuming of runs of 10^2 to 10^5 tiny cases (20 methods x photographs
x 4 resolutions), and the memory of the process that does it. The cases are not computed: their rows
go through the run folder's own journal, and their results are links to the references. Each figure
comes from a process of its own; memory is its peak, Python and libraries included. `report` and
`same again` are the whole command on the finished run: the first time, and when nothing is to do.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console

from benchmark.job import run_job
from benchmark.planning.method_specs import collect
from benchmark.planning.plan import Case, Plan, list_cases, select_cases
from benchmark.planning.request import Job, Request, check_request
from benchmark.run_folder.folder import RunFolder, open_run_folder
from benchmark.run_folder.rows import Row, write_scores
from methods.labels import REFERENCE
from methods.resolutions import NATIVE
from tests.bench.fresh import measured
from tests.benchmark.conftest import save, scene
from tests.paths import ROOT

CASES = (100, 1000, 10_000, 100_000)
METHODS, SIZES = 20, (16, 24, 32, 48)
METHOD_FILE = "methods.toml"
# As many as finish cases beside a run of three workers.
THREADS = 4
METRICS = [f"{name}{where}" for where in ("", "_hole") for name in ("l1", "psnr", "ssim")]
PROTOCOL = f"""
name = "tiny"
description = "for measuring"
resolutions = {list(SIZES)}
resampling = "nearest"
crop = "refuse"
metrics = ["l1", "psnr", "ssim"]
[hole]
kind = "middle-third"
"""


def dataset(folder: Path, cases: int) -> int:
    """Photographs, protocol and methods for about so many cases; the number of cases."""
    photos = max(1, cases // METHODS // len(SIZES))
    for number in range(photos):
        save(folder / "photos" / f"photograph {number:04}.png", scene(number, 48, 48))
    (folder / "tiny.toml").write_text(PROTOCOL)
    tables = (
        f'["telea {radius}"]\nmethod = "telea"\nradius = {radius}\n'
        for radius in range(1, METHODS + 1)
    )
    (folder / METHOD_FILE).write_text("\n".join(tables))
    return photos * METHODS * len(SIZES)


def wanted(folder: Path, method: str | None = None) -> Request:
    """A run of that method, or of those of the folder's method file."""
    return Request(
        dataset=folder / "photos",
        out=folder / "run",
        specs=collect(method, [] if method else [folder / METHOD_FILE]),
        protocol=str(folder / "tiny.toml"),
    )


def planned(folder: Path) -> tuple[Job, Plan]:
    job = check_request(wanted(folder), Console(stderr=True))
    return job, list_cases(job.specs, job.photos, job.resolutions, job.protocol)


def planning(folder: str) -> Callable[[], None]:
    """Photographs checked, cases listed and compared with an empty run folder."""

    def act() -> None:
        _, plan = planned(Path(folder))
        with open_run_folder(Path(folder) / "empty") as run:
            select_cases(plan, run, "never")
        assert len(plan.to_run) == len(plan.cases)

    return act


def recording(folder: str) -> Callable[[], None]:
    """Lines in the journal, appended by several threads, as in a run; without the images."""
    _, plan = planned(Path(folder))
    run = RunFolder(Path(folder) / "run")
    link_results(run, plan.cases)

    def record(case: Case) -> None:
        if case.spec is plan.cases[0].spec:
            run.record_input(case.resolution, case.photo.name, case.input_key)
        run.record_case(finished(case), case.key, case.score_key)

    def act() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for block in range(0, len(plan.cases), 1000):
                list(pool.map(record, plan.cases[block : block + 1000]))

    return act


def link_results(run: RunFolder, cases: Iterable[Case]) -> None:
    for case in cases:
        place = case.resolution, case.photo.name
        reference = run.result_path(REFERENCE, *place)
        if not reference.exists():
            size = case.resolution
            assert size != NATIVE
            save(reference, scene(0, size, size))
            mask = np.zeros((size, size), np.uint8)
            mask[size // 3 : 2 * size // 3, size // 3 : 2 * size // 3] = 255
            save(run.mask_path(*place), mask)
        result = run.result_path(*case.slot)
        result.parent.mkdir(parents=True, exist_ok=True)
        os.link(reference, result)


def finished(case: Case) -> Row:
    draw = random.Random(case.key).random
    return Row(
        *case.slot, status="ok", scores={name: draw() for name in METRICS},
        known_pixels_changed=0, seconds=draw(), peak_memory_mb=100 * draw(),
    )  # fmt: skip


def writing(folder: str) -> Callable[[], None]:
    """scores.csv alone."""
    _, plan = planned(Path(folder))
    with open_run_folder(Path(folder) / "run") as run:
        select_cases(plan, run, "never")
    assert not plan.to_run

    def act() -> None:
        write_scores(Path(folder) / "run" / "scores.csv", plan.rows.values(), METRICS)

    return act


def resuming(folder: str) -> Callable[[], None]:
    """The job of a finished run, without tables, figures and report."""
    return lambda: print(len(run_job(wanted(Path(folder)))))


def command(folder: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB (2**20 bytes) of run_benchmark.py for a finished run: of all of
    it, from the start of Python to the page."""
    request = wanted(folder)
    arguments = [
        *(sys.executable, str(ROOT / "run_benchmark.py"), "--dataset", str(request.dataset)),
        *("--protocol", request.protocol, "--method-file", str(folder / METHOD_FILE)),
        *("--out", str(request.out)),
    ]
    began = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    process = os.posix_spawn(sys.executable, arguments, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"{' '.join(arguments)} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def growth(sizes: list[int]) -> None:
    """Print a table: seconds, and milliseconds a case; memory in MB."""
    parts = {"planning": planning, "journal": recording, "scores.csv": writing, "resume": resuming}
    names = [*parts, "report", "same again"]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    print(f"{'cases':>8}" + "".join(f"{name + ' s':>14}{'ms/case':>9}{'MB':>5}" for name in names))
    for size in sizes:
        with TemporaryDirectory() as place:
            cases = dataset(Path(place), size)
            print(f"{cases:8}", end="", flush=True)
            for part in parts.values():
                cost = measured(f"tests.bench.scale_bench:{part.__name__}", place)
                show(cases, cost.seconds, cost.megabytes)
            # The first call draws the report, another one finds everything as it was.
            for _ in range(2):
                show(cases, *command(Path(place)))
            print()


def show(cases: int, seconds: float, memory: float) -> None:
    print(f"{seconds:14.2f}{1000 * seconds / cases:9.3f}{memory:5.0f}", end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("growth")
    part.add_argument("cases", nargs="*", type=int, default=CASES)
    given = parser.parse_args()
    growth(given.cases)


if __name__ == "__main__":
    main()
