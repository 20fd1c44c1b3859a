"""Tables as text: numbers, CSV, Markdown and LaTeX (floats that need only the package booktabs)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pylatexenc.latexencode import UnicodeToLatexEncoder

from methods.errors import InputError

ABSENT = "–"
_AS_GOOD_AS_EQUAL = 1e-9
# Superscripts; \textdagger would need fonts that are not part of TeX.
LATEX_MARKS = {"*": "$^{*}$", "†": r"$^{\dagger}$"}
_encoder = UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)
_CYRILLIC = re.compile(r"([\u0400-\u04ff]+)")
# Names longer than this are broken into lines, so that the table fits the page.
_LONGEST_NAME = 20
# In points: a character in \scriptsize, the gap between columns, the text width of `article`.
_CHARACTER, _GAP, _TEXT_WIDTH = 3.8, 8.0, 345.0
# For tables wider than that, on pages narrower than those of a two-column journal.
_TIGHTER = "\\ifdim\\textwidth<450pt\\tiny\\setlength{\\tabcolsep}{2pt}\\fi\n"


def make_folder(folder: Path) -> None:
    """Create the folder of an `--out` option; raise InputError if that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "is a file" if folder.is_file() else error.strerror
        raise InputError(f"--out {folder}: {reason}; name another folder") from None


def number(value: float, pattern: str = ".3f") -> str:
    """Format a number, or return a dash if it is not finite."""
    return format(value, pattern) if np.isfinite(value) else ABSENT


def apart(value: float, limit: float, pattern: str = ".3f") -> str:
    """Format a number with as many more decimals as show on which side of a limit it is.

    The pattern is that of a fixed number of decimals. A number within 1e-9 of the limit is as good
    as equal; a dash stands for one that is not finite.
    """
    if abs(value - limit) > _AS_GOOD_AS_EQUAL:
        while np.sign(float(format(value, pattern)) - limit) != np.sign(value - limit):
            head, decimals = pattern[:-1].split(".")
            pattern = f"{head}.{int(decimals) + 1}f"
    return number(value, pattern)


def percent(share: float, decimals: int = 0) -> str:
    """Format a share (0 to 1) in percent, of which 50 says that there is no preference."""
    return apart(100 * share, 50, f".{decimals}f")


def p_in_words(p_value: float, equals: str = "= ") -> str:
    """Format a p-value, below 0.05 if and only if it is; a dash if it is NaN."""
    if not np.isfinite(p_value):
        return ABSENT
    return "< 0.001" if p_value < 0.001 else f"{equals}{apart(p_value, 0.05)}"


def between(low: str, high: str) -> str:
    """Return "low to high" of two formatted numbers; a dash if either is one."""
    if ABSENT in (low, high):
        return ABSENT
    return low if low == high else f"{low} to {high}"


def to_csv(
    heading: Sequence[str],
    rows: Iterable[Iterable[Any]],
    constants: Mapping[str, float] | None = None,
) -> str:
    """Return rows as CSV; floats are written in full, empty where they are None or not finite.

    Parameters
    ----------
    constants
        Further columns, by name, with the same value in every row.
    """
    constants = constants or {}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*heading, *constants])
    for row in rows:
        writer.writerow([_csv_cell(value) for value in (*row, *constants.values())])
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return repr(float(value)) if np.isfinite(value) else ""


def markdown(text: str) -> str:
    """Escape plain text for Markdown as GitHub reads it: emphasis, HTML, links, math, emoji."""
    escaped = re.sub(r"([\\`*_<>\[|$~&])", r"\\\1", text)
    escaped = re.sub(r":(?=[a-z+][\w+-]*:)", r"\:", escaped)
    return re.sub(r"^(\d*)([#+-]|(?<=\d)[.)])", r"\1\\\2", escaped)


def markdown_table(
    heading: Sequence[str],
    rows: Iterable[Sequence[str]],
    notes: Iterable[str],
    *,
    names: Collection[int],
    escape: Callable[[str], str] = markdown,
) -> str:
    """Return a table for GitHub with its notes as a list below it.

    Parameters
    ----------
    names
        Positions of the columns of names: escaped, and aligned left. Others are aligned right.
    escape
        `str` for a terminal, which shows the text as it is.
    """
    rule = "|".join("---" if i in names else "---:" for i in range(len(heading)))
    lines = [[escape(cell) if i in names else cell for i, cell in enumerate(row)] for row in rows]
    first, *others = ("| " + " | ".join(row) + " |" for row in (heading, *lines))
    listed = "".join(f"- {escape(note)}\n" for note in notes)
    return "\n".join([first, f"|{rule}|", *others]) + "\n\n" + listed


