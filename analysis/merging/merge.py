"""From several run folders to one, which appears under its name only when it is complete."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from analysis.merging import checks, merged
from analysis.merging.merged import Taken
from analysis.merging.source import Source, locked, read
from analysis.runs.origins import FILE_NAME, JOURNAL, Slot
from methods.errors import InputError, suggestion
from methods.files import shortest_names, write_atomically
from methods.labels import folder_name, label_problem

Say = Callable[[str], None]


def merge(
    paths: Sequence[Path], out: Path, renames: Sequence[str], command: list[str], say: Say
) -> None:
    """Join run folders.

    Raises InputError if the runs are not of the same protocol and photographs, have different
    results of a method, or a file cannot be read or written; then there is no folder `out`.

    Parameters
    ----------
    renames
        `RUN:OLD=NEW`, with RUN as in `paths`.
    command
        For the record.
    say
        Called with each sentence that the user should read.
    """
    _check_paths(paths, out)
    names = shortest_names([path.resolve() for path in paths])
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(locked(path))
        wanted = _renames(paths, renames)
        sources = [read(path, names[path.resolve()], wanted.get(path, {})) for path in paths]
        _check_labels(sources, wanted)
        checks.check(sources)
        for source in sources:
            _tell(source, say)
        try:
            taken = merged.take(sources)
            _write(taken, sources, out, command)
        except OSError as error:
            raise InputError(_told(error, out)) from None


def _check_paths(paths: Sequence[Path], out: Path) -> None:
    if len(paths) < 2:
        raise InputError(f"{paths[0]}: one run alone has nothing to be merged with: name two")
    seen: dict[Path, Path] = {}
    for path in paths:
        if path.resolve() in seen:
            raise InputError(f"{path} is given twice: name each run once")
        seen[path.resolve()] = path
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: is a file; name another folder")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"--out {out}: is not empty; name another folder")


def _renames(paths: Sequence[Path], texts: Sequence[str]) -> dict[Path, dict[str, str]]:
    """Parse `RUN:OLD=NEW`, in which every part may have colons."""
    wanted: dict[Path, dict[str, str]] = {}
    for text in texts:
        # Of "runs/a" and "runs/a:b" the longer one is meant.
        fitting = [path for path in paths if text.startswith((f"{path}:", f"{path}/:"))]
        if not fitting:
            known = ", ".join(map(str, paths))
            raise InputError(f"--rename {text!r}: write it as RUN:OLD=NEW, with RUN one of {known}")
        path = max(fitting, key=lambda fit: len(str(fit)))
        old, equals, new = text[len(str(path)) :].removeprefix("/").removeprefix(":").partition("=")
        if not equals:
            raise InputError(f"--rename {text!r}: write it as RUN:OLD=NEW")
        if problem := label_problem(new):
            raise InputError(f"--rename {text!r}: the new name {problem}; choose another")
        wanted.setdefault(path, {})[old] = new
    return wanted


def _check_labels(sources: Sequence[Source], wanted: Mapping[Path, Mapping[str, str]]) -> None:
    for source in sources:
        labels = [entry["label"] for entry in source.info["methods"]]
        for old, new in wanted.get(source.path, {}).items():
            if old not in labels:
                raise InputError(
                    f"--rename {source.path}:{old}={new}: no method {old!r} in it"
                    f"{suggestion(old, labels)}"
                )
        if len(source.methods) < len(labels):
            raise InputError(f"--rename: two methods of {source.path} would have one name")


def _tell(source: Source, say: Say) -> None:
    if source.not_shown:
        say(
            f"{source.path}: {source.not_shown} finished cases that its tables do not show are "
            "left out; the benchmark's command with their sizes and photographs shows them"
        )
    if not source.info.get("finished", True):
        say(f"{source.path} was not finished: its cases so far are taken")


def _write(taken: Taken, sources: Sequence[Source], out: Path, command: list[str]) -> None:
    """Build the folder beside `out`, and rename it."""
    part = _part(out)
    with suppress(FileNotFoundError):
        shutil.rmtree(part)
    part.mkdir(parents=True)
    try:
        for origin, target in _files(taken, sources):
            _link(origin, part / target)
        with (part / JOURNAL).open("w", encoding="utf-8", newline="") as file:
            file.writelines(merged.journal(taken, sources))
        write_atomically(part / "scores.csv", merged.scores_csv(taken, sources))
        if audit := merged.audit_csv(taken, sources):
            write_atomically(part / "audit.csv", audit)
        write_atomically(part / FILE_NAME, _json(merged.merged_json(taken, sources)))
        write_atomically(part / "run.json", _json(merged.run_json(taken, sources, command)))
        if out.exists():
            out.rmdir()
        part.rename(out.resolve())
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _part(out: Path) -> Path:
    """Return where the folder is built."""
    return out.resolve().with_name(f".{out.resolve().name}.part")


def _files(taken: Taken, sources: Sequence[Source]) -> Iterator[tuple[Path, str]]:
    """Yield each file to take, and its path in the merged folder."""
    for slot, source in merged.references(sources).items():
        mask = f"masks/{slot[1]}/{slot[2]}.png"
        reference = source.result_path(slot)
        # Without a single result at this size there need not be one.
        if reference.exists():
            yield reference, _target("outputs", slot, "png")
            yield source.path / mask, mask
    for slot, source in taken.items():
        if source.rows[slot]["status"] == "ok":
            yield source.result_path(slot), _target("outputs", slot, "png")
        log = source.path / f"logs/{slot[1]}/{folder_name(source.own_label(slot[0]))}/{slot[2]}.txt"
        if log.exists():
            yield log, _target("logs", slot, "txt")


def _target(folder: str, slot: Slot, suffix: str) -> str:
    method, resolution, image = slot
    return f"{folder}/{resolution}/{folder_name(method)}/{image}.{suffix}"


def _link(origin: Path, target: Path) -> None:
    """Let a file have a second name, or copy it where that cannot be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # The files of a run are replaced, never changed, so that no run sees the other's changes.
    origin = origin.resolve(strict=True)
    try:
        os.link(origin, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(origin, target)


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _told(error: OSError, out: Path) -> str:
    if isinstance(error, FileNotFoundError) and _part(out).name not in str(error.filename):
        return (
            f"{error.filename}: no such file, though scores.csv has its case: the benchmark's "
            "command of that run makes it again"
        )
    return (
        f"--out {out}: {error.filename or out} cannot be written or read "
        f"({error.strerror or error}); free space or permissions are needed"
    )
