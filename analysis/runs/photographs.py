"""Which images of a run are one photograph: by several masks, or by names of one file."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.runs.run import Run

# Photographs in a note, and names of each.
_MOST_NAMED = 5


def masks(run: Run) -> int:
    """Return the number of masks of all photographs; a photograph that is there again has none."""
    return len(_by_mask(run))


def have_several_masks(run: Run) -> bool:
    """Return whether any photograph has several masks."""
    return masks(run) > run.number_of_photographs


def repeated(run: Run) -> list[str]:
    """Return a sentence about photographs that are there under several names, if there are any."""
    groups = [_listed(names, " = ") for names in _by_mask(run).values() if len(names) > 1]
    if not groups:
        return []
    named = _listed(groups, "; ")
    return [f"The same photograph under several names counts as often in means: {named}."]


def _listed(items: Sequence[str], between: str) -> str:
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    return between.join(items[:_MOST_NAMED]) + more


def _by_mask(run: Run) -> dict[tuple[int, str], list[str]]:
    """Return photograph and mask -> names of images."""
    groups: dict[tuple[int, str], list[str]] = {}
    for image in run.info["dataset"]["images"]:
        name = image["name"]
        key = run.photographs[name], image.get("mask_sha256") or ""
        groups.setdefault(key, []).append(name)
    return groups
