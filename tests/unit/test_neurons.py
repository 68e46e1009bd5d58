"""The built-in neuron models: each builds, runs, takes parameters, and solves the equations it states."""

import subprocess
import sys

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnitError
from neurosim.simulator.neurons import ACTIVATIONS, MODELS
from neurosim.simulator.neurons.graded import FORMS
from neurosim.units import parse

#: an input that makes each model fire within 50 ms
STRONG = {"LIF": 3.0, "DimensionlessLIF": 3.0, "QIF": 3.0, "ExpIF": 2.0, "AdEx": 1.5, "Izhikevich": 20.0,
          "HodgkinHuxley": 15.0, "TraubMiles": 0.5, "MorrisLecar": 150.0, "FitzHughNagumo": 0.8}
SPIKING = [pytest.param(name, id=name) for name in STRONG]
ALL = [pytest.param(name, id=name) for name in MODELS]


def driven(model, currents, duration=50.0, dt=0.05, **options):
    """Run one neuron for each current and return the result; every test uses one shape, which compiles once."""
    cells = ns.Population(len(currents), model, name="cells")
    net = ns.Network([cells], stimuli=[ns.DC(np.asarray(currents, dtype=float), target=cells)])
    return ns.simulate(net, duration, dt, **options)


def table(doc):
    """Return the rows of the parameter table in a docstring."""
    lines = doc.splitlines()
    rules = [k for k, line in enumerate(lines) if line.startswith("=====")]
    return lines[rules[1] + 1:rules[2]]


# -- description ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ALL)
def test_every_model_is_public_documented_and_has_units(name):
    factory = getattr(ns, name)
    assert factory is MODELS[name] and factory.__name__ == name
    model = factory()
    assert isinstance(model, ns.NeuronModel) and model.name.split("_")[0] == name
    quantities = [*model.parameters, *model.state_names, *model.inputs]
    assert all(model.units[q] is not None for q in quantities)
    for parameter in model.parameters:
        if name == "Graded" and parameter not in ("tau",):
            continue
        row = [line for line in table(model.doc) if line.startswith(parameter + " ")]
        assert len(row) == 1, f"{parameter} has no row of its own in the docstring"
        assert model.units[parameter] in row[0].split()
        if name != "MorrisLecar":
            assert float(row[0].split()[1]) == model.parameters[parameter]
    assert "Source:" in model.doc and ("doi:" in model.doc or "Dayan" in model.doc or "Eliasmith" in model.doc)
    assert "Args:" in model.doc and model.doc[0] != " "


def test_the_table_in_the_docstring_of_morris_lecar_is_true():
    for column, kind in enumerate(("hopf", "snlc", "homoclinic"), start=1):
        model = ns.MorrisLecar(kind)
        rows = {line.split()[0]: float(line.split()[column]) for line in table(model.doc)}
        assert rows == dict(model.parameters)


def test_the_default_model_is_built_once_and_never_changed():
    first = ns.LIF(tau_m=5)
    second = ns.LIF()
    assert first.parameters["tau_m"] == 5 and second.parameters["tau_m"] == 10
    assert first.states is second.states


def test_importing_neurosim_imports_no_model_and_no_compiler():
    code = ("import sys, neurosim; assert 'neurosim.simulator.neurons' not in sys.modules; neurosim.LIF(); "
            "heavy = {'numba', 'scipy', 'matplotlib'} & set(sys.modules); assert not heavy, heavy")
    subprocess.run([sys.executable, "-c", code], check=True)


# -- parameters -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ALL)
def test_parameters_and_initial_values_are_overridden_by_name(name):
    model = MODELS[name]()
    for parameter, value in model.parameters.items():
        changed = MODELS[name](**{parameter: value * 1.5 + 0.125})
        assert changed.parameters[parameter] == value * 1.5 + 0.125
        per_neuron = MODELS[name](**{parameter: [value * 1.5 + 0.125, value + 0.125]})
        assert per_neuron.parameters[parameter].shape == (2,)
        drawn = MODELS[name](**{parameter: ns.Uniform(1, 2)})
        assert drawn.parameters[parameter] == ns.Uniform(1, 2)
    for state in model.state_names:
        assert MODELS[name](**{state: 0.25}).initial[state] == 0.25


