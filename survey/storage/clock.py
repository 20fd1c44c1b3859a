"""The clock of a study's database, the only one in use: clocks of several hosts differ."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _Now(FunctionElement[int]):
    """Milliseconds since 1970, UTC, when the statement is executed, not when its transaction began:
    that may have waited for a lock."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Now, "postgresql")
def _postgresql(element: _Now, compiler: Any, **options: Any) -> str:
    return "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)"


@compiles(_Now, "sqlite")
def _sqlite(element: _Now, compiler: Any, **options: Any) -> str:
    return "CAST(round((julianday('now') - 2440587.5) * 86400000) AS integer)"


NOW = _Now()


def now_ms(connection: Connection) -> int:
    """Return the time in milliseconds since 1970, UTC."""
    return int(connection.scalar(select(NOW)) or 0)
