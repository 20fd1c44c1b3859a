"""Text on terminals: names, messages and paths of users and programs are shown as they are."""

from __future__ import annotations

from typing import Any

from rich.console import Console


def plain_console(stderr: bool = False, **options: Any) -> Console:
    """Return a console that takes no text for markup: neither `[ours]` nor `:bug:`.

    Parameters
    ----------
    stderr
        Whether to print to standard error.
    **options
        Further arguments of `rich.console.Console`.
    """
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, **options)