@pytest.mark.parametrize("name", ALL)
def test_quantities_are_converted_and_wrong_units_refused(name):
    model = MODELS[name]()
    for parameter, value in model.parameters.items():
        unit = model.units[parameter]
        if parse(unit).dimensionless and unit != "1":
            continue
        same = MODELS[name](**{parameter: f"{value * 1.25 + 0.125} {unit if unit != '1' else ''}".strip()})
        assert same.parameters[parameter] == pytest.approx(value * 1.25 + 0.125, rel=1e-15)
        wrong = "mV" if not parse(unit).compatible(parse("mV")) else "ms"
        with pytest.raises((UnitError, ParameterError), match=parameter):
            MODELS[name](**{parameter: f"1 {wrong}"})
    assert ns.LIF(tau_m="0.02 s", v_th="-0.04 V").parameters["tau_m"] == pytest.approx(20, rel=1e-15)


@pytest.mark.parametrize("name", ALL)
def test_unknown_names_are_refused_with_the_nearest(name):
    known = next(iter(MODELS[name]().parameters))
    with pytest.raises(ParameterError, match=f"no parameter '{known}x'. Did you mean '{known}'"):
        MODELS[name](**{f"{known}x": 1.0})


def test_values_that_cannot_be_are_refused():
    with pytest.raises(ParameterError, match="time constant must be positive"):
        ns.LIF(tau_m=0)
    with pytest.raises(ParameterError, match="capacitance must be positive"):
        ns.HodgkinHuxley(c_m=[1.0, -1.0])
    with pytest.raises(ParameterError, match="negative"):
        ns.AdEx(t_ref=-1)
    with pytest.raises(ns.ModelError, match="leaves the threshold"):
        ns.Population(1, ns.LIF(v_th=-70))


def test_classes_of_morris_lecar():
    assert ns.MorrisLecar().parameters == ns.MorrisLecar("hopf").parameters
    assert ns.MorrisLecar("snlc").parameters["v_4"] == 17.4
    assert ns.MorrisLecar("snlc", phi=0.1).parameters["phi"] == 0.1
    with pytest.raises(ParameterError, match="no class 'snic'. Did you mean 'snlc'"):
        ns.MorrisLecar("snic")


# -- runs -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", SPIKING)
def test_every_spiking_model_fires_with_a_strong_input_and_stays_finite(name):
    result = driven(MODELS[name](), [STRONG[name], 0.0, STRONG[name]])
    assert result.completed
    spikes = result.spikes["cells"]
    assert len(spikes[0]) >= 1
    np.testing.assert_array_equal(spikes[0], spikes[2])
    assert len(spikes[1]) == (1 if name == "TraubMiles" else 0)
    for state in MODELS[name]().state_names:
        assert np.isfinite(result.final("cells", state)).all()


def test_parameters_per_neuron_give_what_single_neurons_give():
    rates = np.array([10.0, 20.0, 5.0])
    together = driven(ns.AdEx(a=[0.0, 0.004, 0.01], v_t=[-50.4, -48, -52], tau_w=rates * 10), [0.8] * 3)
    for k, (a, v_t, tau) in enumerate(zip([0.0, 0.004, 0.01], [-50.4, -48, -52], rates * 10)):
        alone = driven(ns.AdEx(a=a, v_t=v_t, tau_w=tau), [0.8, 0.8])
        np.testing.assert_array_equal(together.spikes["cells"][k], alone.spikes["cells"][0])
        # constants are grouped differently, which changes the last bits; an orbit between spikes does not amplify them
        np.testing.assert_allclose(together.final("cells", "w")[k], alone.final("cells", "w")[0], rtol=1e-10)


