"""Predict the memory of a run before it starts."""

from __future__ import annotations

import os

import numpy as np

from neurosim.errors import SimulationError
from neurosim.simulator.connectivity import Rule
from neurosim.simulator.network import Network
from neurosim.simulator.projection import Link

#: what makes the largest part of a run smaller, by the word its name begins with
REMEDIES = {"state": "simulate fewer neurons",
            "probe": "record fewer neurons or less often (every=), simulate a shorter run",
            "spikes": "give shorter delays or a larger dt",
            "connections": "use fewer connections, one weight and one delay for all of them"}


def free_bytes() -> int | None:
    """Return the memory that can still be taken, or None where the system does not tell."""
    found = []
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    found.append(int(line.split()[1]) * 1024)
    except OSError:
        try:
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, ValueError, OSError):
            return None
    for limit, used in (("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),):
        try:
            with open(limit, encoding="ascii") as a, open(used, encoding="ascii") as b:
                text = a.read().strip()
                if text.isdigit():
                    found.append(int(text) - int(b.read()))
        except OSError:
            pass
    return min(found) if found else None


def predicted_bytes(network: Network, n_steps: int, dt: float, single: bool) -> dict[str, int]:
    """Return the bytes of state and of each probe; spikes are not known beforehand."""
    real = 4 if single else 8
    need: dict[str, int] = {}
    for p in network.populations:
        model = p.model
        varying = sum(1 for v in model.parameters.values() if not isinstance(v, float))
        rows = len(model.states) + varying + 2 * len(network.stimuli) + (model.refractory is not None)
        need[f"state of {network.name_of(p)!r}"] = p.size * rows * real
    for probe, name in zip(network.probes, network.probe_names):
        every = max(1, round((probe.every or dt) / dt))
        if probe.link is None:
            need[f"probe {name!r}"] = -(-n_steps // every) * len(probe.target) * real
    for p in network.populations if network.projections else ():
        # the ring buffer of at most a few rows, and who spiked lately
        lag = max([_longest(q, dt) for q in network.projections if any(v.population is p for v in q.targets)], default=1)
        need[f"spikes under way to {network.name_of(p)!r}"] = p.size * (4 * (lag + 2) * real + 8 * min(lag + 2, 4096))
    for p in network.projections:
        need[f"connections of {network.name_of(p)!r}"] = _connections(p, real)
    return need


def _longest(p: Link, dt: float) -> int:
    """Return the longest delay in steps, about."""
    value = p.delay.quantile(np.array([1 - 1e-7])) if getattr(p.delay, "is_distribution", False) else p.delay
    return int(np.max(value) / dt)


def _connections(p: Link, real: int) -> int:
    """Return the bytes of a projection: while it is drawn, two indices of each connection are there besides."""
    pre, post = p.sides()
    if not isinstance(p.connectivity, Rule):
        # a sparse matrix is turned into runs with the help of a few indices for each entry
        alone = len(p.connectivity) == 1
        return sum(48 * a.nnz if hasattr(a, "nnz") else a.size * (real + 40 * alone) for a in p.connectivity)
    weight = getattr(p, "synapse", p).weight
    own = 10 + (0 if isinstance(weight, float) else real + 8) + (0 if isinstance(p.delay, float) else 10)
    rule = getattr(p, "plasticity", None)
    if rule is not None:
        own += real * len(rule.variables) + 16
    return int(p.connectivity.expected(pre.size, post.size, pre, post) * own)


def check_memory(network: Network, n_steps: int, dt: float, single: bool) -> None:
    """Raise `SimulationError` if the arrays of a run will not fit into free memory."""
    free = free_bytes()
    need = predicted_bytes(network, n_steps, dt, single)
    total = sum(need.values())
    if free is None or total <= 0.95 * free:
        return
    largest = max(need, key=need.get)
    remedy = next(text for word, text in REMEDIES.items() if largest.startswith(word))
    raise SimulationError(f"This run needs {total / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free. Most of it is the {largest} "
                          f"({need[largest] / 1e9:.3g} GB): {remedy}, or use dtype='float32'.")
