"""The Hodgkin-Huxley model: rest, bifurcations, and a spike count that is right at every current."""

import functools

import numpy as np
import pytest

import neurosim as ns

CURRENTS = (0.0, 2.0, 2.5, 3.0, 6.0, 6.2, 6.25, 6.26, 6.27, 6.3, 10.0, 20.0, 50.0, 80.0, 100.0, 120.0, 140.0, 150.0, 155.0,
            160.0, 200.0)


def driven(model, currents, duration, dt=0.02):
    cells = ns.Population(len(currents), model, name="cells")
    net = ns.Network([cells], stimuli=[ns.DC(np.asarray(currents, dtype=float), target=cells)])
    return ns.simulate(net, duration, dt, method="rk4").spikes["cells"]


@functools.cache
def steps():
    """Spikes for a step from rest to each of CURRENTS, 2 s."""
    spikes = driven(ns.HodgkinHuxley(), CURRENTS, 2000.0)
    return {current: spikes[k] for k, current in enumerate(CURRENTS)}


def top(current):
    return ns.analysis.fixed_point(ns.HodgkinHuxley(), {"i": current}).eigenvalues[0].real


# -- rest and Hopf points -------------------------------------------------------------------------------------------

def test_rest():
    rest = ns.analysis.fixed_point(ns.HodgkinHuxley())
    assert rest.stable and rest.kind == "stable focus"
    # half a unit of the last digit that is known
    for state, known, half in (("v", -64.996, 5e-4), ("m", 0.05296, 5e-6), ("h", 0.59599, 5e-6), ("n", 0.31773, 5e-6)):
        assert abs(rest.values[state] - known) <= half
    # a long run ends there
    cells = ns.Population(1, ns.HodgkinHuxley(), name="cells")
    result = ns.simulate(cells, 400.0, 0.05)
    for state in rest.values:
        # the slowest eigenvalue is -0.12/ms: exp(-48) is left; the method keeps fixed points exactly
        assert result.final("cells", state)[0] == pytest.approx(rest.values[state], rel=1e-10)


def test_hopf_points():
    from scipy.optimize import brentq

    # half a unit of the last digit that is known
    assert abs(brentq(top, 9.0, 10.5, xtol=1e-6) - 9.775) <= 5e-4
    assert abs(brentq(top, 150.0, 158.0, xtol=1e-5) - 154.52) <= 5e-3
    assert np.iscomplex(ns.analysis.fixed_point(ns.HodgkinHuxley(), {"i": 9.775}).eigenvalues[0])


def test_the_jacobian_is_the_derivative_of_the_equations():
    point = ns.analysis.fixed_point(ns.HodgkinHuxley(), {"i": 10.0})

    def slopes(y):
        v, m, h, n = y
        a, b = (v + 40) / 10, (v + 55) / 10
        return np.array([
            10 - 0.3 * (v + 54.387) - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77),
            a / (1 - np.exp(-a)) * (1 - m) - 4 * np.exp(-(v + 65) / 18) * m,
            0.07 * np.exp(-(v + 65) / 20) * (1 - h) - h / (1 + np.exp(-(v + 35) / 10)),
            0.1 * b / (1 - np.exp(-b)) * (1 - n) - 0.125 * np.exp(-(v + 65) / 80) * n])

    y = np.array(list(point.values.values()))
    assert np.abs(slopes(y)).max() < 1e-10
    # complex steps have no cancellation
    known = np.stack([np.imag(slopes(y + 1e-30j * np.eye(4)[k])) / 1e-30 for k in range(4)], axis=1)
    np.testing.assert_allclose(point.jacobian, known, rtol=1e-10, atol=1e-12)


# -- steps of current -----------------------------------------------------------------------------------------------

def test_counts_near_the_onset():
    counts = {current: len(times) for current, times in steps().items()}
    assert counts[0.0] == counts[2.0] == 0
    assert counts[2.5] == counts[3.0] == 1
    assert counts[6.0] == 2 and counts[6.2] == 3
    assert counts[6.25] == 8
    # at 6.26 the ghost of the cycle lasts for 0.8 s, at 6.27 the cycle is there
    assert steps()[6.26].max() < 1000
    for current in CURRENTS:
        lasts = steps()[current].size and steps()[current].max() > 1900
        assert lasts == (6.265 < current < 154.52)


