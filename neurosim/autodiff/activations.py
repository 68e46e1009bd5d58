"""Activation functions, element by element, each stable for any size of its argument.  g is the gradient of the result y."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record


def sigmoid_of(x: np.ndarray) -> np.ndarray:
    """Return 1/(1 + e^-x) of a plain array, without overflow and with full relative precision."""
    x = np.asarray(x)
    # e^-x must not overflow: below this bound the value is the smallest that is told from 0
    lowest = -87.0 if x.dtype == np.float32 else -708.0
    t = np.exp(-np.where(x < lowest, lowest, x)) if x.dtype.kind == "c" else np.exp(-np.maximum(x, lowest))
    return 1/(1 + t)


def logistic(a: Any) -> Var:
    """Return y = 1/(1 + e^-a); da = g y (1 - y)."""
    y = sigmoid_of(data(a))
    return record("logistic", y, (a,), lambda g: g*(y*(1 - y)))


def softplus(a: Any) -> Var:
    """Return log(1 + e^a) = max(a, 0) + log(1 + e^-|a|); da = g logistic(a)."""
    x = np.asarray(data(a))
    return record("softplus", softplus_of(x), (a,), lambda g: g*sigmoid_of(x))


def softplus_of(x: np.ndarray) -> np.ndarray:
    """Return log(1 + e^x) of a plain array, without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(np.where(x > 0, -x, x)))


def relu(a: Any) -> Var:
    """Return max(a, 0); da = g where a > 0, else 0."""
    y = np.maximum(data(a), 0)
    return record("relu", y, (a,), lambda g: g*(y > 0))


def leaky_relu(a: Any, slope: float = 0.01) -> Var:
    """Return a where a > 0, else slope a; da = g, or slope g."""
    x = np.asarray(data(a))
    return record("leaky_relu", np.where(x > 0, x, slope*x), (a,), lambda g: np.where(x > 0, g, slope*g))


def elu(a: Any, scale: float = 1.0) -> Var:
    """Return a where a > 0, else scale (e^a - 1); da = g, or g scale e^a (Clevert 2016, arXiv:1511.07289)."""
    x = np.asarray(data(a))
    y = np.where(x > 0, x, scale*np.expm1(np.minimum(x, 0)))
    return record("elu", y, (a,), lambda g: np.where(x > 0, g, g*(y + scale)))
