"""The naive simulator of ensembles against answers known beforehand, and the flattened network against the naive simulator."""

from __future__ import annotations

import numpy as np
import pytest
from naive_nef import Cells, Filtered, simulate

from neurosim import nef
from neurosim.nef.flatten import (
    Activity,
    Decoded,
    EnsembleInput,
    Filter,
    FilterInput,
    NeuronInput,
    NodeInput,
    NodeValue,
    ProbeInput,
    flatten,
)
from neurosim.nef.node import Kind


def test_lif_rate_of_constant_current_is_the_curve():
    """Spikes inside steps: counted over T, a constant current gives G(J) to one spike in T, however long a step is."""
    current = np.array([0.5, 1.0, 1.001, 1.5, 3.0, 20.0])
    ens = nef.Ensemble(6, gain=1.0, bias=current, encoders=np.ones((6, 1)))
    built = nef.build(nef.Network([ens]))[ens]
    for dt in (0.5, 1.0):
        cells = Cells(built, False, dt)
        count = sum(cells.step(np.zeros(1), np.zeros(6)) for _ in range(round(4000 / dt)))
        # one spike at the end that is not there yet; nothing else is lost
        assert np.all(np.abs(count - 4 * nef.LIF().rates(current)) <= 1)


def test_a_filter_alone_is_exact():
    """A constant through a lowpass: 1 - exp(-t/tau) at every sample, which zero-order hold gives exactly."""
    node, relay = nef.Node(2.0), nef.Node(size_in=1)
    probes = [nef.Probe(node, synapse=20.0, name="of the probe"), nef.Probe(relay)]
    net = nef.Network([node, relay], [nef.Connection(node, relay, synapse=20.0, transform=0.5)], probes)
    out = simulate(net, 100, 0.5)
    wanted = 1 - np.exp(-out.times[probes[1]] / 20)
    # 200 multiplications, each wrong by an eps or two
    np.testing.assert_allclose(out[probes[0]][:, 0], 2 * wanted, rtol=0, atol=1e-13)
    np.testing.assert_allclose(out[probes[1]][:, 0], wanted, rtol=0, atol=1e-13)
    # alpha: 1 - (1 + t/tau) exp(-t/tau)
    f = Filtered(nef.Alpha(10.0), 1, 1.0)
    for k in range(50):
        np.testing.assert_allclose(f.out, 1 - (1 + k / 10) * np.exp(-k / 10), atol=1e-13)
        f.step(np.ones(1))


def test_channel_is_as_exact_in_rate_mode_as_its_decoders():
    """A constant x, both filters settled: what is decoded is D^T G(J(x)), to the last bits."""
    node, ens = nef.Node(0.4), nef.Ensemble(80)
    probe = nef.Probe(ens, synapse=5.0)
    net = nef.Network([node, ens], [nef.Connection(node, ens)], [probe])
    out = simulate(net, 400, rate_mode=True)
    built = out.built
    wanted = built[ens].rates([[0.4]])[0] @ built.decoders(probe)
    # what is left of both transients after 80 time constants is exp(-80)
    np.testing.assert_allclose(out[probe][-1], wanted, rtol=1e-12)
    assert abs(wanted[0] - 0.4) < 5 * built.rmse(probe)[0]


def test_spikes_decode_a_constant_within_their_ripple():
    """Spiking mode: the mean is that of rates, the ripple around it that of regular trains through the filter.

    A regular train of rate r through a lowpass has the variance  r^2 (1/(2 r tau) coth(1/(2 r tau)) - 1) ; neurons with
    different rates are not correlated, so variances d_i^2 r_i^2 (...) add up.
    """
    tau = 50.0
    ens, node = nef.Ensemble(100, seed=3), nef.Node(0.3)
    probe = nef.Probe(ens, synapse=tau)
    net = nef.Network([node, ens], [nef.Connection(node, ens, synapse=None)], [probe])
    out = simulate(net, 2000, 1.0)
    built, d = out.built, out.built.decoders(probe)[:, 0]
    rate = built[ens].rates([[0.3]])[0]
    x = out[probe][500:, 0]
    active = rate > 0
    half = 1000 / (2 * rate[active] * tau)
    ripple = np.sqrt(np.sum((d * rate)[active] ** 2 * (half / np.tanh(half) - 1)))
    # steps of 1 ms let spikes of all neurons fall on the same instants, which beats: twice the theory at most
    assert ripple / 2 < x.std() < 2 * ripple
    # the mean over 1.5 s lacks at most one spike of each neuron: sqrt(sum d^2)/1.5 s, three of them
    assert abs(x.mean() - d @ rate) < 3 * np.sqrt(np.sum(d**2)) / 1.5


