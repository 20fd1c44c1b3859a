"""A run folder of protocol `native`, written by hand: images of different sizes with different
holes, of two methods; for object removal if asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.analysis.conftest import INFO, METRIC, save_case, write_run

METHODS = ("one", "two")
METRICS: dict[str, Any] = {
    "l1": {**METRIC, "label": "L1", "better": "lower", "needs_reference": True},
    "psnr": {**METRIC, "label": "PSNR", "better": "higher", "needs_reference": True},
}
BLUR = {**METRIC, "label": "blur", "better": "lower", "needs_reference": False}
HEADER = "method,resolution,image,status,l1,psnr,blur,hole_share,seconds,peak_memory_mb,error"


def native_info(
    shares: Mapping[str, float],
    *,
    photographs: Sequence[str] = (),
    reference: bool = True,
    blur: bool = True,
) -> dict[str, Any]:
    """Return run.json; `photographs`: the file of each image, if several masks share one."""
    files = photographs or list(shares)
    images = [
        {"name": image, "file": file, "sha256": file.encode().hex(), "width": 90, "height": 60}
        | {"mask_sha256": image.encode().hex(), "hole_share": {"native": share}}
        for (image, share), file in zip(shares.items(), files, strict=True)
    ]
    metrics = {**METRICS, "blur": BLUR} if blur else METRICS
    return {
        **INFO,
        "methods": [{"label": name, "method": name, "options": {}, "note": ""} for name in METHODS],
        "resolutions": ["native"],
        "metrics": metrics,
        "protocol": {
            **INFO["protocol"], "name": "native", "resolutions": ["native"], "metrics": [*metrics],
        },
        "dataset": {
            "path": "mine", "images": images, "description": {"reference": reference}, "notes": [],
        },
    }  # fmt: skip


def write_native(
    folder: Path, info: dict[str, Any], values: Mapping[str, Sequence[float]] = {}
) -> Path:
    """Write the folder; `values`: PSNR of an image by each method, by default 20 and 30."""
    dataset = info["dataset"]
    compared = dataset["description"]["reference"]
    rows = [
        f"{method},native,{image['name']},ok,"
        + (f"1.5,{values.get(image['name'], (20, 30))[place]}," if compared else ",,")
        + f"{'0.25' if 'blur' in info['metrics'] else ''},{image['hole_share']['native']},1.0,50,"
        for place, method in enumerate(METHODS)
        for image in dataset["images"]
    ]
    return write_run(folder, info, "\n".join([HEADER, *rows]) + "\n")


def write_native_pictures(folder: Path, sizes: Mapping[str, tuple[int, int]]) -> None:
    """Write pictures of every case; sizes are (height, width)."""
    for image, size in sizes.items():
        save_case(folder, "native", image, METHODS, size)
