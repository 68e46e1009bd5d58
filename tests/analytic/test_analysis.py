"""Measures of spike trains and signals against closed forms, hand counts and naive twins."""

import itertools
import math
import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import ParameterError, UnitError
from neurosim.simulator import analysis
from neurosim.simulator.spikes import SpikeTrains

pytestmark = pytest.mark.filterwarnings("error")

REGULAR = np.arange(5.0, 1000.0, 10.0)
SPIKES = st.lists(st.floats(0.0, 100.0, allow_subnormal=False), max_size=12)


# Rates


def test_rates_of_a_regular_train():
    assert analysis.mean_rate(REGULAR, 0, 1000) == analysis.mean_rate(REGULAR, stop=1000) == 100.0
    assert analysis.mean_rate([], stop=10) == 0.0 and isinstance(analysis.mean_rate([1.0], stop=2), float)
    assert analysis.mean_rate([REGULAR, []], 0, 500).tolist() == [100.0, 0.0]
    times, rate = analysis.binned_rate(REGULAR, 100.0, 0, 1000)
    assert times.tolist() == list(range(50, 1000, 100)) and rate.tolist() == [100.0] * 10
    times, rate = analysis.binned_rate([REGULAR, []], 250.0, 100.0, 999.0, per_neuron=True)
    assert times.tolist() == [225.0, 475.0, 725.0] and rate.tolist() == [[100.0, 0.0]] * 3
    assert analysis.binned_rate([REGULAR, []], 500.0, stop=1000)[1].tolist() == [50.0, 50.0]


@pytest.mark.parametrize("width", [0.1, 0.3, 0.7, 1.1, 2.5])
def test_bins_of_spikes_on_a_grid_hold_equal_numbers(width):
    # A spike at every step of 0.1 ms: each bin holds width / 0.1 of them, whatever the rounding of k * 0.1.
    times = np.arange(20000) * 0.1
    _, counts = analysis.binned_counts(times, width, 0.0, 2000.0)
    assert counts.size == math.floor(2000.0 / width + 1e-9)
    assert set(counts.tolist()) == {round(width / 0.1)}


