"""LPIPS itself, by its authors' package, where that is installed.

R. Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

from benchmark.metrics.feature_distance import hole_box
from benchmark.metrics.metric import Metric, Scores
from benchmark.metrics.pair import Pair
from methods.base import Image

if TYPE_CHECKING:
    from torch import Tensor

NETWORKS = ("alex", "vgg", "squeeze")
# AlexNet's poolings leave nothing of less.
SMALLEST = 64


def _lpips(pair: Pair, network: str = "alex") -> Scores:
    """whole: LPIPS of the box around the hole; hole: mean over the hole of its map."""
    import torch

    rows, columns = hole_box(pair)
    reference, result = (_tensor(image[rows, columns]) for image in (pair.reference, pair.result))
    if min(reference.shape[-2:]) < SMALLEST:
        height, width = reference.shape[-2:]
        raise ValueError(f"lpips needs {SMALLEST} px around the hole, has {width} x {height}")
    with torch.inference_mode():
        whole = float(_model(network, spatial=False)(reference, result, normalize=True))
        if pair.mask is None:
            return Scores(whole, None)
        found = _model(network, spatial=True)(reference, result, normalize=True)[0, 0]
        hole = torch.from_numpy(pair.mask[rows, columns].copy())
        return Scores(whole, float(found[hole].mean()))


def _tensor(image: Image) -> Tensor:
    import torch

    return torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255


@cache
def _model(network: str, spatial: bool) -> Any:
    return importlib.import_module("lpips").LPIPS(net=network, spatial=spatial, verbose=False)


def _check(network: str = "alex") -> None:
    if network not in NETWORKS:
        raise ValueError(f"lpips: network must be one of {', '.join(NETWORKS)}, is {network!r}")
    try:
        importlib.import_module("lpips")
    except (ImportError, OSError, RuntimeError) as error:
        raise ValueError(f"metric lpips cannot be used ({error}): pip install .[lpips]") from None
    try:
        _model(network, spatial=False)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"metric lpips cannot get torchvision's {network}: {error}") from None


LPIPS = Metric(
    name="lpips",
    label="LPIPS",
    unit="",
    better="lower",
    decimals=3,
    definition="Zhang et al. 2018, version 0.1, network {network}, of the hole and a quarter of "
    "its size around it, at full resolution",
    function=_lpips,
    options={"network": "alex"},
    check=_check,
    across_resolutions=False,
)
