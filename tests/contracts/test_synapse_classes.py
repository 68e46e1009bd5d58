"""Every synapse class keeps one contract: how it is called, what it refuses, what one spike does.

A new class is found by itself; it needs an entry in `MAKE` only if it cannot be made from a weight alone.
"""

import dataclasses
import inspect
import math

import numpy as np
import pytest

import neurosim as ns
from neurosim.simulator import synapses
from neurosim.simulator.synapses import Filtered, Receptor, Synapse

DT = 0.05


def concrete(base=Synapse):
    found = []
    for cls in base.__subclasses__():
        found += [cls] if cls.__module__ == synapses.__name__ and cls.__name__ in ns.__all__ else []
        found += concrete(cls)
    return found


CLASSES = sorted(set(concrete()), key=lambda c: c.__name__)
FILTERED = [c for c in CLASSES if issubclass(c, Filtered)]
every = pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
filtered = pytest.mark.parametrize("cls", FILTERED, ids=lambda c: c.__name__)

SOURCE = ns.NeuronModel.from_equations("dv/dt = 0", threshold="v > 0.5", reset="v = 0", name="source")
STILL = ns.NeuronModel.from_equations("dv/dt = 0*i : mV", inputs={"i": "nA"}, initial={"v": -65.0}, name="still")
TWO = ns.NeuronModel.from_equations("dv/dt = 0*(i + j) : mV", inputs={"i": "nA", "j": "nA"}, initial={"v": -65.0}, name="two")
NONE = ns.NeuronModel.from_equations("dv/dt = 0 : mV", name="none")


def test_the_classes_are_found():
    assert {"Delta", "Exponential", "Alpha", "Filter", "DoubleExponential", "NMDA"} <= {c.__name__ for c in CLASSES}
    for name in ("Delta", "Exponential", "Alpha", "Filter", "DoubleExponential", "NMDA"):
        assert getattr(ns, name) in CLASSES


# -- how it is called -------------------------------------------------------------------------------------------------

@every
def test_it_says_its_equations_and_explains_every_argument(cls):
    text = " ".join(inspect.getdoc(c) for c in cls.__mro__ if issubclass(c, Synapse))
    assert inspect.getdoc(cls) and ("=" in inspect.getdoc(cls) or "<-" in inspect.getdoc(cls))
    for field in dataclasses.fields(cls):
        assert field.name in text, field.name


