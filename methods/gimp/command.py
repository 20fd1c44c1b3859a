"""`python -m methods gimp`: the installer of the plug-in, and the worker that it starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from methods.errors import InputError
from methods.gimp import folders
from methods.gimp import install as installer
from methods.gimp.status import Status, read_status

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
    for place in _plug_ins_folders(folder):
        try:
            print(f"installed: {installer.install(place)}")
        except OSError as error:
            remedy = "close GIMP, or give another --folder"
            raise InputError(f"{place}: {error.strerror or error}; {remedy}") from None
        _warn_of_sandbox(place)
    print(f"Start GIMP 3 again: {MENU}")


@app.command()
def uninstall(folder: Folder = None) -> None:
    """Remove the files that install has written, and nothing else."""
    for place in _plug_ins_folders(folder):
        try:
            remaining = installer.uninstall(place)
        except OSError as error:
            problem = f"{place}: {error.strerror or error}"
            raise InputError(f"{problem}; close GIMP and try again") from None
        if remaining is None:
            print(f"{place}: nothing is installed")
            continue
        print(f"removed: {place / installer.NAME}")
        for path in remaining:
            print(f"left, install has not written it: {path}")


@app.command()
def status(folder: Folder = None) -> None:
    """Show where the plug-in is and whether it can work; exit code 0 if it can, else 1."""
    usable = []
    for place in _plug_ins_folders(folder):
        installed = read_status(place)
        if installed is None:
            print(f"{place}: not installed")
            continue
        _show(place, installed)
        usable.append(not installed.problems and bool(installed.ready))
    if not usable:
        print("install it with: python -m methods gimp install")
    raise typer.Exit(0 if usable and all(usable) else 1)


@app.command(hidden=True)
def worker() -> None:
    """Fill what the plug-in sends. The plug-in starts this command; it is of no use otherwise."""
    from methods.gimp.worker import run

    try:
        run(sys.stdin.readline())
    except OSError as error:
        raise InputError(str(error)) from None


def _plug_ins_folders(folder: Path | None) -> list[Path]:
    return folders.plug_ins() if folder is None else [folder.absolute()]


def _warn_of_sandbox(place: Path) -> None:
    name = folders.sandbox(place)
    if name is not None:
        print(
            f"note: {name} lets GIMP start no programs outside of its sandbox, so the plug-in will "
            "not find this environment: use a GIMP that is installed otherwise"
        )


def _show(place: Path, installed: Status) -> None:
    print(f"{place / installer.NAME}: installed")
    print(f"  Python: {installed.python}")
    for problem in installed.problems:
        print(f"  problem: {problem}")
    if installed.ready:
        print(f"  methods that are ready: {', '.join(installed.ready)}")
        print(f"  others: {', '.join(installed.others)} (why: python -m methods list)")
    _warn_of_sandbox(place)
