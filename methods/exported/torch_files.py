"""Networks that PyTorch has exported: TorchScript and torch.export."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from methods.base import MethodError
from methods.exported.errors import failure, said
from methods.exported.format import Network, Outputs, Port

# PyTorch takes seconds to import.
if TYPE_CHECKING:
    import torch
    from torch import Tensor

Call = Callable[[Mapping[str, "Tensor"]], Any]


def load_script(path: Path, device: str) -> Network:
    """Load a TorchScript network; raise MethodError if the file has none."""
    import torch

    from methods.network import torch_device

    target = torch_device(device)
    try:
        with warnings.catch_warnings():
            # TorchScript is deprecated, but is what people have.
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(str(path), map_location=target).eval()
        arguments = network.forward.schema.arguments[1:]
    except (RuntimeError, ValueError, AttributeError) as error:
        raise unreadable(path, str(error).strip().splitlines()[0]) from None
    needed = [item for item in arguments if not item.has_default_value()]
    inputs, call = _script_inputs(network, needed)
    return Network(path, "TorchScript", inputs, (), _runner(path, target, call))


def load_exported(path: Path, device: str) -> Network:
    """Load a network of torch.export; raise MethodError if it cannot be loaded."""
    import torch
    from torch.export.passes import move_to_device_pass
    from torch.utils._pytree import tree_unflatten

    from methods.network import torch_device

    target = torch_device(device)
    try:
        exported = torch.export.load(path)
        if target.type != "cpu":
            exported = move_to_device_pass(exported, target)
        network = exported.module()
    except Exception as error:
        raise unreadable(path, said(str(error))) from None
    values = {node.name: node.meta.get("val") for node in exported.graph.nodes}
    names = map(str, exported.graph_signature.user_inputs)
    inputs = tuple(_traced_port(name, values.get(name)) for name in names)

    def call(tensors: Mapping[str, Tensor]) -> Any:
        arguments, named = tree_unflatten(list(tensors.values()), exported.call_spec.in_spec)
        return network(*arguments, **named)

    return Network(path, "torch.export", inputs, (), _runner(path, target, call))


def unreadable(path: Path, reason: str) -> MethodError:
    """Return the error for a file that is no network in any known format."""
    return MethodError(f"{path} is neither .onnx nor TorchScript nor torch.export: {reason}")


def _script_inputs(network: Any, arguments: list[Any]) -> tuple[tuple[Port, ...] | None, Call]:
    """Return the inputs as far as the script tells them, and how to pass them."""
    dtype = _dtype_of_weights(network)
    kind = arguments[0].type.kind() if len(arguments) == 1 else ""
    if kind == "DictType":
        keys = re.findall(rf'\b{re.escape(arguments[0].name)}\["(\w+)"\]', network.code)
        ports = tuple(Port(key, dtype) for key in dict.fromkeys(keys))
        return ports or None, lambda tensors: network(dict(tensors))
    if kind == "TupleType":
        count = len(arguments[0].type.elements())
        ports = tuple(Port(f"{arguments[0].name}[{index}]", dtype) for index in range(count))
        return ports, lambda tensors: network(tuple(tensors.values()))
    if kind == "ListType":
        return None, lambda tensors: network(list(tensors.values()))
    ports = tuple(Port(item.name, dtype) for item in arguments)
    return ports, lambda tensors: network(*tensors.values())


def _dtype_of_weights(network: Any) -> str | None:
    """Return "float16" if the weights are; a network of float32 may take other types as well."""
    import torch

    kinds = {item.dtype for item in network.parameters() if item.is_floating_point()}
    return "float16" if kinds == {torch.float16} else None


def _traced_port(name: str, value: Any) -> Port:
    if not hasattr(value, "shape"):
        return Port(name)
    shape = tuple(size if isinstance(size, int) else str(size) for size in value.shape)
    return Port(name, str(value.dtype).removeprefix("torch."), shape)


def _runner(
    path: Path, device: torch.device, call: Call
) -> Callable[[Mapping[str, NDArray[Any]]], Outputs]:
    import torch

    from methods.network import full_precision

    def run(arrays: Mapping[str, NDArray[Any]]) -> Outputs:
        tensors = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
        try:
            with full_precision():
                return dict(_flattened(call(tensors)))
        except Exception as error:
            raise failure(path, error) from None

    return run


def _flattened(output: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield all tensors of an output with names such as "inpainted", "1" or "stages.0"."""
    if hasattr(output, "is_floating_point"):
        yield name or "output", output
        return
    items: Any = ()
    if isinstance(output, Mapping):
        items = output.items()
    elif isinstance(output, tuple | list):
        items = enumerate(output)
    for key, item in items:
        yield from _flattened(item, f"{name}.{key}" if name else str(key))
