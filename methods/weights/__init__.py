"""Weights of the networks: where published files are, fetching, reading, checking.

A network's weights are known under a short name (`dfnet`, `refinement`, `deepfillv2`, `hifill`),
the same in `registry.toml`, in `python -m methods fetch NAME` and in `--weights NAME=PATH`.
"""

from methods.weights.errors import WeightsError

__all__ = ["RANDOM", "WeightsError"]

# In place of a path: seeded random weights, to try a pipeline without its weights.
RANDOM = "random"
