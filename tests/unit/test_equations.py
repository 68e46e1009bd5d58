"""Models from equations: reading, inference of units, and every error with its place and remedy."""

import pickle

import numpy as np
import pytest

from neurosim.errors import ModelError, ParameterError, UnitError
from neurosim.model.checks import check_reset, check_values
from neurosim.model.expression import Num, Sym, evaluate, parse, show
from neurosim.model.ir import NeuronModel

build = NeuronModel.from_equations

ADEX = """
    dv/dt = (g_l*(e_l - v) + g_l*delta_t*exp((v - v_t)/delta_t) - w + i) / c   : mV
    dw/dt = (a*(v - e_l) - w) / tau_w                                          : nA
    """
ADEX_VALUES = dict(
    c=0.281,
    g_l=0.030,
    e_l=-70.6,
    v_t=-50.4,
    delta_t=2.0,
    a=0.004,
    b=0.0805,
    tau_w=144.0,
    v_reset=-70.6,
    v_cut=20.0,
)
ADEX_UNITS = dict(
    v="mV",
    w="nA",
    c="nF",
    g_l="uS",
    e_l="mV",
    v_t="mV",
    delta_t="mV",
    a="uS",
    b="nA",
    tau_w="ms",
    v_reset="mV",
    v_cut="mV",
    i="nA",
)


def adex(**changes):
    options = dict(
        threshold="v > v_cut", reset="v = v_reset; w = w + b", parameters=ADEX_VALUES, inputs={"i": "nA"}
    )
    return build(ADEX, **(options | changes))


def leak(text="dv/dt = -v/tau", **options):
    return build(text, **({"parameters": dict(tau=10.0)} | options))


def places(error):
    """The marked part of the text in a message."""
    lines = str(error).splitlines()
    k = next(k for k, line in enumerate(lines) if line.strip() and not line.strip().strip("^"))
    start = lines[k].index("^")
    return lines[k - 1][start : start + lines[k].count("^")]


# -- what is read


def test_the_adex_of_the_first_example_is_read_and_its_units_are_inferred():
    model = adex()
    assert model.state_names == ("v", "w") and model.inputs == ("i",)
    assert dict(model.units) == ADEX_UNITS
    assert show(model.states[1].drift) == "(a*(v - e_l) - w)/tau_w"
    assert [(r.target, show(r.value)) for r in model.reset] == [("v", "v_reset"), ("w", "w + b")]
    assert not model.edge and model.refractory is None and not any(s.held for s in model.states)
    assert model.initial["v"] == Sym("v_reset") and model.initial["w"] == 0.0
    assert pickle.loads(pickle.dumps(model)) == model


def test_hodgkin_huxley_with_literals_as_printed():
    model = build(
        """
        # Hodgkin and Huxley 1952, densities
        dv/dt = (i - g_na*m**3*h*(v - e_na)
                   - g_k*n**4*(v - e_k) - g_l*(v - e_l))/c : mV
        dm/dt = a_m*(1 - m) - b_m*m : 1
        dh/dt = (h_inf - h)/tau_h : 1
        dn/dt = a_n*(1 - n) - b_n*n : 1

        a_m = 0.1*(v + 40)/(1 - exp(-(v + 40)/10))
        b_m = 4*exp(-(v + 65)/18)
        h_inf = a_h*tau_h
        tau_h = 1/(a_h + b_h)  : ms
        a_h = 0.07*exp(-(v + 65)/20)
        b_h = 1/(1 + exp(-(v + 35)/10))
        a_n = 0.01*(v + 55)/(1 - exp(-(v + 55)/10))
        b_n = 0.125*exp(-(v + 65)/80)
        """,
        threshold="v > 0",
        parameters=dict(g_na=120, e_na=50, g_k=36, e_k=-77, g_l=0.3, e_l=-54.387, c=1),
        inputs=dict(i="uA/cm2"),
        initial=dict(v="e_l", m="a_m/(a_m + b_m)", h="h_inf"),
    )
    assert model.edge, "a threshold without reset counts crossings"
    assert {model.units[k] for k in ("a_m", "b_m", "a_h", "b_h", "a_n", "b_n")} == {"1/ms"}
    assert {model.units[k] for k in ("g_na", "g_k", "g_l")} == {"mS/cm2"}
    assert {model.units[k] for k in ("m", "h", "n", "h_inf")} == {"1"}
    assert model.units["c"] == "uF/cm2"
    order = [d.name for d in model.derived]
    assert order.index("a_h") < order.index("tau_h") < order.index("h_inf")
    assert model.initial["m"] == parse("a_m/(a_m + b_m)")


