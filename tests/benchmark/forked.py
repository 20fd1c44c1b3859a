"""The main job in processes of its own that are forked from one that has imported everything: to
import it takes seconds of a core, in each of dozens of runs."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.command_line import Done
from tests.paths import ROOT

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["benchmark.cluster.backend", "benchmark.job", "analysis.runs.table_formats", "pytest"]
)


class Forked:
    """A command in the background."""

    def __init__(
        self, module: str, words: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start `python -m MODULE WORDS`. environment: by default this process's."""
        self._folder = tempfile.TemporaryDirectory(prefix="forked-")
        call = (module, list(words), dict(environment or os.environ), self._folder.name)
        self._process = CONTEXT.Process(target=_run, args=call)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def is_running(self) -> bool:
        return self._process.is_alive()

    def send_signal(self, number: int) -> None:
        if self.is_running():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it, if it has not ended, and wait for that."""
        self.send_signal(signal.SIGKILL)
        self._process.join()

    def finish(self, longest_s: float) -> Done:
        """Wait for its end and return what it has told; fails when that takes too long."""
        self._process.join(longest_s)
        code = self._process.exitcode
        assert code is not None, f"still runs: {self.told('stderr')}"
        return Done(code, self.told("stdout"), self.told("stderr"))

    def told(self, stream: str) -> str:
        """What it has written so far to "stdout" or "stderr"."""
        path = Path(self._folder.name) / stream
        return path.read_text(encoding="utf-8") if path.exists() else ""


def _run(module: str, words: list[str], environment: dict[str, str], folder: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(folder) / name, os.O_WRONLY | os.O_CREAT), number)
        stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
