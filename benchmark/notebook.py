"""A progress bar in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def notebook_bar(
    progress: Callable[[int, int], None] | None,
) -> Iterator[Callable[[int, int], None] | None]:
    """Yield `progress`, or in a notebook a function that moves a bar, or None."""
    if progress is not None or not _in_notebook():
        yield progress
        return
    from IPython.display import HTML, display

    handle: Any = display(HTML(_bar(0, 0)), display_id=True)
    try:
        yield lambda done, total: handle.update(HTML(_bar(done, total)))
    finally:
        # What stays in a stored notebook.
        handle.update(HTML(""))


def _bar(done: int, total: int) -> str:
    return f"<progress value={done} max={max(total, 1)}></progress> {done} of {total} cases"


def _in_notebook() -> bool:
    """Return whether a kernel shows what is displayed; the plain `ipython` has none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