def test_distributions_give_each_neuron_its_own_value():
    model = ns.LIF(tau_m=ns.Uniform(5, 20), v=ns.Uniform(-65, -50))
    first = driven(model, [3.0] * 50, seed=1).spikes["cells"]
    again = driven(model, [3.0] * 50, seed=1).spikes["cells"]
    other = driven(model, [3.0] * 50, seed=2).spikes["cells"]
    np.testing.assert_array_equal(first.times, again.times)
    assert len({tuple(first[k]) for k in range(50)}) > 10
    assert not np.array_equal(first.times, other.times)


def test_gates_start_at_their_steady_state():
    # (a_inf(v) - a)/tau_a(v) = 0 at v = -65 with the rates of the paper, written out by hand
    rates = {"m": (2.5 / np.expm1(2.5), 4.0), "h": (0.07, 1 / (np.exp(3) + 1)), "n": (0.1 / np.expm1(1), 0.125)}
    cells = ns.Population(2, ns.HodgkinHuxley(), name="cells")
    net = ns.Network([cells], probes=[ns.Probe(cells, gate) for gate in rates])
    result = ns.simulate(net, 1.0, 0.1)
    for gate, (alpha, beta) in rates.items():
        # the engine's functions are exact to a few units in the last place
        np.testing.assert_allclose(result.traces[gate].values[0], alpha / (alpha + beta), rtol=1e-14)


def test_removable_singularities_leave_no_trace():
    for model, places in ((ns.HodgkinHuxley(), [-40.0, -55.0]), (ns.TraubMiles(), [-50.0, -48.0, -23.0])):
        result = driven(ns.NeuronModel.with_parameters(model, v=places), [0.0] * len(places), duration=1.0)
        near = driven(model.with_parameters(v=np.add(places, 1e-9)), [0.0] * len(places), duration=1.0)
        for state in model.state_names:
            # neighbouring orbits part by the displacement times a modest factor within 1 ms
            np.testing.assert_allclose(result.final("cells", state), near.final("cells", state), rtol=1e-6, atol=1e-9)


# -- spikes against SciPy -------------------------------------------------------------------------------------------

def reset_orbit(rhs, start, event, reset, duration):
    """Spike times of a hybrid system by SciPy's DOP853 with event location."""
    from scipy.integrate import solve_ivp

    crossing = lambda t, y: event(y)
    crossing.terminal, crossing.direction = True, 1
    times, t, y = [], 0.0, np.array(start, dtype=float)
    while True:
        found = solve_ivp(rhs, (t, duration), y, method="DOP853", rtol=1e-10, atol=1e-12, events=crossing)
        assert found.success
        if not found.t_events[0].size:
            return np.array(times)
        t, y = float(found.t_events[0][0]), reset(found.y_events[0][0])
        times.append(t)


def adex(t, y):
    v, w = y
    return [(0.03 * (-70.6 - v + 2 * np.exp((v + 50.4) / 2)) - w + 1.0) / 0.281, (0.004 * (v + 70.6) - w) / 144]


def izhikevich(t, y):
    v, u = y
    return [0.04 * v * v + 5 * v + 140 - u + 10, 0.02 * (0.2 * v - u)]


def expif(t, y):
    return [(-65 - y[0] + 3.48 * np.exp((y[0] + 59.9) / 3.48) + 5.0) / 10]


