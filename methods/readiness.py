"""Which methods there are and which of them can run here."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

import methods
from methods.base import Inpainter
from methods.weights import registry

READY = "yes"


@dataclass(frozen=True)
class Found:
    """A method as it was found here.

    summary, needs: empty for one that cannot be imported; state: "yes", "yes, with the option
    ..." or "no: " and the reason with its remedy; options: those that must be given."""

    name: str
    summary: str
    needs: str
    state: str
    options: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it can run, with options where it needs some."""
        return self.state.startswith(READY)

    @property
    def why_not(self) -> str:
        """The reason, with its remedy, of one that is not ready."""
        return self.state.removeprefix("no: ")


def find(name: str) -> Found:
    """A method's state, also of one that cannot even be imported. Reads no weights."""
    try:
        cls = methods.method_class(name)
    except Exception as error:  # whatever somebody's module does when it is imported
        why = f"no: {name} cannot be imported: {' '.join(str(error).split())}"
        return Found(name, "", "", why)
    options = tuple(item.name for item in _required(cls))
    return Found(name, cls.summary, _needs(name, cls, options), _state(name, cls, options), options)


def _needs(name: str, cls: type[Inpainter], options: tuple[str, ...]) -> str:
    told = registry.load().methods.get(name)
    weights = [f"weights {used}" for used in (told.weights if told else [])]
    return ", ".join([*cls.requires.values(), *weights, *(f"option {item}" for item in options)])


def _state(name: str, cls: type[Inpainter], options: tuple[str, ...]) -> str:
    if options:
        return f"{READY}, with the option {', '.join(options)}"
    try:
        # The libraries only: to read all weights would take too long for a list.
        Inpainter.load(methods.create(name)) if _has_weights(cls) else methods.create(name).load()
    except Exception as error:  # of a plug-in any; none may keep the others off the list
        return f"no: {' '.join(str(error).split())}"
    return READY


def _has_weights(cls: type[Inpainter]) -> bool:
    return hasattr(cls, "weights_name")


def _required(cls: type[Inpainter]) -> list[Field[Any]]:
    """Options without a default."""
    return [
        item
        for item in fields(cls)
        if item.init and item.default is MISSING and item.default_factory is MISSING
    ]
