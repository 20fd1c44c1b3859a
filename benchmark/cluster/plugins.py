"""Dask plug-ins of a run: workers are checked before they compute, and freed after the run.

A worker takes part only if it has the same suite, the same versions, and the same methods with the
same weights as this machine. Dask sends the check to every worker, also to those that join later.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import platform
import socket

from distributed import Scheduler, SchedulerPlugin, Worker, WorkerPlugin

import methods
from benchmark.execution.inference import close_all
from benchmark.inputs.protocol import Protocol
from benchmark.planning.concurrency import limit_threads, requested_threads
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case
from benchmark.run_folder import provenance
from benchmark.run_folder.folder import key_of
from methods.base import MethodError
from methods.errors import InputError
from methods.files import sha256

# Name of a GPU among a worker's resources: dask worker ... --resources "GPU=1"
GPU = "GPU"
# They compute nothing, and environments have them in the version that created them.
INSTALLERS = {"pip", "setuptools", "wheel"}
PYTHON, SUITE = "Python", "source of the suite"


def uses_device(spec: MethodSpec) -> bool:
    """Return whether a method can run on a GPU."""
    return methods.method_class(spec.method).uses_device


def needs_gpu(spec: MethodSpec) -> bool:
    """Return whether a method, whose device is decided, occupies a worker's GPU."""
    return spec.device == "cuda" and uses_device(spec)


def environment() -> dict[str, str]:
    """Return what decides the results of this process: versions and the suite's source."""
    installed = {name.lower(): version for name, version in provenance.versions().items()}
    for name in ("python", *INSTALLERS):
        installed.pop(name, None)
    python = ".".join(platform.python_version_tuple()[:2])
    return {PYTHON: python, **installed, SUITE: _checksum()}


def compare(there: dict[str, str], here: dict[str, str], where: str) -> None:
    """Raise InputError if environments differ; what only one of them has does not count."""
    names = [name for name in here if there.get(name, here[name]) != here[name]]
    if names:
        name, others = names[0], f" (and {len(names) - 1} more)" if names[1:] else ""
        raise InputError(
            f"{where}: {name} {there[name]} there, {here[name]} here{others}; install there what "
            "is installed here"
        )


def _checksum() -> str:
    # The GIMP plug-in computes nothing, and an installed suite has more of it than a checkout.
    root = provenance.ROOT
    files = [*(root / "benchmark").rglob("*.py"), *(root / "methods").rglob("*.py")]
    paths = sorted(path for path in files if not path.is_relative_to(root / "methods" / "gimp"))
    return key_of([[path.relative_to(root).as_posix(), sha256(path)] for path in paths])[:12]


class WorkerCheck(WorkerPlugin):
    """Checks a worker when it joins the run, and frees it at the end of the run.

    Dask only logs the error of a worker that joins later; `passed` tells its tasks, which may be
    there before the check has ended (None).
    """

    def __init__(self, run: str, examples: list[Case], protocol: Protocol) -> None:
        """examples: one case of each method, whose key any machine with the method computes."""
        self.name = run
        self.passed: bool | None = None
        self._environment = environment()
        self._examples = examples
        self._protocol = protocol
        self._scores = protocol.score_identity()

    async def setup(self, worker: Worker) -> None:
        # A nanny's worker is a daemon, which may not start the processes that methods run in.
        if multiprocessing.current_process().daemon:
            multiprocessing.current_process().daemon = False
        # Some libraries take an invalid number as all cores.
        threads = requested_threads() or 1
        os.environ["OMP_NUM_THREADS"] = str(threads)
        limit_threads(threads)
        where = f"worker {worker.address} on {socket.gethostname()}"
        try:
            await asyncio.to_thread(self._check, where)
            self.passed = True
        finally:
            self.passed = bool(self.passed)

    def _check(self, where: str) -> None:
        compare(environment(), self._environment, where)
        self._check_metrics(where)
        for case in self._examples:
            spec = case.spec
            try:
                inpainter = methods.create(spec.method, device=spec.device, **spec.options)
                inpainter.check()
                identity = inpainter.identity(case.resolution, case.photo.name)
            except (MethodError, ValueError) as error:
                raise InputError(f"{where}: {spec.label}: {error}") from None
            if key_of([case.input_key, identity]) != case.key:
                raise InputError(
                    f"{where}: {spec.label} has other weights or options there; put the same "
                    "files there"
                )

    def _check_metrics(self, where: str) -> None:
        """Raise InputError if a metric is missing there, or is another one."""
        try:
            there = self._protocol.score_identity()
        except ValueError as error:
            raise InputError(f"{where}: {error}") from None
        if there != self._scores:
            missing = "; ".join(f"{n}: {a}" for n, a in self._protocol.missing_metrics().items())
            raise InputError(
                f"{where}: metrics of protocol {self._protocol.name} are others there than here; "
                f"put the same files and packages there{f' ({missing})' * bool(missing)}"
            )

    async def teardown(self, worker: Worker) -> None:
        """End the run's inference processes, so that their memory and GPU are free."""
        await asyncio.to_thread(close_all, self.name)


class RunCleanup(SchedulerPlugin):
    """Ends the run on the cluster as soon as its command is gone, even if that was killed.

    Otherwise workers would go on with its cases, and workers that join later would be checked.
    """

    def __init__(self, run: str) -> None:
        """run: identifier of the command's Dask client."""
        self.name = run

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        if client == self.name:
            scheduler.loop.add_callback(self._end_run, scheduler)

    async def _end_run(self, scheduler: Scheduler) -> None:
        scheduler.remove_plugin(self.name)
        if self.name in scheduler.worker_plugins:
            await scheduler.unregister_worker_plugin(None, self.name)
