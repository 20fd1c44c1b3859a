"""Read, check and write study.toml, the owner's settings of a study.

Every setting may be edited until the first participant starts; texts, exclusion rules, methods and
targets also later. What would make answers incomparable is refused then (see `open_study`).
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
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
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from methods.errors import InputError, suggestion
from survey.study import texts

FILE = "study.toml"
_MAX_TEXT = 20_000
# The synchronous drivers that the survey is tested with.
_SQLITE, _POSTGRESQL = {"sqlite", "sqlite+pysqlite"}, {"postgresql", "postgresql+psycopg"}
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The address of the images goes into the Content-Security-Policy header, so special characters
# are rejected; CSP cannot express IPv6 hosts.
_IMAGE_ADDRESS = re.compile(rf"https?://{_LABEL}(\.{_LABEL})*(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?")


def _language(name: str) -> str:
    if name not in texts.languages():
        raise ValueError(f"there are no texts in it{suggestion(name, texts.languages())}")
    return name


def _link(url: str) -> str:
    if not url:
        return url
    if not url.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    parts = urlsplit(url)
    # Reading an invalid port raises ValueError too.
    if not parts.hostname or parts.port == 0:
        raise ValueError("names no host")
    return url


def _image_address(url: str) -> str:
    if url.startswith(("https://[", "http://[")):
        raise ValueError("give the name of the host: browsers cannot be told an IPv6 address")
    if _link(url) and not _IMAGE_ADDRESS.fullmatch(url):
        raise ValueError("must be an address such as https://images.example.org/mine, no more")
    return url


def _different(methods: list[str]) -> list[str]:
    if len(methods) < 2:
        raise ValueError("two methods are needed to compare")
    repeated = [method for method in methods if methods.count(method) > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is in it twice")
    return methods


def _database(address: str) -> str:
    if address == "sqlite":
        return address
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    if url and url.drivername in _POSTGRESQL:
        return address
    # Earlier versions could make studies with a file elsewhere: no votes of theirs may be lost.
    file = Path(url.database or "") if url and url.drivername in _SQLITE else None
    if file and file.is_absolute() and file.is_file():
        return address
    moved = "; a file of SQLite is study.db in the study's folder: move it there" if file else ""
    raise ValueError(
        "write sqlite, or postgresql+psycopg://USER@HOST/DATABASE (password in PGPASSWORD or "
        f"~/.pgpass){moved}"
    )


_Link = Annotated[str, AfterValidator(_link)]
_Text = Annotated[str, Field(max_length=_MAX_TEXT)]
_RequiredText = Annotated[str, Field(min_length=1, max_length=_MAX_TEXT)]
# Neither 1.0 nor "1" nor true, which pydantic takes for 1.
_Whole = Annotated[int, Field(strict=True)]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
# What is said of values of the wrong type, by the beginning of pydantic's name of the error.
_TYPES = {
    "int_": "must be a whole number, without a point or quotes",
    "float_": "must be a number, without quotes",
}


class _Section(BaseModel):
    """A part of study.toml; descriptions of fields become comments in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Design(_Section):
    """Which questions participants get."""

    methods: Annotated[list[str], AfterValidator(_different)]
    pairs_per_person: _Whole = Field(25, ge=1, le=1000)
    checks_per_person: _Whole = Field(2, ge=0, le=100)
    check_method: str = Field("", description="shown against the reference in validation questions")
    ties: StrictBool = False
    adaptive: StrictBool = Field(
        False, description="ask the pairs that the ranking so far leaves open"
    )
    against: str = Field("", description="only pairs with this method")
    target_votes: _Whole = Field(
        0, ge=0, description="valid votes after which nobody can start, 0: no limit"
    )
    seed: _Whole = Field(0, ge=0)


class Exclusion(_Section):
    """Rules that decide whose votes are valid (see `survey.results.validity`)."""

    max_failed_checks: _Whole = Field(
        1, ge=0, description="the paper's is 0; platforms pay who failed one"
    )
    unfinished: StrictBool = Field(
        True, description="leave out participants who did not answer everything"
    )
    min_median_ms: _Number = Field(0.0, ge=0, description="median answer faster than this, 0: off")
    max_same_side: _Number = Field(
        1.0, ge=0.5, le=1, description="share of answers on one side above this, 1: off"
    )


