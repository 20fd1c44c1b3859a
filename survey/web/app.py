"""The survey as a web application, for participants and for the owner."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from flask import Flask, Response, abort, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, generate_csrf
from jinja2 import StrictUndefined
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from methods.files import sha256
from survey.storage import arrivals, database
from survey.storage.open_study import OpenStudy, open_study
from survey.study import stimuli_url, texts
from survey.study.platforms import LinkError
from survey.web import owner, participant
from survey.web.context import YEAR_S, AnotherPersonError, csrf, current_study, limiter, stop_page
from survey.web.signed import Sessions

# All requests of our pages are shorter.
_MAX_REQUEST_BYTES = 16_384
# How long a participant can return with the same browser.
_COOKIE_DAYS = 60
# What browsers may load, and what they may reveal.
CSP = (
    "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class _Survey(Flask):
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        # Addresses with the hash of the content may be cached; imports of scripts have none.
        return YEAR_S if "v" in request.args else None


def create_app(folder: Path | str, *, preview: bool = False, simulated: bool = False) -> Flask:
    """Return the WSGI application of a study's folder; raise InputError if it cannot be used.

    A preview records nothing; simulated participants are marked, and their starts not limited.
    """
    return app_of(open_study(Path(folder), preview=preview, simulated=simulated, asking=True))


def app_of(study: OpenStudy) -> Flask:
    """Return the WSGI application of a study that was opened to ask people."""
    app = _Survey(__name__)
    # Otherwise a request of //path is redirected to any host that it names.
    app.url_map.merge_slashes = False
    app.extensions["study"] = study
    app.session_interface = Sessions()
    secret = study.secrets.secret
    app.config.update(
        SECRET_KEY=secret,
        # Differs between studies, which may run on the same host.
        SESSION_COOKIE_NAME=f"study-{hashlib.sha256(secret.encode()).hexdigest()[:8]}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # Otherwise every response would set it, also those that caches keep.
        SESSION_REFRESH_EACH_REQUEST=False,
        SESSION_COOKIE_SECURE=study.config.server.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=_COOKIE_DAYS),
        MAX_CONTENT_LENGTH=_MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=_MAX_REQUEST_BYTES,
        RATELIMIT_ENABLED=not study.simulated,
        # Tokens live as long as the session; some browsers send no Referer.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    if study.config.server.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
    # First of all: the check of CSRF tokens reads the body.
    app.before_request(_require_length)
    app.before_request(_give_way)
    csrf.init_app(app)
    # Only views with a limit ask for it: without this, every request would.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    _register(app, study)
    return app


def _register(app: Flask, study: OpenStudy) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.register_blueprint(participant.pages)
    app.register_blueprint(owner.pages)
    headers = _headers(study.config.server.stimuli_url)
    app.after_request(lambda response: _add_headers(response, headers))
    app.register_error_handler(LinkError, _link_error)
    app.register_error_handler(AnotherPersonError, lambda _: _error("another", 409))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(SQLAlchemyError, _database_error)
    app.add_url_rule("/health", "health", _health)
    folder = Path(app.static_folder or "")
    files = [path for path in folder.rglob("*") if path.is_file()]
    hashes = {path.relative_to(folder).as_posix(): sha256(path)[:12] for path in files}

    def asset(name: str) -> str:
        return url_for("static", filename=name, v=hashes[name])

    @app.context_processor
    def for_all_templates() -> dict[str, object]:
        return {
            "study": study.config,
            "text": texts.load(study.config.language),
            "asset": asset,
            "csrf_token": generate_csrf,
            "preview": study.preview,
            "simulated": study.simulated,
        }


def _headers(images: str) -> list[tuple[str, str]]:
    """Return security headers; `images` is the address of images on another host, "" for none."""
    images = f" {stimuli_url.origin(images)}" if images else ""
    policy = CSP.replace("img-src 'self'", f"img-src 'self'{images}")
    return list({**SECURITY_HEADERS, "Content-Security-Policy": policy}.items())


def _add_headers(response: Response, headers: list[tuple[str, str]]) -> Response:
    response.headers.extend(headers)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _require_length() -> None:
    """Refuse bodies in chunks: no browser sends them, and reading finds their faults too late."""
    if "Transfer-Encoding" in request.headers:
        abort(411)


def _give_way() -> None:
    if request.endpoint == "participant.vote":
        database.give_way(current_study().engine)


def _health() -> tuple[dict[str, str], int]:
    try:
        with database.reading(current_study().engine) as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return {"status": "no database"}, 503
    return {"status": "ok"}, 200


# Name of the text that a participant sees, by status.
_REASONS = {
    **dict.fromkeys((400, 405, 411, 413, 415), "bad_request"),
    **dict.fromkeys((403, 409, 410), "expired"),
    404: "not_found",
    429: "too_many",
}


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    reason = "expired" if isinstance(error, CSRFError) else _REASONS.get(status, "error")
    return _error(reason, status)


def _link_error(error: LinkError) -> ResponseReturnValue:
    if error.cause:
        with database.writing(current_study().engine) as connection:
            arrivals.count_refused(connection, error.cause)
    return stop_page(str(error), 400)


def _database_error(error: SQLAlchemyError) -> ResponseReturnValue:
    # Nothing was acknowledged, so the browser tries again.
    current_app.logger.error("database: %s", str(error).splitlines()[0])
    return _error("error", 503)


def _error(reason: str, status: int) -> ResponseReturnValue:
    if request.path == "/vote":
        return {"error": reason, "reload": status < 429 and reason != "another"}, status
    return stop_page(reason, status)
