"""A spike at time t that travels for d acts at exactly t + d, whatever the other delays of the network are.

A spike of step k has the time (k + 1) dt.  What arrives at t + d is added at the start of that step: a probe at t + d still
shows the state before, a neuron that it makes fire has its spike at t + d + dt.
"""

import numpy as np
import pytest

import neurosim as ns
from neurosim.simulator import epochs, wiring

DT = 0.1
RELAY = ns.NeuronModel.from_equations("dv/dt = 0", threshold="v > 0.5", reset="v = 0", name="relay")
SUM = ns.NeuronModel.from_equations("dv/dt = 0", name="sum")


def kick(target, *steps, neuron=0):
    """Make a neuron spike in each of the given steps."""
    times = np.array(steps) * DT
    return ns.SpikeInput(times=times, neurons=np.full(len(steps), neuron), weight=1.0, target=target)


def spike_steps(trains, size):
    """Steps in whose last moment the neurons fired, counted in dt."""
    return [np.rint(trains[k] / DT).astype(int).tolist() for k in range(size)]


@pytest.mark.parametrize("step", [0, 1, 13])
def test_every_delay_from_1_to_40_steps_beside_all_others(step):
    delays = np.arange(1, 41)
    a, b = ns.Population(1, RELAY, name="a"), ns.Population(40, RELAY, name="b")
    net = ns.Network([a, b], [ns.Projection(a, b, ns.Explicit(np.zeros(40, int), np.arange(40)), ns.Delta(1.0),
                                            delay=delays * DT)], [kick(a, step, step + 3)], [ns.Probe(b, "v")])
    spikes = ns.simulate(net, 8.0, DT).spikes
    assert spike_steps(spikes["a"], 1) == [[step + 1, step + 4]]
    assert spike_steps(spikes["b"], 40) == [[step + 1 + d + 1, step + 4 + d + 1] for d in delays]


@pytest.mark.parametrize("delay", range(1, 41))
def test_every_delay_from_1_to_40_steps_alone(delay):
    """The epoch is as long as the delay allows: spikes in its first and last steps, and in those around."""
    a, b = ns.Population(3, RELAY, name="a"), ns.Population(3, SUM, name="b")
    at = [(0, delay), (delay - 1, delay + 2), (delay + 1, 2 * delay + 1)]
    net = ns.Network([a, b], [ns.Projection(a, b, ns.OneToOne(), ns.Delta(1.0), delay=delay * DT)],
                     [kick(a, *steps, neuron=k) for k, steps in enumerate(at)], [ns.Probe(b, "v")])
    found = ns.simulate(net, (4 * delay + 9) * DT, DT).traces["v"].values
    step = np.arange(len(found))
    for k, steps in enumerate(at):
        # a probe shows the state before what arrives in its own step
        np.testing.assert_array_equal(found[:, k], sum((step > s + 1 + delay).astype(float) for s in steps))


def test_a_ring_of_neurons_adds_up_its_delays():
    """One spike runs round 300 neurons for as long as the run lasts: each link adds its delay and one step."""
    size, last = 300, 9000
    delays = np.random.default_rng(3).integers(1, 41, size)
    cells = ns.Population(size, RELAY, name="cells")
    link = ns.Explicit(np.arange(size), (np.arange(size) + 1) % size)
    net = ns.Network([cells], [ns.Projection(cells, cells, link, ns.Delta(1.0), delay=delays * DT)], [kick(cells, 4)])
    spikes = ns.simulate(net, last * DT, DT, threads=2).spikes["cells"]
    known = 5 + np.concatenate([[0], np.cumsum(np.tile(delays + 1, 3))])
    count = np.searchsorted(known, last, side="right")
    assert count > size
    np.testing.assert_array_equal(np.rint(spikes.times / DT), known[:count])
    np.testing.assert_array_equal(spikes.indices, np.arange(count) % size)


