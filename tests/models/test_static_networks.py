"""Published networks at a size that suits a suite of tests; at full size those marked slow.

What is checked against is not the engine: Siegert's formula by another quadrature, numbers of synapses worked out by hand,
rates of other simulators.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import neurosim as ns
from neurosim import published
from neurosim.errors import ParameterError

FULL = ("brette_2007", "brunel_2000", "vogels_abbott_2005", "wang_2002")


def model(name: str):
    return published.load(name)


def mean_field():
    model("brunel_2000")
    return importlib.import_module("neurosim.models._mean_field")


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_published_numbers_at_full_size(name):
    module = model(name)
    rows = published.check(module.run(threads=2, progress=False), module.REFERENCE)
    wrong = [f"{r.name}: measured {r.measured:g}, published {r.published:g} +- {r.tolerance:g}" for r in rows if not r.ok]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", (*FULL, "potjans_diesmann_2014"))
def test_figures_are_drawn_of_small_and_short_runs(name, tmp_path):
    small = {"brette_2007": {"n": 400, "networks": 1}, "brunel_2000": {"n_e": 1200, "n_i": 300},
             "vogels_abbott_2005": {"n": 1000, "width": 20, "layers": 3}, "potjans_diesmann_2014": {"scale": 0.01},
             "wang_2002": {"n_e": 200, "n_i": 50, "trials": 1, "coherences": (0.0, 0.5), "onset": 20.0, "length": 20.0}}
    module = model(name)
    outcome = module.run(published.parameters(module, small[name]), duration=60.0, progress=False)
    ns.plot.save(module.figure(outcome), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


# -- mean field ----------------------------------------------------------------------

def test_siegert_against_a_plain_sum():
    """exp(x^2)(1 + erf x) by the trapezoidal rule with 2e-5 wide steps, whose error is below 1e-8."""
    from scipy.special import erf

    cases = ((15.0, 3.0, 20.0, 10.0, 2.0), (24.0, 5.0, 20.0, 0.0, 0.0), (5.0, 4.0, 15.0, 0.0, 2.0))
    for mu, sigma, v_th, v_reset, t_ref in cases:
        x = np.linspace((v_reset - mu) / sigma, (v_th - mu) / sigma, 200_001)
        area = np.trapezoid(np.exp(x**2) * (1 + erf(x)), x)
        wanted = 1000.0 / (t_ref + 20.0 * np.sqrt(np.pi) * area)
        assert mean_field().siegert(mu, sigma, 20.0, v_th, v_reset, t_ref) == pytest.approx(wanted, rel=1e-7)


def test_siegert_has_the_right_limits():
    siegert = mean_field().siegert
    clean = 1000.0 / (2.0 + 20.0 * np.log(30.0 / 10.0))
    # the correction of weak noise is of the order (sigma/mu)^2
    assert siegert(30.0, 0.01, 20.0, 20.0, 0.0, 2.0) == pytest.approx(clean, rel=1e-4)
    assert siegert(30.0, 0.0, 20.0, 20.0, 0.0, 2.0) == pytest.approx(clean, rel=1e-12)
    assert siegert(10.0, 0.0, 20.0, 20.0, 0.0, 2.0) == 0.0 == siegert(10.0, 0.1, 20.0, 20.0, 0.0, 2.0)
    # never faster than the refractory period allows
    assert siegert(1e6, 1.0, 20.0, 20.0, 0.0, 2.0) == pytest.approx(500.0, rel=1e-3)


def test_siegert_meets_a_simulation_of_white_noise():
    """400 neurons for 2 s at 9 Hz: 7,400 spikes give the rate to 1.2 % at most, 4 % is three standard deviations.

    Who looks only every dt sees a threshold higher by 0.583 sigma sqrt(dt/tau_m) (Broadie, Glasserman & Kou 1997,
    doi:10.1111/1467-9965.00035).
    """
    p = dict(tau_m=20.0, v_th=20.0, v_reset=10.0, t_ref=2.0)
    mu, sigma = 15.0, 5.0
    cell = ns.NeuronModel.from_equations("dv/dt = (mu - v)/tau_m + sigma*xi/sqrt(tau_m) (unless refractory)",
                                         threshold="v > v_th", reset="v = v_reset", refractory="t_ref",
                                         parameters=dict(mu=mu, sigma=sigma, **p),
                                         initial={"v": ns.Uniform(10.0, 20.0)})
    result = ns.simulate(ns.Population(400, cell, name="cells"), 2100.0, 0.01, seed=3, progress=False)
    wanted = mean_field().siegert(mu, sigma, 20.0, 20.0 + 0.583 * sigma * np.sqrt(0.01 / 20.0), 10.0, 2.0)
    assert result.spikes["cells"].rates(start=100.0).mean() == pytest.approx(wanted, rel=0.04)


# -- Brunel ----------------------------------------------------------------------

def test_brunel_states_differ_as_in_the_paper():
    """3,750 neurons with all 1,250 inputs of each: denser and more synchronous, hence tolerances of 10 % beside full size."""
    module = model("brunel_2000")
    p = published.parameters(module, {"n_e": 3000, "n_i": 750})
    m = module.run(p, duration=600.0, seed=1, progress=False).measured
    assert m["rate_ai"] == pytest.approx(m["theory_ai"], rel=0.1)
    assert m["rate_si_fast"] == pytest.approx(60.7, rel=0.1)
    assert 2.0 < m["rate_si_slow"] < 9.0
    assert m["cv_sr"] < 0.02 < 0.3 < m["cv_ai"] < 0.5 < 0.8 < m["cv_si_fast"]
    assert m["frequency_si_slow"] < 40.0 < 130.0 < m["frequency_si_fast"]
    assert m["rate_sr"] > 280.0


def test_brunel_rates_of_theory_depend_on_the_reset():
    module = model("brunel_2000")
    for v_reset, wanted in ((10.0, (55.84, 37.95, 6.52)), (0.0, (49.15, 32.03, 5.83))):
        for (g, eta), rate in zip(((6.0, 4.0), (5.0, 2.0), (4.5, 0.9)), wanted):
            found = module.stationary_rate(module.Parameters(g=g, eta=eta, v_reset=v_reset))
            assert found == pytest.approx(rate, abs=0.005)


def test_one_state_is_run_for_other_g_and_eta():
    module = model("brunel_2000")
    p = published.parameters(module, {"n_e": 400, "n_i": 100, "c_e": 40, "c_i": 10, "j": 2.5, "g": 6.0, "eta": 4.0})
    assert set(module.run(p, duration=50.0, progress=False).results) == {"si_fast"}


# -- Brette ----------------------------------------------------------------------

def test_cuba_agrees_with_other_simulators():
    """One network of 4,000 neurons: four standard deviations (0.4 Hz) between networks."""
    module = model("brette_2007")
    m = module.run(module.Parameters(kind="cuba", networks=1), seed=1, progress=False).measured
    assert m["rate_cuba"] == pytest.approx(5.5, abs=1.6)
    assert m["cv_cuba"] == pytest.approx(0.51, abs=0.05)


def test_coba_agrees_with_other_simulators():
    """One network: four standard deviations (1.6 Hz) between networks."""
    module = model("brette_2007")
    m = module.run(module.Parameters(kind="coba", networks=1), seed=1, progress=False).measured
    assert m["rate_coba"] == pytest.approx(20.5, abs=6.4)
    assert m["cv_coba"] == pytest.approx(1.65, abs=0.2)


def test_an_unknown_kind_is_named():
    module = model("brette_2007")
    with pytest.raises(ParameterError, match="coba"):
        module.build(module.Parameters(kind="cobra"))


# -- Vogels and Abbott ----------------------------------------------------------------------

def test_layers_of_a_path_do_not_overlap_and_are_the_best_connected():
    module = model("vogels_abbott_2005")
    p = module.Parameters(n=2000, width=30, layers=4)
    sources, targets = module._connections(p)
    layers = module.path(p, sources, targets)
    assert len(np.unique(np.concatenate(layers))) == 120
    used = set(layers[0])
    for one, two in zip(layers, layers[1:]):
        synapses = np.bincount(targets[np.isin(sources, one)], minlength=2000)[:1600]
        others = np.setdiff1d(np.arange(1600), [*used, *two])
        assert synapses[two].min() >= synapses[others].max()
        used |= set(two)
    # binomial counts of 2,000 neurons, mean 32: five standard deviations of the mean
    assert sources.size / 2000 == pytest.approx(32.0, abs=5 * np.sqrt(32 / 2000))
    assert np.all(sources != targets)


def test_a_path_carries_a_signal_over_three_layers():
    """Fewer neurons with more likely connections, as many inputs of each as at full size; the run is the same every time."""
    module = model("vogels_abbott_2005")
    p = module.Parameters(n=4000, p=0.05, layers=3, width=30)
    m = module.run(p, duration=1200.0, seed=1, progress=False).measured
    assert m["layers_reached"] == 3 and m["layers_without"] == 1
    assert m["rate"] == pytest.approx(8.4, abs=2.0) and m["cv"] > 1.0


# -- microcircuit ----------------------------------------------------------------------

def test_microcircuit_has_the_published_numbers_of_synapses():
    """The paper: 77,169 neurons, 0.3 thousand million synapses; table 5 gives back its probabilities."""
    module = model("potjans_diesmann_2014")
    c = module.layout(module.Parameters())
    assert c.sizes.sum() == 77_169
    assert c.numbers.sum() == pytest.approx(298_880_969, abs=64)
    pairs = np.outer(c.sizes, c.sizes).astype(float)
    np.testing.assert_allclose(-np.expm1(c.numbers * np.log1p(-1 / pairs)), module.TABLE_5, atol=1e-6)
    assert module.unit_weight(module.Parameters()) == pytest.approx(0.0878085, abs=1e-7)
    np.testing.assert_array_equal(c.current, 0.0)


@pytest.mark.parametrize("inputs", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("background", ["poisson", "dc"])
def test_microcircuit_keeps_the_mean_of_its_input_at_any_scale(inputs, background):
    """At the rates of the full network; half a synapse of rounding in each of the smallest populations' numbers."""
    module = model("potjans_diesmann_2014")

    def mean(p):
        c = module.layout(p)
        rest = p.tau_syn / 1000 * ((c.numbers / c.sizes[:, None] * c.weights) @ module.RATES + c.outside * c.w_outside)
        return rest + c.current

    small = mean(module.Parameters(scale=0.1, inputs=inputs, background=background))
    np.testing.assert_allclose(small, mean(module.Parameters()), rtol=2e-3)


