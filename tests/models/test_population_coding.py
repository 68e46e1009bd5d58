"""Published models of population coding at a size that suits a suite of tests; at full size those marked slow.

Answers are known beforehand: closed forms (Pade approximants, moments of polynomials), a loop over one number beside a network,
or slopes of theory.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import neurosim as ns
from neurosim import nef, published
from neurosim.errors import ParameterError

NAMES = ("eliasmith_anderson_2003", "stewart_2010", "voelker_2019")
SMALL = {
    "eliasmith_anderson_2003": {"sizes": (16, 32), "draws": 1, "n": 20, "networks": 2, "n_oscillator": 30, "n_lorenz": 30},
    "stewart_2010": {"n": 10, "networks": 1, "differences": (0.4,), "onset": 20.0, "phase": 20.0},
    "voelker_2019": {"neurons": 60, "order": 2, "sizes": (20, 40), "orders": (2, 3), "networks": 1, "theta": 20.0,
                     "long_steps": 1000, "long_order": 10, "long_cycles": 2.0},
}


def model(name: str):
    return published.load(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_published_numbers_at_full_size(name):
    module = model(name)
    rows = published.check(module.run(threads=2, progress=False), module.REFERENCE)
    wrong = [f"{r.name}: measured {r.measured:g}, published {r.published:g} +- {r.tolerance:g}" for r in rows if not r.ok]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::neurosim.errors.NeurosimWarning")
def test_figures_are_drawn_of_small_and_short_runs(name, tmp_path):
    module = model(name)
    outcome = module.run(published.parameters(module, SMALL[name]), duration=60.0, progress=False)
    missing = set(module.REFERENCE.numbers) - set(outcome.measured)
    assert all(name.startswith("lorenz") for name in missing)
    ns.plot.save(module.figure(outcome), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_models_run_and_show_their_code_on_the_command_line(tmp_path):
    from neurosim.cli import main

    settings = [word for k, v in SMALL["stewart_2010"].items()
                for word in ("--set", f"{k}={','.join(map(str, v)) if isinstance(v, tuple) else v}")]
    done = CliRunner().invoke(main, ["run", "stewart_2010", "--duration", "40", "--out", str(tmp_path / "out"), *settings])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "out" / "stewart_2010.json").read_text())["parameters"]["n"] == 10
    done = CliRunner().invoke(main, ["source", "stewart_2010", "--set", "n=10"])
    assert done.exit_code == 0 and "LIF" in done.output


# -- Eliasmith and Anderson ----------------------------------------------------------------------

def test_errors_fall_as_theory_says():
    """Six draws of each size: the slopes are good to 0.05 for the noise, 0.25 for the distortion (seeds are fixed)."""
    module = model("eliasmith_anderson_2003")
    p = module.Parameters()
    sizes = (64, 128, 256)
    noise = [np.mean([module.errors(p, n, 0.1, k)[1] for k in range(6)]) for n in sizes]
    distortion = [np.mean([module.errors(p, n, module.FAINT, k)[0] for k in range(6)]) for n in sizes]
    assert np.polyfit(np.log(sizes), np.log(noise), 1)[0] == pytest.approx(-1.0, abs=0.1)
    assert -2.8 < np.polyfit(np.log(sizes), np.log(distortion), 1)[0] < -1.7


@pytest.mark.parametrize("leaky", [False, True])
def test_integrators_in_rate_mode_are_maps_of_one_number(leaky):
    """w <- a w + (1 - a) (A' x^(w) + B' u), which rounding leaves equal to 1e-9 in 600 steps."""
    module = model("eliasmith_anderson_2003")
    p = module.Parameters(n=40, networks=3, tau_eff=400.0)
    net = module.build(p, leaky)
    result = nef.simulate(net, 600.0, p.dt, seed=4, mode=nef.RATE, progress=False)
    a = np.exp(-p.dt / p.tau)
    decay = np.exp(-p.dt / p.tau_eff) if leaky else 1.0
    # exact steps of x' = -x/tau_eff + u/CARRIED
    back = (decay - a) / (1 - a)
    gain = ((1 - decay) * p.tau_eff if leaky else p.dt) / module.CARRIED / (1 - a)
    for k, (ensemble, d) in enumerate(zip(net["memory"].ensembles, result.built.decoders("recurrent"))):
        w, found = 0.0, []
        for step in range(600):
            found.append(w)
            u = module.starts(p)[k] if step * p.dt < module.CARRIED else 0.0
            w = a * w + (1 - a) * (back * module.decoded(result.built, ensemble, d, np.array([w]))[0] + gain * u)
        np.testing.assert_allclose(result["w"].values[:, k], found, atol=1e-9)


def test_numbers_of_integrators_and_oscillators_are_found_again():
    module = model("eliasmith_anderson_2003")
    t = np.arange(0.0, 2000.0)
    assert module.time_constant(t, np.exp(-t / 700.0), 100.0, 900.0) == pytest.approx(700.0)
    assert np.isnan(module.time_constant(t, np.exp(t / 700.0), 100.0, 900.0))
    circle = np.column_stack([np.cos(2 * np.pi * 3e-3 * t), np.sin(2 * np.pi * 3e-3 * t)])
    assert module.turning(t, circle, 100.0) == pytest.approx(3.0)
    assert module.turning(t, circle[:, ::-1], 100.0) == pytest.approx(-3.0)
    x = np.linspace(-1, 1, 401)
    # sin falls through 0 at odd multiples of pi
    np.testing.assert_allclose(module.zeros(x, np.sin(10 * x + 0.5)), (np.pi * np.array([-3, -1, 1, 3]) - 0.5) / 10, atol=1e-6)
    assert module.switches(np.array([0, 5, 1, -1, 4, -6, 2, 7.0])) == 2


def test_oscillator_keeps_its_frequency():
    """Rate mode: 0.1 % between networks of 500 neurons; spikes: 1 % faster, see the module; 2.5 s are five turns."""
    module = model("eliasmith_anderson_2003")
    p = module.Parameters(frequency=2.0)
    for mode, wanted in ((nef.RATE, pytest.approx(2.0, rel=0.01)), (nef.SPIKING, pytest.approx(2.0, rel=0.04))):
        x = nef.simulate(module.oscillator(p), 3000.0, p.dt, seed=2, mode=mode, progress=False)["x"]
        assert module.turning(x.times, x.values, 500.0) == wanted


def test_lorenz_attractor_in_rate_mode():
    """25 units of one network, the same every time: mean and spread of z vary by 0.3 in so short a time; thrice that is 1."""
    module = model("eliasmith_anderson_2003")
    p = module.Parameters(n_lorenz=1500, unit=1000.0)
    x = nef.simulate(module.lorenz(p), 30_000.0, p.dt, seed=1, mode=nef.RATE, progress=False)["x"]
    late = module.unscaled(x.values)[5000:]
    assert late[:, 2].mean() == pytest.approx(23.55, abs=1.0)
    assert late[:, 2].std() == pytest.approx(8.63, abs=1.0)
    assert module.switches(late[:, 0]) >= 5


def test_max_rates_are_two():
    module = model("eliasmith_anderson_2003")
    with pytest.raises(ParameterError, match="lowest and the highest"):
        module.build(module.Parameters(max_rates=(200.0,)))


# -- Legendre memory ----------------------------------------------------------------------

@pytest.mark.parametrize("order", [1, 2, 5, 12])
def test_memory_is_the_pade_approximant_of_a_delay(order):
    module = model("voelker_2019")
    w = np.linspace(0.0, 2.0 * order, 50)
    np.testing.assert_allclose(module.transfer(order, w), module.pade(order, w), atol=1e-11)
    # [0/1]: 1/(1 + s), and [1/2] from a table: (1 - s/3)/(1 + 2 s/3 + s^2/6)
    s = 1j * w
    if order == 1:
        np.testing.assert_allclose(module.pade(1, w), 1 / (1 + s), rtol=1e-12)
    if order == 2:
        np.testing.assert_allclose(module.pade(2, w), (1 - s / 3) / (1 + 2 * s / 3 + s**2 / 6), rtol=1e-12)
    # the error of slow signals vanishes like s^(2d)
    slow = np.array([0.2, 0.1])
    error = np.abs(module.pade(order, slow * order) - np.exp(-1j * slow * order))
    if order < 5:
        assert np.log2(error[0] / error[1]) == pytest.approx(2 * order, abs=0.2)


def test_memory_of_polynomials_has_their_legendre_coefficients():
    """u = 1: m = (1, 0, ...).  u = t: m_0 = t - theta/2, m_1 = -theta/2, half a step later, as u is held during steps.

    The saw that holding adds to a ramp, 1/n high with a period of one step, leaves some 1/n^2 = 2.5e-5.
    """
    module = model("voelker_2019")
    n, k = 200, np.arange(4000.0)
    m = module.ideal(5, n, np.ones(4000))[-1]
    np.testing.assert_allclose(m, [1, 0, 0, 0, 0], atol=1e-9)
    m = module.ideal(5, n, k / n)[-1]
    np.testing.assert_allclose(m, [(k[-1] - 0.5) / n - 0.5, -0.5, 0, 0, 0], atol=5e-5)
    u = (k / n) ** 2
    # (t - r)^2 with 2 r - 1 as variable; its slope is up to 40, and so are the saws
    t = (k[-1] - 0.5) / n
    wanted = np.polynomial.legendre.poly2leg((np.polynomial.Polynomial([t - 0.5, -0.5]) ** 2).coef)
    m = module.ideal(5, n, u)[-1]
    np.testing.assert_allclose(m[:3], wanted, atol=40 * 5e-5)


@pytest.mark.parametrize("cycles", [0.5, 1.0, 2.0])
def test_a_delayed_sine_is_as_wrong_as_the_approximant_says(cycles):
    """2000 steps a window: half a step is a phase of pi cycles/2000."""
    module = model("voelker_2019")
    w = 2 * np.pi * cycles
    wanted = np.abs(module.pade(6, np.array([w])) - np.exp(-1j * w))[0]
    assert module.sine_error(6, cycles, 2000) == pytest.approx(wanted, abs=1.1 * np.pi * cycles / 2000)


def test_neurons_hold_the_memory():
    """Rate mode leaves the distortion, some 1 %; with spikes four times the neurons halve the error.

    The mean of two networks is good to 6 %, the ratio to 8 %; 1.5 to 2.6 are three standard deviations and more.
    """
    module = model("voelker_2019")
    p = module.Parameters(networks=2, length=4.0)
    rate = nef.simulate(module.build(p), 4000.0, p.dt, mode=nef.RATE, progress=False)
    assert module.state_error(p, rate, module._input(p, None, 0)) < 0.02
    few, many = (module._errors(p, 6, m, None, dict(seed=5, threads=1, progress=False)) for m in (600, 2400))
    assert 1.5 < few / many < 2.6


def test_poisson_neurons_are_as_irregular_as_they_should_be():
    """20 neurons, 5 s at 100 Hz: 10,000 intervals. With p = 0.1 in each step the CV is sqrt(1 - p) = 0.949 +- 0.01."""
    module = model("voelker_2019")
    cells = nef.Ensemble(20, neurons=module.Poisson(), encoders=np.ones((20, 1)), max_rates=100.0, intercepts=-0.5)
    x = nef.Node(1.0)
    probe = nef.Probe(cells.neurons)
    trains = nef.simulate(nef.Network([x, cells], [nef.Connection(x, cells, synapse=None)], [probe]), 5000.0, seed=6,
                          progress=False)[probe]
    assert trains.rates().mean() == pytest.approx(100.0, rel=0.04)
    assert trains.cv_isi().mean() == pytest.approx(np.sqrt(0.9), abs=0.04)


def test_memory_refuses_what_it_cannot_do():
    module = model("voelker_2019")
    with pytest.raises(ParameterError, match="poisson, lif"):
        module.build(module.Parameters(cells="hh"))
    with pytest.raises(ParameterError, match="at least 12"):
        module.build(module.Parameters(neurons=10))
    with pytest.raises(ParameterError, match="longer run"):
        module.build(module.Parameters(), duration=50.0)


# -- basal ganglia ----------------------------------------------------------------------

def test_latency_and_choices_are_read_off():
    module = model("stewart_2010")
    assert module.latency(np.array([150.0, 203.0, 209.0, 214.0, 300.0]), 200.0, 400.0) == 14.0
    assert module.latency(np.array([150.0, 300.0]), 200.0, 400.0) == 0.0
    assert np.isnan(module.latency(np.arange(100.0, 400.0, 10.0), 200.0, 400.0))
    values = np.array([[0, 0.1], [0.9, 0.1], [0.8, 0.5], [0.1, 0.6], [0.9, 0.0], [0.9, 0.0]])
    steps, who = module.choices(values)
    assert steps.tolist() == [1, 3, 4] and who.tolist() == [0, 1, 0]
    assert module.choices(np.zeros((5, 3)))[0].size == 0


def test_the_largest_utility_is_selected_in_some_14_ms():
    """Three networks at a difference of 0.4: all decide, after 8 to 16 ms as twenty did."""
    module = model("stewart_2010")
    p = module.Parameters(differences=(0.4,), networks=3, cycles=700.0)
    m = module.run(p, seed=3, progress=False).measured
    assert m["selected"] == 1.0 and m["undecided_40"] == 0.0
    assert 6.0 < m["latency_40"] < 19.0
    # one cycle: standard deviation 2 ms of each of its intervals
    assert 30.0 < m["cycle"] < 42.0 and m["in_order"] == 1.0


def test_the_chosen_action_is_the_one_that_the_thalamus_lets_pass():
    module = model("stewart_2010")
    result = nef.simulate(module.build(), 900.0, 1.0, seed=2, progress=False)
    for k in range(3):
        late = slice(300 * k + 150, 300 * k + 300)
        mean = result["thalamus"].values[late].mean(axis=0)
        assert int(np.argmax(mean)) == k and mean[k] > 0.8 and np.delete(mean, k).max() < 0.1


def test_a_choice_needs_two_actions():
    module = model("stewart_2010")
    with pytest.raises(ParameterError, match="at least 2"):
        module.build(module.Parameters(actions=1))
    with pytest.raises(ParameterError, match="two utilities"):
        module.selection(module.Parameters(others=(0.1,)), 0.3)
