"""Read columns of Parquet files as text; needs the optional extra `parquet`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from methods.errors import InputError


def names(path: Path) -> list[str]:
    """Return the names of all columns; raise InputError if the file cannot be read."""
    with _opened(path) as file:
        return file.schema_arrow.names


def texts(path: Path, places: Sequence[int]) -> pd.DataFrame:
    """Return the columns at some places, in their order, as a CSV file of them would have them.

    Raises
    ------
    InputError
        If the file is damaged, or a column is neither text nor numbers.
    """
    with _opened(path) as file:
        import pyarrow as pa

        fields = [file.schema_arrow.field(place) for place in places]
        for field in fields:
            if pa.types.is_nested(field.type) or "binary" in str(field.type):
                raise InputError(
                    f"{path}: column {field.name!r} is of type {field.type}; save it as text or "
                    "numbers"
                )
        table = file.read([field.name for field in fields])
        table = table.cast(pa.schema([(field.name, pa.string()) for field in fields]))
        table.validate(full=True)
        text = table.to_pandas()
    for i, field in enumerate(fields):
        if pa.types.is_floating(field.type):
            text.isetitem(i, text.iloc[:, i].str.replace(r"^(-?\d+)$", r"\1.0", regex=True))
    return text


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Give a `pyarrow.parquet.ParquetFile`, and report in a line what goes wrong with it."""
    if find_spec("pyarrow") is None:
        raise InputError(f"{path}: Parquet needs pyarrow: pip install '.[parquet]'; or use CSV")
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        yield ParquetFile(path)
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: {reason}") from error
