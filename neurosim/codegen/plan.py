"""From a model with its stimuli to a `Plan`: what each array row means and what each line of the step says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, fields
from threading import Lock

from neurosim.codegen.hoist import LANE, STEP, UNIFORM, VARYING, Hoister
from neurosim.codegen.integrators import INTEGRATORS, Propagator, pick
from neurosim.codegen.powers import share_exponentials
from neurosim.codegen.system import Lines, System
from neurosim.codegen.text import VECTOR
from neurosim.model.calculus import ZERO, simplify
from neurosim.model.expression import Call, Node, Num, Op, Sym, children, rebuild, show, substitute, symbols
from neurosim.model.ir import NeuronModel

#: neurons that are integrated together: small enough for the first-level cache, large enough for vector instructions
LANES = 64

#: plans that are kept: a sweep of parameters analyses its models once
KEPT = 256
_made: OrderedDict[tuple, Plan] = OrderedDict()
_lock = Lock()

#: random streams of noise that all targets of a stimulus share, behind those of populations and of projections
SHARED_STREAM = 1 << 50

#: names with a meaning of their own in generated code
RESERVED = frozenset("""
add_bits unsigned state hold pu tab timing book rec spikes cursor saved whole size hits hit_ fired who k now_ step0 n_steps
origin time0 dt seed stream t W R lane lanes tile first count before careful again draw narrow wide_ step bad what value
place e k ev ev_to ev_first ev_step ev_place ev_add high middle slots n_entries re_first re_row re_lanes re_count listed row at
re_every ring re_stride re_next re_pos re_from re_to ht math np select fma advance unsound lowest without_lowest sample
vmath64 array_kernel entry fill_normal fill_uniform fill_poisson normal_pair True False None and or not if else elif for
while in is def return lambda range min max abs int float break continue pass
""".split()) | VECTOR | {"exprel_small"}


@dataclass(frozen=True)
class Signal:
    """A value that each neuron (or all of them) gets once a step from outside the equations.

    Attributes:
        name: symbol in expressions.
        kind: "normal" or "uniform" random number, "poisson" count, "table" (a column for every neuron);
            "shared_table" and "shared_normal" are the same for all neurons; "ring" is what arrives from other neurons.
        rate: for "poisson", the expected count of a step; else None.
        slot: for tables, the number of the table; for "ring", the row of the ring buffer; for "shared_normal", the number of
            the stimulus.
    """

    name: str
    kind: str
    rate: Node | None = None
    slot: int = 0

    @property
    def n_rows(self) -> int:
        """Rows it occupies: random numbers come in pairs, for an even and the following odd step."""
        return {"normal": 2, "uniform": 2, "shared_table": 0, "shared_normal": 0, "ring": 0}.get(self.kind, 1)


@dataclass(frozen=True)
class Drive:
    """What the stimuli of one population add to the model.

    Attributes:
        inputs: expression to add, by input.
        states: further states with the expression of their new value (the Ornstein-Uhlenbeck process).
        receptors: further states with their derivative, integrated together with the model.
        kicks: expression added to a state at the start of the step, by state.
        published: derived quantities that other neurons see: kept in rows of their own, as of the end of the step.
        signals: what the expressions refer to.
        uniform, varying: names of the stimuli's own constants, equal for all neurons or one value each.
    """

    inputs: dict[str, Node] = field(default_factory=dict)
    states: dict[str, Node] = field(default_factory=dict)
    receptors: dict[str, Node] = field(default_factory=dict)
    kicks: dict[str, Node] = field(default_factory=dict)
    published: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    uniform: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything the writer of the source needs; nothing in it is a value of a parameter.  Nobody changes one."""

    model: str
    method: str
    reason: str
    single: bool
    states: tuple[str, ...]
    lane_constants: dict[str, Node]
    uniform_constants: dict[str, Node]
    propagators: tuple[Propagator, ...]
    propagators_vary: bool
    linear: tuple | None
    signals: tuple[Signal, ...]
    kicks: dict[str, Node]
    per_step: dict[str, Node]
    body: tuple[tuple[str, Node, str], ...]
    new: dict[str, Node]
    fire: Node | None
    before: Node | None
    reset: tuple[tuple[str, Node, str], ...]
    refractory: Node | None
    held: frozenset[str]
    edge: bool
    observed: dict[str, Node]
    published: dict[str, Node]
    texts: dict[str, str]
    small: tuple[str, ...]
    events: bool
    names: dict[str, str]

    @property
    def rows(self) -> dict[str, int]:
        """First row of every state, per-neuron constant and signal in the array x."""
        table, row = {}, 0
        for name in (*self.states, *self.published, *self.lane_constants):
            table[name] = row
            row += 1
        for signal in self.signals:
            if signal.n_rows:
                table[signal.name] = row
                row += signal.n_rows
        return table

    @property
    def n_rows(self) -> int:
        """Number of rows of x."""
        return len(self.states) + len(self.published) + len(self.lane_constants) + sum(s.n_rows for s in self.signals)


