"""What a `Measurer` measures of the networks: results, seconds and memory."""

from __future__ import annotations

import re
import statistics
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.metrics import psnr
from methods.base import Image
from methods.network import NetworkInpainter, torch_device
from tests.bench.gpu import networks

FILLS, MOST_FILL_S = 3, 8.0
MB = 2**20


def describe(device: str) -> dict[str, Any]:
    """Return what the bench runs on; raises for a device that is not there."""
    torch_device(device)
    found = {"torch": torch.__version__, "device": device, "threads": torch.get_num_threads()}
    if _is_cuda(device):
        facts = torch.cuda.get_device_properties(device)
        found |= {
            "gpu": facts.name,
            "gpu memory": f"{facts.total_memory / 2**30:.0f} GiB",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return found


def speed(what: str, folder: str, device: str, precision: str, px: int) -> dict[str, Any]:
    """Return seconds of the first `fill` of a size, and of the later ones, with their peak memory.

    `cold_s` of the first size of a process contains loading the network and starting the GPU.
    """
    image, mask = networks.case(px)
    started = time.perf_counter()
    method = _method(what, folder, device, precision)
    method.fill(image, mask)
    _finish(device)
    cold = time.perf_counter() - started
    _reset_peak(device)
    warm: list[float] = []
    while len(warm) < FILLS and sum(warm) < MOST_FILL_S:
        started = time.perf_counter()
        method.fill(image, mask)
        _finish(device)
        warm.append(time.perf_counter() - started)
    memory = _peak_mb(device)
    _free(device)
    return {"cold_s": cold, "warm_s": statistics.median(warm), "memory_mb": memory}


def compare(what: str, folder: str, device: str, precision: str, px: int) -> dict[str, Any]:
    """Compare a method's result with that of the CPU in float32."""
    image, mask = networks.case(px)
    expected = _on_cpu(what, folder, px)
    found = _method(what, folder, device, precision).inpaint(image, mask)
    hole = found[mask].astype(np.float64) - expected[mask]
    error = float(np.square(hole).mean())
    away = np.abs(hole)
    change = psnr(image, found, mask) - psnr(image, expected, mask)
    off = float((away > 0).mean())
    _free(device)
    return {
        "psnr_to_cpu_db": 10 * np.log10(255**2 / error).item() if error else float("inf"),
        "psnr_change_db": change,
        "note": f"bytes in the hole: {off:.2%} differ, by {away.max():.0f} at most",
    }


def difference(what: str, folder: str, device: str) -> dict[str, Any]:
    """Compare the network's own float32 outputs with those of the CPU."""
    expected, tolerance = networks.outputs(_method(what, folder, "cpu", "float32"), "cpu")
    found, _ = networks.outputs(_method(what, folder, device, "float32"), device)
    away = {name: float((found[name] - expected[name]).abs().max()) for name in expected}
    worst = max(away, key=lambda name: away[name])
    _free(device)
    return {
        "max_difference": away[worst],
        "tolerance": tolerance,
        "status": "ok" if away[worst] <= tolerance else "FAIL",
        "note": f"largest in {worst}, of {len(away)} outputs",
    }


def warm_up(what: str, folder: str, device: str, precision: str, px: int) -> dict[str, Any]:
    """Load a method and fill once, before several processes begin together."""
    _method(what, folder, device, precision).fill(*networks.case(px))
    _finish(device)
    _reset_peak(device)
    return {}


def several(
    what: str, folder: str, device: str, precision: str, px: int, count: int
) -> dict[str, Any]:
    """Fill `count` times; `begun` and `ended` are of a clock that all processes share."""
    image, mask = networks.case(px)
    method = _method(what, folder, device, precision)
    begun = time.monotonic()
    for _ in range(count):
        method.fill(image, mask)
    _finish(device)
    return {"begun": begun, "ended": time.monotonic(), "memory_mb": _peak_mb(device)}


@cache
def _method(what: str, folder: str, device: str, precision: str) -> NetworkInpainter:
    method = networks.create(what, folder, device, precision)
    method.load()
    return method


@cache
def _on_cpu(what: str, folder: str, px: int) -> Image:
    return _method(what, folder, "cpu", "float32").inpaint(*networks.case(px))


def _is_cuda(device: str) -> bool:
    return device.startswith("cuda")


def _finish(device: str) -> None:
    if _is_cuda(device):
        torch.cuda.synchronize(device)


def _free(device: str) -> None:
    if _is_cuda(device):
        torch.cuda.empty_cache()


def _reset_peak(device: str) -> None:
    if _is_cuda(device):
        torch.cuda.reset_peak_memory_stats(device)


def _peak_mb(device: str) -> float | None:
    """Return the peak of the memory that PyTorch got on the GPU; on a CPU, of the process."""
    if _is_cuda(device):
        return torch.cuda.max_memory_reserved(device) / MB
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else None
