"""Random manifolds: a classification of spike times that can be made as easy or as hard as one likes.

Each class is a smooth manifold of D dimensions, bent at random within the space of the spike times of d neurons; a sample is a
point drawn on it, every neuron spikes once.

    f_i(x) = product over j = 1 ... D of sum over k = 1 ... K of A_ijk k^(-a) sin(2 pi (k x_j B_ijk + C_ijk))

with A, B, C uniform on (0, 1), x uniform on (0, 1)^D, K such that K^(-a) is a thousandth, at most 1000; f_i of all samples of
a class is then scaled to 0 ... 1, and the spike of neuron i falls into step f_i (T - 1).  The larger a, the smoother, and the
easier; the larger D, or the more classes, the harder.

Source: Zenke & Vogels 2021 (doi:10.1162/neco_a_01367).
"""

from __future__ import annotations

import numpy as np

from neurosim.errors import ParameterError
from neurosim.spiking.checks import whole_steps


def random_manifolds(samples: int = 1000, units: int = 20, classes: int = 10, steps: int = 100, dimensions: int = 1,
                     smoothness: float = 2.0, seed: int = 0, dense: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return samples and their classes, in random order.

    Args:
        samples: of each class.
        units: neurons, d.
        classes: how many manifolds.
        steps: T.
        dimensions: D, of a manifold.
        smoothness: a, at least 0.
        seed: of the manifolds and of the points on them.
        dense: spikes (n, T, d), uint8; else the step of the spike of each neuron, (n, d), without rounding, float64.

    Raises:
        ParameterError: numbers out of range.
    """
    for what, value, low in (("samples", samples, 2), ("units", units, 1), ("classes", classes, 1), ("steps", steps, 1),
                             ("dimensions", dimensions, 1)):
        whole_steps("random_manifolds", what, value, low)
    if not 0 <= smoothness < np.inf:
        raise ParameterError(f"random_manifolds: smoothness must be a number of at least 0, not {smoothness!r}.")
    rng = np.random.default_rng(seed)
    most = min(1000, int(np.ceil(1e-3**(-1/smoothness)))) if smoothness > 0.1 else 1000
    times = np.concatenate([_points(rng, samples, units, dimensions, smoothness, most) for _ in range(classes)])
    times *= steps - 1
    labels = np.repeat(np.arange(classes), samples)
    order = rng.permutation(len(labels))
    times, labels = times[order], labels[order]
    if not dense:
        return times, labels
    s = np.zeros((len(times), steps, units), np.uint8)
    np.put_along_axis(s, np.rint(times).astype(np.intp)[:, np.newaxis], 1, axis=1)
    return s, labels


def _points(rng: np.random.Generator, n: int, units: int, dimensions: int, smoothness: float, most: int) -> np.ndarray:
    """Return points of one manifold, (n, units), each neuron scaled to 0 ... 1."""
    k = np.arange(1, most + 1)
    x, f = rng.random((n, dimensions)), np.ones((n, units))
    for i in range(units):
        for j in range(dimensions):
            height, pace, start = rng.random((3, most))
            f[:, i] *= np.sin(2*np.pi*(x[:, j, np.newaxis]*(k*pace) + start)) @ (height*k**-smoothness)
    low, high = f.min(axis=0), f.max(axis=0)
    return (f - low)/np.where(high > low, high - low, 1)
