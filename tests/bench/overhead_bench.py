"""What everything but the model costs: `python -m tests.bench.overhead_bench`.

Runs the main job on the demo photographs with one worker into an empty folder and compares the
wall time of the command with the seconds that the methods themselves took. What the command takes
when every case is finished already (start, tables, figures, report) is shown apart: it grows with
the number of photographs alone and is the same for a run of hours.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.paths import ROOT

# Methods and resolutions. The first two are the quickest methods there are, so the worst case; the
# last are those of `make demo`.
RUNS = (
    ("telea", "1024,1536,1792,2048"),
    ("navier-stokes", "1024,1536,1792,2048"),
    ("patchmatch", "1024"),
    ("telea,navier-stokes,patchmatch", "1024"),
)


def main() -> None:
    print(
        f"{'methods':42} {'cases':>5} {'wall s':>8} {'model s':>8} {'report s':>8}"
        f" {'else without report':>19}"
    )
    for method, resolutions in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            wall, rows = _run(method, resolutions, Path(folder) / "run")
            (Path(folder) / "run" / "report.html").unlink()
            report, _ = _run(method, resolutions, Path(folder) / "run")
        model = sum(float(row["seconds"]) for row in rows)
        share = (wall - report - model) / (wall - report)
        print(f"{method:42} {len(rows):5} {wall:8.1f} {model:8.1f} {report:8.1f} {share:19.1%}")


def _run(method: str, resolutions: str, out: Path) -> tuple[float, list[dict[str, str]]]:
    command = [sys.executable, str(ROOT / "run_benchmark.py"), "--methods", method]
    command += ["--resolutions", resolutions, "--out", str(out)]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    wall = time.perf_counter() - started
    with (out / "scores.csv").open(newline="", encoding="utf-8") as file:
        return wall, list(csv.DictReader(file))


if __name__ == "__main__":
    main()
