"""Expressions: what is read, what is refused and with which words, and what they are worth."""

import math

import numpy as np
import pytest

from neurosim.errors import ModelError
from neurosim.model.expression import (
    ALIASES,
    FUNCTIONS,
    Call,
    Num,
    Op,
    Sym,
    calls,
    evaluate,
    names_in,
    parse,
    show,
    substitute,
    symbols,
)

A, B = Sym("a"), Sym("b")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("2", Num(2.0)),
        ("-2.5e-3", Num(-0.0025)),
        ("  a ", A),
        ("+a", A),
        ("-a**2", Op("neg", (Op("**", (A, Num(2.0))),))),
        ("a - b - 1", Op("-", (Op("-", (A, B)), Num(1.0)))),
        ("a if a > b else 0", Call("where", (Op(">", (A, B)), A, Num(0.0)))),
        ("0 < a <= b", Op("and", (Op("<", (Num(0.0), A)), Op("<=", (A, B))))),
        ("not a < b", Op("not", (Op("<", (A, B)),))),
        ("sigmoid(a)", Call("logistic", (A,))),
        ("max(a, b, 1)", Call("maximum", (Call("maximum", (A, B)), Num(1.0)))),
        ("pi", Num(math.pi)),
        ("True", Num(1.0)),
    ],
)
def test_parse(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("a.b + 1", "parameter", "a.b"),
        ("exq(a)", "Did you mean 'exp'", "exq"),
        ("a[0]", "Indexing", "a[0]"),
        ("a ^ 2", r"write '\*\*'", "a ^ 2"),
        ("'text'", "is not a number", "'text'"),
        ("a + 1j", "is not a number", "1j"),
        ("exp(a, b)", r"takes 1 argument\(s\), 2 given", "exp(a, b)"),
        ("exp(a, b=1)", "by position", "exp(a, b=1)"),
        ("exp(*a)", "by position", "exp(*a)"),
        ("lambda: 1", "A lambda", "lambda: 1"),
        ("(a := 2)", "An assignment", "a := 2"),
        ("a // b", "FloorDiv", "a // b"),
        ("a % b", "Mod", "a % b"),
        ("a is b", "Compare", "a is b"),
        ("__import__('os')", "no function '__import__'", "__import__"),
        ("f(a)(b)", "called by their name", "f(a)"),
        ("1e999999999999 + 10**400 + " + "9" * 400, "too large", "9" * 400),
        ("~a", "UnaryOp", "~a"),
        ("[a, b]", "A list", "[a, b]"),
    ],
)
def test_refused_with_place_and_carets(text, message, marked):
    with pytest.raises(ModelError, match=message) as info:
        parse(text, "equation of v")
    line, carets = str(info.value).splitlines()[1:3]
    assert "In the equation of v:" in str(info.value)
    start = carets.index("^")
    assert line[start : start + carets.count("^")] == marked


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a +", "cannot be read"),
        ("a b", "cannot be read"),
        ("(a", "cannot be read"),
        ("a\x00", "cannot be read"),
    ],
)
def test_unreadable(text, message):
    with pytest.raises(ModelError, match=f"threshold {message}|threshold is empty"):
        parse(text, "threshold")


def test_too_deep_is_an_error_not_a_crash():
    for text in ("(" * 5000 + "a" + ")" * 5000, "sin(" * 2000 + "a" + ")" * 2000, "-" * 20000 + "a"):
        with pytest.raises(ModelError):
            parse(text)


def test_span_counts_characters_not_bytes():
    node = parse("τ_µ + a")
    assert node.args[1].span == (6, 1)


def test_span_is_no_part_of_equality_and_hash():
    assert parse("a + b") == parse("a  +  b")
    assert hash(parse("a + b")) == hash(parse("a  +  b"))


