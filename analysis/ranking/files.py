"""What a ranking is written as: CSV, Markdown and LaTeX tables, plots, and how it was made."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis import style
from analysis.bradley_terry.fit import Fit
from analysis.output import (
    ABSENT,
    between,
    float_of,
    make_folder,
    markdown_cell,
    number,
    to_csv,
)
from analysis.ranking import overview
from analysis.ranking import plots as rank_plots
from analysis.ranking.per_image import PRIOR_VOTES, Cell, Part
from analysis.ranking.quality_report import Quality
from analysis.ranking.ranking import SIGNIFICANT, Pair, Ranking, Row
from analysis.style import HOUSE, Style
from analysis.votes.exclusions import Step, counted, left_out
from methods.files import write_atomically

LIBRARIES = ("numpy", "scipy", "polars", "krippendorff", "matplotlib")
# Headings where a page is narrow.
SHORT = {"std. error": "SE", "rank interval": "ranks"}
# Beside ranking.csv, whose columns other programs rely on, so that it can hold no remark itself.
READ_FIRST = "ranking.READ_FIRST.txt"
# Pairs that go on a page; of more, neighbours only.
MOST_PAIRS = 45


# Rankings by image or group, where asked for.
Parts = dict[Cell, list[Part]]


class Study(NamedTuple):
    """A ranking, the flow from all to valid votes, how good those are; parts: rankings by
    image or group, where asked for; command: what made it."""

    ranking: Ranking
    flow: list[Step]
    quality: Quality
    parts: Parts
    command: list[str]


def write(study: Study, folder: Path, look: Style = HOUSE) -> list[Path]:
    """ranking, pairs and exclusions as .csv, ranking as .md and .tex, plots as .png and .pdf,
    rank.json, and READ_FIRST where numbers need it; the paths of what was written."""
    make_folder(folder)
    marks = marks_of(study.ranking)
    texts = {
        "ranking.csv": to_csv(Row._fields, study.ranking.rows),
        "pairs.csv": to_csv(Pair._fields, study.ranking.pairs, marks),
        "exclusions.csv": to_csv(Step._fields, study.flow, study.ranking.simulated.marks),
        "ranking.md": to_markdown(study),
        "ranking.tex": to_latex(study),
        "pairs.tex": pairs_to_latex(study),
        "rank.json": json.dumps(provenance(study), indent=2) + "\n",
    }
    texts |= {
        f"by_{by}.csv": to_csv(Part._fields, parts, marks) for by, parts in study.parts.items()
    }
    needed = _needed(study.ranking)
    if needed:
        texts[READ_FIRST] = "\n".join(["What must be known of ranking.csv:", *needed]) + "\n"
    else:
        (folder / READ_FIRST).unlink(missing_ok=True)
    with style.styled(look):
        drawn = list(rank_plots.all_plots(study.ranking))
        drawn += [
            (f"by_{by}", overview.overview(study.ranking, parts))
            for by, parts in study.parts.items()
        ]
        for name, figure in drawn:
            style.save(figure, folder / name)
    for name, text in texts.items():
        write_atomically(folder / name, text)
    plots = [f"{name}.{suffix}" for name, _ in drawn for suffix in ("png", "pdf")]
    return [folder / name for name in (*texts, *plots)]


def marks_of(ranking: Ranking) -> dict[str, float]:
    """Column -> what stands in every row of a CSV file made of this ranking."""
    prior = ranking.settings.prior
    return {**ranking.simulated.marks, **({"prior": prior} if prior else {})}


def cells(ranking: Ranking) -> list[list[str]]:
    """The ranking as rows of text, the heading first."""
    level = f"{100 * ranking.settings.level:g} % interval"
    heading = ["rank", "method", "ability", "std. error", level, "rank interval", "wins", "losses"]
    ties = any(row.ties for row in ranking.rows)
    lines = [[*heading, *(["ties"] if ties else []), "groups"]]
    for row in ranking.rows:
        lines.append(
            [
                str(row.rank), row.method, number(row.ability), number(row.std_error),
                between(number(row.ci_low), number(row.ci_high)),
                between(number(row.rank_low, "g"), number(row.rank_high, "g")), f"{row.wins:g}",
                f"{row.losses:g}", *([f"{row.ties:g}"] if ties else []),
                ranking.letters.get(row.method) or ABSENT,
            ]
        )  # fmt: skip
    return lines


def to_markdown(study: Study) -> str:
    heading, *lines = cells(study.ranking)
    table = ["| " + " | ".join(heading) + " |", "|---:|---|" + "---:|" * (len(heading) - 2)]
    table += ["| " + " | ".join(markdown_cell(cell) for cell in line) + " |" for line in lines]
    notes = "".join(f"- {markdown_cell(note)}\n" for note in notes_of(study))
    return "\n".join(table) + "\n\n" + notes


def to_latex(study: Study) -> str:
    heading, *lines = cells(study.ranking)
    caption = "Ranking of methods by people's preferences (Bradley-Terry)"
    return float_of(
        [SHORT.get(name, name) for name in heading],
        lines,
        notes_of(study),
        names=[1],
        caption=marked(caption, study.ranking),
        label="ranking",
    )


def pairs_to_latex(study: Study) -> str:
    """Every two methods: who is preferred, how often, and whether that may be chance."""
    ranking = study.ranking
    names = [row.method for row in ranking.rows]
    near = {(names[i], names[i + 1]) for i in range(len(names) - 1)}
    every = len(ranking.pairs) <= MOST_PAIRS
    shown = [pair for pair in ranking.pairs if every or (pair.better, pair.worse) in near]
    level = f"{100 * ranking.settings.level:g} % interval (%)"
    lines = [
        [
            pair.better, pair.worse, number(pair.difference), f"{100 * pair.share:.1f} %",
            between(number(100 * pair.share_low, ".1f"), number(100 * pair.share_high, ".1f")),
            p_in_words(pair.p_value, ""), f"{pair.votes:g}",
        ]
        for pair in shown
    ]  # fmt: skip
    notes = _needed(ranking)
    notes.append(
        "Difference of abilities, and the share of decided votes that the first is expected to "
        "win, with its interval; p: Wald tests with the bootstrap's errors, adjusted for all pairs "
        "by Holm's method"
    )
    if not every:
        notes.append(f"Neighbours of the ranking only; all {len(ranking.pairs):,} are in pairs.csv")
    return float_of(
        ["preferred", "to", "difference", "share", level, "p", "votes"],
        lines,
        notes,
        names=[0, 1],
        caption=marked("Differences between methods by people's preferences", ranking),
        label="pairs",
    )


def marked(caption: str, ranking: Ranking) -> str:
    label = ranking.simulated.label
    return f"{caption}; {label}" if label else caption


def _needed(ranking: Ranking) -> list[str]:
    """Notes without which no table may be read."""
    made_up = [ranking.simulated.sentence] if ranking.simulated.sentence else []
    return made_up + [note for note in ranking.notes if note.startswith(("regularised", "Warning"))]


def p_in_words(p_value: float, equals: str = "= ") -> str:
    if not np.isfinite(p_value):
        return ABSENT
    return "< 0.001" if p_value < 0.001 else f"{equals}{p_value:.3f}"


def notes_of(study: Study) -> list[str]:
    """Everything that a reader must know beside the numbers, computed."""
    ranking, valid = study.ranking, study.flow[-1]
    drawn = {"participant": "participants", "vote": "votes", "image": "images"}[ranking.unit]
    people = f" of {counted(valid.left_participants)}" if valid.left_participants else ""
    notes = [ranking.simulated.sentence] if ranking.simulated.sentence else []
    notes += [
        f"{valid.left_votes:,} valid votes{people}. Bradley-Terry abilities, natural logarithms, "
        + (f"{ranking.settings.anchor} at 0" if ranking.settings.anchor else "mean zero")
        + "; standard errors from the observed information",
    ]
    if any(ranking.letters.values()):
        notes += [
            f"Intervals: percentiles of {ranking.settings.samples:,} bootstrap draws of {drawn}, "
            f"widened for their number by Student's t, seed {ranking.settings.seed}",
            "Groups: methods that share a letter do not differ significantly at "
            f"{SIGNIFICANT:g} (Wald tests with the bootstrap's errors, Holm's adjustment for all "
            "pairs)",
        ]
    notes += [f"Left out: {left_out(step)}" for step in study.flow[1:]]
    notes += [
        f"by_{by}.csv: abilities on each {by}, with {PRIOR_VOTES:g} votes for each two methods "
        "towards those of the table; the figure puts together those that rank methods alike"
        for by in study.parts
    ]
    warnings = [f"Warning: {warning}" for warning in study.quality.warnings]
    return (
        notes + effects(ranking.fit, ranking) + study.quality.sentences + warnings + ranking.notes
    )


def effects(fit: Fit, ranking: Ranking) -> list[str]:
    """Ties and sides, in words."""
    found = []
    if ranking.counts.tie.any() and ranking.settings.ties == "half":
        found.append("Ties count as half a win for both")
    elif ranking.counts.tie.any():
        share = float(ranking.counts.tie.sum()) / ranking.counts.total
        found.append(
            f"Ties ({100 * share:.1f} % of votes) by Davidson's model: log t = "
            f"{float(fit.tie):.3f}, standard error {number(ranking.tie_error)} by the bootstrap"
        )
    if float(fit.order_error) > 0:
        words = rank_plots.side_in_words(float(fit.order), ranking.order_error, ranking.order_p)
        found.append(words)
    return found


def provenance(study: Study) -> dict[str, Any]:
    """What rank.json holds beside the tables."""
    ranking = study.ranking
    return {
        "command": study.command,
        "simulated_participants": ranking.simulated.simulated,
        "settings": {**asdict(ranking.settings), "drawn": ranking.unit},
        "notes": notes_of(study),
        "quality": study.quality.numbers,
        "log_likelihood": float(ranking.fit.log_likelihood),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of what computes and draws."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
