"""Plastic synapses written as equations and statements, the way they stand in a paper.

    dx/dt = -x/tau_x : 1            a variable            w, the weight, is always there
    z = w*x                         a derived quantity
    on_post: "y_post += 1; w = clip(w + eta*x, 0, w_max)"

Text is parsed by the standard `ast` and never executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from neurosim import units as unit_text
from neurosim.errors import ModelError, ParameterError, UnitError, caret, listing, nearest
from neurosim.model.calculus import ZERO
from neurosim.model.constants import replace_constants, unit_constants
from neurosim.model.dimensions import Statement, infer
from neurosim.model.draft import Draft, Line, check_name
from neurosim.model.equations import logical_lines, read_line
from neurosim.model.expression import Call, Node, Num, Op, Sym, fail, parse, symbols, walk
from neurosim.model.ir import Derived
from neurosim.model.noise import is_noise
from neurosim.model.order import sorted_derived
from neurosim.model.plasticity import SIDES, TRANSMIT, WEIGHT, Action, PlasticityModel, Read, SynapticVariable
from neurosim.model.values import checked_value, is_distribution

FLAGS = {"event-driven": "event-driven", "continuous": "continuous", "clock-driven": "continuous"}
_FLAG = re.compile(r"^(.*\S)\s*\(\s*([^\W\d]+(?:[-\s]+[^\W\d]+)*)\s*\)$")
_ASSIGNMENT = re.compile(r"([^\W\d]\w*)\s*(\*\*|//|[-+*/%@&|^])?=(?!=)\s*(.*)$")
_SEND = re.compile(r"send\s*\((.*)\)$")
_SUFFIX = re.compile(r"(.+)_(pre|post)$")


class _Raw(NamedTuple):
    """A statement as read: `node` was parsed from `text`, a part of the statement `whole`."""

    kind: str
    target: str | None
    operator: str | None
    node: Node
    text: str
    whole: str
    where: str


def build(equations: str = "", *, on_pre: str | None = None, on_post: str | None = None, on_step: str | None = None,
          transmit: str | bool = True, parameters: Mapping[str, Any] | None = None,
          initial: Mapping[str, Any] | None = None, bounds: Mapping[str, tuple] | None = None,
          units: Mapping[str, str] | None = None, name: str = "plasticity", doc: str = "") -> PlasticityModel:
    """Return the rule that the text describes.

    A line of `equations` is one of

        d<variable>/dt = <expression> : <unit>
        <derived> = <expression> : <unit>
        <parameter or variable> : <unit>

    The weight ``w`` is always a variable; it begins with the weight of the projection, and an equation for it is allowed.
    A variable declared by its unit alone changes by statements only.  ``(event-driven)`` or ``(continuous)`` behind a line
    insists on how its equation is advanced; usually that is found by analysis.  Where a variable is kept (once for each
    synapse, source or target) is found by analysis too and changes no result.

    A statement is one of

        <variable> = <expression>             also += -= *= /= **=
        send(<expression>)                    the amount that the receptor of the synapse receives
        <state>_post += <expression>          the amount that is added to a state of the target neuron; also -=

    separated by ``;`` or line ends, done in order.  A name that ends in ``_pre`` or ``_post`` and is not declared here is a
    state (or derived quantity, or parameter) of the source or target neuron.  What is sent or added arrives after the
    dendritic delay.

    Order: an event sees the neurons after the reset of its step.  In a step, equations are advanced first, then on_step,
    then on_pre of all spikes that arrive, then on_post.

    Args:
        equations: the lines; may be empty.
        on_pre: statements at a spike of the source, when it arrives at the synapse.
        on_post: statements at a spike of the target, when it arrives at the synapse.
        on_step: statements in every step for every synapse, such as ``"send(w*x_pre)"`` for graded neurons.
        transmit: what a spike of the source sends BEFORE the statements of on_pre.  True: the weight (so that it is sent
            before it is changed, as in Song, Miller & Abbott 2000), unless on_pre or on_step sends or adds something
            itself.  False: nothing.  Where the order matters, write ``send`` into on_pre, in the place where the amount
            is to be taken: ``"u += U*(1 - u); send(w*u*x); x -= u*x"``.
        parameters: value by name: number, quantity, or distribution (drawn for each synapse).
        initial: initial value by variable: number, distribution, quantity, expression of parameters and w, or an array with
            one value for each synapse, in the order of its rule (for rules with one). Default 0.
        bounds: (low, high) by variable, numbers or expressions of parameters; every assignment is limited to them, and so
            is the equation: ``{"w": (0, "w_max")}``.
        units: unit by name, in addition to those in the lines.  Without any unit the unit check is off.
        name: name of the rule.
        doc: description with source.

    Raises:
        ModelError, UnitError, ParameterError: with the place, a caret, and a remedy.
    """
    for what, value in (("equations", equations), ("on_pre", on_pre), ("on_post", on_post), ("on_step", on_step),
                        ("name", name), ("doc", doc)):
        if not isinstance(value, str) and not (value is None and what in ("on_pre", "on_post", "on_step")):
            raise ModelError(f"{what}= must be text, not {type(value).__name__} ({value!r}).")
    if not isinstance(transmit, (str, bool)):
        raise ModelError(f"transmit= must be an expression, True (the weight) or False (nothing), not {transmit!r}.")
    try:
        return _Assembly(name, equations, (on_pre, on_post, on_step), transmit, parameters, initial, bounds, units).model(doc)
    except RecursionError:
        raise ModelError(f"{name} has an expression that is nested too deeply: split it into named parts.") from None


def read_statements(text: str | None, where: str) -> list[_Raw]:
    """Return the statements of a text.

    Raises:
        ModelError: with a caret if one of them is no statement.
    """
    found = []
    for statement in (s.strip() for line in logical_lines(text or "") for s in line.split(";")):
        if not statement:
            continue
        if match := _SEND.match(statement):
            found.append(_Raw("send", None, None, parse(match[1], where), match[1].strip(), statement, where))
            continue
        match = _ASSIGNMENT.match(statement)
        if not match or (match[2] and match[2] not in ("+", "-", "*", "/", "**")):
            known = "== compares; assign with =. " if "==" in statement else ""
            raise ModelError(f"This statement of {where} cannot be read:\n{caret(statement, 0, len(statement))}\n{known}"
                             "A statement is 'variable = expression', or with += -= *= /= **=, or 'send(expression)'; "
                             "separate them by ';'.")
        right = match[3].strip()
        found.append(_Raw("assign", match[1], match[2], parse(right, where), right, statement, where))
    return found


def _read_lines(text: str, name: str) -> tuple[list[Line], dict[str, str | None], dict[str, str]]:
    """Return definitions, units of declared names, and flags."""
    lines: list[Line] = []
    declared: dict[str, str | None] = {}
    flags: dict[str, str] = {}
    for whole in logical_lines(text):
        body, flag = whole, None
        match = _FLAG.match(whole)
        words = " ".join(match[2].split()) if match else ""
        colon = whole.find(":")
        after_unit = match is not None and -1 < colon < len(match[1]) - 1 and not re.search(r"[*/^]$|sqrt$", match[1])
        # two words beside each other are no expression
        if match and (words in FLAGS or after_unit or re.fullmatch(r"[^\W\d]+(?: [^\W\d]+)+", words)):
            flag = words
            if flag not in FLAGS:
                marked = caret(whole, whole.rindex("("), len(match[2]) + 2)
                raise ModelError(f"This line of the equations cannot be read:\n{marked}\n"
                                 f"There is no flag ({flag}) for synapses.{nearest(flag, FLAGS)} "
                                 "Flags are (event-driven) and (continuous).")
            body = match[1]
        line = read_line(body)
        if isinstance(line, Line):
            lines.append(line._replace(whole=whole))
            if flag:
                flags[line.name] = FLAGS[flag]
        elif line[0] in declared:
            raise ModelError(f"{name}: {line[0]!r} is declared twice. Keep one of the lines.")
        else:
            declared[line[0]] = line[1]
    return lines, declared, flags


def _mapping(value: Any, what: str) -> dict:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ModelError(f"{what}= must be a mapping such as dict(name=value), not {type(value).__name__}.")
    return dict(value)


class _Assembly:
    """The names of one rule, and what is known of each."""

    def __init__(self, name, equations, texts, transmit, parameters, initial, bounds, units):
        self.name = name
        self.lines, self.declared, self.flags = _read_lines(equations, name)
        places = ("on_pre", "on_post", "on_step")
        self.raw = {where: read_statements(text, where) for where, text in zip(places, texts)}
        self._transmit(transmit)
        self.parameters = {check_name(k, "parameter"): v for k, v in _mapping(parameters, "parameters").items()}
        self.initial = {str(k): v for k, v in _mapping(initial, "initial").items()}
        self.given_bounds = _mapping(bounds, "bounds")
        self.variables = self._variables()
        self.derived = [line.name for line in self.lines if line.kind == "derived"]
        self._check_owners()
        self.names = [*self.variables, *self.derived, *self.parameters]
        self.reads: dict[str, Read] = {}
        self.units = self._units(_mapping(units, "units"))
        self.constants: dict[int, tuple[str, unit_text.Unit]] = {}
        self.used: set[str] = set()
        self.statements: list[Statement] = []

    # -- names

    def _transmit(self, transmit: str | bool) -> None:
        early = (*self.raw["on_pre"], *self.raw["on_step"])
        if isinstance(transmit, str) and any(r.kind == "send" for r in early):
            raise ModelError(f"{self.name}: transmit={transmit!r} and send(...) both say what is transmitted. Keep one.")
        if transmit is True:
            own = {line.name for line in self.lines} | set(self.declared)
            adds = any(r.kind == "send" or r.target.endswith("_post") and r.target not in own for r in early)
            transmit = False if adds else WEIGHT
        if transmit is not False:
            node, text = parse(transmit, "transmit"), transmit.strip()
            self.raw["on_pre"].insert(0, _Raw("send", None, None, node, text, f"send({text})", "transmit"))

    def _variables(self) -> list[str]:
        found = [WEIGHT, *(line.name for line in self.lines if line.kind == "state" and line.name != WEIGHT)]
        assigned = {r.target for raw in self.raw.values() for r in raw if r.kind == "assign"}
        for name in self.declared:
            if name not in self.parameters and name not in found:
                if name not in assigned and name not in self.initial:
                    raise ParameterError(
                        f"{self.name}: {name!r} is declared but has no value. Add {name}=... to parameters=, or to initial= "
                        f"if it is a variable.{nearest(name, [p for p in self.parameters if p not in self.declared])}")
                found.append(name)
        return found

    def _check_owners(self) -> None:
        owners: dict[str, str] = {}
        variables = [WEIGHT] * all(n != WEIGHT for n in self._states()) + self._states()
        variables += [v for v in self.variables if v not in variables]
        for what, names in (("variable", variables), ("derived quantity", self.derived), ("parameter", self.parameters)):
            for name in names:
                check_name(name, what)
                if name in (TRANSMIT, "send"):
                    raise ModelError(f"{self.name}: {name!r} has a meaning of its own here. Choose another name.")
                if name in owners:
                    both = f"twice as {what}" if owners[name] == what else f"as {owners[name]} and as {what}"
                    hint = " w is the weight of every synapse; the projection gives its value." if name == WEIGHT else ""
                    raise ModelError(f"{self.name}: {name!r} is defined {both}. Keep one, or rename the other.{hint}")
                owners[name] = what
        for name in self.declared:
            if name in self._states() or name in self.derived:
                raise ModelError(f"{self.name}: {name!r} is defined as {owners[name]} and declared again by a line of its own. "
                                 "Put the unit behind its equation.")

    def _states(self) -> list[str]:
        return [line.name for line in self.lines if line.kind == "state"]

    def _owner(self, name: str) -> str:
        return "derived quantity" if name in self.derived else "parameter"

    def _units(self, given: dict) -> dict[str, str]:
        units: dict[str, str] = {}
        for source in ({line.name: line.unit for line in self.lines}, self.declared, given):
            for name, text in source.items():
                if text is None:
                    continue
                if name not in self.names and name != TRANSMIT and not _SUFFIX.match(name):
                    raise ModelError(f"{self.name}: units= names {name!r}, which does not occur.{nearest(name, self.names)} "
                                     f"Known: {listing(self.names)}.")
                unit = unit_text.parse(text, name)
                text = text if isinstance(text, str) else unit_text.show(unit)
                if name in units and unit_text.parse(units[name], name) != unit:
                    raise UnitError(f"{self.name}: {name!r} is declared in {units[name]} and in {text}. Keep one.")
                units.setdefault(name, text.strip())
        return units

    # -- statements

    def admit(self, rule: str, target: str | None, node: Node, text: str, where: str, allowed: Iterable[str],
              neurons: bool = True) -> None:
        """Check the names of one expression and queue it for the unit check."""
        known = {*allowed, "dt"}
        for part in walk(node):
            if isinstance(part, Call) and part.func in ("rand", "randn"):
                raise fail(text, part.span, where, f"{part.func}() is not available in synapses, which hold no "
                           "random numbers: draw them in a state of a neuron and read that.")
            if not isinstance(part, Sym):
                continue
            if is_noise(part.name):
                raise fail(text, part.span, where, f"White noise ({part.name}) is not available in synapses: put it into a "
                           "state of a neuron and read that.")
            if part.name == "t" and "t" not in known:
                raise fail(text, part.span, where, "The time is not available in synapses. A variable that grows with time "
                           "is written as 'dage/dt = 1 : ms'.")
        constants = unit_constants(node, {*self.names, *known}, bool(self.units))
        self.constants |= constants
        self.used |= symbols(node)
        units = {name for name, _ in constants.values()}
        for part in walk(node):
            if not isinstance(part, Sym) or part.name in known or part.name in units:
                continue
            if part.name in self.names:
                raise fail(text, part.span, where, f"{part.name!r} is a {self._what(part.name)} and cannot be used here. "
                           f"Allowed: {listing(sorted(known - {'dt'}))}.")
            if neurons and (match := _SUFFIX.match(part.name)):
                self.reads.setdefault(part.name, Read(part.name, match[2], match[1], text, part.span, where))
                continue
            raise fail(text, part.span, where, f"{part.name!r} is not declared.{nearest(part.name, known)} Declared: "
                       f"{listing(sorted(self.names))}. Add it to parameters=, define it by an equation, or end it in _pre or "
                       "_post to read a state of the neurons.")
        self.statements.append(Statement(rule, target, node, text, where))

    def _what(self, name: str) -> str:
        return "variable" if name in self.variables else self._owner(name)

    def _action(self, raw: _Raw) -> Action:
        """Check one statement; its value still holds unit names."""
        where, name = raw.where, raw.target
        if raw.kind == "send":
            self.admit("value", TRANSMIT, raw.node, raw.text, where, self.names)
            return Action("send", None, raw.node, raw.whole)
        if name in self.variables:
            node = Op(raw.operator, (Sym(name), raw.node), span=raw.node.span) if raw.operator else raw.node
            self.admit("value", name, node, raw.text, where, self.names)
            return Action("assign", name, node, raw.whole)
        span, match = (0, len(name)), _SUFFIX.match(name)
        if name in self.names:
            raise fail(raw.whole, span, where, f"{name!r} is a {self._owner(name)}, which statements cannot change. Variables: "
                       f"{listing(self.variables)}.")
        close = nearest(name, self.variables)
        if match is None:
            raise fail(raw.whole, span, where, f"{name!r} is no variable of this synapse.{close} Variables: "
                       f"{listing(self.variables)}. A variable needs an equation, or a line '{name} : unit'.")
        if match[2] == "pre":
            raise fail(raw.whole, span, where, f"{name!r} is no variable of this synapse, and a synapse cannot change its "
                       f"source neuron.{close} Declare it by an equation, or by a line '{name} : unit'.")
        if raw.operator not in ("+", "-"):
            raise fail(raw.whole, span, where, f"{name!r} is no variable of this synapse but a state of the target neuron, to "
                       f"which a synapse can only add: write '{name} += ...'.{close}")
        # as if read: the state must exist, and the amount has its unit
        self.reads.setdefault(name, Read(name, "post", match[1], raw.whole, span, where))
        node = Op("neg", (raw.node,), span=raw.node.span) if raw.operator == "-" else raw.node
        self.admit("value", name, node, raw.text, where, self.names)
        return Action("deliver", name, node, raw.whole)

    # -- the whole

    def model(self, doc: str) -> PlasticityModel:
        """Run all checks and return the rule."""
        for line in self.lines:
            rule = "derivative" if line.kind == "state" else "value"
            self.admit(rule, line.name, line.node, line.text, line.where, self.names)
        order = sorted_derived(Draft(self.name, self.lines))
        actions = {where: [self._action(r) for r in raw] for where, raw in self.raw.items()}
        bounds = self._bounds()
        initial = self._initial()
        self._unused()
        quantities = {}
        for name, value in (*self.parameters.items(), *initial.items()):
            if name not in self.units and not isinstance(value, Node) and (given := unit_text.quantity(value)) is not None:
                quantities[name] = given[1]
        result = infer(self.statements, [*self.names, *self.reads, TRANSMIT], self.units, quantities, self.constants)
        units = result.units

        def final(node: Node) -> Node:
            return replace_constants(node, result.constants)

        limits = {name: tuple(final(b) for b in pair) for name, pair in bounds.items()}
        parameters = {n: checked_value(v, n, units[n], f"parameter of {self.name}") for n, v in self.parameters.items()}
        start = {n: final(v) if isinstance(v, Node) else checked_value(v, n, units[n], f"initial value in {self.name}")
                 for n, v in initial.items()}
        start = {n: v.value if isinstance(v, Num) else v for n, v in start.items()}
        by_name = {line.name: line for line in self.lines if line.kind == "state"}
        variables = []
        for name in self.variables:
            line = by_name.get(name)
            variables.append(SynapticVariable(name, units[name], final(line.node) if line else ZERO, self.flags.get(name),
                                              line.whole if line else ""))
        done = {}
        for where, found in actions.items():
            done[where] = tuple(Action(a.kind, a.target, _limited(final(a.value), limits.get(a.target)), a.text) for a in found)
        derived = tuple(Derived(line.name, units[line.name], final(line.node), line.whole) for line in order)
        return PlasticityModel(self.name, tuple(variables), derived, parameters, units, start, done["on_pre"], done["on_post"],
                               done["on_step"], limits, tuple(self.reads.values()), doc)

    def _bounds(self) -> dict[str, tuple[Node, Node]]:
        found = {}
        for name, pair in self.given_bounds.items():
            if name not in self.variables:
                raise ModelError(f"{self.name}: bounds= names {name!r}, which is no variable.{nearest(name, self.variables)} "
                                 f"Variables: {listing(self.variables)}.")
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise ModelError(f"{self.name}: the bounds of {name!r} are (low, high), not {pair!r}.")
            nodes = []
            for value in pair:
                where = f"bounds of {name}"
                if isinstance(value, str):
                    node = parse(value, where)
                    self.admit("value", name, node, value.strip(), where, self.parameters, neurons=False)
                else:
                    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
                        raise ModelError(f"{self.name}: the bounds of {name!r} are numbers or expressions of parameters, "
                                         f"not {value!r}.")
                    node = Num(float(value))
                nodes.append(node)
            if all(isinstance(n, Num) for n in nodes) and not nodes[0].value <= nodes[1].value:
                raise ModelError(f"{self.name}: the low bound of {name!r} ({pair[0]:g}) is above the high one ({pair[1]:g}).")
            found[name] = tuple(nodes)
        return found

    def _initial(self) -> dict[str, Any]:
        found: dict[str, Any] = dict.fromkeys(self.variables[1:], 0.0)
        for name, value in self.initial.items():
            if name == WEIGHT:
                raise ModelError(f"{self.name}: the projection gives the initial weight (weight= of its synapse), not "
                                 "initial=.")
            if name not in self.variables:
                raise ModelError(f"{self.name}: initial= names {name!r}, which is no variable.{nearest(name, self.variables)} "
                                 f"Variables: {listing(self.variables)}.")
            if isinstance(value, str) and (re.match(r"[-+.\deE\s]*\*", value) or unit_text.quantity(value) is None):
                where = f"initial value of {name}"
                node = parse(value, where)
                self.admit("value", name, node, value.strip(), where, {WEIGHT, *self.parameters}, neurons=False)
                value = node
            found[name] = value
        return found

    def _unused(self) -> None:
        for name in self.parameters:
            if name not in self.used and name not in self.declared and name not in self.units:
                raise ParameterError(f"{self.name}: the parameter {name!r} is used nowhere in the equations, statements, "
                                     f"bounds or initial values.{nearest(name, self.used - {name})} Remove it, or use it.")


def _limited(value: Node, pair: tuple[Node, Node] | None) -> Node:
    return value if pair is None else Call("clip", (value, *pair))


def varies(value: Any) -> bool:
    """Return whether a value differs between synapses (or neurons): an array or a distribution."""
    return is_distribution(value) or getattr(value, "ndim", 0) > 0


__all__ = ["FLAGS", "SIDES", "build", "read_statements", "varies"]
