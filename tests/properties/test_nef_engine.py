"""Networks of ensembles on the engine against the naive simulator: to rounding in rate mode, spike by spike with spikes."""

from __future__ import annotations

import warnings

import naive_nef
import numpy as np
import pytest

import neurosim as ns
from neurosim import nef
from neurosim.errors import SimulationError
from neurosim.nef.flatten import flatten
from neurosim.nef.lower import lower


def describe(kind: int, every: float = 5.0):
    """Return a network with many kinds of connections; a callback that keeps what it sees."""
    rng = np.random.default_rng(kind)
    a = nef.Ensemble(40, 2, radius=1.5, name="a")
    b = nef.Ensemble(30, 1, name="b")
    array = nef.EnsembleArray(25, 3, name="array")
    relay = nef.Node(size_in=3, name="relay")
    wave = nef.Node(lambda t: [np.sin(t / 30), np.cos(t / 17)], name="wave")
    level = nef.Node(0.4, name="level")
    played = nef.Node(nef.Samples(rng.normal(size=(40, 3)) * 0.5, 4.0), name="played")
    seen = []

    def answer(t, x):
        seen.append((t, x.copy()))
        return 0.5 * x[0] - 0.1

    reply = nef.Node(answer, size_in=2, every=every, name="reply")
    links = [nef.Connection(wave, a, synapse=None), nef.Connection(played, array),
             nef.Connection(array[[0, 2]], relay[1:], synapse=nef.Alpha(8.0)), nef.Connection(level, relay[0], synapse=None)]
    probes = [nef.Probe(relay, name="relay"), nef.Probe(wave, name="wave"), nef.Probe(a, synapse=10.0, name="a"),
              nef.Probe(b, synapse=nef.Alpha(6.0), function=np.square, name="b squared"),
              nef.Probe(array, synapse=5.0, every=7.0, name="array"), nef.Probe(reply, name="reply")]
    if kind == 0:
        # a circle, a function, a product with a matrix, a callback in the loop
        links += [nef.Connection(a, a, function=lambda x: [x[1], -x[0]], synapse=30.0, transform=0.9 * np.eye(2)),
                  nef.Connection(a, b, function=lambda x: x[0] * x[1]), nef.Connection(a, reply, synapse=20.0),
                  nef.Connection(reply, b, transform=0.3, synapse=None), nef.Connection(relay, array[[2, 0, 1]], transform=0.2,
                                                                                       synapse=15.0)]
    elif kind == 1:
        # neurons to neurons, full matrices, a node onto neurons, unfiltered connections from neurons
        links += [nef.Connection(a.neurons, b.neurons, transform=rng.normal(size=(30, 40)) * 1e-3, synapse=12.0),
                  nef.Connection(b, a[1], weights=False, function=np.abs, synapse=None),
                  nef.Connection(b, a, weights=True, transform=[[0.2], [-0.3]],
                                 synapse=nef.LinearFilter([1.0], [40.0, 13.0, 1.0])),
                  nef.Connection(level, b.neurons[::3], transform=rng.normal(size=(10, 1)), synapse=None),
                  nef.Connection(wave[0], reply[0], synapse=None), nef.Connection(b, reply[1], synapse=5.0)]
    else:
        # functions of array elements, several ways into one ensemble, a chain of relays
        last = nef.Node(size_in=1, name="last")
        links += [nef.Connection(array, relay, function=np.square, synapse=10.0), nef.Connection(relay[0], last, synapse=None),
                  nef.Connection(last, b, synapse=None), nef.Connection(last, reply[0], synapse=3.0),
                  nef.Connection(array, b, transform=rng.normal(size=(1, 3)) * 0.3, synapse=10.0),
                  nef.Connection(a, b, transform=[[0.1, 0.2]], synapse=10.0), nef.Connection(wave, b, transform=[[0.1, -0.1]])]
        return nef.Network([wave, level, played, relay, last, a, b, array, reply], links, probes), seen
    return nef.Network([wave, level, played, relay, a, b, array, reply], links, probes), seen


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_rate_mode_equals_the_naive_simulator(kind: int, dt: float) -> None:
    """All signals and callbacks, at every step.  Sums of some hundred terms of size 1 in another order, fed back 200 times."""
    net, seen = describe(kind)
    naive = naive_nef.simulate(net, 200, dt, seed=3, rate_mode=True)
    heard, seen[:] = list(seen), []
    result = nef.simulate(net, 200, dt, seed=3, mode=nef.RATE, threads=1 + kind % 2)
    for probe in net.records:
        trace = result[probe]
        np.testing.assert_array_equal(trace.times, naive.times[probe])
        np.testing.assert_allclose(trace.values, naive[probe], atol=1e-10, err_msg=probe.name)
    # descriptions call a function once, to learn its size
    assert [t for t, _ in seen][-len(heard) + 1:] == [t for t, _ in heard][1:]
    saw, hear = (np.array([x for _, x in calls[-len(heard) + 1:]]) for calls in (seen, heard))
    np.testing.assert_allclose(saw, hear, atol=1e-10)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_spikes_equal_those_of_the_naive_simulator(kind: int) -> None:
    """Spike by spike over 210 steps, as in Nengo; rounding would have to grow a millionfold to move a spike."""
    net, _ = describe(kind, 7.0)
    probes = [nef.Probe(e.neurons, name=f"spikes {k}") for k, e in enumerate(net.ensembles)]
    net = nef.Network([net], probes=probes)
    dt = (1.0, 0.5, 0.7)[kind]
    naive = naive_nef.simulate(net, 210 * dt, dt, seed=4)
    result = nef.simulate(net, 210 * dt, dt, seed=4)
    total = 0
    for ensemble in net.ensembles:
        steps, who = naive.spikes[ensemble]
        spikes = result.spikes[ensemble]
        np.testing.assert_array_equal(np.rint(spikes.times / dt).astype(int) - 1, steps)
        np.testing.assert_array_equal(spikes.indices, who)
        total += len(who)
    assert total > 1000
    for probe in (p for p in net.records if p not in probes):
        np.testing.assert_allclose(result[probe].values, naive[probe], atol=1e-8, err_msg=str(probe.name))


