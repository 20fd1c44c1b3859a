"""Rows that are no votes: the heading again, in joined files, and the headings of Qualtrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from analysis.votes.files import valued
from analysis.votes.names import composed

# Qualtrics writes three headings: names, the texts of the questions, and these.
_QUALTRICS = '{"ImportId":'


def without_headings(
    frame: pd.DataFrame, names: Mapping[str, str]
) -> tuple[pd.DataFrame, tuple[int, ...]]:
    """Return the rows that are no headings, and the lines of those that are.

    Parameters
    ----------
    frame
        Columns of text; the index is the lines.
    names
        The file's name of each column.
    """

    def in_each(test: Callable[[str, str], bool]) -> list[np.ndarray]:
        return [
            valued(frame[ours], lambda text, name=name: test(text, name), bool)  # type: ignore[misc]
            for ours, name in names.items()
        ]

    again = np.logical_and.reduce(in_each(lambda text, name: composed(text) == name))
    ids = np.logical_or.reduce(in_each(lambda text, name: text.startswith(_QUALTRICS)))
    behind_a_heading = np.concatenate([[True], again])[: len(frame)]
    texts = np.append(ids, False)[1:] & behind_a_heading
    headings = again | ids | texts
    return frame[~headings], tuple(int(line) for line in frame.index[headings])
