"""Write what a study has gathered to files: one consistent view, also while the study runs.

votes.csv is raw; participants.csv says whose votes are valid and why not. Only payments.csv has
the ids of recruiting platforms, so that the other files can be published.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from methods.errors import InputError
from methods.files import replacing
from methods.libraries import extra_installation
from survey.results import participants, validity
from survey.results.participants import Participant
from survey.results.payments import payment_row, read_sessions
from survey.storage import database, store
from survey.storage.open_study import OpenStudy
from survey.storage.schema import iso, now_ms

VOTES_FILE = "votes.csv"
FILES = (VOTES_FILE, "participants.csv", "payments.csv", "shown.csv", "study.json")
_VOTES = ("participant", "question", "image", "left", "right", "choice", "is_check",
          "check_passed", "response_ms", "answered_at")  # fmt: skip
_PARTICIPANTS = ("participant", "status", "excluded", "reason", "simulated", "answered", "checks",
                 "checks_failed", "median_response_ms", "left_share", "started_at",
                 "finished_at", "median_server_ms", "times_disagree")  # fmt: skip
_PAYMENTS = ("participant", "status", "excluded", "platform", "platform_id", "session",
             "completion_code", "checks", "checks_failed", "other_sessions",
             "assignment_also_of")  # fmt: skip
_SHOWN = ("participant", "question", "image", "left", "right", "is_check", "answered", "layout",
          "shown_px", "zoomed", "compared", "server_ms")  # fmt: skip
_SUFFIXES = (".csv", ".parquet")
_FORMULA = ("=", "+", "-", "@")
_INTEGERS = ("question", "is_check", "check_passed", "response_ms")
# Bytes of text that become one group of rows of a Parquet file.
_BLOCK = 2**24
_LIBRARIES = ("flask", "sqlalchemy", "numpy")


def file_texts(study: OpenStudy) -> dict[str, str]:
    """Return the content of all files by name."""
    texts = [io.StringIO() for _ in FILES]
    _write_all(texts, study)
    return {name: text.getvalue() for name, text in zip(FILES, texts, strict=True)}


def zipped(study: OpenStudy) -> bytes:
    """Return all files as a zip archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in file_texts(study).items():
            archive.writestr(name, text)
    return content.getvalue()


def write(study: OpenStudy, votes: Path) -> list[Path]:
    """Write all files, or none; those besides the votes (.csv or .parquet) go beside them.

    Raises
    ------
    InputError
        If a path is a folder, the name ends otherwise, or the votes cannot be written as Parquet.
    OSError
        If a file cannot be written.
    """
    paths = _paths(votes)
    packed = votes.suffix.lower() == ".parquet"
    if packed and find_spec("pyarrow") is None:
        raise InputError(
            f"{votes}: Parquet needs pyarrow: {extra_installation('parquet')}; or name a .csv file"
        )
    votes.parent.mkdir(parents=True, exist_ok=True)
    with replacing(*paths, private=True) as parts:
        if packed:
            with TemporaryDirectory(prefix=f".{votes.name}.", dir=votes.parent) as scratch:
                text = Path(scratch) / VOTES_FILE
                _write_files([text, *parts[1:]], study)
                _convert_to_parquet(text, parts[0], votes)
        else:
            _write_files(parts, study)
    return paths


def _paths(votes: Path) -> list[Path]:
    if votes.is_dir() or votes.name in FILES[1:]:
        raise InputError(f"{votes}: name a file for the votes, such as {votes.parent / VOTES_FILE}")
    if votes.suffix.lower() not in _SUFFIXES:
        raise InputError(
            f"{votes}: votes are written to {' or '.join(_SUFFIXES)}; name such a file"
        )
    paths = [votes, *(votes.parent / name for name in FILES[1:])]
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path}: a folder; rename it, or export elsewhere")
    return paths


def _write_files(paths: Sequence[Path], study: OpenStudy) -> None:
    with ExitStack() as stack:
        files = (path.open("w", encoding="utf-8", newline="") for path in paths)
        _write_all([stack.enter_context(file) for file in files], study)