def test_izhikevich_as_printed():
    model = build(
        "dv/dt = 0.04*v**2 + 5*v + 140 - u + i : mV\ndu/dt = a*(b*v - u) : mV/ms",
        threshold="v >= 30",
        reset="v = c; u += d",
        parameters=dict(a=0.02, b=0.2, c=-65, d=8),
        inputs={"i": "mV/ms"},
    )
    assert dict(model.units) == dict(v="mV", u="mV/ms", a="1/ms", b="1/ms", c="mV", d="mV/ms", i="mV/ms")
    assert model.parameters["c"] == -65.0, "c is the reset here, not a capacitance"


def test_lines_comments_and_continuation():
    model = leak("""
        dv/dt = (-v       # open parenthesis
                 + 1)/tau   # closed
                + 2 *
                3 \\
                + 4

        # nothing
        """)
    assert model.states[0].drift == parse("(-v + 1)/tau + 2*3 + 4")


def test_without_any_unit_the_check_is_off():
    model = leak("dv/dt = -v + tau + exp(v)")
    assert set(model.units.values()) == {None}


def test_held_states():
    two = "dv/dt = -v/tau\ndw/dt = -w/tau"
    reset = dict(threshold="u > 1", reset="v = 0; w += 1")
    flagged = leak(two.replace("-w/tau", "-w/tau (unless refractory)") + "\nu = v + w", refractory=2, **reset)
    assert [s.held for s in flagged.states] == [False, True]
    # u = v + w: the threshold depends on both, and the reset assigns both
    assert [s.held for s in leak(two + "\nu = v + w", refractory=2, **reset).states] == [True, True]
    assert [s.held for s in leak(two + "\nu = 2*v", refractory=2, **reset).states] == [True, False]
    assert [s.held for s in leak(two + "\nu = v + w", **reset).states] == [False, False]


@pytest.mark.parametrize(
    ("given", "node"),
    [
        (2, Num(2.0)),
        ("2", Num(2.0)),
        ("2 ms", Num(2.0)),
        ("0.002 s", Num(2.0)),
        ("t_ref", Sym("t_ref")),
        ("2*t_ref", parse("2*t_ref")),
    ],
)
def test_refractory(given, node):
    values = dict(tau=10.0, t_ref=1.0) if "t_ref" in str(given) else dict(tau=10.0)
    model = leak("dv/dt = -v/tau : 1", threshold="v > 1", reset="v = 0", refractory=given, parameters=values)
    assert model.refractory == node
    # a literal takes any unit, so that 2*t_ref says nothing about t_ref
    assert model.units.get("t_ref", "ms") == (None if given == "2*t_ref" else "ms")


def test_edge_default_and_override():
    assert leak(threshold="v > 1").edge
    assert not leak(threshold="v > 1", edge=False).edge
    assert not leak(threshold="v > 1", reset="v = 0").edge
    assert not leak().edge


@pytest.mark.parametrize(
    ("line", "drift", "noise"),
    [
        ("(mu - x)/tau + s*xi*sqrt(2/tau)", "(mu - x)/tau", {"xi": "s*sqrt(2/tau)"}),
        ("(mu - x + s*xi)/tau", "(mu - x)/tau", {"xi": "s/tau"}),
        ("mu - x/tau - xi + s*xi_2", "mu - x/tau", {"xi": "-1", "xi_2": "s"}),
        ("where(x > 0, s*xi, 0)*tau + mu", "mu", {"xi": "where(x > 0, s, 0)*tau"}),
        ("-(s*x*tau*xi) + mu", "mu", {"xi": "-(s*x*tau)"}),
        ("xi*mu*s*tau", "0", {"xi": "mu*s*tau"}),
        ("eta*tau/s", "mu*tau/s", {"xi": "s*tau/s"}),
    ],
)
def test_white_noise_is_separated(line, drift, noise):
    extra = "\neta = mu + s*xi" if "eta" in line else ""
    values = dict(mu=1.0, s=2.0, tau=3.0)
    used = {k: v for k, v in values.items() if k in line + extra}
    state = build(f"dx/dt = {line}{extra}", parameters=used).states[0]
    at = values | {"x": 0.7}
    assert {name for name, _ in state.noise} == set(noise)
    assert float(evaluate(state.drift, at)) == float(evaluate(parse(drift), at))
    for name, g in state.noise:
        assert float(evaluate(g, at)) == float(evaluate(parse(noise[name]), at))


