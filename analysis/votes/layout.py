"""Find out how a CSV file is laid out: encoding, separator, heading and the line it ends in."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from analysis.votes.names import composed
from methods.errors import InputError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
# The last columns of results of Mechanical Turk, which its rows may lack: requesters fill them in.
_FOR_ANSWERS = ("Approve", "Reject")
# How much of a file is read to find its separator.
_SAMPLE_BYTES = 65536
_SAVE_UTF8 = "; save it as UTF-8 CSV (in Excel: CSV UTF-8)"
_UNCLOSED = "a quote is opened here and never closed"
# First line of files that Excel writes or reads: it names the separator.
_EXCEL_LINE = re.compile(r'"?sep=([,;|:^~\t])"?\1*', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How a CSV file is laid out. Lines are counted from 1."""

    path: Path
    text: Path | bytes  # where it can be read as UTF-8 with LF: the file, or else its text
    separator: str
    names: tuple[str, ...]  # of all columns; "" for a column without a name
    line: int  # where the heading begins
    body: int  # the first line after the heading

    @property
    def needed(self) -> int:
        """How many fields a row must have: those up to the last column that is not left out."""
        last = (i for i, name in enumerate(self.names, 1) if name and name not in _FOR_ANSWERS)
        return max(last, default=0)

    def open(self) -> BinaryIO:
        """Open the file's text below the heading."""
        file = _opened(self.text)
        list(itertools.islice(file, self.body - 1))
        return file


@dataclass(frozen=True)
class _Split:
    """The beginning of a file, divided by one of the separators."""

    separator: str
    names: tuple[str, ...]
    lines: int  # of the heading
    known: int  # how many of the names are known
    regular: bool  # whether each row of the sample has as many fields as the heading


def find(path: Path, known: Collection[str], separator: str | None = None) -> Layout:
    """Find the heading and the separator of a CSV file in UTF-8 or in UTF-16 with its mark.

    The separator is, in this order: the one given; that of a first line `sep=;`, which Excel
    writes; the one that divides the heading into the most names that are `known`, then the one
    by which every row has as many fields as the heading.

    Raises InputError if `separator` is not one sign, the file is empty or in another encoding, a
    quote in its heading is not closed, or two separators are equally good.
    """
    if separator:
        separator = _one_sign(separator)
    text = _text(path)
    sample, whole = _sample(path, text)
    first = sample.partition("\n")[0]
    if "\0" in first:
        raise InputError(f"{path} line 1: a NUL byte{_SAVE_UTF8}")
    if "\r" in first.rstrip("\r"):
        raise InputError(f"{path} line 1: some lines end with CR alone{_SAVE_UTF8}")
    lines = list(io.StringIO(sample, newline="\n"))
    skipped = _leading_blank(lines)
    excel = _EXCEL_LINE.fullmatch(lines[skipped].strip("\r\n ")) if skipped < len(lines) else None
    if excel:
        separator = separator or excel[1]
        skipped += 1 + _leading_blank(lines[skipped + 1 :])
    if skipped == len(lines):
        raise InputError(f"{path}: the file is empty")
    rest = lines[skipped:]
    if "\0" in rest[0]:
        raise InputError(f"{path} line {skipped + 1}: a NUL byte{_SAVE_UTF8}")
    line = skipped + 1
    splits, reason = [], ""
    for each in separator or SEPARATORS:
        try:
            splits.append(_split(rest, each, known, whole))
        except csv.Error as error:
            reason = reason if reason == _UNCLOSED else csv_reason(error)
    # A quote that is not closed by the right separator may be no quote by another one.
    if not splits or (reason == _UNCLOSED and not any(split.known for split in splits)):
        raise InputError(f"{path} line {line}: {reason}")
    split = _best(splits, path)
    return Layout(path, text, split.separator, split.names, line, line + split.lines)


def _one_sign(text: str) -> str:
    """Return a separator that was given; raise InputError if it is none."""
    sign = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(sign) != 1 or not sign.isascii() or sign.isalnum() or sign in '"\r\n':
        raise InputError(f"--separator {text!r}: must be one sign, such as ';', or the word tab")
    return sign


def csv_reason(error: csv.Error) -> str:
    """Return why Python's reader refuses a row, in words of an error message."""
    if "unexpected end" in str(error):
        return _UNCLOSED
    if "field limit" in str(error):
        return f"a quote is opened here and not closed in {csv.field_size_limit():,} characters"
    if "new-line" in str(error):
        return f"a line ends with CR alone{_SAVE_UTF8}"
    return str(error)


def undecodable_line(path: Path, text: Path | bytes) -> str:
    """Return an error message with the first line that is not UTF-8, "" if there is none."""
    with _opened(text) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = f"{line[error.start]:#x}"
                return (
                    f"{path} line {number}: not UTF-8 (byte {byte}); save it as UTF-8 "
                    "(in Excel: CSV UTF-8)"
                )
    return ""


def _text(path: Path) -> Path | bytes:
    with path.open("rb") as file:
        begin = file.read(_SAMPLE_BYTES)
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return path.read_bytes().decode("utf-16").encode()
        except UnicodeError:
            raise InputError(f"{path}: begins as UTF-16 but is not; save it as UTF-8") from None
    if b"\r" in begin and b"\n" not in begin:
        # As Excel's "CSV (Macintosh)", unless the end is different.
        whole = path.read_bytes()
        return path if b"\n" in whole else whole.replace(b"\r", b"\n")
    return path


def _opened(text: Path | bytes) -> BinaryIO:
    return io.BytesIO(text) if isinstance(text, bytes) else text.open("rb")


def _sample(path: Path, text: Path | bytes) -> tuple[str, bool]:
    """Return the lines at the beginning of a file, and whether they are all."""
    with _opened(text) as file:
        lines = file.readlines(_SAMPLE_BYTES)
        whole = not file.read(1)
    try:
        return b"".join(lines).decode("utf-8-sig"), whole
    except UnicodeDecodeError:
        raise InputError(undecodable_line(path, text)) from None


def _leading_blank(lines: list[str]) -> int:
    return next((i for i, line in enumerate(lines) if line.strip("\r\n ")), len(lines))


def _split(lines: list[str], separator: str, known: Collection[str], whole: bool) -> _Split:
    """Divide lines by a separator; raise csv.Error if a quote in the heading is not closed."""
    strict = csv.reader(lines, delimiter=separator, strict=True)
    names = tuple(composed(name) for name in next(strict))
    found = sum(name in known for name in set(names))
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if any(row)]
    except csv.Error:
        widths = [0]
    # The sample may end within its last row.
    regular = set(widths if whole else widths[:-1]) <= {len(names)}
    return _Split(separator, names, strict.line_num, found, regular)


def _best(splits: list[_Split], path: Path) -> _Split:
    splits = [split for split in splits if len(split.names) > 1] or splits[:1]
    known = max(split.known for split in splits)
    if not known:
        return max(splits, key=lambda split: (split.regular, len(split.names)))
    best = [split for split in splits if split.known == known]
    best = [split for split in best if split.regular] or best
    if len(best) > 1:
        words = " or ".join(SEPARATORS[split.separator] for split in best)
        raise InputError(
            f"{path}: {words} may separate its columns; save it with one of them, or name that "
            "of a votes file by --separator"
        )
    return best[0]
