"""The tables of a study's database.

A participant gets all questions at the start, as rows of `questions`; an answer is a row of
`votes`, at most one for each question, by its primary key. Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

# One row, locked by those who start, so that they are given questions one after the other.
study = Table(
    "study",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("state", String, nullable=False),
    # Of stimuli.csv: two studies never share a database.
    Column("images", String, nullable=False),
    # Simulated participants and people never share a study.
    Column("simulated", Boolean),
)

# One row: what all hosts of a study have alike, as far as nobody may read it from here.
hosts = Table(
    "hosts",
    metadata,
    Column("id", Integer, primary_key=True),
    # Of keys.json: with another one, people would be strangers on half of the hosts.
    Column("secret", String, nullable=False),
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
    # By the rules at the end, "" for none; exports judge again by the rules of then.
    Column("excluded", String),
    UniqueConstraint("platform", "platform_id"),
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
    # How it was looked at: side by side or stacked, the width of an image in device pixels.
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
