"""What a metric is to the rest of the suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple


class Scores(NamedTuple):
    """One metric of one pair: over the whole image, and over the hole if the pair has a mask."""

    whole: float
    hole: float | None


def _accept(**options: Any) -> None:
    """For metrics whose options cannot be wrong, usually because there are none."""


@dataclass(frozen=True)
class Metric:
    """To add one: a file that defines it, and its place in `benchmark.metrics.METRICS`.

    definition: one line to print beside the numbers; `{option}` stands for an option's value.
    function: (Pair, options as keywords) -> Scores. options: name -> default.
    check: takes options as keywords and raises ValueError for bad values.
    across_resolutions: whether values at different resolutions can be compared; not so where
    something in the definition has a fixed size in pixels."""

    name: str
    label: str
    unit: str
    better: Literal["higher", "lower"]
    decimals: int
    definition: str
    function: Callable[..., Scores]
    options: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[..., None] = _accept
    across_resolutions: bool = True

    def describe(self, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What belongs beside the numbers in a file; `options`: those that differ from default."""
        chosen = {**self.options, **(options or {})}
        return {
            "name": self.name,
            "label": self.label,
            "unit": self.unit,
            "better": self.better,
            "decimals": self.decimals,
            "definition": self.definition.format(**chosen),
            "options": chosen,
            "across_resolutions": self.across_resolutions,
        }

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError for an unknown option or a bad value, naming the valid ones."""
        for option in options:
            if option not in self.options:
                valid = f"valid: {', '.join(self.options)}" if self.options else "it has none"
                raise ValueError(f"metric {self.name} has no option {option!r}; {valid}")
        self.check(**options)
