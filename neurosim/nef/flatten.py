"""Flattening: a built network becomes linear algebra between few kinds of things.

Signals, what can be multiplied by a matrix:

    Decoded    D^T a_k of an ensemble (from `building`), a: activities in Hz       known in step k after the neurons
    Activity   a_k of an ensemble, Hz                                           known in step k after the neurons
    NodeValue  output of a node that is not a relay                             known at the start of step k
    Filter     output y_k of a filter                                           known at the start of step k

Targets, what adds up the products:

    EnsembleInput(ensemble)  x, before encoders          NodeInput(node)         x of a callback f(t, x)
    NeuronInput(ensemble)    added to J                  ProbeInput(probe)       what a probe records
    FilterInput(filter)      u_k of a filter             ErrorInput(connection)  error of a learning connection

`Flat.terms` lists (target, signal, matrix): target += matrix signal.  There is at most one term for each pair of target and
signal.  Relays are gone: matrices were multiplied through them.

In a step k everything but filters adds up what is known at its start (Filter, NodeValue); then neurons step; then filters take
u_k, which may be of all four kinds, and advance:

    s_{k+1} = Ad s_k + Bd u_k,   y_{k+1} = C s_{k+1}     (zero-order hold over dt)

What a filter passes at once, D u_k, is a path of its own beside it, without filter.

A filter with synapse None keeps nothing but the last input, y_{k+1} = u_k: it is put where something unfiltered comes from
neurons, which is therefore one step late.

Filters and matrices commute.  A connection's filter stands before or behind its matrix, wherever the network has less to do as
a whole (`cover.cheapest_cover`), and equal filters at one place are one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import NetworkError
from neurosim.nef.building import Built, Decoded
from neurosim.nef.connection import Connection, ErrorPort
from neurosim.nef.ensemble import Ensemble, EnsembleArray, Neurons
from neurosim.nef.filters import LinearFilter
from neurosim.nef.matrices import entries, quick, tidy, total
from neurosim.nef.node import Kind, Node
from neurosim.nef.placement import placed_filters
from neurosim.nef.probe import Attribute, Probe
from neurosim.nef.terms import (
    Activity,
    Edge,
    EnsembleInput,
    ErrorInput,
    Filter,
    FilterInput,
    NeuronInput,
    NodeInput,
    NodeValue,
    ProbeInput,
    Relay,
    Signal,
    Target,
    Term,
)


@dataclass(frozen=True, eq=False)
class Flat:
    """A network as linear algebra; see the head of this file.

    Attributes:
        built: what it was made from.
        filters: all filters, in order.
        terms: all terms; those to one target stand together.
        decoded: the decoders in use.
        callbacks: nodes f(t, x), in an order in which none needs the value of a later one at the same time.
        neuron_probes: probes of spikes, v and i; those of values and rates are targets of terms.
        learned_probes: probes of what learning rules change.
    """

    built: Built
    filters: tuple[Filter, ...]
    terms: tuple[Term, ...]
    decoded: tuple[Decoded, ...]
    callbacks: tuple[Node, ...]
    neuron_probes: tuple[Probe, ...]
    learned_probes: tuple[Probe, ...]

    def terms_to(self, target: Target) -> list[Term]:
        """Return the terms that add up to a target."""
        return [t for t in self.terms if t.target == target]

    def terms_from(self, signal: Signal) -> list[Term]:
        """Return the terms that a signal goes into."""
        return [t for t in self.terms if t.signal == signal]


def flatten(built: Built) -> Flat:
    """Return a built network as terms between signals and targets.

    Raises:
        NetworkError: for relays, or callbacks, that feed each other without any filter; the circle is named.
    """
    network = built.network
    direct: list[Edge] = []
    filtered: dict[Hashable, tuple[LinearFilter, list[Edge]]] = {}
    for item in (*network.links, *network.records, *built.inner):
        edges, synapse = list(_edges(item, built)), item.synapse
        # a matrix that learns stays in one piece
        if synapse is not None and synapse.direct and not getattr(item, "learning", ()):
            factor = float(synapse.state_space().d[0, 0])
            direct += [Edge(e.source, factor * e.matrix, e.target, e.connections) for e in edges]
            synapse = synapse.without_direct()
            if synapse is None:
                continue
        if synapse is None:
            direct += edges
        else:
            filtered.setdefault(_synapse_key(synapse), (synapse, []))[1].extend(edges)
    direct += _into_arrays(network)
    filters: list[Filter] = []
    placed: list[Edge] = []
    fed = {e.target for _, edges in filtered.values() for e in edges if isinstance(e.target, Relay)}
    for synapse, edges in filtered.values():
        placed += placed_filters(synapse, edges, filters, direct, fed)
    direct += placed
    direct = _without_relays(direct, network)
    now, late = [], []
    for edge in direct:
        from_neurons = isinstance(edge.source, (Decoded, Activity))
        (late if from_neurons and not isinstance(edge.target, FilterInput) else now).append(edge)
    if late:
        now += placed_filters(None, late, filters, [], set())
    terms = _merged(now)
    probes = network.records
    return Flat(built, tuple(filters), terms, tuple(built.decoded), _ordered_callbacks(terms, network),
                tuple(p for p in probes if p.attribute in (Attribute.SPIKES, Attribute.V, Attribute.I)),
                tuple(p for p in probes if isinstance(p.source, Connection)))


def _edges(item: Connection | Probe, built: Built) -> Iterable[Edge]:
    """Yield the paths of a connection or a probe, one for each ensemble that it decodes."""
    from scipy.sparse import csr_array, eye_array

    if isinstance(item, Probe):
        if isinstance(item.source, Connection) or item.attribute not in (Attribute.VALUE, Attribute.RATE):
            return
        target, behind = ProbeInput(item), eye_array(item.size, format="csr")
        taken = item.indices
    else:
        target = _target(item)
        # rows of the target that the connection reaches
        behind = csr_array((np.ones(item.size_out), (item.post_indices, np.arange(item.size_out))),
                           shape=(target.size, item.size_out))
        if item in built.weights:
            pre, post = Activity(item.source), NeuronInput(item.target)
            yield Edge(pre, built.weights[item], post, (item,))
            return
        if not (item in built.uses and built.uses[item][0].decoded.learned):
            behind = behind @ csr_array(item.matrix())
        taken = item.pre_indices
    if item in built.uses:
        # what each of them decodes takes the place of its columns: a product with a matrix of ones, without the matrix
        behind = behind.tocsc()
        for use in built.uses[item]:
            begins = behind.indptr[use.first:use.first + len(use.columns) + 1]
            part = slice(begins[0], begins[-1])
            matrix = entries(behind.data[part], behind.indices[part], np.repeat(use.columns, np.diff(begins)),
                             (behind.shape[0], use.decoded.size))
            yield Edge(use.decoded, matrix, target, (item,))
        return
    source = item.source
    if isinstance(source, Neurons):
        signal = Activity(source.ensemble)
    else:
        signal = Relay(source) if source.kind is Kind.RELAY else NodeValue(source)
    before = entries(1.0, np.arange(len(taken)), taken, (len(taken), signal.size))
    yield Edge(signal, behind @ before, target, (item,))


def _target(connection: Connection) -> Any:
    end = connection.target
    if isinstance(end, Ensemble):
        return EnsembleInput(end)
    if isinstance(end, EnsembleArray):
        return Relay(end.input)
    if isinstance(end, Neurons):
        return NeuronInput(end.ensemble)
    if isinstance(end, ErrorPort):
        return ErrorInput(end.connection)
    return Relay(end) if end.kind is Kind.RELAY else NodeInput(end)


def _into_arrays(network: Any) -> list[Edge]:
    """Return the paths from the input of each array to its ensembles."""
    out = []
    for array in network.arrays:
        for k, e in enumerate(array.ensembles):
            part = np.arange(array.size_in)[array.part_of(k)]
            matrix = entries(1.0, np.arange(part.size), part, (part.size, array.size_in))
            out.append(Edge(Relay(array.input), matrix, EnsembleInput(e), ()))
    return out


def _without_relays(edges: list[Edge], network: Any) -> list[Edge]:
    """Multiply matrices through relays."""
    into: dict[Relay, list[Edge]] = {}
    for e in edges:
        if isinstance(e.target, Relay):
            into.setdefault(e.target, []).append(e)
    relays = list(dict.fromkeys([e.source for e in edges if isinstance(e.source, Relay)] + list(into)))
    after = {r: [e.source for e in into.get(r, []) if isinstance(e.source, Relay)] for r in relays}
    values: dict[Relay, dict[Any, tuple[Any, tuple]]] = {}
    for relay in _sorted(after, lambda r: network.name_of(r.node), "Relays"):
        value: dict[Any, tuple[Any, tuple]] = {}
        for e in into.get(relay, []):
            for signal, matrix, links in _through(e, values):
                old = value.get(signal)
                value[signal] = (matrix, links) if old is None else (total(old[0], matrix), _together(old[1], links))
        values[relay] = {signal: (quick(matrix), links) for signal, (matrix, links) in value.items()}
    return [Edge(signal, matrix, e.target, links) for e in edges if not isinstance(e.target, Relay)
            for signal, matrix, links in _through(e, values)]


def _through(edge: Edge, values: dict) -> Iterable[tuple[Any, Any, tuple]]:
    """Yield (signal, matrix, connections) of an edge, with a relay at its beginning replaced by what it adds up."""
    if not isinstance(edge.source, Relay):
        yield edge.source, edge.matrix, edge.connections
        return
    for signal, (matrix, links) in values[edge.source].items():
        yield signal, edge.matrix @ matrix, _together(links, edge.connections)


def _merged(edges: list[Edge]) -> tuple[Term, ...]:
    """Add up what goes from one signal to one target, and sort by target."""
    by_target: dict[Any, dict[Any, tuple[Any, tuple]]] = {}
    for e in edges:
        signals = by_target.setdefault(e.target, {})
        old = signals.get(e.source)
        if old is None:
            signals[e.source] = e.matrix, e.connections
        else:
            signals[e.source] = total(old[0], e.matrix), _together(old[1], e.connections)
    return tuple(Term(target, signal, tidy(matrix), links) for target, signals in by_target.items()
                 for signal, (matrix, links) in signals.items())


def _ordered_callbacks(terms: tuple[Term, ...], network: Any) -> tuple[Node, ...]:
    after: dict[Node, list[Node]] = {n: [] for n in network.nodes if n.kind is Kind.CALLBACK}
    for t in terms:
        if isinstance(t.target, NodeInput) and isinstance(t.signal, NodeValue) and t.signal.node in after:
            after[t.target.node].append(t.signal.node)
    return tuple(_sorted(after, network.name_of, "Callbacks"))


def _sorted(after: dict[Any, list[Any]], name, what: str) -> list[Any]:
    from graphlib import CycleError, TopologicalSorter

    try:
        return list(TopologicalSorter(after).static_order())
    except CycleError as problem:
        circle = " -> ".join(name(x) for x in problem.args[1])
        raise NetworkError(f"{what} feed each other without delay: {circle}. Give one of these connections a "
                           "synapse.") from None


def _together(one: tuple, other: tuple) -> tuple:
    return tuple(dict.fromkeys((*one, *other)))


def _synapse_key(synapse: LinearFilter) -> Hashable:
    try:
        hash(synapse)
    except TypeError:
        return id(synapse)
    return synapse
