"""The promise of the plug-in: pixels that are not selected keep every bit, in every format."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gimp.real_gimp import RealGimp

TYPES = ("RGB_IMAGE", "RGBA_IMAGE", "GRAY_IMAGE", "GRAYA_IMAGE")
NUMBERS = ("U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE")
KINDS = ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
FORMATS = [f"{of} {number}_{kind}" for of in TYPES for number in NUMBERS for kind in KINDS]
INDEXED = ["INDEXED_IMAGE U8_NON_LINEAR", "INDEXEDA_IMAGE U8_NON_LINEAR"]


@pytest.fixture(scope="module")
def found(gimp: RealGimp) -> dict[str, Any]:
    return gimp.run("formats")


@pytest.mark.parametrize("output", ["new-layer", "in-place"])
@pytest.mark.parametrize("name", FORMATS + INDEXED)
def test_only_the_selected_pixels_change_and_they_keep_their_alpha(
    found: dict[str, Any], name: str, output: str
) -> None:
    told = found[f"{name} {output}"]
    assert told.pop("status") == "success", told
    assert 50 < told.pop("hole") < told.pop("pixels") // 2
    assert told.pop("layers") == (2 if output == "new-layer" else 1)
    assert told == {"known": True, "filled": True, "alpha": True, "message": ""}
