"""Connections without chance: one to one, all to all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurosim.simulator.connectivity.rule import Edges, Rule, Side, own_sources, same_size, yes_or_no


@dataclass(frozen=True)
class OneToOne(Rule):
    """Source i to target i. Order of connections: i.

    Raises:
        NetworkError: if source and target differ in size.
    """

    ordered: ClassVar[bool] = True

    def _check(self, pre, post, same):
        same_size(self, pre, post, "Take parts of equal size, such as cells[:100].")

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(min(n_pre, n_post))

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        return Edges(np.arange(pre.size, dtype=np.int32), np.arange(post.size, dtype=np.int32))


@dataclass(frozen=True)
class AllToAll(Rule):
    """Every source to every target. Order of connections: by target, for each target by source.

    Args:
        autapses: whether a neuron is connected to itself where source and target share neurons.
    """

    autapses: bool = True
    ordered: ClassVar[bool] = True

    def __post_init__(self):
        yes_or_no("AllToAll", autapses=self.autapses)

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(n_pre) * n_post

    def number(self, pre, post, same=None):
        own = np.empty(0, np.int32) if self.autapses else own_sources(pre, post, same)
        return pre.size * post.size - int((own >= 0).sum())

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        own = np.empty(0, np.int32) if self.autapses else own_sources(pre, post, same)
        everyone = np.arange(pre.size, dtype=np.int32)
        missing = (own >= 0).astype(np.int64) if own.size else np.zeros(post.size, np.int64)
        sources = np.empty(pre.size * post.size - int(missing.sum()), np.int32)
        if not own.size:
            sources.reshape(post.size, pre.size)[:] = everyone
        else:
            start = 0
            for twin in own:
                kept = pre.size if twin < 0 else int(twin)
                sources[start:start + kept] = everyone[:kept]
                start += kept
                if twin >= 0:
                    sources[start:start + pre.size - 1 - kept] = everyone[kept + 1:]
                    start += pre.size - 1 - kept
        return Edges(sources, np.repeat(np.arange(post.size, dtype=np.int32), pre.size - missing))
