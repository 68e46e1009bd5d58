"""Activation functions with their derivatives, as NumPy functions.

    name         f(x)                                          f'(x)
    identity     x                                             1
    logistic     1/(1 + exp(-x))                               f (1 - f)
    arctan       arctan(x)                                     1/(1 + x^2)
    tanh         tanh(x)                                       1 - f^2
    threshold    1 if x > 0, else 0                            0
    relu         max(x, 0)                                     1 if x > 0, else 0
    leaky_relu   x if x > 0, else slope x                      1 if x > 0, else slope
    softplus     ln(1 + exp(x))                                logistic(x)
    lif_rate     1000/(t_ref + tau_m ln(x/(x - 1))), x > 1     f^2 tau_m/(1000 x (x - 1)), x > 1;  Hz, else 0
    softmax      exp(x_i)/sum_j exp(x_j)                       J_ij = f_i (delta_ij - f_j)
    argmax       1 at the greatest entry, else 0               0

softmax and argmax act on the last axis, n entries, all others on every entry.  At a kink the derivative is the one from
the left, at a jump it is 0.  All smooth functions accept complex numbers, for derivatives by complex steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _array(x: Any) -> np.ndarray:
    x = np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def identity(x: Any) -> np.ndarray:
    """Return x, any shape."""
    return _array(x).copy()


def d_identity(x: Any) -> np.ndarray:
    """Return ones in the shape of x."""
    return np.ones_like(_array(x))


def logistic(x: Any) -> np.ndarray:
    """Return 1/(1 + exp(-x)) for x of any shape, without overflow and with small relative error on both sides."""
    x = _array(x)
    positive = x.real >= 0
    small = np.exp(np.where(positive, -x, x))
    return np.where(positive, 1, small)/(1 + small)


def d_logistic(x: Any) -> np.ndarray:
    """Return logistic(x) logistic(-x), which does not cancel for large x."""
    x = _array(x)
    return logistic(x)*logistic(-x)


def arctan(x: Any) -> np.ndarray:
    """Return arctan(x), from -pi/2 to pi/2, for x of any shape."""
    return np.arctan(_array(x))


def d_arctan(x: Any) -> np.ndarray:
    """Return 1/(1 + x^2)."""
    x = _array(x)
    with np.errstate(over="ignore"):
        return 1/(1 + x*x)


def tanh(x: Any) -> np.ndarray:
    """Return tanh(x) for x of any shape."""
    return np.tanh(_array(x))


def d_tanh(x: Any) -> np.ndarray:
    """Return 1 - tanh(x)^2 as 4 logistic(2x) logistic(-2x), which does not cancel for large x."""
    x = _array(x)
    return 4*d_logistic(2*x)


def threshold(x: Any) -> np.ndarray:
    """Return 1 where x > 0 and 0 elsewhere, for x of any shape."""
    x = _array(x)
    return np.where(np.isnan(x), x, x.real > 0).astype(x.dtype)


def d_threshold(x: Any) -> np.ndarray:
    """Return zeros in the shape of x."""
    return np.zeros_like(_array(x))


def relu(x: Any) -> np.ndarray:
    """Return max(x, 0) for x of any shape."""
    x = _array(x)
    return np.where(x.real <= 0, np.zeros_like(x), x)


def d_relu(x: Any) -> np.ndarray:
    """Return 1 where x > 0 and 0 elsewhere."""
    return threshold(x)


def leaky_relu(x: Any, slope: float = 0.01) -> np.ndarray:
    """Return x where x > 0 and slope x elsewhere, for x of any shape."""
    x = _array(x)
    return np.where(x.real > 0, x, slope*x)


def d_leaky_relu(x: Any, slope: float = 0.01) -> np.ndarray:
    """Return 1 where x > 0 and slope elsewhere."""
    x = _array(x)
    return np.where(np.isnan(x), x, np.where(x.real > 0, 1.0, slope)).astype(x.dtype)


def softplus(x: Any) -> np.ndarray:
    """Return ln(1 + exp(x)) for x of any shape, without overflow."""
    x = _array(x)
    positive = x.real > 0
    return np.where(positive, x, 0) + np.log1p(np.exp(np.where(positive, -x, x)))


def d_softplus(x: Any) -> np.ndarray:
    """Return logistic(x)."""
    return logistic(x)


def lif_rate(x: Any, tau_m: float = 20.0, t_ref: float = 2.0) -> np.ndarray:
    """Return the rate in Hz of `DimensionlessLIF` with constant input x of any shape; tau_m and t_ref in ms."""
    x = _array(x)
    on = ~(x.real <= 1)
    above = np.where(on, x - 1, 1)
    return np.where(on, 1000/(t_ref + tau_m*np.log1p(1/above)), 0)


def d_lif_rate(x: Any, tau_m: float = 20.0, t_ref: float = 2.0) -> np.ndarray:
    """Return the derivative of `lif_rate`: f^2 tau_m/(1000 x (x - 1)) where x > 1, 0 elsewhere."""
    x = _array(x)
    on = ~(x.real <= 1)
    above = np.where(on, x - 1, 1)
    return np.where(on, lif_rate(x, tau_m, t_ref)**2*(tau_m/1000)/((above + 1)*above), 0)


def softmax(x: Any) -> np.ndarray:
    """Return exp(x_i)/sum_j exp(x_j) over the last axis of x, shape (..., n)."""
    x = _array(x)
    powers = np.exp(x - x.real.max(axis=-1, keepdims=True))
    return powers/powers.sum(axis=-1, keepdims=True)


def d_softmax(x: Any) -> np.ndarray:
    """Return the Jacobian J_ij = f_i (delta_ij - f_j), shape (..., n, n), for x of shape (..., n)."""
    f = softmax(x)
    return f[..., :, None]*(np.eye(f.shape[-1]) - f[..., None, :])


def argmax(x: Any) -> np.ndarray:
    """Return 1 at the greatest entry of the last axis (the first of equals) and 0 elsewhere, shape (..., n)."""
    x = _array(x)
    one = np.zeros_like(x)
    np.put_along_axis(one, np.argmax(x.real, axis=-1)[..., None], 1, axis=-1)
    return one


def d_argmax(x: Any) -> np.ndarray:
    """Return the Jacobian, zeros of shape (..., n, n), for x of shape (..., n)."""
    x = _array(x)
    return np.zeros((*x.shape, x.shape[-1]), x.dtype)


#: (function, derivative) by name
ACTIVATIONS: dict[str, tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]] = {
    "identity": (identity, d_identity),
    "logistic": (logistic, d_logistic),
    "arctan": (arctan, d_arctan),
    "tanh": (tanh, d_tanh),
    "threshold": (threshold, d_threshold),
    "relu": (relu, d_relu),
    "leaky_relu": (leaky_relu, d_leaky_relu),
    "softplus": (softplus, d_softplus),
    "lif_rate": (lif_rate, d_lif_rate),
    "softmax": (softmax, d_softmax),
    "argmax": (argmax, d_argmax),
}