KERNELS = {
    "gaussian": lambda u, s: 2 * np.exp(-0.5 * (u / s) ** 2) / (s * math.sqrt(2 * math.pi)),
    "exponential": lambda u, s: np.exp(-u / s) / s,
    "alpha": lambda u, s: 2 * u / s**2 * np.exp(-math.sqrt(2) * u / s),
    "boxcar": lambda u, s: (u <= math.sqrt(3) * s) / (math.sqrt(3) * s),
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("causal", [None, True, False])
def test_kernel_rate_is_the_sum_over_spikes(kernel, causal):
    spikes, sigma = np.array([100.3, 107.0, 107.0, 119.2]), 4.0
    times, rate = analysis.kernel_rate(spikes, sigma, 0.25, kernel, 0.0, 300.0, causal=causal)
    one_sided = causal if causal is not None else kernel in ("exponential", "alpha")
    lag = times[:, None] - spikes
    density = KERNELS[kernel](np.abs(lag), sigma)
    density = np.where(lag >= 0, density, 0.0) if one_sided else 0.5 * density
    # The cut-off of the tails is below 1e-9 of the peak of each kernel, at most 1000 * 4 / sigma Hz.
    assert rate == pytest.approx(1000.0 * density.sum(axis=1), abs=1e-6)
    assert times[0] == 0.0 and times[-1] == 299.75


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_have_unit_area_and_standard_deviation_sigma(kernel):
    sigma, step = 3.0, 0.005
    times, rate = analysis.kernel_rate([200.0], sigma, step, kernel, 0.0, 400.0)
    weight = rate * step / 1000.0
    mean = (weight * times).sum() / weight.sum()
    # Left sums with step h of kernels that jump (exponential, boxcar) are off by h/2 of the jump: 1e-3 here.
    assert weight.sum() == pytest.approx(1.0, abs=2e-3)
    assert math.sqrt((weight * (times - mean) ** 2).sum() / weight.sum()) == pytest.approx(sigma, rel=2e-3)


def test_kernel_rate_of_populations_and_windows():
    trains = SpikeTrains.from_trains([[10.0, 40.0], [], [40.0]], stop=100.0)
    times, apart = analysis.kernel_rate(trains, 5.0, per_neuron=True)
    assert apart.shape == (100, 3) and not apart[:, 1].any()
    assert analysis.kernel_rate(trains, 5.0)[1] == pytest.approx(apart.mean(axis=1), rel=1e-12)
    # Spikes outside the window of the samples still contribute.
    part, rate = analysis.kernel_rate(trains, 5.0, start=20.0, stop=30.0)
    assert part.tolist() == times[20:30].tolist()
    assert rate == pytest.approx(apart.mean(axis=1)[20:30], rel=1e-12)
    assert analysis.kernel_rate([], 5.0, stop=10.0)[1].tolist() == [0.0] * 10
    causal = analysis.kernel_rate([30 * 0.1], 5.0, 1.0, "exponential", stop=10.0)[1]
    assert causal[2] == 0.0 and causal[3] == pytest.approx(200.0)


# Intervals


def test_regularity_of_a_regular_train_is_zero():
    # Spikes at whole numbers of ms: intervals and their differences are exact.
    assert analysis.cv(REGULAR) == analysis.cv2(REGULAR) == analysis.lv(REGULAR) == 0.0
    assert analysis.rate_from_isi(REGULAR) == 100.0
    assert analysis.rate_from_isi([200.0, 230.0], 0, 1000) == pytest.approx(1000.0 / 30.0, rel=1e-15)


def test_regularity_of_alternating_intervals():
    # Intervals a, b, a, b, ...: CV = |a-b|/(a+b), CV2 = 2 CV, LV = 3 CV^2.
    times = np.concatenate([[0.0], np.cumsum(np.tile([10.0, 30.0], 50))])
    assert analysis.cv(times) == pytest.approx(0.5, rel=1e-14)
    assert analysis.cv2(times) == pytest.approx(1.0, rel=1e-14)
    assert analysis.lv(times) == pytest.approx(0.75, rel=1e-14)
    assert analysis.cv(times, ddof=1) == pytest.approx(0.5 * math.sqrt(100 / 99), rel=1e-14)


@settings(max_examples=60, deadline=None)
@given(st.lists(SPIKES, max_size=5))
def test_intervals_of_many_neurons_agree_with_one_at_a_time(trains):
    several = SpikeTrains.from_trains(trains, stop=100.0)
    for measure in (analysis.cv, analysis.cv2, analysis.lv, analysis.rate_from_isi):
        alone = [measure(np.asarray(t)) for t in trains]
        # Subnormal intervals aside, sums in another order differ by a few ulp.
        assert measure(several) == pytest.approx(np.asarray(alone, dtype=float), rel=1e-9, nan_ok=True)
    assert analysis.isi(several).tolist() == [d for t in trains for d in np.diff(np.sort(t)).tolist()]


def test_too_few_spikes_have_no_regularity():
    for times in ([], [5.0], [5.0, 9.0]):
        for measure in (analysis.cv, analysis.cv2, analysis.lv):
            assert math.isnan(measure(times))
    assert math.isnan(analysis.rate_from_isi([5.0])) and analysis.rate_from_isi([5.0], silent=0.0) == 0.0
    assert analysis.isi([]).size == analysis.isi([1.0]).size == 0
    assert math.isnan(analysis.cv([2.0, 2.0, 2.0])) and analysis.lv([2.0, 2.0, 2.0]) == 0.0
    assert math.isnan(analysis.cv([1.0, 2.0, 3.0], ddof=2)) and math.isnan(analysis.rate_from_isi([2.0, 2.0]))


# Counts


def test_counts_and_fano_factor():
    trains = SpikeTrains.from_trains([[1, 2, 11, 25], [], [5.0, 15.0, 25.0]], stop=30.0)
    edges, counts = analysis.binned_counts(trains, 10.0)
    assert edges.tolist() == [0, 10, 20] and counts.T.tolist() == [[2, 1, 1], [0, 0, 0], [1, 1, 1]]
    assert (
        analysis.spike_counts(trains, 10.0).tolist() == [2, 0, 2] and analysis.spike_counts([1.0, 2.0]) == 2
    )
    # Counts 2, 1, 1: mean 4/3, variance 1/3.
    assert analysis.fano_factor(trains, 10.0) == pytest.approx([0.25, np.nan, 0.0], nan_ok=True)
    assert analysis.fano_factor(trains, 10.0, ddof=0)[0] == pytest.approx(2 / 9 / (4 / 3))
    assert analysis.fano_of_counts(counts) == pytest.approx([0.25, np.nan, 0.0], nan_ok=True)
    assert analysis.fano_of_counts([2, 1, 1]) == pytest.approx(0.25)
    assert math.isnan(analysis.fano_of_counts([3])) and np.isnan(analysis.fano_factor(trains, 30.0)).all()
    for wrong in ([1, -1], [np.nan, 1.0], 3.0):
        with pytest.raises(ParameterError, match="fano_of_counts"):
            analysis.fano_of_counts(wrong)


def test_correlation_matrix_is_pearsons():
    rng = np.random.default_rng(3)
    trains = [np.sort(rng.uniform(0, 500, n)) for n in (80, 40, 0, 60)]
    trains[3] = np.sort(np.concatenate([trains[0][:50], trains[3]]))
    matrix = analysis.correlation_matrix(trains, 5.0, 0.0, 500.0)
    counts = analysis.binned_counts(trains, 5.0, 0.0, 500.0)[1]
    live = [0, 1, 3]
    # Both are right to rounding of sums of some hundred terms.
    assert matrix[np.ix_(live, live)] == pytest.approx(np.corrcoef(counts[:, live].T), abs=1e-13)
    assert np.isnan(matrix[2]).all() and np.isnan(matrix[:, 2]).all()
    assert np.array_equal(matrix, matrix.T, equal_nan=True) and matrix[0, 0] == 1.0
    part = analysis.correlation_matrix(trains, 5.0, 0.0, 500.0, neurons=[3, 0, 3])
    assert part.tolist() == matrix[np.ix_([3, 0, 3], [3, 0, 3])].tolist()
    with pytest.raises(ParameterError, match="too large"):
        analysis.correlation_matrix(SpikeTrains([], [], 20000, stop=10.0), 1.0)


# Correlograms


def test_cross_correlation_counts_pairs():
    # b follows a by 5 ms: every spike has its partner at +5, and a and b swapped at -5.
    a, b = REGULAR[:-1:3], REGULAR[:-1:3] + 5.0
    lags, pairs = analysis.cross_correlation(a, b, 1.0, 8.0, stop=1000.0)
    assert lags.tolist() == list(range(-8, 9)) and pairs[lags == 5.0] == a.size and pairs.sum() == a.size
    assert np.array_equal(analysis.cross_correlation(b, a, 1.0, 8.0, stop=1000.0)[1], pairs[::-1])


@settings(max_examples=40, deadline=None)
@given(SPIKES, SPIKES)
def test_cross_correlation_agrees_with_the_double_loop(a, b):
    pairs = analysis.cross_correlation(a, b, 2.0, 20.0, 0.0, 100.0)[1]
    x, y = (np.histogram(np.asarray(s), np.arange(0.0, 101.0, 2.0))[0] for s in (a, b))
    # np.histogram puts a spike at exactly 100 into the last bin; the half-open window leaves it out.
    x[-1] -= a.count(100.0)
    y[-1] -= b.count(100.0)
    # The tolerance at edges may move a spike closer than 1e-7 ms to one: leave such draws out.
    near = [t for t in a + b if 0 < abs(t - 2 * round(t / 2)) < 1e-6]
    twin = [sum(x[i] * y[i + k] for i in range(50) if 0 <= i + k < 50) for k in range(-10, 11)]
    assert near or pairs.tolist() == twin
    corrected = analysis.cross_correlation(a, b, 2.0, 20.0, 0.0, 100.0, edge_correction=True)[1]
    assert corrected == pytest.approx(pairs * 50 / (50 - np.abs(np.arange(-10, 11))))


def test_coefficient_and_autocorrelation():
    rng = np.random.default_rng(5)
    a, b = np.sort(rng.uniform(0, 2000, 300)), np.sort(rng.uniform(0, 2000, 200))
    x, y = (analysis.binned_counts(s, 4.0, 0.0, 2000.0)[1] for s in (a, b))
    coefficient = analysis.cross_correlation(a, b, 4.0, 40.0, 0, 2000, normalise="coefficient")[1]
    assert coefficient[10] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-13)
    full = analysis.autocorrelation(a, 4.0, 40.0, 0, 2000, normalise="coefficient", keep_zero=True)[1]
    assert full[10] == pytest.approx(1.0, rel=1e-14) and np.array_equal(full, full[::-1])
    assert analysis.autocorrelation(a, 4.0, 40.0, 0, 2000)[1][10] == (x * x).sum() - a.size
    lags, pairs = analysis.autocorrelation(REGULAR, 1.0, 25.0, 0, 1000)
    assert {lag: n for lag, n in zip(lags, pairs, strict=True) if n} == {-20: 98, -10: 99, 10: 99, 20: 98}
    silent = analysis.cross_correlation([], b, 4.0, 40.0, 0, 2000)[1]
    assert not silent.any()
    assert np.isnan(analysis.cross_correlation([], b, 4.0, 40.0, 0, 2000, normalise="coefficient")[1]).all()
    trains = SpikeTrains.from_trains([a, b], stop=2000.0)
    pooled = analysis.autocorrelation(trains, 4.0, 40.0)[1]
    assert pooled.tolist() == analysis.autocorrelation(np.concatenate([a, b]), 4.0, 40.0, 0, 2000)[1].tolist()


