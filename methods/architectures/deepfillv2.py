"""DeepFill v2: gated convolutions in two stages, the second with contextual attention."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from methods.architectures.contextual_attention import BLOCK, contextual_attention
from methods.architectures.deepfillv2_layers import (
    AFTER_ATTENTION,
    ATTENTION_BRANCH,
    CONVOLUTION_BRANCH,
    LAYERS,
    MERGED,
    STAGE_ONE,
    GatedConv,
    UpGatedConv,
    is_upsampling,
    tensorflow_names,
)
from methods.architectures.spans import Span
from methods.architectures.tensorflow1 import Layer, Variables, nearest_aligned, to_state_dict
from methods.weights.files import load_state

Variant = Literal["official", "converted", "finetuned"]
MULTIPLE = 8
# How far in pixels the result depends on its surroundings after the attention: four 3x3
# convolutions at 1/4 of the size, two at 1/2, three at full size, and the grid of 4 px.
REACH = 32


class DeepFillV2(nn.Module):
    """The inference network.

    Parameters
    ----------
    variant
        "official" is the authors' TensorFlow network; "converted" and "finetuned" are the two
        networks of the PyTorch port nipponjo/deepfillv2-pytorch, which compute other functions of
        the same weights:

        ============================  ========================  ==============  =============
        variant                       official                  converted       finetuned
        ============================  ========================  ==============  =============
        zeros around stride-2 layers  at the end                at the end      on both sides
        halving of features           nearest, corners aligned  as official     every second
        mask for the attention        to 1/4, then to 1/8       to 1/8 at once  every eighth
        fuse of the scores            yes                       no              yes
        colour order of its scripts   BGR                       RGB             RGB
        ============================  ========================  ==============  =============

    References
    ----------
    J. Yu, Z. Lin, J. Yang, X. Shen, X. Lu, T. S. Huang, Free-Form Image Inpainting with Gated
    Convolution, ICCV 2019.
    """

    def __init__(self, variant: Variant = "official") -> None:
        super().__init__()
        self.variant = variant
        self.block = BLOCK
        for layer in LAYERS:
            kind = UpGatedConv if is_upsampling(layer) else GatedConv
            self.add_module(layer.name, kind(layer, symmetric=variant == "finetuned"))

    @classmethod
    def from_tensorflow(cls, variables: Variables, variant: Variant = "official") -> DeepFillV2:
        """Return the network with the weights of the published TensorFlow checkpoint.

        Parameters
        ----------
        variables
            Arrays by variable name, kernels (H, W, in, out); those of other networks are ignored.

        Raises
        ------
        WeightsError
            If a variable is missing or has another shape.
        """
        return load_state(cls(variant), to_state_dict(variables, tensorflow_names()))

    def forward(
        self, image: Tensor, mask: Tensor, box: tuple[Span, Span] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the results of both stages, (N, 3, H, W) in [-1, 1].

        Parameters
        ----------
        image
            (N, 3, H, W) in [-1, 1], 0 in the hole. Both sides are multiples of 8.
        mask
            (N, 1, H, W), 1 = hole. The attention uses the first mask for all images.
        box
            Rows and columns of the second result that are needed; other pixels may be 0.

        Raises
        ------
        ValueError
            If a side is not a multiple of 8.
        """
        height, width = image.shape[-2:]
        if height % MULTIPLE or width % MULTIPLE:
            raise ValueError(f"DeepFill v2 takes multiples of {MULTIPLE} px, not {width}x{height}")
        x = torch.cat([image, torch.ones_like(mask), mask], dim=1)
        coarse = torch.tanh(self._run(STAGE_ONE, x))
        joined = coarse * mask + image * (1 - mask)
        features = self._run(CONVOLUTION_BRANCH, joined)
        matching = self._run(ATTENTION_BRANCH, joined)
        around = [
            span.grown(REACH).clipped(size).reduced(4)
            for span, size in zip(
                box or (Span(0, height), Span(0, width)), (height, width), strict=True
            )
        ]
        rows, columns = around
        attended = self.attend(matching, mask, (rows, columns))
        # From here on compute only what the box depends on.
        area = (..., slice(*rows), slice(*columns))
        branch = self._run(AFTER_ATTENTION, attended[area])
        refined = torch.tanh(self._run(MERGED, torch.cat([features[area], branch], dim=1)))
        whole = torch.zeros_like(image)
        whole[..., 4 * rows.start : 4 * rows.stop, 4 * columns.start : 4 * columns.stop] = refined
        return coarse, whole

    def _run(self, layers: tuple[Layer, ...], x: Tensor) -> Tensor:
        for layer in layers:
            x = self.get_submodule(layer.name)(x)
        return x

    def attend(self, features: Tensor, mask: Tensor, box: tuple[Span, Span]) -> Tensor:
        """Return the features, (N, C, H / 4, W / 4), rebuilt from patches outside the hole."""
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
            box=box,
            block=self.block,
        )
