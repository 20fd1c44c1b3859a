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
    Box,
    GatedConv,
    Part,
    UpGatedConv,
    is_upsampling,
    needed_boxes,
    run_chain,
    tensorflow_names,
)
from methods.architectures.spans import Span, hole_spans
from methods.architectures.tensorflow1 import Layer, Variables, nearest_aligned, to_state_dict
from methods.weights.files import built

Variant = Literal["official", "converted", "finetuned"]
MULTIPLE = 8


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
        return built(lambda: cls(variant), to_state_dict(variables, tensorflow_names()))

    def forward(self, image: Tensor, mask: Tensor, box: Box | None = None) -> tuple[Tensor, Tensor]:
        """Return the results of both stages.

        Parameters
        ----------
        image
            (N, 3, H, W) in [-1, 1], 0 in the hole. Both sides are multiples of 8.
        mask
            (N, 1, H, W), 1 = hole. The attention uses the first mask for all images.
        box
            Rows and columns of the second result that are needed; pixels outside of them, and those
            of the first result outside of the hole, may be 0.

        Returns
        -------
        tuple of Tensor
            The coarse and the refined result, (N, 3, H, W) in [-1, 1].

        Raises
        ------
        ValueError
            If a side is not a multiple of 8.
        """
        height, width = image.shape[-2:]
        if height % MULTIPLE or width % MULTIPLE:
            raise ValueError(f"DeepFill v2 takes multiples of {MULTIPLE} px, not {width}x{height}")
        x = torch.cat([image, torch.ones_like(mask), mask], dim=1)
        if box is None:
            coarse = torch.tanh(self._run(STAGE_ONE, x))
            return coarse, self._refined(coarse * mask + image * (1 - mask), mask)
        hole = hole_spans((mask != 0).any(dim=0)[0].cpu().numpy())
        coarse = torch.zeros_like(image)
        _cropped(coarse, hole).copy_(torch.tanh(self._run_in(STAGE_ONE, x, hole)))
        refined = torch.zeros_like(image)
        joined = coarse * mask + image * (1 - mask)
        _cropped(refined, box).copy_(self._refined_in(joined, mask, box))
        return coarse, refined

    def _refined(self, joined: Tensor, mask: Tensor) -> Tensor:
        """Return the result of stage two."""
        features = self._run(CONVOLUTION_BRANCH, joined)
        matching = self._run(ATTENTION_BRANCH, joined)
        branch = self._run(AFTER_ATTENTION, self.attend(matching, mask, _whole(matching)))
        return torch.tanh(self._run(MERGED, torch.cat([features, branch], dim=1)))

    def _refined_in(self, joined: Tensor, mask: Tensor, box: Box) -> Tensor:
        """Return the same in a box, computing only what it depends on."""
        size = (joined.shape[-2] // 4, joined.shape[-1] // 4)
        merged = needed_boxes(self._layers(MERGED), size, box)[0]
        rebuilt = needed_boxes(self._layers(AFTER_ATTENTION), size, merged)[0]
        everywhere = Span(0, size[0]), Span(0, size[1])
        matching = self._run_in(ATTENTION_BRANCH, joined, everywhere)
        attended = self.attend(matching, mask, rebuilt)
        features = self._run_in(CONVOLUTION_BRANCH, joined, merged)
        branch = self._run_in(AFTER_ATTENTION, attended, merged)
        part = Part(torch.cat([features, branch], dim=1), merged, size)
        return torch.tanh(run_chain(self._layers(MERGED), part, box).values)

    def _run(self, layers: tuple[Layer, ...], x: Tensor) -> Tensor:
        for module in self._layers(layers):
            x = module(x)
        return x

    def _run_in(self, layers: tuple[Layer, ...], x: Tensor, box: Box) -> Tensor:
        """Return the output of layers in a box, from the whole input of the first one."""
        part = Part(x, _whole(x), (x.shape[-2], x.shape[-1]))
        return run_chain(self._layers(layers), part, box).values

    def _layers(self, layers: tuple[Layer, ...]) -> list[GatedConv | UpGatedConv]:
        return [self.get_submodule(layer.name) for layer in layers]  # type: ignore[misc]

    def attend(self, features: Tensor, mask: Tensor, box: Box) -> Tensor:
        """Return features rebuilt from patches outside the hole.

        Parameters
        ----------
        features
            (N, C, H / 4, W / 4).
        mask
            (N, 1, H, W), 1 = hole.
        box
            Rows and columns of the features that are needed.

        Returns
        -------
        Tensor
            (N, C, H / 4, W / 4).
        """
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
        # Its softmax over all patches needs float32 also where convolutions have less.
        with torch.autocast(features.device.type, enabled=False):
            return contextual_attention(
                features.float(),
                features.float(),
                (reduced.float(), reduced.float()),
                hole[0, 0],
                fuse=self.variant != "converted",
                box=box,
                block=self.block,
            )


def _whole(x: Tensor) -> Box:
    return Span(0, x.shape[-2]), Span(0, x.shape[-1])


def _cropped(x: Tensor, box: Box) -> Tensor:
    return x[..., slice(*box[0]), slice(*box[1])]