# Spectra


def test_power_spectrum_of_a_sine():
    dt, amplitude, frequency = 0.5, 3.0, 40.0
    t = np.arange(0, 4000.0, dt)
    x = 7.0 + amplitude * np.sin(2 * np.pi * frequency * t / 1000.0)
    f, power = analysis.power_spectrum(x, dt, 500.0)
    assert f[1] == pytest.approx(2.0) and f[-1] == pytest.approx(1000.0) and f[np.argmax(power)] == 40.0
    # The sine fits a whole number of times into each segment, so that nothing leaks: the power is A^2/2.
    assert power.sum() * f[1] == pytest.approx(amplitude**2 / 2, rel=1e-9)
    two = analysis.power_spectrum(np.stack([x, 2 * x], axis=1), dt, 500.0)[1]
    assert two[:, 1] == pytest.approx(4 * two[:, 0]) and two[:, 0] == pytest.approx(power)


def test_spectrogram_follows_a_jump_of_frequency():
    t = np.arange(0, 2000.0, 1.0)
    x = np.sin(2 * np.pi * np.where(t < 1000, 20.0, 60.0) * t / 1000.0)
    f, middles, power = analysis.spectrogram(x, 1.0, 200.0, 0.5)
    top = f[np.argmax(power, axis=0)]
    assert (top[middles < 900] == 20.0).all() and (top[middles > 1100] == 60.0).all()
    assert middles[0] == 100.0 and middles[1] == 200.0