@pytest.mark.parametrize("name, current, orbit", [
    ("AdEx", 1.0, (adex, (-70.6, 0), lambda y: y[0] + 30, lambda y: np.array([-70.6, y[1] + 0.0805]))),
    ("Izhikevich", 10.0, (izhikevich, (-65, -13), lambda y: y[0] - 30, lambda y: np.array([-65, y[1] + 8]))),
    ("ExpIF", 0.5, (expif, (-65,), lambda y: y[0] + 30, lambda y: np.array([-68.0]))),
])
def test_spike_times_are_those_of_scipy(name, current, orbit):
    dt, duration = 0.01, 100.0
    # SciPy has no refractory period, and cannot follow the exponential up to 20 mV
    model = {"AdEx": ns.AdEx(v_cut=-30), "ExpIF": ns.ExpIF(t_ref=0)}.get(name) or MODELS[name]()
    found = driven(model, [current, current], duration, dt).spikes["cells"][0]
    known = reset_orbit(*orbit, duration)
    known = known[known < duration - dt * len(known)]
    assert known.size >= 3
    found = found[:known.size]
    # a spike is put at the end of its step and the orbit starts anew from there: each spike adds 0 to dt of delay, and
    # a later start meets less adaptation, which can only shorten the following interval
    assert np.all(found - known <= dt * np.arange(1, known.size + 1) + 1e-6)
    assert np.all(found - known >= -dt)


def fitzhugh_nagumo(t, y):
    v, w = y
    return [v - v**3 / 3 - w + 0.5, (v + 0.7 - 0.8 * w) / 12.5]


def morris_lecar(t, y):
    v, w = y
    m_inf, w_inf = (1 + np.tanh((v + 1.2) / 18)) / 2, (1 + np.tanh((v - 12) / 17.4)) / 2
    return [(50 - 2 * (v + 60) - 4 * m_inf * (v - 120) - 8 * w * (v + 84)) / 20,
            0.067 * np.cosh((v - 12) / 34.8) * (w_inf - w)]


@pytest.mark.parametrize("model, current, rhs, start", [
    (ns.FitzHughNagumo(v=-1.0, w=0.5), 0.5, fitzhugh_nagumo, (-1.0, 0.5)),
    (ns.MorrisLecar("snlc", v=-40, w=0.1), 50.0, morris_lecar, (-40.0, 0.1)),
], ids=["FitzHughNagumo", "MorrisLecar"])
def test_orbits_are_those_of_scipy(model, current, rhs, start):
    from scipy.integrate import solve_ivp

    level = model.parameters["v_th"]
    event = lambda t, y: y[0] - level
    event.direction = 1
    known = solve_ivp(rhs, (0, 200), start, method="DOP853", rtol=1e-11, atol=1e-12, events=event)
    result = driven(model, [current, current], 200.0, 0.05)
    assert len(known.t_events[0]) >= 3
    late = result.spikes["cells"][0] - known.t_events[0]
    # a spike is put at the end of its step; rk4 leaves less than 1e-3 ms of phase over 200 ms
    assert np.all((late >= -1e-3) & (late <= 0.05 + 1e-3))
    for k, state in enumerate(model.state_names):
        # halving the step divides the error by 16; at this step it is below 1e-5 of the range of the orbit
        scale = np.ptp(known.y[k])
        assert abs(result.final("cells", state)[0] - known.y[k, -1]) < 1e-5 * scale


def test_the_homoclinic_class_rests_and_fires_at_the_same_current():
    model = ns.MorrisLecar("homoclinic", v=[-60, 20], w=[0.001, 0.1])
    rates = driven(model, [39.9, 39.9], 1000.0).spikes["cells"].rates(500)
    assert rates[0] == 0 and rates[1] > 30


def test_traub_miles_fires_as_the_same_equations_in_brian2():
    # Brian2 2.9, COBAHH example, rk4, dt 0.01 ms, inputs 0, 0.3 and 1 nA; it puts a spike at the start of its step
    known = [[10.97, 83.14, 155.32], [3.24, 20.18, 37.12, 54.06, 71.0, 87.93, 104.87, 121.81, 138.75, 155.69, 172.63, 189.57],
             [1.63, 9.17, 16.69, 24.22, 31.75]]
    spikes = driven(ns.TraubMiles(), [0.0, 0.3, 1.0], 200.0, 0.01, method="rk4").spikes["cells"]
    for k, times in enumerate(known):
        # equal but for rounding, which may move a crossing to the neighbouring step
        assert np.abs(spikes[k][:len(times)] - np.array(times) - 0.01).max() <= 0.01 + 1e-9
    assert len(spikes[1]) == 12


