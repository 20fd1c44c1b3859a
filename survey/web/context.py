"""TODO."""

from __future__ import annotations

from flask import current_app, render_template, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect

from survey.storage.opened import Opened

YEAR_S = 31_536_000
limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=False)
csrf = CSRFProtect()


def opened() -> Opened:
    """The study of the current request."""
    found = current_app.extensions["study"]
    assert isinstance(found, Opened)
    return found


def stopped(reason: str, status: int) -> tuple[str, int, dict[str, str]]:
    """A page that says why somebody cannot go on; programs read the header."""
    page = render_template("stopped.html", reason=reason, takes_part="participant" in session)
    return page, status, {"X-Stopped": reason}
