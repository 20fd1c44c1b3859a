"""`python -m tests.conformance NETWORK DIR`: compute every golden case of a folder and compare.

Prints one line for each golden array, tab-separated: file, array, largest difference, tolerance,
pass or FAIL. Single numbers of JSON files are compared too and reported on stderr. Exit 1 when
anything differs, was forgotten, or nothing was compared at all; 2 for a folder that is not there.
"""

from __future__ import annotations

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer

from tests.conformance.checks import Checks


class Network(StrEnum):
    DFNET = "dfnet"
    TWO_STAGE = "two_stage"
    DEEPFILLV2 = "deepfillv2"
    HIFILL = "hifill"


def main(
    network: Network,
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False)],
) -> None:
    """Compare a network with the golden vectors in DIR."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    checks = Checks(folder)
    with torch.no_grad():
        importlib.import_module(f"tests.conformance.{network}").check(checks)
    raise typer.Exit(0 if checks.finish() else 1)


if __name__ == "__main__":
    typer.run(main)
