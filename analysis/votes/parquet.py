"""Read columns of Parquet files as text; needs the optional extra `parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from methods.errors import InputError


def opened(path: Path) -> Any:
    """Return a `pyarrow.parquet.ParquetFile`; raise InputError if this cannot be done."""
    if find_spec("pyarrow") is None:
        raise InputError(f"{path}: Parquet needs pyarrow: pip install '.[parquet]'; or use CSV")
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def texts(path: Path, places: Sequence[int]) -> pd.DataFrame:
    """Return the columns at some places, in their order, as a CSV file of them would have them.

    Raises
    ------
    InputError
        If the file is damaged, or a column is neither text nor numbers.
    """
    file = opened(path)
    import pyarrow as pa

    fields = [file.schema_arrow.field(place) for place in places]
    for field in fields:
        if pa.types.is_nested(field.type) or "binary" in str(field.type):
            raise InputError(
                f"{path}: column {field.name!r} is of type {field.type}; save it as text or numbers"
            )
    try:
        table = file.read([field.name for field in fields])
        text = table.cast(pa.schema([(field.name, pa.string()) for field in fields])).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    for i, field in enumerate(fields):
        if pa.types.is_floating(field.type):
            text.isetitem(i, text.iloc[:, i].str.replace(r"^(-?\d+)$", r"\1.0", regex=True))
    return text


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: {(str(error) or type(error).__name__).splitlines()[0]}")
