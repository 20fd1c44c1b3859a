"""A GPU that is none: its tensors refuse to be mixed with those of the CPU and to become arrays, as
on a real one, and compute on the CPU.

Its name is "meta", the one other device that every build of PyTorch knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

DEVICE = "meta"
# Operations that take tensors of several devices on a real GPU too.
MIXED = {"copy_", "_to_copy", "index", "index_put_", "_index_put_impl_"}
# Asks whether one may take the place of the other, as `Module.to` does; here it may not.
COMPATIBLE = "_has_compatible_shallow_copy_type"


class OnGpu(torch.Tensor):
    """A tensor that says it is on the GPU; `inner` has its values, on the CPU."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> OnGpu:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=torch.device(DEVICE),
        )
        made.inner = inner
        return made

    def tolist(self) -> Any:
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return computed(func, args, dict(kwargs or {}))


class PretendedGpu(TorchDispatchMode):
    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return computed(func, args, dict(kwargs or {}))


def computed(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute an operation on the CPU; its result is where a real GPU's would be."""
    given = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    on_gpu = [x for x in given if isinstance(x, OnGpu)]
    name = func.overloadpacket.__name__
    if name == COMPATIBLE:
        return len(on_gpu) in (0, len(given))
    on_cpu = [x for x in given if not isinstance(x, OnGpu) and x.dim()]
    if on_gpu and on_cpu and name not in MIXED:
        raise RuntimeError(f"{name}: expected all tensors to be on the same device, GPU and CPU")
    target = kwargs.get("device")
    # An operation in place, or with out=, returns what it was given.
    if target is None and name.endswith("_"):
        to_gpu = bool(given) and isinstance(given[0], OnGpu)
    else:
        to_gpu = torch.device(target).type == DEVICE if target is not None else bool(on_gpu)
    if target is not None:
        kwargs["device"] = torch.device("cpu")
    inner_args, inner_kwargs = tree_map_only(OnGpu, lambda x: x.inner, (args, kwargs))
    result = func(*inner_args, **inner_kwargs)
    if not to_gpu:
        return result
    known = {id(x.inner): x for x in on_gpu}
    return tree_map_only(
        torch.Tensor, lambda x: known[id(x)] if id(x) in known else OnGpu(x), result
    )


@contextmanager
def pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a GPU meanwhile, in this thread."""
    # It has no autocast, which casts to bfloat16, of its own.
    autocast = torch.autocast
    monkeypatch.setattr(
        torch, "autocast", lambda _, *args, **options: autocast("cpu", *args, **options)
    )
    with PretendedGpu():
        yield
