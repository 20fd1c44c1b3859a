"""Run folders with a journal, made without running anything."""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from analysis.merging import merge as merging
from methods.errors import InputError
from tests.analysis.conftest import INFO, save_case, write_run

COLUMNS = (
    "method", "resolution", "image", "status", "l1", "psnr", "known_pixels_changed",
    "scored_as_given", "seconds", "peak_memory_mb", "error",
)  # fmt: skip
SIDE = 24


def entry(label: str, **changes: Any) -> dict[str, Any]:
    """An entry of run.json about a method that is its own adapter."""
    about = {"label": label, "method": label, "options": {}, "device": "auto", "note": ""}
    return {**about, "remark": "", "weights_sha256": {}, "seed": 0, **changes}


def make_run(
    folder: Path,
    methods: Sequence[str | dict[str, Any]],
    images: Sequence[str] = ("x", "y"),
    sizes: Sequence[int] = (64,),
    failed: Mapping[str, str] | None = None,
    processor: str = "abacus",
    **info: Any,
) -> Path:
    """Write a run folder; results are a grey that depends on the method's place alone.

    Parameters
    ----------
    failed
        Method -> the status of all its cases.
    info
        Entries of run.json.
    """
    entries = [entry(it) if isinstance(it, str) else it for it in methods]
    labels = [it["label"] for it in entries]
    failed = failed or {}
    content = copy.deepcopy(INFO)
    content |= {"methods": entries, "resolutions": list(sizes), "not_shown": []}
    content["machine"]["processor"] = processor
    content["dataset"]["images"] = [photo(name) for name in images]
    content |= info
    records: list[dict[str, Any]] = []
    rows = io.StringIO()
    writer = csv.DictWriter(rows, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for size in sizes:
        for seed, image in enumerate(images):
            done = [label for label in labels if label not in failed]
            save_case(folder, size, image, done, (SIDE, SIDE), seed)
            records.append({"slot": ["reference", size, image], "key": f"input {size} {image}"})
    for label in sorted(labels):
        for size in sizes:
            for image in images:
                status = failed.get(label, "ok")
                row = {"method": label, "resolution": size, "image": image, "status": status}
                if status == "ok":
                    numbers = {"l1": float(len(label)), "psnr": 20.0 + len(image)}
                    row |= {**numbers, "seconds": 1.5, "peak_memory_mb": 50}
                else:
                    row["error"] = "boom"
                writer.writerow(row)
                if status != "skipped":
                    key = f"case {label} {size} {image}"
                    record = {"slot": [label, size, image], "key": key, "score_key": "scored"}
                    records.append({**record, "row": row})
    write_run(folder, content, rows.getvalue())
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "cases.jsonl").write_text(lines)
    return folder


def photo(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "file": f"{name}.png",
        "sha256": name.encode().hex(),
        "mask_sha256": None,
        "width": SIDE,
        "height": SIDE,
    }


def cells(folder: Path, column: str) -> dict[tuple[str, str, str], str]:
    """Method, resolution and image -> one column of scores.csv."""
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["method"], row["resolution"], row["image"]): row[column] for row in rows}


def change_json(folder: Path, **changes: Any) -> Path:
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def merge(*paths: Path, out: Path, rename: list[str] | None = None) -> list[str]:
    """Merge runs; return what the user is told."""
    told: list[str] = []
    merging.merge(paths, out, rename or [], ["merge"], told.append)
    return told


def refused(*paths: Path, out: Path, rename: list[str] | None = None) -> str:
    with pytest.raises(InputError) as caught:
        merge(*paths, out=out, rename=rename)
    assert not out.exists() and not list(out.parent.glob(".*.part"))
    message = str(caught.value)
    assert "\n" not in message
    return message
