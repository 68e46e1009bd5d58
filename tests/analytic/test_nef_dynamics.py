"""Recurrent dynamics through filters: loops in NumPy, without neurons, against the exact solution of the wanted system."""

import numpy as np
import pytest
from scipy.linalg import expm

from neurosim.errors import ParameterError
from neurosim.nef.dynamics import input_gain, nonlinear, recurrent
from neurosim.nef.filters import Alpha, DoubleExponential, Gamma, LinearFilter, Lowpass

OMEGA = 2 * np.pi / 200
A = np.array([[-0.01, OMEGA], [-OMEGA, -0.01]])
B = np.array([[0.02], [0.01]])
FILTERS = [Lowpass(5.0), Lowpass(100.0), Alpha(5.0), Alpha(20.0), DoubleExponential(2.0, 30.0),
           LinearFilter((3.0, 1.0), (45.0, 14.0, 1.0))]


def exact(a, b, u, dt):
    """Return x at the start of each step for an input held during steps."""
    n, m = b.shape
    step = expm(np.block([[a, b], [np.zeros((m, n + m))]]) * dt)
    x = np.zeros((len(u), n))
    for k in range(len(u) - 1):
        x[k + 1] = step[:n, :n] @ x[k] + step[:n, n:] @ u[k]
    return x


def loop(filter, a, v, dt):
    """Return what the filter makes of w = a x + v, x being its own output."""
    ad, bd, c, _ = filter.discretise(dt)
    state = np.zeros((len(ad), v.shape[1]))
    x = np.zeros(v.shape)
    for k in range(len(v)):
        x[k] = (c @ state)[0]
        state = ad @ state + bd * (a @ x[k] + v[k])
    return x


def noise(n, m, seed=0):
    """Return an input that changes at every step."""
    return np.random.default_rng(seed).normal(size=(n, m))


@pytest.mark.parametrize("filter", FILTERS, ids=repr)
@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_the_exact_mapping_takes_the_steps_of_the_wanted_system(filter, dt):
    u = noise(400, 1)
    mapped = recurrent(A, B, filter, dt)
    wanted = exact(A, B, u, dt)
    found = loop(filter, mapped.a, mapped.drive(u), dt)
    assert np.abs(found - wanted).max() < 1e-12 * max(1, np.abs(wanted).max())


def test_several_inputs_and_states():
    rng = np.random.default_rng(3)
    a, b = 0.02 * rng.normal(size=(4, 4)) - 0.03 * np.eye(4), 0.1 * rng.normal(size=(4, 3))
    u = noise(300, 3)
    for filter in (Lowpass(20.0), Alpha(8.0)):
        mapped = recurrent(a, b, filter, 1.0)
        assert mapped.a.shape == (4, 4) and mapped.b.shape == (4, 3)
        np.testing.assert_allclose(loop(filter, mapped.a, mapped.drive(u), 1.0), exact(a, b, u, 1.0), atol=1e-12)


def test_first_order_is_principle_three():
    a, b = recurrent(A, B, 100.0)
    np.testing.assert_allclose(a, 100 * A + np.eye(2), atol=1e-15)
    np.testing.assert_allclose(b, 100 * B)
    a, b = recurrent(A, B, Lowpass(100.0), 1.0)
    e = np.exp(-0.01)
    np.testing.assert_allclose(a, (expm(A) - e * np.eye(2)) / (1 - e), atol=1e-12)
    np.testing.assert_allclose(recurrent(A, B, 100.0, 1.0).drive(noise(9, 1)), noise(9, 1) @ b.T, atol=1e-12)


def test_second_order_in_continuous_time():
    # (tau s + 1)^2 x = w with x' = A x + B u: w = (tau A + I)^2 x + (tau^2 A + 2 tau) B u + tau^2 B u'
    tau = 7.0
    mapped = recurrent(A, B, Alpha(tau))
    np.testing.assert_allclose(mapped.a, np.linalg.matrix_power(tau * A + np.eye(2), 2), atol=1e-13)
    np.testing.assert_allclose(mapped.b, (tau**2 * A + 2 * tau * np.eye(2)) @ B, atol=1e-13)
    # num of the monic form is 1/tau^2
    np.testing.assert_allclose(mapped.terms[1] / mapped.numerator[0], tau**2 * B, atol=1e-12)