def test_spike_spectrum_of_a_regular_train_is_a_comb():
    # 10 spikes of 100 ms spacing in a segment of T = 1 s: |sum|^2 = 100 at multiples of 10 Hz, 0 elsewhere.
    f, power = analysis.spike_spectrum(REGULAR[::10], 1.0, 1000.0, 0.0, 1000.0)
    teeth = np.isclose(f % 10.0, 0.0)
    assert f[0] == 1.0 and f[-1] == 500.0 and teeth.sum() == 50
    assert power[teeth] == pytest.approx(100.0) and power[~teeth] == pytest.approx(0.0, abs=1e-20)
    trains = SpikeTrains.from_trains([REGULAR[::10], [], REGULAR[::10]], stop=1000.0)
    apart = analysis.spike_spectrum(trains, 1.0, 1000.0, per_neuron=True)[1]
    assert apart.shape == (500, 3) and not apart[:, 1].any() and apart[:, 2] == pytest.approx(power)
    assert analysis.spike_spectrum(trains, 1.0, 1000.0)[1] == pytest.approx(power * 2 / 3)
    # A single spike has |e^(..)|^2 / T = 1/T at every frequency.
    assert analysis.spike_spectrum([321.0], 1.0, 1000.0, 0, 1000)[1] == pytest.approx(np.ones(500))
    # In the last of four segments only: a quarter of that on average, with T = 250 ms.
    assert analysis.spike_spectrum([876.0], 1.0, 250.0, 0, 1000)[1] == pytest.approx(np.ones(125))
    assert not analysis.spike_spectrum([], 1.0, 100.0, 0, 1000)[1].any()


