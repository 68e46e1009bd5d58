"""The tempotron in front of patterns of spikes: potentials against a fine grid, changes of weights by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import ParameterError
from neurosim.learning.rules.tempotron import Patterns, Tempotron, kernel


def drawn(seed: int, n: int = 12, channels: int = 7, spikes: int = 150):
    """Return patterns of several spikes in some channels, in a random order, and one pattern without any."""
    rng = np.random.default_rng(seed)
    pattern, channel, time = rng.integers(n - 1, size=spikes), rng.integers(channels, size=spikes), rng.uniform(0, 80, spikes)
    return Patterns.of(pattern, channel, time, n, channels), pattern, channel, time


@pytest.mark.parametrize("seed", range(4))
def test_highest_potentials_are_those_of_a_fine_grid(seed):
    """Curvature at t* is below sum |w|/(tau tau_s) < 1/2 per ms^2: steps of 0.002 ms miss less than 1e-6."""
    patterns, pattern, channel, time = drawn(seed)
    neuron = Tempotron(np.random.default_rng(seed + 10).normal(0, 1, 7), tau=12.0, tau_s=3.0)
    v, at = neuron.peaks(patterns)
    for m in range(11):
        own = pattern == m
        grid = np.union1d(np.arange(time[own].min() + 1e-9, 150, 0.002), later := np.sort(time[own])[1:])
        on_grid = kernel(grid[:, None] - time[own], 12.0, 3.0) @ neuron.weights[channel[own]]
        # rest, before the first spike and long after the last, is no maximum to learn from
        inner = (on_grid[1:-1] > on_grid[:-2]) & (on_grid[1:-1] > on_grid[2:])
        found = np.concatenate([on_grid[1:-1][inner], on_grid[np.isin(grid, later)]]).max()
        assert v[m] == pytest.approx(found, abs=1e-6)
        assert v[m] == pytest.approx(kernel(at[m] - time[own], 12.0, 3.0) @ neuron.weights[channel[own]], abs=1e-12)
    assert v[11] == 0 and at[11] == np.inf


def test_a_mistake_changes_weights_by_kernels_at_the_highest_potential():
    """All of 7 patterns are wrong, one after the other: a loop of NumPy, with momentum, gives the same weights."""
    patterns, pattern, channel, time = drawn(3)
    labels = np.arange(12) % 3 == 0
    neuron = Tempotron(np.random.default_rng(5).normal(0, 0.6, 7))
    w, velocity, wrong = neuron.weights.copy(), np.zeros(7), 0
    order = np.random.default_rng(6).permutation(12)
    for m in order:
        v, at = Tempotron(w).peaks(patterns)
        if (v[m] > 1) != labels[m]:
            own = pattern == m
            step = np.bincount(channel[own], kernel(at[m] - time[own], 15.0, 3.75), minlength=7)
            velocity = 0.7 * velocity + 0.05 * (1 if labels[m] else -1) * step
            w = w + velocity
            wrong += 1
    assert neuron.learn(patterns, labels, order, rate=0.05, momentum=0.7) == wrong > 2
    np.testing.assert_allclose(neuron.weights, w, rtol=0, atol=1e-12)


def test_kernels_are_derivatives_of_the_highest_potential():
    """Central differences; the maximum of V is smooth in w where it is single."""
    patterns, pattern, channel, time = drawn(1)
    w = np.random.default_rng(2).normal(0, 1, 7)
    _, at = Tempotron(w).peaks(patterns)
    for k in range(7):
        up, down = (Tempotron(w + h * np.eye(7)[k]).peaks(patterns)[0] for h in (1e-6, -1e-6))
        for m in range(11):
            own = (pattern == m) & (channel == k)
            assert (up[m] - down[m]) / 2e-6 == pytest.approx(kernel(at[m] - time[own], 15.0, 3.75).sum(), abs=1e-5)


def test_single_spikes_are_known():
    """One spike of weight 2: V is highest, 2, tau tau_s ln(tau/tau_s)/(tau - tau_s) = 6.93 ms later; one of -2: never."""
    patterns = Patterns.of_latencies(np.array([[3.0, np.inf], [np.inf, 5.0]]))
    neuron = Tempotron(np.array([2.0, -2.0]))
    v, at = neuron.peaks(patterns)
    assert v[0] == pytest.approx(2.0) and at[0] == pytest.approx(3 + 5 * np.log(4)) and v[1] == 0
    assert neuron.fires(patterns).tolist() == [True, False]
    assert neuron.learn(patterns, [True, False], [0, 1], rate=0.1) == 0
    assert neuron.weights.tolist() == [2.0, -2.0]


def test_wrong_use_is_named():
    good = Patterns.of_latencies(np.zeros((2, 3)))
    assert len(good) == 2 and len(Patterns.of_latencies(np.full((0, 3), np.inf))) == 0
    neuron = Tempotron(np.zeros(3))
    cases = [lambda: Tempotron(np.zeros(3), tau=3.0, tau_s=3.0), lambda: Tempotron(np.zeros(2)).peaks(good),
             lambda: neuron.learn(good, [1, 0], [0, 0], rate=0.1), lambda: neuron.learn(good, [1, 0], [2], rate=0.1),
             lambda: neuron.learn(good, [1], [0], rate=0.1), lambda: neuron.learn(good, [1, 0], [0], rate=0.0),
             lambda: neuron.learn(good, [1, 0], [0], rate=0.1, momentum=1.0), lambda: Patterns.of([0], [3], [0.0], 2, 3),
             lambda: Patterns.of([0], [0, 1], [0.0], 2, 3), lambda: Patterns.of([0], [0], [np.nan], 2, 3)]
    for case in cases:
        with pytest.raises(ParameterError, match="Tempotron|Patterns"):
            case()
