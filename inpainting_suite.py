"""The console command `inpainting-suite`; importing this checks that the packages are the suite's.

The packages have everyday names. A file `methods.py` or a package `analysis` of the user's, in the
current folder, would be imported in their place and fail somewhere in the middle.
"""

from __future__ import annotations

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ("methods", "benchmark", "analysis", "survey")
USAGE = """\
Usage: inpainting-suite COMMAND [OPTIONS]...

  run       run methods on photographs and score them, as run_benchmark.py
  methods   list methods, fetch their weights, as python -m methods
  survey    ask people which results they prefer, as python -m survey
  analysis  rankings, tables, figures and reports, as python -m analysis

inpainting-suite COMMAND --help explains each.
"""


def main() -> None:
    """Run `inpainting-suite run|methods|survey|analysis`."""
    command = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if command in {"--help", "-h"}:
        print(USAGE, end="")
    elif command not in {"run", "methods", "survey", "analysis"}:
        sys.exit(refuse(f"unknown command {command!r}: run, methods, survey or analysis"))
    else:
        del sys.argv[1]
        module = "run_benchmark" if command == "run" else command
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def refuse(message: str) -> int:
    """Print what is wrong and return the exit code of bad input."""
    print(f"error: {message}", file=sys.stderr)
    return 2


def _foreign_package() -> str:
    """Return what is wrong with where the packages are found, or an empty string."""
    for name in PACKAGES:
        spec = find_spec(name)
        origin = spec.origin if spec else None
        if origin is None:
            return (
                f"the package {name} is not beside {Path(__file__).name}: install the suite again"
            )
        if not Path(origin).resolve().is_relative_to(HERE / name):
            return (
                f"{origin} has the name of a package of the suite and is imported in its place; "
                "rename it or start the command in another folder"
            )
    return ""


if problem := _foreign_package():
    sys.exit(refuse(problem))

if __name__ == "__main__":
    main()
