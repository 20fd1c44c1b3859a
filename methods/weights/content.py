"""Recognise the format of a weights file by its content: suffixes are not reliable."""

from __future__ import annotations

import hashlib
import zipfile
from enum import Enum
from pathlib import Path

from methods.weights import WeightsError

HEAD_BYTES = 4096
# A TensorFlow checkpoint index is a LevelDB table, which ends with this number.
LEVELDB_MAGIC = bytes.fromhex("57fb808b247547db")
# torch.save before version 1.6 starts with this number as a pickle.
LEGACY_MAGIC = bytes.fromhex("8a0a6cfc9c46f9206aa85019")


class Kind(Enum):
    """The format of a file; values are phrases that complete "PATH is ..."."""

    SAFETENSORS = "a safetensors file"
    TORCH = "a PyTorch file"
    TORCH_LEGACY = "a PyTorch file of the old format"
    TF_INDEX = "the index of a TensorFlow checkpoint"
    TF_GRAPH = "a TensorFlow graph"
    MISSING = "not there"
    FOLDER = "a folder"
    EMPTY = "empty"
    HTML = "a web page, which servers send when they do not hand out the file"
    LFS = "a Git LFS pointer, not the file itself (git lfs pull fetches it)"
    CUT_ZIP = "a PyTorch file without its end: the download was cut short"
    TORCHSCRIPT = "a TorchScript network, which the method exchange runs"
    TORCH_EXPORT = "a network of torch.export, which the method exchange runs"
    SAVED_MODEL = "a SavedModel; its weights are in the folder variables beside it, give that"
    ONNX = "an ONNX network, which the method exchange runs"
    ZIP = "a zip archive that PyTorch did not write"
    PICKLE = "a pickle that torch.save did not write"
    HDF5 = "an HDF5 file"
    OTHER = "of no known format"


READABLE = {Kind.SAFETENSORS, Kind.TORCH, Kind.TORCH_LEGACY, Kind.TF_INDEX, Kind.TF_GRAPH}


def kind_of(path: Path) -> Kind:
    """Return the format of a file. Raises WeightsError if it cannot be opened."""
    if not path.exists():
        return Kind.MISSING
    if path.is_dir():
        return Kind.FOLDER
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, 2)
            file.seek(max(0, size - len(LEVELDB_MAGIC)))
            tail = file.read()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from None
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    return Kind.TF_INDEX if tail == LEVELDB_MAGIC else _kind_of_head(head)


def damaged(path: Path, error: Exception) -> WeightsError:
    """Return the error for a file of a known format whose content cannot be read."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return WeightsError(f"{path} is damaged or cut short: {reason}")


def md5(path: Path) -> str:
    """Return the MD5 sum of a file, for those whose authors publish no other."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return digest.hexdigest()


def git_blob(path: Path) -> str:
    """Return the name that git gives to the content of a file, as `git hash-object FILE` does."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest()


def _kind_of_head(head: bytes) -> Kind:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return Kind.EMPTY
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")):
        return Kind.HTML
    if head.startswith(b"version https://git-lfs"):
        return Kind.LFS
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 30:
        return Kind.SAFETENSORS
    if head.startswith(b"\x80"):
        return Kind.TORCH_LEGACY if head[2:14] == LEGACY_MAGIC else Kind.PICKLE
    if head.startswith(b"\x89HDF"):
        return Kind.HDF5
    if _is_graph(head):
        return Kind.TF_GRAPH
    if head.startswith(b"\x08\x01\x12"):
        return Kind.SAVED_MODEL
    # An ONNX file starts with its version (field 1), a small number, then its producer.
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x3a"):
        return Kind.ONNX
    return Kind.OTHER


def _is_graph(head: bytes) -> bool:
    # A serialised GraphDef: a node (field 1), its length, in it the node's name (field 1), the
    # length of the name, its characters.
    position = 1
    while position < len(head) and head[position] & 0x80:
        position += 1
    if head[:1] != b"\n" or head[position + 1 : position + 2] != b"\n":
        return False
    length = int.from_bytes(head[position + 2 : position + 3])
    name = head[position + 3 : position + 3 + length]
    return 0 < length < 0x80 and name.isascii() and name.decode("ascii").isprintable()


def _zip_kind(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return Kind.CUT_ZIP
    if names & {"archive_format", "serialized_exported_program.json"}:
        return Kind.TORCH_EXPORT
    if "constants.pkl" in names:
        return Kind.TORCHSCRIPT
    return Kind.TORCH if "data.pkl" in names else Kind.ZIP
