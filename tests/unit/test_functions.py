"""Models from Python functions: the same representation as from equations, and every refusal with line and caret."""

import functools
import math
from math import exp, pi

import numpy as np
import pytest

from neurosim.errors import ModelError, ParameterError, UnitError
from neurosim.model.expression import FUNCTIONS, Num, Sym, evaluate, parse, show
from neurosim.model.ir import NeuronModel

build = NeuronModel.from_functions
LEAK = 0.03


def drift(function, **options):
    return build({"x": function}, **options).states[0].drift


def test_adex_is_the_same_from_both_doors():
    def dv(v, w, i, g_l=0.030, e_l=-70.6, c=0.281, v_t=-50.4, delta_t=2.0):
        """Brette and Gerstner 2005."""
        leak = g_l * (e_l - v)
        upstroke = g_l * delta_t * np.exp((v - v_t) / delta_t)
        return (leak + upstroke - w + i) / c

    model = build(
        {"v": dv, "w": lambda v, w, a, e_l, tau_w: (a * (v - e_l) - w) / tau_w},
        threshold=lambda v, v_cut: v > v_cut,
        reset={"v": lambda v_reset: v_reset, "w": lambda w, b: w + b},
        parameters=dict(a=0.004, b=0.0805, tau_w=144.0, v_reset=-70.6, v_cut=20.0),
        inputs={"i": "nA"}, units=dict(v="mV", w="nA"), name="adex", refractory=2,
    )
    twin = NeuronModel.from_equations(
        """
        dv/dt = (g_l*(e_l - v) + g_l*delta_t*exp((v - v_t)/delta_t) - w + i) / c   : mV
        dw/dt = (a*(v - e_l) - w) / tau_w                                          : nA
        """,
        threshold="v > v_cut", reset="v = v_reset; w = w + b", inputs={"i": "nA"}, name="adex", refractory=2,
        parameters=dict(c=0.281, g_l=0.030, e_l=-70.6, v_t=-50.4, delta_t=2.0, a=0.004, b=0.0805, tau_w=144.0,
                        v_reset=-70.6, v_cut=20.0),
    )
    for ours, theirs in zip(model.states, twin.states, strict=True):
        assert (ours.name, ours.unit, ours.drift, ours.noise, ours.held) == (
            theirs.name, theirs.unit, theirs.drift, theirs.noise, theirs.held)
    assert model.threshold == twin.threshold
    assert [(r.target, r.value) for r in model.reset] == [(r.target, r.value) for r in twin.reset]
    for field in ("parameters", "units", "inputs", "initial", "refractory", "edge"):
        assert getattr(model, field) == getattr(twin, field)


def test_noise_is_independent_for_each_state():
    model = build({"x": lambda x, tau: -x / tau, "y": lambda y, tau: -y / tau}, parameters=dict(tau=10.0, s=2.0),
                  noise={"x": lambda s, tau: s * np.sqrt(2 / tau), "y": 0.5})
    twin = NeuronModel.from_equations("dx/dt = -x/tau + s*sqrt(2/tau)*xi_x\ndy/dt = -y/tau + 0.5*xi_y",
                                      parameters=dict(tau=10.0, s=2.0))
    assert [(s.drift, s.noise) for s in model.states] == [(s.drift, s.noise) for s in twin.states]


