"""Table 1 as a table of pandas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from markupsafe import escape

from analysis.runs import table_formats
from analysis.runs.tables import Table
from methods.errors import InputError
from methods.files import write_atomically

_CAPTION = "caption-side: bottom; text-align: left; font-size: smaller"
_STYLES = {1: "font-weight: bold", 2: "text-decoration: underline"}


class ObjectiveTable(pd.DataFrame):
    """Means of metrics: methods down, resolutions (pixels or "native") and metrics across.

    What is computed or selected from it is a plain `pandas.DataFrame`, with the layout of pandas.

    Attributes
    ----------
    notes
        What readers must know besides the numbers.
    """

    # How pandas lets a subclass have attributes of its own.
    _metadata: ClassVar[list[str]] = ["layout"]
    layout: Table

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def copy(self, deep: bool = True) -> ObjectiveTable:
        """Return a table of its own, with the same layout and notes."""
        copied = ObjectiveTable(super().copy(deep))
        copied.layout = self.layout
        return copied

    def __copy__(self, deep: bool = True) -> ObjectiveTable:
        return self.copy(deep)

    def __deepcopy__(self, memo: Any = None) -> ObjectiveTable:
        return self.copy()

    @property
    def notes(self) -> list[str]:
        return self.layout.notes

    def to_latex(self, buf: Any = None, label: str = "objective") -> str:
        """Return the suite's layout for a paper; also write it to `buf`, a path or an open file.

        Raises
        ------
        InputError
            If values have been changed since the table was made.
        """
        self._refuse_changes()
        text = table_formats.to_latex(self.layout, label)
        if hasattr(buf, "write"):
            buf.write(text)
        elif buf is not None:
            write_atomically(Path(buf).expanduser(), text)
        return text

    def to_markdown(self) -> str:
        """Return the table with its notes as Markdown; raise InputError as `to_latex`."""
        self._refuse_changes()
        return table_formats.to_markdown(self.layout)

    def _refuse_changes(self) -> None:
        if self._is_changed():
            raise InputError(
                "the table has been changed since it was made, and its layout has not; "
                "pandas.DataFrame(table).to_latex() gives what it shows"
            )

    def _is_changed(self) -> bool:
        return not _values(self.layout).equals(pd.DataFrame(self))

    def _repr_html_(self) -> str:
        if self._is_changed():
            return str(super()._repr_html_())
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
    made = ObjectiveTable(_values(table))
    made.layout = table
    return made


def _values(table: Table) -> pd.DataFrame:
    columns = pd.MultiIndex.from_tuples(
        [(column.group.resolution, column.metric.key) for column in table.columns],
        names=["resolution", "metric"],
    )
    rows = {method: [cell.value for cell in cells] for method, cells in table.rows.items()}
    values = pd.DataFrame.from_dict(rows, orient="index", dtype=float)
    values.columns, values.index.name = columns, "method"
    return values
