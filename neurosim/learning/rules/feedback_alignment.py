"""Feedback alignment: errors go backward by matrices that are fixed and random.

    backpropagation      delta^l = (delta^(l+1) (W^(l+1))^T) o slope^l
    feedback alignment   delta^l = (delta^(l+1) B^(l+1))     o slope^l,      B^l (n_l, n_(l-1)) fixed
    direct               delta^l = (delta^L     B^l)         o slope^l,      B^l (n_L, n_l)     fixed

With B = W^T the second is the first; with one hidden layer the third is the second.  Forward weights learn to align with the
feedback: the angle between a delta and backpropagation's falls below 90 degrees, so that it teaches.

Sources: Lillicrap et al. 2016 (doi:10.1038/ncomms13276); Nokland 2016, arXiv:1609.01596.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.learning.initialisers import Initialiser


def chain(error: np.ndarray, slopes: Sequence[np.ndarray | float], back: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return deltas of layers 1 ... L, handed down from layer to layer.

    Args:
        error: delta of layer L, (n, n_L).
        slopes: dy/dz of layers 1 ... L-1.
        back: matrices (n_l, n_(l-1)) that carry the delta of layer l = 2 ... L to the layer below.
    """
    deltas = [error]
    for slope, b in zip(slopes[::-1], back[::-1]):
        d = deltas[-1] @ b
        d *= slope
        deltas.append(d)
    return deltas[::-1]


def transposed(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the feedback of backpropagation, for `chain`: W^T of layers 2 ... L."""
    return [w.T for w in weights[1:]]


def direct(error: np.ndarray, slopes: Sequence[np.ndarray | float], back: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return deltas of layers 1 ... L, each from the error of the last; back: (n_L, n_l) for layers l = 1 ... L-1."""
    deltas = []
    for slope, b in zip(slopes, back):
        d = error @ b
        d *= slope
        deltas.append(d)
    return [*deltas, error]


def chain_feedback(sizes: Sequence[int], initialiser: Initialiser, scale: float, rng: np.random.Generator,
                   dtype: str = "float64") -> list[np.ndarray]:
    """Return random matrices for `chain`: scale times first weights, drawn anew."""
    return [(scale*initialiser(pair, rng)).astype(dtype).T.copy() for pair in zip(sizes[1:], sizes[2:])]


def direct_feedback(sizes: Sequence[int], scale: float, rng: np.random.Generator, dtype: str = "float64") -> list[np.ndarray]:
    """Return random matrices for `direct`: uniform, of variance scale^2/n_L, so that errors arrive at about their size."""
    limit = scale*np.sqrt(3/sizes[-1])
    return [rng.uniform(-limit, limit, (sizes[-1], n)).astype(dtype) for n in sizes[1:-1]]


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Return the angle between two arrays of one shape, in degrees; NaN if one is 0."""
    size = np.linalg.norm(a)*np.linalg.norm(b)
    return float(np.degrees(np.arccos(np.clip(np.vdot(a, b)/size, -1, 1)))) if size > 0 else float("nan")
