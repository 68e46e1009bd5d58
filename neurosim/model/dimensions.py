"""Static unit check with inference: units that nobody declared are solved for.

Every symbol has a vector u of exponents (V, A, s, m, mol, K, degC) and a power of ten, so that pA against nA
is a mismatch too.  The equations give linear conditions on these vectors,

    u(a + b):  u(a) = u(b)      u(a*b) = u(a) + u(b)      u(a**n) = n u(a)      u(dx/dt) = u(x) - u(ms),

which are solved by elimination over the rational numbers (Kennedy 1994, doi:10.1007/3-540-57880-3_23).
A literal number takes the unit that makes its term fit, each occurrence its own, so that published equations
such as ``0.04*v**2 + 5*v + 140`` hold as printed; exponents, and numbers multiplied with a unit name
(``10*mV``), are plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from neurosim import units as unit_text
from neurosim.errors import UnitError
from neurosim.model.constants import factors_of, house_scale, is_density, number
from neurosim.model.expression import (
    COMPARISONS,
    FUNCTIONS,
    LOGIC,
    Call,
    Node,
    Num,
    Op,
    Sym,
    evaluate,
    fail,
    show,
    symbols,
    walk,
)
from neurosim.model.noise import is_noise
from neurosim.units import ONE, Unit

_MS = unit_text.parse("ms")
_HALF = Fraction(1, 2)


class Statement(NamedTuple):
    """One thing to check: `rule` is "derivative", "value" (of target), "condition" or "time"."""

    rule: str
    target: str | None
    node: Node
    text: str
    where: str


@dataclass(frozen=True)
class Inference:
    """Unit text by name (None: undetermined), and the number for each unit name by `id` of its node."""

    units: dict[str, str | None]
    constants: dict[int, Num]


def infer(
    statements: Iterable[Statement],
    names: Iterable[str],
    declared: Mapping[str, str],
    quantities: Mapping[str, Unit],
    constants: Mapping[int, tuple[str, Unit]],
) -> Inference:
    """Check all statements and solve for the units of all names.

    Args:
        statements: what to check.
        names: states, derived quantities, parameters and inputs.
        declared: unit text of those that have one.
        quantities: unit in which a value was given, for names not declared: the kind is known, the power of
            ten free.
        constants: name and unit of every `Sym` that is a unit name, by `id`.

    Raises:
        UnitError: with the equation, a caret, both units and a remedy.
    """
    names = list(names)
    density = is_density(
        [unit_text.parse(u, n) for n, u in declared.items()]
        + [u for _, u in constants.values()]
        + list(quantities.values())
    )
    if not declared and not quantities:
        numbers = {key: Num(number(unit, house_scale(unit, density))) for key, (_, unit) in constants.items()}
        return Inference(dict.fromkeys(names), numbers)
    checker = _Checker(declared, quantities, {key: unit for key, (_, unit) in constants.items()})
    for statement in statements:
        checker.check(statement)
    checker.settle(density)
    units = {name: declared[name] if name in declared else checker.text_of(name) for name in names}
    numbers = {key: Num(number(unit, checker.scale_of(key))) for key, (_, unit) in constants.items()}
    return Inference(units, numbers)


def _terms(node: Node) -> list[Node]:
    if isinstance(node, Op) and node.op in ("+", "-"):
        return _terms(node.args[0]) + _terms(node.args[1])
    if isinstance(node, Op) and node.op == "neg":
        return _terms(node.args[0])
    return [node]


class Form(NamedTuple):
    """A unit with unknowns: known part, and exponent by unknown."""

    known: Unit
    free: dict

    def times(self, other: Form, power: Fraction | int = 1) -> Form:
        """Return self * other**power."""
        free = dict(self.free)
        for key, value in other.free.items():
            free[key] = free.get(key, Fraction(0)) + value * power
        return Form(self.known * other.known**power, {k: v for k, v in free.items() if v})


_PLAIN = Form(ONE, {})


class _Solver:
    """Elimination: each solved unknown is an affine form of unknowns that are not solved."""

    def __init__(self):
        self.solved: dict = {}

    def reduce(self, free: Mapping, const: tuple) -> tuple[dict, tuple]:
        out: dict = {}
        for key, factor in free.items():
            if key in self.solved:
                inner, value = self.solved[key]
                const = tuple(c + factor * x for c, x in zip(const, value, strict=True))
            else:
                inner = {key: Fraction(1)}
            for k, v in inner.items():
                out[k] = out.get(k, Fraction(0)) + factor * v
        return {k: v for k, v in out.items() if v}, const

    def zero(self, free: Mapping, const: tuple) -> bool:
        """Add the condition form = 0; return whether it can hold."""
        free, const = self.reduce(free, const)
        if not free:
            return not any(const)
        # literals first: they occur once and leave the rest of the system as it is
        pivot = next((k for k in free if isinstance(k, tuple)), next(iter(free)))
        factor = -1 / free.pop(pivot)
        inner, value = {k: v * factor for k, v in free.items()}, tuple(c * factor for c in const)
        for key, (old, before) in self.solved.items():
            if pivot in old:
                by = old[pivot]
                new = {k: v for k, v in old.items() if k != pivot}
                for k, v in inner.items():
                    new[k] = new.get(k, Fraction(0)) + by * v
                self.solved[key] = (
                    {k: v for k, v in new.items() if v},
                    tuple(a + by * b for a, b in zip(before, value, strict=True)),
                )
        self.solved[pivot] = (inner, value)
        return True


class _Checker:
    """Walks the statements and collects the conditions; raises at the first that cannot hold."""

    def __init__(
        self, declared: Mapping[str, str], quantities: Mapping[str, Unit], constants: Mapping[int, Unit]
    ):
        self.dims, self.scale = _Solver(), _Solver()
        self.constants, self.quantities = constants, quantities
        self.known = {name: Form(unit_text.parse(text, name), {}) for name, text in declared.items()}
        self.known |= {"t": Form(_MS, {}), "dt": Form(_MS, {})}
        # the power of ten of these is an unknown that occurs in no dimension
        for name, unit in quantities.items():
            self.known[name] = Form(Unit(Fraction(0), unit.powers), {("scale", name): Fraction(1)})
        self.literals = 0
        self.text, self.where = "", ""

    # -- conditions

    def difference(self, a: Form, b: Form) -> tuple[dict, tuple, dict, tuple]:
        ratio = a.times(b, -1)
        free = {k: v for k, v in ratio.free.items() if not (isinstance(k, tuple) and k[0] == "scale")}
        return free, ratio.known.powers, ratio.free, (ratio.known.scale,)

    def equal(self, a: Form, b: Form) -> bool:
        dims_free, dims, scale_free, scale = self.difference(a, b)
        return self.dims.zero(dims_free, dims) and self.scale.zero(scale_free, scale)

    def resolved(self, form: Form) -> tuple[Unit, dict]:
        """The form with all that is known by now put in, and what is still free."""
        dims_free, dims, scale_free, scale = self.difference(form, _PLAIN)
        free, dims = self.dims.reduce(dims_free, dims)
        rest, scale = self.scale.reduce(scale_free, scale)
        return Unit(scale[0], dims), free | rest

    def words(self, form: Form) -> str:
        unit, free = self.resolved(form)
        if not free:
            kind = unit_text.kind(unit)
            text = unit_text.show(unit)
            return "a plain number" if unit == ONE else f"in {text} ({kind})" if kind else f"in {text}"
        names = [
            f"unit of {k}" + (f" to the power {v}" if v != 1 else "")
            for k, v in free.items()
            if isinstance(k, str)
        ]
        if unit == ONE:
            return "in " + (" times ".join(names) or "an undetermined unit")
        return "in " + " times ".join([unit_text.show(unit), *names])

    def mismatch(self, part: Node, have: Form, want: Form, beside: Node | None = None) -> UnitError:
        this = self.source(part)
        ratio, _ = self.resolved(want.times(have, -1))
        if not any(ratio.powers):
            factor = 10.0 ** -float(ratio.scale)
            remedy = f"Their powers of ten differ: multiply {this} by {factor:g}, or declare both alike"
        elif self.resolved(have) == (ONE, {}):
            remedy = (
                f"Multiply {this} by something in {unit_text.show(ratio)}; "
                "a literal number takes the unit it needs (1*...)"
            )
        elif self.resolved(want) == (ONE, {}):
            remedy = f"Divide {this} by something in {unit_text.show(ONE / ratio)}, or correct a unit"
        else:
            kind, other = unit_text.kind(ratio), unit_text.kind(ONE / ratio)
            verb, words, unit = (
                ("Multiply", kind, ratio) if kind or not other else ("Divide", other, ONE / ratio)
            )
            remedy = f"{verb} {this} by {words or 'something'} in {unit_text.show(unit)}, or correct a unit"
        first = (
            f"{self.source(beside)} is {self.words(want)}"
            if beside is not None
            else f"{self.words(want).removeprefix('in ')} is needed here"
        )
        return fail(
            self.text,
            part.span,
            self.where,
            f"{first}, but {this} is {self.words(have)}. {remedy}.",
            UnitError,
        )

    def source(self, part: Node) -> str:
        if part.span and part.span[1]:
            text = self.text[part.span[0] : part.span[0] + part.span[1]]
            return text if len(text) <= 50 else "this part"
        return show(part)

    # -- walking

    def check(self, statement: Statement) -> None:
        """Check one statement and take over what it says about unknown units."""
        rule, target, node, self.text, self.where = statement
        if rule == "condition":
            self.condition(node)
        elif rule == "time":
            self.expect(node, Form(_MS, {}))
        else:
            unit = self.symbol(target)
            self.expect(node, unit.times(Form(_MS, {}), -1) if rule == "derivative" else unit)

    def symbol(self, name: str) -> Form:
        if is_noise(name):
            return Form(_MS**-_HALF, {})
        return self.known.get(name) or Form(ONE, {name: Fraction(1)})

    def fresh(self) -> Form:
        self.literals += 1
        return Form(ONE, {("literal", self.literals): Fraction(1)})

    def expect(self, node: Node, want: Form, beside: Node | None = None, plain: bool = False) -> None:
        """Require the unit `want`, term by term, so that the caret lands on the term that does not fit."""
        if isinstance(node, Op) and node.op in ("+", "-", "neg"):
            terms = _terms(node)
            # a literal says nothing about its neighbours
            shown = beside if beside is not None else next((t for t in terms if symbols(t)), None)
            for k, term in enumerate(terms):
                self.expect(term, want, shown if k and term is not shown else beside, plain)
            return
        if isinstance(node, Call) and FUNCTIONS[node.func].units in ("same", "where"):
            args = node.args
            if node.func == "where":
                self.condition(args[0])
                args = args[1:]
            for arg in args:
                self.expect(arg, want, beside, plain)
            return
        factors = factors_of(node)
        sums = [f for f in factors if isinstance(f[0], Op) and f[0].op in ("+", "-")]
        if len(factors) > 1 and len(sums) == 1 and symbols(sums[0][0]):
            (inner, power), rest = sums[0], _PLAIN
            for factor, sign in factors:
                if factor is not inner:
                    rest = rest.times(self.unit(factor, plain or self.has_unit(factors)), sign)
            target = want.times(rest, -1)
            self.expect(inner, target if power == 1 else _PLAIN.times(target, -1))
            return
        have = self.unit(node, plain)
        if not self.equal(have, want):
            raise self.mismatch(node, have, want, beside)

    def has_unit(self, factors: list[tuple[Node, int]]) -> bool:
        return any(
            id(f.args[0] if isinstance(f, Op) and f.op == "**" else f) in self.constants for f, _ in factors
        )

    def unit(self, node: Node, plain: bool = False) -> Form:
        """The unit of an expression; `plain`: its literal numbers have none."""
        if not plain and isinstance(node, (Num, Op)) and _numeric(node):
            return self.fresh()
        if isinstance(node, Num):
            return _PLAIN
        if isinstance(node, Sym):
            if id(node) in self.constants:
                unit = self.constants[id(node)]
                return Form(Unit(Fraction(0), unit.powers), {("scale", id(node)): Fraction(1)})
            return self.symbol(node.name)
        if isinstance(node, Call):
            return self.call(node)
        if node.op in ("*", "/"):
            factors, form = factors_of(node), _PLAIN
            plain = plain or self.has_unit(factors)
            for factor, sign in factors:
                form = form.times(self.unit(factor, plain), sign)
            return form
        if node.op == "**":
            return self.power(node, plain)
        if node.op in ("+", "-", "neg"):
            terms = _terms(node)
            first = next((t for t in terms if not _numeric(t)), terms[0])
            form = self.unit(first, plain)
            for term in terms:
                if term is not first:
                    self.expect(term, form, first, plain)
            return form
        self.condition(node)
        return _PLAIN

    def power(self, node: Op, plain: bool) -> Form:
        base, exponent = node.args
        if _numeric(exponent):
            value = Fraction(float(evaluate(exponent, {}))).limit_denominator(1000)
            return _PLAIN.times(self.unit(base, plain), value)
        self.expect(exponent, _PLAIN)
        self.expect(base, _PLAIN)
        return _PLAIN

    def call(self, node: Call) -> Form:
        rule = FUNCTIONS[node.func].units
        if rule in ("same", "where"):
            args = node.args
            if rule == "where":
                self.condition(args[0])
                args = args[1:]
            first = next((a for a in args if not _numeric(a)), args[0])
            form = self.unit(first)
            for arg in args:
                if arg is not first:
                    self.expect(arg, form, first)
            return form
        if rule == "sqrt":
            return _PLAIN.times(self.unit(node.args[0]), _HALF)
        for arg in node.args:
            if rule == "pure":
                self.expect(arg, _PLAIN)
            else:
                self.unit(arg)
        return _PLAIN

    def condition(self, node: Node) -> None:
        if isinstance(node, Op) and node.op in LOGIC:
            for arg in node.args:
                self.condition(arg)
        elif isinstance(node, Op) and node.op in COMPARISONS:
            left, right = node.args
            if _numeric(left):
                left, right = right, left
            self.expect(right, self.unit(left), left)
        else:
            self.unit(node)

    # -- results

    def settle(self, density: bool) -> None:
        """Give powers of ten that nothing determines: as the user wrote them, then house units."""
        for name, unit in self.quantities.items():
            self.scale.zero({("scale", name): Fraction(1)}, (-unit.scale,))
        for key, unit in self.constants.items():
            self.scale.zero({("scale", key): Fraction(1)}, (-house_scale(unit, density),))

    def scale_of(self, key: int) -> Fraction:
        return self.scale.reduce({("scale", key): Fraction(1)}, (Fraction(0),))[1][0]

    def text_of(self, name: str) -> str | None:
        unit, free = self.resolved(self.symbol(name))
        return None if free else unit_text.show(unit)


def _numeric(node: Node) -> bool:
    return all(isinstance(part, (Num, Op)) for part in walk(node))
