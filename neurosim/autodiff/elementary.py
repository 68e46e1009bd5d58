"""Elementary functions, element by element.  g is the gradient of the result, y the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record


def exp(a: Any) -> Var:
    """Return y = e^a; da = g y."""
    y = np.exp(data(a))
    return record("exp", y, (a,), lambda g: g*y)


def expm1(a: Any) -> Var:
    """Return y = e^a - 1, precise for small a; da = g (y + 1)."""
    y = np.expm1(data(a))
    return record("expm1", y, (a,), lambda g: g*(y + 1))


def log(a: Any) -> Var:
    """Return the natural logarithm; da = g/a."""
    x = data(a)
    return record("log", np.log(x), (a,), lambda g: g/x)


def log1p(a: Any) -> Var:
    """Return log(1 + a), precise for small a; da = g/(1 + a)."""
    x = data(a)
    return record("log1p", np.log1p(x), (a,), lambda g: g/(1 + x))


def sqrt(a: Any) -> Var:
    """Return the square root y; da = g/(2 y), infinite at 0."""
    y = np.sqrt(data(a))
    return record("sqrt", y, (a,), lambda g: g/(2*y))


def sin(a: Any) -> Var:
    """Return sin a; da = g cos a."""
    x = data(a)
    return record("sin", np.sin(x), (a,), lambda g: g*np.cos(x))


def cos(a: Any) -> Var:
    """Return cos a; da = -g sin a."""
    x = data(a)
    return record("cos", np.cos(x), (a,), lambda g: -g*np.sin(x))


def tanh(a: Any) -> Var:
    """Return y = tanh a; da = g (1 - y^2)."""
    y = np.tanh(data(a))

    def pull(g: np.ndarray) -> np.ndarray:
        slope = np.square(y)
        slope = np.subtract(1, slope, out=slope) if y.ndim else 1 - slope
        return np.multiply(g, slope, out=slope) if y.ndim else g*slope

    return record("tanh", y, (a,), pull)


def arctan(a: Any) -> Var:
    """Return the inverse tangent; da = g/(1 + a^2)."""
    x = data(a)
    return record("arctan", np.arctan(x), (a,), lambda g: g/(1 + np.square(x)))
