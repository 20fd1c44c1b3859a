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
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError, TimeoutError

from methods.errors import InputError
from methods.files import PRIVATE
from methods.libraries import extra_installation

Result = TypeVar("Result")
# The future result of a function, and the function.
_Job = tuple[Future[Any], Callable[[Connection], Any]]

FILE = "study.db"
# How long a writer waits for others; browsers wait longer.
LOCK_TIMEOUT_S = 10
_THREADS = 8
# How often a process looks whether another one has stopped writing.
_LOOK_S = 0.0002
# How often SQLite's log is tried to be emptied after something was deleted.
_FORGET_TRIES, _FORGET_PAUSE_S = 600, 1.0


def connect(folder: Path, database: str) -> Engine:
    """Return the engine of a database, named as in study.toml, without connecting to it yet."""
    # In the text of a URL, percent signs and question marks of the folder's name mean something.
    is_file = database == "sqlite"
    url = URL.create("sqlite", database=str(folder / FILE)) if is_file else make_url(database)
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
    return engine


def _connect_postgresql(url: URL, folder: Path) -> Engine:
    # SQLAlchemy's default driver depends on its version.
    url = url.set(drivername="postgresql+psycopg")
    arguments = _postgresql_arguments()
    try:
        return create_engine(url, pool_size=_THREADS, pool_pre_ping=True, connect_args=arguments)
    except ImportError as error:
        raise InputError(
            f"{folder}: PostgreSQL needs more: {extra_installation('postgresql')}"
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


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees the database at one point in time."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        else:
            connection.exec_driver_sql("BEGIN")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose changes are safely stored when the context is left normally."""
    queue = engine.get_execution_options().get("queue")
    with queue.turn() if queue else nullcontext(), _transaction(engine) as connection:
        yield connection


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            _lock_sqlite(connection)
        yield connection


def _lock_sqlite(connection: Connection) -> None:
    """Begin to write. SQLite itself would look for its lock ever more rarely, every 0.1 s at last,
    while others take it in turns."""
    raw: Any = connection.connection.driver_connection
    until = time.monotonic() + LOCK_TIMEOUT_S
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        while not raw.in_transaction and time.monotonic() < until:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                # The lowest byte is the kind: a log that is being recovered is busy too.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
                time.sleep(_LOOK_S)
        if not raw.in_transaction:
            # With its error as SQLAlchemy's.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        raw.execute(f"PRAGMA busy_timeout = {1000 * LOCK_TIMEOUT_S}")


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


def give_way(engine: Engine) -> None:
    """Wait while this process writes to SQLite: who calculates meanwhile would take Python's lock
    from the writer at each statement, and that one keeps the database's lock from all others."""
    queue: _WriteQueue | None = engine.get_execution_options().get("queue")
    if queue:
        with queue.writing:
            pass


class _WriteQueue:
    """Queue of the threads of a process that want to write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Held for the statements of votes, not for the commit, which waits for the disk.
        self.writing = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._writer = ThreadPoolExecutor(1)

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
        # One thread for all: if they took turns, each would wait for those whose work is done.
        self._writer.submit(self._write_all, engine)
        with suppress(futures.TimeoutError):
            return done.result(LOCK_TIMEOUT_S)
        # Work that has not begun must not be done later: the caller reports that it failed.
        if done.cancel():
            raise TimeoutError("others are writing")
        return done.result()

    def _write_all(self, engine: Engine) -> None:
        jobs = []
        while self._waiting:
            job = self._waiting.popleft()
            if job[0].set_running_or_notify_cancel():
                jobs.append(job)
        if jobs:
            self._write_together(engine, jobs)

    def _write_together(self, engine: Engine, jobs: Sequence[_Job]) -> None:
        try:
            with self.turn(), _transaction(engine) as connection, self.writing:
                results = [work(connection) for _, work in jobs]
        except BaseException as error:
            if len(jobs) > 1 and not isinstance(error, SQLAlchemyError):
                # The work of one thread failed, which undid that of all: repeat each on its own.
                for job in jobs:
                    self._write_together(engine, [job])
                return
            for done, _ in jobs:
                done.set_exception(error)
        else:
            for (done, _), result in zip(jobs, results, strict=True):
                done.set_result(result)


@contextmanager
def errors_as_input(where: str) -> Iterator[None]:
    """Turn errors of the database into an InputError."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise InputError(f"{where}: the database cannot be used ({cause})") from error
