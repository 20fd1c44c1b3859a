"""`python -m analysis`: from a run folder to tables, plots, figures and the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from typer import Option

from analysis import style
from analysis.agreement import correlate
from analysis.commands import figure, power, rank
from analysis.commands.options import (
    Answers,
    Columns,
    MaxFailedChecks,
    MinMedian,
    MinVotes,
    Order,
    Participants,
    Prior,
    RunFolder,
    StyleFile,
    check_known,
    reading,
)
from analysis.ranking import files, per_image, quality_report, ranking
from analysis.report import people, publish
from analysis.runs import run
from analysis.votes import exclusions, votes
from methods.errors import InputError, run_command_line

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def main() -> None:
    """Tables, plots, figures and reports from finished runs."""


@app.command()
def report(
    folder: RunFolder,
    ballots: Annotated[
        Path | None, Option("--votes", help="Votes of people on this run's results.")
    ] = None,
    participants: Participants = None,
    resolution: Annotated[
        int | None,
        Option(help="At which people saw the results, in pixels.", show_default="the highest"),
    ] = None,
    max_failed_checks: MaxFailedChecks = None,
    min_votes: MinVotes = 0,
    min_median_ms: MinMedian = 0.0,
    order: Order = False,
    prior: Prior = 0.0,
    column: Columns = None,
    answer: Answers = None,
    style_file: StyleFile = None,
) -> None:
    """Write tables/, figures/ and report.html of a run folder again, with people's preferences
    where there are votes."""
    look = style.read(style_file)
    preferences = None
    if ballots:
        told = reading(column, answer)
        settings = ranking.Settings(order=order, prior=prior)
        rules = exclusions.Rules(participants, max_failed_checks, min_votes, min_median_ms)
        preferences = _people(folder, votes.read(ballots, told), rules, resolution, settings)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("drawing", total=None)
        page = publish.publish(
            folder,
            force=True,
            done=lambda done, total: bar.update(task, completed=done, total=total),
            preferences=preferences,
            look=look,
        )
    print(page)


def _people(
    folder: Path,
    given: votes.Votes,
    rules: exclusions.Rules,
    resolution: int | None,
    settings: ranking.Settings,
) -> people.People:
    """Rank by the votes, and compare the run's metrics with them."""
    loaded = run.load(folder)
    size = resolution or max(loaded.resolutions)
    check_known("resolution", [size], loaded.resolutions)
    valid, flow = exclusions.apply(given, rules)
    ranked = ranking.rank(valid, settings)
    quality = quality_report.assess(valid, ranked)
    parts: files.Parts = (
        {"image": per_image.ranked(valid, "image", prior=settings.prior)}
        if valid.has("image")
        else {}
    )
    study = files.Study(ranked, flow, quality, parts, sys.argv[1:])
    try:
        return people.People(study, correlate.correlations(loaded, valid, size))
    except InputError as error:
        return people.People(study, str(error))


app.command()(figure.figure)
app.command()(rank.rank)
app.command()(rank.validate)
app.command("correlate")(rank.agree)
app.command("power")(power.plan)

if __name__ == "__main__":
    run_command_line(app)
