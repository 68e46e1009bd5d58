"""Universal approximation, by construction: a continuous function on [0, 1] out of thresholds.

Cut [0, 1] into pieces on each of which f varies by less than 2 epsilon, and give each piece the value in the middle of that
range.  With the threshold function H, piece i being from a_i to a_(i+1),

    f^(x) = sum_i c_i (H(x - a_i) - H(x - a_(i+1)))   is a layer of thresholds and a linear one:   max |f^ - f| < epsilon

Source: Cybenko 1989 (doi:10.1007/BF02551274); Hornik, Stinchcombe & White 1989 (doi:10.1016/0893-6080(89)90020-8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.learning.dense import Dense
from neurosim.learning.models import Model, build

#: places where a piece is looked at
_PLACES = 33


@dataclass(frozen=True)
class ThresholdPieces:
    """A function that is constant on pieces.

    Attributes:
        edges: borders of the pieces, from 0 to 1, shape (n + 1,).
        values: c_i, shape (n,).
        error: largest difference that was seen, or with a Lipschitz constant can be.
    """

    edges: np.ndarray
    values: np.ndarray
    error: float

    def __call__(self, x: Any) -> np.ndarray:
        """Return f^(x); a border belongs to the piece on its left, 0 to the first one."""
        return self.values[np.clip(np.searchsorted(self.edges, x, side="left") - 1, 0, len(self.values) - 1)]

    def as_model(self, dtype: Any = "float64") -> Model:
        """Return the same function as a model of a threshold layer and a linear one: inputs of shape (n, 1)."""
        n = len(self.values)
        # one threshold where pieces meet does the end of one and the beginning of the next; the first lies below 0
        model = build([Dense(n, "heaviside"), Dense(1, bias=False)], 1, dtype=dtype)
        model.load({"0.w": np.ones((1, n)), "0.b": -np.concatenate([[-1.0], self.edges[1:-1]]),
                    "1.w": np.diff(self.values, prepend=0.0)[:, np.newaxis]})
        return model


def universal_approximation(f: Callable[[np.ndarray], np.ndarray], epsilon: float, lipschitz: float | None = None,
                            most: int = 100_000) -> ThresholdPieces:
    """Return a sum of thresholds that is nearer than `epsilon` to a continuous f everywhere on [0, 1].

    A piece is halved until f varies little enough at 33 places of it.  With a Lipschitz constant the bound is certain between
    these places too; without, it is what is seen there, and half of epsilon is left to what is not.

    Args:
        f: function of an array of numbers from 0 to 1 that returns as many.
        epsilon: largest difference.
        lipschitz: L with |f(x) - f(y)| <= L |x - y|, if known.
        most: pieces at which to give up.

    Raises:
        ParameterError: f is not finite somewhere, returns another shape, or needs more than `most` pieces (it may jump).
    """
    if not 0 < epsilon < np.inf:
        raise ParameterError(f"universal_approximation: epsilon={epsilon!r} must be positive.")
    if lipschitz is not None and not 0 <= lipschitz < np.inf:
        raise ParameterError(f"universal_approximation: lipschitz={lipschitz!r} must not be negative.")
    edges, values, errors = [], [], []
    ahead = [(0.0, 1.0)]
    while ahead:
        left, right = ahead.pop()
        x = np.linspace(left, right, _PLACES)
        y = np.asarray(f(x), dtype=np.float64)
        if y.shape != x.shape or not np.isfinite(y).all():
            raise ParameterError(f"universal_approximation: f must return {_PLACES} finite numbers for {_PLACES} places; "
                                 f"between {left:.6g} and {right:.6g} it returned shape {y.shape}.")
        low, high = y.min(), y.max()
        between = lipschitz*(x[1] - x[0])/2 if lipschitz is not None else 0.0
        error = (high - low)/2 + between
        if error < (epsilon if lipschitz is not None else epsilon/2) or (high == low and lipschitz is None):
            edges.append(left)
            values.append((low + high)/2)
            errors.append(error)
        else:
            middle = (left + right)/2
            ahead += [(middle, right), (left, middle)]
        if len(values) + len(ahead) > most:
            raise ParameterError(f"universal_approximation: more than {most} pieces for epsilon={epsilon}, near x={left:.6g}. "
                                 "f may jump there: only continuous functions are approximated everywhere. Use a larger "
                                 "epsilon.")
    return ThresholdPieces(np.array([*edges, 1.0]), np.array(values), float(max(errors)))
