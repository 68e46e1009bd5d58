"""Synchrony, population Fano factor, pairs' correlations and the population's spectrum against known answers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import ParameterError
from neurosim.simulator import analysis
from neurosim.simulator.spikes import SpikeTrains

pytestmark = pytest.mark.filterwarnings("error")

TRAINS = st.lists(st.lists(st.floats(0.0, 100.0, allow_subnormal=False), max_size=8), min_size=1, max_size=5)


def poisson(size, rate, stop, seed):
    rng = np.random.default_rng(seed)
    n = rng.poisson(size * rate * stop / 1000)
    return SpikeTrains(np.sort(rng.uniform(0, stop, n)), rng.integers(0, size, n), size, 0.0, stop)


def test_synchrony_of_equal_opposite_and_constant_trains():
    at = np.arange(5.0, 200.0, 20.0)
    assert analysis.synchrony([at, at, at], 10.0, 0, 200) == 1.0
    # Two neurons in turn: the sum never changes.
    assert analysis.synchrony([at, at + 10], 10.0, 0, 200) == 0.0
    # One neuron alone among four: Var(n / 4) / (Var(n) / 4) = 1 / 4.
    assert analysis.synchrony([at, [], [], []], 10.0, 0, 200) == pytest.approx(0.5, rel=1e-15)
    assert math.isnan(analysis.synchrony([[], []], 10.0, 0, 200)) and math.isnan(analysis.synchrony([at, at], 20.0, 0, 200))


@settings(max_examples=40, deadline=None)
@given(TRAINS)
def test_synchrony_and_fano_agree_with_arrays_of_counts(trains):
    n = analysis.binned_counts([*trains, []], 7.0, 0.0, 100.0)[1].astype(float)
    apart, together = n.var(0).mean(), n.mean(1).var()
    chi = analysis.synchrony([*trains, []], 7.0, 0.0, 100.0)
    assert (math.isnan(chi) and apart == 0) or chi**2 == pytest.approx(together / apart, rel=1e-10, abs=1e-12)
    if apart:
        assert analysis.synchrony_of_values(n) == pytest.approx(chi, rel=1e-6, abs=1e-7)
    m = n.sum(1)
    fano = analysis.population_fano([*trains, []], 7.0, 0.0, 100.0)
    assert (math.isnan(fano) and not m.any()) or fano == pytest.approx(m.var() / m.mean(), rel=1e-12)


def test_independent_neurons_have_one_over_root_n():
    # chi^2 N is a mean over 2000 bins with deviation sqrt(2/2000) = 0.032: 5 of these, one false alarm in 2 million.
    chi = analysis.synchrony(poisson(100, 20.0, 20_000.0, 1), 10.0)
    assert abs(100 * chi**2 - 1) < 0.16
    assert abs(analysis.population_fano(poisson(100, 20.0, 20_000.0, 2), 10.0) - 1) < 0.16


def test_pairs_are_the_upper_triangle_without_silent_neurons():
    at = np.arange(5.0, 200.0, 20.0)
    pairs = analysis.pairwise_correlations([at, [], at, at + 10], 10.0, 0, 200)
    # Pairs 02, 03, 23.
    assert pairs == pytest.approx([1, -1, -1], abs=1e-12)
    assert analysis.pairwise_correlations([at, at, at], 10.0, 0, 200, neurons=[0]).shape == (0,)


def test_population_spectrum_is_flat_for_poisson_and_integrates_to_the_variance():
    found = poisson(50, 10.0, 40_000.0, 3)
    f, power = analysis.population_spectrum(found, 1.0, 200.0)
    assert f[0] == 5.0 and f[-1] == 500.0
    # 2 r / N = 0.4, the last value one-sided; 399 segments of half overlap leave a deviation of about 0.06 each, the
    # mean over 99 of 0.006: 5 of these.
    assert abs(power[:-1].mean() / 0.4 - 1) < 0.03
    rate = analysis.binned_rate(found, 1.0)[1]
    # Without f = 0 and over segments, not the whole: close to the variance, to the two per cent of a segment's mean.
    assert np.sum(power) * 5.0 == pytest.approx(rate.var(), rel=0.03)


def test_a_common_rhythm_is_a_peak_at_its_frequency():
    at = np.arange(10.0, 2000.0, 25.0)
    f, power = analysis.population_spectrum([at, at], 1.0, 500.0, 0, 2000)
    assert f[np.argmax(power)] in (40.0, 80.0, 120.0, 160.0, 200.0, 240.0, 280.0, 320.0, 360.0, 400.0, 440.0, 480.0)
    assert power[f == 40.0] > 1e3 * power[f == 50.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: analysis.synchrony([[1.0]], 0.0, 0, 10),
        lambda: analysis.synchrony([[1.0]], 20.0, 0, 10),
        lambda: analysis.synchrony_of_values([1.0, 2.0]),
        lambda: analysis.synchrony_of_values([[1.0, np.nan]]),
        lambda: analysis.synchrony_of_values(np.zeros((0, 3))),
        lambda: analysis.population_fano([[1.0]], 20.0, 0, 10),
        lambda: analysis.population_spectrum([[1.0]], 10.0, None, 0, 10),
        lambda: analysis.population_spectrum([[1.0]], 1.0, 50.0, 0, 10),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(ParameterError):
        call()
