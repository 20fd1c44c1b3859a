"""One file from one address, over HTTP or from Google Drive, resumed where it broke off."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gdown
import requests
from gdown.exceptions import DownloadError, FileURLRetrievalError

# Called with the bytes that are here and those of the whole file, None if the server won't say.
Progress = Callable[[int, int | None], None]
DRIVE_FOLDER = "https://drive.google.com/drive/folders/"
# Seconds to wait for a connection and for the next bytes.
TIMEOUT = (15.0, 60.0)


class SourceError(Exception):
    """An address did not give the file; another one may."""


def download(url: str, pattern: str, target: Path, progress: Progress, retries: int) -> None:
    """Get the file at `url` as `target`, whose folder must be there.

    pattern: picks the file if `url` is a Google Drive folder. What an earlier call with the same
    target received is used. Raises SourceError, OSError if this machine cannot store it."""
    try:
        direct = _in_drive_folder(url, pattern) if url.startswith(DRIVE_FOLDER) else url
        _resumed(direct, target, progress, retries)
    except (DownloadError, requests.RequestException) as error:
        raise SourceError(_words(error, url, _received(target))) from None
    except (KeyError, AssertionError):
        # gdown takes the form of Google's pages for granted.
        raise SourceError("answered with a page that gdown does not understand") from None


def forget(target: Path) -> None:
    """Remove `target` and everything received for it."""
    for path in [target, *_parts(target)]:
        path.unlink(missing_ok=True)


def _in_drive_folder(url: str, pattern: str) -> str:
    # With skip_download they are tuples of id, path and local path.
    listed: list[Any] = gdown.download_folder(
        url, skip_download=True, quiet=True, use_cookies=False, timeout=TIMEOUT
    )
    ids = {Path(file.path).name: file.id for file in listed}
    found = [name for name in ids if fnmatch(name, pattern)]
    if len(found) != 1:
        names = ", ".join(sorted(ids)) or "nothing"
        raise SourceError(f"{len(found)} files {pattern} in the folder, which holds {names}")
    return f"https://drive.google.com/uc?id={ids[found[0]]}"


def _resumed(url: str, target: Path, progress: Progress, retries: int) -> None:
    before = _received(target)
    try:
        _get(url, target, progress, retries)
    except DownloadError as error:
        of_the_network = isinstance(error.__cause__, requests.RequestException)
        if before == 0 or of_the_network or _received(target) > before:
            raise
        # The server cannot go on in the middle, or has another file by now.
        forget(target)
        _get(url, target, progress, retries)


def _get(url: str, target: Path, progress: Progress, retries: int) -> None:
    gdown.download(
        url,
        str(target),
        quiet=True,
        use_cookies=False,
        resume=True,
        progress=progress,
        timeout=TIMEOUT,
        retries=retries,
    )


def _parts(target: Path) -> list[Path]:
    """Where gdown keeps what it has received so far."""
    return list(target.parent.glob(f"{target.name}????????.part"))


def _received(target: Path) -> int:
    return sum(part.stat().st_size for part in _parts(target))


def _words(error: Exception, url: str, received: int) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, requests.RequestException) else error
    if isinstance(cause, requests.HTTPError) and cause.response is not None:
        return f"answered {cause.response.status_code} {cause.response.reason}"
    if isinstance(error, FileURLRetrievalError):
        return "gives the file out to nobody at present: too many downloads, or not public"
    if received or isinstance(cause, requests.exceptions.ChunkedEncodingError):
        return f"broke off after {received:,} bytes; the same command goes on from there"
    if isinstance(cause, requests.Timeout):
        return "did not answer in time"
    if isinstance(cause, requests.ConnectionError):
        return f"no connection to {urlsplit(url).hostname}"
    return " ".join(str(error).split())
