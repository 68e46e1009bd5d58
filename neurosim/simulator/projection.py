"""Projections: who is connected to whom, by which synapses, after which delay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, ParameterError
from neurosim.model.values import checked_value
from neurosim.simulator.adaptation import RankOne
from neurosim.simulator.connectivity import Rule, Side
from neurosim.simulator.population import Population, View, targets
from neurosim.simulator.synapses import Synapse


class Link:
    """Common part of all projections: the neurons on both sides.

    Attributes:
        sources, targets: parts of populations; name: in results, or None.
        immediate: whether it acts within the step: its sources go through a step before its targets.
        learning: how its weights change with continuous signals, or None.
    """

    sources: tuple[View, ...]
    targets: tuple[View, ...]
    name: str | None
    immediate: bool
    learning: RankOne | None

    def join(self, source: Any, target: Any) -> None:
        """Set both sides."""
        object.__setattr__(self, "sources", tuple(targets(source)))
        object.__setattr__(self, "targets", tuple(targets(target)))

    def sides(self) -> tuple[Side, Side]:
        """Return source and target as the rule sees them."""
        return _side(self.sources), _side(self.targets)

    def check_learning(self, what: str) -> None:
        """Raise `NetworkError` for a rule that does not fit the projection."""
        if not isinstance(self.learning, RankOne):
            raise NetworkError(f"{what}: learning must be a rule such as ns.RankOne(...), not {type(self.learning).__name__}.")
        self.learning.check(self, what)

    def same(self) -> np.ndarray | None:
        """Return for each target neuron its place among the sources, or -1; None if no neuron is on both sides."""
        if not {v.population for v in self.sources} & {v.population for v in self.targets}:
            return None
        place, at = [], 0
        tables: dict[Any, np.ndarray] = {}
        for view in self.sources:
            table = tables.setdefault(view.population, np.full(view.population.size, -1, np.int64))
            table[view.indices] = at + np.arange(len(view))
            at += len(view)
        for view in self.targets:
            table = tables.get(view.population)
            place.append(np.full(len(view), -1, np.int64) if table is None else table[view.indices])
        return np.concatenate(place)


@dataclass(frozen=True, eq=False)
class Projection(Link):
    """Connections that carry spikes from source to target neurons.

    A spike in the step that ends at time t acts on its targets at t + delay, at the start of a step; with delay 0 it acts at
    the start of the very next one (what Brian2 does if no delay is given).  With plasticity, the
    delay is the sum of an axonal part, after which the spike reaches the synapse, and of a dendritic part between synapse
    and neuron, which the postsynaptic spike also needs to reach the synapse.

    Args:
        source, target: a population, a part of one, or a list of these (the rule then sees them as one, one after the other).
        connectivity: the rule, such as ``ns.FixedInDegree(100)``.
        synapse: what a spike does, such as ``ns.Delta(weight=0.1)`` or ``ns.Exponential(0.1, tau_syn=5)``.
        delay: ms, 0 or at least dt: a number, a distribution, or one value for each connection (for rules with an order of
            their own).  Rounded to whole steps.
        plasticity: rule by which weights change, such as ``ns.STDP(...)``, or None.
        dendritic_delay: dendritic part of the delay in ms, for plastic synapses.
        name: name in results; None: made of the names of the populations, "E->I".
        immediate: a spike acts in the step in which it happens, on targets that go through that step after its source; the
            delay must be 0.  For targets that stand for synapses or signals rather than for neurons.
        learning: rule by which weights change with continuous signals, see `RankOne`, or None.

    Raises:
        NetworkError, ParameterError: for whatever cannot be connected.
    """

    source: Any
    target: Any
    connectivity: Rule
    synapse: Synapse
    delay: Any = 1.0
    plasticity: Any = None
    dendritic_delay: float = 0.0
    name: str | None = None
    immediate: bool = False
    learning: RankOne | None = None

    def __post_init__(self):
        self.join(self.source, self.target)
        if self.name is not None and (not isinstance(self.name, str) or not self.name):
            raise NetworkError(f"The name of a projection is a text, not {self.name!r}.")
        what = self.name or "projection"
        if not isinstance(self.connectivity, Rule):
            raise NetworkError(f"{what}: connectivity must be a rule such as ns.FixedInDegree(100), not "
                               f"{_given(self.connectivity)}.")
        if not isinstance(self.synapse, Synapse):
            raise NetworkError(f"{what}: synapse must be one such as ns.Delta(weight=0.1), not {_given(self.synapse)}.")
        object.__setattr__(self, "synapse", self._synapse(what))
        delay = checked_value(self.delay, "delay", "ms", f"value of {what}")
        if not getattr(delay, "is_distribution", False) and not np.all(np.asarray(delay) >= 0):
            raise ParameterError(f"{what}: a delay is 0 or at least one step, never negative; the smallest is "
                                 f"{np.min(delay):g} ms.")
        object.__setattr__(self, "delay", delay)
        if self.immediate and (delay != 0.0 if isinstance(delay, float) else True):
            raise ParameterError(f"{what}: an immediate projection has no delay: give delay=0.")
        if self.immediate and self.plasticity is not None:
            raise ParameterError(f"{what}: plastic synapses cannot be immediate.")
        if self.plasticity is not None:
            from neurosim.model.plasticity import PlasticityModel

            if not isinstance(self.plasticity, PlasticityModel):
                raise NetworkError(f"{what}: plasticity must be a rule such as ns.STDP(), not {_given(self.plasticity)}.")
        dendritic = checked_value(self.dendritic_delay, "dendritic_delay", "ms", f"value of {what}")
        if not isinstance(dendritic, float):
            raise ParameterError(f"{what}: dendritic_delay is one number for all connections; what differs between them is "
                                 "delay=.")
        if dendritic < 0 or (isinstance(delay, float) and dendritic > delay):
            raise ParameterError(f"{what}: dendritic_delay ({dendritic} ms) lies between 0 and the delay ({delay} ms).")
        if dendritic and self.plasticity is None:
            raise ParameterError(f"{what}: dendritic_delay matters for plastic synapses only; give plasticity=, or leave it "
                                 "out.")
        object.__setattr__(self, "dendritic_delay", dendritic)
        if self.synapse.weight is None and not self.connectivity.weighted:
            raise ParameterError(f"{what}: the synapse has no weight: give one, such as "
                                 f"ns.{type(self.synapse).__name__}(weight=0.1).")
        sides, same = self.sides(), self.same()
        self.connectivity.check(*sides, same)
        each = {"weight": self.synapse.weight, "delay": delay}
        each |= {f"initial {n!r}": v for n, v in self.plasticity.initial.items()} if self.plasticity is not None else {}
        for label, value in each.items():
            if not isinstance(value, np.ndarray):
                continue
            if not self.connectivity.ordered:
                raise ParameterError(
                    f"{what}: one {label} for each connection needs a rule whose connections have a known order, such as "
                    f"ns.Explicit or ns.Matrix; {type(self.connectivity).__name__} draws them. Give a number or a "
                    "distribution.")
            if value.shape != (n := self.connectivity.number(*sides, same),):
                raise ParameterError(f"{what}: {label} has shape {value.shape}, but there are {n} connections.")
        if self.learning is not None:
            if self.plasticity is not None:
                raise ParameterError(f"{what}: plasticity= and learning= exclude each other.")
            self.check_learning(what)

    def _synapse(self, what: str) -> Synapse:
        """Return the synapse with its weight as a number in the unit of the targets."""
        found = [self.synapse.in_unit_of(v.population.model, what) for v in self.targets]
        if len({s.weight for s in found if isinstance(s.weight, float)}) > 1:
            raise ParameterError(f"{what}: its targets take weights in different units: make a projection for each.")
        return found[0]

    @property
    def weight_sign(self) -> int:
        """+1 for excitatory, -1 for inhibitory, 0 for weights of both signs or unknown."""
        weight = self.synapse.weight
        if weight is None:
            return 0
        if getattr(weight, "is_distribution", False):
            weight = np.asarray(weight.quantile(np.array([0.05, 0.5, 0.95])))
        if not np.size(weight):
            return 0
        low, high = np.min(weight), np.max(weight)
        sign = 1 if low >= 0 and high > 0 else -1 if high <= 0 and low < 0 else 0
        reversal = getattr(self.synapse, "e_rev", None)
        # a conductance whose reversal potential lies below rest inhibits
        return -sign if isinstance(reversal, float) and reversal <= -60.0 else sign


def ranks(projections: Iterable[Link], populations: Iterable[Population]) -> dict[Population, int]:
    """Return for each population how many others must go through a step before it, one after the other.

    Raises:
        NetworkError: if immediate projections form a circle.
    """
    before: dict[Population, set[Population]] = {p: set() for p in populations}
    for p in projections:
        if p.immediate:
            for target in {v.population for v in p.targets}:
                before[target] |= {v.population for v in p.sources}
    found: dict[Population, int] = {}
    try:
        for population in TopologicalSorter(before).static_order():
            found[population] = max((found[b] + 1 for b in before[population]), default=0)
    except CycleError as error:
        circle = " <- ".join(repr(p) for p in error.args[1])
        raise NetworkError(f"Immediate projections form a circle ({circle}): none of these populations could go through a step "
                           "first. Leave out immediate=True in one of them.") from None
    return found


def _given(value: Any) -> str:
    """Return what was given in words; a class or function was probably meant to be called."""
    name = getattr(value, "__name__", None)
    return f"{name} itself: call it, {name}(...)" if callable(value) and name else type(value).__name__


def _side(views: tuple[View, ...]) -> Side:
    positions = [v.population.positions for v in views]
    placed = None
    if all(p is not None for p in positions) and len({p.shape[1] for p in positions}) == 1:
        placed = np.concatenate([p if v.chosen is None else p[v.chosen] for p, v in zip(positions, views)])
    names = [v.population.name or v.population.model.name for v in views]
    return Side(sum(map(len, views)), placed, "+".join(names))
