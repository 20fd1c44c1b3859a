"""Training: what goes in, that it can be stopped and resumed at any step, and where it begins."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import methods
from methods.architectures.dfnet import smooth_fill
from methods.training import photos
from methods.training.augment import random_mask
from methods.training.loop import BEST, Batch, Settings, TrainingError, learning_rate, train
from methods.training.stage_one import StageOne, middle_third
from tests.methods.conftest import box, scene


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image[..., ::-1])[1].tobytes()


def test_photographs_from_folders_and_zips_and_unreadable_ones_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a_x1_0_1.jpg").write_bytes(jpeg(scene(1, 200, 300)))
    (folder / "torn.jpg").write_bytes(jpeg(scene(2, 200, 300))[:20])
    (folder / "tiny.png").write_bytes(cv2.imencode(".png", scene(3, 20, 20))[1].tobytes())
    (folder / "notes.txt").write_text("not a photograph")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("deep/IMG_1.jpg", jpeg(scene(4, 400, 100)))
    said: list[str] = []
    found = photos.load(
        [folder, tmp_path / "more.zip"], shorter_side=100, smallest=64, report=said.append
    )
    assert [(p.name, p.source, p.pixels.shape) for p in found] == [
        ("deep/IMG_1.jpg", "IMG_1", (400, 100, 3)),
        ("inner/a_x1_0_1.jpg", "a", (100, 150, 3)),
    ]
    assert "torn.jpg: cannot be read" in said[-1] and "tiny.png: smaller than 64 px" in said[0]
    with pytest.raises(ValueError, match="no such folder, zip or file"):
        photos.load([tmp_path / "missing"])


def test_tiles_of_one_photograph_are_on_one_side_of_the_split() -> None:
    pixels = scene(1, 64, 64)
    names = [f"s{i:03}_x1_{j}.jpg" for i in range(60) for j in range(3)]
    found = [photos.Photo(name, photos.source_of(name), pixels) for name in names]
    training, validation = photos.split(found)
    sides = [{photo.source for photo in side} for side in (training, validation)]
    assert not sides[0] & sides[1] and 2 <= len(sides[1]) <= 14
    fewer = [photo for photo in found if photo.source not in ("s001", "s002")]
    assert {p.source for p in photos.split(fewer)[1]} == sides[1] - {"s001", "s002"}


def test_holes_are_seeded_and_of_the_stated_share() -> None:
    shares = []
    for seed in range(80):
        mask = random_mask(np.random.default_rng(seed), 128)
        assert np.array_equal(mask, random_mask(np.random.default_rng(seed), 128))
        shares.append(mask.mean())
    assert min(shares) > 0.09 and max(shares) <= 0.9 and np.std(shares) > 0.15


def test_the_smooth_fill_continues_what_is_known() -> None:
    ramp = torch.linspace(0.2, 0.8, 96).expand(1, 3, 80, 96)
    known = torch.ones(1, 1, 80, 96)
    known[..., 20:60, 30:70] = 0
    poisoned = torch.where(known > 0, ramp, torch.rand(ramp.shape))
    filled = smooth_fill(poisoned, known)
    assert torch.equal(filled, smooth_fill(ramp, known))
    assert (filled - ramp).abs().max() < 0.03
    flat = smooth_fill(torch.full((1, 3, 75, 61), 0.4), box_known(75, 61))
    assert (flat - 0.4).abs().max() < 1e-6


def box_known(height: int, width: int) -> Tensor:
    mask = box(height, width, slice(0, 40), slice(10, 50))
    return torch.from_numpy(~mask)[None, None].float()


@pytest.mark.slow
def test_stage_one_begins_as_the_smooth_fill_and_its_file_says_how_to_use_it(
    tmp_path: Path,
) -> None:
    image, mask = scene(5, 256, 256), middle_third(256)
    task = StageOne([photos.Photo("x", "x", image)], [photos.Photo("y", "y", image)], width=0.125)
    scores, picture = task.validate(task.network().eval())
    assert abs(scores["gain"]) < 0.02 and picture.shape == (128, 512, 3)
    path = train(
        task, Settings(1, batch=2, workers=0), tmp_path / "run", False, report=lambda _: None
    )
    result = methods.create("dfnet", weights=str(path), rounding="nearest").inpaint(image, mask)
    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None] / np.float32(255))
    known = torch.from_numpy(~mask)[None, None].float()
    smooth = smooth_fill(pixels, known)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(result[mask] - smooth[mask]).mean() < 8
    assert task.sample(3)["hole"].equal(task.sample(3)["hole"])


@dataclasses.dataclass
class Line:
    """A network of one weight that learns a number."""

    wrong_from: int = 10**9
    asked: list[int] = dataclasses.field(default_factory=list)

    def network(self) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 1))

    def sample(self, index: int) -> Batch:
        self.asked.append(index)
        rng = np.random.default_rng(index)
        return {"x": torch.from_numpy(rng.normal(size=4).astype(np.float32))}

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        off = (network(batch["x"]) - batch["x"].sum(dim=1, keepdim=True)).square().mean()
        if max(self.asked) >= self.wrong_from:
            off = off * float("nan")
        return {"l2": off}

    def validate(self, network: nn.Module) -> tuple[dict[str, float], np.ndarray]:
        score = -float(sum(p.abs().sum() for p in network.parameters()))
        return {"score": score}, np.zeros((8, 8, 3), np.uint8)

    def metadata(self) -> dict[str, str]:
        return {"made": "here"}


SETTINGS = Settings(steps=12, batch=4, learning_rate=0.05, warmup=3, workers=0, device="cpu")


class StoppedError(Exception):
    pass


def test_a_resumed_training_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    train(Line(), SETTINGS, tmp_path / "whole", False, report=lambda _: None)
    broken = Line()
    often = dataclasses.replace(SETTINGS, checkpoint_minutes=0.0)

    def stop(text: str) -> None:
        if text.startswith("step 5 "):
            raise StoppedError

    with pytest.raises(StoppedError):
        train(broken, often, tmp_path / "broken", False, report=stop)
    resumed = Line()
    train(resumed, often, tmp_path / "broken", True, report=lambda _: None)
    # It had not stored step 5: that one is done again, from the very same samples.
    assert resumed.asked == list(range(16, 48))
    states = [
        torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "broken")
    ]
    for name, tensor in states[0]["network"].items():
        assert torch.equal(tensor, states[1]["network"][name])
    assert states[1]["step"] == 12 and load_file(tmp_path / "broken" / BEST)


def test_a_training_is_not_overwritten_or_continued_with_other_settings(tmp_path: Path) -> None:
    train(Line(), SETTINGS, tmp_path, False, report=lambda _: None)
    with pytest.raises(TrainingError, match="--resume goes on"):
        train(Line(), SETTINGS, tmp_path, False, report=lambda _: None)
    other = dataclasses.replace(SETTINGS, learning_rate=0.1)
    with pytest.raises(TrainingError, match="learning_rate"):
        train(Line(), other, tmp_path, True, report=lambda _: None)


def test_a_loss_that_is_not_finite_stops_with_the_last_good_checkpoint(tmp_path: Path) -> None:
    often = dataclasses.replace(SETTINGS, checkpoint_minutes=0.0)
    with pytest.raises(TrainingError, match="step 4: the loss is not finite"):
        train(Line(wrong_from=16), often, tmp_path, False, report=lambda _: None)
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    assert state["step"] == 4
    assert all(torch.isfinite(t).all() for t in state["network"].values())


def test_the_learning_rate_warms_up_and_decays_to_nothing() -> None:
    rates = [learning_rate(step, SETTINGS) for step in range(13)]
    assert rates[0] == pytest.approx(0.05 / 3) and max(rates) == pytest.approx(0.05)
    assert rates[12] == pytest.approx(0) and rates[3:] == sorted(rates[3:], reverse=True)
