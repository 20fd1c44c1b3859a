"""Read columns of Parquet files as text; needs the optional extra `parquet`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.votes.names import recoded
from methods.errors import InputError
from methods.libraries import extra_installation


def names(path: Path) -> list[str]:
    """Return the names of all columns; raise InputError if the file cannot be read."""
    with _opened(path) as file:
        return file.schema_arrow.names


def texts(path: Path, places: Sequence[int]) -> pd.DataFrame:
    """Return the columns at some places, in their order, as a CSV file of them would have them.

    Raises InputError if the file is damaged, or a column is neither text nor numbers.
    """
    columns = {}
    with _opened(path) as file:
        import pyarrow as pa

        all_names = file.schema_arrow.names
        for place in places:
            name, kind = all_names[place], file.schema_arrow.types[place]
            stored = getattr(kind, "storage_type", kind)
            if pa.types.is_nested(kind) or "binary" in str(stored):
                raise InputError(
                    f"{path}: column {name!r} is of type {kind}; save it as text or numbers"
                )
            # Others may have the same name.
            column = file.read([name]).column(all_names[:place].count(name)).cast(pa.string())
            column.validate(full=True)
            columns[place] = column.dictionary_encode().to_pandas()
            if pa.types.is_floating(kind):
                columns[place] = recoded(columns[place], _float)
    return pd.DataFrame(columns)


def _float(text: str) -> str:
    if text == "nan":
        return ""
    return f"{text}.0" if text.lstrip("-").isdecimal() else text


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Give a `pyarrow.parquet.ParquetFile`, and report in a line what goes wrong with it."""
    if find_spec("pyarrow") is None:
        install = extra_installation("parquet")
        raise InputError(f"{path}: Parquet needs pyarrow: {install}; or use CSV")
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        yield ParquetFile(path)
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: {reason}") from error
