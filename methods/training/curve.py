"""A training's validation scores against its steps, from its log.csv."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.figure import Figure

from methods.base import MethodError

# Scores of stage one's results or of the smooth fill: what a network is to be better than.
BEFORE = {"psnr": ("coarse_psnr", "smooth"), "distance": ("coarse_distance",)}
LABELS = {"psnr": "PSNR (dB)", "distance": "SqueezeNet distance"}


def draw(log: Path, out: Path) -> None:
    """Write a PNG with a panel for each score. Raises MethodError for a log that is none."""
    try:
        with log.open(newline="") as file:
            rows = list(csv.DictReader(file))
        steps = [int(row["step"]) for row in rows]
        shown = {
            name: [(column, [float(row[column]) for row in rows]) for column in (name, *before)
                   if column in rows[0]]
            for name, before in BEFORE.items()
            if name in rows[0]
        }  # fmt: skip
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise MethodError(f"{log}: not a training's log.csv ({error})") from error
    figure = Figure(figsize=(3.4 * len(shown), 2.4), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (name, lines) in zip(panels, shown.items(), strict=True):
        for column, values in lines:
            after = column == name
            axes.plot(
                steps,
                values,
                label="trained" if after else "before",
                linestyle="-" if after else "--",
            )
        axes.set(xlabel="step", ylabel=LABELS[name])
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=150)
