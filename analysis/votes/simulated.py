"""Simulated participants: how many there are, and what every output must say about them."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.votes.votes import Votes

# Beginning of their names in exports of `python -m survey`.
_PREFIX = "simulated-"


@dataclass(frozen=True)
class SimulatedShare:
    """How many of the participants were simulated.

    The texts are empty, and there are no `constants`, if everybody is a person.
    """

    simulated: int
    participants: int

    @property
    def label(self) -> str:
        """The warning for a plot."""
        if not self.simulated:
            return ""
        return f"{'' if self.simulated == self.participants else 'partly '}simulated votes"

    @property
    def sentence(self) -> str:
        """The warning for a table or a page."""
        if not self.simulated:
            return ""
        return (
            f"Simulated: {self.simulated:,} of {self.participants:,} participants were simulated, "
            "not asked; these results say nothing about people"
        )

    def marked(self, caption: str) -> str:
        """Return a caption with the label."""
        return f"{caption}; {self.label}" if self.label else caption

    def constants(self, prior: float = 0.0) -> dict[str, float]:
        """Return columns of a CSV file that have the same value in every row; none is 0."""
        columns = {"simulated_participants": self.simulated, "prior": prior}
        return {name: value for name, value in columns.items() if value}


def count_simulated(votes: Votes) -> SimulatedShare:
    """Count participants who are known to be simulated, or whose names say so."""
    if not votes.has("participant"):
        return SimulatedShare(0, 0)
    names = votes.frame["participant"].unique()
    simulated = [name.startswith(_PREFIX) or name in votes.simulated for name in names]
    return SimulatedShare(sum(simulated), len(names))
