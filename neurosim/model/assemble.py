"""From parsed statements to a `NeuronModel`: what both doors (`equations`, `functions`) have in common.

Names are checked, derived quantities are put in order, units are checked and inferred, white noise is
separated from the drift, and values are converted to the units of their symbols.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim import units as unit_text
from neurosim.errors import ModelError, ParameterError, UnitError, listing, nearest
from neurosim.model.checks import check_reset, check_values
from neurosim.model.constants import replace_constants, unit_constants
from neurosim.model.dimensions import Statement, infer
from neurosim.model.draft import Draft, Line, check_name
from neurosim.model.expression import (
    COMPARISONS,
    LOGIC,
    Node,
    Num,
    Op,
    Sym,
    calls,
    fail,
    parse,
    substitute,
    symbols,
    walk,
)
from neurosim.model.ir import BUILT_IN, Assignment, Derived, NeuronModel, State, check_names
from neurosim.model.noise import is_noise, noises, split
from neurosim.model.order import check_initial_cycle, held_states, noisy_derived, sorted_derived
from neurosim.model.values import checked_value, is_distribution


def assemble(
    draft: Draft,
    *,
    parameters: Mapping[str, Any] | None,
    inputs: Any,
    initial: Mapping[str, Any] | None,
    units: Mapping[str, str] | None,
    refractory: Any,
    edge: bool | None,
    method: str | None,
    doc: str,
    maps: Any = None,
    floor: Any = None,
) -> NeuronModel:
    """Check a draft as a whole and return the model; see `equations.build` for the arguments and rules."""
    try:
        return _Assembly(draft, parameters, inputs, initial, units).model(refractory, edge, method, doc, maps, floor)
    except RecursionError:
        raise ModelError(
            f"{draft.name} has an expression that is nested too deeply: split it into named parts."
        ) from None


def _quantity_text(text: str) -> bool:
    """Whether text is a quantity, such as "-70 mV"; "2*m" is an expression, in which m may be a state."""
    return not re.match(r"[-+.\deE\s]*\*", text) and unit_text.quantity(text) is not None


def _mapping(value: Any, what: str) -> dict:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ModelError(f"{what}= must be a mapping such as dict(name=value), not {type(value).__name__}.")
    return dict(value)


class _Assembly:
    """The names of one model, and what is known of each."""

    def __init__(self, draft: Draft, parameters: Any, inputs: Any, initial: Any, units: Any):
        self.draft = draft
        self.states = [line.name for line in draft.states]
        self.derived = [line.name for line in draft.derived]
        self.parameters = {
            check_name(k, "parameter"): v for k, v in _mapping(parameters, "parameters").items()
        }
        self.inputs, input_units = self._inputs(inputs)
        self.initial = {
            unicodedata.normalize("NFKC", str(k)): v for k, v in _mapping(initial, "initial").items()
        }
        self._check_owners()
        self.names = [*self.states, *self.derived, *self.parameters, *self.inputs]
        self.units = self._units(input_units, _mapping(units, "units"))
        for name in draft.declared:
            if name not in self.parameters and name not in self.inputs:
                raise ParameterError(
                    f"{draft.name}: the parameter {name!r} is declared but has no value. Add {name}=... to "
                    f"parameters= (or {name!r} to inputs=).{nearest(name, self._undeclared())}"
                )
        self.constants: dict[int, tuple[str, unit_text.Unit]] = {}
        self.used: set[str] = set()
        self.noisy: set[str] = set()
        self.statements: list[Statement] = []

    def _undeclared(self) -> list[str]:
        return [p for p in self.parameters if p not in self.draft.declared]

    def _inputs(self, inputs: Any) -> tuple[tuple[str, ...], dict[str, str | None]]:
        if inputs is None:
            return (), {}
        if isinstance(inputs, str):
            raise ModelError(
                f"inputs= must be a list of names or a mapping from name to unit; write [{inputs!r}]."
            )
        if not isinstance(inputs, Mapping):
            try:
                inputs = dict.fromkeys(inputs)
            except TypeError:
                raise ModelError(
                    f"inputs= must be a list of names or a mapping from name to unit, not {inputs!r}."
                ) from None
        found = {check_name(k, "input"): v for k, v in inputs.items()}
        return tuple(found), found

    def _check_owners(self) -> None:
        owners: dict[str, str] = {}
        for what, names in (
            ("state", self.states),
            ("derived quantity", self.derived),
            ("parameter", self.parameters),
            ("input", self.inputs),
        ):
            for name in names:
                check_name(name, what)
                if name in owners:
                    both = f"twice as {what}" if owners[name] == what else f"as {owners[name]} and as {what}"
                    raise ModelError(
                        f"{self.draft.name}: {name!r} is defined {both}. Keep one, or rename the other."
                    )
                owners[name] = what
        for name in self.draft.declared:
            if owners.get(name) in ("state", "derived quantity"):
                raise ModelError(
                    f"{self.draft.name}: {name!r} is defined as {owners[name]} and declared again by "
                    "a line of its own. Put the unit behind its equation."
                )

    def _units(self, input_units: dict, given: dict) -> dict[str, str]:
        units: dict[str, str] = {}
        sources = [
            {line.name: line.unit for line in self.draft.lines},
            self.draft.declared,
            input_units,
            given,
        ]
        for source in sources:
            for name, text in source.items():
                if text is None:
                    continue
                if name not in self.names and name not in self.draft.declared:
                    raise ModelError(
                        f"{self.draft.name}: units= names {name!r}, which does not occur."
                        f"{nearest(name, self.names)} Known: {listing(self.names)}."
                    )
                unit = unit_text.parse(text, name)
                text = text if isinstance(text, str) else unit_text.show(unit)
                if name in units and unit_text.parse(units[name], name) != unit:
                    raise UnitError(
                        f"{self.draft.name}: {name!r} is declared in {units[name]} and in {text}. Keep one."
                    )
                units.setdefault(name, text.strip())
        return units

    # -- statements

    def admit(
        self, rule: str, target: str | None, node: Node, text: str, where: str, allowed: set[str]
    ) -> None:
        """Check the names of one expression and queue it for the unit check."""
        if not where.startswith(("equation", "definition")):
            for part in walk(node):
                if isinstance(part, Sym) and is_noise(part.name):
                    raise fail(
                        text,
                        part.span,
                        where,
                        f"White noise ({part.name}) has no value at one moment: it may "
                        "enter differential equations only. Use randn() for one random number.",
                    )
        constants = unit_constants(node, {*self.names, *allowed}, bool(self.units))
        self.constants |= constants
        self.used |= symbols(node)
        known = allowed | {name for name, _ in constants.values()}
        hidden = set(self.names) - allowed
        for part in walk(node):
            if isinstance(part, Sym) and part.name in hidden and part.name not in known:
                noisy = ", which holds white noise" if part.name in self.noisy else ""
                message = f"{part.name!r} is a {self.owner(part.name)}{noisy} and cannot be used here. "
                raise fail(text, part.span, where, f"{message}Allowed: {listing(sorted(allowed))}.")
        check_names(node, known, text, where)
        self.statements.append(Statement(rule, target, node, text, where))

    def owner(self, name: str) -> str:
        """What a declared name is."""
        return (
            "state"
            if name in self.states
            else "derived quantity"
            if name in self.derived
            else "parameter"
            if name in self.parameters
            else "input"
        )

    def model(
        self, refractory: Any, edge: bool | None, method: str | None, doc: str, maps: Any, floor: Any
    ) -> NeuronModel:
        """Run all checks and return the model."""
        draft, everything = self.draft, {*self.names, *BUILT_IN}
        if not draft.lines and draft.threshold is None:
            raise ModelError(
                f"{draft.name} has neither equations nor a threshold. Write at least one, such as 'dv/dt "
                "= -v/tau'."
            )
        for line in draft.lines:
            for part in walk(line.node):
                if getattr(part, "func", None) in ("rand", "randn"):
                    raise fail(
                        line.text,
                        part.span,
                        line.where,
                        f"{part.func}() would be drawn anew in each evaluation, so the "
                        "result would depend on dt and method. Use white noise xi here; threshold and "
                        "reset may use it.",
                    )
            noisy = {n for n in symbols(line.node) if is_noise(n)}
            self.admit(
                "derivative" if line.kind == "state" else "value",
                line.name,
                line.node,
                line.text,
                line.where,
                everything | noisy,
            )
        order = sorted_derived(draft)
        noisy = self.noisy = noisy_derived(draft, order)
        self._threshold(everything - noisy, edge)
        refractory = self._refractory(refractory, order)
        floor = self._floor(floor, order)
        maps = self._maps(maps, everything - noisy)
        self._reset(everything - noisy)
        initial = self._initial(order)
        self._unused()
        result = infer(self.statements, self.names, self.units, self._quantities(initial), self.constants)
        numbers = result.constants

        def final(node: Node) -> Node:
            return replace_constants(node, numbers)

        values = {
            name: checked_value(value, name, result.units[name], f"parameter of {draft.name}")
            for name, value in self.parameters.items()
        }
        held = held_states(draft, refractory is not None, order)
        derived_nodes = {line.name: final(line.node) for line in order}
        loud = {}
        for line in order:
            if line.name in noisy:
                loud[line.name] = substitute(derived_nodes[line.name], loud)
        states = tuple(
            self._state(line, substitute(final(line.node), loud), result.units, held) for line in draft.states
        )
        derived = tuple(
            Derived(line.name, result.units[line.name], derived_nodes[line.name], line.whole)
            for line in order
            if line.name not in noisy
        )
        reset = tuple(Assignment(r.target, final(r.node), r.whole) for r in draft.reset)
        start = {
            name: final(value)
            if isinstance(value, Node)
            else checked_value(value, name, result.units[name], f"initial value in {draft.name}")
            for name, value in initial.items()
        }
        start = {name: v.value if isinstance(v, Num) else v for name, v in start.items()}
        if edge is None:
            edge = draft.threshold is not None and not reset
        model = NeuronModel(
            name=draft.name,
            states=states,
            derived=derived,
            parameters=values,
            units=result.units,
            inputs=self.inputs,
            initial=start,
            threshold=None if draft.threshold is None else final(draft.threshold[0]),
            reset=reset,
            refractory=None if refractory is None else final(refractory),
            maps={name: final(node) for name, node in maps.items()},
            floor={name: final(node) for name, node in floor.items()},
            edge=bool(edge),
            method=method,
            doc=doc,
        )
        check_values(model)
        check_reset(model)
        return model

    def _state(self, line: Line, node: Node, units: Mapping, held: set[str]) -> State:
        pairs = []
        for name in noises(node):
            coefficient, rest = split(node, name)
            pairs.append((name, coefficient))
            node = Num(0.0) if rest is None else rest
        return State(line.name, units[line.name], node, tuple(pairs), line.name in held, line.whole)

    def _threshold(self, allowed: set[str], edge: bool | None) -> None:
        if self.draft.threshold is None:
            if edge:
                raise ModelError(f"{self.draft.name}: edge=True needs a threshold.")
            return
        node, text = self.draft.threshold
        derived = {line.name: line.node for line in self.draft.derived}

        def check(part: Node) -> None:
            if isinstance(part, Op) and part.op in LOGIC:
                for arg in part.args:
                    check(arg)
            elif isinstance(part, Sym) and part.name in derived:
                check(derived[part.name])
            elif not (isinstance(part, Op) and part.op in COMPARISONS):
                raise fail(
                    text,
                    part.span,
                    "threshold",
                    "A condition is needed here: write a comparison such as 'v > v_th'.",
                )

        self.admit("condition", None, node, text, "threshold", allowed)
        check(node)

    def _reset(self, allowed: set[str]) -> None:
        for line in self.draft.reset:
            name, where = line.target, "reset"
            if name not in self.states:
                other = name in self.names
                what = f"is a {self.owner(name)}, not a state" if other else "is no state of this model"
                hint = "" if other else nearest(name, self.states)
                raise fail(
                    line.whole,
                    (0, len(name)),
                    where,
                    f"{name!r} {what}, so the reset cannot assign it.{hint} States: "
                    f"{listing(self.states)}. A value that changes needs an equation, such as d{name}/dt "
                    "= 0.",
                )
            self.admit("value", name, line.node, line.text, where, allowed)
        if self.draft.reset and self.draft.threshold is None:
            raise ModelError(f"{self.draft.name} has a reset but no threshold. Add threshold='v > v_th'.")

    def _refractory(self, given: Any, order: list[Line]) -> Node | None:
        if given is None:
            return None
        if self.draft.threshold is None:
            raise ModelError(
                f"{self.draft.name} has a refractory period but no threshold. Add threshold='v > v_th'."
            )
        if isinstance(given, str) and not _quantity_text(given):
            node, text = parse(given, "refractory period"), given.strip()
            fixed = self.fixed(order, "dt")
            self.admit("time", None, node, text, "refractory period", fixed)
            if isinstance(node, Num):
                return self._refractory(node.value, order)
            return node
        if isinstance(given, (Mapping, Node)) or callable(given) or is_distribution(given):
            raise ModelError(
                f"The refractory period is {given!r}. Give a number in ms, or the name of a parameter."
            )
        value = checked_value(given, "refractory", "ms", "argument")
        if np.any(np.less(value, 0)):
            raise ParameterError(
                f"The refractory period is {given!r}; it cannot be negative. Give 0 ms or more."
            )
        if not isinstance(value, float):
            raise ModelError(
                "The refractory period is an array. Make it a parameter: refractory='t_ref', "
                "parameters=dict(t_ref=array)."
            )
        return Num(value)

    def _of_states(self, given: Any, what: str) -> dict[str, Any]:
        """Return what is given by state, after a look at the names."""
        found = _mapping(given, what)
        for name in found:
            if name not in self.states:
                raise ModelError(
                    f"{self.draft.name}: {what}= names {name!r}, which is no state.{nearest(name, self.states)} "
                    f"States: {listing(self.states)}."
                )
        return found

    def _maps(self, given: Any, allowed: set[str]) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for name, text in self._of_states(given, "maps").items():
            where = f"map of {name}"
            if not isinstance(text, str):
                raise ModelError(f"The {where} must be an expression as text, not {text!r}.")
            found[name] = parse(text, where)
            self.admit("value", name, found[name], text.strip(), where, allowed)
        return found

    def _floor(self, given: Any, order: list[Line]) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for name, value in self._of_states(given, "floor").items():
            where = f"floor of {name}"
            if isinstance(value, str) and not _quantity_text(value):
                found[name] = parse(value, where)
                self.admit("value", name, found[name], value.strip(), where, self.fixed(order))
                continue
            number = checked_value(value, name, self.units.get(name), where)
            if not isinstance(number, float):
                raise ModelError(f"The {where} must be one number, or the name of a parameter, not {value!r}.")
            # the number is in the unit of the state already
            found[name] = Num(number)
        return found

    def _initial(self, order: list[Line]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        allowed = {*self.states, *self.derived, *self.parameters} - self.noisy
        for name, value in self.initial.items():
            if name not in self.states:
                what = (
                    f"is a {self.owner(name)}: give its value in {self.owner(name)}s="
                    if name in self.parameters
                    else "has no differential equation here"
                )
                raise ModelError(
                    f"{self.draft.name}: initial= names {name!r}, which {what}.{nearest(name, self.states)} "
                    f"States: {listing(self.states)}."
                )
            if isinstance(value, str) and not _quantity_text(value):
                where = f"initial value of {name}"
                value, text = parse(value, where), value.strip()
                for part in walk(value):
                    if getattr(part, "func", None) in ("rand", "randn"):
                        raise fail(
                            text,
                            part.span,
                            where,
                            "Random initial values are given as a distribution, not as text.",
                        )
                self.admit("value", name, value, text, where, allowed)
            found[name] = value
        check_initial_cycle(self.draft, found, order)
        fixed, targets = self.fixed(order), [line.target for line in self.draft.reset]
        for line in self.draft.reset:
            # a model that nobody started differently begins as after a spike
            alone = targets.count(line.target) == 1 and not calls(line.node) & {"rand", "randn"}
            if alone and line.target not in found and symbols(line.node) <= fixed | self._units_in(line.node):
                found[line.target] = line.node
        return {name: found.get(name, 0.0) for name in self.states}

    def fixed(self, order: list[Line], *more: str) -> set[str]:
        """Names that have one value for a whole run: parameters, `more`, and what is derived from them alone."""
        found = {*self.parameters, *more}
        for line in order:
            if symbols(line.node) <= found | self._units_in(line.node):
                found.add(line.name)
        return found

    def _units_in(self, node: Node) -> set[str]:
        return {part.name for part in walk(node) if id(part) in self.constants}

    def _unused(self) -> None:
        for what, names in (("parameter", self.parameters), ("input", self.inputs)):
            for name in names:
                if (
                    name not in self.used
                    and name not in self.draft.declared
                    and not (what == "parameter" and name in self.units)
                ):
                    # the name that was meant is in use and not declared, or is a unit or a declared name
                    raise ParameterError(
                        f"{self.draft.name}: the {what} {name!r} is used nowhere in the equations, "
                        "threshold, "
                        f"reset, refractory period or initial values."
                        f"{nearest(name, self.used - {name})} Remove it, or use it."
                    )

    def _quantities(self, initial: Mapping[str, Any]) -> dict[str, unit_text.Unit]:
        found = {}
        for values in (self.parameters, initial):
            for name, value in values.items():
                if name not in self.units and not isinstance(value, Node):
                    given = unit_text.quantity(value)
                    if given is not None:
                        found[name] = given[1]
        return found
