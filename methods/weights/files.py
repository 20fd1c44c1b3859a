"""Find, read and check weights files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from safetensors import SafetensorError, safe_open

from methods.base import MissingRequirementError
from methods.files import sha256
from methods.weights import WeightsError, registry, store, tensorflow_files
from methods.weights.content import READABLE, Kind, damaged, kind_of

# PyTorch takes seconds to import: files are found and checked without it.
if TYPE_CHECKING:
    from torch import Tensor, nn

EXPECTED = "a PyTorch, safetensors or TensorFlow weights file was expected"
Shapes = Mapping[str, tuple[int, ...]]
State = Mapping[str, "Tensor"]
N = TypeVar("N", bound="nn.Module")


@dataclass(frozen=True)
class WeightsFile:
    """A weights file on this machine."""

    path: Path  # of a TensorFlow checkpoint, its index
    parts: tuple[Path, ...]  # of a TensorFlow checkpoint, its index, then its data files

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all parts one after the other, "" without parts.

        Raises
        ------
        WeightsError
            If one cannot be read.
        """
        try:
            return sha256(*self.parts) if self.parts else ""
        except OSError as error:
            raise WeightsError(f"{self.path} cannot be read: {error.strerror}") from None


def find(
    name: str, path_or_variant: str | None, readable: Collection[Kind] = READABLE
) -> WeightsFile:
    """Return the weights file that a method is to use.

    Parameters
    ----------
    name
        Name of the weights in the registry.
    path_or_variant
        A path given by the user, or the name of a fetched variant ("celeba"); None for the default
        variant. A TensorFlow checkpoint is given by any of its files, its prefix or its folder.
    readable
        The formats that a given file may have.

    Raises
    ------
    WeightsError
        If the given file is unusable, or a fetched file has changed.
    MissingRequirementError
        If the weights have not been fetched; the message has the command that fetches them.
    """
    published = registry.load().weights.get(name)
    variants = published.variants if published else {}
    if path_or_variant is not None:
        path = Path(path_or_variant).expanduser()
        if path_or_variant not in variants or Path(path_or_variant).exists():
            return _user_file(name, path, readable)
    if published is None:
        raise MissingRequirementError(f"{name} needs its weights: --weights {name}=PATH")
    variant = path_or_variant or published.default
    command = fetch_command(name, variant, published)
    stored = store.places(name, variant, variants[variant])
    if not all(path.is_file() for path in stored):
        size = registry.readable_size(variants[variant].size)
        raise MissingRequirementError(
            f"{name} needs its weights: {command} ({size}, {published.weights_licence}), "
            f"or --weights {name}=PATH"
        )
    for path in stored:
        record = store.record_of(path)
        if record is not None and sha256(path) != record.sha256:
            raise WeightsError(
                f"{path} has changed since it was fetched; fetch it again: {command}"
            )
    return _weights_file(stored[0])


def is_fetched(name: str) -> bool:
    """Return whether the default variant of these weights is on this machine."""
    published = registry.load().weights[name]
    files = store.places(name, published.default, published.variants[published.default])
    return all(path.is_file() for path in files)


def fetch_command(name: str, variant: str, published: registry.Weights) -> str:
    """Return the command that fetches a variant."""
    option = "" if variant == published.default else f" --variant {variant}"
    return f"python -m methods fetch {name}{option}"


def read(path: Path) -> dict[str, Tensor]:
    """Return all tensors of a weights file by name, on the CPU.

    A wrapping dictionary and the prefix "module." are removed. Code in the file is never run.

    Parameters
    ----------
    path
        A PyTorch, safetensors or TensorFlow file; the last is converted on first use.

    Raises
    ------
    WeightsError
        If the file has another format or is damaged.
    MissingRequirementError
        If TensorFlow is needed and not installed.
    """
    kind = kind_of(path)
    if kind in (Kind.TORCH, Kind.TORCH_LEGACY):
        from methods.weights import torch_files

        return torch_files.read(path)
    if kind is Kind.SAFETENSORS:
        return _read_safetensors(path)
    if kind in (Kind.TF_INDEX, Kind.TF_GRAPH):
        return _read_safetensors(_converted(path, kind))
    raise WeightsError(_why_unusable(path, kind))


def metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file; empty for other formats."""
    if kind_of(path) is not Kind.SAFETENSORS:
        return {}
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise damaged(path, error) from None


def check_state(state: Mapping[str, Tensor], expected: Shapes) -> None:
    """Raise WeightsError unless a state dict has exactly the expected names and shapes; its message
    has an example of each difference and the network whose weights these seem to be."""
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    missing = [name for name in expected if name not in shapes]
    surplus = [name for name in shapes if name not in expected]
    other = [name for name in expected if name in shapes and shapes[name] != expected[name]]
    problems = []
    if missing:
        problems.append(f"{len(missing)} missing ({missing[0]})")
    if surplus:
        problems.append(f"{len(surplus)} not expected ({surplus[0]})")
    if other:
        example = f"{other[0]} is {shapes[other[0]]}, not {expected[other[0]]}"
        problems.append(f"{len(other)} of another shape ({example})")
    if problems:
        raise WeightsError(
            f"not this network's weights: {len(expected)} tensors expected, {len(shapes)} found, "
            f"{', '.join(problems)}{_other_network(shapes, expected)}"
        )


def built(make: Callable[[], N], state: State) -> N:
    """Make a network with the tensors of a state dict, without random weights first.

    Parameters
    ----------
    make
        Returns the network; called where new tensors get no memory.
    state
        Tensors by name, of any floating-point type; the network shares those of its own type.

    Returns
    -------
    Module
        The network with these tensors.

    Raises
    ------
    WeightsError
        If any name or shape differs.
    """
    import torch

    with torch.device("meta"):
        network = make()
    own = network.state_dict()
    check_state(state, {n: tuple(t.shape) for n, t in own.items()})
    converted = {n: t.to(own[n].dtype) for n, t in state.items()}
    network.load_state_dict(converted, strict=True, assign=True)
    return network


def load_state(network: N, state: State) -> N:
    """Load a state dict strictly.

    Parameters
    ----------
    network
        Changed in place.
    state
        Name -> tensor.

    Returns
    -------
    torch.nn.Module
        The network.

    Raises
    ------
    WeightsError
        If any name or shape differs.
    """
    check_state(state, {n: tuple(t.shape) for n, t in network.state_dict().items()})
    network.load_state_dict(dict(state), strict=True)
    return network


def _other_network(shapes: Shapes, expected: Shapes) -> str:
    for name, weights in registry.load().weights.items():
        if weights.marker in shapes and weights.marker not in expected:
            return f"; they look like those of {weights.title} (--weights {name}=PATH)"
    return ""


def _user_file(name: str, path: Path, readable: Collection[Kind]) -> WeightsFile:
    file = _weights_file(path)
    # Now, of what the user means: the file may change before its SHA-256 is asked for.
    _ = file.sha256
    if (kind := kind_of(file.path)) not in readable:
        expected = EXPECTED if readable is READABLE else _expected(readable)
        raise WeightsError(f"weights of {name}: {_why_unusable(file.path, kind, expected)}")
    return file


def _weights_file(path: Path) -> WeightsFile:
    files = tensorflow_files.checkpoint_files(path) or [path]
    if not files[0].is_file():
        return WeightsFile(path, ())
    return WeightsFile(files[0], tuple(files))


def _expected(readable: Collection[Kind]) -> str:
    names = {Kind.TORCHSCRIPT: "TorchScript", Kind.ONNX: "ONNX"}
    return f"a file in the format {' or '.join(names[kind] for kind in readable)} was expected"


def _why_unusable(path: Path, kind: Kind, expected: str = EXPECTED) -> str:
    begins = ""
    if kind is Kind.OTHER:
        with path.open("rb") as file:
            begins = f" (it begins with {file.read(8)!r})"
    return f"{path} is {kind.value}{begins}; {expected}"


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    from methods.weights import torch_files

    try:
        return torch_files.named_tensors(load_file(path), path)
    except SafetensorError as error:
        raise damaged(path, error) from None


def _converted(path: Path, kind: Kind) -> Path:
    source = _weights_file(path)
    target = store.converted(source.sha256)
    if not target.is_file():
        try:
            tensorflow_files.convert(source.path, kind, source.sha256, target)
        except OSError as error:
            raise WeightsError(f"{target} cannot be written: {error.strerror}") from None
    return target
