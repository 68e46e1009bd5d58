"""Spike codes: known times, round trips, statistics, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import neurosim as ns
from neurosim import spiking
from neurosim.errors import ParameterError

X = np.random.default_rng(0).random((20, 7))


def test_rate_code_is_binomial():
    """Chi-square of the numbers of spikes; false alarm 1e-4 for each of 3 intensities."""
    for k, x in enumerate((0.05, 0.4, 1.0)):
        s = spiking.rate_code(np.full((400, 10), x), steps=30, probability=0.5, seed=k)
        counts = s.sum(axis=1).ravel().astype(int)
        expected = stats.binom(30, 0.5*x).pmf(np.arange(31))*counts.size
        # bins of at least 10 expected samples; what is rarer stands in the two outer ones
        inside = np.flatnonzero(expected > 10)
        low, high = inside[0], inside[-1]
        seen = np.bincount(np.clip(counts, low, high), minlength=high + 1)[low:high + 1]
        wanted = expected[low:high + 1].copy()
        wanted[0] += expected[:low].sum()
        wanted[-1] += expected[high + 1:].sum()
        assert stats.chisquare(seen, wanted).pvalue > 1e-4
        # neighbouring steps have nothing to do with each other: correlation within 4.5 deviations of 0, false alarm 1e-5
        pairs = np.corrcoef(s[:, :-1].ravel(), s[:, 1:].ravel())[0, 1]
        assert abs(pairs) < 4.5/np.sqrt(s[:, 1:].size)


def test_rate_code_by_seed_and_row():
    s = spiking.rate_code(X, 40, seed=3)
    np.testing.assert_array_equal(s[:5], spiking.rate_code(X[:5], 40, seed=3))
    assert np.any(s != spiking.rate_code(X, 40, seed=4))
    big = np.tile(X, (10, 1))
    np.testing.assert_array_equal(spiking.rate_code(big, 9, seed=3)[:64], spiking.rate_code(big[:64], 9, seed=3))
    assert s.dtype == np.uint8 and set(np.unique(s)) == {0, 1}
    # 5 standard deviations of a mean of 40 spikes
    assert np.all(np.abs(spiking.rate_decode(s) - X) < 5*np.sqrt(0.25/40))
    assert not spiking.rate_code(np.zeros((2, 3)), 10).any() and spiking.rate_code(np.ones((2, 3)), 10).all()


@pytest.mark.parametrize("law", ["linear", "logarithmic"])
def test_latency_there_and_back(law):
    s = spiking.latency_code(X, 200, law, threshold=0.05)
    assert np.array_equal(s.sum(axis=1), (X >= 0.05).astype(int))
    at, back = s.argmax(axis=1), spiking.latency_decode(s, law, threshold=0.05)
    some = (X >= 0.05) & (at < 199)
    if law == "linear":
        assert np.abs(back - X)[some].max() <= 0.5*0.95/199 + 1e-12
    else:
        tau = 199/np.log(101)
        # half a step either side of the time
        early, late = (0.05/-np.expm1(-np.maximum(at + d, 1e-9)/tau) for d in (-0.5, 0.5))
        assert np.all((late - 1e-12 <= X)[some]) and np.all((X <= early + 1e-12)[some])
        assert np.all((late <= back)[some] & (back <= early)[some])
    assert not back[X < 0.05].any()


def test_latency_known_times():
    s = spiking.latency_code([[1.0, 0.505, 0.01, 0.009]], 100)
    assert [list(np.flatnonzero(s[0, :, k])) for k in range(4)] == [[0], [50], [99], []]
    # tau ln(x/(x - theta)) = 10 ln 2
    s = spiking.latency_code([[0.4]], 100, "logarithmic", tau=10, threshold=0.2)
    assert np.flatnonzero(s)[0] == round(10*np.log(2))


def test_phase_there_and_back():
    s = spiking.phase_code(X, 45, period=20)
    assert np.abs(spiking.phase_decode(s[:, :40], 20) - X).max() <= 0.5/19 + 1e-12
    assert np.all(s[:, :40].sum(axis=1) == 2)
    assert np.flatnonzero(spiking.phase_code([[0.5]], 22, period=11)).tolist() == [5, 16]
    assert not spiking.phase_code([[0.0]], 20).any()


@pytest.mark.parametrize("signed", [True, False])
def test_delta_follows_the_signal(signed):
    t = np.linspace(0, 1, 500)
    x = np.stack([np.sin(7*t), np.cos(11*t)**2], axis=1)[np.newaxis].repeat(3, axis=0)*[[[1]], [[0.5]], [[2]]]
    events = spiking.delta_code(x, 0.05, signed)
    assert events.shape == (3, 500, 2 if signed else 4)
    # no step of the signal is larger than a threshold
    assert np.abs(np.diff(x, axis=1)).max() < 0.05
    assert np.abs(spiking.delta_decode(events, x[:, 0], 0.05) - x).max() < 0.05
    # a ramp of n thresholds is n events
    assert spiking.delta_code(np.linspace(0, 1, 101)[np.newaxis, :, np.newaxis], 0.1).sum() == 10


@pytest.mark.parametrize("neurons, width", [(3, 1.5), (8, 1.5), (20, 0.8)])
def test_population_there_and_back(neurons, width):
    a = spiking.population_code(X, neurons, width)
    assert a.shape == (20, 7*neurons) and 0 <= a.min() and a.max() <= 1
    np.testing.assert_allclose(spiking.population_decode(a, neurons, width), X, atol=1e-9)
    # a value at a centre drives that neuron alone to 1
    centre = 1.5*1/(8 - 2)
    assert spiking.population_code([[centre]], 8)[0].argmax() == 2 and spiking.population_code([[centre]], 8).max() == 1
    # what comes back through spikes is near
    s = spiking.rate_code(spiking.population_code(X, 12), 2000, seed=1)
    assert np.abs(spiking.population_decode(spiking.rate_decode(s), 12) - X).max() < 0.03


def test_events_drive_the_simulator_and_come_back():
    s = spiking.rate_code(X[:1], 50, 0.3, seed=1)[0]
    times, neurons = spiking.to_events(s, dt=0.5, start=10)
    assert np.all(np.diff(times) >= 0) and len(times) == s.sum()
    np.testing.assert_array_equal(spiking.to_dense(times, neurons, 7, 50, dt=0.5, start=10), s)
    cells = ns.Population(7, ns.NeuronModel.from_equations("dv/dt = -v/(5*ms) : 1"), name="cells")
    net = ns.Network([cells], stimuli=[ns.SpikeInput(times=times, neurons=neurons, weight=1.0, target=cells)],
                     probes=[ns.Probe(cells, "v", name="v")])
    v = ns.simulate(net, 40, 0.5, progress=False).traces["v"]
    # an event comes in at the start of its step and is seen at the next
    assert np.array_equal(np.diff(v.values, axis=0)[20:70] > 0, s > 0)
    twice = spiking.to_events(np.array([[0, 2], [1, 0]]))
    assert twice[0].tolist() == [0, 0, 1] and twice[1].tolist() == [1, 1, 0]
    np.testing.assert_array_equal(spiking.to_dense(*twice, 2, 2), [[0, 2], [1, 0]])
    assert spiking.to_dense([5.0], [0], 1, 3).sum() == 0


CODES = [lambda x: spiking.rate_code(x, 10), lambda x: spiking.latency_code(x, 10), lambda x: spiking.phase_code(x, 10),
         spiking.population_code]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("bad", [1.5, -0.1, np.nan, np.inf])
def test_values_outside_are_named(code, bad):
    x = X.copy()
    x[3, 5] = bad
    with pytest.raises(ParameterError, match="row 3, column 5"):
        code(x)
    assert code(np.zeros((0, 4))).shape[0] == 0


@pytest.mark.parametrize("wrong, message", [
    (lambda: spiking.rate_code(X, 0), "steps"), (lambda: spiking.rate_code(X, 5, 2.0), "probability"),
    (lambda: spiking.rate_code(X[0], 5), "shape"), (lambda: spiking.latency_code(X, 5, "log"), "law"),
    (lambda: spiking.latency_code(X, 5, threshold=0), "threshold"), (lambda: spiking.phase_code(X, 5), "less than a period"),
    (lambda: spiking.delta_code(X), "shape"), (lambda: spiking.delta_code(X[np.newaxis], -1), "threshold"),
    (lambda: spiking.population_code(X, 2), "neurons"), (lambda: spiking.population_decode(X, 4), "activities"),
    (lambda: spiking.rate_code([["a"]], 5), "numbers"), (lambda: spiking.to_events(X), "numbers of spikes"),
    (lambda: spiking.to_dense([1.0], [5], 3, 4), "neurons from 5"), (lambda: spiking.random_manifolds(units=0), "units")])
def test_refusals(wrong, message):
    with pytest.raises(ParameterError, match=message):
        wrong()


def test_random_manifolds():
    s, labels = spiking.random_manifolds(samples=50, units=6, classes=4, steps=30, seed=2)
    times, same = spiking.random_manifolds(samples=50, units=6, classes=4, steps=30, seed=2, dense=False)
    assert s.shape == (200, 30, 6) and np.array_equal(labels, same) and np.all(np.bincount(labels) == 50)
    assert np.all(s.sum(axis=1) == 1)
    np.testing.assert_array_equal(s.argmax(axis=1), np.rint(times))
    # every neuron goes from the first to the last step in each class
    for k in range(4):
        assert times[labels == k].min(axis=0).max() == 0 and times[labels == k].max(axis=0).min() == 29
    assert np.any(spiking.random_manifolds(50, 6, 4, 30, seed=3)[0] != s)


def test_manifolds_have_their_dimension_and_smoothness():
    """Of a line all points lie near their neighbours along it; a nearest neighbour is the further, the rougher the line."""
    def nearest(smoothness, dimensions):
        x, _ = spiking.random_manifolds(400, 10, 1, 100, dimensions, smoothness, seed=5, dense=False)
        d = np.linalg.norm(x[:, np.newaxis] - x, axis=2)
        np.fill_diagonal(d, np.inf)
        return np.median(d.min(axis=1))
    assert nearest(3.0, 1) < nearest(1.5, 1) < nearest(0.5, 1)
    assert nearest(3.0, 1) < nearest(3.0, 2) < nearest(3.0, 4)
