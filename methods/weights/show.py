"""Print what the command line shows of weights and of fetching them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from rich import progress
from rich.console import Console
from rich.table import Table

from methods.weights import registry, store
from methods.weights.files import fetch_command
from methods.weights.registry import PublishedFile
from methods.weights.tensorflow_files import INSTALL


def section(title: str, rows: Iterable[tuple[str, str]], console: Console) -> None:
    """Print a heading and a table of names with their descriptions, without the empty ones."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    # Wrap long addresses instead of truncating them.
    table.add_column(overflow="fold")
    for name, text in rows:
        if text:
            table.add_row(f"  {name}", text)
    console.print(title, style="bold")
    console.print(table)


def weights(name: str, published: registry.Weights, console: Console) -> None:
    """Print licences, citation and, for each variant, its files with addresses and state."""
    about = [
        ("network", published.title),
        ("cite", published.citation),
        ("code", f"{published.homepage} ({published.code_licence})"),
        ("licence", f"of the weights: {published.weights_licence}"),
    ]
    section(f"weights {name}", about, console)
    for variant, files in published.variants.items():
        bundled = f"{files.path}, {registry.readable_size(files.size)}, comes with the suite"
        command = fetch_command(name, variant, published)
        get = ("file", bundled) if files.path else ("get", command)
        rows = [("", files.about), get, ("licence", files.licence or "")]
        for file in files.files:
            rows += _file_rows(file, store.place(name, variant, file))
        default = " (default)" if variant == published.default else ""
        section(f"{name} {variant}{default}", rows, console)


def fetch_with_progress(name: str, variant: str | None, console: Console) -> None:
    """Fetch weights with a progress bar and print what was stored; raises what `fetch` raises."""
    # It brings an HTTP client, which nothing else here needs.
    from methods.weights.fetch import fetch, select_variant

    published, chosen = select_variant(name, variant, registry.load())
    files = published.variants[chosen]
    console.print(f"{published.title}, {chosen}: {files.about}")
    licence = files.licence or published.weights_licence
    console.print(f"licence of the weights: {licence}")
    if files.path:
        console.print(f"nothing to fetch, it is here: {files.path}")
        return
    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, progress.TaskID] = {}

        def update(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file)
            bar.update(tasks[file], completed=done, total=total)

        fetched = fetch(name, chosen, progress=update)
    for file in fetched:
        state = "stored" if file.new else "already stored"
        size = registry.readable_size(file.record.size)
        stored = f"{state}: {file.path} ({size})"
        checksum = f"SHA-256 {file.record.sha256}; {_verification(file.record)}"
        console.print(stored, checksum, sep="\n", soft_wrap=True)
    if chosen != published.default:
        console.print(f"to use it: --weights {name}={chosen}")
    if files.format == "tensorflow" and importlib.util.find_spec("tensorflow") is None:
        console.print(f"It is converted on first use, which needs: {INSTALL}")


def _file_rows(file: PublishedFile, path: Path) -> list[tuple[str, str]]:
    checksum = (
        file.sha256
        or (file.git_blob and f"git blob {file.git_blob}")
        or (file.md5 and f"MD5 {file.md5}")
    )
    return [
        ("file", f"{file.name}, {registry.readable_size(file.size)}"),
        *(("from", url) for url in file.urls),
        ("checksum", checksum or "none is published"),
        ("kept at", f"{path}: {_state(path)}"),
    ]


def _state(path: Path) -> str:
    if not path.is_file():
        return "not fetched"
    record = store.record_of(path)
    return "stored by hand" if record is None else f"fetched, {_verification(record)}"


def _verification(record: store.Record) -> str:
    checked = ", ".join(record.checked)
    if {"SHA-256", "git blob"} & set(record.checked):
        return f"verified ({checked})"
    agreed = f"{checked} as published, " if checked else ""
    return f"{agreed}NOT verified: no checksum is published"