def _mangler(names: Iterable[str]) -> dict[str, str]:
    """Return generated-code names for the user's names: clashes get a suffix, nothing else changes."""
    names = list(names)
    table: dict[str, str] = {}
    for name in names:
        new = name
        # every name of our own ends with an underscore or is reserved
        while new in RESERVED or new.endswith("_") or (new != name and new in names):
            new += "_u"
        table[name] = new
    return table


def _random(node: Node, found: list[Signal]) -> Node:
    """Replace every rand() and randn() by a signal of its own."""
    if isinstance(node, Call) and node.func in ("rand", "randn"):
        kind = "uniform" if node.func == "rand" else "normal"
        found.append(Signal(f"{node.func}_{len(found)}_", kind))
        return Sym(found[-1].name)
    return rebuild(node, tuple(_random(a, found) for a in children(node)))


def make_plan(model: NeuronModel, drive: Drive, *, varying: frozenset[str], method: str | None = None,
              single: bool = False, observed: tuple[str, ...] = (), events: bool = False) -> Plan:
    """Analyse a model with its stimuli and lay out one compiled step; what was analysed before is returned again.

    Args:
        model: the neuron model.
        drive: what its stimuli add.
        varying: parameters of the model with one value per neuron; all others are equal for all neurons.
        method: integrator named by the user, or None.
        single: float32 instead of float64.
        observed: recorded quantities that are not states.
        events: whether single events (spike times from an array) are delivered to this population.

    Raises:
        ModelError: if the method cannot integrate the equations.
    """
    options = (varying, method, single, observed, events)
    key = (*_structure(model), *_structure(drive), *options)
    with _lock:
        if key in _made:
            _made.move_to_end(key)
            return _made[key]
    plan = _analyse(model, drive, *options)
    with _lock:
        _made[key] = plan
        if len(_made) > KEPT:
            _made.popitem(last=False)
    return plan


def _structure(thing: NeuronModel | Drive) -> Iterable[Hashable]:
    """Yield what a plan depends on: names, expressions and options, but no values of parameters."""
    for f in fields(thing):
        part = getattr(thing, f.name)
        if f.name == "parameters":
            yield tuple(part)
        elif f.name not in ("initial", "units", "doc"):
            yield tuple(part.items()) if hasattr(part, "items") else part


