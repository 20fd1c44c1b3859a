"""The section of the page on people's preferences; every sentence is computed from the votes."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from analysis.agreement import files as agreement_files
from analysis.agreement.correlate import Comparison
from analysis.output import p_in_words, percent
from analysis.ranking import files as ranking_files
from analysis.ranking import overview, plots
from analysis.ranking.pairwise import SIGNIFICANT, PairDifference
from analysis.ranking.result import Ranking
from analysis.ranking.study import Study
from analysis.runs.plots import Plot


class People(NamedTuple):
    """A ranking by people, and the agreement of metrics with it or why it is not computed."""

    study: Study
    agreement: Comparison | str


def section(people: People) -> dict[str, Any]:
    """Return what the template of the section needs, plots as figures."""
    ranking = people.study.ranking
    heading, *rows = ranking_files.cells(ranking)
    order = [row.method for row in ranking.rows]
    pairs = {(pair.better, pair.worse): pair for pair in ranking.pairs}
    agreement = people.agreement
    metrics = [] if isinstance(agreement, str) else agreement.rows
    labels = agreement_files.LABELS
    return {
        "heading": heading,
        "rows": rows,
        "notes": ranking_files.notes_of(people.study),
        "sentences": [sentence(pairs[names], ranking) for names in pairwise(order)],
        "flow": people.study.flow,
        "command": shlex.join(["python", "-m", "analysis", *people.study.command]),
        "versions": ranking_files.versions(),
        "plots": _plots(people),
        "simulated": ranking.simulated.sentence,
        "correlations": [
            (row.metric, [agreement_files.cell(row, name) for name in labels]) for row in metrics
        ],
        "labels": list(labels.values()),
        "no_correlations": agreement if isinstance(agreement, str) else "",
    }


def sentence(pair: PairDifference, ranking: Ranking) -> str:
    """Say which method of a pair is preferred, what was counted, and what the model makes of it."""
    expected = f"from all votes the model expects {percent(pair.share)} %"
    if not np.isfinite(pair.p_value):
        return (
            f"{pair.better} is ahead of {pair.worse}: {pair.counted}; {expected}; the votes allow "
            "no interval."
        )
    level = f"{100 * ranking.settings.level:g} % interval"
    adjusted = " by Holm's adjustment" if len(ranking.pairs) > 1 else ""
    evidence = (
        f"{pair.counted}; {expected} ({level} {percent(pair.share_low)}–"
        f"{percent(pair.share_high)} %, p {p_in_words(pair.p_value)}{adjusted})."
    )
    if pair.p_value < SIGNIFICANT:
        return f"{pair.better} is preferred to {pair.worse}: {evidence}"
    sentence = (
        f"Between {pair.better} and {pair.worse} there is no significant difference: for "
        f"{pair.better} {evidence}"
    )
    if pair.share_low <= 0.5 <= pair.share_high:
        return sentence
    return (
        f"{sentence} The interval, which is for this pair alone, leaves 50 % out; the p-value "
        f"allows for all {len(ranking.pairs)} pairs."
    )


def _plots(people: People) -> list[Plot]:
    captions = {
        "ranking": "Abilities with intervals; methods that share a letter do not differ "
        "significantly",
        "preferences": "How often the model expects a row to be preferred to a column",
    }
    ranking = people.study.ranking
    drawn = [Plot(name, captions[name], figure) for name, figure in plots.all_plots(ranking)]
    for by, parts in people.study.parts.items():
        caption = f"Where methods trade places: each {by} beside those that rank methods alike"
        drawn.append(Plot(f"by_{by}", caption, overview.overview(ranking, parts)))
    if not isinstance(people.agreement, str):
        caption = "How far each metric agrees with people; dashed: chance"
        drawn.append(Plot("correlate", caption, agreement_files.draw(people.agreement)))
    return drawn
