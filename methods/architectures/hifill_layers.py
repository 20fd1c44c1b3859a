"""The layers of HiFill: gated convolutions, attention computing and attention transfer.

Z. Yi et al., Contextual Residual Aggregation for Ultra High-Resolution Image Inpainting, CVPR 2020,
sections 3.2 and 3.3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, fold, max_pool2d, unfold

from methods.architectures.contextual_attention import (
    at,
    fused,
    neighbours,
    normalised,
    patches_3x3,
)
from methods.architectures.spans import Span
from methods.architectures.tensorflow1 import (
    Layer,
    doubled_bilinear,
    layer_table,
    pad_same,
    same_padding,
)

# Side of the grid of positions between which attention is computed.
GRID = 32
SCALE = 10.0
SMALLEST_NORM = 1e-8
DILATIONS = (1, 1, 1, 2, 2, 2, 2, 2, 4, 4, 4, 4, 8, 8)

# Name, kernel, stride, rate, channels of input and output.
COARSE = (
    *layer_table("""
        c_en_down_128 5 2 1  4 32
        c_en_conv_128 3 1 1 32 32
        c_en_down_64  3 2 1 32 64
        c_en_conv1_64 3 1 1 64 64
        c_en_conv2_64 3 1 1 64 64
        c_en_conv3_64 3 1 1 64 64
    """),
    *(Layer(f"c_dil_d{number}", 3, 1, rate, 64, 64) for number, rate in enumerate(DILATIONS, 1)),
    *layer_table("""
        c_de_conv1_64 3 1 1 64 64
        c_de_conv2_64 3 1 1 64 64
        c_de_conv3_64 3 1 1 64 64
        c_de_up_128   3 1 1 64 32
        c_de_conv_128 3 1 1 32 32
        c_de_toRGB    3 1 1 32  3
    """),
)
REFINEMENT = layer_table("""
    re_en_down_256    3 2  1   4  32
    re_en_conv_256    3 1  1  32  32
    re_en_down_128    3 2  1  32  64
    re_en_conv_128    3 1  1  64  64
    re_en_down_64     3 2  1  64 128
    re_en_conv_64     3 1  1 128 128
    re_dil_d1         3 1  1 128 128
    re_dil_d2         3 1  2 128 128
    re_dil_d4         3 1  4 128 128
    re_dil_d8         3 1  8 128 128
    re_dil_d16        3 1 16 128 128
    re_att_64_att1    3 1  1 128 128
    re_att_64_att3    3 1  1 256 128
    re_de_up__128     3 1  1 128  64
    re_de_conv_128    3 1  1  64  64
    re_de_att_128_1   3 1  1  64  64
    re_de_att_128_2   3 1  2  64  64
    re_de_up__256     3 1  1 128  32
    re_de_conv_256    3 1  1  32  32
    re_de_att_256_1   3 1  1  32  32
    re_de_att_256_2   3 1  2  32  32
    re_de_toRGB__256  3 1  1  64   3
""")
UPSAMPLING = {"c_de_up_128", "c_de_toRGB", "re_de_up__128", "re_de_up__256", "re_de_toRGB__256"}


class GatedConv(nn.Module):
    """sigmoid(gate) * ELU(features).

    In the coarse stage the gate is a convolution like that of the features, with one channel. In
    the refinement it is a 1x1 convolution with as many channels as the features.
    """

    def __init__(self, layer: Layer, coarse: bool) -> None:
        super().__init__()
        self.layer = layer
        self.coarse = coarse
        options: dict[str, Any] = {"stride": layer.stride, "dilation": layer.rate}
        self.feature = nn.Conv2d(layer.into, layer.out, layer.kernel, **options)
        if coarse:
            self.gate = nn.Conv2d(layer.into, 1, layer.kernel, **options)
        else:
            self.gate = nn.Conv2d(layer.into, layer.out, 1, stride=layer.stride)

    def forward(self, x: Tensor) -> Tensor:
        if self.layer.name in UPSAMPLING:
            x = doubled_bilinear(x)
        padded = pad_same(x, self.layer.kernel, self.layer.stride, self.layer.rate)
        gate = self.gate(padded if self.coarse else x)
        return torch.sigmoid(gate) * elu(self.feature(padded))


def attention(features: Tensor, mask: Tensor) -> Tensor:
    """Return how much each position of a 32x32 grid attends to each other one, (1024, 1024).

    Positions next to the hole get logit 0, not minus infinity, before the softmax and weight 0
    after it, so that rows sum to less than 1. features: (1, C, 64, 64); mask: (1, 1, 512, 512),
    1 = hole.
    """
    queries = patches_3x3(features[..., ::2, ::2])
    keys = normalised(queries, SMALLEST_NORM)
    size, whole = (GRID, GRID), (Span(0, GRID), Span(0, GRID))
    raw = at(queries, neighbours(whole, size, features.device)) @ keys.T
    scores = fused(raw, whole, size).flatten(0, 1)
    valid = (1 - near_hole(mask)).flatten()
    return (scores * valid * SCALE).softmax(dim=1) * valid


def near_hole(mask: Tensor) -> Tensor:
    """Return (32, 32), 1 where a cell of the grid or one of its neighbours touches the hole."""
    cells = max_pool2d(mask, mask.shape[-1] // GRID)
    return max_pool2d(cells, 3, stride=1, padding=1)[0, 0]


def transfer(features: Tensor, weights: Tensor, kernel: int) -> Tensor:
    """Rebuild features, (1, C, n, n), from their own patches by the attention (1024, 1024).

    Overlapping patches are summed, not averaged.
    """
    side = features.shape[-1]
    stride = side // GRID
    padded = pad_same(features, kernel, stride)
    patches = unfold(padded, kernel, stride=stride)[0]
    rebuilt = fold((patches @ weights.T)[None], padded.shape[-2:], kernel, stride=stride)
    before = same_padding(side, kernel, stride)[0]
    return rebuilt[..., before : before + side, before : before + side]


def tensorflow_names() -> dict[str, str]:
    """Return name in our state dict -> TensorFlow variable."""
    names: dict[str, str] = {}
    for layer in (*COARSE, *REFINEMENT):
        inner = f"/{layer.name}_conv" if layer.name in UPSAMPLING else ""
        if layer in COARSE:
            parts = ("_feat/w", "_feat/biases", "_gate/w", "_gate/biases")
        else:
            parts = ("/w", "/biases", "/pw", "/ds_biases")
        ours = ("feature.weight", "feature.bias", "gate.weight", "gate.bias")
        for own, part in zip(ours, parts, strict=True):
            names[f"{layer.name}.{own}"] = f"generator/{layer.name}{inner}{part}"
    return names
