"""A network of leaky neurons simulated without any cleverness: what the engine must agree with spike for spike.

    tau_m dv/dt = bias + x - v,   tau_s dx/dt = -x,   spike if v > 1: v <- 0, held for n_ref steps

One step k: what arrives is added to v (lost while held) and x; both are integrated by their closed form; neurons that are
not held and above 1 spike.  A spike of step k that travels d steps arrives in step k + 1 + d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class NaiveLink:
    """Connections one by one: (population, neuron) of the source and the target, weight, delay in steps; to "v" or "x"."""

    sources: list[tuple[int, int]]
    targets: list[tuple[int, int]]
    weights: np.ndarray
    delays: np.ndarray
    state: str


def pool(views: list[tuple[int, list[int]]]) -> list[tuple[int, int]]:
    """Return (population, neuron) for every place of a list of parts of populations."""
    return [(p, k) for p, neurons in views for k in neurons]


def common(sources: list[tuple[int, int]], targets: list[tuple[int, int]]) -> np.ndarray | None:
    """Return for each target its place among the sources, or -1; None if no population is on both sides."""
    if not {p for p, _ in sources} & {p for p, _ in targets}:
        return None
    return np.array([sources.index(t) if t in sources else -1 for t in targets])


def simulate(sizes: list[int], links: list[NaiveLink], kicks: list[tuple[int, int, int, float]], bias: list[np.ndarray],
             v0: list[np.ndarray], steps: int, dt: float, tau_m: float, tau_s: float, n_ref: int):
    """Return for each population the spikes as (step at whose end, neuron), and the last v.

    kicks: (population, neuron, step, weight) of what is added to v from outside.
    """
    longest = max([int(link.delays.max()) for link in links if len(link.delays)], default=0) + 2
    arriving = {state: [np.zeros((steps + longest, n)) for n in sizes] for state in "vx"}
    for p, neuron, step, weight in kicks:
        arriving["v"][p][step, neuron] += weight
    out: dict[tuple[int, int], list[tuple[str, int, int, float, int]]] = {}
    for link in links:
        for source, (p, neuron), weight, delay in zip(link.sources, link.targets, link.weights, link.delays):
            out.setdefault(source, []).append((link.state, p, neuron, weight, int(delay)))
    v, x = [value.copy() for value in v0], [np.zeros(n) for n in sizes]
    until = [np.zeros(n, int) for n in sizes]
    spikes: list[list[tuple[int, int]]] = [[] for _ in sizes]
    slow, fast = np.exp(-dt / tau_m), np.exp(-dt / tau_s)
    for k in range(steps):
        for p in range(len(sizes)):
            free = k >= until[p]
            v[p] += np.where(free, arriving["v"][p][k], 0.0)
            x[p] += arriving["x"][p][k]
            later = v[p] * slow + x[p] * tau_s / (tau_s - tau_m) * (fast - slow) + bias[p] * (1 - slow)
            v[p] = np.where(free, later, v[p])
            x[p] *= fast
            for neuron in np.flatnonzero(free & (v[p] > 1)):
                v[p][neuron] = 0.0
                until[p][neuron] = k + 1 + n_ref
                spikes[p].append((k + 1, int(neuron)))
                for state, target, other, weight, delay in out.get((p, int(neuron)), ()):
                    arriving[state][target][k + 1 + delay, other] += weight
    return spikes, v
