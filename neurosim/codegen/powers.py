"""Exponentials that are powers of one another: one of them is computed, the others are products.

Rates of ion channels are full of them.  With E = exp(-(v + 65)/80), the axon of Hodgkin & Huxley 1952 has

    exp(-(v + 65)/20) = E^4        exp(-(v + 55)/10) = e^-1 E^8        exp(-(v + 35)/10) = e^-3 E^8

so that two exponentials do the work of six.  The rule: arguments are sums of numbers times symbols; where the factors of
one are k times those of another, with k a whole number, exp(second) = exp(c) exp(first)^k for the constant c that is left.

    found                what takes its place, with g = e^x for k > 0 and e^-x for k < 0
    exp(x)               g              (k > 0)      1 / g                  (k < 0)
    logistic(x)          1 / (1 + 1/g)  (k > 0)      1 / (1 + g)            (k < 0)
    exprel(x)            exprel_of(x, g)             exprel_of(-x, g) / g
    x_over_expm1(x)      x_over_expm1_of(x, g)       x_over_expm1_of(-x, g) g

A power k multiplies the relative error of E by k: about |x| + 2 k units in the last place for a result exp(x), where one
exponential has |x|/2 + 1.5.  E is kept in a range whose powers are finite, so that nothing becomes infinity times zero.
"""

from __future__ import annotations

from collections.abc import Callable

from neurosim.model.calculus import ONE, add, div, mul, neg, power
from neurosim.model.expression import Call, Node, Num, Op, Sym, children, rebuild, symbols, walk

SHARED = ("exp", "logistic", "exprel", "x_over_expm1")
#: highest power, by single precision: float32 has no digits to spare
HIGHEST = {False: 10, True: 2}
#: logarithms that powers of E reach, and largest |c|: together they stay inside the range of the element type
REACH = {False: 690.0, True: 78.0}
LARGEST_CONSTANT = 8.0

Form = tuple[dict[str, float], float]


def linear_form(node: Node) -> Form | None:
    """Return (factor by symbol, constant) of a sum of numbers times symbols, or None for anything else."""
    if isinstance(node, Num):
        return {}, node.value
    if isinstance(node, Sym):
        return {node.name: 1.0}, 0.0
    if not isinstance(node, Op) or node.op not in ("neg", "+", "-", "*", "/"):
        return None
    forms = [linear_form(a) for a in node.args]
    if any(f is None for f in forms):
        return None
    if node.op == "neg":
        return _times(forms[0], -1.0)
    a, b = forms
    if node.op in "+-":
        sign = 1.0 if node.op == "+" else -1.0
        return {n: a[0].get(n, 0.0) + sign * b[0].get(n, 0.0) for n in {**a[0], **b[0]}}, a[1] + sign * b[1]
    if not b[0]:
        if node.op == "/":
            return _times(a, 1.0 / b[1]) if b[1] else None
        return _times(a, b[1])
    return _times(b, a[1]) if node.op == "*" and not a[0] else None


def _times(form: Form, factor: float) -> Form:
    return {n: factor * f for n, f in form[0].items()}, factor * form[1]


def whole_ratio(form: Form, base: Form, highest: int) -> int:
    """Return k with factors of `form` = k times those of `base`, 1 <= |k| <= highest, and a small constant left; else 0."""
    factors, lowest = form[0], base[0]
    if set(factors) != set(lowest):
        return 0
    name = max(lowest, key=lambda n: abs(lowest[n]))
    k = round(factors[name] / lowest[name])
    # factors such as 1/80 and 1/20 are rounded when they are written: a few units in the last place
    same = all(abs(factors[n] - k * lowest[n]) <= 1e-14 * abs(factors[n]) for n in factors)
    return k if same and 1 <= abs(k) <= highest and abs(form[1] - k * base[1]) <= LARGEST_CONSTANT else 0


def share_exponentials(body: list[tuple[str, Node, str]], single: bool, per_neuron: Callable[[Node], bool],
                       name: Callable[[str], str]) -> list[tuple[str, Node, str]]:
    """Return the lines of a step with powers in place of exponentials.

    Args:
        body: (name, expression, comment) in order; every name is assigned once.
        single: float32.
        per_neuron: tells whether an expression differs from neuron to neuron; others are computed once a step anyway.
        name: makes a name unique.
    """
    forms: dict[Node, Form] = {}
    for _, value, _ in body:
        for call in walk(value):
            if isinstance(call, Call) and call.func in SHARED and call not in forms and per_neuron(call):
                form = linear_form(call.args[0])
                if form is not None and form[0] and all(form[0].values()):
                    forms[call] = form
    swap: dict[Node, Node] = {}
    powers: list[tuple[str, Node]] = []
    while forms:
        groups = {base: {call: k for call, form in forms.items() if (k := whole_ratio(form, forms[base], HIGHEST[single]))}
                  for base in forms}
        base = max(groups, key=lambda b: len(groups[b]))
        group = groups[base]
        if len(group) > 1:
            reach = Num(REACH[single] / max(abs(k) for k in group.values()))
            known = {1: Sym(name("power_1_"))}
            powers.append((known[1].name, Call("exp_within", (base.args[0], reach))))
            for k in sorted({abs(k) for k in group.values()} - {1}):
                half = known.get(k // 2) if k % 2 == 0 else None
                known[k] = Sym(name(f"power_{k}_"))
                powers.append((known[k].name, mul(half, half) if half else power(known[1], Num(float(k)))))
            for call, k in group.items():
                swap[call] = _instead(call, k, forms[call][1] - k * forms[base][1], known[abs(k)])
        for call in group:
            del forms[call]
    return _insert(body, powers, swap)


def _instead(call: Call, k: int, constant: float, g: Node) -> Node:
    """Return what takes the place of a call, given E^|k|; see the table above."""
    if constant:
        g = mul(Call("exp", (Num(constant if k > 0 else -constant),)), g)
    x = call.args[0]
    if call.func == "exp":
        return g if k > 0 else div(ONE, g)
    if call.func == "logistic":
        return div(ONE, add(ONE, div(ONE, g) if k > 0 else g))
    of = Call(f"{call.func}_of", (x if k > 0 else neg(x), g))
    if k > 0:
        return of
    return div(of, g) if call.func == "exprel" else mul(of, g)


def _insert(body: list[tuple[str, Node, str]], powers: list[tuple[str, Node]],
            swap: dict[Node, Node]) -> list[tuple[str, Node, str]]:
    """Return the lines with calls swapped and each power, after those that it is made of, where it is first needed."""
    lines: list[tuple[str, Node, str]] = []
    waiting = dict(powers)

    def place(needed: set[str]) -> None:
        for symbol in [s for s in waiting if s in needed]:
            value = waiting.pop(symbol)
            place(symbols(value))
            lines.append((symbol, value, ""))

    for name, value, comment in body:
        value = _swapped(value, swap)
        place(symbols(value))
        lines.append((name, value, comment))
    return lines


def _swapped(node: Node, swap: dict[Node, Node]) -> Node:
    return swap[node] if node in swap else rebuild(node, tuple(_swapped(a, swap) for a in children(node)))
