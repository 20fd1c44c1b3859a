"""study.toml: what the owner decides about a study, readable and checked.

Everything in it may be edited until the first participant starts; texts and exclusion rules later
too, since they change nothing that was recorded.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from methods.errors import InputError, suggestion
from survey.study import texts

FILE = "study.toml"
LONGEST_TEXT = 20_000
# What there is a driver for, synchronous and tried.
DRIVERS = {"sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"}
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Of images; it becomes part of a header, where some signs would have a meaning, and which has no
# words for an IPv6 address.
_ORIGIN = re.compile(rf"https?://{_LABEL}(\.{_LABEL})*(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?")


def _known_language(name: str) -> str:
    if name not in texts.languages():
        raise ValueError(f"no texts in it{suggestion(name, texts.languages())}")
    return name


def _link(url: str) -> str:
    if not url:
        return url
    if not url.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    parts = urlsplit(url)
    # Asking for a port that cannot be raises ValueError too.
    if not parts.hostname or parts.port == 0:
        raise ValueError("names no host")
    return url


def _origin(url: str) -> str:
    if url.startswith(("https://[", "http://[")):
        raise ValueError("give the host's name: browsers cannot be told an IPv6 address")
    if _link(url) and not _ORIGIN.fullmatch(url):
        raise ValueError("must be an address such as https://images.example.org/mine, no more")
    return url


def _different(methods: list[str]) -> list[str]:
    twice = [method for method in methods if methods.count(method) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is in it twice")
    return methods


def _forgets(url: URL) -> bool:
    """SQLite without a file: each process would have one of its own, and lose it."""
    return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}


def _database(url: str) -> str:
    if url == "sqlite":
        return url
    try:
        given = make_url(url)
        usable = given.drivername in DRIVERS and not _forgets(given)
    except (ArgumentError, ValueError):
        usable = False
    if not usable:
        raise ValueError(
            "write sqlite, or postgresql+psycopg://USER@HOST/DATABASE (password in PGPASSWORD or "
            "~/.pgpass)"
        )
    return url


Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Needed = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Design(_Part):
    """Who is asked what. methods: that are compared; against: only pairs with this method, "" for
    all; target_votes: valid votes after which nobody can start any more, 0 for no limit;
    check_method: shown against the reference in validation questions; adaptive: the pairs that the
    ranking so far leaves open."""

    methods: Annotated[list[str], Field(min_length=2), AfterValidator(_different)]
    pairs_per_person: int = Field(default=25, ge=1, le=1000)
    checks_per_person: int = Field(default=2, ge=0, le=100)
    check_method: str = ""
    ties: StrictBool = False
    adaptive: StrictBool = False
    against: str = ""
    target_votes: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)


class Exclusion(_Part):
    """Whose votes are not valid (see `survey.validity`)."""

    max_failed_checks: int = Field(default=0, ge=0)
    unfinished: StrictBool = True
    min_median_ms: float = Field(default=0, ge=0)
    max_same_side: float = Field(default=1, ge=0.5, le=1)


class Completion(_Part):
    """What a participant gets at the end. code: the same for all, "" for one of their own each;
    redirect: address of the recruiting platform, {code} in it is replaced."""

    code: str = Field(default="", max_length=200)
    redirect: Annotated[str, AfterValidator(_link)] = ""


class Server(_Part):
    """public_url: the address that participants see, with https behind TLS; stimuli_url: where
    their browsers get the images, "" for here; behind_proxy: believe the X-Forwarded headers of one
    proxy; starts_per_minute: from one address."""

    public_url: Annotated[str, AfterValidator(_link)] = ""
    stimuli_url: Annotated[str, AfterValidator(_origin)] = ""
    behind_proxy: StrictBool = False
    database: Annotated[str, AfterValidator(_database)] = "sqlite"
    starts_per_minute: int = Field(default=60, ge=1)
    abandoned_after_minutes: int = Field(default=60, ge=1)

    @model_validator(mode="after")
    def _not_mixed(self) -> Server:
        if self.public_url.startswith("https:") and self.stimuli_url.startswith("http:"):
            raise ValueError("stimuli_url must begin with https:// as public_url does")
        return self


class Stimuli(_Part):
    """How the images were made, for the record. quality: of lossy WebP, 0 for lossless."""

    source: str = ""
    resolution: int = 0
    quality: int = Field(default=0, ge=0, le=100)


class Study(_Part):
    """A study.toml."""

    title: Needed
    question: Needed
    instructions: Needed
    consent: Needed
    contact: Text = ""
    language: Annotated[str, AfterValidator(_known_language)] = "en"
    design: Design
    exclusion: Exclusion = Exclusion()
    completion: Completion = Completion()
    server: Server = Server()
    stimuli: Stimuli = Stimuli()


PARTS: dict[str, type[BaseModel]] = {
    "design": Design,
    "exclusion": Exclusion,
    "completion": Completion,
    "server": Server,
    "stimuli": Stimuli,
}


def read(folder: Path) -> Study:
    """Raises InputError, naming the file and the entry."""
    path = folder / FILE
    try:
        if not path.is_file():
            raise InputError(f"{folder} is not a study: no {FILE} in it; make one with create")
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; run this as the user whose study it is"
        ) from error
    return checked(given, str(path))


def checked(given: dict[str, Any], where: str) -> Study:
    """Raises InputError."""
    try:
        return Study.model_validate(given)
    except ValidationError as error:
        raise InputError(f"{where}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    place = ".".join(map(str, found["loc"]))
    if found["type"] == "extra_forbidden":
        part = PARTS[str(found["loc"][0])] if len(found["loc"]) > 1 else Study
        return f"{place}: no such entry{suggestion(str(found['loc'][-1]), part.model_fields)}"
    if found["type"] == "missing":
        return f"{place} is missing"
    message = found["msg"].removeprefix("Value error, ")
    return f"{place} = {found['input']!r}: {message[0].lower()}{message[1:]}"
