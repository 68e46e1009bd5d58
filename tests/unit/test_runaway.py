"""Runaway activity is told, with rate and time, and stopped only if that is asked for."""

import re
import warnings

import numpy as np
import pytest

import neurosim as ns

DT = 0.1
#: fires with the rate that its parameter says, in Hz, from the time `start` on
CLOCK = ns.NeuronModel.from_equations("dp/dt = rate/1000*heaviside(t - start) + 0*g\ndg/dt = 0", threshold="p >= 1",
                                      reset="p -= 1", parameters={"rate": 20.0, "start": 0.0}, name="clock")


def network(rates, start=0.0, probes=()):
    """Populations that fire at given rates, joined by synapses that do nothing."""
    cells = [ns.Population(10, CLOCK, name=name, parameters={"rate": rate, "start": start}) for name, rate in rates.items()]
    links = [ns.Projection(c, c, ns.OneToOne(), ns.Delta(1.0, variable="g"), delay=1.0) for c in cells]
    return ns.Network(cells, links, probes=[ns.Probe(cells[0], v, every=0.5, name=v) for v in probes])


def told(warning):
    """Return the name, the rate, and beginning and end of the time it was taken over, as a message says them."""
    number = r"([\d.e+]+)"
    words = rf"'(\w+)' fires at {number} Hz \(mean of its neurons from {number} to {number} ms\)"
    found = re.search(words, str(warning.message))
    return found[1], *map(float, found.groups()[1:])


def test_a_rate_that_can_only_be_runaway_is_told_once():
    net = network({"calm": 100.0, "wild": 800.0, "mad": 1250.0})
    with pytest.warns(ns.NumericalWarning, match="^Runaway activity: .* The run goes on; max_rate= stops it") as caught:
        result = ns.simulate(net, 400.0, DT)
    assert result.completed and result.time == 400.0 and not result.problem
    assert sorted(told(w)[0] for w in caught) == ["mad", "wild"]
    for w in caught:
        name, rate, begin, end = told(w)
        assert w.filename == __file__ and begin == 0.0 and 50.0 <= end <= 400.0
        # one spike of ten neurons more or less at the ends
        assert rate == pytest.approx({"wild": 800.0, "mad": 1250.0}[name], abs=1000 / (end - begin) + 1)
        counts = np.sum(result.spikes[name].times <= end + DT / 2)
        assert rate == pytest.approx(1000 * counts / (10 * (end - begin)), rel=1e-3)


def test_the_warning_comes_when_it_begins():
    with pytest.warns(ns.NumericalWarning) as caught:
        ns.simulate(network({"late": 1000.0}, start=200.0), 600.0, DT)
    (warning,) = caught
    _, rate, begin, end = told(warning)
    assert end > 200.0 and rate > 500.0
    assert rate == pytest.approx(1000.0 * (end - max(begin, 200.0)) / (end - begin), abs=1000 / (end - begin) + 1)


@pytest.mark.parametrize("options", [{}, dict(max_rate=150.0), dict(max_rate=np.float64(150)), dict(max_rate=np.int32(101))])
def test_usual_rates_are_not_worth_a_word(options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ns.simulate(network({"a": 100.0, "b": 5.0}), 300.0, DT, **options).completed


def test_max_rate_stops_the_run():
    net = network({"calm": 20.0, "wild": 300.0}, probes=["p"])
    message = ("^The run stopped at .* ms: population 'wild' fired at .* Hz from 0 ms on, above max_rate=200 Hz. What was "
               "recorded until then is returned")
    with pytest.warns(ns.NumericalWarning, match=message) as caught:
        result = ns.simulate(net, 400.0, DT, max_rate=200.0, threads=2)
    (warning,) = caught
    # the advice fits: a smaller step would change nothing
    assert "give a higher max_rate" in str(warning.message) and "smaller dt" not in str(warning.message)
    assert warning.filename == __file__
    assert not result.completed and 50.0 <= result.time < 400.0 and result.duration == result.time
    assert result.problem.startswith("population 'wild' fired at ") and result.problem in repr(result)
    # what was recorded until then is whole
    whole = ns.simulate(net, 400.0, DT)
    for name, trains in result.spikes.items():
        until = whole.spikes[name].times <= result.time + DT / 2
        assert trains.stop == result.time and np.array_equal(trains.times, whole.spikes[name].times[until])
        assert np.array_equal(trains.indices, whole.spikes[name].indices[until])
    trace = result.traces["p"]
    n = int(np.ceil(result.time / 0.5 - 1e-9))
    assert len(trace.times) == n and np.array_equal(trace.values, whole.traces["p"].values[:n])
    assert len(result.connections["wild->wild"]) == 10
    # and the run can go on
    rest = ns.simulate(net, 400.0 - result.time, DT, resume=result)
    for name in ("calm", "wild"):
        joined = np.concatenate([result.spikes[name].times, rest.spikes[name].times])
        np.testing.assert_allclose(joined, whole.spikes[name].times, rtol=0, atol=1e-9)
    assert rest.time == pytest.approx(400.0) and rest.completed


def test_what_stops_for_another_reason_gets_other_advice():
    bad = ns.NeuronModel.from_equations("dz/dt = z**2", initial={"z": 0.2}, name="bad")
    with pytest.warns(ns.NumericalWarning, match="z of neuron 0 in population 'max' is no longer finite.*Try a smaller dt"):
        ns.simulate(ns.Population(1, bad, name="max"), 30.0, DT, max_rate=200.0)


@pytest.mark.parametrize("value", [0, 0.0, -3, float("nan"), "200", True, [200.0]])
def test_a_max_rate_is_a_positive_number(value):
    with pytest.raises(ns.SimulationError, match="max_rate must be a positive rate in Hz, not"):
        ns.simulate(network({"a": 1.0}), 1.0, DT, max_rate=value)
