"""Runs: conventions of time, bad input before the run, trouble during it, what comes back."""

import os
import re
import signal
import threading
import time

import numpy as np
import pytest

import neurosim as ns
from neurosim.simulator import memory
from neurosim.simulator.lower import lower

DECAY = ns.NeuronModel.from_equations("dv/dt = (i - v)/tau : mV", threshold="v > 1", reset="v = 0", refractory="t_ref",
                                      parameters=dict(tau=10.0, t_ref=2.0), inputs={"i": "mV"}, name="decay")


def run(size=1, current=2.0, duration=50.0, dt=0.1, probes=(), model=DECAY, **more):
    cells = ns.Population(size, model, name="cells")
    recorded = [ns.Probe(cells, **p) for p in probes]
    return ns.simulate(ns.Network([cells], stimuli=[ns.DC(current, target=cells)], probes=recorded), duration, dt, **more)


def test_spike_times_traces_and_refractoriness():
    result = run(probes=[dict(variable="v"), dict(variable="v", every=0.5, name="coarse"), dict(variable="i")])
    v, spikes = result.traces["v"], result.spikes["cells"]
    assert np.allclose(v.times, np.arange(500) * 0.1, atol=1e-9) and v.values.shape == (500, 1)
    assert v.unit == "mV" and v.population == "cells"
    # v(t) = 2 (1 - exp(-t/10)) passes 1 at 10 ln 2 = 6.93 ms: in the step that ends at 7.0
    assert spikes.times[0] == pytest.approx(7.0, abs=1e-9)
    assert v.values[69, 0] == pytest.approx(2 * (1 - np.exp(-0.69)), abs=1e-13)
    # held at the reset value for exactly t_ref, which is twenty steps
    assert np.all(v.values[70:91, 0] == 0) and v.values[91, 0] > 0
    assert np.allclose(np.diff(spikes.times), 9.0, atol=1e-9)
    assert np.array_equal(result.traces["coarse"].values, v.values[::5])
    assert np.all(result.traces["i"].values == 2.0)
    assert result.completed and result.time == pytest.approx(50.0) and result.methods == {"cells": "exact"}


def test_edge_detection_without_reset():
    model = ns.NeuronModel.from_equations("dphase/dt = 0.1", threshold="sin(phase) > 0.5", name="phase")
    spikes = ns.simulate(ns.Population(1, model, name="c"), 400, 0.1).spikes["c"]
    # the condition becomes true at phase = pi/6 + 2 pi k, that is every 62.83 ms
    assert np.allclose(spikes.times, np.ceil((np.pi / 6 + 2 * np.pi * np.arange(7)) / 0.01) * 0.1, atol=0.11)


def test_a_single_population_is_a_network_and_names_are_made():
    result = ns.simulate(ns.Population(2, DECAY), 1.0)
    assert list(result.spikes) == ["neurons"] and len(result.spikes["neurons"]) == 0
    with pytest.raises(KeyError, match="Did you mean 'neurons'"):
        result.spikes["neuron"]


def test_results_can_be_continued_with_another_step():
    cells = ns.Population(1, DECAY, name="cells")
    kick = ns.SpikeInput(times=[8.8, 12.0], weight=0.1, target=cells)
    net = ns.Network([cells], stimuli=[ns.DC(2.0, target=cells), kick],
                     probes=[ns.Probe(cells, "v"), ns.Probe(cells, "v", every=0.5, name="coarse")])
    first = ns.simulate(net, 8.7, 0.1)
    second = ns.simulate(net, 10.0, 0.05, resume=first)
    # the spike at 7.0 holds v until 9.0 whatever the step, then v grows from 0; the first kick is lost, the second adds 0.1
    assert second.start == pytest.approx(8.7)
    assert second.spikes["cells"].times[0] == pytest.approx(12 + np.ceil(200 * np.log(2 * np.exp(-0.3) - 0.1)) / 20, abs=1e-9)
    assert second.traces["v"].times[1] == pytest.approx(8.75)
    np.testing.assert_allclose(second.traces["coarse"].times, np.arange(9.0, 18.7, 0.5), atol=1e-9)
    third = ns.simulate(net, 1.0, 0.05, resume=second)
    np.testing.assert_allclose(third.traces["coarse"].times, [19.0, 19.5], atol=1e-9)


