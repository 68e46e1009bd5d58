"""Learners with spikes against closed forms, and twins without the engine."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import neurosim as ns
from neurosim import nef
from neurosim.learning.learners.catalogue import learner
from neurosim.learning.learners.channels import Brightness
from neurosim.learning.learners.decoding import simplex
from neurosim.learning.learners.reservoir import Liquid
from neurosim.learning.learners.tempotron import kernel
from neurosim.learning.learners.tuning import Tuning
from neurosim.learning.learners.winners import Competition, Times


def digits():
    """Return the split of the issue: x, x of the test, labels, labels of the test."""
    x, y = load_digits(return_X_y=True)
    return train_test_split(x/16, y, test_size=0.25, stratify=y, random_state=0)


def tuning(x, n=40, **changes):
    options = {"differences": True, "max_rates": (100.0, 200.0), "intercepts": (-0.5, 0.9), "neurons": nef.LIF()} | changes
    return Tuning.of(x, n, np.random.default_rng(1), **options)


X = np.random.default_rng(0).uniform(0, 1, (50, 4))
Y = (X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 0.7)


# tuning curves

def test_tuning_does_not_depend_on_units():
    """Features that are all stretched and shifted alike excite all neurons alike, to rounding; extremes included."""
    a = tuning(X).rates(X)
    for scale in (1e-150, 1e3, 1e150):
        np.testing.assert_allclose(tuning(scale*(X + 2)).rates(scale*(X + 2)), a, rtol=1e-9, atol=1e-9)


def test_tuning_has_the_rates_and_intercepts_asked_for():
    t = tuning(X, 30, max_rates=(150.0, 150.0), intercepts=(0.2, 0.2))
    z = np.array([0.2 - 1e-6, 0.2 + 1e-3, 1.0])
    # points on the way of neuron 7, z of its own standard deviations
    e, mean = t.directions[7], X.mean(axis=0)
    points = mean + 3*((X - mean) @ e).std()*z[:, None]*e
    found = t.rates(points)[:, 7]
    assert found[0] == 0 and 0 < found[1] < 40 and found[2] == pytest.approx(150)
    np.testing.assert_allclose(np.linalg.norm(t.directions, axis=1), 1)


def test_samples_that_are_all_equal():
    t = tuning(np.ones((5, 3)))
    assert np.isfinite(t.rates(np.ones((2, 3)))).all()


def test_spikes_are_within_one_of_the_rate():
    """From any potential a LIF neuron with constant current fires its rate times the time, but for less than one spike at
    either end."""
    t = tuning(X)
    counts = t.counts(X, 200.0)
    assert np.abs(counts - 0.2*t.rates(X)).max() <= 1.0
    assert np.array_equal(counts[10:20], t.counts(X[10:20], 200.0))
    # potentials that begin anywhere below threshold make no bias: 2000 neurons, each within one spike
    assert abs((counts - 0.2*t.rates(X)).mean()) < 5/np.sqrt(counts.size)


def test_nearest_probabilities():
    y = np.array([[0.2, 0.5, 0.3], [1.4, 0.1, -3.0], [0.0, 0.0, 0.0], [-1.0, -1.0, -1.2]])
    p = simplex(y)
    np.testing.assert_allclose(p, [[0.2, 0.5, 0.3], [1, 0, 0], [1/3]*3, [0.4, 0.4, 0.2]], atol=1e-12)


# decoders by least squares

def test_decoders_are_those_of_the_framework():
    """Also after samples came in two parts: as if they had come together."""
    parts = learner("nef-readout", n_neurons=40, noise=0.05, random_state=1)
    parts.partial_fit(X[:20], Y[:20], classes=range(3)).partial_fit(X[20:], Y[20:])
    wanted, _ = nef.L2(reg=0.05)(parts._tuning.rates(X), np.eye(3)[Y])
    np.testing.assert_allclose(parts._decoders, wanted, rtol=1e-7, atol=1e-12)
    # a sample that came three times counts three times
    more = learner("nef-readout", n_neurons=40, noise=0.05, random_state=1, max_iter=3).fit(X, Y)
    once = learner("nef-readout", n_neurons=40, noise=0.05, random_state=1).fit(X, Y)
    np.testing.assert_allclose(more._decoders, once._decoders, rtol=1e-7, atol=1e-12)


def test_numbers_are_decoded():
    """A smooth function of two numbers: 500 neurons explain all but one part in a hundred of it on points between."""
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, (400, 2))
    y = np.stack([np.sin(3*x[:, 0]), x[:, 0]*x[:, 1]], axis=1)
    found = learner("nef-readout", numbers=True, n_neurons=500, intercepts=(-0.9, 0.9), random_state=0).fit(x[:300], y[:300])
    assert found.score(x[300:], y[300:]) > 0.99


def test_spikes_answer_as_rates_in_the_long_run():
    x, xt, y, yt = digits()
    rates = learner("nef-readout", n_neurons=300, random_state=0).fit(x, y)
    p = rates.predict_proba(xt[:60])
    errors = []
    for duration in (50.0, 200.0, 800.0):
        spikes = clone_of(rates, mode="spiking", duration=duration)
        errors.append(np.sqrt(np.mean((spikes.predict_proba(xt[:60]) - p)**2)))
    # counts are wrong by less than one spike: errors fall as 1/duration, here by more than two for four times the time
    assert errors[1] < errors[0]/2 and errors[2] < errors[1]/2


def clone_of(fitted, **changes):
    """Return the same fitted learner with other parameters of its answers."""
    import copy

    return copy.copy(fitted).set_params(**changes)


@pytest.mark.parametrize("name, options", [("nef-readout", {}), ("nef-readout", {"mode": "spiking"}),
                                           ("pes", {"max_iter": 5})])
def test_digits_are_read(name, options):
    """Five seeds gave 98.2 to 99.3 %; one seed of 450 held-out digits lies above 96 % unless something broke."""
    x, xt, y, yt = digits()
    assert learner(name, random_state=0, **options).fit(x, y).score(xt, yt) > 0.96


# decoders online

def test_pes_with_rates_is_the_delta_rule():
    """The engine's weights after an epoch, against the rule sample by sample."""
    found = learner("pes", n_neurons=40, max_iter=2, learning_rate=0.5, random_state=1).fit(X, Y)
    a, t = found._tuning.rates(X), np.eye(3)[Y]
    pace = 0.5/np.mean((a**2).sum(axis=1))
    d = np.zeros((40, 3))
    for epoch in range(2):
        for k in np.random.default_rng([found._seed, 1, epoch]).permutation(len(X)):
            d -= pace*np.outer(a[k], a[k] @ d - t[k])
    np.testing.assert_allclose(found._decoders, d, rtol=1e-9, atol=1e-15)


