"""DeepFill v2: gated convolutions in two stages, the second with contextual attention.

J. Yu, Z. Lin, J. Yang, X. Shen, X. Lu, T. S. Huang, Free-Form Image Inpainting with Gated
Convolution, ICCV 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import elu, interpolate, pad, relu

from methods.architectures.contextual_attention import BLOCK, Range, contextual_attention
from methods.architectures.tensorflow_rules import Variables, same_padded, state_of
from methods.architectures.unet import hole_spans
from methods.base import Image, Mask
from methods.network import (
    NetworkInpainter,
    State,
    exact,
    load_state,
    pad_to_multiple,
    to_tensor,
)
from methods.weights import WeightsError

Variant = Literal["official", "converted", "finetuned"]
MULTIPLE = 8
# Full-resolution pixels around the hole that its result depends on after the attention: four 3x3
# convolutions at 1/4, two at 1/2, three at full size, and the grid of 4 px.
REACH = 32


class Layer(NamedTuple):
    """into: channels; out: channels of the convolution, of which half are left after gating;
    finetuned: the layer's module in the fine-tuned PyTorch checkpoint."""

    name: str
    kernel: int
    stride: int
    rate: int
    into: int
    out: int
    finetuned: str


def _layers(rows: str) -> tuple[Layer, ...]:
    table = [line.split() for line in rows.strip().splitlines()]
    return tuple(
        Layer(name, int(kernel), int(stride), int(rate), int(into), int(out), finetuned)
        for name, kernel, stride, rate, into, out, finetuned in table
    )


STAGE_ONE = _layers("""
    conv1              5 1 1    5  48  stage1.conv1
    conv2_downsample   3 2 1   24  96  stage1.down_block1.conv1_downsample
    conv3              3 1 1   48  96  stage1.down_block1.conv2
    conv4_downsample   3 2 1   48 192  stage1.down_block2.conv1_downsample
    conv5              3 1 1   96 192  stage1.down_block2.conv2
    conv6              3 1 1   96 192  stage1.conv_bn1
    conv7_atrous       3 1 2   96 192  stage1.conv_bn2
    conv8_atrous       3 1 4   96 192  stage1.conv_bn3
    conv9_atrous       3 1 8   96 192  stage1.conv_bn4
    conv10_atrous      3 1 16  96 192  stage1.conv_bn5
    conv11             3 1 1   96 192  stage1.conv_bn6
    conv12             3 1 1   96 192  stage1.conv_bn7
    conv13_upsample    3 1 1   96  96  stage1.up_block1.conv1_upsample.conv
    conv14             3 1 1   48  96  stage1.up_block1.conv2
    conv15_upsample    3 1 1   48  48  stage1.up_block2.conv1_upsample.conv
    conv16             3 1 1   24  24  stage1.up_block2.conv2
    conv17             3 1 1   12   3  stage1.conv_to_rgb
""")
CONVOLUTION_BRANCH = _layers("""
    xconv1             5 1 1    3  48  stage2.conv_conv1
    xconv2_downsample  3 2 1   24  48  stage2.conv_down_block1.conv1_downsample
    xconv3             3 1 1   24  96  stage2.conv_down_block1.conv2
    xconv4_downsample  3 2 1   48  96  stage2.conv_down_block2.conv1_downsample
    xconv5             3 1 1   48 192  stage2.conv_down_block2.conv2
    xconv6             3 1 1   96 192  stage2.conv_conv_bn1
    xconv7_atrous      3 1 2   96 192  stage2.conv_conv_bn2
    xconv8_atrous      3 1 4   96 192  stage2.conv_conv_bn3
    xconv9_atrous      3 1 8   96 192  stage2.conv_conv_bn4
    xconv10_atrous     3 1 16  96 192  stage2.conv_conv_bn5
""")
ATTENTION_BRANCH = _layers("""
    pmconv1            5 1 1    3  48  stage2.ca_conv1
    pmconv2_downsample 3 2 1   24  48  stage2.ca_down_block1.conv1_downsample
    pmconv3            3 1 1   24  96  stage2.ca_down_block1.conv2
    pmconv4_downsample 3 2 1   48 192  stage2.ca_down_block2.conv1_downsample
    pmconv5            3 1 1   96 192  stage2.ca_down_block2.conv2
    pmconv6            3 1 1   96 192  stage2.ca_conv_bn1
""")
AFTER_ATTENTION = _layers("""
    pmconv9            3 1 1   96 192  stage2.ca_conv_bn4
    pmconv10           3 1 1   96 192  stage2.ca_conv_bn5
""")
MERGED = _layers("""
    allconv11          3 1 1  192 192  stage2.conv_bn6
    allconv12          3 1 1   96 192  stage2.conv_bn7
    allconv13_upsample 3 1 1   96  96  stage2.up_block1.conv1_upsample.conv
    allconv14          3 1 1   48  96  stage2.up_block1.conv2
    allconv15_upsample 3 1 1   48  48  stage2.up_block2.conv1_upsample.conv
    allconv16          3 1 1   24  24  stage2.up_block2.conv2
    allconv17          3 1 1   12   3  stage2.conv_to_rgb
""")
LAYERS = STAGE_ONE + CONVOLUTION_BRANCH + ATTENTION_BRANCH + AFTER_ATTENTION + MERGED

