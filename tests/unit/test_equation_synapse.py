"""Synapses written as equations: what they do is what the equations say, in the units that they say."""

import math

import numpy as np
import pytest

import neurosim as ns
from neurosim import units
from neurosim.simulator.receptors import gather
from neurosim.simulator.synapses import Filtered, Single, Synapse

DT = 0.1
EPS = np.finfo(float).eps
SOURCE = ns.NeuronModel.from_equations("dv/dt = 0", threshold="v > 0.5", reset="v = 0", name="source")
#: v stands still at -65 mV, so that the input is known; h and s are there to be named
STILL = ns.NeuronModel.from_equations("dv/dt = 0*i*s : mV\nh = v - 5*mV : mV", inputs={"i": "nA"}, parameters={"s": 1.0},
                                      initial={"v": -65.0}, name="still")
#: an exponential conductance
BASE = dict(equations="dg/dt = -g/tau : uS", on_pre="g += w", current="g*(e - v)", parameters=dict(tau=5.0, e=0.0))


def equation(weight=0.5, **given):
    return ns.EquationSynapse(weight, **(BASE | given))


def link(synapse, model=STILL, n=3, name="a->b"):
    source, target = ns.Population(2, SOURCE, name="a"), ns.Population(n, model, name="b")
    return source, target, ns.Projection(source, target, ns.AllToAll(), synapse, delay=1.0, name=name)


def current(*synapses, model=STILL, n=3, duration=20.0):
    """Return the input of the target after one spike of both sources, from the step on in which it is felt."""
    source, target = ns.Population(2, SOURCE, name="a"), ns.Population(n, model, name="b")
    projections = [ns.Projection(source, target, ns.AllToAll(), s, delay=1.0, name=str(k)) for k, s in enumerate(synapses)]
    net = ns.Network([source, target], projections, [ns.SpikeInput(times=[0.0], weight=1.0, target=source)],
                     [ns.Probe(target, "i")])
    found = ns.simulate(net, duration, DT).traces["i"].values
    # the spike is that of step 0, its time is 0.1 ms; it acts at 1.1 ms, and a probe looks before that
    assert not found[:12].any()
    return found[12:]


def times(values):
    """Return the time since arrival of each sample, as a column."""
    return (DT * np.arange(1, len(values) + 1))[:, None]


# -- what it does -----------------------------------------------------------------------------------------------------

def test_it_is_the_built_in_synapse_bit_for_bit():
    """A conductance onto LIF neurons, driven by three neurons that fire every 4, 5 and 7 ms."""
    source, target = ns.Population(3, SOURCE, name="S"), ns.Population(5, ns.LIF(), name="T")
    when = [np.arange(0.0, 80.0, every) for every in (4.0, 5.0, 7.0)]
    told = ns.SpikeInput(times=np.concatenate(when), neurons=np.repeat(np.arange(3), [len(w) for w in when]), weight=1.0,
                         target=source)

    def run(synapse):
        net = ns.Network([source, target], [ns.Projection(source, target, ns.AllToAll(), synapse, delay=1.0)],
                         [told], [ns.Probe(target, "v")])
        return ns.simulate(net, 80, DT)

    written = equation(0.02, equations="dg/dt = -g/tau : uS\ni_s = g*(e - v) : nA", current="i_s")
    one, other = run(ns.Exponential(0.02, 5.0, 0.0)), run(written)
    assert one.methods == other.methods
    np.testing.assert_array_equal(one.traces["v"].values, other.traces["v"].values)
    assert len(one.spikes["S"]) == sum(map(len, when)) and one.traces["v"].values.max() > -55.0
    # without the name i_s it is the same expression
    assert written.receptor(STILL, 5, "p").current == equation().receptor(STILL, 5, "p").current