def test_text_and_numbers_are_taken_where_equations_take_them():
    model = build({"x": lambda x: -x, "y": 0}, threshold="x > 1", reset="x = 0; y += 1", initial=dict(x="y/2"))
    assert model.states[1].drift == Num(0.0)
    assert model.reset[1].value == parse("y + 1")
    assert model.initial["x"] == parse("y/2")
    assert build({"x": lambda x: -x}, threshold=lambda x, t: x > 1 and t > 5, reset={"x": -1}).initial["x"] == -1.0


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: math.exp(-x) + np.tanh(x) + exp(x), "exp(-x) + tanh(x) + exp(x)"),
        (lambda x: min(x, 1) + max(x, 2, 3) + abs(x), "minimum(x, 1) + max(x, 2, 3) + abs(x)"),
        (lambda x: np.where(x > 0, x, 0) + np.clip(x, 0, 1), "where(x > 0, x, 0) + clip(x, 0, 1)"),
        (lambda x: math.pow(x, 2) + pow(x, 3) + np.power(x, 4), "x**2 + x**3 + x**4"),
        (lambda x: x * math.pi + np.pi + pi, "x*pi + pi + pi"),
        (lambda x: math.atan(x) + np.arctan(x) + math.fabs(x), "arctan(x) + arctan(x) + abs(x)"),
        (lambda x, t, dt: x * t / dt, "x*t/dt"),
        (lambda x: 1.0 if 0 < x <= 2 and not x == 1 else -x, "where(0 < x and x <= 2 and not x == 1, 1, -x)"),
        (lambda x: float(x > 1) * x, "(x > 1)*x"),
        (lambda x: (x
                    + 1), "x + 1"),
        (lambda x, *, k=2.0: -k * x, "-k*x"),
        (lambda x: exprel(x) + relu(x), "exprel(x) + relu(x)"),  # noqa: F821
    ],
)
def test_expressions(function, text):
    found, wanted = drift(function), parse(text)
    for x in (-1.5, 0.3, 1.0, 2.5):
        at = dict(x=x, t=3.0, dt=0.5, k=2.0)
        assert float(evaluate(found, at)) == float(evaluate(wanted, at))


def test_special_functions_of_scipy():
    special = pytest.importorskip("scipy.special")
    from scipy.special import expit

    assert drift(lambda x: expit(x) + special.exprel(x)) == parse("logistic(x) + exprel(x)")


def branches(x, a=1.0):
    y = z = x + a
    if x > 1:
        y += math.sin(x)
        z *= 2
    elif x < -1 and not x < -2:
        y = -y
    else:
        return -x
    u, w = z, y
    u: float = u - 1
    y **= 2
    if w > 0:
        y = y / 2
    return y + u if u > 0 else w * u


def early(x):
    if x > 2:
        return 2 - x
    if x < -2:
        return -2 - x
    if x > 0:
        y = x
    else:
        y = -x
    pass
    return y * 0.5


@pytest.mark.parametrize("function", [branches, early])
def test_statements_give_what_python_gives(function):
    node = drift(function)
    for x in np.linspace(-4, 4, 41):
        # Python's own call is the answer; one rounding of sin may differ
        assert float(evaluate(node, {"x": x, "a": 1.0})) == pytest.approx(function(x), rel=1e-15, abs=1e-15)


def test_lambdas_in_one_line_are_told_apart():
    pair = [lambda x: -x, lambda x: -2 * x]
    assert [show(drift(f)) for f in pair] == ["-x", "(-2)*x"]
    model = build({"x": lambda x, y: y - x, "y": lambda x, y: x - y})
    assert [show(s.drift) for s in model.states] == ["y - x", "x - y"]


def test_default_values_are_parameters():
    def dx(x, tau=10.0):
        return -x / tau

    assert build({"x": dx}).parameters["tau"] == 10.0
    assert build({"x": dx}, parameters=dict(tau=20.0)).parameters["tau"] == 20.0
    with pytest.raises(ParameterError, match="default value of 'tau' is 10 in one function and 5 in the noise of x"):
        build({"x": dx}, noise={"x": lambda tau=5.0: 1 / tau})
    with pytest.raises(ModelError, match="'x' is no parameter, so it cannot have a default value. Use initial="):
        build({"x": lambda x=0.0: -x})
    with pytest.raises(ParameterError, match="default 'tau' in the derivative of x is None"):
        build({"x": lambda x, tau=None: -x / tau})


