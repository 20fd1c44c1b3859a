"""`python -m analysis report`: tables, figures and report of a run folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Option

from analysis.commands import options
from methods.errors import InputError


def report(
    folder: options.RunFolder,
    votes_file: Annotated[
        Path | None, Option("--votes", help="Votes of people on the results of this run.")
    ] = None,
    participants: options.Participants = None,
    resolution: Annotated[
        str | None,
        Option(
            metavar="PIXELS|native", help="Resolution that people saw.", show_default="the highest"
        ),
    ] = None,
    max_failed_checks: options.MaxFailedChecks = None,
    min_votes: options.MinVotes = 0,
    min_median_ms: options.MinMedian = 0.0,
    ties: options.Ties = "davidson",
    order: options.Order = False,
    prior: options.Prior = 0.0,
    column: options.Columns = None,
    answer: options.Answers = None,
    separator: options.Separator = None,
    style_file: options.StyleFile = None,
) -> None:
    """Write tables/, figures/ and report.html of a run folder again, with a section on people's
    preferences if there are votes."""
    from analysis import style
    from analysis.agreement.correlate import correlations
    from analysis.ranking import study
    from analysis.ranking.result import Settings
    from analysis.report import publish
    from analysis.report.people import People
    from analysis.runs import complete, run
    from analysis.votes.exclusions import Rules

    plot_style = style.read(style_file)
    people = None
    loaded = run.load(folder)
    if votes_file:
        rules = Rules(participants, max_failed_checks, min_votes, min_median_ms)
        valid, flow = options.read_valid_votes(votes_file, column, answer, separator, rules)
        size = options.resolution_of(loaded, resolution)
        settings = Settings(ties=ties, order=order, prior=prior)
        ranked = study.ranked(
            valid, flow, settings, sys.argv[1:], "image" if valid.has("image") else None
        )
        try:
            people = People(ranked, correlations(loaded, valid, size))
        except InputError as error:
            people = People(ranked, str(error))
    with options.progress_bar("drawing") as update:
        page = publish.publish(
            folder,
            force=True,
            progress=lambda done, total: update(completed=done, total=total),
            people=people,
            plot_style=plot_style,
        )
    for sentence in complete.without_pictures(loaded, run.highest(loaded.resolutions)):
        print(f"note: {sentence}", file=sys.stderr)
    print(page)
