"""The child process of `benchmark.execution.inference`."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import multiprocessing
import multiprocessing.connection
import os
import queue
import re
import shutil
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import cv2  # noqa: F401, methods import it when first used, which is not to be measured
import numpy as np

import methods
from benchmark.execution.process_groups import end_own_group, lead_group
from methods.base import (
    Inpainter,
    MethodError,
    MissingRequirementError,
    Resolution,
    TimeLimitError,
    check_raw,
)
from methods.errors import is_out_of_memory
from methods.foreign_code import error_message, error_text, keep_output_open

_scratch: Path
_inpainter: Inpainter | None = None


def start(scratch: str) -> None:
    """Redirect the output into log.txt, ignore Ctrl-C, and arrange to exit with the parent."""
    _prepare(scratch)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def serve(requests: TextIO, answers: TextIO) -> None:
    """Be this process in another Python, for `benchmark.execution.other_python`.

    Requests are lines of JSON: the scratch folder, then the arguments of `run` for each case, null
    to end. A case is answered by a line when it is taken, and one with what `run` returns.
    """
    _prepare(json.loads(requests.readline()))
    calls: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    threading.Thread(target=_take, args=(requests, calls), daemon=True).start()
    while True:
        call = calls.get()
        print("taken", file=answers, flush=True)
        print(json.dumps(run(*call), default=float), file=answers, flush=True)


def _take(requests: TextIO, calls: queue.SimpleQueue[list[Any]]) -> None:
    """Pass requests on; exit with the parent, which has their other end."""
    for line in requests:
        call = json.loads(line)
        if call is None:
            # Another process may use the scratch folder already.
            end_own_group()
        calls.put(call)
    _exit()


def _prepare(scratch: str) -> None:
    global _scratch
    _scratch = Path(scratch)
    lead_group()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    log = os.open(_scratch / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    keep_output_open()


def run(
    method: str,
    options: dict[str, Any],
    device: str,
    resolution: Resolution,
    image_name: str,
    memory_gb: float | None,
) -> dict[str, Any]:
    """Run one case, from image.npy and mask.npy to raw.npy; return the other fields of Outcome."""
    os.truncate(_scratch / "log.txt", 0)
    try:
        if memory_gb is not None:
            _limit_memory(memory_gb)
        inpainter = _loaded(method, options, device).for_case(resolution, image_name)
        image = np.load(_scratch / "image.npy")
        mask = np.load(_scratch / "mask.npy")
        return _measured(inpainter, image, mask)
    except MethodError as error:
        reason = error_message(error) or type(error).__name__
        return {"status": _status(error), "error": reason, "log": _log(error)}
    # Rust's panics are no Exception; the KeyboardInterrupt of a user does not reach this process.
    except BaseException as error:
        with suppress(Exception):
            traceback.print_exc()
        reason = error_text(error)
        if not is_out_of_memory(error):
            return {"status": "failed", "error": reason}
        limit = "" if memory_gb is None else f"memory limit of {memory_gb:g} GB reached: "
        return {"status": "out_of_memory", "error": limit + reason}
    finally:
        for stream in (sys.stdout, sys.stderr):
            # A method may have replaced it by anything.
            with suppress(Exception):
                stream.flush()


def _log(source: Inpainter | MethodError) -> str:
    """Return the log of a method or its error, whatever it is, as text that a file can hold."""
    return str(getattr(source, "log", "")).encode(errors="replace").decode()


def _status(error: MethodError) -> str:
    if isinstance(error, MissingRequirementError):
        return "skipped"
    return "timeout" if isinstance(error, TimeLimitError) else "failed"


def _limit_memory(gigabytes: float) -> None:
    """Let allocations beyond the limit fail; the process survives to report it."""
    import resource

    most = int(gigabytes * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _loaded(method: str, options: dict[str, Any], device: str) -> Inpainter:
    global _inpainter
    if _inpainter is None:
        inpainter = methods.create(method, device=device, **options)
        inpainter.load()
        _inpainter = inpainter
    return _inpainter


def _measured(inpainter: Inpainter, image: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
    """Fill the hole; measure time and memory of `fill` alone."""
    measurable = _reset_peak()
    cuda = _cuda()
    if cuda:
        cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    raw = inpainter.fill(image, mask)
    if cuda:
        cuda.synchronize()
    seconds = time.perf_counter() - started
    peak = _peak_mb() if measurable else None
    # Again, as `fill` itself may have imported PyTorch.
    cuda = cuda or _cuda()
    np.save(_scratch / "raw.npy", check_raw(raw, image))
    report: dict[str, Any] = {
        "status": "ok",
        "log": _log(inpainter),
        "read_sha256": inpainter.read_sha256,
    }
    if inpainter.measures_cost:
        own = inpainter.peak_memory_mb
        report["seconds"] = seconds
        report["peak_memory_mb"] = peak if own is None else float(own)
        report["peak_cuda_memory_mb"] = cuda.max_memory_allocated() / 2**20 if cuda else None
    return report


def _reset_peak() -> bool:
    """Reset the kernel's peak of resident memory; return False if the system has none."""
    # Unused heap of the previous case would otherwise count.
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_bytes(b"5")
    except OSError:
        return False
    return True


def _peak_mb() -> float | None:
    match = re.search(rb"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_bytes())
    return int(match[1]) / 1024 if match else None


def _cuda() -> Any:
    """Return torch.cuda if the method has imported PyTorch and there is a GPU."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    _exit()


def _exit() -> None:
    shutil.rmtree(_scratch, ignore_errors=True)
    end_own_group()
