"""Set metrics of a run: one value for each method and resolution, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from analysis.runs.run import Run
from analysis.sets import distances
from analysis.sets.distances import Features, Groups, Weights
from analysis.sets.features import Network, patches
from methods.base import Resolution
from methods.errors import InputError
from methods.labels import REFERENCE
from methods.resolutions import size_text

CONFIDENCE = 0.95
# A bootstrap of fewer photographs has too short intervals.
FEWEST_PHOTOGRAPHS = 20
# Fewer samples than features make covariances singular, and linearly separable sets.
SAMPLES_PER_FEATURE = 2


@dataclass(frozen=True)
class SetMetric:
    """One of the set metrics; key and label follow those of the network."""

    key: str
    label: str
    better: str
    definition: str
    # Why it needs more samples than there are features; "" where it does not.
    needs_many: str = ""


_SINGULAR = (
    "with fewer, the covariances are singular or nearly so, and the value is that of the number of "
    "images rather than of the method (publications use 10,000 and more)"
)
_SEPARABLE = (
    "with fewer, a plane separates any two sets, and no result is ever taken for a photograph"
)
METRICS = {
    metric.key: metric
    for metric in (
        SetMetric("fd", "Fréchet distance", "lower", "Heusel et al. 2017", _SINGULAR),
        SetMetric(
            "kd",
            "kernel distance",
            "lower",
            "Bińkowski et al. 2018, kernel (x'y/d + 1)³, all pairs of one reference and one "
            "result, also of the same photograph",
        ),
        SetMetric(
            "kd_u",
            "kernel distance (U)",
            "lower",
            "the same without pairs of the same photograph, so that it is unbiased for results "
            "that share known pixels with their references; may be below 0",
        ),
        SetMetric(
            "p_ids",
            "P-IDS",
            "higher",
            "Zhao et al. 2021, share of results that a linear SVM finds more real than their own "
            "reference, 0.5 where it cannot tell them apart",
            _SEPARABLE,
        ),
        SetMetric(
            "u_ids",
            "U-IDS",
            "higher",
            "Zhao et al. 2021, share of results and references that the SVM takes for the other, "
            "0.5 where it cannot tell them apart",
            _SEPARABLE,
        ),
    )
}
# With the features of Inception they have these names in the literature, and only then.
INCEPTION_NAMES = {"fd": ("fid", "FID"), "kd": ("kid", "KID"), "kd_u": ("kid_u", "KID (U)")}


class Estimate(NamedTuple):
    """A value with its bootstrap interval."""

    value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class SetCell:
    """The set metrics of one method at one resolution."""

    method: str
    resolution: Resolution
    images: int
    expected: int  # images of the run
    photographs: int
    samples: int  # images, or patches of these
    # Key of a metric -> its value; those that were refused are not there.
    values: dict[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class SetMetrics:
    """The set metrics of a run."""

    run: Run
    network: Network
    of_patches: bool
    resamples: int
    cells: list[SetCell]

    def name(self, metric: SetMetric) -> tuple[str, str]:
        """Return a metric's key and label with these features."""
        own = self.network.key + metric.key, self.network.label + metric.label
        return own if self.network.key else INCEPTION_NAMES.get(metric.key, own)


def fewest_samples(metric: SetMetric, network: Network) -> int:
    """Return below how many images (or patches) a metric is refused."""
    many = SAMPLES_PER_FEATURE * network.features if metric.needs_many else 0
    return max(many, FEWEST_PHOTOGRAPHS)


def set_metrics(
    run: Run,
    network: Network,
    *,
    of_patches: bool = False,
    resamples: int = 200,
    seed: int = 0,
    progress: Callable[[list[Any]], Iterable[Any]] = iter,
) -> SetMetrics:
    """Compute the set metrics of every method at every resolution.

    Raises InputError if the run has no reference, or too few images for every metric.

    Parameters
    ----------
    of_patches
        Compare squares at full resolution that cover the holes, not whole images.
    resamples
        Of photographs, for the intervals.
    progress
        Iterates over the cells; may show how far it is.
    """
    if not run.has_reference:
        raise InputError(
            f"{run.path}: set metrics compare results with references, and the dataset has none "
            "(reference = false)"
        )
    features = _FeatureStore(run, network, of_patches)
    cells = []
    for resolution, method in progress(list(product(run.resolutions, run.methods))):
        cell, samples = _gathered(run, method, resolution, features)
        if samples and any(_is_enough(metric, network, cell) for metric in METRICS.values()):
            estimates = _estimates(*samples, cell, network, resamples, seed)
            cell.values.update(estimates)
        cells.append(cell)
    found = SetMetrics(run, network, of_patches, resamples, cells)
    if not any(cell.values for cell in cells):
        most = max((cell.photographs for cell in cells), default=0)
        raise InputError(
            f"{run.path}: set metrics need {FEWEST_PHOTOGRAPHS} photographs with results, there "
            f"are {most}; of so few, sets cannot be compared: use the metrics of single images"
        )
    return found


