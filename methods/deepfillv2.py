"""DeepFill v2 as a method: weights in any published layout, any size of image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from methods.architectures.spans import hole_spans
from methods.base import Image, Mask
from methods.network import (
    NetworkInpainter,
    State,
    built,
    network_classes,
    pad_to_multiple,
    to_tensor,
)
from methods.weights import WeightsError

if TYPE_CHECKING:
    from methods.architectures.deepfillv2 import DeepFillV2, Variant

# A constant that the fine-tuned checkpoint stores among its weights.
FUSE_WEIGHT = "stage2.contextual_attention.fuse_weight"
# A tensor that only the checkpoint of this variant has.
FIRST_WEIGHT: dict[Variant, str] = {
    "official": "inpaint_net/conv1/kernel",
    "converted": "conv1.conv.weight",
    "finetuned": "stage1.conv1.conv.weight",
}

__getattr__ = network_classes("deepfillv2", "DeepFillV2")


@dataclass(kw_only=True)
class DeepFillV2Inpainter(NetworkInpainter):
    """DeepFill v2 at the image's own size, sides padded to multiples of 8 by repeating the border
    (the published script crops them).

    Parameters
    ----------
    variant
        Which of the published networks; "auto" is the one that the weights file was made for.
    colours
        Order of the channels; "auto" is that of the variant's scripts.
    """

    name: ClassVar[str] = "deepfillv2"
    summary: ClassVar[str] = "gated convolutions and contextual attention (Yu et al. 2019)"
    typical_seconds: ClassVar[float | None] = 3.5
    weights_name: ClassVar[str] = "deepfillv2"

    variant: Literal["auto", "official", "converted", "finetuned"] = "auto"
    colours: Literal["auto", "BGR", "RGB"] = "auto"

    def build(self, state: State | None) -> DeepFillV2:
        from methods.architectures.deepfillv2 import DeepFillV2
        from methods.architectures.deepfillv2_layers import finetuned_names

        if state is None:
            return DeepFillV2("official" if self.variant == "auto" else self.variant)
        stored = _variant_of(state)
        variant = stored if self.variant == "auto" else self.variant
        if stored == "official":
            return DeepFillV2.from_tensorflow({n: t.numpy() for n, t in state.items()}, variant)
        if stored == "finetuned":
            ours = {theirs: name for name, theirs in finetuned_names().items()}
            state = {ours.get(n, n): t for n, t in state.items() if n != FUSE_WEIGHT}
        return built(lambda: DeepFillV2(variant), state)

    def fill(self, image: Image, mask: Mask) -> Image:
        from methods.architectures.deepfillv2 import MULTIPLE, DeepFillV2

        network, device = self.loaded(), self.torch_device()
        assert isinstance(network, DeepFillV2)
        rows, columns = hole_spans(mask)
        own = "BGR" if network.variant == "official" else "RGB"
        step = -1 if (own if self.colours == "auto" else self.colours) == "BGR" else 1
        with self.inference():
            pixels = to_tensor(image[..., ::step], device) / 127.5 - 1
            hole = to_tensor(mask, device)
            pixels = pad_to_multiple(pixels * (1 - hole), MULTIPLE)
            result = network(pixels, pad_to_multiple(hole, MULTIPLE), (rows, columns))[1]
            inside = result[0, :, slice(*rows), slice(*columns)]
            # Truncated, not rounded, as in the published script.
            values = ((inside + 1) * 127.5).clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
        raw = image.copy()
        raw[slice(*rows), slice(*columns)] = values[..., ::step]
        return raw


def _variant_of(state: State) -> Variant:
    """Return the network that a weights file was made for; raise WeightsError for others."""
    for variant, name in FIRST_WEIGHT.items():
        if name in state or f"{name}:0" in state:
            return variant
    example = next(iter(state), "none")
    raise WeightsError(
        "not the weights of DeepFill v2: the authors' TensorFlow variables (inpaint_net/...) or "
        f"one of the two PyTorch layouts were expected, tensors like {example} were found"
    )
