"""What the command line prints of weights and of fetching them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from methods.weights import download, registry, store
from methods.weights.fetch import Fetched, chosen_of, fetch
from methods.weights.files import fetch_command
from methods.weights.registry import PublishedFile
from methods.weights.tensorflow_files import INSTALL


def lines(title: str, rows: Iterable[tuple[str, str]], console: Console) -> None:
    """A heading and, below it, names with what is told of them; empty ones are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    # Long addresses break rather than being cut.
    table.add_column(overflow="fold")
    for name, text in rows:
        if text:
            table.add_row(f"  {name}", text)
    console.print(title, style="bold", markup=False)
    console.print(table, markup=False)


def weights(name: str, published: registry.Weights, console: Console) -> None:
    """Licences, citation, and each variant with its files: where from, where to, whether here."""
    about = [
        ("network", published.title),
        ("cite", published.citation),
        ("code", f"{published.homepage} ({published.code_licence})"),
        ("licence", f"of the weights: {published.weights_licence}"),
    ]
    lines(f"weights {name}", about, console)
    for variant, files in published.variants.items():
        rows = [("", files.about)]
        if files.path:
            rows += [("file", f"{files.path}, {registry.megabytes(files.size)}, comes with it")]
        else:
            rows += [("get", fetch_command(name, variant, published))]
        rows += [("licence", files.licence or "")]
        for file in files.files:
            rows += _file_rows(name, variant, file)
        default = " (default)" if variant == published.default else ""
        lines(f"{name} {variant}{default}", rows, console)


def _file_rows(name: str, variant: str, file: PublishedFile) -> list[tuple[str, str]]:
    path = store.place(name, variant, file)
    checksum = file.sha256 or (file.git_blob and f"git blob {file.git_blob}")
    return [
        ("file", f"{file.name}, {registry.megabytes(file.size)}"),
        *(("from", url) for url in file.urls),
        ("checksum", checksum or "none is published"),
        ("kept at", f"{path}: {_state(name, variant, file)}"),
    ]


def _state(name: str, variant: str, file: PublishedFile) -> str:
    path = store.place(name, variant, file)
    if not path.is_file():
        return "not fetched"
    record = store.record_of(path)
    return "there, put there by hand" if record is None else f"fetched, {_trust(record)}"


def _trust(record: store.Record) -> str:
    if {"SHA-256", "git blob"} & set(record.checked):
        return f"verified ({', '.join(record.checked)})"
    agreed = f"{', '.join(record.checked)} as published, " if record.checked else ""
    return f"{agreed}NOT verified: no checksum is published"


def fetching(name: str, variant: str | None, console: Console) -> None:
    """Fetch weights, with a progress bar on a terminal, and tell what was got. Raises as fetch."""
    published, chosen = chosen_of(name, variant, registry.load())
    console.print(f"{published.title}, {chosen}: {published.variants[chosen].about}", markup=False)
    licence = published.variants[chosen].licence or published.weights_licence
    console.print(f"licence of the weights: {licence}", markup=False)
    if published.variants[chosen].path:
        console.print(f"nothing to fetch, it is here: {published.variants[chosen].path}")
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:

        def begin(file: str) -> download.Progress:
            task = bar.add_task(file, total=None)
            return lambda done, total: bar.update(task, completed=done, total=total)

        fetched = fetch(name, chosen, begin=begin)
    for one in fetched:
        _tell(one, console)
    if chosen != published.default:
        console.print(f"to use it: --weights {name}={chosen}", markup=False)
    if published.variants[chosen].format == "tensorflow" and not _has_tensorflow():
        console.print(f"It is converted on first use, for which: {INSTALL}", markup=False)


def _tell(one: Fetched, console: Console) -> None:
    words = "stored" if one.new else "there already"
    size = registry.megabytes(one.record.size)
    console.print(f"{words}: {one.path} ({size})", soft_wrap=True, markup=False)
    console.print(
        f"SHA-256 {one.record.sha256}; {_trust(one.record)}", soft_wrap=True, markup=False
    )


def _has_tensorflow() -> bool:
    return importlib.util.find_spec("tensorflow") is not None
