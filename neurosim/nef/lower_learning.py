"""Lowering of connections that learn: projections of their own, whose weights follow rank-one rules.

A rule needs units that stand for the neurons or dimensions behind the connection (`Group` "learning k", with the rule's
equations) and the filtered activities of the neurons before it ("filter", as for any signal).  The units take part in a step
after everything they depend on, so that all signals are those of the end of the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import NetworkError
from neurosim.nef.building import Decoded
from neurosim.nef.connection import Adapts, Connection
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.learning import Rule
from neurosim.nef.terms import Activity, EnsembleInput, ErrorInput, Filter, FilterInput, NeuronInput, Term
from neurosim.simulator.adaptation import RankOne
from neurosim.simulator.connectivity import Explicit
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.projection import Projection
from neurosim.simulator.synapses import Pulse

if TYPE_CHECKING:
    from neurosim.nef.lower import Group, _Lowering


@dataclass(eq=False)
class Learner:
    """One rule of one connection.

    Attributes:
        connection, rule: what learns, and how.
        term: the term whose matrix changes; None: the encoders of the connection's end.
        units: group of the rule's units; trace: filter of the activities before; post: of those behind.
        link: the engine's projection, when it is made; factor: its weights divided by those of the description.
    """

    connection: Connection
    rule: Rule
    term: Term | None
    units: Group
    trace: Trace | None = None
    post: Trace | None = None
    link: Any = None
    factor: float = 1.0


@dataclass(frozen=True)
class Trace:
    """Filtered activities of the neurons of an ensemble."""

    ensemble: Ensemble
    synapse: Any


def place(lowering: _Lowering) -> list[Learner]:
    """Return the learners of a network; make room for their units and traces."""
    from neurosim.nef.lower import Group

    found = []
    for connection in lowering.built.network.links:
        for rule in connection.learning:
            what = lowering.built.network.name_of(connection)
            name = f"learning {len(found)}"
            term, n, model = None, 0, None
            factor = 1000.0 if lowering.spikes else 1.0
            if rule.adapts is Adapts.ENCODERS:
                end = connection.target
                factor, n = 1.0, end.n_neurons
                model = rule.units(lowering.built[end].gain / end.radius)
                lowering.inputs.add(EnsembleInput(end), end.dimensions)
            elif rule.adapts is Adapts.DECODERS:
                term = _only(lowering, connection, what, lambda t, c=connection: isinstance(t.signal, Decoded)
                             and t.signal.learned and t.signal.connections == [c])
                n, model = term.matrix.shape[0], rule.units(term.signal.ensemble.n_neurons, factor)
            else:
                term = _only(lowering, connection, what, lambda t, c=connection: t.connections == (c,)
                             and isinstance(t.target, (FilterInput, NeuronInput)))
                end = connection.target if isinstance(connection.target, Ensemble) else connection.target.ensemble
                n = term.matrix.shape[0]
                factor = factor if isinstance(term.signal, Activity) else 1.0
                model = rule.units(factor)
            units = Group(name, model, "y", "u", True)
            learner = Learner(connection, rule, term, units, factor=factor)
            units.add(learner, n)
            if rule.adapts is not Adapts.ENCODERS:
                learner.trace = Trace(_before(connection), rule.pre_synapse)
                lowering.add_filter(learner.trace, rule.pre_synapse, learner.trace.ensemble.n_neurons)
            if rule.takes_post:
                behind = connection.target if isinstance(connection.target, Ensemble) else connection.target.ensemble
                learner.post = Trace(behind, rule.post_synapse)
                lowering.add_filter(learner.post, rule.post_synapse, behind.n_neurons)
            found.append(learner)
    return found


def _before(connection: Connection) -> Ensemble:
    return connection.source if isinstance(connection.source, Ensemble) else connection.source.ensemble


def _only(lowering: _Lowering, connection: Connection, what: str, wanted: Any) -> Term:
    terms = [t for t in lowering.flat.terms if wanted(t)]
    if len(terms) != 1:
        raise NetworkError(f"Connection {what!r} learns: it must be the only one of its kind, from one ensemble to its end. "
                           "Learn from each ensemble of an array, or into another object.")
    return terms[0]


def connect(lowering: _Lowering, learners: list[Learner]) -> list[Any]:
    """Return the projections that learn; connect errors, traces and units."""
    links = []
    traced: set[Trace] = set()
    for learner in learners:
        for trace in (learner.trace, learner.post):
            if trace is not None and trace not in traced:
                traced.add(trace)
                neurons, home = lowering.home[trace.ensemble], lowering.home[trace]
                lowering.add(neurons, home, neurons.places[trace.ensemble], home.places[trace], _eye(trace.ensemble.n_neurons))
        part = learner.units.places[learner]
        if learner.rule.takes_error:
            # the units stand for the numbers of the filter, in its order
            for term in lowering.into.get(ErrorInput(learner.connection), []):
                source, rows = lowering.source(term.signal)
                lowering.add(source, learner.units, rows, part, learner.term.matrix @ term.matrix)
        if learner.post is not None:
            home = lowering.home[learner.post]
            lowering.add(home, learner.units, home.places[learner.post], part, _eye(part.stop), at_once=True)
        links.append(_link(lowering, learner))
    return links


def _eye(n: int) -> Any:
    from scipy.sparse import eye_array

    return eye_array(n, format="csr")


def _link(lowering: _Lowering, learner: Learner) -> Any:
    """Return the projection whose weights learn."""
    units = learner.units.population
    name = f"weights of {learner.units.name}"
    if learner.rule.adapts is Adapts.ENCODERS:
        end = learner.connection.target
        source, target = lowering.inputs, lowering.home[end]
        pre = source.population[source.places[EnsembleInput(end)]]
        weights = lowering.built[end].scaled_encoders.T
        learner.link = GradedProjection(pre, target.population[target.places[end]], *_pairs(weights, None), name=name,
                                        variable=source.output, input=target.input, immediate=True,
                                        learning=RankOne(pre, source.output, units, "a", "b"))
        return learner.link
    term, home = learner.term, lowering.home[learner.trace]
    source, rows = lowering.source(term.signal)
    matrix = term.matrix @ term.signal.decoders.T if isinstance(term.signal, Decoded) else term.matrix
    matrix = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    if isinstance(term.target, FilterInput):
        goal = lowering.home[term.target.filter]
        columns = goal.places[term.target.filter]
    else:
        goal = lowering.home[term.target.ensemble]
        columns = goal.places[term.target.ensemble]
    ends = source.population[rows], goal.population[columns]
    rule = RankOne(home.population[home.places[learner.trace]], home.output, units, "a",
                   "b" if any(d.name == "b" for d in learner.units.model.derived) else None)
    # rows of a filter that the connection does not reach stay without weights
    reached = np.flatnonzero(np.abs(_dense(term.matrix)).sum(axis=1)) if isinstance(term.signal, Decoded) else None
    if lowering.spikes and not isinstance(term.signal, Filter):
        rule_, weights = _pairs(1000.0 * matrix.T, reached)
        learner.link = Projection(*ends, rule_, Pulse(weights, input=goal.input), delay=0.0, immediate=True, name=name,
                                  learning=rule)
    else:
        learner.link = GradedProjection(*ends, *_pairs(matrix.T, reached), variable=source.output, input=goal.input,
                                        immediate=source.at_once, name=name, learning=rule)
    return learner.link


def _dense(matrix: Any) -> np.ndarray:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def _pairs(weights: np.ndarray, columns: np.ndarray | None) -> tuple[Explicit, np.ndarray]:
    """Return all connections of a matrix (sources, targets), by source then target, and their weights."""
    columns = np.arange(weights.shape[1]) if columns is None else columns
    pre, post = np.repeat(np.arange(len(weights)), len(columns)), np.tile(columns, len(weights))
    return Explicit(pre, post), np.ascontiguousarray(weights[:, columns]).ravel()
