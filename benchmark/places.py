"""Where a run's cases are computed: on this machine, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from benchmark.dataset import PhotoStore
from benchmark.errors import InputError
from benchmark.inference import Limits, MethodSpec, close_all, limit_threads
from benchmark.plan import Case, Plan
from benchmark.request import Job
from benchmark.run_folder import Row
from benchmark.runner import Runner
from benchmark.writer import Writer


class Place(Protocol):
    """What a job needs to know of where its cases run."""

    def placed(self, specs: list[MethodSpec]) -> list[MethodSpec]:
        """The methods with the devices that they have there. Raises InputError."""

    def admit(self, plan: Plan) -> None:
        """Last check before anything is written. Raises InputError."""

    def run(self, writer: Writer, plan: Plan) -> None:
        """Run and score what the plan says. Raises InputError; what was finished is kept."""

    def record(self) -> dict[str, Any]:
        """For run.json."""


class Here:
    """This machine, with a thread for each case that runs at a time."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def placed(self, specs: list[MethodSpec]) -> list[MethodSpec]:
        return specs

    def admit(self, plan: Plan) -> None:
        pass

    def run(self, writer: Writer, plan: Plan) -> None:
        limit_threads(self._job.threads)
        run_here(self._job, writer, plan.to_run, plan.to_score)

    def record(self) -> dict[str, Any]:
        return {"workers": self._job.request.workers, "threads": self._job.threads}


def run_here(
    job: Job, writer: Writer, to_run: list[Case], to_score: list[tuple[Case, Row]]
) -> None:
    """Run cases on this machine. Raises InputError."""
    workers = job.request.workers
    photos = PhotoStore(job.request.dataset)
    runner = Runner(writer, job.protocol, photos, limits(job))
    executor: Executor = ThreadPoolExecutor(workers)
    try:
        runner.run(to_run, to_score, executor, workers)
    finally:
        executor.shutdown(cancel_futures=True)
        close_all()


def limits(job: Job) -> Limits:
    return Limits(job.request.time_limit, job.request.memory_limit)


@contextmanager
def _here(job: Job) -> Iterator[Place]:
    yield Here(job)


def place(job: Job, console: Console) -> AbstractContextManager[Place]:
    """Where a job runs. Raises InputError when its cluster does not answer."""
    if job.request.cluster is None:
        return _here(job)
    try:
        from benchmark.cluster_place import on_cluster
    except ImportError as error:
        extra = f"pip install '{Path(__file__).resolve().parents[1]}[cluster]'"
        raise InputError(f"--cluster needs Dask distributed ({error}): {extra}") from None
    return on_cluster(job, job.request.cluster, console)
