"""The same measures by Elephant (Denker et al. 2018, doi:10.12751/incf.ni2018.0019) on the same spikes.

Spikes lie on a grid of 0.1 ms, where binning on both sides means the same.  Unless said otherwise both sides
compute one formula in another order, and agree to rounding.
"""

import numpy as np
import pytest

from neurosim.simulator import analysis
from neurosim.simulator.spikes import SpikeTrains

pq = pytest.importorskip("quantities")
conversion = pytest.importorskip("elephant.conversion")
kernels = pytest.importorskip("elephant.kernels")
correlation = pytest.importorskip("elephant.spike_train_correlation")
dissimilarity = pytest.importorskip("elephant.spike_train_dissimilarity")
statistics = pytest.importorskip("elephant.statistics")

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
]

STOP = 2000.0


@pytest.fixture(scope="module")
def trains():
    rng = np.random.default_rng(23)
    steps = [np.sort(rng.choice(np.arange(1, 19999), n, replace=False)) for n in (60, 45, 80, 3, 30)]
    steps[1] = np.unique(np.concatenate([steps[1], steps[0][::2] + 50]))
    steps[1] = steps[1][steps[1] < 19999]
    return SpikeTrains.from_trains([s * 0.1 for s in steps], stop=STOP, dt=0.1)


def test_intervals(trains):
    for k, train in enumerate(trains.to_neo()):
        intervals = statistics.isi(train)
        assert trains.isi(k) == pytest.approx(intervals.rescale("ms").magnitude, rel=1e-12)
        assert trains.cv_isi()[k] == pytest.approx(statistics.cv(intervals), rel=1e-10)
        assert trains.cv2()[k] == pytest.approx(statistics.cv2(intervals), rel=1e-10)
        assert trains.lv()[k] == pytest.approx(statistics.lv(intervals), rel=1e-10)


def test_mean_rate(trains):
    rates = [float(statistics.mean_firing_rate(t).rescale("Hz")) for t in trains.to_neo()]
    assert trains.rates() == pytest.approx(rates, rel=1e-12)
    part = [statistics.mean_firing_rate(t, 500.05 * pq.ms, 1500.05 * pq.ms) for t in trains.to_neo()]
    assert trains.rates(500.05, 1500.05) == pytest.approx([float(r.rescale("Hz")) for r in part], rel=1e-12)


def test_fano_factor(trains):
    # Elephant's is over trials: windows of one train become the trials.
    for k in range(trains.size):
        windows = [trains.window(low, low + 250.0).select(k) for low in np.arange(0.0, STOP, 250.0)]
        peer = statistics.fanofactor([w.to_neo()[0] for w in windows])
        assert trains.fano(250.0)[k] * 7 / 8 == pytest.approx(peer, rel=1e-12)
        counts = [w.times.size for w in windows]
        assert analysis.fano_of_counts(counts, ddof=0) == pytest.approx(peer, rel=1e-12)


def test_instantaneous_rate_with_a_gaussian(trains):
    for k, train in enumerate(trains.to_neo()):
        peer = statistics.instantaneous_rate(
            train, 0.1 * pq.ms, kernels.GaussianKernel(20.0 * pq.ms), cutoff=7.0
        )
        times, rate = analysis.kernel_rate(trains[k], 20.0, 0.1, stop=STOP)
        other = peer.rescale("Hz").magnitude[:, 0]
        assert other.shape == rate.shape and peer.t_start == 0.0
        inner = (times > 150.0) & (times < STOP - 150.0)
        # Elephant counts spikes in bins and convolves with a kernel of even length, which may put a spike up
        # to one step, 0.1 ms, away: the slope of a spike's bell is at most 0.242 / sigma^2, 0.6 Hz per ms.
        crowd = max(1, np.max(analysis.binned_counts(train, 50.0, stop=STOP)[1]))
        assert np.abs(rate - other)[inner].max() < 0.1 * 0.61 * crowd
        # Both keep all of the spikes' mass inside.
        assert rate[inner].sum() == pytest.approx(other[inner].sum(), rel=5e-3)


def test_correlation_matrix(trains):
    binned = conversion.BinnedSpikeTrain(trains.to_neo(), bin_size=5.0 * pq.ms)
    assert trains.correlation(5.0) == pytest.approx(correlation.correlation_coefficient(binned), abs=1e-12)
    counts = analysis.binned_counts(trains, 5.0)[1]
    assert counts.T.tolist() == binned.to_array().tolist()


@pytest.mark.parametrize("edges", [False, True])
def test_cross_correlation_histogram(trains, edges):
    first, second = (conversion.BinnedSpikeTrain(t, bin_size=2.0 * pq.ms) for t in trains.to_neo()[:2])
    peer, peer_lags = correlation.cross_correlation_histogram(
        first, second, window=[-30, 30], border_correction=edges
    )
    lags, pairs = analysis.cross_correlation(trains[0], trains[1], 2.0, 60.0, 0, STOP, edge_correction=edges)
    assert (np.asarray(peer_lags) * 2.0).tolist() == lags.tolist()
    assert pairs == pytest.approx(peer.magnitude[:, 0], rel=1e-12)
    # Half of train 0 comes again in train 1, 5 ms later: the same sign of lag on both sides.
    assert pairs[lags == 4.0][0] + pairs[lags == 6.0][0] >= 25
    peer, _ = correlation.cross_correlation_histogram(
        first, second, window=[-30, 30], cross_correlation_coefficient=True
    )
    rho = analysis.cross_correlation(trains[0], trains[1], 2.0, 60.0, 0, STOP, normalise="coefficient")[1]
    assert rho == pytest.approx(peer.magnitude[:, 0], abs=1e-12)


@pytest.mark.parametrize("tau", [1.0, 10.0, 200.0])
def test_van_rossum_distance(trains, tau):
    peer = dissimilarity.van_rossum_distance(trains.to_neo(), tau * pq.ms)
    ours = [[analysis.van_rossum_distance(a, b, tau) for b in trains] for a in trains]
    # Elephant leaves out the factor 1/2 of van Rossum 2001.  Its sums cancel to 1e-13 or so before the root,
    # hence 1e-6 on the diagonal.
    assert np.array(ours) * np.sqrt(2.0) == pytest.approx(peer, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("cost", [0.0, 0.002, 0.05, 1.0])
def test_victor_purpura_distance(trains, cost):
    peer = dissimilarity.victor_purpura_distance(trains.to_neo(), cost / pq.ms)
    ours = [[analysis.victor_purpura_distance(a, b, cost) for b in trains] for a in trains]
    assert np.array(ours) == pytest.approx(peer, rel=1e-10, abs=1e-10)


def test_quantities_are_taken_with_their_unit(trains):
    seconds = trains.to_neo()[0].rescale("s")
    assert analysis.cv(seconds) == pytest.approx(trains.cv_isi()[0], rel=1e-10)
    assert analysis.mean_rate(seconds, stop=2.0 * pq.s) == pytest.approx(trains.rates()[0], rel=1e-12)
