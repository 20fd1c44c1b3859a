"""One step of undo takes a fill back, whole; redo gives it back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gimp.real_gimp import RealGimp


@pytest.fixture(scope="module")
def found(gimp: RealGimp) -> dict[str, Any]:
    return gimp.run_with_window("undo")


@pytest.mark.parametrize("output", ["new-layer", "in-place"])
@pytest.mark.parametrize("hole", ["selection", "mask"])
def test_one_undo_restores_pixels_layers_and_selection(
    found: dict[str, Any], hole: str, output: str
) -> None:
    told = found[f"{hole} {output}"]
    assert told.pop("status") == "success", told
    assert told == {
        "message": "",
        "changed": True,
        "selection": True,
        "undone": True,
        "redone": True,
    }
