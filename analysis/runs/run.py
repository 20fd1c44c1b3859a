"""A run folder as the analysis reads it: run.json, scores.csv, audit.csv and the pictures."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from methods.errors import InputError

REMEDY = "give the benchmark's command again, which writes it anew"

REFERENCE = "reference"
# Columns of scores.csv that are no measurements, in the order of `Score`.
KEPT = ("method", "resolution", "image", "status", "error")
# Columns of audit.csv that the page shows.
AUDITED = ("method", "file", "stored_as", "verdict", "remarks")
ARROWS = {"higher": "↑", "lower": "↓"}

Picture = NDArray[np.uint8]


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
class Metric:
    """A metric as run.json describes it. better: "higher" or "lower"; across_resolutions: whether
    values at different resolutions can be compared."""

    key: str
    label: str
    unit: str
    better: str
    decimals: int
    definition: str
    across_resolutions: bool

    @property
    def heading(self) -> str:
        """Label, unit and an arrow that points to the better side."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{unit} {ARROWS.get(self.better, '')}".strip()


@dataclass(frozen=True)
class Run:
    """What a run folder tells. `audit`: the rows of audit.csv as they stand there."""

    path: Path
    info: dict[str, Any]
    scores: list[Score]
    audit: list[dict[str, str]] = field(default_factory=list)

    @property
    def methods(self) -> list[str]:
        """Methods in the order in which they were asked for."""
        return [method["label"] for method in self.info["methods"]]

    @property
    def names(self) -> dict[str, str]:
        """Method -> as tables name it: with what must be said of it, if anything must be."""
        said = {method["label"]: method.get("remark", "") for method in self.info["methods"]}
        return {label: f"{label} ({remark})" if remark else label for label, remark in said.items()}

    @property
    def resolutions(self) -> list[int]:
        return list(self.info["resolutions"])

    @property
    def images(self) -> list[str]:
        return [image["name"] for image in self.info["dataset"]["images"]]

    @property
    def metrics(self) -> list[Metric]:
        """The protocol's metrics in its order."""
        return [self.metric(key) for key in self.info["protocol"]["metrics"]]

    def metric(self, key: str) -> Metric:
        described = self.info["metrics"][key]
        names = ("label", "unit", "better", "decimals", "definition", "across_resolutions")
        return Metric(key, *(described[name] for name in names))

    def cell(self, method: str, resolution: int) -> list[Score]:
        """The cases of one method at one resolution."""
        return self._cells.get((method, resolution), [])

    @cached_property
    def _cells(self) -> dict[tuple[str, int], list[Score]]:
        cells: dict[tuple[str, int], list[Score]] = {}
        for score in self.scores:
            cells.setdefault((score.method, score.resolution), []).append(score)
        return cells

    def picture(self, method: str, resolution: int, image: str) -> Picture | None:
        """A result, or a reference by the method name "reference": uint8 (H, W, 3) RGB. None
        when there is no such file."""
        folder = self.path / "outputs" / str(resolution) / method.replace(":", "_")
        found = _pixels(folder / f"{image}.png")
        return None if found is None else np.asarray(found.convert("RGB"))

    def mask(self, resolution: int, image: str) -> NDArray[np.bool_] | None:
        """The hole of a case: bool (H, W), True = hole. None when there is no such file."""
        found = _pixels(self.path / "masks" / str(resolution) / f"{image}.png")
        return None if found is None else np.asarray(found.convert("L")) > 127


def load(path: Path) -> Run:
    """Read a run folder. Raises InputError, naming the file, when it is not one."""
    try:
        return Run(path, _info(path), _scores(path), _audit(path / "audit.csv"))
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; is {path} a run folder?") from None


def _info(path: Path) -> dict[str, Any]:
    """run.json. Whatever is missing from it is said now and not by some page later."""
    try:
        info = json.loads((path / "run.json").read_text(encoding="utf-8"))
        run = Run(path, info, [])
        _ = run.methods, run.resolutions, run.images, run.metrics
        return run.info
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a run folder that can be read: {error}") from None


def _scores(path: Path) -> list[Score]:
    table = path / "scores.csv"
    return [_score(table, line, row) for line, row in rows(table, KEPT)]


def _audit(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    return [row for _, row in rows(path, AUDITED)]


def _pixels(path: Path) -> PillowImage.Image | None:
    try:
        return PillowImage.open(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}); run the benchmark again") from None


def _score(path: Path, line: int, row: dict[str, str]) -> Score:
    try:
        resolution = int(row["resolution"])
        values = {key: float(value) for key, value in row.items() if value and key not in KEPT}
    except ValueError as error:
        raise InputError(f"{path} line {line}: {error}; {REMEDY}") from None
    return Score(row["method"], resolution, row["image"], row["status"], values, row["error"])


def rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row by column, and the line that it ends on (the header is 1).

    Raises InputError where a column of `needed` is missing, where a row has fewer or more fields
    than the header, and where it is no UTF-8 text or no CSV; OSError."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        try:
            header = next(reader, [])
            for name in needed:
                if name not in header:
                    raise InputError(f"{path} line 1: no column {name!r}; {REMEDY}")
            for cells in reader:
                if cells:
                    yield reader.line_num, _row(path, reader.line_num, header, cells)
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 (byte {error.object[error.start]:#x})"
            raise InputError(f"{path}: {reason}; {REMEDY}") from None
        except csv.Error as error:
            raise InputError(f"{path} line {reader.line_num}: {error}; {REMEDY}") from None


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        count = f"{len(cells)} field{'s' if len(cells) > 1 else ''}"
        raise InputError(f"{path} line {line}: {count}, the header has {len(header)}; {REMEDY}")
    return dict(zip(header, cells, strict=True))
