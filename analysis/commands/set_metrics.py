"""`python -m analysis set-metrics`: FID, KID and their like between results and references."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from typer import Option

from analysis.commands import options


def set_metrics(
    folder: options.RunFolder,
    out: options.Out,
    features: Annotated[
        Literal["efficientnet", "inception"],
        Option(
            help="Network: EfficientNet-Lite0, which is part of the suite, or the Inception of FID "
            "and KID, whose package (pip install '.[fid]') downloads its weights."
        ),
    ] = "efficientnet",
    patches: Annotated[
        bool,
        Option("--patches", help="Compare squares at full resolution that cover the holes."),
    ] = False,
    samples: Annotated[
        int, Option(min=100, help="Resamples of photographs for the intervals.")
    ] = 200,
    seed: Annotated[int, Option(min=0)] = 0,
) -> None:
    """Compare the set of results with the set of references, for each method and resolution."""
    from rich.progress import track

    from analysis.runs import run
    from analysis.sets import files
    from analysis.sets import set_metrics as sets
    from analysis.sets.features import NETWORKS
    from methods.terminal import plain_console

    console = plain_console(stderr=True)
    found = sets.set_metrics(
        run.load(folder),
        NETWORKS[features],
        of_patches=patches,
        resamples=samples,
        seed=seed,
        progress=lambda cells: track(cells, "sets", console=console, transient=True),
    )
    written = files.write(found, out, sys.argv[1:])
    print(files.to_text(found))
    print(*written, sep="\n")
