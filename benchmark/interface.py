"""The benchmark from Python and notebooks: the code of `run_benchmark.py`, tables of pandas."""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from rich.console import Console

from benchmark import metrics as _metrics
from benchmark.execution.progress import Report
from benchmark.inputs.description import open_dataset
from benchmark.job import run_job
from benchmark.keywords import Methods, path_of, refuse_wrong_place, sizes, specs
from benchmark.notebook import notebook_bar
from benchmark.planning.plan import Overwrite
from benchmark.planning.request import Request
from benchmark.run_folder.scores_frame import read_scores
from methods.base import Image, Mask, Resolution
from methods.errors import InputError, in_python_words, suggestion
from methods.validation import build

__all__ = ["read_scores", "run", "score", "score_folder"]

_log = logging.getLogger("benchmark")


@in_python_words()
def run(
    dataset: str | Path,
    methods: Methods | None = None,
    resolutions: Resolution | Sequence[Resolution] | None = None,
    out: str | Path | None = None,
    *,
    protocol: str | Path = "moskalenko2020",
    external: Mapping[str, str | Path] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    weights: Mapping[str, str | Path] | None = None,
    python: Mapping[str, str | Path] | None = None,
    images: str | list[str] | None = None,
    masks: str | list[str] | None = None,
    hole: Literal["white", "black"] | None = None,
    mask_threshold: int | None = None,
    device: str = "auto",
    workers: int = 1,
    cluster: str | None = None,
    seed: int = 0,
    time_limit: float = 3600,
    memory_limit: float | None = None,
    overwrite: Overwrite = "never",
    accept_drift: bool = False,
    progress: Report | None = None,
) -> pd.DataFrame:
    """Run methods on photographs and score them; the same call resumes a run that was stopped.

    Parameters
    ----------
    dataset
        Folder of photographs, or a description like `dataset.toml`.
    methods
        Names as `python -m methods list` shows them, "two-stage:telea", "package.module:Class" or
        the class itself; or a mapping of labels to names or tables such as
        ``{"Telea, wide": {"method": "telea", "radius": 9}}``. By default the classical methods
        and two-stage, or none besides `external`.
    resolutions
        One or more sides in pixels; by default the protocol's.
    out
        Run folder; by default ``results/`` and the dataset's name.
    protocol
        Name of a shipped protocol, or a .toml file.
    external
        Label -> folder of results made elsewhere: RESOLUTION/IMAGE.png, or IMAGE.png for one
        resolution.
    options
        Label -> option -> value.
    weights
        Name of a network -> weights file or "random".
    python
        Label -> Python of the environment in which the method runs.
    images, masks, hole, mask_threshold
        How the dataset is laid out, as in `dataset.toml`.
    device, workers, cluster, seed, overwrite, accept_drift
        As the options of `run_benchmark.py`.
    time_limit
        Of one case, in seconds.
    memory_limit
        Of one case, in GiB (Linux).
    progress
        Called with the number of finished cases and of all cases; in a notebook a bar is shown
        if it is None.

    Returns
    -------
    pandas.DataFrame
        A row for each case, see `read_scores`. A case that failed is a row whose `status` and
        `error` say why. Messages go to the logger "benchmark".

    Raises
    ------
    InputError
        If something cannot be used; nothing has been written then. Or if a file cannot be written
        during the run; finished cases are kept then.
    """
    call = _call(locals())
    refuse_wrong_place(progress)
    description = {"images": images, "masks": masks, "hole": hole, "threshold": mask_threshold}
    path = path_of(dataset, "dataset")
    folder = path_of(out, "out") if out else None
    wanted = {
        "dataset": path,
        "out": folder or Path("results") / open_dataset(path, description).name,
        "specs": specs(
            methods, external or {}, options or {}, weights or {}, python or {}, device, seed
        ),
        "description": description,
        "resolutions": sizes(resolutions),
        "protocol": str(protocol),
        "workers": workers,
        "cluster": cluster,
        "seed": seed,
        "time_limit": time_limit,
        "memory_limit": memory_limit,
        "overwrite": overwrite,
        "accept_drift": accept_drift,
        "command": [call],
    }
    request = build(Request, wanted, "benchmark.run")
    with notebook_bar(progress) as report:
        run_job(request, _LogConsole(), report)
    return read_scores(request.out)


@in_python_words()
def score(
    reference: Image,
    result: Image,
    mask: Mask | None,
    names: Iterable[str] = ("l1", "psnr", "ssim"),
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, float]:
    """Compute metrics of a result over the whole image and over the hole.

    Parameters
    ----------
    reference, result
        uint8 (H, W, 3), RGB.
    mask
        bool (H, W), True = hole; None to score the whole image only.
    names
        Names of metrics, as in docs/metrics.md.
    options
        Metric name -> option -> value.

    Returns
    -------
    dict
        Values over the whole image by metric name, over the hole by ``<name>_hole``.

    Raises
    ------
    InputError
        If an array or a metric cannot be used.
    """
    for what, array in (("reference", reference), ("result", result), ("mask", mask)):
        if not (isinstance(array, np.ndarray) or (what == "mask" and array is None)):
            raise InputError(f"{what}: a NumPy array is needed, not {type(array).__name__}")
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InputError(f"names={names!r}: give a list, such as ['psnr']")
    try:
        return _metrics.score(reference, result, mask, names, options)
    except ValueError as error:
        raise InputError(str(error)) from None


@in_python_words()
def score_folder(
    results: str | Path,
    dataset: str | Path,
    resolutions: Resolution | Sequence[Resolution] | None = None,
    *,
    name: str | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Score a folder of finished results; no method runs and no run folder stays.

    Parameters
    ----------
    results
        RESOLUTION/IMAGE.png, or IMAGE.png for one resolution.
    dataset
        The photographs that the results belong to.
    resolutions
        One or more sides in pixels; by default those after which sub-folders are named, or else
        the protocol's.
    name
        Of the method in the table; by default the folder's.
    **options
        Further arguments of `run`: protocol, masks, hole, accept_drift...

    Returns
    -------
    pandas.DataFrame
        A row for each photograph and resolution; where there is no result, `status` is "skipped"
        and `error` names the file that is missing.

    Raises
    ------
    InputError
        If the folder holds no result, or something else cannot be used.
    """
    folder = path_of(results, "results")
    known = signature(run).parameters.keys() - {"methods", "out", "external", "options"}
    if unknown := options.keys() - known:
        raise InputError(f"score_folder takes no {min(unknown)!r}{suggestion(min(unknown), known)}")
    label = name or folder.resolve().name
    if not folder.is_dir():
        raise InputError(f"results {folder}: not a folder; give the folder of the results")
    if resolutions is None:
        named = [path.name for path in folder.iterdir() if path.is_dir() and path.name.isdecimal()]
        resolutions = sorted(map(int, named)) or None
    with tempfile.TemporaryDirectory(prefix="inpainting-") as scratch:
        return run(
            dataset, (), resolutions, Path(scratch) / "run", external={label: folder}, **options
        )


def _call(arguments: Mapping[str, Any]) -> str:
    """Return the call of `run` as a user would write it, for the record."""
    usual = {name: each.default for name, each in signature(run).parameters.items()}
    given = (f"{name}={value!r}" for name, value in arguments.items() if value is not usual[name])
    return f"benchmark.run({', '.join(given)})"


class _LogConsole(Console):
    """Passes what the command prints to the logger."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), force_terminal=False)

    def print(self, *objects: Any, **_: Any) -> None:
        text = " ".join(map(str, objects))
        _log.log(logging.WARNING if text.startswith("warning") else logging.INFO, "%s", text)
