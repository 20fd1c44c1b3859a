"""LaMa, big-lama (Suvorov et al. 2022), as exported to TorchScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from methods.published_export import PublishedExport
from methods.weights.content import Kind


@dataclass(kw_only=True)
class Lama(PublishedExport):
    """Fourier convolutions at the image's own size.

    As in the authors' ``bin/predict.py``: sides padded to multiples of 8 by mirroring, values from
    0 to 1, mask 1 in the hole, the result times 255 truncated.

    Parameters
    ----------
    weights
        Path of big-lama.pt; by default the file that `python -m methods fetch lama` stored.

    References
    ----------
    R. Suvorov, E. Logacheva, A. Mashikhin, A. Remizova, A. Ashukha, A. Silvestrov, N. Kong,
    H. Goka, K. Park, V. Lempitsky, Resolution-robust Large Mask Inpainting with Fourier
    Convolutions, WACV 2022, arXiv:2109.07161.
    """

    name: ClassVar[str] = "lama"
    summary: ClassVar[str] = "big-lama: Fourier convolutions (Suvorov et al. 2022)"
    requires: ClassVar[dict[str, str]] = {"torch": "torch"}
    weights_name: ClassVar[str] = "lama"
    kind: ClassVar[Kind] = Kind.TORCHSCRIPT
    described: ClassVar[dict[str, Any]] = {
        "inputs": ["image", "mask"],
        "mask_dtype": "int64",
        "image_range": (0.0, 1.0),
        "output_range": (0.0, 1.0),
        "multiple": 8,
        "padding": "symmetric",
        "rounding": "truncate",
    }
