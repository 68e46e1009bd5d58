"""Synapses written as equations, the way they stand in a paper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ModelError, NetworkError, ParameterError, listing, nearest
from neurosim.model.calculus import ZERO, affine, simplify
from neurosim.model.expression import Node, Sym, parse, symbols
from neurosim.model.ir import NeuronModel
from neurosim.model.values import checked_value
from neurosim.simulator.synapses import Receptor, Synapse, input_of

_JUMP = re.compile(r"([^\W\d]\w*)\s*\+=\s*(.+)$")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, eq=False)
class EquationSynapse(Synapse):
    """A synapse of one's own: equations at the target neuron, driven by spikes.

        dg/dt = -g/tau_syn : uS                                     states, one set for each target neuron
        i_syn = g*(e_rev - v)/(1 + exp(-(v - v_half)/k)) : nA       derived quantities

    Names of the target's states, derived quantities and parameters may be used.  What differs from connection to connection
    and depends on spikes of both sides belongs to plasticity (``ns.PlasticityModel.from_equations``).

    Args:
        weight: number, distribution or array; ``w`` in `on_pre`.
        equations: lines as for ``ns.NeuronModel.from_equations``, without threshold and noise.
        on_pre: statements ``state += expression``, proportional to w, such as ``"g += w"``; separated by ``;``.
        current: expression added to the input, such as ``"i_syn"``.
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

    def receptor(self, model, size, name):
        used = set(_WORD.findall(self.equations)) | set(_WORD.findall(self.current or ""))
        own = dict(self.parameters or {})
        # what is used at a spike alone is no part of the equations
        at_spikes = {n: checked_value(own.pop(n), n, None, name) for n in set(own) & set(_WORD.findall(self.on_pre)) - used}
        outside = [n for n in (*model.recordable, *model.parameters) if n in used and n not in own]
        described = NeuronModel.from_equations(
            self.equations + (f"\ncurrent_to_input = {self.current}" if self.current else ""), parameters=own,
            inputs={n: model.units.get(n) or "1" for n in outside}, units=dict(self.units or {}), name=f"synapse of {name}")
        if any(s.noise for s in described.states):
            raise ModelError(f"{name}: noise belongs to neurons, not to a synapse.")
        values = {**described.parameters, **at_spikes}
        for key, value in values.items():
            if not isinstance(value, float) and not (isinstance(value, np.ndarray) and value.shape == (size,)):
                raise ParameterError(f"{name}: {key} must be a number, or one value for each of {size} target neurons.")
        states = {s.name: described.expanded(s.drift) for s in described.states}
        where = input_of(model, self.input, name) if self.current else None
        current = described.expanded(Sym("current_to_input")) if self.current else None
        key = ("equations", self.equations, self.on_pre, self.current, where,
               *((k, v.tobytes() if isinstance(v, np.ndarray) else v) for k, v in values.items()))
        jumps = self._jumps(described, set(values), name)
        return Receptor(key, states, next(iter(jumps)), where, current, values, jumps)

    def _jumps(self, described: NeuronModel, parameters: set[str], name: str) -> dict[str, Node]:
        """Return for each state what a spike of weight 1 adds to it."""
        jumps: dict[str, Node] = {}
        for text in filter(None, (part.strip() for part in re.split(r"[;\n]", self.on_pre))):
            found = _JUMP.match(text)
            if not found:
                raise ModelError(f"{name}: on_pre: {text!r} is not of the form 'state += expression'.")
            state, value = found[1], parse(found[2], "on_pre")
            if state not in described.state_names:
                raise ModelError(f"{name}: on_pre: {state!r} is not a state of the "
                                 f"synapse.{nearest(state, described.state_names)} "
                                 f"States: {listing(described.state_names)}.")
            known = {"w", *parameters}
            if unknown := symbols(value) - known:
                raise NetworkError(f"{name}: on_pre: {listing(sorted(unknown))} cannot be used; known: "
                                   f"{listing(sorted(known))}. What depends on neurons or on earlier spikes belongs to "
                                   "plasticity=.")
            split = affine(value, "w")
            if split is None or simplify(split[1]) != ZERO or "w" in symbols(split[0]):
                raise ModelError(f"{name}: on_pre: {text!r} must be proportional to the weight w.")
            jumps[state] = simplify(split[0])
        if not jumps:
            raise ModelError(f"{name}: on_pre adds nothing; write for example 'g += w'.")
        return jumps


