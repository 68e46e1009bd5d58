"""From a rule of plasticity and the two neuron models to a `PlasticPlan`: rows of arrays and lines of each part of a step."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from neurosim import units as unit_text
from neurosim.codegen.hoist import UNIFORM, Hoister
from neurosim.codegen.integrators import reachable
from neurosim.codegen.text import VECTOR
from neurosim.errors import ModelError, UnitError, listing, nearest
from neurosim.model.calculus import ZERO, add, affine, derivative, linear_system, mul, simplify
from neurosim.model.expression import Call, Node, Num, Op, Sym, fail, names_in, substitute, symbols
from neurosim.model.homes import Homes, find_homes
from neurosim.model.ir import NeuronModel
from neurosim.model.plasticity import TRANSMIT, Action, PlasticityModel, Read
from neurosim.model.plasticity_text import varies

#: names with a meaning of their own in generated code; all others of its own end in "_"
RESERVED = frozenset("""
step0 n_steps pu book syn last pre_var post_var first target delay back_first back_index back_source log_pre count_pre
log_post prefetch count_post x_pre x_post ring q i j e k deliver dt math np select fma entry vmath64 unsigned True False
None and or not if else elif for while in is def return lambda range min max abs int float break continue pass
""".split()) | VECTOR
ELAPSED = Sym("elapsed_")
DT = Sym("dt")
#: what each arrangement of delays means for the array `delay`
DELAYS = ("homogeneous", "axonal", "dendritic")


@dataclass(frozen=True)
class Line:
    """One line: "assign" to `target`, "send", or "deliver" to the state `target` of the neuron."""

    kind: str
    target: str | None
    value: Node
    comment: str = ""


@dataclass(frozen=True)
class Coupled:
    """Linear equations that depend on each other; ``P<tag>_i_j_`` and ``Q<tag>_i_j_`` are their propagators of one step."""

    tag: str
    matrix: tuple[tuple[Node, ...], ...]
    entries: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class PlasticPlan:
    """Everything the writer of the source needs, and what the arrays mean; nothing in it is a value of a parameter.

    Attributes:
        model: name of the rule.
        single: float32 instead of float64.
        delays: "homogeneous": one axonal and one dendritic delay; "axonal": `delay` has the axonal steps of each synapse;
            "dendritic": `delay` has the steps from the synapse to the neuron, the axonal delay is one.
        homes: where each variable is kept.
        synapse_rows: rows of `syn`: w, other variables, parameters with one value for each synapse.
        pre_rows, post_rows: rows of `pre_var` and `post_var`.
        constants: expression of each entry of `pu`, by name in generated code.
        coupled: linear systems whose propagators are among the constants.
        pre_reads, post_reads: states of the source and target neurons that are read in `x_pre` and `x_post`.
        neuron_parameters: (side, parameter, name in generated code) of scalar parameters of the neurons that are used.
        sends: whether anything is sent to the receptor.
        delivers_to: states of the target neuron that are added to, in the order of their ring rows in the book.
        uses_last, uses_back, uses_source: whether the arrays `last`; `back_first` and `back_index`; `back_source` are read.
        advance: lines that advance variables by a step, by home.
        event: lines that bring event-driven variables up to date.
        on_step: statements of every step, within the loop over synapses.
        once, each: statements at a spike by side: those done once for the neuron, and those of each synapse.
        latest: name of the last version of variables that `once` changes, by side.
        names: name in generated code by name in the rule.
        texts: the rule as written, for comments.
    """

    model: str
    single: bool
    delays: str
    homes: Homes
    synapse_rows: tuple[str, ...]
    pre_rows: tuple[str, ...]
    post_rows: tuple[str, ...]
    constants: dict[str, Node]
    coupled: tuple[Coupled, ...]
    pre_reads: tuple[str, ...]
    post_reads: tuple[str, ...]
    neuron_parameters: tuple[tuple[str, str, str], ...]
    sends: bool
    delivers_to: tuple[str, ...]
    uses_last: bool
    uses_source: bool
    uses_back: bool
    advance: dict[str, tuple[Line, ...]]
    event: tuple[Line, ...]
    on_step: tuple[Line, ...]
    once: dict[str, tuple[Line, ...]]
    each: dict[str, tuple[Line, ...]]
    latest: dict[str, dict[str, str]]
    names: dict[str, str]
    texts: tuple[str, ...]

    @property
    def reads_neurons(self) -> bool:
        """Whether states of neurons are read: then the step must be delivered before the neurons go on."""
        return bool(self.pre_reads or self.post_reads)

    def local_reads(self, side: str) -> dict[str, int]:
        """Return the entry in the book's list of rows by name in generated code."""
        return {f"{name}_{side}_x_": k for k, name in enumerate(self.pre_reads if side == "pre" else self.post_reads)}


