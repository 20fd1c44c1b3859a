"""Where fetched and converted weights are kept, and what is remembered of them."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_data_path

from methods.weights.registry import PublishedFile, Variant

# Names another folder than the user's own.
VARIABLE = "INPAINTING_WEIGHTS"


@dataclass(frozen=True)
class Record:
    """What is known of a fetched file. size: bytes; checked: against which published numbers it
    was compared, empty for none; fetched: day."""

    url: str
    size: int
    sha256: str
    checked: list[str]
    fetched: str


def folder() -> Path:
    """Where weights are kept: $INPAINTING_WEIGHTS, else in the user's data folder."""
    given = os.environ.get(VARIABLE)
    return Path(given).expanduser() if given else user_data_path("inpainting-suite") / "weights"


def place(name: str, variant: str, file: PublishedFile) -> Path:
    """Where a published file is kept, there or not."""
    return folder() / name / variant / file.name


def stored(name: str, variant: str, published: Variant) -> Path | None:
    """The file of these weights that a method is given; None unless all of them are here."""
    if published.path:
        return published.path
    places = [place(name, variant, file) for file in published.files]
    return places[0] if all(path.is_file() for path in places) else None


def converted(sha256: str) -> Path:
    """Where the converted form of a file with this SHA-256 is kept, there or not."""
    return folder() / "converted" / f"{sha256}.safetensors"


def record_of(path: Path) -> Record | None:
    """What was remembered when `path` was fetched; None if it came another way."""
    try:
        return Record(**json.loads(_record_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remember(path: Path, record: Record) -> None:
    """Keep `record` beside `path`."""
    _record_path(path).write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")
