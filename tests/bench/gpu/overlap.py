"""How busy a device is kept by a run: `python -m tests.bench.gpu.overlap`.

A pretended device takes `--seconds` for each case, and scoring one takes `--scoring` seconds of one
of `--cores` cores, both asleep, so that any machine shows what the overlap itself gives. The share
is that of the time between the first and the last case during which some case is on the device.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2

import benchmark
from benchmark.execution import local
from methods.base import Image, Inpainter, Mask
from tests.bench.gpu import networks
from tests.bench.gpu.rest import PROTOCOL


@dataclass(kw_only=True)
class SlowDevice(Inpainter):
    """Sleeps, and notes in `log` from when to when."""

    name: ClassVar[str] = "slow-device"
    summary: ClassVar[str] = "takes some seconds and no processor"

    seconds: float = 0.15
    log_file: str = ""

    def fill(self, image: Image, mask: Mask) -> Image:
        begun = time.monotonic()
        time.sleep(self.seconds)
        with Path(self.log_file).open("a") as file:
            print(json.dumps([begun, time.monotonic()]), file=file)
        return image


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.15)
    parser.add_argument("--scoring", type=float, default=0.0)
    parser.add_argument("--cores", type=int, default=local.available_cores())
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--px", type=int, default=2048)
    options = parser.parse_args()
    _pretend(options.cores, options.scoring)
    for workers in (1, 2):
        share = busy_share(options.seconds, options.cases, options.px, workers)
        print(f"{workers} worker(s), {options.cores} cores: the device is busy {share:.0%}")


def _pretend(cores: int, scoring_s: float) -> None:
    score = local.score_outcome

    def slower(*case: Any) -> Any:
        time.sleep(scoring_s)
        return score(*case)

    local.available_cores = lambda: cores
    local.score_outcome = slower  # type: ignore[assignment]


def busy_share(seconds: float, cases: int, px: int, workers: int) -> float:
    """Run so many cases of one size; return the share of the time in which the device works."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "photos").mkdir()
        image = cv2.cvtColor(networks.case(px)[0], cv2.COLOR_RGB2BGR)
        for number in range(cases):
            cv2.imwrite(str(folder / "photos" / f"{number}.jpg"), image)
        (folder / "protocol.toml").write_text(PROTOCOL.format(px=px))
        log = folder / "log"
        benchmark.run(
            folder / "photos",
            [SlowDevice],
            out=folder / "run",
            protocol=folder / "protocol.toml",
            options={"slow-device": {"seconds": seconds, "log_file": str(log)}},
            workers=workers,
        )
        return union_share([json.loads(line) for line in log.read_text().splitlines()])


def union_share(spans: list[list[float]]) -> float:
    """Return the share of the time from the first begin to the last end that is in some span."""
    covered, reached = 0.0, min(begun for begun, _ in spans)
    first = reached
    for begun, ended in sorted(spans):
        covered += max(0.0, ended - max(begun, reached))
        reached = max(reached, ended)
    return covered / (reached - first)


if __name__ == "__main__":
    # Under its own name, by which another process finds the method.
    from tests.bench.gpu import overlap

    overlap.main()
