"""TODO."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from methods.errors import InputError, suggestion
from survey.design import questionnaire
from survey.storage import database, store
from survey.storage.tallies import Settled
from survey.study import config, keys, stimuli


@dataclass(frozen=True)
class Opened:
    """A study as its application holds it. preview: whatever is recorded is thrown away;
    simulated: participants who start are simulated ones."""

    folder: Path
    study: config.Study
    keys: keys.Keys
    engine: Engine
    stimuli: list[stimuli.Stimulus]
    preview: bool = False
    simulated: bool = False

    @cached_property
    def names(self) -> dict[tuple[str, str], str]:
        """(image, method) -> the name of its file."""
        return {(one.image, one.method): one.name for one in self.stimuli}

    @cached_property
    def shown(self) -> frozenset[str]:
        return frozenset(one.name for one in self.stimuli)

    @cached_property
    def pool(self) -> questionnaire.Pool:
        return pool_of(self.study, self.stimuli)

    @cached_property
    def settled(self) -> Settled:
        return Settled()


def pool_of(study: config.Study, shown: list[stimuli.Stimulus]) -> questionnaire.Pool:
    wanted = study.design
    return questionnaire.pool(shown, wanted.methods, wanted.against, wanted.check_method)


def open_study(
    folder: Path, *, preview: bool = False, simulated: bool = False, new: bool = False
) -> Opened:
    """Read and check everything that serving a study needs; new: make its database. Raises
    InputError."""
    study = config.read(folder)
    file = folder / database.FILE
    if not new and not preview and study.server.database == "sqlite" and not file.is_file():
        raise InputError(
            f"{file} is missing; put it back from a backup, or create the study anew "
            "(several hosts need PostgreSQL)"
        )
    if preview:
        # A database that goes with the process: nothing of a preview is recorded.
        scratch = tempfile.mkdtemp(prefix="preview-")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        engine = database.connect(Path(scratch), "sqlite")
    else:
        engine = database.connect(folder, study.server.database)
    found = stimuli.read(folder, elsewhere=bool(study.server.stimuli_url))
    opened = Opened(folder, study, keys.read(folder), engine, found, preview, simulated)
    check_design(study, found, opened.pool, str(folder / config.FILE))
    _check_joined(opened)
    return opened


def _check_joined(opened: Opened) -> None:
    """That the database is the study's, and other hosts on it have the same keys. Raises
    InputError."""
    folder = opened.folder
    images = _digest((folder / stimuli.LIST).read_bytes())
    with database.explained(str(folder)):
        first = store.create(opened.engine, store.Marks(images, opened.keys.fingerprint))
    if first.images != images:
        raise InputError(
            f"{folder}: the database holds another study, or {stimuli.LIST} was changed; each "
            "study needs a database of its own"
        )
    if first.secret != opened.keys.fingerprint:
        raise InputError(
            f"{folder / keys.FILE}: not the keys that this study was begun with; all its "
            "hosts need the same file"
        )


def check_design(
    study: config.Study, shown: list[stimuli.Stimulus], pool: questionnaire.Pool, path: str
) -> None:
    """Raises InputError where the images do not allow what is asked for. path: of study.toml, for
    messages."""
    wanted = study.design
    known = sorted({one.method for one in shown})
    named = [*wanted.methods, *filter(None, [wanted.against, wanted.check_method])]
    for method in named:
        if method not in known:
            raise InputError(f"{path}: no images of {method!r}{suggestion(method, known)}")
    if wanted.against and wanted.against not in wanted.methods:
        raise InputError(f"{path}: design.against {wanted.against!r} is not among design.methods")
    if not pool.pairs:
        raise InputError(f"{path}: no image has results of two of the methods; are names alike?")
    for what, number, most in (
        ("pairs_per_person", wanted.pairs_per_person, pool.most(wanted.checks_per_person)),
        ("checks_per_person", wanted.checks_per_person, len(pool.checks)),
    ):
        if number > most:
            raise InputError(
                f"{path}: design.{what} = {number}, but there are only {most} different ones"
            )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