# Distances


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 9) | st.floats(-1e6, 1e6), min_size=1, max_size=30),
    st.lists(st.integers(0, 9) | st.floats(-1e6, 1e6), min_size=1, max_size=30),
)
def test_ks_distance_agrees_with_scipy(a, b):
    with warnings.catch_warnings():
        # What scipy may warn of is its p-value, which is not compared.
        warnings.simplefilter("ignore")
        peer = scipy.stats.ks_2samp(a, b, method="exact").statistic
    # Equal up to the rounding of scipy's difference of two shares.
    assert analysis.ks_distance(a, b) == pytest.approx(peer, abs=1e-14)


def test_ks_distance_by_hand():
    assert analysis.ks_distance([1, 2, 3], [3, 1, 2, 3, 2, 1]) == 0.0
    assert analysis.ks_distance([1, 2], [3, 4, 5]) == 1.0
    assert analysis.ks_distance([1, 2, 3, 4], [1.5, 9.0]) == 0.5
    assert math.isnan(analysis.ks_distance([], [1.0]))
    with pytest.raises(ParameterError, match="nan='omit'"):
        analysis.ks_distance([1.0, np.nan], [1.0])
    assert analysis.ks_distance([1.0, np.nan], [1.0], nan="omit") == 0.0


def test_van_rossum_closed_forms():
    # One spike against none 1/2; two single spikes 1 - exp(-gap/tau).
    assert analysis.van_rossum_distance([3.0], [], 10.0) == pytest.approx(math.sqrt(0.5), rel=1e-15)
    for gap in (0.0, 1e-3, 5.0, 1e4):
        distance = analysis.van_rossum_distance([3.0], [3.0 + gap], 10.0)
        # 3 + gap - 3 is gap to 4e-16 ms, which matters most, 4e-13 of it, for the smallest gap.
        assert distance**2 == pytest.approx(-math.expm1(-gap / 10.0), rel=1e-11, abs=1e-16)
    assert analysis.van_rossum_distance(REGULAR, REGULAR[::-1], 10.0) == 0.0
    assert analysis.van_rossum_distance([], [], 1.0) == 0.0


def test_van_rossum_is_the_integral():
    a, b, tau = np.array([10.0, 20.0, 20.0, 33.0]), np.array([12.0, 31.0]), 7.0
    t = np.arange(0.0, 400.0, 0.001) + 0.0005
    f = sum(np.where(t >= s, np.exp(-(t - s) / tau), 0.0) for s in a)
    f = f - sum(np.where(t >= s, np.exp(-(t - s) / tau), 0.0) for s in b)
    # Midpoint rule with steps of 1e-3 ms whose ends are the jumps: error h^2 / (24 tau^2), 1e-9.
    assert analysis.van_rossum_distance(a, b, tau) ** 2 == pytest.approx((f**2).sum() * 0.001 / tau, rel=1e-7)


def victor_purpura_twin(a, b, q):
    table = np.zeros((len(a) + 1, len(b) + 1))
    table[:, 0], table[0, :] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, j in itertools.product(range(len(a)), range(len(b))):
        move = table[i, j] + q * abs(a[i] - b[j])
        table[i + 1, j + 1] = min(table[i, j + 1] + 1, table[i + 1, j] + 1, move)
    return table[-1, -1]


@settings(max_examples=60, deadline=None)
@given(SPIKES, SPIKES, SPIKES, st.sampled_from([0.0, 0.01, 0.1, 1.0, 10.0]))
def test_victor_purpura_is_a_metric_and_agrees_with_the_plain_recursion(a, b, c, q):
    distance = analysis.victor_purpura_distance(a, b, q)
    # Costs up to 24 with rounding of 1e-15 each.
    assert distance == pytest.approx(victor_purpura_twin(sorted(a), sorted(b), q), abs=1e-12)
    assert distance == pytest.approx(analysis.victor_purpura_distance(b, a, q), abs=1e-12)
    assert analysis.victor_purpura_distance(a, a, q) == 0.0
    around = analysis.victor_purpura_distance(a, c, q) + analysis.victor_purpura_distance(c, b, q)
    assert distance <= around + 1e-12


