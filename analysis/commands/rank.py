"""`python -m analysis rank`, `validate` and `correlate`: what people's votes say."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from typer import Option

from analysis import style
from analysis.agreement import correlate
from analysis.agreement import files as correlate_files
from analysis.commands.options import (
    Answers,
    Columns,
    MaxFailedChecks,
    MinMedian,
    MinVotes,
    Order,
    Out,
    Participants,
    Prior,
    RunFolder,
    StyleFile,
    VotesFile,
    check_known,
    reading,
)
from analysis.ranking import files as rank_files
from analysis.ranking import per_image, quality_report, ranking
from analysis.runs import run
from analysis.votes import exclusions, simulated, votes


def rank(
    file: VotesFile,
    out: Out,
    participants: Participants = None,
    max_failed_checks: MaxFailedChecks = None,
    min_votes: MinVotes = 0,
    min_median_ms: MinMedian = 0.0,
    bootstrap: Annotated[
        ranking.Unit, Option(help="What is drawn again for the intervals.")
    ] = "participant",
    samples: Annotated[int, Option(min=100, help="Draws.")] = 1000,
    seed: Annotated[int, Option(min=0)] = 0,
    level: Annotated[float, Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    ties: Annotated[
        Literal["davidson", "half"], Option(help="Davidson's model, or half a win for both.")
    ] = "davidson",
    order: Order = False,
    prior: Prior = 0.0,
    anchor: Annotated[
        str | None, Option(help="Method at 0.", show_default="mean of all at 0")
    ] = None,
    by: Annotated[
        per_image.Cell | None, Option(help="Rank on each image, or each group of images, too.")
    ] = None,
    column: Columns = None,
    answer: Answers = None,
    style_file: StyleFile = None,
) -> None:
    """Rank methods by people's votes: Bradley-Terry with intervals and tests."""
    look = style.read(style_file)
    settings = ranking.Settings(bootstrap, samples, seed, level, ties, order, prior, anchor)
    told = reading(column, answer)
    rules = exclusions.Rules(participants, max_failed_checks, min_votes, min_median_ms)
    valid, flow = exclusions.apply(votes.read(file, told), rules)
    ranked = ranking.rank(valid, settings)
    study = rank_files.Study(
        ranked,
        flow,
        quality_report.assess(valid, ranked),
        {cell: per_image.ranked(valid, cell, prior=prior) for cell in [by] if cell},
        sys.argv[1:],
    )
    written = rank_files.write(study, out, look)
    print(rank_files.to_markdown(study))
    print("\n".join(str(path) for path in written))


def validate(
    file: VotesFile,
    participants: Participants = None,
    max_failed_checks: MaxFailedChecks = None,
    min_votes: MinVotes = 0,
    min_median_ms: MinMedian = 0.0,
    prior: Prior = 0.0,
    column: Columns = None,
    answer: Answers = None,
) -> None:
    """Check a votes file: who is left out, how good the rest is, and whether it ranks."""
    told = reading(column, answer)
    rules = exclusions.Rules(participants, max_failed_checks, min_votes, min_median_ms)
    valid, flow = exclusions.apply(votes.read(file, told), rules)
    for step in flow[1:]:
        print(f"left out: {exclusions.left_out(step)}")
    left = flow[-1].left_participants
    people = f" of {exclusions.counted(left)}" if left else ""
    print(f"valid: {flow[-1].left_votes:,} votes{people}")
    missing = [name for name in ("participant", "image", "response_ms") if not valid.has(name)]
    if missing:
        print(f"not in the file: {', '.join(missing)}; what needs them is left out")
    if made_up := simulated.simulated(valid).sentence:
        print(made_up)
    ranked = ranking.rank(valid, ranking.Settings(samples=200, prior=prior))
    found = quality_report.assess(valid, ranked)
    for text in found.sentences + ranked.notes:
        print(text)
    for text in found.warnings:
        print(f"warning: {text}")


def agree(
    folder: RunFolder,
    file: VotesFile,
    out: Out,
    resolution: Annotated[
        int | None, Option(help="Whose scores count, in pixels.", show_default="the run's highest")
    ] = None,
    participants: Participants = None,
    samples: Annotated[int, Option(min=100, help="Draws of images for the intervals.")] = 1000,
    seed: Annotated[int, Option(min=0)] = 0,
    column: Columns = None,
    answer: Answers = None,
    style_file: StyleFile = None,
) -> None:
    """How far each metric of a run agrees with people's votes."""
    look = style.read(style_file)
    loaded = run.load(folder)
    size = resolution or max(loaded.resolutions)
    check_known("resolution", [size], loaded.resolutions)
    valid, flow = exclusions.apply(
        votes.read(file, reading(column, answer)), exclusions.Rules(participants)
    )
    found = correlate.correlations(loaded, valid, size, samples, seed)
    written = correlate_files.write(found, flow, out, sys.argv[1:], look)
    print(written[1].read_text(encoding="utf-8"))
    print("\n".join(str(path) for path in written))