@every
def test_it_is_frozen_and_told_apart_by_identity(cls):
    one = cls(0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.weight = 1.0
    assert one != cls(0.5) and hash(one) != hash(cls(0.5)) and "weight=0.5" in repr(one)


@every
def test_the_weight_is_a_number_a_distribution_or_an_array(cls):
    assert cls(2).weight == cls(weight=2.0).weight == 2.0
    assert np.array_equal(cls([1, 2, 3]).weight, [1.0, 2.0, 3.0])
    drawn = ns.Normal(1, 2)
    assert cls(drawn).weight is drawn


@every
@pytest.mark.parametrize("weight", ["much", float("nan"), float("inf"), True, [1.0, float("nan")], [[1.0]], [], 1j, {}])
def test_a_weight_that_is_none_of_these_is_refused(cls, weight):
    with pytest.raises(ns.ParameterError, match=f"{cls.__name__} 'weight'"):
        cls(weight)


@every
def test_a_weight_can_be_left_out_where_the_connections_have_their_own(cls):
    cells = ns.Population(3, ns.LIF(), name="cells")
    given = np.arange(1.0, 10.0).reshape(3, 3)
    net = ns.Network([cells], projections=[ns.Projection(cells, cells, ns.Matrix(given), cls(), delay=1.0, name="p")])
    np.testing.assert_array_equal(ns.simulate(net, 0.0, 0.1).connections["p"].weight, given.ravel())
    for rule in (ns.AllToAll(), ns.Matrix(given > 3)):
        with pytest.raises(ns.ParameterError, match="the synapse has no weight"):
            ns.Projection(cells, cells, rule, cls(), delay=1.0)


@filtered
def test_time_constants_and_the_reversal_potential_follow_the_weight(cls):
    """``ns.DoubleExponential(weight, tau_rise, tau_decay, e_rev)``: the others are given by name."""
    names = [p.name for p in inspect.signature(cls).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    taus = list(cls(0.1).times())
    assert names == ["weight", *taus, "e_rev"]
    made = cls(0.1, *(3.0 + k for k in range(len(taus))), -70.0)
    assert [getattr(made, name) for name in taus] == [3.0 + k for k in range(len(taus))] and made.e_rev == -70.0
    with pytest.raises(TypeError):
        cls(0.1, tau=3.0)


@filtered
@pytest.mark.parametrize("value", [0.0, -1.0, [1.0, 0.0], float("nan"), None, "5 mV", ns.Uniform(1, 2), [[1.0]]])
def test_a_time_constant_is_a_positive_number_or_one_for_each_neuron(cls, value):
    for name in cls(0.1).times():
        with pytest.raises(ns.NeurosimError, match=name):
            cls(0.1, **{name: value})


@filtered
def test_units_are_converted(cls):
    name = cls(0.1).times()[0]
    assert getattr(cls(0.1, **{name: "2000 us"}), name) == pytest.approx(2.0, rel=1e-15)
    assert cls(0.1, e_rev="-0.08 V").e_rev == pytest.approx(-80.0, rel=1e-15)


@filtered
def test_a_conductance_has_a_reversal_potential_and_a_current_none(cls):
    with pytest.raises(ns.ParameterError, match="conductance without a reversal potential: give e_rev="):
        cls(0.1, e_rev=None, conductance=True)
    with pytest.raises(ns.ParameterError, match="a current has no reversal potential"):
        cls(0.1, e_rev=-80.0, conductance=False)
    for bad in (float("nan"), "fast", ns.Uniform(-80, -60), True):
        with pytest.raises(ns.NeurosimError, match="e_rev"):
            cls(0.1, e_rev=bad)
    with pytest.raises(ns.ParameterError, match="scale is 'peak' or 'area', not 'heigth'"):
        cls(0.1, scale="heigth")


# -- what it needs of its target --------------------------------------------------------------------------------------

@every
def test_it_puts_itself_in_the_terms_of_its_target(cls):
    found = cls(0.1).receptor(STILL, 5, "a->b")
    assert isinstance(found, Receptor) and hash(found.key) is not None
    # a pulse is on an input; all others act on states
    assert found.target in found.states or found.target in STILL.state_names or (cls is ns.Pulse and found.input == "i")
    if issubclass(cls, Filtered):
        assert found.input == "i" and found.current is not None
    # equal constants share their states, whatever the weight; others do not
    assert cls(0.2).receptor(STILL, 5, "c->b").key == found.key
    for name in cls(0.1).times() if issubclass(cls, Filtered) else ():
        assert cls(0.1, **{name: 7.5}).receptor(STILL, 5, "c->b").key != found.key
        each = cls(0.1, **{name: np.full(5, 7.5)})
        assert each.receptor(STILL, 5, "c->b").key != cls(0.1, **{name: 7.5}).receptor(STILL, 5, "c->b").key
        assert each.receptor(STILL, 5, "c->b").key == cls(0.1, **{name: np.full(5, 7.5)}).receptor(STILL, 5, "d->b").key
    if issubclass(cls, Filtered):
        assert cls(0.1, e_rev=-33.0).receptor(STILL, 5, "c->b").key != found.key


@filtered
def test_a_target_that_lacks_what_it_needs_is_refused(cls):
    with pytest.raises(ns.NetworkError, match="a->b: none has no input for a synaptic current"):
        cls(0.1).receptor(NONE, 5, "a->b")
    with pytest.raises(ns.NetworkError, match="a->b: two has the inputs i, j: name one with input="):
        cls(0.1).receptor(TWO, 5, "a->b")
    assert cls(0.1, input="j").receptor(TWO, 5, "a->b").input == "j"
    with pytest.raises(ns.NetworkError, match="no input 'jj'. Did you mean 'j'"):
        cls(0.1, input="jj").receptor(TWO, 5, "a->b")
    for variable in ("u", "i"):
        with pytest.raises(ns.NetworkError, match=f"still has no potential '{variable}' for the driving force"):
            cls(0.1, e_rev=0.0, variable=variable).receptor(STILL, 5, "a->b")
    for name in cls(0.1).times():
        with pytest.raises(ns.ParameterError, match=rf"a->b: {name} has shape \(3,\), but there are 5 target neurons"):
            cls(0.1, **{name: np.ones(3)}).receptor(STILL, 5, "a->b")
    with pytest.raises(ns.ParameterError, match=r"a->b: e_rev has shape \(3,\), but there are 5 target neurons"):
        cls(0.1, e_rev=np.zeros(3)).receptor(STILL, 5, "a->b")


# -- what one spike does ----------------------------------------------------------------------------------------------

#: time constants of the test, short so that the response ends within the run
SHORT = {"tau_syn": 2.0, "tau_rise": 0.5, "tau_decay": 3.0}


@filtered
def test_one_spike_causal_proportional_superposed_and_of_the_stated_size(cls):
    taus = {name: SHORT[name] for name in cls(0.1).times()}
    e_rev = None if cls(0.1).e_rev is None else 0.0
    # what one unit of the synapse gives to the input of a neuron at -65 mV
    force = 1.0 if e_rev is None else 65.0
    if cls.__name__ == "NMDA":
        force /= 1 + 1 / 3.57 * math.exp(0.062 * 65.0)
    source = ns.Population(2, SOURCE, name="source")
    # neuron 0: weight 0.5; 1: weight -1; 2: both spikes, weight 0.5 each; 3: nothing; its weight is 0
    cells = ns.Population(4, TWO, name="cells")
    rule = ns.Explicit([0, 0, 0, 1, 0], [0, 1, 2, 2, 3])
    weights = np.array([0.5, -1.0, 0.5, 0.5, 0.0])
    first, second = 1.0, 4.0
    projections = [ns.Projection(source, cells, rule, cls(weights, **taus, e_rev=e_rev, scale=scale, input=name), delay=2.0,
                                 name=scale) for name, scale in (("i", "peak"), ("j", "area"))]
    stimulus = ns.SpikeInput(times=[first - DT, second - DT], neurons=[0, 1], weight=1.0, target=source)
    net = ns.Network([source, cells], projections, [stimulus], [ns.Probe(cells, "i"), ns.Probe(cells, "j")])
    traces = ns.simulate(net, 90.0, DT).traces
    i, arrival = traces["i"].values / force, round(3.0 / DT)
    assert np.all(i[:arrival + 1] == 0) and np.all(i[arrival + 1:arrival + 40, :2] != 0)
    assert np.all(i[:, 3] == 0)
    eps = np.finfo(float).eps
    # doubling the weight changes no rounding, nor does its sign
    np.testing.assert_array_equal(i[:, 1], -2 * i[:, 0])
    shift = round((second - first) / DT)
    moved = np.concatenate([np.zeros(shift), i[:-shift, 0]])
    # a step of a slow state rounds a few times and is forgotten with the longest time constant
    assert np.abs(i[:, 2] - i[:, 0] - moved).max() <= 16 * eps * (1 + 3.0 / DT) * 0.5
    # the peak lies between two samples: near it the response is a parabola or, for a jump, decays within the first sample
    top = i[:, 0].max()
    assert 0.5 * (1 - DT / 0.4) <= top <= 0.5 * (1 + 1e-12)
    # the area by Simpson's rule from the arrival on, where the limit from above of the response is 0 or the weight
    area = traces["j"].values[arrival:, 0] / force
    jump = area[1] > 0.5 * area.max()
    if jump:
        # a single exponential: a geometric series
        assert area[1:].sum() * -math.expm1(-DT / 2.0) * math.exp(DT / 2.0) * 2.0 == pytest.approx(0.5, rel=1e-12)
    else:
        area = area[:len(area) - 1 + len(area) % 2]
        simpson = DT / 3 * (area[0] + 4 * area[1::2].sum() + 2 * area[2:-1:2].sum() + area[-1])
        # Simpson's error is DT^4/180 times the change of the third derivative, of order 0.5/0.5^4 here
        assert simpson == pytest.approx(0.5, rel=DT**4 / 180 * 10 / 0.5**4)
