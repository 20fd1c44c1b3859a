"""A table of a run as CSV, Markdown and LaTeX, and on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from analysis import output
from analysis.output import LATEX_MARKS, latex
from analysis.runs.hole_shares import by_hole_share
from analysis.runs.metric_info import ARROWS
from analysis.runs.run import Run
from analysis.runs.tables import Cell, Group, Table, cost, objective
from methods.files import write_atomically

# On a terminal, in Markdown and in LaTeX, by place.
_STYLES = {1: "bold", 2: "underline"}
_MARKDOWN = {1: "**{}**", 2: "<u>{}</u>"}
_LATEX = {1: "\\textbf{{{}}}", 2: "\\underline{{{}}}"}
_LATEX_ARROWS = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "": ""}
# As many columns as fit the text width of the article class in \scriptsize.
_LATEX_COLUMNS = 12
# Characters of a heading that fit above one of them.
_LATEX_COLUMN = 6
_LATEX_NORMAL = "\\def\\heading{}\n"
_LATEX_TIGHTER = (
    "% Tighter where the page is narrower than that of a two-column journal.\n"
    "\\def\\heading{\\ifdim\\textwidth<450pt\\tiny\\fi}\n"
    "\\ifdim\\textwidth<450pt\\setlength{\\tabcolsep}{1pt}\\fi\n"
)


def write(run: Run) -> None:
    """Write tables/objective, tables/cost and, if holes differ, tables/by_hole_share (.csv, .md and
    .tex) into the run folder."""
    folder = run.path / "tables"
    tables = {"objective": objective(run), "cost": cost(run), "by_hole_share": by_hole_share(run)}
    for name, table in tables.items():
        if table is None:
            # Holes may have differed in an earlier run.
            for path in folder.glob(f"{name}.*"):
                path.unlink()
            continue
        for suffix, text in (
            ("csv", to_csv(table)),
            ("md", to_markdown(table)),
            ("tex", to_latex(table, name)),
        ):
            write_atomically(folder / f"{name}.{suffix}", text)


def to_csv(table: Table) -> str:
    """Return unrounded values; `<resolution>_images` counts the images of a mean.

    A metric with fewer of them, see `Run.not_finite`, has a column `<resolution>_<metric>_images`.
    In the table by hole share, `<share>%` stands for the resolution.
    """
    keys = [column.group.key for column in table.columns]
    names = [f"{column.group.key}_{column.metric.key}" for column in table.columns]
    groups = [group.key for group in table.groups]
    most = [
        {key: max(c.images for c in cells if c.column.group.key == key) for key in groups}
        for cells in table.rows.values()
    ]
    fewer = [
        i
        for i, key in enumerate(keys)
        if any(cells[i].images < n[key] for cells, n in zip(table.rows.values(), most, strict=True))
    ]
    heading = ["method", *names, *(f"{key}_images" for key in groups)]
    heading += [f"{names[i]}_images" for i in fewer]
    rows = [
        [
            method, *(cell.value for cell in cells), *(images[key] for key in groups),
            *(cells[i].images for i in fewer),
        ]
        for (method, cells), images in zip(table.rows.items(), most, strict=True)
    ]  # fmt: skip
    return output.to_csv(heading, rows)


def to_markdown(table: Table) -> str:
    """Return a table for GitHub, whose one heading row includes the groups."""
    heading = [f"{column.group.key} {column.metric.heading}" for column in table.columns]
    rows = [
        [table.names[method], *(_MARKDOWN.get(c.place, "{}").format(c.text) for c in cells)]
        for method, cells in table.rows.items()
    ]
    return output.markdown_table(["method", *heading], rows, table.notes, names=[0])


def to_latex(table: Table, label: str) -> str:
    """Return a `table*` float labelled "tab:" plus `label`, of tabulars no wider than a page."""
    blocks = "\n\n\\medskip\n".join(_tabular(table, groups) for groups in _blocks(table))
    fit = _LATEX_TIGHTER if len(table.columns) > 8 else _LATEX_NORMAL
    return output.latex_float(fit + blocks, table.notes, caption=table.title, label=label, gap=3)


def show(table: Table, console: Console) -> None:
    """Print a table with its notes; groups side by side if the terminal is wide enough."""
    whole = _for_console(table, table.groups)
    width = console.measure(whole, options=console.options.update(max_width=10_000)).maximum
    if not console.is_terminal or width <= console.width:
        console.width = max(console.width, width)
        console.print(whole)
    else:
        for group in table.groups:
            console.print(_for_console(table, [group]), "")
    for note in table.notes:
        console.print(Text(f"· {note}"), soft_wrap=not console.is_terminal)


def _blocks(table: Table) -> list[list[Group]]:
    """Divide the groups so that no tabular is wider than a page."""
    groups = table.groups
    # Above few columns, the heading of a group is wider than these.
    heading = max((-(-len(group.heading) // _LATEX_COLUMN) for group in groups), default=1)
    per_group = max(heading, len(table.columns) // max(1, len(groups)))
    step = max(1, _LATEX_COLUMNS // per_group)
    return [groups[i : i + step] for i in range(0, len(groups), step)]


def _positions(table: Table, groups: Sequence[Group]) -> list[int]:
    return [i for i, column in enumerate(table.columns) if column.group in groups]


def _tabular(table: Table, groups: Sequence[Group]) -> str:
    positions = _positions(table, groups)
    metrics = [table.columns[i].metric for i in positions]
    spans, rules, first = [], [], 2
    for group in groups:
        width = len(_positions(table, [group]))
        spans.append(f"\\multicolumn{{{width}}}{{c}}{{{latex(group.heading)}}}")
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
    marked = _LATEX.get(cell.place, "{}").format(latex(cell.number))
    # \rlap keeps the digits aligned.
    marks = "".join(LATEX_MARKS[mark] for mark in cell.marks)
    return marked + (f"\\rlap{{{marks}}}" if marks else "")


def _for_console(table: Table, groups: Sequence[Group]) -> RichTable:
    positions = _positions(table, groups)
    rich = RichTable(box=None, pad_edge=False, padding=(0, 1), header_style="")
    rich.add_column("\nmethod", no_wrap=True)
    for i in positions:
        group, metric = table.columns[i].group, table.columns[i].metric
        first = i == 0 or table.columns[i - 1].group != group
        heading = f"{group.heading if first else ''}\n{metric.label}{ARROWS[metric.better]}"
        rich.add_column(Text(heading), justify="right", no_wrap=True)
    for method, cells in table.rows.items():
        texts = (Text(cells[i].text, _STYLES.get(cells[i].place, "")) for i in positions)
        rich.add_row(Text(table.names[method]), *texts)
    return rich
