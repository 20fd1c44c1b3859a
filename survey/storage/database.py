"""Opening a study's database: SQLite beside study.toml, or PostgreSQL by URL.

SQLite is set up so that an acknowledged vote is on the disk (write-ahead log, synchronous=FULL),
and so that writers queue instead of failing: each takes the write lock when it begins.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError, TimeoutError

from methods.errors import InputError
from methods.files import PRIVATE

Result = TypeVar("Result")
# Where the result goes, and what is to be done.
_Work = tuple[Future[Any], Callable[[Connection], Any]]

FILE = "study.db"
# How long a writer waits for others, less than a browser does.
PATIENCE_S = 10
THREADS = 8


class AwayError(InputError):
    """The database does not answer; it may later."""


def connect(folder: Path, database: str) -> Engine:
    """The engine of a study; nothing is opened yet. database: as in study.toml. Raises
    InputError."""
    url = make_url(f"sqlite:///{folder / FILE}" if database == "sqlite" else database)
    if url.get_backend_name() != "sqlite":
        return _connect_postgresql(url, folder)
    if url.database:
        _create_private(Path(url.database))
    engine = create_engine(
        url,
        pool_size=THREADS,
        connect_args={"timeout": PATIENCE_S},
        execution_options={"queue": _Queue()},
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _connect_postgresql(url: URL, folder: Path) -> Engine:
    # Else it depends on SQLAlchemy which driver an address without one means.
    url = url.set(drivername="postgresql+psycopg")
    try:
        return create_engine(url, pool_size=THREADS, pool_pre_ping=True, connect_args=_reached())
    except ImportError as error:
        raise InputError(
            f"{folder}: PostgreSQL needs more: pip install 'inpainting-suite[postgresql]'"
        ) from error


def _reached() -> dict[str, Any]:
    """How PostgreSQL is connected to: on both sides, who is gone without a word is soon noticed.

    Else the locks of a host that was cut off would keep all others waiting for hours, and requests
    would wait as long for a database server that was."""
    settings = {
        "synchronous_commit": "on",
        "lock_timeout": f"{PATIENCE_S}s",
        "idle_in_transaction_session_timeout": f"{PATIENCE_S}s",
        "tcp_keepalives_idle": PATIENCE_S,
        "tcp_keepalives_interval": 2,
        "tcp_keepalives_count": 3,
        "tcp_user_timeout": f"{PATIENCE_S}s",
    }
    return {
        "connect_timeout": PATIENCE_S,
        "keepalives_idle": PATIENCE_S,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": PATIENCE_S * 1000,
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
    }


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
    # secure_delete: what somebody withdraws is overwritten, not only forgotten.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
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
    queue = _queue_of(engine)
    with (
        queue.turn() if queue else nullcontext(),
        engine.connect().execution_options(writing=True) as connection,
        connection.begin(),
    ):
        yield connection


def write(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """What `work` returns, once what it wrote is safe.

    On SQLite, what several threads want to write goes to the disk in one transaction: else each
    would wait for the disk after the other. PostgreSQL does the same by itself."""
    queue = _queue_of(engine)
    if queue:
        return queue.write(engine, work)
    with writing(engine) as connection:
        return work(connection)


def _queue_of(engine: Engine) -> _Queue | None:
    found: _Queue | None = engine.get_execution_options().get("queue")
    return found


class _Queue:
    """Where the threads of a process wait to write. Left to themselves, SQLite's writers look
    again and again whether its lock is free."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Work] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=PATIENCE_S):
            raise TimeoutError("others are writing")
        try:
            yield
        finally:
            self._lock.release()

    def write(self, engine: Engine, work: Callable[[Connection], Result]) -> Result:
        done: Future[Result] = Future()
        self._waiting.append((done, work))
        try:
            with self.turn():
                # Unless whose turn it was before has done it.
                if not done.done():
                    self._write_all(engine)
        except TimeoutError:
            # What nobody has begun must not be written later: the answer says it was not.
            if done.cancel():
                raise
        return done.result()

    def _write_all(self, engine: Engine) -> None:
        group = []
        while self._waiting:
            one = self._waiting.popleft()
            if one[0].set_running_or_notify_cancel():
                group.append(one)
        try:
            _write_together(engine, group)
        except SQLAlchemyError as error:
            for done, _ in group:
                done.set_exception(error)
        except Exception:
            # One of them was refused, which undoes all: each on its own, then.
            for one in group:
                _write_alone(engine, one)


def _write_together(engine: Engine, group: Sequence[_Work]) -> None:
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        results = [work(connection) for _, work in group]
    for (done, _), result in zip(group, results, strict=True):
        done.set_result(result)


def _write_alone(engine: Engine, one: _Work) -> None:
    try:
        _write_together(engine, [one])
    except Exception as error:
        one[0].set_exception(error)


@contextmanager
def explained(where: str) -> Iterator[None]:
    """For command lines: a database that cannot be used becomes an InputError, an AwayError where
    that may pass."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        kind = AwayError if isinstance(error, OperationalError) else InputError
        raise kind(f"{where}: the database cannot be used ({cause})") from error
