"""Filters of the NEF against closed forms, SciPy and each other."""

import numpy as np
import pytest
from scipy import signal

from neurosim.errors import ParameterError
from neurosim.nef.filters import Alpha, DoubleExponential, Gamma, LinearFilter, Lowpass

ZEROS = LinearFilter((3.0, 1.0), (45.0, 14.0, 1.0))
RINGING = LinearFilter((1.0,), (100.0, 6.0, 1.0))
MATRICES = LinearFilter.from_state_space([[-0.2, 0.1], [-0.1, -0.3]], [0.1, 0.2], [1.0, -0.5])
ALL = [Lowpass(5.0), Lowpass(0.1), Alpha(20.0), Gamma(3.0, 4), DoubleExponential(2.0, 30.0), DoubleExponential(7.0, 7.0), ZEROS,
       RINGING, MATRICES]
SUM_1 = [f for f in ALL if f is not MATRICES]


@pytest.mark.parametrize("f", ALL, ids=repr)
@pytest.mark.parametrize("dt", [0.1, 1.0, 10.0])
def test_discretisation_is_scipys(f, dt):
    space = f.state_space()
    wanted = signal.cont2discrete(space, dt, method="zoh")
    for mine, theirs in zip(f.discretise(dt), wanted):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("f", ALL, ids=repr)
def test_response_and_frequency_are_those_of_the_transfer_function(f):
    numerator, denominator = f.transfer()
    t = np.linspace(0, 60, 200)
    _, wanted = signal.impulse((np.trim_zeros(numerator, "f"), denominator), T=t)
    # SciPy's own impulse response of repeated poles is good to about 1e-7
    np.testing.assert_allclose(f.response(t), wanted, atol=1e-6 * np.abs(wanted).max())
    assert f.response(-1.0) == 0
    hz = np.array([[0.0, 1.0], [30.0, 400.0]])
    s = 2j * np.pi * hz / 1000
    np.testing.assert_allclose(f.frequency(hz), np.polyval(numerator, s) / np.polyval(denominator, s), rtol=1e-9)
    assert f.frequency(0.0) == pytest.approx(f.area)


@pytest.mark.parametrize("f", SUM_1, ids=repr)
def test_response_integrates_to_one(f):
    from scipy.integrate import quad

    assert f.area == pytest.approx(1, rel=1e-12)
    slowest = -1 / np.linalg.eigvals(f.state_space().a).real.max()
    value, _ = quad(f.response, 0, 40 * slowest, points=[slowest], limit=400)
    assert value == pytest.approx(1, rel=1e-7)


def test_closed_forms():
    t = np.linspace(0, 50, 11)
    np.testing.assert_allclose(Lowpass(4).response(t), np.exp(-t / 4) / 4)
    np.testing.assert_allclose(Alpha(4).response(t), t * np.exp(-t / 4) / 16)
    np.testing.assert_allclose(Gamma(4, 3).response(t), t**3 * np.exp(-t / 4) / (6 * 4**4))
    np.testing.assert_allclose(DoubleExponential(2, 6).response(t), (np.exp(-t / 6) - np.exp(-t / 2)) / 4, atol=1e-15)
    # the matrix exponential of the base class gives the same
    for f in (Lowpass(4), Alpha(4), Gamma(4, 3)):
        np.testing.assert_allclose(f.response(t), LinearFilter.response(f, t), rtol=1e-11, atol=1e-15)
    # half of the power at f = 1/(2 pi tau)
    assert abs(Lowpass(5).frequency(1000 / (2 * np.pi * 5))) ** 2 == pytest.approx(0.5)
    a, b, c, d = Lowpass(5).discretise(1e-9)
    assert b[0, 0] == pytest.approx(2e-10, rel=1e-12)


@pytest.mark.parametrize("f", ALL, ids=repr)
def test_applied_to_steps_it_gives_the_exact_step_response(f):
    dt = 0.5
    u = np.r_[0, np.ones(200)]
    y = f.apply(u, dt)
    t = dt * np.arange(200)
    numerator, denominator = f.transfer()
    _, wanted = signal.step((np.trim_zeros(numerator, "f"), denominator), T=t)
    np.testing.assert_allclose(y[1:], wanted, atol=1e-9)
    assert y[0] == 0


