"""HiFill: a small image is filled in two stages, then the detail of the large one is added.

Z. Yi, Q. Tang, S. Azizi, D. Jang, Z. Xu, Contextual Residual Aggregation for Ultra High-Resolution
Image Inpainting, CVPR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import elu, fold, max_pool2d, unfold

from methods.architectures.contextual_attention import fused_scores, patches_3x3
from methods.architectures.residual_aggregation import finish, prepare
from methods.architectures.smooth import smooth_fill
from methods.architectures.tensorflow_rules import Variables, same_padded, same_padding, state_of
from methods.architectures.unet import hole_spans
from methods.base import Image, Mask
from methods.network import NetworkInpainter, State, exact, load_state, to_tensor

GRID = 32
SCALE = 10.0
SMALLEST_NORM = 1e-8
# Pixels around the hole that its smooth continuation is made from.
RIM = 16


class Layer(NamedTuple):
    name: str
    kernel: int
    stride: int
    rate: int
    into: int
    out: int


def _layers(rows: str) -> tuple[Layer, ...]:
    table = [line.split() for line in rows.strip().splitlines()]
    return tuple(
        Layer(name, int(kernel), int(stride), int(rate), int(into), int(out))
        for name, kernel, stride, rate, into, out in table
    )


# Output at 1/4, 1/8 of 512 px, dilated, and back. The numbers of c_dil_ are running ones.
COARSE = _layers("""
    c_en_down_128 5 2 1  4 32
    c_en_conv_128 3 1 1 32 32
    c_en_down_64  3 2 1 32 64
    c_en_conv1_64 3 1 1 64 64
    c_en_conv2_64 3 1 1 64 64
    c_en_conv3_64 3 1 1 64 64
    c_dil_d1      3 1 1 64 64
    c_dil_d2      3 1 1 64 64
    c_dil_d3      3 1 1 64 64
    c_dil_d4      3 1 2 64 64
    c_dil_d5      3 1 2 64 64
    c_dil_d6      3 1 2 64 64
    c_dil_d7      3 1 2 64 64
    c_dil_d8      3 1 2 64 64
    c_dil_d9      3 1 4 64 64
    c_dil_d10     3 1 4 64 64
    c_dil_d11     3 1 4 64 64
    c_dil_d12     3 1 4 64 64
    c_dil_d13     3 1 8 64 64
    c_dil_d14     3 1 8 64 64
    c_de_conv1_64 3 1 1 64 64
    c_de_conv2_64 3 1 1 64 64
    c_de_conv3_64 3 1 1 64 64
    c_de_up_128   3 1 1 64 32
    c_de_conv_128 3 1 1 32 32
    c_de_toRGB    3 1 1 32  3
""")
ENCODER_256 = _layers("""
    re_en_down_256 3 2 1  4 32
    re_en_conv_256 3 1 1 32 32
""")
ENCODER_128 = _layers("""
    re_en_down_128 3 2 1 32 64
    re_en_conv_128 3 1 1 64 64
""")
ENCODER_64 = _layers("""
    re_en_down_64 3 2  1  64 128
    re_en_conv_64 3 1  1 128 128
    re_dil_d1     3 1  1 128 128
    re_dil_d2     3 1  2 128 128
    re_dil_d4     3 1  4 128 128
    re_dil_d8     3 1  8 128 128
    re_dil_d16    3 1 16 128 128
""")
ATTENDED_64 = _layers("re_att_64_att1 3 1 1 128 128")
JOINED_64 = _layers("re_att_64_att3 3 1 1 256 128")
DECODER_128 = _layers("""
    re_de_up__128  3 1 1 128 64
    re_de_conv_128 3 1 1  64 64
""")
ATTENDED_128 = _layers("""
    re_de_att_128_1 3 1 1 64 64
    re_de_att_128_2 3 1 2 64 64
""")
DECODER_256 = _layers("""
    re_de_up__256  3 1 1 128 32
    re_de_conv_256 3 1 1  32 32
""")
ATTENDED_256 = _layers("""
    re_de_att_256_1 3 1 1 32 32
    re_de_att_256_2 3 1 2 32 32
