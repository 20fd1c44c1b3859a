"""Votes among several methods as arrays."""

from __future__ import annotations

from typing import Literal

from analysis.plackett_luce import OrderArrays, arrays
from analysis.votes.files import numbered
from analysis.votes.votes import Votes, counted


def order_arrays(
    votes: Votes, cluster_by: Literal["participant", "vote", "image", "group"]
) -> tuple[OrderArrays, list[str], list[str]]:
    """Return choices or orders without validation questions and without weight 0 as arrays.

    Also returns the names of methods, and of clusters (none for single votes). Raises InputError if
    there are no votes, or all weights are 0.
    """
    frame = counted(votes)
    frame = frame[frame["weight"] > 0]
    methods = sorted(set().union(*frame["ranked"]))
    number = {name: i for i, name in enumerate(methods)}
    cluster, names = (None, []) if cluster_by == "vote" else numbered(frame[cluster_by])
    ranked = [tuple(number[name] for name in vote) for vote in frame["ranked"]]
    data = arrays(
        ranked,
        frame["weight"].to_numpy(),
        cluster,
        len(methods),
        ordered=votes.form == "orders",
    )
    return data, methods, names
