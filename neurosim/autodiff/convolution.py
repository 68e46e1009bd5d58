"""Convolution, in the sense of neural networks: the same weights for every window, no flip.

    z[n, i, j, c] = b[c] + sum over u, v, k of x[n, s i + d u, s j + d v, k] w[u, v, k, c]

With the windows as rows R this is z = R w + b, so that dw = R^T g, db = the sum of the rows of g, and dx spreads the rows
g w^T back to where they lie.  Source: Dumoulin & Visin 2016, arXiv:1603.07285.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record
from neurosim.autodiff.shaping import reshape
from neurosim.autodiff.sliding import windows
from neurosim.errors import ParameterError


def conv2d(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = "valid", dilation: Any = 1) -> Var:
    """Return the convolution of images with kernels.

    Args:
        x: images, shape (n, height, width, channels): channels last.
        w: kernels, shape (kh, kw, channels, channels_out).
        b: shape (channels_out,), or None.
        stride, dilation: number, or one along height and one along width.
        padding: "valid" (none), "same", a number, (rows, columns) or ((above, below), (left, right)); of zeros.

    Returns:
        Shape (n, rows, columns, channels_out).

    Raises:
        ParameterError: shapes that do not fit.
    """
    u, k = np.asarray(data(x)), np.asarray(data(w))
    if u.ndim != 4 or k.ndim != 4 or u.shape[3] != k.shape[2]:
        raise ParameterError(f"conv2d: x has shape {u.shape}, w {k.shape}; needed are (n, height, width, channels) and "
                             "(kh, kw, channels, channels_out), channels last.")
    offset = None if b is None else np.asarray(data(b))
    if offset is not None and offset.shape != k.shape[3:]:
        raise ParameterError(f"conv2d: b has shape {offset.shape}; {k.shape[3:]} is needed, one number for each channel that "
                             "goes out.")
    at = windows("conv2d", u.shape[1:3], k.shape[:2], stride, padding, dilation)
    padded, flat = at.padded(u), k.reshape(-1, k.shape[3])
    chunk = at.samples(u.shape[3], u.itemsize)
    z = np.empty((len(u), *at.places, k.shape[3]), np.result_type(u, k) if offset is None else np.result_type(u, k, offset))

    def rows(first: int) -> np.ndarray:
        # made again in the backward pass: copying costs less than the memory of kh kw copies of everything
        return at.view(padded[first:first + chunk]).reshape(-1, flat.shape[0])

    for first in range(0, len(u), chunk):
        z[first:first + chunk] = (rows(first) @ flat).reshape(-1, *z.shape[1:])
    if offset is not None:
        z += offset

    def of_x(g: np.ndarray) -> np.ndarray:
        d = np.empty(u.shape, g.dtype)
        for first in range(0, len(u), chunk):
            part = g[first:first + chunk]
            d[first:first + chunk] = at.spread((part.reshape(-1, g.shape[3]) @ flat.T).reshape(*part.shape[:3], *k.shape[:3]))
        return d

    def of_w(g: np.ndarray) -> np.ndarray:
        d = np.zeros(flat.shape, g.dtype)
        for first in range(0, len(u), chunk):
            d += rows(first).T @ g[first:first + chunk].reshape(-1, g.shape[3])
        return d.reshape(k.shape)

    pulls = (of_x, of_w, lambda g: g.reshape(-1, g.shape[3]).sum(axis=0))
    return record("conv2d", z, (x, w) if b is None else (x, w, b), *pulls)


def conv1d(x: Any, w: Any, b: Any = None, stride: int = 1, padding: Any = "valid", dilation: int = 1) -> Var:
    """Return the convolution of sequences with kernels.

    Args:
        x: shape (n, length, channels).
        w: shape (k, channels, channels_out).
        b: shape (channels_out,), or None.
        stride, dilation: whole numbers.
        padding: "valid" (none), "same", a number, or (before, after); of zeros.  (dilation*(k - 1), 0) is causal.

    Returns:
        Shape (n, places, channels_out).

    Raises:
        ParameterError: shapes that do not fit.
    """
    u, k = np.shape(data(x)), np.shape(data(w))
    if len(u) != 3 or len(k) != 3 or u[2] != k[1]:
        raise ParameterError(f"conv1d: x has shape {u}, w {k}; needed are (n, length, channels) and (k, channels, "
                             "channels_out).")
    around = padding if isinstance(padding, str) else ((0, 0), padding)
    y = conv2d(reshape(x, (u[0], 1, *u[1:])), reshape(w, (1, *k)), b, (1, stride), around, (1, dilation))
    return reshape(y, (u[0], y.shape[2], k[2]))