def test_a_parameter_that_is_drawn_must_be_one_that_could_be_given():
    with pytest.raises(ns.ParameterError, match=r"'tau' of decay, drawn from Normal.* for neuron \d+.* must be positive"):
        run(size=50, model=DECAY.with_parameters(tau=ns.Normal(1, 5)))
    above = ns.NeuronModel.from_equations("dv/dt = i", threshold="v > 1", reset="v = low", inputs=["i"], name="above",
                                          parameters=dict(low=ns.Uniform(0, 3)))
    with pytest.raises(ns.ModelError, match=r"leaves the threshold .* true for neuron \d+ with low = "):
        run(size=50, model=above)


@pytest.mark.parametrize("kind", [ns.WhiteNoise, ns.OrnsteinUhlenbeck])
def test_noise_that_is_shared_is_the_same_in_all_populations_and_parts(kind):
    a, b = ns.Population(3, DECAY, name="a"), ns.Population(2, DECAY, name="b")
    stimuli = [kind(sigma=1.0, shared=True, target=[a[:1], b, a[2]]), kind(sigma=1.0, shared=True, target=a[1])]
    one, other = (g.program for g in lower(ns.Network([a, b], stimuli=stimuli), 0.1, 3, None, False, "test"))
    # normal numbers are a function of seed, stream, neuron and step: equal streams, equal noise
    drawn = [re.findall(r"normal_pair\((seed, .*)\)", p.source) for p in (one, other)]
    assert drawn[0][0] == drawn[0][1] == drawn[1][0] != drawn[0][2] and "stream" not in drawn[0][0]
    first = [[p.x[0, row, 0] for name, row in p.rows.items() if name.startswith("_orn") and name.endswith("state")] for p in
             (one, other)]
    assert kind is ns.WhiteNoise or first[0][0] == first[0][1] == first[1][0] != first[0][2]


QUANTITIES = [
    (lambda c: ns.Sine("1 V", frequency="0.05 kHz", target=c), lambda c: ns.Sine(1000.0, frequency=50.0, target=c)),
    (lambda c: ns.DC("1 V", start="1000 us", stop="0.004 s", target=c), lambda c: ns.DC(1000.0, start=1.0, stop=4.0, target=c)),
    (lambda c: ns.OrnsteinUhlenbeck(sigma="1 V", tau="0.005 s", target=c),
     lambda c: ns.OrnsteinUhlenbeck(sigma=1000.0, tau=5.0, target=c)),
    (lambda c: ns.WhiteNoise("1 V*s**0.5", target=c), lambda c: ns.WhiteNoise(1000 * 1000**0.5, target=c)),
    (lambda c: ns.TimedArray(([1.0, 2.0], "V"), interval="0.001 s", target=c), lambda c: ns.TimedArray([1e3, 2e3], target=c)),
    (lambda c: ns.PoissonInput(rate="2 kHz", weight="100 uV", target=c),
     lambda c: ns.PoissonInput(rate=2e3, weight=0.1, target=c)),
    (lambda c: ns.SpikeInput(times=([1.0, 2.0], "ms"), weight="100 uV", target=c),
     lambda c: ns.SpikeInput(times=[1, 2], weight=0.1, target=c)),
    (lambda c: ns.SpikeInput(times=[1.0], weight="1 V", synapse=ns.Exponential(tau_syn=2.0), target=c),
     lambda c: ns.SpikeInput(times=[1.0], weight=1000.0, synapse=ns.Exponential(tau_syn=2.0), target=c)),
]


@pytest.mark.parametrize("given, plain", QUANTITIES)
def test_numbers_of_stimuli_may_be_quantities(given, plain):
    cells = ns.Population(2, DECAY, name="cells")
    program, twin = (lower(ns.Network([cells], stimuli=[s(cells)]), 0.1, 1, None, False, "test")[0] for s in (given, plain))
    # conversion is a product: a bit or two
    np.testing.assert_allclose(program.program.pu, twin.program.pu, rtol=1e-14)
    np.testing.assert_allclose(program.program.x, twin.program.x, rtol=1e-14)
    np.testing.assert_allclose(program.tab, twin.tab, rtol=1e-14)
    np.testing.assert_allclose(program.timing, twin.timing, rtol=1e-14)
    assert all(map(np.array_equal, program.events, twin.events))


