"""Finding and reading weights files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from methods.base import MissingRequirementError
from methods.files import sha256
from methods.weights import registry, store, tensorflow_files, torch_files
from methods.weights.content import READABLE, Kind, kind_of
from methods.weights.errors import WeightsError

EXPECTED = "a PyTorch, safetensors or TensorFlow weights file was expected"


@dataclass(frozen=True)
class WeightsFile:
    """A weights file on this machine. path: of a TensorFlow checkpoint its index; sha256: of the
    file's bytes, of a checkpoint those of its index and its data files, one after the other."""

    path: Path
    sha256: str


def find(name: str, given: str | None) -> WeightsFile:
    """The weights called `name`: the file `given` by the user, else the one that was fetched.

    given: a path, or the name of a variant that was fetched ("celeba"). Of a TensorFlow
    checkpoint any file, the prefix or the folder.
    Raises WeightsError if `given` is not there or a fetched file has changed,
    MissingRequirementError with the command that fetches them if there are none."""
    published = registry.load().weights.get(name)
    variants = published.variants if published else {}
    if given is not None and (given not in variants or Path(given).exists()):
        return _given(name, given)
    if published is None:
        raise MissingRequirementError(f"{name} needs its weights: --weights {name}=PATH")
    variant = given or published.default
    path = store.stored(name, variant, variants[variant])
    if path is None:
        raise MissingRequirementError(_how_to_get(name, variant, published))
    for file in variants[variant].files:
        _check_unchanged(store.place(name, variant, file), name, variant)
    return _described(path)


def _given(name: str, given: str) -> WeightsFile:
    path = Path(given).expanduser()
    found = _described(path)
    kind = kind_of(found.path)
    if kind not in READABLE:
        raise WeightsError(f"weights of {name}: {_why_not(found.path, kind)}")
    return found


def _described(path: Path) -> WeightsFile:
    files = tensorflow_files.checkpoint_files(path) or [path]
    if not files[0].is_file():
        return WeightsFile(path, "")
    try:
        return WeightsFile(files[0], sha256(*files))
    except OSError as error:
        raise WeightsError(f"{files[0]} cannot be read: {error.strerror}") from None


def _why_not(path: Path, kind: Kind) -> str:
    begins = ""
    if kind is Kind.OTHER:
        with path.open("rb") as file:
            begins = f" (it begins with {file.read(8)!r})"
    return f"{path} is {kind.value}{begins}; {EXPECTED}"


def fetch_command(name: str, variant: str, published: registry.Weights) -> str:
    """What to type to fetch these weights."""
    option = "" if variant == published.default else f" --variant {variant}"
    return f"python -m methods fetch {name}{option}"


def _how_to_get(name: str, variant: str, published: registry.Weights) -> str:
    size = registry.megabytes(published.variants[variant].size)
    return (
        f"{name} needs its weights: {fetch_command(name, variant, published)} "
        f"({size}, {published.weights_licence}), or --weights {name}=PATH"
    )


def _check_unchanged(path: Path, name: str, variant: str) -> None:
    record = store.record_of(path)
    if record is not None and sha256(path) != record.sha256:
        command = fetch_command(name, variant, registry.load().weights[name])
        raise WeightsError(f"{path} has changed since it was fetched; get it again: {command}")


def read(path: Path) -> dict[str, Tensor]:
    """All tensors of a weights file by name, on the CPU, as they are in the file; only a wrapping
    dictionary and the prefix "module." are taken off. Nothing that a file says to run is run.

    path: PyTorch, safetensors, or TensorFlow, whose files are converted on first use.
    Raises WeightsError for anything else, MissingRequirementError if TensorFlow is needed."""
    kind = kind_of(path)
    if kind in (Kind.TORCH, Kind.TORCH_LEGACY):
        return torch_files.read(path)
    if kind is Kind.SAFETENSORS:
        return _safetensors(path)
    if kind in (Kind.TF_INDEX, Kind.TF_GRAPH):
        return _safetensors(_converted(path, kind))
    raise WeightsError(_why_not(path, kind))


def metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; empty for other formats."""
    if kind_of(path) is not Kind.SAFETENSORS:
        return {}
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise WeightsError(_damaged(path, error)) from None


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return torch_files.named_tensors(load_file(path), path)
    except SafetensorError as error:
        raise WeightsError(_damaged(path, error)) from None


def _damaged(path: Path, error: SafetensorError) -> str:
    return f"{path} is damaged or cut short: {str(error).splitlines()[0]}"


def _converted(path: Path, kind: Kind) -> Path:
    source = _described(path)
    target = store.converted(source.sha256)
    if not target.is_file():
        try:
            tensorflow_files.convert(source.path, kind, source.sha256, target)
        except OSError as error:
            raise WeightsError(f"{target} cannot be written: {error.strerror}") from None
    return target


def check_state(state: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raise WeightsError unless `state` has exactly the names and shapes expected.

    The message says what is missing, too much or of another shape, with an example of each, and
    which known network the tensors look like."""
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    missing = [name for name in expected if name not in shapes]
    surplus = [name for name in shapes if name not in expected]
    other = [name for name in expected if name in shapes and shapes[name] != expected[name]]
    problems = [
        *([f"{len(missing)} missing ({missing[0]})"] if missing else []),
        *([f"{len(surplus)} not expected ({surplus[0]})"] if surplus else []),
        *([_other_shapes(other, shapes, expected)] if other else []),
    ]
    if not problems:
        return
    raise WeightsError(
        f"not this network's weights: {len(expected)} tensors expected, {len(shapes)} found, "
        f"{', '.join(problems)}{_other_network(shapes, expected)}"
    )


def _other_shapes(
    names: list[str], found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]
) -> str:
    name = names[0]
    return f"{len(names)} of another shape ({name} is {found[name]}, not {expected[name]})"


def _other_network(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]
) -> str:
    known = registry.load()
    name = registry.look_alike(found, known)
    if name is None or name == registry.look_alike(expected, known):
        return ""
    return f"; they look like those of {known.weights[name].title} (--weights {name}=PATH)"
