"""Fixed numbers of connections: of each target, of each source, in total."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.codegen.library import compiled
from neurosim.errors import NetworkError
from neurosim.kernels.widths import DRAWS
from neurosim.simulator.connectivity.generate import (
    even_borders,
    key,
    offsets,
    run,
    scratch,
    subsets,
    targets_of,
)
from neurosim.simulator.connectivity.rule import Edges, Rule, Side, own_sources, own_targets, whole_number, yes_or_no


def _forbidden(rule, pre: Side, post: Side, same: np.ndarray | None) -> np.ndarray:
    return np.empty(0, np.int32) if rule.autapses else own_sources(pre, post, same)


def _check_degree(rule, wanted: Side, others: str, each: Side, shared: np.ndarray) -> None:
    """Refuse a degree above the number of neurons `wanted` offers to `each`."""
    available = wanted.size - (1 if shared.size else 0)
    itself = " other than itself" if shared.size else ""
    if rule.multapses and available < 1 and rule.k > 0:
        raise NetworkError(f"{rule}: {wanted.name!r} has no neuron that a neuron of {each.name!r} may be connected with"
                           f"{itself}. Allow autapses=True.")
    if not rule.multapses and rule.k > available:
        raise NetworkError(f"{rule}: each neuron of {each.name!r} needs {rule.k} different {others}, but {wanted.name!r} has "
                           f"{available}{itself}. Use k <= {available}, or multapses=True.")


@dataclass(frozen=True)
class FixedInDegree(Rule):
    """Each target has k sources, uniform on the sources.

    Args:
        k: connections of each target.
        autapses: whether a neuron may be connected to itself where source and target share neurons.
        multapses: whether a source may be connected to a target several times. False: all sets of k sources are
            equally likely. True: k independent draws.

    Raises:
        ParameterError: if k is no whole number, or negative.
        NetworkError: if the source has fewer than k neurons and multapses are not allowed.
    """

    k: int
    autapses: bool = True
    multapses: bool = False

    def __post_init__(self):
        object.__setattr__(self, "k", whole_number("FixedInDegree", "k", self.k))
        yes_or_no("FixedInDegree", autapses=self.autapses, multapses=self.multapses)

    def _check(self, pre, post, same):
        _check_degree(self, pre, "sources", post, np.empty(0) if self.autapses else same)

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(self.k) * n_post

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        first = np.arange(post.size + 1, dtype=np.int64) * self.k
        return Edges(*subsets(first, pre.size, _forbidden(self, pre, post, same), bool(self.multapses), seed, stream, threads))


@dataclass(frozen=True)
class FixedOutDegree(Rule):
    """Each source has k targets, uniform on the targets.

    Args:
        k: connections of each source.
        autapses: whether a neuron may be connected to itself where source and target share neurons.
        multapses: whether a source may be connected to a target several times. False: all sets of k targets are
            equally likely. True: k independent draws.

    Raises:
        ParameterError: if k is no whole number, or negative.
        NetworkError: if the target has fewer than k neurons and multapses are not allowed.
    """

    k: int
    autapses: bool = True
    multapses: bool = False

    def __post_init__(self):
        object.__setattr__(self, "k", whole_number("FixedOutDegree", "k", self.k))
        yes_or_no("FixedOutDegree", autapses=self.autapses, multapses=self.multapses)

    def _check(self, pre, post, same):
        own = np.empty(0, np.int32) if self.autapses else own_targets(pre, post, same)
        _check_degree(self, post, "targets", pre, own)

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(self.k) * n_pre

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        own = own_targets(pre, post, _forbidden(self, pre, post, same))
        multapses = bool(self.multapses)
        seed, stream = key(seed, stream)
        borders = even_borders(pre.size, threads)
        # Drawn twice, to count and to place: the connections are never held in two orders at once.
        cursors = {low: np.zeros(post.size, np.int64) for low in borders[:-1]}
        sources = np.empty(pre.size * self.k, np.int32)

        def work(low: int, high: int) -> None:
            compiled("scatter_targets").bind(sources, cursors[low], own, post.size, self.k, int(multapses), int(scatter), seed,
                                             stream, np.empty(self.k, np.int32),
                                             *scratch(post.size, multapses))(low, high - low)

        scatter = False
        run(work, borders, threads)
        first = offsets(sum(cursors.values()))
        begin = first[:-1].copy()
        for low in borders[:-1]:
            counts = cursors[low]
            cursors[low] = begin.copy()
            begin += counts
        scatter = True
        run(work, borders, threads)
        return Edges(sources, targets_of(first))


@dataclass(frozen=True)
class FixedTotalNumber(Rule):
    """n connections in all, uniform on the pairs.

    Args:
        n: number of connections.
        autapses: whether a neuron may be connected to itself where source and target share neurons.
        multapses: whether a pair may be connected several times. True: n independent pairs (multinomial degrees).
            False: all sets of n pairs are equally likely (hypergeometric degrees).

    Raises:
        ParameterError: if n is no whole number, or negative.
        NetworkError: if there are fewer than n pairs and multapses are not allowed, or no pair at all.
    """

    n: int
    autapses: bool = True
    multapses: bool = True

    def __post_init__(self):
        object.__setattr__(self, "n", whole_number("FixedTotalNumber", "n", self.n))
        yes_or_no("FixedTotalNumber", autapses=self.autapses, multapses=self.multapses)

    def _check(self, pre, post, same):
        pairs = self._pairs(pre, post, np.empty(0) if self.autapses else same)
        if not self.multapses and self.n > pairs:
            raise NetworkError(f"{self}: {pre.name!r} and {post.name!r} have only {pairs} pairs. Use n <= {pairs}, "
                               "or multapses=True.")
        if self.n > 0 and pairs == 0:
            raise NetworkError(f"{self}: {pre.name!r} and {post.name!r} are the same single neuron. Allow autapses=True.")

    @staticmethod
    def _pairs(pre: Side, post: Side, same: np.ndarray) -> int:
        return pre.size * post.size - int(np.count_nonzero(same >= 0))

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(self.n)

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        own = _forbidden(self, pre, post, same)
        words = key(seed, stream)
        if self.multapses:
            borders = even_borders(self.n, threads)
            hits = {low: np.zeros(post.size, np.int64) for low in borders[:-1]}

            def work(low: int, high: int) -> None:
                compiled("count_pairs").bind(hits[low], own, pre.size, post.size, *words,
                                             np.empty(DRAWS, np.uint64))(low, high - low)

            run(work, borders, threads)
            counts = sum(hits.values())
        else:
            counts = np.zeros(post.size, np.int64)
            compiled("share_out").bind(counts, own, pre.size, self._pairs(pre, post, own), self.n, *words)(0, post.size)
        return Edges(*subsets(offsets(counts), pre.size, own, bool(self.multapses), seed, stream, threads))
