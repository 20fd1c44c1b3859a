"""Table 1 as a table of pandas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from markupsafe import escape

from analysis.runs import table_formats
from analysis.runs.tables import Table
from methods.files import write_atomically

_CAPTION = "caption-side: bottom; text-align: left; font-size: smaller"
_STYLES = {1: "font-weight: bold", 2: "text-decoration: underline"}


class ObjectiveTable(pd.DataFrame):
    """Means of metrics: methods down, resolutions and metrics across.

    What is selected from it is a plain `pandas.DataFrame`.

    Attributes
    ----------
    notes
        What readers must know besides the numbers.
    """

    # How pandas lets a subclass have attributes of its own.
    _metadata = ("layout",)
    layout: Table

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    @property
    def notes(self) -> list[str]:
        return self.layout.notes

    def to_latex(self, buf: str | Path | None = None, label: str = "objective") -> str:
        """Return the suite's layout for a paper, and write it to a file if `buf` names one."""
        text = table_formats.to_latex(self.layout, label)
        if buf is not None:
            write_atomically(Path(buf), text)
        return text

    def to_markdown(self) -> str:
        """Return the table with its notes as Markdown."""
        return table_formats.to_markdown(self.layout)

    def _repr_html_(self) -> str:
        cells = self.layout.rows.items()
        texts, marks = (
            pd.DataFrame(
                {self.layout.names[method]: [each(cell) for cell in row] for method, row in cells},
                index=self.columns,
            ).T
            for each in (lambda cell: cell.text, lambda cell: _STYLES.get(cell.place, ""))
        )
        styled = texts.style.apply(lambda _: marks, axis=None)
        styled = styled.format(escape="html").format_index(escape="html")
        styled = styled.set_table_styles([{"selector": "caption", "props": _CAPTION}])
        return str(styled.set_caption("<br>".join(map(escape, self.notes))).to_html())


def objective_table(table: Table) -> ObjectiveTable:
    """Return the means of a table."""
    columns = pd.MultiIndex.from_tuples(
        [(column.group.key, column.metric.key) for column in table.columns],
        names=["resolution", "metric"],
    )
    rows = {method: [cell.value for cell in cells] for method, cells in table.rows.items()}
    made = ObjectiveTable(pd.DataFrame.from_dict(rows, orient="index", dtype=float))
    made.columns = columns
    made.index.name = "method"
    made.layout = table
    return made
