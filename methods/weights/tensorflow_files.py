"""TensorFlow checkpoints and frozen graphs, converted to safetensors.

TensorFlow is needed for this only, once for each file: the optional extra `tensorflow`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from methods.base import MissingRequirementError
from methods.weights.content import Kind
from methods.weights.errors import WeightsError

Variables = dict[str, NDArray[Any]]
INSTALL = "pip install .[tensorflow]"
INDEX = ".index"
PART = re.compile(r"(.+)(?:\.index|\.meta|\.data-\d{5}-of-\d{5})")
SHARD = re.compile(r"\.data-\d{5}-of-(\d{5})")
# Written beside a checkpoint to tell which of several is the last; DeepFill's was renamed.
POINTERS = ("checkpoint", "checkpoint.txt")
POINTED = re.compile(r'^model_checkpoint_path:\s*"([^"]+)"', re.MULTILINE)


def checkpoint_files(path: Path) -> list[Path] | None:
    """All files of the checkpoint that `path` means, its index first; None if it means none.

    path: any file of the checkpoint, their common prefix, the file `checkpoint` or their folder.
    Raises WeightsError if a part of it is missing or a folder holds several."""
    index = _index(path)
    if index is None or (index == path and not path.exists()):
        return None
    if not index.is_file():
        raise WeightsError(f"{path} is part of a checkpoint whose index {index} is not there")
    prefix = index.name.removesuffix(INDEX)
    shards = [
        other
        for other in sorted(index.parent.iterdir())
        if other.name.startswith(prefix) and SHARD.fullmatch(other.name[len(prefix) :])
    ]
    expected = int(shards[0].name[-5:]) if shards else 1
    if len(shards) != expected:
        raise WeightsError(
            f"{index}: {len(shards)} of the checkpoint's {expected} data files are there, "
            f"{prefix}.data-NNNNN-of-{expected:05d} beside it"
        )
    return [index, *shards]


def _index(path: Path) -> Path | None:
    if path.is_dir():
        return _index_in(path)
    if path.name in POINTERS and path.is_file():
        return _index_in(path.parent)
    part = PART.fullmatch(path.name)
    prefix = part.group(1) if part else path.name
    index = path.with_name(prefix + INDEX)
    if part is None and (path.exists() or not index.is_file()):
        return None
    return index


def _index_in(folder: Path) -> Path | None:
    for pointer in POINTERS:
        file = folder / pointer
        found = POINTED.search(file.read_text(errors="replace")) if file.is_file() else None
        if found:
            # Often the path on the machine that trained: only the name counts.
            return folder / (re.split(r"[\\/]", found.group(1))[-1] + INDEX)
    indices = sorted(folder.glob(f"*{INDEX}"))
    if len(indices) > 1:
        names = ", ".join(index.name for index in indices)
        raise WeightsError(f"{folder} holds several checkpoints ({names}); give one of them")
    return indices[0] if indices else None


def convert(source: Path, kind: Kind, sha256: str, target: Path) -> None:
    """Write all variables of `source` to `target` as safetensors, under their names and in the
    layout that they have in TensorFlow (convolution kernels H, W, in, out).

    Raises MissingRequirementError without TensorFlow, WeightsError if there is nothing to read."""
    read = _checkpoint if kind is Kind.TF_INDEX else _frozen_graph
    variables = read(source, _tensorflow(source))
    if not variables:
        raise WeightsError(f"{source} is {kind.value}, but holds no weights")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Another process may be writing the same: each its own file, the last one stays.
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        save_file(variables, partial, {"source": source.name, "source_sha256": sha256})
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _tensorflow(source: Path) -> Any:
    # Its greeting about processor features is no news to the user of a benchmark.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow
    except ImportError as error:
        raise MissingRequirementError(
            f"{source} is TensorFlow's and is converted on first use, which needs TensorFlow once: "
            f"{INSTALL} ({error})"
        ) from None
    return tensorflow


def _checkpoint(index: Path, tf: Any) -> Variables:
    def variables() -> Variables:
        reader = tf.train.load_checkpoint(str(index).removesuffix(INDEX))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}

    return _numeric(_read(variables, index))


def _frozen_graph(path: Path, tf: Any) -> Variables:
    def constants() -> Variables:
        graph = tf.compat.v1.GraphDef()
        graph.ParseFromString(path.read_bytes())
        # Freezing makes every variable a constant of its name, read through an Identity, which
        # optimising a graph may have removed again; other constants are mostly single numbers.
        read = {node.input[0] for node in graph.node if node.op == "Identity" and node.input}
        arrays = {
            node.name: tf.make_ndarray(node.attr["value"].tensor)
            for node in graph.node
            if node.op == "Const"
        }
        return {name: array for name, array in arrays.items() if array.ndim or name in read}

    found = _numeric(_read(constants, path))
    return {name: array for name, array in found.items() if array.dtype.kind == "f"}


def _read(variables: Callable[[], Variables], path: Path) -> Variables:
    try:
        return variables()
    except Exception as error:  # TensorFlow's and protobuf's own, of many kinds
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WeightsError(f"{path} is damaged or cut short: {reason}") from None


def _numeric(variables: Variables) -> Variables:
    """Those of number types: TensorFlow 2 also stores a description of its objects, as bytes."""
    arrays = {name: np.asarray(value) for name, value in variables.items()}
    return {
        name: np.ascontiguousarray(array).reshape(array.shape)
        for name, array in arrays.items()
        if array.dtype.kind in "fiu"
    }