def test_pes_is_the_batch_rule_for_a_small_learning_rate():
    """An epoch from 0 is learning_rate A^T T/mean |a|^2 and terms of second order: halving the rate halves their share."""
    shares = []
    for rate in (2e-3, 1e-3):
        found = learner("pes", n_neurons=40, max_iter=1, learning_rate=rate, random_state=1).fit(X, Y)
        a = found._tuning.rates(X)
        batch = rate/np.mean((a**2).sum(axis=1))*a.T @ np.eye(3)[Y]
        shares.append(np.linalg.norm(found._decoders - batch)/np.linalg.norm(batch))
    assert shares[0] < 0.1 and shares[1] == pytest.approx(shares[0]/2, rel=0.05)


def test_pes_with_spikes_finds_what_rates_find():
    """Decoders learnt from spikes answer with rates as those learnt from rates, but for the noise of filtered spikes."""
    x, xt, y, yt = digits()
    x, y = x[:500], y[:500]
    options = {"n_neurons": 200, "max_iter": 2, "random_state": 0}
    spikes = learner("pes", mode="spiking", **options).fit(x, y)
    rates = learner("pes", **options).fit(x, y)
    a, b = (m._tuning.rates(xt) @ m._decoders for m in (spikes, rates))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9
    assert clone_of(spikes, mode="rate").score(xt, yt) > 0.85


