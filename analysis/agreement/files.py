"""Files of the agreement of metrics with people: tables, a plot, and how it was computed."""

from __future__ import annotations

import json
import math
from pathlib import Path

from matplotlib.figure import Figure

from analysis import style
from analysis.agreement.correlate import Comparison, Correlation
from analysis.agreement.measures import LEVEL
from analysis.output import ABSENT, apart, latex_table, make_folder, markdown_table, to_csv
from analysis.ranking.files import versions, write_all
from analysis.ranking.per_image import PRIOR_VOTES
from analysis.style import GREY, HOUSE, Style, add_warning, current
from analysis.votes.exclusions import Step, step_in_words
from methods.resolutions import size_text

LABELS = {
    "predicted": "Votes predicted (share)",
    "spearman": "Spearman",
    "kendall": "Kendall",
    "pearson": "Pearson, logistic fit",
}


def write(
    comparison: Comparison,
    flow: list[Step],
    folder: Path,
    command: list[str],
    look: Style = HOUSE,
) -> list[Path]:
    """Write correlate.csv, .md, .tex, .json, .png and .pdf, and return their paths.

    Raises InputError if `folder` cannot be created.

    Parameters
    ----------
    flow
        From all to valid votes.
    command
        Arguments of the command that computed the comparison.
    """
    make_folder(folder)
    notes = notes_of(comparison, flow)
    constants = comparison.simulated.constants(comparison.prior)
    provenance = {
        "command": command,
        "simulated_participants": comparison.simulated.simulated,
        "resolution": comparison.resolution,
        "samples": comparison.samples,
        "seed": comparison.seed,
        "notes": notes,
        "versions": versions(),
    }
    texts = {
        "correlate.csv": to_csv(Correlation._fields, comparison.rows, constants),
        "correlate.md": markdown_table(*_table(comparison), notes, names=[0]),
        "correlate.tex": to_latex(comparison, notes),
        "correlate.json": json.dumps(provenance, indent=2) + "\n",
    }
    with style.styled(look):
        return write_all(folder, texts, {"correlate": draw(comparison)})


def to_text(comparison: Comparison, flow: list[Step]) -> str:
    """Return the table with its notes for a terminal."""
    return markdown_table(*_table(comparison), notes_of(comparison, flow), names=[0], escape=str)


def to_latex(comparison: Comparison, notes: list[str]) -> str:
    """Return the table with its notes as LaTeX."""
    caption = "How far objective metrics agree with people's preferences"
    return latex_table(
        *_table(comparison),
        notes,
        names=[0],
        caption=comparison.simulated.marked(caption),
        label="correlate",
    )


def _table(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of the table as text."""
    rows = [[row.metric, *(cell(row, name) for name in LABELS)] for row in comparison.rows]
    return ["metric", *LABELS.values()], rows


def notes_of(comparison: Comparison, flow: list[Step]) -> list[str]:
    """Return everything that readers must know besides the numbers."""
    notes = [comparison.simulated.sentence] if comparison.simulated.sentence else []
    whole = {"image": "images", "photograph": "photographs with all their masks"}[comparison.unit]
    notes += [
        f"{_range(comparison, 'points')} results on {_range(comparison, 'images')} images at "
        f"{size_text(comparison.resolution)}; {_range(comparison, 'votes')} decided votes of "
        f"{flow[-1].left_votes:,} valid ones have scores. 1: full agreement, whatever the metric's "
        "direction",
        f"In brackets: {100 * LEVEL:g} % intervals, whole {whole} resampled "
        f"({comparison.samples:,} times, seed {comparison.seed}), abilities and curves refitted",
        "Votes predicted: share that went to the result with the better score; 0.5 is chance",
        "Correlations: over methods on images, metrics and abilities less their means on each "
        f"image; abilities of an image with {PRIOR_VOTES:g} votes for each pair of methods towards "
        "the overall ones, so that correlations lean towards the overall ranking",
    ]
    return notes + [f"Left out: {step_in_words(step)}" for step in flow[1:]] + comparison.notes


def _range(comparison: Comparison, name: str) -> str:
    """Return the range of a count over all metrics."""
    counts = [getattr(row, name) for row in comparison.rows]
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,} (by metric)"


def cell(row: Correlation, name: str) -> str:
    """Format a measure with its interval."""
    middle, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
    if math.isnan(middle):
        return ABSENT
    chance = 0.5 if name == "predicted" else 0.0
    shown, *limits = (apart(value, chance) for value in (middle, low, high))
    return shown if math.isnan(low) else f"{shown} [{', '.join(limits)}]"


def draw(comparison: Comparison) -> Figure:
    """Plot votes predicted and Spearman's correlation of each metric, with intervals."""
    rows = comparison.rows
    figure = Figure(figsize=(current().page_width, 0.75 + 0.26 * len(rows)))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name, chance in zip(panels, ("predicted", "spearman"), (0.5, 0.0), strict=True):
        for place, row in enumerate(rows):
            low, high = getattr(row, f"{name}_low"), getattr(row, f"{name}_high")
            axes.plot([low, high], [place, place], color=current().colours[0], linewidth=1.6)
            axes.plot(getattr(row, name), place, "o", color=current().colours[0])
        axes.axvline(chance, color=GREY, linewidth=0.8, linestyle="--")
        axes.set_xlabel(LABELS[name])
        axes.grid(axis="y", visible=False)
    panels[0].set_yticks(range(len(rows)), [row.metric for row in rows])
    panels[0].invert_yaxis()
    panels[0].margins(y=0.12)
    add_warning(figure, comparison.simulated.label)
    return figure
