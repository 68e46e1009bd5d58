"""Running sums, and linear recurrences computed for all times at once.  g is the gradient of the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.arithmetic import shapes_of
from neurosim.autodiff.graph import Var, data, record
from neurosim.autodiff.reductions import axes_of
from neurosim.errors import ParameterError


def cumsum(a: Any, axis: int = -1) -> Var:
    """Return running sums along `axis`; da is the running sum of g from the end."""
    x = np.asarray(data(a))
    (at,) = axes_of("cumsum", axis, x.ndim)
    return record("cumsum", np.cumsum(x, axis=at), (a,), lambda g: np.flip(np.cumsum(np.flip(g, at), axis=at), at))


def recurrence(a: Any, b: Any, start: Any = None, axis: int = 1) -> Var:
    """Return h of h_t = a_t h_(t-1) + b_t for all times, by a parallel scan: log2 T passes instead of T steps.

    Pairs compose, (a, b) then (a', b') being (a' a, a' b + b'), in any grouping; the passes join pairs 1, 2, 4, ... apart.
    With l_t = g_t + a_(t+1) l_(t+1), the same recurrence backwards:  db_t = l_t, da_t = l_t h_(t-1), dstart = a_1 l_1.

    Args:
        a, b: equal shapes, time along `axis`.
        start: h_0, the shape without `axis`; None for 0.

    Raises:
        ParameterError: the shapes do not fit.

    Sources: Hillis & Steele 1986 (doi:10.1145/7902.7903); Blelloch 1990 (CMU-CS-90-190).
    """
    p, q = np.asarray(data(a)), np.asarray(data(b))
    if p.shape != q.shape or p.ndim == 0:
        raise ParameterError(f"recurrence: a and b have shapes {shapes_of(p, q)}; they must be equal, with an axis of time.")
    (at,) = axes_of("recurrence", axis, p.ndim)
    p, q = np.moveaxis(p, at, 0), np.moveaxis(q, at, 0)
    first = np.zeros_like(q[:1]) if start is None else np.asarray(data(start))[np.newaxis]
    if first.shape[1:] != q.shape[1:]:
        raise ParameterError(f"recurrence: start has shape {first.shape[1:]}; {q.shape[1:]} is needed.")
    h = scanned(p, q, first)

    def together(g: np.ndarray, wanted: list[bool]) -> tuple:
        g = np.moveaxis(g, at, 0)
        later = np.concatenate([p[1:], np.zeros_like(p[:1])])
        back = scanned(later[::-1], g[::-1], np.zeros_like(g[:1]))[::-1]
        of_a = np.moveaxis(back*np.concatenate([first, h[:-1]]), 0, at) if wanted[0] else None
        of_start = p[0]*back[0] if start is not None and len(p) else None
        return of_a, np.moveaxis(back, 0, at), of_start

    return record("recurrence", np.moveaxis(h, 0, at), (a, b) if start is None else (a, b, start), together=together)


def scanned(a: np.ndarray, b: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return h_t = a_t h_(t-1) + b_t of plain arrays, time along axis 0, from h_0 = `first` of shape (1, ...)."""
    h, factor = np.array(b, dtype=np.result_type(a, b, first)), np.array(a)
    if len(h):
        h[0] += a[0]*first[0]
    reach = 1
    while reach < len(h):
        h[reach:] += factor[reach:]*h[:-reach]
        factor[reach:] = factor[reach:]*factor[:-reach]
        reach *= 2
    return h
