"""`python -m analysis`: from a run folder to tables, plots, figures and the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress
from typer import Argument, Option

from analysis import (
    correlate,
    correlate_files,
    exclusions,
    figures,
    people,
    per_image,
    pictures,
    power,
    publish,
    quality_report,
    rank_files,
    ranking,
    run,
    style,
    votes,
)
from analysis.errors import InputError, run_command_line
from analysis.pictures import Box, Pictures

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
RunFolder = Annotated[Path, Argument(metavar="RUN", help="Run folder, such as results/demo.")]


@app.callback()
def main() -> None:
    """Tables, plots, figures and reports from finished runs."""


@app.command()
def report(
    folder: RunFolder,
    ballots: Annotated[
        Path | None, Option("--votes", help="Votes of people on this run's results.")
    ] = None,
    participants: Annotated[
        Path | None, Option(help="participants.csv of a study; those it excludes are left out.")
    ] = None,
    resolution: Annotated[
        int | None,
        Option(help="At which people saw the results, in pixels.", show_default="the highest"),
    ] = None,
) -> None:
    """Write tables/, figures/ and report.html of a run folder again, with people's preferences
    where there are votes."""
    preferences = _people(folder, ballots, participants, resolution) if ballots else None
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("drawing", total=None)
        page = publish.publish(
            folder,
            force=True,
            done=lambda done, total: bar.update(task, completed=done, total=total),
            preferences=preferences,
        )
    print(page)


def _people(
    folder: Path, ballots: Path, participants: Path | None, resolution: int | None
) -> people.People:
    """Rank by the votes, and compare the run's metrics with them."""
    loaded = run.load(folder)
    size = resolution or max(loaded.resolutions)
    _check_known("resolution", [size], loaded.resolutions)
    valid, flow = exclusions.apply(votes.read(ballots), exclusions.Rules(participants))
    ranked = ranking.rank(valid, ranking.Settings())
    quality = quality_report.assess(valid, ranked)
    study = rank_files.Study(ranked, flow, quality, {}, sys.argv[1:])
    try:
        return people.People(study, correlate.correlations(loaded, valid, size))
    except InputError as error:
        return people.People(study, str(error))


