"""Set metrics of a run, on EfficientNet features, against torch-fidelity and scikit-learn.

    pip install torch-fidelity scikit-learn
    python -m tests.bench.set_metrics_bench RUN

Both are imported only here; the project does not depend on them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.svm import LinearSVC
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kernel_poly, mmd2

from analysis.runs import run
from analysis.sets.distances import (
    Features,
    discriminated,
    frechet_distance,
    kernel_distance,
    kernel_sums,
)
from analysis.sets.features import EFFICIENTNET

KERNEL = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}


def theirs(x: Features, y: Features) -> dict[str, float]:
    moments = [fid_features_to_statistics(torch.from_numpy(z)) for z in (x, y)]
    (frechet,) = fid_statistics_to_metric(*moments, verbose=False).values()
    kernels = [kernel_poly(a, b, **KERNEL) for a, b in ((x, x), (x, y), (y, y))]
    samples, side = np.concatenate([x, y]), np.repeat([1, 0], len(x))
    machine = LinearSVC(dual=False, tol=1e-8, max_iter=100_000).fit(samples, side)
    fooled = machine.decision_function(y) > machine.decision_function(x)
    return {
        "fd": frechet,
        "kd": mmd2(*kernels, mmd_est="unbiased"),
        "kd_u": mmd2(*kernels, mmd_est="u-statistic"),
        "p_ids": fooled.mean(),
        "u_ids": 1 - machine.score(samples, side),
    }


def ours(x: Features, y: Features) -> dict[str, float]:
    sums, machine = kernel_sums(x, y, np.arange(len(x))), discriminated(x, y)
    return {
        "fd": frechet_distance(x, y),
        "kd": kernel_distance(sums, same_photograph=True),
        "kd_u": kernel_distance(sums, same_photograph=False),
        "p_ids": machine.fooled.mean(),
        "u_ids": machine.wrong.mean(),
    }


def main(folder: Path) -> None:
    loaded = run.load(folder)
    compute = EFFICIENTNET.load()
    size = run.highest(loaded.resolutions)
    sets = {}
    for method in ("reference", *loaded.methods):
        pixels = (loaded.read_image(method, size, image) for image in loaded.images)
        sets[method] = np.array([compute(p) for p in pixels if p is not None], np.float64)
    pairs = {method: (sets["reference"], sets[method]) for method in loaded.methods}
    # What a machine cannot separate, so that P-IDS and U-IDS are not 0.
    half = sets["reference"][:, :20]
    noise = np.random.default_rng(0).normal(size=half.shape)
    pairs["noise on 20 features"] = half, half + noise
    print("| sets | images | metric | ours | theirs | difference |\n|---|---:|---|---:|---:|---:|")
    for name, (x, y) in pairs.items():
        there = theirs(x, y)
        for key, value in ours(x, y).items():
            difference = abs(value - there[key])
            print(
                f"| {name} | {len(x)} | {key} | {value:.6g} | {there[key]:.6g} | {difference:.0e} |"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