def test_integrator_integrates():
    """x' = u by principle 3 in rate mode: x(t) = u t; the gain of the recurrence is wrong by the decoding error only."""
    tau, u = 100.0, 0.001
    node, ens = nef.Node(u), nef.Ensemble(300, radius=1.2)
    probe = nef.Probe(ens, synapse=5.0)
    links = [nef.Connection(node, ens, transform=tau, synapse=tau), nef.Connection(ens, ens, synapse=tau)]
    net = nef.Network([node, ens], links, [probe])
    out = simulate(net, 600, rate_mode=True)
    # an error e of the decoded value makes a drift e/tau, over 600 ms up to 6 e; e is at most some 3 rmse.  The filter of the
    # probe is 5 ms late, which with u = 0.001 makes 0.005
    t = out.times[probe]
    assert np.abs(out[probe][:, 0] - u * t).max() < 6 * 3 * out.built.rmse(links[1])[0] + 5 * u


def test_array_equals_its_ensembles_by_hand():
    """An array and the same ensembles with the same numbers, connected one by one, are the same network."""
    rng = np.random.default_rng(0)
    options = dict(encoders=rng.choice([-1.0, 1.0], (30, 1)), gain=rng.uniform(1, 3, 30), bias=rng.uniform(0, 2, 30),
                   eval_points=np.linspace(-1, 1, 200)[:, None])
    array = nef.EnsembleArray(30, 3, **options)
    node = nef.Node(lambda t: [np.sin(t / 30), 0.5, np.cos(t / 20)])
    square = lambda x: x**2
    probes = [nef.Probe(array, synapse=5.0), nef.Probe(array, function=square, synapse=5.0, name="squares")]
    one = simulate(nef.Network([node, array], [nef.Connection(node, array)], probes), 60)
    alone = [nef.Ensemble(30, **options) for _ in range(3)]
    own = [nef.Probe(e, synapse=5.0) for e in alone] + [nef.Probe(e, function=square, synapse=5.0, name=f"s{k}")
                                                         for k, e in enumerate(alone)]
    two = simulate(nef.Network([node, *alone], [nef.Connection(node[k], e) for k, e in enumerate(alone)], own), 60)
    np.testing.assert_array_equal(one[probes[0]], np.hstack([two[p] for p in own[:3]]))
    np.testing.assert_array_equal(one[probes[1]], np.hstack([two[p] for p in own[3:]]))


def test_output_of_an_array_costs_no_step():
    array = nef.EnsembleArray(20, 2, seed=1)
    node, sink = nef.Node([0.5, -0.5]), nef.Node(size_in=2)
    probes = [nef.Probe(sink)]
    direct = simulate(nef.Network([node, array, sink], [nef.Connection(node, array), nef.Connection(array, sink)], probes), 50)
    through = nef.Network([node, array, sink], [nef.Connection(node, array), nef.Connection(array.output, sink)], probes)
    np.testing.assert_array_equal(direct[probes[0]], simulate(through, 50)[probes[0]])


