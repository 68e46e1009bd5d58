"""A network of ensembles simulated without any cleverness: what the engine must agree with.

Every connection is stepped by itself, in plain NumPy, from its description; of the package only the numbers of `nef.build`
are used.  A step k, from t = k dt to (k + 1) dt:

    nodes         f(k dt); a relay adds up what it receives; a callback is asked at multiples of its interval
    ensembles     x_k adds up what connections give at k;  J = gain E x/radius + bias + direct currents;  neurons step -> a_k
    connections   a filter takes u_k = D^T a_k, or the value of its node:  s_{k+1} = Ad s_k + Bd u_k, y = C s_{k+1};
                  its D u_k goes the way of what has no filter
                  without a filter a node's value is there at once; what neurons send is there in the next step, though
                  a filter behind a relay takes it at once

LIF neurons in spiking mode: the time since the end of the refractory period counts within the step, J is constant in it.

    d = clip(dt - r, 0, dt), r: what is left of the refractory period
    v <- J + (v - J) exp(-d/tau_m), spike if v > 1: at dt + tau_m log((J - v)/(J - 1)) after the start of the step;
    v <- 0, r <- t_ref + that;   v >= v_min
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim import nef
from neurosim.nef.connection import Connection, ErrorPort
from neurosim.nef.node import Kind, Node
from neurosim.nef.probe import Attribute


@dataclass
class Outcome:
    """values: probe -> (n_samples, d); times: probe -> (n_samples,) ms; spikes: ensemble -> (steps, neurons)."""

    built: Any
    times: dict[Any, np.ndarray] = field(default_factory=dict)
    values: dict[Any, Any] = field(default_factory=dict)
    spikes: dict[Any, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    errors: dict[Any, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, probe):
        return self.values[probe]


class Filtered:
    """A synapse on `size` numbers; `out` is C s at the start of the present step, without D u."""

    def __init__(self, synapse, size: int, dt: float):
        self.a, self.b, self.c, self.d = (np.atleast_2d(np.asarray(m, dtype=float)) for m in synapse.discretise(dt))
        self.direct = float(self.d[0, 0])
        self.state = np.zeros((self.a.shape[0], size))
        self.out = np.zeros(size)

    def step(self, u: np.ndarray) -> None:
        if self.a.size:
            self.state = self.a @ self.state + self.b.reshape(-1, 1) * u
            self.out = (self.c.reshape(1, -1) @ self.state)[0]


class Cells:
    """The neurons of one ensemble."""

    def __init__(self, built, rate_mode: bool, dt: float):
        self.built, self.rate_mode, self.dt = built, rate_mode, dt
        n = len(built.gain)
        self.v, self.left, self.a, self.j = np.zeros(n), np.zeros(n), np.zeros(n), built.bias.copy()
        self.direct = np.zeros(n)

    def step(self, x: np.ndarray, extra: np.ndarray) -> np.ndarray:
        """Advance; return which neurons spiked, and how often."""
        kind, dt = self.built.neurons, self.dt
        self.j = self.built.gain * (self.built.encoders @ x) / self.built.radius + self.built.bias + extra
        if self.rate_mode:
            self.a = np.asarray(kind.rates(self.j), dtype=float)
            return np.zeros(len(self.a), int)
        if not isinstance(kind, nef.LIF):
            self.v = self.v + kind.rates(self.j) * dt / 1000
            count = np.floor(self.v).astype(int)
            self.v = self.v - count
            self.a = count * 1000 / dt
            return count
        self.left = self.left - dt
        free = np.clip(dt - self.left, 0, dt)
        self.v = self.v - (self.j - self.v) * np.expm1(-free / kind.tau_m)
        fired = self.v > 1
        with np.errstate(all="ignore"):
            when = dt + kind.tau_m * np.log1p(-(self.v - 1) / (self.j - 1))
        self.v = np.maximum(self.v, kind.v_min)
        self.v[fired] = 0
        self.left = np.where(fired, kind.t_ref + when, self.left)
        self.a = fired * 1000 / dt
        return fired.astype(int)


class Naive:
    """The state of a network; see `simulate`."""

    def __init__(self, network, dt: float, seed: int, rate_mode: bool, built=None):
        self.net, self.dt = network, dt
        self.built = nef.build(network, dt, seed) if built is None else built
        self.cells = {e: Cells(b, rate_mode, dt) for e, b in self.built.ensembles.items()}
        # what an array does by itself, as connections
        inner = []
        for array in network.arrays:
            for k, e in enumerate(array.ensembles):
                inner.append(Connection(array.input[array.part_of(k)], e, synapse=None))
        self.links = [*network.links, *inner, *self.built.inner]
        self.into = {}
        for c in self.links:
            end = c.target.input if isinstance(c.target, nef.EnsembleArray) else c.target
            self.into.setdefault(end, []).append(c)
        self.matrices = {c: c.matrix() for c in self.links}
        self.filters = {c: Filtered(c.synapse, self._size(c), dt) for c in self.links if c.synapse is not None}
        self.before = {c: np.zeros(self._size(c)) for c in self.links}
        self.probed = {p: Filtered(p.synapse, p.size, dt) for p in network.records if p.synapse is not None}
        self.probed_before = {p: np.zeros(p.size) for p in network.records
                              if p.attribute in (Attribute.VALUE, Attribute.RATE)}
        self.held = {n: np.zeros(n.size_out) for n in network.nodes if n.kind is Kind.CALLBACK}
        self.memo: dict[Any, np.ndarray] = {}
        self.k = 0

    def _size(self, c) -> int:
        if c in self.built.weights:
            return c.source.n_neurons
        return c.size_mid if not self._learns(c) else c.size_out

    def _learns(self, c) -> bool:
        return c in self.built.uses and self.built.uses[c][0].decoded.learned

    def _from_neurons(self, c) -> bool:
        return not isinstance(c.source, Node)

    def _sent(self, item, indices, late: bool) -> np.ndarray:
        """Return what goes into the filter of a connection or probe; late: after the neurons of this step."""
        source = item.source
        if item in self.built.weights:
            return self.cells[source].a
        if isinstance(source, nef.Neurons):
            return self.cells[source.ensemble].a[indices]
        if isinstance(source, Node):
            return self.value(source, late)[indices]
        found = self.built.uses[item]
        return np.concatenate([use.decoded.decoders[:, use.columns].T @ self.cells[use.decoded.ensemble].a for use in found])

    def given(self, c, late: bool) -> np.ndarray:
        """Return what a connection gives to the whole of its target; late: as a filter behind a relay takes it."""
        mid, factor = 0.0, 1.0
        if c.synapse is not None:
            mid, factor = self.filters[c].out, self.filters[c].direct
        if factor and self._from_neurons(c):
            mid = mid + factor * (self._sent(c, c.pre_indices, True) if late else self.before[c])
        elif factor:
            mid = mid + factor * self._sent(c, c.pre_indices, late)
        size = c.target.size_in
        out = np.zeros(size)
        if c in self.built.weights:
            return self.built.weights[c] @ mid
        out[c.post_indices] = mid if self._learns(c) else self.matrices[c] @ mid
        return out

    def received(self, end, size: int, late: bool = False) -> np.ndarray:
        total = np.zeros(size)
        for c in self.into.get(end, []):
            if c in self.built.weights:
                continue
            total += self.given(c, late)
        return total

    def value(self, node, late: bool = False) -> np.ndarray:
        key = (node, late)
        if key not in self.memo:
            t = self.k * self.dt
            if node.kind is Kind.RELAY:
                found = self.received(node, node.size_in, late)
            elif node.kind is Kind.CALLBACK:
                if not late and self.k % round(node.every / self.dt) == 0:
                    answer = node.output(t, self.received(node, node.size_in))
                    self.held[node] = np.zeros(0) if answer is None else node.checked(answer, t)
                found = self.held[node]
            else:
                found = np.asarray(node.values(np.array([t]))[0])
            self.memo[key] = found
        return self.memo[key]

    def step(self, record) -> dict[Any, np.ndarray]:
        self.memo = {}
        for node in self.held:
            self.value(node)
        xs, currents = {}, {}
        for e in self.cells:
            xs[e] = self.received(e, e.dimensions)
            currents[e] = self.received(e.neurons, e.n_neurons)
            for c in self.into.get(e, []):
                if c in self.built.weights:
                    currents[e] = currents[e] + self.given(c, False)
        record(self, xs)
        fired = {e: cells.step(xs[e], currents[e]) for e, cells in self.cells.items()}
        # all inputs are read before any filter moves
        taken = {c: self._sent(c, c.pre_indices, True).copy() for c in self.links}
        probed = {p: self._sent(p, p.indices, True).copy() for p in self.probed_before}
        for c, u in taken.items():
            self.before[c] = u
            if c in self.filters:
                self.filters[c].step(u)
        for p, u in probed.items():
            self.probed_before[p] = u
            if p in self.probed:
                self.probed[p].step(u)
        self.k += 1
        return fired


def simulate(network, duration: float, dt: float = 1.0, seed: int = 0, rate_mode: bool = False, built=None) -> Outcome:
    """Return what probes see at the start of each step (or each `every`), and all spikes.

    Args:
        network: description; learning rules are not applied.
        duration, dt: ms.
        seed: of `nef.build`.
        rate_mode: activities are G(J) instead of spikes.
        built: numbers to use instead of those of `nef.build(network, dt, seed)`.
    """
    state = Naive(network, dt, seed, rate_mode, built)
    out = Outcome(state.built)
    seen: dict[Any, list] = {p: [] for p in network.records}
    when: dict[Any, list] = {p: [] for p in network.records}
    errors: dict[Any, list] = {}

    def record(now: Naive, xs) -> None:
        for p in network.records:
            if p.every is not None and now.k % round(p.every / dt):
                continue
            when[p].append(now.k * dt)
            seen[p].append(_seen(now, p))
        for c in {c.target.connection for c in network.links if isinstance(c.target, ErrorPort)}:
            errors.setdefault(c, []).append(now.received(ErrorPort(c), c.size_out))

    spikes = {e: ([], []) for e in network.ensembles}
    for k in range(round(duration / dt)):
        for e, count in state.step(record).items():
            who = np.repeat(np.arange(len(count)), count)
            spikes[e][0].extend([k] * len(who))
            spikes[e][1].extend(who.tolist())
    out.spikes = {e: (np.array(s, int), np.array(i, int)) for e, (s, i) in spikes.items()}
    out.times = {p: np.array(w) for p, w in when.items()}
    out.values = {p: np.array(v) for p, v in seen.items()}
    out.errors = {c: np.array(v) for c, v in errors.items()}
    return out


def _seen(now: Naive, p) -> np.ndarray:
    if p.attribute in (Attribute.VALUE, Attribute.RATE):
        at_once = now.value(p.source)[p.indices] if isinstance(p.source, Node) else now.probed_before[p]
        return now.probed[p].out + now.probed[p].direct * at_once if p in now.probed else at_once.copy()
    if isinstance(p.source, nef.Neurons):
        cells = now.cells[p.source.ensemble]
        what = {Attribute.SPIKES: cells.a, Attribute.V: cells.v, Attribute.I: cells.j}[p.attribute]
        return what[p.indices].copy()
    raise NotImplementedError(f"{p.attribute}")
