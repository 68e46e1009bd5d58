"""Connections of a projection as plain arrays, made when they are asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError, listing, nearest
from neurosim.simulator.graded import GradedProjection

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from neurosim.simulator.projection import Link


class Connections:
    """The connections of one projection, ordered by source, then by target.

    Neurons are counted within the source and the target of the projection (in a list of populations, one after the other).

    Args:
        projection: the projection; name: its name in the network.
        deliveries: its connections in memory; step: the present step; dt: ms.
    """

    def __init__(self, projection: Link, name: str, deliveries: list[Any], step: int, dt: float):
        self.projection, self.name, self.dt = projection, name, dt
        self.n_pre, self.n_post = (sum(map(len, views)) for views in (projection.sources, projection.targets))
        self._deliveries, self._step = deliveries, step

    def __len__(self) -> int:
        return self.n_pre * self.n_post if self._is_matrix else sum(d.wired.size for d in self._deliveries)

    def __repr__(self) -> str:
        return f"Connections({self.name!r}, {len(self)} connections from {self.n_pre} to {self.n_post} neurons)"

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Source, target, and the order by which values of the deliveries are sorted."""
        if self._is_matrix:
            pre, post = np.divmod(np.arange(self.n_pre * self.n_post), self.n_post)
            return pre.astype(np.int32), post.astype(np.int32), np.arange(len(pre))
        found = [(np.zeros(0, np.int32), np.zeros(0, np.int32))]
        for d in self._deliveries:
            w = d.wired
            pre, post = w.pairs()
            if w.source.chosen is not None:
                pre = np.searchsorted(w.source.chosen, pre).astype(np.int32)
            if w.target.chosen is not None:
                post = np.searchsorted(w.target.chosen, post).astype(np.int32)
            found.append((pre + np.int32(w.begin), post + np.int32(w.start)))
        pre, post = (np.concatenate(part) for part in zip(*found))
        order = np.lexsort((post, pre))
        return pre[order], post[order], order

    @property
    def _is_matrix(self) -> bool:
        return isinstance(self.projection, GradedProjection) and isinstance(self.projection.connectivity, tuple)

    @property
    def pre(self) -> np.ndarray:
        """Source of each connection, int32 of shape (n,)."""
        return self._pairs[0]

    @property
    def post(self) -> np.ndarray:
        """Target of each connection, int32 of shape (n,)."""
        return self._pairs[1]

    def _gather(self, values: list[np.ndarray]) -> np.ndarray:
        sizes = [d.wired.size for d in self._deliveries]
        whole = np.concatenate([np.zeros(0), *(np.broadcast_to(v, (n,)) for v, n in zip(values, sizes))])
        return whole[self._pairs[2]]

    def spread(self, value: Any, label: str) -> list[np.ndarray]:
        """Return values in the order of the connections as one array for each delivery.

        Raises:
            ParameterError: if they do not fit or are not finite.
        """
        n = len(self)
        try:
            given = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise ParameterError(f"{self.name!r}: {label} must be a number or an array, not {type(value).__name__}.") from None
        if given.ndim and given.shape != (n,):
            raise ParameterError(f"{self.name!r}: {label} has shape {given.shape}, but there are {n} connections.")
        if not np.all(np.isfinite(given)):
            raise ParameterError(f"{self.name!r}: {label} must be finite.")
        whole = np.empty(n)
        whole[self._pairs[2]] = given
        return np.split(whole, np.cumsum([d.wired.size for d in self._deliveries])[:-1])

    @property
    def weight(self) -> np.ndarray:
        """Weight of each connection at the end of the run, shape (n,)."""
        if self._is_matrix:
            *left, right = self.projection.connectivity
            matrix = left[0] @ right if left else right
            matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
            factor = self._deliveries[0].factor
            return (self.projection.weight if factor is None else factor) * matrix.ravel()
        if getattr(self.projection, "plasticity", None) is not None:
            return self["w"]
        return self._gather([d.wired.weight for d in self._deliveries])

    @property
    def delay(self) -> np.ndarray:
        """Delay of each connection in ms, shape (n,)."""
        if self._is_matrix:
            return np.full(len(self), max(self._deliveries[0].longest, 0) * self.dt)
        return self._gather([d.wired.delay * self.dt for d in self._deliveries])

    def __getitem__(self, variable: str) -> np.ndarray:
        """Return a variable of the plasticity rule for each connection, shape (n,), at the end of the run."""
        rule = getattr(self.projection, "plasticity", None)
        if self.projection.learning is not None and variable == "w":
            return self.weight
        if rule is None:
            raise ParameterError(f"{self.name!r} has no plasticity: its connections have .weight and .delay.")
        if variable not in rule.recordable:
            raise ParameterError(f"{rule.name} has no variable {variable!r}.{nearest(variable, rule.recordable)} "
                                 f"Known: {listing(rule.recordable)}.")
        return self._gather([d.present(variable, self._step) for d in self._deliveries])

    def in_degrees(self) -> np.ndarray:
        """Return the number of connections onto each target, shape (n_post,)."""
        return np.bincount(self.post, minlength=self.n_post)

    def out_degrees(self) -> np.ndarray:
        """Return the number of connections from each source, shape (n_pre,)."""
        return np.bincount(self.pre, minlength=self.n_pre)

    def matrix(self) -> csr_array:
        """Return the weights as SciPy sparse array of shape (n_pre, n_post); several connections of a pair are added."""
        from scipy.sparse import coo_array

        return coo_array((self.weight, (self.pre, self.post)), shape=(self.n_pre, self.n_post)).tocsr()
