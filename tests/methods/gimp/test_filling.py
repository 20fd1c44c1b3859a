"""What the worker answers, asked by the plug-in's own client."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import methods
from methods.base import Inpainter, MissingRequirementError
from methods.gimp import filling
from tests.methods.gimp.conftest import ODD, SIZE, FakeGimp, scene, silent
from worker_client import WorkerError

# Of the plug-in, which only GIMP can import.
DEFAULT = "two-stage:patchmatch"


def image_and_mask() -> tuple[np.ndarray, np.ndarray]:
    rgb, mask = (np.frombuffer(data, np.uint8) for data in scene())
    return rgb.reshape(SIZE[1], SIZE[0], 3), mask.reshape(SIZE[1], SIZE[0]) == 255


def refused(gimp: FakeGimp, method: str, device: str = "cpu") -> WorkerError:
    with pytest.raises(WorkerError) as caught:
        gimp.fill(method, device)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_fill_is_what_the_suite_computes(shared: FakeGimp) -> None:
    image, mask = image_and_mask()
    filled = shared.fill("telea")
    black = np.where(mask[..., None], 0, image).astype(np.uint8)
    expected = cv2.inpaint(black, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    assert np.array_equal(filled[mask], expected[mask])
    assert np.array_equal(filled[~mask], image[~mask])


def test_methods_are_listed_with_the_reason_of_those_that_cannot_run(
    shared: FakeGimp,
) -> None:
    told = shared.worker.methods(silent)
    found = {method["name"]: method for method in told["methods"]}
    # The others must be given an option, and so can never fill anything here.
    unset = {"command", "diffusers", "exchange", "external", "iopaint"}
    assert set(methods.available()) - set(found) == unset
    assert set(found) - set(methods.available()) == {DEFAULT}
    assert found["telea"]["ready"] and found["telea"]["why"] == ""
    assert found["two-stage"]["ready"], "the compact networks come with the suite"
    assert found["two-stage"]["label"] == "two-stage (compact, trained here)"
    assert next(iter(found)) == DEFAULT and found[DEFAULT]["ready"]
    assert all(method["ready"] != bool(method["why"]) for method in found.values())
    assert told["devices"][:2] == ["auto", "cpu"]


def test_without_patchmatch_the_best_is_two_stage_and_the_reason_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(self: Inpainter) -> None:
        raise MissingRequirementError("patchmatch cannot import patch_match")

    monkeypatch.setattr(methods.method_class("patchmatch"), "load", missing)
    listed = filling.listing()["methods"]
    assert listed[0]["name"] == "two-stage" and listed[0]["ready"]
    reasons = [method["why"] for method in listed if "patch_match" in method["why"]]
    assert reasons == ["patchmatch cannot import patch_match"]


def test_a_method_is_loaded_once_while_it_is_among_the_last_two(gimp: FakeGimp) -> None:
    order = ("Counting", "Counting", "Other", "Counting", "Third", "Counting", "Other")
    loads_so_far = [int(gimp.fill(f"{ODD}:{name}")[12, 22, 0]) for name in order]
    assert loads_so_far == [1, 1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize(
    ("method", "kind", "parts"),
    [
        ("nonsense", "unknown_method", ["nonsense", "known: ", "telea"]),
        ("no.module:Class", "unknown_method", ["no.module"]),
        ("command", "bad_request", ["template"]),
        (f"{ODD}:Failing", "failed", ["Failing", "the hole is too strange"]),
        (f"{ODD}:Crashing", "failed", ["Crashing", "ZeroDivisionError", "by nothing"]),
        (f"{ODD}:Leaving", "failed", ["Leaving", "SystemExit"]),
        (f"{ODD}:Panicking", "failed", ["Panicking", "PanicException"]),
        (f"{ODD}:OutOfMemory", "out_of_memory", ["40x30", "smaller area"]),
        (f"{ODD}:GpuOutOfMemory", "out_of_memory", ["40x30", "smaller area"]),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_worker_lives_on(
    shared: FakeGimp, method: str, kind: str, parts: list[str]
) -> None:
    shared.fill("telea")
    worker = shared.told()["pid"]
    error = refused(shared, method)
    assert error.kind == kind and all(part in str(error) for part in parts), str(error)
    shared.fill("telea")
    assert shared.told()["pid"] == worker


def test_the_processor_is_offered_to_who_lacks_memory_elsewhere(shared: FakeGimp) -> None:
    assert "device cpu" in str(refused(shared, f"{ODD}:GpuOutOfMemory", "auto"))
    assert "device cpu" not in str(refused(shared, f"{ODD}:GpuOutOfMemory", "cpu"))


def test_missing_weights_are_told_with_the_command_that_fetches_them(
    gimp: FakeGimp, monkeypatch: pytest.MonkeyPatch, folder: object
) -> None:
    monkeypatch.setenv("INPAINTING_WEIGHTS", f"{folder}/none")
    error = refused(gimp, "dfnet")
    assert error.kind == "not_ready" and "python -m methods fetch dfnet" in str(error)
    assert "--weights" not in str(error), "GIMP has no such option"
    found = {method["name"]: method for method in gimp.worker.methods(silent)["methods"]}
    assert "fetch dfnet" in found["dfnet"]["why"] and "--weights" not in found["dfnet"]["why"]


def test_a_device_that_is_not_there(shared: FakeGimp) -> None:
    error = refused(shared, "two-stage", "cuda:77")
    assert error.kind == "not_ready" and "cuda:77" in str(error)


@pytest.mark.parametrize(("value", "word"), [(0, "empty"), (255, "whole image"), (128, "255")])
def test_masks_that_cannot_be_meant(shared: FakeGimp, value: int, word: str) -> None:
    rgb, mask = scene()
    with pytest.raises(WorkerError) as caught:
        shared.worker.fill("telea", "cpu", SIZE, rgb, bytes([value]) * len(mask), silent)
    assert caught.value.kind == "bad_request" and word in str(caught.value)


def test_progress_names_what_is_done(shared: FakeGimp) -> None:
    rgb, mask = scene()
    told: list[str] = []
    shared.worker.fill(f"{ODD}:Other", "cpu", SIZE, rgb, mask, lambda _, text: told.append(text))
    assert f"Filling with {ODD}:Other" in told
