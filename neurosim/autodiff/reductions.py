"""Reductions along axes: sums, products, extremes, moments, norms.  g is the gradient of the result y.

`axis` is a number, a tuple or None for all; `keepdims` leaves axes of length one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record
from neurosim.autodiff.piecewise import absolute
from neurosim.errors import ParameterError

Axis = int | tuple[int, ...] | None


def axes_of(name: str, axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return `axis` as a tuple of different numbers from 0.

    Raises:
        ParameterError: there is no such axis.
    """
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, tuple) else (axis,)
    found = tuple(int(k) + ndim if k < 0 else int(k) for k in given)
    if any(not 0 <= k < ndim for k in found) or len(set(found)) < len(found):
        if not ndim:
            raise ParameterError(f"{name}: a single number has no axis {axis!r}. Leave it out.")
        raise ParameterError(f"{name}: axis={axis!r} does not fit an array of {ndim} axes. Use different numbers from {-ndim} "
                             f"to {ndim - 1}, or None for all.")
    return found


def _start(name: str, a: Any, axis: Axis) -> tuple[np.ndarray, tuple[int, ...], tuple[int, ...], int]:
    """Return the value, its axes to reduce, its shape with these of length one, and how many elements go into one."""
    x = np.asarray(data(a))
    axes = axes_of(name, axis, x.ndim)
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    count = 1
    for k in axes:
        count *= x.shape[k]
    return x, axes, kept, count


def demand_some(name: str, count: int, shape: tuple[int, ...]) -> None:
    """Raise ParameterError if no element goes into one."""
    if count == 0:
        raise ParameterError(f"{name}: there is nothing to reduce in shape {shape}. Leave out empty batches.")


def sum(a: Any, axis: Axis = None, keepdims: bool = False) -> Var:  # noqa: A001
    """Return the sum; da = g."""
    x, axes, kept, _ = _start("sum", a, axis)
    return record("sum", x.sum(axis=axes, keepdims=keepdims), (a,), lambda g: np.broadcast_to(g.reshape(kept), x.shape))


def mean(a: Any, axis: Axis = None, keepdims: bool = False) -> Var:
    """Return the mean of n elements; da = g/n."""
    x, axes, kept, count = _start("mean", a, axis)
    demand_some("mean", count, x.shape)
    return record("mean", x.mean(axis=axes, keepdims=keepdims), (a,),
                  lambda g: np.broadcast_to(g.reshape(kept)/count, x.shape))


def prod(a: Any, axis: Axis = None, keepdims: bool = False) -> Var:
    """Return the product; da_i = g times the product of all others, also where elements are zero."""
    x, axes, kept, count = _start("prod", a, axis)
    others = tuple(k for k in range(x.ndim) if k not in axes)

    def pull(g: np.ndarray) -> np.ndarray:
        rows = np.transpose(x, others + axes).reshape(*(x.shape[k] for k in others), count)
        ones = np.ones_like(rows[..., :1])
        before = np.cumprod(np.concatenate([ones, rows[..., :-1]], -1), -1)
        after = np.cumprod(np.concatenate([ones, rows[..., :0:-1]], -1), -1)[..., ::-1]
        rest = (before*after).reshape([x.shape[k] for k in others + axes])
        return g.reshape(kept)*np.transpose(rest, np.argsort(others + axes))

    return record("prod", x.prod(axis=axes, keepdims=keepdims), (a,), pull)


def max(a: Any, axis: Axis = None, keepdims: bool = False) -> Var:  # noqa: A001
    """Return the largest element; the gradient goes there, in equal shares where several are largest."""
    return _extreme("max", np.max, a, axis, keepdims)


def min(a: Any, axis: Axis = None, keepdims: bool = False) -> Var:  # noqa: A001
    """Return the smallest element; the gradient goes there, in equal shares where several are smallest."""
    return _extreme("min", np.min, a, axis, keepdims)


def _extreme(name: str, function: Any, a: Any, axis: Axis, keepdims: bool) -> Var:
    x, axes, kept, count = _start(name, a, axis)
    demand_some(name, count, x.shape)
    y = np.asarray(function(x, axis=axes, keepdims=keepdims))

    def pull(g: np.ndarray) -> np.ndarray:
        there = x == y.reshape(kept)
        return there*(g.reshape(kept)/there.sum(axis=axes, keepdims=True, dtype=g.dtype))

    return record(name, y, (a,), pull)


def var(a: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Var:
    """Return the variance y = sum (a - mean)^2/(n - ddof); da = 2 g (a - mean)/(n - ddof).

    Raises:
        ParameterError: there are not more than `ddof` elements.
    """
    c, y, kept, free = _spread("var", a, axis, keepdims, ddof)
    return record("var", y, (a,), lambda g: (2/free)*g.reshape(kept)*c)


def std(a: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Var:
    """Return the standard deviation y, the root of `var`; da = g (a - mean)/((n - ddof) y), and 0 where y = 0."""
    c, y, kept, free = _spread("std", a, axis, keepdims, ddof)
    y = np.sqrt(y)
    return record("std", y, (a,), lambda g: c*(g/(free*np.where(y == 0, 1, y))).reshape(kept))


def _spread(name: str, a: Any, axis: Axis, keepdims: bool, ddof: int) -> tuple[np.ndarray, Any, tuple[int, ...], int]:
    x, axes, kept, count = _start(name, a, axis)
    if count <= ddof:
        raise ParameterError(f"{name}: {count} elements are too few for ddof={ddof}. Take more elements or a smaller ddof.")
    c = x - x.mean(axis=axes, keepdims=True)
    return c, np.square(c).sum(axis=axes, keepdims=keepdims)/(count - ddof), kept, count - ddof


def norm(a: Any, axis: Axis = None, keepdims: bool = False, order: float = 2) -> Var:
    """Return y = (sum |a|^order)^(1/order) for order 1 or 2, or max |a| for infinity.

    da = g a/y for order 2, and 0 where y = 0; g sign(a) for order 1.

    Raises:
        ParameterError: another order.
    """
    if order == 1:
        return sum(absolute(a), axis, keepdims)
    if order == np.inf:
        return max(absolute(a), axis, keepdims)
    if order != 2:
        raise ParameterError(f"norm: order={order!r} is not known. Use 1, 2 or numpy.inf.")
    x, axes, kept, _ = _start("norm", a, axis)
    y = np.sqrt(np.square(x).sum(axis=axes, keepdims=keepdims))
    return record("norm", y, (a,), lambda g: x*(g/np.where(y == 0, 1, y)).reshape(kept))
