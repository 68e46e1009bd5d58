"""Races to the first spike against a naive twin and the engine; what reward does to the winner, and to nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import neurosim as ns
from neurosim.learning import RewardSTDPClassifier
from neurosim.learning.rules import first_spike
from neurosim.learning.rules.first_spike import Race, latencies

QUIET = {"eta": 0.3, "punishment": 0.25, "rise": 0.0, "memory": np.inf}


def race(m=40, d=12, n=7, seed=0):
    """Return neurons and samples; some channels are dark, and some spike together."""
    rng = np.random.default_rng(seed)
    z = np.round(np.where(rng.uniform(size=(m, d)) < 0.2, 0, rng.uniform(size=(m, d))), 1)
    return Race(rng.uniform(size=(d, n)), rng.uniform(1.2, 2.4, n), np.arange(n) % 3), z


def naive(weights, thresholds, z):
    """Return winner and time for one sample: the root of each neuron's V in the interval of spikes where it passes theta."""
    v = lambda t, k: sum(w*max(0.0, t - tj) for w, tj in zip(weights[:, k], latencies(z)))  # noqa: E731
    nodes = np.unique([*latencies(z)[z > 0], 1.0])
    best = (-1, np.inf)
    for k, theta in enumerate(thresholds):
        for a, b in zip(nodes, nodes[1:]):
            if v(b, k) >= theta:
                t = a + (theta - v(a, k))/(v(b, k) - v(a, k))*(b - a)
                best = min(best, (k, t), key=lambda p: p[1])
                break
    return best


def test_answers_are_those_of_a_naive_twin():
    group, z = race()
    winners, moments = group.show(z)
    wanted = [naive(group.weights, group.thresholds, one) for one in z]
    assert np.array_equal(winners, [k for k, _ in wanted]) and 0 < (winners < 0).sum() < 20 and len(set(winners)) > 4
    # sums in another order
    np.testing.assert_allclose(moments, [t for _, t in wanted], rtol=1e-12)


def test_moments_are_those_of_neurons_on_the_engine():
    """dV/dt = g, where each spike adds a weight to g: exact but for the grid of 0.01 ms, a window being 50 ms."""
    group, z = race()
    winners, moments = group.show(z)
    cell = ns.NeuronModel.from_equations("dv/dt = g\ndg/dt = -0*g", threshold="v > theta", reset="v = 0",
                                         parameters={"theta": 1.0})
    for one in np.flatnonzero(winners >= 0)[:3]:
        cells = ns.Population(7, cell, name="cells", parameters={"theta": group.thresholds})
        on = z[one] > 0
        inputs = [ns.SpikeInput(times=[50*t], weight=w[k]/50, target=cells[k:k + 1], variable="g")
                  for t, w in zip(latencies(z[one])[on], group.weights[on]) for k in range(7)]
        run = ns.simulate(ns.Network([cells], stimuli=inputs, record_spikes=[cells]), 50.0, 0.01, method="euler")
        spikes = run.spikes["cells"]
        assert spikes.indices[0] == winners[one]
        # a spike is told at the end of its step, input arrives at the beginning of one: each is at most a step away
        assert abs(spikes.times[0]/50 - moments[one]) <= 3*0.01/50


def test_reward_teaches_the_winner_alone():
    """Right: a share eta of the way to the traces; wrong: eta*punishment of it away from them; all others as before."""
    group, z = race()
    before = group.weights.copy()
    one = int(np.flatnonzero(group.show(z)[0] >= 0)[0])
    winner, moment = (a[0] for a in group.show(z[one:one + 1]))
    trace = np.maximum(moment - latencies(z[one]), 0)
    for right, gain in ((group.classes[winner], 0.3), (group.classes[winner] + 1, -0.3*0.25)):
        group.weights[...] = before
        found = group.learn(z[one:one + 1], np.array([right]), np.random.default_rng(0), **QUIET)
        wanted = before.copy()
        wanted[:, winner] = np.clip(wanted[:, winner] + gain*(trace - wanted[:, winner]), 0, 1)
        assert found[0] == winner
        np.testing.assert_allclose(group.weights, wanted, rtol=1e-13)
    # the signs of STDP: after reward channels that spiked too late are weaker, and after punishment not
    late = (trace == 0) & (before[:, winner] > 0) & (before[:, winner] < 0.9)
    assert late.any() and (group.weights[late, winner] > before[late, winner]).all()


