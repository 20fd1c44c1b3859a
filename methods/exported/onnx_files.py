"""Networks in ONNX files, run by ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from methods.base import MethodError, MissingRequirementError
from methods.exported.errors import failure, said
from methods.exported.format import Network, Outputs, Port

# The name of a file in a serialised ONNX network: a key, then the length of the name, of which a
# byte has seven bits, the lowest first.
LOCATION = re.compile(rb"\n\x08location\x12([\x80-\xff]?[\x01-\x7f])")
# ONNX Runtime's names that differ from NumPy's.
TYPES = {"float": "float32", "double": "float64"}
# The exception has the same text, which goes to the log of the case.
NO_MESSAGES = 4


def load(path: Path, device: str) -> Network:
    """Load an ONNX network.

    Raises
    ------
    MissingRequirementError
        If ONNX Runtime, or its CUDA version for a GPU, is not installed.
    MethodError
        If the file is no network that ONNX Runtime can run.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingRequirementError(
            f"exchange cannot import onnxruntime ({error}): pip install onnxruntime"
        ) from None
    available = onnxruntime.get_available_providers()
    if device.startswith("cuda") and "CUDAExecutionProvider" not in available:
        raise MissingRequirementError(
            f"device {device!r}: this onnxruntime has no CUDA; pip install onnxruntime-gpu"
        )
    providers = ["CPUExecutionProvider"] if device == "cpu" else available
    options = onnxruntime.SessionOptions()
    options.log_severity_level = NO_MESSAGES
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        reason = said(str(error))
        raise MethodError(f"{path} is not an ONNX network that can be run: {reason}") from None
    inputs, outputs = (
        tuple(_port(item) for item in items)
        for items in (session.get_inputs(), session.get_outputs())
    )

    def run(arrays: Mapping[str, NDArray[Any]]) -> Outputs:
        try:
            results = session.run(None, dict(arrays))
        except Exception as error:
            raise failure(path, error) from None
        return {port.name: result for port, result in zip(outputs, results, strict=True)}

    return Network(path, "ONNX", inputs, outputs, run)


def external_data(path: Path) -> list[Path]:
    """Return the files beside an ONNX file in which it stores weights (`x.onnx.data`)."""
    if path.stat().st_size == 0:
        return []
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        names = {
            content[match.end() : match.end() + _length(match[1])].decode(errors="replace")
            for match in LOCATION.finditer(content)
        }
    files = (path.parent / name for name in sorted(names))
    return [file for file in files if file.is_file()]


def _length(number: bytes) -> int:
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(number))


def _port(item: Any) -> Port:
    """Return an input or output of a session; its type is written as "tensor(float)"."""
    dtype = item.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int | str) else "any" for size in item.shape)
    return Port(item.name, TYPES.get(dtype, dtype), shape)