@pytest.mark.parametrize("filter", [Lowpass(20.0), Alpha(20.0)], ids=repr)
def test_plain_principle_three_has_an_error_of_first_order_in_dt(filter):
    # free oscillation from rest after a slow input, so that derivatives of u matter little
    errors = []
    steps = [2.0, 1.0, 0.5, 0.25]
    mapped = recurrent(A, B, filter)
    for dt in steps:
        t = np.arange(0, 600, dt)
        u = np.sin(np.pi * np.minimum(t, 200) / 200)[:, None] ** 4
        # the term with u' belongs to the mapping of a second-order filter; the derivative is known here
        rate = (4 * np.sin(np.pi * t / 200) ** 3 * np.cos(np.pi * t / 200) * np.pi / 200 * (t < 200))[:, None]
        v = sum(d @ term.T for d, term in zip((u, rate), mapped.terms)) / mapped.numerator[0]
        errors.append(np.abs(loop(filter, mapped.a, v, dt) - exact(A, B, u, dt)).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    # the next order adds h/tau = 0.1 to a quotient of 2 at the coarsest step and half of that at each finer one
    np.testing.assert_allclose(orders[1:], 1, atol=0.15)


@pytest.mark.parametrize("filter", FILTERS, ids=repr)
def test_the_integrator_and_constant_input(filter):
    # x' = u/tau: A' = 1 through every filter of area 1, so that what is held is held
    mapped = recurrent(0.0, 0.01, filter, 1.0)
    np.testing.assert_allclose(mapped.a, [[1.0]], atol=1e-11)
    # with the static transform of the input the ramp is right but for the transient of the filter, and then stays so
    x = loop(filter, mapped.a, np.repeat(mapped.b.T, 3000, axis=0), 1.0)[:, 0]
    np.testing.assert_allclose(np.diff(x)[-100:], 0.01, rtol=1e-7)


def test_higher_orders_take_constant_input_only():
    slow = np.array([[-0.002]])
    mapped = recurrent(slow, 0.002, Gamma(2.0, 3), 0.5)
    x = loop(Gamma(2.0, 3), mapped.a, np.repeat(mapped.b.T, 12_000, axis=0), 0.5)
    assert x[-1, 0] == pytest.approx(1, abs=1e-5)
    with pytest.raises(ParameterError, match="outside of the unit circle"):
        mapped.drive(np.ones(5))


def test_nonlinear_loop_takes_eulers_steps():
    f = lambda x: np.stack([x[..., 1], (1 - x[..., 0] ** 2) * x[..., 1] - x[..., 0]], axis=-1) / 20
    tau, dt = 30.0, 0.5
    mapped, gain = nonlinear(f, Lowpass(tau), dt), input_gain(tau, dt)
    a, b, _, _ = Lowpass(tau).discretise(dt)
    rng = np.random.default_rng(0)
    x = wanted = np.array([0.0, 0.0])
    for _ in range(2000):
        u = 0.02 * rng.normal(size=2)
        x = a[0, 0] * x + b[0, 0] * (mapped(x) + gain * u)
        wanted = wanted + dt * (f(wanted) + u)
        assert np.abs(x - wanted).max() < 1e-10
    assert np.abs(x).max() > 0.5
    # in continuous time tau f + x
    np.testing.assert_allclose(nonlinear(f, tau)(np.array([[0.3, 0.2]])), tau * f(np.array([[0.3, 0.2]])) + [[0.3, 0.2]])
    assert input_gain(tau) == tau and input_gain(tau, 1e-6) == pytest.approx(tau, rel=1e-6)
    assert input_gain(LinearFilter((1,), (tau, 1))) == pytest.approx(tau)


@pytest.mark.parametrize("call, words", [
    (lambda: recurrent(np.ones((2, 3))), ("square", "(2, 3)")),
    (lambda: recurrent(A, np.ones((3, 1))), ("(3, 1)", "2 states")),
    (lambda: recurrent([[np.nan]]), ("finite",)),
    (lambda: recurrent("A"), ("numbers",)),
    (lambda: recurrent(A, B, LinearFilter((1, 1), (2, 1))), ("at once",)),
    (lambda: recurrent(-0.5, 1, LinearFilter((2, 1), (3, 4, 1))), ("eigenvalue", "zero")),
    (lambda: recurrent(A, B, -1), ("tau",)),
    (lambda: recurrent(A, B, 10).drive(np.ones(3)), ("dt=",)),
    (lambda: recurrent(A, B, 10, 1.0).drive(np.ones((3, 2))), ("(n_times, 1)",)),
    (lambda: nonlinear(np.sin, Alpha(5)), ("first-order",)),
    (lambda: recurrent(A, B, 10, 0), ("dt",)),
])
def test_messages(call, words):
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