""")
OUTPUT = _layers("re_de_toRGB__256 3 1 1 64 3")
REFINEMENT = (
    *ENCODER_256, *ENCODER_128, *ENCODER_64, *ATTENDED_64, *JOINED_64, *DECODER_128,
    *ATTENDED_128, *DECODER_256, *ATTENDED_256, *OUTPUT,
)  # fmt: skip
ENLARGING = {"c_de_up_128", "c_de_toRGB", "re_de_up__128", "re_de_up__256", "re_de_toRGB__256"}


class Gated(nn.Module):
    """sigmoid(gate) * ELU(feature). Coarse stage: the gate is a convolution like the feature's,
    with one channel for all. Refinement: it is 1x1, of as many channels, and taken at every
    stride-th pixel from the first."""

    def __init__(self, layer: Layer, coarse: bool) -> None:
        super().__init__()
        self.layer = layer
        self.feature = nn.Conv2d(
            layer.into, layer.out, layer.kernel, stride=layer.stride, dilation=layer.rate
        )
        self.gate = (
            nn.Conv2d(layer.into, 1, layer.kernel, stride=layer.stride, dilation=layer.rate)
            if coarse
            else nn.Conv2d(layer.into, layer.out, 1, stride=layer.stride)
        )
        self.coarse = coarse

    def forward(self, x: Tensor) -> Tensor:
        if self.layer.name in ENLARGING:
            x = doubled(x)
        wide = same_padded(x, self.layer.kernel, self.layer.stride, self.layer.rate)
        gate = self.gate(wide if self.coarse else x)
        return torch.sigmoid(gate) * elu(self.feature(wide))


class HiFill(nn.Module):
    """The generator: images of 512x512, batches of one hole."""

    def __init__(self) -> None:
        super().__init__()
        for layer in COARSE:
            self.add_module(layer.name, Gated(layer, coarse=True))
        for layer in REFINEMENT:
            self.add_module(layer.name, Gated(layer, coarse=False))

    @classmethod
    def from_tensorflow(cls, variables: Variables) -> HiFill:
        """With the variables of the published checkpoint or frozen graph, kernels (H, W, in, out);
        others in it are passed over. Raises WeightsError if any is missing."""
        return load_state(cls(), state_of(variables, tensorflow_names()))

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Results of both stages, (1, 3, 512, 512) in [-1, 1], and the attention, (1024, 1024):
        shares of all positions of a 32x32 grid, row by row of positions.

        image: (1, 3, 512, 512) in [-1, 1], BGR for the published weights, whose hole is not read;
        mask: (1, 1, 512, 512), 1 = hole."""
        given = image * (1 - mask)
        # Halved without averaging.
        small = torch.cat([given, mask], dim=1)[..., ::2, ::2]
        coarse = self._run(COARSE, small).clamp(-1, 1)
        coarse = doubled(coarse)
        joined = coarse * mask + given * (1 - mask)
        at_256 = self._run(ENCODER_256, torch.cat([joined, mask], dim=1))
        at_128 = self._run(ENCODER_128, at_256)
        at_64 = self._run(ENCODER_64, at_128)
        shares = attention(at_64, mask)
        attended = self._run(ATTENDED_64, transfer(at_64, shares, kernel=3))
        x = self._run(JOINED_64, torch.cat([at_64, attended], dim=1))
        x = self._run(DECODER_128, x)
        attended = self._run(ATTENDED_128, transfer(at_128, shares, kernel=8))
        x = self._run(DECODER_256, torch.cat([attended, x], dim=1))
        attended = self._run(ATTENDED_256, transfer(at_256, shares, kernel=16))
        refined = self._run(OUTPUT, torch.cat([attended, x], dim=1)).clamp(-1, 1)
        return coarse, refined, shares

    def _run(self, layers: tuple[Layer, ...], x: Tensor) -> Tensor:
        for layer in layers:
            x = self.get_submodule(layer.name)(x)
        return x


def attention(features: Tensor, mask: Tensor) -> Tensor:
    """Shares (1024, 1024) of the positions (keys) of a 32x32 grid in each other (queries), from
    features (1, C, 64, 64); paper, section 3.3.

    A key within one cell of the hole gets logit 0, not minus infinity, and then nothing: rows sum
    to less than 1. mask: (1, 1, 512, 512), 1 = hole."""
    decimated = features[..., ::2, ::2]
    queries = patches_3x3(decimated)
    norms = queries.square().sum(dim=1, keepdim=True).sqrt().clamp_min(SMALLEST_NORM)
    positions = torch.arange(GRID * GRID, device=features.device)
    scores = fused_scores(queries, queries / norms, (GRID, GRID), positions)
    valid = (1 - near_hole(mask)).flatten()
    return (scores * valid * SCALE).softmax(dim=1) * valid


