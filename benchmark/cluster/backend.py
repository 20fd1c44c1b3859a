"""A Dask cluster as the place where a run's cases are computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rich.console import Console

from benchmark.cluster import admission, client, machines
from benchmark.cluster.client import Fleet
from benchmark.cluster.machines import Machines
from benchmark.cluster.runner import ClusterRunner
from benchmark.execution.local import limits, run_here
from benchmark.execution.writer import Writer
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Plan
from benchmark.planning.request import Job
from methods.external import External


class OnCluster:
    """One run on a cluster; its workers are let go when `stack` is left."""

    def __init__(self, job: Job, fleet: Fleet, stack: ExitStack, console: Console) -> None:
        self._job = job
        self._fleet = fleet
        self._stack = stack
        self._console = console
        self._machines: Machines = {}

    def placed(self, specs: list[MethodSpec]) -> list[MethodSpec]:
        return admission.placed(specs, self._fleet, self._console)

    def admit(self, plan: Plan) -> None:
        # An adaptive cluster may have taken its first one away while the cases were listed.
        client.await_worker(self._fleet, self._console)
        self._admission = self._stack.enter_context(admission.admitted(self._fleet, plan))
        self._machines = admission.machines(self._fleet)

    def run(self, writer: Writer, plan: Plan) -> None:
        # Results made elsewhere lie on this machine and take no computing.
        outside = [case for case in plan.to_run if case.spec.method == External.name]
        run_here(self._job, writer, outside, [])
        runner = ClusterRunner(
            writer,
            self._job.protocol,
            self._job.request.dataset,
            limits(self._job),
            self._fleet,
            self._admission,
            self._console,
        )
        to_run = [case for case in plan.to_run if case.spec.method != External.name]
        self._machines |= runner.run(to_run, plan.to_score)

    def record(self) -> dict[str, Any]:
        return machines.record(self._fleet.address, self._machines)


@contextmanager
def on_cluster(job: Job, address: str, console: Console) -> Iterator[OnCluster]:
    """Raises InputError when there is no cluster at `address`."""
    with client.joined(address, job.threads, console) as fleet, ExitStack() as stack:
        yield OnCluster(job, fleet, stack, console)
