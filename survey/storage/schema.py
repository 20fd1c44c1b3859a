"""Tables of a study's database, and its clock.

A participant gets all questions at the start, as rows of `questions`. An answer is a row of
`votes`; its primary key permits one for each question. Times are milliseconds since 1970, UTC, by
the database's clock, the only one in use: clocks of several hosts differ.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

metadata = MetaData()
# ON CONFLICT is not part of standard SQL.
INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

# One row. A start locks it, so that participants get their questions one after the other.
study = Table(
    "study",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("state", String, nullable=False),
    # SHA-256 of stimuli.csv: two studies never share a database.
    Column("images", String, nullable=False),
    # Simulated participants and people never share a study.
    Column("simulated", Boolean),
)

# One row: what all hosts of a study must have in common.
hosts = Table(
    "hosts",
    metadata,
    Column("id", Integer, primary_key=True),
    # Fingerprint of keys.json: a host with another one would not recognise participants.
    Column("secret", String, nullable=False),
)

# One row since the first participant started: the design that later ones have to share, as JSON.
started_design = Table(
    "started_design",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("design", String, nullable=False),
)

# Logins on the owner's page that nobody has ended.
owner_logins = Table(
    "owner_logins",
    metadata,
    Column("login", String, primary_key=True),
    Column("token", String, nullable=False),
    Column("since", BigInteger, nullable=False),
)

participants = Table(
    "participants",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("code", String, nullable=False, unique=True),
    Column("platform", String),
    Column("platform_id", String),
    Column("platform_session", String),
    Column("questions", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("withdrawn_at", BigInteger),
    # The reason, by the rules when they finished, or ""; exports apply the current rules.
    Column("excluded", String),
    UniqueConstraint("platform", "platform_id"),
)

# With what a participant came from a platform, each time: one may return with another assignment.
arrivals = Table(
    "arrivals",
    metadata,
    Column("participant", ForeignKey("participants.id", ondelete="CASCADE"), primary_key=True),
    Column("session", String, primary_key=True),
    Column("arrived_at", BigInteger, nullable=False),
)

# Links that nobody can start from: what is wrong with them, how often they were followed.
refused_links = Table(
    "refused_links",
    metadata,
    Column("cause", String, primary_key=True),
    Column("times", Integer, nullable=False),
)

questions = Table(
    "questions",
    metadata,
    Column("participant", ForeignKey("participants.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("image", String, nullable=False),
    Column("left", String, nullable=False),
    Column("right", String, nullable=False),
    Column("is_check", Boolean, nullable=False),
)

votes = Table(
    "votes",
    metadata,
    Column("participant", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("choice", String, CheckConstraint("choice IN ('left', 'right', 'tie')"), nullable=False),
    Column("response_ms", BigInteger, nullable=False),
    Column("answered_at", BigInteger, nullable=False),
    # How the images were viewed: side by side or stacked, width of an image in device pixels.
    Column("layout", String, nullable=False),
    Column("shown_px", Integer, nullable=False),
    Column("zoomed", Boolean, nullable=False),
    Column("compared", Boolean, nullable=False),
    ForeignKeyConstraint(
        ["participant", "position"],
        ["questions.participant", "questions.position"],
        ondelete="CASCADE",
    ),
)


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


def iso(ms: int | None) -> str:
    """Return a stored time in ISO 8601, "" for none."""
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