def test_noisy_derived_quantities_vanish():
    model = leak("dv/dt = (e - v)/tau\ne = e_0 + n\nn = 2*xi\ne_0 = 3")
    assert [d.name for d in model.derived] == ["e_0"]
    assert show(model.states[0].drift) == "(e_0 - v)/tau"


def test_initial_values():
    array = np.array([1.0, 2.0])
    model = leak(
        "dv/dt = -v/tau : mV\ndw/dt = -w/tau\ndx/dt = -x/tau",
        initial=dict(v="-0.07 V", w=array, x="2*(w + 1)"),
    )
    assert model.initial["v"] == -70.0
    assert np.array_equal(model.initial["w"], array)
    assert model.initial["x"] == parse("2*(w + 1)")
    reset = dict(threshold="v > 1", reset="v = r; r_2 = v")
    both = build("dv/dt = 1\ndr_2/dt = 0\nr = a - 1", parameters=dict(a=0.5), **reset)
    assert both.initial == {"v": Sym("r"), "r_2": 0.0}, "only what depends on parameters alone"
    assert leak(threshold="v > 1", reset="v = -2").initial["v"] == -2.0
    assert leak(threshold="v > 1", reset="v = -2", initial=dict(v=0.5)).initial["v"] == 0.5


def test_model_without_states():
    model = build("", threshold="rand() < rate*dt", parameters=dict(rate=0.01))
    assert model.states == () and model.threshold == parse("rand() < rate*dt")


def test_names_may_be_greek():
    model = build("dυ/dt = -υ/τ_µ : mV", parameters={"τ_µ": 10.0})
    assert model.units == {"υ": "mV", "τ_μ": "ms"}, "in the normal form of Python's parser"


def test_reset_in_place():
    model = leak(threshold="v > 5", reset="v -= 5\nv *= 2 ; v /= tau\n v **= 2 # square")
    assert [show(r.value) for r in model.reset] == ["v - 5", "v*2", "v/tau", "v**2"]


# -- units


@pytest.mark.parametrize(
    ("equation", "units", "inferred"),
    [
        ("dx/dt = -x/tau : 1", {}, {"tau": "ms"}),
        ("dx/dt = (p*x - x)/ms : 1", {}, {"p": "1"}),
        ("dx/dt = sqrt(p)/(1*s) : mV", {}, {"p": "mV**2"}),
        ("dx/dt = p**3*x : mV", {}, {"p": "ms**(-1/3)"}),
        ("dx/dt = x*exp(x/p)/q : mV", {}, {"p": "mV", "q": "ms"}),
        ("dx/dt = where(x > p, -x, q)/r : nA", {}, {"p": "nA", "q": "nA", "r": "ms"}),
        ("dx/dt = clip(x, p, q)*heaviside(r - x)/(1*ms): nA", {}, {"p": "nA", "q": "nA", "r": "nA"}),
        ("dx/dt = p*q : mV", {}, {"p": None, "q": None}),
        ("dx/dt = p*q : mV", {"q": "nA"}, {"p": "mV/(nA*ms)"}),
        ("dx/dt = p*xi - x/q : mV", {}, {"p": "mV/ms**0.5", "q": "ms"}),
        ("dx/dt = 3**((p - 6.3)/10)*x/q : mV", {}, {"q": "ms"}),
        ("dx/dt = -x*2**p/q : mV", {}, {"p": "1", "q": "ms"}),
        ("dx/dt = sin(2*pi*p*t)*q : mV", {}, {"q": "mV/ms"}),
        ("dx/dt = -abs(x - p)/max(q, dt) : mV", {}, {"p": "mV", "q": "ms"}),
        ("dx/dt = (x > p)*q - x*r : mV", {}, {"p": "mV", "q": "mV/ms", "r": "1/ms"}),
        ("dx/dt = x/p : mM", {"p": "s"}, None),
    ],
)
def test_inference(equation, units, inferred):
    names = [n for n in "pqr" if any(n == s for s in _symbols(equation))] + (
        ["tau"] if "tau" in equation else []
    )
    options = dict(parameters=dict.fromkeys(names, 1.0), units=units)
    if inferred is None:
        with pytest.raises(
            UnitError, match=r"mM/ms is needed here, but x/p is in mM/s.*multiply x/p by 0.001"
        ):
            build(equation, **options)
        return
    found = build(equation, **options).units
    from neurosim.units import parse as unit

    for name, text in inferred.items():
        assert found[name] == text or (text is not None and unit(found[name]) == unit(text))


