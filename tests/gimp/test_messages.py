"""What cannot be filled: one line that helps, and an image as it was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gimp.real_gimp import RealGimp

MESSAGES = {
    "nothing selected": "Nothing is selected: select what is to be filled.",
    "weakly selected": "No pixel of the layer is selected by half (128 of 255) or more: select",
    "all selected": "All of the layer is selected: there is nothing to fill it from.",
    "selected beside the layer": "The selection does not touch the layer “Photo”.",
    "mask without white": "The mask layer “Mask” has no white (128 of 255 and more) there.",
    "mask beside the layer": "The mask layer “Mask” does not touch the layer “Photo”.",
    "transparent hole": "What is selected is transparent and would stay so: remove the layer's",
    "two layers": "Choose one layer: the inpainting works on exactly one.",
    "group": "“Group” is a group: choose a layer in it, or merge the group.",
    "layer mask": "A mask or channel is chosen: click on the layer itself in the Layers dialog.",
    "channel": "A mask or channel is chosen: click on the layer itself in the Layers dialog.",
    "locked": "The pixels of “Photo” are locked: unlock them, or let the result be a new layer.",
    "locked group": "The pixels of “Group” are locked: unlock them, or let the result be",
    "unknown method": "unknown method 'nonsense': known: ",
    "unknown device": "device 'abacus'",
    "no weights": "dfnet needs its weights: python -m methods fetch dfnet (132 MB, CC BY-NC 4.0)",
    "failing": "tests.methods.gimp.odd:Failing: the hole is too strange",
    "crashing": "tests.methods.gimp.odd:Crashing failed: ZeroDivisionError: by nothing",
    "out of memory": "ran out of memory at 40x30: select a smaller area or ",
    "dying": "The worker has died; its log is ",
}


@pytest.fixture(scope="module")
def found(gimp: RealGimp) -> dict[str, Any]:
    return gimp.run("messages")


@pytest.mark.parametrize(("case", "message"), MESSAGES.items(), ids=MESSAGES)
def test_one_line_tells_what_is_wrong_and_nothing_has_changed(
    found: dict[str, Any], case: str, message: str
) -> None:
    told = found[case]
    assert told["status"] == "execution-error"
    assert message in told["message"]
    assert "\n" not in told["message"]
    assert told["unchanged"]


@pytest.mark.parametrize("case", ["half selected", "locked below"])
def test_what_is_just_allowed_is_filled(found: dict[str, Any], case: str) -> None:
    assert found[case] == {"status": "success", "message": "", "unchanged": False}