def test_the_refractory_period_of_traub_miles_counts_but_does_not_hold():
    free = driven(ns.TraubMiles(t_ref=0), [1.0, 1.0], method="rk4")
    held = driven(ns.TraubMiles(t_ref=20), [1.0, 1.0], method="rk4")
    np.testing.assert_array_equal(free.final("cells", "v"), held.final("cells", "v"))
    assert np.diff(held.spikes["cells"][0]).min() >= 20
    np.testing.assert_array_equal(held.spikes["cells"][0], free.spikes["cells"][0][::3])


# -- Poisson --------------------------------------------------------------------------------------------------------

def test_poisson_neurons_fire_at_their_rates():
    from scipy.stats import binom

    rates, dt, duration = np.array([0.0, 5.0, 50.0, 200.0, 10_000.0]), 0.1, 2000.0
    n, steps = 200, 20_000
    cells = ns.Population(n * len(rates), ns.Poisson(), name="cells", parameters={"rate": np.tile(rates, n)})
    spikes = ns.simulate(cells, duration, dt, seed=7).spikes["cells"]
    total = spikes.counts().reshape(n, len(rates)).sum(axis=0)
    assert total[0] == 0 and total[-1] == n * steps
    for count, rate in zip(total[1:-1], rates[1:-1]):
        # three two-sided exact tests, together a false alarm in 1e6 seeds
        low, high = binom.interval(1 - 1e-6 / 3, n * steps, rate * dt / 1000)
        assert low <= count <= high


# -- graded units and activation functions --------------------------------------------------------------------------

ENTRYWISE = [name for name in ACTIVATIONS if name not in ("softmax", "argmax")]
SMOOTH = ["identity", "logistic", "arctan", "tanh", "softplus", "lif_rate"]
# away from the kinks at 0 and 1
POINTS = np.array([-30.0, -7.5, -2.0, -0.3, 0.2, 0.7, 1.01, 1.5, 3.0, 12.0, 40.0])


#: every other is one more model to compile
FIRST = ("identity", "logistic", "tanh", "relu", "lif_rate")


@pytest.mark.parametrize("name", [n if n in FIRST else pytest.param(n, marks=pytest.mark.slow) for n in FORMS])
def test_graded_units_settle_at_their_activation(name):
    drive = np.array([-40.0, -2.0, -0.3, 0.0, 0.4, 1.0, 1.0 + 1e-9, 1.7, 30.0])
    result = driven(ns.Graded(name), drive, 600.0, 1.0)
    # exp(-60) of the distance is left; the compiled functions are good to a few units in the last place of the sum
    np.testing.assert_allclose(result.final("cells", "x"), ACTIVATIONS[name][0](drive), rtol=1e-13, atol=1e-15)
    assert result.methods["cells"] == "exact"


def test_graded_units_follow_the_low_pass_filter():
    result = driven(ns.Graded("identity", tau=10.0), [1.0, 2.0], 5.0, 0.1)
    # exact integration: rounding of 50 steps only
    np.testing.assert_allclose(result.final("cells", "x"), np.array([1.0, 2.0]) * -np.expm1(-0.5), rtol=1e-14 * 50)


