"""Activation functions sigma of the layers, in the three forms that predictive coding needs: NumPy, compiled loops, equations.

    name         sigma(x)                    sigma'(x), with y = sigma(x)
    identity     x                           1
    tanh         tanh(x)                     1 - y^2
    logistic     1/(1 + e^-x)                y (1 - y)
    relu         max(x, 0)                   1 if x > 0, else 0
    leaky_relu   x if x > 0, else x/100      1 if x > 0, else 1/100
    softplus     ln(1 + e^x)                 logistic(x)
    arctan       arctan(x)                   1/(1 + x^2)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError, listing, nearest


@dataclass(frozen=True)
class Activation:
    """One activation function.

    Attributes:
        name: in the table above.
        value: x -> y, arrays of any shape; slope: (x, y) -> sigma'(x), or a number if it is the same for all x.
        loop_value: y in terms of x, for compiled loops; HALF, ONE, SMALL stand for typed constants, vmath for the
            elementary functions; loop_slope: the slope in terms of x and y.
        equation: y in terms of x, for the engine; equation_slope: the slope in terms of x and y.
        gain: variance of first weights, in units of 2/(n_in + n_out).
    """

    name: str
    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray | float]
    loop_value: str
    loop_slope: str
    equation: str
    equation_slope: str
    gain: float = 1.0


def _logistic(x: np.ndarray) -> np.ndarray:
    # e^-x may overflow to infinity, whose inverse is the right answer
    with np.errstate(over="ignore"):
        return 1/(1 + np.exp(-x))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _step(x: np.ndarray, low: float) -> np.ndarray:
    return np.where(x > 0, x.dtype.type(1), x.dtype.type(low))


#: all activation functions, by name
ACTIVATIONS: dict[str, Activation] = {a.name: a for a in (
    Activation("identity", lambda x: x.copy(), lambda x, y: 1.0, "x", "ONE", "x", "1"),
    Activation("tanh", np.tanh, lambda x, y: 1 - y*y, "vmath.tanh(x)", "ONE - y * y", "tanh(x)", "1 - y*y"),
    Activation("logistic", _logistic, lambda x, y: y*(1 - y), "vmath.logistic(x)", "y * (ONE - y)", "logistic(x)", "y*(1 - y)"),
    Activation("relu", lambda x: np.maximum(x, 0), lambda x, y: _step(x, 0.0), "x if x > ZERO else ZERO",
               "ONE if x > ZERO else ZERO", "maximum(x, 0)", "heaviside(x)", 2.0),
    Activation("leaky_relu", lambda x: x*_step(x, 0.01), lambda x, y: _step(x, 0.01), "x if x > ZERO else SMALL * x",
               "ONE if x > ZERO else SMALL", "where(x > 0, x, 0.01*x)", "where(x > 0, 1, 0.01)", 2.0),
    Activation("softplus", _softplus, lambda x, y: _logistic(x), "vmath.softplus(x)", "vmath.logistic(x)", "softplus(x)",
               "logistic(x)", 2.0),
    Activation("arctan", np.arctan, lambda x, y: 1/(1 + x*x), "math.atan(x)", "ONE / (ONE + x * x)", "arctan(x)",
               "1/(1 + x*x)"),
)}


def activation(name: str, what: str) -> Activation:
    """Return an activation function by its name; `what` names the argument in messages.

    Raises:
        ParameterError: for an unknown name.
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ParameterError(f"{what}: there is no activation {name!r}.{nearest(str(name), ACTIVATIONS)} "
                             f"Known: {listing(ACTIVATIONS)}.")
    return ACTIVATIONS[name]
