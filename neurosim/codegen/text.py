"""Expressions as Python text for the compiled loop: explicit fused multiply-adds, selects instead of branches."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from neurosim.codegen.hoist import is_condition
from neurosim.model.expression import COMPARISONS, Call, Node, Num, Op, Sym

#: functions of neurosim.kernels.vmath64 and vmath32, vectorised by LLVM
VECTOR = {"exp", "exp_within", "expm1", "exprel", "exprel_of", "x_over_expm1", "x_over_expm1_of", "log", "log1p", "log2",
          "log10", "tanh", "logistic", "softplus", "sin", "cos"}
#: functions that remain calls of the C library, or single instructions
LIBM = {"sqrt": "math.sqrt", "tan": "math.tan", "arctan": "math.atan", "arcsin": "math.asin", "arccos": "math.acos",
        "sinh": "math.sinh", "cosh": "math.cosh", "floor": "np.floor", "ceil": "np.ceil", "abs": "abs"}
#: whole powers up to this one are products
MAX_PRODUCT = 32


@dataclass
class Writer:
    """Writes expressions for one element type.

    Attributes:
        scalar: once-a-step values, always float64, in the library's float64 functions by their full name.
        single: float32; numbers then become typed constants of the module, since a bare literal is float64.
        narrow: step_exprel is the version for small arguments.
        used: functions of the vector library that were needed.
        literals: module constants by their text (float32 only).
        lines: helper assignments that the caller places before the line being written.
    """

    single: bool = False
    scalar: bool = False
    narrow: bool = False
    used: set[str] = field(default_factory=set)
    literals: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    _temporaries: int = 0

    def number(self, value: float) -> str:
        """Return a literal of the element type."""
        text = "math.inf" if math.isinf(value) and value > 0 else "-math.inf" if math.isinf(value) else repr(float(value))
        if not self.single:
            return text if not text.startswith("-") else f"({text})"
        return self.literals.setdefault(text, f"f{len(self.literals)}_")

    def __call__(self, node: Node) -> str:
        """Return the expression as text with a number as value."""
        if is_condition(node):
            self.used.add("select")
            return f"select({self.condition(node)}, {self.number(1.0)}, {self.number(0.0)})"
        if isinstance(node, Num):
            return self.number(node.value)
        if isinstance(node, Sym):
            return node.name
        if isinstance(node, Call):
            return self._call(node)
        assert isinstance(node, Op)
        if node.op == "neg":
            return f"-{self._tight(node.args[0])}"
        a, b = node.args
        if node.op == "**":
            return self._power(a, b)
        if node.op in "+-":
            return self._sum(node.op, a, b)
        return f"{self._tight(a)} {node.op} {self._tight(b, right=True)}"

    def condition(self, node: Node) -> str:
        """Return the expression as text with a truth value."""
        if isinstance(node, Op) and node.op in ("and", "or"):
            return "(" + f" {'&' if node.op == 'and' else '|'} ".join(self.condition(a) for a in node.args) + ")"
        if isinstance(node, Op) and node.op == "not":
            return f"(not {self.condition(node.args[0])})"
        if isinstance(node, Op) and node.op in COMPARISONS:
            return f"({self(node.args[0])} {node.op} {self(node.args[1])})"
        if isinstance(node, Sym) and node.name.endswith("active_"):
            return node.name
        return f"({self(node)} != {self.number(0.0)})"

    def _tight(self, node: Node, right: bool = False) -> str:
        text = self(node)
        plain = isinstance(node, (Num, Sym, Call)) or is_condition(node) or _is_call(text, "fma")
        if isinstance(node, Op) and node.op == "*" and not right:
            plain = True
        return text if plain else f"({text})"

    def _sum(self, op: str, a: Node, b: Node) -> str:
        product = lambda n: isinstance(n, Op) and n.op == "*"  # noqa: E731
        if product(b):
            first, second = b.args
            left = self._tight(first, right=True)
            left = left if op == "+" else f"-{left}"
            self.used.add("fma")
            return f"fma({left}, {self(second)}, {self(a)})"
        if product(a):
            self.used.add("fma")
            rest = self(b) if op == "+" else f"-{self._tight(b)}"
            return f"fma({self(a.args[0])}, {self(a.args[1])}, {rest})"
        return f"{self(a)} {op} {self._tight(b, right=True)}"

    def _power(self, base: Node, exponent: Node) -> str:
        n = exponent.value if isinstance(exponent, Num) else None
        if n is not None and n == int(n) and 1 < abs(n) <= MAX_PRODUCT:
            text = self(base)
            if not isinstance(base, Sym):
                self._temporaries += 1
                name = f"base{self._temporaries}_"
                self.lines.append(f"{name} = {text}")
                text = name
            product = _repeated(text, int(abs(n)))
            return product if n > 0 else f"({self.number(1.0)} / {product})"
        if n == -1:
            return f"({self.number(1.0)} / {self._tight(base, right=True)})"
        if n == 0.5:
            return f"math.sqrt({self(base)})"
        return f"math.pow({self(base)}, {self(exponent)})"

    def _call(self, node: Call) -> str:
        if node.func == "where":
            self.used.add("select")
            return f"select({self.condition(node.args[0])}, {self(node.args[1])}, {self(node.args[2])})"
        args = [self(a) for a in node.args]
        if node.func == "step_exprel":
            name = "exprel_small" if self.narrow else "exprel"
            self.used.add(name)
            return f"{name}({args[0]})"
        if node.func in VECTOR:
            if self.scalar:
                return f"vmath64.{node.func}({', '.join(args)})"
            self.used.add(node.func)
            return f"{node.func}({', '.join(args)})"
        if node.func in LIBM:
            return f"{LIBM[node.func]}({args[0]})"
        self.used.add("select")
        zero, one = self.number(0.0), self.number(1.0)
        if node.func == "relu":
            return f"select({args[0]} <= {zero}, {zero}, {args[0]})"
        if node.func == "heaviside":
            return f"select({args[0]} > {zero}, {one}, {zero})"
        if node.func == "sign":
            return f"(select({args[0]} > {zero}, {one}, {zero}) - select({args[0]} < {zero}, {one}, {zero}))"
        # written so that NaN in the first argument stays NaN
        low = lambda a, b: f"select({b} < {a}, {b}, {a})"  # noqa: E731
        high = lambda a, b: f"select({b} > {a}, {b}, {a})"  # noqa: E731
        if node.func == "minimum":
            return low(*args)
        if node.func == "maximum":
            return high(*args)
        assert node.func == "clip", node.func
        return low(high(args[0], args[1]), args[2])


def _is_call(text: str, name: str) -> bool:
    """Return whether the whole text is one call of `name`."""
    if not text.startswith(f"{name}("):
        return False
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter == ")":
            return place == len(text) - 1
    return False


def _repeated(name: str, n: int) -> str:
    """Return name**n as a product by squaring, the same in compiled and interpreted code."""
    if n == 1:
        return name
    half = _repeated(name, n // 2)
    square = f"({half} * {half})"
    return square if n % 2 == 0 else f"({square} * {name})"
