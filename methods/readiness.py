"""Which methods can run on this machine, and what the others lack."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields

import methods
from methods.base import Inpainter, MissingRequirementError
from methods.foreign_code import error_message, error_text
from methods.weights import registry

READY = "yes"


@dataclass(frozen=True)
class Readiness:
    """Whether a method can run here.

    summary, needs: empty if the method cannot be imported; why_not: the reason, with its remedy,
    why the method cannot run, or ""; options: those that must be given; remark, note: what tables
    would say.
    """

    name: str
    summary: str
    needs: str
    why_not: str = ""
    options: tuple[str, ...] = ()
    remark: str = ""
    note: str = ""
    is_imported: bool = True

    @property
    def ready(self) -> bool:
        """Whether the method can run, given the options it requires."""
        return not self.why_not

    @property
    def state(self) -> str:
        """All of it in words."""
        if self.why_not:
            return f"no: {self.why_not}"
        if self.options:
            return f"{READY}, with the option {', '.join(self.options)}"
        return f"{READY} ({self.remark})" if self.remark else READY


def check(name: str) -> Readiness:
    """Return whether a method can run here, even if it cannot be imported.

    For a network this is whether its libraries and weights are there: neither are read, so that a
    broken installation shows when the method is loaded."""
    try:
        cls = methods.method_class(name)
    except Exception as error:  # importing somebody else's module can raise anything
        why_not = f"{name} cannot be imported: {error_message(error)}"
        return Readiness(name, "", "", why_not, is_imported=False)
    given = methods.option_in(name)
    required = tuple(
        item.name
        for item in fields(cls)
        if item.init and item.default is MISSING and item.default_factory is MISSING
        if item.name not in given
    )
    about = name, cls.summary, _needs(name, cls, required)
    if required:
        try:
            cls.libraries()
        except MissingRequirementError as error:
            return Readiness(*about, str(error), required)
        return Readiness(*about, options=required)
    try:
        method = _ready(name, cls)
    # A plug-in can raise anything, and must not break the list.
    except Exception as error:
        return Readiness(*about, error_message(error) or type(error).__name__)
    except SystemExit as error:
        return Readiness(*about, error_text(error))
    return Readiness(*about, remark=method.remark, note=method.note)


def _needs(name: str, cls: type[Inpainter], options: tuple[str, ...]) -> str:
    method = registry.load().methods.get(name.partition(":")[0])
    weights = [f"weights {used}" for used in (method.weights if method else [])]
    return ", ".join([*cls.requires.values(), *weights, *(f"option {item}" for item in options)])


def _ready(name: str, cls: type[Inpainter]) -> Inpainter:
    """Return the method with default options; raise whatever it raises if it cannot run."""
    method = methods.create(name)
    _, _, stage_one = name.partition(":")
    if stage_one and stage_one in methods.available():
        _ready(stage_one, methods.method_class(stage_one))
    # Importing all libraries and reading all weights would take too long for a list.
    if hasattr(cls, "weights_name") or cls.load is Inpainter.load:
        return method
    if methods.option_in(name):
        # Names a model, which may take minutes to load.
        method.check()
    else:
        method.load()
    return method
