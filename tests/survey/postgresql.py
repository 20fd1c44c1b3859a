"""A throw-away PostgreSQL for tests, of the binaries that the machine has."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.hosts import Host
from tests.survey.production import LOCAL, free_port

OWNER = "postgres"
LONGEST_S = 60


def why_not() -> str:
    """Why there can be none here; "" when there can."""
    if _binaries() is None:
        return "PostgreSQL's initdb is not installed (Debian: apt install postgresql)"
    if os.geteuid() == 0 and not _owner():
        return f"PostgreSQL does not run as root, and there is no user {OWNER}"
    return ""


def _binaries() -> Path | None:
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _owner() -> pwd.struct_passwd | None:
    """As whom root starts what refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(OWNER)
    except KeyError:
        return None


class Cluster:
    """A server on a host; what it holds is gone afterwards. safe: whether commits wait for the
    disk, which tests of other things need not."""

    def __init__(self, folder: Path, safe: bool, host: Host) -> None:
        self.folder, self.safe, self.host = folder, safe, host
        self.port = free_port()
        owner = _owner()
        self._owner = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}",
                       "--clear-groups"] if owner else []  # fmt: skip
        if owner:
            os.chown(folder, owner.pw_uid, -1)
        self._run("initdb", "-A", "trust", "-U", OWNER, "-E", "UTF8", "--locale=C", "--no-sync")
        with (folder / "data" / "pg_hba.conf").open("a") as allowed:
            allowed.write("host all all samenet trust\n")

    def _run(self, program: str, *arguments: str) -> None:
        binaries = _binaries()
        assert binaries
        command = [str(binaries / program), "-D", str(self.folder / "data"), *arguments]
        command = [*self.host.enter, *self._owner, *command]
        with (self.folder / "log").open("a") as log:
            subprocess.run(
                command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, timeout=LONGEST_S,
            )  # fmt: skip

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses={self.host.address} "
            f"-c fsync={'on' if self.safe else 'off'} -c unix_socket_directories={self.folder}"
        )
        self._run("pg_ctl", "-w", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def new_database(self, name: str) -> str:
        """The address of an empty database, as study.toml has it."""
        where = {"host": self.host.address, "port": self.port, "user": OWNER}
        with psycopg.connect(**where, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://{OWNER}@{self.host.address}:{self.port}/{name}"


@contextmanager
def running(safe: bool = False, host: Host | None = None) -> Iterator[Cluster]:
    # Not under pytest's folders, which the user that PostgreSQL runs as cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        cluster = Cluster(folder, safe, host or Host(LOCAL, LOCAL))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)
