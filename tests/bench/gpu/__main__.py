"""Networks on a GPU: results, seconds, memory, and everything else beside them, in one table.

`python -m tests.bench.gpu --help`; docs/gpu.md explains the rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.gpu.needs import lacking
from tests.bench.gpu.plan import PARTS


def main(words: list[str] | None = None) -> int:
    """Run the bench; return 0, 1 if a row failed, or 2 if it cannot run at all."""
    options = _parser().parse_args(words)
    if missing := lacking():
        print(f"error: bench-gpu needs {', '.join(missing)}: pip install them", file=sys.stderr)
        return 2
    # They import PyTorch, which may not be there.
    from tests.bench.gpu.bench import run_bench

    with tempfile.TemporaryDirectory() as scratch:
        return run_bench(
            Path(options.out), scratch, options.device, sorted(options.sizes),
            options.minutes, options.processes, options.cases, options.parts,
        )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.gpu", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu (cuda)")
    parser.add_argument(
        "--sizes", type=_sizes, default=[1024, 2048, 3072, 4096], metavar="PX,PX",
        help="sides of the images in pixels (1024,2048,3072,4096)",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, default=7.0,
        help="no row starts that is expected to end later (7)",
    )  # fmt: skip
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART",
        help=f"only these of {', '.join(PARTS)}",
    )  # fmt: skip
    parser.add_argument("--processes", type=_positive, default=4, help="cases at a time (4)")
    parser.add_argument("--cases", type=_positive, default=100, help="cases of the run (100)")
    parser.add_argument("--out", default="results/bench-gpu", help="folder (results/bench-gpu)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be at least 1")
    return number


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: write it as 1024,2048") from None
    if min(sizes) < 64:
        raise argparse.ArgumentTypeError(f"{min(sizes)}: the smallest side is 64")
    return sizes


if __name__ == "__main__":
    sys.exit(main())
