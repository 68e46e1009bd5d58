"""White noise in equations: dx/dt = f + sum_k g_k xi_k, with f and every g_k found by structural analysis.

``xi`` and ``xi_<name>`` are independent Gaussian white noises of unit ms**-0.5; one symbol is one noise,
also when it occurs in several equations.
"""

from __future__ import annotations

from neurosim.errors import ModelError
from neurosim.model.expression import Call, Node, Num, Op, children, fail, rebuild, symbols


def is_noise(name: str) -> bool:
    """Return whether the name is a white noise: ``xi`` or ``xi_<name>``."""
    return name == "xi" or name.startswith("xi_")


def noises(node: Node) -> list[str]:
    """Return the noise symbols of an expression in alphabetical order."""
    return sorted(name for name in symbols(node) if is_noise(name))


def check_linear(node: Node, noisy: set[str], text: str, where: str) -> None:
    """Raise `ModelError` with a caret unless the expression is affine in the names of `noisy`."""

    def contains(part: Node) -> bool:
        return not noisy.isdisjoint(symbols(part))

    def refuse(part: Node, message: str) -> ModelError:
        names = ", ".join(sorted(noisy & symbols(part)))
        return fail(
            text,
            part.span,
            where,
            f"White noise ({names}) {message}. It must enter as g*xi plus terms "
            "without xi, where g does not hold noise.",
        )

    def walk(part: Node) -> None:
        if not contains(part):
            return
        args = children(part)
        if isinstance(part, Op) and part.op in ("*", "/"):
            left, right = map(contains, args)
            if part.op == "/" and right:
                raise refuse(part, "stands in a denominator")
            if left and right:
                raise refuse(part, "is multiplied by white noise")
        elif isinstance(part, Op) and part.op in ("+", "-", "neg"):
            pass
        elif isinstance(part, Call) and part.func == "where":
            if contains(args[0]):
                raise refuse(args[0], "is part of a condition")
        elif args:
            inside = part.func + "()" if isinstance(part, Call) else f"the operator {part.op}"
            raise refuse(part, f"stands inside {inside}")
        for arg in args:
            walk(arg)

    walk(node)


def split(node: Node, name: str) -> tuple[Node | None, Node | None]:
    """Return (g, f) with ``node = g*name + f``; None stands for zero.  `check_linear` has made sure of it."""
    if name not in symbols(node):
        return None, node
    args = children(node)
    if not args:
        return Num(1.0), None
    parts = [split(a, name) for a in args]
    if isinstance(node, Op) and node.op in ("*", "/"):
        if parts[0][0] is not None:
            return tuple(_scaled(node, p, args[1]) for p in parts[0])
        return tuple(_product(args[0], p) for p in parts[1])
    if isinstance(node, Op) and node.op == "neg":
        return tuple(None if p is None else rebuild(node, (p,)) for p in parts[0])
    if isinstance(node, Op):
        return tuple(_sum(node, parts[0][k], parts[1][k]) for k in (0, 1))
    pairs = [(parts[1][k], parts[2][k]) for k in (0, 1)]
    return tuple(
        None if a is b is None else rebuild(node, (args[0], a or Num(0.0), b or Num(0.0))) for a, b in pairs
    )


def _product(factor: Node, part: Node | None) -> Node | None:
    if part is None or part == Num(1.0):
        return None if part is None else factor
    return Op("*", (factor, part))


def _scaled(node: Op, part: Node | None, other: Node) -> Node | None:
    if part is None:
        return None
    if node.op == "*" and part == Num(1.0):
        return other
    return rebuild(node, (part, other))


def _sum(node: Op, left: Node | None, right: Node | None) -> Node | None:
    if right is None:
        return left
    if left is None:
        return (
            right if node.op == "+" else Num(-right.value) if isinstance(right, Num) else Op("neg", (right,))
        )
    return rebuild(node, (left, right))
