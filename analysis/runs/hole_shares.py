"""Scores by the hole's share of the image, in ranges of ten percent as the field reports them."""

from __future__ import annotations

from collections import defaultdict

from analysis.runs.run import Run, highest
from analysis.runs.tables import Column, Group, Table, means
from methods.resolutions import size_text


def by_hole_share(run: Run) -> Table | None:
    """Return the means by the hole's share of the image, at the highest resolution.

    None if all holes are in one range, or if nothing is scored.
    """
    groups, size = ranges(run), highest(run.resolutions)
    if not groups:
        return None
    columns = [Column(group, metric) for group in groups for metric in run.metrics]
    counts = ", ".join(f"{group.key}: {len(group.images)}" for group in groups)
    notes = [
        f"Means at {size_text(size)} by the hole's share of the image; 10-20% is from 10 "
        "(included) to 20 % (not included). Metrics, marks, images left out: as in the objective "
        f"results. Images in each range: {counts}.",
        *run.remarks,
    ]
    title = f"Results by the hole's share of the image, {size_text(size)}, protocol {run.protocol}"
    return Table(title, columns, means(run, columns), notes, run.names)


def ranges(run: Run) -> list[Group]:
    """Return the ranges of ten percent that have images at the highest resolution, [0, 10) first.

    Empty if all images are in one range, or if nothing is scored.
    """
    size = highest(run.resolutions)
    images: dict[int, set[str]] = defaultdict(set)
    for image, share in run.hole_shares(size).items():
        images[min(9, int(10 * share))].add(image)
    if len(images) < 2 or not run.metrics:
        return []
    return [
        Group(
            f"{10 * tenth}-{10 * tenth + 10}%",
            f"{10 * tenth}–{10 * tenth + 10} % ({len(images[tenth])})",
            size,
            frozenset(images[tenth]),
        )
        for tenth in sorted(images)
    ]