def _symbols(equation):
    from neurosim.model.expression import symbols

    return symbols(parse(equation.partition("=")[2].partition(":")[0]))


@pytest.mark.parametrize(
    ("line", "unit", "values", "drift"),
    [
        ("(3*mV - x)/tau", "mV", {}, "(3 - x)/tau"),
        ("(0.01*V - x)/tau", "mV", {}, "(10 - x)/tau"),
        ("(3*mV - x)/tau", "V", {}, "(0.003 - x)/tau"),
        ("-x*50*Hz - x/tau", "mV", {}, "-x*50*0.001 - x/tau"),
        ("(x/(2*ms) - x/tau)", "mV", {}, "x/2 - x/tau"),
        ("-x/tau + 10*pA/c", "mV", {"c": "200 pF"}, "-x/tau + 10/c"),
        ("-x/tau + 10*pA/c", "mV", {"c": "0.2 nF"}, "-x/tau + 10*0.001/c"),
        ("-x/tau + 2*uA/cm**2/(1*uF/cm2)", "mV", {}, "-x/tau + 2/1"),
        ("-x/tau + 2*nA/cm2/(1*uF/cm2)", "mV", {}, "-x/tau + 0.002"),
    ],
)
def test_unit_names_in_equations_are_numbers_in_the_units_of_the_model(line, unit, values, drift):
    model = build(f"dx/dt = {line} : {unit}", parameters={"tau": "0.01 s", **values})
    at = {"x": 0.3} | model.parameters
    # products of a few powers of ten
    assert float(evaluate(model.states[0].drift, at)) == pytest.approx(
        float(evaluate(parse(drift), at)), rel=1e-14
    )
    assert model.parameters["tau"] == 10.0 and model.units["tau"] == "ms"


def test_unit_names_without_declared_units_are_house_units():
    model = leak("dv/dt = (3*nA*MOhm - v)/tau + 20*pA*1*GOhm/(1*ms)")
    assert float(evaluate(model.states[0].drift, {"v": 0.0, "tau": 1.0})) == pytest.approx(23.0, rel=1e-14)
    assert set(model.units.values()) == {None}


def test_declared_symbols_win_over_unit_names():
    model = build("dm/dt = -m/ms : 1", parameters=dict(ms=3.0))
    assert show(model.states[0].drift) == "-m/ms" and model.units["ms"] == "ms"


@pytest.mark.parametrize(
    ("equation", "name"),
    [
        ("dv/dt = (V - v)/tau : mV", "V"),
        ("dv/dt = (2*V - v)/tau : mV", "V"),
        ("dv/dt = (s - v)/tau : mV", "s"),
        ("dv/dt = (2*m - v)/tau", "m"),
    ],
)
def test_a_single_letter_is_rarely_a_unit(equation, name):
    with pytest.raises(ModelError, match=f"'{name}' is not declared"):
        leak(equation)


