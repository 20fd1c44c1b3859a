"""`python -m methods.training stage-one`: train the networks of the two-stage method."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from methods.training import photos
from methods.training.loop import Settings, TrainingError, train
from methods.training.stage_one import StageOne

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """Training of the two-stage method's networks."""


@app.command("stage-one")
def stage_one(
    data: Annotated[list[Path], Option(help="Folder, zip or image; repeatable.")],
    out: Annotated[Path, Option(metavar="DIR", help="Where checkpoints and logs go.")],
    steps: Annotated[int, Option(min=1, help="Optimizer steps.")] = 20000,
    batch: Annotated[int, Option(min=2, help="Samples in a step.")] = 8,
    learning_rate: Annotated[float, Option(min=0, help="Highest learning rate.")] = 1e-3,
    size: Annotated[int, Option(min=256, help="Working size in pixels.")] = 256,
    width: Annotated[float, Option(min=0.02, help="Of DFNet's channels.")] = 0.375,
    l2: Annotated[float, Option(min=0, help="Weight of the mean squared error.")] = 10.0,
    largest: Annotated[float, Option(min=0.1, max=0.9, help="Largest hole share.")] = 0.9,
    seed: Annotated[int, Option(min=0)] = 0,
    device: Annotated[str, Option(help="auto, cpu or cuda")] = "auto",
    devices: Annotated[int, Option(min=1, help="GPUs to use.")] = 1,
    precision: Annotated[str, Option(help="32-true or bf16-mixed")] = "32-true",
    workers: Annotated[int, Option(min=0, help="Processes that make samples.")] = 1,
    checkpoint_minutes: Annotated[float, Option(min=0.1)] = 5.0,
    resume: Annotated[bool, Option("--resume", help="Go on with the training in --out.")] = False,
) -> None:
    """Train a compact stage one on whole scenes."""
    found = photos.load(data, shorter_side=2 * size, smallest=size)
    training, validation = photos.split(found)
    typer.echo(f"{len(training)} photographs for training, {len(validation)} for validation")
    task = StageOne(training, validation, size, width, l2, None, largest, seed)
    settings = Settings(
        steps,
        batch,
        learning_rate,
        seed=seed,
        device=device,
        devices=devices,
        precision=precision,
        workers=workers,
        checkpoint_minutes=checkpoint_minutes,
    )
    typer.echo(f"best weights: {train(task, settings, out, resume, typer.echo)}")


def run() -> None:
    """Run the command line; what is wrong with the input becomes one line and exit code 2."""
    try:
        app()
    except (TrainingError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    run()
