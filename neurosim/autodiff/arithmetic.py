"""Arithmetic: sums, differences, products, quotients, powers.  g is the gradient of the result.

Operands broadcast against each other as in NumPy; gradients of what was repeated are summed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record
from neurosim.errors import ParameterError


def shapes_of(*operands: Any) -> str:
    """Return the shapes of operands for a message: ``(3, 4) and (5,)``."""
    return " and ".join(str(np.shape(data(x))) for x in operands)


def broadcast(name: str, function: Callable, x: Any, y: Any) -> Any:
    """Return ``function(x, y)`` of plain values.

    Raises:
        ParameterError: their shapes do not broadcast.
    """
    try:
        return function(x, y)
    except ValueError:
        raise ParameterError(f"{name}: shapes {shapes_of(x, y)} do not broadcast. Sizes along an axis, counted from the last "
                             "one, must be equal or 1: reshape one of them.") from None


def add(a: Any, b: Any) -> Var:
    """Return a + b; da = g, db = g."""
    return record("add", broadcast("add", np.add, data(a), data(b)), (a, b), lambda g: g, lambda g: g)


def subtract(a: Any, b: Any) -> Var:
    """Return a - b; da = g, db = -g."""
    return record("subtract", broadcast("subtract", np.subtract, data(a), data(b)), (a, b), lambda g: g, np.negative)


def multiply(a: Any, b: Any) -> Var:
    """Return a b, element by element; da = g b, db = g a."""
    x, y = data(a), data(b)
    return record("multiply", broadcast("multiply", np.multiply, x, y), (a, b), lambda g: g*y, lambda g: g*x)


def divide(a: Any, b: Any) -> Var:
    """Return z = a/b; da = g/b, db = -g z/b."""
    x, y = data(a), data(b)
    z = broadcast("divide", np.true_divide, x, y)
    return record("divide", z, (a, b), lambda g: g/y, lambda g: -g*z/y)


def negative(a: Any) -> Var:
    """Return -a; da = -g."""
    return record("negative", np.negative(data(a)), (a,), np.negative)


def square(a: Any) -> Var:
    """Return a^2; da = 2 g a."""
    x = data(a)
    return record("square", np.square(x), (a,), lambda g: 2*g*x)


def power(a: Any, b: Any) -> Var:
    """Return z = a^b; da = g b a^(b-1), db = g z log a.

    Where b = 0, da = 0 also at a = 0; where a = 0, db = 0.  For negative a with a variable b, db is not a number.
    """
    x, y = data(a), data(b)
    if type(b) is not Var and np.ndim(y) == 0 and y == 2:
        return square(a)
    # NumPy refuses whole numbers to negative whole powers
    base = x if type(a) is Var else np.asarray(x, dtype=np.result_type(x, 0.0)) if isinstance(x, np.ndarray) else x*1.0
    z = broadcast("power", np.power, base, y)

    def of_base(g: np.ndarray) -> np.ndarray:
        if type(b) is not Var and np.ndim(y) == 0:
            return g*(y*base**(y - 1)) if y != 0 else np.zeros_like(g)
        return g*np.where(y == 0, 0, y*np.power(base, np.where(y == 0, 1, y - 1)))

    def of_exponent(g: np.ndarray) -> np.ndarray:
        return g*z*np.log(np.where(base == 0, 1, base))

    return record("power", z, (a, b), of_base, of_exponent)
