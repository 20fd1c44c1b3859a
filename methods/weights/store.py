"""Where fetched and converted weights are stored, with a record of each fetched file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_data_path

from methods.files import write_atomically
from methods.weights.registry import PublishedFile, Variant

# Environment variable that names another folder than the user's data folder.
VARIABLE = "INPAINTING_WEIGHTS"


@dataclass(frozen=True)
class Record:
    """What is known of a fetched file."""

    url: str
    size: int  # bytes
    sha256: str
    checked: list[str]  # the published properties that agree: "size", "SHA-256", "git blob"
    fetched: str  # the date


def place(name: str, variant: str, file: PublishedFile) -> Path:
    """Return where a published file is stored, whether it exists or not."""
    return _folder() / name / variant / file.name


def places(name: str, variant: str, published: Variant) -> list[Path]:
    """Return where the files of a variant are stored; a method opens the first one."""
    if published.path:
        return [published.path]
    return [place(name, variant, file) for file in published.files]


def converted(sha256: str) -> Path:
    """Return where the conversion of a file with this SHA-256 is stored, if it exists or not."""
    return _folder() / "converted" / f"{sha256}.safetensors"


def record_of(path: Path) -> Record | None:
    """Return the record of a fetched file; None if it was not fetched."""
    try:
        return Record(**json.loads(_record_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remember(path: Path, record: Record) -> None:
    """Write `record` beside `path`."""
    write_atomically(_record_path(path), json.dumps(asdict(record), indent=1) + "\n")


def _folder() -> Path:
    folder = os.environ.get(VARIABLE)
    return Path(folder).expanduser() if folder else user_data_path("inpainting-suite") / "weights"


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")
