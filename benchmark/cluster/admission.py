"""Which workers take part in a run, and with which device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from distributed import Client, Scheduler, Worker
from rich.console import Console

from benchmark.cluster.client import Fleet
from benchmark.cluster.machines import Machines, described
from benchmark.cluster.plugin import (
    ALIKE,
    GPU,
    Environment,
    Example,
    Join,
    Leave,
    UnlikeError,
    uses_device,
)
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Plan
from methods.errors import InputError
from methods.external import External


def placed(specs: list[MethodSpec], fleet: Fleet, console: Console) -> list[MethodSpec]:
    """The same methods with "auto" decided for all workers alike, so that no number depends on
    who computed it: "cuda" where any worker offers a GPU. Raises InputError."""
    workers = fleet.workers().values()
    offered = any(worker["resources"].get(GPU) for worker in workers)
    placed = [replace(spec, device=_device(spec, offered)) for spec in specs]
    if not offered and any(uses_device(spec) for spec in specs):
        console.print(
            "note: no worker offers a GPU, networks run on CPUs; with GPUs: "
            'dask worker ... --nthreads 1 --resources "GPU=1", one worker a GPU'
        )
    return placed


def _device(spec: MethodSpec, offered: bool) -> str:
    if spec.device == "auto":
        return "cuda" if offered and uses_device(spec) else "cpu"
    if spec.device in {"cpu", "cuda"}:
        return spec.device
    raise InputError(
        f"{spec.label}: device {spec.device!r} means nothing on a cluster, where every worker has "
        "a GPU of its own; use cuda, cpu or auto"
    )


class Admission:
    """Lets only workers take part that would compute what this machine does."""

    def __init__(self, fleet: Fleet, plan: Plan) -> None:
        self._fleet = fleet
        self._join = Join(fleet.name, Environment.here(), _examples(plan))

    def grant(self) -> None:
        """Ask the workers that are there; later ones are asked when they come. Raises InputError,
        naming what is unlike and where."""
        fleet = self._fleet
        who = "the scheduler"
        try:
            # It unpacks what it passes on, but computes nothing.
            found = fleet.ask(lambda client: client.run_on_scheduler(Environment.here))
            if difference := Environment.here().difference(replace(found, versions={})):
                raise UnlikeError(f"the scheduler at {fleet.address}: {difference}; {ALIKE}")
            fleet.ask(lambda client: client.register_plugin(Leave(fleet.name, client.id)))
            who = "a worker"
            fleet.ask(lambda client: client.register_plugin(self._join))
        except UnlikeError as error:
            raise InputError(str(error)) from None
        except OSError as error:
            raise InputError(
                f"workers at {fleet.address} are lost while they join ({error}); try again when "
                "they stay"
            ) from None
        except ImportError as error:
            raise InputError(
                f"{who} at {fleet.address} cannot import the suite ({error}): install it there, or "
                f"start {who.removeprefix('a ')} with PYTHONPATH at a checkout"
            ) from None

    def renew(self) -> None:
        """Grant it again where it was lost with the connection. Raises InputError."""
        name = self._join.name
        if not self._fleet.ask(lambda client: client.run_on_scheduler(_is_known, name=name)):
            self.grant()

    def withdraw(self) -> None:
        """Let the workers go now: a cluster that is started here does not outlive its client.
        Whatever prevents it, Leave sees to it, and what ended the run matters more."""
        with suppress(Exception):
            self._fleet.client.unregister_worker_plugin(self._join.name)


def _is_known(name: str, dask_scheduler: Scheduler) -> bool:
    return name in dask_scheduler.worker_plugins


@contextmanager
def admitted(fleet: Fleet, plan: Plan) -> Iterator[Admission]:
    """Raises InputError where a worker that is there would compute something else."""
    admission = Admission(fleet, plan)
    try:
        admission.grant()
        yield admission
    finally:
        admission.withdraw()


def _examples(plan: Plan) -> list[Example]:
    """A case of each method that workers run."""
    first = {
        case.spec.label: case for case in reversed(plan.cases) if case.spec.method != External.name
    }
    return [
        Example(case.spec, case.resolution, case.photo.name, case.input_key, case.key)
        for case in first.values()
    ]


def machines(fleet: Fleet) -> Machines:
    """Of the workers that are there now."""
    return dict(fleet.ask(_all_described).values())


def _all_described(client: Client) -> dict[str, tuple[str, dict[str, Any]]]:
    # One that is lost just now is not there.
    return client.run(_described, on_error="ignore")


def _described(dask_worker: Worker) -> tuple[str, dict[str, Any]]:
    return described(dask_worker)