def near_hole(mask: Tensor) -> Tensor:
    """(32, 32) 1 where a cell of the grid or a neighbour of it touches the hole."""
    cells = max_pool2d(mask, mask.shape[-1] // GRID)
    return max_pool2d(cells, 3, stride=1, padding=1)[0, 0]


def transfer(features: Tensor, shares: Tensor, kernel: int) -> Tensor:
    """Each of 32x32 positions made again from patches of `features` (1, C, n, n), in the shares of
    the attention. Where patches overlap they are summed, not averaged."""
    stride = features.shape[-1] // GRID
    wide = same_padded(features, kernel, stride)
    patches = unfold(wide, kernel, stride=stride)[0]
    made = fold((patches @ shares.T)[None], wide.shape[-2:], kernel, stride=stride)
    before = same_padding(features.shape[-1], kernel, stride, 1)[0]
    side = features.shape[-1]
    return made[..., before : before + side, before : before + side]


def legacy_bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, h, w) at another size as TensorFlow 1 does it: pixel i is taken at i * source /
    target, without half-pixel centres."""
    for axis, target in ((-2, size[0]), (-1, size[1])):
        source = x.shape[axis]
        places = np.arange(target, dtype=np.float32) * (np.float32(source) / np.float32(target))
        below = np.minimum(np.floor(places).astype(np.int64), source - 1)
        above = np.minimum(below + 1, source - 1)
        share = torch.from_numpy(places - below.astype(np.float32)).to(x.device)
        share = share[:, None] if axis == -2 else share
        low, high = (
            x.index_select(axis, torch.from_numpy(index).to(x.device)) for index in (below, above)
        )
        x = low + (high - low) * share
    return x


def doubled(x: Tensor) -> Tensor:
    """`legacy_bilinear` to twice the size: each pixel, then the mean of it and the next one."""
    for axis in (2, 3):
        last = x.narrow(axis, x.shape[axis] - 1, 1)
        following = torch.cat([x.narrow(axis, 1, x.shape[axis] - 1), last], dim=axis)
        x = torch.stack([x, (x + following) / 2], dim=axis + 1).flatten(axis, axis + 1)
    return x


def tensorflow_names() -> dict[str, str]:
    """Name in our state dict -> TensorFlow variable."""
    names: dict[str, str] = {}
    for layer in (*COARSE, *REFINEMENT):
        inner = f"/{layer.name}_conv" if layer.name in ENLARGING else ""
        scope = f"generator/{layer.name}{inner}"
        if layer in COARSE:
            parts = ("_feat/w", "_feat/biases", "_gate/w", "_gate/biases")
        else:
            parts = ("/w", "/biases", "/pw", "/ds_biases")
        ours = ("feature.weight", "feature.bias", "gate.weight", "gate.bias")
        names |= {f"{layer.name}.{o}": scope + p for o, p in zip(ours, parts, strict=True)}
    return names


@dataclass(kw_only=True)
class HiFillInpainter(NetworkInpainter):
    """The published script: any size is brought to a square of 512 * multiple pixels, of which the
    512x512 block means are filled, and back. multiple: 6 in the script, whatever the image.

    The script sees what is under the hole (it mixes into the block means at the rim and into the
    low-frequency image); here a smooth continuation of the known pixels stands in its place."""

    name: ClassVar[str] = "hifill"
    summary: ClassVar[str] = "512 px and contextual residual aggregation (Yi et al. 2020)"
    weights_name: ClassVar[str] = "hifill"

    multiple: Annotated[int, Field(ge=1, le=16)] = 6

    def build(self, state: State | None) -> HiFill:
        if state is None:
            return HiFill()
        return HiFill.from_tensorflow({name: tensor.numpy() for name, tensor in state.items()})

    def fill(self, image: Image, mask: Mask) -> Image:
        network, device = self.loaded(), self.torch_device()
        assert isinstance(network, HiFill)
        rows, columns = hole_spans(mask)
        with exact():
            given = _continued(image[..., ::-1], mask)
            frame = prepare(given, ~mask, self.multiple)
            pixels = torch.from_numpy(frame.small_image).to(device).permute(2, 0, 1)[None]
            hole = to_tensor(frame.small_hole > 0, device)
            _, refined, shares = network(pixels / 127.5 - 1, hole)
            inpainted = ((refined[0] + 1) * 127.5).permute(1, 2, 0).cpu().numpy()
        made = finish(given, frame, inpainted, shares.cpu().numpy(), (rows, columns))
        # Truncated, as the published script does.
        return np.ascontiguousarray(made.astype(np.uint8)[..., ::-1])


def _continued(image: Image, mask: Mask) -> NDArray[np.float32]:
    """`image` as float32 (H, W, 3), 0-255, its hole replaced by a smooth continuation."""
    box = tuple(
        slice(*span.grown(RIM).clipped(size))
        for span, size in zip(hole_spans(mask), mask.shape, strict=True)
    )
    device = torch.device("cpu")
    filled = smooth_fill(to_tensor(image[box], device), 1 - to_tensor(mask[box], device))
    result = image.astype(np.float32)
    result[box] = filled[0].permute(1, 2, 0).numpy()
    return result
