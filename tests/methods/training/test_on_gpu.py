"""Training where no tensor may be on the CPU: losses and validation, on a pretended GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import methods
from methods.training import coarse
from methods.training.features import load_features
from methods.training.photos import Photo
from methods.training.stage_one import StageOne
from methods.training.stage_two import StageTwo
from methods.training.task import Task
from tests.methods.conftest import scene
from tests.methods.pretended_gpu import DEVICE, pretended_gpu


def photo(name: str) -> Photo:
    return Photo(name, name, scene(len(name), 300, 320))


def stage_one(folder: Path) -> StageOne:
    return StageOne([photo("a")], [photo("bc")], size=64, width=0.05, depth=6)


def stage_two(folder: Path) -> StageTwo:
    squares = coarse.squares([photo("a"), photo("bc")], folder, seed=0)
    coarse.compute(squares, methods.create("telea"), 64, folder, lambda _: None)
    features = load_features("squeezenet", deep=True)
    return StageTwo(
        squares[:3], squares[3:4], features, 64, 256, 0.05, "paper", distance=1.0, ssim=1.0
    )


@pytest.mark.slow
@pytest.mark.parametrize("made", [stage_one, stage_two])
@torch.no_grad()
def test_losses_and_scores_are_the_cpus(
    made: type[Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = made(tmp_path)
    torch.manual_seed(0)
    network = task.network().eval()
    batch = {name: tensor[None] for name, tensor in task.sample(0).items()}
    torch.manual_seed(1)
    loss, (scores, picture) = task.loss(network, batch), task.validate(network)
    with pretended_gpu(monkeypatch):
        torch.manual_seed(1)
        moved = {name: tensor.to(DEVICE) for name, tensor in batch.items()}
        network.to(DEVICE)
        found = {name: term.item() for name, term in task.loss(network, moved).items()}
        assert found == pytest.approx({n: t.item() for n, t in loss.items()}, rel=1e-3, abs=1e-5)
        there, shown = task.validate(network)
    assert there == pytest.approx(scores, rel=1e-3, abs=1e-4)
    assert abs(shown.astype(int) - picture).max() <= 1
