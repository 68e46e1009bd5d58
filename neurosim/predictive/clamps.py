"""What is known of both ends of a network, checked: data and labels, all of them, a part, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.predictive.network import PredictiveNetwork


@dataclass(frozen=True)
class End:
    """One end of a network.

    Attributes:
        values: (rows, n), 0 where nothing is known.
        known: None: all; else bool array (rows, n).
    """

    values: np.ndarray
    known: np.ndarray | None

    @property
    def free(self) -> bool:
        """Whether any value is not known."""
        return self.known is not None


@dataclass(frozen=True)
class Clamps:
    """Both ends: `bottom` is layer 0, `top` layer L."""

    rows: int
    bottom: End
    top: End


def clamps(net: PredictiveNetwork, data: Any, label: Any, data_known: Any = None, label_known: Any = None,
           rows: int | None = None) -> Clamps:
    """Return what is known of both ends.

    Args:
        net: the network.
        data: (rows, n_data), or None: nothing known.
        label: (rows, n_label), or class numbers (rows,), or None.
        data_known, label_known: bool (n,) or (rows, n): which values count; None: all.
        rows: number of samples, where neither is given.

    Raises:
        ParameterError: for shapes that do not fit, values that are not finite, unknown classes.
    """
    sizes = net.layers[net.data_end], net.layers[net.label_end]
    arrays = [_values("data", data, sizes[0], net.dtype), one_hot(label, sizes[1], net.dtype)]
    counts = {len(a) for a in arrays if a is not None}
    if len(counts) > 1:
        raise ParameterError(f"data have {len(arrays[0])} rows, label has {len(arrays[1])}: one row for each sample is needed "
                             "in both.")
    if not counts and rows is None:
        raise ParameterError("Neither data nor label is given: there is nothing to settle to.")
    n_rows = counts.pop() if counts else rows
    ends = [_end(name, array, known, n_rows, n, net.dtype) for name, array, known, n in
            zip(("data", "label"), arrays, (data_known, label_known), sizes)]
    bottom, top = ends if net.data_end == 0 else ends[::-1]
    if net.output != "linear":
        name = "data" if net.data_end == 0 else "label"
        if net.output == "softmax" and bottom.known is not None and bottom.known.any():
            raise ParameterError(f"{name}: with output 'softmax' all values of a sample must be known, or none.")
        if bottom.values.size and (bottom.values.min() < 0 or bottom.values.max() > 1):
            raise ParameterError(f"{name}: with output {net.output!r} values lie between 0 and 1; found "
                                 f"{bottom.values.min():g} to {bottom.values.max():g}. Scale them, or take output='linear'.")
    return Clamps(n_rows, bottom, top)


def one_hot(label: Any, n: int, dtype: Any = "float64") -> np.ndarray | None:
    """Return labels as array (rows, n): class numbers 0 ... n-1 become rows with a single 1; None stays None.

    Raises:
        ParameterError: for numbers that are no classes, and wrong shapes.
    """
    if label is None:
        return None
    array = np.asarray(label)
    if array.ndim == 1 and array.dtype.kind in "iub" and n > 1:
        if array.size and (array.min() < 0 or array.max() >= n):
            raise ParameterError(f"label: class numbers go from 0 to {n - 1}; found {array.min()} to {array.max()}.")
        return np.eye(n, dtype=dtype)[array.astype(np.int64)]
    if array.ndim == 1 and n == 1:
        array = array[:, None]
    return _values("label", array, n, dtype)


def _values(name: str, values: Any, n: int, dtype: Any) -> np.ndarray | None:
    if values is None:
        return None
    try:
        array = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}: numbers are needed, not {values!r:.60}.") from None
    if array.ndim != 2 or array.shape[1] != n:
        more = ", or class numbers (integers) of shape (rows,)" if name == "label" and n > 1 else ""
        raise ParameterError(f"{name}: the network needs shape (rows, {n}){more}; given: {array.shape}"
                             f"{' of ' + str(np.asarray(values).dtype) if array.ndim == 1 else ''}.")
    return array


def _end(name: str, array: np.ndarray | None, known: Any, rows: int, n: int, dtype: Any) -> End:
    if array is None:
        if known is not None:
            raise ParameterError(f"{name}_known is given without {name}.")
        return End(np.zeros((rows, n), dtype), np.zeros((rows, n), bool))
    if known is not None:
        mask = np.asarray(known)
        if mask.dtype != bool or mask.shape not in ((n,), (rows, n)):
            raise ParameterError(f"{name}_known: a bool array of shape ({n},) or ({rows}, {n}) is needed, not {mask.dtype} "
                                 f"{mask.shape}.")
        known = np.broadcast_to(mask, (rows, n))
        array = np.where(known, array, np.zeros((), array.dtype))
        known = None if known.all() else known
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ParameterError(f"{name}: row {row}, column {column} is {array[row, column]}. Give finite numbers, or say with "
                             f"{name}_known= that it is not known.")
    return End(array, known)