@pytest.mark.parametrize("delays", [(1, 1, 1), (40, 40, 40), (1, 40, 7), (40, 1, 3), (5, 6, 1000)])
def test_a_chain_of_populations_adds_up_its_delays(delays):
    chain = [ns.Population(n, RELAY, name=f"p{k}") for k, n in enumerate((2, 70, 1, 130))]
    projections = [ns.Projection(a, b, ns.AllToAll(), ns.Delta(1.0), delay=d * DT) for a, b, d in zip(chain, chain[1:], delays)]
    net = ns.Network(chain, projections, [kick(chain[0], 2, 50)])
    spikes = ns.simulate(net, (sum(delays) + 60) * DT, DT).spikes
    for start in (3, 51):
        at = start
        for k, p in enumerate(chain[1:], 1):
            at += delays[k - 1] + 1
            assert all(at in steps for steps in spike_steps(spikes[f"p{k}"], p.size))
    assert [len(spikes[p.name]) for p in chain] == [2, 140, 2, 260]


def test_projections_of_different_delays_meet_in_one_receptor():
    tau, delays = 5.0, [3, 1, 40, 3, 17]
    weights = [0.5, -0.25, 1.0, 0.125, 2.0]
    a = ns.Population(2, RELAY, name="a")
    cells = ns.Population(2, ns.NeuronModel.from_equations("dv/dt = 0*i", inputs={"i": "1"}, name="still"), name="b")
    projections = [ns.Projection(a, cells, ns.OneToOne(), ns.Exponential(w, tau), delay=d * DT, name=f"p{k}")
                   for k, (w, d) in enumerate(zip(weights, delays))]
    net = ns.Network([a, cells], projections, [kick(a, 5), kick(a, 11, 12, neuron=1)], [ns.Probe(cells, "i")])
    result = ns.simulate(net, 10.0, DT)
    # one set of states for all five
    assert sum(name.endswith("x") for name in result.state.programs["b"].plan.states) == 1
    step = np.arange(100)[:, None]
    for k, steps in enumerate([(6,), (12, 13)]):
        since = np.concatenate([step - s - np.array(delays) for s in steps], axis=1) * DT
        known = np.where(since > 0, np.tile(weights, len(steps)) * np.exp(-since / tau), 0.0).sum(axis=1)
        # 50 steps of memory, a rounding or two each
        assert np.abs(result.traces["i"].values[:, k] - known).max() < 100 * np.finfo(float).eps * 4


@pytest.mark.parametrize("narrow", [512, 64])
def test_parts_and_lists_of_populations(monkeypatch, narrow):
    """The rule sees parts and lists as one, one after the other; every connection has a delay and a weight of its own."""
    monkeypatch.setattr(wiring, "NARROW", narrow)
    monkeypatch.setattr(wiring, "ROW", 1)
    monkeypatch.setattr(wiring, "ROW_SCATTERED", 1)
    rng = np.random.default_rng(4)
    a, b, c = (ns.Population(n, RELAY, name=name) for n, name in ((90, "a"), (7, "b"), (200, "c")))
    d, e = ns.Population(260, SUM, name="d"), ns.Population(5, SUM, name="e")
    sources = [("a", k) for k in (80, 81, 82)] + [("b", k) for k in range(7)] + [("c", k) for k in (0, 64, 199)] + [("a", 0)]
    targets = [("d", k) for k in range(1, 260, 2)] + [("e", k) for k in range(5)] + [("d", k) for k in (0, 2)]
    # about 40 connections for each target, some pairs several times
    pre, post = rng.integers(0, len(sources), 5000), rng.integers(0, len(targets), 5000)
    delays, weights = rng.integers(1, 41, 5000), rng.integers(-512, 512, 5000) / 64
    net = ns.Network(
        [a, b, c, d, e],
        [ns.Projection([a[80:83], b, c[[199, 0, 64]], a[0]], [d[1::2], e, d[[0, 2]]], ns.Explicit(pre, post),
                       ns.Delta(weights), delay=delays * DT)],
        # source m spikes in steps m and 3 m
        [kick({"a": a, "b": b, "c": c}[name], m, 3 * m, neuron=k) for m, (name, k) in enumerate(sources) if m]
        + [kick(a, 0, neuron=80)], [ns.Probe(d, "v", name="d"), ns.Probe(e, "v", name="e")])
    traces = ns.simulate(net, 10.0, DT).traces
    known = {"d": np.zeros((100, 260)), "e": np.zeros((100, 5))}
    for j, i, lag, weight in zip(pre, post, delays, weights):
        name, k = targets[i]
        for step in {j, 3 * j}:
            known[name][step + 1 + lag + 1:, k] += weight
    for name, values in known.items():
        np.testing.assert_array_equal(traces[name].values, values)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 1 << 22])
