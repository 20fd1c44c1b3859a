"""A worker joins a run only if it computes what this machine would: same suite, same versions,
same methods with the same weights. Sent to every worker, also to those that come later."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import platform
import socket
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from distributed import Scheduler, SchedulerPlugin, Worker, WorkerPlugin

import methods
from benchmark.cluster.machines import threads
from benchmark.execution.inference import close_all
from benchmark.planning.concurrency import limit_threads
from benchmark.planning.method_specs import MethodSpec
from benchmark.run_folder.folder import key_of
from methods.base import MethodError

# What workers call a GPU: dask worker ... --resources "GPU=1"
GPU = "GPU"
PREFIX = "inpainting-suite-"
# They install the others and compute nothing; every environment has them as it was made.
INSTALLERS = {"pip", "setuptools", "wheel"}
ALIKE = "install there what is installed here"
ROOT = Path(__file__).resolve().parents[2]


class UnlikeError(Exception):
    """A worker that would compute something else. The message is one line."""


def uses_device(spec: MethodSpec) -> bool:
    """Whether a method can run on a GPU."""
    return methods.method_class(spec.method).uses_device


def needs_gpu(spec: MethodSpec) -> bool:
    """Whether a method, whose device is decided, takes a worker's GPU."""
    return spec.device == "cuda" and uses_device(spec)


@dataclass(frozen=True)
class Environment:
    """suite: checksum of the source of `methods` and `benchmark`; versions: of all distributions
    that are installed and compute something."""

    python: str
    suite: str
    versions: dict[str, str]

    @classmethod
    def here(cls) -> Environment:
        installed: dict[str, str] = {}
        for item in distributions():
            # The first one on the path is the one that is imported.
            installed.setdefault(str(item.metadata["Name"]).lower(), item.version)
        for name in INSTALLERS:
            installed.pop(name, None)
        python = ".".join(platform.python_version_tuple()[:2])
        return cls(python, _source(), installed)

    def difference(self, other: Environment) -> str:
        """What is another in `other`, as a user would put it right; empty if nothing is that both
        have."""
        if other.python != self.python:
            return f"Python {other.python} there, {self.python} here"
        both = self.versions.keys() & other.versions.keys()
        unlike = sorted(name for name in both if self.versions[name] != other.versions[name])
        if unlike:
            name, more = unlike[0], len(unlike) - 1
            others = f" (and {more} more)" if more else ""
            return f"{name} {other.versions[name]} there, {self.versions[name]} here{others}"
        return "" if other.suite == self.suite else "another version of the suite is there"


@dataclass(frozen=True)
class Example:
    """One case of a method, by which a worker shows that it has the same method."""

    spec: MethodSpec
    resolution: int
    image: str
    input_key: str
    key: str

    def key_here(self) -> str:
        """The key that this machine gives the case. Raises MethodError, ValueError."""
        spec = self.spec
        inpainter = methods.create(spec.method, device=spec.device, **spec.options)
        inpainter.check()
        return key_of([self.input_key, inpainter.identity(self.resolution, self.image)])


class Join(WorkerPlugin):
    """Raises UnlikeError on a worker that would compute something else. Of one that comes later
    Dask only logs it, so `fit` tells whoever is to compute there."""

    def __init__(self, run: str, environment: Environment, examples: list[Example]) -> None:
        self.name = PREFIX + run
        self.fit = False
        self._run = run
        self._environment = environment
        self._examples = examples

    async def setup(self, worker: Worker) -> None:
        # A nanny's worker is a daemon, which may have no children; ours run the methods.
        if multiprocessing.current_process().daemon:
            multiprocessing.current_process().daemon = False
        # What is no number would mean all cores to some libraries.
        os.environ["OMP_NUM_THREADS"] = str(threads())
        limit_threads(threads())
        problem = await asyncio.to_thread(self._problem)
        if problem:
            raise UnlikeError(f"worker {worker.address} on {socket.gethostname()}: {problem}")
        self.fit = True

    def _problem(self) -> str:
        difference = self._environment.difference(Environment.here())
        if difference:
            return f"{difference}; {ALIKE}"
        for example in self._examples:
            spec = example.spec
            try:
                key = example.key_here()
            except (MethodError, ValueError) as error:
                return f"{spec.label}: {error}"
            if key != example.key:
                return f"{spec.label} has other weights or options there; put the same files there"
        return ""

    async def teardown(self, worker: Worker) -> None:
        """The run is over: give memory and GPU back."""
        await asyncio.to_thread(close_all, self._run)


class Leave(SchedulerPlugin):
    """Clears what a run has left on its cluster once its command is gone, however that ended. Else
    workers would go on with its cases, and later ones would be measured by it."""

    def __init__(self, run: str, client: str) -> None:
        self.name = PREFIX + run
        self._run = run
        self._client = client

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        if client == self._client:
            scheduler.loop.add_callback(self._leave, scheduler)

    async def _leave(self, scheduler: Scheduler) -> None:
        scheduler.task_metadata.pop(self._run, None)
        scheduler.remove_plugin(self.name)
        if self.name in scheduler.worker_plugins:
            await scheduler.unregister_worker_plugin(None, self.name)


def admission(worker: Worker, run: str) -> Join | None:
    """What a worker knows of a run; None when that is over."""
    return worker.plugins.get(PREFIX + run)  # type: ignore[return-value]


def _source() -> str:
    digest = hashlib.sha256()
    for folder in ("benchmark", "methods"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            # The plug-in takes no part, and what is installed has more of it than a checkout.
            if path.is_relative_to(ROOT / "methods" / "gimp"):
                continue
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
