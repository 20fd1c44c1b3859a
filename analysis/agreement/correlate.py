"""How far objective metrics agree with people."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import kendalltau, rankdata

from analysis.agreement import logistic
from analysis.bradley_terry import unbounded
from analysis.bradley_terry.bootstrap import CHUNK, WEAK_PRIOR
from analysis.bradley_terry.fit import Array, Counts, NoEstimateError, finite, fit_many
from analysis.bradley_terry.small_samples import FEWEST, tails
from analysis.bradley_terry.small_samples import warnings as few_warnings
from analysis.ranking import per_image
from analysis.ranking.ranking import coded
from analysis.runs.run import Metric, Run
from analysis.votes.simulated import Simulated, simulated
from analysis.votes.votes import LEFT, RIGHT, Votes, numbered
from methods.errors import InputError, closest

# Image-method pairs under which a correlation says nothing.
LEAST = 30
LEVEL = 0.95
TINY = 1e-12
# Names that the run does not have, listed one by one.
MOST_NAMED = 5


class Correlation(NamedTuple):
    """Of one metric with people, oriented so that 1 is full agreement. points: methods on images;
    pearson: after a logistic fit; predicted: share of decided votes that went to the result with
    the better score (half where scores are equal); *_low, *_high: 95 % intervals over images. NaN
    where votes do not tell, and pearson where no rising curve fits."""

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
    samples, seed: of the bootstrap; prior: of the overall abilities, 0 where votes determine them;
    simulated: how many of the participants were; notes: what is
    left out or empty, and why."""

    rows: list[Correlation]
    resolution: int
    samples: int
    seed: int
    prior: float
    simulated: Simulated
    notes: list[str]


class Hits(NamedTuple):
    """Of decided votes with both scores. right, votes: (images,), weights of those that the metric
    predicts, and of all; rows: how many."""

    right: Array
    votes: Array
    rows: int


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
    notes = _foreign(votes.asked, run)
    votes = votes.replaced(known)
    data, methods = coded(votes, "image")
    images = numbered(known["image"])[1]
    prior = 0.0
    try:
        people = per_image.abilities(data, len(images))
    except NoEstimateError as error:
        prior = 1.0
        people = per_image.abilities(data, len(images), prior=prior)
        notes.append(
            f"Warning: {unbounded.named(str(error), methods)}; overall abilities are fitted with a "
            f"prior of {prior:g} vote for each two methods"
        )
    draws = drawn(per_image.tables(data, len(images)), samples, seed, prior)
    scores = {(s.method, s.image): s.values for s in run.scores if s.resolution == resolution}
    found = []
    for key in run.info["metrics"]:
        metric = run.metric(key)
        if metric.better not in ("higher", "lower"):
            continue
        table = _table(metric, scores, images, methods)
        points = int(_compared(table).sum())
        if points < LEAST:
            raise InputError(
                f"{metric.label}: {points} methods on images have votes and scores at "
                f"{resolution} px, at least {LEAST} are needed; more images or methods"
            )
        hits = _hits(known, table, images, methods)
        found.append(_correlation(metric.label, table, people, hits, draws))
    rows = sorted(found, key=lambda c: -c.predicted)
    made_up = simulated(votes)
    return Comparison(rows, resolution, samples, seed, prior, made_up, notes + _limits(rows))


def _limits(rows: list[Correlation]) -> list[str]:
    """What is left empty, and why."""
    notes = list(dict.fromkeys(note for row in rows for note in few_warnings(row.images, "image")))
    if empty := [row.metric for row in rows if np.isnan(row.pearson)]:
        notes.append(
            f"No Pearson for {', '.join(empty)}: Spearman's interval is not above 0, so that no "
            "rising logistic curve fits more than chance"
        )
    return notes


def _foreign(votes: pl.DataFrame, run: Run) -> list[str]:
    """Votes that cannot be matched, by the name that the run does not have."""
    notes = []
    for kind, columns, names in (
        ("image", ["image"], run.images),
        ("method", [LEFT, RIGHT], run.methods),
    ):
        each = pl.concat([votes[column].cast(pl.String).alias(kind) for column in columns])
        counts = each.filter(~each.is_in(names)).value_counts(sort=True).sort("count", kind)
        foreign = counts.reverse().rows()
        for name, number in foreign[:MOST_NAMED]:
            meant = closest(name, names)
            notes.append(
                f"Warning: {number:,} votes on the {kind} {name!r} are left out: the run does not "
                f"have it{f' (is {meant!r} meant?)' if meant else ''}"
            )
        if more := foreign[MOST_NAMED:]:
            notes.append(
                f"Warning: {sum(number for _, number in more):,} votes on {len(more):,} more "
                f"{kind}s that the run does not have are left out"
            )
    return notes


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


def _compared(table: Array) -> NDArray[np.bool_]:
    """Where there are scores; an image with one scored method compares nothing."""
    there = np.isfinite(table)
    return np.asarray(there & (there.sum(axis=1, keepdims=True) >= 2))