def needs_target(model: PlasticityModel) -> bool:
    """Return whether the course of the synapses depends on the target neuron.

    If it does not (short-term plasticity), delays can be put behind the synapse: it then sees each spike at once, all sources
    have the common axonal delay 0, and `delays` is "dendritic" or "homogeneous".
    """
    return bool(model.on_post or any(r.side == "post" and r.name in _read_names(model) for r in model.reads))


def _read_names(model: PlasticityModel) -> set[str]:
    nodes = [v.drift for v in model.variables] + [a.value for a in model.actions]
    return names_in(model.expanded(n) for n in nodes)


def make_plastic_plan(model: PlasticityModel, pre: NeuronModel, post: NeuronModel, *, varying: Set[str] | None = None,
                      delays: str = "homogeneous", single: bool = False, receptor_unit: str | None = None) -> PlasticPlan:
    """Analyse a rule between two neuron models.

    Args:
        model: the rule.
        pre, post: models of the source and target neurons.
        varying: parameters of the rule with one value for each synapse; None: as their values say.
        delays: "homogeneous", "axonal" or "dendritic", see `PlasticPlan`.
        single: float32 instead of float64.
        receptor_unit: unit that the receptor takes, or None.

    Raises:
        ModelError: for a name that neither the rule nor the neurons have, or flags that cannot be met.
        UnitError: if a name read from a neuron has another unit there, or what is sent has not that of the receptor.
    """
    if delays not in DELAYS:
        raise ModelError(f"delays is one of {listing(DELAYS)}, not {delays!r}.{nearest(str(delays), DELAYS)}")
    if delays == "dendritic" and needs_target(model):
        raise ModelError(f"{model.name} depends on the target neuron: its synapses cannot have dendritic delays of their own. "
                         "Give one dendritic delay for all.")
    if varying is None:
        varying = {name for name, value in model.parameters.items() if varies(value)}
    return _Planner(model, {"pre": pre, "post": post}, set(varying), delays, single, receptor_unit).plan()


