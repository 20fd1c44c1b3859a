"""Images on a host of their own that sends files: nginx, a CDN or an object store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import requests
from urllib3.exceptions import LocationParseError

from methods.errors import InputError
from survey.study.stimuli import FOLDER, Stimulus

_TIMEOUT_S = 20
_PARALLEL_REQUESTS = 8
_PORTS = {"http": 80, "https": 443}


class NoAnswerError(InputError):
    """The host cannot be reached from here; browsers of participants may still reach it."""


def origin(url: str) -> str:
    """Return the origin of an address, as a Content-Security-Policy names it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def address(url: str, name: str) -> str:
    """Return the address of an image, given that of its folder."""
    return f"{url.rstrip('/')}/{name}.webp"


def _how_to_copy(folder: Path) -> str:
    # Copies may keep the modification times, which are all the same.
    source = folder / FOLDER
    return (
        f"rsync -rt {source}/ HOST:PATH/, or aws s3 sync {source} s3://BUCKET/PATH --content-type "
        'image/webp --cache-control "public, max-age=31536000, immutable"'
    )


def description(url: str, folder: Path) -> str:
    """Say where the images are and, if this folder has them, how to copy them there."""
    is_here = (folder / FOLDER).is_dir()
    return f"{url}, copied by {_how_to_copy(folder)}" if is_here else url


def check(
    url: str,
    stimuli: Sequence[Stimulus],
    folder: Path,
    on_checked: Callable[[], None] = lambda: None,
) -> None:
    """Check that an address has these images, byte for byte, and that browsers accept them."""

    def check_one(stimulus: Stimulus) -> str:
        problem = _problem(address(url, stimulus.name), stimulus.sha256, folder)
        on_checked()
        return problem

    with ThreadPoolExecutor(_PARALLEL_REQUESTS) as pool:
        problems = list(filter(None, pool.map(check_one, stimuli)))
    if problems:
        others = len(problems) - 1
        raise InputError(problems[0] + f" (and {others} more of {len(stimuli)})" * bool(others))


def _problem(url: str, sha256: str, folder: Path) -> str:
    """Say what is wrong with an image and what to do about it; "" if nothing is."""
    copy = f"copy the images there: {_how_to_copy(folder)}"
    response = _get(url)
    for target in (step.url for step in (*response.history, response)):
        if not _is_allowed(target, url):
            return (
                f"{url}: redirects to {target}, another origin, which browsers refuse; set "
                "server.stimuli_url to where the images are"
            )
    if response.status_code != requests.codes.ok:
        return f"{url}: {response.status_code} {response.reason}".rstrip() + f"; {copy}"
    if hashlib.sha256(response.content).hexdigest() != sha256:
        return f"{url}: {len(response.content):,} bytes that are not this study's image; {copy}"
    if response.headers.get("Cross-Origin-Resource-Policy", "").lower() == "same-origin":
        return (
            f"{url}: sent with Cross-Origin-Resource-Policy: same-origin, so browsers refuse it; "
            "let that host send cross-origin, or nothing"
        )
    return ""


def _get(url: str) -> requests.Response:
    try:
        return requests.get(url, timeout=_TIMEOUT_S)
    except (requests.RequestException, LocationParseError) as error:
        late = isinstance(error, requests.Timeout)
        raise NoAnswerError(f"{url}: no answer" + f" in {_TIMEOUT_S} s" * late) from error


def _is_allowed(target: str, requested: str) -> bool:
    """Return whether the Content-Security-Policy permits a target; http permits https too."""
    permitted = urlsplit(requested)
    secured = permitted._replace(scheme="https") if permitted.port is None else permitted
    return _origin(urlsplit(target)) in {_origin(permitted), _origin(secured)}


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
