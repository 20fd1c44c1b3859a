"""Hosts for tests of what runs on several machines: real processes, each with a network of its own.

Where the machine allows it (Linux, root, `ip`), a host is a network namespace on a bridge; a host
that is cut off has a link that is down, so that whoever talks to it hears nothing any more.
Elsewhere hosts are addresses of this machine's loopback, and cutting one off stops its processes.
Both kinds see the same files. Nothing here reaches beyond this machine.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import Any

import psutil

NAMESPACES, LOOPBACK = "namespaces", "loopback"
KINDS = (NAMESPACES, LOOPBACK)
LONGEST_S = 30
# Of names of interfaces, which have at most 15 letters, and of namespaces.
PREFIX = "inp"
# From network to network: further than processes that run together are apart.
STEP = 1009
_numbers = itertools.count()

# Whether somebody is at an address, at whatever port: nobody listens, and that is told.
_REACHES = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9), timeout=5).close()
except ConnectionRefusedError:
    pass
"""


class Host:
    """An address of the loopback. outside: under which the host reaches the test's own process;
    enter: words before a command that make it run on the host."""

    def __init__(self, address: str, outside: str, enter: Sequence[str] = ()) -> None:
        self.address, self.outside, self.enter = address, outside, list(enter)
        self._started: list[subprocess.Popen[Any]] = []

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Run a command on the host, in a process group of its own. options: of Popen."""
        given = {"stdin": subprocess.DEVNULL, "start_new_session": True, **options}
        process = subprocess.Popen([*self.enter, *command], **given)
        self._started.append(process)
        return process

    def processes(self) -> list[psutil.Process]:
        """All that were started here, and theirs."""
        found: dict[int, psutil.Process] = {}
        for process in self._started:
            if process.poll() is None:
                with suppress(psutil.NoSuchProcess):
                    first = psutil.Process(process.pid)
                    found |= {one.pid: one for one in (first, *first.children(recursive=True))}
        return list(found.values())

    def cut(self) -> None:
        """Take the host off the network; nobody is told."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def mend(self) -> None:
        """Put it back."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def kill(self) -> None:
        """As when it loses power: every process at once, without a word."""
        ended = self.processes()
        for process in ended:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        for started in self._started:
            started.wait(LONGEST_S)
        until = time.monotonic() + LONGEST_S
        while any(map(_runs, ended)):
            assert time.monotonic() < until, ended
            time.sleep(0.005)


class Namespace(Host):
    """A network namespace. link: the end of its cable at the bridge."""

    def __init__(self, name: str, link: str, address: str, outside: str) -> None:
        super().__init__(address, outside, ["ip", "netns", "exec", name])
        self._name, self._link = name, link

    def processes(self) -> list[psutil.Process]:
        """Everything in the namespace, whoever its parent is."""
        found = []
        for number in _ip("netns", "pids", self._name).split():
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(int(number)))
        return found

    def cut(self) -> None:
        _ip("link", "set", self._link, "down")

    def mend(self) -> None:
        _ip("link", "set", self._link, "up")


def _runs(process: psutil.Process) -> bool:
    """Those whose parent is killed too may stay as zombies until the system looks after them."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def hosts(count: int, kind: str | None = None) -> Iterator[tuple[Host, ...]]:
    """So many hosts, which reach each other and the test's process, and are gone afterwards with
    all their processes. kind: by default the better one of those that the machine allows."""
    kind = kind or best_kind()
    print(f"hosts: {count} {kind}", file=sys.stderr)
    with ExitStack() as undo:
        yield (_namespaces if kind == NAMESPACES else _loopback)(count, undo)


@cache
def best_kind() -> str:
    """Namespaces where two of them can be made and talk to each other."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("ip"):
        return LOOPBACK
    try:
        with ExitStack() as undo:
            one, other = _namespaces(2, undo)
            asked = one.start([sys.executable, "-c", _REACHES, other.address])
            return LOOPBACK if asked.wait(LONGEST_S) else NAMESPACES
    except (OSError, subprocess.SubprocessError):
        return LOOPBACK


def _loopback(count: int, undo: ExitStack) -> tuple[Host, ...]:
    network = _network("127.0.0.0/8")
    made = tuple(Host(str(network[number]), "127.0.0.1") for number in range(2, count + 2))
    for host in made:
        undo.callback(host.kill)
    return made


def _namespaces(count: int, undo: ExitStack) -> tuple[Host, ...]:
    """A bridge that the test's process is on, and a cable from it to each host."""
    _remove_left()
    network, tag = _network("10.0.0.0/8"), f"{PREFIX}{os.getpid():x}n{next(_numbers)}"
    outside = str(network[1])
    _ip("link", "add", tag, "type", "bridge")
    undo.callback(_ip, "link", "delete", tag)
    _ip("address", "add", f"{outside}/{network.prefixlen}", "dev", tag)
    _ip("link", "set", tag, "up")
    made = []
    for number in range(count):
        name, link, address = f"{tag}-{number}", f"{tag}h{number}", network[number + 2]
        _ip("netns", "add", name)
        undo.callback(_ip, "netns", "delete", name)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        # At once, while the other end goes with its namespace at some time.
        undo.callback(_ip, "link", "delete", link)
        _ip("link", "set", link, "master", tag, "up")
        _ip("-n", name, "address", "add", f"{address}/{network.prefixlen}", "dev", "eth0")
        for inside in ("lo", "eth0"):
            _ip("-n", name, "link", "set", inside, "up")
        made.append(Namespace(name, link, str(address), outside))
        undo.callback(made[-1].kill)
    return tuple(made)


def _remove_left() -> None:
    """What tests left that were killed themselves, whose number is in the names."""
    for listed, ours in (
        (_ip("netns", "list"), rf"{PREFIX}([0-9a-f]+)n\d+-\d+"),
        (_ip("-brief", "link"), rf"{PREFIX}([0-9a-f]+)n\d+(?:h\d+)?"),
    ):
        for line in listed.splitlines():
            name = re.split(r"[ @]", line)[0]
            found = re.fullmatch(ours, name)
            if found and not psutil.pid_exists(int(found[1], 16)):
                # Unless another test does the same just now.
                with suppress(subprocess.CalledProcessError):
                    _remove(name, is_namespace="-" in name)


def _remove(name: str, is_namespace: bool) -> None:
    if not is_namespace:
        _ip("link", "delete", name)
        return
    Namespace(name, "", "", "").kill()
    _ip("netns", "delete", name)


def _network(among: str) -> ipaddress.IPv4Network:
    """One of 256 addresses that nothing here has a route to, another one for each process and each
    call."""
    whole = ipaddress.IPv4Network(among)
    taken = [] if whole.is_loopback else _routed()
    for number in itertools.count(os.getpid() + STEP * next(_numbers)):
        first = int(whole.network_address) + (number % 2**16) * 2**8
        found = ipaddress.IPv4Network((first, 24))
        if not any(found.overlaps(other) for other in taken):
            return found
    raise AssertionError


def _routed() -> list[ipaddress.IPv4Network]:
    given = [line.split() for line in _ip("-4", "route", "show", "table", "all").splitlines()]
    kinds = {"local", "broadcast", "unreachable", "blackhole", "prohibit"}
    named = [words[1] if words[0] in kinds else words[0] for words in given]
    return [ipaddress.IPv4Network(name) for name in named if name != "default"]


def _ip(*words: str) -> str:
    """Raises CalledProcessError."""
    done = subprocess.run(
        ["ip", *words], check=True, capture_output=True, text=True, timeout=LONGEST_S
    )
    return done.stdout
