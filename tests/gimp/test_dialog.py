"""The dialog in a GIMP with a window, by the keyboard."""

from __future__ import annotations

from typing import Any

import pytest

from methods.gimp import filling
from tests.gimp.real_gimp import RealGimp
from tests.paths import DEMO

PHOTO = DEMO / "boats_river.jpg"
# The last choice.
CHOSEN = "inpainted (telea)"


@pytest.fixture(scope="module")
def found(gimp: RealGimp) -> dict[str, Any]:
    return gimp.run_with_window("asked", photo=f"/host{PHOTO}")


def test_the_default_is_the_best_of_the_list(found: dict[str, Any]) -> None:
    assert found["default"] == filling.listing()["methods"][0]["name"]


def test_who_leaves_the_dialog_gets_nothing(found: dict[str, Any]) -> None:
    told = found["left"]
    assert told["dialog"] and told["status"] == "cancel"
    assert len(told["layers"]) == 1


def test_who_confirms_it_gets_a_new_layer_by_the_chosen_method(found: dict[str, Any]) -> None:
    told = found["confirmed"]
    assert told["dialog"] and told["status"] == "success", told
    assert len(told["layers"]) == 2 and told["layers"][0].endswith(CHOSEN)


def test_the_last_values_are_used_again_without_asking(found: dict[str, Any]) -> None:
    told = found["again"]
    assert told["status"] == "success", told
    # Not the plug-in's own default.
    assert [CHOSEN in name for name in told["layers"]] == [True, True, False]
