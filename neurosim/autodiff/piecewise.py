"""Functions made of pieces, element by element, and the choice between pieces.

At a border between pieces a gradient is a subgradient: absolute has slope 0 at 0; of equal values maximum and minimum give
half of the gradient to each.  What jumps (sign, heaviside) has the gradient zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.arithmetic import broadcast, shapes_of
from neurosim.autodiff.graph import Var, data, record
from neurosim.errors import ParameterError


def absolute(a: Any) -> Var:
    """Return |a|; da = g sign(a)."""
    x = np.asarray(data(a))
    # of a complex step the modulus would lose what is differentiated
    y = np.where(x < 0, -x, x) if x.dtype.kind == "c" else np.abs(x)
    return record("absolute", y, (a,), lambda g: g*np.sign(x))


def sign(a: Any) -> Var:
    """Return -1, 0 or 1; da = 0."""
    y = np.sign(np.real(data(a)))
    return record("sign", y, (a,), lambda g: np.zeros_like(y))


def heaviside(a: Any) -> Var:
    """Return 1 where a > 0, else 0: a threshold; da = 0."""
    x = np.asarray(data(a))
    y = (x > 0).astype(x.real.dtype if x.dtype.kind in "fc" else np.float64)
    return record("heaviside", y, (a,), lambda g: np.zeros_like(y))


def clip(a: Any, low: Any, high: Any) -> Var:
    """Return a, kept between the constants `low` and `high`; da = g where low <= a <= high, else 0.

    Raises:
        ParameterError: a limit is a variable, or `low` is above `high` somewhere.
    """
    if type(low) is Var or type(high) is Var:
        raise ParameterError("clip: the limits must be constants. Use maximum and minimum for limits that are variables.")
    if np.any(np.asarray(low) > np.asarray(high)):
        raise ParameterError(f"clip: low must not be above high, and is: {low} and {high}.")
    x = np.asarray(data(a))
    inside = (x >= low) & (x <= high)
    y = broadcast("clip", lambda v, _: np.clip(v, low, high), x, low)
    return record("clip", y, (a,), lambda g: g*inside)


def maximum(a: Any, b: Any) -> Var:
    """Return the larger of a and b; the gradient goes to the larger one, half to each where they are equal."""
    return _chosen("maximum", np.maximum, np.greater, a, b)


def minimum(a: Any, b: Any) -> Var:
    """Return the smaller of a and b; the gradient goes to the smaller one, half to each where they are equal."""
    return _chosen("minimum", np.minimum, np.less, a, b)


def _chosen(name: str, choice: np.ufunc, before: np.ufunc, a: Any, b: Any) -> Var:
    x, y = data(a), data(b)
    z = broadcast(name, choice, x, y)
    return record(name, z, (a, b), lambda g: g*(0.5*(before(x, y) + 1.0*np.logical_not(before(y, x)))),
                  lambda g: g*(0.5*(before(y, x) + 1.0*np.logical_not(before(x, y)))))


def where(condition: Any, a: Any, b: Any) -> Var:
    """Return a where `condition`, a constant, holds, else b; da = g where it holds, db = g elsewhere.

    Raises:
        ParameterError: the shapes do not broadcast.
    """
    c = np.asarray(data(condition)).astype(bool)
    try:
        z = np.where(c, data(a), data(b))
    except ValueError:
        raise ParameterError(f"where: shapes {shapes_of(condition, a, b)} do not broadcast. Reshape one of them.") from None
    # numbers would widen float32 here
    kinds = [x.dtype for x in (data(a), data(b)) if isinstance(x, np.ndarray)]
    z = z.astype(np.result_type(*kinds), copy=False) if kinds and np.result_type(*kinds).kind in "fc" else z
    return record("where", z, (a, b), lambda g: np.where(c, g, 0), lambda g: np.where(c, 0, g))
