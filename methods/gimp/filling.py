"""Filling a hole for the worker: methods stay loaded, and what goes wrong becomes one line."""

from __future__ import annotations

import gc
import re
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import methods
from methods import readiness
from methods.base import (
    Image,
    Inpainter,
    Mask,
    MethodError,
    MissingRequirementError,
    check_pair,
    is_out_of_memory,
)
from methods.gimp import protocol
from methods.gimp.protocol import Message

# As many as somebody compares by turns; a published network takes some hundred megabytes.
KEPT = 2
# Two threads that import at once can see modules half done.
IMPORTS = threading.Lock()


class RefusedError(Exception):
    """A fill that cannot be meant. kind: one of `protocol.KINDS`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Wanted:
    """A fill as it was asked for. image: uint8 (H, W, 3) RGB; mask: bool (H, W), True = hole."""

    method: str
    device: str
    image: Image
    mask: Mask


@dataclass
class Kept:
    """The last few methods that were used, loaded, by name and device."""

    inpainters: OrderedDict[tuple[str, str], Inpainter] = field(default_factory=OrderedDict)

    def get(self, method: str, device: str) -> Inpainter | None:
        """The method if it is loaded; it is then the last to be dropped."""
        if (method, device) in self.inpainters:
            self.inpainters.move_to_end((method, device))
        return self.inpainters.get((method, device))

    def load(self, method: str, device: str) -> Inpainter:
        """The method, loaded now, in place of the one that was not used for longest."""
        while len(self.inpainters) >= KEPT:
            self.inpainters.popitem(last=False)
        with IMPORTS:
            inpainter = _created(method, device)
            inpainter.load()
        self.inpainters[method, device] = inpainter
        return inpainter

    def drop(self) -> None:
        """Give all memory back."""
        self.inpainters.clear()
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()


def fill(kept: Kept, wanted: Wanted, tell: Callable[[str], None]) -> tuple[Image, float]:
    """The filled image and the seconds that filling took, without loading.

    Raises RefusedError and whatever the method does: `failure` tells of both."""
    try:
        check_pair(wanted.image, wanted.mask)
    except ValueError as error:
        raise RefusedError("bad_request", str(error)) from None
    inpainter = kept.get(wanted.method, wanted.device)
    if inpainter is None:
        tell(f"Loading {wanted.method}")
        inpainter = kept.load(wanted.method, wanted.device)
    tell(f"Filling with {wanted.method}")
    started = time.perf_counter()
    result = inpainter.inpaint(wanted.image, wanted.mask)
    return result, time.perf_counter() - started


def failure(error: BaseException, wanted: Wanted) -> Message:
    """What the plug-in is told of an error, one line with the remedy; the log gets the rest."""
    if is_out_of_memory(error):
        return protocol.failure("out_of_memory", _out_of_memory(wanted))
    if isinstance(error, MissingRequirementError):
        return protocol.failure("not_ready", for_gimp(str(error)))
    if isinstance(error, MethodError):
        return protocol.failure("failed", f"{wanted.method}: {error}")
    if isinstance(error, RefusedError):
        return protocol.failure(error.kind, str(error))
    traceback.print_exception(error)
    return protocol.failure("failed", f"{wanted.method} failed: {type(error).__name__}: {error}")


def listing() -> Message:
    """The answer to `methods`: which are ready and why others are not. Left out are those that must
    be given an option, such as a folder of results: they never fill anything in GIMP."""
    with IMPORTS:
        found = [readiness.find(name) for name in methods.available()]
        told = [_told(one) for one in found if not one.options]
        return {"ok": True, "methods": told, "devices": ["auto", "cpu", *_gpus()]}


def for_gimp(message: str) -> str:
    """A remedy without the option of the command line that the plug-in has not."""
    return re.sub(r", or --weights \S+=PATH", "", message)


def _told(found: readiness.Found) -> dict[str, object]:
    why = "" if found.ready else for_gimp(found.why_not)
    return {"name": found.name, "summary": found.summary, "ready": not why, "why": why}


def _gpus() -> list[str]:
    try:
        import torch
    except (ImportError, OSError):  # each method that needs it says so
        return []
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ["cuda"] if count == 1 else [f"cuda:{number}" for number in range(count)]


def _created(method: str, device: str) -> Inpainter:
    try:
        methods.method_class(method)
    except ValueError as error:
        raise RefusedError("unknown_method", str(error)) from None
    try:
        return methods.create(method, device=device)
    except ValueError as error:
        raise RefusedError("bad_request", str(error)) from None


def _out_of_memory(wanted: Wanted) -> str:
    height, width = wanted.mask.shape
    remedies = ["select a smaller area", "leave whole layer off"]
    if wanted.device != "cpu":
        remedies.append("choose the device cpu")
    return f"{wanted.method} ran out of memory at {width}x{height}: {' or '.join(remedies)}"
