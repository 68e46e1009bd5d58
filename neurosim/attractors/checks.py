"""What arrays of patterns, states and parameters must look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError


def numbers(value: Any, what: str, dtype: Any = float) -> np.ndarray:
    """Return an array of finite numbers.

    Raises:
        ParameterError: for what is no number, NaN or infinity; with the place of the first.
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            # text that reads like a number is an accident, not a number
            raise TypeError(f"type {array.dtype}")
        array = array.astype(dtype, copy=False)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{what} must be an array of numbers ({error}).") from None
    bad = ~np.isfinite(array)
    if bad.any():
        place = [int(k) for k in np.argwhere(bad)[0]]
        raise ParameterError(f"{what} must be finite; it is {array[tuple(place)]} at {place}. Remove or replace such values.")
    return array


def rows(value: Any, what: str, width: int | None = None, dtype: Any = float) -> np.ndarray:
    """Return a matrix (m, width); m may be 0.

    Raises:
        ParameterError: for another shape, or numbers that are not finite.
    """
    array = numbers(value, what, dtype)
    if array.ndim != 2 or (width is not None and array.shape[1] != width) or not array.shape[1]:
        wanted = "(m, n)" if width is None else f"(m, {width})"
        raise ParameterError(f"{what} has shape {array.shape}; {wanted} is needed, one row for each.")
    return array


def last_axis(value: Any, what: str, width: int, dtype: Any = float) -> np.ndarray:
    """Return an array (..., width).

    Raises:
        ParameterError: for another length of the last axis, or numbers that are not finite.
    """
    array = numbers(value, what, dtype)
    if not array.ndim or array.shape[-1] != width:
        raise ParameterError(f"{what} has shape {array.shape}; (..., {width}) is needed, one value for each of {width} units.")
    return array


def signs(array: np.ndarray, what: str) -> np.ndarray:
    """Return the array if it holds -1 and 1 only.

    Raises:
        ParameterError: with the first other value, and how 0 and 1 become -1 and 1.
    """
    wrong = np.abs(array) != 1
    if wrong.any():
        place = tuple(int(k) for k in np.argwhere(wrong)[0])
        hint = " For 0 and 1 pass 2*x - 1." if np.isin(array, (0, 1)).all() else ""
        raise ParameterError(f"{what} must hold -1 and 1 only; it is {array[place]:g} at {list(place)}.{hint}")
    return array


def whole(value: Any, what: str, low: int) -> int:
    """Return a whole number of at least `low`.

    Raises:
        ParameterError: for any other value.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < low:
        raise ParameterError(f"{what} must be a whole number of at least {low}, not {value!r}.")
    return int(value)


def positive(value: Any, what: str, zero: bool = False) -> float:
    """Return a finite number above 0, or from 0 on if `zero`.

    Raises:
        ParameterError: for any other value.
    """
    good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)
    if not good or value < 0 or (value == 0 and not zero):
        raise ParameterError(f"{what} must be a finite number {'of 0 or more' if zero else 'above 0'}, not {value!r}.")
    return float(value)


def generator(seed: Any) -> np.random.Generator:
    """Return the generator of a seed: a whole number of 0 or more, or a Generator, which moves on.

    Raises:
        ParameterError: for anything else.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(whole(seed, "seed", 0))


def held_mask(value: Any, width: int, what: str) -> np.ndarray:
    """Return a mask (width,) of flags; None is no unit at all.

    Raises:
        ParameterError: for another shape or type.
    """
    if value is None:
        return np.zeros(width, bool)
    mask = np.asarray(value)
    if mask.dtype != bool or mask.shape != (width,):
        raise ParameterError(f"{what} has type {mask.dtype} and shape {mask.shape}; {width} flags (True: held) are needed.")
    return mask
