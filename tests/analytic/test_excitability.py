"""f-I curves, rheobase and tuning curves against closed forms."""

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ModelError, NetworkError, ParameterError
from neurosim.simulator.analysis import excitability

analysis = ns.analysis


def lif_period(current):
    """Period of ns.LIF() in ms; infinite up to 1.5 nA."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(current > 1.5, 2 + 10 * np.log(10 * current / (10 * current - 15)), np.inf)


# -- f-I curve ------------------------------------------------------------------------------------------------------

def test_fi_curve_counts():
    currents, rates = analysis.fi_curve(ns.LIF(), np.linspace(5, 0, 41), duration=2000, start=500, dt=0.05)
    assert currents[0] == 5 and currents.shape == rates.shape == (41,)
    period = lif_period(currents)
    # one spike more or less in 1.5 s, and up to dt added to each period
    assert np.all(rates <= 1000 / period + 1000 / 1500 + 1e-9)
    assert np.all(rates >= 1000 / (period + 0.05) - 1000 / 1500 - 1e-9)


def test_fi_curve_by_intervals_is_finer():
    currents = np.linspace(1.6, 5, 20)
    _, rates = analysis.fi_curve(ns.LIF(), currents, duration=500, start=100, dt=0.01, estimate="intervals")
    # each interval is the period rounded up to the grid
    assert np.all((1000 / rates >= lif_period(currents) - 1e-9) & (1000 / rates <= lif_period(currents) + 0.01 + 1e-9))
    assert analysis.fi_curve(ns.LIF(), [0.0, 1.5], estimate="intervals")[1].tolist() == [0.0, 0.0]


def test_fi_curve_takes_one_current_and_one_parameter_a_current():
    _, rates = analysis.fi_curve(ns.LIF(t_ref=[2.0, 12.0]), [3.0, 3.0], estimate="intervals")
    assert 1000 / rates[1] - 1000 / rates[0] == pytest.approx(10, abs=1e-9)
    assert analysis.fi_curve(ns.LIF(), 3.0)[1].shape == (1,)


def test_fi_curve_of_hodgkin_huxley_is_not_fooled():
    # equations of the design: 52.4 Hz at the onset, 68.3 at 10; block above 154.5
    _, rates = analysis.fi_curve(ns.HodgkinHuxley(), [6.2, 6.3, 10.0, 100.0, 200.0], 1000, 300, 0.02, method="rk4")
    assert rates[0] == rates[4] == 0
    # one spike in 0.7 s
    assert np.all(np.abs(rates[1:4] - [52.4, 68.3, 147.3]) < 1000 / 700 + 0.1)


def test_threads_change_nothing():
    currents = np.linspace(1, 5, 150)
    one = analysis.fi_curve(ns.LIF(), currents, 300, 0, 0.1)[1]
    np.testing.assert_array_equal(one, analysis.fi_curve(ns.LIF(), currents, 300, 0, 0.1, threads=2)[1])


# -- rheobase -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("tolerance", [1e-2, 1e-6, 1e-10])
def test_rheobase_of_the_leaky_neuron(tolerance):
    found = analysis.rheobase(ns.LIF(), 0.0, 7.0, tolerance, 500.0, 0.1)
    # (v_th - v_rest)/r_m; after 500 ms v is within exp(-50) of its end
    assert 1.5 <= found <= 1.5 + tolerance + 1.5e-15
    found = analysis.rheobase(ns.LIF(v_th=-58, r_m=4), 0.0, 7.0, tolerance, 500.0, 0.1)
    assert 1.75 <= found <= 1.75 + tolerance + 1.5e-15


def test_a_short_run_finds_the_strength_for_its_duration():
    # Lapicque's strength-duration curve: I = I_rheobase/(1 - exp(-t/tau))
    for duration in (2.0, 10.0, 30.0):
        found = analysis.rheobase(ns.LIF(), 0.0, 50.0, 1e-8, duration, 0.1)
        assert 0 <= found - 1.5 / -np.expm1(-duration / 10) <= 1e-8 + 1e-12


def test_rheobase_of_the_quadratic_neuron():
    found = analysis.rheobase(ns.QIF(), 0.0, 2.0, 1e-6, 2000.0, 0.1)
    # D/(4 r_m), from above: a distance x (mV) is passed in pi tau_m sqrt(D/x)
    assert 0.375 < found <= 0.375 + 15 * (np.pi * 10 / 2000) ** 2 / 10 + 1e-6


def test_rheobase_for_one_spike_and_for_lasting_fire_differ():
    model = ns.HodgkinHuxley()
    one = analysis.rheobase(model, 0.0, 10.0, 1e-2, 100.0, 0.02, method="rk4")
    many = analysis.rheobase(model, 5.0, 10.0, 1e-2, 1500.0, 0.02, start=1000.0, method="rk4")
    # silence at 2 and one spike at 2.5; silence after a while at 6.25, endless at 6.30
    assert 2.0 < one < 2.5 and 6.25 < many < 6.30


def test_rheobase_takes_quantities_and_negative_currents():
    assert analysis.rheobase(ns.LIF(), "0 nA", "7000 pA", "1 pA") == pytest.approx(1.5, abs=1.1e-3)
    # fires without input, needs a negative current to be silent
    found = analysis.rheobase(ns.LIF(v_rest=-40, v=-65), -5.0, 0.0, 1e-6, 500.0)
    assert -1 <= found <= -1 + 1e-6 + 1e-15


# -- tuning curves --------------------------------------------------------------------------------------------------

def test_tuning_curves_have_their_closed_form():
    stimulus = np.linspace(-1, 1, 21)
    encoders, gain, bias = np.array([1, -1, 1]), np.array([2.0, 3.0, 8.0]), np.array([1.5, 0.5, -5.0])
    cells = ns.Population(3, ns.DimensionlessLIF(), parameters={"tau_m": [20.0, 10.0, 30.0]})
    rates = analysis.tuning_curve(cells, stimulus, lambda x: gain * encoders * x + bias, 3000, 500, 0.05)
    assert rates.shape == (21, 3)
    drive = gain * encoders * stimulus[:, None] + bias
    with np.errstate(divide="ignore", invalid="ignore"):
        period = np.where(drive > 1, 2 + np.array([20, 10, 30]) * np.log(drive / (drive - 1)), np.inf)
    assert np.all(rates <= 1000 / period + 1000 / 2500 + 1e-9)
    assert np.all(rates >= 1000 / (period + 0.05) - 1000 / 2500 - 1e-9)


def test_neurons_are_those_of_a_run_and_do_not_depend_on_the_blocks(monkeypatch):
    cells = ns.Population(7, ns.LIF(tau_m=ns.Uniform(5, 30), v=ns.Uniform(-65, -50)), name="cells")
    stimulus = np.array([1.8, 2.5, 4.0])
    whole = analysis.tuning_curve(cells, stimulus, None, 300, 0, 0.1, seed=5)
    monkeypatch.setattr(excitability, "AT_ONCE", 14)
    np.testing.assert_array_equal(whole, analysis.tuning_curve(cells, stimulus, None, 300, 0, 0.1, seed=5))
    for k, current in enumerate(stimulus):
        net = ns.Network([cells], stimuli=[ns.DC(current, target=cells)])
        np.testing.assert_array_equal(whole[k], ns.simulate(net, 300, 0.1, seed=5).spikes["cells"].rates())
    assert len(set(whole[1])) > 3


def test_a_stimulus_of_several_dimensions():
    directions = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    angles = np.linspace(0, 2 * np.pi, 9)
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    rates = analysis.tuning_curve(ns.Population(3, ns.LIF()), points, lambda x: 1.5 + directions @ x, 500, 0)
    assert list(rates.argmax(axis=0)) in ([0, 2, 4], [8, 2, 4])
    assert analysis.tuning_curve(ns.LIF(), [0.0, 3.0]).shape == (2, 1)


# -- refusals -------------------------------------------------------------------------------------------------------

def test_wrong_arguments_are_refused():
    with pytest.raises(ParameterError, match="finite numbers of shape"):
        analysis.fi_curve(ns.LIF(), [[1.0]])
    with pytest.raises(ParameterError, match="finite numbers of shape"):
        analysis.fi_curve(ns.LIF(), [1.0, np.nan])
    with pytest.raises(ParameterError, match="must lie before the end"):
        analysis.fi_curve(ns.LIF(), [1.0], 100, 100)
    with pytest.raises(ParameterError, match="'count' or 'intervals'"):
        analysis.fi_curve(ns.LIF(), [1.0], estimate="mean")
    with pytest.raises(ModelError, match="no threshold"):
        analysis.fi_curve(ns.Graded(), [1.0])
    with pytest.raises(ParameterError, match="A NeuronModel|a NeuronModel"):
        analysis.fi_curve(ns.LIF, [1.0])
    with pytest.raises(NetworkError, match="input"):
        analysis.fi_curve(ns.LIF(), [1.0], input="j")
    with pytest.raises(ParameterError, match="fires at low=2 already"):
        analysis.rheobase(ns.LIF(), 2.0, 3.0)
    with pytest.raises(ParameterError, match="does not fire at high=1 within 1000 ms"):
        analysis.rheobase(ns.LIF(), 0.0, 1.0)
    with pytest.raises(ParameterError, match="must be below"):
        analysis.rheobase(ns.LIF(), 3.0, 1.0)
    with pytest.raises(ParameterError, match="finer than float64"):
        analysis.rheobase(ns.LIF(), 0.0, 3.0, 1e-18)
    with pytest.raises(ParameterError, match="shape"):
        analysis.tuning_curve(ns.Population(3, ns.LIF()), [1.0], lambda x: np.zeros(2))
    with pytest.raises(ParameterError, match="several dimensions"):
        analysis.tuning_curve(ns.LIF(), np.zeros((3, 2)))
    with pytest.raises(ParameterError, match="Population or a NeuronModel"):
        analysis.tuning_curve("LIF", [1.0])
