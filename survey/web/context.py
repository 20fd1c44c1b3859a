"""Shared by all pages: the study of a request, limits, CSRF tokens, the page for refusals."""

from __future__ import annotations

import threading

from flask import current_app, render_template, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits.storage import MemoryStorage

from survey.storage.open_study import OpenStudy
from survey.web.signed import Protection


class AnotherPersonError(Exception):
    """A request from a page of one person, with the cookie of another one."""


YEAR_S = 31_536_000


class _OneAtATime(MemoryStorage):
    """Counts in memory, for one thread at a time: two would start the same timer, an error."""

    STORAGE_SCHEME = ["one-at-a-time"]  # noqa: RUF012, as in the class above
    _lock = threading.Lock()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self._lock:
            return super().incr(key, expiry, amount)


limiter = Limiter(get_remote_address, storage_uri="one-at-a-time://", headers_enabled=False)
csrf = Protection()


def current_study() -> OpenStudy:
    """Return the study of the current request."""
    study: OpenStudy = current_app.extensions["study"]
    return study


def stop_page(reason: str, status: int, minutes: int = 0) -> tuple[str, int, dict[str, str]]:
    """Return a page that says why somebody cannot go on; programs read the header.

    minutes: after which it may be possible, for the reason that says so.
    """
    page = render_template(
        "stopped.html", reason=reason, minutes=minutes, takes_part="participant" in session
    )
    return page, status, {"X-Stopped": reason}
