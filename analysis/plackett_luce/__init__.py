"""The Plackett-Luce model: choices of one method among several, and orders: chains of choices.

Conventions, besides those of `analysis.bradley_terry`:

- In a choice one of several methods is chosen; method i with probability exp(a_i) over the sum of
  exp(a_j) of all that were offered. An order of m methods is m - 1 choices: the best of all, then
  the best of the rest, and so on. Methods that are not in an order were not offered.
- Equal choices are counted: a data set is D distinct choices and how often each was made, (..., D).
- Of two methods, the model is Bradley and Terry's.

References
----------
R. D. Luce, Individual Choice Behavior: A Theoretical Analysis, Wiley, 1959.
R. L. Plackett, The Analysis of Permutations, Journal of the Royal Statistical Society C 24 (2),
1975.
"""

from analysis.plackett_luce.bootstrap import bootstrap, fit_resamples
from analysis.plackett_luce.choices import Choices, OrderArrays, arrays, with_pairs
from analysis.plackett_luce.fit import fit, fit_many

__all__ = [
    "Choices",
    "OrderArrays",
    "arrays",
    "bootstrap",
    "fit",
    "fit_many",
    "fit_resamples",
    "with_pairs",
]
