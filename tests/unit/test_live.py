"""Functions of time and callbacks: values that come from Python while the network runs."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import NetworkError, ParameterError, SimulationError

LOWPASS = ns.NeuronModel.from_equations("dx/dt = (u - x)/tau", parameters={"tau": 7.0}, inputs=["u"], name="lowpass")


def test_a_function_of_time_is_what_a_timed_array_of_its_samples_is() -> None:
    """Longer than the table of samples that is made in advance; part of a population, and one value for all."""
    cells = ns.Population(5, LOWPASS, name="cells")
    samples = np.stack([np.sin(np.arange(2600) / 50), np.cos(np.arange(2600) / 50)], axis=1)

    def values(stimuli):
        net = ns.Network([cells], stimuli=stimuli, probes=[ns.Probe(cells, "x", name="x")])
        return ns.simulate(net, 2600, 1.0).traces["x"].values

    live = values([ns.TimeFunction(function=lambda t: [np.sin(t / 50), np.cos(t / 50)], target=cells[[1, 3]]),
                   ns.TimeFunction(function=lambda t: 0.5, target=cells)])
    assert np.array_equal(live, values([ns.TimedArray(samples, 1.0, target=cells[[1, 3]]), ns.DC(0.5, target=cells)]))


def test_a_callback_sees_the_states_and_its_answer_is_held() -> None:
    first, second = ns.Population(2, LOWPASS, name="first"), ns.Population(2, LOWPASS, name="second")
    seen = []

    def answer(t, values):
        seen.append((t, values[0].copy()))
        return 2 * values[0]

    net = ns.Network([first, second], stimuli=[ns.DC(np.array([1.0, -1.0]), target=first),
                     ns.Callback(function=answer, every=10.0, reads=[(first, "x")], target=second)],
                     probes=[ns.Probe(second, "u", name="u")])
    result = ns.simulate(net, 50, 1.0)
    assert [t for t, _ in seen] == [0.0, 10.0, 20.0, 30.0, 40.0]
    for t, x in seen:
        # exact integration of a constant input; a few dozen roundings
        np.testing.assert_allclose(x, np.array([1, -1]) * (1 - np.exp(-t / 7.0)), atol=1e-14)
    np.testing.assert_array_equal(result.traces["u"].values, 2 * np.repeat([x for _, x in seen], 10, axis=0))


def test_a_split_run_asks_at_the_same_times() -> None:
    cells = ns.Population(1, LOWPASS, name="cells")
    times = []

    def answer(t, values):
        times.append(t)
        return np.cos(values[0] + t)

    net = ns.Network([cells], stimuli=[ns.Callback(function=answer, every=4.0, reads=[(cells, "x")], target=cells)],
                     probes=[ns.Probe(cells, "x", name="x")])
    whole = ns.simulate(net, 30, 1.0).traces["x"].values
    asked, times[:] = list(times), []
    part = ns.simulate(net, 13, 1.0)
    rest = ns.simulate(net, 17, 1.0, resume=part)
    assert times == asked == [4.0 * k for k in range(8)]
    assert np.array_equal(whole, np.concatenate([part.traces["x"].values, rest.traces["x"].values]))


def test_wrong_answers_and_descriptions_are_named() -> None:
    cells = ns.Population(2, LOWPASS, name="cells")

    def run(stimulus):
        ns.simulate(ns.Network([cells], stimuli=[stimulus]), 10, 1.0)

    with pytest.raises(SimulationError, match=r"at t = 3 ms the function returned NaN"):
        run(ns.TimeFunction(function=lambda t: np.nan if t == 3 else 0.0, target=cells))
    with pytest.raises(SimulationError, match=r"returned shape \(3,\); a number or shape \(2,\) is needed"):
        run(ns.TimeFunction(function=lambda t: [1.0, 2.0, 3.0], target=cells))
    with pytest.raises(SimulationError, match="returned str, not numbers"):
        run(ns.Callback(function=lambda t, x: "high", target=cells))
    with pytest.raises(SimulationError, match="every=1.5 ms is not a multiple of dt=1 ms"):
        run(ns.Callback(function=lambda t, x: 0.0, every=1.5, target=cells))
    with pytest.raises(ParameterError, match="every must be a positive time"):
        ns.Callback(function=lambda t, x: 0.0, every=0.0, target=cells)
    with pytest.raises(ParameterError, match="must be callable"):
        ns.TimeFunction(function=3.0, target=cells)
    with pytest.raises(NetworkError, match="has no state 'y' to read"):
        ns.Callback(function=lambda t, x: 0.0, reads=[(cells, "y")], target=cells)
