"""Compiled loops run where nothing can be stored, and are not compiled twice where it can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import caching

from methods.compiled import compiled
from tests.paths import ROOT


def test_a_function_is_compiled_where_no_folder_can_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(locator: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refused)

    @compiled()
    def twice(x: int) -> int:
        return 2 * x

    assert twice(21) == 42


@pytest.mark.slow
def test_another_process_loads_what_was_stored(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(
        "from methods.compiled import compiled\n"
        "@compiled()\ndef twice(x):\n    return 2 * x\n"
        "print(twice(21), sum(twice.stats.cache_hits.values()))\n"
    )
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import loop"]
    printed = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert printed == ["42 0\n", "42 1\n"]
