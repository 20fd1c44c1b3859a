"""Which methods can run on this machine, and what the others lack."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields

import methods
from methods.base import Inpainter
from methods.weights import registry

READY = "yes"


@dataclass(frozen=True)
class Readiness:
    """Whether a method can run here.

    summary, needs: empty if the method cannot be imported; state: "yes", "yes, with the option
    ...", or "no: " and the reason with its remedy; options: those without a default.
    """

    name: str
    summary: str
    needs: str
    state: str
    options: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether the method can run, given the options it requires."""
        return self.state.startswith(READY)

    @property
    def why_not(self) -> str:
        """The reason, with its remedy, why the method cannot run."""
        return self.state.removeprefix("no: ")


def check(name: str) -> Readiness:
    """Return whether a method can run here, even if it cannot be imported; read no weights."""
    try:
        cls = methods.method_class(name)
    except Exception as error:  # importing somebody else's module can raise anything
        return Readiness(name, "", "", f"no: {name} cannot be imported: {_one_line(error)}")
    required = tuple(
        item.name
        for item in fields(cls)
        if item.init and item.default is MISSING and item.default_factory is MISSING
    )
    needs = _needs(name, cls, required)
    return Readiness(name, cls.summary, needs, _state(name, cls, required), required)


def _needs(name: str, cls: type[Inpainter], options: tuple[str, ...]) -> str:
    method = registry.load().methods.get(name)
    weights = [f"weights {used}" for used in (method.weights if method else [])]
    return ", ".join([*cls.requires.values(), *weights, *(f"option {item}" for item in options)])


def _state(name: str, cls: type[Inpainter], options: tuple[str, ...]) -> str:
    if options:
        return f"{READY}, with the option {', '.join(options)}"
    try:
        method = methods.create(name)
        if hasattr(cls, "weights_name"):
            # Import the libraries only: reading all weights would take too long for a list.
            Inpainter.load(method)
        else:
            method.load()
    except Exception as error:  # a plug-in can raise anything, and must not break the list
        return f"no: {_one_line(error)}"
    return READY


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