@pytest.mark.parametrize(
    ("changes", "where", "marked", "message"),
    [
        (
            dict(inputs={"i": "mV"}),
            "equation of v",
            "i",
            r"in nA \(a current\), but i is in mV \(a voltage\). Multiply i by "
            "a conductance in uS",
        ),
        (dict(inputs={"i": "pA"}), "equation of v", "i", "powers of ten differ: multiply i by 0.001"),
        (dict(units=dict(tau_w="mV")), "equation of w", "w", "Multiply w by something in mV/ms"),
        (
            dict(units=dict(delta_t="ms")),
            "equation of v",
            "v",
            r"ms \(a time\) is needed here, but v is in mV",
        ),
        (
            dict(units=dict(v_cut="nA")),
            "threshold",
            "v_cut",
            r"v is in mV .* v_cut is in nA .*resistance in MOhm",
        ),
        (dict(units=dict(b="mV")), "reset", "b", r"w is in nA .* b is in mV"),
        (dict(units=dict(v_reset="V")), "reset", "v_reset", "mV .* is needed here, but v_reset is in V"),
        (
            dict(refractory="v_t"),
            "refractory period",
            "v_t",
            r"ms \(a time\) is needed here, but v_t is in mV",
        ),
        (dict(initial=dict(v="b")), "initial value of v", "b", "is needed here, but b is in nA"),
    ],
)
def test_mismatch_of_units(changes, where, marked, message):
    with pytest.raises(UnitError, match=message) as info:
        adex(**changes)
    assert f"In the {where}:" in str(info.value)
    assert places(info.value) == marked


def test_the_message_of_the_guide():
    with pytest.raises(
        UnitError,
        match=r"v is in mV \(a voltage\), but i is in nA \(a current\). Multiply i by a resistance in MOhm",
    ):
        leak("dv/dt = (-v + i)/tau : mV", inputs={"i": "nA"})


@pytest.mark.parametrize(
    ("equation", "marked", "message"),
    [
        (
            "dv/dt = exp(v)/tau : mV",
            "v",
            "a plain number is needed here, but v is in mV .*Divide v by something in mV",
        ),
        ("dv/dt = v**v/tau : mV", "v", "a plain number is needed here"),
        ("dv/dt = tanh(v/(1*mV))/tau : mV", "tanh(v/(1*mV))/tau", r"Multiply .* by .*in mV"),
        (
            "dv/dt = exp(v/(1*mV)) : mV",
            "exp(v/(1*mV))",
            r"is a plain number.*a literal number takes the unit it needs",
        ),
        ("dv/dt = (v > t)/tau : 1", "t", "v is a plain number, but t is in ms"),
        ("dv/dt = maximum(v, t)/tau : 1", "t", "but t is in ms"),
        ("dv/dt = -v : mV", "v", r"mV/ms is needed here, but v is in mV .* a rate in 1/ms"),
    ],
)
def test_mismatch_in_one_equation(equation, marked, message):
    with pytest.raises(UnitError, match=message) as info:
        build(
            equation,
            parameters=dict(tau=10.0) if "tau" in equation else {},
            units=dict(tau="ms") if "tau" in equation else {},
        )
    assert places(info.value) == marked


def test_quantities_declare_and_convert():
    model = build(
        "tau : ms\ndv/dt = (-v + r*i)/tau : mV",
        parameters=dict(tau="0.01 s", r=(100, "kohm")),
        inputs={"i": "nA"},
    )
    assert model.parameters == {"tau": 10.0, "r": 0.1}
    with pytest.raises(UnitError, match=r"'tau' of model is in V .*ms \(a time\) is needed"):
        leak("dv/dt = -v/tau : mV", parameters=dict(tau="3 V"), units=dict(tau="ms"))
    with pytest.raises(UnitError):
        leak("dv/dt = -v/tau : mV", parameters=dict(tau="3 V"))
    assert model.with_parameters(tau="20 ms").parameters["tau"] == 20.0


def test_inference_is_quick():
    import time

    start = time.perf_counter()
    adex()
    # some 5 ms here; a quadratic blow-up would be seconds
    assert time.perf_counter() - start < 1.0


# -- errors


