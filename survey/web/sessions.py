"""Session cookies that all hosts of a study accept, even if their clocks differ."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer


class _Signer(TimestampSigner):
    def unsign(self, *arguments: Any, **options: Any) -> Any:
        """Reject old signatures, but accept those of a host whose clock is ahead."""
        try:
            return super().unsign(*arguments, **options)
        except SignatureExpired as error:
            if error.date_signed is None or error.date_signed.timestamp() <= self.get_timestamp():
                raise
            return super().unsign(*arguments, **{**options, "max_age": None})


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookies with a tolerant clock."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = _Signer
        return serializer
