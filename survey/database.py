"""Opening a study's database: SQLite beside study.toml, or PostgreSQL by URL.

SQLite is set up so that an acknowledged vote is on the disk (write-ahead log, synchronous=FULL),
and so that writers queue instead of failing: each takes the write lock when it begins.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError, TimeoutError

from survey.errors import InputError
from survey.files import PRIVATE

FILE = "study.db"
# How long a writer waits for others, less than a browser does.
PATIENCE_S = 10
THREADS = 8


def connect(folder: Path, database: str) -> Engine:
    """The engine of a study; nothing is opened yet. database: as in study.toml."""
    url = make_url(f"sqlite:///{folder / FILE}" if database == "sqlite" else database)
    if url.get_backend_name() != "sqlite":
        settings = {"synchronous_commit": "on", "lock_timeout": f"{PATIENCE_S}s"}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        reached = {"connect_timeout": PATIENCE_S, "options": options}
        return create_engine(url, pool_size=THREADS, pool_pre_ping=True, connect_args=reached)
    if url.database:
        _create_private(Path(url.database))
    engine = create_engine(
        url,
        pool_size=THREADS,
        connect_args={"timeout": PATIENCE_S},
        execution_options={"turns": threading.Lock()},
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(path: Path) -> None:
    """SQLite gives its log the permissions of the database."""
    if not path.exists():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, PRIVATE))
        except FileExistsError:
            return
        except OSError as error:
            raise InputError(f"{path}: cannot be created ({error.strerror})") from error


def _set_up_sqlite(connection: Any, record: Any) -> None:
    # The driver would begin transactions by itself, and too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database, which SQLite gives by itself."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction, committed at the end: what was written is safe then, or an error is raised."""
    with (
        _turn(engine),
        engine.connect().execution_options(writing=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """SQLite's writers look again and again whether its lock is free; those of one process queue
    for it here instead."""
    turns = engine.get_execution_options().get("turns")
    if turns is None:
        yield
        return
    if not turns.acquire(timeout=PATIENCE_S):
        raise TimeoutError("others are writing")
    try:
        yield
    finally:
        turns.release()


@contextmanager
def explained(where: str) -> Iterator[None]:
    """For command lines: a database that cannot be used becomes an InputError."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise InputError(f"{where}: the database cannot be used ({cause})") from error
