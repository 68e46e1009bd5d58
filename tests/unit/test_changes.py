"""What is changed between runs is as if the network had been described so; what is under way arrives all the same."""

import numpy as np
import pytest

import neurosim as ns

DT = 0.1
#: spikes when told to; what arrives adds up in g
RELAY = ns.NeuronModel.from_equations("dv/dt = -v\ndg/dt = 0", threshold="v > 0.5", reset="v = 0", name="relay")
RATE = ns.NeuronModel.from_equations("dx/dt = (-x + i)/tau", parameters={"tau": 10.0}, inputs=["i"], name="rate")
WEIGHTS = ns.Uniform(0.5, 1.5)


def driven(tau_m=20.0, weight=WEIGHTS, t_ref=2.0, loop=True):
    """LIF neurons: S fires by itself and drives T, which drives itself."""
    s, t = ns.Population(4, ns.LIF(), name="S"), ns.Population(6, ns.LIF(tau_m=tau_m, t_ref=t_ref), name="T")
    projections = [ns.Projection(s, t, ns.AllToAll(), ns.Exponential(weight, 5.0), delay=1.5, name="in")]
    if loop:
        projections.append(ns.Projection(t, t, ns.FixedInDegree(2), ns.Exponential(0.4, 5.0), delay=0.8, name="loop"))
    return ns.Network([s, t], projections, [ns.DC([1.7, 1.9, 2.2, 2.6], target=s), ns.DC(1.45, target=t)], [ns.Probe(t, "v")])


def outcome(*results):
    return (np.concatenate([r.traces["v"].values for r in results]),
            np.concatenate([r.spikes["T"].times for r in results]), np.concatenate([r.spikes["T"].indices for r in results]))


def assert_same(one, other):
    assert len(one[1]) > 20
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a, b)


@pytest.fixture(scope="module")
def plain():
    net = driven()
    return net, ns.simulate(net, 100, DT, seed=3)


# -- as if it had been described so -----------------------------------------------------------------------------------

@pytest.mark.parametrize("changes, described", [
    ({"T": {"tau_m": 12.0}}, dict(tau_m=12.0)),
    ({"T": {"tau_m": "12000 us", "t_ref": 4.0}}, dict(tau_m=12.0, t_ref=4.0)),
    ({"in": {"weight": 0.75}}, dict(weight=0.75)),
    ({"loop": False}, dict(loop=False)),
    ({"T": {"t_ref": 5.0}, "in": {"weight": 1.25}, "loop": False}, dict(t_ref=5.0, weight=1.25, loop=False)),
])
def test_a_change_from_the_beginning(plain, changes, described):
    net, before = plain
    found = outcome(ns.simulate(net, 100, DT, seed=3, changes=changes))
    assert_same(found, outcome(ns.simulate(driven(**described), 100, DT, seed=3)))
    assert not np.array_equal(found[0], outcome(before)[0])


def test_no_change_changes_nothing(plain):
    net, before = plain
    for changes in ({}, None, {"T": {}, "in": {}}, {"in": True, "loop": True}, {"T": {"tau_m": 20.0}, "loop": {"weight": 0.4}}):
        assert_same(outcome(before), outcome(ns.simulate(net, 100, DT, seed=3, changes=changes)))


def test_a_change_half_way_and_back(plain):
    """The state goes on: the same as the run before until the change, then different, and an earlier result stays as it was."""
    net, before = plain
    first = ns.simulate(net, 50, DT, seed=3)
    other = ns.simulate(net, 50, DT, seed=3, resume=first, changes={"T": {"tau_m": 12.0}, "in": {"weight": 0.2}})
    assert np.array_equal(other.traces["v"].values[0], before.traces["v"].values[500])
    assert not np.array_equal(other.traces["v"].values, before.traces["v"].values[500:])
    assert np.all(other.connections["in"].weight == 0.2) and first.connections["in"].weight.std() > 0
    assert_same(outcome(before), outcome(first, ns.simulate(net, 50, DT, seed=3, resume=first)))


