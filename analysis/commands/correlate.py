"""`python -m analysis correlate`: agreement of a run's metrics with people's votes."""

from __future__ import annotations

import sys
from typing import Annotated

from typer import Option

from analysis.commands import options


def correlate(
    folder: options.RunFolder,
    file: options.VotesFile,
    out: options.Out,
    resolution: Annotated[
        str | None,
        Option(
            metavar="PIXELS|native",
            help="Resolution of the scores to compare.",
            show_default="the run's highest",
        ),
    ] = None,
    participants: options.Participants = None,
    samples: Annotated[int, Option(min=100, help="Resamples of images for the intervals.")] = 1000,
    seed: Annotated[int, Option(min=0)] = 0,
    column: options.Columns = None,
    answer: options.Answers = None,
    separator: options.Separator = None,
    style_file: options.StyleFile = None,
) -> None:
    """Compare each metric of a run with people's votes."""
    from analysis import style
    from analysis.agreement import files
    from analysis.agreement.correlate import correlations
    from analysis.runs import run
    from analysis.votes.exclusions import Rules

    plot_style = style.read(style_file)
    loaded = run.load(folder)
    size = options.resolution_of(loaded, resolution)
    valid, flow = options.read_valid_votes(file, column, answer, separator, Rules(participants))
    comparison = correlations(loaded, valid, size, samples, seed)
    written = files.write(comparison, flow, out, sys.argv[1:], plot_style)
    print(files.to_text(comparison, flow))
    print(*written, sep="\n")
