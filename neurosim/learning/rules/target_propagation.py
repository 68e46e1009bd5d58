"""Difference target propagation: layers are taught by targets that learned inverses send down, not by gradients.

    h^l = sigma(h^(l-1) W^l + b^l),  l = 1 ... L-1;     answer from z = h^(L-1) W^L + b^L
    inverses     g^l(h) = sigma(h V^l + c^l),  from layer l to l - 1,   l = 2 ... L-1,   or L, from z
    targets      h*^(l-1) = h^(l-1) + g^l(h*^l) - g^l(h^l)                      the difference undoes errors of g
    first one    h*^(L-1) = h^(L-1) - eta dC/dh^(L-1)                           "hidden": the rule of the paper
                 z*       = z - eta dC/dz, and h*^(L-1) by the rule above       "answer": without transposed weights
    changes      of W^l: down the slope of |h^l - h*^l|^2/(2 eta); of W^L: down that of C
    of V^l       down the slope of |g^l(f^l(h + noise)) - (h + noise)|^2/2,     h = h^(l-1)

If g^l is the inverse of f^l, then f^l(h*^(l-1)) = h*^l: a target is what would bring about the one above, and small
differences are those of Gauss-Newton steps rather than of gradients.

Sources: Lee et al. 2015 (doi:10.1007/978-3-319-23528-8_31, arXiv:1412.7525); Gauss-Newton: Meulemans et al. 2020,
arXiv:2006.14331.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from neurosim.learning.rules.feedforward import Pass
from neurosim.learning.rules.layers import Layers
from neurosim.predictive.activation import ACTIVATIONS

#: where the first target stands
FIRST = ("hidden", "answer")


def inverses_of(back: Layers, activation: str) -> list[Callable[[np.ndarray], np.ndarray]]:
    """Return functions g of layers 2 ... L (or to L - 1), lowest first, from layers that lead down: V^L, V^(L-1), ..., V^2."""
    value = ACTIVATIONS[activation].value
    return [lambda h, v=v, c=c: value(h @ v + c) for v, c in list(zip(back.weights, back.biases))[::-1]]


def targets(h: Sequence[np.ndarray], first: np.ndarray,
            inverses: Sequence[Callable[[np.ndarray], np.ndarray]]) -> list[np.ndarray]:
    """Return targets of layers 1 ... K, where the last is `first`.

    Args:
        h: activity of layers 1 ... K.
        first: target of layer K.
        inverses: g from layer 2 to 1, from 3 to 2, ..., from K to K - 1.
    """
    found = [first]
    for below, above, g in zip(h[-2::-1], h[:0:-1], inverses[::-1]):
        found.append(below + g(found[-1]) - g(above))
    return found[::-1]


def deltas(passed: Pass, error: np.ndarray, last: np.ndarray, eta: float, first: str,
           inverses: Sequence[Callable[[np.ndarray], np.ndarray]]) -> list[np.ndarray]:
    """Return deltas of layers 1 ... L, of which `feedforward.changes` makes changes.

    Args:
        passed: the forward pass.
        error: dC/dz, (n, n_L).
        last: W^L.
        eta: length of the step to the first target.
        first: one of `FIRST`.
        inverses: from layer 2 to 1 and so on, up to those from L - 1 ("hidden") or L ("answer").
    """
    y = passed.y
    if first == "hidden":
        found = targets(y[1:-1], y[-2] - eta*(error @ last.T), inverses) if len(y) > 2 else []
    else:
        found = targets(y[1:], y[-1] - eta*error, inverses)[:-1]
    return [*((h - goal)*slope/eta for h, goal, slope in zip(y[1:-1], found, passed.slopes)), error]


def inverse_changes(back: Layers, forward: Layers, activation: str, h: Sequence[np.ndarray], noise: float,
                    rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """Return changes of the inverses' weights and biases, and the mean squared error of reconstruction.

    Args:
        back: V^K, ..., V^2 in this order, K = L or L - 1.
        h: activity of layers 1 ... K - 1.
        noise: standard deviation of what is added to activity before it is reconstructed.
    """
    f, weights, biases, total = ACTIVATIONS[activation], [], [], 0.0
    levels = range(len(h), 0, -1)
    for level, v, c in zip(levels, back.weights, back.biases):
        goal = h[level - 1]
        goal = goal + noise*rng.standard_normal(goal.shape, dtype=goal.dtype)
        above = goal @ forward.weights[level] + forward.biases[level]
        if level < len(forward.weights) - 1:
            above = f.value(above)
        u = above @ v + c
        found = f.value(u)
        d = found - goal
        total += float(np.vdot(d, d))/d.size
        d *= f.slope(u, found)/-len(d)
        weights.append(above.T @ d)
        biases.append(d.sum(axis=0))
    return weights, biases, total/max(1, len(h))
