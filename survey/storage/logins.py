"""Logins on the owner's page, kept at the server so that logging out ends them everywhere."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import Connection, delete, insert, select

from survey.storage.schema import now_ms, owner_logins

_LONGEST_MS = 12 * 3_600_000


def begin(connection: Connection, token: str) -> str:
    """Store a login with the token of this hash; return the secret that its cookie has."""
    secret = secrets.token_urlsafe(24)
    now = now_ms(connection)
    connection.execute(delete(owner_logins).where(owner_logins.c.since < now - _LONGEST_MS))
    row = {"login": _hash(secret), "token": token, "since": now}
    connection.execute(insert(owner_logins), row)
    return secret


def is_going_on(connection: Connection, secret: str, token: str) -> bool:
    """Return whether a cookie's login, with the token of this hash, is young and not ended."""
    own = owner_logins.c
    since = select(own.since).where(own.login == _hash(secret), own.token == token)
    found = connection.scalar(since)
    return found is not None and now_ms(connection) - found < _LONGEST_MS


def end(connection: Connection, secret: str) -> None:
    """End a login."""
    connection.execute(delete(owner_logins).where(owner_logins.c.login == _hash(secret)))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
