"""The same numbers in another shape or order.  Each gradient goes the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.autodiff.graph import Var, data, record
from neurosim.autodiff.reductions import axes_of
from neurosim.errors import ParameterError


def _moved(name: str, a: Any, change: Callable, back: Callable) -> Var:
    x = np.asarray(data(a))
    try:
        y = change(x)
    except ValueError as error:
        raise ParameterError(f"{name}: does not fit shape {x.shape}: {error}.") from None
    return record(name, y, (a,), back)


def reshape(a: Any, *shape: Any) -> Var:
    """Return a in another shape of as many elements; one size may be -1."""
    new = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
    old = np.shape(data(a))
    return _moved("reshape", a, lambda x: x.reshape(new), lambda g: g.reshape(old))


def transpose(a: Any, axes: tuple[int, ...] | None = None) -> Var:
    """Return a with its axes in the order `axes`, or reversed."""
    back = None if axes is None else tuple(np.argsort(axes_of("transpose", tuple(axes), np.ndim(data(a)))))
    return _moved("transpose", a, lambda x: x.transpose(axes), lambda g: g.transpose(back))


def swapaxes(a: Any, first: int, second: int) -> Var:
    """Return a with two axes exchanged."""
    return _moved("swapaxes", a, lambda x: x.swapaxes(first, second), lambda g: g.swapaxes(first, second))


def moveaxis(a: Any, source: Any, destination: Any) -> Var:
    """Return a with axes moved to other places."""
    return _moved("moveaxis", a, lambda x: np.moveaxis(x, source, destination), lambda g: np.moveaxis(g, destination, source))


def expand_dims(a: Any, axis: Any) -> Var:
    """Return a with a new axis of length one at `axis`."""
    old = np.shape(data(a))
    return _moved("expand_dims", a, lambda x: np.expand_dims(x, axis), lambda g: g.reshape(old))


def squeeze(a: Any, axis: Any = None) -> Var:
    """Return a without its axes of length one, or without those of `axis`."""
    old = np.shape(data(a))
    return _moved("squeeze", a, lambda x: x.squeeze(axis), lambda g: g.reshape(old))


def broadcast_to(a: Any, shape: tuple[int, ...]) -> Var:
    """Return a repeated to `shape`; gradients of what was repeated are summed."""
    return _moved("broadcast_to", a, lambda x: np.broadcast_to(x, shape), lambda g: g)


def flip(a: Any, axis: Any = None) -> Var:
    """Return a with the order along `axis`, or all axes, reversed."""
    return _moved("flip", a, lambda x: np.flip(x, axis), lambda g: np.flip(g, axis))


def roll(a: Any, shift: Any, axis: Any = None) -> Var:
    """Return a with elements moved by `shift` places along `axis`; those that leave enter at the other end."""
    back = tuple(-s for s in shift) if isinstance(shift, tuple) else -shift
    return _moved("roll", a, lambda x: np.roll(x, shift, axis), lambda g: np.roll(g, back, axis))


def repeat(a: Any, count: int, axis: int) -> Var:
    """Return a with every element `count` times along `axis`."""
    old = np.shape(data(a))
    (at,) = axes_of("repeat", axis, len(old))
    return _moved("repeat", a, lambda x: np.repeat(x, count, at),
                  lambda g: g.reshape(*old[:at], old[at], count, *old[at + 1:]).sum(axis=at + 1))
