"""The published numbers of single neurons by another way: DOP853, roots, eigenvalues, plain loops.

Nothing here uses the engine, but where a test says so: equations and constants are written down a second
time.
"""

from __future__ import annotations

import numpy as np
import pytest
from outcomes import outcome
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, minimize_scalar

import neurosim as ns
from neurosim import published


def numbers(name: str) -> dict[str, published.Number]:
    return dict(published.load(name).REFERENCE.numbers)


def crossings(slopes, start, level, duration, tight=1e-10):
    """Return the times at which the first variable rises through `level`, and the states there."""

    def event(t, y):
        return y[0] - level

    event.direction = 1
    found = solve_ivp(slopes, (0, duration), start, method="DOP853", rtol=tight, atol=tight, events=event)
    return found.t_events[0], found.y_events[0], found


def numeric_jacobian(slopes, point):
    """Return the Jacobian by central differences of 1e-5: error about 1e-9."""
    point = np.asarray(point, dtype=float)
    columns = []
    for k in range(point.size):
        step = np.zeros(point.size)
        step[k] = 1e-5
        columns.append((np.array(slopes(0, point + step)) - np.array(slopes(0, point - step))) / 2e-5)
    return np.array(columns).T


# -- Hodgkin and Huxley ----------------------------------------------------------------------


def hh_rates(v):
    def linear(x):
        return 1.0 if x == 0 else x / -np.expm1(-x)

    return {
        "m": (linear((v + 40) / 10), 4 * np.exp(-(v + 65) / 18)),
        "h": (0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))),
        "n": (0.1 * linear((v + 55) / 10), 0.125 * np.exp(-(v + 65) / 80)),
    }


def hh_steady(v):
    return {x: a / (a + b) for x, (a, b) in hh_rates(v).items()}


def hh_ionic(v, m, h, n):
    return 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)


def hh(current):
    def slopes(t, y):
        v, m, h, n = y
        r = hh_rates(v)
        return [
            current - hh_ionic(v, m, h, n),
            *(a - (a + b) * x for (a, b), x in zip(r.values(), (m, h, n))),
        ]

    return slopes


def hh_point(current):
    v = brentq(lambda v: hh_ionic(v, *hh_steady(v).values()) - current, -100, 40, xtol=1e-13)
    return np.array([v, *hh_steady(v).values()])


def test_hodgkin_huxley_rest():
    known, point = numbers("hodgkin_huxley_1952"), hh_point(0.0)
    for name, value in zip(("v", "m", "h", "n"), point):
        assert known[f"rest_{name}"].agrees(value)


@pytest.mark.parametrize("name, low, high", [("hopf_low", 8.0, 12.0), ("hopf_high", 140.0, 165.0)])
def test_hodgkin_huxley_hopf_points_are_where_an_eigenvalue_crosses(name, low, high):
    def growth(current):
        return np.linalg.eigvals(numeric_jacobian(hh(current), hh_point(current))).real.max()

    found = brentq(growth, low, high, xtol=1e-6)
    assert numbers("hodgkin_huxley_1952")[name].agrees(found)
    # the engine's growth rates lead to the same place; differences of 1e-5 have the Jacobian right to 1e-8
    assert outcome("hodgkin_huxley_1952").measured[name] == pytest.approx(found, abs=2e-3)


def test_hodgkin_huxley_rates_against_dop853():
    known, measured = numbers("hodgkin_huxley_1952"), outcome("hodgkin_huxley_1952").measured
    for name, current in (("rate_10", 10.0), ("rate_20", 20.0), ("rate_50", 50.0)):
        times, _, _ = crossings(hh(current), hh_point(0.0), -20.0, 200.0, 1e-9)
        rate = 1000 * 5 / (times[-1] - times[-6])
        assert known[name].agrees(rate)
        # a fifth of the last digit: crossings of another level, timed to dt over 1500 ms
        assert measured[name] == pytest.approx(rate, abs=0.02)


def test_hodgkin_huxley_onset_against_dop853():
    known = numbers("hodgkin_huxley_1952")
    for name, current in (("onset_spikes_2", 2.0), ("onset_spikes_3", 3.0), ("onset_spikes_6_25", 6.25)):
        times, _, _ = crossings(hh(current), hh_point(0.0), -20.0, 400.0)
        assert known[name].agrees(len(times))
        assert not times.size or times[-1] < 300.0


