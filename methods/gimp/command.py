"""`python -m methods gimp`: the installer of the plug-in, and the worker that it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from methods.errors import InputError
from methods.gimp import install as installer
from methods.gimp.install import Record
from methods.gimp.version import PROTOCOL_VERSION
from methods.shown_text import message_text

app = typer.Typer(
    help="The plug-in for GIMP 3: fill a selection with any method of the suite.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[
    Path | None,
    typer.Option(help="A plug-ins folder.  [default: those of every GIMP 3 with settings here]"),
]
MENU = "Filters > Enhance > Inpaint selection..."
# Parts of the paths of GIMPs that cannot start programs, and their packaging.
SANDBOXED = {".var": "Flatpak", "snap": "Snap"}
# Importing all libraries from a cold disk can take minutes.
LISTING_SECONDS = 180
LIST = "import json; from methods.gimp import filling, worker; print(json.dumps(filling.listing()))"


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
        record = installer.record_of(place)
        if record is None:
            print(f"{place}: not installed")
        else:
            usable.append(_show(place, record))
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
    return installer.plug_ins() if folder is None else [folder.absolute()]


def _warn_of_sandbox(place: Path) -> None:
    for part, name in SANDBOXED.items():
        if part in place.parts:
            print(
                f"note: {name} lets GIMP start no programs outside of its sandbox, so the plug-in "
                "will not find this environment: use a GIMP that is installed otherwise"
            )


def _show(place: Path, record: Record) -> bool:
    """Print the state of an installed plug-in; return whether it can work."""
    problems: list[str] = []
    methods: dict[bool, list[str]] = {True: [], False: []}
    if changed := installer.changed(place):
        problems.append(f"not the files of this suite: {', '.join(changed)}")
    if record.get("protocol") != PROTOCOL_VERSION:
        problems.append("its protocol is not that of this suite")
    try:
        for method in _listing(record):
            methods[method["ready"]].append(method["name"])
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
        problems.append(f"its Python cannot be used ({message_text(str(error))})")
    print(f"{place / installer.NAME}: installed")
    print(f"  Python: {record.get('python')}")
    for problem in problems:
        print(f"  problem: {problem}; run `python -m methods gimp install` again")
    if methods[True]:
        print(f"  methods that are ready: {', '.join(methods[True])}")
        print(f"  others: {', '.join(methods[False])} (why: python -m methods list)")
    _warn_of_sandbox(place)
    return not problems and bool(methods[True])


def _listing(record: Record) -> list[dict[str, Any]]:
    """Return the methods as the recorded environment lists them, which may not be this one."""
    foreign = {"PYTHONHOME", "PYTHONPATH"}
    done = subprocess.run(
        [record["python"], "-c", LIST],
        # As the worker is started; an installed suite needs any folder without Python files.
        cwd=record["root"] or Path(record["python"]).parent,
        env={name: value for name, value in os.environ.items() if name not in foreign},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=LISTING_SECONDS,
    )
    if done.returncode:
        raise ValueError((done.stderr.strip().splitlines() or ["it printed nothing"])[-1])
    # The last line: libraries may print, too.
    return list(json.loads(done.stdout.splitlines()[-1])["methods"])
