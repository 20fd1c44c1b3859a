"""create_app(): the survey as a web application, for participants and for the owner."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, generate_csrf
from jinja2 import StrictUndefined
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from survey.storage import database
from survey.storage.opened import Opened, _digest, open_study
from survey.study import texts
from survey.web import headers
from survey.web.context import YEAR_S, csrf, limiter, opened, stopped
from survey.web.platforms import LinkError
from survey.web.sessions import Sessions

# No request of ours is longer.
LONGEST_REQUEST = 16_384
# How long somebody may come back with the same browser.
COOKIE_DAYS = 60


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
    from survey.web import owner, participant

    app.jinja_env.undefined = StrictUndefined
    app.register_blueprint(participant.pages)
    app.register_blueprint(owner.pages)
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
