"""Changes between runs: other values of parameters, projections switched off and on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, ParameterError, listing, nearest
from neurosim.model.ir import NeuronModel
from neurosim.model.values import to_known
from neurosim.simulator.network import Network
from neurosim.simulator.population import Population
from neurosim.simulator.projection import Link
from neurosim.units import quantity


@dataclass(frozen=True)
class Changes:
    """What differs from the description of the network.

    Attributes:
        asked: all changes so far, by name.
        models: models with other parameters by population.
        off: projections that are switched off.
        values: other parameters of projections: "weight", or those of the plasticity rule.
        set_now: new values of variables of plastic connections, for this run's beginning alone.
    """

    asked: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[Population, NeuronModel] = field(default_factory=dict)
    off: frozenset[Link] = frozenset()
    values: Mapping[Link, Mapping[str, Any]] = field(default_factory=dict)
    set_now: Mapping[Link, Mapping[str, Any]] = field(default_factory=dict)


def changed(network: Network, changes: Mapping[str, Any] | None, earlier: Changes | None = None) -> Changes:
    """Return the changes of a run: those of the run before it, and new ones.

    Args:
        network: the network.
        changes: by name of a population: values of parameters by name; by name of a projection: False (off), True (on), or
            values by name: "weight" (one number for all connections), or parameters of its plasticity rule, or its
            variables, such as "w": one number, or one for each connection in the order of ``result.connections``, set once.
        earlier: changes of the run that is continued.

    Raises:
        NetworkError, ParameterError: for an unknown name or a value that cannot be used.
    """
    asked: dict[str, Any] = dict(earlier.asked) if earlier else {}
    if changes is not None and not isinstance(changes, Mapping):
        raise ParameterError(f"changes= takes a dictionary such as {{'E': {{'tau_m': 15.0}}}}, not {type(changes).__name__}.")
    populations = {network.name_of(p): p for p in network.populations}
    projections = {network.name_of(p): p for p in network.projections}
    set_now: dict[Link, Mapping[str, Any]] = {}
    for name, value in (changes or {}).items():
        if name not in populations and name not in projections:
            known = [*populations, *projections]
            raise NetworkError(f"changes: there is no population or projection {name!r}.{nearest(str(name), known)} "
                               f"Known: {listing(known)}.")
        if isinstance(value, Mapping) and (own := _variables(projections.get(name), value)):
            set_now[projections[name]] = own
            value = {k: v for k, v in value.items() if k not in own}
        before = asked.get(name, {"on": True, "values": {}})
        if isinstance(value, bool):
            if name in populations:
                raise ParameterError(f"changes: {name!r} is a population; only projections are switched off and on.")
            asked[name] = {**before, "on": value}
        elif isinstance(value, Mapping):
            asked[name] = {**before, "values": {**before["values"], **value}}
        else:
            raise ParameterError(f"changes: {name!r} takes values by name{', True or False' if name in projections else ''}, "
                                 f"not {value!r}.")
    models, off, values = {}, set(), {}
    for name, entry in asked.items():
        if name in populations:
            population = populations[name]
            if wrong := set(entry["values"]) & set(population.model.state_names):
                raise ParameterError(f"changes: {listing(wrong)} of {name!r} is a state, not a parameter.")
            models[population] = population.model.with_parameters(**entry["values"])
            _check(models[population], population)
            continue
        projection = projections[name]
        if not entry["on"]:
            off.add(projection)
        if entry["values"]:
            given = _plain(projection, name, entry["values"])
            _check_values(projection, name, given)
            values[projection] = given
    return Changes(asked, models, frozenset(off), values, set_now)


def _variables(projection: Link | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the values that are variables of the plasticity rule."""
    rule = getattr(projection, "plasticity", None)
    return {k: v for k, v in values.items() if k in rule.variable_names} if rule is not None else {}


def _check(model: NeuronModel, population: Population) -> None:
    from neurosim.model.checks import check_reset, check_values

    check_values(model, population.size)
    check_reset(model)


def _plain(projection: Link, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with quantities such as "200 pA" as numbers in their unit."""
    out = dict(values)
    rule = getattr(projection, "plasticity", None)
    for key, value in values.items():
        if isinstance(value, (bool, int, float, np.number)) or quantity(value) is None:
            continue
        unit = rule.units.get(key) if rule is not None else None
        if rule is None and key == "weight" and hasattr(projection, "synapse"):
            unit = projection.synapse.weight_unit(projection.targets[0].population.model, name)
        out[key] = to_known(value, unit, f"value {key!r} of {name!r} in changes=")
    return out


def _check_values(projection: Link, name: str, values: Mapping[str, Any]) -> None:
    rule = getattr(projection, "plasticity", None)
    known = [*rule.parameters, *rule.variable_names] if rule is not None else ["weight"]
    for key, value in values.items():
        if key not in known:
            raise ParameterError(f"changes: {name!r} has no {key!r} that can be changed.{nearest(key, known)} "
                                 f"Known: {listing(known)}.")
        good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not good or value != value or abs(value) == float("inf"):
            raise ParameterError(f"changes: {key!r} of {name!r} must be a finite number, not {value!r:.60}.")
    if rule is not None:
        # signs and bounds
        rule.with_parameters(**{key: value for key, value in values.items() if key in rule.parameters})
