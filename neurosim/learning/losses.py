"""Losses: how far outputs are from targets, as one number, the mean over samples.  z are the outputs, t the targets.

    squared_error              1/2 |z - t|^2                                           dz = z - t
    bernoulli_cross_entropy    -t log y - (1 - t) log(1 - y),     y = logistic(z)      dz = y - t
    categorical_cross_entropy  -log y_t (or -sum t log y),        y = softmax(z)       dz = y - t

each summed over the outputs of a sample and divided by the number of samples.  The cross entropies take what goes into the
logistic function and the softmax (logits), by which they are stable.  Each is one operation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff import Var
from neurosim.autodiff.activations import sigmoid_of
from neurosim.autodiff.graph import data, record
from neurosim.errors import ParameterError


def squared_error(z: Any, t: Any) -> Var:
    """Return the mean over samples of 1/2 |z - t|^2.

    Args:
        z: outputs, shape (n, ...).
        t: targets, same shape.

    Raises:
        ParameterError: the shapes differ, or there are no samples.
    """
    y, goal, n = _same("squared_error", z, t)
    d = y - goal
    return record("squared_error", y.dtype.type(np.vdot(d, d)/(2*n)), (z, t), lambda g: d*(g/n), lambda g: d*(-g/n))


def bernoulli_cross_entropy(z: Any, t: Any) -> Var:
    """Return the mean over samples of the cross entropy of independent truth values: sum of softplus(z) - t z.

    Args:
        z: logits, shape (n, ...).
        t: targets from 0 to 1, same shape; constants.

    Raises:
        ParameterError: the shapes differ, or there are no samples.
    """
    y, goal, n = _same("bernoulli_cross_entropy", z, t)
    e = np.exp(-np.abs(y))
    total = (np.maximum(y, 0) + np.log1p(e) - goal*y).sum()
    return record("bernoulli_cross_entropy", total/n, (z,), lambda g: (sigmoid_of(y) - goal)*(g/n))


def categorical_cross_entropy(z: Any, t: Any) -> Var:
    """Return the mean over samples of the cross entropy of classes: log sum e^z - z_t.

    Args:
        z: logits, shape (..., k) for k classes.
        t: numbers of the classes, shape (...); or probabilities of the classes, the shape of z; constants.

    Raises:
        ParameterError: the shapes do not fit, a class is not one of 0 ... k - 1, or there are no samples.
    """
    y, goal = data(z), np.asarray(data(t))
    k = y.shape[-1] if y.ndim > 1 else 0
    n = y.size//k if k else 0
    if goal.shape not in (y.shape[:-1], y.shape) or n == 0:
        raise ParameterError(f"categorical_cross_entropy: logits of shape {y.shape} and targets of shape {goal.shape}; needed "
                             "are (n, k) with n > 0, and (n,) class numbers or (n, k) probabilities.")
    # rows of logits, shifted so that nothing overflows
    rows = y if y.ndim == 2 else y.reshape(n, k)
    e = rows - np.maximum.reduce(rows, axis=1, keepdims=True)
    if goal.ndim == y.ndim:
        p = goal.reshape(n, k)
        picked = (p*e).sum(axis=1)
        weight: Any = p.sum(axis=1)
    else:
        places = np.arange(n), _classes(goal.reshape(n), k)
        picked, weight = e[places], 1
    np.exp(e, e)
    total = np.add.reduce(e, axis=1)
    value = np.add.reduce(np.log(total)*weight - picked)/n

    def pull(g: np.ndarray) -> np.ndarray:
        if goal.ndim == y.ndim:
            d = e*(weight/total)[:, np.newaxis]
            d -= p
        else:
            d = e/total[:, np.newaxis]
            d[places] -= 1
        np.multiply(d, g/n, d)
        return d.reshape(y.shape)

    return record("categorical_cross_entropy", value, (z,), pull)


def accuracy(z: Any, t: Any) -> float:
    """Return the share of samples whose largest output is that of their class.

    Args:
        z: outputs, shape (..., k); for one output, k = 1, the sign of it tells class 1 from class 0.
        t: numbers of the classes, shape (...), or one-hot, the shape of z.
    """
    y, goal = np.asarray(data(z)), np.asarray(data(t))
    if y.shape[-1] == 1:
        return float(np.mean((y[..., 0] > 0) == (goal.reshape(y.shape[:-1]) > 0.5)))
    goal = goal.argmax(axis=-1) if goal.ndim == y.ndim else goal
    return float(np.mean(y.argmax(axis=-1) == goal))


def _classes(t: np.ndarray, k: int) -> np.ndarray:
    if t.dtype.kind == "b":
        # as an index, truth values would choose rows
        t = t.astype(np.intp)
    elif t.dtype.kind not in "iu":
        if t.dtype.kind != "f" or np.any(t != np.floor(t)):
            raise ParameterError(f"categorical_cross_entropy: class numbers must be whole numbers, not {t.dtype}. Encode "
                                 "labels as 0 ... k - 1 first: np.unique(labels, return_inverse=True).")
        t = t.astype(np.intp)
    if t.min() < 0 or t.max() >= k:
        raise ParameterError(f"categorical_cross_entropy: classes from {t.min()} to {t.max()} for {k} outputs; they must be 0 "
                             f"to {k - 1}. Encode the labels, or give the last layer more units.")
    return t


def _same(name: str, z: Any, t: Any) -> tuple[np.ndarray, np.ndarray, int]:
    y, goal = data(z), np.asarray(data(t))
    if y.shape != goal.shape:
        hint = " Reshape the targets to one column: t[:, np.newaxis]." if goal.shape == y.shape[:1] and y.ndim == 2 else ""
        raise ParameterError(f"{name}: outputs of shape {y.shape} and targets of shape {goal.shape} must have one shape.{hint}")
    if y.ndim == 0 or len(y) == 0:
        raise ParameterError(f"{name}: there are no samples in shape {y.shape}. Pass samples in rows.")
    return y if y.dtype.kind in "fc" else y.astype(np.float64), goal, len(y)
