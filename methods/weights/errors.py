"""The error of everything that is wrong with a weights file."""

from __future__ import annotations

from methods.base import MethodError


class WeightsError(MethodError):
    """A weights file is not what it should be. The message names the file, what was expected and
    what was found."""
