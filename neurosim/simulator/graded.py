"""Continuous projections: what a neuron feels of others at every step, without spikes.

    input_i(t) += sum_j W_ji y_j(t - delay)

y is a state or a derived quantity of the source at the end of a step; the sum stands still during the step that follows
(first order in dt).  W is sparse (a rule of connectivity with weights), dense, or a product D E of low rank, which costs
N d + M d instead of N M.

With ``immediate=True`` y is the value at the end of the step in which the target feels it: the source goes through the
step first.  Populations that act on others so come in ranks; a circle of them cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, ParameterError, listing, nearest
from neurosim.model.expression import Sym, symbols
from neurosim.model.ir import NeuronModel
from neurosim.model.values import checked_value
from neurosim.simulator.connectivity import Rule
from neurosim.simulator.population import Population
from neurosim.simulator.projection import Link
from neurosim.simulator.synapses import input_of
from neurosim.units import quantity


@dataclass(frozen=True, eq=False)
class GradedProjection(Link):
    """A continuous projection: input += sum over sources of weight times a variable of the source.

    Args:
        source, target: a population, a part of one, or a list of these.
        connectivity: a rule, such as ``ns.FixedInDegree(100)``; or W as array, or sparse array of SciPy, of shape (sources,
            targets); or a pair (D, E) of arrays of shapes (sources, d) and (d, targets), for W = D E.
        weight: number or distribution for a rule; a factor for arrays. Unit: that of the input divided by that of the variable.
        variable: state or derived quantity of the source.
        input: input of the target; None: the only one.
        delay: ms; 0: the value of the step before.
        difference: y_j - y_i instead of y_j, see `GapJunctions`.
        name: name in results; None: made of the names of the populations.
        immediate: the target feels the value at the end of the same step, not of the step before.
        learning: rule by which weights change, see `RankOne`, or None; with a rule of connectivity.

    Raises:
        NetworkError, ParameterError: for whatever cannot be connected.
    """

    source: Any
    target: Any
    connectivity: Any
    weight: Any = 1.0
    variable: str = "x"
    input: str | None = None
    delay: Any = 0.0
    difference: bool = False
    name: str | None = None
    immediate: bool = False
    learning: Any = None

    def __post_init__(self):
        self.join(self.source, self.target)
        what = self.name or type(self).__name__
        if self.immediate and (self.delay != 0.0 or self.difference):
            raise ParameterError(f"{what}: an immediate projection has no delay, and gap junctions cannot be immediate.")
        delay = checked_value(self.delay, "delay", "ms", f"value of {what}")
        if not isinstance(delay, float) or delay < 0:
            raise ParameterError(f"{what}: delay is one number for all connections, 0 ms or more, not {self.delay!r}.")
        object.__setattr__(self, "delay", delay)
        for v in self.sources:
            model = v.population.model
            if self.variable not in (*model.state_names, *(d.name for d in model.derived)):
                known = [n for n in model.recordable if n not in model.inputs]
                raise NetworkError(f"{what}: {model.name} has no variable {self.variable!r}.{nearest(self.variable, known)} "
                                   f"Known: {listing(known)}.")
        object.__setattr__(self, "weight", checked_value(self.weight, "weight", self._unit(what), f"value of {what}"))
        for v in self.targets if self.difference else ():
            if self.variable not in v.population.model.state_names:
                raise NetworkError(f"{what}: {v.population.model.name} has no state {self.variable!r} for the difference: give "
                                   "variable=, the potential of both sides.")
        if self.learning is not None:
            self.check_learning(what)
            if not isinstance(self.connectivity, Rule):
                raise NetworkError(f"{what}: weights that learn are those of single connections: give a rule such as "
                                   "ns.AllToAll() or ns.Explicit(sources, targets) and weight=, not a matrix.")
        shape = (sum(map(len, self.sources)), sum(map(len, self.targets)))
        if isinstance(self.connectivity, Rule):
            if isinstance(self.weight, np.ndarray) and not self.connectivity.ordered:
                raise ParameterError(f"{what}: one weight for each connection needs a rule with an order of its own.")
            self.connectivity.check(*self.sides(), self.same())
            return
        if self.difference:
            raise NetworkError(f"{what}: gap junctions: connectivity must be a rule such as ns.Bernoulli(0.1) or ns.Matrix(g).")
        if not isinstance(self.weight, float):
            raise ParameterError(f"{what}: beside a matrix, weight is one factor.")
        parts = self.connectivity if isinstance(self.connectivity, tuple) else (self.connectivity,)
        arrays = tuple(_matrix(p, what) for p in parts)
        if len(arrays) == 2:
            arrays = tuple(a.toarray() if hasattr(a, "tocsr") else a for a in arrays)
        shapes = [a.shape for a in arrays]
        fits = shapes == [shape] or (len(arrays) == 2 and shapes[0][0] == shape[0] and shapes[1][1] == shape[1]
                                     and shapes[0][1] == shapes[1][0])
        if not fits:
            raise ParameterError(f"{what}: {shape[0]} sources and {shape[1]} targets need a matrix of shape {shape}, or a pair "
                                 f"of shapes ({shape[0]}, d) and (d, {shape[1]}); given: {', '.join(map(str, shapes))}.")
        object.__setattr__(self, "connectivity", arrays)

    @property
    def weight_sign(self) -> int:
        """+1, -1 or 0: the sign that all weights have, or unknown."""
        if isinstance(self.connectivity, Rule):
            parts = (self.weight,)
        else:
            parts = self.connectivity
        if len(parts) != 1 or getattr(parts[0], "is_distribution", False):
            return 0
        parts = (parts[0].data,) if hasattr(parts[0], "tocsr") else parts
        if not np.size(parts[0]):
            return 0
        low, high = np.min(parts[0]), np.max(parts[0])
        return 1 if low >= 0 and high > 0 else -1 if high <= 0 and low < 0 else 0

    def _unit(self, what: str) -> str | None:
        """Return the unit of the weight, which only a quantity such as "2 nS" needs."""
        if getattr(self.weight, "is_distribution", False) or quantity(self.weight) is None:
            return None
        found = set()
        for s in self.sources:
            for t in self.targets:
                own = t.population.model.units.get(self.wanted_input(t.population.model, what)) or "1"
                found.add(f"({own})/({s.population.model.units.get(self.variable) or '1'})")
        if len(found) > 1:
            raise ParameterError(f"{what}: its ends have different units ({listing(sorted(found))}): give the weight as a "
                                 "plain number, or make a projection for each.")
        return found.pop()

    def wanted_input(self, model: NeuronModel, what: str) -> str:
        """Return the input of the target that the sum is added to."""
        return input_of(model, self.input, what)


def GapJunctions(source: Any, target: Any, connectivity: Rule, weight: Any, *, variable: str = "v", input: str | None = None,
                 name: str | None = None) -> GradedProjection:
    """Electrical coupling: input_i += sum_j g_ij (v_j - v_i).

    Both directions are listed by the rule; a symmetric one (``ns.Matrix`` of a symmetric matrix, ``ns.Graph``) conserves
    charge.  The difference is that of the step before, which is stable for dt sum(g)/c well below 1.

    Args:
        source, target: populations, parts of them, or lists; connectivity: a rule.
        weight: conductance g in uS for an input in nA: a number, a distribution, or one value for each connection.
        variable: the potential, a state of source and target; input, name: see `GradedProjection`.
    """
    return GradedProjection(source, target, connectivity, weight, variable, input, 0.0, True, name)


def _matrix(value: Any, what: str) -> Any:
    if hasattr(value, "tocsr") and hasattr(value, "nnz"):
        rows = value.tocsr().astype(float)
        if not np.all(np.isfinite(rows.data)):
            raise ParameterError(f"{what}: the matrix of weights has NaN or infinity.")
        return rows
    try:
        array = np.ascontiguousarray(value, dtype=float)
    except (TypeError, ValueError):
        raise NetworkError(f"{what}: connectivity must be a rule such as ns.FixedInDegree(100), a matrix or a pair of "
                           f"matrices, not {type(value).__name__}.") from None
    if array.ndim != 2 or not np.all(np.isfinite(array)):
        raise ParameterError(f"{what}: a matrix of weights is two-dimensional and finite; this one has shape {array.shape}.")
    return array


def published(projections: Any, population: Population) -> tuple[str, ...]:
    """Return the derived quantities of a population that graded projections and rules of learning read."""
    names = [p.variable for p in projections if isinstance(p, GradedProjection)
             and any(v.population is population for v in p.sources)]
    names += [name for p in projections if p.learning is not None for q, name in p.learning.variables if q is population]
    return tuple(dict.fromkeys(n for n in names if n not in population.model.state_names))


def check_loops(projections: Iterable[Link], name_of: Callable[[Any], str]) -> None:
    """Raise `NetworkError` if derived quantities that depend on inputs drive each other in a circle without delay."""
    graph: dict[tuple[Population, str], set[tuple[Population, str]]] = {}
    for p in projections:
        if not isinstance(p, GradedProjection) or p.delay or p.immediate:
            continue
        for source in {v.population for v in p.sources}:
            seen = symbols(source.model.expanded(Sym(p.variable))) & set(source.model.inputs)
            for target in {v.population for v in p.targets}:
                node = (target, p.wanted_input(target.model, name_of(p)))
                graph.setdefault(node, set()).update((source, i) for i in seen)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " <- ".join(f"input {i!r} of {name_of(population)!r}" for population, i in error.args[1])
        raise NetworkError(f"Continuous projections form a circle without delay ({circle}): each value would need the others "
                           "of the same moment. Project a state instead of a quantity that depends on an input, or give "
                           "one of them delay=.") from None
