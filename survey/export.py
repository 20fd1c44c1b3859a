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
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from survey import database, people, store, validity
from survey.app import Opened
from survey.clock import now_ms
from survey.errors import InputError
from survey.files import write_private
from survey.people import Judged
from survey.stimuli import REFERENCE

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
    with database.reading(found.engine) as connection:
        everybody = people.judged(connection, found.study)
        given = store.shown(connection)
        state, now = store.state(connection), now_ms(connection)
    return {
        "votes.csv": _csv(VOTES, (_vote(row) for one in everybody for row in one.answers)),
        "participants.csv": _csv(PARTICIPANTS, map(_participant, everybody)),
        "payments.csv": _csv(PAYMENTS, (_payment(one, found) for one in everybody)),
        "shown.csv": _csv(SHOWN, _shown(given, everybody)),
        "study.json": json.dumps(_study(found, everybody, state, now), indent=2, ensure_ascii=False)
        + "\n",
    }


def write(found: Opened, votes: Path) -> list[Path]:
    """Write votes to the given file and the others beside it; the paths."""
    texts = files(found)
    if votes.is_dir() or votes.name in texts.keys() - {"votes.csv"}:
        raise InputError(
            f"{votes}: name a file for the votes, such as {votes.parent / 'votes.csv'}"
        )
    votes.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts.items():
        path = votes if name == "votes.csv" else votes.parent / name
        write_private(path, _packed(text) if path.suffix == ".parquet" else text)
        written.append(path)
    return written


def _packed(votes: str) -> bytes:
    """votes.csv as Parquet: the same columns, typed."""
    kinds = dict.fromkeys(VOTES, pl.String) | dict.fromkeys(WHOLE, pl.Int64)
    frame = pl.read_csv(io.StringIO(votes), schema=kinds)
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def zipped(found: Opened) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files(found).items():
            archive.writestr(name, text)
    return content.getvalue()


def _csv(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    return text.getvalue()


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


def _shown(given: Sequence[Any], everybody: Sequence[Judged]) -> Iterable[list[Any]]:
    """Every question that was given to anybody: what was shown can be told from it, in order."""
    looked = {(row.participant, row.position): row for one in everybody for row in one.answers}
    for row in given:
        vote = looked.get((row.participant, row.position))
        seen: list[Any] = ["", "", "", ""]
        if vote is not None:
            seen = [vote.layout, vote.shown_px, int(vote.zoomed), int(vote.compared)]
        yield [
            row.code, row.position, row.image, row.left, row.right, int(row.is_check),
            int(vote is not None), *seen,
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
