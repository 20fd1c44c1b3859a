"""Contents of a run folder: run.json, scores.csv, audit.csv and the images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from analysis.runs import origins
from analysis.runs.case import Case, by_picture, not_finite
from analysis.runs.csv_files import REMEDY, csv_rows
from analysis.runs.metric_info import MetricInfo
from analysis.runs.origins import Origins
from methods.base import Image, Mask, Resolution
from methods.errors import InputError
from methods.images import ImageFileError, read_mask, read_rgb
from methods.labels import REFERENCE, folder_name
from methods.resolutions import NATIVE, size_text
from methods.shown_text import message_text

# Columns of scores.csv that are not measurements.
CASE_COLUMNS = ("method", "resolution", "image", "status", "error")
# Columns of audit.csv that the report shows.
_AUDIT_COLUMNS = ("method", "file", "stored_as", "verdict", "remarks")

Pixels = TypeVar("Pixels", Image, Mask)


@dataclass(frozen=True)
class Run:
    """A run folder: run.json as `info`, the rows of scores.csv and of audit.csv if there is one."""

    path: Path
    info: dict[str, Any]
    cases: list[Case]
    audit: list[dict[str, str]] = field(default_factory=list)
    # Where cases were computed, in a folder that was merged.
    origins: Origins = field(default_factory=Origins)

    @property
    def methods(self) -> list[str]:
        """Labels of the methods, in the order of the command."""
        return [method["label"] for method in self.info["methods"]]

    @property
    def names(self) -> dict[str, str]:
        """Label of a method -> the same with its remark, for tables."""
        remarks = {method["label"]: method.get("remark") for method in self.info["methods"]}
        return {
            label: f"{label} ({remark})" if remark else label for label, remark in remarks.items()
        }

    @property
    def resolutions(self) -> list[Resolution]:
        return list(self.info["resolutions"])

    @property
    def images(self) -> list[str]:
        """Names of the images: the photographs, each as often as it has masks."""
        return [image["name"] for image in self.info["dataset"]["images"]]

    @cached_property
    def photographs(self) -> dict[str, int]:
        """Name of an image -> number of its photograph, which several masks may share."""
        numbers: dict[str, int] = {}
        # A copy under another name is the same photograph.
        return {
            image["name"]: numbers.setdefault(image.get("sha256") or image["name"], len(numbers))
            for image in self.info["dataset"]["images"]
        }

    @property
    def number_of_photographs(self) -> int:
        return len(set(self.photographs.values()))

    @property
    def has_reference(self) -> bool:
        """Whether what is under the hole is what should be there; not so in object removal."""
        return self.info["dataset"].get("description", {}).get("reference", True)

    @property
    def reference_name(self) -> str:
        """What readers are told that the images in outputs/<resolution>/reference are."""
        return REFERENCE if self.has_reference else "original, with the object to be removed"

    @property
    def remarks(self) -> list[str]:
        """Sentences about photographs and sizes (such as those that the protocol does not have)
        that belong below every table."""
        return self.info["dataset"].get("notes", [])

    @property
    def metrics_checked(self) -> str:
        """A sentence about the independent check of the metrics; empty if nothing was checked."""
        checked = self.info.get("metrics_checked") or {}
        if not checked.get("scores"):
            return ""
        packages = " and ".join(
            f"{name} {version}" for name, version in checked["versions"].items()
        )
        largest = float(checked["largest_difference"])
        return (
            f"Checked against {packages} on {checked['method']}, "
            f"{size_text(checked['resolution'])}, {checked['image']}: largest difference "
            f"{largest:.0e}."
        )

    def hole_shares(self, resolution: Resolution) -> dict[str, float]:
        """Return image -> share of the hole (0 to 1); empty for runs that did not record it."""
        shares = {
            image["name"]: image.get("hole_share", {}).get(str(resolution))
            for image in self.info["dataset"]["images"]
        }
        return {} if None in shares.values() else shares

    @property
    def protocol(self) -> str:
        """Name of the protocol."""
        return self.info["protocol"]["name"]

    @property
    def metrics(self) -> list[MetricInfo]:
        """The metrics of the protocol, in its order; without references all that need none."""
        if self.has_reference:
            return self.protocol_metrics
        described = self.info["metrics"].items()
        return [self.metric(key) for key, about in described if not _needs_reference(about)]

    @property
    def protocol_metrics(self) -> list[MetricInfo]:
        """The metrics of the protocol, in its order, whether or not they can be computed."""
        return [self.metric(key) for key in self.info["protocol"]["metrics"]]

    @property
    def not_computed(self) -> list[str]:
        """Labels of the metrics that need a reference, where there is none."""
        about = self.info["metrics"].values()
        return [] if self.has_reference else [a["label"] for a in about if _needs_reference(a)]

    @property
    def missing(self) -> list[str]:
        """Sentences about metrics that could not be computed where the run was scored."""
        return [
            f"{about['label']}: not computed: {about['missing']}"
            for about in self.info["metrics"].values()
            if about.get("missing")
        ]

    def metric(self, key: str) -> MetricInfo:
        """Return the description of any metric of the run."""
        described = self.info["metrics"][key]
        names = ("label", "unit", "better", "decimals", "definition", "across_resolutions")
        return MetricInfo(key, *(described[name] for name in names))

    def cases_of(self, method: str, resolution: Resolution) -> list[Case]:
        """Return the cases of one method at one resolution."""
        return self._cases_by_cell.get((method, resolution), [])

    def origin(self, case: Case) -> str:
        """Return the name of the run, of those merged, that has computed a case; "" for none."""
        return self.origins.of_case.get((case.method, case.resolution, case.image), "")

    def statuses(self, resolution: Resolution, image: str) -> dict[str, str]:
        """Return the status of each method's case of a photograph at a resolution."""
        return {
            case.method: case.status
            for case in self.cases
            if (case.resolution, case.image) == (resolution, image)
        }

    def not_finite(self, metric: str) -> dict[str, list[Case]]:
        """Return the photographs with a value that is lacking or not finite, each with these cases.

        Means and differences leave them out at every resolution and for all methods alike.
        """
        return self._not_finite.get(metric, {})

    @cached_property
    def _not_finite(self) -> dict[str, dict[str, list[Case]]]:
        pictures = by_picture(self.cases)
        return {metric: not_finite(pictures, metric) for metric in self.info["metrics"]}

    @cached_property
    def _cases_by_cell(self) -> dict[tuple[str, Resolution], list[Case]]:
        cells: dict[tuple[str, Resolution], list[Case]] = {}
        for case in self.cases:
            cells.setdefault((case.method, case.resolution), []).append(case)
        return cells

    def read_image(self, method: str, resolution: Resolution, image: str) -> Image | None:
        """Return a result, or with `method` "reference" a reference; None if there is no file."""
        return _read(self.image_path(method, resolution, image), read_rgb)

    def image_path(self, method: str, resolution: Resolution, image: str) -> Path:
        """Return the file of `read_image`."""
        folder = self.path / "outputs" / str(resolution) / folder_name(method)
        return folder / f"{image}.png"

    def read_mask(self, resolution: Resolution, image: str) -> Mask | None:
        """Return the mask of an image at a resolution; None if there is no file."""
        return _read(self.mask_path(resolution, image), read_mask)

    def mask_path(self, resolution: Resolution, image: str) -> Path:
        """Return the file of `read_mask`."""
        return self.path / "masks" / str(resolution) / f"{image}.png"


