"""Training of stage two: the paper's samples, where it begins, and from photographs to a result."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from skimage.metrics import structural_similarity
from typer.testing import CliRunner

import methods
from methods.base import MethodError
from methods.training import coarse, losses
from methods.training.__main__ import app
from methods.training.features import VGG16Features, load_features
from methods.training.photos import Photo, is_validation
from methods.training.stage_two import Architecture, StageTwo
from methods.weights import files
from tests.methods.conftest import box, scene
from tests.paths import DEMO

SIDE = 320

pytestmark = pytest.mark.slow


class Trained(NamedTuple):
    """folder: photographs, with the training in `out`; kind: of network."""

    folder: Path
    kind: str

    def command(self, *more: str, out: str = "out") -> list[str]:
        return [
            *("stage-two", "--data", str(self.folder), "--out", str(self.folder / out)),
            *("--stage-one", "telea", "--working-size", "64", "--patch", "256", "--width", "0.05"),
            *("--steps", "2", "--batch", "2", "--workers", "0", "--device", "cpu"),
            *("--network", self.kind, *more),
        ]


class Flat(torch.nn.Module):
    """Features that are the pixels themselves."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [image]


def grey(photo: str = "p.jpg") -> Photo:
    """A ramp, which flipping and recolouring change everywhere."""
    ramp = np.linspace(60, 200, SIDE)[None, :] + np.linspace(0, 40, SIDE)[:, None]
    return Photo(photo, photo, np.repeat(ramp[..., None], 3, axis=2).astype(np.uint8))


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> StageTwo:
    folder = tmp_path_factory.mktemp("coarse")
    squares = coarse.squares([grey()], folder, seed=0)
    coarse.compute(squares, methods.create("telea"), 64, folder, lambda _: None)
    return StageTwo(squares, squares[:1], Flat(), 64, 256, 0.05, "paper")


def test_samples_are_what_the_paper_says(task: StageTwo) -> None:
    for number in range(12):
        sample = task.sample(number)
        stack, target = sample["stack"].numpy(), sample["target"].numpy()
        assert stack.shape == (20, 256, 256) and target.shape == (3, 256, 256)
        hole = stack[0] == 255
        assert 0.1 <= hole.mean() <= 0.9
        assert np.array_equal(stack[1:4, ~hole], target[:, ~hole])
        off = stack[1:4, hole].astype(int) - target[:, hole]
        assert off.any() and np.abs(off).mean() < 25
        # Wherever a shifted copy leaves the frame it is marked as not to be used.
        for mask in stack[4:][3::4]:
            assert set(np.unique(mask)) <= {0, 255} and not np.array_equal(mask, stack[0])
        assert all(torch.equal(task.sample(number)[name], sample[name]) for name in sample)


@pytest.mark.parametrize(("kind", "most"), [("paper", 1.1e-3), ("detail", 1e-2)])
def test_it_begins_as_stage_ones_result(task: StageTwo, kind: Architecture, most: float) -> None:
    begun = dataclasses.replace(task, architecture=kind)
    network = begun.network().eval()
    x = begun.sample(0)["stack"][None].float() / 255
    with torch.no_grad():
        off = network(x) - x[:, 1:4]
    assert off.abs().max() < most
    scores, picture = begun.validate(network)
    assert scores["psnr"] == pytest.approx(scores["coarse_psnr"], abs=10 * most)
    assert picture.shape == (256, 4 * 256, 3)


def test_the_terms_have_the_papers_weights_or_other_ones(task: StageTwo) -> None:
    batch = {name: tensor[None] for name, tensor in task.sample(1).items()}
    network = task.network().eval()
    other = dataclasses.replace(task, perceptual=0.3, style=480.0, distance=2.0, ssim=15.0)
    found = []
    for one in (task, other):
        torch.manual_seed(0)
        with torch.no_grad():
            found.append(one.loss(network, batch))
    once, more = found
    for name, factor in {"l1": 1, "tv": 1, "perceptual": 3, "style": 2}.items():
        assert float(more[name]) == pytest.approx(factor * float(once[name]), rel=1e-5)
    assert list(more) == [*once, "distance", "ssim"] and 0 < float(more["distance"]) < 8
    assert 0 < float(more["ssim"]) < 15
    off = batch["stack"][:, 1:4].float() / 255 - batch["target"].float() / 255
    assert float(once["l1"]) == pytest.approx(6 * float(off.abs().mean()), rel=1e-2)


def test_similarity_is_scikit_images() -> None:
    first = scene(3, 90, 70)
    second = cv2.GaussianBlur(first, (0, 0), 1.5)
    _, values = structural_similarity(
        first, second, data_range=255, channel_axis=2, full=True, use_sample_covariance=False
    )
    tensors = [torch.from_numpy(x).permute(2, 0, 1)[None].float() / 255 for x in (first, second)]
    found = losses.structural_similarity(tensors[0], tensors[1])
    assert float(found) == pytest.approx(values[3:-3, 3:-3].mean(), abs=1e-4)


@pytest.mark.parametrize("trained", ["detail"], indirect=True)
def test_the_curve_of_a_training(trained: Trained, tmp_path: Path) -> None:
    log, picture = trained.folder / "out/log.csv", tmp_path / "curve.png"
    assert CliRunner().invoke(app, ["curve", str(log), str(picture)]).exit_code == 0
    assert cv2.imread(str(picture)).std() > 5
    refused = CliRunner().invoke(app, ["curve", str(tmp_path / "none.csv"), str(picture)])
    assert "none.csv: not a training's log.csv" in str(refused.exception)


