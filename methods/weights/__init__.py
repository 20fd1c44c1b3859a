"""Weights of the networks: registry of the published files, fetching, reading and checking."""

from methods.base import MethodError

__all__ = ["RANDOM", "WeightsError"]

# Given instead of a path: seeded random weights, to try a pipeline.
RANDOM = "random"


class WeightsError(MethodError):
    """An unusable weights file: the message names it, what was expected and what it is instead."""
