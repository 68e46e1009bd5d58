"""What layers of spiking neurons share: samples in blocks, numbers for each unit, and gradients on their way back in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.autodiff.graph import data
from neurosim.errors import ParameterError
from neurosim.spiking.products import Product, Run, product_of

#: binds that loop to (clock, what the spikes did in the layer, dz of a block, states that are carried from step to step)
Bind = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Run]

#: elements of u that are worked on at a time: with two more arrays as large they fit into a cache of 1 MiB
BLOCK = 1 << 16


def blocks_of(n: int, size: int) -> list[tuple[int, int]]:
    """Return first sample and number of samples of each block, where a sample has `size` elements."""
    most = max(1, BLOCK//max(size, 1))
    return [(k, min(most, n - k)) for k in range(0, n, most)]


def per_unit(who: str, name: str, value: Any, units: int, dtype: np.dtype) -> np.ndarray:
    """Return a number, or one for each unit, as an array (units,).

    Raises:
        ParameterError: it has another shape.
    """
    value = np.asarray(data(value), dtype)
    if value.shape not in ((), (units,)):
        raise ParameterError(f"{who}: {name} has shape {value.shape}; a number or shape ({units},) is needed.")
    return np.full(units, value, dtype) if value.ndim == 0 else np.ascontiguousarray(value)


def decays_of(who: str, units: int, dtype: np.dtype, **values: Any) -> list[np.ndarray]:
    """Return decays per step, each (units,).

    Raises:
        ParameterError: one has another shape, or does not lie from 0 to 1.
    """
    found = [per_unit(who, name, value, units, dtype) for name, value in values.items()]
    for name, value in zip(values, found):
        if not np.all((value >= 0) & (value <= 1)):
            raise ParameterError(f"{who}: {name} must lie from 0 to 1, not {value.min():g} to {value.max():g}.")
    return found


def demand_positive(who: str, **values: float) -> None:
    """Let only positive numbers through.

    Raises:
        ParameterError: one is none.
    """
    for name, value in values.items():
        if not value > 0 or not np.isfinite(value):
            raise ParameterError(f"{who}: {name} must be a positive number, not {value!r}.")


def layer_arrays(who: str, x: Any, w: Any, b: Any, v: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x, w, b (units,) and v, (units, units) or (0, units), as arrays of one type: float32 if w is, else float64.

    Raises:
        ParameterError: shapes that do not fit.
    """
    w = np.asarray(data(w))
    w = np.ascontiguousarray(w, np.float32 if w.dtype == np.float32 else np.float64)
    x = np.asarray(data(x), w.dtype)
    if x.ndim != 3 or w.ndim != 2 or x.shape[2] != w.shape[0]:
        raise ParameterError(f"{who}: x has shape {x.shape}, w {w.shape}; needed are (n, T, n_in) and (n_in, units).")
    units = w.shape[1]
    loop = np.zeros((0, units), w.dtype) if v is None else np.ascontiguousarray(data(v), w.dtype)
    if v is not None and loop.shape != (units, units):
        raise ParameterError(f"{who}: v has shape {loop.shape}; ({units}, {units}) is needed.")
    return x, w, per_unit(who, "b", 0.0 if b is None else b, units, w.dtype), loop


def gradients(source: Product, w: np.ndarray, v: np.ndarray | None, s: np.ndarray, bind: Bind, wanted: list[bool],
              local: bool) -> tuple:
    """Return the gradients of x, w, b and v.

    Args:
        source: x.
        w, v: weights from below, and from the layer itself or None.
        s: spikes, shape (n, T, units).
        bind: makes the loop.
        wanted: which of x, w, b and v need a gradient.
        local: nothing comes back through v.
    """
    n, steps, units = s.shape
    dtype = s.dtype
    dx = np.empty((n, steps, len(w)), dtype) if wanted[0] else None
    db = np.zeros(units, dtype)
    # products within the layer have as many rows as a block has samples
    through = v is not None and not local
    blocks = blocks_of(n, steps*units//16 if through else steps*units)
    most = max((count for _, count in blocks), default=0)
    room, clock = np.empty((most, steps, units), dtype), np.array([0, steps])
    fed, carried = np.zeros((most, units), dtype), np.zeros((3, most, units), dtype)
    run = bind(clock, fed, room, carried)
    from_below = source.backward(room) if wanted[1] else None
    from_layer = product_of(s, lag=1).backward(room) if v is not None and wanted[3] else None
    for start, count in blocks:
        dz = room[:count]
        fed[...], carried[...] = 0, 0
        if not through:
            run(start, count)
        else:
            for t in range(steps - 1, -1, -1):
                clock[:] = t, t + 1
                if t < steps - 1:
                    np.matmul(dz[:, t + 1], v.T, out=fed[:count])
                run(start, count)
        for product in (from_below, from_layer):
            if product:
                product[0](start, count)
        if wanted[2]:
            db += dz.reshape(-1, units).sum(axis=0)
        if dx is not None:
            np.matmul(dz.reshape(-1, units), w.T, out=dx[start:start + count].reshape(-1, len(w)))
    return dx, from_below and from_below[1](), db, from_layer and from_layer[1]()
