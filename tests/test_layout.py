"""No folder of code has more modules than one looks through at a glance."""

from __future__ import annotations

from collections import Counter

from tests.paths import ROOT

FOLDERS = ("methods", "benchmark", "analysis", "survey", "plugins", "tests")
MOST = 16
# One file is one method: `methods/` grows with what can be compared.
UNLIMITED = {ROOT / "methods"}


def test_folders_are_small() -> None:
    modules = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    counts = Counter(path.parent for path in modules)
    assert len(counts) > 50
    assert {folder: n for folder, n in counts.items() if n > MOST and folder not in UNLIMITED} == {}
