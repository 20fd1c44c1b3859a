"""Tables of rankings as LaTeX floats that need the package booktabs only."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pylatexenc.latexencode import UnicodeToLatexEncoder

from methods.errors import InputError

ABSENT = "–"

# Superscripts; \textdagger would need fonts beyond those of TeX itself.
LATEX_MARKS = {"*": "$^{*}$", "†": r"$^{\dagger}$"}
_encoder = UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)


# Longer names are broken, so that the table is no wider than a page.
LONGEST_NAME = 20
# Width of a character in \scriptsize, of the gap between columns, and of the text in `article` with
# one column, in points.
CHARACTER, GAP, PAGE = 3.8, 8.0, 345.0
# For wider tables, where the page is narrower than that of a two-column journal.
NARROW = "\\ifdim\\textwidth<450pt\\tiny\\setlength{\\tabcolsep}{2pt}\\fi\n"


def float_of(
    heading: Sequence[str],
    lines: Sequence[Sequence[str]],
    notes: Sequence[str],
    *,
    names: Sequence[int],
    caption: str,
    label: str,
) -> str:
    """A `table*` as wide as the page at most, in articles of one and of two columns.

    names: columns of names, to the left and broken where long; the others are aligned to the
    right."""
    spec = "".join("l" if i in names else "r" for i in range(len(heading)))
    body = "\n".join(
        " & ".join(_name(cell) if i in names else _value(cell) for i, cell in enumerate(line))
        + r" \\"
        for line in lines
    )
    widest = [max(map(len, column)) for column in zip(heading, *lines, strict=True)]
    shown = [min(n, LONGEST_NAME) if i in names else n for i, n in enumerate(widest)]
    narrow = NARROW if CHARACTER * sum(shown) + GAP * (len(shown) - 1) > PAGE else ""
    under = "\\par\n".join(latex(note) for note in notes)
    return (
        "% needs \\usepackage{booktabs}\n"
        "\\begin{table*}\n\\centering\n"
        f"\\caption{{{latex(caption)}.}}\n\\label{{tab:{label}}}\\smallskip\n"
        f"\\scriptsize\\setlength{{\\tabcolsep}}{{4pt}}\n{narrow}"
        f"\\begin{{tabular}}{{@{{}}{spec}@{{}}}}\n\\toprule\n"
        + " & ".join(map(latex, heading))
        + f" \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n\n\\medskip\n"
        f"\\parbox{{\\textwidth}}{{\\raggedright\\scriptsize {under}}}\n"
        "\\end{table*}\n"
    )


def _value(text: str) -> str:
    """With a minus sign for a hyphen."""
    return re.sub(r"(?<![\w.])-(?=\d)", "$-$", latex(text))


def _name(text: str) -> str:
    if len(text) <= LONGEST_NAME:
        return latex(text)
    return f"\\parbox[t]{{9em}}{{\\raggedright\\hangindent=1em {latex(text)}\\strut}}"


def make_folder(folder: Path) -> None:
    """For what is about to be written. Raises InputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "is a file" if folder.is_file() else error.strerror
        raise InputError(f"--out {folder}: {reason}; name another folder") from None


def to_csv(
    fields: Sequence[str], rows: Sequence[NamedTuple], marks: Mapping[str, float] | None = None
) -> str:
    """marks: columns with the same value in every row."""
    marks = marks or {}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*fields, *marks])
    for row in rows:
        writer.writerow([_cell(x) for x in (*row, *marks.values())])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Shortest text that reads back to the same number; empty where it is not known."""
    if not isinstance(value, float):
        return value
    return repr(value) if np.isfinite(value) else ""


def number(value: float, pattern: str = ".3f") -> str:
    """A dash where it is not known."""
    return format(value, pattern) if np.isfinite(value) else ABSENT


def between(low: str, high: str) -> str:
    if ABSENT in (low, high):
        return ABSENT
    return low if low == high else f"{low} to {high}"


def latex(text: str) -> str:
    return _encoder.unicode_to_latex(text).replace(r"{\textdagger}", LATEX_MARKS["†"])


def markdown_cell(text: str) -> str:
    return text.replace("|", r"\|")
