"""Open a study: read its files, connect to its database, and check that they belong together."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from methods.errors import InputError, suggestion
from methods.files import sha256
from survey.design.questionnaire import Pool, make_pool
from survey.storage import database, store
from survey.storage.tallies import FinishedCounts
from survey.study import config, secrets_file, stimuli

# Settings of the design that stay as they are once somebody has started.
_FROZEN = ("pairs_per_person", "checks_per_person", "check_method", "ties", "against")


@dataclass(frozen=True)
class OpenStudy:
    """A study that is ready to use.

    In a preview, everything recorded is deleted at the end of the process. With `simulated`,
    participants who start are simulated.
    """

    folder: Path
    config: config.Study
    secrets: secrets_file.Secrets
    engine: Engine
    stimuli: list[stimuli.Stimulus]
    # The checksum of stimuli.csv, by which a database knows its study.
    stimuli_sha256: str
    preview: bool = False
    simulated: bool = False
    finished_counts: FinishedCounts = field(default_factory=FinishedCounts)

    def completion_code(self, code: str) -> str:
        """Return the study's code, or else the participant's own, with which they are paid."""
        return self.config.completion.code or self.secrets.completion_code(code)

    @cached_property
    def file_names(self) -> dict[tuple[str, str], str]:
        """Names of the image files, without suffix, by image and method."""
        return {(one.image, one.method): one.name for one in self.stimuli}

    @cached_property
    def pool(self) -> Pool:
        return checked_pool(self.config, self.stimuli, str(self.folder / config.FILE))


def open_study(
    folder: Path,
    *,
    preview: bool = False,
    simulated: bool = False,
    new: bool = False,
    asking: bool = False,
) -> OpenStudy:
    """Open the study of a folder; only a `new` study, or a preview, creates its database.

    With `asking`, people will be asked: then the design is checked too, and that the images are
    there. Neither keeps answers from being exported.

    Raises InputError if a file is missing or wrong, or the database cannot be used or holds another
    study.
    """
    study = config.read(folder)
    engine = _engine(folder, study, preview=preview, new=new)
    images = stimuli.read(folder, elsewhere=bool(study.server.stimuli_url) or not asking)
    secrets, checksum = secrets_file.read(folder), sha256(folder / stimuli.LIST)
    opened = OpenStudy(folder, study, secrets, engine, images, checksum, preview, simulated)
    if asking or new:
        # The pool is made, and thereby checked, before the database is touched.
        _ = opened.pool
    _check_database(opened)
    if asking:
        _check_design(opened)
    return opened


def reopened(opened: OpenStudy) -> OpenStudy:
    """Connect another process to the database of a study, whose files are not read again.

    They may be wrong by now: somebody edits them while the study is served.
    """
    engine = _engine(opened.folder, opened.config, preview=opened.preview)
    again = replace(opened, engine=engine, finished_counts=FinishedCounts())
    _check_database(again)
    return again


def _engine(folder: Path, study: config.Study, *, preview: bool, new: bool = False) -> Engine:
    file = folder / database.FILE
    if preview:
        scratch = tempfile.mkdtemp(prefix="preview-")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        return database.connect(Path(scratch), "sqlite")
    if not new and study.server.database == "sqlite" and not file.is_file():
        raise InputError(
            f"{file} is missing; put it back from a backup, or create the study anew "
            "(several hosts need PostgreSQL)"
        )
    return database.connect(folder, study.server.database)


def _check_design(opened: OpenStudy) -> None:
    """Refuse a design whose answers could not be compared with those that there are."""
    with (
        database.errors_as_input(str(opened.folder)),
        database.reading(opened.engine) as connection,
    ):
        at_start = store.design_at_start(connection)
        # All that is known of people who started before designs were recorded.
        before = json.loads(at_start) if at_start else store.numbers_of_questions(connection)
    now = json.loads(opened.config.design.model_dump_json())
    for name in _FROZEN:
        if name in before and before[name] != now[name]:
            raise InputError(
                f"{opened.folder / config.FILE}: design.{name} = {json.dumps(now[name])}, but "
                f"people have started with {json.dumps(before.get(name))}: set it back, or create "
                "another study for the new design"
            )


def _check_database(opened: OpenStudy) -> None:
    """Check that the database is the study's, and that its other hosts have the same secrets."""
    folder = opened.folder
    own_images, own_secret = opened.stimuli_sha256, opened.secrets.fingerprint
    with database.errors_as_input(str(folder)):
        images, secret = store.create_tables(opened.engine, own_images, own_secret)
    if images != own_images:
        raise InputError(
            f"{folder}: the database holds another study, or {stimuli.LIST} was changed; each "
            "study needs a database of its own"
        )
    if secret != own_secret:
        raise InputError(
            f"{folder / secrets_file.FILE}: not the keys that this study was begun with; all its "
            "hosts need the same file"
        )


def checked_pool(study: config.Study, images: list[stimuli.Stimulus], where: str) -> Pool:
    """Return all questions of a study; errors name `where` the design comes from."""
    design = study.design
    known = sorted({image.method for image in images})
    for method in [*design.methods, *filter(None, [design.against, design.check_method])]:
        if method not in known:
            raise InputError(f"{where}: no images of {method!r}{suggestion(method, known)}")
    if design.against and design.against not in design.methods:
        raise InputError(f"{where}: design.against {design.against!r} is not among design.methods")
    pool = make_pool(images, design.methods, design.against, design.check_method)
    if not pool.pairs:
        raise InputError(f"{where}: no image has results of two of the methods; are names alike?")
    for name, number, most in (
        ("pairs_per_person", design.pairs_per_person, pool.max_pairs(design.checks_per_person)),
        ("checks_per_person", design.checks_per_person, len(pool.check_images)),
    ):
        if number > most:
            raise InputError(
                f"{where}: design.{name} = {number}, but there are only {most} different ones"
            )
    return pool