class Completion(_Section):
    """The completion code and link that a participant gets at the end."""

    code: str = Field("", max_length=200)
    redirect: _Link = Field(
        "", description="where the platform wants people back; {code} is replaced"
    )


class Server(_Section):
    """Where and how the study is served."""

    public_url: _Link = Field("", description="what participants type, https://... behind TLS")
    stimuli_url: Annotated[str, AfterValidator(_image_address)] = Field(
        "",
        description="where browsers get the images (docs/survey_server.md), empty: from here",
    )
    behind_proxy: StrictBool = Field(
        False, description="true behind nginx, which sets X-Forwarded-*"
    )
    database: Annotated[str, AfterValidator(_database)] = Field(
        "sqlite", description="sqlite, or postgresql+psycopg://USER@HOST/DATABASE"
    )
    starts_per_minute: _Whole = Field(60, ge=1, description="from one address")
    abandoned_after_minutes: _Whole = Field(60, ge=1)

    @model_validator(mode="after")
    def _not_mixed(self) -> Server:
        if self.public_url.startswith("https:") and self.stimuli_url.startswith("http:"):
            raise ValueError("stimuli_url must begin with https:// as public_url does")
        return self


class Stimuli(_Section):
    """Record of how the images were made; `quality` is that of lossy WebP, 0 for lossless."""

    source: str = ""
    resolution: int | Literal["native"] = 0
    quality: int = Field(0, ge=0, le=100)


class Study(_Section):
    """The content of study.toml."""

    title: _RequiredText = Field(description="What participants see.")
    question: _RequiredText
    instructions: _RequiredText
    consent: _RequiredText
    contact: _Text = ""
    language: Annotated[str, AfterValidator(_language)] = "en"
    design: Design = Field(
        description="Edit until the first participant starts. `python -m survey serve` checks it "
        "all."
    )
    exclusion: Exclusion = Field(
        Exclusion(), description="Whose votes are not valid; nothing is deleted."
    )
    completion: Completion = Field(
        Completion(),
        description="At the end. Without a code everybody gets one of their own (payments.csv).",
    )
    server: Server = Field(Server(), description="Where it runs (docs/survey_server.md).")
    stimuli: Stimuli = Field(Stimuli(), description="How the images were made; for the record.")


def read(folder: Path) -> Study:
    """Read the study.toml of a study's folder.

    Raises InputError if the folder is not a study or an entry is wrong; the message names file and
    entry.
    """
    path = folder / FILE
    try:
        if not path.is_file():
            raise InputError(f"{folder} is not a study: no {FILE} in it; make one with create")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; run this as the user who owns the study"
        ) from error
    return validated(content, str(path))


def validated(content: dict[str, Any], where: str) -> Study:
    """Return the study that parsed TOML describes; errors name `where` it comes from."""
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{where}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    details = error.errors()[0]
    entry = ".".join(map(str, details["loc"]))
    if details["type"] == "extra_forbidden":
        *section, name = map(str, details["loc"])
        model: Any = Study.model_fields[section[0]].annotation if section else Study
        return f"{entry}: no such entry{suggestion(name, model.model_fields)}"
    if details["type"] == "missing":
        return f"{entry} is missing"
    types = (said for name, said in _TYPES.items() if details["type"].startswith(name))
    message = next(types, details["msg"].removeprefix("Value error, "))
    return f"{entry} = {details['input']!r}: {message[0].lower()}{message[1:]}"


def to_toml(study: Study) -> str:
    """Return the text of a study.toml, with comments."""
    lines: list[str] = []
    for name, field in Study.model_fields.items():
        value = getattr(study, name)
        if field.description:
            lines += [""] * isinstance(value, _Section) + [f"# {field.description}"]
        if not isinstance(value, _Section):
            lines.append(f"{name} = {_toml_value(value)}")
            continue
        lines.append(f"[{name}]")
        for key, entry in type(value).model_fields.items():
            comment = f"  # {entry.description}" if entry.description else ""
            lines.append(f"{key} = {_toml_value(getattr(value, key))}{comment}")
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, str) and "\n" in value:
        escaped = value.replace("\\", "\\\\").replace('"""', '""\\"')
        return f'"""\n{escaped}"""'
    # JSON's strings, numbers, lists and booleans are valid TOML too.
    return json.dumps(value, ensure_ascii=False)
