"""Unit names in equations, such as ``10*mV``: found, and replaced by numbers."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from neurosim import units as unit_text
from neurosim.model.expression import Call, Node, Num, Op, Sym, children, evaluate
from neurosim.units import Unit


def unit_constants(node: Node, known: set[str], single: bool) -> dict[int, tuple[str, Unit]]:
    """Return the unit names in an expression by `id` of their node.

    Args:
        node: the expression.
        known: declared names, which come first; a name that differs from one of them by case only is no unit.
        single: whether units of one letter (V, A, s, m, S, F) count, and then only in a product with a
            number or another unit: alone they are more likely a forgotten declaration.
    """
    folded = {name.casefold() for name in known}
    found: dict[int, tuple[str, Unit]] = {}

    def unit_of(part: Node) -> Unit | None:
        if not isinstance(part, Sym) or part.name in known or part.name.casefold() in folded:
            return None
        return unit_text.constant(part.name)

    def visit(part: Node) -> None:
        factors = [f.args[0] if isinstance(f, Op) and f.op == "**" else f for f, _ in factors_of(part)]
        marked = single and any(
            isinstance(f, Num) or (unit_of(f) is not None and len(f.name) > 1) for f in factors
        )
        for factor in factors:
            unit = unit_of(factor)
            if unit is not None and (marked or len(factor.name) > 1):
                found[id(factor)] = (factor.name, unit)
        for factor, _ in factors_of(part):
            for child in children(factor):
                visit(child)

    visit(node)
    return found


def replace_constants(node: Node, numbers: Mapping[int, Num]) -> Node:
    """Return the expression with unit names replaced by their numbers."""
    if id(node) in numbers:
        return Num(numbers[id(node)].value, span=node.span)
    args = children(node)
    if not args:
        return node
    new = tuple(replace_constants(a, numbers) for a in args)
    if all(a is b for a, b in zip(args, new, strict=True)):
        return node
    if isinstance(node, Op) and node.op == "*":
        # 10*mV in house units is 10, not 10*1
        for one, other in (new, new[::-1]):
            if one == Num(1.0):
                return other
    if isinstance(node, Op) and node.op in ("*", "/") and all(isinstance(a, Num) for a in new):
        return Num(float(evaluate(Op(node.op, new), {})), span=node.span)
    return Op(node.op, new, span=node.span) if isinstance(node, Op) else Call(node.func, new, span=node.span)


def house_scale(unit: Unit, density: bool = False) -> Fraction:
    """Power of ten of the house unit: mV, ms, nA (uA with densities), cm, umol and what follows from them."""
    scales = (-3, -6 if density else -9, -3, -2, -6, 0, 0)
    return sum((p * s for p, s in zip(unit.powers, scales, strict=True)), Fraction(0))


def is_density(units: list[Unit]) -> bool:
    """Return whether currents per area occur, so that uA and cm are the house units."""
    return any(u.powers[1] and u.powers[3] for u in units) or (
        any(u.powers[1] for u in units) and any(u.powers[3] and not u.powers[4] for u in units)
    )


def number(unit: Unit, scale: Fraction) -> float:
    """Return the number that one `unit` is in the unit with the power of ten `scale`."""
    power = unit.scale - scale
    return float(Fraction(10) ** int(power)) if power.denominator == 1 else 10.0 ** float(power)


def factors_of(node: Node, sign: int = 1) -> list[tuple[Node, int]]:
    """Factors of a product chain with exponent +1 or -1; signs are dropped."""
    if isinstance(node, Op) and node.op in ("*", "/"):
        return factors_of(node.args[0], sign) + factors_of(node.args[1], sign if node.op == "*" else -sign)
    if isinstance(node, Op) and node.op == "neg":
        return factors_of(node.args[0], sign)
    return [(node, sign)]
