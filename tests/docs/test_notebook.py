"""The notebook of the documentation: it runs from top to bottom, and is stored as it ran."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.paths import ROOT

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
# Sizes of photographs and hole: the two networks take a minute for those of the page.
SMALLER = {"768": "192", "512": "128", "256": "64"}
# Photographs of the page without which it works as well, but for the least number of results.
LEFT_OUT = ("colosseum_arches", "kitten_daisies", "spice_bowls")
FEWER = "\nfrom analysis.agreement import correlate\ncorrelate._MIN_RESULTS = 20\ndel correlate"


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell: nbformat.NotebookNode) -> set[str]:
    """The kinds of output below a cell."""
    return {kind for output in cell.outputs for kind in output.get("data", {"text": ""})}


def test_it_is_stored_with_the_outputs_of_one_run() -> None:
    cells = code_cells(nbformat.read(NOTEBOOK, 4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum("image/png" in shown(cell) for cell in cells) == 3
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)


def shrink(source: str) -> str:
    fewer = re.sub(rf' *"({"|".join(LEFT_OUT)})",\n', "", source)
    return re.sub(r"\b(768|512|256)\b", lambda size: SMALLER[size[0]], fewer)


@pytest.mark.slow
def test_it_runs(tmp_path: Path) -> None:
    """With fewer and smaller photographs."""
    stored = nbformat.read(NOTEBOOK, 4)
    notebook = nbformat.read(NOTEBOOK, 4)
    for cell in code_cells(notebook):
        cell.source = shrink(cell.source)
    code_cells(notebook)[0].source += FEWER
    for name in ("methods", "benchmark", "analysis", "datasets"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "inpainting_suite.py", tmp_path)
    (tmp_path / "docs").mkdir()
    NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": tmp_path / "docs"}}
    ).execute()
    assert list(map(shown, code_cells(notebook))) == list(map(shown, code_cells(stored)))
    scores = (tmp_path / "results" / "notebook" / "run" / "scores.csv").read_text()
    # Five photographs and four methods at two resolutions.
    assert len(scores.splitlines()) == 1 + 5 * 4 * 2
