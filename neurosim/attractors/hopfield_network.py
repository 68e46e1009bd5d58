"""Binary Hopfield networks: energy, asynchronous and synchronous updates.

    E(x) = -x W x^T/2 - b x^T,     h = x W + b,     x_i <- sign(h_i), kept where h_i = 0

x in {-1, +1}^N, one state in each row.  One update at a time never raises E if W is symmetric and its diagonal is not
negative; all at once they end in a fixed point or a cycle of two states.

Source: J. J. Hopfield 1982, doi:10.1073/pnas.79.8.2554; cycles: E. Goles-Chacc, F. Fogelman-Soulie & D. Pellegrin 1985,
doi:10.1016/0166-218X(85)90029-0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.attractors import checks
from neurosim.attractors.hopfield_rules import hebbian
from neurosim.errors import ParameterError

#: part of the largest possible field within which a field counts as 0: rounding must not decide ties
TIE = 1e-12
#: rows of the weights that are looked at together: they stay in a cache
ROWS = 64


class Order(Enum):
    """In which order neurons are updated."""

    ASYNCHRONOUS = "one after the other, each once in a sweep, in random order"
    SYNCHRONOUS = "all at once"


ASYNCHRONOUS, SYNCHRONOUS = Order.ASYNCHRONOUS, Order.SYNCHRONOUS


@dataclass(frozen=True, eq=False)
class Recall:
    """Where states went.

    Attributes:
        states: (..., N) of -1 and 1, float64, in the shape of the start.
        energy: after each sweep, from the start on: (sweeps + 1, ...); after each update if that was asked for.
        sweeps: sweeps until nothing changed, (...); the last of them changed nothing unless the limit was met.
        period: 1 at rest, 2 in a cycle of two states, 0 where the limit of sweeps was met, (...).
        flips: changes of neurons, (...).
    """

    states: np.ndarray
    energy: np.ndarray = field(repr=False)
    sweeps: np.ndarray
    period: np.ndarray
    flips: np.ndarray = field(repr=False)

    @property
    def converged(self) -> np.ndarray:
        """Whether each state is at rest, (...)."""
        return self.period == 1

    def overlap(self, patterns: Any) -> np.ndarray:
        """Return m = x . xi/N of each final state with each pattern, (..., M).

        patterns: xi (M, N).
        """
        n = self.states.shape[-1]
        return self.states @ checks.rows(patterns, "patterns", n).T / n


@dataclass(frozen=True, eq=False)
class Hopfield:
    """A network of N binary neurons.

    Args:
        weights: W (N, N), W[i, j] from i to j; need not be symmetric, without which E may rise.
        bias: b (N,) or one number for all; minus the threshold.

    Raises:
        ParameterError: for weights that are no square matrix, a bias of another length, or numbers that are not finite.
    """

    weights: Any
    bias: Any = 0.0

    def __post_init__(self):
        w = checks.rows(self.weights, "Hopfield: weights")
        n = w.shape[1]
        if w.shape != (n, n):
            raise ParameterError(f"Hopfield: weights has shape {w.shape}; a square matrix is needed, from neuron i (row) to j.")
        b = checks.numbers(self.bias, "Hopfield: bias")
        if b.shape not in ((), (n,)):
            raise ParameterError(f"Hopfield: bias has shape {b.shape}; one number, or ({n},) is needed.")
        object.__setattr__(self, "weights", np.array(w, order="C"))
        object.__setattr__(self, "bias", np.array(np.broadcast_to(b, n)))
        self.weights.flags.writeable = self.bias.flags.writeable = False

    @classmethod
    def storing(cls, patterns: Any, rule: Callable[[Any], np.ndarray] = hebbian, bias: Any = 0.0) -> Hopfield:
        """Return the network that a rule of learning makes of patterns.

        patterns: (M, N) of -1 and 1; rule: `hebbian`, `pseudo_inverse`, `storkey`, or any function of patterns that returns
        weights (N, N); bias: as above.
        """
        return cls(rule(patterns), bias)

    @property
    def size(self) -> int:
        """Number of neurons N."""
        return len(self.weights)

    @cached_property
    def symmetric(self) -> bool:
        """Whether W = W^T exactly."""
        return bool(np.array_equal(self.weights, self.weights.T))

    @cached_property
    def _tie(self) -> float:
        total = np.abs(self.bias)
        for first in range(0, self.size, ROWS):
            total += np.abs(self.weights[first:first + ROWS]).sum(axis=0)
        return TIE * float(np.max(total, initial=0.0))

    def fields(self, states: Any) -> np.ndarray:
        """Return h = x W + b for states x (..., N)."""
        return checks.last_axis(states, "states", self.size) @ self.weights + self.bias

    def energy(self, states: Any) -> np.ndarray:
        """Return E = -x W x^T/2 - b x^T for states x (..., N), shape (...)."""
        x = checks.last_axis(states, "states", self.size)
        return _energy(x, x @ self.weights + self.bias, self.bias)

    def stable(self, states: Any) -> np.ndarray:
        """Return whether no neuron of a state (..., N) would change, shape (...)."""
        x = checks.signs(checks.last_axis(states, "states", self.size), "states")
        return np.all(x * self.fields(x) >= -self._tie, axis=-1)

    def recall(self, states: Any, order: Order = ASYNCHRONOUS, *, sweeps: int = 100, seed: Any = 0, held: Any = None,
               same_order: bool = False, every_update: bool = False) -> Recall:
        """Let states run until they are at rest.

        Args:
            states: x (..., N) of -1 and 1.
            order: `ASYNCHRONOUS` or `SYNCHRONOUS`.
            sweeps: at most so many updates of every neuron.
            seed: of the orders of updates: a whole number or a NumPy Generator.
            held: (N,) flags of neurons that keep their value; None for none.
            same_order: all states are updated in the same orders, so that what becomes of one depends on itself alone.
            every_update: record the energy after every update, N times a sweep; for asynchronous updates.

        Raises:
            ParameterError: for states of another shape or value, and other unusable arguments.
        """
        x = checks.signs(checks.last_axis(states, "states", self.size), "states")
        shape, n = x.shape[:-1], self.size
        sweeps = checks.whole(sweeps, "sweeps", 1)
        mask = checks.held_mask(held, n, "held")
        if not isinstance(order, Order):
            raise ParameterError(f"order must be ASYNCHRONOUS or SYNCHRONOUS of neurosim.attractors, not {order!r}.")
        if every_update and order is SYNCHRONOUS:
            raise ParameterError("every_update is for asynchronous updates; synchronous ones have one energy a sweep.")
        x = np.array(x.reshape(-1, n))
        if order is SYNCHRONOUS:
            found = self._together(x, sweeps, mask)
        else:
            key = int(checks.generator(seed).integers(2**63))
            found = self._one_by_one(x, sweeps, mask, key, same_order, every_update)
        energy, taken, period, flips = found
        return Recall(x.reshape(*shape, n), energy.reshape(len(energy), *shape), taken.reshape(shape), period.reshape(shape),
                      flips.reshape(shape))

    def _one_by_one(self, x: np.ndarray, sweeps: int, held: np.ndarray, key: int, same: bool, every_update: bool):
        from neurosim.kernels.binary import sweep_rows

        m, n = x.shape
        taken, flips, going = np.zeros(m, np.int64), np.zeros(m, np.int64), np.arange(m)
        h = x @ self.weights + self.bias
        part, now, streams = x, _energy(x, h, self.bias), np.zeros(m, np.int64) if same else going
        energy = [now[None].copy()]
        moving = np.ones(m, bool)
        for k in range(sweeps):
            if not moving.any():
                break
            if 2 * moving.sum() < moving.size:
                # states at rest are left behind, not at once: copies cost more than looking at them
                x[going] = part
                going, part, h, now, streams = going[moving], part[moving], h[moving], now[moving], streams[moving]
                moving = np.ones(going.size, bool)
            changed, trace = np.zeros(going.size, np.int64), np.empty((n, going.size) if every_update else (0, 0))
            sweep_rows(self.weights, self.symmetric, self.bias, held, part, h, streams, now, changed, trace, self._tie, key, k)
            taken[going] += moving
            flips[going] += changed
            last = np.repeat(energy[-1][-1:], len(trace) or 1, axis=0)
            last[:, going] = trace if every_update else now
            energy.append(last)
            moving &= changed > 0
        x[going] = part
        period = np.ones(m, np.int64)
        period[going[moving]] = 0
        return np.concatenate(energy), taken, period, flips

    def _together(self, x: np.ndarray, sweeps: int, held: np.ndarray):
        m = len(x)
        taken, flips, period = (np.zeros(m, np.int64) for _ in range(3))
        going, now, h, before = np.arange(m), x, x @ self.weights, np.zeros(x.shape, bool)
        h += self.bias
        energy = [_energy(x, h, self.bias)]
        for _ in range(sweeps):
            if not going.size:
                break
            turned = np.multiply(now, h, out=h) < -self._tie
            turned &= ~held
            changed = np.count_nonzero(turned, axis=1)
            taken[going] += 1
            flips[going] += changed
            moving = changed > 0
            period[going] = ~moving
            if not moving.all():
                # states at rest need no new fields
                x[going] = now
                going, now, turned, before = going[moving], now[moving], turned[moving], before[moving]
            # times 1 or -1: five times as fast as to negate some of them
            now *= np.subtract(0.5, turned, out=h[:len(now)])
            now *= 2
            h = np.matmul(now, self.weights, out=h[:len(now)])
            h += self.bias
            last = energy[-1].copy()
            last[going] = _energy(now, h, self.bias)
            energy.append(last)
            # what turned, turned back
            cycle, before = (turned == before).all(axis=1), turned
            if cycle.any():
                period[going[cycle]] = 2
                x[going] = now
                going, now, h, before = going[~cycle], now[~cycle], h[~cycle], before[~cycle]
        x[going] = now
        return np.array(energy), taken, period, flips


def _energy(x: np.ndarray, h: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return -0.5 * (np.einsum("...i,...i->...", h, x) + x @ bias)
