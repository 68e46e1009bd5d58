"""Neuron types of the NEF: their curves, gains and biases, measured curves of engine models; points on spheres."""

import numpy as np
import pytest

import neurosim as ns
from neurosim import nef
from neurosim.config import settings
from neurosim.errors import ParameterError
from neurosim.nef import curve as curve_module
from neurosim.nef.curve import Curve
from neurosim.nef.flatten import flatten
from neurosim.nef.lower import lower
from neurosim.nef.neurons import LIF, RectifiedLinear, Sigmoid, Tanh
from neurosim.nef.sphere import Ball, ScatteredBall, ScatteredSphere, Sphere, cube, default_n_eval_points

TYPES = [LIF(), LIF(tau_m=10, t_ref=0), LIF(tau_m=30, t_ref=1), RectifiedLinear(), Sigmoid(), Tanh()]


def test_lif_curve_against_its_formula_and_mpmath():
    import mpmath

    mpmath.mp.dps = 40
    for neurons in (LIF(), LIF(tau_m=20, t_ref=0), LIF(t_ref=1e-3)):
        for j in (1 + 2**-52, 1.0001, 1.5, 2, 17.3, 1e3, 1e9):
            x = mpmath.mpf(j)
            wanted = 1000 / (neurons.t_ref + neurons.tau_m * mpmath.log1p(1 / (x - 1)))
            # a dozen roundings, and eps tau_m/t_ref (at most 1e3 where log1p is left out) from the logarithm
            assert neurons.rates(j) == pytest.approx(float(wanted), rel=3e-13)
    assert LIF().rates(2.0) == pytest.approx(63.040002190641395, rel=1e-14)


def test_lif_is_silent_up_to_threshold_and_keeps_shapes():
    assert (LIF().rates([-5.0, 0, 1, np.nextafter(1, 0)]) == 0).all()
    assert LIF().rates(np.ones((2, 3, 4))).shape == (2, 3, 4)
    assert LIF().rates(np.zeros((0, 3))).shape == (0, 3)
    assert np.ndim(LIF().rates(3.0)) == 0


def test_many_lif_rates_at_once_are_those_of_the_formula():
    """The compiled loop, on all that currents can be: within 4 roundings of 2e-16 of what NumPy makes of the same formula."""
    rng = np.random.default_rng(3)
    ends = [1.0, np.nextafter(1, 2), 1e308, np.inf, -np.inf, np.nan]
    currents = np.concatenate([rng.normal(1, 5, 150_000 - len(ends)), ends]).reshape(500, 300)
    for neurons in (LIF(), LIF(10.0, 0.0), LIF(0.01, 5.0)):
        found = currents.copy()
        neurons.overwrite(found)
        np.testing.assert_allclose(found, neurons.rates(currents), rtol=1e-15)

    class Twice(LIF):
        def rates(self, current):
            return 2*super().rates(current)

    found = currents.copy()
    Twice().overwrite(found)
    np.testing.assert_array_equal(found, 2*LIF().rates(currents))


@pytest.mark.parametrize("neurons", TYPES, ids=repr)
def test_gain_bias_put_rate_and_intercept_where_they_were_asked_for(neurons):
    rng = np.random.default_rng(0)
    low, high = neurons.limits()
    high = min(high, 600)
    rates = rng.uniform(low + 0.05 * (high - low), 0.9 * high, 100)
    starts = rng.uniform(-1, 0.95, 100)
    gain, bias = neurons.gain_bias(rates, starts)
    assert (gain > 0).all()
    # conditioning: at 0.9 of the ceiling the slope of the inverse curve is some 1e2 / Hz
    np.testing.assert_allclose(neurons.rates(gain + bias), rates, rtol=1e-10)
    np.testing.assert_allclose(gain * starts + bias, neurons.onset, atol=1e-12)
    again, where = neurons.max_rates_intercepts(gain, bias)
    np.testing.assert_allclose(again, rates, rtol=1e-10)
    np.testing.assert_allclose(where, starts, atol=1e-12)


def test_closed_forms():
    np.testing.assert_allclose(RectifiedLinear().gain_bias(100, 0.5), ([200], [-100]))
    np.testing.assert_allclose(Sigmoid(t_ref=2.5).gain_bias(300, -1), ([np.log(3) / 2], [np.log(3) / 2]))
    np.testing.assert_allclose(Tanh(t_ref=2.5).gain_bias(200, 0), ([np.arctanh(0.5)], [0]), atol=1e-15)
    # J(max) = 1/(1 - exp((t_ref - T)/tau_m)), here with T = t_ref + tau_m ln 2, thus 2
    gain, bias = LIF().gain_bias(1000 / (2 + 20 * np.log(2)), 0.5)
    np.testing.assert_allclose((gain, bias), ([2], [0]), atol=1e-13)


def test_a_neuron_without_gain_has_no_intercept():
    rates, starts = LIF().max_rates_intercepts([0, 0], [0.5, 2])
    assert starts.tolist() == [np.inf, -np.inf]
    assert rates[0] == 0


