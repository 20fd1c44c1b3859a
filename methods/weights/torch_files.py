"""Tensors from what torch.save wrote, without running anything that the file says to run."""

from __future__ import annotations

import collections
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import torch
from torch import Tensor

from methods.weights.errors import WeightsError

# Under which training scripts keep the generator's tensors, besides optimisers and the like.
WRAPPERS = ("state_dict", "model_state_dict", "model", "netG", "G", "generator", "net", "params")
# What torch.nn.DataParallel puts before every name.
PARALLEL = "module."

# All that a pickle may call or make: tensors and the dictionary that holds them.
ADMITTED = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
}


class Inert:
    """Stands for every object that is not a tensor: takes whatever a pickle does, does nothing."""

    # Asked of pickled networks whose source is in the file: write no patch of it.
    dump_patches = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Inert:
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        pass

    def extend(self, values: Any) -> None:
        pass

    def add(self, value: Any) -> None:
        pass


class RestrictedUnpickler(pickle.Unpickler):
    """An unpickler that can make tensors and plain containers; anything else becomes Inert."""

    def find_class(self, module: str, name: str) -> Any:
        return ADMITTED.get((module, name), Inert)


def _load(file: IO[bytes], **options: Any) -> Any:
    return RestrictedUnpickler(file, **options).load()


# In the place of the module `pickle`, which torch.load takes as an argument.
RESTRICTED = SimpleNamespace(__name__="restricted", Unpickler=RestrictedUnpickler, load=_load)


def read(path: Path) -> dict[str, Tensor]:
    """All tensors in a file of torch.save, zipped or legacy, by name.

    What old checkpoints hold besides (options, optimisers, numbers) is left out, unseen.
    Raises WeightsError if the file is damaged or holds no named tensors."""
    return named_tensors(_content(path), path)


def _content(path: Path) -> Any:
    # Opened here: of a path, torch.load looks at the suffix as well.
    try:
        with path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception:
        # Other objects than tensors, or a damaged file: the next reader tells which.
        pass
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            # That the source of a pickled class has changed: none is loaded.
            warnings.simplefilter("ignore")
            return torch.load(
                file, map_location="cpu", weights_only=False, pickle_module=RESTRICTED
            )
    except Exception as error:  # a damaged pickle can end in any of them
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WeightsError(f"{path} is damaged or cut short: {reason}") from None


def named_tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """The tensors of one network in what a file holds, found under the usual names for them.

    Raises WeightsError if there are none, or those of several networks."""
    if isinstance(content, Mapping):
        inner = _wrapped(content, path)
        if inner is not None:
            return named_tensors(inner, path)
        found = _tensors(content)
        if found:
            return _without_parallel(found)
    raise WeightsError(f"{path} holds no tensors by name, but {_words(content)}")


def _wrapped(content: Mapping[Any, Any], path: Path) -> Mapping[Any, Any] | None:
    """The part of `content` with a network's tensors, None if they are directly in it."""
    for key in WRAPPERS:
        if isinstance(content.get(key), Mapping):
            return content[key]
    if _tensors(content):
        return None
    inner = {key: part for key, part in content.items() if _holds_tensors(part)}
    if len(inner) > 1:
        names = ", ".join(map(str, inner))
        raise WeightsError(f"{path} holds several networks ({names}); save the one that is meant")
    return next(iter(inner.values()), None)


def _tensors(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    return {
        name: tensor.detach()
        for name, tensor in content.items()
        if isinstance(name, str) and isinstance(tensor, Tensor)
    }


def _holds_tensors(part: Any) -> bool:
    return isinstance(part, Mapping) and bool(_tensors(part))


def _without_parallel(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if not all(name.startswith(PARALLEL) for name in tensors):
        return tensors
    return {name.removeprefix(PARALLEL): tensor for name, tensor in tensors.items()}


def _words(content: Any) -> str:
    if isinstance(content, Inert):
        return "a whole object; save its state_dict() instead"
    if isinstance(content, Mapping):
        keys = ", ".join(map(str, list(content)[:5])) or "nothing"
        return f"a dictionary of {keys}"
    return f"a {type(content).__name__}"
