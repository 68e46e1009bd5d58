"""Connections given one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import NetworkError, ParameterError
from neurosim.simulator.connectivity.rule import Edges, Rule, Side


@dataclass(frozen=True, eq=False, repr=False)
class Explicit(Rule):
    """Connection c goes from ``sources[c]`` to ``targets[c]``. Order of connections: as given.

    The same pair may occur several times.

    Args:
        sources, targets: whole numbers from 0, shape (n,): indices within the source and the target.

    Raises:
        ParameterError: for arrays of different length, fractions, negative numbers.
        NetworkError: for a neuron that does not exist.
    """

    sources: Any
    targets: Any
    ordered: ClassVar[bool] = True

    def __post_init__(self):
        for name in ("sources", "targets"):
            object.__setattr__(self, name, _indices(name, getattr(self, name)))
        if self.sources.size != self.targets.size:
            raise ParameterError(f"Explicit: {self.sources.size} sources and {self.targets.size} targets. Give one of each for "
                                 "every connection.")

    def __repr__(self):
        return f"Explicit({self.sources.size} connections)"

    def _check(self, pre, post, same):
        for side, name in ((pre, "sources"), (post, "targets")):
            given = getattr(self, name)
            if given.size and given.max() >= side.size:
                c = int(np.argmax(given >= side.size))
                raise NetworkError(f"{self}: {name}[{c}] is {given[c]}, but {side.name!r} has neurons 0 to {side.size - 1}.")

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(self.sources.size)

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        return Edges(self.sources.astype(np.int32), self.targets.astype(np.int32))


def _indices(name: str, given: Any) -> np.ndarray:
    array = np.asarray(given)
    if array.ndim != 1:
        raise ParameterError(f"Explicit: {name} has shape {array.shape}; one index for each connection, shape (n,), is needed.")
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        hint = "np.flatnonzero(mask)" if array.dtype.kind == "b" else f"np.asarray({name}).astype(int)"
        raise ParameterError(f"Explicit: {name} must be whole numbers, not {array.dtype}. Use {hint} if that is meant.")
    if array.dtype.kind == "i" and array.min() < 0:
        c = int(np.argmax(array < 0))
        raise ParameterError(f"Explicit: {name}[{c}] is {array[c]}; indices count from 0.")
    array = array.copy()
    array.flags.writeable = False
    return array
