"""MI-GAN (Sargsyan et al. 2023), as its authors' ONNX pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from methods.published_export import PublishedExport
from methods.weights.content import Kind


@dataclass(kw_only=True)
class Migan(PublishedExport):
    """A small generator at 512 px, on a square around the holes.

    The square, the change of its size and the blending are in the file, which takes and returns
    whole images in 0..255; its mask is 255 where the image is known.

    Parameters
    ----------
    weights
        Path of migan_pipeline_v2.onnx; by default the file that `python -m methods fetch migan`
        stored.

    References
    ----------
    A. Sargsyan, S. Navasardyan, X. Xu, H. Shi, MI-GAN: A Simple Baseline for Image Inpainting on
    Mobile Devices, ICCV 2023.
    """

    name: ClassVar[str] = "migan"
    summary: ClassVar[str] = "MI-GAN at 512 px around the hole (Sargsyan et al. 2023)"
    requires: ClassVar[dict[str, str]] = {"onnxruntime": "onnxruntime"}
    weights_name: ClassVar[str] = "migan"
    kind: ClassVar[Kind] = Kind.ONNX
    described: ClassVar[dict[str, Any]] = {
        "inputs": ["image", "mask"],
        "image_range": (0.0, 255.0),
        "output_range": (0.0, 255.0),
        "mask_values": (255.0, 0.0),
    }
