"""How far objective metrics agree with people."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import expit
from scipy.stats import ConstantInputWarning, kendalltau, pearsonr, spearmanr

from analysis import per_image
from analysis.bradley_terry import Array, NoEstimateError
from analysis.errors import InputError
from analysis.ranking import coded
from analysis.run import Metric, Run
from analysis.votes import LEFT, RIGHT, Simulated, Votes, numbered, simulated

# Image-method pairs under which a correlation says nothing.
LEAST = 30
LEVEL = 0.95
TINY = 1e-9


class Correlation(NamedTuple):
    """Of one metric with people, oriented so that 1 is full agreement. points: methods on images;
    pearson: after a logistic fit; predicted: share of decided votes that went to the result with
    the better score (half where scores are equal); *_low, *_high: 95 % intervals over images."""

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
    """Of a run's metrics with people. rows: best first; resolution: of the results, in pixels;
    samples, seed: of the bootstrap; simulated: how many of the participants were."""

    rows: list[Correlation]
    resolution: int
    samples: int
    seed: int
    simulated: Simulated


class Points(NamedTuple):
    """people, metric: (N,), abilities and scores (higher is better), each less its mean over the
    methods of that image; image: (N,), numbers."""

    people: Array
    metric: Array
    image: NDArray[np.int64]


def correlations(
    run: Run, votes: Votes, resolution: int, samples: int = 1000, seed: int = 0
) -> Comparison:
    """Of every metric with a direction in the run. Raises InputError."""
    if not votes.has("image"):
        raise InputError(f"{votes.source}: no column 'image', so that scores cannot be matched")
    known = votes.asked.filter(
        pl.col("image").is_in(run.images)
        & pl.col("left").is_in(run.methods)
        & pl.col("right").is_in(run.methods)
    )
    if known.is_empty():
        raise InputError(
            f"{votes.source}: no vote on images and methods of {run.path} "
            f"({', '.join(run.methods)}; {len(run.images)} images)"
        )
    votes = votes.replaced(known)
    data, methods = coded(votes, "image")
    images = numbered(known["image"])[1]
    try:
        people = per_image.abilities(data, len(images))
    except NoEstimateError:
        people = per_image.abilities(data, len(images), prior=1.0)
    scores = {(s.method, s.image): s.values for s in run.scores if s.resolution == resolution}
    found = []
    for key in run.info["metrics"]:
        metric = run.metric(key)
        if metric.better not in ("higher", "lower"):
            continue
        table = _table(metric, scores, images, methods)
        points = _points(people, table)
        if len(points.people) < LEAST:
            raise InputError(
                f"{metric.label}: {len(points.people)} methods on images have votes and scores at "
                f"{resolution} px, at least {LEAST} are needed; more images or methods"
            )
        found.append(
            _correlation(metric, points, _hits(known, table, images, methods), samples, seed)
        )
    rows = sorted(found, key=lambda c: -c.predicted)
    return Comparison(rows, resolution, samples, seed, simulated(votes))


def _table(
    metric: Metric, scores: dict[tuple[str, str], dict[str, float]],
    images: list[str], methods: list[str],
) -> Array:  # fmt: skip
    """(images, methods), higher is better, NaN where there is no finite score."""
    sign = 1 if metric.better == "higher" else -1
    table = np.array(
        [
            [sign * scores.get((method, image), {}).get(metric.key, np.nan) for method in methods]
            for image in images
        ]
    )
    return np.where(np.isfinite(table), table, np.nan)


def _points(people: Array, table: Array) -> Points:
    there = np.isfinite(table)
    # An image with one scored method compares nothing.
    there &= there.sum(axis=1, keepdims=True) >= 2
    weight = np.maximum(there.sum(axis=1, keepdims=True), 1)
    centred = [
        values - np.where(there, values, 0).sum(axis=1, keepdims=True) / weight
        for values in (people, np.where(there, table, 0))
    ]
    rows = np.nonzero(there)[0]
    return Points(centred[0][there], centred[1][there], rows)


def _hits(
    votes: pl.DataFrame, table: Array, images: list[str], methods: list[str]
) -> tuple[Array, NDArray[np.int64]]:  # fmt: skip
    """For each decided vote with both scores: 1 where the metric agrees, 1/2 where it is equal, 0;
    and its image."""
    decided = votes.filter(pl.col("choice").is_in([LEFT, RIGHT]))
    left, right = (_places(decided[side], methods) for side in (LEFT, RIGHT))
    image = _places(decided["image"], images)
    lead = table[image, left] - table[image, right]
    lead = np.where(decided["choice"].to_numpy() == LEFT, lead, -lead)
    both = np.isfinite(lead)
    return (np.sign(lead[both]) + 1) / 2, image[both]


def _places(column: pl.Series, names: list[str]) -> NDArray[np.intp]:
    """Of each value among sorted names."""
    codes, present = numbered(column)
    return np.searchsorted(np.array(names), present)[codes]


def _correlation(
    metric: Metric, points: Points, hits: tuple[Array, NDArray[np.int64]], samples: int, seed: int
) -> Correlation:  # fmt: skip
    mapped = _logistic(points)
    measures: list[tuple[Array, Array, Callable[[Array, Array], float]]] = [
        (points.metric, points.people, lambda a, b: float(spearmanr(a, b).statistic)),
        (points.metric, points.people, lambda a, b: float(kendalltau(a, b).statistic)),
        (mapped, points.people, lambda a, b: float(pearsonr(a, b).statistic)),
    ]
    rng = np.random.default_rng(seed)
    images = np.unique(points.image)
    by_image = {image: np.flatnonzero(points.image == image) for image in images}
    votes_of = {image: np.flatnonzero(hits[1] == image) for image in images}

    def values(places: NDArray[np.intp], ballots: NDArray[np.intp]) -> list[float]:
        share = float(hits[0][ballots].mean()) if len(ballots) else np.nan
        return [*(measure(a[places], b[places]) for a, b, measure in measures), share]

    drawn = []
    # Images on which a metric is constant have no correlation; such draws are left aside.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        for _ in range(samples):
            chosen = rng.choice(images, len(images))
            drawn.append(
                values(
                    np.concatenate([by_image[image] for image in chosen]),
                    np.concatenate([votes_of[image] for image in chosen]),
                )
            )
    whole = values(np.arange(len(points.people)), np.arange(len(hits[0])))
    limits = np.nanquantile(np.array(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    found = [float(x) for i in range(4) for x in (whole[i], limits[0][i], limits[1][i])]
    return Correlation._make([metric.label, len(points.people), len(images), *found, len(hits[0])])


def _logistic(points: Points) -> Array:
    """The metric mapped by the logistic curve that fits people best, as is usual for quality
    metrics (VQEG, FR-TV Phase II, 2003); the metric itself where no curve fits."""
    scale = float(points.metric.std()) or 1.0
    x = points.metric / scale

    def curve(x: Array, low: float, height: float, steep: float, middle: float) -> Array:
        return low + height * expit(steep * (x - middle))

    start = (float(points.people.min()), float(np.ptp(points.people)), 1.0, 0.0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            # Rising only: a metric that people contradict must not look as if it agreed.
            bounds = ([-np.inf, 0, 0, -np.inf], np.inf)
            found, _ = curve_fit(curve, x, points.people, p0=start, bounds=bounds, maxfev=5000)
    except RuntimeError:
        return x
    mapped = curve(x, *found)
    return mapped if mapped.std() > TINY else x
