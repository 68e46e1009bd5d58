"""Networks: populations with their projections, stimuli and probes, checked when described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, ParameterError, listing, nearest
from neurosim.model.values import checked_value
from neurosim.simulator.population import Population, View, chosen, targets
from neurosim.simulator.projection import Link, ranks
from neurosim.simulator.stimuli import Stimulus, input_of


@dataclass(frozen=True, eq=False)
class Probe:
    """Record a variable of a population, or of plastic connections, over time.

    Sample k is the value at time k every, at the start of that step and after the reset of the step before.

    Args:
        target: population, or a part of one; or a projection with plasticity.
        variable: name of a state, a derived quantity or an input of the model; for a projection, ``w`` (the weight) or another
            variable of its rule.
        neurons: which neurons of the target; None: all.
        every: sampling interval in ms; a multiple of dt; None: every step.
        name: name in ``result.traces``; None: the variable (with the population's name in front if that is taken).
        connections: which connections of a projection, in the order of ``result.connections``; None: all.
    """

    target: Population | View
    variable: str = "v"
    neurons: Any = None
    every: float | None = None
    name: str | None = None
    connections: Any = None

    def __post_init__(self):
        if self.every is not None:
            every = checked_value(self.every, "every", "ms", f"value of the probe of {self.variable!r}")
            if not (isinstance(every, float) and every > 0):
                raise ParameterError(f"Probe of {self.variable!r}: every must be a positive time in ms, not {self.every!r}.")
            object.__setattr__(self, "every", every)
        if isinstance(self.target, Link):
            self._check_connections()
            return
        if self.connections is not None:
            raise NetworkError("connections= chooses among those of a projection; the target of this probe is a population.")
        found = targets(self.target)
        if len(found) != 1:
            raise NetworkError("A probe records one population: make one probe for each.")
        view = found[0]
        model = view.population.model
        if self.variable not in model.recordable:
            raise NetworkError(f"{model.name} has no variable {self.variable!r} to record."
                               f"{nearest(self.variable, model.recordable)} Known: {listing(model.recordable)}.")
        if self.neurons is not None:
            place = chosen(self.neurons, view.population)
            if isinstance(self.target, View):
                outside = np.setdiff1d(place, view.indices)
                if outside.size:
                    raise NetworkError(f"Probe of {self.variable!r}: neuron {outside[0]} is not in the part of the population.")
            view = View(view.population, place)
        object.__setattr__(self, "target", view)

    @property
    def link(self) -> Link | None:
        """The projection it records, or None."""
        return self.target if isinstance(self.target, Link) else None

    def _check_connections(self) -> None:
        rule = getattr(self.target, "plasticity", None)
        what = self.target.name or "the projection"
        if self.target.learning is not None:
            if self.variable != "w":
                raise NetworkError(f"Probe of {self.variable!r}: {what} has one variable to record, the weight 'w'.")
            rule = _WEIGHT
        if rule is None:
            raise NetworkError(f"Probe of {self.variable!r}: {what} has no plasticity, so that nothing changes; its "
                               "weights are "
                               "in result.connections.")
        if self.variable not in rule.recordable:
            raise NetworkError(f"{rule.name} has no variable {self.variable!r} to record."
                               f"{nearest(self.variable, rule.recordable)} Known: {listing(rule.recordable)}. "
                               "The weight is 'w'.")
        if self.neurons is not None:
            raise NetworkError("A probe of a projection chooses with connections=, not with neurons=.")


class _WEIGHT:
    """What can be recorded of a projection with a rank-one rule."""

    name = "RankOne"
    recordable = ("w",)


@dataclass(frozen=True, eq=False)
class Network:
    """Populations with what drives them and what is recorded.

    Spikes of all populations are recorded unless `record_spikes` says otherwise.

    Args:
        populations: the populations, in order; names must differ.
        projections: how they are connected.
        stimuli: what reaches them from outside.
        probes: which variables to record.
        record_spikes: True, False, or a list of populations whose spikes are recorded.

    Raises:
        NetworkError: for double names, targets outside of the network, inputs that do not exist.
    """

    populations: Iterable[Population]
    projections: Iterable[Link] = ()
    stimuli: Iterable[Stimulus] = ()
    probes: Iterable[Probe] = ()
    record_spikes: bool | Iterable[Population] = True

    def __post_init__(self):
        populations = _list(self.populations, Population, "populations")
        if not populations:
            raise NetworkError("A network needs at least one population.")
        if len({id(p) for p in populations}) < len(populations):
            raise NetworkError("A population is listed twice.")
        names: dict[Population, str] = {}
        for k, p in enumerate(populations):
            name = p.name or ("neurons" if len(populations) == 1 else f"population_{k}")
            if name in names.values():
                raise NetworkError(f"Two populations are called {name!r}: names must differ.")
            names[p] = name
        projections = _list(self.projections, Link, "projections")
        stimuli = _list(self.stimuli, Stimulus, "stimuli")
        probes = _list(self.probes, Probe, "probes")
        called: dict[Link, str] = {}
        for p in projections:
            for population, _ in p.learning.variables if p.learning is not None else ():
                if population not in names:
                    raise NetworkError(f"A rule of learning reads {population!r}, which is not in the network.")
            name = _name_of(p, names)
            if name in names.values():
                raise NetworkError(f"A projection and a population are both called {name!r}: give the projection another name.")
            if name in called.values():
                raise NetworkError(f"Two projections are called {name!r}: give them different names with name=.")
            if p in called:
                raise NetworkError(f"The projection {name!r} is listed twice.")
            called[p] = name
        for s in stimuli:
            for view in targets(s.target):
                if view.population not in names:
                    raise NetworkError(f"{type(s).__name__} targets {view.population!r}, which is not in the network.")
                input_of(s, view.population)
        titles: list[str] = []
        for p in probes:
            if p.link is not None and p.link not in called:
                raise NetworkError("A probe records a projection that is not in the network.")
            if p.link is None and p.target.population not in names:
                raise NetworkError(f"A probe records {p.target.population!r}, which is not in the network.")
            title = p.name or p.variable
            if title in titles and p.name is None:
                title = f"{called[p.link] if p.link else names[p.target.population]}.{p.variable}"
            if title in titles:
                raise NetworkError(f"Two probes are called {title!r}: give them different names with name=.")
            titles.append(title)
        recorded = self.record_spikes
        if isinstance(recorded, bool):
            recorded = tuple(populations) if recorded else ()
        recorded = tuple(_list(recorded, Population, "record_spikes"))
        for p in recorded:
            if p not in names:
                raise NetworkError(f"record_spikes names {p!r}, which is not in the network.")
        for key, value in dict(populations=tuple(populations), projections=tuple(projections), stimuli=tuple(stimuli),
                               probes=tuple(probes), record_spikes=recorded).items():
            object.__setattr__(self, key, value)
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_titles", tuple(titles))
        object.__setattr__(self, "_called", called)
        from neurosim.simulator.graded import check_loops
        from neurosim.simulator.receptors import gather

        check_loops(projections, self.name_of)
        ranks(projections, populations)

        for p in populations:
            # what arrives must fit the model: said now, not when the run begins
            gather(self, p)

    def name_of(self, item: Population | Link) -> str:
        """Return the name of a population or projection in results."""
        return self._called[item] if isinstance(item, Link) else self._names[item]

    def probes_of(self, population: Population) -> list[tuple[Probe, str]]:
        """Return the probes of a population with their names in results."""
        return [(p, name) for p, name in zip(self.probes, self._titles) if p.link is None and p.target.population is population]

    def probes_of_links(self) -> list[tuple[Probe, str]]:
        """Return the probes of projections with their names in results."""
        return [(p, name) for p, name in zip(self.probes, self._titles) if p.link is not None]

    @property
    def probe_names(self) -> tuple[str, ...]:
        """Names of the probes in results, in order."""
        return self._titles

    def __getitem__(self, name: str) -> Population:
        for population, own in self._names.items():
            if own == name:
                return population
        raise KeyError(f"There is no population {name!r}.{nearest(name, self._names.values())}")


def _name_of(projection: Link, names: Mapping[Population, str]) -> str:
    ends = []
    for views in (projection.sources, projection.targets):
        for v in views:
            if v.population not in names:
                raise NetworkError(f"A projection connects {v.population!r}, which is not in the network.")
        own = [names[v.population] for v in views]
        ends.append(own[0] if len(own) == 1 else f"[{','.join(own)}]")
    return projection.name or "->".join(ends)


def _list(items, kind: type, what: str) -> list:
    if isinstance(items, kind):
        items = [items]
    if not isinstance(items, Iterable):
        raise NetworkError(f"{what} must be a list, not {type(items).__name__}.")
    items = list(items)
    for item in items:
        if not isinstance(item, kind):
            raise NetworkError(f"{what} must hold {kind.__name__} objects; it holds {type(item).__name__} ({item!r:.60}).")
    return items



