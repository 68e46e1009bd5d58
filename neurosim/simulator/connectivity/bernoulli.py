"""Every pair with the same probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.simulator.connectivity.generate import DEGREE_STEP, offsets, subsets
from neurosim.simulator.connectivity.rule import Edges, Rule, Side, own_sources, probability, yes_or_no
from neurosim.simulator.draws import uniforms


@dataclass(frozen=True)
class Bernoulli(Rule):
    """Every pair is connected with probability p, independently of the others.

    In-degrees are drawn from Binomial(n, p), n the number of allowed sources, then all sets of sources of that size are
    equally likely: the same law as a coin for each pair, and the cost follows the connections, not the pairs.

    Args:
        p: probability.
        autapses: whether a neuron may be connected to itself where source and target share neurons.

    Raises:
        ParameterError: for a probability outside [0, 1].
    """

    p: float
    autapses: bool = True

    def __post_init__(self):
        object.__setattr__(self, "p", probability("Bernoulli", "p", self.p))
        yes_or_no("Bernoulli", autapses=self.autapses)

    def expected(self, n_pre, n_post, pre=None, post=None):
        return self.p * n_pre * n_post

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        own = np.empty(0, np.int32) if self.autapses else own_sources(pre, post, same)
        u = uniforms(seed, stream, post.size, DEGREE_STEP)
        counts = binomial_quantile(u, pre.size, self.p)
        if own.size:
            # inverted anew from the same number: the degrees stay independent, as each has a number of its own
            counts = np.where(own >= 0, binomial_quantile(u, pre.size - 1, self.p), counts)
        return Edges(*subsets(offsets(counts), pre.size, own, False, seed, stream, threads))


def binomial_quantile(u: np.ndarray, n: int, p: float) -> np.ndarray:
    """Return the quantiles at u in (0, 1) of Binomial(n, p), int64.

    The terms follow from the largest by their ratios P(k + 1) / P(k) = (n - k) p / ((k + 1) (1 - p)) and are normalised by
    their sum: right to 1e-12 for any n. Terms beyond 9.5 standard deviations and 45 are below the grid of u, 2**-52.
    """
    if n == 0 or p == 0.0:
        return np.zeros(np.shape(u), np.int64)
    if p == 1.0:
        return np.full(np.shape(u), n, np.int64)
    mode = min(int((n + 1) * p), n)
    width = int(9.5 * np.sqrt(n * p * (1.0 - p))) + 45
    low, high = max(0, mode - width), min(n, mode + width)
    k = np.arange(low, high, dtype=float)
    with np.errstate(under="ignore"):
        odds = (n - k) / (k + 1.0) * (p / (1.0 - p))
        upward = np.cumprod(odds[mode - low:])
        downward = np.cumprod(1.0 / odds[:mode - low][::-1])[::-1]
    terms = np.cumsum(np.concatenate([downward, [1.0], upward]))
    return low + np.minimum(np.searchsorted(terms, u * terms[-1]), high - low).astype(np.int64)
