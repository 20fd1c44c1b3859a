"""Convert TensorFlow checkpoints and frozen graphs to safetensors.

Only the conversion needs TensorFlow (optional extra `tensorflow`), once for each file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from methods.base import MissingRequirementError
from methods.files import replacing
from methods.libraries import extra_installation
from methods.weights import WeightsError
from methods.weights.content import Kind, damaged

Variables = dict[str, NDArray[Any]]
INSTALL = extra_installation("tensorflow")
INDEX = ".index"
PART = re.compile(r"(.+)(?:\.index|\.meta|\.data-\d{5}-of-\d{5})")
SHARD = re.compile(r"\.data-\d{5}-of-(\d{5})")
# Files that name the last of several checkpoints; DeepFill v2 publishes a renamed one.
POINTERS = ("checkpoint", "checkpoint.txt")
POINTED = re.compile(r'^model_checkpoint_path:\s*"([^"]+)"', re.MULTILINE)


def checkpoint_files(path: Path) -> list[Path] | None:
    """Return all files of a checkpoint, its index first; None if `path` belongs to none. `path` is
    any file of it, their common prefix, the file `checkpoint` or their folder."""
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
    for name in POINTERS:
        pointer = folder / name
        if not pointer.is_file():
            continue
        if match := POINTED.search(pointer.read_text(encoding="utf-8", errors="replace")):
            # Often a path on the machine that trained: only the file name is valid here.
            return folder / (re.split(r"[\\/]", match.group(1))[-1] + INDEX)
    indices = sorted(folder.glob(f"*{INDEX}"))
    if len(indices) > 1:
        names = ", ".join(index.name for index in indices)
        raise WeightsError(f"{folder} holds several checkpoints ({names}); give one of them")
    return indices[0] if indices else None


def convert(source: Path, kind: Kind, sha256: str, target: Path) -> None:
    """Write all variables of a checkpoint (its index) or a frozen graph as safetensors, under the
    names and in the layout (convolution kernels H, W, in, out) of TensorFlow."""
    read = _checkpoint if kind is Kind.TF_INDEX else _frozen_graph
    tensorflow = _tensorflow(source)
    try:
        variables = _numeric(read(source, tensorflow))
    except Exception as error:  # TensorFlow and protobuf raise exceptions of many types
        raise damaged(source, error) from None
    if not variables:
        raise WeightsError(f"{source} is {kind.value}, but holds no weights")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Several processes may convert the same file at the same time.
    from filelock import FileLock
    from safetensors.numpy import save_file

    with FileLock(target.with_name(f".{target.name}.lock")), replacing(target) as (part,):
        save_file(variables, part, {"source": source.name, "source_sha256": sha256})


def _tensorflow(source: Path) -> Any:
    # Do not print TensorFlow's message about processor features.
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
    reader = tf.train.load_checkpoint(str(index).removesuffix(INDEX))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def _frozen_graph(path: Path, tf: Any) -> Variables:
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(path.read_bytes())
    # Freezing turns every variable into a constant of the same name, read through an Identity,
    # which graph optimisers may remove; most other constants are single numbers.
    read = {node.input[0] for node in graph.node if node.op == "Identity" and node.input}
    constants = {
        node.name: tf.make_ndarray(node.attr["value"].tensor)
        for node in graph.node
        if node.op == "Const"
    }
    return {
        name: array
        for name, array in constants.items()
        if array.dtype.kind == "f" and (array.ndim or name in read)
    }


def _numeric(variables: Variables) -> Variables:
    """Return the variables of number types: TensorFlow 2 also stores descriptions as bytes."""
    arrays = {name: np.asarray(value, order="C") for name, value in variables.items()}
    return {name: array for name, array in arrays.items() if array.dtype.kind in "fiu"}