def flat_loop(flat, steps: int, dt: float, rate_mode: bool) -> dict:
    """Simulate `Flat.terms` as the head of flatten.py says."""
    built = flat.built
    cells = {e: Cells(b, rate_mode, dt) for e, b in built.ensembles.items()}
    filters = {f: Filtered(f.synapse, f.size, dt) if f.synapse is not None else np.zeros(f.size) for f in flat.filters}
    held = {n: np.zeros(n.size_out) for n in flat.callbacks}
    seen = {p: [] for p in built.network.records}
    k = 0

    def signal(s):
        if isinstance(s, Filter):
            return filters[s].out if s.synapse is not None else filters[s]
        if isinstance(s, NodeValue):
            return held[s.node] if s.node.kind is Kind.CALLBACK else s.node.values(np.array([k * dt]))[0]
        return s.decoders.T @ cells[s.ensemble].a if isinstance(s, Decoded) else cells[s.ensemble].a

    def total(target):
        return sum((t.matrix @ signal(t.signal) for t in flat.terms_to(target)), np.zeros(target.size))

    for k in range(steps):
        for n in flat.callbacks:
            if k % round(n.every / dt) == 0:
                held[n] = np.asarray(n.output(k * dt, total(NodeInput(n))))
        for p, values in seen.items():
            values.append(total(ProbeInput(p)))
        inputs = [(c, total(EnsembleInput(e)), total(NeuronInput(e))) for e, c in cells.items()]
        for c, x, extra in inputs:
            c.step(x, extra)
        for f, u in [(f, total(FilterInput(f))) for f in flat.filters]:
            if f.synapse is None:
                filters[f] = u
            else:
                filters[f].step(u)
    return {p: np.array(v) for p, v in seen.items()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rate_mode", [False, True])
def test_flattened_equals_naive(seed, rate_mode):
    """Random networks of everything.  Sums run in another order, so that rates differ by rounding: 1e-9 leaves room for
    40 steps of recurrence.  Spikes could differ only if a v came within 1e-13 of 1, which these seeds do not do."""
    net = random_network(np.random.default_rng(seed))
    built = nef.build(net, 1.0, seed)
    naive, flat = simulate(net, 40, built=built, rate_mode=rate_mode), flat_loop(flatten(built), 40, 1.0, rate_mode)
    for p in net.records:
        np.testing.assert_allclose(flat[p], naive[p], rtol=1e-9, atol=1e-9, err_msg=net.name_of(p))


def random_network(rng) -> nef.Network:
    """A network of ensembles, an array, nodes, relays, a callback, and random connections among them."""
    ens = [nef.Ensemble(int(rng.integers(10, 40)), int(rng.integers(1, 4)), radius=float(rng.uniform(0.7, 2)))
           for _ in range(3)]
    array = nef.EnsembleArray(15, 3, int(rng.integers(1, 3)))
    nodes = [nef.Node(rng.uniform(-1, 1, 2)), nef.Node(lambda t: [np.sin(t / 7), np.cos(t / 11)])]
    back = nef.Node(lambda t, x: [x[0] + 0.1, np.tanh(x[1])], size_in=2, every=3.0)
    relays = [nef.Node(size_in=int(rng.integers(1, 4))) for _ in range(3)]
    links = []
    synapses = [None, 3.0, 3.0, nef.Lowpass(20.0), nef.Alpha(5.0), nef.LinearFilter([6.0, 1.0], [12.0, 1.0]),
                nef.LinearFilter([0.8], [1.0])]

    def link(pre, post, **options):
        if rng.random() < 0.3 and pre.size_out > 1:
            pre = pre[int(rng.integers(1, pre.size_out)):]
        if rng.random() < 0.3 and post.size_in > 1:
            post = post[[int(rng.integers(post.size_in))]]
        options.setdefault("synapse", synapses[rng.integers(len(synapses))])
        t = rng.uniform(-0.7, 0.7, (post.size_in, 2 if "function" in options else pre.size_out))
        links.append(nef.Connection(pre, post, transform=t, **options))

    for e in ens:
        link(nodes[rng.integers(2)], e)
        link(e, ens[rng.integers(3)])
        link(e, relays[rng.integers(3)])
        links.append(nef.Connection(e, ens[0], function=lambda x: [x[0] ** 2, x.sum()],
                                    transform=rng.uniform(-0.5, 0.5, (ens[0].dimensions, 2)), synapse=5.0))
    link(nodes[0], relays[0])
    link(relays[0], relays[1], synapse=None)
    link(relays[1], relays[2], synapse=None)
    link(relays[0], relays[2], synapse=4.0)
    link(relays[2], array)
    link(array, ens[1])
    link(array.output, ens[2])
    links.append(nef.Connection(array, array, function=lambda x: x**2, synapse=9.0))
    link(ens[0], back)
    link(back, ens[1])
    link(back, relays[0], synapse=None)
    link(ens[1].neurons, ens[2], synapse=5.0)
    links[-1] = nef.Connection(ens[1].neurons, ens[2], transform=rng.normal(0, 1e-3, (ens[2].dimensions, ens[1].n_neurons)))
    links.append(nef.Connection(ens[0].neurons, ens[2].neurons[:4], synapse=None,
                                transform=rng.normal(0, 1e-3, (4, ens[0].n_neurons))))
    links.append(nef.Connection(ens[0], ens[1], weights=True, transform=rng.uniform(-0.5, 0.5, (ens[1].dimensions,
                                                                                                  ens[0].dimensions))))
    links.append(nef.Connection(ens[1], ens[2].neurons, transform=rng.normal(0, 0.3, (ens[2].n_neurons, ens[1].dimensions))))
    lead = nef.LinearFilter([2.0, 1.0], [9.0, 1.0])
    probes = [*[nef.Probe(e, synapse=s) for e, s in zip(ens, (None, 5.0, lead))], nef.Probe(array, synapse=3.0),
              *[nef.Probe(r) for r in relays], nef.Probe(back), nef.Probe(relays[2], synapse=4.0, name="filtered"),
              nef.Probe(relays[0], synapse=lead, name="in part at once"),
              nef.Probe(ens[0].neurons[2:5], attribute="rate", synapse=8.0), nef.Probe(array.output, synapse=2.0)]
    return nef.Network([*ens, array, *nodes, back, *relays], links, probes)


def test_activity_of_neurons_counts_in_hertz():
    """J = 2 from the first step on; a direct connection of weight 1e-3 adds rate/1000 to the value of a relay."""
    ens, sink = nef.Ensemble(1, gain=1.0, bias=2.0, encoders=[[1.0]]), nef.Node(size_in=1)
    probe = nef.Probe(sink)
    net = nef.Network([ens, sink], [nef.Connection(ens.neurons, sink, transform=1e-3, synapse=None)], [probe])
    out = simulate(net, 20, rate_mode=True)
    # one step late, for it comes from neurons
    np.testing.assert_allclose(out[probe][:, 0], [0, *[nef.LIF().rates(2.0) / 1000] * 19], rtol=1e-12)
    assert Activity(ens) in {t.signal for t in flatten(out.built).terms}
