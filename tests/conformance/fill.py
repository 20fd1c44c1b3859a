"""Deterministic weights for conformance tests (pure numpy, no files).

fill(shapes, salt="", layout="OIHW", gain=1.0) -> {name: float32 array}

shapes: mapping name -> shape (or an iterable of (name, shape) pairs).  Every
array depends only on its own name, its shape, `salt`, `layout` and `gain`, so
order does not matter and single tensors can be regenerated on their own.

    rng = numpy.random.default_rng(zlib.crc32((salt + name).encode("utf-8")))
    z   = rng.standard_normal(shape)                       # float64, C order
    rank >= 2        : gain * sqrt(2 / fan_in) * z
                       fan_in = prod(shape[1:])  for layout "OIHW" (PyTorch)
                       fan_in = prod(shape[:-1]) for layout "HWIO" (TensorFlow)
    rank 1, scale    : 1 + 0.1 * z        (norm scales: see SCALE_ENDINGS)
    rank 1, variance : 1 + 0.1 * abs(z)   (name ends in running_var / moving_variance)
    rank 1, other    : 0.02 * z           (biases, running means)
    rank 0           : 0                  (counters such as num_batches_tracked)
The result is rounded to float32 at the very end.
A name is a norm scale if it ends in one of SCALE_ENDINGS and has rank 1.
"""

import math
import zlib

import numpy as np

SCALE_ENDINGS = (".weight", "/gamma")
VAR_ENDINGS = ("running_var", "moving_variance")


def fill(shapes, salt="", layout="OIHW", gain=1.0):
    if layout not in ("OIHW", "HWIO"):
        raise ValueError(layout)
    items = shapes.items() if hasattr(shapes, "items") else shapes
    out = {}
    for name, shape in items:
        shape = tuple(int(s) for s in shape)
        rng = np.random.default_rng(zlib.crc32((salt + name).encode("utf-8")))
        z = rng.standard_normal(shape)
        if len(shape) >= 2:
            fan_in = math.prod(shape[1:] if layout == "OIHW" else shape[:-1])
            a = gain * math.sqrt(2.0 / fan_in) * z
        elif len(shape) == 0:
            a = np.zeros(())
        elif name.endswith(VAR_ENDINGS):
            a = 1.0 + 0.1 * np.abs(z)
        elif name.endswith(SCALE_ENDINGS):
            a = 1.0 + 0.1 * z
        else:
            a = 0.02 * z
        out[name] = np.asarray(a, dtype=np.float32)
    return out
