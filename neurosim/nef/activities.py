"""Activities A of an ensemble at its evaluation points, whole or block by block.

    A[i, j] = G(gain_j <e_j, x_i>/radius + bias_j)   Hz,   shape (m, n): m points, n neurons

A matrix that is small is computed once and kept; a large one is never held as a whole: whoever works with it asks for
blocks, which are computed again each time (a few ns an entry for LIF neurons, much less than what is done with them).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.blas import product
from neurosim.errors import ParameterError
from neurosim.nef.neurons import NeuronType

#: bytes up to which a whole matrix is kept
KEEP = 128 * 2**20
#: bytes of a block; the work on it needs about three times as much for a moment
BLOCK = 16 * 2**20


class Activities:
    """Activities of neurons at evaluation points.

    Args:
        neurons: neuron type with its rate curve G.
        gain, bias: shape (n,).
        encoders: shape (n, d), rows of length 1.
        points: evaluation points, shape (m, d), in the units of the represented vector.
        radius: length of a vector that is taken as 1.

    Raises:
        ParameterError: for shapes that do not fit.
    """

    def __init__(self, neurons: NeuronType, gain: np.ndarray, bias: np.ndarray, encoders: np.ndarray, points: np.ndarray,
                 radius: float = 1.0):
        self.neurons = neurons
        self.gain, self.bias = np.asarray(gain, dtype=float), np.asarray(bias, dtype=float)
        self.encoders, self.points = np.asarray(encoders, dtype=float), np.asarray(points, dtype=float)
        self.radius = float(radius)
        n = self.gain.size
        if self.encoders.ndim != 2 or self.points.ndim != 2 or self.encoders.shape[1] != self.points.shape[1]:
            raise ParameterError(f"Activities: encoders {self.encoders.shape} and points {self.points.shape} must have shapes "
                                 "(n, d) and (m, d) with the same d.")
        if self.gain.shape != (n,) or self.bias.shape != (n,) or len(self.encoders) != n:
            raise ParameterError(f"Activities: gain {self.gain.shape} and bias {self.bias.shape} must have shape (n,) for "
                                 f"encoders of shape {self.encoders.shape}.")
        self._kept: np.ndarray | None = None
        self._top: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n): points, neurons."""
        return len(self.points), self.gain.size

    @property
    def nbytes(self) -> int:
        """Memory of the matrix if it is kept, bytes."""
        return 0 if self._kept is None else self._kept.nbytes

    def rows(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield (which points, their activities of shape (some, n)) until all are through."""
        yield from self._through(0)

    def columns(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield (which neurons, their activities of shape (m, some)) until all are through."""
        yield from self._through(1)

    def whole(self) -> np.ndarray:
        """Return the matrix of shape (m, n)."""
        if self._kept is not None:
            return self._kept
        whole = np.empty(self.shape)
        for _ in self._blocks(0, whole):
            pass
        if whole.nbytes <= KEEP:
            whole.flags.writeable = False
            self._kept = whole
        return whole

    @property
    def top(self) -> float:
        """The greatest activity in Hz; of activities that are all negative the greatest without its sign."""
        if self._top is None:
            highest = -np.inf
            for _, block in self.columns():
                # unlike max this hands NaN on
                highest = np.maximum(highest, block.max(initial=-np.inf))
            if highest <= 0 and 0 not in self.shape:
                highest = -min(block.min() for _, block in self.columns())
            self._top = float(highest) if 0 not in self.shape else 0.0
        return self._top

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.whole(), dtype=dtype) if copy or dtype not in (None, float) else self.whole()

    def _through(self, axis: int) -> Iterator[tuple[slice, np.ndarray]]:
        if self._kept is None and 8 * self.shape[0] * self.shape[1] <= KEEP:
            self.whole()
        if self._kept is not None:
            yield slice(0, self.shape[axis]), self._kept
        else:
            yield from self._blocks(axis)

    def _blocks(self, axis: int, whole: np.ndarray | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield blocks; with axis 0 they can be parts of a matrix that is given."""
        long, other = self.shape[axis], self.shape[1 - axis]
        step = max(1, BLOCK // (8 * max(other, 1)))
        # J = <(x, 1), (gain e/radius, bias)>: the bias comes with the product, not in another pass through memory
        points = np.column_stack((self.points, np.ones(len(self.points))))
        weights = np.column_stack((self.encoders * (self.gain / self.radius)[:, None], self.bias))
        for first in range(0, long, step):
            part = slice(first, min(first + step, long))
            some, who = (points[part], slice(None)) if axis == 0 else (points, part)
            block = product(some, weights[who].T, np.empty((len(some), len(weights[who]))) if whole is None else whole[part])
            self.neurons.overwrite(block)
            yield part, block


class Given(Activities):
    """A matrix of activities that is there already, shape (m, n), Hz; it is not copied.

    Raises:
        ParameterError: for another shape than (m, n).
    """

    def __init__(self, matrix: np.ndarray):
        matrix = np.asarray(matrix, dtype=float)
        if matrix.ndim != 2:
            raise ParameterError(f"Activities must have shape (m, n), points by neurons, not {matrix.shape}.")
        self._kept = matrix
        self._top = None

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n): points, neurons."""
        return self._kept.shape
