"""GIMP in its chroot, running one of the scripts of `inside`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECONDS = 900
# The dialog of a first start would take the keys that are meant for others.
SETTINGS = '(config-version "3.0.4")\n(show-welcome-dialog no)\n'


@dataclass(frozen=True)
class RealGimp:
    """root: the chroot of `set_up.sh`; shared: a folder that both sides see at the same path."""

    root: Path
    shared: Path

    @property
    def plug_ins(self) -> Path:
        return self.shared / "home" / ".config" / "GIMP" / "3.0" / "plug-ins"

    @property
    def record(self) -> Path:
        return self.plug_ins / "inpaint_selection" / "environment.json"

    def install(self) -> None:
        """The plug-in as a user would install it."""
        self.plug_ins.mkdir(parents=True)
        (self.plug_ins.parent / "gimprc").write_text(SETTINGS)
        (self.shared / "run").mkdir(mode=0o700)
        command = [sys.executable, "-m", "methods", "gimp", "install", "--folder", self.plug_ins]
        subprocess.run(command, check=True)

    def run(self, script: str, **arguments: Any) -> dict[str, Any]:
        """What the script `inside/SCRIPT.py` reported, in a GIMP without a window."""
        return self._run(script, arguments, ["gimp-console-3.0", "-i"])

    def run_with_window(self, script: str, **arguments: Any) -> dict[str, Any]:
        """The same in a GIMP with a window on a screen of its own."""
        screen = ["xvfb-run", "-a", "-s", "-screen 0 1280x900x24"]
        return self._run(script, arguments, [*screen, "gimp-3.0", "--no-splash"])

    def _run(self, script: str, arguments: dict[str, Any], program: list[str]) -> dict[str, Any]:
        report = self.shared / "report.json"
        report.unlink(missing_ok=True)
        (self.shared / "arguments.json").write_text(json.dumps(arguments))
        batch = f"import sys; sys.path.insert(0, '/host{HERE / 'inside'}'); import {script}"
        interpreter = ["--quit", "--batch-interpreter=python-fu-eval", "-b", batch]
        enter = ["unshare", "--mount", HERE / "enter.sh", self.root, self.shared, sys.executable]
        done = subprocess.run(
            [*enter, *program, *interpreter],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        assert report.exists(), done.stdout
        return dict(json.loads(report.read_text()))
