"""Images on a host of their own: any that sends files, such as nginx, a CDN or an object store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import requests
from urllib3.exceptions import LocationParseError

from methods.errors import InputError
from survey.study.stimuli import FOLDER, Stimulus

TIMEOUT_S = 20
# At a time; a static host takes more, a network seldom does.
TOGETHER = 8
# What browsers are told by a host that keeps its images to its own pages.
CLOSED = "same-origin"
PORTS = {"http": 80, "https": 443}


class NoAnswerError(Exception):
    """The host cannot be reached from here, which says nothing about participants' browsers."""


def origin(url: str) -> str:
    """What a Content-Security-Policy names."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def address(url: str, name: str) -> str:
    return f"{url.rstrip('/')}/{name}.webp"


def how_to_copy(folder: Path) -> str:
    """In one line, by the usual tools. All files have one and the same time, which may be kept."""
    source = folder / FOLDER
    return (
        f"rsync -rt {source}/ HOST:PATH/, or aws s3 sync {source} s3://BUCKET/PATH --content-type "
        'image/webp --cache-control "public, max-age=31536000, immutable"'
    )


def whereabouts(url: str, folder: Path) -> str:
    """A line for who serves: where the images are, and how those of this folder get there."""
    here = (folder / FOLDER).is_dir()
    return f"{url}, copied by {how_to_copy(folder)}" if here else url


class _Wrong(NamedTuple):
    """What is wrong with an image at an address, and what to do."""

    what: str
    remedy: str


def check(
    url: str, shown: Sequence[Stimulus], folder: Path, done: Callable[[], None] = lambda: None
) -> None:
    """That the address has these images, byte for byte, for browsers too. Raises InputError,
    NoAnswerError."""
    copy = f"copy the images there: {how_to_copy(folder)}"

    def one(stimulus: Stimulus) -> _Wrong | None:
        wrong = _wrong(address(url, stimulus.name), stimulus.sha256, copy)
        done()
        return wrong

    with ThreadPoolExecutor(TOGETHER) as pool:
        wrong = list(filter(None, pool.map(one, shown)))
    if wrong:
        more = f" (and {len(wrong) - 1} more of {len(shown)})" if len(wrong) > 1 else ""
        raise InputError(f"{wrong[0].what}{more}; {wrong[0].remedy}")


def _wrong(where: str, sha256: str, copy: str) -> _Wrong | None:
    answer = _answer(where)
    for target in (step.url for step in (*answer.history, answer)):
        if not _is_allowed(target, where):
            return _Wrong(
                f"{where}: redirects to {target}, another origin, which browsers refuse",
                "set server.stimuli_url to where the images are",
            )
    if answer.status_code != requests.codes.ok:
        return _Wrong(f"{where}: {answer.status_code} {answer.reason}".rstrip(), copy)
    if hashlib.sha256(answer.content).hexdigest() != sha256:
        return _Wrong(
            f"{where}: {len(answer.content):,} bytes that are not this study's image", copy
        )
    if answer.headers.get("Cross-Origin-Resource-Policy", "").lower() == CLOSED:
        return _Wrong(
            f"{where}: sent with Cross-Origin-Resource-Policy: {CLOSED}, which browsers obey",
            "let that host send cross-origin, or nothing",
        )
    return None


def _answer(where: str) -> requests.Response:
    try:
        return requests.get(where, timeout=TIMEOUT_S)
    except (requests.RequestException, LocationParseError) as error:
        why = f"no answer in {TIMEOUT_S} s" if isinstance(error, requests.Timeout) else "no answer"
        raise NoAnswerError(f"{where}: {why}") from error


def _is_allowed(target: str, where: str) -> bool:
    """By the Content-Security-Policy, where http stands for https too."""
    asked, sent = urlsplit(where), urlsplit(target)
    secured = asked._replace(scheme="https") if asked.port is None else asked
    return _origin(sent) in {_origin(asked), _origin(secured)}


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]