def test_stage_one_runs_once_for_each_square_and_again_for_another_stage_one(
    tmp_path: Path,
) -> None:
    pixels = grey().pixels
    photos = [Photo("a/1.jpg", "1", pixels), Photo("b/1.jpg", "1", 255 - pixels)]

    def made(stage_one: str, seed: int = 0, **options: Any) -> dict[str, float]:
        squares = coarse.squares(photos, tmp_path, seed)
        coarse.compute(squares, methods.create(stage_one, **options), 64, tmp_path, lambda _: None)
        means = [s.stage_one_result().mean() - s.pixels.mean() for s in squares]
        assert max(map(abs, means)) < 10
        return {s.result_file.name: s.result_file.stat().st_mtime_ns for s in squares}

    first = made("telea")
    assert len(first) == 6 and made("telea") == first
    assert not set(made("telea", seed=1)) & set(first) and made("telea") == first
    assert all(time != first[name] for name, time in made("telea", radius=9).items())


@pytest.fixture(scope="module", params=["detail", "paper"])
def trained(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Trained:
    """Two steps on four photographs, one of them for validation."""
    folder = tmp_path_factory.mktemp("training")
    names = [f"n{i}" for i in range(100)]
    kept = [name for name in names if is_validation(name)][:1]
    for seed, name in enumerate([*kept, *[n for n in names if not is_validation(n)][:3]]):
        image = scene(seed, SIDE, SIDE + 40)
        cv2.imwrite(str(folder / f"{name}.png"), image)
    (folder / "torn.jpg").write_bytes(b"not an image")
    done = CliRunner().invoke(app, Trained(folder, request.param).command())
    assert done.exit_code == 0, done.output
    assert "torn.jpg: cannot be read" in done.output
    assert "3 photographs for training, 1 for validation" in done.output
    return Trained(folder, request.param)


def test_from_photographs_to_weights_that_two_stage_uses(trained: Trained) -> None:
    out = trained.folder / "out"
    log = (out / "log.csv").read_text()
    assert log.startswith("step,score,psnr,coarse_psnr,ssim,coarse_ssim,perceptual,style,distance")
    assert len(list((out / "samples").glob("*.png"))) == 1 and list((out / "tensorboard").iterdir())
    image, mask = scene(9, 200, 300), box(200, 300, slice(60, 120), slice(90, 200))
    options = {"working_size": 64, "weights": str(out / "best.safetensors")}
    method = methods.create("two-stage:telea", **options)
    assert "profile paper" in method.note
    result = method.inpaint(image, mask)
    assert np.array_equal(result[~mask], image[~mask])
    small = trained.folder / "handed_on.safetensors"
    text = ["export", str(out / "best.safetensors"), str(small), "--remark", "mine, 2 steps"]
    assert CliRunner().invoke(app, text).exit_code == 0
    assert small.stat().st_size < 0.55 * (out / "best.safetensors").stat().st_size
    handed_on = methods.create("two-stage:telea", **{**options, "weights": str(small)})
    assert handed_on.remark == "mine, 2 steps"
    off = handed_on.inpaint(image, mask).astype(int) - result
    assert np.abs(off).max() <= 1


@pytest.mark.parametrize("trained", ["detail"], indirect=True)
def test_it_goes_on_with_its_network_or_begins_with_other_weights(
    trained: Trained,
) -> None:
    again = CliRunner().invoke(app, trained.command())
    assert again.exit_code != 0 and "--resume goes on" in str(again.exception)
    resumed = CliRunner().invoke(app, trained.command("--resume"))
    assert resumed.exit_code == 0 and "going on at step 2" in resumed.output
    best = trained.folder / "out/best.safetensors"
    moved = {n: t + 1 if t.is_floating_point() else t for n, t in load_file(best).items()}
    save_file(moved, trained.folder / "moved.safetensors")
    # Not learned from, only begun with.
    more = ("--initial", str(trained.folder / "moved.safetensors"), "--learning-rate", "0")
    begun = trained.command(*more, "--steps", "1", out="second")
    assert CliRunner().invoke(app, begun).exit_code == 0
    found = load_file(trained.folder / "second/best.safetensors")
    last = [name for name in found if name.startswith("last_conv")]
    assert len(last) == 2 and all(torch.equal(found[name], moved[name]) for name in last)
    other = trained._replace(kind="paper")
    refused = CliRunner().invoke(app, other.command("--resume"))
    assert "other settings ({'network': ('detail', " in str(refused.exception)


def test_features_through_vgg16_from_torchvisions_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    known = VGG16Features().state_dict()
    state = {**known, "classifier.0.weight": torch.zeros(2, 2)}
    torch.save(state, tmp_path / "vgg16-397923af.pth")
    network = load_features(f"vgg16={tmp_path / 'vgg16-397923af.pth'}")
    shapes = [tuple(f.shape) for f in network(torch.rand(1, 3, 64, 64))]
    assert shapes == [(1, 64, 32, 32), (1, 128, 16, 16), (1, 256, 8, 8)]
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(MethodError, match=r"other.safetensors: not torchvision's VGG16"):
        load_features(f"vgg16={tmp_path / 'other.safetensors'}")
    with pytest.raises(MethodError, match="squeezenet, or vgg16=PATH"):
        load_features("vgg19")


def test_squeezenets_features_are_about_as_large_as_the_weights_expect() -> None:
    """On a photograph; the paper's weights were chosen for features of the order of one."""
    photo = cv2.imread(str(DEMO / "forest_stream.jpg"))
    crop = np.ascontiguousarray(photo[600:856, 600:856, ::-1])
    tensor = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
    for layer in load_features("squeezenet")(tensor):
        assert 0.5 < float(layer.square().mean().sqrt()) < 2


def test_bundled_networks_say_what_they_are_for() -> None:
    for name in ("dfnet", "refinement"):
        said = files.metadata(files.find(name, "compact").path)
        assert said["profile"] == "paper" and int(said["working_size"]) >= 64
