"""Open a study's database, SQLite beside study.toml or PostgreSQL by URL, and use it safely.

SQLite is configured so that an acknowledged vote is on the disk (write-ahead log,
synchronous=FULL) and so that writers queue instead of failing: each takes the write lock when its
transaction begins.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError, TimeoutError

from methods.errors import InputError
from methods.files import PRIVATE

Result = TypeVar("Result")
# The future result of a function, and the function.
_Job = tuple[Future[Any], Callable[[Connection], Any]]

FILE = "study.db"
# How long a writer waits for others; browsers wait longer.
LOCK_TIMEOUT_S = 10
_THREADS = 8
# How often SQLite's log is tried to be emptied after something was deleted.
_FORGET_TRIES, _FORGET_PAUSE_S = 600, 1.0


class UnavailableError(InputError):
    """The database does not answer now, but may later."""


def connect(folder: Path, database: str) -> Engine:
    """Return the engine of a database, named as in study.toml, without connecting to it yet."""
    url = make_url(f"sqlite:///{folder / FILE}" if database == "sqlite" else database)
    if url.get_backend_name() != "sqlite":
        return _connect_postgresql(url, folder)
    if url.database:
        _create_private(Path(url.database))
    engine = create_engine(
        url,
        pool_size=_THREADS,
        connect_args={"timeout": LOCK_TIMEOUT_S},
        execution_options={"queue": _WriteQueue()},
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _connect_postgresql(url: URL, folder: Path) -> Engine:
    # SQLAlchemy's default driver depends on its version.
    url = url.set(drivername="postgresql+psycopg")
    arguments = _postgresql_arguments()
    try:
        return create_engine(url, pool_size=_THREADS, pool_pre_ping=True, connect_args=arguments)
    except ImportError as error:
        raise InputError(
            f"{folder}: PostgreSQL needs more: pip install 'inpainting-suite[postgresql]'"
        ) from error


def _postgresql_arguments() -> dict[str, Any]:
    """Return settings with which both sides soon notice that the other one is unreachable.

    Otherwise the locks of a host that was cut off would block all others for hours, and requests
    would wait as long for a database server that is gone.
    """
    keepalives = {
        "keepalives_idle": LOCK_TIMEOUT_S,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }
    settings = {
        "synchronous_commit": "on",
        "lock_timeout": f"{LOCK_TIMEOUT_S}s",
        "idle_in_transaction_session_timeout": f"{LOCK_TIMEOUT_S}s",
        "tcp_user_timeout": f"{LOCK_TIMEOUT_S}s",
        **{f"tcp_{name}": value for name, value in keepalives.items()},
    }
    return {
        "connect_timeout": LOCK_TIMEOUT_S,
        "tcp_user_timeout": LOCK_TIMEOUT_S * 1000,
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        **keepalives,
    }


def _create_private(path: Path) -> None:
    # SQLite gives its log the permissions of the database.
    try:
        with suppress(FileExistsError):
            path.touch(PRIVATE, exist_ok=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be created ({error.strerror})") from error


def _set_up_sqlite(connection: Any, record: Any) -> None:
    # The driver would begin transactions by itself, and too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    # secure_delete overwrites what a participant withdraws.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees the database at one point in time."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose changes are safely stored when the context is left normally."""
    queue = engine.get_execution_options().get("queue")
    with queue.turn() if queue else nullcontext(), _transaction(engine) as connection:
        yield connection


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        yield connection


def forget(engine: Engine) -> None:
    """Have what was deleted gone from SQLite's log too, which otherwise keeps it for some time.

    Where somebody reads, it is tried again in the background: waiting would hold up writers.
    """
    if engine.dialect.name == "sqlite" and not _truncate_log(engine):
        threading.Thread(target=_truncate_later, args=(engine,), daemon=True).start()


def _truncate_later(engine: Engine) -> None:
    for _ in range(_FORGET_TRIES):
        time.sleep(_FORGET_PAUSE_S)
        with suppress(SQLAlchemyError, sqlite3.Error):
            if _truncate_log(engine):
                return


def _truncate_log(engine: Engine) -> bool:
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 100")
        is_busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {1000 * LOCK_TIMEOUT_S}")
        return not is_busy
    finally:
        connection.close()


def write(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """Return the result of `work` once everything that it wrote is safely stored.

    On SQLite, work of several threads is committed in one transaction; otherwise each thread would
    wait for the disk after the other. PostgreSQL groups commits by itself.
    """
    queue: _WriteQueue | None = engine.get_execution_options().get("queue")
    if queue:
        return queue.write(engine, work)
    with writing(engine) as connection:
        return work(connection)


class _WriteQueue:
    """Queue of the threads of a process that want to write; SQLite itself would poll its lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Job] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=LOCK_TIMEOUT_S):
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
                # The thread before may have done this thread's work too.
                if not done.done():
                    self._write_all(engine)
        except TimeoutError:
            # Work that has not begun must not be done later: the caller reports that it failed.
            if done.cancel():
                raise
        return done.result()

    def _write_all(self, engine: Engine) -> None:
        jobs = []
        while self._waiting:
            job = self._waiting.popleft()
            if job[0].set_running_or_notify_cancel():
                jobs.append(job)
        _write_together(engine, jobs)


def _write_together(engine: Engine, jobs: Sequence[_Job]) -> None:
    try:
        with _transaction(engine) as connection:
            results = [work(connection) for _, work in jobs]
    except Exception as error:
        if len(jobs) > 1 and not isinstance(error, SQLAlchemyError):
            # The work of one thread failed, which undid that of all: repeat each on its own.
            for job in jobs:
                _write_together(engine, [job])
            return
        for done, _ in jobs:
            done.set_exception(error)
    else:
        for (done, _), result in zip(jobs, results, strict=True):
            done.set_result(result)


@contextmanager
def errors_as_input(where: str) -> Iterator[None]:
    """Turn errors of the database into an InputError, which is an UnavailableError if temporary."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        kind = UnavailableError if isinstance(error, OperationalError) else InputError
        raise kind(f"{where}: the database cannot be used ({cause})") from error
