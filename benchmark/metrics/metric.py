"""What a metric is: its checked input, its values, its options and how it is printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np

from methods.base import Image, Mask
from methods.known_pixels import check_image, check_mask


@dataclass(frozen=True)
class ImagePair:
    """A reference and a result of the same size; create it with `checked_pair`.

    Parameters
    ----------
    reference, result
        C-contiguous uint8 (H, W, 3).
    mask
        bool (H, W), True = hole, with at least one hole pixel; or None.
    rows, columns
        The smallest box that contains all differing pixels; empty if there are none.
    """

    reference: Image
    result: Image
    mask: Mask | None
    rows: slice
    columns: slice


def checked_pair(reference: Image, result: Image, mask: Mask | None = None) -> ImagePair:
    """Validate the input of a metric.

    Parameters
    ----------
    reference, result
        uint8 (H, W, 3) RGB, 0-255.
    mask
        bool (H, W), True = hole; None for the whole image only.

    Returns
    -------
    ImagePair
        The same pixels.

    Raises
    ------
    ValueError
        If type, shape or sizes differ from these, or the mask has no hole pixel.
    """
    check_image(reference, "reference")
    check_image(result, "result")
    if reference.shape != result.shape:
        raise ValueError(
            f"reference {reference.shape} and result {result.shape} must have one shape"
        )
    if mask is not None:
        check_mask(mask, reference)
        if not mask.any():
            raise ValueError("mask has no hole pixel: there is nothing to score in the hole")
    reference, result = np.ascontiguousarray(reference), np.ascontiguousarray(result)
    return ImagePair(reference, result, mask, *_changed_box(reference, result))


def _changed_box(reference: Image, result: Image) -> tuple[slice, slice]:
    # Channels side by side: OpenCV takes one channel only.
    different = (reference != result).reshape(reference.shape[0], -1)
    left, top, width, height = cv2.boundingRect(different.view(np.uint8))
    return slice(top, top + height), slice(left // 3, (left + width + 2) // 3)


class Scores(NamedTuple):
    """Values of one metric for one image pair.

    Parameters
    ----------
    whole
        Over the whole image.
    hole
        Over the hole; None if the pair has no mask.
    """

    whole: float
    hole: float | None

    @property
    def selected(self) -> float:
        """The value over the hole if there is a mask, else the value over the whole image."""
        return self.whole if self.hole is None else self.hole


def _accept_all(**options: Any) -> None:
    """Accept every option value.

    Parameters
    ----------
    **options
        Of the metric.
    """


def _nothing(**options: Any) -> str:
    """Return that nothing is missing.

    Parameters
    ----------
    **options
        Of the metric.

    Returns
    -------
    str
        Empty.
    """
    return ""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric: one of `benchmark.metrics.METRICS`, of another package, or of your own.

    Parameters
    ----------
    name
        Its name in protocols and the columns of scores.csv.
    label
        Its name in tables and plots.
    better
        Which values are better; "" if that is unknown, because it cannot be computed here.
    decimals
        Of the values in tables.
    definition
        One line to print beside the values: what is measured, over the whole image or over the box
        around the hole. `{option}` is replaced by that option's value.
    function
        Computes `Scores` from an `ImagePair` and the options as keyword arguments.
    options
        Option names and their defaults.
    across_resolutions
        Whether values at different resolutions are comparable. They are not if the definition
        has a fixed size in pixels.
    needs_reference
        Whether the result is compared with the original; if not, only the result is looked at.
    check
        Takes options as keyword arguments and raises ValueError for unusable values.
    missing
        Takes options as keyword arguments and returns what has to be installed or fetched before
        the metric can be computed here, or "".
    version
        What values depend on besides the definition. After a change, results are scored again.
    """

    name: str
    label: str
    unit: str = ""
    better: Literal["higher", "lower", ""]
    decimals: int = 3
    definition: str
    options: Mapping[str, Any] = field(default_factory=dict)
    across_resolutions: bool = True
    needs_reference: bool = True
    function: Callable[..., Scores]
    check: Callable[..., None] = _accept_all
    missing: Callable[..., str] = _nothing
    version: int | str = 1

    def describe(self, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the entry for run.json.

        Parameters
        ----------
        options
            Those that differ from the defaults.

        Returns
        -------
        dict
            Plain values for JSON, with the definition in words.
        """
        chosen = {**self.options, **(options or {})}
        entry = asdict(self)
        for name in ("function", "check", "missing"):
            del entry[name]
        if self.version == 1:
            del entry["version"]
        if missing := self.missing(**(options or {})):
            entry["missing"] = missing
        return entry | {"definition": self.definition.format(**chosen), "options": chosen}

    def compute(self, pair: ImagePair, options: Mapping[str, Any] | None = None) -> Scores:
        """Return the values of a pair.

        Parameters
        ----------
        pair
            From `checked_pair`.
        options
            Those that differ from the defaults.

        Returns
        -------
        Scores
            In the metric's unit.

        Raises
        ------
        TypeError
            If the metric's function returns anything else.
        """
        found = self.function(pair, **(options or {}))
        match found:
            case (Real() as whole, (Real() | None) as hole):
                return Scores(float(whole), None if hole is None else float(hole))
        raise TypeError(
            f"metric {self.name} returns {type(found).__name__} where Scores(whole, hole) is "
            "expected: two numbers, or a number and None"
        )

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Check options before a run.

        Parameters
        ----------
        options
            Name -> value.

        Raises
        ------
        ValueError
            For an unknown option or an unusable value.
        """
        if not isinstance(options, Mapping):
            raise ValueError(
                f"metric {self.name}: its options are a table, name to value, not {options!r}; "
                "leave it out for the defaults"
            )
        for option in options:
            if option not in self.options:
                valid = ", ".join(self.options) or "none"
                raise ValueError(f"metric {self.name} has no option {option!r}; valid: {valid}")
        self.check(**options)
