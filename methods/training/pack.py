"""One small file of photographs for training on another machine.

Photographs are reduced and stored as WebP, so that together they stay below a number of megabytes:
all of them where that is possible, else a part that does not depend on the order of the files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import cv2

from methods.base import Image
from methods.errors import InputError
from methods.files import replacing, write_atomically
from methods.training import photos

# Shorter sides in pixels and WebP qualities, of which each photograph gets the first that fits. The
# smallest side is the least that patches of the paper's size can be cut from.
LEVELS = ((1024, 85), (896, 85), (768, 85), (640, 85), (512, 85), (512, 60))
SMALLEST = 512
# Of a side in WebP.
LONGEST = 16_383
# Bytes to reckon with for a photograph of that side, and of an entry's names in a zip.
TYPICAL_BYTES, ENTRY_BYTES = 60_000, 300

Reader = Callable[[], bytes]


def pack(paths: Sequence[Path], out: Path, megabytes: float, report: Callable[[str], None]) -> Path:
    """Write a zip of reduced photographs; a pack that was interrupted is continued.

    Parameters
    ----------
    paths
        Folders, zips and files of photographs.
    out
        The zip. While it is made, finished photographs lie in a folder beside it.
    megabytes
        Largest size, in units of 10**6 bytes.
    report
        Takes a line for each photograph that is left out, and for the result.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    InputError
        If there is no photograph, not one fits, or the file cannot be written.
    """
    if out.suffix.lower() != ".zip":
        raise InputError(f"{out}: the file must be called .zip")
    if out.exists():
        raise InputError(f"{out} exists already; delete it, or choose another file")
    readers = _shuffled(dict(photos.entries(paths)))
    if not readers:
        raise InputError(f"no photograph in {', '.join(map(str, paths))}")
    try:
        stored = _write(readers, out, megabytes, report)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error
    if not stored:
        raise InputError(f"no photograph in {', '.join(map(str, paths))} fits {megabytes:g} MB")
    report(f"{out}: {stored} photographs, {out.stat().st_size / 1e6:.1f} MB")
    return out


def _write(
    readers: Mapping[str, Reader], out: Path, megabytes: float, report: Callable[[str], None]
) -> int:
    """Write the zip unless no photograph fits; return how many do."""
    parts = out.with_name(out.name + ".parts")
    _begin(parts, {"megabytes": megabytes, "names": list(readers)})
    stored = _store(readers, parts, round(megabytes * 1e6), report)
    if stored:
        _join(stored, out)
    shutil.rmtree(parts)
    return len(stored)


def _join(stored: Mapping[str, Path], out: Path) -> None:
    with (
        replacing(out) as (temporary,),
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, file in stored.items():
            # With a date of its own, the same photographs would make another file.
            archive.writestr(zipfile.ZipInfo(name), file.read_bytes())


def _shuffled(readers: Mapping[str, Reader]) -> dict[str, Reader]:
    """Return photographs in the order of a hash of their names."""
    order = sorted(readers, key=lambda name: hashlib.sha256(name.encode()).digest())
    return {name: readers[name] for name in order}


def _begin(parts: Path, made_of: dict[str, object]) -> None:
    """Make the folder of finished photographs; one of other photographs is made anew."""
    text, record = json.dumps(made_of), parts / "made_of.json"
    if parts.exists() and not record.exists() and any(parts.iterdir()):
        raise InputError(f"{parts} is not of a pack; rename it, or choose another file")
    if not record.exists() or record.read_text(encoding="utf-8") != text:
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True)
        write_atomically(record, text)


def _store(
    readers: Mapping[str, Reader], parts: Path, most_bytes: int, report: Callable[[str], None]
) -> dict[str, Path]:
    """Return name in the zip -> file of each photograph, encoded where there is none yet."""
    free, stored = most_bytes, dict[str, Path]()
    for done, (name, read) in enumerate(readers.items()):
        if free < TYPICAL_BYTES and done:
            report(f"{len(readers) - done} of {len(readers)} photographs would not fit")
            break
        # Shared by all that are left, or by as many as are likely to fit.
        share = free // max(1, min(len(readers) - done, free // TYPICAL_BYTES)) - ENTRY_BYTES
        file = parts / f"{hashlib.sha256(name.encode()).hexdigest()}.webp"
        if not file.exists():
            # Empty for one that is left out, so that it is not tried again.
            write_atomically(file, _encoded(photos.pixels_of(read), share))
        if size := file.stat().st_size:
            stored[_free_name(name, stored)] = file
            free -= size + ENTRY_BYTES
        else:
            report(f"{name}: unreadable, smaller than {SMALLEST} px or too large, left out")
    return stored


def _encoded(pixels: Image | None, most_bytes: int) -> bytes:
    """Return a photograph at the first level that fits, empty if none does."""
    if pixels is None or min(pixels.shape[:2]) < SMALLEST:
        return b""
    for side, quality in LEVELS:
        bgr = cv2.cvtColor(photos.reduced(pixels, side), cv2.COLOR_RGB2BGR)
        # Panoramas that are too wide for WebP fit at a smaller size.
        if max(bgr.shape) > LONGEST:
            continue
        content = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
        if len(content) <= most_bytes:
            return bytes(content)
    return b""


def _free_name(name: str, taken: dict[str, Path]) -> str:
    """Return a name in the zip whose stem, by which photographs are split, is the photograph's."""
    whole = PurePosixPath(name)
    found, number = whole.with_suffix(".webp"), 1
    while found.as_posix() in taken:
        number += 1
        found = PurePosixPath(str(number)) / whole.with_suffix(".webp")
    return found.as_posix()
