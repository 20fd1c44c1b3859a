"""Folders that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
DEMO = ROOT / "datasets" / "demo"
# Beside the checkout, with large files; tests that need it skip where it is absent.
SHARED = ROOT.parent / "shared"
