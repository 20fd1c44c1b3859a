"""A run folder as the analysis reads it: run.json and scores.csv, nothing else."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Score:
    """One row of scores.csv. `values`: every numeric column that is not empty."""

    method: str
    resolution: int
    image: str
    status: str
    values: dict[str, float]
    error: str


@dataclass(frozen=True)
class Run:
    """What a run folder tells."""

    path: Path
    info: dict[str, Any]
    scores: list[Score]

    @property
    def methods(self) -> list[str]:
        """Methods in the order in which they were asked for."""
        return [method["label"] for method in self.info["methods"]]

    @property
    def resolutions(self) -> list[int]:
        return list(self.info["resolutions"])

    def cell(self, method: str, resolution: int) -> list[Score]:
        """The cases of one method at one resolution."""
        return [
            score
            for score in self.scores
            if score.method == method and score.resolution == resolution
        ]


def load(path: Path) -> Run:
    """Read a run folder. Raises ValueError, naming the file, when it is not one."""
    try:
        info = json.loads((path / "run.json").read_text(encoding="utf-8"))
        with (path / "scores.csv").open(encoding="utf-8", newline="") as file:
            scores = [_score(row) for row in csv.DictReader(file)]
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}; is {path} a run folder?") from None
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} is not a run folder that can be read: {error}") from None
    return Run(path, info, scores)


def _score(row: dict[str, str]) -> Score:
    text = {"method", "resolution", "image", "status", "error"}
    values = {key: float(value) for key, value in row.items() if value and key not in text}
    return Score(
        row["method"], int(row["resolution"]), row["image"], row["status"], values, row["error"]
    )


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
