"""Whether a method was the same in two runs, whose machines have its files in other folders."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import methods

# What run.json says about a method besides adapter and options. A seed is among the options of the
# methods that use one.
_RECORDED = {
    "weights_sha256": "weights file",
    "source_sha256": "file of its class",
    "adapter_versions": "version of its adapter",
}
# Entries that earlier versions of the suite did not write.
_ADDED = {"source_sha256", "adapter_versions"}
# Options with a file or folder that is among `weights_sha256`, besides `weights`, which every
# network has.
_FILES = {"exchange": "file", "diffusers": "model"}
# Characters of a value in a message, and how many before the first that differs.
_LONGEST, _BEFORE = 60, 15

Table = Mapping[str, Any]


def differing(one: Table, other: Table) -> Iterator[tuple[str, str, str]]:
    """Yield what differs between the entries of a method in two run.json, and both values.

    Files and folders may lie elsewhere if run.json has the checksum of their content. All else is
    compared as it was recorded.
    """
    if _adapter(one["method"], one) != _adapter(other["method"], other):
        yield "adapter", *_told(one["method"], other["method"])
    options = [entry.get("options", {}) for entry in (one, other)]
    compared = [
        _options(entry["method"], entry.get("options", {}), entry) for entry in (one, other)
    ]
    for name in dict.fromkeys(name for table in compared for name in table):
        if compared[0].get(name) != compared[1].get(name):
            yield f"set of options, {name}", *_told(options[0].get(name), options[1].get(name))
    for name, what in _RECORDED.items():
        values = one.get(name), other.get(name)
        if values[0] != values[1] and not (name in _ADDED and None in values):
            yield what, *_told(*values)


def _adapter(method: str, entry: Table) -> str:
    """Return a method without the name of a model whose files are known."""
    name, colon, value = method.partition(":")
    if name in _FILES and entry.get("weights_sha256"):
        return name
    return f"{name}:{_adapter(value, entry)}" if colon else name


def _options(method: str, options: Table, entry: Table) -> dict[str, Any]:
    """Return options without the places of files whose content is known."""
    name, _, value = method.partition(":")
    checksums = entry.get("weights_sha256") or {}
    left_out = {"weights", _FILES.get(name)} if checksums else set()
    if name == "external":
        # Which results were looked for under other names depends on the photographs.
        left_out = {"names"}
    compared = {key: item for key, item in options.items() if key not in left_out}
    if name == "external" and "folder" in compared:
        compared["folder"] = str(compared["folder"]).replace("\\", "/").rstrip("/").split("/")[-1]
    if name == "command" and "template" in compared:
        compared["template"] = _words(str(compared["template"]), checksums)
    stage_one = value or options.get("stage_one", "")
    # What a class of the user's own reads need not be among the checksums of the whole.
    if "stage_one_options" in compared and not _is_own(stage_one):
        compared["stage_one_options"] = _options(stage_one, compared["stage_one_options"], entry)
    return compared


def _is_own(method: str) -> bool:
    name, colon, _ = method.partition(":")
    return bool(colon) and name not in methods.available()


def _words(template: str, checksums: Table) -> list[str]:
    """Return the words of a command, with the names that checksums have for its files."""
    words = [word.rpartition("=") for word in shlex.split(template)]
    names = {}
    for name in checksums:
        ends = name.rstrip("/")
        fitting = {path for *_, path in words if f"/{path.rstrip('/')}".endswith(f"/{ends}")}
        # Of several, one may be a word that only looks like the file.
        if len(fitting) == 1:
            names[fitting.pop()] = ends
    return [key + equals + names.get(path, path) for key, equals, path in words]


def _told(one: Any, other: Any) -> tuple[str, str]:
    """Return values for a message, cut to where they differ."""
    texts = ["none" if value in (None, {}) else str(value) for value in (one, other)]
    equal = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    start = max(0, equal - _BEFORE)
    return _cut(texts[0], start), _cut(texts[1], start)


def _cut(text: str, start: int) -> str:
    if len(text) <= _LONGEST:
        return text
    end = start + _LONGEST
    return ("..." if start else "") + text[start:end] + ("..." if text[end:] else "")
