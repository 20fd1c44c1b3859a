"""Files of a ranking: CSV, Markdown and LaTeX tables, plots, and how it was computed."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit

from analysis import style
from analysis.output import (
    ABSENT,
    between,
    latex_table,
    make_folder,
    markdown_table,
    number,
    p_in_words,
    percent,
    to_csv,
)
from analysis.ranking import overview
from analysis.ranking import plots as rank_plots
from analysis.ranking.pairwise import SIGNIFICANT, PairDifference
from analysis.ranking.per_image import PRIOR_VOTES, AbilityOnPart
from analysis.ranking.result import RankedMethod, Ranking
from analysis.ranking.study import Study
from analysis.ranking.witness import Witness
from analysis.style import HOUSE, Style
from analysis.votes.exclusions import Step, people_in_words, step_in_words
from methods.files import write_atomically

_LIBRARIES = ("numpy", "scipy", "pandas", "krippendorff", "choix", "matplotlib")
# Shorter headings for LaTeX.
_SHORT = {"std. error": "SE", "rank interval": "ranks"}
# Other programs rely on the columns of ranking.csv, so its warnings are in a file beside it.
_READ_FIRST = "ranking.READ_FIRST.txt"
TESTS = "tests that agree with the bootstrap's intervals, adjusted for all pairs by Holm's method"
# More pairs do not fit a page: then neighbours in the ranking only.
_MOST_PAIRS = 45


def write(study: Study, folder: Path, look: Style = HOUSE) -> list[Path]:
    """Write all files of a ranking and return their paths.

    Raises InputError if `folder` cannot be created.
    """
    make_folder(folder)
    ranking = study.ranking
    constants = ranking.simulated.constants(ranking.settings.prior)
    texts = {
        "ranking.csv": to_csv(RankedMethod._fields, ranking.rows),
        "pairs.csv": to_csv(PairDifference._fields, ranking.pairs, constants),
        "exclusions.csv": to_csv(Step._fields, study.flow, ranking.simulated.constants()),
        "ranking.md": to_markdown(study),
        "ranking.tex": to_latex(study),
        "pairs.tex": pairs_to_latex(study),
        "rank.json": json.dumps(_provenance(study), indent=2) + "\n",
    }
    for by, parts in study.parts.items():
        texts[f"by_{by}.csv"] = to_csv(AbilityOnPart._fields, parts, constants)
    if warnings := _warnings(ranking):
        texts[_READ_FIRST] = "\n".join(["What must be known of ranking.csv:", *warnings]) + "\n"
    else:
        (folder / _READ_FIRST).unlink(missing_ok=True)
    with style.styled(look):
        figures = dict(rank_plots.all_plots(ranking))
        for by, parts in study.parts.items():
            figures[f"by_{by}"] = overview.overview(ranking, parts)
        return write_all(folder, texts, figures)


def write_all(folder: Path, texts: Mapping[str, str], figures: Mapping[str, Figure]) -> list[Path]:
    """Write texts by file name, and figures as PNG and PDF; return the paths."""
    for name, figure in figures.items():
        style.save(figure, folder / name)
    for name, text in texts.items():
        write_atomically(folder / name, text)
    plots = [f"{name}.{suffix}" for name in figures for suffix in ("png", "pdf")]
    return [folder / name for name in (*texts, *plots)]


def cells(ranking: Ranking) -> list[list[str]]:
    """Return the table of the ranking as rows of text, the heading first."""
    level = f"{100 * ranking.settings.level:g} % interval"
    heading = ["rank", "method", "ability", "std. error", level, "rank interval", "wins", "losses"]
    ties = any(row.ties for row in ranking.rows)
    rows = [
        [
            str(row.rank), row.method, number(row.ability), number(row.std_error),
            between(number(row.ci_low), number(row.ci_high)),
            between(number(row.rank_low, "g"), number(row.rank_high, "g")), f"{row.wins:.15g}",
            f"{row.losses:.15g}", *([f"{row.ties:.15g}"] if ties else []),
            ranking.letters[row.method] or ABSENT,
        ]
        for row in ranking.rows
    ]  # fmt: skip
    return [[*heading, *(["ties"] if ties else []), "groups"], *rows]


def to_markdown(study: Study) -> str:
    """Return the table of the ranking with its notes as Markdown."""
    heading, *lines = cells(study.ranking)
    return markdown_table(heading, lines, notes_of(study), names=[1])


def to_text(study: Study) -> str:
    """Return the same for a terminal."""
    heading, *lines = cells(study.ranking)
    return markdown_table(heading, lines, notes_of(study), names=[1], escape=str)


def to_latex(study: Study) -> str:
    """Return the table of the ranking with its notes as LaTeX."""
    heading, *lines = cells(study.ranking)
    caption = f"Ranking of methods by people's preferences ({study.ranking.model})"
    return latex_table(
        [_SHORT.get(name, name) for name in heading],
        lines,
        notes_of(study),
        names=[1],
        caption=study.ranking.simulated.marked(caption),
        label="ranking",
    )


def pairs_to_latex(study: Study) -> str:
    """Return the table of differences between methods as LaTeX."""
    ranking = study.ranking
    names = [row.method for row in ranking.rows]
    near = set(pairwise(names))
    every = len(ranking.pairs) <= _MOST_PAIRS
    shown = [pair for pair in ranking.pairs if every or (pair.better, pair.worse) in near]
    level = f"{100 * ranking.settings.level:g} % interval (%)"
    lines = [
        [
            pair.better, pair.worse,
            *(f"{count:.15g}" for count in (pair.wins, pair.losses, pair.ties)),
            number(pair.difference), f"{percent(pair.share, 1)} %",
            between(percent(pair.share_low, 1), percent(pair.share_high, 1)),
            p_in_words(pair.p_value, ""),
        ]
        for pair in shown
    ]  # fmt: skip
    notes = _warnings(ranking)
    notes.append(
        "Wins, losses and ties of the first against the second were counted. Estimated from all "
        "votes: the difference of abilities, and the share of decided votes that the first is "
        f"expected to win, with its interval for this pair alone; p: {TESTS}"
    )
    if not every:
        notes.append(f"Neighbours of the ranking only; all {len(ranking.pairs):,} are in pairs.csv")
    return latex_table(
        ["preferred", "to", "won", "lost", "ties", "difference", "expected", level, "Holm's p"],
        lines,
        notes,
        names=[0, 1],
        caption=ranking.simulated.marked("Differences between methods by people's preferences"),
        label="pairs",
    )


def _warnings(ranking: Ranking) -> list[str]:
    """Return the notes without which no number may be read."""
    simulated = [ranking.simulated.sentence] if ranking.simulated.sentence else []
    return simulated + [n for n in ranking.notes if n.startswith(("regularised", "Warning"))]


def notes_of(study: Study) -> list[str]:
    """Return everything that readers must know besides the numbers."""
    ranking, valid = study.ranking, study.flow[-1]
    people = f" of {people_in_words(valid.left_participants)}" if valid.left_participants else ""
    notes = [ranking.simulated.sentence] if ranking.simulated.sentence else []
    notes += [
        f"{valid.left_votes:,} valid votes{people}. {ranking.model} abilities, natural logarithms, "
        + (f"{ranking.settings.anchor} at 0" if ranking.settings.anchor else "mean zero")
        + "; standard errors from the observed information",
        ranking.witness.sentence
        if isinstance(ranking.witness, Witness)
        else f"Not checked against another library: {ranking.witness}",
    ]
    if any(ranking.letters.values()):
        notes += [
            f"Intervals: percentiles of {ranking.settings.samples:,} bootstrap resamples of "
            f"{ranking.unit}s, widened for their number by Student's t, seed "
            f"{ranking.settings.seed}",
            "Groups: methods that share a letter do not differ significantly at "
            f"{SIGNIFICANT:g} ({TESTS})",
        ]
    notes += [f"Left out: {step_in_words(step)}" for step in study.flow[1:]]
    notes += [
        f"by_{by}.csv: abilities on each {by}, with {PRIOR_VOTES:g} votes for each pair of methods "
        "towards those of the table; the figure groups those that rank methods alike"
        for by in study.parts
    ]
    warnings = [f"Warning: {warning}" for warning in study.quality.warnings]
    return notes + _effects(ranking) + study.quality.sentences + warnings + ranking.notes


def _effects(ranking: Ranking) -> list[str]:
    """Describe the effects of ties and sides."""
    fit, notes = ranking.fit, []
    if ranking.counts.tie.any() and ranking.settings.ties == "half":
        notes.append("Ties count as half a win for both")
    elif ranking.counts.tie.any():
        share = float(ranking.counts.tie.sum()) / ranking.counts.total
        error = number(ranking.tie_error)
        measured = f", standard error {error} by the bootstrap" if error != ABSENT else ""
        notes.append(
            f"Ties ({100 * share:.1f} % of votes) by Davidson's model: log t = "
            f"{float(fit.tie):.3f}{measured}"
        )
    if float(fit.order_error) > 0:
        notes.append(_order_effect(float(fit.order), ranking.order_error, ranking.order_p))
    return notes


def _order_effect(effect: float, error: float, p_value: float) -> str:
    share = percent(float(expit(effect)), 1)
    size = f"of two equal methods the left one wins {share} % of decided votes"
    if not np.isfinite(p_value):
        return f"Order effect: the votes allow no test ({size}; log {effect:.3f})"
    side = "left" if effect > 0 else "right"
    verdict = f"the {side} side is preferred" if p_value < 0.05 else "not significant"
    return (
        f"Order effect: {verdict} ({size}; log {effect:.3f}, standard error {error:.3f} by the "
        f"bootstrap, p {p_in_words(p_value)})"
    )


def _provenance(study: Study) -> dict[str, Any]:
    """Return the content of rank.json."""
    ranking, witness = study.ranking, study.ranking.witness
    return {
        "command": study.command,
        "simulated_participants": ranking.simulated.simulated,
        "settings": {**asdict(ranking.settings), "drawn": ranking.unit},
        "notes": notes_of(study),
        "quality": study.quality.numbers,
        "model": ranking.model,
        "log_likelihood": float(ranking.fit.log_likelihood),
        "checked_against": witness._asdict() if isinstance(witness, Witness) else None,
        **({"not_checked": witness} if isinstance(witness, str) else {}),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute and plot."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}
