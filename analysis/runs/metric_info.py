"""What tables and plots know about a metric."""

from __future__ import annotations

from dataclasses import dataclass

ARROWS = {"higher": "↑", "lower": "↓", "": ""}


@dataclass(frozen=True)
class MetricInfo:
    """A measured quantity, in general a metric as run.json describes it."""

    # Column of scores.csv.
    key: str
    label: str
    unit: str
    # "higher", "lower", or "" if methods are not ranked by it.
    better: str
    decimals: int
    definition: str = ""
    # Whether values at different resolutions can be compared.
    across_resolutions: bool = True

    @property
    def heading(self) -> str:
        """Label, unit, and an arrow that points in the better direction."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{unit} {ARROWS.get(self.better, '')}".strip()