@pytest.mark.parametrize("mode", [nef.SPIKING, nef.RATE])
def test_threads_and_splits_change_no_bit(mode: nef.Mode) -> None:
    net, _ = describe(0)
    whole = nef.simulate(net, 120, mode=mode)
    for threads in (2, 3):
        other = nef.simulate(net, 120, mode=mode, threads=threads)
        assert all(np.array_equal(whole[p].values, other[p].values) for p in net.records)
    first = nef.simulate(net, 47, mode=mode)
    rest = nef.simulate(net, 73, mode=mode, resume=first, threads=2)
    for p in net.records:
        assert np.array_equal(np.concatenate([first[p].values, rest[p].values]), whole[p].values), p.name


def test_single_precision_is_close_to_double() -> None:
    net, _ = describe(2)
    double, single = (nef.simulate(net, 100, mode=nef.RATE, dtype=d) for d in ("float64", "float32"))
    for p in net.records:
        # sums of some hundred numbers of size 1 with 24 bits, divided by few: 1e-5
        np.testing.assert_allclose(single[p].values, double[p].values, atol=3e-5)


def test_neurons_of_other_kinds_act_in_both_modes() -> None:
    """A channel of each kind passes 0.5; with spikes to the noise of 300 neurons in 50 ms, at most 1/sqrt(N f tau) = 0.03."""
    kinds = ((nef.RectifiedLinear(), ns.Uniform(200, 400)), (nef.Sigmoid(), ns.Uniform(230, 350)),
             (nef.LIF(10.0, 1.0), ns.Uniform(200, 400)))
    for kind, rates in kinds:
        node, ens = nef.Node(0.5), nef.Ensemble(300, neurons=kind, max_rates=rates, seed=2)
        net = nef.Network([node, ens], [nef.Connection(node, ens)], [nef.Probe(ens, synapse=50.0, name="x")])
        for mode, tolerance in ((nef.RATE, 0.02), (nef.SPIKING, 0.06)):
            values = nef.simulate(net, 600, mode=mode)["x"].values[-1]
            assert abs(values - 0.5) < tolerance, (kind, mode, values)
    node, ens = nef.Node(0.5), nef.Ensemble(50, neurons=nef.Tanh(), max_rates=300.0, seed=2)
    net = nef.Network([node, ens], [nef.Connection(node, ens)])
    with pytest.raises(ns.ParameterError, match="negative activities, which spikes cannot carry"):
        nef.simulate(net, 10)
    with pytest.raises(ns.ParameterError, match="once a step at most"):
        nef.simulate(nef.Network([nef.Ensemble(10)]), 10, 4.0)


