"""Files of exported networks: which format, its content, and what is mistaken for a network."""

from __future__ import annotations

from pathlib import Path

from methods.base import MethodError
from methods.exported import onnx_files
from methods.exported.format import Network
from methods.files import sha256
from methods.weights.content import Kind, kind_of

WEIGHTS_ONLY = (
    "it has weights only, no network; export the network with torch.onnx.export or torch.export, "
    "or write a method (docs/add_a_method.md)"
)
# What is taken for a network and certainly is none.
MISTAKEN = {
    Kind.EMPTY: "the file is empty",
    Kind.LFS: "it is a Git LFS pointer; fetch the file itself: git lfs pull",
    Kind.HTML: "it is a web page; download the file itself",
    Kind.TORCH_LEGACY: WEIGHTS_ONLY,
    Kind.PICKLE: WEIGHTS_ONLY,
}


def load(path: Path, device: str) -> Network:
    """Load a network: .onnx by its suffix, the formats of PyTorch by their content.

    Parameters
    ----------
    path
        The file.
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1"...

    Raises
    ------
    MissingRequirementError
        If something must be installed first.
    MethodError
        If the file is no network; the message says what it is instead, if that is known.
    """
    is_onnx = path.suffix.lower() == ".onnx"
    content = kind_of(path)
    if mistaken := MISTAKEN.get(content):
        kind = "not an ONNX network that can be run" if is_onnx else "neither .onnx nor TorchScript"
        raise MethodError(f"{path} is {kind}: {mistaken}")
    if is_onnx:
        return onnx_files.load(path, device)
    from methods.exported import torch_files

    if content is Kind.TORCH_EXPORT:
        return torch_files.load_exported(path, device)
    if content is Kind.TORCH:
        raise torch_files.unreadable(path, WEIGHTS_ONLY)
    return torch_files.load_script(path, device)


def content_sha256(path: Path) -> str:
    """Return the SHA-256 of a network, with the files beside it that have its weights."""
    is_onnx = path.suffix.lower() == ".onnx"
    return sha256(path, *(onnx_files.external_data(path) if is_onnx else ()))
