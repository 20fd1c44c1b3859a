"""The journal under threads: what was acknowledged is there, what failed is not, all is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmark.run_folder.journal import Journal
from tests.paths import ROOT

# Threads append numbers and say what became of each; an extra argument limits the file's size.
APPENDING = """
import itertools, os, resource, sys
from pathlib import Path
from threading import Thread
from benchmark.run_folder.journal import Journal

journal = Journal(Path(sys.argv[1]))

def append(number):
    try:
        journal.append({"number": number, "more": "x" * (number % 700)})
    except OSError as error:
        os.write(1, f"failed {number} {error.filename}\\n".encode())
        return False
    os.write(1, f"done {number}\\n".encode())
    return True

def work(thread):
    for number in itertools.count(thread, 8):
        if not append(number):
            break

if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
threads = [Thread(target=work, args=(thread,)) for thread in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
append(1_000_000)
"""


def appending(path: Path, *limit: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", APPENDING, str(path), *limit]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def numbers(path: Path) -> list[int]:
    found: list[int] = []
    Journal(path).read(lambda record: found.append(record["number"]))
    return found


def said(lines: list[str], what: str) -> set[int]:
    return {int(line.split()[1]) for line in lines if line.startswith(f"{what} ")}


def test_threads_lose_and_double_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: journal.append({"number": number}), range(1000)))
    assert sorted(numbers(tmp_path / "journal.jsonl")) == list(range(1000))


def test_what_was_acknowledged_before_a_kill_is_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with appending(path) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(500)]
        process.kill()
        # The last line may be cut; what stands before it was said before the kill.
        lines += process.stdout.readlines()[:-1]
    done = said(lines, "done")
    assert len(done) >= 500
    assert done <= set(numbers(path))


def test_a_full_disk_fails_whoever_waits_and_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with appending(path, "20000") as process:
        assert process.stdout
        lines = process.stdout.readlines()
    assert process.returncode == 0
    assert all(str(path) in line for line in lines if line.startswith("failed"))
    # Each thread went on to its first failure; then there was space again.
    assert len(said(lines, "failed")) == 8
    assert 1_000_000 in said(lines, "done")
    assert set(numbers(path)) == said(lines, "done")
    assert all(json.loads(line) for line in path.read_bytes().splitlines())