# competing neurons

def prototypes(k=4, d=64):
    """Return k patterns of which no two share a bright channel, and 40 noisy samples of each with their labels."""
    rng = np.random.default_rng(4)
    sharp = np.zeros((k, d))
    for c in range(k):
        sharp[c, c*d//k:(c + 1)*d//k] = 1
    labels = rng.permutation(np.repeat(np.arange(k), 40))
    return sharp, np.clip(0.8*sharp[labels] + rng.uniform(0, 0.2, (len(labels), d)), 0, 1), labels


def test_neurons_find_patterns_without_labels():
    """Weights of a neuron become the mean of what it wins, to the noise of a few regular spikes and of the last samples."""
    sharp, x, labels = prototypes()
    found = learner("stdp-wta", n_neurons=8, channels="on", max_iter=5, random_state=0).fit(x, labels)
    assert found.score(x, labels) == 1
    z = found._seen(x)
    fires = found._competition.show(z)[1]
    winners = np.flatnonzero(fires.sum(axis=0) > 5)
    assert set(found.labels_[winners].argmax(axis=1)) == set(range(4))
    for k in winners:
        mean = z[fires[:, k] > 0].mean(axis=0)
        assert np.corrcoef(mean, found.weights_[:, k])[0, 1] > 0.95
    # which digit is which does not enter learning: other labels, same weights
    other = learner("stdp-wta", n_neurons=8, channels="on", max_iter=5, random_state=0).fit(x, (labels + 1) % 4)
    assert np.array_equal(other.weights_, found.weights_)


def test_samples_do_not_act_on_each_other():
    """Answers to a sample have the same bits alone and after others."""
    rng = np.random.default_rng(0)
    z, w = rng.uniform(0, 1, (12, 20)), rng.uniform(0, 0.5, (20, 6))
    group = Competition(w, np.full(6, 0.5), rng.uniform(size=20), 3.0, 0.05, Times())
    after, spikes, inputs = group.show(z)
    assert spikes.sum() > 0 and np.array_equal(after.weights, w)
    for part in ([3], [7, 2, 7], range(11, -1, -1)):
        _, own, own_inputs = group.show(z[list(part)])
        assert np.array_equal(own, spikes[list(part)]) and np.array_equal(own_inputs, inputs[list(part)])
    # a channel of brightness z fires z times the highest rate, to one spike of its phase
    assert np.abs(inputs - 0.2*60*z.sum(axis=1)).max() <= 20


def test_one_spike_moves_weights_to_the_traces():
    """With eta = 1 the weights of a neuron are the traces of the channels at its last spike; the others stay."""
    z = np.array([[1.0, 0.5, 0.0]])
    group = Competition(np.array([[1.0, 0], [1, 0], [1, 0]]), np.zeros(2), np.array([0.5, 0.25, 0.9]), 2.0, 0.0,
                        Times(inhibition=1e3))
    after, spikes, _ = group.show(z, eta=1.0)
    assert spikes[0, 0] > 0 and spikes[0, 1] == 0
    assert np.array_equal(after.weights[:, 1], [0, 0, 0])
    # the channels step by step
    p, x, traces = group.phases.copy(), np.zeros(3), []
    for _ in range(120):
        p, x = p + 0.5*0.2*z[0], x*np.exp(-0.5/30)
        x, p = x + (p > 1)/(0.2*30), p - (p > 1)
        traces.append(x)
    assert np.abs(np.array(traces) - after.weights[:, 0]).max(axis=1).min() < 1e-12 and after.weights[0, 0] > 0.1


def test_silence_is_reported():
    _, x, labels = prototypes()
    with pytest.warns(ns.NumericalWarning, match="no neuron fires"):
        p = learner("stdp-wta", n_neurons=8, max_iter=1, shown=3.0, random_state=0).fit(x, labels).predict_proba(x)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_brightness_is_from_the_first_samples():
    b = Brightness.of(np.array([[0.0, 5.0], [4.0, 6.0]]))
    assert np.array_equal(b(np.array([[2.0, 5.5], [-3.0, 99.0]])), [[0.5, 0.125], [0.0, 1.0]])
    assert np.array_equal(Brightness.of(np.ones((3, 2)))(np.ones((1, 2))), [[0, 0]])
    assert np.isfinite(Brightness.of(np.array([[-1e308], [1e308]]))(np.array([[0.0]]))).all()


def test_digits_are_read_by_winners():
    """Two epochs; full training gives more than 90 %."""
    x, xt, y, yt = digits()
    assert learner("stdp-wta", channels="on", max_iter=2, random_state=0).fit(x, y).score(xt, yt) > 0.85


# tempotrons

def test_potentials_are_those_of_a_neuron_on_the_engine():
    """Exact integration of a leaky neuron with an exponential synapse, spikes on the grid: equal to rounding."""
    found = learner("tempotron", window=40.0, step=1.0, channels="on", max_iter=3, random_state=0)
    x = np.round(X*40)/40
    x[0], x[1] = 0, 1
    found.fit(x, Y)
    times = found.latencies(x)
    v = found._kernels(times) @ found.weights_
    cell = ns.NeuronModel.from_equations("dv/dt = (j - v)/tau\ndj/dt = -j/tau_s", parameters={"tau": 15.0, "tau_s": 3.75})
    fine = np.linspace(0, 60, 600001)
    peak = ((np.exp(-fine/15) - np.exp(-fine/3.75))*3.75/(15 - 3.75)).max()
    for sample, c in ((5, 0), (6, 1), (7, 2)):
        cells = ns.Population(1, cell)
        on = np.isfinite(times[sample])
        inputs = [ns.SpikeInput(times=[t], weight=w/peak, target=cells, variable="j")
                  for t, w in zip(times[sample][on], found.weights_[on, c])]
        run = ns.simulate(ns.Network([cells], stimuli=inputs, probes=[ns.Probe(cells, "v")]), 60.0, 0.5)
        grid = np.round(found._grid()/0.5).astype(int)
        inside = grid < 120
        # the highest point of K is known to 1e-10 from the fine grid
        np.testing.assert_allclose(run.traces["v"].values[grid[inside], 0], v[sample, inside, c], atol=1e-8)


def test_tempotron_rule_is_the_gradient_of_the_highest_potential():
    """Central differences: V(t*) is linear in the weights as long as t* stays."""
    found = learner("tempotron", max_iter=2, random_state=0).fit(X, Y)
    times = found._times(X)
    v, k = found._peaks(times)
    w = found.weights_
    for j, c in ((0, 0), (3, 1), (7, 2)):
        old, h = w[j, c], 1e-6
        w[j, c] = old + h
        up = found._peaks(times)[0][:, c]
        w[j, c] = old - h
        down = found._peaks(times)[0][:, c]
        w[j, c] = old
        np.testing.assert_allclose((up - down)/(2*h), k[:, c, j], atol=1e-8)
    assert found.weights_ is w and v.shape == (50, 3)


def test_kernel_peaks_at_one():
    s = np.linspace(-5, 100, 100001)
    k = kernel(s, 15.0, 3.75)
    assert (k[s <= 0] == 0).all() and k.max() == pytest.approx(1, abs=1e-6) and k.min() >= 0


def test_random_patterns_are_learnt():
    """Two patterns of random latencies for each of 20 channels, a load far below the tempotron's limit of about 3: no error."""
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 1, (20, 20)), rng.integers(0, 2, 20)
    found = learner("tempotron", channels="on", window=100.0, margin=0.05, max_iter=300, batch_size=4, random_state=0)
    assert found.fit(x, y).score(x, y) == 1


