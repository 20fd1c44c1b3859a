"""`python -m methods.training stage-one`: train the networks of the two-stage method."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from inpainting_suite import refuse  # first of all: refuses foreign packages of these names

if lacking := [name for name in ("lightning_fabric", "tensorboard") if find_spec(name) is None]:
    from methods.libraries import extra_installation

    sys.exit(refuse(f"training needs {' and '.join(lacking)}: {extra_installation('training')}"))

# isort: split

from pathlib import Path
from typing import Annotated, Any

import typer
from safetensors.torch import save_file
from typer import Argument, Option

import methods
from methods.base import Inpainter, MethodError
from methods.errors import InputError, run_command_line
from methods.files import replacing
from methods.images import write_png
from methods.training import coarse, curve, pack, photos
from methods.training.features import load_features
from methods.training.loop import Settings, train
from methods.training.losses import PERCEPTUAL_WEIGHT, STYLE_WEIGHT
from methods.training.photos import Photo
from methods.training.stage_one import StageOne
from methods.training.stage_two import Architecture, StageTwo
from methods.validation import field_names
from methods.weights import files

app = typer.Typer(
    help="Train the networks of the two-stage method.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Data = Annotated[list[Path], Option(help="Folder, zip or image; repeatable.")]
Out = Annotated[Path, Option(metavar="DIR", help="Folder for checkpoints and logs.")]
Steps = Annotated[int, Option(min=1, help="Optimizer steps.")]
Batch = Annotated[int, Option(min=2, help="Samples in a step.")]
Rate = Annotated[float, Option(min=0, help="Highest learning rate.")]
Width = Annotated[float, Option(min=0.02, help="Channels, as a share of the published network's.")]
Seed = Annotated[int, Option(min=0)]
Device = Annotated[str, Option(help="auto, cpu or cuda")]
Devices = Annotated[int, Option(min=1, help="GPUs to use.")]
Precision = Annotated[str, Option(help="32-true or bf16-mixed")]
Workers = Annotated[int, Option(min=0, help="Processes that prepare samples.")]
Minutes = Annotated[float, Option(min=0.1, help="Minutes between checkpoints.")]
Limit = Annotated[
    float | None,
    Option(min=0.01, help="Minutes of training, after which it ends even if steps are left."),
]
Initial = Annotated[Path | None, Option(help="Weights to start from: a best.safetensors.")]
Resume = Annotated[bool, Option("--resume", help="Continue the training in --out.")]


@app.command("stage-one")
def stage_one(
    data: Data,
    out: Out,
    steps: Steps = 20000,
    batch: Batch = 16,
    learning_rate: Rate = 2e-3,
    size: Annotated[int, Option(min=64, help="Working size in pixels.")] = 128,
    width: Width = 0.375,
    depth: Annotated[int, Option(min=6, max=8, help="Halvings of the image in DFNet.")] = 7,
    l2: Annotated[float, Option(min=0, help="Weight of the mean squared error.")] = 30.0,
    largest: Annotated[
        float, Option(min=0.1, max=0.9, help="Share of the image that the largest holes cover.")
    ] = 0.4,
    seed: Seed = 0,
    device: Device = "auto",
    devices: Devices = 1,
    precision: Precision = "32-true",
    workers: Workers = 1,
    checkpoint_minutes: Minutes = 5.0,
    minutes: Limit = None,
    initial: Initial = None,
    resume: Resume = False,
) -> None:
    """Train a compact stage one on whole scenes."""
    training, validation = _split(photos.load(data, 2 * size, size, typer.echo))
    task = StageOne(training, validation, size, width, l2, largest, depth, seed)
    settings = Settings(
        steps, batch, learning_rate, seed=seed, device=device, devices=devices,
        precision=precision, workers=workers, checkpoint_minutes=checkpoint_minutes,
        minutes=minutes,
    )  # fmt: skip
    best = train(task, settings, out, resume, typer.echo, initial)
    typer.echo(f"best weights: {best}")


@app.command("stage-two")
def stage_two(
    data: Data,
    out: Out,
    stage_one: Annotated[str, Option(help="A method.")] = "dfnet",
    stage_one_weights: Annotated[
        str | None, Option(help="Its weights: a file, or a variant in the registry.")
    ] = None,
    working_size: Annotated[
        int, Option(min=16, help="Working size of stage one, in pixels.")
    ] = 256,
    features: Annotated[
        str, Option(help="Network of the perceptual and style terms: squeezenet or vgg16=PATH.")
    ] = "squeezenet",
    steps: Steps = 20000,
    batch: Batch = 8,
    learning_rate: Rate = 1e-3,
    patch: Annotated[int, Option(min=256, help="Side of the patches in pixels.")] = 512,
    width: Width = 0.25,
    network: Annotated[
        Architecture, Option(help="The compact network of this project, or the paper's.")
    ] = "detail",
    perceptual: Annotated[float, Option(min=0, help="Weight of the perceptual term.")] = (
        PERCEPTUAL_WEIGHT
    ),
    style: Annotated[float, Option(min=0, help="Weight of the style term.")] = STYLE_WEIGHT,
    distance: Annotated[
        float,
        Option(min=0, help="Weight of unit-length features' distance; not the paper's."),
    ] = 0.0,
    ssim: Annotated[
        float, Option(min=0, help="Weight of 1 - SSIM, against texture laid over smooth places.")
    ] = 0.0,
    seed: Seed = 0,
    device: Device = "auto",
    devices: Devices = 1,
    precision: Precision = "32-true",
    workers: Workers = 1,
    checkpoint_minutes: Minutes = 5.0,
    minutes: Limit = None,
    initial: Initial = None,
    resume: Resume = False,
) -> None:
    """Train a compact refinement network on another method's results."""
    if patch % 256:
        raise InputError(f"--patch {patch}: must be a multiple of 256")
    feature_network = load_features(features, deep=distance > 0)
    training, validation = _split(photos.load(data, None, patch, typer.echo))
    inpainter = _create_stage_one(stage_one, stage_one_weights, device)
    folder = out / "stage_one"
    for_training = coarse.squares(training, folder, seed)
    for_validation = coarse.squares(validation, folder, seed)[:: coarse.SQUARES]
    squares = [*for_training, *for_validation]
    coarse.compute(squares, inpainter, working_size, folder, typer.echo)
    task = StageTwo(
        for_training, for_validation, feature_network, working_size, patch, width, network,
        perceptual, style, distance, ssim, seed,
    )  # fmt: skip
    settings = Settings(
        steps, batch, learning_rate, seed=seed, device=device, devices=devices,
        precision=precision, workers=workers, checkpoint_minutes=checkpoint_minutes,
        minutes=minutes,
    )  # fmt: skip
    best = train(task, settings, out, resume, typer.echo, initial)
    typer.echo(f"best weights: {best}")


