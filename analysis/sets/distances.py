"""Distances between two sets of feature vectors, float64 (n, d).

Row i of both sets belongs to the same photograph, or patch of one: `y[i]` is the result for the
reference `x[i]`. Samples of one photograph have the same number in `groups`, int (n,), from 0
without gaps. They are not independent: the bootstrap draws photographs, and `weights`, int
(groups,), says how often each was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Features = NDArray[np.float64]
Groups = NDArray[np.intp]
Weights = NDArray[np.intp]


def frechet_distance(x: Features, y: Features) -> float:
    """Return the Fréchet distance between the normal distributions with the sets' moments.

    |mean(x) - mean(y)|² + tr(A + B - 2 (A B)^(1/2)), where A and B are sample covariances. On the
    features of Inception it is FID.

    References
    ----------
    Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium, NeurIPS 2017.
    """
    shift = x.mean(axis=0) - y.mean(axis=0)
    # A = a'a and B = b'b: the eigenvalues of A B are the squared singular values of a b'. Unlike
    # the root of a product of matrices this is exact where covariances are nearly singular.
    a, b = _root(x), _root(y)
    root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(shift @ shift + np.square(a).sum() + np.square(b).sum() - 2 * root)


def _root(z: Features) -> Features:
    """Return a triangular matrix r with r'r the covariance of z, float64 (min(n, d), d)."""
    return cast(Features, np.linalg.qr((z - z.mean(axis=0)) / np.sqrt(len(z) - 1), mode="r"))


@dataclass(frozen=True)
class KernelSums:
    """Sums over the samples of each two photographs, from which `kernel_distance` is computed.

    The kernel is (x'y / d + 1)³, that of KID.
    """

    # k(x, x') + k(y, y'), and k(x, y'), float64 (groups, groups).
    within: Features
    across: Features
    # The diagonal of `within` without the pairs of a sample with itself, float64 (groups,).
    own: Features
    # Samples of each photograph, int (groups,).
    sizes: Groups


def kernel_sums(x: Features, y: Features, groups: Groups) -> KernelSums:
    order = np.argsort(groups, kind="stable")
    x, y, groups = x[order], y[order], groups[order]
    within = _kernel(x, x) + _kernel(y, y)
    itself = np.bincount(groups, weights=np.diagonal(within))
    sizes = np.bincount(groups)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    within, across = (_summed(sums, starts) for sums in (within, _kernel(x, y)))
    return KernelSums(within, across, np.diagonal(within) - itself, sizes)


def kernel_distance(
    sums: KernelSums, weights: Weights | None = None, *, same_photograph: bool
) -> float:
    """Return the squared maximum mean discrepancy; on the features of Inception it is KID.

    Parameters
    ----------
    same_photograph
        Whether to count the pairs of samples of one photograph. The usual estimate counts them and
        is unbiased if the sets are independent. Here each result has the known pixels of its
        reference, which makes these pairs alike and the estimate too low, by about 2 / n times
        what they are more alike than others; without them it is unbiased (a U-statistic).

    References
    ----------
    Bińkowski et al., Demystifying MMD GANs, ICLR 2018. Gretton et al., A kernel two-sample test,
    JMLR 13, 2012, lemma 6.
    """
    w = np.ones(len(sums.sizes), np.intp) if weights is None else weights
    pairs = (w @ sums.sizes) ** 2 - np.square(w) @ np.square(sums.sizes)
    within = w @ sums.within @ w - np.square(w) @ np.diagonal(sums.within)
    across = w @ sums.across @ w - np.square(w) @ np.diagonal(sums.across)
    if not same_photograph:
        return float((within - 2 * across) / pairs)
    within = (within + w @ sums.own) / (pairs + w @ (sums.sizes * (sums.sizes - 1)))
    across = (across + w @ np.diagonal(sums.across)) / (pairs + w @ np.square(sums.sizes))
    return float(within - 2 * across)


class Discriminated(NamedTuple):
    """How a linear support vector machine takes each sample, float64 (n,)."""

    # 1 where the result lies further on the side of the references than its own reference does.
    fooled: Features
    # The share of the two, result and reference, that are on the wrong side: 0, 0.5 or 1.
    wrong: Features


def discriminated(x: Features, y: Features) -> Discriminated:
    """Tell references from results; the means of the fields are P-IDS and U-IDS.

    The machine is fitted to the samples that it is then tried on, as its authors do.

    References
    ----------
    Zhao et al., Large scale image completion via co-modulated generative adversarial networks,
    ICLR 2021.
    """
    of_x, of_y = np.split(_decisions(np.concatenate([x, y]), len(x)), 2)
    return Discriminated((of_y > of_x).astype(float), ((of_x <= 0) + (of_y > 0).astype(float)) / 2)


def _decisions(samples: Features, positives: int) -> Features:
    """Return the decisions of the support vector machine of scikit-learn's LinearSVC(dual=False).

    It minimises |w|² / 2 + sum max(0, 1 - t w'z)², where z is a sample with a 1 behind it and t its
    side, by Newton's method.
    """
    z = np.column_stack([samples, np.ones(len(samples))])
    side = np.where(np.arange(len(z)) < positives, 1.0, -1.0)

    def loss(w: Features) -> tuple[float, Features]:
        slack = np.maximum(0, 1 - side * (z @ w))
        return float(w @ w / 2 + slack @ slack), w - 2 * z.T @ (side * slack)

    def hessian_product(w: Features, v: Features) -> Features:
        violated = side * (z @ w) < 1
        return v + 2 * z.T @ (violated * (z @ v))

    # Of the gradient at 0, like liblinear's.
    tolerance = 1e-6 * float(np.linalg.norm(loss(np.zeros(z.shape[1]))[1]))
    found = minimize(
        loss,
        np.zeros(z.shape[1]),
        jac=True,
        hessp=hessian_product,
        method="trust-ncg",
        options={"gtol": tolerance, "maxiter": 1000},
    )
    return z @ found.x


def _kernel(x: Features, y: Features) -> Features:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _summed(kernel: Features, starts: Groups) -> Features:
    """Sum a kernel's matrix over the samples of each two photographs."""
    return np.add.reduceat(np.add.reduceat(kernel, starts, axis=0), starts, axis=1)
