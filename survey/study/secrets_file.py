"""Secrets of a study: the key that signs cookies and links, and a hash of the owner's token."""

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
_COMPLETION_CODE_LENGTH = 10


class Secrets(NamedTuple):
    """The content of keys.json: the key of all signatures, the hash of the owner's token."""

    secret: str
    owner_sha256: str

    def is_owner(self, token: str) -> bool:
        """Compare a token with the owner's, in constant time."""
        return hmac.compare_digest(_sha256(token), self.owner_sha256)

    def resume_token(self, code: str) -> str:
        """Return the signed token of a participant's personal link; nothing about it is stored."""
        return str(self._serializer.dumps(code))

    def participant_code(self, token: str) -> str | None:
        """Return the code of the participant whose personal link this is, None if it is forged."""
        try:
            return str(self._serializer.loads(token))
        except BadSignature:
            return None

    @property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.secret, salt="resume")

    @property
    def fingerprint(self) -> str:
        """A keyed hash that differs between secrets and reveals nothing about them."""
        return self._digest("fingerprint").hex()

    def completion_code(self, code: str) -> str:
        """Return a participant's own completion code: unguessable, and the owner can check it."""
        encoded = base64.b32encode(self._digest(f"completion {code}"))
        return encoded[:_COMPLETION_CODE_LENGTH].decode()

    def page_id(self, code: str, position: int = 0) -> str:
        """Return what a page says with every answer: whose it is, and to which question.

        Two people may use one browser, whose cookie then names only the one who came last.
        """
        return self._digest(f"page {code} {position}").hex()[:32]

    def _digest(self, message: str) -> bytes:
        return hmac.digest(self.secret.encode(), message.encode(), "sha256")


def create(folder: Path) -> str:
    """Write new secrets and return the owner's token, which is stored nowhere."""
    return _write(folder, secrets.token_urlsafe(32))


def new_owner_token(folder: Path) -> str:
    """Replace the owner's token and return it; links and cookies of participants stay valid."""
    secret = read(folder).secret
    try:
        return _write(folder, secret)
    except OSError as error:
        raise InputError(
            f"{error.filename or folder / FILE}: {error.strerror}; the old token stays valid"
        ) from error


def _write(folder: Path, secret: str) -> str:
    token = secrets.token_urlsafe(24)
    content = Secrets(secret, _sha256(token))._asdict()
    write_atomically(folder / FILE, json.dumps(content, indent=2) + "\n", private=True)
    return token


def read(folder: Path) -> Secrets:
    """Read the secrets of a study; raise InputError if they are missing or damaged."""
    path = folder / FILE
    try:
        return Secrets(**json.loads(path.read_bytes()))
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; the study is not complete, copy it from where it was made"
        ) from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: not the keys of a study") from error


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
