"""Fill holes for the worker: methods stay loaded, failures become messages of one line."""

from __future__ import annotations

import gc
import re
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import methods
from methods import readiness
from methods.base import Image, Inpainter, MethodError, MissingRequirementError, check_pair
from methods.errors import is_out_of_memory
from methods.foreign_code import error_message, error_text
from methods.gimp import protocol
from methods.gimp.protocol import FillRequest, Message

# What looks best of what runs without any download; the plug-in's default, then the first that is
# ready.
BEST = ("two-stage:patchmatch", "two-stage")
# Enough to compare two methods by turns; a published network takes some hundred megabytes.
MOST_LOADED = 2
# Concurrent imports in several threads can see partially initialised modules.
IMPORT_LOCK = threading.Lock()


class RefusedError(Exception):
    """A request that cannot be fulfilled; `kind` as in `protocol`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class LoadedMethods(OrderedDict[tuple[str, str], Inpainter]):
    """A cache of the last methods used, by name and device."""

    def load(self, method: str, device: str, report: Callable[[str], None]) -> Inpainter:
        """Return a method; load it if needed, in place of the least recently used one."""
        if (method, device) not in self:
            report(f"Loading {method}")
            while len(self) >= MOST_LOADED:
                self.popitem(last=False)
            with IMPORT_LOCK:
                inpainter = _create(method, device)
                inpainter.load()
            self[method, device] = inpainter
        self.move_to_end((method, device))
        return self[method, device]

    def drop_all(self) -> None:
        """Release the memory of all methods."""
        self.clear()
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()


def fill(
    loaded: LoadedMethods, request: FillRequest, report: Callable[[str], None]
) -> tuple[Image, float]:
    """Return the filled image and the seconds that filling took, without loading. Raises
    RefusedError and every exception of the method, which `failure` translates."""
    try:
        check_pair(request.image, request.mask)
    except ValueError as error:
        raise RefusedError("bad_request", str(error)) from None
    inpainter = loaded.load(request.method, request.device, report)
    report(f"Filling with {request.method}")
    started = time.perf_counter()
    result = inpainter.inpaint(request.image, request.mask)
    return result, time.perf_counter() - started


def failure(error: BaseException, request: FillRequest) -> Message:
    """Return the answer to a failed request; unexpected errors are also printed to the log."""
    if is_out_of_memory(error):
        return protocol.failure("out_of_memory", _out_of_memory(request))
    if isinstance(error, MissingRequirementError):
        return protocol.failure("not_ready", _for_gimp(error_message(error)))
    if isinstance(error, MethodError):
        return protocol.failure("failed", f"{request.method}: {error_message(error)}")
    if isinstance(error, RefusedError):
        return protocol.failure(error.kind, str(error))
    with suppress(Exception):
        traceback.print_exception(error)
    return protocol.failure("failed", f"{request.method} failed: {error_text(error)}")


def listing() -> Message:
    """Return the answer to `methods`: which can run, the best first, and why the others cannot."""
    with IMPORT_LOCK:
        # Methods with required options, such as a folder of results, are of no use in GIMP.
        states = [readiness.check(name) for name in dict.fromkeys([*BEST, *methods.available()])]
        # Why a stage one is not ready is said once, by itself.
        usable = [state for state in states if state.ready or ":" not in state.name]
        entries = [_entry(state) for state in usable if not state.options]
        return {"ok": True, "methods": entries, "devices": ["auto", "cpu", *_gpus()]}


def _for_gimp(message: str) -> str:
    # A remedy that is an option of the command line is no help here.
    return re.sub(r", or --weights \S+=PATH", "", message)


def _entry(state: readiness.Readiness) -> dict[str, object]:
    why = "" if state.ready else _for_gimp(state.why_not)
    label = f"{state.name} ({state.remark})" if state.remark else state.name
    named = {"name": state.name, "label": label, "summary": state.summary}
    return {**named, "ready": not why, "why": why}


def _gpus() -> list[str]:
    # This build has no GPU, and its import takes seconds, while the dialog waits.
    if _torch_version().endswith("+cpu"):
        return []
    try:
        import torch
    except (ImportError, OSError):  # each method that needs it reports this
        return []
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ["cuda"] if count == 1 else [f"cuda:{number}" for number in range(count)]


def _torch_version() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""


def _create(method: str, device: str) -> Inpainter:
    try:
        methods.method_class(method)
    except ValueError as error:
        raise RefusedError("unknown_method", str(error)) from None
    try:
        return methods.create(method, device=device)
    except ValueError as error:
        raise RefusedError("bad_request", str(error)) from None


def _out_of_memory(request: FillRequest) -> str:
    height, width = request.mask.shape
    remedies = ["select a smaller area", "leave whole layer off"]
    if request.device != "cpu":
        remedies.append("choose the device cpu")
    return f"{request.method} ran out of memory at {width}x{height}: {' or '.join(remedies)}"