def test_victor_purpura_limits():
    assert analysis.victor_purpura_distance([1, 2, 3], [9.0], 0.0) == 2.0
    assert analysis.victor_purpura_distance([1, 2, 3], [2.0, 4.0], math.inf) == 3.0
    assert analysis.victor_purpura_distance([], [], 1.0) == 0.0
    assert analysis.victor_purpura_distance([], [1.0, 2.0], 5.0) == 2.0
    # Moving is cheaper than deleting and inserting up to a gap of 2/q.
    assert analysis.victor_purpura_distance([0.0], [3.0], 0.5) == 1.5
    assert analysis.victor_purpura_distance([0.0], [5.0], 0.5) == 2.0


def test_coincidence_factor():
    gamma = analysis.coincidence_factor
    assert gamma(REGULAR, REGULAR, 2.0, 0, 1000) == pytest.approx(1.0, rel=1e-14)
    # All spikes off by 5 ms: nothing meets within 2 ms, 2 * 0.1/ms * 2 ms = 0.4 would by chance.
    assert gamma(REGULAR, REGULAR[:-1] + 5.0, 2.0, 0, 1000) == pytest.approx(
        (0 - 2 * 2 * 0.099 * 100) / 99.5 / (1 - 2 * 2 * 0.099), rel=1e-13
    )
    # By hand: pairs (10, 11) and (50, 48.5); 30 is alone. nu = 3/100 per ms, chance 2*2*0.03*3 = 0.36.
    by_hand = (2 - 0.36) / 3 / (1 - 0.12)
    assert gamma([10, 30, 50], [11, 48.5, 90], 2.0, 0, 100) == pytest.approx(by_hand, rel=1e-14)
    # Each spike meets one only: two data spikes around one of the model are one coincidence.
    assert gamma([9.0, 11.0], [10.0], 2.0, 0, 100) == pytest.approx((1 - 0.08) / 1.5 / (1 - 0.04), rel=1e-14)
    assert gamma([], [5.0], 1.0, 0, 100) == gamma([5.0], [], 1.0, 0, 100) == 0.0
    assert math.isnan(gamma([], [], 1.0, 0, 100)) and math.isnan(gamma(REGULAR, REGULAR, 5.0, 0, 1000))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6), st.lists(st.integers(0, 40), max_size=6))
def test_coincidences_are_as_many_as_can_be_paired(a, b):
    from neurosim.simulator.analysis.compare import _coincidences

    x, y = np.sort(np.array(a, float)), np.sort(np.array(b, float))
    few, many = (x, y) if x.size < y.size else (y, x)
    # Up to 6 spikes: all ways to pair them are tried.
    pairings = itertools.permutations(many, few.size)
    best = max(int((np.abs(np.array(p) - few) <= 3.0).sum()) if few.size else 0 for p in pairings)
    assert _coincidences(x, y, 3.0) == best


# Detection


def test_spikes_are_found_between_samples():
    # Vertices of parabolas, on even and uneven samples: exact but for rounding.
    for t in (np.arange(0, 30, 0.2), np.sort(np.random.default_rng(2).uniform(0, 30, 200))):
        v = np.maximum.reduce([40 - 30 * (t - c) ** 2 for c in (7.03, 21.777)] + [np.full(t.size, -70.0)])
        found = analysis.spike_detect(v, t, 0.0, 20.0)
        assert found == pytest.approx([7.03, 21.777], abs=1e-9)
    both = analysis.spike_detect(np.stack([v, np.full(t.size, -70.0)], axis=1), t, 0.0, 20.0)
    assert both[0].tolist() == found.tolist() and both[1].size == 0


def test_threshold_and_prominence_tell_spikes_from_ripples():
    t = np.arange(0, 100.0, 0.05)
    ripple = -30.0 + 3.0 * np.cos(2 * np.pi * t / 10.0)
    v = np.where((t > 40) & (t < 60), ripple + 50.0 * np.exp(-0.5 * ((t - 50.0) / 0.5) ** 2), ripple)
    assert analysis.spike_detect(v, t, -30.0, 0.0).size > 5
    assert analysis.spike_detect(v, t, None, 10.0) == pytest.approx([50.0], abs=1e-3)
    assert analysis.spike_detect(v, t, 30.0).size == 0
    plateau = analysis.spike_detect([0, 0, 50, 50, 50, 0, 0], np.arange(7.0))
    assert plateau.tolist() == [3.0] and analysis.spike_detect([0, 50, 50, 0], np.arange(4.0)).tolist() == [
        1.5
    ]
    assert analysis.spike_detect([], []).size == 0


