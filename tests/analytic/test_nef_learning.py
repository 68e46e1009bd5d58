"""PES, Voja, Oja and BCM: weights against a plain loop over what the network shows, and what learning is for."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim import nef
from neurosim.errors import NetworkError, ParameterError, SimulationError

#: steps of 1 ms
STEPS = 60


def activities(result, ensemble) -> np.ndarray:
    """Activities in Hz of every step, from spikes."""
    spikes, out = result.spikes[ensemble], np.zeros((STEPS, ensemble.n_neurons))
    out[np.rint(spikes.times).astype(int) - 1, spikes.indices] = 1000.0
    return out


def filtered(a: np.ndarray, tau: float) -> np.ndarray:
    """Zero-order hold: the value at the end of each step."""
    y, decay = np.zeros(a.shape), np.exp(-1 / tau)
    for k in range(len(a)):
        y[k] = decay * (y[k - 1] if k else 0) + (1 - decay) * a[k]
    return y


@pytest.mark.parametrize("parts", [pytest.param(False, marks=pytest.mark.slow), True])
def test_pes_moves_decoders_against_the_error(parts: bool) -> None:
    """d D/dt = -kappa/n a e with the signals at the end of each step, through a transform and into a part of the end."""
    node, error = nef.Node([0.7, -0.2]), nef.Node(nef.Samples(np.sin(np.arange(STEPS) / 5)[:, None] * [1.0, -0.5]))
    a, b = nef.Ensemble(30, 2, seed=1), nef.Ensemble(30, 4 if parts else 2, seed=2)
    end, transform = (b[[3, 1]], [[1.0, 0.5], [0.0, 2.0]]) if parts else (b, None)
    learnt = nef.Connection(a, end, transform=transform, learning=nef.PES(3e-3, pre_synapse=8.0, start=10.0, stop=50.0))
    probe = nef.Probe(learnt, every=1.0, name="decoders")
    net = nef.Network([node, error, a, b], [nef.Connection(node, a), nef.Connection(node, b[:2]), learnt,
                                            nef.Connection(error, learnt.error, synapse=None)], [probe, nef.Probe(a.neurons)])
    result = nef.simulate(net, STEPS, seed=3)
    e, y = error.values(np.arange(STEPS)), filtered(activities(result, a), 8.0)
    d = result.decoders(learnt).copy()
    shown = result[probe].values
    # the built decoders contain the transform
    for k in range(STEPS):
        np.testing.assert_allclose(shown[k], d, atol=1e-15)
        if 10 <= k < 50:
            d = d - 1e-3 * 3e-3 / 30 * np.outer(y[k], e[k])
    np.testing.assert_allclose(result.learned(learnt), d, atol=1e-15)
    assert np.abs(d - shown[0]).max() > 1e-6


def test_voja_moves_encoders_towards_the_input() -> None:
    x = np.array([0.6, -0.8])
    node, ens = nef.Node(x), nef.Ensemble(40, 2, radius=1.3, seed=5)
    learnt = nef.Connection(node, ens, synapse=None, learning=nef.Voja(0.3, post_synapse=6.0))
    probe = nef.Probe(learnt, every=1.0)
    net = nef.Network([node, ens], [learnt], [probe, nef.Probe(ens.neurons)])
    result = nef.simulate(net, STEPS)
    built, y = result.built[ens], filtered(activities(result, ens), 6.0)
    encoders = built.encoders.copy()
    for k in range(STEPS):
        np.testing.assert_allclose(result[probe].values[k], encoders, atol=1e-12)
        # encoders times gain/radius move by kappa a (gain/radius x - e): divided by gain/radius
        encoders = encoders + 1e-3 * 0.3 * y[k][:, None] * (x - encoders)
    fired = y.sum(0) > 0
    assert np.all((encoders @ x)[fired] > (built.encoders @ x)[fired]) and fired.any()
    # multiplied by gain/radius and divided again
    np.testing.assert_allclose(result.learned(learnt)[~fired], built.encoders[~fired], atol=3e-16)


@pytest.mark.parametrize("rule", [nef.Oja(2e-6, beta=1.5, pre_synapse=4.0, post_synapse=9.0),
                                  nef.BCM(1e-8, pre_synapse=4.0, post_synapse=9.0, theta_synapse=40.0)])
@pytest.mark.parametrize("full", [False, True])
def test_weights_between_neurons_follow_the_rule(rule, full: bool) -> None:
    rng = np.random.default_rng(1)
    a, b = nef.Ensemble(25, 1, seed=1), nef.Ensemble(45 if full else 20, 1, seed=2)
    node = nef.Node(0.6)
    w = rng.normal(size=(b.n_neurons, 25)) * 1e-3
    learnt = (nef.Connection(a, b, weights=True, learning=rule) if full else
              nef.Connection(a.neurons, b.neurons, transform=w, learning=rule))
    probe = nef.Probe(learnt, every=1.0)
    net = nef.Network([node, a, b], [nef.Connection(node, a), nef.Connection(node, b), learnt],
                      [probe, nef.Probe(a.neurons), nef.Probe(b.neurons)])
    result = nef.simulate(net, STEPS)
    before, after = filtered(activities(result, a), 4.0), filtered(activities(result, b), 9.0)
    if full:
        w = result.built[b].scaled_encoders @ result.decoders(learnt).T
    theta, decay = np.zeros(b.n_neurons), np.exp(-1 / 40.0)
    for k in range(STEPS):
        np.testing.assert_allclose(result[probe].values[k], w, atol=1e-11)
        y, q = before[k], after[k]
        if isinstance(rule, nef.Oja):
            w = w + 1e-3 * 2e-6 * (np.outer(q, y) - 1.5 * (q * q)[:, None] * w)
        else:
            theta = decay * theta + (1 - decay) * q
            w = w + 1e-3 * 1e-8 * np.outer(q * (q - theta), y)


@pytest.mark.parametrize("mode", [nef.SPIKING, pytest.param(nef.RATE, marks=pytest.mark.slow)])
def test_pes_learns_a_product_and_stops_when_switched_off(mode: nef.Mode) -> None:
    """The error of the last second is below a third of that without learning (0.50; it was 0.05 to 0.06 with 10 seeds)."""
    node = nef.Node(lambda t: [np.sin(t / 160), np.cos(t / 110)])
    a, b, e = nef.Ensemble(150, 2, seed=1), nef.Ensemble(100, 1, seed=2), nef.Ensemble(100, 1, seed=3)
    learnt = nef.Connection(a, b, function=lambda x: 0.0 * x[0], learning=nef.PES(3e-3))
    wanted = nef.Connection(a, e, function=lambda x: x[0] * x[1], transform=-1)
    net = nef.Network([node, a, b, e], [nef.Connection(node, a), learnt, wanted, nef.Connection(b, e),
                                        nef.Connection(e, learnt.error)], [nef.Probe(e, synapse=10.0, name="e")])
    result = nef.simulate(net, 3000, mode=mode)
    t = np.arange(2000, 3000)
    without = np.sqrt(np.mean((np.sin(t / 160) * np.cos(t / 110)) ** 2))
    assert np.sqrt(np.mean(result["e"].values[2000:] ** 2)) < without / 3
    held = nef.simulate(net, 100, resume=result, learning={learnt: False})
    assert np.array_equal(held.learned(learnt), result.learned(learnt))
    again = nef.simulate(net, 100, resume=held, learning={learnt: True})
    assert not np.array_equal(again.learned(learnt), held.learned(learnt))


def test_threads_and_splits_change_no_bit_of_what_is_learnt() -> None:
    node, a, b = nef.Node(0.5), nef.Ensemble(80, 1, seed=1), nef.Ensemble(70, 1, seed=2)
    learnt = nef.Connection(a, b, learning=nef.PES(1e-2))
    net = nef.Network([node, a, b], [nef.Connection(node, a), learnt, nef.Connection(b, learnt.error)])
    whole = nef.simulate(net, 100)
    first = nef.simulate(net, 33, threads=2)
    rest = nef.simulate(net, 67, threads=3, resume=first)
    assert np.array_equal(whole.learned(learnt), rest.learned(learnt))


def test_descriptions_that_cannot_learn_are_refused() -> None:
    a, b = nef.Ensemble(20, 2), nef.Ensemble(20, 2)
    with pytest.raises(ParameterError, match="learning_rate must be a finite number of at least 0"):
        nef.PES(-1.0)
    with pytest.raises(ParameterError, match="stop after start"):
        nef.PES(start=10.0, stop=5.0)
    with pytest.raises(ParameterError, match="theta_synapse must be a nef.Lowpass"):
        nef.BCM(theta_synapse=nef.Alpha(5.0))
    with pytest.raises(NetworkError, match="has no learning rule that takes an error"):
        _ = nef.Connection(a, b).error
    with pytest.raises(NetworkError, match="has no learning rule"):
        nef.Probe(nef.Connection(a, b), attribute="decoders")
    node = nef.Node(size_in=2)
    array = nef.EnsembleArray(20, 2)
    for pre, post, options, words in (
            (a, node, dict(learning=nef.Voja()), "Voja changes encoders: the connection must end at an ensemble"),
            (a, array, dict(learning=nef.Voja()), "must end at an ensemble, not at EnsembleArray"),
            (node, a, dict(learning=nef.PES()), "PES changes decoders: the connection must begin at an ensemble"),
            (a.neurons, b.neurons, dict(learning=nef.PES()), "must begin at an ensemble"),
            (array, a, dict(learning=nef.PES()), "Learn from each of array.ensembles"),
            (a, b, dict(learning=nef.PES(), weights=True), "With weights=True there are none"),
            (a, b, dict(learning=nef.Oja()), "Oja changes weights: the connection must be one between neurons"),
            (a.neurons[:5], b.neurons, dict(transform=np.ones((20, 5)), learning=nef.Oja()), "between all neurons"),
            # each of two would carry the decoders, which would count twice
            (a, b, dict(learning=[nef.PES(), nef.Voja(), nef.PES()]), "2 rules change its decoders"),
            (a.neurons, b.neurons, dict(learning=[nef.Oja(), nef.BCM()]), "2 rules change its weights")):
        with pytest.raises(NetworkError, match=words):
            nef.Connection(pre, post, **options)
    twice = [nef.Connection(a, b, learning=nef.Voja()), nef.Connection(node, b, learning=nef.Voja())]
    with pytest.raises(NetworkError, match="two connections, .* change the encoders"):
        nef.Network([a, b, node], twice)
    ask = nef.Node(lambda t, x: None, size_in=2, every=1.0, name="ask")
    direct = nef.Connection(a, ask, learning=nef.PES(), synapse=nef.LinearFilter([0.5, 1.0], [20.0, 1.0]))
    with pytest.raises(NetworkError, match="Node 'ask': .* of which a part passes at once"):
        nef.simulate(nef.Network([a, ask], [direct]), 1)
    plain = nef.Connection(a, b)
    for wrong in ({plain: False}, [plain], False):
        with pytest.raises(SimulationError, match="by connection that learns"):
            nef.simulate(nef.Network([a, b], [plain]), 1, learning=wrong)
    assert ns.nef is nef