def _is_enough(metric: SetMetric, network: Network, cell: SetCell) -> bool:
    enough = cell.photographs >= FEWEST_PHOTOGRAPHS
    return enough and cell.samples >= fewest_samples(metric, network)


class _FeatureStore:
    """Features of results and references; those of references are computed once."""

    def __init__(self, run: Run, network: Network, of_patches: bool) -> None:
        self._run = run
        self._network = network
        self._of_patches = of_patches
        self._compute: Callable[[Any], Any] | None = None
        self._references: dict[tuple[Resolution, str], Features] = {}

    def reference(self, resolution: Resolution, image: str) -> Features:
        key = resolution, image
        if key not in self._references:
            self._references[key] = self.result(REFERENCE, resolution, image)
        return self._references[key]

    def result(self, method: str, resolution: Resolution, image: str) -> Features:
        """Return the features of an image or its patches, float64 (samples, features)."""
        pixels = self._run.read_image(method, resolution, image)
        where = f"{self._run.path}: {image} of {method}, {size_text(resolution)}"
        if pixels is None:
            raise InputError(f"{where}: the file is missing; give the benchmark's command again")
        parts = [pixels]
        if self._of_patches:
            mask = self._run.read_mask(resolution, image)
            if mask is None:
                raise InputError(
                    f"{where}: its mask is missing; give the benchmark's command again"
                )
            try:
                parts = patches(pixels, mask, self._network.side)
            except ValueError as error:
                raise InputError(f"{where}: {error}; leave --patches out") from None
        if self._compute is None:
            self._compute = self._network.load()
        return np.array([self._compute(part) for part in parts], np.float64)


def _gathered(
    run: Run, method: str, resolution: Resolution, features: _FeatureStore
) -> tuple[SetCell, tuple[Features, Features, Groups] | None]:
    """Return a cell without values, and its samples unless these are too few for any metric."""
    images = [c.image for c in run.cases_of(method, resolution) if c.status == "ok"]
    numbers = [run.photographs[image] for image in images]
    photographs, groups = np.unique(numbers, return_inverse=True)
    counts = len(images), len(run.images), len(photographs)
    if len(photographs) < FEWEST_PHOTOGRAPHS:
        return SetCell(method, resolution, *counts, len(images)), None
    x = [features.reference(resolution, image) for image in images]
    y = [features.result(method, resolution, image) for image in images]
    owners = np.repeat(groups, [len(part) for part in x])
    cell = SetCell(method, resolution, *counts, len(owners))
    return cell, (np.concatenate(x), np.concatenate(y), owners)


def _estimates(
    x: Features,
    y: Features,
    groups: Groups,
    cell: SetCell,
    network: Network,
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    rng = np.random.default_rng(seed)
    count = int(groups.max()) + 1
    draws = rng.multinomial(count, np.full(count, 1 / count), resamples).astype(np.intp)
    once = np.ones(count, np.intp)
    return {
        key: _interval(_statistic(key, x, y, groups), once, draws)
        for key, metric in METRICS.items()
        if _is_enough(metric, network, cell)
    }


def _interval(statistic: Callable[[Weights], float], all_once: Weights, draws: Weights) -> Estimate:
    """Return a percentile interval, moved by the resamples' bias.

    A resample has fewer different photographs, which by itself makes a Fréchet distance larger.
    """
    value = statistic(all_once)
    drawn = np.array([statistic(weights) for weights in draws])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]) - drawn.mean() + value
    return Estimate(value, float(low), float(high))


def _statistic(key: str, x: Features, y: Features, groups: Groups) -> Callable[[Weights], float]:
    """Return the function from photographs' weights to a metric's value."""

    def frechet(weights: Weights) -> float:
        rows = np.repeat(np.arange(len(x)), weights[groups])
        return distances.frechet_distance(x[rows], y[rows])

    if key == "fd":
        return frechet
    if key in {"kd", "kd_u"}:
        sums = distances.kernel_sums(x, y, groups)
        return lambda w: distances.kernel_distance(sums, w, same_photograph=key == "kd")
    # The machine is kept: only the photographs that it is tried on are drawn.
    found = distances.discriminated(x, y)
    shares = found.fooled if key == "p_ids" else found.wrong
    return lambda w: float(np.average(shares, weights=w[groups]))
