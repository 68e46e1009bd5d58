"""Elements picked out of an array.  The gradient is that of the elements where they were, and zero elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record
from neurosim.autodiff.reductions import axes_of
from neurosim.autodiff.reverse import Part
from neurosim.errors import ParameterError

#: entries of an index that pick no element twice
_SINGLE = (int, np.integer, slice, type(None), type(Ellipsis))


def getitem(a: Any, index: Any) -> Var:
    """Return a[index] for whatever NumPy takes: numbers, slices, ..., None, arrays of numbers or of truth values.

    An element that is picked more than once gets the sum of its gradients.

    Raises:
        ParameterError: the index is a variable.
        IndexError: there are no such elements.
    """
    entries = index if type(index) is tuple else (index,)
    if any(type(i) is Var for i in entries):
        raise ParameterError("indexing: a Var cannot be an index, there is no gradient with respect to places. Use its .value.")
    x = np.asarray(data(a))
    # any sequence is an array of numbers to NumPy: lists, and also tuples within the index, ranges, columns of a table
    repeats = any(not isinstance(i, _SINGLE) and np.asarray(i).dtype.kind != "b" for i in entries)
    return record("index", x[index], (a,), lambda g: Part(index, g, repeats))


def take(a: Any, indices: Any, axis: int = 0) -> Var:
    """Return the slices of a at `indices` along `axis`: rows of a table of embeddings."""
    (at,) = axes_of("take", axis, np.ndim(data(a)))
    return getitem(a, (slice(None),)*at + (np.asarray(indices),))


def take_along_axis(a: Any, indices: Any, axis: int = -1) -> Var:
    """Return elements of a at `indices` along `axis`, each row its own, as numpy.take_along_axis does.

    Args:
        indices: whole numbers, shape of a but for `axis`.

    Raises:
        ParameterError: the shapes do not fit.
    """
    places, shape = np.asarray(indices), np.shape(data(a))
    (at,) = axes_of("take_along_axis", axis, len(shape))
    if places.ndim != len(shape) or any(n not in (1, m) for k, (n, m) in enumerate(zip(places.shape, shape)) if k != at):
        raise ParameterError(f"take_along_axis: indices of shape {places.shape} for shape {shape}; only axis {axis} may "
                             "differ.")
    grid = [places if k == at else np.arange(n).reshape([-1 if j == k else 1 for j in range(len(shape))])
            for k, n in enumerate(shape)]
    return getitem(a, tuple(grid))
