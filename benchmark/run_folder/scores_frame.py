"""The scores of a run folder as a table of pandas."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import pandas as pd

from benchmark.run_folder.folder import read_run_json
from methods.errors import InputError
from methods.resolutions import NATIVE

_TEXTS = ("method", "image", "status", "error")
# Empty for cases without a result.
_FLAGS = ("scored_as_given", "hole_left_black")
_COUNTS = ("known_pixels_changed",)


def read_scores(run: str | Path) -> pd.DataFrame:
    """Read scores.csv of a run folder.

    Parameters
    ----------
    run
        Run folder.

    Returns
    -------
    pandas.DataFrame
        A row for each case with the columns of scores.csv (docs/run_folder.md): `method`,
        `resolution` (pixels, or "native"), `image`, `status`, the metrics and so on. Unknown values
        are missing. ``attrs["run"]`` holds run.json.

    Raises
    ------
    InputError
        If it is not a run folder, or scores.csv is damaged.
    """
    if not isinstance(run, str | PathLike):
        raise InputError(f"scores: a run folder is expected, not {type(run).__name__}")
    folder = Path(run).expanduser()
    path = folder / "scores.csv"
    try:
        # Names such as "NA" and "007" are names.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        for column in frame.columns.difference([*_TEXTS, "resolution"]):
            frame[column] = _numbers(frame[column]).astype(_kind(column))
        frame["resolution"] = _sizes(frame["resolution"])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; is {folder} a run folder?") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path}: {error}; give the benchmark's command again, which writes it anew"
        ) from None
    info = read_run_json(folder)
    if not info:
        raise InputError(f"{folder / 'run.json'}: no such file; is {folder} a run folder?")
    frame.attrs["run"] = info
    return frame


def _numbers(texts: pd.Series) -> pd.Series:
    # Python's own conversion reads back the very same numbers.
    return texts.map(lambda text: float(text) if text else None).astype(float)


def _kind(column: str) -> str:
    return "boolean" if column in _FLAGS else "Int64" if column in _COUNTS else "float64"


def _sizes(texts: pd.Series) -> pd.Series:
    return texts if (texts == NATIVE).all() and len(texts) else texts.astype(int)
