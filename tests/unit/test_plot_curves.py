"""Curves, histograms, phase planes and spectra show the numbers that they were given."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.quiver import Quiver

from neurosim import plot
from neurosim.errors import ParameterError
from neurosim.plot import spectral


@dataclass
class Spikes:
    """The attributes that plots may rely on, and no more."""

    times: np.ndarray
    indices: np.ndarray
    size: int
    start: float = 0.0
    stop: float = 100.0


@dataclass
class Samples:
    times: np.ndarray
    values: np.ndarray
    neurons: np.ndarray | None = None
    variable: str = "v"
    unit: str = "mV"


@dataclass
class Plane:
    x: np.ndarray
    y: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    x_name: str = "v"
    y_name: str = "w"
    x_unit: str = "mV"
    y_unit: str = "nA"
    fixed_points: list[Any] = field(default_factory=list)


def spikes(times: Any, indices: Any, size: int, **window: float) -> Spikes:
    return Spikes(np.asarray(times, float), np.asarray(indices, np.int32), size, **window)


def regular(size: int = 3, period: float = 10.0) -> Spikes:
    times = np.repeat(np.arange(5.0, 100.0, period), size)
    return spikes(times, np.tile(np.arange(size), times.size // size), size)


def linear_plane() -> Plane:
    """dx/dt = x - y, dy/dt = 2 - y: nullclines y = x and y = 2, which cross in a saddle at (2, 2)."""
    x, y = np.linspace(0, 4, 41), np.linspace(0, 3, 31)
    grid_x, grid_y = np.meshgrid(x, y)
    saddle = SimpleNamespace(x=2.0, y=2.0, kind="saddle", stable=False)
    return Plane(x, y, grid_x - grid_y, 2 - grid_y, fixed_points=[saddle])


RNG = np.random.default_rng(7)
NOISE = RNG.normal(size=4000)


def png(ax: Axes) -> bytes:
    out = io.BytesIO()
    ax.figure.savefig(out, format="png")
    return out.getvalue()


def line_points(ax: Axes, k: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(ax.lines[k].get_xdata()), np.asarray(ax.lines[k].get_ydata())


def rates_of(ax: Axes, k: int = 0) -> tuple[np.ndarray, np.ndarray]:
    data = ax.patches[k].get_data()
    return np.asarray(data.values), np.asarray(data.edges)


# ---- curves


def test_a_type_two_onset_is_not_drawn_as_a_slope() -> None:
    current = np.linspace(0, 20, 101)
    rates = np.where(current < 6.3, 0.0, 50 + 2 * (current - 6.3))
    x, y = line_points(plot.fi_curve(current, rates, unit="uA/cm2"))
    gap = np.flatnonzero(np.isnan(y))
    assert gap.size == 1 and y[gap[0] - 1] == 0 and y[gap[0] + 1] >= 50
    assert np.array_equal(x[~np.isnan(x)], current), "no point is lost"


@pytest.mark.parametrize("onset", [0.30, 0.31, 0.349])
@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_a_gradual_onset_stays_one_line(onset: float, power: float) -> None:
    # The square root is the steepest onset of a saddle-node on an invariant circle (type I).
    current = np.linspace(0, 1, 21)
    _, y = line_points(plot.fi_curve(current, 100 * np.maximum(current - onset, 0) ** power))
    assert not np.isnan(y).any()


def test_depolarisation_block_breaks_the_line_too() -> None:
    rates = np.r_[np.zeros(5), np.arange(50.0, 60.0), np.zeros(5)]
    _, y = line_points(plot.fi_curve(np.arange(20.0), rates))
    assert np.flatnonzero(np.isnan(y)).tolist() == [5, 16]


def test_currents_are_sorted_and_nan_leaves_a_gap() -> None:
    x, y = line_points(plot.fi_curve([3, 1, 2, 4], [30.0, 10.0, np.nan, 40.0]))
    assert x.tolist() == [1, 2, 3, 4] and np.array_equal(y, [10, np.nan, 30, 40], equal_nan=True)


def test_trials_give_mean_and_a_band_of_one_deviation() -> None:
    ax = plot.fi_curve([0, 1], [[1.0, 3.0], [5.0, np.nan]])
    assert np.allclose(line_points(ax)[1], [2.0, 5.0])
    band = ax.collections[0].get_paths()[0].vertices
    # Sample deviation of 1 and 3 is sqrt(2); a single trial has none.
    assert band[:, 1].min() == pytest.approx(2 - np.sqrt(2)) and np.isclose(band[:, 1], 2 + np.sqrt(2)).any()


def test_references_are_open_markers() -> None:
    ax = plot.fi_curve([0, 1], [0.0, 5.0], reference=[([0, 1], [1, 6], "Paper"), ([0.5], [9], "Other")])
    paper, other = ax.lines[1:]
    assert paper.get_markerfacecolor() == "none" and paper.get_linestyle() == "None"
    assert paper.get_marker() != other.get_marker()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Paper", "Other"]
    assert ax.get_ylim()[1] > 9
    with pytest.raises(ParameterError, match="one y for each x"):
        plot.fi_curve([0, 1], [0, 1], reference=([0, 1], [1], "Paper"))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_curves_of_hardly_anything(n: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png(plot.fi_curve(np.arange(n), np.zeros(n)))
        png(plot.fi_curve(np.arange(n), np.full(n, np.nan)))
        for neurons in (0, 1, 20, 300):
            png(plot.tuning_curves(np.arange(n), np.full((n, neurons), np.nan)))


def test_a_single_firing_current_is_seen() -> None:
    ax = plot.fi_curve(np.arange(50.0), np.r_[np.zeros(49), 60.0])
    (line,) = ax.lines
    assert line.get_marker() == "o" and line.get_ydata()[line.get_markevery()].tolist() == [60.0]


def test_curves_of_unequal_length_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"shape \(3,\) for 2 currents"):
        plot.fi_curve([0, 1], [0, 1, 2])
    with pytest.raises(ParameterError, match=r"\(5, n_neurons\) is needed. Transpose it"):
        plot.tuning_curves(np.arange(5), np.zeros((7, 5)))


def test_tuning_curves_of_many_are_sorted_by_preference() -> None:
    x = np.arange(10.0)
    preferred = RNG.permutation(np.repeat(np.arange(10), 30))
    ax = plot.tuning_curves(x, np.exp(-((x[:, None] - preferred) ** 2)))
    image = np.asarray(ax.collections[0].get_array())
    assert image.shape == (300, 10)
    assert np.array_equal(image.argmax(1), np.repeat(np.arange(10), 30))


# ---- intervals


def note_of(ax: Axes) -> str:
    return ax.texts[-1].get_text()


def test_intervals_of_a_regular_train_have_no_variation() -> None:
    ax = plot.isi_histogram(regular(3), np.arange(0, 21.0))
    values, _ = rates_of(ax)
    assert note_of(ax) == "CV = 0.00 ± 0.00 (n = 3)"
    assert np.flatnonzero(values).tolist() == [10], "all intervals are 10 ms"


def test_cv_is_that_of_neurons_not_of_the_pool() -> None:
    # Two clocks of 10 and 30 ms: each has CV 0, the pool would have 0.5 and more.
    slow, fast = np.arange(0, 1000, 30.0), np.arange(0, 1000, 10.0)
    assert note_of(plot.isi_histogram([slow, fast])) == "CV = 0.00 ± 0.00 (n = 2)"


def test_cv_of_three_spikes_by_hand() -> None:
    # Intervals 10 and 30: mean 20, deviation sqrt(200), CV 0.7071.
    assert note_of(plot.isi_histogram([0.0, 40.0, 10.0])) == "CV = 0.71"


@pytest.mark.parametrize(
    ("times", "note"), [([], "no intervals"), ([5.0], "no intervals"), ([1, 2], "CV needs 3 spikes")]
)
def test_too_few_spikes_say_so(times: list[float], note: str) -> None:
    assert note_of(plot.isi_histogram(times)) == note


def test_densities_integrate_to_one_and_log_fractions_sum_to_one() -> None:
    train = np.cumsum(RNG.exponential(20.0, 5000))
    values, edges = rates_of(plot.isi_histogram(train, 80))
    assert np.sum(values * np.diff(edges)) == pytest.approx(1.0)
    values, edges = rates_of(plot.isi_histogram(np.r_[0.0, 0.0, train], 80, log=True))
    assert values.sum() == pytest.approx(1.0), "an interval of zero counts in the first bin"
    assert np.allclose(np.diff(np.log(edges)), np.log(edges[1] / edges[0]))


def test_the_first_spike_of_one_neuron_is_no_interval_of_another() -> None:
    trains = spikes([1.0, 2.0, 3.0, 11.0, 12.0, 13.0], [0, 1, 2, 0, 1, 2], 3)
    values, _ = rates_of(plot.isi_histogram(trains, [0.0, 5.0, 15.0]))
    assert np.allclose(values, [0.0, 0.1])


def test_bad_bins_are_refused() -> None:
    for bins in (0, -3, 2.5, [1.0], [3.0, 1.0], "auto"):
        with pytest.raises(ParameterError, match="bins"):
            plot.isi_histogram(regular(), bins)
    with pytest.raises(ParameterError, match="above 0 where log=True"):
        plot.isi_histogram(regular(), [0.0, 1.0], log=True)
    with pytest.raises(ParameterError, match="Pass those of one"):
        plot.isi_histogram({"E": regular()})


# ---- phase plane


def test_nullclines_are_where_the_derivatives_vanish() -> None:
    ax = plot.phase_plane(linear_plane())
    contours = [c for c in ax.collections if not isinstance(c, Quiver)]
    diagonal, level = (np.concatenate([p.vertices for p in c.get_paths()]) for c in contours)
    # Contours interpolate linearly, which is exact for linear derivatives.
    assert np.allclose(diagonal[:, 0], diagonal[:, 1]) and np.ptp(diagonal[:, 0]) == pytest.approx(3.0)
    assert np.allclose(level[:, 1], 2.0) and np.ptp(level[:, 0]) == pytest.approx(4.0)


def test_stable_points_are_filled_and_unstable_ones_open() -> None:
    plane = linear_plane()
    plane.fixed_points.append(SimpleNamespace(x=1.0, y=1.0, kind="stable focus", stable=True))
    ax = plot.phase_plane(plane)
    looks = {line.get_xdata()[0]: line for line in ax.lines}
    assert same_color(looks[2.0].get_markerfacecolor(), "white") and looks[2.0].get_marker() == "D"
    assert same_color(looks[1.0].get_markerfacecolor(), "black") and looks[1.0].get_marker() == "o"
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["dv/dt = 0", "dw/dt = 0", "saddle", "stable focus"]


def test_arrows_point_where_the_state_moves() -> None:
    x, y = np.linspace(0, 1, 30), np.linspace(0, 1000, 30)
    ax = plot.phase_plane(Plane(x, y, np.ones((30, 30)), np.zeros((30, 30))))
    (arrows,) = (c for c in ax.collections if isinstance(c, Quiver))
    assert np.allclose(arrows.U, 1) and np.allclose(arrows.V, 0)
    # One crossing of the plane in x and one of it in y in equal time: along the diagonal of the axes.
    ax = plot.phase_plane(Plane(x, y, np.ones((30, 30)), np.full((30, 30), 1000.0)))
    (arrows,) = (c for c in ax.collections if isinstance(c, Quiver))
    box, size = ax.get_position(), ax.figure.get_size_inches()
    assert np.allclose(arrows.V / arrows.U, size[1] * box.height / (size[0] * box.width))


def test_trajectories_are_drawn_and_stay_in_the_plane() -> None:
    path = (np.linspace(-9, 9, 50), np.zeros(50))
    for given in ([path], path):
        ax = plot.phase_plane(linear_plane(), given, label="run")
        assert np.array_equal(ax.lines[0].get_xdata(), path[0])
        assert ax.get_xlim() == (0, 4) and ax.get_ylim() == (0, 3)
        assert "run" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_plane_without_nullclines_or_with_nan_is_drawn() -> None:
    x = y = np.linspace(0, 1, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png(plot.phase_plane(Plane(x, y, np.ones((5, 5)), np.full((5, 5), np.nan))))
        png(plot.phase_plane(Plane(x, y, np.zeros((5, 5)), np.zeros((5, 5)))))


def test_bad_planes_are_refused() -> None:
    x, y = np.linspace(0, 1, 5), np.linspace(0, 1, 7)
    with pytest.raises(ParameterError, match=r"plane.dx has shape \(5, 7\).*Transpose it"):
        plot.phase_plane(Plane(x, y, np.ones((5, 7)), np.ones((7, 5))))
    with pytest.raises(ParameterError, match="rising values"):
        plot.phase_plane(Plane(x[::-1], y, np.ones((7, 5)), np.ones((7, 5))))
    with pytest.raises(ParameterError, match="without x, y, dx, dy"):
        plot.phase_plane(3)
    with pytest.raises(ParameterError, match="no pair of arrays"):
        plot.phase_plane(linear_plane(), [3.0])


# ---- spectra


def test_spectrogram_agrees_with_scipy() -> None:
    signal = pytest.importorskip("scipy.signal")
    frequencies, centres, power = spectral._periodograms(NOISE, 0.5, 256, 32, 1e9)
    expected = signal.spectrogram(NOISE - NOISE.mean(), 2000.0, "hann", 256, 256 - 32, detrend=False)
    assert np.allclose(frequencies, expected[0]) and np.allclose(centres, 1000 * expected[1])
    # The same sums in another order: rounding alone.
    assert np.allclose(power, expected[2], rtol=1e-9, atol=1e-18)


def test_power_of_a_sine_is_half_its_squared_amplitude() -> None:
    dt = 1.0
    sine = 3.0 * np.sin(2 * np.pi * 50.0 * np.arange(4000) * dt / 1000)
    frequencies, _, power = spectral._periodograms(sine, dt, 500, 50, 1e9)
    assert np.all(frequencies[power.argmax(0)] == 50.0)
    # 50 Hz is a whole number (25) of periods in a window: no leakage beyond the Hann window's own three bins.
    assert np.allclose(power.sum(0) * frequencies[1], 4.5, rtol=1e-9)


def test_spectrogram_has_its_axes_right() -> None:
    times = np.arange(0, 4000, 1.0)
    values = np.sin(2 * np.pi * np.where(times < 2000, 40.0, 160.0) * times / 1000)
    ax = plot.spectrogram(Samples(times + 1000.0, values, unit="nA"), max_frequency=250)
    image = ax.images[-1]
    left, right, low, high = image.get_extent()
    shown = np.asarray(image.get_array())
    peak = low + (shown.argmax(0) + 0.5) * (high - low) / shown.shape[0]
    middle = left + (np.arange(shown.shape[1]) + 0.5) * (right - left) / shown.shape[1]
    # Windows of 250 ms resolve 4 Hz; those across the change are left out.
    assert np.all(np.abs(peak[middle < 2800] - 40) <= 4) and np.all(np.abs(peak[middle > 3200] - 160) <= 4)
    assert left >= 1000 and right <= 5000
    assert image.colorbar.ax.get_ylabel() == "Power (dB re 1 nA²/Hz)"


def test_bad_signals_are_refused() -> None:
    for options in ({}, {"fs": 1000.0, "dt": 1.0}):
        with pytest.raises(ParameterError, match="either fs"):
            plot.spectrogram(NOISE, **options)
    with pytest.raises(ParameterError, match="interval must be positive"):
        plot.spectrogram(NOISE, dt=-1.0)
    with pytest.raises(ParameterError, match="at least 4"):
        plot.spectrogram([1.0, 2.0], dt=1.0)
    with pytest.raises(ParameterError, match="from 4 samples"):
        plot.spectrogram(NOISE, dt=1.0, segment=1e6)
    with pytest.raises(ParameterError, match="NaN"):
        plot.spectrogram(np.full(100, np.nan), dt=1.0)
    with pytest.raises(ParameterError, match="unevenly"):
        plot.spectrogram(Samples(np.arange(100.0) ** 2, np.zeros(100)))
    with pytest.raises(ParameterError, match="one-sided"):
        plot.power_spectrum([-1.0, 1.0], [1.0, 1.0])


def test_a_silent_signal_has_a_spectrogram_too() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png(plot.spectrogram(np.zeros(500), fs=1000.0))
        png(plot.power_spectrum(np.arange(5), np.zeros(5)))
        png(plot.power_spectrum([], []))


def test_logarithmic_spectrum_leaves_out_what_has_no_logarithm() -> None:
    ax = plot.power_spectrum([0.0, 1.0, 2.0, 3.0], [9.0, 1.0, 0.0, 4.0], unit="mV")
    x, y = line_points(ax)
    assert x.tolist() == [1, 2, 3] and np.array_equal(y, [1, np.nan, 4], equal_nan=True)
    assert ax.get_ylabel() == "Power (mV²/Hz)" and ax.get_xscale() == "log"
