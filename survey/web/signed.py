"""Session cookies and CSRF tokens, which a browser sends with every vote: each is verified once."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flask import Flask, Request, current_app, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect, validate_csrf
from itsdangerous import BadSignature
from wtforms import ValidationError

# Of so many people at a time; a value that is wrong is never remembered.
_REMEMBERED = 4096


class Sessions(SecureCookieSessionInterface):
    """Session cookies that all hosts of a study accept, even if their clocks differ."""

    def __init__(self) -> None:
        self._verified = lru_cache(_REMEMBERED)(self._verify)

    def _verify(self, app: Flask, cookie: str) -> tuple[dict[str, Any], datetime]:
        """Return what a cookie says and when it was signed; raise BadSignature if it was not."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            raise BadSignature("no key")
        content, signed_at = serializer.loads(cookie, return_timestamp=True)
        return content, signed_at

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """Accept what is not too old; the clock of the host that signed it may be ahead."""
        cookie = request.cookies.get(self.get_cookie_name(app), "")
        with suppress(BadSignature):
            content, signed_at = self._verified(app, cookie)
            if datetime.now(UTC) - signed_at <= app.permanent_session_lifetime:
                return self.session_class(content)
        return self.session_class()


class Protection(CSRFProtect):
    """Flask-WTF's check of forms; scripts send their token as a header."""

    def protect(self, apply_exemptions: bool = False) -> None:
        token, expected = request.headers.get("X-CSRFToken"), session.get("csrf_token")
        if token and expected and request.method == "POST":
            with suppress(ValidationError):
                return _verify_token(current_app.secret_key, expected, token)
        super().protect(apply_exemptions)


@lru_cache(_REMEMBERED)
def _verify_token(secret: str | bytes | None, expected: str, token: str) -> None:
    """Raise ValidationError if a token is not that of the browser's cookie, `expected`."""
    validate_csrf(token, secret)
