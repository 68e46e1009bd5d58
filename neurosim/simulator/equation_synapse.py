"""Synapses written as equations, the way they stand in a paper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neurosim import units as unit_text
from neurosim.errors import ModelError, NetworkError, ParameterError, listing, nearest
from neurosim.model.calculus import ZERO, add, affine, simplify
from neurosim.model.constants import factors_of
from neurosim.model.dimensions import Statement, infer
from neurosim.model.draft import Line
from neurosim.model.equations import logical_lines, read_line
from neurosim.model.expression import Node, Sym, parse, symbols
from neurosim.model.ir import NeuronModel
from neurosim.model.values import checked_value
from neurosim.simulator.synapses import Receptor, Synapse, input_of

_JUMP = re.compile(r"([^\W\d]\w*)\s*\+=\s*(.+)$")
#: name of the line that holds the current
_CURRENT = "current_to_input"


class _Addition(NamedTuple):
    """A statement of on_pre: `state` += `value`, which was parsed from `text`."""

    state: str
    value: Node
    text: str


class _Described(NamedTuple):
    """A synapse with its target: the equations as a model, on_pre, values and units of all constants, input of the current."""

    model: NeuronModel
    on_pre: list[_Addition]
    values: dict[str, Any]
    units: dict[str, str]
    where: str | None


@dataclass(frozen=True, eq=False)
class EquationSynapse(Synapse):
    """A synapse of one's own: equations at the target neuron, driven by spikes.

        dg/dt = -g/tau_syn : uS                                     states, one set for each target neuron
        i_syn = g*(e_rev - v)/(1 + exp(-(v - v_half)/k)) : nA       derived quantities

    Names of the target's states, derived quantities and parameters may be used; those of the synapse come first.  What differs
    from connection to connection and depends on spikes of both sides belongs to plasticity
    (``ns.PlasticityModel.from_equations``).

    Args:
        weight: number, distribution or array; ``w`` in `on_pre`.  A quantity such as ``"2 nS"`` is converted to the unit that
            `on_pre` asks for: with ``"g += w"`` that of g.
        equations: lines as for ``ns.NeuronModel.from_equations``, without threshold and noise.
        on_pre: statements ``state += expression``, proportional to w, such as ``"g += w"``; separated by ``;``.
        current: expression added to the input, such as ``"i_syn"``, in the unit of the input.
        parameters: number, or one value for each target neuron, by name.
        units: unit by name, for parameters.
        input: input of the model that the current is added to; None: the only one.

    Raises:
        ModelError, UnitError: for equations that cannot be read, with the place (when the network is described).
    """

    equations: str = ""
    on_pre: str = ""
    current: str | None = None
    parameters: Mapping[str, Any] | None = None
    units: Mapping[str, str] | None = None
    input: str | None = None

    def check(self):
        for name in ("equations", "on_pre"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise ModelError(f"EquationSynapse: {name} is missing; it is a text such as "
                                 + ("'dg/dt = -g/tau_syn : uS'." if name == "equations" else "'g += w'."))
        if not isinstance(self.current, (str, type(None))):
            raise ModelError(f"EquationSynapse: current is a text such as 'g*(e_rev - v)', not {type(self.current).__name__}.")
        for name, example in (("parameters", "{'tau_syn': 5.0}"), ("units", "{'tau_syn': 'ms'}")):
            if not isinstance(getattr(self, name), (Mapping, type(None))):
                raise ModelError(f"EquationSynapse: {name} is a dictionary such as {example}, not "
                                 f"{type(getattr(self, name)).__name__}.")

    def weight_unit(self, model, name):
        found = self._described(model, name)
        return _unit_of_weight(found, _jumps(found, name))

    def receptor(self, model, size, name):
        found = self._described(model, name)
        described, values = found.model, found.values
        for key, value in values.items():
            if not isinstance(value, float) and not (isinstance(value, np.ndarray) and value.shape == (size,)):
                raise ParameterError(f"{name}: {key} must be a number, or one value for each of {size} target neurons.")
        states = {s.name: described.expanded(s.drift) for s in described.states}
        jumps = _jumps(found, name)
        _unit_of_weight(found, jumps)
        current = described.expanded(Sym(_CURRENT)) if self.current else None
        key = ("equations", self.equations, self.on_pre, self.current, found.where,
               *((k, v.tobytes() if isinstance(v, np.ndarray) else v) for k, v in values.items()))
        return Receptor(key, states, next(iter(jumps)), found.where, current, values, jumps=jumps)

    def _described(self, model: NeuronModel, name: str) -> _Described:
        """Return the synapse at a target."""
        where = input_of(model, self.input, name) if self.current else None
        texts = logical_lines(self.equations)
        if self.current:
            unit = model.units.get(where)
            texts += logical_lines(f"{_CURRENT} = {self.current}" + (f" : {unit}" if unit else ""))
        lines = [line for line in map(read_line, texts) if isinstance(line, Line)]
        names = {line.name for line in lines}
        if "w" in {*names, *(self.parameters or {})}:
            raise ModelError(f"{name}: 'w' is the weight in on_pre; give the synapse's own w another name.")
        used = set().union(*(symbols(line.node) for line in lines))
        on_pre = self._additions(name)
        own, units = dict(self.parameters or {}), dict(self.units or {})
        # what is used at a spike alone is no part of the equations
        later = [n for n in own if n not in used and any(n in symbols(a.value) for a in on_pre)]
        given = {n: own.pop(n) for n in later}
        later_units = {n: units.pop(n) for n in later if n in units}
        for n, value in given.items():
            if n not in later_units and (found := unit_text.quantity(value)) is not None:
                later_units[n] = unit_text.show(found[1])
        given = {n: checked_value(v, n, later_units.get(n), f"parameter of synapse of {name}") for n, v in given.items()}
        outside = [n for n in (*model.state_names, *(d.name for d in model.derived), *model.parameters)
                   if n in used and n not in own and n not in names]
        described = NeuronModel.from_equations("\n".join(texts), parameters=own, units=units, name=f"synapse of {name}",
                                               inputs={n: model.units.get(n) for n in outside})
        if any(s.noise for s in described.states):
            raise ModelError(f"{name}: noise belongs to neurons, not to a synapse.")
        known = {n: u for n, u in described.units.items() if u is not None} | later_units
        return _Described(described, on_pre, {**described.parameters, **given}, known, where)

    def _additions(self, name: str) -> list[_Addition]:
        """Return the statements of on_pre."""
        found = []
        for text in filter(None, (part.strip() for part in re.split(r"[;\n]", self.on_pre))):
            match = _JUMP.match(text)
            if not match:
                raise ModelError(f"{name}: on_pre: {text!r} is not of the form 'state += expression'.")
            found.append(_Addition(match[1], parse(match[2], "on_pre"), match[2]))
        if not found:
            raise ModelError(f"{name}: on_pre adds nothing; write for example 'g += w'.")
        return found


def _jumps(found: _Described, name: str) -> dict[str, Node]:
    """Return for each state what a spike of weight 1 adds to it."""
    jumps: dict[str, Node] = {}
    for state, value, text in found.on_pre:
        if state not in found.model.state_names:
            states = found.model.state_names
            raise ModelError(f"{name}: on_pre: {state!r} is not a state of the synapse.{nearest(state, states)} States: "
                             f"{listing(states)}.")
        known = {"w", *found.values}
        if unknown := symbols(value) - known:
            raise NetworkError(f"{name}: on_pre: {listing(sorted(unknown))} cannot be used; known: {listing(sorted(known))}. "
                               "What depends on neurons or on earlier spikes belongs to plasticity=.")
        split = affine(value, "w")
        if split is None or simplify(split[1]) != ZERO or "w" in symbols(split[0]):
            raise ModelError(f"{name}: on_pre: '{state} += {text}' must be proportional to the weight w.")
        factor = simplify(split[0])
        jumps[state] = add(jumps[state], factor) if state in jumps else factor
    return jumps


def _unit_of_weight(found: _Described, jumps: dict[str, Node]) -> str | None:
    """Return the unit of w, or None if the units of the states are not known.

    Raises:
        UnitError: if no unit of w fits all statements.
    """
    if not found.units:
        return None
    # a w of the target neuron is another one
    names = [*found.model.state_names, *found.values]
    statements = [Statement("value", a.state, a.value, a.text, f"on_pre ({a.state} +=)") for a in found.on_pre]
    if unit := infer(statements, [*names, "w"], {n: u for n, u in found.units.items() if n in names}, {}, {}).units["w"]:
        return unit
    # a number beside w may have any unit; without other statements it is taken for plain, and so is what has none
    for state, factor in jumps.items():
        if state in found.units:
            text = "; ".join(a.text for a in found.on_pre if a.state == state)
            unit = unit_text.parse(found.units[state])
            for part, power in factors_of(factor):
                known = {n: found.units.get(n, "1") for n in symbols(part)}
                beside = infer([Statement("value", "of w", part, text, "on_pre")], ["of w"], known, {}, {}).units["of w"]
                unit = unit / unit_text.parse(beside or "1") ** power
            return unit_text.show(unit)
    return None
