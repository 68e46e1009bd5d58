"""Exponentials that are powers of one another: which are found, and that the values stay the same to rounding."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from neurosim.codegen.powers import HIGHEST, linear_form, share_exponentials
from neurosim.kernels import vmath32, vmath64
from neurosim.model.expression import Call, Num, Op, Sym, calls, evaluate, parse, walk

OF = {"exprel_of": lambda x: mpmath.expm1(x) / x, "x_over_expm1_of": lambda x: x / mpmath.expm1(x)}


def share(*lines, single=False):
    """Share the exponentials of lines "name = expression"."""
    taken = set()

    def unique(name):
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    body = [(name.strip(), parse(text.strip()), "") for name, text in (line.split("=") for line in lines)]
    return share_exponentials(body, single, lambda node: True, unique)


def count(body, *functions):
    return sum(isinstance(n, Call) and n.func in functions for _, value, _ in body for n in walk(value)
               if not (isinstance(n, Call) and isinstance(n.args[0], Num)))


def run(body, **values):
    """Evaluate lines in order with the compiled functions."""
    own = {"exp_within": vmath64.exp_within, "exprel_of": vmath64.exprel_of, "x_over_expm1_of": vmath64.x_over_expm1_of}

    def value_of(node):
        if isinstance(node, Call) and node.func in own:
            return own[node.func](*(float(value_of(a)) for a in node.args))
        if isinstance(node, Sym):
            return values[node.name]
        if isinstance(node, Num):
            return node.value
        args = tuple(Num(float(value_of(a))) for a in node.args)
        return evaluate(Op(node.op, args) if isinstance(node, Op) else Call(node.func, args), {})

    for name, node, _ in body:
        values[name] = float(value_of(node))
    return values


@pytest.mark.parametrize("name", OF)
@pytest.mark.parametrize(("module", "dtype"), [(vmath64, np.float64), (vmath32, np.float32)])
def test_functions_of_argument_and_exponential_err_by_less_than_stated(module, dtype, name):
    function = getattr(module, name)

    @njit(error_model="numpy")
    def apply(x, e, out):
        for i in range(x.size):
            out[i] = function(x[i], e[i])

    rng = np.random.default_rng(3)
    edge = 0.5 * (1 + np.linspace(-1e-6, 1e-6, 100))  # where the polynomial takes over
    x = np.concatenate((rng.uniform(-2, 2, 400), rng.uniform(-80, 80, 100), edge, -edge, 10.0 ** rng.uniform(-30, 0, 100)))
    x = x.astype(dtype)
    with mpmath.workdps(50):
        e = np.array([dtype(float(mpmath.exp(mpmath.mpf(float(v))))) for v in x], dtype)
        exact = [OF[name](mpmath.mpf(float(v))) for v in x]
        out = np.empty_like(x)
        apply(x, e, out)
        ulp = [float(np.spacing(dtype(float(abs(t))))) for t in exact]
        worst = max(float(abs(mpmath.mpf(float(o)) - t)) / u for o, t, u in zip(out, exact, ulp))
    assert worst <= 4.0  # as in the docstrings


@pytest.mark.parametrize("module", [vmath64, vmath32])
def test_functions_at_the_ends_of_the_range(module):
    inf = math.inf
    assert module.exprel_of(0.0, 1.0) == module.x_over_expm1_of(0.0, 1.0) == 1.0
    assert module.x_over_expm1_of(60.0, inf) == 0.0 and module.exprel_of(60.0, inf) == inf
    assert module.x_over_expm1_of(-60.0, 0.0) == 60.0
    assert math.isnan(module.exprel_of(math.nan, 1.0)) and math.isnan(module.exp_within(math.nan, 10.0))
    assert module.exp_within(50.0, 10.0) == module.exp_within(10.0, 20.0)
    assert module.exp_within(-50.0, 10.0) == module.exp_within(-10.0, 20.0)


def test_the_squid_axon_needs_two_exponentials_for_six():
    rates = ("am = 1/exprel(-(v + 40)/10)", "bm = 4*exp(-(v + 65)/18)", "ah = 0.07*exp(-(v + 65)/20)",
             "bh = 1/(1 + exp(-(v + 35)/10))", "an = 0.1/exprel(-(v + 55)/10)", "bn = 0.125*exp(-(v + 65)/80)")
    double, single = share(*rates), share(*rates, single=True)
    assert count(double, "exp", "exp_within", "exprel") == 2
    # float32 has no digits for high powers: -1/20 and its double, -1/18, -1/80
    assert count(single, "exp", "exp_within", "exprel") == 3
    # every power is assigned before it is used
    for body in (double, single):
        done = {"v"}
        for name, value, _ in body:
            assert {n.name for n in walk(value) if isinstance(n, Sym)} <= done
            done.add(name)


@pytest.mark.parametrize("lines", [
    ("a = exp(v/10)", "b = exp(v/7)"),             # no whole ratio
    ("a = exp(v/10)", "b = exp(u/10)"),            # another variable
    ("a = exp(v/1000)", "b = exp(v/10)"),          # a power of 100 would lose two digits
    ("a = exp(v/10)", "b = exp((v - 500)/10)"),    # a constant of e^-50: one of them may be finite where the other is not
    ("a = exp(v*v/10)", "b = exp(v*v/5)"),         # not a sum of numbers times symbols
    ("a = exp(v/10)", "b = 2*exp(v/10)*0 + v"),    # the same exponential twice: the compiler sees that by itself
    ("a = exp(0*v)", "b = exp(v)"),
])
def test_what_is_not_a_power_stays(lines):
    assert not any("exp_within" in calls(value) for _, value, _ in share(*lines))


def test_symbols_with_equal_parts_are_found_and_others_not():
    together = share("a = exp((v - v_t - 10)/5)", "b = exp((v_t - v + 40)/40)")
    assert count(together, "exp_within") == 1 and count(together, "exp") == 0
    apart = share("a = exp((v - v_t - 10)/5)", "b = exp((v_t + v + 40)/40)")
    assert count(apart, "exp_within") == 0


@given(k=st.integers(-HIGHEST[False], HIGHEST[False]).filter(bool), tau=st.floats(0.5, 100.0), shift=st.floats(-3.0, 3.0),
       x=st.floats(-60.0, 60.0), function=st.sampled_from(["exp", "logistic", "exprel", "x_over_expm1"]))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_values_stay_the_same_to_rounding(k, tau, shift, x, function):
    v = x * tau / k
    body = share(f"a = exp((v + {shift!r})/{tau!r})", f"b = {function}({k}*v/{tau!r})")
    if abs(k * shift / tau) > 8.0:
        assert count(body, "exp_within") == 0
        return
    values = run(body, v=v)
    with mpmath.workdps(40):
        t = mpmath.mpf(v) / mpmath.mpf(tau)
        exact = {"exp": mpmath.exp, "logistic": lambda z: 1 / (1 + mpmath.exp(-z)),
                 "exprel": lambda z: mpmath.expm1(z) / z if z else mpmath.mpf(1),
                 "x_over_expm1": lambda z: z / mpmath.expm1(z) if z else mpmath.mpf(1)}[function](k * t)
        error = abs(mpmath.mpf(values["b"]) / exact - 1) / mpmath.mpf(2) ** -53
        first = mpmath.exp(t + mpmath.mpf(shift) / mpmath.mpf(tau))
        assert abs(mpmath.mpf(values["a"]) / first - 1) <= (abs(t) + 8.0) * mpmath.mpf(2) ** -52
    # E^k errs by |x| + 2 |k|, the constant by its exponent; e^x - 1 at |x| = 1/2 multiplies by e^(1/2) / (e^(1/2) - 1) = 2.6
    assert error <= 2.6 * 2 * (abs(x) + 2 * abs(k) + abs(k * shift / tau) + 4)


def test_nothing_is_infinity_times_zero_far_outside():
    body = share("a = exp(v/40)", "b = x_over_expm1(-v/5)", "c = x_over_expm1(v/5)", "d = exprel(-v/5)", "e = exprel(v/5)")
    assert count(body, "exp_within") == 1
    for v in (-1e6, -4000.0, 4000.0, 1e6):
        values = run(body, v=v)
        small, large = ("b", "c") if v < 0 else ("c", "b")
        assert values[small] == 0.0 or abs(values[small]) < 1e-280
        assert values[large] == pytest.approx(abs(v) / 5, rel=1e-12)
        assert all(not math.isnan(n) for n in values.values())


@pytest.mark.parametrize(("text", "form"), [
    ("-(v + 65)/80", ({"v": -1 / 80}, -65 / 80)), ("2*(v - w) - 3*v", ({"v": -1.0, "w": -2.0}, 0.0)), ("v*w", None),
    ("1/v", None), ("v**2", None), ("exp(v)", None), ("4", ({}, 4.0)), ("v/(2*3)", ({"v": 1 / 6}, 0.0)),
])
def test_linear_forms(text, form):
    assert linear_form(parse(text)) == (None if form is None else (pytest.approx(form[0]), pytest.approx(form[1])))
