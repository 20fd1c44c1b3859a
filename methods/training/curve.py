"""Plot a training's validation scores against its steps, from its log.csv."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.figure import Figure

from methods.base import MethodError

# Columns with the score before the network: of stage one's results or of the smooth fill.
BASELINES = {"psnr": ("coarse_psnr", "smooth"), "distance": ("coarse_distance",)}
LABELS = {"psnr": "PSNR (dB)", "distance": "SqueezeNet distance"}


def draw(log: Path, out: Path) -> None:
    """Write a PNG with a panel for each score. Raises MethodError if `log` is not a log.csv."""
    try:
        with log.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        steps = [int(row["step"]) for row in rows]
        columns = {name: [float(row[name]) for row in rows] for name in rows[0] if name != "step"}
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise MethodError(f"{log}: not a training's log.csv ({error})") from error
    scores = [score for score in BASELINES if score in columns]
    figure = Figure(figsize=(3.4 * len(scores), 2.4), layout="constrained")
    panels = figure.subplots(1, len(scores), squeeze=False)[0]
    for axes, score in zip(panels, scores, strict=True):
        axes.plot(steps, columns[score], label="trained")
        for baseline in BASELINES[score]:
            if baseline in columns:
                axes.plot(steps, columns[baseline], label="before", linestyle="--")
        axes.set(xlabel="step", ylabel=LABELS[score])
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=150)