def test_units_are_checked():
    assert build({"v": lambda v, tau: -v / tau}, parameters=dict(tau=1.0), units=dict(v="mV")).units["tau"] == "ms"
    with pytest.raises(UnitError, match=r"(?s)In the equation of v:\n +\(-v \+ i\)/tau\n +\^\n.*i is in nA") as info:
        build({"v": lambda v, i, tau: (-v + i) / tau}, parameters=dict(tau=1.0), inputs={"i": "nA"}, units=dict(v="mV"))
    assert "resistance in MOhm" in str(info.value)


def test_decorated_functions():
    def remember(function):
        return function

    @remember
    def dx(x):
        return -x

    assert drift(dx) == parse("-x")


# -- refusals


def helper(x):
    return x


def uses_module_value(x):
    return x * LEAK


def loops(x):
    for k in range(3):
        x += k
    return x


def calls_helper(x):
    return 1 + helper(x)


def calls_norm(x):
    return np.linalg.norm(x)


def takes_reduction(x):
    return np.min(x, 2)


def half_assigned(x):
    if x > 1:
        y = 2
    return x * y


def no_return(x):
    y = x  # noqa: F841


def returns_nothing(x):
    return


def unknown_argument(x, tua):
    return -x / tua


def attribute(x):
    return x.real


def subscript(x):
    return x[0]


def generator(x):
    yield x


async def coroutine(x):
    return x


def variadic(*x):
    return x


def imports(x):
    import os

    return os.getpid() * x


def writes_global(x):
    global LEAK
    LEAK = x
    return x


def nested(x):
    def inner(y):
        return y

    return inner(x)


def stores_item(x):
    x[0] = 1
    return x


def comprehends(x):
    return sum(k for k in (x, x))


def walrus(x):
    return (y := x) + y


def undefined(x):
    return x * not_there  # noqa: F821


def floor_division(x):
    x //= 2
    return x


def asserts(x):
    assert x > 0
    return x


def shadows(x):
    exp = helper
    return exp(x)


@pytest.mark.parametrize(
    ("function", "message", "marked"),
    [
        (uses_module_value, "'LEAK' is a value from outside of the function. Declare it in parameters=", "LEAK"),
        (loops, "A 'for' loop is not allowed", "for k in range(3):"),
        (calls_helper, "'helper' is not a function that equations know.*Write its formula out", "helper"),
        (calls_norm, "'np.linalg.norm' is not a function", "np.linalg.norm"),
        (takes_reduction, "'np.min' is not a function", "np.min"),
        (half_assigned, "'y' has no value on every path", "y"),
        (no_return, "Not every path through the function returns", "def no_return(x):"),
        (returns_nothing, "Return a value", "return"),
        (unknown_argument, "argument 'tua' is not declared", "def unknown_argument(x, tua):"),
        (attribute, r"attributes \('.'\) is not allowed", "x.real"),
        (subscript, "Indexing", "x[0]"),
        (generator, "'yield' makes a generator", "def generator(x):"),
        (coroutine, "An async function", "async def coroutine(x):"),
        (variadic, r"\*args and \*\*kwargs have no names", "def variadic(*x):"),
        (imports, "'import' is not allowed", "import os"),
        (writes_global, "'global' is not allowed", "global LEAK"),
        (nested, "A function within a function is not allowed", "def inner(y):"),
        (stores_item, "Only local names can be assigned", "x[0]"),
        (comprehends, "'sum' is not a function|'k' has no value", None),
        (walrus, "no value on every path|An assignment", None),
        (undefined, "'not_there' is not defined", "not_there"),
        (floor_division, r"Only \+= -= \*= /= \*\*= are allowed", "x //= 2"),
        (asserts, "'assert' is not allowed", "assert x > 0"),
        (shadows, "'helper' is a value from outside", "helper"),
    ],
)
def test_refused_with_line_and_caret(function, message, marked):
    with pytest.raises(ModelError, match="(?s)" + message) as info:
        drift(function)
    text = str(info.value)
    assert f"In the derivative of x ({function.__name__}), test_functions.py line " in text
    if marked:
        lines = text.splitlines()
        k = next(k for k, line in enumerate(lines) if line.strip() and not line.strip().strip("^"))
        start = lines[k].index("^")
        assert lines[k - 1][start : start + lines[k].count("^")] == marked


