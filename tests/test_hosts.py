"""The hosts that other tests run on: apart, cut off, mended, killed, and gone afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.hosts import KINDS, LOOPBACK, NAMESPACES, PREFIX, Host, best_kind, hosts

PORT = 7007
# Echoes what it gets from a process of its own: hosts have more than one.
ECHO = f"""
import os, socket, sys
server = socket.create_server((sys.argv[1], {PORT}))
if os.fork():
    os.wait()
print("ready", flush=True)
while True:
    connection, sender = server.accept()
    for line in connection.makefile("rb"):
        connection.sendall(line)
"""
# Makes a host with a process on it, and is there until it is killed.
LEAVE = """
import signal
from tests.hosts import NAMESPACES, hosts
with hosts(1, NAMESPACES) as (one,):
    print(one.start(["sleep", "600"]).pid, flush=True)
    signal.pause()
"""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == NAMESPACES and best_kind() == LOOPBACK:
        pytest.skip("network namespaces need Linux, root and ip (Debian: iproute2)")
    return str(request.param)


@pytest.fixture
def pair(kind: str) -> Iterator[tuple[Host, ...]]:
    with hosts(2, kind) as made:
        for host in made:
            echo(host)
        yield made


def echo(host: Host) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ECHO, host.address]
    started = host.start(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout and started.stdout.readline() == "ready\n"
    return started


def runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def connected(host: Host) -> socket.socket:
    return socket.create_connection((host.address, PORT), timeout=20)


def answer(connection: socket.socket, within_s: float = 20) -> bytes:
    connection.settimeout(within_s)
    connection.sendall(b"hello\n")
    return connection.recv(100)


def test_a_host_reaches_the_other_and_the_test_and_is_reached(pair: tuple[Host, ...]) -> None:
    one, other = pair
    assert len({one.address, other.address, one.outside}) == 3
    for host in pair:
        with connected(host) as connection:
            assert answer(connection) == b"hello\n"
    ask = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2]))).close()"
    with socket.create_server((one.outside, 0)) as here:
        for address, port in ((other.address, PORT), (one.outside, here.getsockname()[1])):
            asked = one.start([sys.executable, "-c", ask, address, str(port)])
            assert asked.wait(20) == 0


def test_a_host_that_is_cut_off_says_nothing_and_goes_on_when_mended(
    pair: tuple[Host, ...],
) -> None:
    one, other = pair
    with connected(one) as connection, connected(other) as untouched:
        assert answer(connection) == b"hello\n"
        one.cut()
        with pytest.raises(TimeoutError):
            answer(connection, 0.3)
        assert answer(untouched) == b"hello\n"
        one.mend()
        # The very same connection: nothing was closed, and what was sent arrives.
        connection.settimeout(20)
        assert connection.recv(100) == b"hello\n"


def test_killing_a_host_ends_all_its_processes_and_no_others(pair: tuple[Host, ...]) -> None:
    one, other = pair
    ended, staying = one.processes(), other.processes()
    assert len(ended) == len(staying) == 2
    one.kill()
    assert not any(map(runs, ended))
    with pytest.raises(ConnectionRefusedError):
        connected(one)
    with connected(other) as connection:
        assert answer(connection) == b"hello\n"
    echo(one)


def test_nothing_is_left_also_after_a_failure(kind: str) -> None:
    with pytest.raises(ZeroDivisionError), hosts(2, kind) as (one, other):
        running = [echo(host) for host in (one, other)]
        processes = one.processes() + other.processes()
        one.cut()
        assert bool(own_interfaces()) == (kind == NAMESPACES)
        raise ZeroDivisionError
    assert own_interfaces() == []
    assert not any(map(runs, processes))
    assert all(process.returncode is not None for process in running)


def own_interfaces(pid: int = os.getpid()) -> list[str]:
    """Those of a process: other tests run at the same time."""
    own = f"{PREFIX}{pid:x}n"
    return [name for name in psutil.net_if_addrs() if name.startswith(own)]


def test_what_a_killed_test_left_is_removed_by_the_next() -> None:
    if best_kind() == LOOPBACK:
        pytest.skip("network namespaces need Linux, root and ip (Debian: iproute2)")
    command = [sys.executable, "-c", LEAVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout
        left = psutil.Process(int(killed.stdout.readline()))
        killed.kill()
    assert runs(left) and own_interfaces(killed.pid)
    with hosts(1, NAMESPACES):
        assert not runs(left) and own_interfaces(killed.pid) == []


def test_networks_of_several_tests_at_once_are_apart(kind: str) -> None:
    with hosts(1, kind) as (one,), hosts(1, kind) as (other,):
        echo(one)
        with pytest.raises(ConnectionRefusedError):
            connected(other)
        with connected(one) as connection:
            assert answer(connection) == b"hello\n"
        assert one.address != other.address
