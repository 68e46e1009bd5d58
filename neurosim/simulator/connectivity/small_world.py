"""Small worlds: rings with some connections rewired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import NetworkError, ParameterError
from neurosim.simulator.connectivity.generate import even_borders, key, run, scratch, targets_of
from neurosim.simulator.connectivity.rule import Edges, Rule, Side, probability, same_size, whole_number, yes_or_no


@dataclass(frozen=True)
class SmallWorld(Rule):
    """Ring of neurons in the order of their indices, each connected with its k nearest, rewired with probability p.

    The ring has n k / 2 edges. Each is, with probability p, replaced by one from its first end to a neuron uniform on those
    that are neither that end nor joined to it already. D. J. Watts and S. H. Strogatz 1998, doi:10.1038/30918. Every edge
    gives a connection in both directions: n k connections, without autapses or multapses.

    With ``directed=True`` connections are rewired one by one instead: every neuron keeps exactly k sources, of which each is
    replaced with probability p.

    Args:
        k: number of neighbours, even, below the number of neurons.
        p: probability of rewiring.
        directed: rewire connections rather than edges.

    Raises:
        ParameterError: for an odd k, a probability outside [0, 1].
        NetworkError: if source and target are not the same neurons, or no more than k.
    """

    k: int
    p: float
    directed: bool = False

    def __post_init__(self):
        object.__setattr__(self, "k", whole_number("SmallWorld", "k", self.k, 2))
        object.__setattr__(self, "p", probability("SmallWorld", "p", self.p))
        yes_or_no("SmallWorld", directed=self.directed)
        if self.k % 2:
            raise ParameterError(f"SmallWorld: k is {self.k}; half of the neighbours are on each side, so that k must be even.")

    def _check(self, pre, post, same):
        same_size(self, pre, post, "A small world connects a population with itself.")
        if not np.array_equal(same, np.arange(pre.size)):
            raise NetworkError(f"{self}: source {pre.name!r} and target {post.name!r} are not the same neurons. A small world "
                               "connects a population with itself.")
        if self.k >= pre.size:
            raise NetworkError(f"{self}: {pre.name!r} has {pre.size} neurons, and each needs {self.k} others. Use an even k "
                               f"below {pre.size}.")

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(self.k) * n_post

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        make = self._rows if self.directed else self._ring
        return make(pre.size, *key(seed, stream), threads)

    def _rows(self, n: int, seed: np.uint64, stream: np.uint64, threads: int) -> Edges:
        from neurosim.kernels.connect import rewire_rows

        sources = np.empty(n * self.k, np.int32)

        def work(low: int, high: int) -> None:
            rewire_rows(sources, n, self.k // 2, self.p, seed, stream, low, high, *scratch(n, False)[:3])

        run(work, even_borders(n, threads), threads)
        return Edges(sources, targets_of(np.arange(n + 1, dtype=np.int64) * self.k))

    def _ring(self, n: int, seed: np.uint64, stream: np.uint64, threads: int) -> Edges:
        from neurosim.kernels.connect import rewire_ring

        half = self.k // 2
        far = np.empty(n * half, np.int32)
        bits = (2 * far.size).bit_length()
        rewire_ring(far, n, half, self.p, seed, stream, np.full(n, self.k, np.int32), np.zeros(far.size, np.bool_),
                    np.full(2**bits, -1, np.int64), 64 - bits)
        near = np.tile(np.arange(n, dtype=np.int64), half)
        far = far.astype(np.int64)
        pairs = np.concatenate([near * n + far, far * n + near])
        pairs.sort()
        return Edges((pairs % n).astype(np.int32), (pairs // n).astype(np.int32))