# reward

def test_patterns_are_learnt_from_reward_alone():
    _, x, labels = prototypes()
    found = learner("reward-stdp", per_class=3, max_iter=8, random_state=0).fit(x, labels)
    assert found.score(x, labels) == 1 and found.loss_curve_[-1] < found.loss_curve_[0]/2


# liquids

def test_states_of_single_neurons_are_known():
    """Without connections a neuron in constant current fires every t_ref + tau ln(i/(i - 1)) ms, to the step; s follows."""
    liquid = Liquid.of(4, np.random.default_rng(0), 0.0, True, 15.0, 20.0, 3)
    current = np.array([[0.9, 1.5, 3.0, 1.0001]])
    states, counts = liquid.states(current)
    assert states.shape == (1, 3, 4) and (states[0, :, 0] == 0).all() and counts[0, 0] == 0
    for k in (1, 2):
        # the first step in which v passes 1, and as many steps for t_ref
        charge = int(np.ceil(20*np.log(current[0, k]/(current[0, k] - 1)) - 1e-9))
        times = np.arange(charge, 60.5, charge + 2)
        assert counts[0, k] == len(times)
        wanted = [np.exp(-(end - times[times <= end])/15).sum() for end in (20, 40, 60)]
        np.testing.assert_allclose(states[0, :, k], wanted, rtol=1e-12)


