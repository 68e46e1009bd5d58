"""Probes of plastic connections: weights over time against pairs of spikes whose effect is known."""

import numpy as np
import pytest

import neurosim as ns

DT = 0.1
RELAY = ns.NeuronModel.from_equations("dv/dt = -v\ndg/dt = 0", threshold="v > 0.5", reset="v = 0", name="relay")
A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS = 0.02, 0.03, 5.0, 8.0
STDP = ns.STDP(a_plus=A_PLUS, a_minus=A_MINUS, tau_plus=TAU_PLUS, tau_minus=TAU_MINUS, w_max=2.0)
#: step in which each neuron of S and of T fires: potentiation by 1, 2, ... steps, or depression
PRE, POST = np.array([50, 60, 70, 120, 130]), np.array([51, 80, 130, 60, 129])


@pytest.fixture(scope="module")
def pairs():
    """Five pairs joined one to one, with a delay of one step that belongs to the axon."""
    cells = ns.Population(10, RELAY, name="cells")
    p = ns.Projection(cells[:5], cells[5:], ns.OneToOne(), ns.Delta(0.5, variable="g"), delay=DT, plasticity=STDP, name="p")
    told = ns.SpikeInput(times=DT * np.concatenate([PRE, POST]), neurons=np.arange(10), weight=1.0, target=cells, variable="v")

    def network(*probes):
        return ns.Network([cells], [p], [told], [ns.Probe(p, **given) for given in probes])
    network.told = told
    return p, network


def known(step):
    """Return the weights at the beginning of each of the given steps, shape (steps, 5).

    A spike of step k has the time (k + 1) dt; that of the source is at the synapse in step k + 1, that of the target in step
    k: what happens there is done when the step after it begins.
    """
    at_synapse = PRE + 1
    gap = DT * (POST - at_synapse)
    change = 2 * np.where(gap >= 0, A_PLUS * np.exp(-gap / TAU_PLUS), -A_MINUS * np.exp(gap / TAU_MINUS))
    return 0.5 + change * (np.asarray(step)[:, None] > np.maximum(at_synapse, POST))


def test_every_step(pairs):
    result = ns.simulate(pairs[1](dict(variable="w")), 20.0, DT)
    trace = result.traces["w"]
    assert trace.values.shape == (200, 5)
    np.testing.assert_allclose(trace.times, DT * np.arange(200), rtol=0, atol=1e-12)
    # a few roundings of numbers of order 1
    np.testing.assert_allclose(trace.values, known(np.arange(200)), rtol=0, atol=1e-14)
    assert np.array_equal(trace.values[-1], result.connections["p"].weight)
    assert (trace.variable, trace.population, trace.name, trace.neurons.tolist()) == ("w", "p", "w", [0, 1, 2, 3, 4])


