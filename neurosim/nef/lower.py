"""Lowering: a flattened network becomes a network of the engine.

    nodes    one unit for each number that a node gives             y = u
    inputs   one for each dimension that is encoded or recorded     y = u
    neurons  the neurons of all ensembles of one type, side by side
    filters  one population for each kind of filter                 state space, zero-order hold

They go through a step in this order.  What a node or an input shows at its end acts within the step, as do spikes on filters;
filters act on the next step, so that all circles go through a filter.

A decoded connection never becomes a matrix between neurons.  Spikes bring their decoders to the filters event by event, and
filters (or inputs, where more signals than dimensions meet) act on neurons through their encoders: O(N d + M d).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, lru_cache
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, NumericalWarning, ParameterError
from neurosim.model.ir import NeuronModel
from neurosim.nef.building import Decoded
from neurosim.nef.connection import Adapts, Connection
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.flatten import Flat
from neurosim.nef.lower_learning import Learner, connect, place
from neurosim.nef.matrices import support
from neurosim.nef.models import graded, spiking
from neurosim.nef.node import Kind, Node, index_of
from neurosim.nef.probe import Attribute, Probe
from neurosim.nef.terms import (
    EnsembleInput,
    ErrorInput,
    Filter,
    FilterInput,
    NodeInput,
    NodeValue,
    ProbeInput,
    Term,
)
from neurosim.simulator import network as engine
from neurosim.simulator.connectivity import Matrix
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.live import Callback, TimeFunction
from neurosim.simulator.noise import WhiteNoise
from neurosim.simulator.population import Population
from neurosim.simulator.projection import Projection
from neurosim.simulator.stimuli import DC, TimedArray
from neurosim.simulator.synapses import Pulse


class Mode(Enum):
    """How neurons act: by spikes, or by the rate G(J) in every step."""

    SPIKING = "spiking"
    RATE = "rate"


SPIKING, RATE = Mode.SPIKING, Mode.RATE


@dataclass(eq=False)
class Group:
    """Units of one kind that become one population.

    Attributes:
        name: of the population; model: its model.
        output: variable that continuous projections read; input: that they add to.
        at_once: whether that acts within the step.
        places: part of the population by what stands there; size: units so far.
        population: when all units are known.
    """

    name: str
    model: NeuronModel
    output: str
    input: str
    at_once: bool
    places: dict[Hashable, slice] = field(default_factory=dict)
    size: int = 0
    population: Population | None = None

    def add(self, key: Hashable, n: int) -> None:
        """Make room for n units."""
        if key not in self.places:
            self.places[key] = slice(self.size, self.size + n)
            self.size += n


@dataclass(eq=False)
class Lowered:
    """A network of the engine, and where in it things are.

    Attributes:
        flat: what it was made of; mode: how neurons act.
        network: the engine's network.
        neurons: population and part of it by ensemble.
        traces: name of the engine's trace by probe, and the order of its columns.
        learners: what learns, and where.
    """

    flat: Flat
    mode: Mode
    network: engine.Network
    neurons: dict[Ensemble, tuple[Population, slice]]
    traces: dict[Probe, tuple[str, np.ndarray]]
    learners: list[Learner]


@cache
def relay() -> NeuronModel:
    """Return the model of a unit that shows its input."""
    return NeuronModel.from_equations("y = u", inputs=["u"], name="signal")


def filter_model(synapse: Any) -> tuple[NeuronModel, str]:
    """Return the model of a linear filter with input u, and the variable that is its output.

        ds/dt = A s + B u,   y = C s + D u
    """
    if synapse is None:
        # kept for one step; a state, so that callbacks can read it
        return NeuronModel.from_equations("ds0/dt = u - s0", maps={"s0": "u"}, inputs=["u"], name="step"), "s0"
    a, b, c, d = (np.atleast_2d(np.asarray(m, dtype=float)) for m in synapse.state_space())
    n = len(a)
    values = {f"a{i}_{j}": a[i, j] for i in range(n) for j in range(n) if a[i, j] != 0.0}
    values |= {f"b{i}": b[i, 0] for i in range(n) if b[i, 0] != 0.0}
    lines = []
    for i in range(n):
        terms = [f"a{i}_{j}*s{j}" for j in range(n) if a[i, j] != 0.0] + ([f"b{i}*u"] if b[i, 0] != 0.0 else [])
        lines.append(f"ds{i}/dt = {' + '.join(terms) or '0*s0'}")
    if n == 1 and c[0, 0] == 1.0 and d[0, 0] == 0.0:
        return _filter(tuple(lines), tuple(values)).with_parameters(**values), "s0"
    values |= {f"c{j}": c[0, j] for j in range(n) if c[0, j] != 0.0}
    shown = [f"c{j}*s{j}" for j in range(n) if c[0, j] != 0.0]
    if d[0, 0] != 0.0:
        values["d"] = d[0, 0]
        shown.append("d*u")
    lines.append(f"y = {' + '.join(shown) or '0*s0'}")
    return _filter(tuple(lines), tuple(values)).with_parameters(**values), "y"


@lru_cache(maxsize=64)
def _filter(lines: tuple[str, ...], names: tuple[str, ...]) -> NeuronModel:
    return NeuronModel.from_equations("\n".join(lines), parameters=dict.fromkeys(names, 1.0), inputs=["u"], name="filter")


def lower(flat: Flat, mode: Mode) -> Lowered:
    """Return the network of the engine.

    Raises:
        ParameterError: for neurons that cannot fire as often as their max_rates in steps of dt, or that have no spikes.
    """
    return _Lowering(flat, mode).result()


class _Lowering:
    def __init__(self, flat: Flat, mode: Mode):
        self.flat, self.mode, self.built = flat, mode, flat.built
        self.nodes = Group("nodes", relay(), "y", "u", True)
        self.inputs = Group("inputs", relay(), "y", "u", True)
        self.neurons: dict[Hashable, Group] = {}
        self.filters: dict[Hashable, Group] = {}
        self.home: dict[Any, Group] = {}
        self.into: dict[Any, list[Term]] = {}
        for term in flat.terms:
            self.into.setdefault(term.target, []).append(term)
        #: (source, target, within the step) -> list of (part of sources, part of targets, matrix (targets, sources))
        self.blocks: dict[tuple[Group, Group, bool], list[tuple[slice, slice | np.ndarray, Any]]] = {}
        self.stimuli: list[Any] = []
        self.learners: list[Learner] = []

    @property
    def spikes(self) -> bool:
        """Whether neurons act by spikes."""
        return self.mode is SPIKING

    def result(self) -> Lowered:
        """Do everything in order."""
        self._place()
        for group in self._groups():
            group.population = Population(group.size, group.model, name=group.name)
        learning = {learner.term for learner in self.learners}
        for target, terms in self.into.items():
            for term in terms:
                if term not in learning and not isinstance(target, ErrorInput):
                    self._connect(target, term)
        links = connect(self, self.learners)
        projections = [self._projection(*key, blocks) for key, blocks in self.blocks.items()]
        projections += links
        self._drive()
        probes, traces = self._probes()
        recorded = [g.population for g in self.neurons.values() if g.name.endswith("(recorded)") and self.spikes]
        network = engine.Network([g.population for g in self._groups()], [p for p in projections if p is not None],
                                 self.stimuli, probes, recorded)
        places = {e: (g.population, part) for g in self.neurons.values() for e, part in g.places.items()}
        return Lowered(self.flat, self.mode, network, places, traces, self.learners)

    def _groups(self) -> list[Group]:
        units = [learner.units for learner in self.learners]
        return [g for g in (self.nodes, self.inputs, *self.neurons.values(), *self.filters.values(), *units) if g.size]

    # -- where things are

    def _place(self) -> None:
        network = self.built.network
        for node in network.nodes:
            if node.kind is not Kind.RELAY:
                # a callback that gives nothing is called as well
                self.nodes.add(NodeValue(node), max(1, node.size_out))
        spikes_of = {p.source.ensemble for p in self.flat.neuron_probes if p.attribute is Attribute.SPIKES}
        for ensemble in network.ensembles:
            self._place_neurons(ensemble, ensemble in spikes_of)
        for filter_ in self.flat.filters:
            self.add_filter(filter_, filter_.synapse, filter_.size)
        self.learners = place(self)
        for target, terms in self.into.items():
            if isinstance(target, ProbeInput):
                self.inputs.add(target, target.size)
            elif isinstance(target, EnsembleInput) and sum(t.matrix.shape[1] for t in terms) > target.size:
                # fewer dimensions than signals: these are summed before they are encoded
                self.inputs.add(target, target.size)
        for probe in network.records:
            if probe.attribute in (Attribute.VALUE, Attribute.RATE):
                # what is never connected is 0
                self.inputs.add(ProbeInput(probe), probe.size)

    def add_filter(self, key: Any, synapse: Any, n: int) -> None:
        """Make room for n filters of one kind."""
        kind = _key(synapse)
        if kind not in self.filters:
            model, output = filter_model(synapse)
            self.filters[kind] = Group(f"filter {len(self.filters)}", model, output, "u", False)
        self.filters[kind].add(key, n)
        self.home[key] = self.filters[kind]

    def _place_neurons(self, ensemble: Ensemble, recorded: bool) -> None:
        kind = ensemble.neuron_type
        # spikes of ensembles that nobody looks at are not kept
        key = (_key(kind), recorded)
        if key not in self.neurons:
            if self.spikes:
                self._check_step(ensemble)
            model = spiking(kind) if self.spikes else graded(kind)
            input_ = getattr(kind, "input", None) or model.inputs[0]
            name = f"{type(kind).__name__} {len(self.neurons)}{' (recorded)' if recorded else ''}"
            self.neurons[key] = Group(name, model, "rate", input_, True)
        group = self.neurons[key]
        group.add(ensemble, ensemble.n_neurons)
        self.home[ensemble] = group
        if self.spikes:
            self._check_rates(ensemble)

    def _check_step(self, ensemble: Ensemble) -> None:
        kind, dt = ensemble.neuron_type, self.built.dt
        if dt > getattr(kind, "dt", np.inf) * (1 + 1e-9):
            name = self.built.network.name_of(ensemble)
            warnings.warn(f"Ensemble {name!r}: the rates of its neurons, {kind!r}, were measured in "
                          f"steps of {kind.dt:g} ms; in steps of dt = {dt:g} ms the same neurons may fire otherwise. Simulate "
                          f"with dt={kind.dt:g}, or describe them with nef.Curve(..., dt={dt:g}).", NumericalWarning,
                          stacklevel=2)

    def _check_rates(self, ensemble: Ensemble) -> None:
        most, dt = self.built[ensemble].max_rates, self.built.dt
        most = most[np.isfinite(most)]
        if most.size and most.max() > 1000.0 / dt * (1 + 1e-9):
            name = self.built.network.name_of(ensemble)
            raise ParameterError(f"Ensemble {name!r}: neurons of up to {most.max():.6g} Hz cannot "
                                 f"fire as often in steps of dt = {dt:g} ms, once a step at most ({1000.0 / dt:g} Hz). Use a "
                                 "smaller dt or lower max_rates.")

    # -- connections

    def source(self, signal: Any) -> tuple[Group, slice]:
        """Return where a signal is."""
        if isinstance(signal, NodeValue):
            part = self.nodes.places[signal]
            return self.nodes, slice(part.start, part.start + signal.size)
        if isinstance(signal, Filter):
            return self.home[signal], self.home[signal].places[signal]
        group = self.home[signal.ensemble]
        return group, group.places[signal.ensemble]

    def _connect(self, target: Any, term: Term) -> None:
        group, part = self.source(term.signal)
        matrix = term.matrix
        if isinstance(target, NodeInput):
            return
        if isinstance(target, FilterInput):
            home = self.home[target.filter]
            self._reach(group, home, part, home.places[target.filter], term)
            return
        if target in self.inputs.places:
            self._reach(group, self.inputs, part, self.inputs.places[target], term)
            if not isinstance(target, EnsembleInput) or term is not self.into[target][0]:
                return
            # once for all terms
            group, part, matrix = self.inputs, self.inputs.places[target], None
        if target in {EnsembleInput(x.connection.target) for x in self.learners if x.rule.adapts is Adapts.ENCODERS}:
            # these encoders learn
            return
        home = self.home[target.ensemble]
        if matrix is not None and isinstance(term.signal, Decoded):
            matrix = matrix @ term.signal.decoders.T
        if isinstance(target, EnsembleInput):
            encoders = self.built[target.ensemble].scaled_encoders
            matrix = encoders if matrix is None else encoders @ matrix
        self.add(group, home, part, home.places[target.ensemble], matrix)

    def _reach(self, source: Group, target: Group, rows: slice, columns: slice, term: Term) -> None:
        """Add the matrix of a term, with the decoders of its signal."""
        if not isinstance(term.signal, Decoded):
            self.add(source, target, rows, columns, term.matrix)
            return
        # an ensemble of an array reaches few of the numbers that the array has together
        some = support(term.matrix)[0]
        self.add(source, target, rows, columns.start + some, term.matrix[some] @ term.signal.decoders.T)

    def add(self, source: Group, target: Group, rows: slice, columns: slice | np.ndarray, matrix: Any,
            at_once: bool = False) -> None:
        """Add a matrix (columns, rows) between parts of two groups; at_once: units of a rule see filters within the step."""
        self.blocks.setdefault((source, target, source.at_once or at_once), []).append((rows, columns, matrix))

    def _projection(self, source: Group, target: Group, at_once: bool,
                    blocks: list[tuple[slice, slice | np.ndarray, Any]]) -> Any:
        spikes = self.spikes and source in self.neurons.values()
        weights = _assembled((source.size, target.size), blocks, 1000.0 if spikes else 1.0)
        if not weights.nnz:
            return None
        name = f"{source.name} -> {target.name}"
        if spikes:
            return Projection(source.population, target.population, Matrix(weights), Pulse(input=target.input), delay=0.0,
                              immediate=True, name=name)
        return GradedProjection(source.population, target.population, weights, variable=source.output, input=target.input,
                                immediate=at_once, name=name)

    # -- what comes from outside

    def _drive(self) -> None:
        for group in self.neurons.values():
            bias, noise = np.empty(group.size), np.zeros(group.size)
            for ensemble, part in group.places.items():
                bias[part] = self.built[ensemble].bias
                noise[part] = ensemble.noise or 0.0
            self.stimuli.append(DC(bias, target=group.population, input=group.input))
            if noise.any():
                self.stimuli.append(WhiteNoise(noise, target=group.population, input=group.input))
        answers: dict[Node, np.ndarray] = {}
        order = {node: k for k, node in enumerate(self.flat.callbacks)}
        for key, part in sorted(self.nodes.places.items(), key=lambda item: order.get(item[0].node, -1)):
            node, target = key.node, self.nodes.population[part]
            if node.kind is Kind.CONSTANT:
                self.stimuli.append(DC(node.output, target=target))
            elif node.kind is Kind.SAMPLES:
                self.stimuli.append(TimedArray(node.output.values, node.output.interval, target=target))
            elif node.kind is Kind.FUNCTION:
                self.stimuli.append(TimeFunction(node.output if node.every is None else _held(node), target=target,
                                                 title=self._title(node)))
            else:
                self.stimuli.append(self._callback(node, target, answers))

    def _callback(self, node: Node, target: Any, answers: dict[Node, np.ndarray]) -> Callback:
        terms = self.into.get(NodeInput(node), [])
        reads, seen = [], []
        for term in terms:
            if isinstance(term.signal, Filter):
                if getattr(term.signal.synapse, "direct", False):
                    # of other connections that part is a term of its own; states alone do not tell it
                    raise NetworkError(f"{self._title(node)}: what it receives from a connection that learns comes through "
                                       f"{term.signal.synapse!r:.60}, of which a part passes at once. Use a filter with more "
                                       "poles than zeros, such as nef.Lowpass(5.0).")
                group, part = self.source(term.signal)
                states = group.model.state_names
                output = _output(term.signal.synapse)
                seen.append((term, len(reads), len(states), output))
                reads += [(group.population[part], s) for s in states]
            else:
                seen.append((term, 0, 0, None))

        def call(t: float, values: list[np.ndarray]) -> Any:
            x = np.zeros(node.size_in)
            for term, first, count, output in seen:
                if output is not None:
                    signal = output @ np.stack(values[first:first + count])
                elif term.signal.node in answers:
                    signal = answers[term.signal.node]
                else:
                    signal = term.signal.node.values(np.array([t]))[0]
                x += term.matrix @ signal
            answer = node.output(t, x)
            if not node.size_out:
                return 0.0
            answers[node] = node.checked(answer, t)
            return answers[node]

        return Callback(call, node.every, reads, target=target, title=self._title(node))

    def _title(self, node: Node) -> str:
        return f"Node {self.built.network.name_of(node)!r}"

    # -- what is recorded

    def _probes(self) -> tuple[list[engine.Probe], dict[Probe, tuple[str, np.ndarray]]]:
        probes, traces = [], {}
        for probe in self.built.network.records:
            name = self.built.network.name_of(probe)
            if probe.attribute in (Attribute.VALUE, Attribute.RATE):
                part = self.inputs.places[ProbeInput(probe)]
                probes.append(engine.Probe(self.inputs.population, "u", range(part.start, part.stop), probe.every, name))
                traces[probe] = name, np.arange(probe.size)
            elif probe.attribute is Attribute.V and not self.spikes:
                # the same network runs in both modes; who asks for it is told, see `running.Result`
                continue
            elif probe.attribute in (Attribute.V, Attribute.I):
                ensemble = probe.source.ensemble
                group = self.home[ensemble]
                place = group.places[ensemble].start + probe.indices
                variable = group.input if probe.attribute is Attribute.I else "v"
                probes.append(engine.Probe(group.population, variable, np.unique(place), probe.every, name))
                traces[probe] = name, np.searchsorted(np.unique(place), place)
            elif isinstance(probe.source, Connection):
                wanted = Adapts(probe.attribute.value)
                learner = next(x for x in self.learners if x.connection is probe.source and x.rule.adapts is wanted)
                probes.append(engine.Probe(learner.link, "w", every=probe.every, name=name))
                traces[probe] = name, np.arange(0)
        return probes, traces


def _held(node: Node) -> Callable[[float], Any]:
    """Return the function of a node that is called at its own interval only."""
    last: dict[float, Any] = {}

    def at(t: float) -> Any:
        t = float(index_of(t, node.every)) * node.every
        if t not in last:
            last.clear()
            last[t] = node.output(t)
        return last[t]

    return at


def _assembled(shape: tuple[int, int], blocks: list[tuple[slice, slice | np.ndarray, Any]], factor: float) -> Any:
    """Return the matrix (sources, targets) of all blocks, each given as (targets, sources); targets in a row or by number."""
    from scipy.sparse import csr_array

    rows, columns, values = [], [], []
    for source, target, matrix in blocks:
        if isinstance(matrix, np.ndarray):
            to, of = np.nonzero(matrix)
            data = matrix[to, of]
        else:
            # a conversion to triples that SciPy needs three times as long for
            to, of, data = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices, matrix.data
        rows.append(of + source.start)
        columns.append(to + target.start if isinstance(target, slice) else target[to])
        values.append(data * factor)
    out = csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    out.sum_duplicates()
    return out


def _output(synapse: Any) -> np.ndarray:
    """Return C of y = C s."""
    if synapse is None:
        return np.ones(1)
    return np.atleast_2d(np.asarray(synapse.state_space()[2], dtype=float))[0]


def _key(value: Any) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value


