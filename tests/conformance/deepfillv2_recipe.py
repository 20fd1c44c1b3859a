"""Generated weights of the DeepFill v2 conformance data, under the TensorFlow names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from methods.architectures.deepfillv2_layers import LAYERS, tensorflow_names
from tests.conformance.fill import fill

SALT = "deepfillv2:"
GAIN = 1.6
# Two kernels get another gain so that the attention stays soft (not one-hot) while its branch
# still matters for the result.
GAINS = {"inpaint_net/pmconv6/kernel": 0.2, "inpaint_net/pmconv9/kernel": 12.8}


def shapes() -> dict[str, tuple[int, ...]]:
    """TensorFlow name -> shape, kernels (H, W, in, out)."""
    found: dict[str, tuple[int, ...]] = {}
    names = list(tensorflow_names().values())
    for layer, kernel, bias in zip(LAYERS, names[::2], names[1::2], strict=True):
        found[kernel] = (layer.kernel, layer.kernel, layer.into, layer.out)
        found[bias] = (layer.out,)
    return found


def weights(salt: str = SALT) -> dict[str, NDArray[np.float32]]:
    """TensorFlow name -> float32 array."""
    out: dict[str, NDArray[np.float32]] = {}
    for name, shape in shapes().items():
        out.update(fill({name: shape}, salt=salt, layout="HWIO", gain=GAINS.get(name, GAIN)))
    return out