def test_graded_refuses_what_is_no_unit():
    with pytest.raises(ParameterError, match="whole layer"):
        ns.Graded("softmax")
    with pytest.raises(ParameterError, match="Did you mean 'logistic'"):
        ns.Graded("logistics")
    assert ns.Graded("leaky_relu", slope=0.2).parameters["slope"] == 0.2


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_by_complex_steps(name):
    f, df = ACTIVATIONS[name]
    x = POINTS[POINTS > 1] if name == "lif_rate" else POINTS
    # a complex step has no cancellation: f(x + ih) = f + ih f' + O(h^2), with h^2 below rounding
    known = np.imag(f(x + 1e-30j)) / 1e-30
    np.testing.assert_allclose(df(x), known, rtol=1e-12)


@pytest.mark.parametrize("name", ENTRYWISE)
def test_derivatives_by_central_differences(name):
    f, df = ACTIVATIONS[name]
    h = 1e-5
    known = (f(POINTS + h) - f(POINTS - h)) / (2 * h)
    # error h^2 f'''/6 plus rounding eps |f|/h; f''' is greatest for the LIF rate, which is steep near 1
    tolerance = 2e-9 * (1 + np.abs(f(POINTS))) + (1e-3 * np.abs(df(POINTS)) if name == "lif_rate" else 0)
    assert np.all(np.abs(df(POINTS) - known) <= tolerance)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_keep_shapes_and_survive_extremes(name):
    f, df = ACTIVATIONS[name]
    with np.errstate(all="raise", under="ignore"):
        for x in (np.array([-1e4, -710.0, 0.0, 1.0, 710.0, 1e4]), np.array([[1, 2, 3], [0, -5, 9]]), np.array([0.5])):
            value, slope = f(x), df(x)
            assert np.isfinite(value).all() and np.isfinite(slope).all()
            assert value.shape == x.shape
            assert slope.shape == (x.shape if name in ENTRYWISE else (*x.shape, x.shape[-1]))
    assert np.isnan(f(np.array([np.nan, np.nan]))).any() or name == "argmax"


def test_activations_at_known_points():
    x = np.array([-2.0, 0.0, 2.0])
    known = {"identity": x, "threshold": [0, 0, 1], "relu": [0, 0, 2], "leaky_relu": [-0.02, 0, 2],
             "softplus": [np.log1p(np.exp(-2)), np.log(2), 2 + np.log1p(np.exp(-2))],
             "logistic": [1 / (1 + np.exp(2)), 0.5, 1 / (1 + np.exp(-2))], "tanh": np.tanh(x), "arctan": np.arctan(x),
             "lif_rate": [0, 0, 1000 / (2 + 20 * np.log(2))], "argmax": [0, 0, 1],
             "softmax": np.exp(x) / np.exp(x).sum()}
    for name, (f, _) in ACTIVATIONS.items():
        np.testing.assert_allclose(f(x), known[name], rtol=1e-15, atol=0)
    # tails without cancellation
    assert ACTIVATIONS["logistic"][0](-700.0) == pytest.approx(np.exp(-700), rel=1e-14)
    assert ACTIVATIONS["softplus"][0](-700.0) == pytest.approx(np.exp(-700), rel=1e-14)
    assert ACTIVATIONS["tanh"][1](300.0) == pytest.approx(4 * np.exp(-600), rel=1e-13)


def test_softmax_and_argmax_act_over_the_layer():
    f, df = ACTIVATIONS["softmax"]
    x = np.array([[0.3, -1.0, 2.0, 0.0], [5.0, 5.0, -5.0, 1.0]])
    assert np.allclose(f(x).sum(axis=-1), 1, rtol=1e-15)
    np.testing.assert_allclose(f(x + 1000.0), f(x), rtol=1e-12)
    known = np.stack([np.imag(f(x + 1e-30j * np.eye(4)[j])) / 1e-30 for j in range(4)], axis=-1)
    np.testing.assert_allclose(df(x), known, rtol=1e-12, atol=1e-18)
    one, zero = ACTIVATIONS["argmax"]
    np.testing.assert_array_equal(one(x), [[0, 0, 1, 0], [1, 0, 0, 0]])
    assert not zero(x).any()
