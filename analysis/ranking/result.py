"""What a ranking is: its settings, its rows, and what it was computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from analysis.bradley_terry import Counts, Fit
from analysis.ranking.pairwise import PairDifference
from analysis.ranking.witness import Witness
from analysis.votes.simulated import SimulatedShare

Unit = Literal["participant", "vote", "image"]


@dataclass(frozen=True)
class Settings:
    """How to rank."""

    unit: Unit = "participant"  # what the bootstrap draws
    samples: Annotated[int, Field(ge=100)] = 1000  # resamples of the bootstrap
    seed: Annotated[int, Field(ge=0)] = 0
    level: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95  # nominal coverage of intervals
    ties: Literal["davidson", "half"] = "davidson"  # Davidson's model, or half a win for both
    order: bool = False  # whether to estimate the effect of the side
    # Votes to add for each pair of methods, half of them won by each.
    prior: Annotated[float, Field(ge=0)] = 0.0
    anchor: str | None = None  # method whose ability is 0; without one, their mean is 0


class RankedMethod(NamedTuple):
    """A row of ranking.csv; intervals of ability and rank are NaN if votes do not give any."""

    method: str
    ability: float
    std_error: float
    ci_low: float
    ci_high: float
    rank: int
    rank_low: float
    rank_high: float
    wins: float
    losses: float
    ties: float


@dataclass(frozen=True)
class Ranking:
    """A ranking with what it was computed from."""

    rows: list[RankedMethod]  # best first
    pairs: list[PairDifference]  # every two methods
    # Compact letter display: methods that share a letter do not differ significantly. Empty for
    # methods without an interval.
    letters: dict[str, str]
    fit: Fit
    # For each two methods, how many votes put which of them first.
    counts: Counts
    unit: Unit  # what the bootstrap drew, which depends on the columns of the file
    settings: Settings
    notes: list[str]  # what readers must know
    simulated: SimulatedShare
    model: Literal["Bradley-Terry", "Plackett-Luce"]
    witness: Witness | str  # the same fit by choix, or why there is none
    # Bootstrap standard errors of the order effect and of log t, and the p-value of the order
    # effect; NaN if not estimated.
    order_error: float = float("nan")
    order_p: float = float("nan")
    tie_error: float = float("nan")
