"""Text on terminals: names, messages and paths of users and programs are shown as they are."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from methods.shown_text import visible


class _PlainConsole(Console):
    """Shows control characters in strings instead of obeying them."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)


def plain_console(stderr: bool = False, **options: Any) -> Console:
    """Return a console that takes no text for markup: neither `[ours]` nor `:bug:`.

    Parameters
    ----------
    stderr
        Whether to print to standard error.
    **options
        Further arguments of `rich.console.Console`.
    """
    return _PlainConsole(stderr=stderr, markup=False, emoji=False, highlight=False, **options)
