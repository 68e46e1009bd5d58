"""Connections and weights from a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import NetworkError, ParameterError
from neurosim.simulator.connectivity.rule import Edges, Rule, Side


@dataclass(frozen=True, eq=False, repr=False)
class Matrix(Rule):
    """Source i is connected to target j where ``values[i, j]`` is not zero, with that weight.

    Order of connections: by target, for each target by source.

    Args:
        values: weights, shape (sources, targets): an array, or a matrix or array of scipy.sparse, whose double entries
            add up as usual there. Booleans say which pairs are connected, and leave the weight to the synapse.
        delays: delays in ms, of the same shape, read where there is a connection; None: those of the projection.

    Raises:
        ParameterError: for NaN or infinity, values that are no real numbers, delays of another shape.
        NetworkError: if the shape is not that of source and target.
    """

    values: Any
    delays: Any = None
    ordered: ClassVar[bool] = True

    def __post_init__(self):
        object.__setattr__(self, "values", _matrix("values", self.values))
        if self.delays is not None:
            object.__setattr__(self, "delays", _matrix("delays", self.delays))
            if self.delays.shape != self.values.shape:
                raise ParameterError(f"Matrix: delays have shape {self.delays.shape}, values {self.values.shape}.")
            pre, post, _ = _entries(self.values)
            wrong = ~(_at(self.delays, pre, post) > 0.0)
            if wrong.any():
                c = int(np.argmax(wrong))
                raise ParameterError(f"Matrix: the connection from {pre[c]} to {post[c]} has no positive delay.")

    @property
    def weighted(self):
        return self.values.dtype != bool

    def __repr__(self):
        return f"Matrix({self.values.shape[0]} x {self.values.shape[1]})"

    def _check(self, pre, post, same):
        if self.values.shape != (pre.size, post.size):
            hint = " It is the other way round: use .T." if self.values.shape == (post.size, pre.size) else ""
            raise NetworkError(f"{self}: the shape must be (sources, targets) = ({pre.size}, {post.size}) for {pre.name!r} and "
                               f"{post.name!r}, not {self.values.shape}.{hint}")

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(np.count_nonzero(self.values) if isinstance(self.values, np.ndarray) else self.values.count_nonzero())

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        sources, targets, weight = _entries(self.values)
        delay = None if self.delays is None else _at(self.delays, sources, targets)
        return Edges(sources, targets, weight, delay)


def _entries(values) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Sources, targets and weights of what is not zero, by target then source."""
    if isinstance(values, np.ndarray):
        targets, sources = np.nonzero(values.T)
        found = values[sources, targets]
    else:
        columns = values.tocsc(copy=True)
        columns.sum_duplicates()
        columns.eliminate_zeros()
        sources, found = columns.indices, columns.data
        targets = np.repeat(np.arange(values.shape[1]), np.diff(columns.indptr))
    weight = None if values.dtype == bool else found.astype(np.float64)
    return sources.astype(np.int32), targets.astype(np.int32), weight


def _at(values, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Entries at the given places, 0 where a sparse matrix has none."""
    if not isinstance(values, np.ndarray):
        values = values.tocsr()
    if not sources.size:
        return np.empty(0)
    return np.asarray(values[sources, targets], dtype=np.float64).ravel()


def _matrix(name: str, given: Any):
    """Return an array or a sparse matrix as given, checked."""
    sparse = not isinstance(given, np.ndarray) and hasattr(given, "tocsc") and hasattr(given, "nnz")
    if not sparse:
        try:
            given = np.array(given)
        except ValueError:
            raise ParameterError(f"Matrix: {name} is not a regular table of numbers.") from None
    if given.ndim != 2:
        raise ParameterError(f"Matrix: {name} has shape {given.shape}; (sources, targets) is needed.")
    if given.dtype.kind not in "biuf":
        raise ParameterError(f"Matrix: {name} must be real numbers, not {given.dtype}.")
    if given.dtype.kind == "f":
        bad = ~np.isfinite(given.tocoo().data if sparse else given)
        if bad.any():
            first = int(np.argmax(bad))
            row, column = (_place(given, first) if sparse else np.unravel_index(first, given.shape))
            raise ParameterError(f"Matrix: {name}[{row}, {column}] is not finite. Write 0 where there is no connection.")
    if not sparse:
        given.flags.writeable = False
    return given


def _place(sparse, entry: int) -> tuple[int, int]:
    coordinates = sparse.tocoo()
    return int(coordinates.row[entry]), int(coordinates.col[entry])
