"""Views of networks show the numbers that they were given, in words that are read, at one neuron and at many."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.stats
from drawn_text import check_text
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure

import neurosim as ns
from neurosim import plot
from neurosim.errors import ParameterError
from neurosim.plot import signs
from neurosim.plot.captions import short
from neurosim.plot.distributions import histogram_edges, number_text
from neurosim.simulator.spikes import SpikeTrains

pytestmark = pytest.mark.filterwarnings("error")


@dataclass
class Connections:
    """The attributes that plots of connections may rely on, and no more."""

    pre: Any
    post: Any
    n_pre: int
    n_post: int
    weight: Any = 0.5
    delay: Any = 1.5
    name: str = "E->I"

    def __post_init__(self) -> None:
        self.pre, self.post = np.asarray(self.pre, np.int32), np.asarray(self.post, np.int32)


@dataclass
class Bernoulli:
    p: float
    autapses: bool = True


def population(name: str, size: int = 100) -> Any:
    return SimpleNamespace(name=name, size=size)


def projection(source: Any, target: Any, sign: int = 1, name: str | None = None, delay: Any = 1.5) -> Any:
    sources, targets = ([end] if not isinstance(end, list) else end for end in (source, target))
    name = name or f"{sources[0].name}->{targets[0].name}"
    views = [[SimpleNamespace(population=p) for p in side] for side in (sources, targets)]
    return SimpleNamespace(name=name, sources=views[0], targets=views[1], weight_sign=sign, delay=delay,
                           connectivity=Bernoulli(0.1))


def balanced(n: int = 2) -> Any:
    """n populations, E and I in turn; each projects onto itself and the next."""
    members = [population(f"L{k // 2}{'EI'[k % 2]}", 10 ** (k % 4 + 1)) for k in range(n)]
    ties = [projection(members[k], members[j], (-1) ** k) for k in range(n) for j in dict.fromkeys((k, (k + 1) % n))]
    return SimpleNamespace(populations=tuple(members), projections=tuple(ties))


def trains(times: Any, indices: Any, size: int, stop: float = 1000.0) -> SpikeTrains:
    return SpikeTrains(times, np.asarray(indices, np.int32), size, 0.0, stop)


def poisson(size: int, rate: float, seed: int, stop: float = 1000.0) -> SpikeTrains:
    rng = np.random.default_rng(seed)
    n = rng.poisson(size * rate * stop / 1000)
    return trains(np.sort(rng.uniform(0, stop, n)), rng.integers(0, size, n), size, stop)


def random_connections(n_pre: int = 60, n_post: int = 40, n: int = 300, **options: Any) -> Connections:
    rng = np.random.default_rng(5)
    return Connections(rng.integers(0, n_pre, n), rng.integers(0, n_post, n), n_pre, n_post, **options)


RNG = np.random.default_rng(11)
MICRO = {f"L{k}{kind}": poisson(50 + 300 * (kind == "E") + 40 * k, 4 + k, k) for k in (23, 4, 5, 6) for kind in "EI"}
TWO = {"E": poisson(80, 8, 1), "I": poisson(20, 20, 2)}
ONE = {"cell": trains([100.0, 300.0, 400.0, 900.0], [0, 0, 0, 0], 1)}
SILENT = {"E": trains([], [], 5), "I": trains([], [], 1)}
WALK = np.clip(0.5 + np.cumsum(RNG.normal(0, 0.05, (60, 90)), 0), 0, 1)
WEIGHTS = SimpleNamespace(times=np.arange(60) * 1000.0, values=WALK, neurons=np.arange(90), variable="w", unit="nS")

FIGURES = {
    "rates": lambda: plot.rate_histogram(TWO),
    "rates, log": lambda: plot.rate_histogram({**TWO, "silent": SILENT["E"]}, log=True),
    "rates, micro": lambda: plot.rate_histogram(MICRO),
    "rates, micro log": lambda: plot.rate_histogram(MICRO, log=True),
    "rates, one": lambda: plot.rate_histogram(ONE),
    "rates, silent": lambda: plot.rate_histogram(SILENT),
    "rates, silent log": lambda: plot.rate_histogram(SILENT, log=True),
    "rates, silent boxes": lambda: plot.rate_histogram(SILENT, kind="box", log=True),
    "cv": lambda: plot.cv_histogram(TWO),
    "cv, micro": lambda: plot.cv_histogram(MICRO),
    "cv, silent": lambda: plot.cv_histogram(SILENT),
    "summary": lambda: plot.population_summary(MICRO, first=50, raster_window=(0, 200))[0],
    "summary, all": lambda: plot.population_summary(MICRO).cv,
    "summary, one": lambda: plot.population_summary(ONE).rate,
    "summary, silent": lambda: plot.population_summary(SILENT).rate,
    "raster, micro": lambda: plot.raster(MICRO, first={n: 8 if n[-1] == "I" else 60 for n in MICRO}).rate,
    "correlations": lambda: plot.correlation_matrix(TWO),
    "correlations, micro": lambda: plot.correlation_matrix(MICRO),
    "correlations, one": lambda: plot.correlation_matrix(ONE),
    "correlations, silent": lambda: plot.correlation_matrix(SILENT),
    "coefficients": lambda: plot.correlation_histogram(TWO),
    "coefficients, micro": lambda: plot.correlation_histogram(MICRO, neurons=20),
    "coefficients, one": lambda: plot.correlation_histogram(ONE),
    "degrees": lambda: plot.degree_histogram(random_connections(), law="bernoulli"),
    "degrees, in": lambda: plot.degree_histogram(random_connections(), "in", law="total"),
    "degrees, none": lambda: plot.degree_histogram(Connections([], [], 3, 2), law="bernoulli"),
    "weights": lambda: plot.weight_histogram(random_connections(weight=RNG.normal(size=300)), unit="nA"),
    "weights, before": lambda: plot.weight_histogram(RNG.beta(0.3, 0.3, 900), RNG.normal(0.5, 0.1, 900), unit="nS"),
    "weights, log": lambda: plot.weight_histogram(RNG.lognormal(0, 1, 900), log=True, log_counts=True, unit="nS"),
    "weights, alike": lambda: plot.weight_histogram(random_connections(weight=-2.0), unit="mV"),
    "weights, none": lambda: plot.weight_histogram(Connections([], [], 3, 2), unit="mV"),
    "delays": lambda: plot.delay_histogram(random_connections(delay=RNG.integers(1, 30, 300) * 0.1)),
    "delays, alike": lambda: plot.delay_histogram(random_connections()),
    "matrix": lambda: plot.connectivity_matrix(random_connections(weight=RNG.normal(size=300)), unit="nS"),
    "matrix, alike": lambda: plot.connectivity_matrix(Connections([0, 1, 2], [1, 0, 1], 3, 2)),
    "matrix, binned": lambda: plot.connectivity_matrix(random_connections(5000, 90, 9000)),
    "matrix, pooled": lambda: plot.connectivity_matrix(
        random_connections(), sources={"E": 50, "I": 10}, targets={"E": 39, "I": 1}
    ),
    "matrix, one": lambda: plot.connectivity_matrix(Connections([0], [0], 1, 1)),
    "matrix, none": lambda: plot.connectivity_matrix(Connections([], [], 3, 2)),
    "diagram": lambda: plot.network_diagram(balanced()),
    "diagram, four": lambda: plot.network_diagram(balanced(4), captions=True),
    "diagram, ten": lambda: plot.network_diagram(balanced(10)),
    "diagram, one": lambda: plot.network_diagram(balanced(1)),
    "diagram, long names": lambda: plot.network_diagram(
        SimpleNamespace(populations=[population(f"cells of a rather long name {k}", 7) for k in range(3)], projections=())
    ),
    "evolution, lines": lambda: plot.weight_evolution(WEIGHTS, connections=[3, 8]),
    "evolution, density": lambda: plot.weight_evolution(WEIGHTS),
    "evolution, band": lambda: plot.weight_evolution(WEIGHTS, kind="band"),
    "spectrum": lambda: plot.population_spectrum(TWO, poisson=True),
    "spectrum, micro": lambda: plot.population_spectrum(MICRO, max_frequency=200),
    "spectrum, silent": lambda: plot.population_spectrum(SILENT),
    "stdp": lambda: plot.stdp_window(np.arange(-50, 51), np.arange(-50, 51.0), unit="%", label="a", reference=([5], [9], "b")),
}
#: Labels of quantities that have no unit.
BARE = ("Number of", "Fraction of", "Share of", "CV of", "Correlation coefficient", "Connections of", "In-degree", "Out-degree",
        "Presynaptic", "Postsynaptic", "Connection probability", "Neuron", "Chosen neuron", "E, neuron", "cell, neuron")


def draw(ax: Axes) -> bytes:
    out = io.BytesIO()
    ax.figure.savefig(out, format="png")
    return out.getvalue()


def stairs(ax: Axes, k: int = 0) -> tuple[np.ndarray, np.ndarray]:
    data = ax.patches[k].get_data()
    return np.asarray(data.values), np.asarray(data.edges)


def image(ax: Axes) -> np.ma.MaskedArray:
    return np.ma.asarray(ax.images[0].get_array())


def notes(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


# ---- what holds for every figure


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_and_no_text_leaves_the_page_or_lies_on_other_text(name: str, monkeypatch: Any) -> None:
    fig = FIGURES[name]().figure
    assert draw(fig.axes[0]).startswith(b"\x89PNG")
    check_text(fig, monkeypatch)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_axes_with_units(name: str) -> None:
    for ax in FIGURES[name]().figure.axes:
        if not ax.axison:
            continue
        for label in (ax.get_xlabel(), ax.get_ylabel()):
            assert not label or label.endswith(")") or label.startswith(BARE), label
        assert ax.get_xlabel() or ax.get_ylabel() or not ax.xaxis.get_tick_params().get("labelbottom", True)


@pytest.mark.parametrize(
    "call",
    [
        lambda ax: plot.rate_histogram(TWO, ax=ax),
        lambda ax: plot.cv_histogram(MICRO, ax=ax),
        lambda ax: plot.correlation_matrix(TWO, ax=ax),
        lambda ax: plot.correlation_histogram(TWO, ax=ax),
        lambda ax: plot.degree_histogram(random_connections(), ax=ax),
        lambda ax: plot.weight_histogram([1.0, 2.0], ax=ax),
        lambda ax: plot.delay_histogram([1.0, 2.0], ax=ax),
        lambda ax: plot.connectivity_matrix(random_connections(), ax=ax),
        lambda ax: plot.network_diagram(balanced(), ax=ax),
        lambda ax: plot.weight_evolution(WEIGHTS, ax=ax),
        lambda ax: plot.population_spectrum(TWO, ax=ax),
        lambda ax: plot.stdp_window([-1, 1], [-1, 1], ax=ax),
    ],
)
def test_given_axes_are_used(call: Any) -> None:
    ax = Figure().subplots()
    assert call(ax) is ax


# ---- rates, CV


def test_rates_are_shares_of_neurons_in_bins_that_hold_whole_steps() -> None:
    # In 500 ms one spike is 2 Hz: neurons with 0, 1, 1 and 3 spikes.
    ax = plot.rate_histogram(trains([10, 20, 100, 200, 300.0], [1, 2, 3, 3, 3], 4, 500.0), bins=4)
    values, edges = stairs(ax)
    assert edges.tolist() == [-1.0, 1.0, 3.0, 5.0, 7.0] and values.tolist() == [0.25, 0.5, 0.0, 0.25]
    assert ax.get_xlabel() == "Firing rate (Hz)"


@pytest.mark.parametrize("bins", [7, 20, 40])
def test_bins_of_rates_hold_equally_many_steps(bins: int) -> None:
    # One neuron for each number of spikes from 0 to 59: a flat histogram, whatever the number of bins.
    counts = np.arange(60)
    found = trains(np.linspace(0, 999, counts.sum()), np.random.default_rng(0).permutation(np.repeat(counts, counts)), 60)
    values, edges = stairs(plot.rate_histogram(found, bins=bins))
    assert np.allclose(values[:-1], values[0]) and values.sum() == pytest.approx(1.0)
    assert values.size <= bins


def test_log_rates_per_decade_integrate_to_the_share_that_is_not_silent() -> None:
    ax = plot.rate_histogram({"E": trains([1.0, 2, 3, 4, 5, 6], [0, 1, 1, 2, 2, 2], 4)}, log=True, bins=np.array([0.5, 5, 50]))
    values, edges = stairs(ax)
    # 1, 2 and 3 Hz lie in the first decade; the silent quarter is told.
    assert values.tolist() == [0.75, 0.0] and ax.get_xscale() == "log" and "25 % silent" in notes(ax)
    values, edges = stairs(plot.rate_histogram(poisson(3000, 5, 4), log=True))
    silent = float(np.mean(poisson(3000, 5, 4).rates() == 0))
    assert np.sum(values * np.diff(np.log10(edges))) == pytest.approx(1 - silent)


def test_windows_are_half_open_and_rates_are_of_the_window() -> None:
    found = trains([100.0, 200.0], [0, 0], 1)
    values, edges = stairs(plot.rate_histogram(found, bins=[0, 5, 15, 25], window=(100, 200)))
    assert values.tolist() == [0, 1, 0]


def test_boxes_are_quartiles_with_the_mean_beside_them() -> None:
    # Rates 0 to 100 Hz in steps of 1: quartiles 25, 50, 75, whiskers 5 and 95, mean 50.
    counts = np.arange(101)
    even = trains(np.linspace(0, 999, counts.sum()), np.repeat(counts, counts), 101)
    ax = plot.rate_histogram({"E": even, "I": even}, kind="box")
    box = ax.patches[0]
    assert (box.get_x(), box.get_x() + box.get_width()) == (25.0, 75.0)
    assert same_color(box.get_facecolor()[:3], plot.EXCITATORY)
    assert same_color(ax.patches[1].get_facecolor()[:3], plot.INHIBITORY)
    ends = [segment[:, 0].tolist() for lines in ax.collections for segment in lines.get_segments()]
    assert [5.0, 95.0] in ends and [50.0, 50.0] in ends
    assert ax.lines[0].get_xdata()[0] == 50.0 and notes(ax).count("50") == 2
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["E", "I"] and ax.get_ylim()[0] > ax.get_ylim()[1]


def test_cv_leaves_out_neurons_with_fewer_than_three_spikes_and_says_so() -> None:
    # Intervals 200 and 100: mean 150, deviation 50, CV 1/3; the second neuron has one interval.
    ax = plot.cv_histogram(trains([100.0, 150, 300, 350, 400], [0, 1, 0, 1, 0], 3), bins=[0.0, 0.33, 0.34, 2.0])
    assert stairs(ax)[0].tolist() == [0, 1, 0] and "1 of 3 neurons" in notes(ax)
    assert any(np.allclose(line.get_xdata(), 1.0) for line in ax.lines), "the CV of a Poisson process"


def test_a_regular_train_has_no_variation_from_rounding() -> None:
    axes = plot.population_summary(trains(np.arange(1, 60) * 15.7, np.zeros(59), 1))
    assert axes.cv.lines[0].get_xdata()[0] == 0.0 and axes.cv.get_xlim() == (0.0, 0.5) and "0.00" in notes(axes.cv)


def test_summary_stands_row_by_row_in_two_colours() -> None:
    axes = plot.population_summary(MICRO, first=20)
    rows = axes.raster.get_yticks()
    for ax in (axes.rate, axes.cv):
        assert ax.get_ylim() == axes.raster.get_ylim()
        assert np.allclose([line.get_ydata()[0] for line in ax.lines if line.get_marker() == "D"], rows)
    means = [line.get_xdata()[0] for line in axes.rate.lines if line.get_marker() == "D"]
    assert np.allclose(means, [found.rates().mean() for found in MICRO.values()])
    colours = [tick.get_color() for tick in axes.raster.get_yticklabels()]
    assert colours == [plot.EXCITATORY, plot.INHIBITORY] * 4


def test_thin_bands_of_a_raster_have_one_line_of_text() -> None:
    axes = plot.raster(MICRO, first={name: 4 if name[-1] == "I" else 60 for name in MICRO})
    for name, tick in zip(MICRO, axes.raster.get_yticklabels(), strict=True):
        assert ("\n" in tick.get_text()) == (name[-1] == "E")


# ---- correlations


def test_correlation_matrix_is_sorted_by_population_without_its_diagonal() -> None:
    # Neurons 0 and 1 of E fire together, I in the bins between: +1 and -1, by construction.
    at = np.arange(5.0, 200.0, 20.0)
    found = {"I": trains(at + 10, np.zeros(10), 1, 200.0), "E": trains(np.repeat(at, 2), np.tile([0, 1], 10), 3, 200.0)}
    ax = plot.correlation_matrix(found, bin=10.0)
    shown = image(ax)
    assert shown.shape == (4, 4) and np.ma.getmaskarray(shown).diagonal().all()
    assert shown[0, 1] == shown[0, 2] == shown[1, 0] == pytest.approx(-1) and shown[1, 2] == pytest.approx(1)
    assert np.ma.getmaskarray(shown)[3].all() and "1 without change" in notes(ax)[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["I", "E"] and ax.get_ylim() == (4, 0)
    assert ax.images[0].norm.vmin == -ax.images[0].norm.vmax
    assert image(plot.correlation_matrix(found, neurons={"E": [1, 0]}, populations=["E"])).shape == (2, 2)


def test_the_white_diagonal_covers_no_other_cell() -> None:
    ax = plot.correlation_matrix(TWO, neurons=2, bin=10.0)
    n = image(ax).shape[0]
    (squares,) = ax.collections
    boxes = np.array([path.get_extents().extents for path in squares.get_paths()])
    np.testing.assert_array_equal(boxes, np.arange(n)[:, None] + [0, 0, 1, 1])


def test_correlation_matrix_of_many_neurons_is_thinned() -> None:
    ax = plot.correlation_matrix(poisson(100_000, 1.0, 3), bin=50.0)
    assert image(ax).shape == (400, 400) and ax.get_xlabel() == "Chosen neuron"


def test_coefficients_are_of_pairs_within_a_population() -> None:
    at = np.arange(5.0, 200.0, 20.0)
    both = trains(np.sort(np.r_[at, at, at + 10]), [*[0, 1, 2] * 10], 3, 200.0)
    ax = plot.correlation_histogram(both, bins=[-1.5, -0.5, 0.5, 1.5])
    # Pairs 01: +1; 02 and 12: -1.
    assert np.allclose(stairs(ax)[0], [2 / 3, 0, 1 / 3])
    assert ax.get_legend().get_texts()[0].get_text() == "mean −0.33"


# ---- connections


def test_degrees_are_counted_in_bins_of_whole_degrees() -> None:
    found = Connections([0, 0, 0, 1, 2, 2], [0, 1, 1, 1, 0, 1], 4, 2)
    values, edges = stairs(plot.degree_histogram(found, "out", bins=9))
    assert np.array_equal(edges, np.arange(-0.5, 4)) and values.tolist() == [1, 1, 1, 1]
    values, edges = stairs(plot.degree_histogram(found, "in"))
    assert dict(zip(edges[:-1] + 0.5, values, strict=True)) | {2: 1, 4: 1} == dict(zip(edges[:-1] + 0.5, values, strict=True))
    assert values.sum() == 2


def test_expected_degrees_are_the_law_times_the_number_of_neurons() -> None:
    found = random_connections(60, 40, 300)
    for direction, law, expected in (
        ("in", "bernoulli", scipy.stats.binom(60, 300 / 2400)),
        ("out", "bernoulli", scipy.stats.binom(40, 300 / 2400)),
        ("in", "total", scipy.stats.binom(300, 1 / 40)),
        ("out", scipy.stats.poisson(5), scipy.stats.poisson(5)),
    ):
        ax = plot.degree_histogram(found, direction, bins=1000, law=law)
        k = ax.lines[0].get_xdata()
        # One degree a bin; the law is evaluated by differences of its cdf, near 1 to 1e-16.
        assert np.allclose(ax.lines[0].get_ydata(), (40 if direction == "in" else 60) * expected.pmf(k), atol=1e-12)
        assert ax.get_xlabel() == f"{direction.capitalize()}-degree"


def test_two_degrees_far_apart_keep_their_shapes() -> None:
    rng = np.random.default_rng(2)
    found = Connections(rng.integers(0, 2000, 100_000), rng.integers(0, 100, 100_000), 2000, 100)
    values, edges = stairs(plot.degree_histogram(found), 2)
    # Out-degrees 50 ± 7 beside in-degrees of 1000: at least 4 bins within two deviations.
    assert np.count_nonzero((edges > 36) & (edges < 64)) > 4 and edges.size < 500 and values.sum() == 2000


def test_weights_before_and_after_share_their_bins() -> None:
    ax = plot.weight_histogram([0.0, 1.0, 1.0, 1.0], before=[0.5, 0.5, 0.5, 0.5], bins=[0, 0.25, 0.75, 1.25], unit="nS")
    assert stairs(ax, 0)[0].tolist() == [0, 4, 0] and stairs(ax, 2)[0].tolist() == [1, 0, 3]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["before", "after"]
    assert ax.get_xlabel() == "Weight (nS)"


def test_one_weight_for_all_stands_for_all_connections() -> None:
    ax = plot.weight_histogram(random_connections(weight=-2.0))
    values, edges = stairs(ax)
    k = int(np.argmax(values))
    assert values[k] == values.sum() == 300 and edges[k] < -2 < edges[k + 1] and notes(ax) == ["300 connections, −2"]


def test_log_weights_tell_what_is_left_out() -> None:
    ax = plot.weight_histogram([0.0, -1.0, 1.0, 10.0], log=True)
    assert stairs(ax)[0].sum() == 2 and "2 not above 0" in notes(ax)[0]


@pytest.mark.parametrize("bins", [10, 25, 60])
def test_delays_on_a_grid_fill_bins_evenly(bins: int) -> None:
    values, edges = stairs(plot.delay_histogram(np.tile(np.arange(1, 61), 5) * 0.1, bins=bins))
    assert np.allclose(values[:-1], values[0]) and values.sum() == 300 and values.size <= bins


def test_small_matrix_shows_each_weight_with_targets_as_rows() -> None:
    ax = plot.connectivity_matrix(Connections([0, 2], [1, 0], 3, 2, weight=np.array([0.5, -2.0])), unit="nA")
    shown = image(ax)
    assert shown.shape == (2, 3) and shown[1, 0] == 0.5 and shown[0, 2] == -2.0 and shown.count() == 2
    assert (ax.images[0].norm.vmin, ax.images[0].norm.vmax) == (-2, 2)
    assert ax.images[0].colorbar.ax.get_ylabel() == "Weight (nA)"
    assert ax.get_xlabel() == "Presynaptic neuron, E" and ax.get_ylabel() == "Postsynaptic neuron, I"
    assert ax.get_ylim() == (2, 0), "the first target on top"


def test_a_matrix_of_equal_weights_has_the_colour_of_their_sign() -> None:
    ax = plot.connectivity_matrix(Connections([0, 1], [0, 1], 2, 2, weight=-1.0))
    assert ax.images[0].colorbar is None and same_color(ax.images[0].get_cmap()(1.0), plot.INHIBITORY)


def test_a_large_matrix_is_connections_per_pair_in_blocks() -> None:
    # 1000 x 500 neurons: blocks of 3 x 2; everything connects to the first half of the targets once.
    pre, post = (grid.ravel() for grid in np.meshgrid(np.arange(1000), np.arange(250)))
    ax = plot.connectivity_matrix(Connections(pre, post, 1000, 500, weight=np.full(pre.size, 0.5)))
    shown = image(ax)
    assert shown.shape == (250, 334) and np.all(shown[:125] == 1.0) and shown[125:].count() == 0
    assert "cells of 3 × 2 neurons" in notes(ax)[0] and ax.get_xlim() == (0, 1000)
    assert np.all(image(plot.connectivity_matrix(Connections(pre, post, 1000, 500), values="weight"))[:125] == 0.5)


def test_pooled_populations_are_named_along_a_matrix() -> None:
    ax = plot.connectivity_matrix(random_connections(), sources={"E": 50, "I": 10})
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["E", "I"]
    assert [line.get_xdata()[0] for line in ax.lines] == [50]
    assert ax.get_xlabel() == "Presynaptic neuron" and ax.get_ylabel() == "Postsynaptic neuron, I"


# ---- diagram


def parts(ax: Axes, kind: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for patch in ax.patches:
        gid, _, name = (patch.get_gid() or "").partition(":")
        if gid == kind:
            found.setdefault(name, []).append(patch)
    return found


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 10])
def test_discs_lie_apart_and_curves_between_others_touch_none(n: int) -> None:
    ax = plot.network_diagram(balanced(n))
    discs = {name: found[0] for name, found in parts(ax, "population").items()}
    assert len(discs) == n
    for a, b in combinations(discs.values(), 2):
        assert np.hypot(*np.subtract(a.center, b.center)) > a.radius + b.radius
    for name, found in parts(ax, "projection").items():
        for patch in found:
            points = patch._path_original.cleaned(curves=False).vertices
            points = points[np.isfinite(points).all(1)]
            for other, disc in discs.items():
                if other not in name.split("->"):
                    assert np.hypot(*(points - disc.center).T).min() > disc.radius, (name, other)
    sizes = [disc.radius for disc in discs.values()]
    assert np.argmax(sizes) == np.argmax([10 ** (k % 4 + 1) for k in range(n)])


def test_signs_captions_and_widths_of_a_diagram() -> None:
    net = balanced()
    ax = plot.network_diagram(net, strength={"L0E->L0I": 4.0, "L0I->L0E": random_connections(weight=-0.1, name="")})
    discs, curves = parts(ax, "population"), parts(ax, "projection")
    assert same_color(discs["L0E"][0].get_facecolor(), plot.EXCITATORY)
    assert same_color(discs["L0I"][0].get_facecolor(), plot.INHIBITORY)
    assert set(curves) == {"L0E->L0E", "L0E->L0I", "L0I->L0I", "L0I->L0E"}
    widths = {name: found[0].get_linewidth() for name, found in curves.items()}
    # 300 connections of -0.1 onto 40 targets: 0.75 a target, against 4.
    assert widths["L0E->L0E"] == 0.5 and widths["L0E->L0I"] == 3.2
    assert widths["L0I->L0E"] == pytest.approx(0.5 + 2.7 * 0.75 / 4)
    assert same_color(curves["L0I->L0E"][0].get_edgecolor()[:3], plot.INHIBITORY)
    assert notes(ax).count("Bernoulli(0.1)\n1.5 ms") == 4 and "L0E\n10" in notes(ax)
    assert "Bernoulli(0.1)\n1.5 ms" not in notes(plot.network_diagram(net, captions=False))
    assert "mine" in notes(plot.network_diagram(net, captions={"L0E->L0E": "mine"}))


def test_pooled_and_parallel_projections_have_arrows_of_their_own() -> None:
    a, b = population("a"), population("b")
    net = SimpleNamespace(populations=[a, b], projections=[projection([a, b], [a, b], 1, "all"), projection(a, b, -1, "more"),
                                                            projection(a, a, 0, "loop")])
    curves = parts(plot.network_diagram(net), "projection")
    assert {name: len(found) for name, found in curves.items()} == {"all": 4, "more": 1, "loop": 1}
    paths = [tuple(np.round(p._path_original.vertices.ravel(), 6)) for found in curves.values() for p in found]
    assert len(set(paths)) == 6
    net = SimpleNamespace(populations=[a], projections=[projection(a, a, 1, "ampa"), projection(a, a, 1, "nmda", 2.0)])
    assert "ampa: Bernoulli(0.1), 1.5 ms\nnmda: Bernoulli(0.1), 2 ms" in notes(plot.network_diagram(net))


def test_projections_without_names_are_told_apart() -> None:
    net = balanced()
    for each in net.projections:
        each.name = None
    ax = plot.network_diagram(net, strength={"L0E->L0I": 1.0})
    assert set(parts(ax, "projection")) == {"L0E->L0E", "L0E->L0I", "L0I->L0I", "L0I->L0E"}
    assert notes(ax).count("Bernoulli(0.1)\n1.5 ms") == 4


def test_a_network_of_the_simulator_is_drawn() -> None:
    model = ns.LIF()
    e, i = ns.Population(80, model, name="E"), ns.Population(20, model, name="I")
    tie = ns.Projection(e, [e, i], ns.Bernoulli(0.1), ns.Delta(0.5), delay=2.0)
    net = ns.Network([e, i], projections=[tie, ns.Projection(i, e, ns.FixedInDegree(5), ns.Delta(-2.0), delay=1.0)])
    ax = plot.network_diagram(net)
    assert {name: len(found) for name, found in parts(ax, "projection").items()} == {net.name_of(tie): 2, "I->E": 1}
    assert "Bernoulli(0.1)\n2 ms" in notes(ax) and "FixedInDegree(5)\n1 ms" in notes(ax)
    assert plot.population_colors(net) == [plot.EXCITATORY, plot.INHIBITORY]


def test_signs_of_populations_come_from_their_projections_before_their_names() -> None:
    a, b, c, d = population("I"), population("E"), population("L4I"), population("x")
    ties = [projection(a, b, 1), projection(b, a, 1, "p"), projection(b, c, -1, "q")]
    net = SimpleNamespace(populations=[a, b, c, d], projections=ties)
    assert signs.population_signs(net) == {"I": 1, "E": 0, "L4I": -1, "x": 0}
    assert plot.population_colors(["L2/3E", "L2/3I", "PV", "pyramidal", "thalamus"]) == [
        plot.EXCITATORY, plot.INHIBITORY, plot.INHIBITORY, plot.EXCITATORY, signs.OTHER,
    ]  # fmt: skip


def test_short_texts_of_rules() -> None:
    assert short(Bernoulli(0.1)) == "Bernoulli(0.1)"
    assert short(Bernoulli(0.1, False)) == "Bernoulli(0.1, autapses=F…", "26 letters at most"
    assert short(object()) == "object" and short("custom") == "custom"


# ---- weights over time, spectrum, STDP


def test_few_weights_are_lines_and_many_a_map_of_shares() -> None:
    ax = plot.weight_evolution(WEIGHTS, connections=[3, 8])
    assert np.array_equal(ax.lines[1].get_ydata(), WALK[:, 8]) and ax.lines[0].get_xdata()[-1] == 59.0
    assert ax.get_xlabel() == "Time (s)" and ax.get_ylabel() == "Weight (nS)"
    mesh = plot.weight_evolution(WEIGHTS, bins=[0.0, 0.5, 1.1]).collections[0]
    shares = np.ma.filled(mesh.get_array(), 0.0)
    assert shares.shape == (2, 60) and np.allclose(shares.sum(0), 1) and np.allclose(shares[1], (WALK >= 0.5).mean(1))


def test_a_band_is_median_and_quantiles() -> None:
    values = np.tile(np.arange(101.0), (5, 1))
    trace = SimpleNamespace(times=np.arange(5.0), values=values, unit="")
    ax = plot.weight_evolution(trace, kind="band")
    assert np.all(ax.lines[0].get_ydata() == 50)
    ends = [(c.get_paths()[0].vertices[:, 1].min(), c.get_paths()[0].vertices[:, 1].max()) for c in ax.collections]
    assert ends == [(5, 95), (25, 75)] and ax.get_xlabel() == "Time (ms)"


def test_long_recordings_of_many_weights_are_thinned() -> None:
    trace = SimpleNamespace(times=np.arange(20_000.0), values=np.full((20_000, 30), 0.5), unit="")
    mesh = plot.weight_evolution(trace).collections[0]
    assert mesh.get_array().shape[1] == 300


def test_a_rhythm_of_50_hz_stands_above_the_level_of_poisson() -> None:
    rng = np.random.default_rng(8)
    at = rng.uniform(0, 4000, 40_000)
    at = np.sort(at[rng.uniform(size=at.size) < 0.5 * (1 + np.cos(2 * np.pi * at / 20))])
    found = trains(at, rng.integers(0, 200, at.size), 200, 4000.0)
    ax = plot.population_spectrum(found, segment=500.0, poisson=True)
    x, y = ax.lines[0].get_data()
    assert x[np.argmax(y)] == 50.0
    level = ax.lines[1].get_ydata()[0]
    assert level == pytest.approx(2 * found.rates().mean() / 200) and y.max() > 100 * level


def test_stdp_window_is_broken_at_zero_and_shows_measurements_as_points() -> None:
    ax = plot.stdp_window([2, -1, 1, -2], [20, -10, 10, -20], unit="%")
    line = ax.lines[2]
    assert np.isnan(line.get_ydata()).sum() == 2 and line.get_ydata()[[0, 1, 4, 5]].tolist() == [-20, -10, 10, 20]
    assert ax.get_ylabel() == "Change of weight (%)" and ax.get_xlabel().endswith("(ms)")
    assert plot.stdp_window([1, 1, 2], [1, 2, 3]).lines[2].get_linestyle() == "None"


# ---- edges and refusals


def test_edges_hold_every_value() -> None:
    assert histogram_edges(4, 2.0, 2.0).tolist()[0] < 2 < histogram_edges(4, 2.0, 2.0).tolist()[-1]
    edges = histogram_edges(3, 0.0, 1.0)
    assert np.histogram([0.0, 1.0], edges)[0].tolist() == [1, 0, 1] and edges[0] == 0.0


def test_numbers_beside_rows_are_short() -> None:
    assert [number_text(v, s) for v, s in ((0.96, 20), (12.34, 20), (-1.6e-5, 0.3), (1234.5, 20), (0.0, 1))] == [
        "0.96", "12", "0.000", "1,234", "0.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.rate_histogram(TWO, kind="violin"), "Known: histogram, box"),
        (lambda: plot.rate_histogram(TWO, bins=0), "from 1 up"),
        (lambda: plot.rate_histogram(TWO, bins=[2, 1]), "rising edges"),
        (lambda: plot.rate_histogram(TWO, color=["red"]), "1 colours for 2"),
        (lambda: plot.correlation_matrix(TWO, neurons={"Ee": 3}), "names a population 'Ee'"),
        (lambda: plot.correlation_matrix(TWO, neurons={"E": [80]}), "neurons 0 to 79"),
        (lambda: plot.correlation_matrix(TWO, neurons=0), "from 1 up"),
        (lambda: plot.correlation_matrix(TWO, bin=5000.0), "longer than the window"),
        (lambda: plot.correlation_matrix(TWO, limit=-1), "above 0"),
        (lambda: plot.degree_histogram({"E->I": 1}), r"Pass those of one.*E->I"),
        (lambda: plot.degree_histogram(3), "without pre, post"),
        (lambda: plot.degree_histogram(random_connections(), "up"), "Known: in, out, both"),
        (lambda: plot.degree_histogram(random_connections(), law="binomial"), "Known: bernoulli, total"),
        (lambda: plot.degree_histogram(Connections([0] * 9, [0] * 9, 2, 2), law="bernoulli"), "Use law='total'"),
        (lambda: plot.connectivity_matrix(Connections([0, 5], [0, 0], 3, 2)), "from 0 to 2"),
        (lambda: plot.connectivity_matrix(Connections([0, 1], [0], 3, 2)), "both is needed"),
        (lambda: plot.connectivity_matrix(Connections([0, 1], [0, 1], 3, 2, weight=np.ones(3))), r"a number or \(2,\)"),
        (lambda: plot.connectivity_matrix(random_connections(), values="delay"), "Known: count, weight, probability"),
        (lambda: plot.connectivity_matrix(random_connections(), sources={"E": 3}), "sources hold 3 neurons.*projection 60"),
        (lambda: plot.weight_histogram([1.0, np.nan]), "NaN or infinity"),
        (lambda: plot.weight_histogram("heavy"), "neither connections nor numbers"),
        (lambda: plot.network_diagram(3), "not a Network"),
        (lambda: plot.network_diagram(balanced(), strength={"L0E->L0X": 1}), "strength names 'L0E->L0X'. Did you mean"),
        (lambda: plot.network_diagram(balanced(), strength={"L0E->L0E": "much"}), "a number or connections"),
        (lambda: plot.network_diagram(balanced(), positions={"L0E": (0, 0)}), "none for 'L0I'"),
        (lambda: plot.network_diagram(balanced(), positions={"L0E": (0, 0), "L0I": (0, 0)}), "in one place"),
        (lambda: plot.weight_evolution(WEIGHTS, kind="image"), "Known: lines, density, band"),
        (lambda: plot.weight_evolution(3), "not a recorded trace"),
        (lambda: plot.stdp_window([1], [1, 2]), "one change for each time"),
        (lambda: plot.population_spectrum(TWO, max_frequency=0), "positive"),
    ],
)
def test_bad_input_says_what_to_do(call: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        call()
