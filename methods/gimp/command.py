"""`python -m methods gimp`: the plug-in's installer, and the worker that it starts."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """The plug-in for GIMP 3: fill a selection with any method of the suite."""


@app.command(hidden=True)
def worker() -> None:
    """Fill what the plug-in sends. Started by the plug-in, never by people."""
    from methods.gimp.worker import run

    try:
        run(sys.stdin.readline())
    except (ValueError, OSError) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    Console(stderr=True, highlight=False).print(f"Error: {message}", soft_wrap=True, markup=False)
    raise typer.Exit(2)
