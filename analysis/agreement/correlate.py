"""Agreement of a run's metrics with people's votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.agreement.measures import PredictedVotes, comparable, intervals, resample_images
from analysis.bradley_terry import Array, NoEstimateError, small_samples, with_names
from analysis.ranking import per_image
from analysis.runs.run import MetricInfo, Run
from analysis.votes.files import numbered
from analysis.votes.simulated import SimulatedShare, count_simulated
from analysis.votes.votes import LEFT, RIGHT, Votes, vote_arrays
from methods.errors import InputError, closest

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
    """The agreement of all metrics of a run with people.

    Attributes
    ----------
    rows
        The metrics, best first.
    resolution
        Of the results, in pixels.
    samples, seed
        Resamples of the bootstrap, and the seed of its random numbers.
    prior
        Prior of the overall abilities, 0 unless votes do not determine them.
    simulated
        How many participants were simulated.
    notes
        What is left out or empty, and why.
    """

    rows: list[Correlation]
    resolution: int
    samples: int
    seed: int
    prior: float
    simulated: SimulatedShare
    notes: list[str]


def correlations(
    run: Run, votes: Votes, resolution: int, samples: int = 1000, seed: int = 0
) -> Comparison:
    """Compare every metric of a run that has a direction with people's votes.

    Parameters
    ----------
    run, votes
        A run, and votes on its results.
    resolution
        Resolution of the results that people saw, in pixels.
    samples, seed
        Resamples of images for the intervals, and the seed of the random numbers.

    Raises
    ------
    InputError
        If votes and scores cannot be matched, or there are fewer than 30 results with both.
    """
    if not votes.has("image"):
        raise InputError(f"{votes.source}: no column 'image', so that scores cannot be matched")
    known = votes.without_checks.filter(
        pl.col("image").is_in(run.images)
        & pl.col("left").is_in(run.methods)
        & pl.col("right").is_in(run.methods)
    )
    if known.is_empty():
        raise InputError(
            f"{votes.source}: no vote on images and methods of {run.path} "
            f"({', '.join(run.methods)}; {len(run.images)} images)"
        )
    notes = _unmatched(votes.without_checks, run)
    votes = votes.replaced(known)
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
    resamples = resample_images(per_image.wins_by_cluster(data), samples, seed, prior)
    scores = {(c.method, c.image): c.values for c in run.cases if c.resolution == resolution}
    rows = []
    for metric in run.metrics:
        if metric.better not in ("higher", "lower"):
            continue
        table = _score_table(metric, scores, images, methods)
        compared = comparable(table)
        points = int(compared.sum())
        if points < _MIN_RESULTS:
            raise InputError(
                f"{metric.label}: {points} methods on images have votes and scores at "
                f"{resolution} px, at least {_MIN_RESULTS} are needed; more images or methods"
            )
        predicted = _predicted(known, table, images, methods)
        measures = intervals(table, people, predicted, resamples).ravel().tolist()
        n_images = int(compared.any(axis=1).sum())
        rows.append(Correlation._make([metric.label, points, n_images, *measures, predicted.rows]))
    rows.sort(key=lambda row: -row.predicted)
    return Comparison(
        rows, resolution, samples, seed, prior, count_simulated(votes), notes + _limits(rows)
    )


def _limits(rows: Sequence[Correlation]) -> list[str]:
    """Return notes on what is left empty, and why."""
    warnings = [note for row in rows for note in small_samples.warnings(row.images, "image")]
    notes = list(dict.fromkeys(warnings))
    if empty := [row.metric for row in rows if np.isnan(row.pearson)]:
        notes.append(
            f"No Pearson for {', '.join(empty)}: Spearman's interval is not above 0, so that no "
            "rising logistic curve fits more than chance"
        )
    return notes


def _unmatched(votes: pl.DataFrame, run: Run) -> list[str]:
    """Return notes on votes on images and methods that the run does not have."""
    notes = []
    for kind, columns, names in (
        ("image", ["image"], run.images),
        ("method", [LEFT, RIGHT], run.methods),
    ):
        voted = pl.concat([votes[column].cast(pl.String).alias(kind) for column in columns])
        counts = voted.filter(~voted.is_in(names)).value_counts(sort=True).sort("count", kind)
        unknown = counts.reverse().rows()
        for name, number in unknown[:_MOST_NAMED]:
            meant = closest(name, names)
            notes.append(
                f"Warning: {number:,} votes on the {kind} {name!r} are left out: the run does not "
                f"have it{f' (is {meant!r} meant?)' if meant else ''}"
            )
        if more := unknown[_MOST_NAMED:]:
            notes.append(
                f"Warning: {sum(number for _, number in more):,} votes on {len(more):,} more "
                f"{kind}s that the run does not have are left out"
            )
    return notes


def _score_table(
    metric: MetricInfo,
    scores: dict[tuple[str, str], dict[str, float]],
    images: Sequence[str],
    methods: Sequence[str],
) -> Array:
    """Return (images, methods), higher is better, NaN without a finite score."""
    sign = 1 if metric.better == "higher" else -1
    table = np.array(
        [
            [sign * scores.get((method, image), {}).get(metric.key, np.nan) for method in methods]
            for image in images
        ]
    )
    return np.where(np.isfinite(table), table, np.nan)


def _predicted(
    votes: pl.DataFrame, table: Array, images: Sequence[str], methods: Sequence[str]
) -> PredictedVotes:
    """Count the votes that scores predict; half a vote if both scores are equal."""
    decided = votes.filter(pl.col("choice").is_in([LEFT, RIGHT]))
    left, right = (_positions(decided[side], methods) for side in (LEFT, RIGHT))
    image = _positions(decided["image"], images)
    lead = table[image, left] - table[image, right]
    lead = np.where(decided["choice"].to_numpy() == LEFT, lead, -lead)
    scored = np.isfinite(lead)
    weight = decided["weight"].to_numpy()[scored]
    agreed = weight * (np.sign(lead[scored]) + 1) / 2
    size = len(images)
    return PredictedVotes(
        np.bincount(image[scored], agreed, size).astype(float),
        np.bincount(image[scored], weight, size).astype(float),
        len(weight),
    )


def _positions(column: pl.Series, names: Sequence[str]) -> NDArray[np.intp]:
    """Return the position of each value among sorted names."""
    codes, present = numbered(column)
    return np.searchsorted(np.array(names), present)[codes]
