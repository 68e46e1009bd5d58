"""Every figure: axes with units, text that stays on the page and off other text, no pyplot, one style."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest
from drawn_text import check_text
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from neurosim import plot
from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.simulator.spikes import SpikeTrains
from neurosim.simulator.traces import Trace


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


def linear_plane() -> Plane:
    """dx/dt = x - y, dy/dt = 2 - y: nullclines y = x and y = 2, which cross in a saddle at (2, 2)."""
    x, y = np.linspace(0, 4, 41), np.linspace(0, 3, 31)
    grid_x, grid_y = np.meshgrid(x, y)
    saddle = SimpleNamespace(x=2.0, y=2.0, kind="saddle", stable=False)
    return Plane(x, y, grid_x - grid_y, 2 - grid_y, fixed_points=[saddle])


RAMP, RAMP_SPIKES = integrate_and_fire(60)
RNG = np.random.default_rng(7)
NOISE = RNG.normal(size=4000)

FIGURES = {
    "voltage, one": lambda: plot.voltage(RAMP, RAMP_SPIKES, neurons=[0]),
    "voltage, eight": lambda: plot.voltage(RAMP, RAMP_SPIKES, neurons=range(8)),
    "voltage, stacked": lambda: plot.voltage(RAMP, RAMP_SPIKES, neurons=range(20)),
    "voltage, image": lambda: plot.voltage(RAMP),
    "raster": lambda: plot.raster({"E": regular(50), "I": regular(20)}, first=10, window=(20, 80)),
    "raster, twelve": lambda: plot.raster({f"population {k}": regular(5 + k) for k in range(12)}),
    "raster, one": lambda: plot.raster(spikes([50.0], [0], 1)),
    "raster, empty": lambda: plot.raster(spikes([], [], 5)),
    "f-I": lambda: plot.fi_curve(
        np.arange(20),
        np.r_[np.zeros(6), np.arange(50, 64)],
        unit="uA/cm2",
        label="a",
        reference=([9], [54], "b"),
    ),
    "tuning, few": lambda: plot.tuning_curves(np.arange(5), RNG.uniform(0, 50, (5, 6)), unit="deg"),
    "tuning, many": lambda: plot.tuning_curves(np.arange(5), RNG.uniform(0, 50, (5, 30)), unit="deg"),
    "tuning, image": lambda: plot.tuning_curves(np.arange(5), RNG.uniform(0, 50, (5, 900)), unit="deg"),
    "intervals": lambda: plot.isi_histogram(regular()),
    "intervals, log": lambda: plot.isi_histogram(np.cumsum(RNG.exponential(20, 900)), 30, log=True),
    "intervals, none": lambda: plot.isi_histogram([], label="silent"),
    "phase plane": lambda: plot.phase_plane(linear_plane(), [(np.linspace(0, 4, 9), np.linspace(1, 2, 9))]),
    "gates": lambda: plot.gates({name: gate() for name in "mhn"}),
    "action potential": lambda: plot.action_potential(RAMP, {name: gate() for name in "mhn"}),
    "spectrogram": lambda: plot.spectrogram(NOISE, dt=1.0, unit="mV"),
    "power spectrum": lambda: plot.power_spectrum(np.arange(50), 1 / (1 + np.arange(50.0)), unit="mV"),
}


def axes_of(drawn: Any) -> list[Axes]:
    return [drawn] if isinstance(drawn, Axes) else [ax for ax in drawn if ax is not None]


def png(ax: Axes) -> bytes:
    out = io.BytesIO()
    ax.figure.savefig(out, format="png")
    return out.getvalue()


# ---- what holds for every figure


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_without_warning_in_the_house_style(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = axes_of(FIGURES[name]())
        assert png(axes[0]).startswith(b"\x89PNG")
    for ax in axes:
        assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()
        assert ax.spines["bottom"].get_linewidth() <= 0.8


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_axes_with_units(name: str) -> None:
    axes = axes_of(FIGURES[name]())
    x_label = axes[-1].get_xlabel()
    assert "(" in x_label and x_label.endswith(")"), x_label
    for ax in axes:
        rows = "Neuron" in ax.get_ylabel() or ax.get_ylabel() in (
            "",
            "Gating variable",
            "Fraction of intervals",
        )
        assert rows or ax.get_ylabel().endswith(")"), ax.get_ylabel()


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_leaves_the_page_or_lies_on_other_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fig = axes_of(FIGURES[name]())[0].figure
    check_text(fig, monkeypatch, at_least=5)


def test_pyplot_is_never_imported_and_settings_stay_as_they_were() -> None:
    script = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy()\n"
        "import numpy as np\n"
        "from neurosim import plot\n"
        "ax = plot.fi_curve(np.arange(3), np.arange(3.0)); ax.figure.canvas.draw()\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'\n"
        # Asking for the backend would resolve it, with pyplot.
        "now = matplotlib.rcParams\n"
        "assert all(now[name] == before[name] for name in now if name != 'backend'), 'rcParams'\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax, **look: plot.voltage(RAMP, neurons=[0], ax=ax, **look),
        lambda ax, **look: plot.fi_curve([0, 1], [0, 1], ax=ax, **look),
        lambda ax, **look: plot.tuning_curves([0, 1], [0, 1], ax=ax, **look),
        lambda ax, **look: plot.isi_histogram(regular(), ax=ax, **look),
        lambda ax, **look: plot.power_spectrum([1, 2], [1, 2], ax=ax, **look),
    ],
)
def test_label_and_color_reach_the_line_and_given_axes_are_used(draw: Any) -> None:
    ax = Figure().subplots()
    assert draw(ax, label="mine", color="#123456") is ax
    handles, labels = ax.get_legend_handles_labels()
    assert labels[0].startswith("mine")
    shade = handles[0].get_color() if hasattr(handles[0], "get_color") else handles[0].get_edgecolor()
    assert same_color(shade, "#123456")
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1, "legend over the data"


def test_second_curve_takes_the_next_colour() -> None:
    ax = plot.fi_curve([0, 1, 2], [1, 2, 3], label="a")
    plot.fi_curve([0, 1, 2], [9, 8, 7], ax=ax, label="b")
    assert [line.get_color() for line in ax.lines] == list(plot.PALETTE[:2])
    assert ax.get_ylim()[1] > 9


def test_bad_color_and_bad_axes_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"no colour.*hex code"):
        plot.fi_curve([0, 1], [0, 1], color="rainbow")
    with pytest.raises(ParameterError, match=r"not a Matplotlib Axes.*leave ax out"):
        plot.fi_curve([0, 1], [0, 1], ax=Figure())


# ---- style


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("mV", "mV"),
        ("uA/cm2", "µA/cm²"),
        ("MOhm", "MΩ"),
        ("mV**2/Hz", "mV²/Hz"),
        ("ms-1", "ms⁻¹"),
        ("uA / cm ** 2", "µA/cm²"),
        ("nA*ms", "nA·ms"),
        ("us", "µs"),
        ("1/ms", "1/ms"),
    ],
)
def test_units_as_printed(unit: str, shown: str) -> None:
    assert style.pretty_unit(unit) == shown


def test_labels_without_unit_have_no_brackets() -> None:
    assert style.with_unit("w", "") == style.with_unit("w", None) == style.with_unit("w", "1") == "w"


def test_palette_is_okabe_and_ito_and_lines_differ_in_grey_or_style() -> None:
    assert set(plot.PALETTE) == {
        "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
    }  # fmt: skip
    assert len(set(style.palette(32))) == 32


def test_save_takes_what_a_plot_returned(tmp_path: Any) -> None:
    pair = plot.raster(regular())
    for target, name in (
        (pair, "a.png"),
        (pair.raster, "b.pdf"),
        (pair.raster.figure, "c.svg"),
        ({"x": pair}, "d.png"),
    ):
        plot.save(target, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    assert "Time (ms)" in (tmp_path / "c.svg").read_text(encoding="utf-8"), "text became outlines"
    with pytest.raises(ParameterError, match="Axes or a Figure, not int"):
        plot.save(3, tmp_path / "e.png")


def test_figure_has_the_stated_size_and_grid() -> None:
    fig, axes = plot.figure(2, 3, width=4.0, height=3.0)
    assert axes.shape == (2, 3)
    assert tuple(fig.get_size_inches()) == (4.0, 3.0)
    assert fig.dpi == matplotlib.figure.Figure(dpi=200).dpi


# ---- the library's own containers


def test_recordings_of_the_simulator_are_drawn() -> None:
    trains = SpikeTrains(RAMP_SPIKES.times, RAMP_SPIKES.indices, 60, 0.0, 100.0, name="cells")
    trace = Trace(RAMP.times, RAMP.values, variable="v", unit="mV", population="cells")
    result = SimpleNamespace(spikes={"cells": trains}, traces={"v": trace})
    axes = plot.raster(result, first=50, window=(10, 90))
    assert axes.raster.lines[0].get_xdata().size == 4 * 50
    assert plot.raster(trains).raster.get_ylabel() == "cells, neuron"
    ax = plot.voltage(trace, trains, neurons=[0], spike_height=0.0)
    assert np.count_nonzero(ax.lines[0].get_ydata() == 0.0) == 4
    plot.fi_curve(np.arange(60), trains.rates(start=0))
    plot.isi_histogram(trains)
    plot.spectrogram(trace, neuron=3)