@pytest.mark.parametrize("make, error, message", [
    (lambda c: ns.PoissonInput(rate="2 mV", weight=0.1, target=c), ns.UnitError, "'rate' of PoissonInput is in mV"),
    (lambda c: ns.PoissonInput(rate=ns.Uniform(1, 2), weight=0.1, target=c), ns.ParameterError, "not Uniform.*Draw the array"),
    (lambda c: ns.PoissonInput(rate=2.0, weight="2 nA", target=c), ns.UnitError, "'weight' of PoissonInput is in nA"),
    (lambda c: ns.SpikeInput(times=[1.0], weight="2 nA", target=c), ns.UnitError, "'weight' of SpikeInput is in nA"),
    (lambda c: ns.Waveform("a*t", {"a": "1 V"}, target=c), ns.UnitError, "'a' of Waveform is given in V, but no unit is"),
    (lambda c: ns.OrnsteinUhlenbeck(tau="5 mV", target=c), ns.UnitError, "'tau' of OrnsteinUhlenbeck is in mV"),
    (lambda c: ns.DC(1.0, start="1 mV", target=c), ns.UnitError, "start of DC is in mV"),
    (lambda c: ns.TimedArray([[1, 2], [3]], target=c), ns.ParameterError, "values must be an array of numbers"),
    (lambda c: ns.TimedArray(None, target=c), ns.ParameterError, "values must be an array of numbers, not None"),
])
def test_numbers_of_stimuli_that_cannot_be_used(make, error, message):
    cells = ns.Population(2, DECAY, name="cells")
    with pytest.raises(error, match=message):
        ns.simulate(ns.Network([cells], stimuli=[make(cells)]), 1.0)


def test_switching_spikes_off():
    cells = ns.Population(1, DECAY, name="cells")
    net = ns.Network([cells], stimuli=[ns.DC(2.0, target=cells)], record_spikes=False)
    assert not ns.simulate(net, 50).spikes


@pytest.mark.parametrize("arguments, message", [
    (dict(dt=0), "dt must be positive"),
    (dict(dt=-0.1), "dt must be positive"),
    (dict(dt=float("nan")), "dt must be finite"),
    (dict(dt="fast"), "dt must be a number in ms"),
    (dict(duration=-1), "duration must not be negative"),
    (dict(duration=float("inf")), "duration must be finite"),
    (dict(threads=0), "threads must be a whole number from 1"),
    (dict(threads=2.5), "threads must be a whole number"),
    (dict(seed=-1), "seed must be a whole number"),
    (dict(dtype="float16"), "dtype must be 'float64' or 'float32'"),
    (dict(resume=3), "resume= takes the result of an earlier run, not int"),
    (dict(probes=[dict(variable="v", every=0.25)]), r"every=0.25 ms is not a multiple of dt=0.1 ms"),
])
def test_arguments_that_cannot_be_used(arguments, message):
    with pytest.raises(ns.SimulationError, match=message):
        run(**arguments)


def test_duration_off_the_grid_warns_with_the_change():
    with pytest.warns(ns.NeurosimWarning, match="the run lasts 1.1 ms"):
        assert run(duration=1.13).time == pytest.approx(1.1)


def test_network_errors():
    cells = ns.Population(3, DECAY, name="cells")
    other = ns.Population(3, DECAY, name="cells")
    with pytest.raises(ns.NetworkError, match="Two populations are called 'cells'"):
        ns.Network([cells, other])
    with pytest.raises(ns.NetworkError, match="not in the network"):
        ns.Network([cells], stimuli=[ns.DC(1, target=other)])
    with pytest.raises(ns.NetworkError, match="Did you mean 'i'|no input 'ii'"):
        ns.Network([cells], stimuli=[ns.DC(1, target=cells, input="ii")])
    with pytest.raises(ns.NetworkError, match="no variable 'w' to record"):
        ns.Probe(cells, "w")
    with pytest.raises(ns.NetworkError, match="Neuron 3 does not exist"):
        ns.Probe(cells, "v", neurons=[0, 3])
    with pytest.raises(ns.NetworkError, match="Give target="):
        ns.DC(1.0)
    with pytest.raises(ns.ParameterError, match=r"shape \(4,\), but there are 3 target neurons"):
        ns.simulate(ns.Network([cells], stimuli=[ns.DC(np.ones(4), target=cells)]), 1)
    with pytest.raises(ns.ParameterError, match="whole number of neurons"):
        ns.Population(0, DECAY)
    with pytest.raises(ns.ParameterError, match="Call it to get a model"):
        ns.Population(1, ns.NeuronModel.from_equations)
    with pytest.raises(ns.ParameterError, match="NaN or infinity"):
        ns.TimedArray([0.0, np.nan], 1.0, target=cells)
    with pytest.raises(ns.ParameterError, match="stop .* must come after start"):
        ns.Step(1.0, start=5, stop=5, target=cells)


