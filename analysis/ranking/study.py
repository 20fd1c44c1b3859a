"""A ranking with everything that its files and pages say."""

from __future__ import annotations

from typing import NamedTuple

from analysis.ranking import per_image
from analysis.ranking.per_image import AbilityOnPart, Cell
from analysis.ranking.quality_report import Quality, assess
from analysis.ranking.ranking import rank
from analysis.ranking.result import Ranking, Settings
from analysis.votes.exclusions import Step
from analysis.votes.votes import Votes


class Study(NamedTuple):
    """A ranking, from which votes it is and how good they are."""

    ranking: Ranking
    flow: list[Step]  # from all to valid votes
    quality: Quality
    parts: dict[Cell, list[AbilityOnPart]]  # rankings on each image or group, if asked for
    command: list[str]  # arguments of the command that computed it


def ranked(
    votes: Votes, flow: list[Step], settings: Settings, command: list[str], by: Cell | None = None
) -> Study:
    """Rank by valid votes, by image or group too if asked for, and assess the votes."""
    ranking = rank(votes, settings)
    quality = assess(votes, ranking)
    parts = {by: per_image.ranked(votes, by, prior=settings.prior)} if by else {}
    return Study(ranking, flow, quality, parts, command)
