"""Move out of the inner loop whatever does not change there.

Every subexpression lives on one of four levels: constant and equal for all neurons, constant but one value per neuron,
changing with time but equal for all neurons, and per neuron and step.  The largest subexpressions of the first three
levels get names: constants are computed once with NumPy when a run is prepared, the third kind once a step.
Products are regrouped so that constants meet, and division by a constant becomes a product.  A run thus pays only for
what really differs from neuron to neuron and step to step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from neurosim.model.calculus import ONE, div, mul, neg
from neurosim.model.expression import COMPARISONS, LOGIC, Call, Node, Num, Op, Sym, children, rebuild

UNIFORM, VARYING, STEP, LANE = range(4)

#: functions whose inverse is a function too: 1/exprel(x) is x/expm1(x)
INVERSE = {"exprel": "x_over_expm1", "exprel_of": "x_over_expm1_of"}


def join(levels) -> int:
    """Return the level of an expression whose parts have the given levels."""
    result = UNIFORM
    for level in levels:
        if {result, level} == {VARYING, STEP}:
            return LANE
        result = max(result, level)
    return result


@dataclass
class Hoister:
    """Collects the named constants and the per-step values of one kernel.

    Attributes:
        levels: level by symbol; symbols not listed are per neuron and step.
        uniform, varying: constants by name, in order.
        per_step: values computed once a step, by name, in order.
    """

    levels: dict[str, int]
    uniform: dict[str, Node] = field(default_factory=dict)
    varying: dict[str, Node] = field(default_factory=dict)
    per_step: dict[str, Node] = field(default_factory=dict)
    _seen: dict[Node, Sym] = field(default_factory=dict)

    def level(self, node: Node) -> int:
        """Return the level of an expression."""
        if isinstance(node, Num):
            return UNIFORM
        if isinstance(node, Sym):
            return self.levels.get(node.name, LANE)
        if isinstance(node, Call) and node.func in ("rand", "randn"):
            return LANE
        return join(self.level(a) for a in children(node))

    def __call__(self, node: Node) -> Node:
        """Return the expression with everything that can move replaced by a name."""
        level = self.level(node)
        if level != LANE:
            return self._named(self._regroup(node), level)
        if isinstance(node, Op) and node.op in ("*", "/", "neg"):
            return self._product(node)
        return rebuild(node, tuple(self(a) for a in children(node)))

    def _named(self, node: Node, level: int) -> Node:
        if isinstance(node, Num):
            return node
        if node in self._seen:
            return self._seen[node]
        if level == STEP:
            inner = rebuild(node, tuple(self._step_part(a) for a in children(node)))
            if isinstance(node, Sym):
                return node
            name = f"s{len(self.per_step)}_"
            self.per_step[name] = inner
        else:
            table = self.uniform if level == UNIFORM else self.varying
            named = isinstance(node, Sym) and node.name != "dt"  # dt is an argument of the kernels, in float64
            name = node.name if named else f"{'k' if level == UNIFORM else 'c'}{len(table)}_"
            table[name] = node
        self.levels[name] = level
        self._seen[node] = Sym(name)
        return self._seen[node]

    def _step_part(self, node: Node) -> Node:
        """Inside a per-step value, constants are named and the rest stays as it is."""
        if self.level(node) == UNIFORM:
            return self._named(node, UNIFORM)
        return rebuild(node, tuple(self._step_part(a) for a in children(node)))

    def _regroup(self, node: Node) -> Node:
        return rebuild(node, tuple(self._regroup(a) for a in children(node)))

    def _product(self, node: Node) -> Node:
        """Regroup a product: constants first, then per-step values, then the rest over its divisors."""
        over: list[Node] = []
        under: list[Node] = []
        sign = _factors(node, over, under, 1.0)
        lanes_over, lanes_under = [], []
        parts: dict[int, Node] = {}
        for factors, lanes, combine in ((over, lanes_over, mul), (under, lanes_under, div)):
            for factor in factors:
                level = self.level(factor)
                if level == LANE:
                    lanes.append(self(factor))
                else:
                    parts[level] = combine(parts.get(level, ONE), factor)
        if sign < 0:
            if parts:
                first = min(parts)
                parts[first] = neg(parts[first])
            elif lanes_over and isinstance(lanes_over[0], Op) and lanes_over[0].op == "-":
                lanes_over[0] = neg(lanes_over[0])
            else:
                parts[UNIFORM] = Num(-1.0) if (lanes_over or lanes_under) else ONE
        if VARYING in parts and UNIFORM in parts:
            parts[VARYING] = mul(parts.pop(UNIFORM), parts[VARYING])
        if STEP in parts and UNIFORM in parts:
            parts[STEP] = mul(parts.pop(UNIFORM), parts[STEP])
        constants = [self._named(parts[k], k) for k in sorted(parts) if parts[k] != ONE]
        # one division instead of two
        lanes_over += [Call(INVERSE[d.func], d.args) for d in lanes_under if isinstance(d, Call) and d.func in INVERSE]
        lanes_under = [d for d in lanes_under if not (isinstance(d, Call) and d.func in INVERSE)]
        top = constants + lanes_over
        if len(constants) == 1 and constants[0] == Num(-1.0) and lanes_over:
            value = _chain(lanes_over)
            value = div(value, _chain(lanes_under)) if lanes_under else value
            return Op("neg", (value,))
        value = _chain(top) if top else ONE
        return Op("/", (value, _chain(lanes_under))) if lanes_under else value


def _chain(factors: list[Node]) -> Node:
    value = factors[0]
    for factor in factors[1:]:
        value = mul(value, factor)
    return value


def _factors(node: Node, over: list[Node], under: list[Node], sign: float) -> float:
    if isinstance(node, Op) and node.op == "neg":
        return _factors(node.args[0], over, under, -sign)
    if isinstance(node, Op) and node.op == "*":
        sign = _factors(node.args[0], over, under, sign)
        return _factors(node.args[1], over, under, sign)
    if isinstance(node, Op) and node.op == "/":
        sign = _factors(node.args[0], over, under, sign)
        return _factors(node.args[1], under, over, sign)
    over.append(node)
    return sign


def is_condition(node: Node) -> bool:
    """Return whether an expression has a truth value rather than a number."""
    return isinstance(node, Op) and (node.op in COMPARISONS or node.op in LOGIC)
