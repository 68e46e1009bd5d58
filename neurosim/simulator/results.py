"""What a run returns: plain arrays with names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.codegen.program import Program
from neurosim.errors import nearest
from neurosim.simulator.network import Network
from neurosim.simulator.spikes import SpikeTrains
from neurosim.simulator.traces import Trace


class Named(dict):
    """A dictionary whose error for a missing name offers the nearest one."""

    def __missing__(self, name):
        raise KeyError(f"There is no {name!r}.{nearest(str(name), self)} Known: {', '.join(map(repr, self)) or 'nothing'}.")


@dataclass(frozen=True)
class State:
    """Everything needed to go on.

    Step counters; by population, its program with the state of the last step; connections and spikes under way
    (`epochs.Wires`); what was changed since the network was described.
    """

    step: int
    origin: int
    time0: float
    dt: float
    seed: int
    single: bool
    programs: Mapping[str, Program] = field(repr=False)
    wires: Any = field(default=None, repr=False)
    changes: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Result:
    """Result of a run.

    Attributes:
        network: what was simulated.
        spikes: `SpikeTrains` by name of the population.
        traces: `Trace` by name of the probe.
        start, time: beginning and end of the run in ms; `time` is earlier than asked for if the run stopped.
        dt: time step in ms.
        methods: integrator by name of the population.
        sources: source text of the compiled step by name of the population.
        problem: why the run stopped early, or ''.
        state: the last state; hand the result to ``simulate(..., resume=result)`` to continue.
        compile_s: seconds spent compiling or loading compiled code.
        connections: `Connections` by name of the projection.
    """

    network: Network
    spikes: Mapping[str, SpikeTrains]
    traces: Mapping[str, Trace]
    start: float
    time: float
    dt: float
    methods: Mapping[str, str]
    sources: Mapping[str, str] = field(repr=False)
    problem: str
    state: State = field(repr=False)
    compile_s: float = 0.0
    connections: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "spikes", Named(self.spikes))
        object.__setattr__(self, "traces", Named(self.traces))
        object.__setattr__(self, "connections", Named(self.connections))

    def __repr__(self) -> str:
        end = f", stopped: {self.problem}" if self.problem else ""
        return (f"Result({self.start:g} to {self.time:g} ms, dt={self.dt:g} ms, spikes of {', '.join(self.spikes) or 'none'}; "
                f"traces: {', '.join(self.traces) or 'none'}{end})")

    @property
    def duration(self) -> float:
        """Length of the run in ms."""
        return self.time - self.start

    @property
    def completed(self) -> bool:
        """Whether the run reached its end."""
        return not self.problem

    def final(self, population: str, variable: str) -> np.ndarray:
        """Return the values of a state at the end of the run, shape (size,)."""
        program = Named(self.state.programs)[population]
        if variable not in program.plan.names or program.plan.names[variable] not in program.plan.states:
            known = self.network[population].model.state_names
            raise KeyError(f"{population!r} has no state {variable!r}.{nearest(variable, known)}")
        return program.get(program.plan.names[variable])
