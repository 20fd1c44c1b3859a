"""A ranking as tables of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure

from analysis import style
from analysis.ranking import files, per_image, plots
from analysis.ranking.pairwise import PairDifference
from analysis.ranking.per_image import AbilityOnPart
from analysis.ranking.result import RankedMethod
from analysis.ranking.study import Study
from analysis.ranking.witness import Witness
from analysis.votes.votes import Votes
from methods.errors import InputError


class RankingResult:
    """A ranking of methods; `analysis.rank` makes it.

    Parameters
    ----------
    study
        The ranking with everything that its files tell.
    votes
        What it was made of.
    """

    def __init__(self, study: Study, votes: Votes) -> None:
        self._study, self._votes = study, votes

    @cached_property
    def table(self) -> pd.DataFrame:
        """The methods, best first, with the columns of ranking.csv (docs/analysis.md)."""
        return _frame(RankedMethod, self._study.ranking.rows)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Differences between every two methods, with the columns of pairs.csv."""
        return _frame(PairDifference, self._study.ranking.pairs).assign(**self._constants)

    @cached_property
    def by_image(self) -> pd.DataFrame:
        """Abilities on each image, with the columns of by_image.csv.

        Raise InputError if the votes have no column `image`.
        """
        prior = self._study.ranking.settings.prior
        parts = per_image.ranked(self._votes, "image", prior=prior)
        return _frame(AbilityOnPart, parts).assign(**self._constants)

    @property
    def checked_against(self) -> dict[str, Any] | None:
        """The library that found the same ranking, and the largest difference.

        None where none was asked or has the model; `notes` say why.
        """
        witness = self._study.ranking.witness
        return witness._asdict() if isinstance(witness, Witness) else None

    @property
    def notes(self) -> list[str]:
        """What readers must know besides the numbers."""
        return files.notes_of(self._study)

    def plot(self, name: Literal["ranking", "preferences"] = "ranking") -> Figure:
        """Draw the ranking.

        Parameters
        ----------
        name
            "ranking" for abilities with intervals, "preferences" for the expected shares of votes
            between every two methods.

        Returns
        -------
        matplotlib.figure.Figure
            In the suite's style; shown in a notebook.

        Raises
        ------
        InputError
            If there is no such plot.
        """
        with style.styled(style.HOUSE):
            drawn = dict(plots.all_plots(self._study.ranking))
        if name not in drawn:
            raise InputError(f"plot {name!r}: choose one of {', '.join(drawn)}")
        return style.shown_in_notebooks(drawn[name])

    def to_latex(self) -> str:
        """Return the table with its notes as LaTeX.

        Returns
        -------
        str
            A float that needs the package booktabs.
        """
        return files.to_latex(self._study)

    def to_markdown(self) -> str:
        """Return the table with its notes as Markdown.

        Returns
        -------
        str
            As in ranking.md.
        """
        return files.to_markdown(self._study)

    def write(self, folder: str | Path) -> list[Path]:
        """Write all files of `python -m analysis rank`.

        Parameters
        ----------
        folder
            Made if it is not there.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        return files.write(self._study, Path(folder).expanduser())

    @property
    def _constants(self) -> dict[str, float]:
        ranking = self._study.ranking
        return ranking.simulated.constants(ranking.settings.prior)

    def __repr__(self) -> str:
        return files.to_text(self._study)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def _frame(row: type[tuple[Any, ...]], rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows of a named tuple's type."""
    return pd.DataFrame(rows, columns=list(row._fields))  # type: ignore[attr-defined]