def test_learning_is_one_sample_after_the_other():
    """Samples at once, one by one, and in many runs of few samples: the same bits, random thresholds included."""
    right = np.random.default_rng(5).integers(0, 3, 40)
    options = {**QUIET, "rise": 0.05, "memory": 60.0, "exploration": 0.2}
    groups = [race()[0] for _ in range(3)]
    z = race()[1]
    whole = groups[0].learn(z, right, np.random.default_rng(1), **options)
    rng = np.random.default_rng(1)
    single = [groups[1].learn(z[k:k + 1], right[k:k + 1], rng, **options)[0] for k in range(40)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_spike, "TABLE", 3*(12 + 7))
        parts = groups[2].learn(z, right, np.random.default_rng(1), **options)
    assert np.array_equal(whole, single) and np.array_equal(whole, parts)
    for group in groups[1:]:
        assert np.array_equal(group.weights, groups[0].weights) and np.array_equal(group.thresholds, groups[0].thresholds)
    assert not np.array_equal(groups[0].weights, race()[0].weights)


def test_thresholds_rise_with_spikes_and_forget():
    group, z = race()
    theta = group.thresholds.copy()
    winners = group.learn(z, np.zeros(40, int), np.random.default_rng(0), **{**QUIET, "rise": 0.05, "memory": 60.0})
    for k in winners:
        theta *= np.exp(-1/60)
        theta[k] += 0.05*(k >= 0)
    np.testing.assert_allclose(group.thresholds, theta, rtol=1e-12)


def test_nobody_fires_in_the_dark():
    """Dark samples have no answer: nothing is learnt from them, and all classes are as probable."""
    group, _ = race()
    before = group.weights.copy()
    winners, moments = group.show(np.zeros((3, 12)))
    assert (winners == -1).all() and (moments == np.inf).all()
    assert (group.learn(np.zeros((3, 12)), np.zeros(3, int), np.random.default_rng(0), **QUIET) == -1).all()
    assert np.array_equal(group.weights, before)
    assert group.show(np.zeros((0, 12)))[0].shape == (0,)
    x = np.random.default_rng(0).uniform(0, 1, (30, 5))
    found = RewardSTDPClassifier(2, channels="on", max_iter=1, random_state=0).fit(x, np.arange(30) % 3)
    np.testing.assert_allclose(found.predict_proba(np.zeros((2, 5)) - 1), 1/3)
    with pytest.warns(ns.NumericalWarning, match="no neuron fires for .* of the samples .*lower adaptation"):
        RewardSTDPClassifier(2, adaptation=9.0, memory=5.0, max_iter=5, random_state=0).fit(x, np.arange(30) % 3)


def split():
    """Return the split of all learners: x, x of the test, labels, labels of the test."""
    x, y = load_digits(return_X_y=True)
    return train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)


def test_digits_are_learnt_from_reward():
    """Ten epochs of ten neurons a class: 92.6 to 96.4 % for eight seeds on other splits; below 85 % something broke."""
    x, xt, y, yt = split()
    found = RewardSTDPClassifier(10, max_iter=10, channels="on", random_state=0).fit(x, y)
    assert found.score(xt, yt) > 0.85
    # thresholds make all neurons take part: the busiest of 100 has less than a tenth of the answers
    winners, _ = found._race.show(found._seen(x))
    assert np.bincount(winners[winners >= 0], minlength=100).max() < 0.1*len(x)
    # a spike costs no more than a channel each and one answer
    assert found.spikes_per_inference(xt)["spikes"] <= 65


@pytest.mark.slow
def test_digits_from_reward_do_not_depend_on_the_seed():
    """Five seeds, settings chosen on parts of the training set with other seeds: measured 95.4 %, standard deviation of one
    seed 1.1 %; the mean below 93 % would be more than four of its standard errors away, 5 points below the mean four of one."""
    x, xt, y, yt = split()
    scores = [RewardSTDPClassifier(random_state=seed).fit(x, y).score(xt, yt) for seed in range(5)]
    assert np.mean(scores) > 0.93 and min(scores) > np.mean(scores) - 0.05
