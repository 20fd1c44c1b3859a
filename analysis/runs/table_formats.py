"""A table of a run as CSV, Markdown and LaTeX, and on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from analysis import output
from analysis.output import LATEX_MARKS, latex
from analysis.runs.run import ARROWS, Run
from analysis.runs.tables import Cell, Table, cost, objective
from methods.files import write_atomically

# On a terminal, by place.
_STYLES = {1: "bold", 2: "underline"}
_LATEX_ARROWS = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "": ""}
# As many columns as fit the text width of the article class in \scriptsize.
_LATEX_COLUMNS = 12
_LATEX_NORMAL = "\\def\\heading{}\n"
_LATEX_TIGHTER = (
    "% Tighter where the page is narrower than that of a two-column journal.\n"
    "\\def\\heading{\\ifdim\\textwidth<450pt\\tiny\\fi}\n"
    "\\ifdim\\textwidth<450pt\\setlength{\\tabcolsep}{1pt}\\fi\n"
)


def write(run: Run) -> None:
    """Write tables/objective and tables/cost (.csv, .md and .tex) into the run folder."""
    for name, table in (("objective", objective(run)), ("cost", cost(run))):
        for suffix, text in (
            ("csv", to_csv(table)),
            ("md", to_markdown(table)),
            ("tex", to_latex(table, name)),
        ):
            write_atomically(run.path / "tables" / f"{name}.{suffix}", text)


def to_csv(table: Table) -> str:
    """Return unrounded values; `<resolution>_images` counts the images of a mean.

    A metric with fewer of them, see `Run.not_finite`, has a column `<resolution>_<metric>_images`.
    """
    names = [f"{column.resolution}_{column.metric.key}" for column in table.columns]
    sizes = [column.resolution for column in table.columns]
    most = [
        {size: max(c.images for c in cells if c.column.resolution == size) for size in sizes}
        for cells in table.rows.values()
    ]
    fewer = [
        i
        for i, size in enumerate(sizes)
        if any(
            cells[i].images < n[size] for cells, n in zip(table.rows.values(), most, strict=True)
        )
    ]
    heading = ["method", *names, *(f"{size}_images" for size in table.resolutions)]
    heading += [f"{names[i]}_images" for i in fewer]
    rows = [
        [
            method, *(cell.value for cell in cells), *(images[size] for size in table.resolutions),
            *(cells[i].images for i in fewer),
        ]
        for (method, cells), images in zip(table.rows.items(), most, strict=True)
    ]  # fmt: skip
    return output.to_csv(heading, rows)


def to_markdown(table: Table) -> str:
    """Return a table for GitHub, whose one heading row includes the resolutions."""
    heading = [f"{column.resolution} {column.metric.heading}" for column in table.columns]
    rows = [
        [table.names[method], *(_marked(cell, "**{}**", "<u>{}</u>") for cell in cells)]
        for method, cells in table.rows.items()
    ]
    return output.markdown_table(["method", *heading], rows, table.notes, names=[0])


def to_latex(table: Table, label: str) -> str:
    """Return a `table*` float labelled "tab:" plus `label`, of tabulars no wider than a page."""
    blocks = "\n\n\\medskip\n".join(_tabular(table, sizes) for sizes in _blocks(table))
    fit = _LATEX_TIGHTER if len(table.columns) > 8 else _LATEX_NORMAL
    return output.latex_float(fit + blocks, table.notes, caption=table.title, label=label, gap=3)


def show(table: Table, console: Console) -> None:
    """Print a table with its notes; resolutions side by side if the terminal is wide enough."""
    whole = _for_console(table, table.resolutions)
    width = console.measure(whole, options=console.options.update(max_width=10_000)).maximum
    if not console.is_terminal or width <= console.width:
        console.width = max(console.width, width)
        console.print(whole)
    else:
        for resolution in table.resolutions:
            console.print(_for_console(table, [resolution]), "")
    for note in table.notes:
        console.print(Text(f"· {note}"), soft_wrap=not console.is_terminal)


def _blocks(table: Table) -> list[list[int]]:
    """Group the resolutions so that no tabular is wider than a page."""
    sizes = table.resolutions
    per_resolution = max(1, len(table.columns) // max(1, len(sizes)))
    step = max(1, _LATEX_COLUMNS // per_resolution)
    return [sizes[i : i + step] for i in range(0, len(sizes), step)]


def _positions(table: Table, resolutions: Sequence[int]) -> list[int]:
    return [i for i, column in enumerate(table.columns) if column.resolution in resolutions]


def _tabular(table: Table, resolutions: Sequence[int]) -> str:
    positions = _positions(table, resolutions)
    metrics = [table.columns[i].metric for i in positions]
    spans, rules, first = [], [], 2
    for resolution in resolutions:
        width = len(_positions(table, [resolution]))
        spans.append(f"\\multicolumn{{{width}}}{{c}}{{{resolution} px}}")
        rules.append(f"\\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    headings = [f"\\heading {latex(m.label)}{_LATEX_ARROWS[m.better]}" for m in metrics]
    units = [f"\\heading ({latex(m.unit)})" if m.unit else "" for m in metrics]
    lines = [
        f"\\begin{{tabular}}{{@{{}}l{'r' * len(positions)}@{{}}}}",
        "\\toprule",
        " & ".join(["", *spans]) + r" \\",
        "".join(rules),
        " & ".join(["Method", *headings]) + r" \\",
        " & ".join(["", *units]) + r" \\",
        "\\midrule",
    ]
    for method, cells in table.rows.items():
        texts = [_latex_cell(cells[i]) for i in positions]
        lines.append(" & ".join([latex(table.names[method]), *texts]) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


def _latex_cell(cell: Cell) -> str:
    if cell.value is None:
        return "--"
    value = f"{cell.value:.{cell.column.metric.decimals}f}"
    marked = {1: "\\textbf{{{}}}", 2: "\\underline{{{}}}"}.get(cell.place, "{}").format(value)
    # \rlap keeps the digits aligned.
    marks = "".join(LATEX_MARKS[mark] for mark in cell.marks)
    return marked + (f"\\rlap{{{marks}}}" if marks else "")


def _for_console(table: Table, resolutions: Sequence[int]) -> RichTable:
    positions = _positions(table, resolutions)
    rich = RichTable(box=None, pad_edge=False, padding=(0, 1), header_style="")
    rich.add_column("\nmethod", no_wrap=True)
    for i in positions:
        size, metric = table.columns[i].resolution, table.columns[i].metric
        first = i == 0 or table.columns[i - 1].resolution != size
        heading = f"{f'{size} px' if first else ''}\n{metric.label}{ARROWS[metric.better]}"
        rich.add_column(Text(heading), justify="right", no_wrap=True)
    for method, cells in table.rows.items():
        texts = (Text(cells[i].text, _STYLES.get(cells[i].place, "")) for i in positions)
        rich.add_row(Text(table.names[method]), *texts)
    return rich


def _marked(cell: Cell, best: str, second: str) -> str:
    """Return a cell's text in the format of its place."""
    return {1: best, 2: second}.get(cell.place, "{}").format(cell.text)
