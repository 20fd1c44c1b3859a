"""Features of images, by the networks that set metrics know, and the patches around holes."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Mask
from methods.errors import InputError
from methods.libraries import extra_installation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Network:
    """A network whose pooled features are compared."""

    # The beginnings of the metrics' keys and labels; those of Inception have published names.
    key: str
    label: str
    # One sentence for the notes.
    definition: str
    # Length of a feature vector.
    features: int
    # Side of its input, and of patches, in pixels.
    side: int
    # Returns what computes the features of an image, float32 (features,). Raises InputError.
    load: Callable[[], Callable[[Image], NDArray[np.float32]]]


def patches(image: Image, mask: Mask, side: int) -> list[Image]:
    """Return squares at full resolution that cover the box around the hole.

    Those without a hole pixel are left out. Raises ValueError if the image is smaller.
    """
    height, width = mask.shape
    if min(height, width) < side:
        raise ValueError(f"{width} x {height} px is smaller than a patch of {side} x {side}")
    left, top, box_width, box_height = cv2.boundingRect(mask.astype(np.uint8))
    return [
        image[row : row + side, column : column + side]
        for row in _starts(top, box_height, side, height)
        for column in _starts(left, box_width, side, width)
        if mask[row : row + side, column : column + side].any()
    ]


def _starts(first: int, length: int, side: int, size: int) -> list[int]:
    """Return where squares begin that cover a span, whose middle is theirs; inside the image."""
    count = math.ceil(length / side)
    begin = first + (length - count * side) // 2
    return [min(max(0, begin + number * side), size - side) for number in range(count)]


def _efficientnet() -> Callable[[Image], NDArray[np.float32]]:
    import torch

    from methods.architectures.backbones.efficientnet import pretrained

    network = pretrained()

    def compute(image: Image) -> NDArray[np.float32]:
        side = EFFICIENTNET.side
        if image.shape[:2] != (side, side):
            image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        with torch.inference_mode():
            return network(_tensor(image).float() / 255)[-1].mean(dim=(2, 3))[0].numpy()

    return compute


def _inception() -> Callable[[Image], NDArray[np.float32]]:
    try:
        module: Any = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    except (ImportError, OSError, RuntimeError) as error:
        raise InputError(
            f"--features inception needs torch-fidelity ({error}): {extra_installation('fid')}; "
            "--features efficientnet needs nothing"
        ) from None
    import torch

    try:
        network = module.FeatureExtractorInceptionV3("inception", [str(INCEPTION.features)])
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"--features inception: the weights cannot be loaded ({error}); put the file of "
            f"{module.URL_INCEPTION_V3} into {torch.hub.get_dir()}/checkpoints"
        ) from None

    def compute(image: Image) -> NDArray[np.float32]:
        with torch.inference_mode():
            return network(_tensor(image))[0][0].numpy()

    return compute


def _tensor(image: Image) -> Tensor:
    """Return an image as uint8 (1, 3, H, W)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]


EFFICIENTNET = Network(
    "efficientnet_",
    "EfficientNet ",
    "last block of EfficientNet-Lite0 (ImageNet), averaged over positions, 320 features, of images "
    "brought to 256 x 256 px by averaging; these are not FID or KID, and not comparable with them",
    320,
    256,
    _efficientnet,
)
INCEPTION = Network(
    "",
    "",
    "Inception v3 as in torch-fidelity, 2048 features, of images that it brings to 299 x 299 px",
    2048,
    299,
    _inception,
)
NETWORKS = {"efficientnet": EFFICIENTNET, "inception": INCEPTION}
