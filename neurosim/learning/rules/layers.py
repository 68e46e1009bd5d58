"""Weights and biases of a chain of layers, and the optimiser that moves them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.autodiff import Var
from neurosim.errors import ParameterError
from neurosim.learning.descent import Descent
from neurosim.learning.initialisers import Initialiser
from neurosim.learning.optimisers import SGD, Optimiser


class Layers:
    """Weights (n_in, n_out) and biases (n_out,) of layers 1 ... L.

        layers.step(weights, biases)        # changes, which stand for minus gradients; l2 w is taken from those of weights

    Attributes:
        sizes: units of layers 0 ... L.
        x: all numbers, weights first, in one flat array, of which weights and biases are views.
        steps: number of steps made, (1,).

    Raises:
        ParameterError: the shapes are no chain.
    """

    def __init__(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], optimiser: Optimiser | None = None,
                 l2: float = 0.0):
        self.sizes = tuple(w.shape[0] for w in weights) + tuple(b.size for b in biases[-1:])
        if not weights or [w.shape for w in weights] != list(zip(self.sizes, self.sizes[1:])) \
                or [b.shape for b in biases] != [(n,) for n in self.sizes[1:]]:
            raise ParameterError("Layers: weights must be a chain of matrices (n_in, n_out), each with biases (n_out,), not "
                                 f"{[w.shape for w in weights]} with {[b.shape for b in biases]}.")
        self._variables = [Var(a) for a in (*weights, *biases)]
        self._descent = Descent(self._variables, optimiser or SGD(0.1), l2=l2)
        # an array, so that it can be put back with the others
        self.steps = np.zeros(1, np.int64)

    @staticmethod
    def drawn(sizes: Sequence[int], initialiser: Initialiser, rng: np.random.Generator, optimiser: Optimiser | None = None,
              l2: float = 0.0, dtype: str = "float64") -> Layers:
        """Return layers of these sizes with random weights and no biases."""
        pairs = list(zip(sizes, sizes[1:]))
        return Layers([initialiser(pair, rng).astype(dtype) for pair in pairs], [np.zeros(n, dtype) for _, n in pairs],
                      optimiser, l2)

    @property
    def x(self) -> np.ndarray:
        """All numbers, in one flat array."""
        return self._descent.x

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights of layers 1 ... L; write into them, do not replace them."""
        return [v.value for v in self._variables[:len(self.sizes) - 1]]

    @property
    def biases(self) -> list[np.ndarray]:
        """Biases of layers 1 ... L, likewise."""
        return [v.value for v in self._variables[len(self.sizes) - 1:]]

    def learnt(self) -> list[np.ndarray]:
        """Return all arrays that a step changes."""
        return [self.x, self.steps, *self._descent.state.values()]

    def step(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], epoch: float = 0.0) -> None:
        """Make a step along these changes; `epoch` is the time for schedules of the learning rate."""
        for variable, change in zip(self._variables, (*weights, *biases), strict=True):
            variable.grad = -change
        self._descent.steps = int(self.steps[0])
        self._descent.step(epoch)
        self.steps += 1
