"""Inference in a child process: a crash, a time-out or a lack of memory costs one case only.

`infer` is a plain function of picklable arguments, so that any `concurrent.futures.Executor` can
run it. Each thread that calls it has one child process, which is replaced when the method changes:
otherwise libraries that the previous method loaded would count as memory of the next one.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures import TimeoutError as CaseTimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import numpy as np
from pebble import ProcessExpired, ProcessPool

from benchmark.execution import inference_child as child
from benchmark.execution.fresh_process import ENDED_WITH_0, FreshContext
from benchmark.execution.other_python import OtherPython
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.request import Limits
from methods.base import Image, Mask, Resolution
from methods.foreign_code import error_text

# How often a running case checks whether its process was closed.
CLOSED_S = 1.0
# What C++ and SciPy's SuperLU print before they crash for lack of memory.
CRASHED_OUT_OF_MEMORY = ("bad_alloc", "malloc fails", "Can't expand MemType")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one case; `raw` is the method's result before compositing."""

    status: str
    raw: Image | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    peak_cuda_memory_mb: float | None = None
    error: str = ""
    log: str = ""
    # Of a file that the method has read for the case, see `Inpainter.read_sha256`.
    read_sha256: str = ""


def infer(
    spec: MethodSpec,
    resolution: Resolution,
    image_name: str,
    image: Image,
    mask: Mask,
    limits: Limits,
    run: str = "",
) -> Outcome:
    """Fill the hole of an image whose hole is blanked; errors of the method become the outcome.

    `run` is a name for `close_all`, whose call meanwhile raises CancelledError here.
    """
    for _ in range(2):
        process = _process_for(spec)
        process.run_name = run
        try:
            return process.run(resolution, image_name, image, mask, limits)
        except BrokenProcessPool:
            # It ended before it took the case, so the case is not the cause.
            _retire(process)
    return Outcome("failed", error="process ended twice before it could begin the case")


def close_all(run: str | None = None) -> None:
    """Stop the child processes, or only those that last worked for one run, and their cases."""
    for process in list(_processes.values()):
        if run is None or process.run_name == run:
            _retire(process)


class InferenceProcess:
    """One child process that runs one method.

    Arrays are passed as files: a pipe is five times slower, and shared memory is limited to 64 MB
    in a default container.
    """

    def __init__(self, spec: MethodSpec) -> None:
        self.spec = spec
        self.run_name = ""
        self._closed = False
        # Pebble's pool can be stopped before or after it has started, not meanwhile.
        self._starting = threading.RLock()
        self._scratch = Path(tempfile.mkdtemp(prefix="inpainting-"))
        self._pool: ProcessPool | OtherPython
        if spec.python is not None:
            self._pool = OtherPython(spec.python, self._scratch)
        else:
            self._pool = ProcessPool(
                max_workers=1,
                context=FreshContext(),
                initializer=child.start,
                initargs=[str(self._scratch)],
            )

    def run(
        self, resolution: Resolution, image_name: str, image: Image, mask: Mask, limits: Limits
    ) -> Outcome:
        self._save(image=image, mask=mask)
        spec = self.spec
        call = [
            spec.method, spec.options, spec.device, resolution, image_name, limits.memory_gb
        ]  # fmt: skip
        future = self._schedule(call, limits.seconds)
        # A pool that is stopped may never complete the future, or as if the method had crashed.
        while not (self._closed or wait([future], timeout=CLOSED_S).done):
            pass
        if self._closed:
            raise CancelledError
        outcome = self._outcome(future, limits)
        if outcome.status == "ok":
            outcome = replace(outcome, raw=np.load(self._scratch / "raw.npy"))
        return replace(outcome, log=outcome.log or self._printed())

    def _outcome(self, future: Future[dict[str, Any]], limits: Limits) -> Outcome:
        # Not raised here: a KeyboardInterrupt would be taken for the user's.
        match future.exception():
            case None:
                return Outcome(**future.result())
            case CaseTimeoutError():
                return Outcome("timeout", error=f"time limit of {limits.seconds:g} s reached")
            case ProcessExpired() as error:
                return _crashed(error.exitcode, self._printed())
            case BrokenProcessPool() as error:
                raise error
            case error:  # such as a log of the method's that cannot be sent
                return Outcome("failed", error=error_text(error))

    def _save(self, **arrays: np.ndarray) -> None:
        for name, array in arrays.items():
            file = self._scratch / f"{name}.npy"
            try:
                np.save(file, array)
            except OSError as error:
                # Closed meanwhile, it has no scratch folder any more.
                if self._closed:
                    raise CancelledError from None
                # NumPy names no file, and the run folder's disk may have space.
                raise OSError(error.errno, error.strerror or str(error), str(file)) from error

    def _schedule(self, call: list[Any], seconds: float | None) -> Future[dict[str, Any]]:
        # A child that Ctrl-C reaches before it can ignore it would print a traceback.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with self._starting:
                if self._closed:
                    raise CancelledError
                if not self._pool.active:
                    raise BrokenProcessPool
                return self._pool.schedule(child.run, args=call, timeout=seconds)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _printed(self) -> str:
        log = self._scratch / "log.txt"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def close(self) -> None:
        with self._starting:
            self._closed = True
            self._pool.stop()
        self._pool.join()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _crashed(exitcode: int | None, printed: str) -> Outcome:
    """Interpret the exit code and last output of a child that ended without a report."""
    if any(words in printed for words in CRASHED_OUT_OF_MEMORY):
        return Outcome("out_of_memory", error="process ended: it could not get more memory")
    if exitcode == -signal.SIGKILL:
        return Outcome(
            "out_of_memory", error="process killed (signal 9): most likely out of memory"
        )
    if exitcode is not None and exitcode < 0:
        return Outcome("failed", error=f"process crashed: {signal.strsignal(-exitcode)}")
    status = 0 if exitcode == ENDED_WITH_0 else exitcode
    return Outcome("failed", error=f"process ended with exit status {status}")


_local = threading.local()
_processes: dict[int, InferenceProcess] = {}


def _process_for(spec: MethodSpec) -> InferenceProcess:
    current: InferenceProcess | None = getattr(_local, "process", None)
    if current is None or current.spec != spec or id(current) not in _processes:
        if current is not None:
            _retire(current)
        current = _local.process = InferenceProcess(spec)
        _processes[id(current)] = current
        # Not atexit: a worker of a ProcessPoolExecutor runs only these finalizers at its exit.
        Finalize(None, close_all, exitpriority=10)
    return current


def _retire(process: InferenceProcess) -> None:
    if _processes.pop(id(process), None) is not None:
        process.close()


# A forked copy of this process must neither use nor stop the original's children.
os.register_at_fork(after_in_child=_processes.clear)