@app.command("pack")
def pack_photographs(
    data: Annotated[list[Path], Argument(metavar="FOLDER... FILE", help="Then the zip to write.")],
    megabytes: Annotated[float, Option(min=0.1, help="Largest size, in 10**6 bytes.")] = 60.0,
) -> None:
    """Reduce photographs of folders, zips and files into one zip for training elsewhere."""
    if len(data) < 2:
        raise InputError("pack: give folders of photographs, then the zip to write")
    pack.pack(data[:-1], data[-1], megabytes, typer.echo)


@app.command()
def validation(
    data: Data,
    out: Annotated[Path, Argument(metavar="DIR", help="Folder to write; must be empty.")],
    most: Annotated[int, Option(min=1, help="Photographs at most.")] = 24,
) -> None:
    """Write the photographs that training does not see as PNG files, for `run_benchmark.py`."""
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty; delete it, or choose another folder")
    # One tile of each photograph: others are no further photographs.
    found = {photo.source: photo for photo in _split(photos.load(data, report=typer.echo))[1]}
    kept = list(found.values())[:most]
    for photo in kept:
        write_png(out / f"{photo.source}.png", photo.pixels)
    typer.echo(f"{out}: {len(kept)} photographs")


@app.command()
def export(
    weights: Annotated[Path, Argument(help="A best.safetensors.")],
    out: Annotated[Path, Argument(help="The file to write.")],
    remark: Annotated[str, Option(help="Remark that tables print after the method's name.")],
) -> None:
    """Write weights for publication: half the size, with a remark for tables."""
    tensors = {
        # Biases and statistics are few, and their values may be tiny.
        name: tensor.half() if tensor.ndim > 1 else tensor
        for name, tensor in files.read(weights).items()
    }
    with replacing(out) as (part,):
        save_file(tensors, part, metadata={**files.metadata(weights), "remark": remark})
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


@app.command("curve")
def draw_curve(
    log: Annotated[Path, Argument(help="A training's log.csv.")],
    out: Annotated[Path, Argument(help="The PNG to write.")],
) -> None:
    """Plot validation scores against steps."""
    curve.draw(log, out)
    typer.echo(str(out))


def _create_stage_one(name: str, weights: str | None, device: str) -> Inpainter:
    """Return stage one with the options that the two-stage method gives it."""
    options: dict[str, Any] = {"weights": weights} if weights else {}
    if "rounding" in field_names(methods.method_class(name)):
        options["rounding"] = "nearest"
    return methods.create(name, device=device, **options)


def _split(loaded: list[Photo]) -> tuple[list[Photo], list[Photo]]:
    training, validation = photos.split(loaded)
    typer.echo(f"{len(training)} photographs for training, {len(validation)} for validation")
    return training, validation


if __name__ == "__main__":
    run_command_line(app, (MethodError, ValueError))