def test_names_and_substitution():
    node = parse("a*exp(-b) + min(a, c)")
    assert symbols(node) == {"a", "b", "c"}
    assert calls(node) == {"exp", "minimum"}
    assert substitute(node, {"a": Num(2.0), "x": B}) == parse("2*exp(-b) + min(2, c)")
    assert names_in([node, parse("d")]) == {"a", "b", "c", "d"}
    assert names_in([]) == set()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/0", math.inf),
        ("2**-1", 0.5),
        ("(1 < 2) + (2 < 3)", 2.0),  # conditions count as numbers, they are not combined by "or"
        ("(1 < 2) - (3 < 2)", 1.0),
        ("-(1 < 2)", -1.0),
        ("where(1 < 2 and 2 < 1, 5, 6)", 6.0),
        ("0 < 1 or 0 > 1", 1.0),
        ("exprel(0)", 1.0),
        ("exprel(1)", math.e - 1),
        ("x_over_expm1(0)", 1.0),
        ("x_over_expm1(-40)", 40 / (1 - math.exp(-40))),
        ("logistic(800) + logistic(-800)", 1.0),
        ("softplus(800)", 800.0),
        ("clip(5, 0, 2)", 2.0),
        ("relu(-1) + relu(3)", 3.0),
        ("heaviside(0)", 0.0),
        ("abs(-2)*sign(-3)", -2.0),
    ],
)
def test_evaluate(text, value):
    # one operation of libm each: a few units in the last place
    assert float(evaluate(parse(text), {})) == pytest.approx(value, rel=1e-15)


def test_evaluate_arrays_and_missing_names():
    x = np.array([-1.0, 0.0, 2.0])
    assert np.array_equal(evaluate(parse("where(x > 0, x, -x)"), {"x": x}), [1.0, 0.0, 2.0])
    with pytest.raises(ModelError, match="'x_1' has no value here. Did you mean 'x_2'"):
        evaluate(parse("x_1"), {"x_2": 1.0})
    with pytest.raises(ModelError, match="rand.. has no fixed value"):
        evaluate(parse("rand()"), {})


@pytest.mark.parametrize(
    "text",
    [
        "-2 + a",
        "a - -2",
        "(-2)**a",
        "a**-2",
        "(a**b)**2",
        "a**b**2",
        "-(a*b)",
        "(-a)*b",
        "(-a)**2",
        "a/(b/2)",
        "a/b/2",
        "a - (b - 1)",
        "(a < b) < 1",
        "(a and b) and a",
        "a and b and a",
        "not (a and b)",
        "not a and b",
        "1e-300*a",
        "1e22",
        "0.1 + a",
        "where(a < b, 1, 2)",
        "inf",
        "-inf",
        "123456789012345678",
        "--a",
        "-(-2)",
        "(a < b)*2",
    ],
)
def test_show_is_read_back(text):
    tree = parse(text)
    assert parse(show(tree)) == tree


@pytest.mark.parametrize(
    ("number", "text"), [(2.0, "2"), (-0.5, "-0.5"), (0.1, "0.1"), (1e-05, "1e-05"), (1 / 3, repr(1 / 3))]
)
def test_show_of_numbers_is_short_and_exact(number, text):
    assert show(Num(number)) == text


# points where every function of one argument is smooth
_POINTS = {"log": 0.7, "log2": 0.7, "log10": 0.7, "sqrt": 0.7, "arcsin": 0.3, "arccos": 0.3}


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if f.derivative])
def test_derivatives_of_the_table_match_central_differences(name):
    function = FUNCTIONS[name]
    at = [_POINTS.get(name, 0.37) + 0.21 * k for k in range(function.n_args)]
    if name == "clip":
        at = [0.4, 0.1, 0.9]
    h = 1e-5
    for k, text in enumerate(function.derivative):
        up, down = list(at), list(at)
        up[k] += h
        down[k] -= h
        numeric = (float(function.evaluate(*up)) - float(function.evaluate(*down))) / (2 * h)
        exact = float(evaluate(parse(text), dict(zip("abc", at, strict=False))))
        # truncation h^2/6 f''' with |f'''| < 100 here, and rounding 1e-16/h: both below 1e-8
        assert exact == pytest.approx(numeric, abs=1e-8)


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("x_over_expm1", 0.0, -0.5),
        ("x_over_expm1", 800.0, 0.0),
        ("x_over_expm1", -800.0, -1.0),
        ("exprel", 0.0, 0.5),
        ("softplus", 800.0, 1.0),
        ("logistic", -800.0, 0.0),
    ],
)
def test_derivatives_at_singular_and_extreme_points(name, x, slope):
    assert float(evaluate(parse(FUNCTIONS[name].derivative[0]), {"a": x})) == pytest.approx(slope, abs=1e-12)


def test_aliases_are_functions():
    assert set(ALIASES.values()) <= set(FUNCTIONS)
    assert not set(ALIASES) & set(FUNCTIONS)