def test_changes_are_kept_until_they_are_changed(plain):
    net, _ = plain
    whole = ns.simulate(net, 100, DT, seed=3, changes={"T": {"tau_m": 12.0}, "loop": False})
    parts = [ns.simulate(net, 30, DT, seed=3, changes={"T": {"tau_m": 12.0}, "loop": False})]
    parts.append(ns.simulate(net, 30, DT, seed=3, resume=parts[0]))
    # what is asked for anew says nothing about the rest
    parts.append(ns.simulate(net, 40, DT, seed=3, resume=parts[1], changes={"T": {"t_ref": 2.0}}))
    assert_same(outcome(whole), outcome(*parts))
    last = ns.simulate(net, 30, DT, seed=3, resume=parts[1], changes={"loop": True, "T": {"tau_m": 20.0}})
    on = ns.simulate(net, 30, DT, seed=3, resume=parts[1], changes={"T": {"tau_m": 20.0}})
    assert not np.array_equal(last.traces["v"].values, on.traces["v"].values)


# -- what is under way ------------------------------------------------------------------------------------------------

def told(population, times, neurons=None):
    return ns.SpikeInput(times=times, neurons=neurons, weight=1.0, target=population, variable="v")


def test_switched_off_only_what_was_sent_before_arrives():
    """Spikes at 0.6, 1.6, ... 9.6 ms travel for 2 ms; from 3 to 6 ms the projection is off."""
    cells = ns.Population(2, RELAY, name="cells")
    p = ns.Projection(cells[0], cells[1], ns.OneToOne(), ns.Delta(1.0, variable="g"), delay=2.0, name="p")
    net = ns.Network([cells], [p], [told(cells[0], np.arange(0.5, 10.0))])
    results, last = [], None
    for duration, changes in ((3, None), (1, {"p": False}), (2, None), (3, {"p": True}), (3, None)):
        last = ns.simulate(net, duration, DT, resume=last, changes=changes)
        results.append(last.final("cells", "g")[1])
    # at 3, 4, 6, 9 and 12 ms; the last two of the first three arrive while it is off, 3.6, 4.6 and 5.6 never
    assert results == [1.0, 2.0, 3.0, 4.0, 7.0]
    # off from the beginning, and another weight for what is sent after 6 ms
    first = ns.simulate(net, 6, DT, changes={"p": False})
    assert ns.simulate(net, 6, DT, resume=first, changes={"p": True}).final("cells", "g")[1] == 4.0
    first = ns.simulate(net, 6, DT)
    assert ns.simulate(net, 6, DT, resume=first, changes={"p": {"weight": -10.0}}).final("cells", "g")[1] == 6.0 - 40.0


# -- plastic projections ----------------------------------------------------------------------------------------------

def test_weights_are_set_in_the_order_of_the_connections():
    rng = np.random.default_rng(0)
    a, b = ns.Population(5, RELAY, name="a"), ns.Population(4, RELAY, name="b")
    pre, post = rng.integers(0, 7, 30), rng.integers(0, 6, 30)
    p = ns.Projection([a[2:], b], [b[1:], a[:3]], ns.Explicit(pre, post), ns.Delta(0.5, variable="g"), delay=1.0,
                      plasticity=ns.STDP(w_max=100.0, a_plus=0.0, a_minus=0.0), name="p")
    net = ns.Network([a, b], [p], [told(a, [0.0]), told(b, [0.0])])
    w = np.arange(30.0)
    result = ns.simulate(net, 3.0, DT, changes={"p": {"w": w}})
    c = result.connections["p"]
    assert c.weight.tolist() == w.tolist()
    # every source fires once
    arrived = np.bincount(c.post, w, minlength=6)
    assert result.final("b", "g").tolist() == [0.0, *arrived[:3]]
    assert result.final("a", "g").tolist() == [*arrived[3:], 0.0, 0.0]
    # one number for all, now and not at the next beginning
    second = ns.simulate(net, 0.0, DT, resume=result, changes={"p": {"w": 7.0}})
    assert np.all(second.connections["p"].weight == 7.0) and result.connections["p"].weight.tolist() == w.tolist()
    assert np.all(ns.simulate(net, 1.0, DT, resume=second).connections["p"].weight == 7.0)