def latex_table(
    heading: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Iterable[str],
    *,
    names: Collection[int],
    caption: str,
    label: str,
) -> str:
    """Return a `table*` float that fits the page of articles of one and of two columns.

    Parameters
    ----------
    names
        Positions of the columns of names: aligned left and broken if long.
    label
        What `\\ref` refers to, after "tab:".
    """
    columns = "".join("l" if i in names else "r" for i in range(len(heading)))
    body = "\n".join(
        " & ".join(_name(cell) if i in names else _value(cell) for i, cell in enumerate(row))
        + r" \\"
        for row in rows
    )
    longest = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    printed = [min(n, _LONGEST_NAME) if i in names else n for i, n in enumerate(longest)]
    width = _CHARACTER * sum(printed) + _GAP * (len(printed) - 1)
    tabular = (
        f"{_TIGHTER if width > _TEXT_WIDTH else ''}"
        f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n\\toprule\n"
        + " & ".join(map(latex, heading))
        + f" \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}"
    )
    return latex_float(tabular, notes, caption=caption, label=label, gap=4)


def latex_float(body: str, notes: Iterable[str], *, caption: str, label: str, gap: int) -> str:
    """Return a `table*` float around tabulars; `gap` is `\\tabcolsep` in points."""
    below = "\\par\n".join(map(latex, notes))
    table = (
        "\\begin{table*}\n\\centering\n"
        f"\\caption{{{latex(caption)}.}}\n\\label{{tab:{label}}}\\smallskip\n"
        f"\\scriptsize\\setlength{{\\tabcolsep}}{{{gap}pt}}\n"
        f"{body}\n\n\\medskip\n"
        f"\\parbox{{\\textwidth}}{{\\raggedright\\scriptsize {below}}}\n"
        "\\end{table*}\n"
    )
    return f"% needs \\usepackage{{booktabs}}{_needs(table)}\n{table}"


def _needs(table: str) -> str:
    """Return what a table needs besides booktabs; docs/report.md has the preambles."""
    if not re.sub(r"\\ifdefined\\Umathchar .*?\\else", "", table).isascii():
        return " and lualatex with fonts that have its characters"
    if "T2A" in table:
        return (
            " and \\usepackage[T2A,T1]{fontenc}, or lualatex with a font that has Cyrillic letters"
        )
    return ""


def latex(text: str) -> str:
    """Encode plain text for LaTeX.

    pdflatex can set Latin and Greek letters, and Cyrillic ones in an encoding of their own; other
    characters are kept for lualatex, which needs no encoding.
    """
    encoded = _encoder.unicode_to_latex(text).replace(r"{\textdagger}", LATEX_MARKS["†"])
    # The line break and the rule before a row of a table take these for an argument.
    encoded = re.sub(r"^(\s*)([\[*])", r"\1{\2}", encoded)
    # Two of them would be set as one dash or quotation mark.
    encoded = re.sub(r"([-'`?!,])(?=[-'`,])", r"\1{}", encoded)
    if not _CYRILLIC.search(text):
        return encoded
    parts = _CYRILLIC.split(text)
    for i in range(1, len(parts), 2):
        letters = _encoder.unicode_to_latex(parts[i])
        parts[i] = (
            rf"{{\ifdefined\Umathchar {parts[i]}\else\fontencoding{{T2A}}\selectfont {letters}\fi}}"
        )
    return "".join(part if i % 2 else latex(part) for i, part in enumerate(parts))


def _value(text: str) -> str:
    """Encode a number, with a minus sign instead of a hyphen."""
    return re.sub(r"(?<![\w.])-(?=\d)", "$-$", latex(text))


def _name(text: str) -> str:
    if len(text) <= _LONGEST_NAME:
        return latex(text)
    return f"\\parbox[t]{{9em}}{{\\raggedright\\hangindent=1em {latex(text)}\\strut}}"