def test_some_connections_at_times_of_their_own(pairs):
    given = (dict(variable="w", connections=[4, 1], every=0.7, name="some"), dict(variable="w", every=3.0, name="rare"),
             dict(variable="w", connections=2, name="one"),
             dict(variable="x", connections=np.array([0, 3]), every=0.5, name="x"))
    traces = ns.simulate(pairs[1](*given), 20.0, DT).traces
    assert list(traces) == ["some", "rare", "one", "x"]
    for name, every, chosen in (("some", 7, [4, 1]), ("rare", 30, np.arange(5)), ("one", 1, [2])):
        steps = np.arange(0, 200, every)
        np.testing.assert_allclose(traces[name].times, DT * steps, rtol=0, atol=1e-12)
        np.testing.assert_allclose(traces[name].values, known(steps)[:, chosen], rtol=0, atol=1e-14)
        assert traces[name].neurons.tolist() == list(np.atleast_1d(chosen))
    # the trace of the source jumps by one at the synapse and decays
    steps = np.arange(0, 200, 5)
    since = DT * (steps[:, None] - 1 - (PRE[[0, 3]] + 1))
    known_x = np.where(since > -DT / 2, np.exp(-since / TAU_PLUS), 0.0)
    np.testing.assert_allclose(traces["x"].values, known_x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("every", [0.1, 0.3, 5.0])
def test_splits_and_threads_change_nothing(pairs, every):
    network = pairs[1](dict(variable="w", every=every), dict(variable="y", every=every))
    whole = ns.simulate(network, 20.0, DT)
    last, parts = None, []
    for k, duration in enumerate((7.4, 0.1, 0.0, 5.5, 7.0)):
        last = ns.simulate(network, duration, DT, resume=last, threads=1 + k % 3)
        parts.append(last.traces)
    for name in ("w", "y"):
        assert np.array_equal(np.concatenate([t[name].values for t in parts]), whole.traces[name].values)
        np.testing.assert_allclose(np.concatenate([t[name].times for t in parts]), whole.traces[name].times, rtol=0, atol=1e-9)


def test_probes_do_not_disturb(pairs):
    bare = ns.simulate(pairs[1](), 20.0, DT).connections["p"].weight
    assert np.array_equal(bare, ns.simulate(pairs[1](dict(variable="w")), 20.0, DT).connections["p"].weight)


def test_a_run_that_stops_early_keeps_what_was_sampled(pairs):
    """NaN in another population stops the run; the trace ends there."""
    p, network = pairs
    cells = p.sources[0].population
    bad = ns.Population(1, ns.NeuronModel.from_equations("dz/dt = z**2", initial={"z": 0.2}, name="bad"), name="bad")
    net = ns.Network([cells, bad], [p], [network.told], [ns.Probe(p, "w", every=0.2)])
    with pytest.warns(ns.NumericalWarning, match="The run stopped at .* no longer finite"):
        result = ns.simulate(net, 30.0, DT)
    trace = result.traces["w"]
    assert 0 < result.time < 30.0 and len(trace.times) == len(trace.values) and trace.times[-1] <= result.time
    np.testing.assert_allclose(trace.values, known(2 * np.arange(len(trace.values))), rtol=0, atol=1e-14)


def test_names(pairs):
    network = pairs[1](dict(variable="w"), dict(variable="w"), dict(variable="w", name="third"))
    assert network.probe_names == ("w", "p.w", "third")
    with pytest.raises(ns.NetworkError, match="Two probes are called 'w': give them different names with name="):
        pairs[1](dict(variable="w"), dict(variable="y", name="w"))


@pytest.mark.parametrize("given, message", [
    (dict(variable="ww"), "STDP_all_additive has no variable 'ww' to record. Did you mean 'w'.*: w, x, y. The weight is 'w'"),
    (dict(variable="v"), "no variable 'v' to record"),
    (dict(variable="w", neurons=[1]), "chooses with connections=, not with neurons="),
])
def test_what_a_probe_cannot_record(pairs, given, message):
    with pytest.raises(ns.NetworkError, match=message):
        ns.Probe(pairs[0], **given)


def test_other_targets_of_probes(pairs):
    p, _ = pairs
    cells = p.sources[0].population
    static = ns.Projection(cells, cells, ns.AllToAll(), ns.Delta(0.1), name="static")
    with pytest.raises(ns.NetworkError, match="static has no plasticity, so that nothing changes; its weights are in result"):
        ns.Probe(static, "w")
    with pytest.raises(ns.NetworkError, match="connections= chooses among those of a projection"):
        ns.Probe(cells, "v", connections=[1])
    with pytest.raises(ns.NetworkError, match="A probe records a projection that is not in the network"):
        ns.Network([cells], [static], probes=[ns.Probe(p, "w")])
    with pytest.raises(ns.ParameterError, match="every must be a positive time in ms"):
        ns.Probe(p, "w", every=0.0)


@pytest.mark.parametrize("given, message", [
    (dict(connections=[5]), "Probe 'w': connections must be whole numbers from 0 to 4, in the order of result.connections"),
    (dict(connections=[-1]), "whole numbers from 0 to 4"), (dict(connections=[0.5]), "whole numbers from 0 to 4"),
    (dict(connections="all"), "whole numbers from 0 to 4"), (dict(connections=[True, False]), "whole numbers from 0 to 4"),
    (dict(every=0.25), "every=0.25 ms is not a multiple of dt=0.1 ms"),
])
def test_what_does_not_fit_is_refused_when_the_run_begins(pairs, given, message):
    with pytest.raises(ns.SimulationError, match=message):
        ns.simulate(pairs[1](dict(variable="w") | given), 1.0, DT)
