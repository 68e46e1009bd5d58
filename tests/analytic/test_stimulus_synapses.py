"""Events from outside that act through a synapse: the sum over events, and the same model with a state of its own."""

import numpy as np
import pytest

import neurosim as ns

TIMES = np.array([3.0, 7.2, 7.2, 20.0])


RESPONSES = [
    (ns.Exponential(tau_syn=5.0), lambda s: np.exp(-s / 5.0)),
    (ns.Alpha(tau_syn=3.0), lambda s: s / 3.0 * np.exp(1 - s / 3.0)),
    (ns.Filter(tau_syn=4.0, order=2, scale="area"), lambda s: s**2 * np.exp(-s / 4.0) / (2 * 4.0**3)),
]


@pytest.fixture(scope="module")
def currents():
    """Times and currents: of neuron 0 without events, and of two neurons for each synapse, all in one run."""
    cells = ns.Population(1 + 2 * len(RESPONSES), ns.LIF(v_th=1e3), name="cells")
    stimuli = [ns.SpikeInput(times=TIMES, weight=0.2, synapse=synapse, target=cells[2 * k + 1:2 * k + 3])
               for k, (synapse, _) in enumerate(RESPONSES)]
    trace = ns.simulate(ns.Network([cells], stimuli=stimuli, probes=[ns.Probe(cells, "i")]), 60.0, 0.1, seed=4).traces["i"]
    return trace.times, trace.values


@pytest.mark.parametrize("k", range(len(RESPONSES)), ids=lambda k: type(RESPONSES[k][0]).__name__)
def test_current_is_the_sum_over_events(currents, k):
    (t, i), response = currents, RESPONSES[k][1]
    since = t[:, None] - TIMES
    # what comes at the start of a step is seen in the probe of the next one
    expected = 0.2 * np.where(since > 0.05, response(np.maximum(since, 0.0)), 0.0).sum(axis=1)
    one, other = i[:, 2 * k + 1], i[:, 2 * k + 2]
    # rounding of 600 exact steps
    np.testing.assert_allclose(one, expected, rtol=1e-11, atol=1e-13)
    assert not i[:, 0].any() and np.array_equal(one, other)


def test_poisson_events_are_those_of_a_state_of_the_model():
    own = ns.NeuronModel.from_equations(
        "dv/dt = (v_rest - v + r_m*x)/tau_m : mV\ndx/dt = -x/tau_syn : nA", initial={"v": "v_rest"},
        parameters=dict(tau_m=10.0, r_m=10.0, v_rest=-65.0, tau_syn=0.5))
    a = ns.Population(70, own, name="a")
    b = ns.Population(70, ns.LIF(v_th=1e3), name="b")
    rates = np.linspace(0.0, 8000.0, 70)
    v = []
    for cells, how in ((a, dict(variable="x")), (b, dict(synapse=ns.Exponential(tau_syn=0.5)))):
        stimulus = ns.PoissonInput(rate=rates, weight=0.01, target=cells, **how)
        net = ns.Network([cells], stimuli=[stimulus], probes=[ns.Probe(cells, "v")])
        v.append(ns.simulate(net, 50.0, 0.1, seed=3).traces["v"].values)
    # the same random numbers; the two are written in different order
    np.testing.assert_allclose(v[1], v[0], rtol=1e-12)
    # Campbell: mean = rate weight tau_syn r_m; its spread over 30 ms of strongly filtered noise is below 10 %
    assert v[0][200:, 60:].mean() + 65.0 == pytest.approx(10.0 * 0.01 * 0.5 * rates[60:].mean() / 1000.0, rel=0.1)


def test_projections_and_stimuli_share_an_equal_synapse():
    cells = ns.Population(4, ns.LIF(), name="cells")
    net = ns.Network([cells], stimuli=[
        ns.PoissonInput(rate=100.0, weight=0.1, synapse=ns.Exponential(tau_syn=5.0), target=cells)],
                     projections=[ns.Projection(cells, cells, ns.OneToOne(), ns.Exponential(0.3, tau_syn=5.0), delay=1.0)])
    result = ns.simulate(net, 1.0, 0.1)
    assert result.state.programs["cells"].plan.states == ("v", "_exponential0_x")


@pytest.mark.parametrize("given, says", [
    (dict(synapse=3), "synapse must be one such as"),
    (dict(synapse=ns.Exponential(tau_syn=5.0), variable="v"), "either variable= or synapse="),
    (dict(synapse=ns.Exponential(tau_syn=5.0, input="q")), "has no input 'q'"),
])
def test_what_cannot_be(given, says):
    cells = ns.Population(2, ns.LIF(), name="cells")
    with pytest.raises(ns.NetworkError, match=says):
        ns.Network([cells], stimuli=[ns.PoissonInput(rate=1.0, weight=1.0, target=cells, **given)])
