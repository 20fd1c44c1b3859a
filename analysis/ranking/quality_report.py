"""The quality of votes in numbers and sentences, all of them computed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analysis.output import p_in_words
from analysis.ranking import quality
from analysis.ranking.quality import Influence
from analysis.ranking.result import Ranking, Unit
from analysis.votes.exclusions import people_in_words
from analysis.votes.votes import Votes
from methods.shown_text import counted

# Share of the overall median time: who needs less may have answered without looking.
_HASTY = 1 / 3
# p-value of the fit under which readers are warned; small deviations are normal.
_MISFIT = 0.001
# More clusters are not left out one by one: then none of them dominates.
_MOST_LEFT_OUT = 5000
_UNITS: tuple[Unit, ...] = ("participant", "image")


class Quality(NamedTuple):
    """Numbers for rank.json, sentences for readers, and those sentences that are warnings."""

    numbers: dict[str, Any]
    sentences: list[str]
    warnings: list[str]


def assess(votes: Votes, ranking: Ranking) -> Quality:
    """Assess the votes from which a ranking was computed."""
    report = Quality({}, [], [])
    _add_agreement(report, votes)
    _add_goodness(report, ranking)
    _add_response_times(report, votes)
    for unit in _UNITS:
        if not votes.has(unit):
            continue
        if votes.without_checks[unit].nunique() > _MOST_LEFT_OUT:
            report.sentences.append(
                f"Influence of single {unit}s: not computed for more than {_MOST_LEFT_OUT:,}"
            )
        elif influence := quality.most_influential(votes, unit, ranking):
            report.numbers[f"influence_{unit}"] = influence._asdict()
            _add_influence(report, influence, ranking)
    return report


def _add_agreement(report: Quality, votes: Votes) -> None:
    if agreement := quality.agreement(votes):
        report.numbers["agreement"] = agreement._asdict()
        report.sentences.append(
            f"Agreement between people: Krippendorff's alpha {agreement.alpha:.2f} over "
            f"{agreement.units:,} pairs of an image that two or more judged (1: all agree, 0: as "
            "by chance)"
        )
    triads = quality.circular_triads(votes, ["image"])
    if triads and triads.complete:
        report.numbers["circular_triads"] = triads._asdict()
        report.sentences.append(
            f"Circular triads: {triads.circular:,} of {triads.complete:,} triples of methods with "
            "a majority in each pair of an image "
            f"({100 * triads.circular / triads.complete:.0f} %; by chance 25 %)"
        )
    own = quality.circular_triads(votes, ["participant", "image"])
    if own and own.complete:
        report.numbers["circular_triads_of_people"] = own._asdict()
        report.sentences.append(
            f"Circular triads of single people: {own.circular:,} of {own.complete:,} triples whose "
            f"pairs one person judged on one image ({100 * own.circular / own.complete:.0f} %)"
        )


def _add_goodness(report: Quality, ranking: Ranking) -> None:
    fit = quality.goodness(ranking)
    if not fit:
        return
    report.numbers["goodness_of_fit"] = fit._asdict()
    verdict = "deviates from" if fit.p_value < 0.05 else "is compatible with"
    (report.warnings if fit.p_value < _MISFIT else report.sentences).append(
        f"The model {verdict} the counts: deviance {fit.deviance:.1f} on "
        f"{counted(fit.degrees, 'degree')} of freedom, p {p_in_words(fit.p_value)} (as if votes "
        "were independent)"
    )


def _add_response_times(report: Quality, votes: Votes) -> None:
    if not votes.has("response_ms"):
        return
    times = votes.without_checks["response_ms"].dropna().to_numpy() / 1000
    if not len(times):
        return
    low, median, high = (float(x) for x in np.quantile(times, [0.05, 0.5, 0.95]))
    numbers = report.numbers["response_seconds"] = {"p5": low, "median": median, "p95": high}
    report.sentences.append(
        f"Response times: median {median:.1f} s, nine in ten between {low:.1f} and {high:.1f} s"
    )
    if not votes.has("participant"):
        return
    own = votes.without_checks.groupby("participant", observed=True)["response_ms"].median()
    hasty = numbers["hasty_participants"] = int((own < 1000 * median * _HASTY).sum())
    if hasty:
        report.warnings.append(
            f"{people_in_words(hasty)} answered in under a third of the median time; "
            "rank --min-median-ms leaves such people out"
        )


def _add_influence(report: Quality, influence: Influence, ranking: Ranking) -> None:
    """Warn if an ability moves further than by chance if votes were independent.

    Bootstrap intervals cannot be the yardstick: a cluster that dominates widens them.
    """
    chance = 1.96 * float(np.mean([row.std_error for row in ranking.rows]))
    text = (
        f"Most influential {influence.kind}: {influence.name}; without it an ability changes by "
        f"{influence.change:.3f} and {counted(influence.trades, 'pair')} of neighbours "
        f"{'trades' if influence.trades == 1 else 'trade'} places"
    )
    if influence.change > chance:
        report.warnings.append(f"{text}: it dominates the result")
    else:
        report.sentences.append(text)