def test_microcircuit_mean_field_is_near_the_rates_of_nest():
    """The theory leaves out correlations and unequal in-degrees: 20 %, and 0.1 Hz."""
    module = model("potjans_diesmann_2014")
    np.testing.assert_allclose(module.stationary_rates(module.Parameters()), module.RATES, rtol=0.1, atol=0.1)


def test_microcircuit_at_a_tenth():
    """Beside mean field: 12 %, and 0.5 Hz, as kicks are three times as large as at full size."""
    module = model("potjans_diesmann_2014")
    p = module.Parameters(scale=0.1)
    m = module.run(p, duration=1000.0, seed=2, progress=False).measured
    found = np.array([m[f"rate_{name}"] for name in module.POPULATIONS])
    theory = np.array([m[f"theory_{name}"] for name in module.POPULATIONS])
    np.testing.assert_allclose(found, theory, rtol=0.12, atol=0.5)
    assert found[0] < 1.0 < found[1] < found[2] < found[3] < found[4] < found[5]
    assert all(m[f"correlation_{name}"] < 0.03 for name in module.POPULATIONS)


@pytest.mark.slow
def test_microcircuit_at_full_size():
    """About 5 GB and some minutes."""
    module = model("potjans_diesmann_2014")
    outcome = module.run(module.Parameters(precision="float32"), threads=2, progress=False)
    wrong = [r for r in published.check(outcome, module.REFERENCE) if not r.ok]
    assert not wrong, wrong


