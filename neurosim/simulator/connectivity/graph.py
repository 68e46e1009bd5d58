"""Connections from a graph of networkx."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import NetworkError, ParameterError
from neurosim.simulator.connectivity.rule import Edges, Rule, Side


@dataclass(frozen=True, eq=False, repr=False)
class Graph(Rule):
    """One connection for each edge of a directed graph; an undirected one is read in both directions.

    Nodes that are the numbers 0 ... n - 1 are the indices of neurons; other nodes are numbered in the order of
    ``graph.nodes``. Parallel edges of a multigraph are several connections. Order of connections: by target, for each target by
    source, parallel ones as in the graph. The graph is read when the rule is made; later changes do not matter.

    Args:
        graph: networkx Graph, DiGraph, MultiGraph or MultiDiGraph.
        weight: edge attribute with the weight; None, or on no edge: the weight is left to the synapse.
        delay: edge attribute with the delay in ms; the same.

    Raises:
        ParameterError: if this is no graph, an attribute is missing on some edges, or is not a finite number.
        NetworkError: if source or target have not as many neurons as the graph has nodes.
    """

    graph: Any
    weight: str | None = "weight"
    delay: str | None = "delay"
    ordered: ClassVar[bool] = True
    _edges: Edges = field(init=False, default=None)
    _size: int = field(init=False, default=0)

    def __post_init__(self):
        graph = self.graph
        if not all(callable(getattr(graph, name, None)) for name in ("is_directed", "number_of_nodes", "edges")):
            raise ParameterError(f"Graph: a graph of networkx is needed, not {type(graph).__name__}. For arrays use Explicit "
                                 "or Matrix.")
        nodes = list(graph.nodes)
        n = len(nodes)
        numbered = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) and 0 <= v < n for v in nodes)
        index = {v: int(v) if numbered else i for i, v in enumerate(nodes)}
        listed = list(graph.edges(data=True))
        ends = np.array([(index[u], index[v]) for u, v, _ in listed], dtype=np.int64).reshape(-1, 2)
        values = [_attribute(name, key, listed) for name, key in (("weight", self.weight), ("delay", self.delay))]
        place = np.arange(len(listed))
        pre, post = ends[:, 0], ends[:, 1]
        if not graph.is_directed():
            loop = pre == post
            pre, post = np.concatenate([pre, post[~loop]]), np.concatenate([post, ends[:, 0][~loop]])
            place = np.concatenate([place, place[~loop]])
        # parallel edges in the order of the graph, whichever way round they are listed
        order = np.lexsort((place, pre, post))
        pre, post, place = pre[order], post[order], place[order]
        values = [None if x is None else x[place] for x in values]
        object.__setattr__(self, "_edges", Edges(pre.astype(np.int32), post.astype(np.int32), *values))
        object.__setattr__(self, "_size", n)

    @property
    def weighted(self):
        return self._edges.weight is not None

    def __repr__(self):
        return f"Graph({self._size} nodes, {len(self._edges)} connections)"

    def _check(self, pre, post, same):
        for side, what in ((pre, "source"), (post, "target")):
            if side.size != self._size:
                raise NetworkError(f"{self}: the graph has {self._size} nodes, but the {what} {side.name!r} has {side.size} "
                                   "neurons. They must be equally many.")

    def expected(self, n_pre, n_post, pre=None, post=None):
        return float(len(self._edges))

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        e = self._edges
        return Edges(*(None if x is None else x.copy() for x in (e.pre, e.post, e.weight, e.delay)))


def _attribute(name: str, key: str | None, listed: list) -> np.ndarray | None:
    """Values of an edge attribute, None if no edge has it."""
    having = sum(key in data for _, _, data in listed) if key is not None else 0
    if not having:
        return None
    for u, v, data in listed:
        if key not in data:
            raise ParameterError(f"Graph: the edge from {u!r} to {v!r} has no {key!r}, others have. Give every edge one, or "
                                 f"{name}=None.")
        value = data[key]
        real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not real or not np.isfinite(value):
            raise ParameterError(f"Graph: {key!r} of the edge from {u!r} to {v!r} is {value!r}, not a finite number.")
    return np.array([data[key] for _, _, data in listed], dtype=np.float64)
