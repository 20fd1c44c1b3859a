"""Options of methods as they are written on command lines."""

from __future__ import annotations

import tomllib
from typing import Any

import methods
from methods.base import Inpainter
from methods.validation import field_names


def parsed_value(text: str) -> Any:
    """Return an option's value: what TOML makes of it, or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def set_weights(method: str, options: dict[str, Any], name: str, path: str) -> set[str]:
    """Set the weights file of a network in the options of a method that has it.

    Parameters
    ----------
    method
        A name that `methods.create` accepts.
    options
        Its options, which are changed where the method or its stage one has this network.
    name
        Of the network, such as "dfnet".
    path
        Of the weights file, or "random".

    Returns
    -------
    set of str
        The networks of the method.

    Raises
    ------
    ValueError
        If the method or its stage one is unknown.
    """
    cls = methods.method_class(method)
    known = _weights_names(cls)
    if name in known:
        options["weights"] = path
    if stage_one := _stage_one(method, options, cls):
        own = _weights_names(methods.method_class(stage_one))
        if name in own:
            options["stage_one_options"] = {
                **options.get("stage_one_options", {}),
                "weights": path,
            }
        known |= own
    return known


def _weights_names(cls: type[Inpainter]) -> set[str]:
    return {cls.weights_name} if hasattr(cls, "weights_name") else set()


def _stage_one(method: str, options: dict[str, Any], cls: type[Inpainter]) -> str | None:
    """Return the name of a method's stage one, if methods of its class have one."""
    if "stage_one" not in field_names(cls):
        return None
    _, _, name = method.partition(":")
    return name or options.get("stage_one") or getattr(cls, "stage_one", None)