def test_hodgkin_huxley_fold_of_cycles_by_return_map():
    """From the cycle of 6.28 uA/cm2 firing goes on at 6.2606 and ends at 6.2600."""
    times, states, _ = crossings(hh(6.28), hh_point(0.0), -20.0, 600.0, 1e-9)
    assert 6.2600 < numbers("hodgkin_huxley_1952")["firing_until"].value < 6.2606
    for current, goes_on in ((6.2606, True), (6.2600, False)):
        times, _, _ = crossings(hh(current), states[-1], -20.0, 1500.0, 1e-9)
        assert (times.size > 0 and times[-1] > 1450.0) == goes_on


def test_hodgkin_huxley_shocks_against_dop853():
    """Instantaneous displacements, as in figure 12; heights agree to what samples of 0.01 ms miss."""
    rest = hh_point(0.0)
    for shock, fires in ((6.0, False), (7.0, True), (15.0, True)):
        found = solve_ivp(
            hh(0.0), (0, 12), rest + [shock, 0, 0, 0], method="DOP853", rtol=1e-9, atol=1e-9, max_step=0.01
        )
        assert (found.y[0].max() > 0) == fires
        if shock == 15.0:
            height = found.y[0].max() - rest[0]
            assert numbers("hodgkin_huxley_1952")["spike_height"].agrees(height)
            assert outcome("hodgkin_huxley_1952").measured["spike_height"] == pytest.approx(height, abs=0.01)


