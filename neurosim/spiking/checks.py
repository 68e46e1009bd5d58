"""Checks that the codes share."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError


def unit_interval(name: str, x: Any) -> np.ndarray:
    """Return samples as float64, (n, d).

    Raises:
        ParameterError: they are not of two axes, or a value is not from 0 to 1; the message names the place.
    """
    try:
        x = np.asarray(x, float)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name}: values must be numbers: {error}.") from None
    if x.ndim != 2:
        raise ParameterError(f"{name}: values of shape {x.shape}; samples in rows, (n, d), are needed.")
    wrong = ~((x >= 0) & (x <= 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ParameterError(f"{name}: the value {x[row, column]:g} in row {row}, column {column}, is not from 0 to 1 "
                             f"({np.count_nonzero(wrong)} such values). Scale them: (x - x.min())/(x.max() - x.min()).")
    return x


def spikes_of(name: str, s: Any) -> np.ndarray:
    """Return spikes, (n, T, units), as an array.

    Raises:
        ParameterError: they are not of three axes.
    """
    s = np.asarray(s)
    if s.ndim != 3:
        raise ParameterError(f"{name}: spikes of shape {s.shape}; (n, T, units) is needed.")
    return s


def whole_steps(name: str, what: str, value: Any, low: int = 1) -> int:
    """Return a whole number of at least `low`.

    Raises:
        ParameterError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise ParameterError(f"{name}: {what} must be a whole number of at least {low}, not {value!r}.")
    return int(value)