@pytest.mark.parametrize("current, rate", [(6.3, 52.4), (10.0, 68.3), (20.0, 86.5), (50.0, 117.0)])
def test_rates(current, rate):
    times = steps()[current]
    late = times[times > 1000]
    found = 1000 * (late.size - 1) / (late[-1] - late[0])
    # half a unit of the last digit that is known (50 uA/cm2: 117 without a decimal); the grid adds dt over one second
    assert abs(found - rate) <= (0.5 if rate == 117.0 else 0.05) + 2 * 0.02 / 1000 * rate


@pytest.mark.parametrize("current", [6.25, 6.3, 10.0, 20.0, 50.0, 80.0, 100.0, 120.0, 140.0, 150.0])
def test_every_oscillation_counts_once(current):
    """The peaks of an independent solution, also where they stay far below 0 mV: at 150 uA/cm2 they reach -39 mV."""
    from scipy.integrate import solve_ivp

    duration = 250.0

    def slopes(t, y):
        v, m, h, n = y
        a, b = (v + 40) / 10, (v + 55) / 10
        alpha_m = a / -np.expm1(-a) if a else 1.0
        alpha_n = 0.1 * b / -np.expm1(-b) if b else 0.1
        return [current - 0.3 * (v + 54.387) - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77),
                alpha_m * (1 - m) - 4 * np.exp(-(v + 65) / 18) * m,
                0.07 * np.exp(-(v + 65) / 20) * (1 - h) - h / (1 + np.exp(-(v + 35) / 10)),
                alpha_n * (1 - n) - 0.125 * np.exp(-(v + 65) / 80) * n]

    peak = lambda t, y: slopes(t, y)[0]
    peak.direction = -1
    gates = [2.5 / np.expm1(2.5), 0.07, 0.1 / np.expm1(1)], [4.0, 1 / (np.exp(3) + 1), 0.125]
    start = [-65.0, *(a / (a + b) for a, b in zip(*gates))]
    found = solve_ivp(slopes, (0, duration), start, method="LSODA", rtol=1e-8, atol=1e-10, events=peak)
    tops = found.t_events[0][found.y_events[0][:, 0] > -43]
    times = steps()[current]
    times = times[times <= tops[-1] + 0.02]
    # one spike on the way to each peak, none elsewhere
    assert times.size == tops.size
    assert np.all(times[1:] > tops[:-1]) and np.all(times <= tops + 0.02)


def test_small_oscillations_do_not_count():
    # ringing around rest after the last spike at 6.25, and a fixed point that oscillates on its way out at 9.9
    assert steps()[6.25].max() < 200
    point = ns.analysis.fixed_point(ns.HodgkinHuxley(), {"i": 8.0}).values
    ringing = ns.HodgkinHuxley(**{**point, "v": point["v"] + 2.0})
    assert len(driven(ringing, [8.0, 8.0], 1000.0)) == 0
    # in depolarisation block oscillations of growing and of falling size cross -43 mV again and again
    for current in (155.0, 160.0, 200.0):
        assert steps()[current].max() < 200
    point = ns.analysis.fixed_point(ns.HodgkinHuxley(), {"i": 160.0}).values
    assert -44 < point["v"] < -42
    ringing = ns.HodgkinHuxley(**{**point, "v": point["v"] + 1.5})
    assert len(driven(ringing, [160.0, 160.0], 500.0)) == 0


# -- bistability ----------------------------------------------------------------------------------------------------

def test_rest_and_firing_coexist_between_6_265_and_9_775():
    cells = ns.Population(4, ns.HodgkinHuxley(), name="cells")
    last = np.array([6.3, 8.0, 9.0, 9.7])
    net = ns.Network([cells], stimuli=[ns.Ramp(first=0.0, last=last, start=0, stop=4000, target=cells)])
    slow = ns.simulate(net, 5000.0, 0.02, method="rk4").spikes["cells"]
    assert len(slow) == 0
    sudden = driven(ns.HodgkinHuxley(), last, 1000.0)
    assert np.all(sudden.counts(900, 1000) >= 4)


def test_the_fixed_point_holds_below_the_hopf_point_and_not_above():
    currents = np.array([6.3, 8.0, 9.7, 9.9, 12.0])
    points = [ns.analysis.fixed_point(ns.HodgkinHuxley(), {"i": i}).values for i in currents]
    start = {state: [p[state] for p in points] for state in points[0]}
    start["v"] = np.add(start["v"], 1e-3)
    rates = driven(ns.HodgkinHuxley(**start), currents, 6000.0).counts(5000, 6000)
    assert list(rates[:3]) == [0, 0, 0]
    assert np.all(rates[3:] > 50)
