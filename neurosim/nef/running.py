"""Run a network of ensembles on the engine, and what is returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, SimulationError, nearest
from neurosim.nef.building import Built, build
from neurosim.nef.connection import Adapts, Connection
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.flatten import flatten
from neurosim.nef.lower import SPIKING, Lowered, Mode, lower
from neurosim.nef.network import Network
from neurosim.nef.probe import Attribute, Probe
from neurosim.simulator import results as engine
from neurosim.simulator.simulate import simulate as run
from neurosim.simulator.spikes import SpikeTrains
from neurosim.simulator.traces import Trace


class Spikes(Mapping):
    """Spike trains by ensemble or its name, of ensembles whose spikes are probed."""

    def __init__(self, trains: dict[Ensemble, SpikeTrains], network: Network, mode: Mode = SPIKING):
        self._trains, self._network, self._mode = trains, network, mode

    def __getitem__(self, key: Ensemble | str) -> SpikeTrains:
        for ensemble, trains in self._trains.items():
            if key is ensemble or key == self._network.name_of(ensemble):
                return trains
        names = [self._network.name_of(e) for e in self._trains]
        who = repr(key) if isinstance(key, str) else key.describe() if isinstance(key, Ensemble) else repr(key)[:60]
        if self._mode is not SPIKING:
            raise KeyError(f"No spikes of {who} were recorded: there are none in rate mode.")
        raise KeyError(f"No spikes of {who} were recorded.{nearest(str(key), names)} Add nef.Probe(ensemble.neurons).")

    def __iter__(self) -> Iterator[Ensemble]:
        return iter(self._trains)

    def __len__(self) -> int:
        return len(self._trains)


@dataclass(frozen=True)
class LearnedTrace:
    """What a connection learnt over time.

    Attributes:
        times: ms, shape (n_times,).
        values: decoders (n_times, n_pre, size_out), encoders (n_times, n, d), or weights (n_times, n_post, n_pre).
        name: of the probe.
    """

    times: np.ndarray
    values: np.ndarray
    name: str


@dataclass(frozen=True, eq=False)
class Result:
    """What a run returns; ``result[probe]`` or ``result["name"]`` is what a probe recorded.

    Attributes:
        network: what was simulated; built: its gains, biases, encoders and decoders.
        mode: how neurons acted.
        spikes: spike trains by ensemble, of those whose spikes are probed.
        run: the engine's result, with its populations of nodes, inputs, neurons and filters.
    """

    network: Network
    built: Built
    mode: Mode
    spikes: Spikes
    run: engine.Result
    lowered: Lowered

    @property
    def time(self) -> float:
        """Time reached, ms."""
        return self.run.time

    @property
    def dt(self) -> float:
        """Step, ms."""
        return self.run.dt

    @property
    def probes(self) -> tuple[str, ...]:
        """Names of the probes."""
        return tuple(self.network.name_of(p) for p in self.network.records)

    def __getitem__(self, probe: Probe | str) -> Trace | SpikeTrains | LearnedTrace:
        if isinstance(probe, str):
            found = [p for p in self.network.records if self.network.name_of(p) == probe]
            if not found:
                raise KeyError(f"There is no probe {probe!r}.{nearest(probe, self.probes)}")
            probe = found[0]
        if probe not in self.network.records:
            raise NetworkError("This probe is not in the network that was simulated.")
        if self.mode is not SPIKING and probe.attribute in (Attribute.SPIKES, Attribute.V):
            what = "spikes" if probe.attribute is Attribute.SPIKES else "voltages"
            raise SimulationError(f"Probe {self.network.name_of(probe)!r}: there are no {what} in rate mode, where neurons "
                                  "give G(J) in every step. Record attribute='rate', or simulate with mode=nef.SPIKING.")
        if probe.attribute is Attribute.SPIKES:
            trains = self.spikes[probe.source.ensemble]
            return trains if len(probe.indices) == trains.size else trains.select(probe.indices)
        name, order = self.lowered.traces[probe]
        trace = self.run.traces[name]
        if isinstance(probe.source, Connection):
            learner = self._learner(probe.source, probe.attribute.value)
            return LearnedTrace(trace.times, self._described(learner, trace.values), name)
        values = trace.values if np.array_equal(order, np.arange(trace.values.shape[1])) else trace.values[:, order]
        unit = "Hz" if probe.attribute is Attribute.RATE else ""
        columns = values.shape[1]
        # a function gives numbers of its own, and a dimension may be asked for twice
        own = len(probe.indices) == columns == len(np.unique(probe.indices))
        return Trace(trace.times, values, neurons=probe.indices if own else np.arange(columns), variable=probe.attribute.value,
                     unit=unit, population=self.network.name_of(probe.target), name=name)

    def decoders(self, connection: Connection | str) -> Any:
        """Return the decoders of a connection at the beginning, shape (n, size_mid); see `Built.decoders`."""
        return self.built.decoders(connection)

    def learned(self, connection: Connection | str) -> np.ndarray:
        """Return what the rule of a connection has made at the end of the run.

        Decoders, transform included: shape (n_pre, size_out).  Encoders: (n, d).  Weights: (n_post, n_pre).
        """
        connection = self.network[connection] if isinstance(connection, str) else connection
        learner = self._learner(connection)
        return self._described(learner, self.run.connections[learner.link.name].weight[None])[0]

    def _learner(self, connection: Connection, adapts: str | None = None) -> Any:
        for learner in self.lowered.learners:
            if learner.connection is connection and adapts in (None, learner.rule.adapts.value):
                return learner
        raise NetworkError(f"{connection.describe()} has no learning rule.")

    def _described(self, learner: Any, weights: np.ndarray) -> np.ndarray:
        """Return weights of the engine, by source then target, as decoders, encoders or weights."""
        what = learner.rule.adapts
        if what is Adapts.ENCODERS:
            end = self.built[learner.connection.target]
            scaled = weights.reshape(len(weights), end.encoders.shape[1], -1).transpose(0, 2, 1)
            return scaled / (end.gain / end.radius)[:, None]
        n = learner.trace.ensemble.n_neurons
        values = weights.reshape(len(weights), n, -1) / learner.factor
        return values if what is Adapts.DECODERS else values.transpose(0, 2, 1)


def simulate(network: Network | Built, duration: float, dt: float | None = None, *, seed: int | None = None, threads: int = 1,
             mode: Mode | None = None, dtype: str = "float64", resume: Result | None = None,
             learning: Mapping[Connection, bool] | None = None, progress: bool | None = None) -> Result:
    """Build a network of ensembles and run it for `duration` ms in steps of `dt` ms.

    Step k: nodes give their output at k dt; x of each ensemble is summed and encoded; neurons act; filters take what they sent.

    Args:
        network: the network, or what `build` returned for it.
        duration: ms.
        dt: ms; None: 1, or that of what was built or is resumed, which no other can replace.
        seed: of everything that is drawn: ensembles, evaluation points, noise; None: 0, or that of what was built or is
            resumed.
        threads: number of threads; the bits of a run do not depend on it.
        mode: ``nef.SPIKING``, or ``nef.RATE``: neurons give the rate G(J) in every step; None: spiking, or that of what is
            resumed.
        dtype: "float64" or "float32".
        resume: result of an earlier run of the same network, to be continued.
        learning: connections whose rules are switched off (False) or on again (True) from now on.
        progress: show a progress bar; None: on a terminal, if the run lasts more than a second.

    Raises:
        SimulationError: for a duration, step or thread number that cannot be used; for another step, seed or mode than that of
            what was built or is resumed.
        ParameterError, NetworkError: for what cannot be built.
    """
    if resume is not None:
        if not isinstance(resume, Result) or (network is not resume.network and network is not resume.built):
            raise SimulationError("resume= takes the result of nef.simulate for the same network.")
        lowered, built = resume.lowered, resume.built
        _same("mode", mode, lowered.mode, "result to be continued")
    else:
        mode = SPIKING if mode is None else mode
        if not isinstance(mode, Mode):
            raise SimulationError(f"mode must be nef.SPIKING or nef.RATE, not {mode!r}.")
        built = network if isinstance(network, Built) else None
        if built is None:
            if not isinstance(network, Network):
                raise SimulationError(f"nef.simulate needs a nef.Network, not {type(network).__name__}.")
            built = build(network, 1.0 if dt is None else dt, 0 if seed is None else seed)
        if mode not in built._forms:
            built._forms[mode] = lower(flatten(built), mode)
        lowered = built._forms[mode]
    for name, given in (("dt", dt), ("seed", seed)):
        _same(name, given, getattr(built, name), "network that was built")
    if learning is not None and not isinstance(learning, Mapping):
        raise SimulationError("learning= takes True or False by connection that learns, such as {connection: False}, not "
                              f"{learning!r:.60}.")
    changes = {}
    for connection, on in (learning or {}).items():
        found = [x for x in lowered.learners if x.connection is connection]
        if not found or not isinstance(on, bool):
            raise SimulationError("learning= takes True or False by connection that learns, such as {connection: False}.")
        changes |= {x.units.name: {"on": float(on)} for x in found}
    outcome = run(lowered.network, duration, built.dt, seed=built.seed, threads=threads, dtype=dtype,
                  resume=None if resume is None else resume.run, changes=changes or None, progress=progress)
    trains = {}
    for probe in lowered.flat.neuron_probes:
        ensemble = probe.source.ensemble
        if probe.attribute is Attribute.SPIKES and ensemble not in trains and lowered.mode is SPIKING:
            population, part = lowered.neurons[ensemble]
            every = outcome.spikes[lowered.network.name_of(population)]
            trains[ensemble] = _part(every, part, built.network.name_of(ensemble))
    return Result(built.network, built, lowered.mode, Spikes(trains, built.network, lowered.mode), outcome, lowered)


def _same(name: str, given: Any, kept: Any, what: str) -> None:
    if given is not None and given != kept:
        given, kept = (f"nef.{v.name}" if isinstance(v, Mode) else repr(v) for v in (given, kept))
        raise SimulationError(f"{name}={given} was given, but the {what} has {kept}, which cannot change. Leave "
                              f"{name} out, or simulate the nef.Network anew.")


def _part(trains: SpikeTrains, part: slice, name: str) -> SpikeTrains:
    """Return the spikes of some neurons, counted from the first of them."""
    keep = (trains.indices >= part.start) & (trains.indices < part.stop)
    return SpikeTrains(trains.times[keep], (trains.indices[keep] - part.start).astype(np.int32), part.stop - part.start,
                       start=trains.start, stop=trains.stop, name=name, dt=trains.dt)