@app.command()
def figure(
    folder: RunFolder,
    image: Annotated[str, Option(help="Photograph, by its name without suffix.")],
    resolution: Annotated[
        int | None, Option(help="Pixels.", show_default="the run's highest")
    ] = None,
    methods: Annotated[
        str | None, Option(help="Comma-separated, in the order of the figure.", show_default="all")
    ] = None,
    crop: Annotated[
        str | None,
        Option(
            metavar="LEFT,TOP,SIDE",
            help="What to enlarge, in pixels.",
            show_default="where results differ most at the hole's edge",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Option(
            help="File to write, .png or .pdf.",
            show_default="RUN/figures/figure-IMAGE-RESOLUTION, both",
        ),
    ] = None,
) -> None:
    """Draw one photograph by several methods side by side, with an enlarged crop."""
    loaded = run.load(folder)
    size = resolution or max(loaded.resolutions)
    _check_known("image", [image], loaded.images)
    _check_known("resolution", [size], loaded.resolutions)
    wanted = [name.strip() for name in methods.split(",")] if methods else loaded.methods
    _check_known("methods", wanted, loaded.methods)
    if out and out.suffix not in {".png", ".pdf"}:
        raise InputError(f"--out {out}: the suffix must be .png or .pdf")
    shown = pictures.load(loaded, image, size, wanted)
    if shown is None or (methods and len(shown.results) < len(wanted)) or not shown.results:
        missing = [name for name in wanted if shown is None or name not in shown.results]
        raise InputError(
            f"{folder}: no result of {', '.join(missing)} for {image} at {size} px; run it first"
        )
    box = _box(crop, shown) if crop else pictures.edge_box(shown, figures.crop_side(shown))
    target = out or folder / publish.FIGURES / f"figure-{image}-{size}"
    with style.styled():
        drawn = figures.side_by_side(shown, box)
        if out:
            style.save(drawn, out.with_suffix(""), (out.suffix[1:],))
        else:
            style.save(drawn, target)
    print(f"{target}{'' if out else '.png and .pdf'}, crop {box.left},{box.top},{box.width}")


@app.command()
def rank(
    file: Annotated[Path, Argument(metavar="VOTES", help="Votes, .csv or .parquet.")],
    out: Annotated[Path, Option(help="Folder for what is written.")],
    participants: Annotated[
        Path | None, Option(help="participants.csv of a study; those it excludes are left out.")
    ] = None,
    max_failed_checks: Annotated[
        int | None,
        Option(
            min=0,
            help="People who failed more validation questions are left out.",
            show_default="0, without --participants",
        ),
    ] = None,
    min_votes: Annotated[int, Option(min=0, help="People with fewer are left out.")] = 0,
    min_median_ms: Annotated[
        float, Option(min=0, help="People whose median answer was faster are left out.")
    ] = 0.0,
    bootstrap: Annotated[
        ranking.Unit, Option(help="What is drawn again for the intervals.")
    ] = "participant",
    samples: Annotated[int, Option(min=100, help="Draws.")] = 1000,
    seed: Annotated[int, Option(min=0)] = 0,
    level: Annotated[float, Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    ties: Annotated[
        Literal["davidson", "half"], Option(help="Davidson's model, or half a win for both.")
    ] = "davidson",
    order: Annotated[
        bool, Option("--order", help="Estimate and test the effect of the side.")
    ] = False,
    prior: Annotated[
        float, Option(min=0, help="So many votes more for each two methods, half won each.")
    ] = 0.0,
    anchor: Annotated[
        str | None, Option(help="Method at 0.", show_default="mean of all at 0")
    ] = None,
    by: Annotated[
        per_image.Cell | None, Option(help="Rank on each image, or each group of images, too.")
    ] = None,
    column: Annotated[
        list[str] | None, Option(metavar="OURS=THEIRS", help="What a column is called; repeatable.")
    ] = None,
    answer: Annotated[
        list[str] | None,
        Option(metavar="WORD=left|right|tie", help="What an answer means; repeatable."),
    ] = None,
) -> None:
    """Rank methods by people's votes: Bradley-Terry with intervals and tests."""
    settings = ranking.Settings(bootstrap, samples, seed, level, ties, order, prior, anchor)
    reading = votes.Reading(_words(column, "--column"), _words(answer, "--answer"))
    rules = exclusions.Rules(participants, max_failed_checks, min_votes, min_median_ms)
    valid, flow = exclusions.apply(votes.read(file, reading), rules)
    ranked = ranking.rank(valid, settings)
    study = rank_files.Study(
        ranked,
        flow,
        quality_report.assess(valid, ranked),
        {cell: per_image.ranked(valid, cell, prior=prior) for cell in [by] if cell},
        sys.argv[1:],
    )
    written = rank_files.write(study, out)
    print(rank_files.to_markdown(study))
    print("\n".join(str(path) for path in written))


@app.command()
def validate(
    file: Annotated[Path, Argument(metavar="VOTES", help="Votes, .csv or .parquet.")],
    participants: Annotated[
        Path | None, Option(help="participants.csv of a study; those it excludes are left out.")
    ] = None,
    column: Annotated[
        list[str] | None, Option(metavar="OURS=THEIRS", help="What a column is called; repeatable.")
    ] = None,
    answer: Annotated[
        list[str] | None,
        Option(metavar="WORD=left|right|tie", help="What an answer means; repeatable."),
    ] = None,
) -> None:
    """Check a votes file: who is left out, how good the rest is, and whether it ranks."""
    reading = votes.Reading(_words(column, "--column"), _words(answer, "--answer"))
    valid, flow = exclusions.apply(votes.read(file, reading), exclusions.Rules(participants))
    for step in flow[1:]:
        print(f"left out: {step.participants:,} people with {step.votes:,} votes, {step.reason}")
    people = f" of {flow[-1].left_participants:,} people" if flow[-1].left_participants else ""
    print(f"valid: {flow[-1].left_votes:,} votes{people}")
    missing = [name for name in ("participant", "image", "response_ms") if not valid.has(name)]
    if missing:
        print(f"not in the file: {', '.join(missing)}; what needs them is left out")
    ranked = ranking.rank(valid, ranking.Settings(samples=200))
    found = quality_report.assess(valid, ranked)
    for text in found.sentences + ranked.notes:
        print(text)
    for text in found.warnings:
        print(f"warning: {text}")


@app.command("correlate")
def agree(
    folder: RunFolder,
    file: Annotated[Path, Argument(metavar="VOTES", help="Votes, .csv or .parquet.")],
    out: Annotated[Path, Option(help="Folder for what is written.")],
    resolution: Annotated[
        int | None, Option(help="Whose scores count, in pixels.", show_default="the run's highest")
    ] = None,
    participants: Annotated[
        Path | None, Option(help="participants.csv of a study; those it excludes are left out.")
    ] = None,
    samples: Annotated[int, Option(min=100, help="Draws of images for the intervals.")] = 1000,
    seed: Annotated[int, Option(min=0)] = 0,
) -> None:
    """How far each metric of a run agrees with people's votes."""
    loaded = run.load(folder)
    size = resolution or max(loaded.resolutions)
    _check_known("resolution", [size], loaded.resolutions)
    valid, flow = exclusions.apply(votes.read(file), exclusions.Rules(participants))
    found = correlate.correlations(loaded, valid, size, samples, seed)
    written = correlate_files.write(found, flow[-1], size, out)
    print(written[1].read_text(encoding="utf-8"))
    print("\n".join(str(path) for path in written))


# Moskalenko et al. 2020: 150 people, 25 pairs each.
PAPER_PEOPLE, PAPER_PAIRS = 150, 25


@app.command("power")
def plan(
    abilities: Annotated[
        str, Option(help="Expected abilities, natural logarithms, comma-separated.")
    ] = "0.9,0.6,0.3,0,-0.3",
    people: Annotated[str, Option(help="Numbers of people, comma-separated.")] = "50,100,150,300",
    pairs: Annotated[int, Option(min=1, help="Pairs that each person judges.")] = PAPER_PAIRS,
    spread: Annotated[
        float, Option(min=0, help="How much people differ: standard deviation of abilities.")
    ] = 0.5,
    failed: Annotated[
        float, Option(min=0, max=0.9, help="Share of people who will be left out.")
    ] = 0.0,
    simulations: Annotated[int, Option(min=20, help="Studies simulated for each.")] = 200,
    seed: Annotated[int, Option(min=0)] = 0,
) -> None:
    """How many people a study needs to tell methods of given abilities apart, by simulation."""
    design = power.Design(_numbers(abilities, "--abilities"), pairs, spread, failed)
    if len(design.abilities) < 2:
        raise InputError(f"--abilities {abilities}: at least two are needed")
    print(f"{len(design.abilities)} methods, {pairs} pairs each, spread {spread:g}, seed {seed}")
    print("people   votes  true order  neighbours told apart (best first)       interval")
    for number in _numbers(people, "--people"):
        if number < 2 or number != int(number):
            raise InputError(f"--people {number:g}: whole numbers of at least 2")
        found = power.power(design, int(number), simulations, seed)
        paper = " (the paper's)" if (found.people, pairs) == (PAPER_PEOPLE, PAPER_PAIRS) else ""
        shares = " ".join(f"{100 * share:4.0f} %" for share in found.separated)
        print(
            f"{found.people:6d} {found.votes:7d}  {100 * found.order:8.0f} %  {shares:38s}  "
            f"{found.interval:8.2f}{paper}"
            + (f"  {found.unranked} without a finite ranking" if found.unranked else "")
        )
    print(
        f"{simulations} simulated studies each; told apart: significantly different at 0.05 "
        "(Holm), in the true order; interval: mean width of a difference's 95 % interval"
    )


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise InputError(f"{option} {text!r}: numbers separated by commas are needed") from None


def _words(given: list[str] | None, option: str) -> dict[str, str]:
    """NAME=VALUE, where NAME may be empty."""
    found = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise InputError(f"{option} {text!r}: write it as NAME=VALUE")
        found[name] = value
    return found


def _box(crop: str, shown: Pictures) -> Box:
    height, width = shown.mask.shape
    try:
        left, top, side = (int(number) for number in crop.split(","))
    except ValueError:
        raise InputError(f"--crop {crop!r}: write it as LEFT,TOP,SIDE in pixels") from None
    if min(left, top) < 0 or side < 1 or left + side > width or top + side > height:
        raise InputError(f"--crop {crop}: reaches out of the image of {width}x{height} pixels")
    return Box(left, top, left + side, top + side)


def _check_known(what: str, given: list, known: list) -> None:
    for name in given:
        if name not in known:
            raise InputError(f"--{what} {name}: not in this run ({', '.join(map(str, known))})")


if __name__ == "__main__":
    run_command_line(app)
