"""Finding and reading weights files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from methods.base import MissingRequirementError
from methods.weights.errors import WeightsError


@dataclass(frozen=True)
class WeightsFile:
    path: Path
    sha256: str


def find(name: str, given: str | None) -> WeightsFile:
    if given is None:
        raise MissingRequirementError(f"{name} needs its weights: python -m methods fetch {name}")
    path = Path(given)
    if not path.is_file():
        raise WeightsError(f"weights {path}: no such file")
    return WeightsFile(path, hashlib.sha256(path.read_bytes()).hexdigest())


def metadata(path: Path) -> dict[str, str]:
    if path.suffix != ".safetensors":
        return {}
    with safe_open(str(path), "pt") as file:
        return file.metadata() or {}


def read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        with safe_open(str(path), "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}
    found = torch.load(path, weights_only=True, map_location="cpu")
    return found.get("state_dict", found)


def check_state(state: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> None:
    if {n: tuple(t.shape) for n, t in state.items()} != dict(expected):
        raise WeightsError("wrong network")
