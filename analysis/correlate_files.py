"""What the agreement of metrics with people is written as: a table and a plot."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from analysis import style
from analysis.correlate import LEVEL, Correlation
from analysis.exclusions import Step
from analysis.per_image import PRIOR_VOTES
from analysis.rank_files import to_csv
from analysis.run import write_text
from analysis.style import COLOURS, GREY, PAGE
from analysis.table_formats import markdown_cell

SHOWN = ("predicted", "spearman", "kendall", "pearson")
LABELS = {
    "predicted": "Votes predicted (share)",
    "spearman": "Spearman",
    "kendall": "Kendall",
    "pearson": "Pearson, logistic fit",
}


def write(found: list[Correlation], valid: Step, resolution: int, folder: Path) -> list[Path]:
    """correlate.csv, .md, .png and .pdf in `folder`; the paths of what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "correlate.csv", to_csv(Correlation._fields, found))
    write_text(folder / "correlate.md", to_markdown(found, valid, resolution))
    with style.styled():
        style.save(draw(found), folder / "correlate")
    return [folder / f"correlate.{suffix}" for suffix in ("csv", "md", "png", "pdf")]


def to_markdown(found: list[Correlation], valid: Step, resolution: int) -> str:
    lines = [
        "| metric | " + " | ".join(LABELS[name] for name in SHOWN) + " |",
        "|---|" + "---:|" * len(SHOWN),
    ]
    for one in found:
        values = [cell(one, name) for name in SHOWN]
        lines.append(f"| {markdown_cell(one.metric)} | " + " | ".join(values) + " |")
    first = found[0]
    notes = [
        f"{first.points:,} results on {first.images:,} images at {resolution} px; {first.votes:,} "
        f"decided votes of {valid.left_votes:,} valid ones have scores. 1: full agreement, "
        "whatever the metric's direction",
        f"In brackets: {100 * LEVEL:g} % intervals, images drawn again as wholes",
        "Votes predicted: share that went to the result with the better score; 0.5 is chance",
        "Correlations: over methods on images, metrics and abilities less their means on each "
        f"image; abilities of an image with {PRIOR_VOTES:g} votes for each two methods towards the "
        "overall ones, so that correlations lean towards the overall ranking",
    ]
    return "\n".join(lines) + "\n\n" + "".join(f"- {note}\n" for note in notes)


def cell(one: Correlation, name: str) -> str:
    """A value with its interval."""
    middle, low, high = (getattr(one, f"{name}{end}") for end in ("", "_low", "_high"))
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


def draw(found: list[Correlation]) -> Figure:
    """Which metric to trust: votes predicted and Spearman's correlation, with intervals."""
    figure = Figure(figsize=(PAGE, 0.75 + 0.26 * len(found)))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name, chance in zip(panels, SHOWN[:2], (0.5, 0.0), strict=True):
        for place, one in enumerate(found):
            low, high = getattr(one, f"{name}_low"), getattr(one, f"{name}_high")
            axes.plot([low, high], [place, place], color=COLOURS[0], linewidth=1.6)
            axes.plot(getattr(one, name), place, "o", color=COLOURS[0])
        axes.axvline(chance, color=GREY, linewidth=0.8, linestyle="--")
        axes.set_xlabel(LABELS[name])
        axes.grid(axis="y", visible=False)
    panels[0].set_yticks(range(len(found)), [one.metric for one in found])
    panels[0].invert_yaxis()
    panels[0].margins(y=0.12)
    return figure
