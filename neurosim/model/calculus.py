"""Symbolic work on expressions: simplification, derivatives, and the search for linear structure.

Just enough to choose an integrator by analysis: which equations are linear with constant coefficients (exact
propagator), which are affine in their own variable (exponential Euler), and the derivative of a noise coefficient
(Milstein).  All results are trees again.
"""

from __future__ import annotations

from functools import lru_cache

from neurosim.model.expression import (
    FUNCTIONS,
    LOGIC,
    Call,
    Node,
    Num,
    Op,
    Sym,
    children,
    evaluate,
    parse,
    rebuild,
    substitute,
    symbols,
)

ZERO, ONE = Num(0.0), Num(1.0)


def add(a: Node, b: Node) -> Node:
    """Return a + b, simplified."""
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    if isinstance(a, Num) and isinstance(b, Num):
        return Num(a.value + b.value)
    if isinstance(b, Op) and b.op == "neg":
        return sub(a, b.args[0])
    return Op("+", (a, b))


def sub(a: Node, b: Node) -> Node:
    """Return a - b, simplified."""
    if b == ZERO:
        return a
    if a == ZERO:
        return neg(b)
    if a == b:
        return ZERO
    if isinstance(a, Num) and isinstance(b, Num):
        return Num(a.value - b.value)
    if isinstance(b, Op) and b.op == "neg":
        return add(a, b.args[0])
    return Op("-", (a, b))


def neg(a: Node) -> Node:
    """Return -a, simplified."""
    if isinstance(a, Num):
        return Num(-a.value if a.value else 0.0)
    if isinstance(a, Op) and a.op == "neg":
        return a.args[0]
    if isinstance(a, Op) and a.op == "-":
        return Op("-", (a.args[1], a.args[0]))
    return Op("neg", (a,))


def mul(a: Node, b: Node) -> Node:
    """Return a*b, simplified."""
    if ZERO in (a, b):
        return ZERO
    if a == ONE:
        return b
    if b == ONE:
        return a
    if isinstance(a, Num) and isinstance(b, Num):
        return Num(a.value * b.value)
    if isinstance(a, Op) and a.op == "neg":
        return neg(mul(a.args[0], b))
    if isinstance(b, Op) and b.op == "neg":
        return neg(mul(a, b.args[0]))
    return Op("*", (a, b))


def div(a: Node, b: Node) -> Node:
    """Return a/b, simplified."""
    if a == ZERO:
        return ZERO
    if b == ONE:
        return a
    if isinstance(a, Num) and isinstance(b, Num) and b.value:
        return Num(a.value / b.value)
    if isinstance(a, Op) and a.op == "neg":
        return neg(div(a.args[0], b))
    return Op("/", (a, b))


def power(a: Node, b: Node) -> Node:
    """Return a**b, simplified."""
    if b == ONE:
        return a
    if b == ZERO:
        return ONE
    return Op("**", (a, b))


_BUILD = {"+": add, "-": sub, "*": mul, "/": div, "**": power}


def simplify(node: Node) -> Node:
    """Return an equal expression with zeros, ones and products of numbers worked out."""
    args = tuple(simplify(a) for a in children(node))
    if isinstance(node, Op):
        if node.op == "neg":
            return neg(args[0])
        if node.op in _BUILD:
            return _BUILD[node.op](*args)
    if isinstance(node, Call) and node.func == "where" and args[1] == args[2]:
        return args[1]
    if isinstance(node, Call) and args and all(isinstance(a, Num) for a in args) and node.func != "where":
        value = float(evaluate(rebuild(node, args), {}))
        return Num(value) if value == value else rebuild(node, args)
    return rebuild(node, args) if args else node


def derivative(node: Node, name: str) -> Node:
    """Return the partial derivative of the expression with respect to the symbol `name`, simplified.

    Conditions count as constants: the derivative of ``where(c, a, b)`` is ``where(c, a', b')``.
    """
    if name not in symbols(node):
        return ZERO
    if isinstance(node, Sym):
        return ONE
    if isinstance(node, Op):
        if node.op in LOGIC or node.op in ("<", "<=", ">", ">=", "==", "!="):
            return ZERO
        if node.op == "neg":
            return neg(derivative(node.args[0], name))
        a, b = node.args
        da, db = derivative(a, name), derivative(b, name)
        if node.op == "+":
            return add(da, db)
        if node.op == "-":
            return sub(da, db)
        if node.op == "*":
            return add(mul(da, b), mul(a, db))
        if node.op == "/":
            return sub(div(da, b), div(mul(node, db), b))
        # a**b
        result = mul(mul(b, power(a, sub(b, ONE))), da)
        return result if db == ZERO else add(result, mul(mul(node, Call("log", (a,))), db))
    assert isinstance(node, Call)
    if node.func == "where":
        inner = tuple(derivative(a, name) for a in node.args[1:])
        return simplify(Call("where", (node.args[0], *inner)))
    rules = FUNCTIONS[node.func].derivative
    assert rules is not None, node.func
    bound = dict(zip("abc", node.args))
    total: Node = ZERO
    for rule, arg in zip(rules, node.args):
        inner = derivative(arg, name)
        if inner != ZERO:
            total = add(total, mul(simplify(substitute(_rule(rule), bound)), inner))
    return total


@lru_cache(maxsize=256)
def _rule(text: str) -> Node:
    return parse(text)


def affine(node: Node, name: str) -> tuple[Node, Node] | None:
    """Return (a, b) with ``node = a*name + b`` and both free of `name`, or None if there is no such form."""
    if name not in symbols(node):
        return ZERO, node
    if isinstance(node, Sym):
        return ONE, ZERO
    if isinstance(node, Call):
        if node.func == "where" and name not in symbols(node.args[0]):
            yes, no = affine(node.args[1], name), affine(node.args[2], name)
            if yes and no:
                return tuple(simplify(Call("where", (node.args[0], p, q))) for p, q in zip(yes, no))
        return None
    assert isinstance(node, Op)
    if node.op == "neg":
        inner = affine(node.args[0], name)
        return inner and (neg(inner[0]), neg(inner[1]))
    if node.op not in "+-*/" or node.op == "**":
        return None
    left, right = affine(node.args[0], name), affine(node.args[1], name)
    if left is None or right is None:
        return None
    if node.op == "+":
        return add(left[0], right[0]), add(left[1], right[1])
    if node.op == "-":
        return sub(left[0], right[0]), sub(left[1], right[1])
    if node.op == "*":
        if left[0] != ZERO and right[0] != ZERO:
            return None
        if left[0] == ZERO:
            return mul(left[1], right[0]), mul(left[1], right[1])
        return mul(left[0], right[1]), mul(left[1], right[1])
    if right[0] != ZERO:
        return None
    return div(left[0], right[1]), div(left[1], right[1])


def linear_system(drifts: dict[str, Node]) -> tuple[list[list[Node]], list[Node]] | None:
    """Return (A, b) with ``f = A x + b``, all entries free of the states, or None if the system is not linear."""
    names = list(drifts)
    matrix, offset = [], []
    for drift in drifts.values():
        row, rest = [], simplify(drift)
        for name in names:
            split = affine(rest, name)
            if split is None:
                return None
            row.append(split[0])
            rest = split[1]
        if any(symbols(a) & set(names) for a in row):
            return None
        matrix.append(row)
        offset.append(rest)
    return matrix, offset
