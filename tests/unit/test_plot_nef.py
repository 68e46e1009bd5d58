"""Figures of population coding show the rates, errors and paths that they were given, with text that stays on the page."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from drawn_text import check_text
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import same_color

from neurosim import nef, plot
from neurosim.errors import ParameterError
from neurosim.plot.decoding import power_law
from neurosim.simulator.traces import Trace

RNG = np.random.default_rng(11)
TIMES = np.arange(0.0, 1000.0, 1.0)
SPIRAL = np.stack([np.cos(TIMES / 80), np.sin(TIMES / 80), TIMES / 1000], axis=1)
TRACE = Trace(TIMES, SPIRAL, variable="decoded")
SIZES = np.array([20, 50, 100, 200, 500])


@cache
def built(n: int = 30, d: int = 1, radius: float = 1.0) -> Any:
    ensemble = nef.Ensemble(n, d, radius=radius)
    return nef.build(nef.Network([ensemble]), seed=4)[ensemble]


def repeats(slope: float, factor: float) -> np.ndarray:
    return factor * SIZES[:, None] ** slope * np.exp(RNG.normal(0, 0.1, (SIZES.size, 6)))


FIGURES = {
    "tuning, few": lambda: plot.tuning_curves(built(5)),
    "tuning, many": lambda: plot.tuning_curves(built(60)),
    "tuning, image": lambda: plot.tuning_curves(built(300)),
    "maps": lambda: plot.rate_maps(built(20, 2)),
    "maps, one": lambda: plot.rate_maps(built(20, 2, 3.0), neurons=7),
    "maps, nine": lambda: plot.rate_maps(built(20, 2), neurons=range(9)),
    "encoders": lambda: plot.encoders(built(40, 2)),
    "encoders, dots": lambda: plot.encoders(built(700, 4), dimensions=(3, 1)),
    "error": lambda: plot.decoded_error(SIZES, {"noise": repeats(-0.5, 0.4), "distortion": repeats(-1.0, 1.0)}),
    "error, one": lambda: plot.decoded_error([100], [0.02], label="one size"),
    "decoded": lambda: plot.decoded(TRACE, SPIRAL),
    "decoded, alone": lambda: plot.decoded(TRACE, dimensions=1, unit="mV"),
    "decoded, image": lambda: plot.decoded(Trace(TIMES, np.tile(SPIRAL, 20)), np.tile(SPIRAL, 20)),
    "portrait": lambda: plot.phase_portrait(TRACE, ideal=SPIRAL[:510, :2], unit="mV"),
    "portrait, array": lambda: plot.phase_portrait(SPIRAL, label="path"),
    "space": lambda: plot.trajectory_3d(TRACE),
    "space, array": lambda: plot.trajectory_3d(SPIRAL, unit="mV"),
}


def axes_of(drawn: Any) -> list[Axes]:
    return [drawn] if isinstance(drawn, Axes) else list(drawn)


def png(ax: Axes) -> bytes:
    out = io.BytesIO()
    ax.figure.savefig(out, format="png")
    return out.getvalue()


# ---- what holds for every figure


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_without_warning_and_names_its_axes(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = axes_of(FIGURES[name]())
        assert png(axes[0]).startswith(b"\x89PNG")
    for ax in axes:
        assert not ax.spines["top"].get_visible() or ax.name == "3d"
    assert axes[-1].get_xlabel() and axes[0].get_ylabel()


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_leaves_the_page_or_lies_on_other_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fig = axes_of(FIGURES[name]())[0].figure
    check_text(fig, monkeypatch, at_least=5)


def test_pyplot_is_never_imported() -> None:
    script = (
        "import sys\nimport numpy as np\nfrom neurosim import plot\n"
        "ax = plot.trajectory_3d(np.zeros((3, 3))); ax.figure.canvas.draw()\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- tuning


def test_curves_are_the_rates_of_the_ensemble_with_its_radius() -> None:
    ensemble = built(5, 1, 2.5)
    ax = plot.tuning_curves(ensemble)
    x = ax.lines[3].get_xdata()
    assert (x[0], x[-1]) == (-2.5, 2.5) and ax.get_xlabel() == "x"
    assert np.array_equal(ax.lines[3].get_ydata(), ensemble.rates(x[:, None])[:, 3])


def test_a_description_is_drawn_as_the_first_of_a_network_with_seed_0() -> None:
    ensemble = nef.Ensemble(3)
    inputs, rates = nef.tuning_curves(ensemble, np.linspace(-1, 1, 401))
    for ax in (plot.tuning_curves(ensemble), plot.tuning_curves(inputs, rates)):
        assert np.array_equal([line.get_ydata() for line in ax.lines], rates.T)


def test_monotone_neurons_are_told_by_their_sign() -> None:
    ensemble = built(60)
    ax = plot.tuning_curves(ensemble)
    signs = ensemble.encoders[:, 0]
    shades = [line.get_color() for line in ax.lines]
    assert shades.count(plot.PALETTE[0]) == (signs > 0).sum() and shades.count(plot.PALETTE[1]) == (signs < 0).sum()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["rising", "falling"]


def test_image_is_sorted_by_preference_and_then_by_where_rates_lie() -> None:
    x = np.linspace(-1, 1, 101)
    thresholds = RNG.permutation(np.linspace(-0.9, 0.9, 250))
    rates = np.maximum(x[:, None] - thresholds, 0) / (1 - thresholds)
    mesh = next(c for c in plot.tuning_curves(x, rates).collections if isinstance(c, QuadMesh))
    rows = np.asarray(mesh.get_array()).reshape(250, 101)
    assert np.array_equal(rows, rates[:, np.argsort(thresholds)].T)


def test_map_holds_the_rate_at_its_place_and_the_arrow_the_encoder() -> None:
    ensemble = built(20, 2, 2.0)
    axes = plot.rate_maps(ensemble, neurons=[4, 11])
    assert [ax.get_title() for ax in axes] == ["neuron 4", "neuron 11"]
    mesh = next(c for c in axes[1].collections if isinstance(c, QuadMesh))
    corners = mesh.get_coordinates()
    centre = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    expected = ensemble.rates(centre.reshape(-1, 2))[:, 11].reshape(centre.shape[:2])
    # centres of cells and points of the grid differ by rounding; at a threshold a rate rises as steeply as 1/log
    assert np.allclose(np.asarray(mesh.get_array()).reshape(expected.shape), expected, rtol=1e-6, atol=1.0)
    inside = np.hypot(centre[..., 0], centre[..., 1]) <= 2.0
    assert mesh.get_clim()[0] == 0 and mesh.get_clim()[1] >= expected[inside].max() * (1 - 1e-9)
    tip = np.array(axes[1].texts[0].xy)
    assert np.allclose(tip / np.linalg.norm(tip), ensemble.encoders[11])


def test_map_of_a_grid_in_any_order() -> None:
    points = np.stack(np.meshgrid([0.0, 1.0, 4.0], [2.0, 3.0], indexing="ij"), -1).reshape(-1, 2)
    order = RNG.permutation(6)
    (ax,) = plot.rate_maps(points[order], (10 * points[:, 0] + points[:, 1])[order])
    mesh = next(c for c in ax.collections if isinstance(c, QuadMesh))
    assert np.asarray(mesh.get_array()).reshape(2, 3).tolist() == [[2, 12, 42], [3, 13, 43]]


def test_spokes_stand_on_the_encoders_and_are_as_long_as_rates_are_high() -> None:
    ensemble = built(40, 2)
    ax = plot.encoders(ensemble)
    spokes = next(c for c in ax.collections if isinstance(c, LineCollection))
    ends = np.array(spokes.get_segments())
    assert np.allclose(ends[:, 0], ensemble.encoders)
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    assert np.allclose(lengths / lengths.max(), ensemble.max_rates / ensemble.max_rates.max())
    assert np.allclose(spokes.get_array(), ensemble.intercepts)
    dots = plot.encoders(built(30, 4), dimensions=(3, 1)).collections[0].get_offsets()
    assert np.allclose(dots, built(30, 4).encoders[:, [3, 1]])


# ---- errors and decoded values


def test_power_law_is_found_exactly() -> None:
    slope, factor = power_law(np.array([10.0, 50.0, 900.0]), 3 * np.array([10.0, 50.0, 900.0]) ** -0.75)
    assert slope == pytest.approx(-0.75, rel=1e-12) and factor == pytest.approx(3, rel=1e-12)


def test_error_names_the_exponents_and_shows_geometric_means() -> None:
    ax = plot.decoded_error([400, 25, 100], {"noise": [[0.05, 0.2], [0.2, 0.8], [0.1, 0.4]], "rest": [0.01, 0.16, 0.04]})
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["noise, $N^{-0.50}$", "rest, $N^{-1.00}$"]
    means = next(line for line in ax.lines if line.get_label().startswith("noise"))
    assert means.get_xdata().tolist() == [25, 100, 400] and np.allclose(means.get_ydata(), [0.4, 0.2, 0.1])
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_second_error_takes_the_next_colour_and_no_fit_is_a_line() -> None:
    ax = plot.decoded_error(SIZES, 1 / SIZES, fit=False, label="a")
    plot.decoded_error(SIZES, 2 / SIZES, ax, fit=False, label="b")
    assert [line.get_color() for line in ax.lines] == list(plot.PALETTE[:2])
    assert ax.lines[0].get_linestyle() == "-"


@pytest.mark.parametrize("ideal", [SPIRAL, lambda t: [np.cos(t / 80), np.sin(t / 80), t / 1000], TRACE])
def test_ideal_as_array_function_and_trace_is_the_same(ideal: Any) -> None:
    ax = plot.decoded(Trace(TIMES, SPIRAL + [0.3, 0.0, 0.0]), ideal, window=(100, 400))
    assert len(ax.lines) == 6
    assert np.allclose(ax.lines[3].get_ydata(), SPIRAL[100:401, 0])
    assert ax.get_legend().get_texts()[-1].get_text() == "ideal (RMSE 0.17)", "0.3/sqrt(3)"


def test_one_value_for_all_times_and_a_million_samples() -> None:
    assert np.all(plot.decoded(TRACE, [0.5, 0.5, 0.5]).lines[3].get_ydata() == 0.5)
    n = 1_000_000
    ax = plot.decoded(Trace(np.arange(n, dtype=float), np.zeros((n, 1))), np.ones(n))
    assert all(line.get_xdata().size < 20_000 for line in ax.lines)


# ---- paths


def test_path_is_all_there_in_order_and_coloured_by_time() -> None:
    ax = plot.phase_portrait(TRACE, dimensions=(1, 2), window=(200, 700))
    lines = next(c for c in ax.collections if isinstance(c, LineCollection))
    segments = lines.get_segments()
    path = np.concatenate([segments[0][:1], *[s[1:] for s in segments]])
    assert np.allclose(path, SPIRAL[200:701, [1, 2]])
    assert np.all(np.diff(lines.get_array()) > 0) and lines.get_clim() == (200, 700)
    assert np.allclose(ax.lines[0].get_xydata()[0], SPIRAL[200, [1, 2]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x₂", "x₃")


def test_color_is_one_line_without_a_bar() -> None:
    ax = plot.phase_portrait(TRACE, color="#123456", label="mine")
    assert len(ax.figure.axes) == 1 and same_color(ax.lines[0].get_color(), "#123456")
    assert ax.get_legend().get_texts()[0].get_text() == "mine"


def test_limits_in_space_hold_the_path_and_given_axes_are_used() -> None:
    _, axes = plot.figure(subplot_kw={"projection": "3d"})
    ax = plot.trajectory_3d(TRACE, ax=axes[0, 0], labels=("a", "b", "c"))
    assert ax is axes[0, 0] and ax.get_zlabel() == "c"
    assert ax.get_zlim()[0] < 0 and ax.get_zlim()[1] > 0.999


def test_a_single_point_and_long_paths() -> None:
    png(plot.phase_portrait(SPIRAL[:1]))
    png(plot.trajectory_3d(Trace(TIMES[:1], SPIRAL[:1])))
    lines = next(c for c in plot.phase_portrait(Trace(np.arange(1e5), RNG.normal(size=(100_000, 2)))).collections
                 if isinstance(c, LineCollection))
    assert len(lines.get_segments()) <= 400


# ---- mistakes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.tuning_curves(built(20, 2)), r"1-dimensional ensembles, not 2-dimensional.*rate_maps"),
        (lambda: plot.rate_maps(built(20, 3)), r"not 3-dimensional"),
        (lambda: plot.tuning_curves(built(5), np.zeros((3, 5))), "own rates"),
        (lambda: plot.tuning_curves([1.0, 2.0]), "needs rates"),
        (lambda: plot.rate_maps(np.zeros((4, 2)), np.zeros((4, 1))), "no grid.*meshgrid"),
        (lambda: plot.rate_maps(built(20, 2), neurons=[20]), "0 to 19"),
        (lambda: plot.rate_maps(built(20, 2), neurons=[1, 2], axes=plot.figure()[1]), "1 axes for 2 neurons"),
        (lambda: plot.encoders(built()), "one dimension"),
        (lambda: plot.encoders(built(20, 2), dimensions=(0, 2)), "two of 0 to 1"),
        (lambda: plot.encoders("a"), r"needs an ensemble, not str.*result\.built"),
        (lambda: plot.decoded_error([1, 2], [1.0, 0.0]), "above zero"),
        (lambda: plot.decoded_error([1, 2], [1.0, 2.0, 3.0]), r"shape \(3,\) for 2 sizes"),
        (lambda: plot.decoded(TRACE, np.zeros((5, 3))), "ideal has shape"),
        (lambda: plot.decoded(TRACE, Trace(TIMES + 1, SPIRAL)), "same every"),
        (lambda: plot.decoded(TRACE, dimensions=[3]), "0 to 2"),
        (lambda: plot.phase_portrait(TRACE, (0, 3)), "2 of the 3"),
        (lambda: plot.phase_portrait(SPIRAL, window=(0, 1)), "no times"),
        (lambda: plot.phase_portrait(SPIRAL * np.nan), "not finite"),
        (lambda: plot.trajectory_3d(TRACE, ax=plot.figure()[1][0, 0]), "3d"),
    ],
)
def test_mistakes_are_named_with_a_remedy(call: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=f"(?s){message}"):
        call()


# ---- results of nef.simulate


def test_results_of_a_run_are_drawn() -> None:
    signal, a = nef.Node(0.5), nef.Ensemble(20, 2, name="cells")
    value = nef.Probe(a, synapse=10)
    net = nef.Network([signal, a], [nef.Connection(signal, a[0])], [value, nef.Probe(a.neurons)])
    result = nef.simulate(net, 100)
    axes = plot.raster(result)
    assert axes.raster.get_ylabel() == "cells, neuron"
    assert plot.raster(result, populations=["cells"]).raster.lines[0].get_xdata().size == len(result.spikes[a])
    assert np.array_equal(plot.decoded(result[value]).lines[1].get_ydata(), result[value].values[:, 1])
    assert plot.encoders(result.built[a]).collections
