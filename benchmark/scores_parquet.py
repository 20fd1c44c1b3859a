"""scores.parquet beside scores.csv of a large run: the same rows, typed, read column by column.

It carries the checksum of the scores.csv that it was made from, by which readers know it from one
that was left behind.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

# Smaller tables are read as fast from text.
LARGE = 10_000
NAME = "scores.parquet"
CHECKSUM = "scores.csv sha256"
WORDS = ("method", "image", "status", "error")
WHOLE = ("resolution", "known_pixels_changed", "scored_as_given")


def write_parquet(scores: Path, rows: int) -> None:
    """Write scores.parquet of a scores.csv with that many rows, or remove it where there are few.
    Raises OSError."""
    path = scores.with_name(NAME)
    path.unlink(missing_ok=True)
    if rows < LARGE:
        return
    names = scores.open(encoding="utf-8").readline().rstrip("\n").split(",")
    digest = hashlib.sha256(scores.read_bytes()).hexdigest()
    part = path.with_name(f".{NAME}.part")
    # Missing cells become nulls; of words only `error` may be empty, which stays an empty text.
    pl.scan_csv(scores, schema={name: _kind(name) for name in names}).with_columns(
        pl.col("error").fill_null("")
    ).sink_parquet(part, metadata={CHECKSUM: digest})
    part.replace(path)


def _kind(name: str) -> type[pl.DataType]:
    if name in WORDS:
        return pl.String
    return pl.Int64 if name in WHOLE else pl.Float64
