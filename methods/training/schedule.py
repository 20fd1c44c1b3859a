"""Settings of the training loop, and the learning rate that follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Settings of the training loop."""

    steps: int
    batch: int = 16  # samples of a step on all devices together
    learning_rate: float = 1e-3  # the highest, after `warmup` steps and before a cosine decay to 0
    warmup: int = 200
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    precision: str = "32-true"  # of Lightning Fabric
    workers: int = 1  # processes that prepare samples
    checkpoint_minutes: float = 5.0
    # Of training, interruptions not counted; it ends then even if steps are left.
    minutes: float | None = None


def progress(step: int, settings: Settings, seconds: float = 0.0) -> float:
    """Return the share of the training that is done: of its steps or its time, whichever is more.

    `seconds`: spent on training so far.
    """
    share = step / settings.steps
    return share if settings.minutes is None else max(share, seconds / (60 * settings.minutes))


def learning_rate(step: int, settings: Settings, seconds: float = 0.0) -> float:
    """Return the learning rate: linear warm-up, then cosine decay to zero at the end."""
    if step < settings.warmup:
        return settings.learning_rate * (step + 1) / settings.warmup
    begun = settings.warmup / settings.steps
    done = (progress(step, settings, seconds) - begun) / max(1e-9, 1 - begun)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, done))))
