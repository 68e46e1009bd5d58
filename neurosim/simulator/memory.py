"""Predict the memory of a run before it starts."""

from __future__ import annotations

import os

from neurosim.errors import SimulationError
from neurosim.simulator.network import Network


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
        need[f"probe {name!r}"] = -(-n_steps // every) * len(probe.target) * real
    return need


def check_memory(network: Network, n_steps: int, dt: float, single: bool) -> None:
    """Raise `SimulationError` if the arrays of a run will not fit into free memory."""
    free = free_bytes()
    need = predicted_bytes(network, n_steps, dt, single)
    total = sum(need.values())
    if free is None or total <= 0.95 * free:
        return
    largest = max(need, key=need.get)
    raise SimulationError(
        f"This run needs {total / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free. Most of it is the {largest} "
        f"({need[largest] / 1e9:.3g} GB): record fewer neurons or less often (every=), use dtype='float32', or a shorter run.")
