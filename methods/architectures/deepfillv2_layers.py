"""The layers of DeepFill v2: gated convolutions, and their names in the published checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import elu_, interpolate, pad, relu_

from methods.architectures.boxes import crop_or_pad
from methods.architectures.spans import Span
from methods.architectures.tensorflow1 import Layer, layer_table, same_padding

# Name, kernel, stride, rate, channels of the input and of the convolution, of which gating leaves
# half, and the name of the module in the fine-tuned PyTorch checkpoint.
STAGE_ONE = layer_table("""
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
CONVOLUTION_BRANCH = layer_table("""
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
ATTENTION_BRANCH = layer_table("""
    pmconv1            5 1 1    3  48  stage2.ca_conv1
    pmconv2_downsample 3 2 1   24  48  stage2.ca_down_block1.conv1_downsample
    pmconv3            3 1 1   24  96  stage2.ca_down_block1.conv2
    pmconv4_downsample 3 2 1   48 192  stage2.ca_down_block2.conv1_downsample
    pmconv5            3 1 1   96 192  stage2.ca_down_block2.conv2
    pmconv6            3 1 1   96 192  stage2.ca_conv_bn1
""")
AFTER_ATTENTION = layer_table("""
    pmconv9            3 1 1   96 192  stage2.ca_conv_bn4
    pmconv10           3 1 1   96 192  stage2.ca_conv_bn5
""")
MERGED = layer_table("""
    allconv11          3 1 1  192 192  stage2.conv_bn6
    allconv12          3 1 1   96 192  stage2.conv_bn7
    allconv13_upsample 3 1 1   96  96  stage2.up_block1.conv1_upsample.conv
    allconv14          3 1 1   48  96  stage2.up_block1.conv2
    allconv15_upsample 3 1 1   48  48  stage2.up_block2.conv1_upsample.conv
    allconv16          3 1 1   24  24  stage2.up_block2.conv2
    allconv17          3 1 1   12   3  stage2.conv_to_rgb
""")
LAYERS = STAGE_ONE + CONVOLUTION_BRANCH + ATTENTION_BRANCH + AFTER_ATTENTION + MERGED


Size = tuple[int, int]
Box = tuple[Span, Span]


# Pixels of the image along a side of what is computed at a time.
TILE = 256


class Part(NamedTuple):
    """A box of a feature map of some size: values (N, C, h, w) of its rows and columns."""

    values: Tensor
    box: Box
    size: Size


class GatedConv(nn.Module):
    """Convolution whose second half of channels, through a sigmoid, gates the first half (paper,
    section 3.2). The output layers, with 3 channels, have neither gate nor activation."""

    def __init__(self, layer: Layer, symmetric: bool) -> None:
        super().__init__()
        self.layer = layer
        self.symmetric = symmetric
        self.scale = 1 / layer.stride
        self.conv = nn.Conv2d(
            layer.into, layer.out, layer.kernel, stride=layer.stride, dilation=layer.rate
        )

    def forward(self, x: Tensor) -> Tensor:
        return self._gated(self.padded(x))

    def padded(self, x: Tensor) -> Tensor:
        """Return the input with its zeros."""
        (above, below), (before, after) = (self.zeros(side) for side in x.shape[-2:])
        return pad(x, (before, after, above, below))

    def forward_in(self, part: Part, box: Box) -> Part:
        """Return the output in a box, from a part of the input that covers `needed(box)`."""
        needed = [self._reach(span, side) for span, side in zip(box, part.size, strict=True)]
        output = self._gated(crop_or_pad(part.values, part.box, needed))
        return Part(output, box, self.output_size(part.size))

    def needed(self, box: Box, size: Size) -> Box:
        """Return the box of the input, of this size, that a box of the output depends on."""
        rows, columns = (
            self._reach(span, side).clipped(side) for span, side in zip(box, size, strict=True)
        )
        return rows, columns

    def output_size(self, size: Size) -> Size:
        return -(-size[0] // self.layer.stride), -(-size[1] // self.layer.stride)

    def zeros(self, side: int) -> tuple[int, int]:
        """Return the zeros before and after; `symmetric` is the rule of the fine-tuned network."""
        if self.symmetric and self.layer.stride == 2:
            return 1, 1
        return same_padding(side, self.layer.kernel, self.layer.stride, self.layer.rate)

    def _reach(self, span: Span, side: int) -> Span:
        first = span.start * self.layer.stride - self.zeros(side)[0]
        steps = (span.stop - span.start - 1) * self.layer.stride
        return Span(first, first + steps + (self.layer.kernel - 1) * self.layer.rate + 1)

    def _gated(self, x: Tensor) -> Tensor:
        if self.layer.out == 3:
            return self.conv(x)
        y = self.conv(x)
        # With channels last, halves of them are slow to go through where they are.
        last = y.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        features, gate = (half.contiguous(memory_format=layout) for half in y.chunk(2, dim=1))
        # The last layer before the attention has a ReLU, because patches are compared by angle.
        activated = relu_(features) if self.layer.name == "pmconv6" else elu_(features)
        return activated.mul_(gate.sigmoid_())


class UpGatedConv(nn.Module):
    """Nearest-neighbour upsampling to twice the size, then a gated convolution."""

    def __init__(self, layer: Layer, symmetric: bool) -> None:
        super().__init__()
        self.scale = 2.0
        self.conv = GatedConv(layer, symmetric)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(_doubled(x))

    def forward_in(self, part: Part, box: Box) -> Part:
        """Return the output in a box, from a part of the input that covers `needed(box)`."""
        rows, columns = (span.doubled() for span in part.box)
        size = self.output_size(part.size)
        return self.conv.forward_in(Part(_doubled(part.values), (rows, columns), size), box)

    def needed(self, box: Box, size: Size) -> Box:
        """Return the box of the input, of this size, that a box of the output depends on."""
        rows, columns = self.conv.needed(box, self.output_size(size))
        return rows.reduced(2), columns.reduced(2)

    def output_size(self, size: Size) -> Size:
        return 2 * size[0], 2 * size[1]


def _doubled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="nearest")


def run_chain(modules: Sequence[GatedConv | UpGatedConv], part: Part, box: Box) -> Part:
    """Return the output of a chain of layers in a box, computing at each layer only what the box
    depends on. `part` covers what the first layer needs.

    Layers at more than a quarter of the size run in tiles, which stay in the processor's cache.
    """
    boxes = needed_boxes(modules, part.size, box)
    down = max((i + 1 for i, m in enumerate(modules) if m.scale < 1), default=0)
    up = min((i for i, m in enumerate(modules) if m.scale > 1), default=len(modules))
    for start, stop, side in ((0, down, TILE // 4), (down, up, None), (up, len(modules), TILE)):
        if start < stop:
            part = _run_in_tiles(modules[start:stop], part, boxes[stop], side)
    return part


def _run_in_tiles(
    modules: Sequence[GatedConv | UpGatedConv], part: Part, box: Box, side: int | None
) -> Part:
    rows, columns = (span.cut(side) if side else [span] for span in box)
    tiles = [[_run_tile(modules, part, (down, across)) for across in columns] for down in rows]
    values = torch.cat([torch.cat([tile.values for tile in row], dim=3) for row in tiles], dim=2)
    return Part(values, box, tiles[0][0].size)


def _run_tile(modules: Sequence[GatedConv | UpGatedConv], part: Part, box: Box) -> Part:
    boxes = needed_boxes(modules, part.size, box)
    (rows, columns), (have_rows, have_columns) = boxes[0], part.box
    inner = slice(*rows.shifted(-have_rows.start)), slice(*columns.shifted(-have_columns.start))
    part = Part(part.values[..., *inner], boxes[0], part.size)
    for module, needed in zip(modules, boxes[1:], strict=True):
        part = module.forward_in(part, needed)
    return part


def needed_boxes(modules: Sequence[GatedConv | UpGatedConv], size: Size, box: Box) -> list[Box]:
    """Return the boxes of the input, of this size, and of the outputs of all layers that a box of
    the last output depends on."""
    sizes = [size]
    for module in modules:
        sizes.append(module.output_size(sizes[-1]))
    boxes = [box]
    for module, given in zip(reversed(modules), reversed(sizes[:-1]), strict=True):
        boxes.insert(0, module.needed(boxes[0], given))
    return boxes


def is_upsampling(layer: Layer) -> bool:
    """Return whether a layer is an `UpGatedConv`."""
    return layer.name.endswith("_upsample")


def tensorflow_names() -> dict[str, str]:
    """Return name in our state dict, which is that of the converted PyTorch checkpoint, ->
    TensorFlow variable."""
    names = {}
    for layer in LAYERS:
        inner = f"/{layer.name}_conv" if is_upsampling(layer) else ""
        names[f"{_module(layer)}.weight"] = f"inpaint_net/{layer.name}{inner}/kernel"
        names[f"{_module(layer)}.bias"] = f"inpaint_net/{layer.name}{inner}/bias"
    return names


def finetuned_names() -> dict[str, str]:
    """Return name in our state dict -> name in the fine-tuned PyTorch checkpoint."""
    return {
        f"{_module(layer)}.{kind}": f"{layer.alias}.conv.{kind}"
        for layer in LAYERS
        for kind in ("weight", "bias")
    }


def _module(layer: Layer) -> str:
    """Return the name of a layer's convolution in our state dict."""
    return f"{layer.name}.conv" + (".conv" if is_upsampling(layer) else "")
