"""How the worker lives beside GIMP: shared by fills, killed in one, left by a cancelled one."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gi.repository import Gimp
from inside import SHARED, fill, picture, report, state
from window import until

SLOW = "tests.gimp.painter:Slow"
BEGUN = SHARED / "begun"
# GIMP's own process; the plug-in that runs this script is its child, as the one under test.
GIMP = os.getppid()


def worker() -> int:
    """The worker's process id, 0 without one."""
    told = list((SHARED / "run").glob(f"*/gimp-{GIMP}.json"))
    return int(json.loads(told[0].read_text())["pid"]) if told else 0


def lives(pid: int) -> bool:
    """Whether a process of the machine outside the chroot, which shares its numbers, is there."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def plug_in() -> int:
    """The process of the plug-in under test."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().split(b"\0")
        if any(word.endswith(b"inpaint_selection.py") for word in words):
            return int(path.parent.name)
    return 0


def disturbed(kill: Callable[[], int]) -> dict[str, Any]:
    """A slow fill, during which a process is killed."""
    image = _selected()
    before = state(image)
    BEGUN.unlink(missing_ok=True)
    seen: dict[str, Any] = {}

    def trouble() -> None:
        seen["begun"] = until(BEGUN.exists)
        seen["worker"] = worker()
        os.kill(kill(), signal.SIGKILL)

    hands = threading.Thread(target=trouble)
    hands.start()
    told = fill(image, image.get_layers(), method=SLOW, output="in-place")
    hands.join()
    told["unchanged"] = state(image) == before
    told["gone"] = until(lambda: not lives(seen["worker"]))
    told["after"] = fill(image, image.get_layers())["status"]
    return told | seen


def _selected() -> Gimp.Image:
    image = picture((40, 30))
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 8, 8)
    return image


def run() -> dict[str, Any]:
    image = _selected()
    fills = [fill(image, image.get_layers()[-1:])["status"]]
    first = worker()
    fills.append(fill(image, image.get_layers()[-1:])["status"])
    shared = {"fills": fills, "first": first, "second": worker()}
    return {
        "shared": shared,
        "killed": disturbed(worker),
        "cancelled": disturbed(plug_in),
        "last": worker(),
    }


report(run())