# -- decisions ----------------------------------------------------------------------

def test_weights_of_the_decision_circuit_keep_their_sum():
    """What a selective neuron gets at equal rates does not depend on w_plus."""
    module = model("wang_2002")
    p = module.Parameters(n_e=800, n_i=200)
    member, onto = module.weights(p)
    whole = member @ onto
    np.testing.assert_allclose(whole.sum(axis=0), 800.0, rtol=1e-12)
    a, b = module.groups(p)
    assert np.all(whole[a, a] == 1.7) and np.all(whole[b, b] == 1.7) and np.all(whole[:, 2 * a.stop:] == 1.0)
    np.testing.assert_allclose(whole[a, b], 1 - 0.15 * 0.7 / 0.85, rtol=1e-12)


def test_a_strong_stimulus_decides():
    module = model("wang_2002")
    p = module.Parameters(coherences=(0.8,), trials=1, length=700.0, after=0.0, onset=300.0)
    m = module.run(p, seed=1, progress=False).measured
    assert m["correct_80"] == 1.0 and m["decided_80"] == 1.0 and 50.0 < m["time_80"] < 600.0


def test_the_psychometric_function_is_found_again():
    module = model("wang_2002")
    x = np.array([0.0, 0.032, 0.064, 0.128, 0.256, 0.512])
    found = module.fitted(x, module.weibull(x, 0.092, 1.5), 20)
    assert found == pytest.approx((0.092, 1.5), rel=1e-3)
