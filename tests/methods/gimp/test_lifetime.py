"""When a worker begins and ends, who may talk to it, and what it leaves behind."""

from __future__ import annotations

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

from methods.gimp.lifetime import LOG_BYTES
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

CLIENT = f"""
import sys
from pathlib import Path
sys.path[:0] = [{str(PLUG_IN)!r}, {str(ROOT)!r}]
from tests.methods.gimp.conftest import ENVIRONMENT, SIZE, scene, silent
from worker_client import Worker
worker = Worker(ENVIRONMENT, Path(sys.argv[1]), int(sys.argv[2]))
rgb, mask = scene()
worker.fill(sys.argv[3], "cpu", SIZE, rgb, mask, silent)
print(worker_pid := __import__("json").loads(
    (Path(sys.argv[1]) / f"gimp-{{sys.argv[2]}}.json").read_text())["pid"])
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


def started_by_hand(line: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "methods", "gimp", "worker"]
    return subprocess.run(
        command, cwd=ROOT, input=line, capture_output=True, text=True, timeout=120
    )


def test_a_worker_ends_with_its_gimp_and_leaves_no_token(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    told = gimp.told()
    gimp.quit()
    wait_until(lambda: is_gone(told["pid"]))
    assert not gimp.state.exists() and not Path(told["address"]).exists()


def test_calls_of_one_gimp_share_a_worker(gimp: FakeGimp) -> None:
    pids = set()
    for _ in range(2):
        with client(gimp, "telea") as process:
            pids.add(process.communicate()[0])
    assert pids == {f"{gimp.told()['pid']}\n"}


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
def test_files_are_the_users_alone(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    modes = {path.name: path.stat().st_mode & 0o077 for path in gimp.folder.iterdir()}
    assert gimp.state.name in modes and gimp.state.with_suffix(".sock").name in modes
    assert not any(modes.values()), modes


@posix
@pytest.mark.parametrize("kind", ["open to others", "link", "missing"])
def test_a_folder_that_is_not_private_is_refused(gimp: FakeGimp, kind: str) -> None:
    folder = gimp.folder / "inner"
    if kind == "open to others":
        folder.mkdir()
        folder.chmod(0o755)
    if kind == "link":
        (gimp.folder / "aim").mkdir(mode=0o700)
        folder.symlink_to("aim")
    found = started_by_hand(start_line(gimp, state=str(folder / gimp.state.name)))
    assert found.returncode == 2 and str(folder) in found.stderr
    assert found.stderr.count("\n") == 1 and "Traceback" not in found.stderr
    assert not (folder / gimp.state.name).exists()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", "not for people"),
        ("hello\n", "not for people"),
        ("[]\n", "not for people"),
        ('{"protocol": 1}\n', "not for people"),
    ],
)
def test_a_start_by_hand_is_told_so(line: str, word: str) -> None:
    found = started_by_hand(line)
    assert found.returncode == 2 and word in found.stderr and found.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [({"protocol": 2}, "install"), ({"token": "ab"}, "token"), ({"state": "gimp.json"}, "state")],
)
def test_a_start_that_does_not_fit_is_refused(
    gimp: FakeGimp, change: dict[str, object], word: str
) -> None:
    found = started_by_hand(start_line(gimp, **change))
    assert found.returncode == 2 and word in found.stderr and not gimp.state.exists()


def test_a_second_worker_for_one_gimp_leaves_the_first_alone(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    before = gimp.told()
    assert started_by_hand(start_line(gimp)).returncode == 0
    assert gimp.told() == before
    gimp.fill("telea")


def test_a_worker_for_a_gimp_that_cannot_be_seen_says_so(gimp: FakeGimp) -> None:
    gimp.quit()
    assert started_by_hand(start_line(gimp)).returncode == 2
    assert "sandbox" in gimp.state.with_suffix(".log").read_text()
    assert not gimp.state.exists()


def test_who_does_not_know_the_token_is_refused(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    pid = gimp.told()["pid"]
    for token in (b"", b"guess", secrets.token_bytes(32)):
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            Client(gimp.told()["address"], authkey=token)
    gimp.fill("telea")
    assert gimp.told()["pid"] == pid


def test_a_silent_connection_blocks_nobody(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    # Without a key this side says nothing, not even in the handshake.
    with Client(gimp.told()["address"]):
        gimp.fill("telea")


def test_the_token_is_in_no_command_line_or_environment(gimp: FakeGimp) -> None:
    gimp.fill("telea")
    told = gimp.told()
    process = psutil.Process(told["pid"])
    assert told["token"] not in " ".join([*process.cmdline(), *process.environ().values()])


def test_what_methods_print_goes_into_a_log_that_stays_short(gimp: FakeGimp) -> None:
    log = gimp.state.with_suffix(".log")
    with pytest.raises(WorkerError):
        gimp.fill(f"{ODD}:Crashing")
    assert "ZeroDivisionError: by nothing" in log.read_text()
    gimp.fill(f"{ODD}:Chatty")
    wait_until(lambda: log.stat().st_size <= LOG_BYTES)
    gimp.fill("telea")
