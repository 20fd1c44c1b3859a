"""What a study has gathered, as files: readable while it runs, one consistent view.

votes.csv stays raw; participants.csv tells whose votes are valid and why not; payments.csv alone
knows the recruiting platforms' ids, so that the others can be published.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import polars as pl

from methods.errors import InputError
from methods.files import replacing
from survey.results import people, validity
from survey.results.people import Judged
from survey.storage import database, store
from survey.storage.clock import now_ms
from survey.storage.opened import Opened
from survey.study.stimuli import REFERENCE

VOTES_FILE = "votes.csv"
NAMES = (VOTES_FILE, "participants.csv", "payments.csv", "shown.csv", "study.json")
VOTES = ("participant", "question", "image", "left", "right", "choice", "is_check",
         "check_passed", "response_ms", "answered_at")  # fmt: skip
PARTICIPANTS = ("participant", "status", "excluded", "reason", "simulated", "answered", "checks",
                "checks_failed", "median_response_ms", "left_share", "started_at",
                "finished_at")  # fmt: skip
PAYMENTS = ("participant", "status", "excluded", "platform", "platform_id", "session",
            "completion_code")  # fmt: skip
SHOWN = ("participant", "question", "image", "left", "right", "is_check", "answered", "layout",
         "shown_px", "zoomed", "compared")  # fmt: skip
WHOLE = ("question", "is_check", "check_passed", "response_ms")
LIBRARIES = ("flask", "sqlalchemy", "numpy")


def files(found: Opened) -> dict[str, str]:
    """Name of a file -> its text."""
    texts = [io.StringIO() for _ in NAMES]
    _fill(texts, found)
    return {name: text.getvalue() for name, text in zip(NAMES, texts, strict=True)}


def write(found: Opened, votes: Path) -> list[Path]:
    """Write votes to the given file and the others beside it, all or none; the paths. Raises
    InputError, OSError."""
    paths = _targets(votes)
    votes.parent.mkdir(parents=True, exist_ok=True)
    with replacing(*paths, private=True) as parts:
        if votes.suffix.lower() == ".parquet":
            with TemporaryDirectory(prefix=f".{votes.name}.", dir=votes.parent) as scratch:
                text = Path(scratch) / VOTES_FILE
                _write_texts([text, *parts[1:]], found)
                _pack(text, parts[0], votes)
        else:
            _write_texts(parts, found)
    return paths


def _targets(votes: Path) -> list[Path]:
    if votes.is_dir() or votes.name in NAMES[1:]:
        raise InputError(f"{votes}: name a file for the votes, such as {votes.parent / VOTES_FILE}")
    paths = [votes, *(votes.parent / name for name in NAMES[1:])]
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path}: a folder; rename it, or export elsewhere")
    return paths


def _write_texts(paths: Sequence[Path], found: Opened) -> None:
    with ExitStack() as stack:
        opened = (path.open("w", encoding="utf-8", newline="") for path in paths)
        _fill([stack.enter_context(file) for file in opened], found)


def _pack(text: Path, target: Path, votes: Path) -> None:
    """votes.csv as Parquet: the same columns, typed."""
    kinds = dict.fromkeys(VOTES, pl.String) | dict.fromkeys(WHOLE, pl.Int64)
    try:
        pl.scan_csv(text, schema=kinds).sink_parquet(target)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{votes}: cannot be written ({reason}); is the disk full?") from error


def _fill(texts: Sequence[TextIO], found: Opened) -> None:
    """Everything, in the order of NAMES; one person's at a time, since there may be many."""
    tables = [csv.writer(text, lineterminator="\n") for text in texts[:-1]]
    for table, heading in zip(tables, (VOTES, PARTICIPANTS, PAYMENTS, SHOWN), strict=True):
        table.writerow(heading)
    votes, participants, payments, shown = tables
    everybody = []
    with database.reading(found.engine) as connection:
        state, now = store.state(connection), now_ms(connection)
        for one, given in people.with_questions(connection, found.study):
            votes.writerows(map(_vote, one.answers))
            participants.writerow(_participant(one))
            payments.writerow(_payment(one, found))
            shown.writerows(map(_shown, given))
            everybody.append(one._replace(answers=[]))
    about = _study(found, everybody, state, now)
    texts[-1].write(json.dumps(about, indent=2, ensure_ascii=False) + "\n")


def zipped(found: Opened) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files(found).items():
            archive.writestr(name, text)
    return content.getvalue()


def _vote(row: Any) -> list[Any]:
    passed = int(validity.passed(row.choice, row.left, REFERENCE)) if row.is_check else ""
    return [
        row.code, row.position, row.image, row.left, row.right, row.choice, int(row.is_check),
        passed, row.response_ms, _time(row.answered_at),
    ]  # fmt: skip


def _participant(one: Judged) -> list[Any]:
    person, facts = one.person, one.facts
    return [
        person.code, one.status, int(not one.valid), one.reason, int(one.simulated),
        facts.answered, facts.checks, facts.failed,
        "" if facts.median_ms is None else f"{facts.median_ms:g}",
        "" if facts.left is None else f"{facts.left:.4f}",
        _time(person.started_at), _time(person.finished_at),
    ]  # fmt: skip


def _payment(one: Judged, found: Opened) -> list[Any]:
    person = one.person
    code = found.study.completion.code or found.keys.completion_code(person.code)
    return [
        person.code, one.status, int(not one.valid), person.platform or "",
        person.platform_id or "", person.platform_session or "",
        code if one.status == people.FINISHED else "",
    ]  # fmt: skip


def _shown(row: Any) -> list[Any]:
    """A question that was given to somebody: what was shown can be told from it, in order."""
    answered = row.choice is not None
    looked = (
        [row.layout, row.shown_px, int(row.zoomed), int(row.compared)] if answered else [""] * 4
    )
    return [
        row.code, row.position, row.image, row.left, row.right, int(row.is_check), int(answered),
        *looked,
    ]  # fmt: skip


def _study(found: Opened, everybody: Sequence[Judged], state: str, now: int) -> dict[str, Any]:
    simulated = sum(one.simulated for one in everybody)
    return {
        "simulated": bool(simulated),
        "simulated_participants": simulated,
        "state": state,
        "exported_at": _time(now),
        "participants": dict(Counter(one.status for one in everybody)),
        "exclusions": dict(Counter(one.reason for one in everybody if one.reason)),
        "votes": sum(one.facts.answered for one in everybody),
        "valid_votes": sum(one.facts.answered for one in everybody if one.valid),
        # The database's address may name a host and a user; a completion code is worth money.
        "study": found.study.model_dump(exclude={"server", "completion"}),
        "stimuli": [
            {"image": one.image, "method": one.method, "width": one.width, "height": one.height,
             "sha256": one.sha256}
            for one in sorted(found.stimuli, key=lambda one: (one.image, one.method))
        ],
        "versions": {name: version(name) for name in LIBRARIES},
    }  # fmt: skip


def _time(ms: int | None) -> str:
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