def test_jumps_on_several_states():
    """Two sources of weight 0.5: 0.7 of the weight on g, half on h in three parts."""
    synapse = equation(equations="dg/dt = -g/tau : nA\ndh/dt = (3*g - h)/tau2 : nA",
                       on_pre="g += k*w; h += 0.5*w\nh += w; h += -2*q*w", current="g + 10*h",
                       parameters=dict(tau=5.0, tau2=2.0, k=0.7, q=np.array([0.5, 0.75, 0.0])))
    found = current(synapse)
    t = times(found)
    g = 0.7 * np.exp(-t / 5.0)
    jump = np.array([0.5, 0.0, 1.5])
    h = jump * np.exp(-t / 2.0) + 3 * 0.7 / 2.0 * (np.exp(-t / 5.0) - np.exp(-t / 2.0)) / (1 / 2.0 - 1 / 5.0)
    # the linear chain is integrated exactly: a few roundings in each of 200 steps
    np.testing.assert_allclose(found, g + 10 * h, rtol=0, atol=200 * 8 * EPS * 15)


def test_names_of_the_target_and_values_for_each_of_its_neurons():
    """h = v - 5 mV belongs to the target; so would s, but the synapse has an s of its own; v stands in a comment only."""
    tau, e, k = np.array([2.0, 5.0, 9.0]), np.array([0.0, -70.0, -30.0]), np.array([1.0, 2.0, -0.5])
    found = current(equation(equations="ds/dt = -s/tau : uS  # not that of v", on_pre="s += k*w", current="s*(e - h)",
                             parameters=dict(tau=tau, e=e, k=k)))
    np.testing.assert_allclose(found, k * (e + 70.0) * np.exp(-times(found) / tau), rtol=200 * 4 * EPS)


def test_w_of_the_target_is_another_one():
    adex = ns.AdEx()
    assert "w" in adex.state_names
    assert equation(current="g*(e - v) - w").weight_unit(adex, "p") == "uS"
    with pytest.raises(ns.ModelError, match="p: 'w' is the weight in on_pre; give the synapse's own w another name"):
        equation(equations="dw/dt = -w/tau", on_pre="w += w").weight_unit(adex, "p")
    with pytest.raises(ns.ModelError, match="'w' is the weight in on_pre"):
        equation(parameters=dict(tau=5.0, e=0.0, w=1.0)).weight_unit(adex, "p")


def test_equal_synapses_share_their_states_and_others_do_not():
    def states(*synapses):
        source, target, _ = link(synapses[0])
        net = ns.Network([source, target], [ns.Projection(source, target, ns.AllToAll(), s, name=str(k))
                                            for k, s in enumerate(synapses)])
        found = gather(net, target)
        return len(found.states), len(found.signals)

    assert states(equation(), equation(0.1)) == (1, 1)
    assert states(equation(), equation(parameters=dict(tau=5.0, e=-80.0))) == (2, 2)
    assert states(equation(), equation(on_pre="g += 2*w")) == (2, 2)
    assert states(equation(), ns.Exponential(0.1, 5.0, 0.0)) == (2, 2)


def test_without_current_nothing_is_added():
    source, target, p = link(equation(equations="dg/dt = -g/tau : mV", current=None, parameters=dict(tau=5.0)))
    found = gather(ns.Network([source, target], [p]), target)
    assert not found.inputs and list(found.states) == list(found.kicks) == ["_equationsynapse0_g"]


def test_events_from_outside_act_through_it():
    _, target, _ = link(equation())
    net = ns.Network([target], stimuli=[ns.SpikeInput(times=[0.0], weight=0.5, target=target, synapse=equation())],
                     probes=[ns.Probe(target, "i")])
    found = ns.simulate(net, 5.0, DT).traces["i"].values[1:]
    np.testing.assert_allclose(found, 32.5 * np.exp(-times(found) / 5.0) * np.ones(3), rtol=50 * 4 * EPS)
    with pytest.raises(ns.NetworkError, match="several jumps or a factor cannot be driven by single events"):
        ns.simulate(ns.Network([target], stimuli=[ns.SpikeInput(times=[0.0], weight=0.5, target=target,
                                                                synapse=equation(on_pre="g += 2*w"))]), 1.0)


# -- units ------------------------------------------------------------------------------------------------------------

