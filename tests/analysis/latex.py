"""Compile a paper that has the suite's tables."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def compiled(
    folder: Path,
    body: str,
    preamble: str = r"\documentclass{article}",
    engine: str = "pdflatex",
) -> str:
    """What the engine says of a paper in a folder, in which it finds files to input."""
    if not shutil.which(engine):
        pytest.skip(f"needs {engine}")
    (folder / "paper.tex").write_text(
        rf"{preamble}\usepackage{{booktabs}}\begin{{document}}{body}\end{{document}}"
    )
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=folder, capture_output=True, text=True, errors="replace", timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "paper.pdf").exists()
    return done.stdout
