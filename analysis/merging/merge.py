"""From several run folders to one, which appears under its name only when it is complete."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from analysis.merging import checks, merged, pictures
from analysis.merging.merged import Taken
from analysis.merging.source import Source, locked, read
from analysis.runs import complete
from analysis.runs.origins import FILE_NAME, JOURNAL
from methods.errors import InputError, suggestion
from methods.files import shortest_names, write_atomically
from methods.labels import label_problem

Say = Callable[[str], None]
# Called with a folder that is complete but for tables, figures and report.
Publish = Callable[[Path], object]


def merge(
    paths: Sequence[Path],
    out: Path,
    renames: Sequence[str],
    command: list[str],
    say: Say,
    publish: Publish = lambda folder: None,
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
    publish
        Called with the folder before it gets its name, to write tables, figures and report. After
        an InputError of it there is no folder `out`, too.
    """
    _check_paths(paths, out)
    names = shortest_names([path.resolve() for path in paths])
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(locked(path))
        wanted = _renames(paths, renames)
        sources = [read(path, names[path.resolve()], wanted.get(path, {})) for path in paths]
        _check_outside(paths, out)
        _check_labels(sources, wanted)
        checks.check(sources)
        pictures.check(sources)
        for source in sources:
            _tell(source, say)
        try:
            taken = merged.take(sources)
            _write(taken, sources, out, command, publish)
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


def _check_outside(paths: Sequence[Path], out: Path) -> None:
    for path in paths:
        if out.resolve().is_relative_to(path.resolve()):
            raise InputError(f"--out {out}: is inside the run {path}; name a folder outside of it")


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


def _write(
    taken: Taken, sources: Sequence[Source], out: Path, command: list[str], publish: Publish
) -> None:
    """Build the folder beside `out`, and move it."""
    beside = _part(out)
    with suppress(FileNotFoundError):
        shutil.rmtree(beside)
    # The report's heading is the folder's name.
    part = beside / out.resolve().name
    files = pictures.files(taken, sources)
    try:
        part.mkdir(parents=True)
        for place, origin in files.items():
            _link(origin, part / place)
        with (part / JOURNAL).open("w", encoding="utf-8", newline="") as file:
            file.writelines(merged.journal(taken, sources))
        write_atomically(part / "scores.csv", merged.scores_csv(taken, sources))
        if audit := merged.audit_csv(taken, sources):
            write_atomically(part / "audit.csv", audit)
        write_atomically(part / FILE_NAME, _json(merged.merged_json(taken, sources)))
        write_atomically(part / "run.json", _json(merged.run_json(taken, sources, command)))
        try:
            publish(part)
        except InputError as error:
            raise InputError(_with_origins(str(error), part, files, out)) from None
        if out.exists():
            out.rmdir()
        part.rename(out.resolve())
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _with_origins(message: str, part: Path, files: Mapping[str, Path], out: Path) -> str:
    """Return a message about files of the unfinished folder with their names in the runs."""
    for place, origin in files.items():
        message = message.replace(str(part / place), str(origin))
    return message.replace(str(part), str(out))


def _part(out: Path) -> Path:
    """Return where the folder is built."""
    return out.resolve().with_name(f".{out.resolve().name}.part")


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
        return str(complete.lost(Path(error.filename)))
    return (
        f"--out {out}: {error.filename or out} cannot be written or read "
        f"({error.strerror or error}); free space or permissions are needed"
    )
