"""Child processes that do not import the user's script.

Python's own would run a script again whose calls are not under ``if __name__ == "__main__"``, and
what a script or a notebook imports would count as memory of the method.
"""

from __future__ import annotations

import sys
import threading
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any

from benchmark.execution.process_groups import end_group

_starting = threading.Lock()


# Instead of exit status 0, at which pebble waits for the answer of the process for ever.
ENDED_WITH_0 = 256


class _FreshProcess(SpawnProcess):
    _has_ended = False

    def is_alive(self) -> bool:
        """Return whether it runs; the first call after its end kills what it has left behind."""
        alive = super().is_alive()
        if not alive and not self._has_ended and self.pid is not None:
            self._has_ended = True
            end_group(self.pid)
        return alive

    @property
    def exitcode(self) -> int | None:
        return ENDED_WITH_0 if super().exitcode == 0 else super().exitcode

    @staticmethod
    def _Popen(process: Any) -> Any:  # noqa: N802, the name that contexts override
        with _starting:
            script = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                return SpawnProcess._Popen(process)  # type: ignore[attr-defined]
            finally:
                sys.modules["__main__"] = script


class FreshContext(SpawnContext):
    """A context of `multiprocessing` whose processes begin with an empty main module."""

    Process = _FreshProcess
