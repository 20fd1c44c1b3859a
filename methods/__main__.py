"""`python -m methods`: what there is and what is ready to run."""

from __future__ import annotations

from dataclasses import MISSING, fields

import typer
from rich.console import Console
from rich.table import Table

import methods
from methods.base import MissingRequirementError

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """Inpainting methods of the suite."""


@app.command("list")
def list_methods() -> None:
    """Every method: name, what it is, whether it can run here and, if not, why."""
    table = Table(box=None, pad_edge=False)
    for heading in ("method", "what it is", "ready"):
        table.add_column(heading, no_wrap=heading == "method")
    for name in methods.available():
        table.add_row(name, methods.method_class(name).summary, _state(name))
    Console().print(table)


def _state(name: str) -> str:
    needed = [
        item.name
        for item in fields(methods.method_class(name))
        if item.init and item.default is MISSING and item.default_factory is MISSING
    ]
    if needed:
        return f"yes, with the option {', '.join(needed)}"
    try:
        methods.create(name).load()
    except MissingRequirementError as error:
        return f"no: {error}"
    return "yes"


if __name__ == "__main__":
    app()