class _Planner:
    def __init__(self, model, neurons, varying, delays, single, receptor_unit):
        self.model, self.neurons, self.varying = model, neurons, varying
        self.delays, self.single = delays, single
        self.homes = find_homes(model, varying, delays != "axonal")
        self.names = _mangled([*model.variable_names, *(d.name for d in model.derived), *model.parameters])
        self.rename: dict[str, Node] = {k: Sym(v) for k, v in self.names.items()}
        self.neuron_parameters: dict[tuple[str, str], str] = {}
        for read in model.reads:
            self.rename[read.name] = self._bound(read)
        self._check_units(receptor_unit)
        levels = {self.names[p]: UNIFORM for p in model.parameters if p not in varying} | {"dt": UNIFORM}
        levels |= dict.fromkeys(self.neuron_parameters.values(), UNIFORM)
        self.fixed = set(levels)
        self.hoist = Hoister(levels)
        self.coupled: list[Coupled] = []

    # -- names of the neurons

    def _bound(self, read: Read) -> Node:
        """Return what a name with _pre or _post stands for."""
        neuron, side = self.neurons[read.side], read.side
        if read.variable not in (*neuron.recordable, *neuron.parameters):
            own = [*self.model.variable_names, *(d.name for d in self.model.derived), *self.model.parameters]
            close = nearest(read.name, own + [f"{n}_{side}" for n in (*neuron.state_names, *neuron.parameters)])
            what = "source" if side == "pre" else "target"
            raise fail(read.text, read.span, f"{read.where} of {self.model.name}",
                       f"{read.name!r} is not declared in {self.model.name}, and {neuron.name}, the {what} neuron, has no "
                       f"state {read.variable!r}.{close} Its states: {listing(neuron.state_names)}.")
        node = neuron.expanded(Sym(read.variable))
        values: dict[str, Node] = {}
        for name in symbols(node):
            if name in neuron.state_names:
                values[name] = Sym(f"{name}_{side}_x_")
                continue
            if name in neuron.parameters and not varies(neuron.parameters[name]):
                values[name] = Sym(self.neuron_parameters.setdefault((side, name), f"{name}_{side}_p_"))
                continue
            kind = "an input" if name in neuron.inputs else "a parameter with one value per neuron" \
                if name in neuron.parameters else "no state"
            raise fail(read.text, read.span, f"{read.where} of {self.model.name}",
                       f"{read.name!r} needs {name!r}, which is {kind} of {neuron.name} and cannot be read by a synapse. "
                       f"Make it a state, with d{name}/dt = ... in the neuron.")
        return substitute(node, values)

    def _check_units(self, receptor_unit: str | None) -> None:
        delivered = {a.target for a in self.model.actions if a.kind == "deliver"}
        for read in self.model.reads:
            neuron = self.neurons[read.side]
            if read.name in delivered and read.variable not in neuron.state_names:
                raise fail(read.text, read.span, f"{read.where} of {self.model.name}",
                           f"A synapse can add to states of {neuron.name} only: {listing(neuron.state_names)}."
                           f"{nearest(read.variable, neuron.state_names)}")
            self._same_unit(self.model.units.get(read.name), neuron.units.get(read.variable), repr(read.name),
                            f"in {neuron.name}")
        self._same_unit(self.model.units.get(TRANSMIT), receptor_unit, "what the synapse sends", "at the receptor")

    def _same_unit(self, own: str | None, other: str | None, what: str, where: str) -> None:
        if own is not None and other is not None and unit_text.parse(own) != unit_text.parse(other):
            raise UnitError(f"{self.model.name}: {what} is in {own} here and in {other} {where}. Correct a unit, or a "
                            "parameter that it is multiplied with.")

    # -- lines

    def local(self, node: Node) -> Node:
        """Return an expression with derived quantities written out, in names of the generated code."""
        return simplify(substitute(self.model.expanded(node), self.rename))

    def plan(self) -> PlasticPlan:
        """Return the plan."""
        model, homes = self.model, self.homes
        advance = {side: self._advance(names, side) for side, names in (
            ("pre", homes.pre), ("post", homes.post), ("synapse", [n for n, m in homes.modes.items() if m == "continuous"]))}
        event = tuple(self._event(n) for n, m in homes.modes.items() if m == "event")
        once, each, latest = {}, {}, {}
        for side, actions, own in (("pre", model.on_pre, homes.pre), ("post", model.on_post, homes.post)):
            once[side], each[side], latest[side] = self._statements(actions, own)
        on_step = self._statements(model.on_step, ())[1]
        lines = [*advance["pre"], *advance["post"], *advance["synapse"], *event, *on_step]
        lines += [x for table in (once, each) for part in table.values() for x in part]
        used = names_in(x.value for x in lines)
        reads = {side: tuple(n for n in self.neurons[side].state_names if f"{n}_{side}_x_" in used) for side in ("pre", "post")}
        local_pre = {self.names[n] for n in homes.pre} | {f"{n}_pre_x_" for n in reads["pre"]}
        texts = [v.text or f"{v.name}: changed by statements only" for v in model.variables] + [d.text for d in model.derived]
        for where, actions in (("on_pre", model.on_pre), ("on_post", model.on_post), ("on_step", model.on_step)):
            texts += [f"{where}: {a.text}" for a in actions]
        constants = self.hoist.uniform
        return PlasticPlan(
            model.name, self.single, self.delays, homes, (*homes.synapse, *(p for p in model.parameters if p in self.varying)),
            homes.pre, homes.post, constants, tuple(self.coupled), reads["pre"], reads["post"],
            tuple((*key, name) for key, name in self.neuron_parameters.items()), model.sends, model.delivers_to,
            any(touches(part, event) for part in each.values()), bool(local_pre & names_in(x.value for x in each["post"])),
            bool(each["post"]),
            advance, event, on_step, once, each, latest, self.names, tuple(texts))

    def _statements(self, actions: tuple[Action, ...], own: tuple[str, ...]) -> tuple[tuple, tuple, dict]:
        """Return statements done once for the neuron, those of each synapse, and the last version of what the first change.

        A changed variable gets a new name, so that statements of the synapses before and after it see what they should.
        """
        once, each, versions = [], [], {}
        for action in actions:
            value = substitute(self.local(action.value), {k: Sym(v) for k, v in versions.items()})
            if action.kind == "assign" and action.target in own:
                name = self.names[action.target]
                versions[name] = f"{name}_{len(once) + 1}_"
                once.append(Line("assign", versions[name], self.hoist(value), action.text))
            else:
                target = None if action.kind == "send" else self.names[action.target] if action.kind == "assign" \
                    else action.target.removesuffix("_post")
                each.append(Line(action.kind, target, self.hoist(value), action.text))
        return tuple(once), tuple(each), versions

    def _event(self, name: str) -> Line:
        """Return the exact solution of dx/dt = a x + b after the steps since the last event."""
        variable = next(v for v in self.model.variables if v.name == name)
        drift, x = self.local(variable.drift), Sym(self.names[name])
        a, b = affine(drift, x.name)
        time = mul(DT, ELAPSED)
        if simplify(a) == ZERO:
            value = add(x, mul(mul(DT, b), ELAPSED))
        elif simplify(b) == ZERO:
            value = mul(x, Call("exp", (mul(a, time),)))
        else:
            value = add(x, mul(mul(add(mul(a, x), b), time), Call("exprel", (mul(a, time),))))
        return Line("assign", x.name, self.hoist(value), variable.text)

    def _advance(self, names, tag: str) -> tuple[Line, ...]:
        """Return the lines of one step: temporary new values, then assignments."""
        variables = {v.name: v for v in self.model.variables}
        drifts = {self.names[n]: self.local(variables[n].drift) for n in names}
        drifts = {n: d for n, d in drifts.items() if d != ZERO}
        back = {v: k for k, v in self.names.items()}
        lines, stores = [], []
        for name, (value, decays) in self._solve(drifts, tag).items():
            new = Sym(f"{name}_new_")
            lines.append(Line("assign", new.name, self.hoist(value), variables[back[name]].text))
            if decays:
                # what has decayed to subnormal numbers would make every later step many times slower
                tiny = Num(1e-30 if self.single else 1e-290)
                new = Call("where", (Op("<", (Call("abs", (new,)), tiny)), ZERO, new))
            if back[name] in self.model.bounds:
                new = Call("clip", (new, *(self.local(b) for b in self.model.bounds[back[name]])))
            stores.append(Line("assign", name, self.hoist(new)))
        return (*lines, *stores)

    def _solve(self, drifts: dict[str, Node], tag: str) -> dict[str, tuple[Node, bool]]:
        """Return the value after a step by variable, and whether it decays to zero.

        Exact for linear equations with constant coefficients, with all that is read from the neurons standing still during
        the step; else exponential Euler.
        """
        new: dict[str, tuple[Node, bool]] = {}
        lane_constant = self.fixed | {self.names[p] for p in self.varying}
        for name, drift in drifts.items():
            split = affine(drift, name)
            if split is None or symbols(split[0]) - lane_constant or symbols(split[1]) & set(drifts):
                continue
            a, b = map(simplify, split)
            if a == ZERO:
                new[name] = add(Sym(name), mul(DT, b)), False
            else:
                z = mul(a, DT)
                value = mul(Call("exp", (z,)), Sym(name))
                new[name] = add(value, mul(mul(DT, Call("exprel", (z,))), b)), b == ZERO
        rest = [n for n in drifts if n not in new]
        linear = self._linear(drifts) if rest else []
        if set(linear) & set(rest):
            new |= self._propagated(linear, [n for n in rest if n in linear], drifts, tag)
            rest = [n for n in rest if n not in linear]
        for name in rest:
            drift = drifts[name]
            split = affine(drift, name)
            a = simplify(split[0] if split else derivative(drift, name))
            step = mul(DT, drift)
            new[name] = add(Sym(name), step if a == ZERO else mul(step, Call("exprel", (mul(DT, a),)))), False
        return {n: new[n] for n in drifts}

    def _linear(self, drifts: dict[str, Node]) -> list[str]:
        """Return the variables that are linear, with constant coefficients, in each other and depend on no other variable."""
        found = list(drifts)
        while True:
            kept = []
            for name in found:
                system = linear_system({n: drifts[name] if n == name else ZERO for n in found})
                if system is None:
                    continue
                row = system[0][found.index(name)]
                if names_in(row) <= self.fixed and not symbols(system[1][found.index(name)]) & set(drifts):
                    kept.append(name)
            if kept == found:
                return found
            found = kept

    def _propagated(self, names: list[str], wanted: list[str], drifts, tag: str) -> dict[str, tuple[Node, bool]]:
        matrix, offset = linear_system({n: drifts[n] for n in names})
        entries, new, reach = [], {}, reachable(matrix)
        for name in wanted:
            i, value = names.index(name), ZERO
            for j in sorted(reach[i]):
                for kind, factor in (("P", Sym(names[j])), ("Q", offset[j])):
                    if factor != ZERO:
                        entries.append((kind, i, j))
                        symbol = f"{kind}{tag}_{i}_{j}_"
                        self.hoist.levels[symbol] = UNIFORM
                        value = add(value, mul(Sym(symbol), factor))
            new[name] = value, all(b == ZERO for b in offset)
        self.coupled.append(Coupled(tag, tuple(map(tuple, matrix)), tuple(entries)))
        return new


def touches(lines: tuple[Line, ...], event: tuple[Line, ...]) -> bool:
    """Return whether statements read or change an event-driven variable."""
    names = {x.target for x in event}
    return bool(names & (names_in(x.value for x in lines) | {x.target for x in lines if x.kind == "assign"}))


def _mangled(names: list[str]) -> dict[str, str]:
    """Return a name for each that means nothing else in generated code."""
    found: dict[str, str] = {}
    for name in names:
        new = name
        while new in RESERVED or new.endswith("_") or (new != name and new in names) or new in found.values():
            new += "_0"
        found[name] = new
    return found
