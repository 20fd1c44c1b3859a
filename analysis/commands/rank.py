"""`python -m analysis rank`: a ranking of methods by people's votes."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from typer import Option

from analysis.commands import options


def rank(
    file: options.VotesFile,
    out: options.Out,
    participants: options.Participants = None,
    max_failed_checks: options.MaxFailedChecks = None,
    min_votes: options.MinVotes = 0,
    min_median_ms: options.MinMedian = 0.0,
    bootstrap: Annotated[
        Literal["participant", "vote", "image"], Option(help="What to resample for the intervals.")
    ] = "participant",
    samples: Annotated[int, Option(min=100, help="Number of resamples.")] = 1000,
    seed: Annotated[int, Option(min=0)] = 0,
    level: Annotated[
        float, Option(min=0.5, max=0.999, help="Confidence level of the intervals.")
    ] = 0.95,
    ties: options.Ties = "davidson",
    order: options.Order = False,
    prior: options.Prior = 0.0,
    anchor: Annotated[
        str | None, Option(help="Method with ability 0.", show_default="mean of all at 0")
    ] = None,
    by: Annotated[
        Literal["image", "group"] | None,
        Option(help="Also rank on each image, or on each group of images."),
    ] = None,
    column: options.Columns = None,
    answer: options.Answers = None,
    separator: options.Separator = None,
    style_file: options.StyleFile = None,
) -> None:
    """Rank methods by people's votes, with intervals and tests.

    Bradley-Terry for votes between two, Plackett-Luce for choices among several and orders.
    """
    from analysis import style
    from analysis.ranking import files, study
    from analysis.ranking.result import Settings
    from analysis.votes.exclusions import Rules

    plot_style = style.read(style_file)
    settings = Settings(bootstrap, samples, seed, level, ties, order, prior, anchor)
    rules = Rules(participants, max_failed_checks, min_votes, min_median_ms)
    valid, flow = options.read_valid_votes(file, column, answer, separator, rules)
    found = study.ranked(valid, flow, settings, sys.argv[1:], by)
    written = files.write(found, out, plot_style)
    print(files.to_text(found))
    print(*written, sep="\n")
