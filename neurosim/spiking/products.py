"""Products of what comes into a layer, at all steps, with its weights: x w, and x^T dz for the gradient of w.

Spikes are rare: at 2 spikes in 100 places, adding the rows of w that belong to spikes is 50 times less work than the product of
matrices.  Which way is taken depends on x alone:

    Constant   the same at all steps (an array of which the axis of time is broadcast): one product instead of T
    Events     few elements are not 0
    Full       all others

Each works on a range of samples, so that what it makes is still in a cache when the neurons' loop reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from neurosim.kernels.widths import tile
from neurosim.spiking import compiled

#: share of elements other than 0 up to which events are quicker than a product of matrices
RARE = 0.2
#: does its work for samples start ... start + count - 1
Run = Callable[[int, int], None]


class Product(Protocol):
    """x of shape (n, T, n_in), ready to be multiplied."""

    def forward(self, w: np.ndarray, u: np.ndarray) -> Run:
        """Return what lets u = x w, shape (n, T, units)."""

    def backward(self, dz: np.ndarray) -> tuple[Run, Callable[[], np.ndarray]]:
        """Return what adds x(t)^T dz(t) to a sum, and what returns the sum, shape (n_in, units).

        dz, shape (at least count, T, units), holds only those samples.
        """


def product_of(x: np.ndarray, lag: int = 0) -> Product:
    """Return the quickest way to multiply x.

    Args:
        x: shape (n, T, n_in), float64 or float32.
        lag: steps by which x comes later, for `backward` only: x(t)^T dz(t + lag).
    """
    if x.shape[1] > 1 and x.strides[1] == 0 and not lag:
        return Constant(x)
    x = np.ascontiguousarray(x)
    n, steps, n_in = x.shape
    first = np.full(n*steps + 1, -1, np.int64)
    most = int(RARE*x.size) + n_in
    event, value = np.empty(most, np.int32), np.empty(most, x.dtype)
    compiled.list_events(x.dtype == np.float32).bind(steps, n_in, x.ravel(), first, event, value)(0, n)
    return Events(x, first, event, value, lag) if first[-1] >= 0 else Full(x, lag)


class Constant:
    """The same input at all steps."""

    def __init__(self, x: np.ndarray):
        self.x = np.ascontiguousarray(x[:, 0])

    def forward(self, w: np.ndarray, u: np.ndarray) -> Run:
        """See `Product`."""
        def run(start: int, count: int) -> None:
            u[start:start + count] = (self.x[start:start + count] @ w)[:, np.newaxis]

        return run

    def backward(self, dz: np.ndarray) -> tuple[Run, Callable[[], np.ndarray]]:
        """See `Product`."""
        dw = np.zeros((self.x.shape[1], dz.shape[2]), dz.dtype)

        def run(start: int, count: int) -> None:
            dw[...] += self.x[start:start + count].T @ dz[:count].sum(axis=1)

        return run, lambda: dw


class Full:
    """Any input, by products of matrices."""

    def __init__(self, x: np.ndarray, lag: int):
        self.x, self.lag = x, lag

    def forward(self, w: np.ndarray, u: np.ndarray) -> Run:
        """See `Product`."""
        def run(start: int, count: int) -> None:
            part, out = self.x[start:start + count], u[start:start + count]
            np.matmul(part.reshape(-1, part.shape[2]), w, out=out.reshape(-1, w.shape[1]))

        return run

    def backward(self, dz: np.ndarray) -> tuple[Run, Callable[[], np.ndarray]]:
        """See `Product`."""
        n_in, units, steps = self.x.shape[2], dz.shape[2], dz.shape[1] - self.lag
        dw = np.zeros((n_in, units), dz.dtype)

        def run(start: int, count: int) -> None:
            x, d = self.x[start:start + count, :steps], dz[:count, self.lag:]
            dw[...] += x.reshape(-1, n_in).T @ d.reshape(-1, units)

        return run, lambda: dw


class Events:
    """Rare events, one by one."""

    def __init__(self, x: np.ndarray, first: np.ndarray, event: np.ndarray, value: np.ndarray, lag: int):
        _, self.steps, self.n_in = x.shape
        self.events, self.lag = (first, event, value), lag
        self.columns, self.single = tile(x.dtype), x.dtype == np.float32

    def forward(self, w: np.ndarray, u: np.ndarray) -> Run:
        """See `Product`."""
        units, columns = w.shape[1], self.columns
        # with rows in one piece, a tile does not compete with itself for places in the cache
        tiles = np.zeros((-(-units//columns), self.n_in, columns), w.dtype)
        for k, part in enumerate(tiles):
            some = w[:, k*columns:(k + 1)*columns]
            part[:, :some.shape[1]] = some
        return compiled.gather(self.single).bind(self.steps, self.n_in, units, *self.events, tiles.reshape(-1),
                                                 np.zeros(columns, w.dtype), u.reshape(-1))

    def backward(self, dz: np.ndarray) -> tuple[Run, Callable[[], np.ndarray]]:
        """See `Product`."""
        units, n_events = dz.shape[2], max(int(self.events[0][-1]), 0)
        dw = np.zeros((self.n_in, units), dz.dtype)
        # a block has far fewer events, but memory that is not used is none
        scratch = np.empty(self.n_in + 1, np.int64), np.empty(n_events, np.int32), np.empty(n_events, dz.dtype)
        run = compiled.scatter(self.single).bind(self.steps, self.lag, self.n_in, units, self.columns, *self.events, *scratch,
                                                 dz.reshape(-1), dw.reshape(-1))
        return run, lambda: dw