@pytest.mark.parametrize("call, words", [
    (lambda: LIF().gain_bias([100, 500], 0), ("neuron 1 is 500 Hz", "below 500 Hz", "t_ref = 2 ms")),
    (lambda: LIF().gain_bias(100, [0, 0, 1]), ("intercepts of neuron 2 is 1", "below 1")),
    (lambda: LIF().gain_bias(100, -1.01), ("-1.01", "at least -1")),
    (lambda: LIF().gain_bias([0, -1], 0), ("neuron 0 is 0 Hz and 1 more", "above 0 Hz")),
    (lambda: LIF().gain_bias(np.nan, 0), ("nan",)),
    (lambda: LIF().gain_bias([1, 2], [0, 0, 0]), ("2 values", "3")),
    (lambda: LIF().gain_bias("fast", 0), ("'fast'",)),
    (lambda: Sigmoid().gain_bias(200, 0), ("above 200 Hz", "below 400 Hz")),
    (lambda: RectifiedLinear().gain_bias(np.inf, 0), ("inf",)),
    (lambda: LIF().max_rates_intercepts(np.inf, 0), ("gain", "finite")),
    (lambda: LIF(tau_m=0), ("tau_m",)),
    (lambda: LIF(t_ref=-1), ("t_ref",)),
    (lambda: LIF(v_min=0.1), ("v_min", "at most 0")),
    (lambda: Tanh(t_ref=0), ("t_ref",)),
    (lambda: Curve(3), ("NeuronModel",)),
    (lambda: Curve(ns.LIF(), input="j"), ("no input 'j'",)),
    (lambda: Curve(ns.LIF(tau_m=ns.Uniform(1, 2))), ("tau_m", "One number".lower())),
    (lambda: Curve(ns.LIF(), currents=(3, 1)), ("low current (3)",)),
    (lambda: Curve(ns.LIF(), start=2000), ("start",)),
    (lambda: Curve(ns.Graded()), ("threshold",)),
])
def test_messages(call, words):
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "cache_dir", tmp_path_factory.mktemp("curves"))
        patch.setattr(curve_module, "_measured", {})
        yield settings.cache_dir


def test_measured_curve_of_lif_is_the_analytic_one(cache_dir):
    dt = 0.01
    measured = Curve(ns.DimensionlessLIF(tau_m=20.0, t_ref=2.0), currents=(0.0, 20.0), duration=600, start=100, dt=dt)
    assert measured.onset == pytest.approx(1, abs=1e-3)
    j = np.linspace(1.2, 19, 500)
    wanted = LIF().rates(j)
    # spikes lie on the grid: each interval is long by at most one step
    assert (np.abs(1000 / measured.rates(j) - 1000 / wanted) < 1.5 * dt).all()
    assert (measured.rates([-3.0, 0.5]) == 0).all()


def test_type_ii_model_jumps_at_its_rheobase_and_falls_silent_above(cache_dir):
    squid = Curve(ns.HodgkinHuxley(), duration=800, start=400, dt=0.01)
    # anchors of the literature: endless firing from about 6.27 on, at once above 50 Hz; 68.3 Hz at 10, 86.5 Hz at 20
    assert squid.onset == pytest.approx(6.28, abs=0.03)
    assert 48 < squid.limits()[0] < 54
    np.testing.assert_allclose(squid.rates([10, 20, 50]), [68.3, 86.5, 117], rtol=0.01)
    # depolarisation block: the curve ends at its highest rate
    assert squid.samples.currents[-1] < 160
    gain, bias = squid.gain_bias([60, 100], [-0.5, 0.5])
    np.testing.assert_allclose(squid.rates(gain + bias), [60, 100], rtol=1e-9)
    np.testing.assert_allclose(squid.rates(gain * [-0.51, 0.49] + bias), 0)
    for rate in (20, 400):
        with pytest.raises(ParameterError, match="HodgkinHuxley can keep up, from its rheobase at 6.2"):
            squid.gain_bias(rate, 0)


@pytest.mark.parametrize("model", [ns.AdEx, ns.Izhikevich], ids=["AdEx", "Izhikevich"])
def test_other_models(model, cache_dir):
    cells = Curve(model(), duration=800, start=300, dt=0.1)
    low, high = cells.limits()
    assert low < 10 and high > 300
    wanted = np.linspace(20, 250, 40)
    np.testing.assert_allclose(cells.rates(cells.current(wanted)), wanted, rtol=1e-9)
    # the measurement itself, at currents between those of the samples
    currents = cells.current(np.array([40.0, 120.0, 200.0]))
    _, rates = ns.analysis.fi_curve(model(), currents, 800, 300, 0.1, estimate="intervals")
    np.testing.assert_allclose(rates, [40, 120, 200], rtol=0.02)