def test_parameters_of_a_rule():
    """Neuron 4 + k fires 1 + k ms after neuron k: every pair adds a_plus exp(-gap/tau_plus)."""
    gap = 1.0 + np.arange(4)
    cells = ns.Population(8, RELAY, name="cells")

    def network(**rule):
        p = ns.Projection(cells[:4], cells[4:], ns.OneToOne(), ns.Delta(0.5, variable="g"), delay=DT, name="p",
                          plasticity=ns.STDP(**({"a_plus": 0.02, "tau_plus": 5.0, "w_max": 2.0} | rule)))
        after = np.concatenate([0 * gap, gap + DT])
        return ns.Network([cells], [p], [told(cells, np.add.outer([0.0, 200.0], after).ravel(), np.tile(np.arange(8), 2))])

    def weight(result):
        return result.connections["p"].weight

    net = network()
    first = ns.simulate(net, 100.0, DT)
    # w_max - w_min = 2; a few roundings of numbers of order 1
    once = 2 * 0.02 * np.exp(-gap / 5.0)
    np.testing.assert_allclose(weight(first), 0.5 + once, rtol=0, atol=1e-14)
    # depression by the second pair: exp(-195/20) and less, times 0.00525
    kept = 2 * 0.00525 * np.exp(-(200.0 - gap) / 20.0)
    second = ns.simulate(net, 200.0, DT, resume=first)
    np.testing.assert_allclose(weight(second), 0.5 + 2 * once - kept, rtol=0, atol=1e-7)
    second = ns.simulate(net, 200.0, DT, resume=first, changes={"p": {"a_plus": 0.05}})
    np.testing.assert_allclose(weight(second), 0.5 + 3.5 * once - kept, rtol=0, atol=1e-7)
    # and a weight beside it
    second = ns.simulate(net, 200.0, DT, resume=first, changes={"p": {"a_plus": 0.05, "w": [0.1, 0.2, 0.3, 0.4]}})
    np.testing.assert_allclose(weight(second), 0.1 * np.arange(1, 5) + 2.5 * once - kept, rtol=0, atol=1e-7)
    for change in ({"a_plus": 0.05}, {"tau_plus": 9.0}, {"a_plus": 0.03, "a_minus": 0.5, "w_max": 1.0}):
        described = ns.simulate(network(**change), 300.0, DT)
        assert np.array_equal(weight(ns.simulate(net, 300.0, DT, changes={"p": change})), weight(described))


# -- continuous projections -------------------------------------------------------------------------------------------

def test_factors_of_continuous_projections():
    w = np.array([[0.0, 0.5, 0.25], [1.0, 0.0, -0.5], [0.125, 0.75, 0.0]])
    cells = ns.Population(3, RATE, name="r", initial={"x": [1.0, -2.0, 0.5]})

    def network(factor, rule):
        given = ns.AllToAll() if rule else w
        return ns.Network([cells], [ns.GradedProjection(cells, cells, given, factor, name="g")], probes=[ns.Probe(cells, "x")])

    for rule in (False, True):
        net = network(1.0, rule)
        first = ns.simulate(net, 5.0, DT)
        # powers of two multiply the weights of a matrix without rounding
        for factor in (2.0, -0.25):
            described = ns.simulate(network(factor, rule), 5.0, DT)
            found = ns.simulate(net, 5.0, DT, changes={"g": {"weight": factor}})
            assert np.array_equal(found.traces["x"].values, described.traces["x"].values)
            # kept, not multiplied again
            kept = ns.simulate(net, 5.0, DT, resume=ns.simulate(net, 0.0, DT, changes={"g": {"weight": factor}}))
            assert np.array_equal(kept.traces["x"].values, described.traces["x"].values)
        # off: what was sent for the next step arrives, then x decays
        off = ns.simulate(net, 5.0, DT, resume=first, changes={"g": False}).traces["x"].values
        np.testing.assert_allclose(off[2:], off[1] * np.exp(-DT / 10.0 * np.arange(1, 49))[:, None], rtol=1e-13)