# Refusals, and quantities


@pytest.mark.parametrize(
    "call",
    [
        lambda: analysis.mean_rate([1.0, np.nan], stop=5),
        lambda: analysis.mean_rate([1.0]),
        lambda: analysis.mean_rate(np.zeros((2, 2)), stop=5),
        lambda: analysis.mean_rate(["a"], stop=5),
        lambda: analysis.mean_rate([1.0], 5, 5),
        lambda: analysis.binned_rate([1.0], 0.0, stop=5),
        lambda: analysis.binned_rate([1.0], -1.0, stop=5),
        lambda: analysis.binned_rate([1.0], 6.0, stop=5),
        lambda: analysis.binned_rate([1.0], np.nan, stop=5),
        lambda: analysis.kernel_rate([1.0], 0.0, stop=5),
        lambda: analysis.kernel_rate([1.0], 1.0, 0.0, stop=5),
        lambda: analysis.kernel_rate([1.0], 1.0, kernel="gauss", stop=5),
        lambda: analysis.cv([1.0, np.inf]),
        lambda: analysis.fano_factor([1.0], 0.0, stop=5),
        lambda: analysis.correlation_matrix([[1.0], [2.0]], 1.0, 0, 5, neurons=[2]),
        lambda: analysis.cross_correlation([1.0], [2.0], 1.0, 5.0, 0, 5),
        lambda: analysis.cross_correlation([1.0], [2.0], 1.0, -1.0, 0, 5),
        lambda: analysis.cross_correlation([1.0], [2.0], 1.0, 2.0, 0, 5, normalise="count"),
        lambda: analysis.power_spectrum([1.0, 2.0]),
        lambda: analysis.power_spectrum([1.0, np.nan], 1.0),
        lambda: analysis.power_spectrum([1.0], 1.0),
        lambda: analysis.power_spectrum(np.zeros(10), 1.0, 11.0),
        lambda: analysis.power_spectrum(np.zeros(10), 1.0, detrend="no"),
        lambda: analysis.spectrogram(np.zeros((10, 2)), 1.0, 5.0),
        lambda: analysis.spectrogram(np.zeros(10), 1.0, 5.0, 1.0),
        lambda: analysis.spike_spectrum([1.0], 1.0, 20.0, 0, 10),
        lambda: analysis.ks_distance(["a"], [1.0]),
        lambda: analysis.van_rossum_distance([1.0], [2.0], 0.0),
        lambda: analysis.victor_purpura_distance([1.0], [2.0], -1.0),
        lambda: analysis.coincidence_factor([1.0], [2.0], 0.0, 0, 5),
        lambda: analysis.coincidence_factor([1.0], [2.0], 1.0),
        lambda: analysis.spike_detect([1.0, 2.0]),
        lambda: analysis.spike_detect([1.0, 2.0], [0.0]),
        lambda: analysis.spike_detect([1.0, np.nan], [0.0, 1.0]),
        lambda: analysis.spike_detect([1.0, 2.0], [0.0, 0.0]),
        lambda: analysis.spike_detect([1.0, 2.0], [0.0, 1.0], 0.0, -1.0),
    ],
)
def test_what_cannot_be_measured_is_refused(call):
    with pytest.raises(ParameterError, match=r"^[a-z_0-9]+: ") as caught:
        call()
    assert str(caught.value).endswith(".")


def test_quantities_are_converted_and_other_kinds_refused():
    assert analysis.mean_rate(([0.1, 0.2], "s"), stop="1 s") == 2.0
    assert analysis.binned_counts([100.0, 700.0], "0.5 s", stop=(1, "s"))[1].tolist() == [1, 1]
    assert analysis.victor_purpura_distance([0.0], [10.0], "50 Hz") == 0.5
    for wrong in ({"stop": "5 mV"}, {"stop": 10.0, "trains": ([1.0], "mV")}):
        with pytest.raises(UnitError, match="mean_rate"):
            analysis.mean_rate(**{"trains": [1.0], **wrong})


def test_every_public_function_is_exported_and_documented():
    for name in analysis.__all__:
        text = getattr(analysis, name).__doc__
        assert text and "Returns" in text and "Raises" in text, name
