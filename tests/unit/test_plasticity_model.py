"""Rules of plasticity from equations: what is read, where variables are kept, and every error with its place and remedy."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from neurosim.codegen.plastic import SIGNATURE, write_plastic_source
from neurosim.codegen.plastic_arrays import BOOK, initial_rows, make_plastic_book, plastic_constants
from neurosim.codegen.plastic_plan import make_plastic_plan
from neurosim.errors import ModelError, ParameterError, UnitError
from neurosim.model.expression import show
from neurosim.model.homes import find_homes
from neurosim.model.ir import NeuronModel
from neurosim.model.plasticity import PlasticityModel
from neurosim.simulator.distributions import Uniform
from neurosim.simulator.neurons import LIF
from neurosim.simulator.plasticity import RULES, STDP, RewardSTDP, ShortTerm, TripletSTDP

make = PlasticityModel.from_equations

TEXT = """
    da_pre/dt = -a_pre/tau_pre    : 1       # traces
    da_post/dt = -a_post/tau_post : 1
    gain = 1 + a_pre              : 1
    """
OPTIONS = dict(
    on_pre="a_pre += 1; w = clip(w - a_minus*a_post, 0, w_max)",
    on_post="a_post += 1\nw = clip(w + a_plus*gain, 0, w_max)",
    parameters=dict(tau_pre="20 ms", tau_post=25.0, a_plus=0.01, a_minus=0.012, w_max=1.0),
)


def pair(text=TEXT, **changes):
    return make(text, **(OPTIONS | changes))


def places(error):
    """The marked part of the text in a message."""
    lines = str(error).splitlines()
    k = next(k for k, line in enumerate(lines) if line.strip() and not line.strip().strip("^"))
    start = lines[k].index("^")
    return lines[k - 1][start:start + lines[k].count("^")]


# -- what is read


def test_a_rule_is_read():
    model = pair()
    assert model.variable_names == ("w", "a_pre", "a_post")
    assert dict(model.initial) == {"a_pre": 0.0, "a_post": 0.0}
    assert model.units["tau_pre"] == model.units["tau_post"] == "ms"
    assert model.units["w"] is None and model.parameters["tau_pre"] == 20.0
    assert [(a.kind, a.target, show(a.value)) for a in model.on_pre] == [
        ("send", None, "w"), ("assign", "a_pre", "a_pre + 1"), ("assign", "w", "clip(w - a_minus*a_post, 0, w_max)")]
    assert [a.target for a in model.on_post] == ["a_post", "w"]
    assert model.recordable == ("w", "a_pre", "a_post", "gain")
    assert not model.reads and model.sends and not model.delivers_to
    assert pickle.loads(pickle.dumps(model)) == model


def test_units_are_inferred_from_the_unit_of_the_weight():
    model = pair(units={"w": "nS"})
    assert model.units["w_max"] == model.units["a_plus"] == model.units["transmit"] == "nS"


def test_what_is_transmitted():
    sends = lambda m: [(show(a.value), k) for k, a in enumerate(m.on_pre) if a.kind == "send"]  # noqa: E731
    assert sends(pair()) == [("w", 0)]
    assert sends(pair(transmit=False)) == []
    assert sends(pair(transmit="w*gain")) == [("w*gain", 0)]
    assert sends(pair(on_pre="a_pre += 1; send(w*a_pre); w -= a_minus*a_post; w = min(w, w_max)")) == [("w*a_pre", 1)]
    assert sends(make(on_pre="g_post += w")) == []
    assert sends(make(on_pre="g_post += w", transmit="w")) == [("w", 0)]
    assert sends(make(on_step="send(w*x_pre)")) == []
    # a declared name with the suffix is a variable, not a neuron
    assert sends(make("dx_post/dt = -x_post/5", on_pre="x_post += 1")) == [("w", 0)]
    with pytest.raises(ModelError, match="both say what is transmitted"):
        make(on_pre="send(w)", transmit="2*w")
    with pytest.raises(ModelError, match="transmit= must be"):
        make(transmit=None)


def test_a_variable_without_equation():
    model = make("n : 1\nw : nS\nlast_w : nS", on_pre="n += 1; last_w = w", initial={"n": 3.0})
    assert model.variable_names == ("w", "n", "last_w") and model.initial["n"] == 3.0 and model.units["w"] == "nS"
    assert find_homes(model).modes == {"w": "constant", "last_w": "constant"}


def test_names_with_a_suffix_read_the_neurons():
    model = make("dc/dt = (v_post*u_pre - c)/tau", on_pre="w += c*v_post; g_post += w; g_post -= 1", parameters={"tau": 5.0})
    assert [(r.name, r.side, r.variable) for r in model.reads] == [
        ("v_post", "post", "v"), ("u_pre", "pre", "u"), ("g_post", "post", "g")]
    assert model.delivers_to == ("g",)
    assert show(model.on_pre[-1].value) == "-1"
    assert model.recordable == ("w", "c")


def test_bounds_limit_every_assignment():
    model = make(on_pre="w += 1; w *= 2", bounds={"w": (0, "w_max")}, parameters={"w_max": 3.0})
    assert show(model.on_pre[1].value) == "clip(w + 1, 0, w_max)"
    assert show(model.on_pre[2].value) == "clip(w*2, 0, w_max)"
    for wrong, message in (({"v": (0, 1)}, "no variable"), ({"w": 3}, r"are \(low, high\)"),
                           ({"w": (1, 0)}, "above the high one"), ({"w": ("w", 1)}, "cannot be used here"),
                           ({"w": (None, 1)}, "numbers or expressions")):
        with pytest.raises(ModelError, match=message):
            make(on_pre="w += 1", bounds=wrong)


def test_initial_values():
    model = make("dx/dt = -x/tau\ndy/dt = -y/tau", on_pre="x += 1; y += x*w", parameters={"tau": 5.0, "x_0": 0.25},
                 initial={"x": "x_0", "y": "w*x_0"})
    plan = make_plastic_plan(model, LIF(), LIF())
    assert plan.pre_rows == ("x",) and plan.synapse_rows == ("w", "y")
    rows = initial_rows(plan, model, np.array([2.0, 4.0]), model.parameters)
    assert rows["x"] == 0.25 and rows["y"].tolist() == [0.5, 1.0] and rows["w"].tolist() == [2.0, 4.0]
    with pytest.raises(ModelError, match="the projection gives the initial weight"):
        make(on_pre="w += 1", initial={"w": 1.0})
    with pytest.raises(ModelError, match="Did you mean 'trace'"):
        make("dtrace/dt = -trace/5", on_pre="trace += 1", initial={"tracee": 1.0})


def test_parameters_can_be_changed():
    model = pair().with_parameters(tau_pre="0.01 s", w_max=2.0, a_post=0.5)
    assert model.parameters["tau_pre"] == 10.0 and model.parameters["w_max"] == 2.0 and model.initial["a_post"] == 0.5
    with pytest.raises(ParameterError, match="Did you mean 'tau_pre'"):
        pair().with_parameters(tau_pree=1.0)
    with pytest.raises(ParameterError, match="must be positive"):
        pair().with_parameters(tau_pre=0.0)
    with pytest.raises(ParameterError, match="the projection gives"):
        pair().with_parameters(w=0.0)


# -- where variables are kept


def homes(text="", varying=(), common=True, **options):
    found = find_homes(make(text, **options), frozenset(varying), common)
    return found.pre, found.post, found.modes


def test_traces_are_kept_once_a_neuron():
    assert find_homes(pair()).pre == ("a_pre",) and find_homes(pair()).post == ("a_post",)
    assert find_homes(pair()).modes == {"w": "constant"}
    # with delays of their own the synapses of one source see its spikes at different times
    own = find_homes(pair(), common_delay=False)
    assert own.pre == () and own.post == ("a_post",) and own.modes == {"w": "constant", "a_pre": "event"}


@pytest.mark.parametrize("text,options,pre,post,modes", [
    ("dx/dt = -x/5", dict(on_pre="x += w"), (), (), {"w": "constant", "x": "event"}),
    ("dx/dt = -x/5", dict(on_pre="x += 1", on_post="x = 0"), (), (), {"w": "constant", "x": "event"}),
    ("dx/dt = -x/5", dict(on_pre="x += 1", on_post="x += 1"), (), (), {"w": "constant", "x": "event"}),
    ("dx/dt = -x/5", dict(on_pre="x += 1", initial={"x": "w"}), (), (), {"w": "constant", "x": "event"}),
    ("dx/dt = -x/5", dict(on_pre="x += 1", initial={"x": Uniform(0, 1)}), (), (), {"w": "constant", "x": "event"}),
    ("dx/dt = -x/5", dict(on_pre="x += v_pre"), ("x",), (), {"w": "constant"}),
    ("dx/dt = -x/5", dict(on_pre="x += v_post"), (), (), {"w": "constant", "x": "event"}),
    ("dx/dt = -x/5", dict(on_post="x += v_post"), (), ("x",), {"w": "constant"}),
    ("dx/dt = (v_post - x)/5", dict(on_pre="w += x"), (), ("x",), {"w": "constant"}),
    ("dx/dt = (v_post*v_pre - x)/5", dict(on_pre="w += x"), (), (), {"w": "constant", "x": "continuous"}),
    ("dx/dt = -x/5\ndy/dt = (x - y)/5", dict(on_pre="x += 1; w += y"), ("x", "y"), (), {"w": "constant"}),
    ("dx/dt = -x/5\ndy/dt = (x - y)/5", dict(on_pre="x += 1", on_post="y += 1"), ("x",), (),
     {"w": "constant", "y": "continuous"}),
    ("dx/dt = -x**2/5", dict(on_pre="x += 1", on_post="x += 1"), (), (), {"w": "constant", "x": "continuous"}),
    ("dx/dt = -x**2/5", dict(on_pre="x += 1"), ("x",), (), {"w": "constant"}),
    ("dq/dt = -q/1000", dict(on_pre="w += q", initial={"q": 1.0}), (), ("q",), {"w": "constant"}),
    ("dq/dt = -q/1000\ndx/dt = -x/5", dict(on_pre="x += q; w += q", initial={"q": 1.0}), ("q", "x"), (), {"w": "constant"}),
    ("dw/dt = -w/1000", dict(), (), (), {"w": "event"}),
    ("dw/dt = -w/1000", dict(bounds={"w": (0, 1)}), (), (), {"w": "continuous"}),
    ("dw/dt = -w/1000", dict(on_step="send(w)"), (), (), {"w": "continuous"}),
    ("dc/dt = -c/5\ndw/dt = c*v_post", dict(on_pre="c += w"), (), (), {"w": "continuous", "c": "continuous"}),
    ("dc/dt = -c/5 (continuous)", dict(on_pre="c += w"), (), (), {"w": "constant", "c": "continuous"}),
    ("dc/dt = -c/5 : 1 (clock-driven)", dict(on_pre="c += w"), (), (), {"w": "constant", "c": "continuous"}),
    ("dc/dt = -c/5 (event-driven)", dict(on_pre="c += w"), (), (), {"w": "constant", "c": "event"}),
])
def test_homes(text, options, pre, post, modes):
    assert homes(text, **options) == (pre, post, modes)


def test_parameters_with_a_value_for_each_synapse_bring_variables_there():
    options = dict(on_pre="x += 1", parameters={"tau": 5.0})
    assert homes("dx/dt = -x/tau", **options)[0] == ("x",)
    assert homes("dx/dt = -x/tau", varying=("tau",), **options) == ((), (), {"w": "constant", "x": "event"})
    model = ShortTerm(U=Uniform(0.1, 0.5))
    plan = make_plastic_plan(model, LIF(), LIF())
    assert plan.synapse_rows == ("w", "u", "x", "U") and not plan.pre_rows


@pytest.mark.parametrize("text,options,message", [
    ("dc/dt = -c**2/5 (event-driven)", dict(on_pre="c += w"), "not linear"),
    ("dc/dt = v_post*v_pre (event-driven)", dict(on_pre="c += w"), "depends on v_post, v_pre"),
    ("dc/dt = -c/5 (event-driven)\ndw/dt = c*v_post", dict(on_pre="c += w"), "needed in every step by the equation of w"),
    ("dc/dt = -c/5 (event-driven)", dict(on_pre="c += w", on_step="send(c)"), "needed in every step by on_step"),
    ("dw/dt = -w/5 (event-driven)", dict(bounds={"w": (0, 1)}), "has bounds"),
])
def test_what_cannot_be_event_driven(text, options, message):
    with pytest.raises(ModelError, match=message):
        homes(text, **options)


@pytest.mark.parametrize("name", RULES)
def test_rules_are_described_and_compiled(name):
    model = RULES[name]()
    assert isinstance(model, PlasticityModel) and "doi:10" in model.doc and "Source:" in model.doc
    for parameter in model.parameters:
        assert f"\n{parameter} " in model.doc, parameter
    neuron = NeuronModel.from_equations("dv/dt = -v/10 : mV\nddopamine/dt = -dopamine/200 : 1", threshold="v > 1*mV",
                                        reset="v = 0*mV")
    for delays in ("homogeneous", "axonal"):
        source = write_plastic_source(make_plastic_plan(model, neuron, neuron, delays=delays), "0")
        compile(source, name, "exec")
        assert f"{model.name}: compiled plasticity" in source
    assert all(v != "synapse" for v in [find_homes(model).of(n) for n in ("x", "y", "u") if n in model.variable_names])


def test_the_signature_has_a_letter_for_every_argument():
    source = write_plastic_source(make_plastic_plan(STDP(), LIF(), LIF()), "0")
    arguments = source.split("def deliver(")[1].split(")")[0].split(",")
    assert len(arguments) == 2 + len(SIGNATURE)


@pytest.mark.parametrize("factory,options,message", [
    (STDP, {"pairing": "nearst"}, "Did you mean 'nearest'"),
    (STDP, {"weight_dependence": "multiplcative"}, "Did you mean 'multiplicative'"),
    (STDP, {"tau_plu": 1.0}, "Did you mean 'tau_plus'"),
    (STDP, {"mu": 0.5}, "has no parameter 'mu'"),
    (TripletSTDP, {"data": "visul"}, "Did you mean 'visual'"),
    (TripletSTDP, {"pairing": "al"}, "Did you mean 'all'"),
    (ShortTerm, {"tau_rec": -1.0}, "must be positive"),
    (RewardSTDP, {"signal": "a b"}, "name of a state"),
])
def test_wrong_options_of_rules(factory, options, message):
    with pytest.raises(ParameterError, match=message):
        factory(**options)


# -- errors of the text, with caret and remedy


@pytest.mark.parametrize("options,marked,message", [
    (dict(on_pre="a_pree += 1"), "a_pree", "Did you mean 'a_pre'"),
    (dict(on_pre="b_pre += 1"), "b_pre", "cannot change its source"),
    (dict(on_pre="b_post = 1"), "b_post", r"write 'b_post \+= ...'"),
    (dict(on_pre="tau_pre = 1"), "tau_pre", "is a parameter"),
    (dict(on_pre="gain = 1"), "gain", "is a derived quantity"),
    (dict(on_pre="w = w + a_plsu"), "a_plsu", "Did you mean 'a_plus'"),
    (dict(on_pre="w = w + a_plus, 0"), None, "Tuple|tuple"),
    (dict(on_pre="w + 1"), "w + 1", "A statement is"),
    (dict(on_pre="w == 1"), "w == 1", "assign with ="),
    (dict(on_pre="w //= 1"), "w //= 1", "A statement is"),
    (dict(on_pre="w = rand()"), "rand()", "random"),
    (dict(on_pre="w = w + xi"), "xi", "White noise"),
    (dict(on_pre="w = t"), "t", "dage/dt"),
    (dict(on_pre="w = 1*nSS"), "nSS", "not declared"),
    (dict(on_pre="send(w*gian)"), "gian", "Did you mean 'gain'"),
    (dict(transmit="w*gian"), "gian", "Did you mean 'gain'"),
])
def test_errors_of_statements(options, marked, message):
    with pytest.raises(ModelError, match=message) as caught:
        pair(**options)
    if marked:
        assert places(caught.value) == marked


@pytest.mark.parametrize("text,message", [
    (TEXT + "\ndw/dt = -w/tau_pre\nw : nS", "declared again"),
    (TEXT + "\nw = 3", "defined as variable and as derived quantity"),
    (TEXT + "\nda_pre/dt = 1", "twice as variable"),
    (TEXT + "\ndc/dt = -c/tau_pre (event driven)", "event-driven"),
    (TEXT + "\ndc/dt = -c/tau_pre : 1 (evnt-driven)", "Did you mean 'event-driven'"),
    (TEXT + "\ndc/dt = -c/tau_pre : 1 (unless refractory)", "no flag"),
    (TEXT + "\nq : 1", "declared but has no value"),
    (TEXT + "\nq : 1\nq : 1", "declared twice"),
    (TEXT + "\nk = m\nm = k", "circle"),
    (TEXT + "\ntransmit = 3", "meaning of its own"),
    (TEXT + "\ndc/dt = -c/tau_per", "tau_per"),
    (TEXT + "\ndif/dt = 1", "keyword"),
])
def test_errors_of_equations(text, message):
    with pytest.raises((ModelError, ParameterError), match=message):
        pair(text)


def test_products_of_parentheses_are_no_flags():
    model = make("z = 2*(w)\ny = 3*(w - z)\nu = (y)*(w) : 1", on_pre="w += u + y")
    assert [show(d.value) for d in model.derived] == ["2*w", "3*(w - z)", "y*w"]


@pytest.mark.parametrize("options,message", [
    (dict(parameters=OPTIONS["parameters"] | {"tau_x": 1.0}), "used nowhere"),
    (dict(parameters=OPTIONS["parameters"] | {"w": 1.0}), "projection gives its value"),
    (dict(parameters=OPTIONS["parameters"] | {"tau_pre": -1.0}), "must be positive"),
    (dict(parameters=OPTIONS["parameters"] | {"tau_pre": float("nan")}), "not finite"),
    (dict(parameters=3), "must be a mapping"),
    (dict(units={"v": "mV"}), "does not occur"),
    (dict(on_pre=3), "must be text"),
    (dict(name=3), "must be text"),
])
def test_errors_of_values(options, message):
    with pytest.raises((ModelError, ParameterError), match=message):
        pair(**options)


@pytest.mark.parametrize("options,message", [
    (dict(on_pre="w -= a_minus; w += 1*mV", units={"w": "nS"}), "nS"),
    (dict(on_pre="w -= a_minus; a_pre += 1*mV"), "mV"),
    (dict(on_pre="w -= a_minus; send(w*tau_pre)", units={"transmit": "nS", "w": "nS"}), "ms"),
    (dict(units={"w": "nS", "w_max": "mV"}), "mV"),
])
def test_units_are_checked(options, message):
    with pytest.raises(UnitError, match=message):
        pair(**options)


# -- rule and neurons together

NEURON = NeuronModel.from_equations(
    "dv/dt = (-v + i)/tau_m : mV\ndg/dt = -g/tau_m : nS\nup = v - 2*mV : mV\ndriven = v + i : mV",
    parameters={"tau_m": 10.0, "level": np.array([1.0, 2.0]), "e": 3.0}, inputs={"i": "mV"}, units={"level": "mV", "e": "mV"},
    threshold="v > level + e", reset="v = 0*mV", name="cell")


def bind(text="", receptor_unit=None, **options):
    return make_plastic_plan(make(text, **options), NEURON, NEURON, receptor_unit=receptor_unit)


def test_states_derived_quantities_and_parameters_of_neurons():
    plan = bind("dw/dt = up_post*v_pre", on_pre="g_post += 2*e_post*up_pre")
    assert plan.pre_reads == ("v",) and plan.post_reads == ("v",) and plan.delivers_to == ("g",) and plan.reads_neurons
    assert plan.neuron_parameters == (("post", "e", "e_post_p_"),)
    pu = plastic_constants(plan, {}, 0.1, NEURON.parameters, NEURON.parameters)
    assert 6.0 in pu and 0.1 in pu
    assert not bind(on_pre="w += 1").reads_neurons


@pytest.mark.parametrize("options,marked,message", [
    (dict(on_pre="w += vv_post"), "vv_post", "Did you mean 'v_post'"),
    (dict(text="dtrace_pre/dt = -trace_pre/5", on_pre="w += trce_pre"), "trce_pre", "Did you mean 'trace_pre'"),
    (dict(on_pre="w += i_post"), "i_post", "is an input of cell"),
    (dict(on_pre="w += driven_post"), "driven_post", "is an input of cell"),
    (dict(on_pre="w += level_post"), "level_post", "one value per neuron"),
    (dict(on_pre="up_post += w"), "up_post", "can add to states of cell only: v, g"),
])
def test_names_that_the_neurons_do_not_have(options, marked, message):
    with pytest.raises(ModelError, match=message) as caught:
        bind(**options)
    assert places(caught.value) == marked


def test_units_of_neurons_and_receptor():
    bind(on_pre="g_post += 2*w", units={"w": "nS"}, receptor_unit="nS")
    with pytest.raises(UnitError, match="'g_post' is in mV here and in nS in cell"):
        bind(on_pre="g_post += 2*w; w += g_post", units={"w": "mV", "g_post": "mV"})
    with pytest.raises(UnitError, match="what the synapse sends is in mV here and in nS at the receptor"):
        bind(on_pre="w += 1*mV", units={"w": "mV"}, receptor_unit="nS")


def test_delays_behind_synapses_need_rules_without_target():
    with pytest.raises(ModelError, match="cannot have dendritic delays of their own"):
        make_plastic_plan(STDP(), LIF(), LIF(), delays="dendritic")
    with pytest.raises(ModelError, match="Did you mean 'axonal'"):
        make_plastic_plan(STDP(), LIF(), LIF(), delays="axonl")


def test_names_that_mean_something_in_generated_code():
    model = make("dring/dt = -ring/target\nde/dt = -e/target\nq = 2*e\nk0_ = ring\ne_0 = e", on_pre="ring += 1; send(w*q*k0_)",
                 on_post="e += e_0", parameters={"target": 5.0})
    plan = make_plastic_plan(model, LIF(), LIF())
    assert len(set(plan.names.values())) == len(plan.names)
    assert not {"ring", "e", "target", "q"} & set(plan.names.values())
    compile(write_plastic_source(plan, "0"), "names", "exec")


def test_the_book_lists_what_is_missing():
    plan = make_plastic_plan(STDP(), LIF(), LIF())
    with pytest.raises(ModelError, match="n_post"):
        make_plastic_book(plan, n_pre=3)
    book = make_plastic_book(plan, distinct=(1, 4), **{name: 7 for name in BOOK if name != "n_distinct"})
    assert book.dtype == np.int64 and book[BOOK.index("n_distinct")] == 2 and book[-2:].tolist() == [1, 4]


def test_constants_must_be_finite():
    plan = make_plastic_plan(STDP("all", "multiplicative"), LIF(), LIF())
    with pytest.raises(ParameterError, match="not finite"):
        plastic_constants(plan, STDP("all", "multiplicative", w_max=0.0).parameters, 0.1)


@pytest.mark.parametrize("make_rule", [
    lambda: STDP(w_max=-1.0),
    lambda: make(on_pre="w += 1", bounds={"w": ("2*a", 1)}, parameters={"a": 1.0}),
])
def test_bounds_that_cross_are_refused_whatever_gives_them(make_rule):
    with pytest.raises(ParameterError, match=r"the low bound of 'w' \(.*\) is above the high one \(.*\) with .* = "):
        make_rule()
    assert STDP(w_min=-1.0, w_max=0.0).parameters["w_max"] == 0.0
