"""The tempotron: a neuron that learns from the one moment at which its potential is highest, exact between spikes.

    V(t) = sum_i w_c(i) K(t - t_i),     K(s) = V0 (exp(-s/tau) - exp(-s/tau_s)) for s > 0, 1 at its highest
         = V0 (A exp(-s/tau) - B exp(-s/tau_s)),  s since the last spike;   at spike i:  A <- A + w_c(i),  B <- B + w_c(i)
    t* = argmax_t V:  a spike, or in between, where exp(s (1/tau_s - 1/tau)) = B tau/(A tau_s)
    wrong side of the threshold:   v_c <- momentum v_c +- eta sum_{i of c} K(t* - t_i),   w <- w + v

Spike i of a pattern comes at t_i through channel c(i).  K(t* - t_i) is the derivative of V(t*) by w: t* moves too, but V is
flat there.  A spike of the neuron silences what comes after it (the paper's shunt), so that whether it fires, V(t*) above the
threshold, does not depend on its reset.

A pattern costs a few operations for each spike; the logarithm of t* is taken only where V could exceed what was found before.

Source: R. Guetig, H. Sompolinsky (2006), doi:10.1038/nn1643.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from neurosim.codegen.native import Interpreted, Native
from neurosim.codegen.store import load
from neurosim.errors import ParameterError

_SOURCE = '''"""Tempotron: compiled loop."""

import math

from neurosim.kernels.jit import entry


@entry
def present(step0, n_steps, order, first, channel, time, slow, fast, sign, w, velocity, highest, moment, numbers):
    """Show patterns order[step0] ... order[step0 + n_steps - 1]; numbers: tau, tau_s, V0, threshold, rate, momentum.

    slow, fast: exp(-gap/tau), exp(-gap/tau_s) of the gap before each spike of its pattern. rate 0: nothing is learnt.
    """
    tau, tau_s, v0, threshold, rate, momentum = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
    share, power = 1.0 - tau_s / tau, tau_s / (tau - tau_s)
    for place in range(step0, step0 + n_steps):
        m = order[place]
        begin, end = first[m], first[m + 1]
        a, b, best, when = 0.0, 0.0, -math.inf, math.inf
        for e in range(begin, end):
            a *= slow[e]
            b *= fast[e]
            # before the first spike V is 0 whatever the weights: nothing to learn from
            if e > begin and a - b > best:
                best, when = a - b, time[e]
            a += w[channel[e]]
            b += w[channel[e]]
            if a > 0.0 and a * share > best and b * tau > a * tau_s:
                ratio = b * tau / (a * tau_s)
                top = a * share * ratio ** -power
                later = time[e] + math.log(ratio) * tau * power
                if top > best and (e + 1 == end or later < time[e + 1]):
                    best, when = top, later
        # a pattern without spikes has the potential of rest
        highest[m] = v0 * best if best > -math.inf else 0.0
        moment[m] = when
        if rate > 0.0 and sign[m] * (highest[m] - threshold) <= 0.0:
            for c in range(w.size):
                velocity[c] *= momentum
            for e in range(begin, end):
                s = when - time[e]
                if s > 0.0:
                    velocity[channel[e]] += sign[m] * rate * v0 * (math.exp(-s / tau) - math.exp(-s / tau_s))
            for c in range(w.size):
                w[c] += velocity[c]
'''


@cache
def _loop() -> Native | Interpreted:
    return load(_SOURCE, False, "present", "QQQDDDDDDDDD")


def height(tau: float, tau_s: float) -> float:
    """Return V0, which makes K 1 at its highest."""
    peak = np.log(tau/tau_s)*tau*tau_s/(tau - tau_s)
    return float(1/(np.exp(-peak/tau) - np.exp(-peak/tau_s)))


def kernel(s: np.ndarray, tau: float, tau_s: float) -> np.ndarray:
    """Return K(s), which rises from 0 to 1 and falls again; s in ms, tau > tau_s > 0."""
    late = np.maximum(s, 0)
    return (np.exp(-late/tau) - np.exp(-late/tau_s))*height(tau, tau_s)


@dataclass(frozen=True, eq=False)
class Patterns:
    """Patterns of spikes, those of each in the order of their times.

    Attributes:
        first: pattern m holds spikes first[m] ... first[m + 1] - 1, shape (n_patterns + 1,).
        channel, time: of each spike, time in ms.
        channels: their number.
    """

    first: np.ndarray
    channel: np.ndarray
    time: np.ndarray
    channels: int

    def __len__(self) -> int:
        return len(self.first) - 1

    @classmethod
    def of(cls, pattern: np.ndarray, channel: np.ndarray, time: np.ndarray, n: int, channels: int) -> Patterns:
        """Return n patterns of the spikes given, in any order: pattern, channel and time (ms) of each.

        Raises:
            ParameterError: for arrays of different lengths, times that are not finite, patterns or channels out of range.
        """
        pattern, channel, time = np.asarray(pattern, np.int64), np.asarray(channel, np.int64), np.asarray(time, np.float64)
        if not pattern.shape == channel.shape == time.shape == (len(time),):
            raise ParameterError(f"Patterns: pattern, channel and time must be as long as each other, one-dimensional; their "
                                 f"shapes are {pattern.shape}, {channel.shape} and {time.shape}.")
        for name, found, limit in (("pattern", pattern, n), ("channel", channel, channels)):
            if found.size and not 0 <= found.min() <= found.max() < limit:
                raise ParameterError(f"Patterns: {name} must lie between 0 and {limit - 1}; it goes from {found.min()} to "
                                     f"{found.max()}.")
        if not np.isfinite(time).all():
            raise ParameterError("Patterns: times must be finite; leave out spikes that never come.")
        order = np.lexsort((channel, time, pattern))
        first = np.concatenate([[0], np.cumsum(np.bincount(pattern, minlength=n))])
        return cls(first, channel[order], time[order], channels)

    @classmethod
    def of_latencies(cls, times: np.ndarray) -> Patterns:
        """Return patterns with a spike of each channel at most: times (n_patterns, channels) in ms, inf: none."""
        pattern, channel = np.nonzero(np.isfinite(times))
        return cls.of(pattern, channel, times[pattern, channel], *times.shape)


@dataclass(eq=False)
class Tempotron:
    """One neuron.

    Attributes:
        weights: of the channels, in thresholds at the highest point of K; changed in place by learning.
        tau, tau_s: of membrane and synapse, ms, tau > tau_s > 0.
        threshold: of V.
        velocity: last change of the weights.
    """

    weights: np.ndarray
    tau: float = 15.0
    tau_s: float = 3.75
    threshold: float = 1.0
    velocity: np.ndarray = field(init=False)

    def __post_init__(self):
        if not self.tau > self.tau_s > 0:
            raise ParameterError(f"Tempotron: tau={self.tau:g} ms must be longer than tau_s={self.tau_s:g} ms, both above 0.")
        self.weights = np.array(self.weights, np.float64)
        self.velocity = np.zeros_like(self.weights)

    def peaks(self, patterns: Patterns) -> tuple[np.ndarray, np.ndarray]:
        """Return for each pattern the highest potential and its time (ms; inf and 0 without spikes), each (n_patterns,)."""
        return self._present(patterns, np.arange(len(patterns)), np.ones(len(patterns)), 0.0, 0.0)

    def fires(self, patterns: Patterns) -> np.ndarray:
        """Return for which patterns the neuron fires."""
        return self.peaks(patterns)[0] > self.threshold

    def learn(self, patterns: Patterns, labels: np.ndarray, order: np.ndarray, *, rate: float, momentum: float = 0.0) -> int:
        """Show patterns one after the other, learn from each mistake, and return the number of mistakes.

        Args:
            patterns: the patterns. labels: whether it shall fire, (n_patterns,). order: which are shown, (n_shown,).
            rate: eta. momentum: 0 to less than 1.
        """
        if not (rate > 0 and 0 <= momentum < 1):
            raise ParameterError(f"Tempotron: rate={rate:g} must be positive, momentum={momentum:g} lie between 0 and 1.")
        order = np.asarray(order, np.int64)
        sign = np.where(np.asarray(labels, bool), 1.0, -1.0)
        # each pattern once, so that its highest potential is the one it was judged by
        if len(np.unique(order)) != len(order):
            raise ParameterError("Tempotron: order must not hold a pattern twice; call learn again for a second time.")
        highest, _ = self._present(patterns, order, sign, rate, momentum)
        return int((sign*(highest - self.threshold) <= 0)[order].sum())

    def _present(self, patterns: Patterns, order: np.ndarray, sign: np.ndarray, rate: float,
                 momentum: float) -> tuple[np.ndarray, np.ndarray]:
        n = len(patterns)
        if self.weights.shape != (patterns.channels,) or sign.shape != (n,):
            raise ParameterError(f"Tempotron: {self.weights.size} weights and {sign.size} labels for {n} patterns of "
                                 f"{patterns.channels} channels.")
        if len(order) and not 0 <= order.min() <= order.max() < n:
            raise ParameterError(f"Tempotron: order must hold numbers from 0 to {n - 1}.")
        numbers = np.array([self.tau, self.tau_s, height(self.tau, self.tau_s), self.threshold, rate, momentum])
        highest, moment = np.zeros(n), np.zeros(n)
        gap = np.diff(patterns.time, prepend=0.0)
        gap[patterns.first[:-1][np.diff(patterns.first) > 0]] = 0.0
        job = _loop().bind(order, patterns.first, patterns.channel, patterns.time, np.exp(-gap/self.tau),
                           np.exp(-gap/self.tau_s), sign, self.weights, self.velocity, highest, moment, numbers)
        job(0, len(order))
        return highest, moment