def _convert_to_parquet(text: Path, target: Path, votes: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow.parquet import ParquetWriter

    types = dict.fromkeys(_VOTES, pa.string()) | dict.fromkeys(_INTEGERS, pa.int64())
    try:
        with (
            arrow_csv.open_csv(
                text,
                read_options=arrow_csv.ReadOptions(block_size=_BLOCK),
                parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(column_types=types),
            ) as rows,
            ParquetWriter(target, rows.schema, compression="zstd") as file,
        ):
            for batch in rows:
                file.write_batch(batch)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{votes}: cannot be written ({reason}); is the disk full?") from error


def _write_all(files: Sequence[TextIO], study: OpenStudy) -> None:
    """Write all files in the order of FILES, one participant at a time."""
    tables = [csv.writer(file, lineterminator="\n") for file in files[:-1]]
    for table, columns in zip(tables, (_VOTES, _PARTICIPANTS, _PAYMENTS, _SHOWN), strict=True):
        table.writerow(columns)
    votes, people, payments, shown = tables
    everybody = []
    with database.reading(study.engine) as connection:
        sessions = read_sessions(connection)
        state, now = store.study_row(connection).state, now_ms(connection)
        for participant in participants.evaluate(connection, study.config):
            votes.writerows(map(_vote_row, participant.answers))
            people.writerow(_participant_row(participant))
            payments.writerow(payment_row(participant, study, sessions))
            server_ms = validity.server_times(participant.answers)
            # Questions are answered in order: the last ones have no time.
            times: Iterator[int | str] = chain(server_ms, repeat(""))
            shown.writerows(map(_shown_row, participant.questions, times))
            everybody.append(participant._replace(questions=[], answers=[]))
    summary = _summary(study, everybody, state, now)
    files[-1].write(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def _cell(name: str) -> str:
    """Return a name so that no spreadsheet takes it for a formula; the analysis reads it back."""
    return f"'{name}" if name.lstrip("'").startswith(_FORMULA) else name


def _names(row: Any) -> list[str]:
    return [_cell(row.image), _cell(row.left), _cell(row.right)]


def _vote_row(row: Any) -> list[Any]:
    passed = int(validity.check_passed(row.choice, row.left)) if row.is_check else ""
    return [
        row.code, row.position, *_names(row), row.choice, int(row.is_check),
        passed, row.response_ms, iso(row.answered_at),
    ]  # fmt: skip


def _participant_row(participant: Participant) -> list[Any]:
    row, statistics = participant.row, participant.statistics
    return [
        row.code, participant.status, int(not participant.valid), participant.reason,
        int(participant.simulated), statistics.answered, statistics.checks,
        statistics.checks_failed,
        _milliseconds(statistics.median_ms),
        "" if statistics.left_share is None else f"{statistics.left_share:.4f}",
        iso(row.started_at), iso(row.finished_at),
        _milliseconds(statistics.median_server_ms), statistics.times_disagree,
    ]  # fmt: skip


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _shown_row(row: Any, server_ms: int | str) -> list[Any]:
    answered = row.choice is not None
    view = [row.layout, row.shown_px, int(row.zoomed), int(row.compared)] if answered else [""] * 4
    return [
        row.code, row.position, *_names(row), int(row.is_check), int(answered),
        *view, server_ms,
    ]  # fmt: skip


def _summary(
    study: OpenStudy, everybody: Sequence[Participant], state: str, now: int
) -> dict[str, Any]:
    simulated = sum(one.simulated for one in everybody)
    return {
        "simulated": bool(simulated),
        "simulated_participants": simulated,
        "state": state,
        "exported_at": iso(now),
        "participants": dict(Counter(one.status for one in everybody)),
        "exclusions": dict(Counter(one.reason for one in everybody if one.reason)),
        "votes": sum(one.statistics.answered for one in everybody),
        "valid_votes": sum(one.statistics.answered for one in everybody if one.valid),
        # The database's address may name a host and a user; a completion code is worth money.
        "study": study.config.model_dump(exclude={"server", "completion"}),
        "stimuli": [
            # The random names are as private as stimuli.csv.
            {key: value for key, value in one._asdict().items() if key != "name"}
            for one in sorted(study.stimuli, key=lambda one: (one.image, one.method))
        ],
        "versions": {name: version(name) for name in _LIBRARIES},
    }
