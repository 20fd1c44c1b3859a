"""scores.parquet beside scores.csv of a large run: the same rows, typed, read column by column.

It carries the checksum of the scores.csv that it was made from, by which readers know it from one
that was left behind; its own is in scores.parquet.sha256, by which they know a damaged one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
from polars.exceptions import PanicException, PolarsError

from methods.images import replacing, write_atomically

# Smaller tables are read as fast from text.
LARGE = 10_000
NAME = "scores.parquet"
SUMS = f"{NAME}.sha256"
CHECKSUM = "scores.csv sha256"
WORDS = ("method", "image", "status", "error")
WHOLE = ("resolution", "known_pixels_changed", "scored_as_given")


def remove_parquet(scores: Path) -> None:
    """To be called before a scores.csv is replaced: no other program may find the old values beside
    the new ones. Raises OSError."""
    for name in (SUMS, NAME):
        scores.with_name(name).unlink(missing_ok=True)


def write_parquet(scores: Path, rows: int) -> None:
    """Write scores.parquet of a scores.csv with that many rows, or remove it where there are few.
    Raises OSError; then there is none."""
    remove_parquet(scores)
    if rows < LARGE:
        return
    path = scores.with_name(NAME)
    try:
        _pack(scores, path)
        digest = _sha256(path)
        # As sha256sum writes it, and checks it with -c.
        write_atomically(path.with_name(SUMS), f"{digest}  {NAME}\n".encode())
    except (OSError, PolarsError, PanicException) as error:
        remove_parquet(scores)
        # Polars has an error of its own for a full disk.
        raise OSError(str(error).partition("\n")[0]) from None


def _pack(scores: Path, path: Path) -> None:
    names = scores.open(encoding="utf-8").readline().rstrip("\n").split(",")
    # Missing cells become nulls; of words only `error` may be empty, which stays an empty text.
    table = pl.scan_csv(scores, schema={name: _kind(name) for name in names}).with_columns(
        pl.col("error").fill_null("")
    )
    with replacing(path) as file:
        table.sink_parquet(file, metadata={CHECKSUM: _sha256(scores)})


def _kind(name: str) -> type[pl.DataType]:
    if name in WORDS:
        return pl.String
    return pl.Int64 if name in WHOLE else pl.Float64


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