def test_too_little_memory_is_said_before_the_run(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**6)
    with pytest.raises(ns.SimulationError, match=r"needs 0.016 GB.*probe 'v'.*every="):
        run(size=200, duration=1000, probes=[dict(variable="v")])


def test_a_method_for_a_population_that_does_not_exist():
    with pytest.raises(ns.NetworkError, match="method=: there is no population 'cell'. Did you mean 'cells'"):
        run(method={"cell": "rk4"})


def test_absurd_sizes_are_refused_at_once():
    with pytest.raises(ns.SimulationError, match="GB are free"):
        run(size=2**31 - 1, duration=1e6, probes=[dict(variable="v")])


BLOWUP = ns.NeuronModel.from_equations("dv/dt = i\ndx/dt = x*x", inputs=["i"], initial={"x": 0.5}, name="blowup")


def test_a_state_that_is_no_longer_finite_stops_the_run():
    x = np.full(200, 0.001)
    x[131] = 0.25  # 1/x reaches 0 at t = 4
    cells = ns.Population(200, BLOWUP, name="cells", initial={"x": x})
    net = ns.Network([cells], probes=[ns.Probe(cells, "x", neurons=[0, 131])])
    with pytest.warns(ns.NumericalWarning, match=r"stopped at .* ms: x of neuron 131 in population 'cells'"):
        result = ns.simulate(net, 100, 0.01, threads=2)
    assert not result.completed
    # RK4 follows the pole at t = 4 to within a few steps before it overflows
    assert 3.95 < result.time < 4.2
    trace = result.traces["x"]
    assert np.all(np.isfinite(trace.values)) and trace.times[-1] == pytest.approx(result.time - 0.01)
    assert trace.values[300, 1] == pytest.approx(1 / (4 - 3.0), rel=1e-6)
    assert not np.isfinite(result.final("cells", "x")[131]) and np.isfinite(result.final("cells", "x")[0])


def test_spikes_after_the_fault_are_not_returned():
    model = ns.NeuronModel.from_equations("dv/dt = 1\ndx/dt = x*x", threshold="v > 0.995", reset="v = 0",
                                          initial={"x": 0.25}, name="faulty")
    healthy = ns.NeuronModel.from_equations("dv/dt = 1", threshold="v > 0.995", reset="v = 0", name="healthy")
    a, b = ns.Population(1, model, name="a"), ns.Population(70, healthy, name="b")
    with pytest.warns(ns.NumericalWarning):
        result = ns.simulate(ns.Network([a, b]), 100, 0.01)
    assert result.spikes["b"].times.max() <= result.time + 1e-9 < 4.2
    # every neuron fires at 1, 2, 3 and 4 ms; the fault comes at 4.0 to 4.1 ms
    assert len(result.spikes["b"]) == 70 * 4


@pytest.fixture
def heeds_ctrl_c():
    """A suite that a shell has started in the background ignores SIGINT from the beginning."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_returns_what_was_recorded(heeds_ctrl_c):
    cells = ns.Population(20_000, DECAY, name="cells")
    net = ns.Network([cells], stimuli=[ns.DC(2.0, target=cells)], probes=[ns.Probe(cells, "v", neurons=[0], every=1.0)])
    ns.simulate(net, 0.1)  # compiled beforehand, so that the signal meets the loop

    def interrupt():
        time.sleep(0.4)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.warns(ns.NumericalWarning, match="interrupted by Ctrl-C"):
        result = ns.simulate(net, 1e7, 0.1)
    assert not result.completed and 0 < result.time < 1e7
    assert len(result.traces["v"].times) == np.ceil(result.time - 1e-6)
    assert np.allclose(np.unique(result.spikes["cells"].times)[:3], [7.0, 16.0, 25.0], atol=1e-9)
    # and it can be continued
    assert ns.simulate(net, 9.0, 0.1, resume=result).completed


def test_progress_is_quiet_without_a_terminal(capfd):
    run(duration=2000.0)
    out, err = capfd.readouterr()
    assert out == "" and err == ""


def test_progress_shows_when_asked(capfd):
    run(size=100, duration=500.0, progress=True)
    assert "ms" in capfd.readouterr().err


def test_scratch_array_of_poisson_numbers_has_its_length():
    from neurosim.codegen.program import DRAW
    from neurosim.kernels.poisson import WORK

    # compiled code does not check bounds: a shorter array would be written past its end
    assert DRAW == WORK
