"""The quality of votes in words and numbers; every sentence is computed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from analysis.ranking import quality
from analysis.ranking.quality import MOST_LEFT_OUT, Influence
from analysis.ranking.ranking import Ranking, Unit, coded
from analysis.votes.exclusions import counted
from analysis.votes.votes import Votes, numbered

# Of the overall median: people whose own median is under it answered without looking, perhaps.
HASTY = 1 / 3
# A model that fits so badly is warned of; people who differ deviate a little anyway.
MISFIT = 0.001


class Quality(NamedTuple):
    """numbers: for rank.json; sentences: for readers; warnings: those that need an answer."""

    numbers: dict[str, Any]
    sentences: list[str]
    warnings: list[str]


def assess(votes: Votes, ranking: Ranking) -> Quality:
    """Everything that the columns allow."""
    numbers: dict[str, Any] = {}
    sentences: list[str] = []
    warnings: list[str] = []
    alpha = quality.agreement(votes)
    if alpha:
        numbers["agreement"] = alpha._asdict()
        sentences.append(
            f"Agreement between people: Krippendorff's alpha {alpha.alpha:.2f} over "
            f"{alpha.units:,} pairs of an image that two or more judged (1: all agree, 0: as by "
            "chance)"
        )
    triads = quality.circular_triads(votes)
    if triads and triads.complete:
        numbers["circular_triads"] = triads._asdict()
        sentences.append(
            f"Circular triads: {triads.circular:,} of {triads.complete:,} triples of methods with "
            "a majority in each pair of an image "
            f"({100 * triads.circular / triads.complete:.0f} %; by chance 25 %)"
        )
    own = quality.triads_of_people(votes)
    if own and own.complete:
        numbers["circular_triads_of_people"] = own._asdict()
        sentences.append(
            f"Circular triads of single people: {own.circular:,} of {own.complete:,} triples whose "
            f"pairs one person judged on one image ({100 * own.circular / own.complete:.0f} %)"
        )
    fit = quality.goodness(ranking)
    if fit:
        numbers["goodness_of_fit"] = fit._asdict()
        verdict = "deviates from" if fit.p_value < 0.05 else "is compatible with"
        (warnings if fit.p_value < MISFIT else sentences).append(
            f"The model {verdict} the counts: deviance {fit.deviance:.1f} on {fit.degrees} degrees "
            f"of freedom, p = {fit.p_value:.2g} (as if votes were independent)"
        )
    speed(votes, numbers, sentences, warnings)
    for unit in ("participant", "image"):
        found = influence(votes, ranking, unit)
        if votes.has(unit) and votes.asked[unit].n_unique() > MOST_LEFT_OUT:
            sentences.append(
                f"Influence of single {unit}s: not computed for more than {MOST_LEFT_OUT:,}"
            )
        if found:
            numbers[f"influence_{unit}"] = found._asdict()
            weigh(found, ranking, sentences, warnings)
    return Quality(numbers, sentences, warnings)


def speed(
    votes: Votes, numbers: dict[str, Any], sentences: list[str], warnings: list[str]
) -> None:  # fmt: skip
    """Response times."""
    if not votes.has("response_ms") or votes.asked["response_ms"].drop_nulls().is_empty():
        return
    times = votes.asked["response_ms"].drop_nulls().to_numpy() / 1000
    low, middle, high = (float(x) for x in np.quantile(times, [0.05, 0.5, 0.95]))
    numbers["response_seconds"] = {"p5": low, "median": middle, "p95": high}
    sentences.append(
        f"Response times: median {middle:.1f} s, nine in ten between {low:.1f} and {high:.1f} s"
    )
    if not votes.has("participant"):
        return
    own = votes.asked.group_by("participant").agg(pl.col("response_ms").median())
    hasty = own.filter(pl.col("response_ms") < 1000 * middle * HASTY)
    numbers["response_seconds"]["hasty_participants"] = len(hasty)
    if len(hasty):
        warnings.append(
            f"{counted(len(hasty))} answered in under a third of the median time; "
            "`rank --min-median-ms` leaves such people out"
        )


def influence(votes: Votes, ranking: Ranking, unit: Unit) -> Influence | None:
    if not votes.has(unit):
        return None
    data, _ = coded(votes, unit)
    names = numbered(votes.asked[unit])[1]
    return quality.most_influential(data, names, unit, ranking)


def weigh(
    found: Influence, ranking: Ranking, sentences: list[str], warnings: list[str]
) -> None:  # fmt: skip
    """Dominant: whoever moves an ability further than chance would if votes were independent; the
    bootstrap's intervals are no measure, because whoever dominates widens them."""
    chance = 1.96 * float(np.mean([row.std_error for row in ranking.rows]))
    text = (
        f"Most influential {found.kind}: {found.name}; without it an ability changes by "
        f"{found.change:.3f} and {found.trades} pairs of neighbours trade places"
    )
    if found.change > chance:
        warnings.append(f"{text}: it dominates the result")
    else:
        sentences.append(text)
