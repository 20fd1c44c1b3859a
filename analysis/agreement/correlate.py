"""Agreement of a run's metrics with people's votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.agreement.measures import (
    PredictedVotes,
    comparable,
    intervals,
    resample_photographs,
)
from analysis.bradley_terry import Array, NoEstimateError, VoteArrays, small_samples, with_names
from analysis.ranking import per_image
from analysis.ranking.assembly import unused_answers
from analysis.runs import tables
from analysis.runs.metric_info import MetricInfo
from analysis.runs.run import Run
from analysis.votes.answers import LEFT, RIGHT
from analysis.votes.files import alike, numbered
from analysis.votes.names import spelt_as
from analysis.votes.simulated import SimulatedShare, count_simulated
from analysis.votes.votes import Votes, need_pairs, vote_arrays
from methods.base import Resolution
from methods.errors import InputError, closest
from methods.resolutions import size_text

# Fewest results (a method on an image) for a correlation.
_MIN_RESULTS = 30
# How many unknown images and methods to name one by one.
_MOST_NAMED = 5


class Correlation(NamedTuple):
    """A metric's agreement with people, a row of correlate.csv; 1 is full agreement.

    `points` are results (a method on an image) with votes and scores, `pearson` is after a logistic
    fit, `predicted` is the share of decided votes for the result with the better score. `*_low` and
    `*_high` are limits of 95 % intervals over images. NaN where votes do not determine a value.
    """

    metric: str
    points: int
    images: int
    spearman: float
    spearman_low: float
    spearman_high: float
    kendall: float
    kendall_low: float
    kendall_high: float
    pearson: float
    pearson_low: float
    pearson_high: float
    predicted: float
    predicted_low: float
    predicted_high: float
    votes: int


class Comparison(NamedTuple):
    """The agreement of all metrics of a run with people."""

    rows: list[Correlation]  # the metrics, best first
    resolution: Resolution  # of the results
    samples: int  # resamples of the bootstrap
    seed: int
    prior: float  # of the overall abilities, 0 unless votes do not determine them
    simulated: SimulatedShare
    unit: str  # what is resampled: "image", or "photograph" if several masks share one
    notes: list[str]  # what is left out or empty, and why


def correlations(
    run: Run, votes: Votes, resolution: Resolution, samples: int = 1000, seed: int = 0
) -> Comparison:
    """Compare every metric of a run that has a direction with people's votes.

    Raises InputError if votes and scores cannot be matched, there are fewer than 30 results with
    both, or no metric could be computed.

    Parameters
    ----------
    resolution
        Resolution of the results that people saw.
    samples, seed
        Resamples of photographs for the intervals, and the seed of the random numbers.
    """
    metrics = [metric for metric in run.metrics if metric.better in ("higher", "lower")]
    if not metrics:
        reason = (
            f"{', '.join(run.not_computed)} need a reference, and the dataset has none (reference "
            "= false); run the benchmark again with a protocol that has blur_effect"
            if run.not_computed
            else f"{'; '.join(run.missing)}, then run the benchmark again"
        )
        raise InputError(
            f"{run.path}: no metric to compare with votes: {reason}, or rank without metrics: "
            "python -m analysis rank"
        )
    need_pairs(votes)
    if not votes.has("image"):
        raise InputError(f"{votes.source}: no column 'image', so that scores cannot be matched")
    # Votes have names in Unicode form NFC; a run may have another one, of names of files.
    of_run = {"image": run.images, LEFT: run.methods, RIGHT: run.methods}
    answers = votes.without_checks
    answers = answers.assign(**{key: spelt_as(answers[key], of_run[key]) for key in of_run})
    known = answers[np.all([answers[key].isin(names) for key, names in of_run.items()], axis=0)]
    notes = [*_unmatched(answers, run), *unused_answers(votes)]
    if known.empty:
        first = f"; {notes[0].removeprefix('Warning: ')}" if notes else ""
        raise InputError(
            f"{votes.source}: no vote on images and methods of {run.path} "
            f"({', '.join(run.methods)}; {', '.join(run.images[:_MOST_NAMED])}"
            f"{', ...' if len(run.images) > _MOST_NAMED else ''}){first}"
        )
    votes = replace(votes, frame=known)
    data, methods = vote_arrays(votes, "image")
    images = numbered(known["image"])[1]
    prior = 0.0
    try:
        people = per_image.abilities(data)
    except NoEstimateError as error:
        prior = 1.0
        people = per_image.abilities(data, prior=prior)
        notes.append(
            f"Warning: {with_names(str(error), methods)}; overall abilities are fitted with a "
            f"prior of {prior:g} vote for each pair of methods"
        )
    numbers: dict[int, int] = {}
    photographs = np.array(
        [numbers.setdefault(run.photographs[image], len(numbers)) for image in images]
    )
    wins = per_image.wins_by_cluster(data)
    resamples = resample_photographs(wins, photographs, samples, seed, prior)
    scores = {(c.method, c.image): c.values for c in run.cases if c.resolution == resolution}
    rows, clusters = [], []
    for metric in metrics:
        left_out = run.not_finite(metric.key)
        if left_out:
            notes.append(tables.left_out(run, metric, "correlations and votes predicted"))
        table = _score_table(metric, scores, images, methods)
        table[[image in left_out for image in images]] = np.nan
        compared = comparable(table)
        points = int(compared.sum())
        if points < _MIN_RESULTS:
            raise InputError(
                f"{metric.label}: {points} methods on images have votes and scores at "
                f"{size_text(resolution)}, at least {_MIN_RESULTS} are needed; more images or "
                f"methods{f' ({notes[-1]})' if left_out else ''}"
            )
        predicted = _predicted(data, table)
        measures = intervals(table, people, predicted, resamples).ravel().tolist()
        n_images = int(compared.any(axis=1).sum())
        clusters.append(len(set(photographs[compared.any(axis=1)])))
        rows.append(Correlation._make([metric.label, points, n_images, *measures, predicted.rows]))
    rows.sort(key=lambda row: -row.predicted)
    unit = "image" if len(numbers) == len(images) else "photograph"
    warnings = [note for number in clusters for note in small_samples.warnings(number, unit)]
    notes += [*dict.fromkeys(warnings), *_limits(rows)]
    simulated = count_simulated(votes)
    return Comparison(rows, resolution, samples, seed, prior, simulated, unit, notes)


def _limits(rows: Sequence[Correlation]) -> list[str]:
    """Return notes on what is left empty, and why."""
    notes = []
    if empty := [row.metric for row in rows if np.isnan(row.pearson)]:
        notes.append(
            f"No Pearson for {', '.join(empty)}: Spearman's interval is not above 0, so that no "
            "rising logistic curve fits more than chance"
        )
    return notes


def _unmatched(votes: pd.DataFrame, run: Run) -> list[str]:
    """Return notes on votes on images and methods that the run does not have."""
    notes = []
    for kind, columns, names in (
        ("image", ["image"], run.images),
        ("method", [LEFT, RIGHT], run.methods),
    ):
        voted = pd.concat(alike(*(votes[column] for column in columns)))
        counts = voted[~voted.isin(names)].value_counts()
        unknown = sorted(
            ((number, name) for name, number in counts.items() if number), reverse=True
        )
        for number, name in unknown[:_MOST_NAMED]:
            meant = closest(name, names)
            notes.append(
                f"Warning: {number:,} votes on the {kind} {name!r} are left out: the run does not "
                f"have it{f' (is {meant!r} meant?)' if meant else ''}"
            )
        if more := unknown[_MOST_NAMED:]:
            notes.append(
                f"Warning: {sum(number for number, _ in more):,} votes on {len(more):,} more "
                f"{kind}s that the run does not have are left out"
            )
    return notes


def _score_table(
    metric: MetricInfo,
    scores: dict[tuple[str, str], dict[str, float]],
    images: Sequence[str],
    methods: Sequence[str],
) -> Array:
    """Return (images, methods), higher is better, NaN without a score."""
    sign = 1 if metric.better == "higher" else -1
    return np.array(
        [
            [sign * scores.get((method, image), {}).get(metric.key, np.nan) for method in methods]
            for image in images
        ]
    )


def _predicted(votes: VoteArrays, table: Array) -> PredictedVotes:
    """Count the votes that scores (images, methods) predict; half a vote if both are equal."""
    image = votes.owner
    lead = table[image, votes.left] - table[image, votes.right]
    # How much better the score of the preferred result is; NaN for a tie.
    lead *= np.array([1, -1, np.nan])[votes.choice]
    scored = np.isfinite(lead)
    image, weight = image[scored], votes.weight[scored]
    agreed = weight * (np.sign(lead[scored]) + 1) / 2
    predicted, total = (np.bincount(image, w, len(table)).astype(float) for w in (agreed, weight))
    return PredictedVotes(predicted, total, len(weight))
