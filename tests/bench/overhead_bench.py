"""What everything but the model costs: `python -m tests.bench.overhead_bench`.

Runs the main job on the demo photographs with one worker into an empty folder and compares the
wall time of the command with the seconds that the methods themselves took.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The first is the worst case there is: the quickest method at all resolutions.
RUNS = (["telea"], ["navier-stokes", "telea", "two-stage"], ["patchmatch"])


def main() -> None:
    print(f"{'methods':35} {'cases':>5} {'wall s':>8} {'model s':>8} {'all else':>8}")
    for methods in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            wall, rows = _run(methods, Path(folder) / "run")
        model = sum(float(row["seconds"]) for row in rows)
        share = (wall - model) / wall
        print(f"{','.join(methods):35} {len(rows):5} {wall:8.1f} {model:8.1f} {share:8.1%}")


def _run(methods: list[str], out: Path) -> tuple[float, list[dict[str, str]]]:
    command = [sys.executable, str(ROOT / "run_benchmark.py"), "--methods", ",".join(methods)]
    started = time.perf_counter()
    subprocess.run([*command, "--out", str(out)], check=True, capture_output=True, cwd=ROOT)
    wall = time.perf_counter() - started
    with (out / "scores.csv").open(newline="", encoding="utf-8") as file:
        return wall, list(csv.DictReader(file))


if __name__ == "__main__":
    main()