def _analyse(model: NeuronModel, drive: Drive, varying: frozenset[str], method: str | None, single: bool,
             observed: tuple[str, ...], events: bool) -> Plan:
    own = [*model.state_names, *(d.name for d in model.derived), *model.parameters, *model.inputs,
           *(xi for s in model.states for xi, _ in s.noise)]
    names = _mangler(own)
    rename = {k: Sym(v) for k, v in names.items()}
    signals: list[Signal] = list(drive.signals)

    def local(node: Node) -> Node:
        return _random(substitute(node, rename), signals)

    # what arrives may depend on states of the model, such as the current through a conductance
    derived = [(names[i], substitute(drive.inputs.get(i, ZERO), rename)) for i in model.inputs]
    derived += [(names[d.name], local(d.value)) for d in model.derived]
    noise: dict[str, tuple[tuple[str, Node], ...]] = {}
    for s in model.states:
        if s.noise:
            noise[names[s.name]] = tuple((names[xi], local(g)) for xi, g in s.noise)
            signals += [Signal(names[xi], "normal") for xi, _ in s.noise if names[xi] not in {z.name for z in signals}]
    parameters = {names[p] for p in model.parameters}
    constants = frozenset(parameters | set(drive.uniform) | set(drive.varying) | {"dt"})
    has_refractory = model.refractory is not None and model.refractory != Num(0.0)
    held = frozenset(names[s.name] for s in model.states if s.held) if has_refractory else frozenset()
    texts = {names[s.name]: s.text for s in model.states}
    # an input nobody drives is zero: fold it, so that it costs nothing
    empty = {name: ZERO for name, value in derived if value == ZERO}
    live = tuple((n, simplify(substitute(v, empty)) if empty else v) for n, v in derived if n not in empty)

    def tidy(node: Node) -> Node:
        return simplify(substitute(node, empty)) if empty else node

    drift = {names[s.name]: tidy(local(s.drift)) for s in model.states}
    drift |= {name: substitute(value, rename) for name, value in drive.receptors.items()}
    texts |= {name: f"d{name}/dt = {show(value)}" for name, value in drive.receptors.items()}
    system = System(drift, live,
                    {n: tuple((z, tidy(g)) for z, g in terms) for n, terms in noise.items()}, held,
                    _ceiling(model, local, parameters), constants, texts)
    chosen, reason = pick(system, method or model.method)
    if model.method is not None and method in (None, model.method):
        reason = "recommended by the model"
    # derived quantities keep their names: the lines of the step define them
    defined = {names[d.name] for d in model.derived} | {names[i] for i in model.inputs}
    taken = (set(names.values()) - defined) | {s.name for s in signals} | set(constants) | RESERVED | set(drive.states)
    taken |= set(drive.receptors)
    lines = Lines(taken)
    step = INTEGRATORS[chosen].write(system, lines)
    new = {**step.new, **drive.states}

    def expanded(node: Node) -> Node:
        return system.expanded(tidy(local(node)))

    new |= {names[name]: lines.add(f"{names[name]}_mapped", expanded(node)) for name, node in model.maps.items()}
    for name, least in model.floor.items():
        # a reset may have put it lower: then it does not fall further; written so that NaN stays NaN
        own = names[name]
        free = lines.add(f"{own}_free", new[own])
        bound = Call("minimum", (Sym(own), expanded(least)))
        new[own] = Call("where", (Op("<", (free, bound)), bound, free))

    levels = {c: UNIFORM for c in constants}
    levels |= {names[p]: VARYING for p in varying} | {c: VARYING for c in drive.varying}
    levels |= {"t": STEP, "t_step_": STEP} | {s.name: STEP for s in signals if s.kind.startswith("shared")}
    matrix = step.linear[0] if step.linear else []
    per_neuron = any(levels[n] == VARYING for row in matrix for a in row for n in symbols(a) - {"dt"})
    levels |= {p.name: VARYING if per_neuron else UNIFORM for p in step.propagators}
    hoist = Hoister(levels)
    own_lines = []
    moved: dict[str, Node] = {}
    for name, value, comment in lines.body:
        value = substitute(value, moved)
        if hoist.level(value) != LANE:
            # what does not differ between neurons needs no line of its own in the loop
            moved[name] = value
        else:
            own_lines.append((name, value, comment))
    shared = share_exponentials(own_lines, single, lambda node: hoist.level(node) == LANE, lines.unique)
    body = [(name, hoist(value), comment) for name, value, comment in shared]
    new = {name: hoist(substitute(value, moved)) for name, value in new.items()}
    kicks = {names.get(name, name): hoist(substitute(value, rename)) for name, value in drive.kicks.items()}
    fire = hoist(expanded(model.threshold)) if model.threshold is not None else None
    before = fire
    if model.edge and fire is not None:
        # the condition at the start of the step can use the derived quantities that the step has computed there anyway
        plain = substitute(tidy(local(model.threshold)), moved)
        if symbols(plain) & set(defined) <= {name for name, _, _ in body}:
            before = hoist(plain)
    reset = tuple((names[a.target], hoist(expanded(a.value)), a.text) for a in model.reset)
    refractory = hoist(Op("/", (expanded(model.refractory), Sym("dt")))) if has_refractory else None
    signals = [Signal(s.name, s.kind, hoist(s.rate) if s.rate is not None else None, s.slot) for s in signals]
    watched = {}
    for name in observed:
        value = dict(derived).get(names[name], ZERO) if name in model.inputs else rename[name]
        watched[name] = hoist(system.expanded(tidy(local(value) if name not in model.inputs else value)))
    # a row of its own, not a name that equations see
    published = {f"{name}_published_": hoist(expanded(Sym(name))) for name in drive.published}
    states = (*system.drift, *drive.states)
    return Plan(model.name, chosen, reason, single, states, hoist.varying, hoist.uniform, step.propagators, per_neuron,
                step.linear, tuple(signals), kicks, hoist.per_step, tuple(body), new,
                fire, before, reset, refractory, held, model.edge, watched, published,
                texts,
                tuple(z for z in step.small if z in {name for name, _, _ in body}), events, names)


def _ceiling(model: NeuronModel, local, parameters: set[str]) -> dict[str, Node]:
    """Return the level at which a state is reset, for a threshold of the form ``v > expression of parameters``."""
    node = model.threshold
    if not isinstance(node, Op) or node.op not in (">", ">=", "<", "<="):
        return {}
    left, right = node.args if node.op in (">", ">=") else reversed(node.args)
    if not isinstance(left, Sym) or left.name not in {a.target for a in model.reset}:
        return {}
    level = local(model.expanded(right))
    return {local(left).name: level} if symbols(level) <= parameters else {}