def test_hodgkin_huxley_clamp_in_closed_form():
    """x(t) = x_inf + (x_0 - x_inf) exp(-t/tau) for each gate; every step of the figure, sample by sample."""
    known, kept = numbers("hodgkin_huxley_1952"), outcome("hodgkin_huxley_1952").results
    start = hh_steady(-65.0)
    for k, v in enumerate(kept["clamp_steps"]):
        t, r = kept["clamp_na"].times, hh_rates(v)
        x = {g: a / (a + b) + (start[g] - a / (a + b)) * np.exp(-(a + b) * t) for g, (a, b) in r.items()}
        i_na, i_k = 120 * x["m"] ** 3 * x["h"] * (v - 50), 36 * x["n"] ** 4 * (v + 77)
        # exponential Euler is exact for a constant voltage: rounding of 4000 steps remains
        np.testing.assert_allclose(kept["clamp_na"].values[:, k], i_na, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(kept["clamp_k"].values[:, k], i_k, rtol=1e-9, atol=1e-9)
        if v == 0.0:
            assert known["clamp_peak_na"].agrees(i_na.min())
            assert known["clamp_steady_k"].agrees(36 * hh_steady(0.0)["n"] ** 4 * 77)


def test_hodgkin_huxley_ramp_shows_hysteresis():
    """Firing outlives the current at which it began."""
    measured = outcome("hodgkin_huxley_1952").measured
    assert measured["ramp_onset"] > measured["hopf_low"] - 0.5
    assert measured["firing_until"] - 0.2 < measured["ramp_offset"] < measured["firing_until"] + 0.2


# -- Lapicque ----------------------------------------------------------------------


def test_lapicque_numbers_are_those_of_the_law():
    """Values of i_rh/(1 - exp(-d/tau)) and 1/(t_ref + tau ln ...) worked out by hand to ten digits."""
    known = numbers("lapicque_1907")
    for name, value in (
        ("rheobase", 1.5),
        ("chronaxie", 6.931471806),
        ("threshold_1", 15.76249792),
        ("threshold_10", 2.372965060),
        ("rate_2", 63.03996),
        ("rate_3", 111.96363),
    ):
        assert known[name].value == pytest.approx(value, rel=1e-6)


def test_lapicque_measured_thresholds_follow_the_law():
    kept = outcome("lapicque_1907").results
    width, found = kept["pulse_width"], kept["pulse_threshold"]
    np.testing.assert_allclose(found, 1.5 / (1 - np.exp(-width / 10)), rtol=1e-8)
    assert width.size >= 20 and found[0] > 100 * found[-1]


# -- Morris and Lecar ----------------------------------------------------------------------

ML = {"hopf": (4.4, 2.0, 30.0, 0.04), "snlc": (4.0, 12.0, 17.4, 0.067)}


def ml(kind, current):
    g_ca, v_3, v_4, phi = ML[kind]

    def slopes(t, y):
        v, w = y
        m = 0.5 * (1 + np.tanh((v + 1.2) / 18))
        return [
            (current - 2 * (v + 60) - g_ca * m * (v - 120) - 8 * w * (v + 84)) / 20,
            phi * np.cosh((v - v_3) / (2 * v_4)) * (0.5 * (1 + np.tanh((v - v_3) / v_4)) - w),
        ]

    return slopes


def ml_steady(kind, v):
    """Return w and the current of the fixed point at v."""
    w = 0.5 * (1 + np.tanh((v - ML[kind][1]) / ML[kind][2]))
    return w, -20 * ml(kind, 0.0)(0, (v, w))[0]


def test_morris_lecar_hopf_points_are_zeros_of_the_trace():
    known = numbers("morris_lecar_1981")
    for name, low, high in (("hopf_low", -40, -10), ("hopf_high", 0, 20)):
        v = brentq(
            lambda v: np.trace(numeric_jacobian(ml("hopf", 0.0), (v, ml_steady("hopf", v)[0]))), low, high
        )
        current = ml_steady("hopf", v)[1]
        assert known[name].agrees(current)
        assert outcome("morris_lecar_1981").measured[name] == pytest.approx(current, abs=2e-3)


def test_morris_lecar_saddle_node_is_the_maximum_of_the_steady_current():
    found = minimize_scalar(
        lambda v: -ml_steady("snlc", v)[1], bounds=(-40, -20), method="bounded", options={"xatol": 1e-9}
    )
    assert numbers("morris_lecar_1981")["saddle_node"].agrees(-found.fun)


def test_morris_lecar_has_three_fixed_points_at_30():
    v = np.linspace(-80, 60, 2000)
    values = np.array([ml_steady("snlc", x)[1] for x in v]) - 30.0
    assert np.sum(values[:-1] * values[1:] < 0) == numbers("morris_lecar_1981")["fixed_points_30"].value


def test_morris_lecar_rates_and_window_against_dop853():
    known = numbers("morris_lecar_1981")
    for name, kind, current in (
        ("rate_hopf_90", "hopf", 90.0),
        ("rate_hopf_150", "hopf", 150.0),
        ("rate_snlc_42", "snlc", 42.0),
    ):
        times, states, _ = crossings(ml(kind, current), (30.0, 0.1), 5.0, 1200.0)
        assert known[name].agrees(1000 * 4 / (times[-1] - times[-5]))
    for current, goes_on in ((88.31, True), (88.27, False), (216.8, True), (217.0, False)):
        start = (30.0, 0.1) if current < 100 else (-30.0, 0.45)
        times, _, _ = crossings(ml("hopf", current), start, 10.0 if current > 100 else 0.0, 6000.0, 1e-8)
        assert (times.size > 0 and times[-1] > 5800.0) == goes_on, current
    assert 88.27 < known["firing_from"].value < 88.31
    assert 216.8 < known["firing_to"].value <= 217.0


# -- FitzHugh ----------------------------------------------------------------------


def fhn(current):
    return lambda t, y: [y[0] - y[0] ** 3 / 3 - y[1] + current, (y[0] + 0.7 - 0.8 * y[1]) / 12.5]


def test_fitzhugh_rest_and_hopf_points():
    known = numbers("fitzhugh_1961")
    v = brentq(lambda v: v - v**3 / 3 - (v + 0.7) / 0.8, -2, 0, xtol=1e-14)
    assert known["rest_v"].agrees(v) and known["rest_w"].agrees((v + 0.7) / 0.8)
    for name, side in (("hopf_low", -1), ("hopf_high", 1)):
        v = side * np.sqrt(1 - 0.8 / 12.5)
        w = (v + 0.7) / 0.8
        current = w - v + v**3 / 3
        assert known[name].value == pytest.approx(current, abs=1e-12)
        assert np.trace(numeric_jacobian(fhn(current), (v, w))) == pytest.approx(0.0, abs=1e-9)


def test_fitzhugh_cycles_against_dop853():
    known = numbers("fitzhugh_1961")
    times, _, found = crossings(fhn(0.5), (2.0, -0.3), 1.0, 400.0)
    assert known["period_0_5"].agrees(np.diff(times)[-1])
    dense = solve_ivp(fhn(0.5), (0, 250), (2.0, -0.3), method="DOP853", rtol=1e-9, atol=1e-9, max_step=0.05)
    assert known["peak_0_5"].agrees(dense.y[0][dense.t > 200].max())  # 0.05 ms miss less than 1e-4
    assert 0.32415 < known["firing_from"].value < 0.32421
    for current, goes_on in ((0.32415, False), (0.32421, True), (1.5, False), (0.3, False)):
        times, _, _ = crossings(fhn(current), (2.0, -0.3), 1.0, 800.0, 1e-9)
        assert (times.size > 0 and times[-1] > 700.0) == goes_on, current


# -- Izhikevich ----------------------------------------------------------------------


def izhikevich_loop(row):
    """Return spike times by the loop of the paper's program: v first, then u with the new v."""
    v, u = row.v, row.b * row.v if row.u is None else row.u
    t = np.round(np.arange(round(row.stop / row.h) + 1) * row.h, 9)
    times = []
    for now, i in zip(t, row.current(t)):
        v = v + row.h * (0.04 * v**2 + row.linear * v + row.constant - u + i)
        u = u + row.h * row.a * (row.b * (v + row.shift) - row.leak * u)
        if v > 30:
            times.append(now)
            v, u = row.c, u + row.d
    return np.array(times)


@pytest.mark.parametrize("name", published.load("izhikevich_2003").PATTERNS)
def test_izhikevich_patterns_spike_by_spike(name):
    """The engine runs the paper's scheme: the same spikes as a plain loop, to the step."""
    row = published.load("izhikevich_2003").PATTERNS[name]
    np.testing.assert_allclose(
        outcome("izhikevich_2003").results["spikes"][name], izhikevich_loop(row), atol=1e-9
    )


def test_izhikevich_subthreshold_period_from_eigenvalues():
    """At rest v = -62.5, where d/dv (0.04 v^2 + 5 v) = 0: eigenvalues of ((0, -1), (a b, -a))."""
    v = np.roots([0.04, 5 - 0.26, 140])
    assert np.isclose(v, -62.5).any()
    eigenvalues = np.linalg.eigvals([[0.08 * -62.5 + 5, -1.0], [0.05 * 0.26, -0.05]])
    period = 2 * np.pi / np.abs(eigenvalues.imag).max()
    assert numbers("izhikevich_2003")["subthreshold_oscillation_period"].value == pytest.approx(
        period, abs=0.01
    )


def test_izhikevich_has_twenty_patterns():
    rows = published.load("izhikevich_2003").PATTERNS
    assert "".join(row.letter for row in rows.values()) == "ABCDEFGHIJKLMNOPQRST"


# -- Brette and Gerstner ----------------------------------------------------------------------


def adex_spikes(c_m, g_l, e_l, v_t, a, tau_w, b, v_reset, current, duration):
    """Return spike times (pF, nS, mV, pA, ms): DOP853 from spike to spike, cut off at -10 mV.

    From there to the cut-off of the model v needs less than 1e-7 ms.
    """

    def slopes(t, y):
        v, w = y
        return [
            (-g_l * (v - e_l) + 2 * g_l * np.exp((v - v_t) / 2) - w + current) / c_m,
            (a * (v - e_l) - w) / tau_w,
        ]

    def spike(t, y):
        return y[0] + 10.0

    spike.terminal, spike.direction = True, 1
    t, y, times = 0.0, [e_l, 0.0], []
    while True:
        found = solve_ivp(slopes, (t, duration), y, method="DOP853", rtol=1e-9, atol=1e-9, events=spike)
        if found.status != 1:
            return np.array(times)
        t = found.t_events[0][0]
        y = [v_reset, found.y_events[0][0][1] + b]
        times.append(t)


def test_adex_step_against_dop853():
    known, measured = numbers("brette_gerstner_2005"), outcome("brette_gerstner_2005")
    times = adex_spikes(281, 30, -70.6, -50.4, 4, 144, 80.5, -70.6, 1000, 400)
    assert known["step_spikes"].agrees(times.size) and known["step_first"].agrees(times[0])
    gaps = np.diff(times)
    assert known["step_adaptation"].agrees(gaps[-1] / gaps[0])
    # each of the 14 spikes is late by up to two steps of 0.005 ms, and all after it with it
    np.testing.assert_allclose(measured.results["main"].spikes["cells"].times - 20.0, times, atol=14 * 0.01)
    slow = adex_spikes(281, 30, -70.6, -50.4, 4, 144, 80.5, -70.6, 700, 1500)
    assert known["rate_0_7"].agrees(1000 / np.diff(slow)[-1])


def test_adex_hopf_point_is_a_zero_of_the_trace():
    def slopes(current):
        return lambda t, y: [
            (-30 * (y[0] + 70.6) + 60 * np.exp((y[0] + 50.4) / 2) - y[1] + current) / 281,
            (4 * (y[0] + 70.6) - y[1]) / 144,
        ]

    v = brentq(lambda v: np.trace(numeric_jacobian(slopes(0.0), (v, 4 * (v + 70.6)))), -52, -48)
    current = 30 * (v + 70.6) - 60 * np.exp((v + 50.4) / 2) + 4 * (v + 70.6)
    assert numbers("brette_gerstner_2005")["hopf"].agrees(current / 1000)
    # below the saddle node, as the two-variable theory says for a/g_l > tau_m/tau_w
    assert current < 34 * (18.2 + 2 * np.log(1 + 4 / 30))


def test_adex_patterns_spike_by_spike_against_dop853():
    """Spike for spike, with the engine at dt = 0.0005 ms; of the chaotic pattern the first six.

    A spike is late by up to two steps (the upstroke in its last steps, the wait for the end of the step), and
    all that follow with it; within a burst, which ends close to rest, a delay is magnified, at most fivefold.
    """
    module, dt = published.load("brette_gerstner_2005"), 0.0005
    known = dict(module.REFERENCE.numbers)
    cells = module.patterns()
    drive = ns.DC(np.array([row[-1] for row in module.PATTERNS.values()]) / 1000, target=cells)
    trains = ns.simulate(ns.Network([cells], stimuli=[drive]), 600.0, dt, method="rk4").spikes["cells"]
    found = {}
    for k, (name, row) in enumerate(module.PATTERNS.items()):
        times = found[name] = adex_spikes(*row[:3], -50.0, *row[3:], 600.0)
        n = 6 if name == "irregular_spiking" else times.size
        assert name == "irregular_spiking" or trains[k].size == n
        late = 2 * dt * np.arange(1, n + 1) * (5 if "burst" in name or name == "irregular_spiking" else 1)
        assert np.all(np.abs(trains[k][:n] - times[:n]) <= late), name
    gaps = {name: np.diff(times) for name, times in found.items()}
    assert known["tonic_spiking_interval"].agrees(gaps["tonic_spiking"][-1])
    assert known["adaptation_ratio"].agrees(gaps["adaptation"][-1] / gaps["adaptation"][0])
    assert known["initial_burst_interval"].agrees(gaps["initial_burst"][-1])
    assert known["delayed_accelerating_delay"].agrees(found["delayed_accelerating"][0])
    assert known["delayed_accelerating_ratio"].agrees(
        gaps["delayed_accelerating"][-1] / gaps["delayed_accelerating"][0]
    )
    assert known["delayed_bursting_delay"].agrees(found["delayed_bursting"][0])
    regular = found["regular_bursting"]
    starts = regular[1:][gaps["regular_bursting"] > 20]
    assert known["regular_bursting_period"].agrees(np.diff(starts)[-1])
    assert known["transient_spiking_spikes"].agrees(found["transient_spiking"].size)


@pytest.mark.slow
def test_adex_irregular_intervals_against_dop853():
    """Six seconds of the irregular pattern, the first twenty intervals left out."""
    gaps = np.diff(adex_spikes(100, 12, -60, -50.0, -11, 130, 30, -48, 160, 6000.0))[20:]
    assert numbers("brette_gerstner_2005")["irregular_spiking_cv"].agrees(gaps.std() / gaps.mean())