@pytest.mark.parametrize("dynamic", [False, True])
def test_samples_in_a_liquid_do_not_act_on_each_other(dynamic):
    """The same alone and after others, depressed synapses included: after 14 dark steps 1e-16^14 is left at most."""
    rng = np.random.default_rng(0)
    liquid = Liquid.of(60, rng, 0.2, dynamic, 20.0, 15.0, 2)
    currents = rng.uniform(0.5, 3, (9, 60))
    states, counts = liquid.states(currents)
    alone = Liquid.of(60, np.random.default_rng(0), 0.0, dynamic, 20.0, 15.0, 2).states(currents)[0]
    assert not np.array_equal(states, alone)
    for part in ([4], [8, 0, 3, 3]):
        own = liquid.states(currents[part])
        assert np.abs(own[0] - states[part]).max() < 1e-200 and np.array_equal(own[1], counts[part])


def test_dynamic_synapses_are_weaker_the_more_they_are_used():
    rng = np.random.default_rng(0)
    strong = rng.uniform(2, 4, (3, 60))
    spikes = {d: Liquid.of(60, np.random.default_rng(1), 0.4, d, 20.0, 50.0, 2).states(strong)[1].sum() for d in (True, False)}
    none = Liquid.of(60, np.random.default_rng(1), 0.0, True, 20.0, 50.0, 2).states(strong)[1].sum()
    # inhibition is stronger in sum: with depression the liquid is nearer to neurons without connections
    assert abs(spikes[True] - none) < abs(spikes[False] - none)


@pytest.mark.parametrize("readout, alpha", [("ridge", 30.0), ("logistic", 1.0), ("margin", 100.0)])
def test_digits_are_read_from_a_liquid(readout, alpha):
    """300 neurons give about 96 %; 450 held-out digits above 92 % unless something broke."""
    x, xt, y, yt = digits()
    found = learner("liquid-state", readout=readout, alpha=alpha, random_state=0).fit(x, y)
    assert found.score(xt, yt) > 0.92
    # answers are those of the readout in closed form
    f = found.states(xt[:20]).reshape(20, -1)
    assert np.array_equal(found.predict(xt[:20]), (f @ found.weights_ + found.intercept_).argmax(axis=1))
