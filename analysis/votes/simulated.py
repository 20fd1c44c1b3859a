"""Participants who are no people: whatever is made of their votes says so."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from analysis.votes.votes import Votes

# What their names begin with in what `python -m survey export` writes.
PREFIX = "simulated-"


@dataclass(frozen=True)
class Simulated:
    """How many participants were simulated, of how many."""

    simulated: int
    participants: int

    @property
    def label(self) -> str:
        """For a plot; empty where everybody is a person."""
        if not self.simulated:
            return ""
        return f"{'' if self.simulated == self.participants else 'partly '}simulated votes"

    @property
    def sentence(self) -> str:
        """For a table or a page; empty where everybody is a person."""
        if not self.simulated:
            return ""
        return (
            f"Simulated: {self.simulated:,} of {self.participants:,} participants were simulated, "
            "not asked; these results say nothing about people"
        )

    @property
    def marks(self) -> dict[str, int]:
        """Column of a CSV file -> what stands in every row; none where everybody is a person."""
        return {"simulated_participants": self.simulated} if self.simulated else {}


def simulated(votes: Votes) -> Simulated:
    """Participants who are known to be simulated or whose names begin with PREFIX; whatever is
    made of their votes says so."""
    if not votes.has("participant"):
        return Simulated(0, 0)
    people = votes.frame["participant"].unique().cast(pl.String)
    found = people.str.starts_with(PREFIX) | people.is_in(list(votes.made_up))
    return Simulated(int(found.sum()), len(people))
