"""Pooling: one number for each window and channel of images (n, height, width, channels).  g is the gradient of the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record
from neurosim.autodiff.sliding import Windows, windows
from neurosim.errors import ParameterError


def max_pool2d(x: Any, kernel: Any, stride: Any = None, padding: Any = "valid") -> Var:
    """Return the largest element of each window; the gradient goes to the first of the largest.

    Args:
        x: shape (n, height, width, channels).
        kernel: size of the windows, number or (height, width).
        stride: distance of windows; None: the kernel.
        padding: as of `conv2d`; what is added is never the largest.

    Raises:
        ParameterError: shapes that do not fit.
    """
    u, at = _start("max_pool2d", x, kernel, stride, padding)
    padded = at.padded(u, -np.inf)
    y, best = np.array(padded[at.under(0, 0)]), np.zeros((len(u), *at.places, u.shape[3]), np.int32)
    elements = [(i, j) for i in range(at.kernel[0]) for j in range(at.kernel[1])]
    for k, (i, j) in enumerate(elements[1:], 1):
        here = padded[at.under(i, j)]
        better = here > y
        best[better] = k
        # NaN is handed on
        np.maximum(y, here, out=y)

    def pull(g: np.ndarray) -> np.ndarray:
        d = np.zeros(padded.shape, g.dtype)
        for k, (i, j) in enumerate(elements):
            d[at.under(i, j)] += g*(best == k)
        return at.cut(d)

    return record("max_pool2d", y, (x,), pull)


def avg_pool2d(x: Any, kernel: Any, stride: Any = None, padding: Any = "valid") -> Var:
    """Return the mean of each window; every element gets an equal share of the gradient.

    Args:
        x: shape (n, height, width, channels).
        kernel: size of the windows, number or (height, width).
        stride: distance of windows; None: the kernel.
        padding: as of `conv2d`; what is added counts as zeros.

    Raises:
        ParameterError: shapes that do not fit.
    """
    u, at = _start("avg_pool2d", x, kernel, stride, padding)
    padded, count = at.padded(u), at.kernel[0]*at.kernel[1]
    elements = [(i, j) for i in range(at.kernel[0]) for j in range(at.kernel[1])]
    y = np.zeros((len(u), *at.places, u.shape[3]), u.dtype)
    for i, j in elements:
        y += padded[at.under(i, j)]
    y /= count

    def pull(g: np.ndarray) -> np.ndarray:
        d, share = np.zeros(padded.shape, g.dtype), g/count
        for i, j in elements:
            d[at.under(i, j)] += share
        return at.cut(d)

    return record("avg_pool2d", y, (x,), pull)


def _start(name: str, x: Any, kernel: Any, stride: Any, padding: Any) -> tuple[np.ndarray, Windows]:
    u = np.asarray(data(x))
    if u.ndim != 4:
        raise ParameterError(f"{name}: x has shape {u.shape}; (n, height, width, channels) is needed, channels last.")
    size = (kernel, kernel) if isinstance(kernel, (int, np.integer)) else tuple(kernel)
    u = u if u.dtype.kind in "fc" else u.astype(np.float64)
    return u, windows(name, u.shape[1:3], size, size if stride is None else stride, padding)
