"""TODO."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.output import ABSENT
from analysis.runs.run import ARROWS

INCOMPLETE = "*"
AS_GIVEN = "†"


@dataclass(frozen=True)
class Column:
    """One column: a quantity at one resolution. better: "higher", "lower" or "" (not ranked)."""

    resolution: int
    key: str
    label: str
    unit: str
    better: str
    decimals: int

    @property
    def heading(self) -> str:
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{unit} {ARROWS.get(self.better, '')}".strip()


@dataclass(frozen=True)
class Cell:
    """One value: `images` of `expected` cases went into it, `as_given` of them with known pixels
    changed by somebody else. place: 1 best, 2 second, 0 other."""

    value: float | None
    images: int
    expected: int
    as_given: int = 0
    place: int = 0

    @property
    def marks(self) -> str:
        """What the notes under the table explain."""
        incomplete = self.value is not None and self.images < self.expected
        return INCOMPLETE * incomplete + AS_GIVEN * (self.as_given > 0)

    def text(self, decimals: int) -> str:
        if self.value is None:
            return ABSENT
        return f"{self.value:.{decimals}f}{self.marks}"


@dataclass(frozen=True)
class Table:
    """methods x columns, with the notes that belong under it. names: of the methods, as people
    are to read them."""

    title: str
    columns: list[Column]
    rows: dict[str, list[Cell]]
    notes: list[str]
    names: dict[str, str]

    @property
    def resolutions(self) -> list[int]:
        return list(dict.fromkeys(column.resolution for column in self.columns))