# A constant that the fine-tuned checkpoint stores among its weights.
FUSE_WEIGHT = "stage2.contextual_attention.fuse_weight"


class GatedConv(nn.Module):
    """Convolution whose second half of channels, through a sigmoid, gates the first (paper,
    section 3.2). One to 3 channels, the output layers, has neither gate nor activation."""

    def __init__(self, layer: Layer, symmetric: bool) -> None:
        super().__init__()
        self.layer = layer
        self.symmetric = symmetric
        self.conv = nn.Conv2d(
            layer.into, layer.out, layer.kernel, stride=layer.stride, dilation=layer.rate
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.padded(x))
        if self.layer.out == 3:
            return y
        features, gate = y.chunk(2, dim=1)
        # The one layer before the attention is a ReLU: its patches are compared by angle.
        activated = relu(features) if self.layer.name == "pmconv6" else elu(features)
        return activated * torch.sigmoid(gate)

    def padded(self, x: Tensor) -> Tensor:
        kernel, stride, rate = self.layer.kernel, self.layer.stride, self.layer.rate
        if self.symmetric and stride == 2:
            return pad(x, (1, 1, 1, 1))
        return same_padded(x, kernel, stride, rate)


class UpGatedConv(nn.Module):
    """Twice the size by nearest neighbour, then a gated convolution."""

    def __init__(self, layer: Layer, symmetric: bool) -> None:
        super().__init__()
        self.conv = GatedConv(layer, symmetric)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(interpolate(x, scale_factor=2.0, mode="nearest"))


