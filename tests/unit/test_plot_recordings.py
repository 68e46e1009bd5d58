"""Voltages, rasters and gates: what is drawn is what was recorded, for no neuron, for one, for 100,000."""

from __future__ import annotations

import io
import time
import warnings
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from neurosim import plot
from neurosim.errors import ParameterError
from neurosim.plot import inputs


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


def spikes(times: Any, indices: Any, size: int, **window: float) -> Spikes:
    return Spikes(np.asarray(times, float), np.asarray(indices, np.int32), size, **window)


def regular(size: int = 3, period: float = 10.0) -> Spikes:
    times = np.repeat(np.arange(5.0, 100.0, period), size)
    return spikes(times, np.tile(np.arange(size), times.size // size), size)


def integrate_and_fire(size: int) -> tuple[Samples, Spikes]:
    """A ramp from -65 to -50 mV in 20 ms, reset at the end of each: 5 spikes a neuron in 100 ms."""
    times = np.arange(0, 100.0, 0.1)
    values = -65 + 15 * ((times % 20.0) / 20.0)
    spike_times = np.repeat(np.arange(20.0, 100.0, 20.0), size)
    trains = spikes(spike_times, np.tile(np.arange(size), spike_times.size // size), size)
    return Samples(times, np.tile(values[:, None], (1, size))), trains


def gate(values: Any = None) -> Samples:
    times = np.arange(0, 100.0, 0.1)
    return Samples(
        times, np.abs(np.sin(times / 9))[:, None] if values is None else values, variable="m", unit=""
    )


RAMP, RAMP_SPIKES = integrate_and_fire(60)
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


# ---- voltage


def test_reset_spikes_rise_to_the_stated_height() -> None:
    ax = plot.voltage(RAMP, RAMP_SPIKES, neurons=[2], spike_height=10.0)
    x, y = line_points(ax)
    assert np.array_equal(np.sort(x[y == 10.0]), [20.0, 40.0, 60.0, 80.0])
    # They start from the last value before the reset, one sample (0.075 mV) below -50 mV.
    assert np.allclose(y[np.flatnonzero(y == 10.0) - 1], -50.075)


def test_reset_spikes_rise_by_the_span_where_no_height_is_given() -> None:
    ax = plot.voltage(RAMP, RAMP_SPIKES, neurons=[2])
    top = RAMP.values.max() + np.ptp(RAMP.values)
    assert np.nanmax(line_points(ax)[1]) == pytest.approx(top)


def test_a_trace_with_spikes_of_its_own_gets_marks_above_it() -> None:
    times = np.arange(0, 100, 0.1)
    values = -65 + 100 * np.exp(-(((times - 50) / 2) ** 2))
    ax = plot.voltage(Samples(times, values), [49.0])
    assert np.nanmax(line_points(ax)[1]) == pytest.approx(35.0, abs=0.1)
    x, y = line_points(ax, 1)
    assert x.tolist() == [49.0] and y[0] > 35.0


def test_neurons_are_chosen_by_their_numbers() -> None:
    trace = Samples(np.arange(3.0), np.array([[1.0, 2.0]] * 3), np.array([40, 7]))
    assert np.array_equal(line_points(plot.voltage(trace, neurons=[7]))[1], [2.0] * 3)
    with pytest.raises(ParameterError, match="neuron 8 is not in this trace, which holds 40, 7"):
        plot.voltage(trace, neurons=[8])


def test_window_cuts_samples_and_spikes() -> None:
    ax = plot.voltage(RAMP, RAMP_SPIKES, neurons=[0], window=(30, 50), spike_height=0)
    x, y = line_points(ax)
    assert np.nanmin(x) == pytest.approx(30) and np.nanmax(x) == pytest.approx(50)
    assert x[y == 0.0].tolist() == [40.0]
    with pytest.raises(ParameterError, match=r"recording runs from 0 to 99\.9 ms"):
        plot.voltage(RAMP, window=(200, 300))
    with pytest.raises(ParameterError, match="start < stop"):
        plot.voltage(RAMP, window=(30, 30))


def test_stacked_traces_keep_their_shape_and_have_a_scale_bar() -> None:
    ax = plot.voltage(RAMP, neurons=range(12))
    first, last = line_points(ax, 0)[1], line_points(ax, 11)[1]
    assert np.ptp(first) == pytest.approx(np.ptp(RAMP.values))
    assert first.min() > last.max(), "the first neuron stands on top, without overlap"
    assert any(text.get_text() == "10 mV" for text in ax.texts)


def test_population_of_100_000_becomes_an_image_of_means() -> None:
    values = np.tile(np.arange(100_000, dtype=np.float32), (20, 1))
    began = time.perf_counter()
    ax = plot.voltage(Samples(np.arange(20.0), values))
    png(ax)
    # Measured 0.5 s; ten times that tells of a line per neuron, which takes minutes.
    assert time.perf_counter() - began < 5
    image = np.asarray(ax.images[0].get_array())
    assert image.shape == (800, 20)
    assert image[0, 0] == pytest.approx(np.arange(125).mean())
    assert image[-1, 0] == pytest.approx(np.arange(99_875, 100_000).mean())


@pytest.mark.parametrize("n_times", [0, 1, 2])
@pytest.mark.parametrize("n_neurons", [0, 1, 9, 50])
def test_voltage_of_hardly_anything(n_times: int, n_neurons: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trace = Samples(np.arange(float(n_times)), np.zeros((n_times, n_neurons)))
        png(plot.voltage(trace, spikes([], [], max(n_neurons, 1))))


def test_voltage_of_nan_draws_the_rest() -> None:
    values = RAMP.values[:, :3].copy()
    values[:, 0] = np.nan
    values[500:, 1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot.voltage(Samples(RAMP.times, values), RAMP_SPIKES)
        png(ax)
    assert np.isnan(line_points(ax, 0)[1]).all() or np.nanmax(line_points(ax, 0)[1]) < 0


def test_spikes_as_plain_times_need_one_neuron() -> None:
    with pytest.raises(ParameterError, match="2 neurons are drawn"):
        plot.voltage(RAMP, [20.0], neurons=[0, 1])


def test_thinned_line_keeps_every_extreme() -> None:
    times = np.arange(1_000_000) * 0.01
    values = RNG.normal(size=times.size)
    values[123_456], values[777_777] = 50.0, -50.0
    x, y = inputs.envelope(times, values)
    assert x.size == 8000 and np.all(np.diff(x) > 0)
    assert y.max() == 50.0 and y.min() == -50.0
    # Naive twin: extremes of each of the 4000 columns of 250 samples.
    columns = values.reshape(4000, 250)
    assert np.array_equal(y.reshape(4000, 2).max(1), columns.max(1))
    assert np.array_equal(y.reshape(4000, 2).min(1), columns.min(1))


# ---- raster


def test_raster_puts_each_spike_at_its_time_and_neuron() -> None:
    ax, rate = plot.raster(spikes([1.0, 2.0, 7.0], [2, 0, 1], 3, stop=10.0), bin=5.0)
    x, y = line_points(ax)
    assert x.tolist() == [1.0, 2.0, 7.0] and np.allclose(y, [2, 0, 1])
    # Two spikes of three neurons in 5 ms, then one: 1000 n / (N bin).
    values, edges = rates_of(rate)
    assert np.allclose(values, [2000 / 15, 1000 / 15]) and edges.tolist() == [0, 5, 10]


def test_raster_of_first_neurons_shows_rates_of_all() -> None:
    result = SimpleNamespace(spikes={"E": regular(50), "I": regular(20)})
    axes = plot.raster(result, first=10, window=(20, 80), bin=10.0)
    assert all(line_points(axes.raster, k)[0].size == 6 * 10 for k in (0, 1))
    for k in (0, 1):
        assert np.allclose(rates_of(axes.rate, k)[0], 100.0), "each neuron fires once in 10 ms"
    labels = [tick.get_text() for tick in axes.raster.get_yticklabels()]
    assert labels == ["E\n10 of 50", "I\n10 of 20"]
    top, bottom = (np.mean(line_points(axes.raster, k)[1]) for k in (0, 1))
    assert top > bottom, "the first population stands on top"
    colours = [axes.raster.lines[k].get_color() for k in (0, 1)]
    assert colours == [tick.get_color() for tick in axes.raster.get_yticklabels()]
    assert axes.raster.get_xlim() == axes.rate.get_xlim() == (20, 80)


def test_windows_are_half_open_but_at_the_end_of_the_record() -> None:
    trains = spikes([0.0, 10.0, 20.0], [0, 0, 0], 1, stop=20.0)
    assert line_points(plot.raster(trains, window=(0, 10)).raster)[0].tolist() == [0.0]
    assert line_points(plot.raster(trains, window=(10, 20)).raster)[0].tolist() == [10.0, 20.0]
    assert line_points(plot.raster(trains, window=(10, 99)).raster)[0].tolist() == [10.0, 20.0]


def test_a_last_bin_cut_short_is_divided_by_its_own_width() -> None:
    trains = spikes(np.arange(0.5, 25.0), np.zeros(25), 1, stop=25.0)
    values, edges = rates_of(plot.raster(trains, bin=10.0).rate)
    assert edges.tolist() == [0, 10, 20, 25] and np.allclose(values, 1000.0)


def test_rates_do_not_depend_on_rounding_of_the_time_grid() -> None:
    # Two steps of 0.1 ms in each bin; 1000.4 - 1000 falls short of 2 bins of 0.2 ms by rounding alone.
    trains = spikes(1000 + np.arange(2000) * 0.1, np.zeros(2000), 1, stop=1200.0)
    values, _ = rates_of(plot.raster(trains, window=(1000, 1200), bin=0.2).rate)
    # Widths of bins are differences of times near 1000 ms, exact to 1e-12 relative.
    assert values.size == 1000 and np.allclose(values, 10_000.0, rtol=1e-9)


def test_populations_are_chosen_and_ordered_by_name() -> None:
    found = {"E": regular(4), "I": regular(4)}
    axes = plot.raster(found, populations=["I", "E"], first={"I": 2})
    assert [tick.get_text() for tick in axes.raster.get_yticklabels()] == ["I\n2 of 4", "E"]
    with pytest.raises(ParameterError, match=r"'Exc'.*There are: exc, inh"):
        plot.raster({"exc": regular(), "inh": regular()}, populations=["Exc"])
    with pytest.raises(ParameterError, match="Did you mean 'exc'"):
        plot.raster({"exc": regular(), "inh": regular()}, first={"exk": 3})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": 0}, "from 1 up"),
        ({"first": "all"}, "whole number of neurons"),
        ({"bin": 0.0}, "positive width"),
        ({"bin": 1e-9}, "wider bin"),
        ({"window": (5,)}, "not a pair"),
        ({"window": (500, 600)}, "recording runs from 0 to 100 ms"),
        ({"ax": []}, "holds 0 axes"),
        ({"color": ["red", "blue"]}, "2 colours for 1 populations"),
    ],
)
def test_bad_rasters_say_what_to_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        plot.raster(regular(), **options)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "no spikes in int"),
        ({}, "no population's spikes were recorded"),
        ({"E": [1.0, 2.0]}, "is list, not spike trains"),
        (spikes([1.0], [5], 3), "Indices run from 0 to size - 1"),
    ],
)
def test_what_is_no_raster_is_refused(source: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        plot.raster(source)


def test_one_axes_gets_the_raster_alone() -> None:
    ax = Figure().subplots()
    axes = plot.raster(regular(), ax=ax)
    assert axes.raster is ax and axes.rate is None and ax.get_xlabel() == "Time (ms)"


def density(axes: plot.RasterAxes, k: int = 0) -> np.ndarray:
    return np.asarray(axes.raster.images[k].get_array())[..., 3]


def test_dense_raster_shades_equal_counts_equally() -> None:
    # 500 neurons, each of which fires in each of 1000 steps of 0.1 ms: a flat shade, whatever the pixels.
    steps, neurons = np.meshgrid(np.arange(1000), np.arange(500), indexing="ij")
    trains = spikes(steps.ravel() * 0.1, neurons.ravel(), 500, stop=100.0)
    shade = density(plot.raster(trains))
    assert shade.shape[0] <= 500 and shade.shape[1] <= 1000
    # Cells at the right and upper edge may be cut short.
    assert np.all(shade[:-1, :-1] == shade[0, 0])


def test_dense_raster_shows_a_silent_gap_where_it_is() -> None:
    times = RNG.uniform(0, 1000, 60_000)
    times = np.sort(times[(times < 400) | (times > 600)])
    trains = spikes(times, RNG.integers(0, 1000, times.size), 1000, stop=1000.0)
    axes = plot.raster(trains)
    image = axes.raster.images[0]
    left, right = image.get_extent()[:2]
    shade = density(axes)
    middle = left + (np.arange(shade.shape[1]) + 0.5) * (right - left) / shade.shape[1]
    silent = (middle > 405) & (middle < 595)
    assert shade[:, silent].max() == 0 and shade[:, (middle < 395) | (middle > 605)].max(0).min() > 0
    assert np.allclose(np.asarray(image.get_array())[0, 0, :3], to_rgba(plot.PALETTE[0])[:3])


def test_a_million_spikes_of_100_000_neurons_take_under_three_seconds() -> None:
    n = 1_000_000
    times = np.sort(RNG.integers(0, 10_000, n) * 0.1)
    result = {"E": spikes(times, RNG.integers(0, 80_000, n), 80_000, stop=1000.0)}
    result["I"] = spikes(times[::4], RNG.integers(0, 20_000, n // 4), 20_000, stop=1000.0)
    began = time.perf_counter()
    picture = png(plot.raster(result).raster)
    # The requirement; measured 0.4 s.
    assert time.perf_counter() - began < 3
    assert len(picture) < 3_000_000


def test_one_neuron_beside_100_000_is_seen() -> None:
    many = spikes(np.sort(RNG.uniform(0, 100, 30_000)), RNG.integers(0, 100_000, 30_000), 100_000)
    axes = plot.raster({"many": many, "one": spikes([50.0], [0], 1)})
    foot, head = axes.raster.images[1].get_extent()[2:]
    bottom, top = axes.raster.get_ylim()
    assert (head - foot) / (top - bottom) > 0.05


@pytest.mark.parametrize("sizes", [(0,), (1,), (0, 0), (1, 100_000), (3, 0)])
def test_raster_of_silence(sizes: tuple[int, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = plot.raster({f"p{k}": spikes([], [], size) for k, size in enumerate(sizes)})
        png(axes.raster)
    assert all(np.all(rates_of(axes.rate, k)[0] == 0) for k in range(len(sizes)))


# ---- gates


def test_gates_are_drawn_by_name_and_told_apart_without_colour() -> None:
    ax = plot.gates({name: gate() for name in "mhn"})
    assert [line.get_label() for line in ax.lines] == ["m", "h", "n"]
    assert len({line.get_linestyle() + str(line._unscaled_dash_pattern) for line in ax.lines}) == 3
    assert ax.get_ylim()[0] < 0 and ax.get_ylim()[1] > 1


def test_action_potential_has_one_time_axis() -> None:
    axes = plot.action_potential(RAMP, {"m": gate()}, window=(10, 30))
    assert axes.voltage.get_xlim() == pytest.approx(axes.gates.get_xlim())
    assert axes.voltage.get_xlabel() == "" and axes.gates.get_xlabel() == "Time (ms)"
    given = Figure().subplots(2, 1)
    assert plot.action_potential(RAMP, {"m": gate()}, ax=given).gates is given[1]


def test_bad_gates_are_refused() -> None:
    with pytest.raises(ParameterError, match="is in mV, and a gating variable has no unit"):
        plot.gates({"v": RAMP})
    with pytest.raises(ParameterError, match="no traces of gates"):
        plot.gates({})
    with pytest.raises(ParameterError, match="neuron 3 is not in this trace, which holds 0"):
        plot.gates({"m": gate()}, neuron=3)
