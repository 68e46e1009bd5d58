"""Figures of attractor networks show the numbers that they were given."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.axes import Axes

from neurosim import attractors, plot
from neurosim.errors import ParameterError

RNG = np.random.default_rng(1)
X = RNG.integers(0, 2, (3, 36)) * 2.0 - 1.0
NET = attractors.Hopfield.storing(X)


def png(ax: Axes) -> bytes:
    out = io.BytesIO()
    ax.figure.savefig(out, format="png")
    return out.getvalue()


def test_energies_are_lines():
    found = NET.recall(RNG.integers(0, 2, (4, 36)) * 2.0 - 1.0, seed=1)
    ax = plot.energy_trace(found, label="recall")
    np.testing.assert_array_equal(np.array([line.get_ydata() for line in ax.lines]).T, found.energy)
    assert ax.get_xlabel() == "Sweep (updates per neuron)" and ax.get_ylabel() == "Energy"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["recall"]
    one = plot.energy_trace([3.0, 2.0, 1.5], times=[0, 0.5, 2])
    np.testing.assert_array_equal(one.lines[0].get_xdata(), [0, 0.5, 2])
    assert len(plot.energy_trace(np.zeros((3, 1000))).lines) == 200
    assert len(png(ax)) > 5000


@pytest.mark.parametrize("energy, times, words", [
    (np.zeros((0, 2)), None, "with samples"), ([1, np.nan], None, "NaN"), ("abc", None, "array of numbers"),
    ([1, 2], [1, 2, 3], "shape (3,) for 2"), (3.0, None, "shape ()"),
])
def test_bad_energies(energy, times, words):
    with pytest.raises(ParameterError) as said:
        plot.energy_trace(energy, times)
    assert words in str(said.value)


def test_a_grid_holds_every_pattern_in_its_place():
    ax = plot.pattern_grid(X, columns=2)
    sheet = ax.images[0].get_array()
    assert sheet.shape == (13, 13)
    for k, (row, column) in enumerate([(0, 0), (0, 7), (7, 0)]):
        np.testing.assert_array_equal(sheet[row:row + 6, column:column + 6] * 2 - 1, X[k].reshape(6, 6))
    # gaps and the place without a pattern are empty
    assert np.ma.getmaskarray(np.ma.masked_invalid(sheet))[6].all()
    assert np.ma.getmaskarray(np.ma.masked_invalid(sheet))[7:, 7:].all()
    named = plot.pattern_grid({"stored": X, "recalled": -X})
    assert [t.get_text() for t in named.get_yticklabels()] == ["stored", "recalled"]
    assert plot.pattern_grid(X, shape=(4, 9)).images[0].get_array().shape[1] >= 9
    assert len(png(named)) > 3000


def test_rows_have_limits_of_their_own_unless_given():
    low, high = np.linspace(0, 1, 4)[None], np.linspace(0, 10, 4)[None]
    sheet = plot.pattern_grid({"a": low, "b": high}).images[0].get_array()
    np.testing.assert_allclose(sheet[:2, :2], sheet[3:5, :2])
    sheet = plot.pattern_grid({"a": low, "b": high}, limits=(0, 10)).images[0].get_array()
    np.testing.assert_allclose(10 * sheet[:2, :2], sheet[3:5, :2])


def test_features_are_columns_of_the_weights():
    w = RNG.normal(size=(9, 4))
    ax = plot.rbm_features(attractors.BoltzmannMachine(w), columns=2)
    image = ax.images[0]
    sheet = image.get_array()
    np.testing.assert_allclose(sheet[:3, :3], w[:, 0].reshape(3, 3), atol=1e-14)
    np.testing.assert_allclose(sheet[4:, 4:], w[:, 3].reshape(3, 3), atol=1e-14)
    assert image.get_clim() == pytest.approx((-np.abs(w).max(), np.abs(w).max()))
    assert len(png(ax)) > 3000


@pytest.mark.parametrize("make, words", [
    (lambda: plot.pattern_grid({}), "no row"),
    (lambda: plot.pattern_grid(np.zeros((0, 4))), "at least one pattern"),
    (lambda: plot.pattern_grid(np.zeros((2, 5))), "no square images"),
    (lambda: plot.pattern_grid(np.zeros((2, 4)), shape=(2, 3)), "do not fit images of 2 x 3"),
    (lambda: plot.pattern_grid(np.zeros((2, 4)), shape=4), "two whole numbers"),
    (lambda: plot.pattern_grid(np.zeros((2, 4)), shape=(0, 4)), "at least 1"),
    (lambda: plot.rbm_features(np.zeros(4)), "(n_visible, n_hidden)"),
    (lambda: plot.capacity_curve(np.zeros(4)), "capacity returned"),
    (lambda: plot.capacity_curve([]), "capacity returned"),
])
def test_bad_arguments(make, words):
    with pytest.raises(ParameterError) as said:
        make()
    assert words in str(said.value)


def test_capacity_curves_show_means_errors_and_the_limit():
    found = attractors.capacity(30, [0.1, 0.3], networks=3, seed=1)
    ax = plot.capacity_curve([found, found])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), found.retained.mean(axis=1))
    assert [t.get_text() for t in ax.get_legend().get_texts()].count("N = 30") == 2
    assert any(np.allclose(line.get_xdata(), 0.138) for line in ax.lines)
    alone = plot.capacity_curve(found, limit=None, label="mine")
    assert [t.get_text() for t in alone.get_legend().get_texts()] == ["mine"]
    assert len(png(ax)) > 5000
