"""create_app(): the survey as a web application, for participants and for the owner."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from flask import Flask, current_app, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from jinja2 import StrictUndefined
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from survey import config, database, design, headers, keys, stimuli, store, texts
from survey.asked import Settled
from survey.errors import InputError, nearest
from survey.platforms import LinkError
from survey.sessions import Sessions

# No request of ours is longer.
LONGEST_REQUEST = 16_384
# How long somebody may come back with the same browser.
COOKIE_DAYS = 60
YEAR_S = 31_536_000

limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=False)
csrf = CSRFProtect()


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
    def pool(self) -> design.Pool:
        return pool_of(self.study, self.stimuli)

    @cached_property
    def settled(self) -> Settled:
        return Settled()


def pool_of(study: config.Study, shown: list[stimuli.Stimulus]) -> design.Pool:
    wanted = study.design
    return design.pool(shown, wanted.methods, wanted.against, wanted.check_method)


def opened() -> Opened:
    """The study of the current request."""
    found = current_app.extensions["study"]
    assert isinstance(found, Opened)
    return found


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
    study: config.Study, shown: list[stimuli.Stimulus], pool: design.Pool, path: str
) -> None:
    """Raises InputError where the images do not allow what is asked for. path: of study.toml, for
    messages."""
    wanted = study.design
    known = sorted({one.method for one in shown})
    named = [*wanted.methods, *filter(None, [wanted.against, wanted.check_method])]
    for method in named:
        if method not in known:
            raise InputError(f"{path}: no images of {method!r}{nearest(method, known)}")
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


class Survey(Flask):
    """Assets whose address holds the hash of their content may be kept for ever; what they import
    by plain name is asked for again."""

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        return YEAR_S if "v" in request.args else None


def create_app(folder: Path | str, *, preview: bool = False, simulated: bool = False) -> Flask:
    """The WSGI application of a study's folder. Raises InputError."""
    study = open_study(Path(folder), preview=preview, simulated=simulated)
    app = Survey(__name__)
    # Else the answer to //path is a redirect to whatever host the request names.
    app.url_map.merge_slashes = False
    app.extensions["study"] = study
    app.session_interface = Sessions()
    app.config.update(
        SECRET_KEY=study.keys.secret,
        # Of this study alone: others may run on the same host.
        SESSION_COOKIE_NAME=f"study-{_digest(study.keys.secret.encode())[:8]}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # Else every answer would set it, also those that caches keep.
        SESSION_REFRESH_EACH_REQUEST=False,
        SESSION_COOKIE_SECURE=study.study.server.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=COOKIE_DAYS),
        MAX_CONTENT_LENGTH=LONGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LONGEST_REQUEST,
        # Tokens live as long as the session; browsers may be told to send no Referer.
        RATELIMIT_ENABLED=not simulated,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    if study.study.server.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
    csrf.init_app(app)
    limiter.init_app(app)
    _register(app, study)
    return app


def _register(app: Flask, study: Opened) -> None:
    from survey import admin, participant

    app.jinja_env.undefined = StrictUndefined
    app.register_blueprint(participant.pages)
    app.register_blueprint(admin.pages)
    images = study.study.server.stimuli_url
    app.after_request(lambda answer: headers.add(answer, images))
    app.register_error_handler(LinkError, lambda error: stopped(str(error), 400))
    app.register_error_handler(HTTPException, _failed)
    app.register_error_handler(SQLAlchemyError, _database_failed)
    app.add_url_rule("/health", "health", _health)
    assets = _hashes(Path(app.static_folder or ""))

    def asset(name: str) -> str:
        return url_for("static", filename=name, v=assets[name])

    @app.context_processor
    def common() -> dict[str, object]:
        return {
            "study": study.study,
            "text": texts.load(study.study.language),
            "asset": asset,
            "csrf_token": generate_csrf,
            "preview": study.preview,
            "simulated": study.simulated,
        }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): _digest(path.read_bytes())[:12]
        for path in folder.rglob("*")
        if path.is_file()
    }


def _health() -> tuple[dict[str, str], int]:
    try:
        with database.reading(opened().engine) as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return {"status": "no database"}, 503
    return {"status": "ok"}, 200


# What a participant is told for an error's number.
REASONS = {400: "bad_request", 403: "expired", 404: "not_found", 410: "expired", 429: "too_many"}


def stopped(reason: str, status: int) -> tuple[str, int, dict[str, str]]:
    """A page that says why somebody cannot go on; programs read the header."""
    page = render_template("stopped.html", reason=reason, takes_part="participant" in session)
    return page, status, {"X-Stopped": reason}


def _failed(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    reason = "expired" if isinstance(error, CSRFError) else REASONS.get(status, "error")
    if status in {405, 413, 415}:
        reason = "bad_request"
    if _wants_json():
        return {"error": reason, "reload": status < 429}, status
    return stopped(reason, status)


def _database_failed(error: SQLAlchemyError) -> ResponseReturnValue:
    """The browser tries again: nothing was acknowledged."""
    current_app.logger.error("database: %s", str(error).splitlines()[0])
    if _wants_json():
        return {"error": "error", "reload": False}, 503
    return stopped("error", 503)


def _wants_json() -> bool:
    return request.path == "/vote"
