"""Download one file over HTTP or from Google Drive, resuming an interrupted transfer."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gdown
import requests
from gdown.exceptions import DownloadError, FileURLRetrievalError

from methods.shown_text import message_text

# Called with the bytes received so far and the size of the file, None if the server omits it.
Progress = Callable[[int, int | None], None]
DRIVE_FOLDER = "https://drive.google.com/drive/folders/"
# Seconds to wait for a connection and for the next bytes.
TIMEOUT = (15.0, 60.0)


class SourceError(Exception):
    """An address that did not deliver the file; another one may."""


def download(url: str, pattern: str, target: Path, progress: Progress, retries: int) -> None:
    """Download a file, or that of a Google Drive folder which matches `pattern`; resume an earlier
    call with the same `target`. Raises SourceError if the address does not deliver the file."""
    try:
        file_url = _in_drive_folder(url, pattern) if url.startswith(DRIVE_FOLDER) else url
        _resume(file_url, target, progress, retries)
    except (DownloadError, requests.RequestException) as error:
        raise SourceError(_reason(error, url, _received(target))) from None
    except (KeyError, AssertionError):
        # gdown relies on the layout of Google's pages.
        raise SourceError("answered with a page that gdown does not understand") from None


def forget(target: Path) -> None:
    """Remove `target` and everything received for it."""
    for path in [target, *_parts(target)]:
        path.unlink(missing_ok=True)


def _in_drive_folder(url: str, pattern: str) -> str:
    # With skip_download the entries are tuples of id, path and local path.
    entries: list[Any] = gdown.download_folder(
        url, skip_download=True, quiet=True, use_cookies=False, timeout=TIMEOUT
    )
    ids = {Path(entry.path).name: entry.id for entry in entries}
    matches = [name for name in ids if fnmatch(name, pattern)]
    if len(matches) != 1:
        names = ", ".join(sorted(ids)) or "nothing"
        raise SourceError(f"{len(matches)} files {pattern} in the folder, which holds {names}")
    return f"https://drive.google.com/uc?id={ids[matches[0]]}"


def _resume(url: str, target: Path, progress: Progress, retries: int) -> None:
    get = partial(gdown.download, url, str(target), quiet=True, use_cookies=False, resume=True)
    options: dict[str, Any] = {"progress": progress, "timeout": TIMEOUT, "retries": retries}
    before = _received(target)
    try:
        get(**options)
    except DownloadError as error:
        network_failed = isinstance(error.__cause__, requests.RequestException)
        if before == 0 or network_failed or _received(target) > before:
            raise
        # The server does not support resuming, or its file has changed.
        forget(target)
        get(**options)


def _parts(target: Path) -> list[Path]:
    """Return the files in which gdown keeps what it has received so far."""
    return list(target.parent.glob(f"{target.name}????????.part"))


def _received(target: Path) -> int:
    return sum(part.stat().st_size for part in _parts(target))


def _reason(error: Exception, url: str, received: int) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, requests.RequestException) else error
    if isinstance(cause, requests.HTTPError) and cause.response is not None:
        return f"answered {cause.response.status_code} {cause.response.reason}"
    if isinstance(error, FileURLRetrievalError):
        return "refuses the file at present: too many downloads, or not public"
    if received or isinstance(cause, requests.exceptions.ChunkedEncodingError):
        return f"broke off after {received:,} bytes; the same command resumes from there"
    if isinstance(cause, requests.Timeout):
        return "did not answer in time"
    if isinstance(cause, requests.ConnectionError):
        return f"no connection to {urlsplit(url).hostname}"
    return message_text(str(error))
