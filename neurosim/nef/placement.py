"""Where filters stand: at the beginning or the end of a path, wherever the network has least to do.

Filters and matrices commute.  What a filter costs at each end is estimated from the numbers it filters and from what spikes
and matrices have to add; `cover.cheapest_cover` then chooses for all paths together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.nef.building import Decoded
from neurosim.nef.cover import cheapest_cover
from neurosim.nef.filters import LinearFilter
from neurosim.nef.matrices import entries, filled, support
from neurosim.nef.terms import Activity, Edge, Filter, FilterInput, Relay

#: what an average neuron in a step, and an entry of a matrix, cost, in filtered numbers
SPIKING, IN_ORDER = 0.1, 0.1


def placed_filters(synapse: LinearFilter | None, edges: list[Edge], filters: list[Filter], direct: list[Edge],
                   fed: set[Any]) -> list[Edge]:
    """Put filters of one kind at the cheapest ends of paths; return the paths to and from them.

    Args:
        synapse: the filter; edges: the paths; filters: all filters so far, to be added to.
        direct: paths without filter; fed: relays that filtered paths go into.
    """
    edges = _expanded(edges, direct, fed)
    parts: tuple[dict[Any, list[np.ndarray]], ...] = ({}, {})
    for e in edges:
        for used, end, chosen in zip(parts, (e.target, e.source), support(e.matrix)):
            used.setdefault(end, []).append(chosen)
    # a path of zeros only still needs somewhere to go
    rows, columns = ({end: found if (found := np.unique(np.concatenate(lists))).size else np.zeros(1, int)
                      for end, lists in used.items()} for used in parts)
    at_source, at_target = cheapest_cover([(e.source, e.target) for e in edges], *_costs(edges, columns, rows, direct))
    made: dict[Any, Filter] = {}
    out: list[Edge] = []

    def filter_at(key: tuple[str, Any], used: np.ndarray) -> Filter:
        if key not in made:
            made[key] = Filter(synapse, len(used), len(filters), key[1])
            filters.append(made[key])
            end, size = key[1], len(used)
            if key[0] == "source":
                pick = entries(1.0, np.arange(size), used, (size, end.size))
                out.append(Edge(end, pick, FilterInput(made[key]), ()))
            else:
                put = entries(1.0, used, np.arange(size), (end.size, size))
                out.append(Edge(made[key], put, end, ()))
        return made[key]

    for e in edges:
        m = e.matrix
        if e.source in at_source:
            used = columns[e.source]
            m = m if len(used) == m.shape[1] else m[:, used]
            out.append(Edge(filter_at(("source", e.source), used), m, e.target, e.connections))
        else:
            used = rows[e.target]
            m = m if len(used) == m.shape[0] else m[used]
            out.append(Edge(e.source, m, FilterInput(filter_at(("target", e.target), used)), e.connections))
    return out


def _costs(edges: list[Edge], columns: dict[Any, np.ndarray], rows: dict[Any, np.ndarray],
           direct: list[Edge]) -> tuple[dict, dict]:
    """Return what a filter costs at each source and target, as whole numbers.

    A filter of k numbers costs k.  A neuron fires in about every tenth step, and each spike costs as many additions as it has
    numbers to reach: those of the filter at its source, or all rows of the matrix.  What filters send through a matrix costs
    less, for that runs through memory in order.
    """
    counts = _reached_by(direct)
    source = {s: len(c) + SPIKING * float(counts(s)[c].sum()) for s, c in columns.items()}
    target = {t: float(len(r)) for t, r in rows.items()}
    for e in edges:
        each = filled(e.matrix)
        source[e.source] += IN_ORDER * each.sum()
        behind = counts(e.source)
        target[e.target] += SPIKING * float(behind @ each) + IN_ORDER * each.sum() * (not behind.any())
    # whole numbers that the maximum flow can add up
    scale = min(100.0, 2.0**27 / (1 + sum(source.values()) + sum(target.values())))
    return tuple({end: max(1, round(scale * cost)) for end, cost in table.items()} for table in (source, target))


def _reached_by(direct: list[Edge]) -> Callable[[Any], np.ndarray]:
    """Return a function that counts the neurons whose spikes reach each number of a signal, through relays too."""
    into: dict[Any, list[Edge]] = {}
    for e in direct:
        if isinstance(e.target, Relay):
            into.setdefault(e.target, []).append(e)
    known: dict[Any, np.ndarray] = {}

    def counts(signal: Any) -> np.ndarray:
        if isinstance(signal, Decoded):
            return np.full(signal.size, float(signal.ensemble.n_neurons))
        if isinstance(signal, Activity):
            return np.ones(signal.size)
        if signal not in known:
            # a circle of relays is an error that is named later
            known[signal] = np.zeros(signal.size)
            for e in into.get(signal, ()):
                known[signal] = known[signal] + (e.matrix != 0) @ counts(e.source)
        return known[signal]

    return counts


def _expanded(edges: list[Edge], direct: list[Edge], fed: set[Any]) -> list[Edge]:
    """Return paths that begin before relays, where filters there have less to do than at the relay.

    Many neurons may reach a relay through a matrix, such as the one of a Fourier transform: then it is cheaper to filter what
    they represent than each of its sums.
    """
    counts = _reached_by(direct)
    into: dict[Any, list[Edge]] = {}
    for e in direct:
        into.setdefault(e.target, []).append(e)
    waiting = list(edges)
    seen: set[Any] = set()
    while waiting:
        relay = next((e.source for e in waiting if isinstance(e.source, Relay) and e.source not in seen), None)
        if relay is None:
            break
        seen.add(relay)
        before = into.get(relay, [])
        if relay in fed or not before:
            continue
        after = [e for e in waiting if e.source == relay]
        longer = [Edge(b.source, a.matrix @ b.matrix, a.target, (*b.connections, *a.connections))
                  for a in after for b in before]
        here = relay.size + SPIKING * counts(relay).sum() + IN_ORDER * sum(filled(a.matrix).sum() for a in after)
        there = sum(b.source.size + SPIKING * counts(b.source).sum() for b in before)
        there += IN_ORDER * sum(filled(e.matrix).sum() for e in longer)
        if there < here:
            waiting = [e for e in waiting if e.source != relay] + longer
    return waiting
