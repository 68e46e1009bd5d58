"""Products of what comes into a layer, at all steps, with its weights: x w, and x^T dz for the gradient of w.

Spikes are rare: at 2 spikes in 100 places, adding the rows of w that belong to spikes is 50 times less work than the product of
matrices.  Which way is taken depends on x alone:

    Constant   the same at all steps (an array of which the axis of time is broadcast): one product instead of T
    Events     few elements are not 0
    Full       all others

Each works on a range of samples, so that what it makes is still in a cache when the neurons' loop reads it.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from neurosim.spiking import compiled

#: share of elements other than 0 up to which events are quicker than a product of matrices
RARE = 0.2


class Product(Protocol):
    """x of shape (n, T, n_in), ready to be multiplied."""

    def forward(self, w: np.ndarray, u: np.ndarray, start: int, count: int) -> None:
        """Let u = x w, shape (n, T, units), for samples start ... start + count - 1."""

    def backward(self, dz: np.ndarray, dw: np.ndarray, start: int, count: int) -> None:
        """Add x(t)^T dz(t) to dw, for those samples; dz, shape (count, T, units), holds only them."""


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
    event = np.empty(int(RARE*x.size) + n_in, np.int32)
    compiled.list_events(x.dtype == np.float32).bind(steps, n_in, x.ravel(), first, event)(0, n)
    return Events(x, first, event, lag) if first[-1] >= 0 else Full(x, lag)


class Constant:
    """The same input at all steps."""

    def __init__(self, x: np.ndarray):
        self.x = np.ascontiguousarray(x[:, 0])

    def forward(self, w: np.ndarray, u: np.ndarray, start: int, count: int) -> None:
        """See `Product`."""
        u[start:start + count] = (self.x[start:start + count] @ w)[:, np.newaxis]

    def backward(self, dz: np.ndarray, dw: np.ndarray, start: int, count: int) -> None:
        """See `Product`."""
        dw += self.x[start:start + count].T @ dz.sum(axis=1)


class Full:
    """Any input, by products of matrices."""

    def __init__(self, x: np.ndarray, lag: int):
        self.x, self.lag = x, lag

    def forward(self, w: np.ndarray, u: np.ndarray, start: int, count: int) -> None:
        """See `Product`."""
        part, out = self.x[start:start + count], u[start:start + count]
        np.matmul(part.reshape(-1, part.shape[2]), w, out=out.reshape(-1, w.shape[1]))

    def backward(self, dz: np.ndarray, dw: np.ndarray, start: int, count: int) -> None:
        """See `Product`."""
        steps = dz.shape[1] - self.lag
        x, d = self.x[start:start + count, :steps], dz[:, self.lag:]
        dw += x.reshape(-1, dw.shape[0]).T @ d.reshape(-1, dw.shape[1])


class Events:
    """Rare events, one by one."""

    def __init__(self, x: np.ndarray, first: np.ndarray, event: np.ndarray, lag: int):
        self.x, self.first, self.event, self.lag = x, first, event, lag
        self.single = x.dtype == np.float32

    def forward(self, w: np.ndarray, u: np.ndarray, start: int, count: int) -> None:
        """See `Product`."""
        _, steps, n_in = self.x.shape
        compiled.gather(self.single).bind(steps, n_in, w.shape[1], self.x.ravel(), self.first, self.event, w.ravel(),
                                          u.reshape(-1))(start, count)

    def backward(self, dz: np.ndarray, dw: np.ndarray, start: int, count: int) -> None:
        """See `Product`."""
        _, steps, n_in = self.x.shape
        compiled.scatter(self.single).bind(steps, self.lag, n_in, dw.shape[1], self.x.ravel(), self.first, self.event,
                                           dz.reshape(-1), dw.reshape(-1))(start, count)