def test_the_length_of_the_epoch_does_not_matter(monkeypatch, most):
    """Epochs shorter than the delays allow give the same."""
    a, b = ns.Population(2, RELAY, name="a"), ns.Population(2, RELAY, name="b")
    monkeypatch.setattr(epochs, "MOST", 4 * most)
    net = ns.Network([a, b], [ns.Projection(a, b, ns.OneToOne(), ns.Delta(1.0), delay=6 * DT),
                              ns.Projection(b, a, ns.OneToOne(), ns.Delta(1.0), delay=11 * DT)],
                     [kick(a, 0, 2), kick(a, 1, neuron=1)])
    spikes = ns.simulate(net, 20.0, DT).spikes
    laps = np.arange(0, 200, 19)
    for k, start in enumerate([(1, 3), (2,)]):
        there = np.sort(np.concatenate([laps + s for s in start]))
        assert spike_steps(spikes["a"], 2)[k] == [s for s in there if s <= 200]
        assert spike_steps(spikes["b"], 2)[k] == [s + 7 for s in there if s + 7 <= 200]


def test_the_longest_delay():
    a, b = ns.Population(1, RELAY, name="a"), ns.Population(1, RELAY, name="b")
    net = ns.Network([a, b], [ns.Projection(a, b, ns.OneToOne(), ns.Delta(1.0), delay=6500.0),
                              ns.Projection(a, b, ns.OneToOne(), ns.Delta(1.0), delay=0.1, name="fast")], [kick(a, 0, 64_999)])
    spikes = ns.simulate(net, 6502.0, DT).spikes["b"]
    assert np.rint(spikes.times / DT).tolist() == [3, 65_002]


def test_a_neuron_that_stands_still_loses_kicks_but_not_currents():
    """As in NEST: what reaches v while it is held is lost; the synaptic current goes on."""
    held = ns.NeuronModel.from_equations("dv/dt = 0*i : 1 (unless refractory)", threshold="v > 0.5", reset="v = 0",
                                         refractory="2.0", inputs={"i": "1"}, name="held")
    a, b = ns.Population(1, RELAY, name="a"), ns.Population(2, held, name="b")
    projections = [ns.Projection(a, b[0], ns.AllToAll(), ns.Delta(0.75), delay=1.0),
                   ns.Projection(a, b[1], ns.AllToAll(), ns.Exponential(0.75, 5.0), delay=1.0, name="current")]
    # kicks arrive at 1.1 (makes it fire), 2.1 (held), 3.1 (held until 3.2), 3.2 (free again)
    net = ns.Network([a, b], projections, [kick(a, 0, 10, 20, 21)], [ns.Probe(b, "i")])
    result = ns.simulate(net, 6.0, DT)
    assert spike_steps(result.spikes["b"], 2)[0] == [12, 33]
    t = np.arange(60)[:, None] * DT - np.array([1.1, 2.1, 3.1, 3.2])
    known = np.where(t > 1e-9, 0.75 * np.exp(-t / 5.0), 0.0).sum(axis=1)
    # some 60 steps of two roundings
    assert np.abs(result.traces["i"].values[:, 1] - known).max() < 120 * np.finfo(float).eps * 3