def highest(resolutions: Sequence[Resolution]) -> Resolution:
    """Return the highest resolution, or "native" where images have their own sizes."""
    return max((size for size in resolutions if isinstance(size, int)), default=NATIVE)


def load(path: Path) -> Run:
    """Read a run folder; images are read later, when they are needed.

    Raises InputError, with the file's name, if it is not a run folder or a file is damaged.
    """
    try:
        info = _read_info(path / "run.json")
        cases = list(_read_cases(path / "scores.csv"))
        audit = path / "audit.csv"
        rows = [row for _, row in csv_rows(audit, _AUDIT_COLUMNS)] if audit.exists() else []
        return Run(path, info, cases, rows, origins.read(path))
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; is {path} a run folder?") from None


def _read_info(file: Path) -> dict[str, Any]:
    try:
        return checked_info(json.loads(file.read_text(encoding="utf-8")))
    except KeyError as error:
        raise InputError(f"{file}: not that of a run folder (no {error}); {REMEDY}") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{file}: empty, cut short or damaged ({error}); {REMEDY}") from None


def checked_info(info: dict[str, Any]) -> dict[str, Any]:
    """Return the content of run.json with texts that can be shown.

    Raises KeyError, TypeError or ValueError if what every command needs is missing.
    """
    methods = [
        method | {name: message_text(method.get(name) or "") for name in ("note", "remark")}
        for method in info["methods"]
    ]
    run = Run(Path(), {**info, "methods": methods}, [])
    _ = run.methods, run.resolutions, run.images, run.metrics
    return run.info


def _read_cases(path: Path) -> Iterator[Case]:
    for line, row in csv_rows(path, CASE_COLUMNS):
        try:
            method, resolution, image, status, error = map(row.pop, CASE_COLUMNS)
            column, text = "resolution", resolution
            size: Resolution = NATIVE if resolution == NATIVE else int(resolution)
            values = {}
            for column, text in row.items():
                if text:
                    values[column] = float(text)
            yield Case(method, size, image, status, values, message_text(error))
        except ValueError:
            problem = f"{column} {text!r} is no number"
            raise InputError(f"{path} line {line}: {problem}; {REMEDY}") from None


def _needs_reference(described: dict[str, Any]) -> bool:
    return described.get("needs_reference", True)


def _read(path: Path, reader: Callable[[Path], Pixels]) -> Pixels | None:
    try:
        return reader(path) if path.exists() else None
    except ImageFileError as error:
        raise InputError(f"{error}, then run the benchmark again") from None
