"""Arrays put together and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.autodiff.arithmetic import shapes_of
from neurosim.autodiff.graph import Var, data, record
from neurosim.autodiff.indexing import getitem
from neurosim.autodiff.reductions import axes_of
from neurosim.errors import ParameterError


def concatenate(arrays: Sequence[Any], axis: int = 0) -> Var:
    """Return arrays one after another along `axis`; each gets the part of the gradient that is its own.

    Raises:
        ParameterError: no arrays, or their other axes differ.
    """
    values = [np.asarray(data(x)) for x in arrays]
    if not values:
        raise ParameterError("concatenate: there are no arrays. Give at least one.")
    (at,) = axes_of("concatenate", axis, values[0].ndim)
    try:
        y = np.concatenate(values, axis=at)
    except ValueError:
        raise ParameterError(f"concatenate: shapes {shapes_of(*values)} differ not only along axis {axis}. Reshape "
                             "them.") from None
    ends = np.cumsum([v.shape[at] for v in values])

    def rule(k: int):
        own = (slice(None),)*at + (slice(int(ends[k]) - values[k].shape[at], int(ends[k])),)
        return lambda g: g[own]

    return record("concatenate", y, tuple(arrays), *(rule(k) for k in range(len(values))))


def stack(arrays: Sequence[Any], axis: int = 0) -> Var:
    """Return arrays of equal shape side by side along a new axis.

    Raises:
        ParameterError: no arrays, or their shapes differ.
    """
    values = [np.asarray(data(x)) for x in arrays]
    if not values or any(v.shape != values[0].shape for v in values):
        raise ParameterError(f"stack: shapes {shapes_of(*values) or '(none)'} are not equal. Give arrays of one shape.")
    (at,) = axes_of("stack", axis, values[0].ndim + 1)

    def rule(k: int):
        own = (slice(None),)*at + (k,)
        return lambda g: g[own]

    return record("stack", np.stack(values, axis=at), tuple(arrays), *(rule(k) for k in range(len(values))))


def split(a: Any, parts: int | Sequence[int], axis: int = 0) -> list[Var]:
    """Return pieces along `axis`: `parts` equal ones, or cut before the given places.

    Raises:
        ParameterError: the axis cannot be divided so.
    """
    shape = np.shape(data(a))
    (at,) = axes_of("split", axis, len(shape))
    n = shape[at]
    if isinstance(parts, (int, np.integer)):
        if parts < 1 or n % parts:
            raise ParameterError(f"split: axis {axis} of length {n} has no {parts} equal parts. Give the places of the cuts as "
                                 "a list.")
        places = list(range(0, n + 1, n//parts)) if n else [0]*(parts + 1)
    else:
        places = [0, *(int(p) for p in parts), n]
        if any(not 0 <= p <= q <= n for p, q in zip(places, places[1:])):
            raise ParameterError(f"split: the cuts {list(parts)} must ascend from 0 to {n}.")
    return [getitem(a, (slice(None),)*at + (slice(p, q),)) for p, q in zip(places, places[1:])]


def unstack(a: Any, axis: int = 0) -> list[Var]:
    """Return the slices of a along `axis`, each without that axis."""
    shape = np.shape(data(a))
    (at,) = axes_of("unstack", axis, len(shape))
    return [getitem(a, (slice(None),)*at + (k,)) for k in range(shape[at])]


def pad(a: Any, widths: Sequence[Any], value: float = 0.0) -> Var:
    """Return a with the constant `value` around it.

    Args:
        widths: for each axis a pair (before, after), or one number for both.

    Raises:
        ParameterError: not one width for each axis, or a negative one.
    """
    x = np.asarray(data(a))
    pairs = [(w, w) if isinstance(w, (int, np.integer)) else tuple(w) for w in widths]
    if len(pairs) != x.ndim or any(len(p) != 2 or min(p) < 0 for p in pairs):
        raise ParameterError(f"pad: widths {list(widths)} for shape {x.shape}. Give (before, after), not negative, for each "
                             "axis.")
    inside = tuple(slice(p, p + n) for (p, _), n in zip(pairs, x.shape))
    return record("pad", np.pad(x, pairs, constant_values=value), (a,), lambda g: g[inside])