@pytest.mark.parametrize(
    ("equations", "message", "marked"),
    [
        ("dv/dt = -v/tua", "In the equation of v:.*'tua' is not declared. Did you mean 'tau'", "tua"),
        ("dv/dt = -v/tau*foo(v)", "no function 'foo'. Did you mean 'floor'", "foo"),
        ("dv/dt = -v.real/tau", "Access to attributes", "v.real"),
        ("dv/dt = -v^2/tau", r"write '\*\*'", "-v^2/tau"),
        ("dv/dt = -v/tau; dw/dt = 1", "one equation a line", ";"),
        ("d2v/dt2 = -v/tau", "Only first derivatives", "d"),
        ("v' = -v/tau", "Write the derivative as dv/dt", "'"),
        ("dv/dt", "right-hand side is missing", "t"),
        ("dv/dt : mV", "right-hand side is missing", "t"),
        ("hello world", "A line is 'dv/dt = expression : unit'", "hello world"),
        ("import os", "A line is", "import os"),
        ("dv/dt = -v/tau :", "A unit must follow", ":"),
        ("dv/dt := -v/tau", "write '='", ":"),
        ("dv/dt = -v/tau : mv", "no unit 'mv' in the unit of v. Did you mean 'mV'", "mv"),
        (
            "dv/dt = -v/tau : mV (unless refractry)",
            "no flag .unless refractry.. Did you mean 'unless refractory'",
            "(unless refractry)",
        ),
        ("dv/dt = -v/tau (until refractory)", "only flag is .unless refractory.", "(until refractory)"),
        ("dv/dt = -v/tau : mV (constant)", "no flag .constant.", "(constant)"),
        ("dv/dt = -v/tau\nx = v (unless refractory)", "Only differential equations can be held", "("),
        ("dv/dt = -v/tau + xi*xi_2", r"xi, xi_2\) is multiplied by white noise", "xi*xi_2"),
        ("dv/dt = -v/tau + exp(xi)", r"stands inside exp\(\)", "exp(xi)"),
        ("dv/dt = -v/tau + xi**2", r"stands inside the operator \*\*", "xi**2"),
        ("dv/dt = -v/tau + 1/xi", "in a denominator", "1/xi"),
        ("dv/dt = -v/tau + where(xi > 0, 1, 2)", "part of a condition", "xi > 0"),
        ("dv/dt = -v/tau + n*n\nn = xi", r"\(n\) is multiplied by white noise", "n*n"),
        ("dv/dt = -v/tau + rand()", "depend on dt and method. Use white noise", "rand()"),
    ],
)
def test_errors_in_equations(equations, message, marked):
    with pytest.raises(ModelError, match="(?s)" + message) as info:
        leak(equations)
    assert places(info.value) == marked


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (dict(text="dv/dt = -v/tau\ndv/dt = 1"), ModelError, "'v' is defined twice as state"),
        (dict(text="dv/dt = -v/tau\nv = 1"), ModelError, "'v' is defined as state and as derived quantity"),
        (dict(text="dtau/dt = 1"), ModelError, "'tau' is defined as state and as parameter"),
        (dict(inputs=["tau"]), ModelError, "as parameter and as input"),
        (dict(text="dv/dt = -v/tau\nv : mV"), ModelError, "declared again by a line of its own"),
        (dict(text="dv/dt = -v/tau\ntau : ms\ntau : ms"), ModelError, "declared twice"),
        (dict(text="a = b\nb = c + tau\nc = 2*a"), ModelError, r"in a circle \(a -> b -> c -> a\)"),
        (dict(text="a = a + tau"), ModelError, r"circle \(a -> a\)"),
        (dict(text="dt/dt = 1"), ModelError, "'t' cannot be the name of a state: it is the time"),
        (
            dict(text="dt = 1"),
            ModelError,
            "'dt' cannot be the name of a derived quantity: it is the time step",
        ),
        (dict(text="dexp/dt = 1"), ModelError, "it is a function. Choose another name, such as 'exp_0'"),
        (dict(text="dlambda/dt = 1"), ModelError, "a keyword of Python"),
        (dict(text="dxi_a/dt = 1"), ModelError, "a white noise"),
        (dict(text="dpi/dt = 1"), ModelError, "a constant"),
        (dict(parameters={"2x": 1}), ModelError, "'2x' cannot be the name of a parameter"),
        (dict(parameters={3: 1}), ModelError, "3 cannot be the name"),
        (dict(parameters=[1]), ModelError, "must be a mapping"),
        (dict(parameters=dict(tau=10, tauu=1)), ParameterError, "'tauu' is used nowhere.*Did you mean 'tau'"),
        (dict(inputs=["i"]), ParameterError, "input 'i' is used nowhere"),
        (dict(inputs="i"), ModelError, r"write \['i'\]"),
        (dict(inputs=3), ModelError, "inputs= must be a list"),
        (dict(text="dv/dt = -v/tau\ng : nS"), ParameterError, "'g' is declared but has no value. Add g="),
        (
            dict(text="tau : ms\ndv/dt = -v/tau", parameters=dict(taum=1)),
            ParameterError,
            "has no value.*Did you mean 'taum'",
        ),
        (dict(units=dict(tauu="ms")), ModelError, "units= names 'tauu'.*Did you mean 'tau'"),
        (dict(text="dv/dt = -v/tau : mV", units=dict(v="nA")), UnitError, "declared in mV and in nA"),
        (dict(units=dict(tau=3)), UnitError, "unit of tau must be text"),
        (dict(text=""), ModelError, "neither equations nor a threshold"),
        (dict(text=3), ModelError, "equations= must be text, not int"),
        (dict(reset="v = 0"), ModelError, "reset but no threshold"),
        (dict(refractory=2), ModelError, "refractory period but no threshold"),
        (dict(edge=True), ModelError, "edge=True needs a threshold"),
        (dict(edge=1), ModelError, "edge= must be True, False or None"),
        (dict(threshold="v > vt"), ModelError, "(?s)In the threshold:.*'vt' is not declared"),
        (dict(threshold="v"), ModelError, "(?s)threshold.*A condition is needed"),
        (dict(threshold="v > 1 and tau"), ModelError, "A condition is needed"),
        (dict(threshold="xi > 1"), ModelError, "White noise .xi. has no value at one moment"),
        (
            dict(text="dv/dt = n\nn = xi/tau", threshold="n > 1"),
            ModelError,
            "'n' is a derived quantity, which holds white noise",
        ),
        (dict(threshold="v > 1", reset="u = 0"), ModelError, "(?s)In the reset:.*'u' is no state.*du/dt = 0"),
        (dict(threshold="v > 1", reset="vv = 0"), ModelError, "Did you mean 'v'|States: v"),
        (dict(threshold="v > 1", reset="tau = 0"), ModelError, "'tau' is a parameter, not a state"),
        (dict(threshold="v > 1", reset="v == 0"), ModelError, "== compares; assign with ="),
        (dict(threshold="v > 1", reset="v + 1"), ModelError, "statement of the reset cannot be read"),
        (dict(threshold="v > 1", reset="v //= 2"), ModelError, r"with \+= -= \*= /="),
        (dict(threshold="v > 1", reset="v = v_r"), ModelError, "(?s)In the reset:.*'v_r' is not declared"),
        (dict(threshold="v > 1", reset="v = import"), ModelError, "reset of v cannot be read"),
        (dict(threshold="v > 1", refractory=-1), ParameterError, "cannot be negative"),
        (dict(threshold="v > 1", refractory="-1"), ParameterError, "cannot be negative"),
        (dict(threshold="v > 1", refractory=float("nan")), ParameterError, "not finite"),
        (dict(threshold="v > 1", refractory="v"), ModelError, "(?s)refractory period:.*'v' is a state"),
        (dict(threshold="v > 1", refractory=[1, 2]), ModelError, "Make it a parameter"),
        (dict(threshold="v > 1", refractory=len), ModelError, "Give a number in ms"),
        (dict(threshold="v > 1", refractory="3 mV"), UnitError, "ms .a time. is needed"),
        (dict(initial=dict(u=1)), ModelError, "initial= names 'u'"),
        (dict(initial=dict(tau=1)), ModelError, "give its value in parameters="),
        (dict(initial=dict(v="v_r")), ModelError, "(?s)initial value of v:.*'v_r' is not declared"),
        (dict(initial=dict(v="v + 1")), ModelError, r"circle \(v -> v\)"),
        (
            dict(text="dv/dt = -v/tau\ndw/dt = v\nz = w", initial=dict(v="z", w="v")),
            ModelError,
            r"circle \(v -> w -> v\)",
        ),
        (dict(initial=dict(v="rand()")), ModelError, "given as a distribution"),
        (dict(initial=dict(v=float("inf"))), ParameterError, "initial value 'v' in model is inf"),
        (dict(parameters=dict(tau=float("nan"))), ParameterError, "parameter 'tau' of model is nan"),
        (dict(parameters=dict(tau=0)), ParameterError, "a time constant must be positive"),
        (dict(parameters=dict(tau=[1.0, 0.0])), ParameterError, "is 0 for neuron 1, but a time constant"),
        (dict(parameters=dict(tau="ten")), ParameterError, "is the text 'ten'"),
        (dict(parameters=dict(tau=None)), ParameterError, "is None"),
        (
            dict(text="dv/dt = -" + "sin(" * 90 + "v/tau" + ")" * 90, parameters=dict(tau=1, x=1)),
            ParameterError,
            "'x' is used",
        ),
        (dict(text="dv/dt = -v/tau" + "+v" * 950), ModelError, "nested too deeply"),
    ],
)
def test_errors_of_the_whole(options, kind, message):
    with pytest.raises(kind, match=message):
        leak(**options)


