"""What people preferred, for the report of a run: every sentence is computed."""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

import numpy as np

from analysis.agreement import files as correlate_files
from analysis.agreement.correlate import Comparison
from analysis.ranking import files as rank_files
from analysis.ranking import overview, plots
from analysis.ranking.files import Study
from analysis.ranking.ranking import SIGNIFICANT, Pair, Ranking
from analysis.runs.plots import Plot

FOLDER = "ranking"


class People(NamedTuple):
    """study: the ranking; correlations: of metrics with it, or the reason why there are none."""

    study: Study
    correlations: Comparison | str


def section(people: People) -> dict[str, Any]:
    """What the page's section on people is made of."""
    ranking = people.study.ranking
    heading, *rows = rank_files.cells(ranking)
    found = people.correlations
    return {
        "heading": heading,
        "rows": rows,
        "notes": rank_files.notes_of(people.study),
        "sentences": [in_words(pair, ranking) for pair in _neighbours(ranking)],
        "flow": people.study.flow,
        "command": shlex.join(["python", "-m", "analysis", *people.study.command]),
        "versions": rank_files.versions(),
        "plots": _plots(people),
        "simulated": ranking.simulated.sentence,
        "correlations": [] if isinstance(found, str) else _correlation_rows(found),
        "labels": [correlate_files.LABELS[name] for name in correlate_files.SHOWN],
        "no_correlations": found if isinstance(found, str) else "",
    }


def in_words(pair: Pair, ranking: Ranking) -> str:
    """Who is preferred to whom, how often, and whether that may be chance."""
    share = f"{100 * pair.share:.0f}"
    if not np.isfinite(pair.p_value):
        return (
            f"{pair.better} is ahead of {pair.worse}: {share} % of decided votes; the votes allow "
            "no interval."
        )
    low, high = (f"{100 * x:.0f}" for x in (pair.share_low, pair.share_high))
    level = f"{100 * ranking.settings.level:g} % interval {low}–{high} %"
    p_value = f"p {rank_files.p_in_words(pair.p_value)}"
    if pair.p_value < SIGNIFICANT:
        return (
            f"{pair.better} is preferred to {pair.worse}: {share} % of decided votes "
            f"({level}, {p_value})."
        )
    return (
        f"Between {pair.better} and {pair.worse} there is no significant difference: {share} % of "
        f"decided votes for {pair.better} ({level}, {p_value})."
    )


def _neighbours(ranking: Ranking) -> list[Pair]:
    names = [row.method for row in ranking.rows]
    pairs = {(pair.better, pair.worse): pair for pair in ranking.pairs}
    return [pairs[names[i], names[i + 1]] for i in range(len(names) - 1)]


def _plots(people: People) -> list[Plot]:
    captions = {
        "ranking": "Abilities with intervals; methods that share a letter do not differ "
        "significantly",
        "preferences": "How often a row is expected to be preferred to a column",
    }
    ranking = people.study.ranking
    drawn = [Plot(name, captions[name], f) for name, f in plots.all_plots(ranking)]
    for by, parts in people.study.parts.items():
        caption = f"Where methods trade places: each {by} beside those that rank methods alike"
        drawn.append(Plot(f"by_{by}", caption, overview.overview(ranking, parts)))
    if not isinstance(people.correlations, str):
        caption = "How far each metric agrees with people; dashed: chance"
        drawn.append(Plot("correlate", caption, correlate_files.draw(people.correlations)))
    return drawn


def _correlation_rows(found: Comparison) -> list[tuple[str, list[str]]]:
    return [
        (one.metric, [correlate_files.cell(one, name) for name in correlate_files.SHOWN])
        for one in found.rows
    ]
