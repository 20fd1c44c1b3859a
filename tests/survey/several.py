"""A study served by two hosts over a PostgreSQL on a third, each host with its own folder."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from survey.storage.open_study import OpenStudy, open_study
from survey.study import config, secrets_file, stimuli
from tests.hosts import Host, hosts
from tests.survey import conftest, postgresql
from tests.survey.images import show_from
from tests.survey.load import Hosts
from tests.survey.places import unlimited
from tests.survey.postgresql import Cluster
from tests.survey.production import Server, free_port

# What a second host needs, where the images are elsewhere.
NEEDED = (config.FILE, secrets_file.FILE, stimuli.LIST)
IMAGES_PORT = 8080
PATIENCE_S = 2.0
AHEAD_S = 300
# Read by Python when it starts: the clock of this host is ahead of all others.
CLOCK = f"""
import time
seconds, nanoseconds = time.time, time.time_ns
time.time = lambda: seconds() + {AHEAD_S}
time.time_ns = lambda: nanoseconds() + {AHEAD_S} * 10**9
"""


class Machines(NamedTuple):
    """Two that serve, one with the images, one with the database."""

    apps: tuple[Host, Host]
    images: Host
    cluster: Cluster


@contextmanager
def machines() -> Iterator[Machines]:
    with hosts(4) as (one, other, images, database), postgresql.running(host=database) as cluster:
        yield Machines((one, other), images, cluster)


class Site(NamedTuple):
    """What is served. servers: one on each host, the second one's clock is ahead; seen: the
    database, from outside."""

    machines: Machines
    servers: tuple[Server, Server]
    seen: OpenStudy

    @property
    def port(self) -> int:
        return self.servers[0].port

    @property
    def hosts(self) -> Hosts:
        """Of people who are sent from host to host, and to the next one where none answers."""
        return Hosts([host.address for host in self.machines.apps], PATIENCE_S)


@contextmanager
def site(found: Machines, place: Path, **wanted: Any) -> Iterator[Site]:
    folder = study(found, place, **wanted)
    with ExitStack() as undo:
        undo.callback(found.images.kill)
        send_images(found.images, folder)
        port = free_port()
        servers = [
            Server(joined(folder, place / f"host{number}"), host=host, port=port, environment=clock)
            for number, (host, clock) in enumerate(zip(found.apps, clocks(place), strict=True))
        ]
        for server in servers:
            undo.callback(server.host.kill)
        with ThreadPoolExecutor() as together:
            list(together.map(Server.start, servers))
        seen = open_study(folder)
        undo.callback(seen.engine.dispose)
        yield Site(found, (servers[0], servers[1]), seen)


def study(found: Machines, place: Path, **wanted: Any) -> Path:
    """On the machine of whoever made it, with images that another one sends."""
    database = found.cluster.new_database(f"study_{secrets.token_hex(4)}")
    given = {"images": 4, "pairs": 3, "checks": 1, "database": database, **wanted}
    folder = unlimited(conftest.make_study(place, **given))
    show_from(f"http://{found.images.address}:{IMAGES_PORT}", folder)
    return folder


def send_images(host: Host, folder: Path) -> None:
    """By any static server; this one is Python's."""
    words = ["-u", "-m", "http.server", str(IMAGES_PORT), "--bind", host.address]
    started = host.start(
        [sys.executable, *words], cwd=folder / stimuli.FOLDER,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert started.stdout and b"Serving" in started.stdout.readline()


def joined(folder: Path, place: Path) -> Path:
    """The study's folder on another host: the few files that it needs."""
    (place / "study").mkdir(parents=True)
    for name in NEEDED:
        shutil.copy2(folder / name, place / "study" / name)
    return place / "study"


def clocks(place: Path) -> list[dict[str, str]]:
    (place / "ahead").mkdir()
    (place / "ahead" / "sitecustomize.py").write_text(CLOCK)
    return [{}, {"PYTHONPATH": str(place / "ahead")}]
