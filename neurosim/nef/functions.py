"""Functions of represented vectors, evaluated at points: one point at a time or all at once, whichever the user wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.errors import ParameterError

#: points at which a vectorised answer is compared with single calls
COMPARED = 4


def evaluate(function: Callable[[np.ndarray], Any], points: np.ndarray, what: str) -> np.ndarray:
    """Return f at every point, shape (m, k).

    The function is called with all points, shape (m, d), first.  Its answer counts if it has a row for each point and
    equals what it gives for single points, shape (d,); otherwise it is called once for each point.  A function that takes
    many points only, ``lambda x: x[:, :1]``, is fine too.

    Args:
        function: f.
        points: shape (m, d).
        what: how messages begin.

    Raises:
        ParameterError: for an answer that is not numeric, has another shape than at the first point, or is not finite; the
            point is named.
    """
    m = len(points)
    if m == 0:
        raise ParameterError(f"{what}: there are no evaluation points.")
    called = _called(function)
    # single points decide what the function means: x[0] of all points would be the first point
    some = np.unique(np.linspace(0, m - 1, COMPARED).astype(int))
    try:
        single = [_row(function(points[k].copy())) for k in some]
    except Exception as problem:
        found = _at_once(function, points)
        if found is None:
            raise ParameterError(f"{what}: the function {called} fails at the evaluation point {_spelled(points[some[0]])}: "
                                 f"{type(problem).__name__}: {problem}") from problem
        return _finite(found, points, what, called)
    if any(r is None for r in single):
        k = next(k for k, r in zip(some, single) if r is None)
        raise ParameterError(f"{what}: the function {called} does not give a number or a vector of numbers at the evaluation "
                             f"point {_spelled(points[k])}.")
    size = single[0].size
    if m > len(some) and all(r.size == size for r in single):
        found = _at_once(function, points)
        if found is not None and found.shape == (m, size):
            if all(np.allclose(found[k], r, rtol=1e-9, atol=1e-12, equal_nan=True) for k, r in zip(some, single)):
                return _finite(found, points, what, called)
    out = np.empty((m, size))
    for k, point in enumerate(points):
        row = _row(function(point.copy()))
        if row is None or row.size != size:
            gives = "something that is not numeric" if row is None else f"{row.size} numbers"
            raise ParameterError(f"{what}: the function {called} gives {gives} at the evaluation point {_spelled(point)}, but "
                                 f"{size} at {_spelled(points[0])}. It must always give the same number of them.")
        out[k] = row
    return _finite(out, points, what, called)


def _at_once(function: Callable, points: np.ndarray) -> np.ndarray | None:
    """Return the answer for all points, shape (m, k), or None if the function cannot do that."""
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(function(points.copy()), dtype=float)
    except Exception:
        # whatever a function of one point makes of many; if it is a fault of its own, it shows at the first point
        return None
    if found.ndim == 1:
        found = found[:, None]
    return found if found.ndim == 2 and len(found) == len(points) else None


def _row(answer: Any) -> np.ndarray | None:
    if answer is None or np.iscomplexobj(answer):
        return None
    try:
        row = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        return None
    # [x[0:1], x[1:2]] is a column
    if row.ndim == 2 and row.shape[1] == 1:
        row = row[:, 0]
    row = np.atleast_1d(row)
    return row if row.ndim == 1 and row.size else None


def _finite(values: np.ndarray, points: np.ndarray, what: str, called: str) -> np.ndarray:
    good = np.isfinite(values).all(axis=1)
    if not good.all():
        k = int(np.argmin(good))
        more = f" and {(~good).sum() - 1} more" if (~good).sum() > 1 else ""
        raise ParameterError(f"{what}: the function {called} gives {_spelled(values[k])} at the evaluation point "
                             f"{_spelled(points[k])}{more}. It must be finite at every evaluation point: change it there, "
                             "or choose eval_points= where it is.")
    return values


def _called(function: Callable) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "given as a lambda" if name == "<lambda>" else repr(name)


def _spelled(point: np.ndarray) -> str:
    shown = ", ".join(f"{v:.4g}" for v in point[:6])
    return f"({shown}{', ...' if len(point) > 6 else ''})"
