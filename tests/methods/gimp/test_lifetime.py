"""When a worker begins and ends, who may talk to it, and what it leaves behind."""

from __future__ import annotations

import io
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import psutil
import pytest

from methods.gimp import lifetime
from tests.command_line import run
from tests.methods.gimp import odd
from tests.methods.gimp.conftest import (
    ODD,
    PLUG_IN,
    ROOT,
    SIZE,
    FakeGimp,
    in_another_process,
    is_gone,
    scene,
    silent,
    wait_until,
)
from worker_client import WorkerError

posix = pytest.mark.skipif(sys.platform == "win32", reason="permission bits of POSIX")

# What GIMP's Python imports: the plug-in and the standard library.
CLIENT = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(PLUG_IN)!r})
from environment import Environment
from worker_client import Worker
folder, gimp = Path(sys.argv[1]), int(sys.argv[2])
worker = Worker(Environment(Path(sys.executable), Path({str(ROOT)!r}), "1.2.3"), folder, gimp)
rgb, mask = bytes({3 * SIZE[0] * SIZE[1]}), bytearray({SIZE[0] * SIZE[1]})
mask[500:505] = bytes([255]) * 5
worker.fill(sys.argv[3], "cpu", {SIZE}, rgb, bytes(mask), lambda fraction, text: None)
print(json.loads((folder / f"gimp-{{gimp}}.json").read_text())["pid"])
"""


def client(gimp: FakeGimp, method: str) -> subprocess.Popen[str]:
    return in_another_process(CLIENT, str(gimp.folder), str(gimp.process.pid), method)


def start_line(gimp: FakeGimp, **changes: object) -> str:
    told = {
        "protocol": 1,
        "token": secrets.token_hex(32),
        "state": str(gimp.state),
        "gimp": gimp.process.pid,
        "suite_version": "0",
    }
    return json.dumps(told | changes) + "\n"


def started_by_hand(line: str) -> int:
    """The exit code of a worker in a process of its own, whose output it redirects."""
    command = [sys.executable, "-m", "methods", "gimp", "worker"]
    return subprocess.run(command, cwd=ROOT, input=line, text=True, timeout=120).returncode


def refused(line: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a worker with this line on standard input says as it is refused."""

    def begin(log: Path) -> None:
        raise AssertionError("the worker begins")

    monkeypatch.setattr(lifetime, "redirect_output", begin)
    monkeypatch.setattr(sys, "stdin", io.StringIO(line))
    done = run("methods", "gimp", "worker")
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_worker_ends_with_its_gimp_and_leaves_no_token(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    told = gimp.told()
    gimp.quit()
    wait_until(lambda: is_gone(told["pid"]))
    assert not gimp.state.exists() and not Path(told["address"]).exists()


def test_calls_of_one_gimp_share_a_worker(shared: FakeGimp) -> None:
    pids = set()
    for _ in range(2):
        with client(shared, "telea") as process:
            pids.add(process.communicate()[0])
    assert pids == {f"{shared.told()['pid']}\n"}


def test_calls_that_begin_at_once_share_a_worker(gimp: FakeGimp) -> None:
    processes = [client(gimp, "telea") for _ in range(3)]
    answers = {process.communicate()[0] for process in processes}
    assert answers == {f"{gimp.told()['pid']}\n"}


def test_each_gimp_has_its_own(start_gimp: Callable[[], FakeGimp]) -> None:
    one, other = start_gimp(), start_gimp()
    one.fill("telea")
    other.fill("telea")
    survivor = other.told()["pid"]
    assert one.told()["pid"] != survivor
    gone = one.told()["pid"]
    one.quit()
    wait_until(lambda: is_gone(gone))
    other.fill("telea")
    assert other.told()["pid"] == survivor


def test_a_killed_client_cancels_its_fill(
    gimp: FakeGimp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setenv(odd.BEGUN, str(begun))
    with client(gimp, f"{ODD}:Slow") as process:
        wait_until(begun.exists)
        pid = gimp.told()["pid"]
        process.kill()
    wait_until(lambda: is_gone(pid))
    assert not gimp.state.exists()
    gimp.fill("telea")
    assert gimp.told()["pid"] != pid


def test_who_waits_behind_a_cancelled_fill_is_served_by_the_next_worker(
    gimp: FakeGimp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setenv(odd.BEGUN, str(begun))
    rgb, mask = scene()
    waiting = threading.Event()

    def tell(fraction: float | None, text: str) -> None:
        if text.startswith("Waiting"):
            waiting.set()

    with client(gimp, f"{ODD}:Slow") as process:
        wait_until(begun.exists)
        second = threading.Thread(
            target=lambda: gimp.worker.fill("telea", "cpu", SIZE, rgb, mask, tell)
        )
        second.start()
        assert waiting.wait(60)
        process.kill()
    second.join(60)
    assert not second.is_alive() and gimp.told()


def test_a_client_that_leaves_the_queue_disturbs_nobody(
    gimp: FakeGimp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setenv(odd.BEGUN, str(begun))
    with client(gimp, f"{ODD}:Slow") as first:
        wait_until(begun.exists)
        pid = gimp.told()["pid"]
        told = gimp.told()
        with Client(told["address"], authkey=bytes.fromhex(told["token"])) as leaving:
            rgb, mask = scene()
            request = {"op": "fill", "method": "telea", "device": "cpu", "width": SIZE[0]}
            request |= {"height": SIZE[1], "payloads": [len(rgb), len(mask)]}
            leaving.send_bytes(json.dumps(request).encode())
            leaving.send_bytes(rgb)
            leaving.send_bytes(mask)
            assert json.loads(leaving.recv_bytes())["text"] == "Waiting for another fill"
        # Others are listened to while the first one's fill goes on.
        assert gimp.worker.methods(silent)["ok"] and not is_gone(pid)
        assert first.poll() is None
        first.kill()


def test_a_worker_that_dies_is_told_and_replaced(gimp: FakeGimp) -> None:
    with pytest.raises(WorkerError, match="died"):
        gimp.fill(f"{ODD}:Dying")
    gimp.fill("telea")


def test_what_a_killed_worker_left_does_not_hinder_the_next(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    told = gimp.told()
    os.kill(told["pid"], signal.SIGKILL)
    wait_until(lambda: is_gone(told["pid"]))
    assert gimp.state.exists()
    gimp.fill("telea")
    assert gimp.told()["pid"] != told["pid"]


def test_leftovers_of_other_gimps_are_swept(gimp: FakeGimp) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left = [gimp.folder / f"gimp-{ended.pid}.{kind}" for kind in ("json", "sock", "log", "lock")]
    others = [gimp.folder / f"gimp-{os.getpid()}.log", gimp.folder / "letter.json"]
    for path in (*left, *others):
        path.touch()
    gimp.fill("telea")
    assert not any(path.exists() for path in left) and all(path.exists() for path in others)


def test_a_worker_that_nobody_can_find_ends(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    pid = gimp.told()["pid"]
    gimp.state.unlink()
    wait_until(lambda: is_gone(pid))


@posix
def test_files_are_the_users_alone(shared: FakeGimp) -> None:
    shared.fill("telea")
    modes = {path.name: path.stat().st_mode & 0o077 for path in shared.folder.iterdir()}
    assert shared.state.name in modes and shared.state.with_suffix(".sock").name in modes
    assert not any(modes.values()), modes


@posix
@pytest.mark.parametrize("kind", ["open to others", "link", "missing"])
def test_a_folder_that_is_not_private_is_refused(
    gimp: FakeGimp, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = gimp.folder / "inner"
    if kind == "open to others":
        folder.mkdir()
        folder.chmod(0o755)
    if kind == "link":
        (gimp.folder / "aim").mkdir(mode=0o700)
        folder.symlink_to("aim")
    said = refused(start_line(gimp, state=str(folder / gimp.state.name)), monkeypatch)
    assert str(folder) in said
    assert not (folder / gimp.state.name).exists()


@pytest.mark.parametrize("line", ["", "hello\n", "[]\n", '{"protocol": 1}\n'])
def test_a_start_by_hand_is_told_so(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not for people" in refused(line, monkeypatch)


@pytest.mark.parametrize(
    ("change", "word"),
    [({"protocol": 2}, "install"), ({"token": "ab"}, "token"), ({"state": "gimp.json"}, "state")],
)
def test_a_start_that_does_not_fit_is_refused(
    gimp: FakeGimp, change: dict[str, object], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert word in refused(start_line(gimp, **change), monkeypatch)
    assert not gimp.state.exists()


def test_a_second_worker_for_one_gimp_leaves_the_first_alone(shared: FakeGimp) -> None:
    shared.fill("telea")
    before = shared.told()
    assert started_by_hand(start_line(shared)) == 0
    assert shared.told() == before
    shared.fill("telea")


def test_a_worker_for_a_gimp_that_cannot_be_seen_says_so(gimp: FakeGimp) -> None:
    gimp.quit()
    assert started_by_hand(start_line(gimp)) == 2
    assert "sandbox" in gimp.state.with_suffix(".log").read_text()
    assert not gimp.state.exists()


def test_who_does_not_know_the_token_is_refused(shared: FakeGimp) -> None:
    shared.fill("telea")
    pid = shared.told()["pid"]
    for token in (b"", b"guess", secrets.token_bytes(32)):
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            Client(shared.told()["address"], authkey=token)
    shared.fill("telea")
    assert shared.told()["pid"] == pid


def test_a_silent_connection_blocks_nobody(shared: FakeGimp) -> None:
    shared.fill("telea")
    # Without a key this side says nothing, not even in the handshake.
    with Client(shared.told()["address"]):
        shared.fill("telea")


def test_the_token_is_in_no_command_line_or_environment(shared: FakeGimp) -> None:
    shared.fill("telea")
    told = shared.told()
    process = psutil.Process(told["pid"])
    assert told["token"] not in " ".join([*process.cmdline(), *process.environ().values()])


def test_what_methods_print_goes_into_a_log_that_stays_short(shared: FakeGimp) -> None:
    log = shared.state.with_suffix(".log")
    with pytest.raises(WorkerError):
        shared.fill(f"{ODD}:Crashing")
    assert "ZeroDivisionError: by nothing" in log.read_text()
    shared.fill(f"{ODD}:Chatty")
    wait_until(lambda: log.stat().st_size <= lifetime.LOG_BYTES)
    shared.fill("telea")
