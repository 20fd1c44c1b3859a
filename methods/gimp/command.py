"""`python -m methods gimp`: the plug-in's installer, and the worker that it starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from methods.gimp import folders
from methods.gimp import install as installer
from methods.gimp.status import Status, look

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[
    Path | None,
    typer.Option(help="A plug-ins folder.  [default: those of every GIMP 3 with settings here]"),
]
MENU = "Filters > Enhance > Inpaint selection..."


@app.callback()
def main() -> None:
    """The plug-in for GIMP 3: fill a selection with any method of the suite."""


@app.command()
def install(folder: Folder = None) -> None:
    """Copy the plug-in to GIMP and record this environment as the one that fills."""
    for place in _places(folder):
        try:
            print(f"installed: {installer.install(place)}")
        except installer.InstallError as error:
            _fail(str(error))
        except OSError as error:
            _fail(f"{place}: {error.strerror or error}; close GIMP, or give another --folder")
        _warn_of_sandbox(place)
    print(f"Start GIMP 3 again: {MENU}")


@app.command()
def uninstall(folder: Folder = None) -> None:
    """Remove what install has written, and nothing else."""
    for place in _places(folder):
        try:
            left = installer.uninstall(place)
        except installer.InstallError as error:
            print(error)
            continue
        except OSError as error:
            _fail(f"{place}: {error.strerror or error}; close GIMP and try again")
        print(f"removed: {place / installer.NAME}")
        for path in left:
            print(f"left, install has not written it: {path}")


@app.command()
def status(folder: Folder = None) -> None:
    """Where the plug-in is installed and whether it can work; exit status 0 if it can, else 1."""
    usable = []
    for place in _places(folder):
        try:
            found = look(place)
        except installer.InstallError as error:
            _fail(str(error))
        if found is None:
            print(f"{place}: not installed")
            continue
        _show(place, found)
        usable.append(not found.problems and bool(found.ready))
    if not usable:
        print("install it with: python -m methods gimp install")
    raise typer.Exit(0 if usable and all(usable) else 1)


@app.command(hidden=True)
def worker() -> None:
    """Fill what the plug-in sends. Started by the plug-in, never by people."""
    from methods.gimp.worker import run

    try:
        run(sys.stdin.readline())
    except (ValueError, OSError) as error:
        _fail(str(error))


def _places(folder: Path | None) -> list[Path]:
    return folders.plug_ins() if folder is None else [folder.absolute()]


def _warn_of_sandbox(place: Path) -> None:
    name = folders.sandbox(place)
    if name is not None:
        print(
            f"note: {name} lets GIMP start no programs outside of its sandbox, so the plug-in will "
            "not find this environment: use a GIMP that is installed otherwise"
        )


def _show(place: Path, found: Status) -> None:
    print(f"{place / installer.NAME}: installed")
    print(f"  Python: {found.python}")
    for problem in found.problems:
        print(f"  problem: {problem}")
    if found.ready:
        print(f"  methods that are ready: {', '.join(found.ready)}")
        print(f"  others: {', '.join(found.others)} (why: python -m methods list)")
    _warn_of_sandbox(place)


def _fail(message: str) -> NoReturn:
    Console(stderr=True, highlight=False).print(f"Error: {message}", soft_wrap=True, markup=False)
    raise typer.Exit(2)