class DeepFillV2(nn.Module):
    """The inference network. variant: "official" as the authors' TensorFlow code; "converted" and
    "finetuned" as the two networks of the well-known PyTorch port (nipponjo/deepfillv2-pytorch),
    which are other functions of the same weights:

    | | official | converted | finetuned |
    |---|---|---|---|
    | zeros around stride-2 layers | at the end | at the end | on both sides |
    | halving of features | nearest, corners aligned | as official | every second |
    | mask for the attention | to 1/4, then to 1/8 | to 1/8 at once | every eighth |
    | fuse of the scores | yes | no | yes |
    | colour order of its scripts | BGR | RGB | RGB |

    Both sides must be multiples of 8."""

    def __init__(self, variant: Variant = "official") -> None:
        super().__init__()
        self.variant = variant
        self.block = BLOCK
        for layer in LAYERS:
            kind = UpGatedConv if layer.name.endswith("_upsample") else GatedConv
            self.add_module(layer.name, kind(layer, symmetric=variant == "finetuned"))

    @classmethod
    def from_tensorflow(cls, variables: Variables, variant: Variant = "official") -> DeepFillV2:
        """With the variables of the published checkpoint, kernels (H, W, in, out); others in it
        (discriminator, optimiser) are passed over. Raises WeightsError if any is missing."""
        return load_state(cls(variant), state_of(variables, tensorflow_names()))

    def forward(
        self, image: Tensor, mask: Tensor, wanted: tuple[Range, Range] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Results of both stages, (N, 3, H, W) in [-1, 1].

        image: (N, 3, H, W) in [-1, 1], 0 in the hole; mask: (N, 1, H, W), 1 = hole, of which the
        first is used for the attention of all. wanted: rows and columns (start, stop) of the
        second result that are needed; the others may come back as 0."""
        height, width = image.shape[-2:]
        if height % MULTIPLE or width % MULTIPLE:
            raise ValueError(f"DeepFill v2 takes multiples of {MULTIPLE} px, not {width}x{height}")
        given = torch.cat([image, torch.ones_like(mask), mask], dim=1)
        coarse = torch.tanh(self._run(STAGE_ONE, given))
        joined = coarse * mask + image * (1 - mask)
        features = self._run(CONVOLUTION_BRANCH, joined)
        matched = self._run(ATTENTION_BRANCH, joined)
        rows, columns = wanted or ((0, height), (0, width))
        crop = [(start // 4, -(-stop // 4)) for start, stop in (rows, columns)]
        if wanted:
            grown = ((rows[0] - REACH, rows[1] + REACH), (columns[0] - REACH, columns[1] + REACH))
            crop = [
                (max(0, start // 4), min(size // 4, -(-stop // 4)))
                for (start, stop), size in zip(grown, (height, width), strict=True)
            ]
        attended = self._attend(matched, mask, (crop[0], crop[1]))
        box = (..., slice(*crop[0]), slice(*crop[1]))
        # Of no use from here on but where it is wanted.
        branch = self._run(AFTER_ATTENTION, attended[box])
        made = torch.tanh(self._run(MERGED, torch.cat([features[box], branch], dim=1)))
        if not wanted:
            return coarse, made
        whole = torch.zeros_like(image)
        whole[..., 4 * crop[0][0] : 4 * crop[0][1], 4 * crop[1][0] : 4 * crop[1][1]] = made
        return coarse, whole

    def _run(self, layers: tuple[Layer, ...], x: Tensor) -> Tensor:
        for layer in layers:
            x = self.get_submodule(layer.name)(x)
        return x

    def _attend(self, features: Tensor, mask: Tensor, wanted: tuple[Range, Range]) -> Tensor:
        height, width = features.shape[-2:]
        half = (height // 2, width // 2)
        hole = mask[:1]
        if self.variant == "official":
            hole = nearest_aligned(nearest_aligned(hole, (height, width)), half)
        elif self.variant == "converted":
            hole = nearest_aligned(hole, half)
        else:
            hole = hole[..., ::8, ::8]
        every_second = self.variant == "finetuned"
        reduced = features[..., ::2, ::2] if every_second else nearest_aligned(features, half)
        return contextual_attention(
            features,
            features,
            (reduced, reduced),
            hole[0, 0],
            fuse=self.variant != "converted",
            wanted=wanted,
            block=self.block,
        )


def nearest_aligned(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, h, w) reduced by nearest neighbour with aligned corners, as TensorFlow 1 does."""
    rows = torch.from_numpy(aligned_indices(x.shape[-2], size[0])).to(x.device)
    columns = torch.from_numpy(aligned_indices(x.shape[-1], size[1])).to(x.device)
    return x[..., rows, :][..., columns]


def aligned_indices(source: int, target: int) -> NDArray[np.int64]:
    """Source index of each target pixel. In float32 throughout: at some sizes (216 px) exact
    arithmetic gives another index."""
    if target == 1:
        return np.zeros(1, np.int64)
    scale = np.float32(source - 1) / np.float32(target - 1)
    places = np.arange(target, dtype=np.float32) * scale
    return np.minimum(np.floor(places + np.float32(0.5)), source - 1).astype(np.int64)


def tensorflow_names() -> dict[str, str]:
    """Name in our state dict, which is that of the converted PyTorch checkpoint -> TensorFlow
    variable."""
    names = {}
    for layer in LAYERS:
        up = layer.name.endswith("_upsample")
        scope = f"inpaint_net/{layer.name}" + (f"/{layer.name}_conv" if up else "")
        names[f"{_module(layer)}.weight"] = f"{scope}/kernel"
        names[f"{_module(layer)}.bias"] = f"{scope}/bias"
    return names


def finetuned_names() -> dict[str, str]:
    """Name in our state dict -> name in the fine-tuned PyTorch checkpoint."""
    return {
        f"{_module(layer)}.{kind}": f"{layer.finetuned}.conv.{kind}"
        for layer in LAYERS
        for kind in ("weight", "bias")
    }


def _module(layer: Layer) -> str:
    """Name of a layer's convolution in our state dict."""
    return f"{layer.name}.conv" + (".conv" if layer.name.endswith("_upsample") else "")


@dataclass(kw_only=True)
class DeepFillV2Inpainter(NetworkInpainter):
    """DeepFill v2 at the image's own size, sides padded to multiples of 8 by repeating the border
    (the published script cuts them off).

    variant: which of the published networks; "auto" is the one that the weights file was made
    for; colours: order of the channels, "auto" is the variant's own."""

    name: ClassVar[str] = "deepfillv2"
    summary: ClassVar[str] = "gated convolutions and contextual attention (Yu et al. 2019)"
    weights_name: ClassVar[str] = "deepfillv2"

    variant: Literal["auto", "official", "converted", "finetuned"] = "auto"
    colours: Literal["auto", "BGR", "RGB"] = "auto"

    def build(self, state: State | None) -> DeepFillV2:
        if state is None:
            return DeepFillV2("official" if self.variant == "auto" else self.variant)
        made_for = made_for_variant(state)
        variant = made_for if self.variant == "auto" else self.variant
        if made_for == "official":
            return DeepFillV2.from_tensorflow({n: t.numpy() for n, t in state.items()}, variant)
        if made_for == "finetuned":
            ours = {theirs: name for name, theirs in finetuned_names().items()}
            state = {ours.get(n, n): t for n, t in state.items() if n != FUSE_WEIGHT}
        return load_state(DeepFillV2(variant), state)

    def fill(self, image: Image, mask: Mask) -> Image:
        network, device = self.loaded(), self.torch_device()
        assert isinstance(network, DeepFillV2)
        rows, columns = (tuple(span) for span in hole_spans(mask))
        own = "BGR" if network.variant == "official" else "RGB"
        step = -1 if (own if self.colours == "auto" else self.colours) == "BGR" else 1
        with exact():
            pixels = to_tensor(image[..., ::step], device) / 127.5 - 1
            hole = to_tensor(mask, device)
            pixels = pad_to_multiple(pixels * (1 - hole), MULTIPLE, "replicate")
            hole = pad_to_multiple(hole, MULTIPLE, "replicate")
            made = network(pixels, hole, (rows, columns))[1]
            found = made[..., slice(*rows), slice(*columns)]
            # Truncated, not rounded, as the published script does.
            values = ((found[0] + 1) * 127.5).clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
        raw = image.copy()
        raw[slice(*rows), slice(*columns)] = values[..., ::step]
        return raw


def made_for_variant(state: State) -> Variant:
    """The network that a weights file was made for, by its names. Raises WeightsError."""
    first = {
        "official": "inpaint_net/conv1/kernel",
        "converted": "conv1.conv.weight",
        "finetuned": "stage1.conv1.conv.weight",
    }
    for variant, name in first.items():
        if name in state or f"{name}:0" in state:
            return variant  # type: ignore[return-value]
    example = next(iter(state), "none")
    raise WeightsError(
        "not the weights of DeepFill v2: the authors' TensorFlow variables (inpaint_net/...) or "
        f"one of the two PyTorch layouts were expected, tensors like {example} were found"
    )
