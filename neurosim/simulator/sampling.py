"""Probes of projections: variables of plastic connections over time, sampled when the loop comes back."""

from __future__ import annotations

import numpy as np

from neurosim.errors import SimulationError
from neurosim.simulator.connections import Connections
from neurosim.simulator.network import Network, Probe
from neurosim.simulator.recording import interval
from neurosim.simulator.traces import Trace


class Sampler:
    """Samples of one probe of a projection.

    Args:
        network: the network; probe: the probe; name: its name in results; deliveries: of the projection.
        first, n_steps: steps of the run; dt: ms.
    """

    def __init__(self, network: Network, probe: Probe, name: str, deliveries: list, first: int, n_steps: int, dt: float):
        self.probe, self.name, self.dt = probe, name, dt
        self.every = interval(probe, dt)
        self.connections = Connections(probe.link, network.name_of(probe.link), deliveries, first, dt)
        n = len(self.connections)
        self.chosen = np.arange(n) if probe.connections is None else np.atleast_1d(np.asarray(probe.connections))
        # an empty list is an array of float64
        self.chosen = self.chosen if self.chosen.size else self.chosen.astype(np.int64)
        if self.chosen.size and not (self.chosen.dtype.kind in "iu" and 0 <= self.chosen.min() and self.chosen.max() < n):
            raise SimulationError(f"Probe {name!r}: connections must be whole numbers from 0 to {n - 1}, in the order of "
                                  "result.connections (by source, then by target).")
        self.start = -(-first // self.every) * self.every
        n_times = max(0, -(-(first + n_steps - self.start) // self.every))
        self.values = np.empty((n_times, self.chosen.size))
        self.taken = 0

    def next(self) -> int:
        """Return the step of the next sample."""
        return self.start + self.taken * self.every

    def take(self, step: int) -> None:
        """Take a sample if it is time."""
        if step == self.next() and self.taken < len(self.values):
            self.connections._step = step
            self.values[self.taken] = self.connections[self.probe.variable][self.chosen]
            self.taken += 1

    def _unit(self) -> str:
        rule = getattr(self.probe.link, "plasticity", None)
        return (rule.units.get(self.probe.variable) if rule is not None else None) or ""

    def trace(self, origin: int, time0: float) -> Trace:
        """Return what was sampled; `neurons` of the trace are the connections."""
        times = time0 + (self.start + self.every * np.arange(self.taken) - origin) * self.dt
        return Trace(times, self.values[:self.taken], neurons=self.chosen, variable=self.probe.variable,
                     unit=self._unit(), population=self.connections.name,
                     name=self.name)
