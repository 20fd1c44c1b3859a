"""A Dask cluster as the backend that computes the cases of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rich.console import Console

from benchmark.cluster import machines
from benchmark.cluster.client import ClusterClient, connected
from benchmark.cluster.machines import Machines
from benchmark.cluster.plugins import GPU, WorkerCheck, uses_device
from benchmark.cluster.runner import ClusterRunner
from benchmark.execution.local import run_locally
from benchmark.execution.writer import Writer
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Plan
from benchmark.planning.request import Job
from methods.errors import InputError
from methods.external import External


class DaskBackend:
    """Runs a job on a Dask cluster; see `benchmark.job.Backend`."""

    def __init__(self, job: Job, cluster: ClusterClient, console: Console) -> None:
        self._job = job
        self._cluster = cluster
        self._console = console
        self._machines: Machines = {}

    def assign_devices(self, specs: list[MethodSpec]) -> list[MethodSpec]:
        """Decide the device of each method, "cuda" for networks if any worker offers a GPU.

        It is the same on all workers, so that no number depends on which one computed it.
        Raises InputError for a device that has no meaning on a cluster, such as "cuda:1".
        """
        workers = self._cluster.workers().values()
        has_gpu = any(worker["resources"].get(GPU) for worker in workers)
        if not has_gpu and any(map(uses_device, specs)):
            self._console.print(
                "note: no worker offers a GPU, networks run on CPUs; with GPUs: "
                'dask worker ... --nthreads 1 --resources "GPU=1", one worker a GPU'
            )
        return [replace(spec, device=_device(spec, has_gpu)) for spec in specs]

    def prepare(self, plan: Plan) -> None:
        """Check that all workers compute what this machine would. Raises InputError."""
        # An adaptive cluster may have stopped its first worker while the cases were listed.
        self._cluster.await_worker(self._console)
        # Any case of each method that workers run.
        examples = {case.spec.label: case for case in plan.cases if _is_computed(case.spec)}
        check = WorkerCheck(self._cluster.run, list(examples.values()), self._job.protocol)
        self._cluster.register(check)
        # A worker that is lost at this moment is left out.
        workers = self._cluster.call(
            lambda client: client.run(machines.describe, on_error="ignore")
        )
        self._machines = {name: machine for _, name, machine in workers.values()}

    def run(self, writer: Writer, plan: Plan) -> None:
        """Run and score the cases of a plan. Raises InputError; finished cases are kept."""
        # Results made elsewhere are files on this machine and need no computing.
        external = [case for case in plan.to_run if not _is_computed(case.spec)]
        run_locally(self._job, writer, external, [])
        runner = ClusterRunner(self._job, writer, self._cluster, self._console)
        to_run = [case for case in plan.to_run if _is_computed(case.spec)]
        self._machines |= runner.run(to_run, plan.to_score)

    def record(self) -> dict[str, Any]:
        """Return the cluster's part of run.json."""
        return machines.record(self._cluster.address, self._machines)


@contextmanager
def dask_backend(job: Job, address: str, console: Console) -> Iterator[DaskBackend]:
    """Connect to the cluster at `address`. Raises InputError if there is none."""
    with connected(address, job.threads, console) as cluster:
        try:
            yield DaskBackend(job, cluster, console)
        finally:
            cluster.unregister()


def _is_computed(spec: MethodSpec) -> bool:
    return spec.method != External.name


def _device(spec: MethodSpec, has_gpu: bool) -> str:
    if spec.device == "auto":
        return "cuda" if has_gpu and uses_device(spec) else "cpu"
    if spec.device in {"cpu", "cuda"}:
        return spec.device
    raise InputError(
        f"{spec.label}: device {spec.device!r} has no meaning on a cluster, where every worker "
        "has a GPU of its own; use cuda, cpu or auto"
    )
