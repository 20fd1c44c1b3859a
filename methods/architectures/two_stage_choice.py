"""What two-stage uses where its options leave that open: which refinement, whose networks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from methods.weights import files

Refinement = Literal["network", "matched", "none"]
Networks = Literal["compact", "published"]
# Weights that were trained for each other: of stage one and of stage two.
PAIR = ("dfnet", "refinement")
MATCHED = "enlarged with detail of places that look like it (not the paper's refinement network)"
PATTERN = "; WARNING: stage one draws no texture, so one detail may repeat as a pattern"


def choose_refinement(
    asked: Refinement | None, refine: bool | None, profile: str, wants_network: bool
) -> Refinement:
    """Return what happens to stage one's result.

    Parameters
    ----------
    asked, refine, profile
        The options `refinement`, `refine` and `profile`.
    wants_network
        Whether, unless asked, the network is better than matched detail.

    Raises
    ------
    ValueError
        If the options contradict each other.
    """
    if asked is None:
        if refine is False:
            return "none"
        return "network" if wants_network else "matched"
    if refine not in (None, asked != "none"):
        raise ValueError(
            f"refine = {str(refine).lower()} contradicts refinement = {asked}: "
            "leave one of them out"
        )
    if asked == "matched" and profile == "published":
        raise ValueError("profile = published is for refinement = network, not matched")
    return asked


def lacking(refinement: Refinement) -> list[str]:
    """Return what must be installed for a refinement, as where only stage one's needs are met."""
    if refinement == "matched" and find_spec("numba") is None:
        return ["matched detail needs numba: pip install numba"]
    return []


def choose_networks(asked: Networks | Literal["auto"], has_weights: bool) -> tuple[Networks, str]:
    """Return whose weights both stages use, and for the note what the published ones lack if they
    are not complete.

    Parameters
    ----------
    asked
        The option `networks`. "auto" takes the published ones once both have been fetched.
    has_weights
        Whether weights of either stage are given: "auto" then leaves the other one compact,
        whatever has been fetched.
    """
    if asked != "auto":
        return asked, ""
    missing = [name for name in PAIR if not files.is_fetched(name)]
    if has_weights or len(missing) == len(PAIR):
        return "compact", ""
    if not missing:
        return "published", ""
    (name,) = missing
    return "compact", f" (the published ones lack {name}: python -m methods fetch {name})"


def note(refinement: Refinement, profile: str, is_compact: bool, is_smooth: bool) -> str:
    """Return what becomes of stage one's result, for the note under tables.

    Parameters
    ----------
    is_compact
        Whether the network is that of this project.
    is_smooth
        Whether stage one draws no texture.
    """
    if refinement == "matched":
        return MATCHED + PATTERN * is_smooth
    if refinement == "none":
        return "upscaled bilinearly, NOT refined"
    copied = ", with detail of the shifted copies" if is_compact else ""
    return f"upscaled bilinearly, refined at full size{copied}, profile {profile}"