def test_applied_to_many_dimensions_and_none():
    rng = np.random.default_rng(0)
    u = rng.normal(size=(50, 3))
    for f in (Lowpass(3), Alpha(3), ZEROS):
        y = f.apply(u, 1.0)
        assert y.shape == u.shape
        np.testing.assert_allclose(y[:, 1], f.apply(u[:, 1], 1.0), atol=1e-15)
        # linear, and a convolution: the answer to one pulse, shifted
        pulse = f.apply(np.eye(50)[0], 1.0)
        np.testing.assert_allclose(y[:, 0], np.convolve(u[:, 0], pulse)[:50], atol=1e-13)
        assert f.apply(np.zeros((0, 2)), 1.0).shape == (0, 2)


def test_a_factor_has_order_zero():
    f = LinearFilter((2.0,), (1.0,))
    assert (f.order, f.direct, f.area) == (0, True, 2.0)
    assert f.apply([1.0, 2.0], 1.0).tolist() == [2.0, 4.0]
    assert f.response(3.0) == 0 and f.frequency(7.0) == 2


def test_direct_part():
    f = LinearFilter((2.0, 1.0), (5.0, 1.0))
    assert f.direct and f.order == 1
    # 2/5 at once, the rest with 5 ms
    np.testing.assert_allclose(f.apply(np.ones(40), 1.0), 1 - 0.6 * np.exp(-np.arange(40) / 5), rtol=1e-12)
    assert not ZEROS.direct


def test_equal_filters_are_equal():
    assert Lowpass(5) == Lowpass(5.0) and hash(Lowpass(5)) == hash(Lowpass(5.0))
    assert Lowpass(5) != Lowpass(6) and Alpha(5) != Lowpass(5)
    same = LinearFilter.from_state_space([[-0.2, 0.1], [-0.1, -0.3]], [[0.1], [0.2]], [[1.0, -0.5]])
    assert same == MATRICES and len({same, MATRICES, ZEROS}) == 2
    assert LinearFilter([0, 0, 1], [5, 1]) == LinearFilter((1.0,), (5.0, 1.0))
    assert [f.order for f in (Lowpass(1), Alpha(1), Gamma(1, 0), Gamma(1, 7), ZEROS)] == [1, 2, 1, 8, 2]
    assert repr(Alpha(5)) == "Alpha(5)" and repr(Gamma(5, 2)) == "Gamma(5, 2)"


@pytest.mark.parametrize("call, words", [
    (lambda: Lowpass(-5), ("tau", "positive", "-5")),
    (lambda: Lowpass(0), ("synapse=None",)),
    (lambda: Alpha(np.nan), ("nan",)),
    (lambda: Lowpass("5"), ("'5'",)),
    (lambda: Gamma(5, -1), ("n must be",)),
    (lambda: Gamma(5, 1.5), ("1.5",)),
    (lambda: LinearFilter((1, 0, 0), (5, 1)), ("degree 2", "differentiate")),
    (lambda: LinearFilter((1,), (5, -1)), ("0.2", "not stable")),
    (lambda: LinearFilter((1,), (1, 0)), ("not stable",)),
    (lambda: LinearFilter((1,), (0, 0)), ("denominator is 0",)),
    (lambda: LinearFilter((1,), (np.inf,)), ("finite",)),
    (lambda: LinearFilter("ab", (1,)), ("numbers",)),
    (lambda: LinearFilter.from_state_space([[-1, 0]], [1], [1]), ("(1, 2)",)),
    (lambda: LinearFilter.from_state_space([[1]], [1], [1]), ("not stable",)),
    (lambda: Lowpass(5).discretise(0), ("dt",)),
    (lambda: Lowpass(5).apply(np.ones((2, 2, 2)), 1), ("(2, 2, 2)",)),
])
def test_messages(call, words):
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
