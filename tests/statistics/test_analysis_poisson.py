"""Measures on renewal processes whose answers are known in the limit of many spikes.

Each comparison allows 4.5 standard errors, estimated over neurons or known: a false alarm has probability
7e-6.  The seeds are fixed, so a failure is a fault, not bad luck.
"""

import math

import numpy as np
import pytest

from neurosim.simulator import analysis
from neurosim.simulator.spikes import SpikeTrains

Z = 4.5
RATE, STOP, SIZE = 20.0, 20_000.0, 400


def renewal(order, seed):
    """`SIZE` independent gamma processes of integer order: every order-th event of a Poisson process."""
    rng = np.random.default_rng(seed)
    trains = []
    for _ in range(SIZE):
        events = np.cumsum(rng.exponential(1000.0 / (RATE * order), int(RATE * order * STOP / 1000.0 * 1.5)))
        spikes = events[rng.integers(order) :: order]
        trains.append(spikes[spikes < STOP])
    return SpikeTrains.from_trains(trains, stop=STOP)


@pytest.fixture(scope="module")
def poisson():
    return renewal(1, 11)


@pytest.fixture(scope="module")
def gamma():
    return renewal(4, 12)


def agrees(values, expected, bias=0.0):
    """Mean over neurons against the expected value, with the spread over neurons as standard error."""
    values = np.asarray(values)
    assert np.isfinite(values).all()
    assert abs(values.mean() - expected) < Z * values.std(ddof=1) / math.sqrt(values.size) + bias


def test_rate_is_that_of_the_process(poisson, gamma):
    for trains in (poisson, gamma):
        agrees(trains.rates(), RATE)
        agrees(trains.rates(5000.0, 10_000.0), RATE)
    # Counts of a Poisson process: variance of the rate is rate/T.
    spread = poisson.rates().var(ddof=1) / (RATE / (STOP / 1000.0))
    assert abs(spread - 1.0) < Z * math.sqrt(2.0 / (SIZE - 1))


@pytest.mark.parametrize("order", [1, 4])
def test_regularity(poisson, gamma, order):
    trains = poisson if order == 1 else gamma
    # The CV of n = 400 intervals is biased by less than 1/n.
    agrees(trains.cv_isi(), 1.0 / math.sqrt(order), bias=1.0 / 400)
    agrees(trains.lv(), 3.0 / (2 * order + 1))
    # Two equal gamma intervals: E|x-y|/(x+y) is the mean deviation of Beta(k, k), 2 * 2^(-2k) / (k B(k, k)).
    beta = math.gamma(order) ** 2 / math.gamma(2 * order)
    agrees(trains.cv2(), 2.0 * 2.0 * 4.0**-order / (order * beta))


def test_fano_factor(poisson, gamma):
    for window in (10.0, 100.0, 1000.0):
        # The ratio of an unbiased variance to a mean is biased by less than F/(number of windows).
        agrees(poisson.fano(window), 1.0, bias=window / STOP)
    # Equilibrium renewal process of order k, window w: F = CV^2 + (1 - CV^4) / (6 rate w) for long w,
    # Cox & Lewis 1966; the terms left out decay as exp(-c rate w).
    expected = 0.25 + (1 - 0.25**2) / (6 * RATE * 1.0)
    agrees(gamma.fano(1000.0), expected, bias=1000.0 / STOP * 0.25)


def test_independent_trains_are_not_correlated(poisson):
    matrix = poisson.correlation(10.0, neurons=range(100))
    pairs = matrix[np.triu_indices(100, 1)]
    bins = STOP / 10.0
    assert abs(pairs.mean()) < Z / math.sqrt(bins * pairs.size)
    # Variance of a correlation of n independent pairs is 1/(n - 1); 4950 nearly independent values.
    assert abs(pairs.var() * (bins - 1) - 1.0) < Z * math.sqrt(2.0 / pairs.size) + 0.05


def test_a_shared_source_is_found(poisson):
    # Half of the spikes of both trains are common: correlation 1/2.
    first = np.sort(np.concatenate([poisson[0], poisson[1]]))
    second = np.sort(np.concatenate([poisson[0], poisson[2]]))
    matrix = analysis.correlation_matrix([first, second], 10.0, 0.0, STOP)
    # Standard error of r near 1/2 with 2000 bins of few spikes: below 1.5 / sqrt(n).
    assert abs(matrix[0, 1] - 0.5) < Z * 1.5 / math.sqrt(STOP / 10.0)
    lags, rho = analysis.cross_correlation(first, second, 10.0, 100.0, 0.0, STOP, normalise="coefficient")
    assert rho[lags == 0] == pytest.approx(matrix[0, 1], abs=1e-12)
    # 20 other lags, 1/sqrt(n) each.
    assert np.abs(rho[lags != 0]).max() < (Z + 1.0) / math.sqrt(STOP / 10.0)