def test_the_same_network_runs_in_both_modes_whatever_is_probed() -> None:
    """There are no spikes and voltages in rate mode: who asks for them is told, after a run that is good otherwise."""
    node, ens = nef.Node(0.5), nef.Ensemble(30, seed=2, name="e")
    probes = [nef.Probe(ens.neurons, name="s"), nef.Probe(ens.neurons[:2], attribute="v", name="v"), nef.Probe(ens, name="x")]
    net = nef.Network([node, ens], [nef.Connection(node, ens)], probes)
    spiking, rates = (nef.simulate(net, 30, mode=mode) for mode in (nef.SPIKING, nef.RATE))
    assert spiking["v"].values.shape == (30, 2) and len(spiking["s"]) and rates["x"].values.shape == (30, 1)
    for name, what in (("s", "spikes"), ("v", "voltages")):
        with pytest.raises(SimulationError, match=f"Probe '{name}': there are no {what} in rate mode.*attribute='rate'"):
            rates[name]
    with pytest.raises(KeyError, match="No spikes of Ensemble 'e' were recorded: there are none in rate mode"):
        rates.spikes[ens]


def test_a_run_takes_step_seed_and_mode_from_what_was_built() -> None:
    node = nef.Node(0.5)
    net = nef.Network([node], [], [nef.Probe(node)])
    built = nef.build(net, 0.5, seed=3)
    first = nef.simulate(built, 4)
    assert (first.dt, first.built.seed, first.mode) == (0.5, 3, nef.SPIKING)
    nef.simulate(built, 4, 0.5, seed=3, resume=first, mode=nef.SPIKING)
    for source, options, words in ((built, dict(dt=1.0), "dt=1.0 was given, but the network that was built has 0.5"),
                                   (built, dict(seed=0), "seed=0 was given.*has 3"),
                                   (net, dict(resume=first, dt=1.0), "dt=1.0 was given"),
                                   (net, dict(resume=first, mode=nef.RATE), "mode=nef.RATE.*has nef.SPIKING")):
        with pytest.raises(SimulationError, match=words):
            nef.simulate(source, 4, **options)


def test_nodes_are_named_when_they_fail_during_a_run() -> None:
    net, _ = describe(0, every=1.5)
    with pytest.raises(SimulationError, match="Node 'reply': every=1.5 ms is not a multiple of dt=1 ms"):
        nef.simulate(net, 10, mode=nef.RATE)
    late = nef.Node(lambda t: np.inf if t > 3 else 0.0, name="late")
    (stimulus,) = lower(flatten(nef.build(nef.Network([late]))), nef.SPIKING).network.stimuli
    with pytest.raises(SimulationError, match="Node 'late': at t = 4 ms"):
        stimulus.values(np.arange(10.0), 1)


def test_what_a_filter_passes_at_once_comes_at_once() -> None:
    """A probe behind a filter with a direct part shows what `apply` gives, and a callback sees it; a factor has no state."""
    filters, seen = (nef.LinearFilter([0.5, 1.0], [20.0, 1.0]), nef.LinearFilter([2.0], [4.0])), []
    node = nef.Node(lambda t: np.sin(t / 7))
    ask = nef.Node(lambda t, x: seen.append(x.copy()), size_in=2, size_out=0, every=1.0)
    result = nef.simulate(nef.Network(
        [node, ask], [nef.Connection(node, ask[k], synapse=f) for k, f in enumerate(filters)],
        [nef.Probe(node, name="u"), *[nef.Probe(node, synapse=f, name=f"y{k}") for k, f in enumerate(filters)]]), 30)
    for k, filter in enumerate(filters):
        wanted = filter.apply(result["u"].values, 1.0)
        # some roundings of numbers of size 1
        np.testing.assert_allclose(result[f"y{k}"].values, wanted, atol=1e-14, rtol=0)
        np.testing.assert_allclose(np.array(seen)[:, [k]], wanted, atol=1e-14, rtol=0)


def test_learning_in_single_precision() -> None:
    """The end of a rule that never ends fits into 32 bits; the run warns of nothing."""
    node, ens, out = nef.Node(0.5), nef.Ensemble(80, 1, seed=1), nef.Ensemble(70, 1, seed=2)
    learnt = nef.Connection(ens, out, learning=nef.PES(1e-2))
    net = nef.Network([node, ens, out], [nef.Connection(node, ens), learnt, nef.Connection(out, learnt.error)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        single = nef.simulate(net, 50, dtype="float32", mode=nef.RATE)
    double = nef.simulate(net, 50, mode=nef.RATE)
    change = double.learned(learnt) - double.decoders(learnt)
    # 24 bits on decoders that are sums over 50 steps
    np.testing.assert_allclose(single.learned(learnt), double.learned(learnt), atol=1e-4 * np.abs(change).max())
