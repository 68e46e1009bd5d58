"""Expression trees: parsed with the standard `ast`, never evaluated as Python.

Nodes are frozen and hashable.  `Num`, `Sym`, `Op` (arithmetic, comparison, logic) and `Call` (one of the functions
of `FUNCTIONS`) are all there is; a name, a call or a piece of syntax outside of that is an error with a caret.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from neurosim.errors import ModelError, caret, listing, nearest


@dataclass(frozen=True)
class Node:
    """Base of the four kinds of node; `span` is (column, width) in the text it was read from."""

    span: tuple[int, int] | None = field(default=None, compare=False, kw_only=True, repr=False)


@dataclass(frozen=True)
class Num(Node):
    """A literal number."""

    value: float


@dataclass(frozen=True)
class Sym(Node):
    """A name: state, parameter, input, derived quantity, unit, `t`, `dt` or `xi`."""

    name: str


@dataclass(frozen=True)
class Op(Node):
    """An operator: + - * / ** neg < <= > >= == != and or not."""

    op: str
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Call(Node):
    """A call of one of `FUNCTIONS`."""

    func: str
    args: tuple[Node, ...]


COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LOGIC = ("and", "or", "not")


@dataclass(frozen=True)
class Function:
    """What the checker, the differentiator and the host evaluator know of a function."""

    n_args: int
    evaluate: Callable | None
    #: derivatives with respect to each argument as text in a, b, c; None: not differentiable symbolically
    derivative: tuple[str, ...] | None = None
    #: unit rule: "pure" (arguments and value dimensionless), "same" (all arguments and the value alike),
    #: "sign" (any argument, dimensionless value), "sqrt", "where", "random"
    units: str = "pure"


def _exprel(x):
    x = np.asarray(x, dtype=float)
    safe = np.where(np.abs(x) < 1e-300, 1.0, x)
    return np.where(np.abs(x) < 1e-300, 1.0, np.expm1(safe) / safe)


def _x_over_expm1(x):
    return 1.0 / _exprel(x)


def _logistic(x):
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, dtype=float)))


FUNCTIONS: dict[str, Function] = {
    "exp": Function(1, np.exp, ("exp(a)",)),
    "expm1": Function(1, np.expm1, ("exp(a)",)),
    "exprel": Function(1, _exprel, ("where(abs(a) < 0.0001, 0.5 + a/3, (exp(a) - exprel(a))/a)",)),
    "x_over_expm1": Function(1, _x_over_expm1,
                             # exp(a)*x_over_expm1(a) = x_over_expm1(-a), which does not overflow
                             ("where(abs(a) < 0.0001, -0.5 + a/6, (1 - x_over_expm1(-a))*x_over_expm1(a)/a)",)),
    "log": Function(1, np.log, ("1/a",)),
    "log1p": Function(1, np.log1p, ("1/(1 + a)",)),
    "log2": Function(1, np.log2, ("1.4426950408889634/a",)),
    "log10": Function(1, np.log10, ("0.4342944819032518/a",)),
    "sqrt": Function(1, np.sqrt, ("0.5/sqrt(a)",), "sqrt"),
    "sin": Function(1, np.sin, ("cos(a)",)),
    "cos": Function(1, np.cos, ("-sin(a)",)),
    "tan": Function(1, np.tan, ("1 + tan(a)**2",)),
    "arctan": Function(1, np.arctan, ("1/(1 + a**2)",)),
    "arcsin": Function(1, np.arcsin, ("1/sqrt(1 - a**2)",)),
    "arccos": Function(1, np.arccos, ("-1/sqrt(1 - a**2)",)),
    "sinh": Function(1, np.sinh, ("cosh(a)",)),
    "cosh": Function(1, np.cosh, ("sinh(a)",)),
    "tanh": Function(1, np.tanh, ("1 - tanh(a)**2",)),
    "logistic": Function(1, _logistic, ("logistic(a)*(1 - logistic(a))",)),
    "softplus": Function(1, lambda x: np.logaddexp(0.0, x), ("logistic(a)",)),
    "relu": Function(1, lambda x: np.where(np.greater(x, 0.0), x, 0.0), ("where(a > 0, 1, 0)",), "same"),
    "heaviside": Function(1, lambda x: np.where(np.greater(x, 0.0), 1.0, 0.0), ("0",), "sign"),
    "sign": Function(1, np.sign, ("0",), "sign"),
    "abs": Function(1, np.abs, ("sign(a)",), "same"),
    "floor": Function(1, np.floor, ("0",)),
    "ceil": Function(1, np.ceil, ("0",)),
    "minimum": Function(2, np.minimum, ("where(a < b, 1, 0)", "where(a < b, 0, 1)"), "same"),
    "maximum": Function(2, np.maximum, ("where(a > b, 1, 0)", "where(a > b, 0, 1)"), "same"),
    "clip": Function(3, lambda a, b, c: np.minimum(np.maximum(a, b), c),
                     ("where(a > b and a < c, 1, 0)", "where(a > b, 0, 1)", "where(a < c, 0, 1)"), "same"),
    "where": Function(3, lambda a, b, c: np.where(a, b, c), None, "where"),
    "rand": Function(0, None, None, "random"),
    "randn": Function(0, None, None, "random"),
}
#: other spellings of the same functions
ALIASES = {"sigmoid": "logistic", "expit": "logistic", "min": "minimum", "max": "maximum", "fabs": "abs",
           "atan": "arctan", "asin": "arcsin", "acos": "arccos", "log1pexp": "softplus"}

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
#: names with a fixed numerical value
CONSTANTS = {"pi": math.pi, "inf": math.inf}


def parse(text: str, where: str = "expression") -> Node:
    """Return the tree of one expression.

    Args:
        text: the expression, such as ``"g_l*(e_l - v) + exp((v - v_t)/delta_t)"``.
        where: what the text is, for messages: "equation of v", "threshold".

    Raises:
        ModelError: for anything but numbers, names, arithmetic, comparisons and calls of known functions.
    """
    # leading blanks would be an indentation error for ast
    body = text.strip()
    if not body:
        raise ModelError(f"The {where} is empty: write an expression.")
    try:
        tree = ast.parse(body, mode="eval").body
    except SyntaxError as error:
        column = max(0, (error.offset or 1) - 1)
        line = body.splitlines()[min((error.lineno or 1), len(body.splitlines())) - 1]
        raise ModelError(f"The {where} cannot be read ({error.msg}):\n{caret(line, min(column, len(line)))}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ModelError(f"The {where} cannot be read: {error}.") from None
    return from_ast(tree, body, where)


def fail(text: str, span: tuple[int, int] | None, where: str, message: str, kind: type = ModelError) -> ModelError:
    """Return an error of `kind` that shows `text` with carets under `span`."""
    text = text.replace("\n", " ")
    picture = caret(text, *span) if span else "    " + text
    return kind(f"In the {where}:\n{picture}\n{message}")


def from_ast(tree: ast.AST, text: str, where: str,
             attribute: Callable[[ast.Attribute], str | None] | None = None) -> Node:
    """Convert a standard `ast` expression; `attribute` may accept names such as ``np.exp`` (see functions.py)."""

    def span_of(node: ast.AST) -> tuple[int, int] | None:
        start = _offset(text, node.lineno, node.col_offset)
        return start, _offset(text, node.end_lineno, node.end_col_offset) - start

    def refuse(node: ast.AST, message: str) -> ModelError:
        return fail(text, span_of(node), where, message)

    def walk(node: ast.AST) -> Node:
        span = span_of(node)
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool):
                return Num(float(node.value), span=span)
            if not isinstance(node.value, (int, float)):
                raise refuse(node, f"{node.value!r} is not a number. Equations hold numbers, names and functions only.")
            try:
                value = float(node.value)
            except OverflowError:
                raise refuse(node, "This number is too large for float64.") from None
            return Num(value, span=span)
        if isinstance(node, ast.Name):
            if node.id in CONSTANTS:
                return Num(CONSTANTS[node.id], span=span)
            return Sym(node.id, span=span)
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            return Op(_BINARY[type(node.op)], (walk(node.left), walk(node.right)), span=span)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            raise refuse(node, "'^' is not a power here: write '**'.")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = walk(node.operand)
            return Num(-inner.value, span=span) if isinstance(inner, Num) else Op("neg", (inner,), span=span)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            return walk(node.operand)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Op("not", (walk(node.operand),), span=span)
        if isinstance(node, ast.BoolOp):
            return Op("and" if isinstance(node.op, ast.And) else "or", tuple(map(walk, node.values)), span=span)
        if isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
            sides = [walk(side) for side in (node.left, *node.comparators)]
            pairs = tuple(Op(_COMPARE[type(op)], (sides[k], sides[k + 1]), span=span) for k, op in enumerate(node.ops))
            return pairs[0] if len(pairs) == 1 else Op("and", pairs, span=span)
        if isinstance(node, ast.IfExp):
            return Call("where", (walk(node.test), walk(node.body), walk(node.orelse)), span=span)
        if isinstance(node, ast.Call):
            return call(node, span)
        if isinstance(node, ast.Attribute):
            raise refuse(node, "Access to attributes ('.') is not allowed in equations: give the value as a parameter.")
        raise refuse(node, f"{_describe(node)} is not allowed in equations. "
                           "Use numbers, declared names, + - * / **, comparisons and functions.")

    def call(node: ast.Call, span: tuple[int, int] | None) -> Node:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name is None and attribute is not None and isinstance(node.func, ast.Attribute):
            name = attribute(node.func)
        if name is None:
            raise refuse(node.func, "Only functions called by their name are allowed in equations "
                                    f"({listing(sorted(FUNCTIONS))}).")
        name = ALIASES.get(name, name)
        if name not in FUNCTIONS:
            raise refuse(node.func, f"There is no function {name!r}.{nearest(name, [*FUNCTIONS, *ALIASES])} "
                                    f"Known: {listing(sorted(FUNCTIONS))}.")
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise refuse(node, f"Give the arguments of {name} by position.")
        args = tuple(map(walk, node.args))
        if name in ("minimum", "maximum") and len(args) > 2:
            folded = args[0]
            for other in args[1:]:
                folded = Call(name, (folded, other), span=span)
            return folded
        if len(args) != FUNCTIONS[name].n_args:
            raise refuse(node, f"{name} takes {FUNCTIONS[name].n_args} argument(s), {len(args)} given.")
        return Call(name, args, span=span)

    try:
        return walk(tree)
    except RecursionError:
        raise ModelError(f"The {where} is nested too deeply: split it into named parts.") from None


def _offset(text: str, line: int, byte_column: int) -> int:
    """Character offset in the whole text of an `ast` position (1-based line, UTF-8 column)."""
    lines = text.split("\n")
    before = sum(len(row) + 1 for row in lines[:line - 1])
    return before + len(lines[line - 1].encode()[:byte_column].decode(errors="ignore"))


def _describe(node: ast.AST) -> str:
    names = {"Subscript": "Indexing with [ ]", "Lambda": "A lambda", "List": "A list", "Tuple": "A tuple",
             "Dict": "A dict", "ListComp": "A comprehension", "JoinedStr": "A string",
             "NamedExpr": "An assignment (:=)", "Await": "await", "Starred": "A starred argument"}
    if isinstance(node, ast.BinOp):
        return f"The operator {type(node.op).__name__}"
    return names.get(type(node).__name__, f"This syntax ({type(node).__name__})")


# -- walking ------------------------------------------------------------------------------------------------------

def children(node: Node) -> tuple[Node, ...]:
    """Return the operands or arguments of a node."""
    return node.args if isinstance(node, (Op, Call)) else ()


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def symbols(node: Node) -> set[str]:
    """Return the names that occur in the expression."""
    return {n.name for n in walk(node) if isinstance(n, Sym)}


def calls(node: Node) -> set[str]:
    """Return the functions that occur in the expression."""
    return {n.func for n in walk(node) if isinstance(n, Call)}


def rebuild(node: Node, args: tuple[Node, ...]) -> Node:
    """Return the node with other operands."""
    if isinstance(node, Op):
        return Op(node.op, args, span=node.span)
    if isinstance(node, Call):
        return Call(node.func, args, span=node.span)
    return node


def substitute(node: Node, values: Mapping[str, Node]) -> Node:
    """Return the expression with every symbol of `values` replaced."""
    if isinstance(node, Sym):
        return values.get(node.name, node)
    args = children(node)
    return rebuild(node, tuple(substitute(a, values) for a in args)) if args else node


def evaluate(node: Node, values: Mapping[str, object]):
    """Return the value of the expression for numbers or arrays by name, computed with NumPy.

    Raises:
        ModelError: for a name without a value, or a random function.
    """
    if isinstance(node, Num):
        return node.value
    if isinstance(node, Sym):
        if node.name not in values:
            raise ModelError(f"{node.name!r} has no value here.{nearest(node.name, values)}")
        return values[node.name]
    args = [evaluate(a, values) for a in children(node)]
    if isinstance(node, Call):
        function = FUNCTIONS[node.func].evaluate
        if function is None:
            raise ModelError(f"{node.func}() has no fixed value and cannot be computed outside of a run.")
        with np.errstate(all="ignore"):
            return function(*map(_real, args))
    with np.errstate(all="ignore"):
        return _OPERATORS[node.op](*args)


def _real(value):
    # NumPy adds booleans by "or" and refuses to subtract them; a condition counts as 0 or 1 here
    boolean = isinstance(value, bool) or (isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "b")
    return np.asarray(value, dtype=float)[()] if boolean else value


def _arithmetic(function: Callable) -> Callable:
    return lambda *args: function(*map(_real, args))


_OPERATORS: dict[str, Callable] = {
    "+": _arithmetic(operator.add), "-": _arithmetic(operator.sub), "*": _arithmetic(operator.mul),
    "/": _arithmetic(np.divide), "**": _arithmetic(lambda a, b: np.power(np.asarray(a, dtype=float), b)),
    "neg": _arithmetic(operator.neg), "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal, "!=": np.not_equal, "not": np.logical_not,
    "and": lambda *a: np.logical_and.reduce(np.broadcast_arrays(*a)),
    "or": lambda *a: np.logical_or.reduce(np.broadcast_arrays(*a)),
}

_LEVEL = {"or": 1, "and": 2, "not": 3, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6, "neg": 7,
          "**": 8}


def show(node: Node) -> str:
    """Return the expression as text that `parse` reads back."""
    return _show(node, 0)


def _show(node: Node, outer: int) -> str:
    if isinstance(node, Num):
        text = repr(float(node.value)).removesuffix(".0")
        return f"({text})" if text.startswith("-") and outer > 5 else text
    if isinstance(node, Sym):
        return node.name
    if isinstance(node, Call):
        return f"{node.func}({', '.join(_show(a, 0) for a in node.args)})"
    level = _LEVEL[node.op]
    if node.op == "neg":
        text = "-" + _show(node.args[0], level)
    elif node.op == "not":
        text = "not " + _show(node.args[0], level)
    elif node.op == "**":
        text = f"{_show(node.args[0], level + 1)}**{_show(node.args[1], level)}"
    else:
        blank = "" if node.op in "*/" else " "
        # comparisons and logic of the same level would be read back as one chain
        first = level if node.op in "+-*/" else level + 1
        parts = [_show(a, first if k == 0 else level + 1) for k, a in enumerate(node.args)]
        text = f"{blank}{node.op}{blank}".join(parts)
    return f"({text})" if level < outer else text


def names_in(nodes: Iterable[Node]) -> set[str]:
    """Return the names that occur in any of the expressions."""
    return set().union(*(symbols(n) for n in nodes))
