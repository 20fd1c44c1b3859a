"""The refinement network of the two-stage method: a U-Net that sees the coarse result at full
resolution and four shifted copies of it."""

from __future__ import annotations

from torch import Tensor, nn

from methods.architectures.spans import Span
from methods.architectures.two_stage_input import INPUTS, MULTIPLE
from methods.architectures.unet import InputAt, PlainConv, UNet, relative_sigmoid

IMAGE = slice(1, 4)
# Channels and kernel of each encoder block.
ENCODER = ((96, 7), (192, 5), (384, 5), (512, 3), (512, 3), (512, 3), (512, 3), (512, 3))


class RefinementNet(UNet):
    """The network of the paper.

    Parameters
    ----------
    width
        Factor of the encoder's channels; 1.0 is the published size (36,858,507 parameters).
    relative
        Whether the network predicts a change of the coarse image instead of the image itself;
        False is the published network.

    References
    ----------
    A. Moskalenko, M. Erofeev, D. Vatolin, Deep Two-Stage High-Resolution Image Inpainting, 2020,
    section 3 and Fig. 2.
    """

    def __init__(self, width: float = 1.0, relative: bool = False) -> None:
        super().__init__(INPUTS, ENCODER, width)
        self.relative = relative
        self.last_conv = nn.Sequential(PlainConv(INPUTS, 3, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Return the image with its hole refilled.

        Parameters
        ----------
        x
            (N, 20, H, W) in [0, 1]: mask, RGB image, four shifted RGB copies, each followed by its
            mask; 1 = hole or outside the frame. Both sides are multiples of 256.

        Returns
        -------
        Tensor
            (N, 3, H, W) RGB in [0, 1]; known pixels are those of the input.

        Raises
        ------
        ValueError
            If a side is not a multiple of 256.
        """
        mask = x[:, :1]
        return mask * self.predict(x) + (1 - mask) * x[:, IMAGE]

    def predict(self, x: Tensor) -> Tensor:
        """Return the network's own image, before known pixels are restored.

        Parameters
        ----------
        x
            As of `forward`.

        Returns
        -------
        Tensor
            (N, 3, H, W) RGB in [0, 1].
        """
        check_size(*x.shape[-2:])
        return self._to_image(self.outputs(x)[0], x[:, IMAGE])

    def predict_in(
        self, input_at: InputAt, size: tuple[int, int], rows: Span, columns: Span
    ) -> Tensor:
        """Return `predict` in a box, computed only where necessary.

        Parameters
        ----------
        input_at
            Returns the input of `forward` in a box, as of `UNet.output_in`.
        size
            Height and width of the whole input.
        rows, columns
            Of the box, in pixels.

        Returns
        -------
        Tensor
            (N, 3, rows, columns) in [0, 1].
        """
        check_size(*size)
        features = self.output_in(input_at, size, rows, columns)
        return self._to_image(features, input_at(rows, columns)[:, IMAGE])

    def _to_image(self, features: Tensor, coarse: Tensor) -> Tensor:
        if self.relative:
            return relative_sigmoid(self.last_conv[0](features), coarse)
        return self.last_conv(features)


def check_size(height: int, width: int) -> None:
    """Raise ValueError if the size cannot be halved eight times."""
    if height % MULTIPLE or width % MULTIPLE:
        raise ValueError(f"RefinementNet takes multiples of {MULTIPLE} px, not {width}x{height}")