# -- what is refused --------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def various():
    s, t = ns.Population(4, ns.LIF(), name="S"), ns.Population(6, ns.LIF(), name="T")
    rule = ns.STDP(w_max=1.0, tau_plus=ns.Uniform(10, 30))
    return ns.Network([s, t], [ns.Projection(s, t, ns.AllToAll(), ns.Delta(0.1), delay=1.0, name="static"),
                               ns.Projection(s, t, ns.AllToAll(), ns.Delta(0.1), delay=1.0, plasticity=rule, name="plastic")])


@pytest.mark.parametrize("changes, error, message", [
    ({"TT": {"tau_m": 1.0}}, ns.NetworkError, "no population or projection 'TT'. Did you mean 'T'.* Known: S, T, static, p"),
    ({3: True}, ns.NetworkError, "no population or projection 3"),
    ([("T", 1)], ns.ParameterError, r"changes= takes a dictionary such as \{'E': \{'tau_m': 15.0\}\}, not list"),
    ({"T": False}, ns.ParameterError, "'T' is a population; only projections are switched off and on"),
    ({"T": 3.0}, ns.ParameterError, "'T' takes values by name, not 3.0"),
    ({"static": 3.0}, ns.ParameterError, "'static' takes values by name, True or False, not 3.0"),
    ({"T": {"tau": 1.0}}, ns.ParameterError, "LIF has no parameter 'tau'. Did you mean 'tau_m'"),
    ({"T": {"v": -60.0}}, ns.ParameterError, "v of 'T' is a state, not a parameter"),
    ({"T": {"tau_m": -1.0}}, ns.ParameterError, "a time constant must be positive"),
    ({"T": {"tau_m": "3 mV"}}, ns.UnitError, "ms"),
    ({"T": {"tau_m": np.ones(5)}}, ns.ParameterError, r"shape \(5,\)"),
    ({"T": {"v_th": -80.0}}, ns.ModelError, "reset"),
    ({"static": {"w": 1.0}}, ns.ParameterError, "'static' has no 'w' that can be changed.* Known: weight"),
    ({"static": {"weight": np.ones(24)}}, ns.ParameterError, "'weight' of 'static' must be a finite number, not array"),
    ({"static": {"weight": float("nan")}}, ns.ParameterError, "must be a finite number, not nan"),
    ({"static": {"weight": True}}, ns.ParameterError, "must be a finite number, not True"),
    ({"static": {"delay": 2.0}}, ns.ParameterError, "'static' has no 'delay' that can be changed"),
    ({"plastic": {"weight": 1.0}}, ns.ParameterError, "'plastic' has no 'weight' that can be changed.* Known: tau_plus, .*, w"),
    ({"plastic": {"wmax": 1.0}}, ns.ParameterError, "'plastic' has no 'wmax' that can be changed. Did you mean 'w_max'"),
    ({"plastic": {"a_plus": float("inf")}}, ns.ParameterError, "'a_plus' of 'plastic' must be a finite number, not inf"),
    ({"plastic": {"w_max": -1.0}}, ns.ParameterError, r"the low bound of 'w' \(0\) is above the high one \(-1\) with w_max"),
    ({"plastic": {"tau_minus": -1.0}}, ns.ParameterError, "'tau_minus' of STDP.* a time constant must be positive"),
    ({"plastic": {"tau_plus": 15.0}}, ns.ParameterError, "tau_plus was drawn for each synapse and stays as it is"),
    ({"plastic": {"w": np.ones(23)}}, ns.ParameterError, r"'plastic': w has shape \(23,\), but there are 24 connections"),
    ({"plastic": {"w": np.ones((4, 6))}}, ns.ParameterError, r"w has shape \(4, 6\), but there are 24 connections"),
    ({"plastic": {"w": "much"}}, ns.ParameterError, "w must be a number or an array, not str"),
    ({"plastic": {"w": [0.1] * 23 + [float("nan")]}}, ns.ParameterError, "'plastic': w must be finite"),
    ({"plastic": {"y": 1.0}}, ns.ParameterError, "'y' cannot be set between runs.* Known: w"),
])
def test_what_cannot_be_changed(various, changes, error, message):
    with pytest.raises(error, match=message):
        ns.simulate(various, 1.0, DT, changes=changes)
