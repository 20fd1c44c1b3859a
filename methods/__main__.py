"""`python -m methods`: list methods, show one, fetch weights, inspect networks, fill images."""

from __future__ import annotations

import inpainting_suite  # noqa: F401, first of all: refuses foreign packages of these names

# isort: split

import gc
import inspect
import sys
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import methods
from methods.errors import InputError, MethodError, run_command_line, suggestion
from methods.fill.command import fill
from methods.foreign_code import keep_output_open
from methods.gimp.command import app as gimp
from methods.terminal import plain_console

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
app.add_typer(gimp, name="gimp")
app.command()(fill)

# Characters per line if the output is no terminal.
WIDTH = 100


@app.callback()
def main() -> None:
    """Inpainting methods of the suite."""


@app.command("list")
def list_methods() -> None:
    """List all methods: name, description, needs, whether it can run here, licence."""
    # Nearly all of the time goes into imports, which leave no garbage to look for.
    gc.disable()
    try:
        _print_list()
    finally:
        gc.enable()


@app.command()
def info(
    name: Annotated[
        str,
        typer.Argument(help="A method, module:Class of your own, or weights that a method uses."),
    ],
) -> None:
    """Show what is known of a method: paper, options, licences, sources of its weights."""
    from methods.weights import registry, show

    known = registry.load()
    console = _console()
    used = [name]
    if name in methods.available() or ":" in name:
        _show_method(name, console)
        published = known.methods.get(name.partition(":")[0])
        used = published.weights if published else []
    elif name not in known.weights:
        names = sorted({*methods.available(), *known.weights})
        raise InputError(f"unknown name {name!r}{suggestion(name, names)}")
    for weights in used:
        show.weights(weights, known.weights[weights], console)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Weights, or a method to fetch all it uses.")],
    variant: Annotated[
        str | None,
        typer.Option(help="Which published weights, see info.  [default: the usual ones]"),
    ] = None,
) -> None:
    """Download published weights, verify and store them. Resumes an interrupted download."""
    from methods.weights import registry, show

    known = registry.load()
    names = known.methods[name].weights if name in known.methods else [name]
    if not names:
        raise InputError(f"{name} uses no weights")
    if variant is not None and len(names) > 1:
        raise InputError(f"{name} uses {' and '.join(names)}: name the one whose variant you mean")
    for weights in names:
        show.fetch_with_progress(weights, variant, _console())


@app.command("inspect")
def inspect_file(
    file: Annotated[Path, typer.Argument(help="A network: ONNX, TorchScript or torch.export.")],
    device: Annotated[str, typer.Option(help="Where to try it: cpu, cuda, cuda:1...")] = "cpu",
) -> int:
    """Show a network's inputs and outputs, try it, and print a method file to start from."""
    from methods.inspection import report

    if not file.is_file():
        raise InputError(f"network {file}: there is no such file")
    text, ran = report.report(file, device)
    print(text, end="")
    return 0 if ran else 1


def _print_list() -> None:
    from methods import readiness
    from methods.weights import registry

    table = Table(box=None, pad_edge=False)
    for heading in ("method", "what it is", "needs", "ready", "licence"):
        table.add_column(heading, no_wrap=heading in {"method", "ready"})
    remarks = []
    for name in methods.available():
        method = readiness.check(name)
        published = registry.load().methods.get(name)
        ready = readiness.READY if method.ready else "no"
        licence = published.licence if published else ""
        table.add_row(name, method.summary, method.needs, ready, licence)
        if method.state != readiness.READY:
            remarks.append(f"{name}: {method.state}")
    console = _console()
    console.print(table)
    for remark in remarks:
        console.print(remark, soft_wrap=True)


def _show_method(name: str, console: Console) -> None:
    from methods import readiness
    from methods.weights import registry, show

    if ":" in name:
        # Wrong names and classes are refused; what is listed is shown even if it is broken.
        methods.method_class(name)
        methods.option_in(name)
        keep_output_open()
    method = readiness.check(name)
    published = registry.load().methods.get(name.partition(":")[0])
    lines = [
        ("", method.summary),
        ("paper", published.paper if published else ""),
        ("licence", published.licence if published else ""),
        ("needs", method.needs),
        ("ready", method.state),
        ("runs as", method.note),
    ]
    show.section(name, lines, console)
    if not method.is_imported:
        return
    cls = methods.method_class(name)
    given = methods.option_in(name)
    options = [
        (item.name, repr(given[item.name]) if item.name in given else _default(item))
        for item in fields(cls)
        if item.init
    ]
    show.section("options", options, console)
    # A class without a docstring has its base's, or from dataclasses its signature.
    if (text := cls.__doc__) and not text.startswith(f"{cls.__name__}("):
        console.print(f"\n{inspect.cleandoc(text)}\n")


def _default(item: Field[Any]) -> str:
    if item.default is not MISSING:
        return repr(item.default)
    return "must be given" if item.default_factory is MISSING else repr(item.default_factory())


def _console() -> Console:
    return plain_console(width=None if sys.stdout.isatty() else WIDTH)


if __name__ == "__main__":
    run_command_line(app, (MethodError, ValueError))
