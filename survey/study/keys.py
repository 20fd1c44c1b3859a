"""Secrets of a study: the key that signs cookies and links, and the owner's token as a hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer

from methods.errors import InputError
from methods.files import write_atomically

FILE = "keys.json"
# Letters of a completion code.
CODE_LENGTH = 10


class Keys(NamedTuple):
    """secret: signs; owner_sha256: of the owner's token, in hexadecimal."""

    secret: str
    owner_sha256: str

    def is_owner(self, token: str) -> bool:
        return hmac.compare_digest(_sha256(token), self.owner_sha256)

    def resume_token(self, code: str) -> str:
        """What a participant's personal link holds: nothing about it is stored."""
        return str(URLSafeSerializer(self.secret, salt="resume").dumps(code))

    def participant_of(self, token: str) -> str | None:
        """Their code."""
        try:
            return str(URLSafeSerializer(self.secret, salt="resume").loads(token))
        except BadSignature:
            return None

    @property
    def fingerprint(self) -> str:
        """Tells secrets apart, and nothing about them."""
        return hmac.digest(self.secret.encode(), b"fingerprint", "sha256").hex()

    def completion_code(self, code: str) -> str:
        """A participant's own, which nobody can guess and the owner can check."""
        digest = hmac.digest(self.secret.encode(), f"completion {code}".encode(), "sha256")
        return base64.b32encode(digest)[:CODE_LENGTH].decode()


def create(folder: Path) -> str:
    """Write new keys; the owner's token, which is kept nowhere. Raises OSError."""
    return _write(folder, secrets.token_urlsafe(32))


def new_owner_token(folder: Path) -> str:
    """Replace the owner's token; links and cookies of participants stay valid. Raises
    InputError."""
    secret = read(folder).secret
    try:
        return _write(folder, secret)
    except OSError as error:
        raise InputError(
            f"{error.filename or folder / FILE}: {error.strerror}; the old token stays"
        ) from error


def _write(folder: Path, secret: str) -> str:
    token = secrets.token_urlsafe(24)
    keys = Keys(secret, _sha256(token))
    write_atomically(folder / FILE, json.dumps(keys._asdict(), indent=2) + "\n", private=True)
    return token


def read(folder: Path) -> Keys:
    """Raises InputError."""
    path = folder / FILE
    try:
        return Keys(**json.loads(path.read_text()))
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; the study is not complete, copy it from where it was made"
        ) from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: not the keys of a study") from error


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
