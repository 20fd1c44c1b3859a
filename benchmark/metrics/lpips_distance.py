"""LPIPS as computed by its authors' package, if that is installed."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from benchmark.metrics.feature_distance import hole_box, unit_tensor
from benchmark.metrics.metric import ImagePair, Metric, Scores
from methods.libraries import extra_installation

NETWORKS = ("alex", "vgg", "squeeze")
# After AlexNet's pooling layers nothing is left of a smaller image.
SMALLEST = 64


def _lpips(pair: ImagePair, network: str = "alex") -> Scores:
    """Return LPIPS of the box around the hole, and the mean of its map over the hole."""
    import torch

    box = hole_box(pair)
    reference, result = unit_tensor(pair.reference[box]), unit_tensor(pair.result[box])
    if min(reference.shape[-2:]) < SMALLEST:
        height, width = reference.shape[-2:]
        raise ValueError(f"lpips needs {SMALLEST} px around the hole, has {width} x {height}")
    with torch.inference_mode():
        whole = float(_model(network, spatial=False)(reference, result, normalize=True))
        if pair.mask is None:
            return Scores(whole, None)
        distances = _model(network, spatial=True)(reference, result, normalize=True)[0, 0]
        hole = torch.from_numpy(pair.mask[box].copy())
        return Scores(whole, float(distances[hole].mean()))


@cache
def _model(network: str, spatial: bool) -> Any:
    return importlib.import_module("lpips").LPIPS(net=network, spatial=spatial, verbose=False)


def _check(network: str = "alex") -> None:
    if network not in NETWORKS:
        raise ValueError(f"lpips: network must be one of {', '.join(NETWORKS)}, is {network!r}")


@cache
def _missing(network: str = "alex") -> str:
    """Return what to do before LPIPS can be computed here, or an empty string."""
    try:
        importlib.import_module("lpips")
    except (ImportError, OSError, RuntimeError) as error:
        return f"{error}: {extra_installation('lpips')}"
    try:
        _model(network, spatial=False)
    except (OSError, RuntimeError) as error:
        return (
            f"torchvision's {network} cannot be loaded ({error}): its first use downloads weights, "
            "for which a connection is needed once"
        )
    return ""


LPIPS = Metric(
    name="lpips",
    label="LPIPS",
    better="lower",
    definition="Zhang et al. 2018, version 0.1, network {network}, of the hole and a quarter of "
    "its size around it, at full resolution",
    function=_lpips,
    options={"network": "alex"},
    check=_check,
    missing=_missing,
    across_resolutions=False,
)
