"""The networks' arithmetic as an option, and that they run where no tensor may be on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import methods
from methods.base import Image, Inpainter, Mask
from methods.network import NetworkInpainter, full_precision
from methods.tensors import Precision, inference
from tests.methods.conftest import box, scene
from tests.methods.pretended_gpu import DEVICE, pretended_gpu

CPU = torch.device("cpu")
# Method, its options.
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "dfnet": ("dfnet", {"weights": "random"}),
    "compact": ("two-stage", {}),
    "paper": ("two-stage", {"weights": "random", "stage_one_options": {"weights": "random"}}),
    "deepfillv2": ("deepfillv2", {"weights": "random"}),
    "hifill": ("hifill", {"weights": "random"}),
}


def created(kind: str, device: str = "cpu", **more: Any) -> NetworkInpainter:
    name, options = NETWORKS[kind]
    method = methods.create(name, device=device, **options, **more)
    assert isinstance(method, NetworkInpainter)
    return method


def flags() -> tuple[bool, bool]:
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


@pytest.mark.parametrize(
    ("precision", "allowed"), [("float32", False), ("tf32", True), ("bf16", True)]
)
def test_tf32_is_on_only_where_asked_for_and_left_as_it_was(
    precision: Precision, allowed: bool
) -> None:
    before = flags()
    with inference(precision, CPU):
        assert flags() == (allowed, allowed)
        assert torch.is_autocast_enabled("cpu") == (precision == "bf16")
        with full_precision():
            assert flags() == (False, False) and not torch.is_autocast_enabled("cpu")
        assert flags() == (allowed, allowed)
    assert flags() == before


@pytest.mark.parametrize("kind", NETWORKS)
def test_only_another_precision_makes_other_cases(kind: str) -> None:
    plain = created(kind).identity(2048, "x")
    assert "precision" not in str(plain), "earlier versions recorded none"
    assert created(kind, precision="float32").identity(2048, "x") == plain
    other = created(kind, precision="bf16")
    assert other.identity(2048, "x")["options"]["precision"] == "bf16"
    assert other.options()["precision"] == "bf16"


def test_both_stages_have_the_precision_and_stage_one_may_have_its_own() -> None:
    found = created("compact", precision="tf32").identity(2048, "x")
    assert found["stage_one"]["options"]["precision"] == "tf32"
    own = methods.create("two-stage", precision="tf32", stage_one_options={"precision": "float32"})
    assert "precision" not in own.identity(2048, "x")["stage_one"]["options"]


@dataclass(kw_only=True)
class Fuzzy(Inpainter):
    """A stranger's method, whose precision is a number of digits."""

    name: ClassVar[str] = "fuzzy"
    precision: int = 3

    def fill(self, image: Image, mask: Mask) -> Image:
        return image


def test_an_option_of_that_name_of_somebody_elses_stage_one_is_left_alone() -> None:
    stage_one = f"{__name__}:Fuzzy"
    found = methods.create("two-stage", stage_one=stage_one, refinement="none")
    assert found.identity(2048, "x")["stage_one"]["options"]["precision"] == 3


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision"):
        created("dfnet", precision="fp16")


@pytest.mark.slow
@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_run_on_a_gpu_and_give_the_cpus_result(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, mask = scene(1, 192, 160), box(192, 160, slice(60, 130), slice(40, 110))
    on_cpu = created(kind).inpaint(image, mask)
    with pretended_gpu(monkeypatch):
        method = created(kind, DEVICE)
        found = method.inpaint(image, mask).astype(int)
    assert {p.device.type for p in method.loaded().parameters()} == {DEVICE}
    # Sums have another order where the memory has another layout.
    assert np.abs(found - on_cpu).max() <= 1
