"""The rows of the bench in their order, each with the seconds it is expected to take on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Networks against the CPU: outputs before rounding, and finished images; seconds and memory;
# several cases at a time; everything else of a case; a whole run.
PARTS = ("floats", "results", "speed", "several", "rest", "run")
COMPARED_PX = 1024
# Of starting a process: Python, PyTorch, the GPU.
START_S = 10.0
OTHER_PRECISIONS = ("tf32", "bf16")
FIRST_GROUP = "rest"
# Of the runs.
WORKERS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A row to measure.

    group: rows of one group share a process; function: "module:function" of a `Measurer`;
    processes: that call it at the same time.
    """

    part: str
    what: str
    precision: str = ""
    px: int | None = None
    processes: int = 1
    group: str
    function: str
    arguments: Sequence[Any]
    estimate_s: float


def rows(
    names: Sequence[str],
    steps: Sequence[str],
    folder: str,
    device: str,
    sizes: Sequence[int],
    processes: int,
    cases: int,
) -> list[Planned]:
    """Return all rows, the most wanted ones first.

    Parameters
    ----------
    names
        Of the networks.
    steps
        Of a case beside the network.
    folder
        Of the random weights.
    sizes
        Sides in pixels, ascending.
    processes
        Cases at a time.
    cases
        Of the run.
    """
    middle = sizes[len(sizes) // 2] if 2048 not in sizes else 2048
    first, *others = names
    return [
        *_rest(steps, device, [middle]),
        *_network(first, folder, device, sizes, middle),
        *_runs(device, middle, cases),
        *(row for name in others for row in _network(name, folder, device, sizes, middle)),
        *(_together(name, folder, device, middle, processes) for name in names),
        *_rest(steps, device, [px for px in sizes[-1:] if px != middle]),
    ]


def _network(
    name: str, folder: str, device: str, sizes: Sequence[int], middle: int
) -> list[Planned]:
    """Return the rows of a network: speed first, as its first row starts the process."""
    here = "tests.bench.gpu.measure"
    compared = min(COMPARED_PX, sizes[-1])

    def row(part: str, function: str, precision: str, px: int | None, seconds: float) -> Planned:
        given = [name, folder, device, *([precision, px] if px else [])]
        return Planned(
            part=part, what=name, precision=precision, px=px, group=name,
            function=f"{here}:{function}", arguments=given, estimate_s=seconds,
        )  # fmt: skip

    speeds = [row("speed", "speed", "float32", px, 1 + 1.5 * (px / 2048) ** 2) for px in sizes]
    return [
        *speeds,
        row("floats", "difference", "float32", None, 5),
        row("results", "compare", "float32", compared, 4),
        *(row("results", "compare", p, compared, 1.5) for p in OTHER_PRECISIONS),
        *(row("speed", "speed", p, middle, 3) for p in OTHER_PRECISIONS),
    ]


def _together(name: str, folder: str, device: str, px: int, processes: int) -> Planned:
    return Planned(
        part="several", what=name, precision="float32", px=px, processes=processes,
        group="several", function="tests.bench.gpu.measure:several",
        arguments=[name, folder, device, "float32", px], estimate_s=8,
    )  # fmt: skip


def _runs(device: str, px: int, cases: int) -> list[Planned]:
    return [
        Planned(
            part="run", what=f"two-stage, {workers} worker{'s' * (workers > 1)}",
            precision="float32", px=px, group=f"run {workers}",
            function="tests.bench.gpu.rest:run", arguments=[device, px, cases, workers],
            estimate_s=25 + 0.25 * cases / workers,
        )
        for workers in WORKERS
    ]  # fmt: skip


def _rest(steps: Sequence[str], device: str, sizes: Sequence[int]) -> list[Planned]:
    return [
        Planned(
            part="rest", what=step, px=px, group=FIRST_GROUP,
            function="tests.bench.gpu.rest:step", arguments=[step, px, device],
            estimate_s=0.2 + 0.3 * (px / 2048) ** 2,
        )
        for px in sizes
        for step in steps
    ]  # fmt: skip
