"""The layers of DeepFill v2: gated convolutions, and their names in the published checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, interpolate, pad, relu

from methods.architectures.tensorflow1 import Layer, layer_table, pad_same

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


class GatedConv(nn.Module):
    """Convolution whose second half of channels, through a sigmoid, gates the first half (paper,
    section 3.2). The output layers, with 3 channels, have neither gate nor activation."""

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
        # The last layer before the attention has a ReLU, because patches are compared by angle.
        activated = relu(features) if self.layer.name == "pmconv6" else elu(features)
        return activated * torch.sigmoid(gate)

    def padded(self, x: Tensor) -> Tensor:
        """Return the input with its zeros; `symmetric` is the rule of the fine-tuned network."""
        if self.symmetric and self.layer.stride == 2:
            return pad(x, (1, 1, 1, 1))
        return pad_same(x, self.layer.kernel, self.layer.stride, self.layer.rate)


class UpGatedConv(nn.Module):
    """Nearest-neighbour upsampling to twice the size, then a gated convolution."""

    def __init__(self, layer: Layer, symmetric: bool) -> None:
        super().__init__()
        self.conv = GatedConv(layer, symmetric)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(interpolate(x, scale_factor=2.0, mode="nearest"))


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