UNITS = {
    "that of the state": (dict(), "uS"),
    "nothing declared, but the input is in nA": (dict(equations="dg/dt = -g/tau"), "uS"),
    "a plain number beside w": (dict(on_pre="g += 0.5*w"), "uS"),
    "a sum of numbers": (dict(on_pre="g += w/3 + 2*w"), "uS"),
    "a parameter without unit": (dict(on_pre="g += k*w", parameters=dict(tau=5.0, e=0.0, k=0.7)), "uS"),
    "a parameter with unit": (dict(on_pre="g += w/k", parameters=dict(tau=5.0, e=0.0, k=2.0), units={"k": "mV"}), "nA"),
    "a quantity": (dict(on_pre="g += w/k", parameters=dict(tau=5.0, e=0.0, k="2 V")), "uA"),
    "a parameter that the equations have too": (dict(on_pre="g += w/tau"), "uS*ms"),
    "number and parameter": (dict(on_pre="g += 0.5*w/tau"), "uS*ms"),
    "two states": (dict(equations="dg/dt = -g/tau : uS\ndh/dt = -h/tau : uS", on_pre="h += w; g += w"), "uS"),
    "another state with a number": (dict(equations="dg/dt = -g/tau : uS\ndm/dt = -m/tau : 1", on_pre="m += 1*w; g += w"), "uS"),
    "no current": (dict(equations="dg/dt = -g/tau : mV", current=None, parameters=dict(tau=5.0)), "mV"),
}


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_of_the_weight(name):
    given, wanted = UNITS[name]
    assert units.parse(equation(**given).weight_unit(STILL, "p")) == units.parse(wanted)


def test_a_weight_may_be_a_quantity():
    for weight, number in (("2 nS", 0.002), ((2.0, "nS"), 0.002), ("0.5 uS", 0.5), (0.25, 0.25)):
        assert link(equation(weight))[2].synapse.weight == pytest.approx(number, rel=4 * EPS)
    several = link(equation(([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "nS")))[2].synapse.weight
    np.testing.assert_allclose(several, 0.001 * np.arange(1, 7), rtol=4 * EPS)
    with pytest.raises(ns.UnitError, match=r"'weight' of a->b is in pA \(a current\), but uS \(a conductance\) is needed"):
        link(equation("2 pA"))


def test_without_any_unit_there_is_none():
    bare = ns.NeuronModel.from_equations("dv/dt = -v + i", inputs=["i"], name="bare")
    synapse = equation(equations="dg/dt = -g/tau")
    assert synapse.weight_unit(bare, "p") is None
    with pytest.raises(ns.UnitError, match="no unit is declared for it"):
        link(equation("2 nS", equations="dg/dt = -g/tau"), bare)
    # units of the synapse alone are enough
    assert equation().weight_unit(bare, "p") == "uS"


@pytest.mark.parametrize("given, message", [
    (dict(equations="dg/dt = -g/tau : nS"), "powers of ten differ"),
    (dict(units={"e": "nA"}), r"mV \(a voltage\) is needed here, but e is in nA"),
    (dict(current="g + 0*e"), r"nA \(a current\) is needed here, but g is in uS"),
    (dict(equations="dg/dt = -g/tau : uS\ndm/dt = -m/tau : 1", on_pre="m += w; g += w"), r"on_pre \(g \+=\).*uS"),
    (dict(on_pre="g += (k + q)*w", parameters=dict(tau=5.0, e=0.0, k=1.0, q=1.0), units={"k": "mV", "q": "ms"}), "on_pre"),
])
def test_units_that_do_not_fit_are_refused_when_the_network_is_described(given, message):
    source, target, p = link(equation(**given))
    with pytest.raises(ns.UnitError, match=f"(?s){message}"):
        ns.Network([source, target], [p])


# -- what is refused --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("given, message", [
    (dict(equations=""), "EquationSynapse: equations is missing; it is a text such as 'dg/dt = -g/tau_syn : uS'"),
    (dict(equations=3), "EquationSynapse: equations is missing"),
    (dict(on_pre="  "), "EquationSynapse: on_pre is missing; it is a text such as 'g [+]= w'"),
    (dict(current=3), r"current is a text such as 'g\*\(e_rev - v\)', not int"),
    (dict(parameters=[1]), r"parameters is a dictionary such as \{'tau_syn': 5.0\}, not list"),
    (dict(units="mV"), r"units is a dictionary such as \{'tau_syn': 'ms'\}, not str"),
])
def test_things_of_the_wrong_kind(given, message):
    with pytest.raises(ns.ModelError, match=message):
        equation(**given)


