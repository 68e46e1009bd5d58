"""Each integrator has its order on smooth problems, with SciPy's DOP853 as truth."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurosim as ns

# one nonlinear oscillator with a smooth drive through the input, so that stages see time as well
FITZHUGH = ns.NeuronModel.from_equations(
    """
    dv/dt = v - v**3/3 - w + i
    dw/dt = (v + 0.7 - 0.8*w)/12.5
    """, inputs=["i"], initial={"v": -1.0, "w": -0.5}, name="fitzhugh")
DURATION = 16.0


def error(method: str, dt: float) -> float:
    cells = ns.Population(1, FITZHUGH, name="c")
    drive = ns.Sine(0.4, 60.0, offset=0.5, phase=0.3, target=cells)
    result = ns.simulate(ns.Network([cells], stimuli=[drive]), DURATION, dt, method=method)
    got = np.array([result.final("c", "v")[0], result.final("c", "w")[0]])
    return float(np.abs(got - truth()).max())


def truth() -> np.ndarray:
    def slope(t, y):
        i = 0.5 + 0.4 * np.sin(2 * np.pi * 60.0 * t / 1000 + 0.3)
        return [y[0] - y[0] ** 3 / 3 - y[1] + i, (y[0] + 0.7 - 0.8 * y[1]) / 12.5]

    return solve_ivp(slope, (0, DURATION), [-1.0, -0.5], method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]


@pytest.mark.parametrize("method, order, steps", [
    ("euler", 1, (0.02, 0.01, 0.005)),
    ("exponential_euler", 1, (0.02, 0.01, 0.005)),
    ("heun", 2, (0.04, 0.02, 0.01)),
    ("rk4", 4, (0.08, 0.04, 0.02)),
])
def test_order_of_convergence(method, order, steps):
    errors = np.array([error(method, dt) for dt in steps])
    # halving the step divides the error by 2**order; the next order term leaves the measured exponent within 0.3 at
    # these steps (the orders below and above are at least 0.7 away), and the errors stay far above rounding
    slopes = np.log2(errors[:-1] / errors[1:])
    assert np.all(np.abs(slopes - order) < 0.3), (errors, slopes)
    assert errors[-1] > 1e-11


def test_rk4_meets_dop853():
    # error = C dt^4 with C from dt = 0.08: at 0.02 it must be 256 times smaller; factor 2 for the higher terms
    assert error("rk4", 0.02) < 2 * error("rk4", 0.08) / 256 + 1e-12


LINEAR = ns.NeuronModel.from_equations(
    """
    dv/dt = (e_l - v + r*(s + i))/tau_m : mV
    ds/dt = (z - s)/tau_s : nA
    dz/dt = -z/tau_z : nA
    """, parameters=dict(e_l=-65.0, r=10.0, tau_m=20.0, tau_s=5.0, tau_z=2.0), inputs={"i": "nA"},
    initial={"v": -70.0, "s": 0.3, "z": 2.0}, name="chain")


def test_exact_is_exact_for_any_step():
    def slope(t, y):
        v, s, z = y
        return [(-65 - v + 10 * (s + 0.4)) / 20, (z - s) / 5, -z / 2]

    want = solve_ivp(slope, (0, 40), [-70.0, 0.3, 2.0], method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    for dt in (0.1, 1.0, 8.0):
        cells = ns.Population(3, LINEAR, name="c")
        result = ns.simulate(ns.Network([cells], stimuli=[ns.DC(0.4, target=cells)]), 40, dt)
        assert result.methods["c"] == "exact"
        for name, value in zip("vsz", want):
            # 400 steps of rounding at most: 400 * 2**-53 * 70 mV = 3e-12; the reference adds its rtol of 1e-13 * 70
            assert np.allclose(result.final("c", name), value, rtol=0, atol=1e-11), (dt, name)


def test_exact_with_a_different_time_constant_for_each_neuron():
    tau = np.array([5.0, 10.0, 20.0, 40.0])
    cells = ns.Population(4, LINEAR, name="c", parameters={"tau_m": tau})
    result = ns.simulate(ns.Network([cells], stimuli=[ns.DC(0.4, target=cells)]), 40, 0.5)
    for k, tau_m in enumerate(tau):
        one = ns.Population(1, LINEAR, name="c", parameters={"tau_m": tau_m})
        alone = ns.simulate(ns.Network([one], stimuli=[ns.DC(0.4, target=one)]), 40, 0.5)
        # the same arithmetic on the same numbers; the matrix exponentials may differ by a few units in the last place
        assert result.final("c", "v")[k] == pytest.approx(alone.final("c", "v")[0], abs=1e-11)


def test_exponential_euler_is_exact_for_a_single_linear_equation():
    model = ns.NeuronModel.from_equations("dv/dt = (i - v)/tau", parameters={"tau": 7.0}, inputs=["i"], name="decay")
    cells = ns.Population(1, model, name="c")
    net = ns.Network([cells], stimuli=[ns.DC(3.0, target=cells)])
    v = ns.simulate(net, 21, 3.0, method="exponential_euler").final("c", "v")[0]
    # seven steps of a few roundings each on numbers below 3
    assert v == pytest.approx(3 * (1 - np.exp(-3.0)), abs=1e-14)


# -- noise --------------------------------------------------------------------------------------------------------

GBM = ns.NeuronModel.from_equations("dx/dt = mu*x + sigma*x*xi", parameters=dict(mu=0.05, sigma=0.3),
                                    initial={"x": 1.0}, name="gbm")


def strong_error(method: str, dt: float, n: int = 4000, duration: float = 4.0) -> float:
    """Mean distance from the closed form on the same Brownian path, which the counter-based noise lets us rebuild."""
    from neurosim.simulator.draws import normals

    steps = round(duration / dt)
    path = np.zeros(n)
    for step in range(steps):
        path += np.sqrt(dt) * normals(11, 0, n, step)
    x = ns.simulate(ns.Population(n, GBM, name="c"), duration, dt, seed=11, method=method).final("c", "x")
    return float(np.mean(np.abs(x - np.exp((0.05 - 0.3**2 / 2) * duration + 0.3 * path))))


@pytest.mark.parametrize("method, order", [("euler_maruyama", 0.5), ("milstein", 1.0)])
def test_strong_order_on_geometric_brownian_motion(method, order):
    errors = [strong_error(method, dt) for dt in (0.2, 0.05, 0.0125)]
    slopes = np.log(np.array(errors[:-1]) / errors[1:]) / np.log(4)
    # the mean over 4000 paths of a positive error with coefficient of variation near 1 is known to 2 %: each slope to
    # 0.02 (one sigma); 0.12 leaves 6 sigma, false alarms below 1e-8, and tells 0.5 from 1.0
    assert np.all(np.abs(slopes - order) < 0.12), (errors, slopes)


def test_noise_of_an_ornstein_uhlenbeck_equation_has_its_variance():
    model = ns.NeuronModel.from_equations("dx/dt = -x/tau + sigma*sqrt(2/tau)*xi", parameters=dict(tau=5.0, sigma=2.0),
                                          name="ou")
    n = 20_000
    x = ns.simulate(ns.Population(n, model, name="c"), 50, 0.05, seed=3).final("c", "x")
    # Euler-Maruyama's stationary variance is sigma^2/(1 - dt/(2 tau)) = 1.00503 sigma^2; the sample variance of n normal
    # numbers has a relative sd of sqrt(2/n) = 0.01; 5 sigma: false-alarm rate 6e-7
    assert x.var() == pytest.approx(4 / (1 - 0.05 / 10), rel=5 * np.sqrt(2 / n))
    assert abs(x.mean()) < 5 * 2 / np.sqrt(n)


def test_method_is_chosen_by_analysis():
    def method(equations, **more):
        model = ns.NeuronModel.from_equations(equations, name="m", **more)
        return ns.simulate(ns.Population(1, model, name="c"), 0, 0.1).methods["c"]

    assert method("dv/dt = -v/tau", parameters={"tau": 10.0}) == "exact"
    assert method("dv/dt = g*(1 - v)\ndg/dt = -g/5") == "exponential_euler"
    assert method("dv/dt = v - v**3") == "rk4"
    assert method("dv/dt = -v/10 + 0.1*xi") == "euler_maruyama"
    assert method("dv/dt = -v/10 + 0.1*v*xi") == "milstein"
    assert method("dv/dt = -v/10 + sin(t)") == "exponential_euler"


def test_refused_methods_say_why():
    def run(equations, method, dt=0.1, **more):
        model = ns.NeuronModel.from_equations(equations, name="m", **more)
        ns.simulate(ns.Population(1, model, name="cells"), 10 * dt, dt, method=method)

    with pytest.raises(ns.ModelError, match="linear with constant coefficients"):
        run("dv/dt = -v**3", "exact")
    with pytest.raises(ns.ModelError, match="cannot integrate white noise"):
        run("dv/dt = -v + xi", "rk4")
    with pytest.raises(ns.ModelError, match="Did you mean 'rk4'"):
        run("dv/dt = -v", "rk44")
    with pytest.raises(ns.ModelError, match="share a noise term"):
        run("dv/dt = -v + v*xi\ndw/dt = -w + w*xi", "milstein")
    with pytest.raises(ns.SimulationError, match=r"dt=5 ms is too large.*time constant of 2 ms.*dt <= [34]"):
        run("dv/dt = -v/tau", "euler", dt=5.0, parameters={"tau": 2.0})


def test_stages_stay_below_the_reset():
    # in the upstroke an AdEx neuron's exponential would overflow within a stage of RK4 and take w along
    model = ns.AdEx()
    spikes = {}
    for dt in (0.1, 0.02, 0.001):
        cells = ns.Population(1, model, name="c")
        result = ns.simulate(ns.Network([cells], stimuli=[ns.DC(1.0, target=cells)]), 300, dt)
        assert result.methods["c"] == "rk4" and result.completed
        assert np.all(np.isfinite(result.final("c", "w")))
        spikes[dt] = result.spikes["c"].times
    # each spike is placed at the end of its step: late by at most dt, which the reset hands on to the next ones
    for dt in (0.1, 0.02):
        assert len(spikes[dt]) == len(spikes[0.001]) > 5
        late = spikes[dt] - spikes[0.001]
        assert np.all(np.abs(late) < 1.5 * dt * np.arange(1, len(late) + 1))


@pytest.mark.parametrize("method, limit", [("euler", 2.0), ("heun", 2.0), ("rk4", 2.785293563405282)])
def test_limit_of_stability(method, limit):
    model = ns.NeuronModel.from_equations("dv/dt = -v/tau + 0*w\ndw/dt = (v - w)/tau", parameters={"tau": 3.0}, name="pair")
    cells = ns.Population(2, model, name="c", initial={"v": 1.0})
    assert abs(ns.simulate(cells, 300 * 2.9, 2.9, method=method).final("c", "v")[0]) < 1
    with pytest.raises(ns.SimulationError, match="too large for method"):
        ns.simulate(cells, 300 * limit * 3.03, limit * 3.03, method=method)


def test_oscillations_count_for_stability():
    # a damped rotation: eigenvalues -0.1 +- 2i; Euler needs dt <= 0.2/4.01
    model = ns.NeuronModel.from_equations("dx/dt = -0.1*x - 2*y\ndy/dt = 2*x - 0.1*y", name="spiral")
    with pytest.raises(ns.SimulationError, match=r"dt <= 0\.049"):
        ns.simulate(ns.Population(1, model), 10, 0.1, method="euler")
    assert ns.simulate(ns.Population(1, model), 10, 0.1, method="rk4").completed
