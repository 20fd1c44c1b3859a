"""Perceptual distances between the features that image recognition networks compute.

They are built like LPIPS, but with other networks and without the layer weights that LPIPS learned
from human judgements: none of them is LPIPS.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from benchmark.metrics.metric import ImagePair, Metric, Scores, checked_pair
from methods.base import Image, Mask, MissingRequirementError
from methods.tensors import inference, torch_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Network = Callable[[Tensor], Sequence[Tensor]]

# Width of the context around the hole, as a share of the hole's longer side.
CONTEXT = 0.25
# The networks halve their input five times at most.
MULTIPLE = 32
# Prevents a division by zero where no feature responds.
TINY = 1e-8

_on_gpu = threading.Lock()


def efficientnet_distance(reference: Image, result: Image, mask: Mask | None = None) -> float:
    """Return the distance between EfficientNet-Lite0 features.

    Features are scaled to unit length at every position; their squared differences are summed over
    channels and averaged over positions, then over layers.

    Parameters
    ----------
    reference, result
        uint8 (H, W, 3).
    mask
        bool (H, W), True = hole. If given, the distance is that of the box around the hole with a
        quarter of its longer side as context; otherwise of the whole image.

    Returns
    -------
    float
        0 (identical) to 4, without unit.

    References
    ----------
    R. Zhang, P. Isola, A. A. Efros, E. Shechtman, O. Wang, The unreasonable effectiveness of deep
    features as a perceptual metric, CVPR 2018.
    """
    return _distance(checked_pair(reference, result, mask), "efficientnet").whole


def squeezenet_distance(reference: Image, result: Image, mask: Mask | None = None) -> float:
    """Return the distance between SqueezeNet v1.1 features, as `efficientnet_distance`.

    Parameters
    ----------
    reference, result, mask
        As of `efficientnet_distance`.

    Returns
    -------
    float
        0 for equal images.

    Raises
    ------
    ValueError
        If the images are not as in `checked_pair`.
    """
    return _distance(checked_pair(reference, result, mask), "squeezenet").whole


def hole_box(pair: ImagePair) -> tuple[slice, slice]:
    """Return rows and columns of the hole with its context, or the whole image without a mask."""
    if pair.mask is None:
        return slice(None), slice(None)
    left, top, width, height = cv2.boundingRect(pair.mask.astype(np.uint8))
    margin = round(CONTEXT * max(width, height))
    rows = slice(max(0, top - margin), top + height + margin)
    return rows, slice(max(0, left - margin), left + width + margin)


def unit_tensor(image: Image) -> Tensor:
    """Return uint8 (H, W, 3) as float32 (1, 3, H, W), contiguous, in [0, 1]."""
    import torch

    return torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255


def _distance(pair: ImagePair, network: str, device: str = "cpu") -> Scores:
    """Return the mean over the box around the hole, and over the hole's part of it."""
    box = hole_box(pair)
    reference, result = pair.reference[box], pair.result[box]
    if np.array_equal(reference, result):
        return Scores(0.0, None if pair.mask is None else 0.0)
    maps = _maps(reference, result, network, device)
    whole = _mean(maps, np.ones(reference.shape[:2], np.float32))
    if pair.mask is None:
        return Scores(whole, None)
    return Scores(whole, _mean(maps, pair.mask[box].astype(np.float32)))


def _maps(reference: Image, result: Image, name: str, device: str) -> list[np.ndarray]:
    """Return each layer's map of squared distances between unit-length features."""
    place = torch_device(device)
    network = _network(name, place)
    with _computing_on(place):
        first, second = (network(_tensor(image).to(place)) for image in (reference, result))
        return [
            (_unit(a) - _unit(b)).square().sum(dim=1)[0].cpu().numpy()
            for a, b in zip(first, second, strict=True)
        ]


@contextmanager
def _computing_on(device: torch.device) -> Iterator[None]:
    """Compute without gradients; on a GPU in full float32, and one pair at a time, as the features
    of many would need much of its memory."""
    import torch

    if device.type == "cpu":
        with torch.inference_mode():
            yield
    else:
        with _on_gpu, inference("float32", device):
            yield


def _mean(maps: Sequence[np.ndarray], weights: np.ndarray) -> float:
    """Average over positions, weighted by the share of `weights` in each, then over layers."""
    padded = _padded(weights, cv2.BORDER_CONSTANT)
    means = []
    for layer in maps:
        size = layer.shape[1], layer.shape[0]
        covered = cv2.resize(padded, size, interpolation=cv2.INTER_AREA)
        means.append(float((layer * covered).sum() / covered.sum()))
    return float(np.mean(means))


def _padded(array: np.ndarray, border: int) -> np.ndarray:
    below, right = (-side % MULTIPLE for side in array.shape[:2])
    return cast(np.ndarray, cv2.copyMakeBorder(array, 0, below, 0, right, border))


def _tensor(image: Image) -> Tensor:
    import torch

    tensor = unit_tensor(_padded(image, cv2.BORDER_REPLICATE))
    return tensor.contiguous(memory_format=torch.channels_last)


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + TINY)


@cache
def _network(name: str, device: torch.device) -> Network:
    network = importlib.import_module(f"methods.architectures.backbones.{name}").pretrained()
    return cast("Network", network.to(device))


def _check(device: str = "cpu") -> None:
    """Raise ValueError for a device that is not there."""
    if device != "cpu":
        try:
            torch_device(str(device))
        except MissingRequirementError as error:
            raise ValueError(str(error)) from None


def _metric(name: str, label: str, features: str, network: str) -> Metric:
    def function(pair: ImagePair, device: str = "cpu") -> Scores:
        return _distance(pair, network, device)

    return Metric(
        name=name,
        label=label,
        better="lower",
        definition=f"mean squared distance of unit-length features of {features}, over the hole "
        f"and a quarter of its size around it, at full resolution; not LPIPS",
        function=function,
        options={"device": "cpu"},
        check=_check,
        across_resolutions=False,
    )


EFFICIENTNET = _metric(
    "efficientnet_distance",
    "EfficientNet distance",
    "EfficientNet-Lite0 (ImageNet), at 1/2 to 1/32 of the image",
    "efficientnet",
)
SQUEEZENET = _metric(
    "squeezenet_distance",
    "SqueezeNet distance‡",
    "SqueezeNet v1.1 (ImageNet), at 1/2 to 1/16 of the image, through which the two-stage weights "
    "of this project (‡) were trained",
    "squeezenet",
)
