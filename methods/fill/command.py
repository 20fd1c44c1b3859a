"""`python -m methods fill`: fill the hole of an image file, or of a folder of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

# Imports as little as possible: every command of `python -m methods` waits for it.


def fill(
    method: Annotated[str, typer.Argument(help="A method, see list; two-stage:NAME, or your own.")],
    image: Annotated[Path, typer.Argument(help="An image of any size, or a folder of images.")],
    mask: Annotated[Path, typer.Argument(help="Its mask, or a folder of masks of these names.")],
    result: Annotated[Path, typer.Argument(help="The PNG file to write, or a folder for them.")],
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Set an option of the method; repeatable."),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help="Weights file of a network; NAME=random uses random weights; repeatable.  "
            "[default: those stored by fetch NAME]",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed for methods that use random numbers.")] = 0,
    hole: Annotated[
        Literal["white", "black"], typer.Option(help="Which side of the masks is the hole.")
    ] = "white",
    mask_threshold: Annotated[
        int | None,
        typer.Option(min=1, max=255, help="For soft masks: white is >= this value."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there.")
    ] = False,
) -> int:
    """Fill the hole of an image with a method, or those of a folder of images.

    Known pixels stay as they are stored, also grey, alpha and 16 bits. In folders, the mask of
    boat.jpg is boat.png or boat_mask.png; the same command goes on after it was stopped. Exit code:
    0 done, 1 the method has failed on an image (the others are done), 2 bad input.
    """
    from methods.fill.filling import fill_files

    words, networks = option or [], weights or []
    inputs = image, mask, result
    return fill_files(
        method, *inputs, words, networks, device, seed, hole, mask_threshold, overwrite
    )
