"""Begin a process of the suite in another Python: python -P interpreter_main.py MODULE

That Python's environment need not have the suite. Its packages `methods` and `benchmark` are found
where this file is, and nothing else of the environment around them is. `MODULE.serve` gets lines of
JSON from the standard input and answers with lines on the standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
SUITE = {"benchmark", "methods"}
# What `methods.base` and the options of methods need: module -> what to install for it.
NEEDED = {"numpy": "numpy", "cv2": "opencv-python-headless", "pydantic": "pydantic"}


class SuiteFinder(MetaPathFinder):
    """Finds the suite's packages beside this file, whatever else is installed there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(fullname, [ROOT]) if fullname in SUITE else None


def main(module: str) -> None:
    """Run `MODULE.serve(requests, answers)`; answer {"missing": [...]} if it cannot be imported."""
    # What is printed here and by methods is no answer, and no program they start may take requests.
    requests, answers = (
        os.fdopen(os.dup(number), mode, encoding="utf-8") for number, mode in enumerate("rw")
    )
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if missing := [package for name, package in NEEDED.items() if find_spec(name) is None]:
        print(json.dumps({"missing": missing}), file=answers, flush=True)
        return
    sys.meta_path.insert(0, SuiteFinder())
    importlib.import_module(module).serve(requests, answers)


if __name__ == "__main__":
    main(sys.argv[1])