@pytest.mark.parametrize("given, error, message", [
    (dict(on_pre="g = w"), ns.ModelError, "a->b: on_pre: 'g = w' is not of the form 'state [+]= expression'"),
    (dict(on_pre="g *= w"), ns.ModelError, "is not of the form"),
    (dict(on_pre=";"), ns.ModelError, "a->b: on_pre adds nothing; write for example 'g [+]= w'"),
    (dict(on_pre="gg += w"), ns.ModelError, "a->b: on_pre: 'gg' is not a state of the synapse. Did you mean 'g'.*States: g"),
    (dict(on_pre="v += w"), ns.ModelError, "on_pre: 'v' is not a state of the synapse"),
    (dict(on_pre="g += w*w"), ns.ModelError, "a->b: on_pre: 'g [+]= w.w' must be proportional to the weight w"),
    (dict(on_pre="g += w + 1"), ns.ModelError, "must be proportional"),
    (dict(on_pre="g += 1"), ns.ModelError, "must be proportional"),
    (dict(on_pre="g += exp(w)"), ns.ModelError, "must be proportional"),
    (dict(on_pre="g += v*w"), ns.NetworkError, "a->b: on_pre: v cannot be used; known: e, tau, w.*belongs to plasticity="),
    (dict(on_pre="g += g*w"), ns.NetworkError, "on_pre: g cannot be used"),
    (dict(on_pre="g += (w"), ns.ModelError, "on_pre cannot be read"),
    (dict(equations="dg/dt = -g/"), ns.ModelError, "(?s)equation of g cannot be read.*    -g/\n"),
    (dict(equations="dg/dt = -g/taus"), ns.ModelError, "(?s)'taus' is not declared. Did you mean 'tau'"),
    (dict(equations="dg/dt = -g/tau + 0.1*xi/sqrt(tau) : uS"), ns.ModelError, "a->b: noise belongs to neurons"),
    (dict(current="g*(e - vv)"), ns.ModelError, "'vv' is not declared"),
    (dict(current="g*i"), ns.ModelError, "'i' is not declared"),
    (dict(parameters=dict(tau=[5.0, 6.0], e=0.0)), ns.ParameterError, "a->b: tau must be a number, or one value for each of 3"),
    (dict(parameters=dict(tau=5.0, e=ns.Uniform(0, 1))), ns.ParameterError, "a->b: e must be a number, or one value for each"),
    (dict(parameters=dict(tau=-5.0, e=0.0)), ns.ParameterError, "'tau' of synapse of a->b is -5, but a time constant"),
    (dict(parameters=dict(tau=5.0, e=0.0, q=1.0)), ns.ParameterError, "synapse of a->b: the parameter 'q' is used nowhere"),
    (dict(parameters=dict(tau=5.0, e="soon")), ns.ParameterError, "'e' of synapse of a->b is the text 'soon'"),
    (dict(on_pre="g += k*w", parameters=dict(tau=5.0, e=0.0, k=math.nan)), ns.ParameterError, "'k' of synapse of a->b is nan"),
    (dict(units={"zz": "mV"}), ns.ModelError, "units= names 'zz', which does not occur"),
    (dict(input="j"), ns.NetworkError, "a->b: still has no input 'j'. Inputs: i"),
])
def test_what_cannot_be_is_refused_when_the_network_is_described(given, error, message):
    source, target, p = link(equation(**given))
    with pytest.raises(error, match=message):
        ns.Network([source, target], [p])


def test_a_target_without_input_is_refused():
    source, target, p = link(equation(), SOURCE)
    with pytest.raises(ns.NetworkError, match="a->b: source has no input for a synaptic current"):
        ns.Network([source, target], [p])


def test_the_base_of_all_synapses_is_abstract():
    for cls, missing in ((Synapse, "receptor"), (Filtered, "response"), (Single, "response")):
        with pytest.raises(TypeError, match=f"abstract.*{missing}"):
            cls(0.1)
