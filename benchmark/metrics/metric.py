"""The definition of a metric: its function, its options and how its values are printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple


class Scores(NamedTuple):
    """Values of one metric for one image pair; `hole` is None if the pair has no mask."""

    whole: float
    hole: float | None

    @property
    def selected(self) -> float:
        """The value over the hole if there is a mask, else the value over the whole image."""
        return self.whole if self.hole is None else self.hole


def _accept_all(**options: Any) -> None:
    """Accept every option value."""


@dataclass(frozen=True)
class Metric:
    """A metric as listed in `benchmark.metrics.METRICS`.

    Parameters
    ----------
    definition
        One line to print beside the values; `{option}` is replaced by that option's value.
    function
        Computes `Scores` from an `ImagePair` and the options as keyword arguments.
    options
        Option names and their defaults.
    check
        Takes options as keyword arguments and raises ValueError for unusable values.
    across_resolutions
        Whether values at different resolutions are comparable. They are not if the definition
        has a fixed size in pixels.
    """

    name: str
    label: str
    better: Literal["higher", "lower"]
    definition: str
    function: Callable[..., Scores]
    unit: str = ""
    decimals: int = 3
    options: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[..., None] = _accept_all
    across_resolutions: bool = True

    def describe(self, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the entry for run.json; `options` override the defaults."""
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
        """Raise ValueError for an unknown option or an unusable value."""
        for option in options:
            if option not in self.options:
                valid = f"valid: {', '.join(self.options)}" if self.options else "it has none"
                raise ValueError(f"metric {self.name} has no option {option!r}; {valid}")
        self.check(**options)
