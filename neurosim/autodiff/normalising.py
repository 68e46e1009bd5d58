"""Normalisation along an axis: to probabilities, and to zero mean and unit variance.  g is the gradient of the result y."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record
from neurosim.autodiff.reductions import Axis, axes_of, demand_some


def shifted_exp(name: str, x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return e^(x - m), its sums along `axes`, and the largest elements m; nothing overflows.

    Raises:
        ParameterError: the axes have no elements; `name` is that of the operation, for the message.
    """
    demand_some(name, math.prod(x.shape[k] for k in axes), x.shape)
    m = x.max(axis=axes, keepdims=True)
    # rows of nothing but minus infinity would give infinity minus infinity
    m = np.where(np.isfinite(m), m, 0) if not np.all(np.isfinite(m)) else m
    e = x - m
    np.exp(e, out=e)
    return e, e.sum(axis=axes, keepdims=True), m


def logsumexp(a: Any, axis: Axis = None, keepdims: bool = False) -> Var:
    """Return log sum e^a = m + log sum e^(a - m) with m = max a; da = g softmax(a)."""
    x = np.asarray(data(a))
    axes = axes_of("logsumexp", axis, x.ndim)
    e, total, m = shifted_exp("logsumexp", x, axes)
    with np.errstate(divide="ignore"):
        y = np.log(total) + m
    shape = y.shape
    y = y if keepdims else y.squeeze(axes)
    return record("logsumexp", y, (a,), lambda g: e*(g.reshape(shape)/np.where(total == 0, 1, total)))


def softmax(a: Any, axis: int = -1) -> Var:
    """Return y = e^a/sum e^a along `axis`; da = y (g - sum g y)."""
    x = np.asarray(data(a))
    axes = axes_of("softmax", axis, x.ndim)
    e, total, _ = shifted_exp("softmax", x, axes)
    y = np.divide(e, total, out=e)
    return record("softmax", y, (a,), lambda g: y*(g - (g*y).sum(axis=axes, keepdims=True)))


def log_softmax(a: Any, axis: int = -1) -> Var:
    """Return y = a - log sum e^a along `axis`; da = g - softmax(a) sum g."""
    x = np.asarray(data(a))
    axes = axes_of("log_softmax", axis, x.ndim)
    e, total, m = shifted_exp("log_softmax", x, axes)
    y = x - m - np.log(total)
    return record("log_softmax", y, (a,), lambda g: g - e*(g.sum(axis=axes, keepdims=True)/total))


def standardise(a: Any, axis: Axis = -1, epsilon: float = 1e-5) -> Var:
    """Return y = (a - mean)/s with s = sqrt(variance + epsilon) along `axis`; da = (g - mean g - y mean(g y))/s.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167.
    """
    x = np.asarray(data(a))
    axes = axes_of("standardise", axis, x.ndim)
    y, s = standardised(x, axes, epsilon)[:2]

    def pull(g: np.ndarray) -> np.ndarray:
        return (g - g.mean(axis=axes, keepdims=True) - y*(g*y).mean(axis=axes, keepdims=True))/s

    return record("standardise", y, (a,), pull)


def standardised(x: np.ndarray, axes: tuple[int, ...], epsilon: float) -> tuple[np.ndarray, ...]:
    """Return (x - mean)/s, s, mean and variance of a plain array, the last three with axes of length one."""
    mean = x.mean(axis=axes, keepdims=True)
    c = x - mean
    variance = np.square(c).mean(axis=axes, keepdims=True)
    s = np.sqrt(variance + epsilon)
    return c/s, s, mean, variance
