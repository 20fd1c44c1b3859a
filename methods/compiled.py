"""Loops compiled by numba, which stores them where it can write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Function], Function]:
    """Compile a function when it is first called, without Python's lock.

    The result is stored beside the source, or in the user's cache folder. Where neither can be
    written, as in a container whose user has no home, each process compiles it again: numba
    itself would refuse to.

    Parameters
    ----------
    **options
        Further arguments of `numba.njit`.
    """

    def decorate(function: Function) -> Function:
        try:
            return njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:
            return njit(nogil=True, **options)(function)

    return decorate