def test_a_declared_parameter_need_not_be_used():
    assert leak("tau : ms\ng : nS\ndv/dt = -v/tau", parameters=dict(tau=1.0, g=2.0)).parameters["g"] == 2.0


# -- checks of values


def lif(**values):
    return leak(
        "dv/dt = (e - v)/tau : mV",
        threshold="v > v_th",
        reset="v = v_reset",
        parameters=dict(tau=10.0, e=-50.0, v_th=-55.0, v_reset=-65.0) | values,
    )


def test_a_reset_that_leaves_the_threshold_true():
    with pytest.raises(
        ModelError,
        match=r"reset \(v = v_reset\) leaves the threshold \(v > v_th\) true with v_reset = -50, v_th = -55",
    ):
        lif(v_reset=-50.0)
    with pytest.raises(ModelError, match="true for neuron 1 with v_reset = -54, v_th = -55"):
        lif(v_reset=np.array([-60.0, -54.0]))
    with pytest.raises(ModelError, match="Reset to a value on the other side"):
        check_reset(lif().with_parameters(v_th=-70.0))


def test_a_reset_that_cannot_be_judged_passes():
    class Anything:
        is_distribution = True

    check_reset(lif(v_reset=Anything()))
    leak("dv/dt = -v/tau\ndw/dt = 0", threshold="v > w", reset="v = 5")
    leak(threshold="v > 1", reset="v += 5")
    leak(threshold="v > rand()", reset="v = 5")
    leak(threshold="v > 1", reset="v = 5", edge=True)
    with pytest.raises(ModelError, match="leaves the threshold"):
        leak(threshold="u > 1", reset="v = 2; v = v + 1", text="dv/dt = -v/tau\nu = 2*v")


def test_check_values():
    model = lif(e=np.zeros(3))
    check_values(model)
    check_values(model, 3)
    with pytest.raises(ParameterError, match=r"parameter 'e' of model has shape \(3,\).*shape \(4,\)"):
        check_values(model, 4)
    object.__setattr__(model, "parameters", dict(model.parameters) | {"tau": np.array([1.0, np.nan, 1.0])})
    with pytest.raises(ParameterError, match="'tau' of model is nan for neuron 1"):
        check_values(model, 3)
    object.__setattr__(model, "parameters", dict(model.parameters) | {"tau": np.array([1.0, 2.0, -1.0])})
    with pytest.raises(ParameterError, match="is -1 for neuron 2, but a time constant"):
        check_values(model, 3)


def test_with_parameters_checks_too():
    with pytest.raises(ParameterError, match="has no parameter 'tua'. Did you mean 'tau'"):
        lif().with_parameters(tua=3)
    with pytest.raises(ParameterError, match="time constant must be positive"):
        lif().with_parameters(tau=-3)
