"""Rules that give the weights of a Hopfield network its memories.

    Hebbian          W = X^T X/M - I
    pseudo-inverse   W = X^+ X, the projection onto the span of the patterns
    Storkey          W_ij += (x_i x_j - x_i h_ji - h_ij x_j)/N,  h_ij = sum over k except i, j of W_ik x_k, pattern by pattern

X (M, N) has one pattern of -1 and 1 in each row.  All diagonals are 0: without self-connections asynchronous updates never
raise the energy, and basins of attraction are wider.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.attractors import checks
from neurosim.errors import ParameterError


def _patterns(patterns: Any) -> np.ndarray:
    x = checks.signs(checks.rows(patterns, "patterns"), "patterns")
    if not len(x):
        raise ParameterError("patterns has no rows. Give at least one pattern.")
    return x


def hebbian(patterns: Any) -> np.ndarray:
    """Return W = X^T X/M - I, shape (N, N): what fires together is wired together.

    The factor 1/M is that of this package; it scales the energy and moves no attractor of a network without bias.

    Args:
        patterns: X (M, N) of -1 and 1.

    Raises:
        ParameterError: for anything else.

    Source: J. J. Hopfield 1982, doi:10.1073/pnas.79.8.2554.
    """
    x = _patterns(patterns)
    w = x.T @ x / len(x)
    np.fill_diagonal(w, 0.0)
    return w


def pseudo_inverse(patterns: Any) -> np.ndarray:
    """Return the projection W = X^+ X onto the span of the patterns, with a diagonal of 0, shape (N, N).

    Without the diagonal the field of neuron i in a stored pattern is (1 - (X^+ X)_ii) x_i, so every pattern is stable as
    long as they do not span the unit vector of any neuron: for fewer than N patterns, however similar they are to each other.

    Args:
        patterns: X (M, N) of -1 and 1; repeated and dependent ones change nothing.

    Raises:
        ParameterError: for anything else, and for patterns that span the whole space, of which nothing would be kept.

    Source: L. Personnaz, I. Guyon & G. Dreyfus 1986, doi:10.1103/PhysRevA.34.4217; the diagonal: I. Kanter & H. Sompolinsky
    1987, doi:10.1103/PhysRevA.35.380.
    """
    x = _patterns(patterns)
    _, s, v = np.linalg.svd(x, full_matrices=False)
    # the usual rank of NumPy: below this a singular value is rounding
    v = v[s > s.max() * max(x.shape) * np.finfo(float).eps]
    n = x.shape[1]
    if len(v) == n:
        raise ParameterError(f"pseudo_inverse: the patterns span all {n} dimensions, so every state would be stable and none "
                             f"remembered. Store fewer than {n} independent patterns.")
    w = v.T @ v
    np.fill_diagonal(w, 0.0)
    return w


def storkey(patterns: Any) -> np.ndarray:
    """Return the weights of Storkey's rule, shape (N, N): local and incremental, with more capacity than Hebb's.

    Args:
        patterns: X (M, N) of -1 and 1, learnt in this order.

    Raises:
        ParameterError: for anything else.

    Source: A. Storkey 1997, doi:10.1007/BFb0020196: capacity N/sqrt(2 ln N), beside N/(2 ln N) of Hebb's rule.
    """
    x = _patterns(patterns)
    n = x.shape[1]
    w = np.zeros((n, n))
    for row in x:
        # without a diagonal only k = j is left to take out
        h = (w @ row)[:, None] - w * row
        w += (np.outer(row, row) - row[:, None] * h.T - h * row) / n
        np.fill_diagonal(w, 0.0)
    return w