def _centred(values: Array, there: NDArray[np.bool_]) -> Array:
    """(..., N): values (..., images, methods) less their mean over the methods that are there."""
    number = np.maximum(there.sum(axis=1, keepdims=True), 1)
    mean = np.where(there, values, 0).sum(axis=-1, keepdims=True) / number
    return np.asarray((values - mean)[..., there])


def _hits(
    votes: pl.DataFrame, table: Array, images: list[str], methods: list[str]
) -> Hits:  # fmt: skip
    """Half of a vote is right where both scores are equal."""
    decided = votes.filter(pl.col("choice").is_in([LEFT, RIGHT]))
    left, right = (_places(decided[side], methods) for side in (LEFT, RIGHT))
    image = _places(decided["image"], images)
    lead = table[image, left] - table[image, right]
    lead = np.where(decided["choice"].to_numpy() == LEFT, lead, -lead)
    both = np.isfinite(lead)
    weight = decided["weight"].to_numpy()[both]
    agreed = weight * (np.sign(lead[both]) + 1) / 2
    size = len(images)
    return Hits(
        np.bincount(image[both], agreed, size).astype(float),
        np.bincount(image[both], weight, size).astype(float),
        len(weight),
    )


def _places(column: pl.Series, names: list[str]) -> NDArray[np.intp]:
    """Of each value among sorted names."""
    codes, present = numbered(column)
    return np.searchsorted(np.array(names), present)[codes]


def _correlation(
    metric: str, table: Array, people: Array, hits: Hits, draws: ImageDraws
) -> Correlation:
    """table, people: (images, methods), scores and abilities."""
    there = _compared(table)
    scores = _centred(table, there)
    # Rounding is no difference.
    scores[np.abs(scores) < TINY * np.abs(table[there]).max(initial=0)] = 0
    image = np.nonzero(there)[0]
    images = len(np.unique(image))
    whole = np.ones((1, len(table)), int)
    middle = _measures(scores, _centred(people[None], there), whole, image, hits)[0]
    found = _measures(scores, _centred(draws.people, there), draws.times, image, hits)
    limits = np.full((2, 4), np.nan)
    if images >= FEWEST:
        # Images on which a metric is constant have no correlation; such draws are left aside.
        known = np.isfinite(found).any(axis=0)
        limits[:, known] = np.nanquantile(found[:, known], tails(images, LEVEL), axis=0)
    if not (limits[0, 0] > 0 or (images < FEWEST and middle[0] > 0)):
        # A rising curve through noise correlates above 0 in every draw.
        middle[2] = limits[0, 2] = limits[1, 2] = np.nan
    values = [float(x) for i in range(4) for x in (middle[i], limits[0, i], limits[1, i])]
    return Correlation._make([metric, len(scores), images, *values, hits.rows])


def _measures(
    scores: Array, people: Array, times: NDArray[np.int64], image: NDArray[np.intp], hits: Hits
) -> Array:
    """(draws, 4): Spearman, Kendall, Pearson after a logistic fit, share of votes predicted."""
    weights = times[:, image]
    ranked = np.full((len(times), 2), np.nan)
    for i, (own, often) in enumerate(zip(people, weights, strict=True)):
        x, y = np.repeat(scores, often), np.repeat(own, often)
        if len(x) and np.ptp(x) > 0 and np.ptp(y) > 0:
            ranks = np.corrcoef(rankdata(x), rankdata(y))[0, 1]
            ranked[i] = ranks, float(kendalltau(x, y).statistic)
    pearson = np.full(len(times), np.nan)
    some = weights.any(axis=1)
    pearson[some] = logistic.correlations(scores, people[some], weights[some].astype(float))
    votes = times @ hits.votes
    predicted = np.divide(
        times @ hits.right, votes, out=np.full(len(times), np.nan), where=votes > 0
    )
    return np.column_stack([ranked, pearson, predicted])


class ImageDraws(NamedTuple):
    """times: (draws, images), how often each image was drawn; people: (draws, images, methods),
    abilities on each, 0 where it was not drawn."""

    times: NDArray[np.int64]
    people: Array


def drawn(wins: Array, number: int, seed: int, prior: float) -> ImageDraws:
    """wins: of each image, (images, methods, methods). In each draw the overall abilities are
    fitted to the images drawn, and those on each image towards these: an overall order that chance
    made would otherwise stand fast in every draw, and look like agreement on every image."""
    images, k = wins.shape[:2]
    rng = np.random.default_rng(seed)
    times = rng.multinomial(images, np.full(images, 1 / images), size=number)
    total = (times @ wins.reshape(images, -1)).reshape(number, k, k)
    counts = Counts(total, 0 * total, 0 * total)
    weak = prior or WEAK_PRIOR * ~finite(counts)
    overall = fit_many(counts, prior=weak).abilities
    people = np.zeros((number, images, k))
    at_once = max(1, int(CHUNK / (8 * images * k**2)))
    for first in range(0, number, at_once):
        draw, image = np.nonzero(times[first : first + at_once])
        draw += first
        people[draw, image] = per_image.shrunk(wins[image], overall[draw])
    return ImageDraws(times, people)