class Callable:
    def __call__(self, x):
        return x

    def method(self, x):
        return x


@pytest.mark.parametrize("function", [abs, np.exp, functools.partial(helper, x=1), Callable(), Callable().method, int])
def test_what_has_no_source(function):
    with pytest.raises(ModelError, match="no plain Python function: its source cannot be read"):
        drift(function)


def test_functions_from_a_prompt_have_no_source():
    # stands for a function typed at the prompt of Python
    typed = type(helper)(compile("lambda x: -x", "<stdin>", "eval").co_consts[0], {}, "typed")
    with pytest.raises(ModelError, match=r"source of the derivative of x .* is not available"):
        drift(typed)


def test_a_file_that_changed_is_noticed(tmp_path):
    import importlib.util
    import linecache

    path = tmp_path / "changing.py"
    path.write_text("def dx(x, tau):\n    return -x/tau\n")
    spec = importlib.util.spec_from_file_location("changing", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.write_text("# new\n\ndef dx(x, tau):\n    return -x/tau\n")
    linecache.checkcache(str(path))
    with pytest.raises(ModelError, match="the file has changed since it was loaded"):
        drift(module.dx, parameters=dict(tau=1.0))
    path.write_text("def dx(x, sigma):\n    return -x/sigma\n")
    linecache.checkcache(str(path))
    with pytest.raises(ModelError, match="the function x, tau: the file has changed"):
        drift(module.dx, parameters=dict(tau=1.0))


def doubling(x):
    a = x * x
    b = a * a + a
    c = b * b + b
    d = c * c + c
    e = d * d + d
    f = e * e + e
    g = f * f + f
    h = g * g + g
    i = h * h + h
    j = i * i + i
    k = j * j + j
    return k * k + k


def test_exploding_formulas_are_refused():
    with pytest.raises(ModelError, match="parts when its local names are written out"):
        drift(doubling)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(derivatives=[1]), "must be a mapping from state to function, not list"),
        (dict(derivatives={"x": "-x"}), "is the text '-x'; give a function"),
        (dict(derivatives={"x": [1, 2]}), "give a function or one number"),
        (dict(noise={"y": 1.0}), "noise= names 'y', which is no state"),
        (dict(threshold=3), "threshold= must be a function or text"),
        (dict(threshold=lambda x: x), "A condition is needed"),
        (dict(threshold="x > 1", reset=3), "reset= must be a mapping"),
        (dict(threshold="x > 1", reset={"y": 3}), "'y' is no state"),
        (dict(reset={"x": 0}), "reset but no threshold"),
        (dict(parameters=dict(k=1.0)), "'k' is used nowhere"),
        (dict(derivatives={"t": lambda x: x}), "cannot be the name of a state|not declared"),
        (dict(derivatives={}), "neither equations nor a threshold"),
        (dict(threshold="x > 1", reset={"x": lambda: 2}), "leaves the threshold .* true"),
    ],
)
def test_errors_of_the_whole(options, message):
    with pytest.raises((ModelError, ParameterError), match=message):
        build(**({"derivatives": {"x": lambda x: -x}} | options))


def test_every_function_of_the_table_is_reached_by_its_numpy_name():
    for name in sorted(set(FUNCTIONS) - {"rand", "randn", "where", "clip"}):
        if hasattr(np, name):
            from neurosim.model.callables import _by_identity

            assert _by_identity()[id(getattr(np, name))] == name


def test_names_of_arguments_win_over_modules():
    assert drift(lambda x, np: -x * np, parameters=dict(np=2.0)) == parse("-x*np")
    assert drift(lambda x, e: e - x, parameters=dict(e=2.0)).args[0] == Sym("e")
