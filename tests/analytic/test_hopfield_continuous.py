"""Continuous Hopfield networks on the engine against other integrators, fixed points and the energy's slope."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

import neurosim as ns
from neurosim.attractors import ARCTAN, LOGISTIC, TANH, ContinuousHopfield, Hopfield, hebbian

RNG = np.random.default_rng(2)
SQUASHES = pytest.mark.parametrize("squash", [TANH, LOGISTIC, ARCTAN], ids=lambda s: s.name)


def network(n: int, squash, gain: float = 1.5) -> ContinuousHopfield:
    w = RNG.normal(size=(n, n)) / np.sqrt(n)
    return ContinuousHopfield(w + w.T, RNG.normal(size=n), gain, 8.0, squash)


@SQUASHES
def test_area_is_the_integral(squash):
    for u in (-3.0, -0.2, 0.0, 0.7, 5.0):
        assert float(squash.area(np.float64(u))) == pytest.approx(quad(squash.value, 0, u)[0], abs=1e-10)
    assert np.isfinite(squash.area(np.array([-1e4, 1e4]))).all()


@SQUASHES
def test_the_engine_agrees_with_another_integrator(squash):
    """First order in dt, as sums stand still during a step: at dt/2 the difference halves."""
    net, x = network(12, squash), RNG.normal(size=12)

    def slope(_, u):
        return (-u + squash.value(net.gain * u) @ net.weights + net.bias) / net.tau

    wanted = solve_ivp(slope, (0, 10), x, rtol=1e-10, atol=1e-12).y[:, -1]
    error = [np.abs(ns.simulate(net.network(x), 10.0, dt, progress=False).final("units", "x") - wanted).max()
             for dt in (0.1, 0.05)]
    assert error[0] < 0.05 and 1.8 < error[0] / error[1] < 2.2


@SQUASHES
def test_runs_end_where_the_equations_stand_still_and_energy_falls(squash):
    net = network(20, squash)
    result = ns.simulate(net.network(RNG.normal(size=20)), 600.0, 0.2, progress=False)
    x = result.traces["x"].values
    energy = net.energy(x)
    assert np.all(np.diff(energy) <= 1e-12 * np.abs(energy).max()) and energy[0] - energy[-1] > 0.1
    last = result.final("units", "x")
    # 75 time constants: nothing is left but rounding, unless a direction is very flat
    np.testing.assert_allclose(last, net.output(last) @ net.weights + net.bias, atol=1e-9)
    np.testing.assert_allclose(result.traces["y"].values, net.output(x), atol=1e-14)


@SQUASHES
def test_the_slope_of_the_energy_is_minus_the_motion(squash):
    """dE/dy_i = -(y W)_i - b_i + x_i = -tau dx_i/dt, by central differences over x: dE/dx_i = dE/dy_i g sigma'(g x_i)."""
    net, x, h = network(6, squash), RNG.normal(size=6), 1e-5
    motion = -x + net.output(x) @ net.weights + net.bias
    for i in range(6):
        step = h * np.eye(6)[i]
        slope = (net.energy(x + step) - net.energy(x - step)) / (2 * h)
        dy = (net.output(x + step) - net.output(x - step))[i] / (2 * h)
        assert slope == pytest.approx(-motion[i] * dy, abs=1e-8)


def test_a_high_gain_recalls_what_the_binary_network_recalls():
    x = RNG.integers(0, 2, (3, 41)) * 2.0 - 1.0
    w = hebbian(x)
    start = np.where(RNG.random(x.shape) < 0.15, -x, x)
    for k in range(3):
        final = ns.simulate(ContinuousHopfield(w, gain=50.0).network(start[k]), 200.0, 0.2, progress=False).final("units", "x")
        np.testing.assert_array_equal(np.sign(final), x[k])
    assert Hopfield(w).stable(x).all()


def test_sparse_weights_are_the_same_as_dense_ones(monkeypatch):
    from neurosim.attractors import hopfield_continuous

    w = np.where(RNG.random((30, 30)) < 0.05, RNG.normal(size=(30, 30)), 0.0)
    net, x = ContinuousHopfield(w, 0.1), RNG.normal(size=30)
    dense = ns.simulate(net.network(x), 20.0, 0.1, progress=False).final("units", "x")
    monkeypatch.setattr(hopfield_continuous, "DENSE", 1)
    sparse = ns.simulate(net.network(x), 20.0, 0.1, progress=False).final("units", "x")
    # sums of other orders, 200 steps
    np.testing.assert_allclose(sparse, dense, atol=1e-12)


def test_one_neuron_with_itself():
    """x = w tanh(g x): for w g > 1 there are two states, by the sign of the start."""
    net = ContinuousHopfield([[2.0]], gain=1.0)
    root = 1.9150080481545268  # of x = 2 tanh(x)
    for sign in (-1, 1):
        final = ns.simulate(net.network(0.1 * sign), 400.0, 0.5, progress=False).final("units", "x")
        assert final[0] == pytest.approx(sign * root, abs=1e-9)
