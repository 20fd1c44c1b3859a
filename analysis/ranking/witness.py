"""The same fit by an independent library, choix, with which every ranking must agree.

choix finds the maximum by another algorithm than Newton's: iterated Luce spectral ranking.

References
----------
L. Maystre, M. Grossglauser, Fast and Accurate Inference of Plackett-Luce Models, NeurIPS, 2015.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

from analysis.bradley_terry import Array
from methods.errors import InputError

# Largest difference of an ability; rounding makes 1e-12, and 1e-6 where abilities are 50 apart.
LIMIT = 1e-5
# Of choix's steps: mean change of an ability, and their number. Fits that do not converge so fast
# are no witness.
_TOLERANCE, _MAX_ITERATIONS = 1e-10, 200
# Its solution of linear equations loses as many digits as the counts of two pairs differ by: at
# 1e14 votes to one it was wrong by 1e-4.
_MOST_UNEQUAL = 1e10
# Smaller differences are rounding, whose digits depend on the machine.
_ROUNDING = 1e-9
_MOST_LISTED = 6


class Witness(NamedTuple):
    """The largest difference between abilities of this suite and another library's.

    Both have mean zero.
    """

    library: str
    largest_difference: float
    limit: float

    @property
    def sentence(self) -> str:
        """What to write below a table."""
        difference = self.largest_difference
        size = f"under {_ROUNDING:g}" if difference < _ROUNDING else f"{difference:.2g}"
        return f"Checked against {self.library}: abilities differ by {size} at most"


def pairwise(wins: Array, abilities: Array) -> Witness | str:
    """Fit the Bradley-Terry model again; see `compare`.

    Parameters
    ----------
    wins
        How often i was preferred to j, half of the ties and of a prior included, (K, K).
    abilities
        The estimate to check, (K,).
    """
    import choix

    some = wins[wins > 0]
    if some.max() > _MOST_UNEQUAL * some.min():
        return f"more than {_MOST_UNEQUAL:g} votes to one are beyond the precision of choix"
    return compare(
        abilities,
        lambda: choix.ilsr_pairwise_dense(wins, tol=_TOLERANCE, max_iter=_MAX_ITERATIONS),
    )


def orders(votes: list[tuple[int, ...]], abilities: Array) -> Witness | str:
    """Fit the Plackett-Luce model to orders again, each the methods, best first."""
    import choix

    return compare(
        abilities,
        lambda: choix.ilsr_rankings(
            len(abilities), votes, tol=_TOLERANCE, max_iter=_MAX_ITERATIONS
        ),
    )


def first_choices(votes: list[tuple[int, ...]], abilities: Array) -> Witness | str:
    """Fit the model to choices again, each the methods of which the first was chosen."""
    import choix

    data = [(vote[0], vote[1:]) for vote in votes]
    return compare(
        abilities,
        lambda: choix.ilsr_top1(len(abilities), data, tol=_TOLERANCE, max_iter=_MAX_ITERATIONS),
    )


def compare(abilities: Array, fit: Callable[[], Array]) -> Witness | str:
    """Compare abilities with those of another fit; return the witness, or why there is none.

    Raises InputError if they differ by more than `LIMIT`.
    """
    library = f"choix {version('choix')}"
    try:
        # Where abilities are too far apart for its arithmetic, choix takes logarithms below 0.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            others = np.asarray(fit())
    except (RuntimeError, ValueError) as error:
        return f"{library} finds no estimate for these votes ({error})"
    if not np.isfinite(others).all():
        return f"{library} finds no finite estimate for these votes"
    centred = abilities - abilities.mean()
    difference = float(np.abs(others - others.mean() - centred).max())
    if difference > LIMIT:
        raise InputError(
            f"abilities differ by {difference:.2g} from those of {library} (at most {LIMIT:g} is "
            "allowed): one of the two is wrong, so there is no ranking; please report it with the "
            f"votes (abilities here {_listed(centred)}, there {_listed(others - others.mean())})"
        )
    return Witness(library, difference, LIMIT)


def _listed(abilities: Array) -> str:
    """Return the first few abilities as text."""
    shown = ", ".join(f"{ability:.6g}" for ability in abilities[:_MOST_LISTED])
    return shown if len(abilities) <= _MOST_LISTED else f"{shown}, ..."
