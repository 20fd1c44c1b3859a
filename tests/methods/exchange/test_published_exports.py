"""LaMa and MI-GAN, with networks of the same interfaces in place of the published files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

import methods
from methods.base import MissingRequirementError
from methods.weights import WeightsError
from tests.methods.exchange.test_exchange import IMAGE, MASK, red_in_the_hole, saved_onnx

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning", "ignore::UserWarning"
)


class Blurring(nn.Module):
    """As big-lama.pt: image in [0, 1], integer mask with 1 = hole, sides multiples of 8."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        torch._assert(mask.dtype == torch.int64, "integer mask")
        torch._assert(image.shape[2] % 8 + image.shape[3] % 8 == 0, "multiples of 8")
        masked = image * (1 - mask)
        return mask * (avg_pool2d(masked, 41, 1, 20) + 0.1234) + (1 - mask) * image


@pytest.fixture
def lama(tmp_path: Path) -> Path:
    torch.jit.script(Blurring()).save(str(tmp_path / "big-lama.pt"))
    return tmp_path / "big-lama.pt"


@pytest.fixture
def migan(tmp_path: Path) -> Path:
    return Path(saved_onnx(tmp_path / "migan_pipeline_v2.onnx", "migan"))


def test_lama_computes_what_its_authors_script_computes(lama: Path) -> None:
    filled = methods.create("lama", weights=str(lama), device="cpu").inpaint(IMAGE, MASK)
    height, width = MASK.shape
    sides = ((0, -height % 8), (0, -width % 8))
    blanked = np.where(MASK[..., None], 0, IMAGE)
    padded = np.pad(blanked, (*sides, (0, 0)), mode="symmetric").transpose(2, 0, 1)
    pixels = torch.from_numpy(padded.astype(np.float32) / 255)[None]
    holes = np.pad(MASK, sides, mode="symmetric")[None, None] * 1
    out = Blurring()(pixels, torch.from_numpy(holes))
    result = np.clip(out[0].permute(1, 2, 0).numpy() * 255, 0, 255).astype(np.uint8)
    expected = np.where(MASK[..., None], result[:height, :width], IMAGE)
    assert np.array_equal(filled, expected)
    # Mirrored or repeated, rounded or truncated: it makes a difference here.
    other = methods.create("exchange", file=str(lama), multiple=8, mask_dtype="int64")
    assert not np.array_equal(other.inpaint(IMAGE, MASK), expected)


def test_migan_has_its_mask_the_other_way_round_and_any_size(migan: Path) -> None:
    pytest.importorskip("onnxruntime")
    red_in_the_hole(methods.create("migan", weights=str(migan)), (204, 51, 26))


def test_cases_are_those_of_the_file(lama: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.pt"
    moved.write_bytes(lama.read_bytes())
    first, second = (methods.create("lama", weights=str(path)) for path in (lama, moved))
    assert first.identity(1024, "a") == second.identity(1024, "a")
    assert first.weights_used().keys() == {"lama"}


def test_lama_as_stage_one(lama: Path) -> None:
    options = {"stage_one_options": {"weights": str(lama)}, "working_size": 48}
    two_stage = methods.create("two-stage:lama", **options)
    assert "stage one lama at 48 px" in two_stage.note
    filled = two_stage.inpaint(IMAGE, MASK)
    assert np.array_equal(filled[~MASK], IMAGE[~MASK])
    assert filled[MASK].std() > 0


def test_what_is_missing_or_wrong_is_named(lama: Path, tmp_path: Path) -> None:
    for name in ("lama", "migan"):
        with pytest.raises(MissingRequirementError, match=f"python -m methods fetch {name} "):
            methods.create(name)
        with pytest.raises(ValueError, match=f"{name} has no random weights"):
            methods.create(name, weights="random")
    with pytest.raises(WeightsError, match=r"is a TorchScript .* ONNX was expected"):
        methods.create("migan", weights=str(lama))
    torch.save({"first": torch.zeros(2)}, tmp_path / "state.pt")
    with pytest.raises(WeightsError, match=r"is a PyTorch file; .* TorchScript was"):
        methods.create("lama", weights=str(tmp_path / "state.pt"))
