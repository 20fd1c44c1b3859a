"""Where a run's cases are computed: on this machine, or on a Dask cluster."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Protocol

from benchmark.execution.inference import Limits, close_all
from benchmark.execution.runner import Runner
from benchmark.execution.writer import Writer
from benchmark.inputs.dataset import PhotoStore
from benchmark.planning.concurrency import limit_threads
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case, Plan
from benchmark.planning.request import Job
from benchmark.run_folder.folder import Row


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
