"""Which run each case of a merged run is taken from, and the contents of its files."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from analysis.merging.checks import remedy
from analysis.merging.source import Row, Source, is_run, origin_names, origins_of
from analysis.runs.origins import FIELD, Slot
from methods.errors import InputError
from methods.images import ImageFileError, read_rgb
from methods.labels import REFERENCE
from methods.resolutions import size_text

# Keys of run.json about the command that wrote it, which merged.json keeps for each run.
_OF_RUN = (
    "suite", "command", "written", "finished", "metrics_checked", "methods", "machine", "workers",
    "threads", "cluster", "cluster_machines", "client", "versions",
)  # fmt: skip
# Options of run.json that are null where methods differ.
_CONDITIONS = ("seed", "time_limit_s", "memory_limit_gb", "accept_drift", "device")

# What a note says about so many photographs, masks or holes of its run.
_COUNT = re.compile(r"\d+ (of \d+ )?(photograph|mask|hole)")

Taken = dict[Slot, Source]


def take(sources: Sequence[Source]) -> Taken:
    """Return the run that each case is taken from: the first that has run it.

    Raises InputError if two runs have different results of a case.
    """
    taken: Taken = {}
    for source in sources:
        for slot, row in source.rows.items():
            earlier = taken.setdefault(slot, source)
            if earlier is source or not is_run(row):
                continue
            if not is_run(earlier.rows[slot]):
                taken[slot] = source
            elif not _same_result(slot, earlier, source):
                method, resolution, image = slot
                statuses = [it.rows[slot]["status"] for it in (earlier, source)]
                what = "their pixels" if statuses == ["ok", "ok"] else " and ".join(statuses)
                raise InputError(
                    f"{earlier.path} and {source.path}: {method!r} has two results of {image!r} at "
                    f"{size_text(resolution)} that differ ({what}): " + remedy(source, method)
                )
    # As the benchmark sorts scores.csv.
    return {slot: taken[slot] for slot in sorted(taken, key=_order)}


def _same_result(slot: Slot, one: Source, other: Source) -> bool:
    statuses = {source.rows[slot]["status"] for source in (one, other)}
    if statuses != {"ok"}:
        return len(statuses) == 1
    paths = [source.result_path(slot) for source in (one, other)]
    if paths[0].read_bytes() == paths[1].read_bytes():
        return True
    # The same pixels may be compressed in two ways.
    try:
        first, second = map(read_rgb, paths)
    except ImageFileError as error:
        raise InputError(f"{error}: delete it, and the benchmark's command runs it again") from None
    return first.shape == second.shape and bool((first == second).all())


def scores_csv(taken: Taken, sources: Sequence[Source]) -> str:
    """Return scores.csv, its rows in the order of the cases."""
    columns = _columns(source.rows.values() for source in sources)
    return _csv(columns, (source.rows[slot] for slot, source in taken.items()))


def audit_csv(taken: Taken, sources: Sequence[Source]) -> str:
    """Return audit.csv with the rows of methods that cases are taken from; empty if none has."""
    owners = {(slot[0], id(source)) for slot, source in taken.items()}
    rows = [row for it in sources for row in it.audit if (row["method"], id(it)) in owners]
    unique = {tuple(row.items()): row for row in rows}
    return _csv(_columns([rows]), unique.values()) if rows else ""


def journal(taken: Taken, sources: Sequence[Source]) -> Iterator[str]:
    """Yield the lines of the journal: references, then cases with the run they come from."""
    for slot, (source, *_) in inputs(sources).items():
        yield json.dumps({"slot": slot, "key": source.records[slot]["key"]}) + "\n"
    for slot, run in _origins(taken, sources).items():
        record = taken[slot].records[slot]
        row = {**record["row"], "method": slot[0]}
        yield json.dumps({**record, "slot": slot, "row": row, FIELD: run}) + "\n"


def _origins(taken: Taken, sources: Sequence[Source]) -> dict[Slot, str]:
    """Return the name of the run that has computed each case."""
    names = origin_names(sources)
    own = {source.name: origins_of(source) for source in sources}
    found = {}
    for slot, source in taken.items():
        if is_run(source.rows[slot]):
            origin = own[source.name].get(slot)
            found[slot] = source.name if origin is None else names[source.name][origin]
    return found


def inputs(sources: Sequence[Source]) -> dict[Slot, list[Source]]:
    """Return the runs that have recorded each reference and mask, which are the same in all."""
    found: dict[Slot, list[Source]] = {}
    for source in sources:
        for slot in source.records:
            if slot[0] == REFERENCE:
                found.setdefault(slot, []).append(source)
    return found


def merged_json(taken: Taken, sources: Sequence[Source]) -> dict[str, Any]:
    """Return what merged.json says about every run that cases come from."""
    names = origin_names(sources)
    runs: dict[str, Any] = {}
    for source in sources:
        about = {key: source.info[key] for key in _OF_RUN if key in source.info}
        dataset = source.info["dataset"]["path"]
        runs[source.name] = {
            "path": str(source.path), "dataset": dataset, "renamed": source.renames, **about
        }  # fmt: skip
        for name, origin in source.run.origins.runs.items():
            runs.setdefault(names[source.name][name], origin)
    used = set(_origins(taken, sources).values())
    return {"runs": {name: about for name, about in runs.items() if name in used}}


def run_json(taken: Taken, sources: Sequence[Source], command: list[str]) -> dict[str, Any]:
    """Return run.json of the merged run."""
    infos = [source.info for source in sources]
    first = infos[0]
    methods = list(_methods(taken, sources))
    sizes = {size for source in sources for size in source.run.resolutions}
    checked = [_checked(source) for source in sources]
    return {
        "suite": _suite(infos),
        "command": command,
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "finished": all(info.get("finished", True) for info in infos),
        "protocol": first["protocol"],
        "resolutions": sorted(sizes, key=lambda size: _order(("", size, ""))),
        "metrics": first["metrics"],
        "metrics_checked": next((it for it in checked if it.get("scores")), checked[0]),
        "methods": methods,
        "not_shown": [],
        "dataset": {
            "path": first["dataset"]["path"],
            "description": first["dataset"].get("description", {}),
            "notes": list(_notes(sources)),
            "images": _images(sources),
        },
        **{key: _common([method.get(key) for method in methods]) for key in _CONDITIONS},
        "versions": _joined([info.get("versions", {}) for info in infos]),
        "machine": _joined([info["machine"] for info in infos]),
        "workers": _common([info["workers"] for info in infos]),
        "threads": _common([info["threads"] for info in infos]),
    }


def _methods(taken: Taken, sources: Sequence[Source]) -> Iterator[dict[str, Any]]:
    for label in dict.fromkeys(label for source in sources for label in source.methods):
        owners = [source for slot, source in taken.items() if slot[0] == label]
        computed = [source for source in sources if label in source.methods]
        # The entry of a run that could not run the method says nothing about its weights.
        best = [source for source in computed if source.computed(label)]
        yield [*best, *owners, *computed][0].methods[label]


def _images(sources: Sequence[Source]) -> list[dict[str, Any]]:
    images: dict[str, dict[str, Any]] = {}
    for source in sources:
        for name, image in source.images.items():
            entry = images.setdefault(name, dict(image))
            shares = {**image.get("hole_share", {}), **entry.get("hole_share", {})}
            if shares:
                entry["hole_share"] = shares
    return [images[name] for name in sorted(images)]


def _notes(sources: Sequence[Source]) -> Iterator[str]:
    """Yield the notes on photographs and sizes, with the run's name where not all have them.

    One that counts is about the photographs of its run: runs of others have another, even if the
    words are the same.
    """
    having: dict[tuple[str, frozenset[str]], list[str]] = {}
    for source in sources:
        for note in source.run.remarks:
            counted = frozenset(source.images) if _COUNT.search(note) else frozenset()
            having.setdefault((note, counted), []).append(source.name)
    for (note, _), names in having.items():
        yield note if len(names) == len(sources) else f"{', '.join(names)}: {note}"


def _checked(source: Source) -> dict[str, Any]:
    checked = source.info.get("metrics_checked") or {}
    method = checked.get("method")
    return {**checked, "method": source.renames.get(method, method)} if method else checked


def _suite(infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    suites = [info["suite"] for info in infos]
    if (common := _common(suites)) is not None:
        return common
    return {**_joined(suites), "commit": None, "modified": None}


def _common(values: Sequence[Any]) -> Any:
    """Return the value that all are equal to, or None."""
    return values[0] if values and all(value == values[0] for value in values) else None


def _joined(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one table of several; values that differ as a text of them all."""
    joined = {}
    for key in dict.fromkeys(key for table in tables for key in table):
        values = list(dict.fromkeys(table[key] for table in tables if key in table))
        joined[key] = values[0] if len(values) == 1 else " / ".join(map(str, values))
    return joined


def _columns(tables: Iterable[Iterable[Row]]) -> list[str]:
    """Return the columns of all rows; those that only some have stand before the error."""
    headers = [list(row) for rows in tables for row in list(rows)[:1]]
    longest = max(headers, key=len, default=[])
    more = dict.fromkeys(name for header in headers for name in header if name not in longest)
    return [*longest[:-1], *more, *longest[-1:]]


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _order(slot: Slot) -> tuple[str, int, str]:
    method, resolution, image = slot
    return method, resolution if isinstance(resolution, int) else 0, image
