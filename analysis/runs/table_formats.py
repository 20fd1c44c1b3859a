"""A table as CSV, Markdown, LaTeX (booktabs) and on a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from analysis.output import LATEX_MARKS, latex, markdown_cell
from analysis.runs.run import ARROWS

if TYPE_CHECKING:
    from analysis.runs.table import Cell, Column, Table

LATEX_ARROWS = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "": ""}
# As many columns as fit the text width of the article class in \scriptsize.
LATEX_COLUMNS = 12
LATEX_WIDE = "\\def\\heading{}\n"
LATEX_NARROW = (
    "% Tighter where the page is narrower than that of a two-column journal.\n"
    "\\def\\heading{\\ifdim\\textwidth<450pt\\tiny\\fi}\n"
    "\\ifdim\\textwidth<450pt\\setlength{\\tabcolsep}{1pt}\\fi\n"
)


def to_csv(table: Table) -> str:
    """Unrounded values; `<resolution>_images` tells how many images a mean is over."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["method"]
        + [f"{column.resolution}_{column.key}" for column in table.columns]
        + [f"{resolution}_images" for resolution in table.resolutions]
    )
    for method, cells in table.rows.items():
        counts = {
            column.resolution: cell.images
            for column, cell in zip(table.columns, cells, strict=True)
        }
        values = ["" if cell.value is None else repr(cell.value) for cell in cells]
        writer.writerow([method, *values, *(counts[size] for size in table.resolutions)])
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """GitHub's tables have one heading row, so the resolution stands in each heading."""
    headings = [f"{column.resolution} {column.heading}" for column in table.columns]
    lines = [
        "| method | " + " | ".join(headings) + " |",
        "|---|" + "---:|" * len(table.columns),
    ]
    for method, cells in table.rows.items():
        texts = [
            _marked(cell, column, "**{}**", "<u>{}</u>")
            for column, cell in zip(table.columns, cells, strict=True)
        ]
        lines.append(f"| {markdown_cell(table.names[method])} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n\n" + "".join(f"- {markdown_cell(note)}\n" for note in table.notes)


def to_latex(table: Table, label: str) -> str:
    """A `table*` float that needs the package booktabs only. More columns than a page is wide
    go into several tabulars, one below the other."""
    blocks = "\n\n\\medskip\n".join(_tabular(table, sizes) for sizes in _blocks(table))
    notes = "\\par\n".join(latex(note) for note in table.notes)
    return (
        "% needs \\usepackage{booktabs}\n"
        "\\begin{table*}\n\\centering\n"
        f"\\caption{{{latex(table.title)}.}}\n\\label{{tab:{label}}}\\smallskip\n"
        "\\scriptsize\\setlength{\\tabcolsep}{3pt}\n"
        f"{LATEX_NARROW if len(table.columns) > 8 else LATEX_WIDE}"
        f"{blocks}\n\n\\medskip\n"
        f"\\parbox{{\\textwidth}}{{\\raggedright\\scriptsize {notes}}}\n"
        "\\end{table*}\n"
    )


def show(table: Table, console: Console) -> None:
    """Print a table: all resolutions side by side where the terminal is wide enough (or where
    there is no terminal), one below the other otherwise. Notes follow."""
    whole = _for_console(table, table.resolutions)
    width = console.measure(whole, options=console.options.update(max_width=10_000)).maximum
    if not console.is_terminal or width <= console.width:
        console.width = max(console.width, width)
        console.print(whole)
    else:
        for resolution in table.resolutions:
            console.print(_for_console(table, [resolution]), "")
    for note in table.notes:
        console.print(f"· {note}", markup=False, soft_wrap=not console.is_terminal)


def _blocks(table: Table) -> list[list[int]]:
    """Resolutions that go side by side, so that no block is wider than a page."""
    per_resolution = max(1, len(table.columns) // max(1, len(table.resolutions)))
    many = max(1, LATEX_COLUMNS // per_resolution)
    sizes = table.resolutions
    return [sizes[i : i + many] for i in range(0, len(sizes), many)]


def _tabular(table: Table, resolutions: Sequence[int]) -> str:
    shown = [i for i, column in enumerate(table.columns) if column.resolution in resolutions]
    columns = [table.columns[i] for i in shown]
    over, rules, place = [], [], 2
    for resolution in resolutions:
        width = sum(column.resolution == resolution for column in columns)
        over.append(f"\\multicolumn{{{width}}}{{c}}{{{resolution} px}}")
        rules.append(f"\\cmidrule(lr){{{place}-{place + width - 1}}}")
        place += width
    lines = [
        f"\\begin{{tabular}}{{@{{}}l{'r' * len(shown)}@{{}}}}",
        "\\toprule",
        " & ".join(["", *over]) + r" \\",
        "".join(rules),
        " & ".join(["Method", *map(_latex_heading, columns)]) + r" \\",
        " & ".join(["", *map(_latex_unit, columns)]) + r" \\",
        "\\midrule",
    ]
    for method, cells in table.rows.items():
        texts = [_latex_cell(cells[i], table.columns[i]) for i in shown]
        lines.append(" & ".join([latex(table.names[method]), *texts]) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


def _latex_heading(column: Column) -> str:
    return f"\\heading {latex(column.label)}{LATEX_ARROWS[column.better]}"


def _latex_unit(column: Column) -> str:
    return f"\\heading ({latex(column.unit)})" if column.unit else ""


def _latex_cell(cell: Cell, column: Column) -> str:
    if cell.value is None:
        return "--"
    value = f"{cell.value:.{column.decimals}f}".replace("inf", r"$\infty$")
    marked = {1: "\\textbf{{{}}}", 2: "\\underline{{{}}}"}.get(cell.place, "{}").format(value)
    # \rlap: marks must not push digits out of line.
    marks = "".join(LATEX_MARKS[mark] for mark in cell.marks)
    return marked + (f"\\rlap{{{marks}}}" if marks else "")


def _for_console(table: Table, resolutions: Sequence[int]) -> RichTable:
    """The columns of some resolutions as a table for a terminal."""
    shown = [i for i, column in enumerate(table.columns) if column.resolution in resolutions]
    rich = RichTable(box=None, pad_edge=False, padding=(0, 1), header_style="")
    rich.add_column("\nmethod", no_wrap=True)
    for i in shown:
        column = table.columns[i]
        first = i == 0 or table.columns[i - 1].resolution != column.resolution
        over = f"{column.resolution} px" if first else ""
        heading = f"{over}\n{column.label}{ARROWS.get(column.better, '')}"
        rich.add_column(heading, justify="right", no_wrap=True)
    for method, cells in table.rows.items():
        texts = [
            _marked(cells[i], table.columns[i], "[bold]{}[/]", "[underline]{}[/]") for i in shown
        ]
        rich.add_row(escape(table.names[method]), *texts)
    return rich


def _marked(cell: Cell, column: Column, best: str, second: str) -> str:
    text = cell.text(column.decimals)
    return {1: best, 2: second}.get(cell.place, "{}").format(text)