def test_measured_neurons_in_rate_mode_and_with_spikes(cache_dir):
    for model in (ns.HodgkinHuxley(), ns.AdEx()):
        cells = Curve(model, duration=800, start=400, dt=0.05)
        assert cells.spiking_model() is model
        c = cells.samples.currents
        currents = np.r_[c[0] - 1, c[0] - 1e-6, np.linspace(c[0] + 1e-6, c[-1], 300), c[-1] + 5]
        units = ns.Population(currents.size, cells.rate_model(), name="units")
        network = ns.Network([units], stimuli=[ns.DC(currents, target=units, input="i")],
                             probes=[ns.Probe(units, "rate", name="rate")])
        rates = ns.simulate(network, 2, 1.0).traces["rate"].values[1]
        # the lines stray by 1e-3 of the highest rate at the samples, and the cubics no more between them
        assert np.abs(rates - cells.rates(currents)).max() < 3e-3 * cells.limits()[1]
        assert rates[0] == rates[1] == 0 and rates[2] == pytest.approx(cells.limits()[0], abs=0.01 * cells.limits()[1])


def test_a_curve_is_measured_once(cache_dir, monkeypatch):
    make = lambda **more: Curve(ns.Izhikevich(), currents=(0.0, 20.0), duration=300, start=100, dt=0.1, **more)
    # another test may have measured it already, and kept it in another folder
    monkeypatch.setattr(curve_module, "_measured", {})
    first = make().samples
    monkeypatch.setattr(curve_module, "_measured", {})
    monkeypatch.setattr(Curve, "_measure", lambda self: pytest.fail("measured again"))
    again = make().samples
    np.testing.assert_array_equal(first.rates, again.rates)
    assert make().key() != Curve(ns.Izhikevich(a=0.1), currents=(0.0, 20.0), duration=300, start=100, dt=0.1).key()


def test_longer_steps_than_those_of_the_curve_warn(cache_dir, monkeypatch):
    monkeypatch.setattr(curve_module, "_measured", {})
    made_up = curve_module.Samples(np.linspace(1, 10, 20), np.linspace(0, 500, 20))
    monkeypatch.setattr(Curve, "_measure", lambda self: made_up)
    cells = nef.Ensemble(10, neurons=Curve(ns.HodgkinHuxley(), dt=0.05), name="cells")
    net = nef.Network([cells])
    with pytest.warns(ns.NumericalWarning, match=r"'cells'.* measured in steps of 0.05 ms; in steps of dt = 1 ms .*dt=0.05"):
        lower(flatten(nef.build(net)), nef.SPIKING)
    # neither in rate mode nor in shorter steps is there anything to say: a warning would be an error
    lower(flatten(nef.build(net)), nef.RATE)
    lower(flatten(nef.build(net, 0.05)), nef.SPIKING)
    lower(flatten(nef.build(net, 0.02)), nef.SPIKING)


@pytest.mark.parametrize("d", [1, 2, 3, 5, 16, 20])
@pytest.mark.parametrize("sampler", [Sphere(), ScatteredSphere(), Ball(), ScatteredBall()], ids=repr)
def test_points_have_the_moments_of_sphere_and_ball(sampler, d):
    n = 4000
    x = sampler.sample(n, d, np.random.default_rng(5))
    lengths = np.linalg.norm(x, axis=1)
    on = isinstance(sampler, (Sphere, ScatteredSphere))
    assert x.shape == (n, d)
    assert (np.abs(lengths - 1) < 1e-12).all() if on else lengths.max() <= 1
    # E x x^T is I/d on the sphere and I/(d + 2) in the ball; |x_i x_j| <= 1 with variance <= 3/d^2, so that 6 sd over all
    # entries is a false alarm of 1e-6; scattered points vary less
    wanted = np.eye(d) / (d if on else d + 2)
    assert np.abs(x.T @ x / n - wanted).max() < 6 * np.sqrt(3) / d / np.sqrt(n)
    assert np.abs(x.mean(axis=0)).max() < 6 / np.sqrt(d * n)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 8])
def test_scattered_points_are_more_even_than_random_ones(d):
    # share of points in a box [0, q): the error of random points is sqrt(p (1 - p)/n), that of even ones a fraction
    n, q = 1024, 0.7 ** (1 / d)
    p = q**d
    random = np.sqrt(p * (1 - p) / n)
    errors = [abs((cube(n, d, seed) < q).all(axis=1).mean() - p) for seed in range(40)]
    assert np.sqrt(np.mean(np.square(errors))) < 0.5 * random


def test_samplers_repeat_and_take_few_and_many():
    for sampler in (Sphere(), ScatteredSphere(), Ball(), ScatteredBall()):
        np.testing.assert_array_equal(sampler.sample(7, 3, 1), sampler.sample(7, 3, np.random.default_rng(1)))
        for n in (0, 1):
            for d in (1, 2, 6, 17):
                assert sampler.sample(n, d, 0).shape == (n, d)
        with pytest.raises(ParameterError, match="at least 1"):
            sampler.sample(3, 0, 0)
        with pytest.raises(ParameterError, match="integer"):
            sampler.sample(2.5, 2, 0)
    assert abs(ScatteredSphere().sample(1001, 1, 0).sum()) == 1


def test_default_number_of_points():
    assert [default_n_eval_points(n, d) for n, d in ((50, 1), (10_000, 1), (100, 2), (100, 3), (50, 16))] == [
        500, 500, 1500, 2000, 3000]
    assert 2900 < default_n_eval_points(10_000, 3) < 3100
    assert default_n_eval_points(5000, 1, regularised=False) == 10_000
