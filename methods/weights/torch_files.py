"""Read files of torch.save without executing code that they contain."""

from __future__ import annotations

import collections
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from methods.weights import WeightsError
from methods.weights.content import damaged

# Keys under which training scripts store the generator, beside optimisers and the like.
WRAPPERS = ("state_dict", "model_state_dict", "model", "netG", "G", "generator", "net", "params")
# Prefix that torch.nn.DataParallel adds to every name.
PARALLEL = "module."

# Everything that a pickle may call: what builds tensors and the dictionary that holds them.
ALLOWED = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
}


def _ignore(*args: Any, **kwargs: Any) -> None:
    pass


class Inert:
    """Replaces every object that is not a tensor: accepts what a pickle does, does nothing."""

    __init__ = __setstate__ = __setitem__ = append = extend = add = _ignore
    # Read by torch.load for pickled networks whose source is in the file.
    dump_patches = False


class RestrictedUnpickler(pickle.Unpickler):
    """An unpickler that builds tensors and plain containers; everything else becomes Inert."""

    def find_class(self, module: str, name: str) -> Any:
        return ALLOWED.get((module, name), Inert)


# Replaces the module `pickle`, which torch.load takes as an argument.
RESTRICTED = SimpleNamespace(
    __name__="restricted",
    Unpickler=RestrictedUnpickler,
    load=lambda file, **options: RestrictedUnpickler(file, **options).load(),
)


def read(path: Path) -> dict[str, Tensor]:
    """Return all tensors in a file of torch.save, zipped or legacy, by name; other content of old
    checkpoints (options, optimisers, numbers) is left out without being loaded."""
    return named_tensors(_content(path), path)


def _content(path: Path) -> Any:
    # Opened here: given a path, torch.load also considers its suffix.
    try:
        with path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception:
        # Other objects than tensors, or a damaged file: the restricted unpickler decides.
        pass
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            # torch warns that the source of a pickled class has changed; no class is loaded here.
            warnings.simplefilter("ignore")
            return torch.load(
                file, map_location="cpu", weights_only=False, pickle_module=RESTRICTED
            )
    except Exception as error:  # a damaged pickle can raise any exception
        raise damaged(path, error) from None


def named_tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """Return the tensors of one network, unwrapped, from the content of the file `path`. Raises
    WeightsError if there are none, or those of several networks."""
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds no tensors by name, but {_description(content)}")
    inner = {key: entry for key, entry in content.items() if isinstance(entry, Mapping)}
    for key in WRAPPERS:
        if key in inner:
            return named_tensors(inner[key], path)
    if tensors := _tensors(content):
        parallel = all(name.startswith(PARALLEL) for name in tensors)
        return {n.removeprefix(PARALLEL) if parallel else n: t for n, t in tensors.items()}
    networks = {key: entry for key, entry in inner.items() if _tensors(entry)}
    if len(networks) > 1:
        names = ", ".join(map(str, networks))
        raise WeightsError(f"{path} holds several networks ({names}); save the one that is meant")
    for network in networks.values():
        return named_tensors(network, path)
    raise WeightsError(f"{path} holds no tensors by name, but {_description(content)}")


def _tensors(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    return {
        name: tensor.detach()
        for name, tensor in content.items()
        if isinstance(name, str) and isinstance(tensor, Tensor)
    }


def _description(content: Any) -> str:
    if isinstance(content, Inert):
        return "a whole object; save its state_dict() instead"
    if isinstance(content, Mapping):
        keys = ", ".join(map(str, list(content)[:5])) or "nothing"
        return f"a dictionary of {keys}"
    return f"a {type(content).__name__}"
