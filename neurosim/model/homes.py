"""Where each variable of a plastic synapse is kept, and when its equation is advanced.

    home       kept            advanced
    pre        once a source   every step, for all sources together
    post       once a target   every step, for all targets together
    synapse    once a synapse  "constant": never, statements alone change it
                               "event": when an event touches the synapse, by the exact solution
                               "continuous": every step

A variable can live with the source if nothing but spikes of the source changes it, in a way that is the same for all synapses
of that source; then one value stands for thousands.  That needs one common delay from the source to its synapses.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from neurosim.errors import ModelError
from neurosim.model.calculus import ZERO, affine, simplify
from neurosim.model.expression import Node, names_in, symbols
from neurosim.model.plasticity import WEIGHT, PlasticityModel
from neurosim.model.plasticity_text import varies


@dataclass(frozen=True)
class Homes:
    """The outcome: names of variables by home, and "constant", "event" or "continuous" for those of the synapse."""

    pre: tuple[str, ...]
    post: tuple[str, ...]
    modes: dict[str, str]

    @property
    def synapse(self) -> tuple[str, ...]:
        """Variables kept once a synapse, w first."""
        return tuple(self.modes)

    def of(self, name: str) -> str:
        """Return "pre", "post" or "synapse"."""
        return "pre" if name in self.pre else "post" if name in self.post else "synapse"


def find_homes(model: PlasticityModel, varying: Set[str] = frozenset(), common_delay: bool = True) -> Homes:
    """Analyse a rule.

    Args:
        model: the rule.
        varying: parameters with one value for each synapse.
        common_delay: whether the spikes of a source reach all its synapses at the same time.

    Raises:
        ModelError: if a line is flagged (event-driven) and cannot be.
    """
    pre = _neuron_home(model, "pre", varying) if common_delay else set()
    post = _neuron_home(model, "post", varying) - pre
    # what both sides could hold went to the source; the rest must not depend on it
    while lost := {n for n in post if _needs(model, n) & set(model.variable_names) - post}:
        post -= lost
    names = [v.name for v in model.variables if v.name not in pre | post]
    modes = {n: _mode(model, n, varying) for n in names}
    clock = [model.expanded(v.drift) for v in model.variables if modes.get(v.name) == "continuous"]
    clock += [model.expanded(a.value) for a in model.on_step]
    for name in names_in(clock) & {n for n, m in modes.items() if m == "event"}:
        if _flag(model, name) == "event-driven":
            raise ModelError(f"{model.name}: {name} cannot be (event-driven), because it is needed in every step by "
                             f"{_reader(model, name, modes)}. Leave the flag out.")
        modes[name] = "continuous"
    return Homes(tuple(n for n in model.variable_names if n in pre), tuple(n for n in model.variable_names if n in post), modes)


def _flag(model: PlasticityModel, name: str) -> str | None:
    return next(v.flag for v in model.variables if v.name == name)


def _drift(model: PlasticityModel, name: str) -> Node:
    return simplify(model.expanded(next(v.drift for v in model.variables if v.name == name)))


def _reader(model: PlasticityModel, name: str, modes: dict[str, str]) -> str:
    for v in model.variables:
        if modes.get(v.name) == "continuous" and name in symbols(model.expanded(v.drift)):
            return f"the equation of {v.name}"
    return "on_step"


def _needs(model: PlasticityModel, name: str) -> set[str]:
    """Return the names on which the course of a variable depends, its own excepted."""
    values = [_drift(model, name), *(model.expanded(a.value) for a in model.actions if a.target == name)]
    return names_in([*values, *model.bounds.get(name, ())]) - {name}


def _neuron_home(model: PlasticityModel, side: str, varying: Set[str]) -> set[str]:
    here, there = (model.on_pre, model.on_post) if side == "pre" else (model.on_post, model.on_pre)
    own, other = {a.target for a in here}, {a.target for a in (*there, *model.on_step)}
    reads = {r.name for r in model.reads if r.side == side}
    fixed = (set(model.parameters) - set(varying)) | reads | {"dt"}
    found = {n for n in model.variable_names if n != WEIGHT and n not in other and not varies(model.initial[n])
             and not (isinstance(model.initial[n], Node) and symbols(model.initial[n]) & {WEIGHT, *varying})}
    # without a statement and without a neuron to read, a variable belongs to the side that uses it
    idle = {n for n in found if n not in own and not _needs(model, n) & reads}
    while tied := {n for n in idle if _needs(model, n) & (found - idle)}:
        idle -= tied
    while True:
        lost = {n for n in found if _needs(model, n) - fixed - found}
        needed = set().union(*(_needs(model, n) for n in found - idle)) if found - idle else set()
        if side == "pre":
            lost |= {n for n in idle & found if n not in needed and not any(n in _needs(model, m) for m in found & idle - {n})}
        if not lost:
            return found
        found -= lost


def _mode(model: PlasticityModel, name: str, varying: Set[str]) -> str:
    drift, flag = _drift(model, name), _flag(model, name)
    if drift == ZERO:
        return "constant"
    split = affine(drift, name)
    fixed = set(model.parameters) | {"dt"}
    problem = ""
    if split is None:
        problem = "its equation is not linear in it"
    elif outside := names_in(split) - fixed:
        problem = f"its equation depends on {', '.join(sorted(outside))}"
    elif name in model.bounds:
        problem = "it has bounds, which its equation may cross between events"
    elif any(a.target == name for a in model.on_step):
        problem = "on_step changes it"
    if flag == "event-driven" and problem:
        raise ModelError(f"{model.name}: {name} cannot be (event-driven), because {problem}. Leave the flag out: it is then "
                         "advanced in every step.")
    return "continuous" if problem or flag == "continuous" else "event"