def test_autocorrelation_of_gamma_spikes_shows_refractoriness(gamma):
    most = 60
    pairs = sum(analysis.autocorrelation(gamma[k], 1.0, float(most), 0, STOP)[1] for k in range(SIZE))
    assert np.array_equal(pairs, pairs[::-1])
    # A spike at 0, every 4th event of a Poisson process of rate b = 4 r: another follows at u with density
    # h(u) = b e^(-x) (x^3/3! + x^7/7! + ...), x = b u, and binning smooths h by a triangle.
    b = 4 * RATE / 1000.0
    u = (np.arange(-1000, 1000 * (most + 1)) + 0.5) / 1000.0
    x = b * np.maximum(u, 0.0)
    h = b * np.exp(-x) * sum(x**j / math.factorial(j) for j in range(3, 60, 4))
    triangle = np.concatenate([np.arange(1000) + 0.5, np.arange(1000)[::-1] + 0.5]) / 1e6
    lag = np.arange(1, most)
    density = np.array([h[1000 * k : 1000 * k + 2000] @ triangle for k in lag])
    expected = SIZE * RATE / 1000.0 * (STOP - lag) * density
    # Pairs scatter like a Poisson count or less; 59 lags, hence one more standard error.
    assert (np.abs(pairs[most + lag] - expected) < (Z + 1.0) * np.sqrt(expected + 1.0)).all()
    assert expected[0] < 0.001 * expected[-1]


def test_spectrum(poisson, gamma):
    f, power = analysis.spike_spectrum(poisson, 1.0, 500.0)
    segments = SIZE * STOP / 500.0
    # Each periodogram is exponential around the rate: relative standard error 1/sqrt(number of segments).
    # One standard error and a tenth more, for the largest of 250 frequencies and their longer tail.
    assert np.abs(power / RATE - 1.0).max() < (Z + 1.0) * 1.1 / math.sqrt(segments)
    # Order 4: S(f) = r Re((1 + p)/(1 - p)), p = (1 + 2 pi i f / 4r)^-4 the transform of the interval density.
    f, power = analysis.spike_spectrum(gamma, 1.0, 1000.0)
    p = (1 + 2j * np.pi * f / (4 * RATE)) ** -4.0
    expected = RATE * ((1 + p) / (1 - p)).real
    low = f < 100.0
    # The ends of a segment of T = 1 s add about (1 - CV^4)/(6 rate T) of the rate at low f, below 1 percent.
    bound = (Z + 1.0) * 1.1 / math.sqrt(SIZE * STOP / 1000.0)
    assert np.abs(power - expected)[low].max() < (bound * expected.max() + 0.01 * RATE)
    assert expected[0] == pytest.approx(0.25 * RATE, rel=0.02)


def test_smoothed_rates(poisson):
    for kernel in ("gaussian", "exponential", "alpha", "boxcar"):
        times, rate = analysis.kernel_rate(poisson, 20.0, 5.0, kernel)
        inner = rate[(times > 800.0) & (times < STOP - 800.0)]
        # Mean over 18.4 s and 400 neurons: Poisson error sqrt(rate / (N T)).
        assert abs(inner.mean() - RATE) < Z * math.sqrt(RATE / (SIZE * 18.4))


def test_ks_distance_of_one_law_stays_below_its_bound(poisson):
    first, second = poisson.cv_isi()[:200], poisson.cv_isi()[200:]
    # P(D > 2.45 sqrt(2/n)) = 2 exp(-2 * 2.45^2) = 1.2e-5, Smirnov 1948.
    assert analysis.ks_distance(first, second) < 2.45 * math.sqrt(2.0 / 200)
    assert analysis.ks_distance(first, second * 1.5) > 0.9


def test_coincidences_of_independent_trains_are_chance(poisson):
    pairs = [(poisson[k], poisson[k + 1]) for k in range(0, SIZE, 2)]
    gammas = [analysis.coincidence_factor(a, b, 2.0, 0, STOP) for a, b in pairs]
    # Pairing each spike once loses some 4 percent (nu Delta) of the chance meetings, which 8 percent have.
    agrees(gammas, 0.0, bias=0.04 * 0.08 * 1.5)
    assert np.mean(gammas) < 0.02
