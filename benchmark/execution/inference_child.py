"""The inference process: what runs on the far side of `benchmark.inference`."""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

import methods
from methods.base import (
    Inpainter,
    MethodError,
    MissingRequirementError,
    TimeLimitError,
    check_raw,
    is_out_of_memory,
)

_scratch: Path
_inpainter: Inpainter | None = None


def start(scratch: str) -> None:
    """Set this process up: output into the log, Ctrl-C left to the parent, end with the parent."""
    global _scratch
    _scratch = Path(scratch)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = os.open(_scratch / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def run(
    method: str,
    options: dict[str, Any],
    device: str,
    resolution: int,
    image_name: str,
    memory_gb: float | None,
) -> dict[str, Any]:
    """One case, from image.npy and mask.npy of the scratch folder to raw.npy. Returns what
    `benchmark.inference.Outcome` holds, apart from the pixels."""
    os.truncate(_scratch / "log.txt", 0)
    try:
        if memory_gb is not None:
            _limit_memory(memory_gb)
        inpainter = _loaded(method, options, device).for_case(resolution, image_name)
        image = np.load(_scratch / "image.npy")
        mask = np.load(_scratch / "mask.npy")
        report = _measured(inpainter, image, mask)
    except MissingRequirementError as error:
        return {"status": "skipped", "error": _one_line(error), "log": error.log}
    except TimeLimitError as error:
        return {"status": "timeout", "error": _one_line(error), "log": error.log}
    except MethodError as error:
        return {"status": "failed", "error": _one_line(error), "log": error.log}
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        reason = f"{type(error).__name__}: {_one_line(error)}"
        if not is_out_of_memory(error):
            return {"status": "failed", "error": reason}
        limit = "" if memory_gb is None else f"memory limit of {memory_gb:g} GB reached: "
        return {"status": "out_of_memory", "error": limit + reason}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return report


def _limit_memory(gigabytes: float) -> None:
    """Let allocations fail beyond this much; the process lives on to tell of it."""
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
    """Fill the hole; seconds are those of `fill` alone."""
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
    # The library may have been imported by `fill` itself.
    cuda = cuda or _cuda()
    np.save(_scratch / "raw.npy", check_raw(raw, image))
    report: dict[str, Any] = {"status": "ok", "log": inpainter.log}
    if inpainter.measures_cost:
        own = inpainter.peak_memory_mb
        report["seconds"] = seconds
        report["peak_memory_mb"] = peak if own is None else own
        report["peak_cuda_memory_mb"] = cuda.max_memory_allocated() / 2**20 if cuda else None
    return report


def _reset_peak() -> bool:
    """Give unused heap back and set the kernel's high-water mark to what is in use now; False
    where the system has no such thing."""
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _peak_mb() -> float | None:
    """High-water mark of this process's resident memory in MB (2**20 bytes)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else None


def _cuda() -> Any:
    """torch.cuda if the method has loaded torch and a GPU is there."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    shutil.rmtree(_scratch, ignore_errors=True)
    os._exit(1)
