"""Devices of PyTorch, exact arithmetic, and images as tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Mask, MissingRequirementError

# PyTorch takes seconds to import: methods are listed and checked without it.
if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Arithmetic of a network: float32; float32 whose products round their factors to 10 bits of
# mantissa, on GPUs only; or convolutions and products in bfloat16, with 7 bits.
Precision = Literal["float32", "tf32", "bf16"]


def torch_device(name: str) -> torch.device:
    """Return a device of PyTorch.

    Parameters
    ----------
    name
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1"...

    Returns
    -------
    torch.device
        One that was tried.

    Raises
    ------
    MissingRequirementError
        If the machine or the installed PyTorch has no such device.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise MissingRequirementError(f"device {name!r} cannot be used: {reason}") from None
    return device


@contextmanager
def inference(precision: Precision, device: torch.device) -> Iterator[None]:
    """Run inference with some arithmetic.

    Parameters
    ----------
    precision
        "float32" is the same on CPUs and GPUs but for the order of sums; with "tf32" and "bf16"
        whatever stays float32 on a GPU may use TF32.
    device
        Of the network.

    Yields
    ------
    None
        Meanwhile there are no gradients, and cuDNN is deterministic.
    """
    import torch

    allow_tf32 = precision != "float32"
    with (
        torch.inference_mode(),
        torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"),
        torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=allow_tf32
        ),
    ):
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = allow_tf32
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before


def full_precision() -> AbstractContextManager[None]:
    """Return the context of inference in full float32.

    Returns
    -------
    context manager
        Meanwhile there are no gradients and, on a GPU, no TF32 (10-bit mantissa).
    """
    import torch

    return inference("float32", torch.device("cpu"))


def to_tensor(array: Image | Mask, device: torch.device) -> Tensor:
    """Return an image or a mask as a batch of one.

    Parameters
    ----------
    array
        uint8 (H, W, C) or bool (H, W).
    device
        Of the tensor.

    Returns
    -------
    Tensor
        float32 (1, C, H, W) with the same values, (1, 1, H, W) for a mask.
    """
    planes = array[..., None] if array.ndim == 2 else array
    return on_device(np.ascontiguousarray(planes), device).permute(2, 0, 1)[None].float()


def on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor of the same type and shape.

    Parameters
    ----------
    array
        Of any shape, contiguous.
    device
        Of the tensor; to a GPU the array is copied while this process goes on.

    Returns
    -------
    Tensor
        On the CPU it shares the array's memory.
    """
    import torch

    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        # Only from such memory is a copy asynchronous; PyTorch keeps it until the copy is done.
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def pad_to_multiple(tensor: Tensor, multiple: int) -> Tensor:
    """Extend height and width to a multiple, at the bottom and the right.

    Parameters
    ----------
    tensor
        (1, C, H, W).
    multiple
        In pixels.

    Returns
    -------
    Tensor
        (1, C, H', W') with the border repeated.
    """
    from torch.nn.functional import pad

    height, width = tensor.shape[-2:]
    return pad(tensor, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def to_image(tensor: Tensor, rounding: str = "nearest") -> Image:
    """Return a batch of one as an image.

    Parameters
    ----------
    tensor
        Float (1, 3, H, W) in [0, 1]; what lies outside is clipped.
    rounding
        "nearest", or "truncate" like most published test scripts.

    Returns
    -------
    ndarray
        uint8 (H, W, 3).
    """
    values = tensor[0].permute(1, 2, 0) * 255
    if rounding == "nearest":
        values = values.round()
    return values.clamp(0, 255).byte().cpu().contiguous().numpy()
