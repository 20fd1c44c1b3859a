"""What the agreement of metrics with people is written as: tables, a plot, and how it was made."""

from __future__ import annotations

import json
import math
from pathlib import Path

from matplotlib.figure import Figure

from analysis import style
from analysis.agreement.correlate import LEVEL, Comparison, Correlation
from analysis.output import float_of, markdown_cell, to_csv
from analysis.ranking.files import ABSENT, versions
from analysis.ranking.per_image import PRIOR_VOTES
from analysis.style import GREY, HOUSE, Style, colours, page, remark
from analysis.votes.exclusions import Step, left_out
from methods.files import write_atomically

SHOWN = ("predicted", "spearman", "kendall", "pearson")
LABELS = {
    "predicted": "Votes predicted (share)",
    "spearman": "Spearman",
    "kendall": "Kendall",
    "pearson": "Pearson, logistic fit",
}


def write(
    found: Comparison, flow: list[Step], folder: Path, command: list[str], look: Style = HOUSE
) -> list[Path]:
    """correlate.csv, .md, .tex, .json, .png and .pdf in `folder`; their paths. flow: from all to
    valid votes."""
    folder.mkdir(parents=True, exist_ok=True)
    notes = notes_of(found, flow)
    marks = {**found.simulated.marks, **({"prior": found.prior} if found.prior else {})}
    texts = {
        "csv": to_csv(Correlation._fields, found.rows, marks),
        "md": to_markdown(found, notes),
        "tex": to_latex(found, notes),
        "json": json.dumps(_provenance(found, notes, command), indent=2) + "\n",
    }
    for suffix, text in texts.items():
        write_atomically(folder / f"correlate.{suffix}", text)
    with style.styled(look):
        style.save(draw(found), folder / "correlate")
    return [folder / f"correlate.{suffix}" for suffix in (*texts, "png", "pdf")]


def to_markdown(found: Comparison, notes: list[str]) -> str:
    lines = [
        "| metric | " + " | ".join(LABELS[name] for name in SHOWN) + " |",
        "|---|" + "---:|" * len(SHOWN),
    ]
    for one in found.rows:
        values = [cell(one, name) for name in SHOWN]
        lines.append(f"| {markdown_cell(one.metric)} | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n\n" + "".join(f"- {note}\n" for note in notes)


def to_latex(found: Comparison, notes: list[str]) -> str:
    caption = "How far objective metrics agree with people's preferences"
    label = found.simulated.label
    return float_of(
        ["metric", *(LABELS[name] for name in SHOWN)],
        [[one.metric, *(cell(one, name) for name in SHOWN)] for one in found.rows],
        notes,
        names=[0],
        caption=f"{caption}; {label}" if label else caption,
        label="correlate",
    )


def notes_of(found: Comparison, flow: list[Step]) -> list[str]:
    """Everything that a reader must know beside the numbers, computed."""
    notes = [found.simulated.sentence] if found.simulated.sentence else []
    notes += [
        f"{_range(found, 'points')} results on {_range(found, 'images')} images at "
        f"{found.resolution} px; {_range(found, 'votes')} decided votes of "
        f"{flow[-1].left_votes:,} valid ones have scores. 1: full agreement, whatever the metric's "
        "direction",
        f"In brackets: {100 * LEVEL:g} % intervals, images drawn again as wholes "
        f"({found.samples:,} times, seed {found.seed}), abilities and curves fitted again",
        "Votes predicted: share that went to the result with the better score; 0.5 is chance",
        "Correlations: over methods on images, metrics and abilities less their means on each "
        f"image; abilities of an image with {PRIOR_VOTES:g} votes for each two methods towards the "
        "overall ones, so that correlations lean towards the overall ranking",
    ]
    return notes + [f"Left out: {left_out(step)}" for step in flow[1:]] + found.notes


def _range(found: Comparison, name: str) -> str:
    """A count over all metrics."""
    counts = [getattr(row, name) for row in found.rows]
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,} (by metric)"


def _provenance(found: Comparison, notes: list[str], command: list[str]) -> dict[str, object]:
    return {
        "command": command,
        "simulated_participants": found.simulated.simulated,
        "resolution": found.resolution,
        "samples": found.samples,
        "seed": found.seed,
        "notes": notes,
        "versions": versions(),
    }


def cell(one: Correlation, name: str) -> str:
    """A value with its interval, as far as known."""
    middle, low, high = (getattr(one, f"{name}{end}") for end in ("", "_low", "_high"))
    if math.isnan(middle):
        return ABSENT
    return f"{middle:.3f}" + ("" if math.isnan(low) else f" [{low:.3f}, {high:.3f}]")


def draw(found: Comparison) -> Figure:
    """Which metric to trust: votes predicted and Spearman's correlation, with intervals."""
    rows = found.rows
    figure = Figure(figsize=(page(), 0.75 + 0.26 * len(rows)))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name, chance in zip(panels, SHOWN[:2], (0.5, 0.0), strict=True):
        for place, one in enumerate(rows):
            low, high = getattr(one, f"{name}_low"), getattr(one, f"{name}_high")
            axes.plot([low, high], [place, place], color=colours()[0], linewidth=1.6)
            axes.plot(getattr(one, name), place, "o", color=colours()[0])
        axes.axvline(chance, color=GREY, linewidth=0.8, linestyle="--")
        axes.set_xlabel(LABELS[name])
        axes.grid(axis="y", visible=False)
    panels[0].set_yticks(range(len(rows)), [one.metric for one in rows])
    panels[0].invert_yaxis()
    panels[0].margins(y=0.12)
    remark(figure, found.simulated.label)
    return figure
