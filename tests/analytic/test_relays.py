"""Signals that go on within a step: pulses, delay 0, immediate projections, matrices as runs - against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import random_array

import neurosim as ns
from neurosim.errors import NetworkError, ParameterError

LOWPASS = ns.NeuronModel.from_equations("dx/dt = (u - x)/tau", parameters={"tau": 7.0}, inputs=["u"], name="lowpass")
RELAY = ns.NeuronModel.from_equations("y = u", inputs=["u"], name="relay")


def filtered(u: np.ndarray, tau: float, dt: float) -> np.ndarray:
    """Zero-order hold: the state at the start of each step."""
    x, decay = np.zeros(u.shape), np.exp(-dt / tau)
    for k in range(1, len(u)):
        x[k] = decay * x[k - 1] + (1 - decay) * u[k - 1]
    return x


@pytest.mark.parametrize("dt", [1.0, 0.25])
@pytest.mark.parametrize("delay", [0.0, 2.0])
def test_a_pulse_is_one_step_of_input_with_the_area_of_its_weight(dt: float, delay: float) -> None:
    """A spike at t acts in the step that begins at t + delay; the sum over all steps is exact whatever the step."""
    source = ns.Population(3, ns.Poisson(rate=80.0), name="source")
    target = ns.Population(2, LOWPASS, name="target")
    weight = np.array([[1.0, -2.0], [0.5, 0.0], [0.0, 3.0]])
    net = ns.Network([source, target], [ns.Projection(source, target, ns.Matrix(weight), ns.Pulse(), delay=delay)],
                     probes=[ns.Probe(target, "x", name="x")])
    result = ns.simulate(net, 400, dt, seed=4)
    spikes, u = result.spikes["source"], np.zeros((round(400 / dt), 2))
    assert len(spikes) > 50
    for t, j in zip(spikes.times, spikes.indices):
        if (k := round((t + delay) / dt)) < len(u):
            u[k] += weight[j] / dt
    # some hundred roundings of numbers of size 1
    np.testing.assert_allclose(result.traces["x"].values, filtered(u, 7.0, dt), atol=1e-13)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_immediate_projection_shows_the_end_of_the_same_step(threads: int) -> None:
    rng = np.random.default_rng(3)
    first, second, third = (ns.Population(n, LOWPASS, name=name) for n, name in ((3, "a"), (700, "b"), (2, "c")))
    forth, back = rng.normal(size=(3, 700)), rng.normal(size=(700, 2)) / 700
    drive = np.array([1.0, -0.5, 2.0])
    net = ns.Network([third, second, first], [
        ns.GradedProjection(first, second, forth, immediate=True),
        ns.GradedProjection(second, third, back, immediate=True),
        ns.GradedProjection(third, first, np.ones((2, 3)))],
        stimuli=[ns.DC(drive, target=first)], probes=[ns.Probe(p, "x", name=p.name) for p in (first, second, third)])
    result = ns.simulate(net, 40, 1.0, threads=threads)
    a, b, c, decay = np.zeros(3), np.zeros(700), np.zeros(2), np.exp(-1 / 7.0)
    for k in range(40):
        for name, x in (("a", a), ("b", b), ("c", c)):
            # sums of 700 terms of size 0.1
            np.testing.assert_allclose(result.traces[name].values[k], x, atol=1e-12)
        a = decay * a + (1 - decay) * (drive + c.sum())
        b = decay * b + (1 - decay) * (a @ forth)
        c = decay * c + (1 - decay) * (b @ back)


@pytest.mark.parametrize("shape", [(5, 1300), (1300, 5), (90, 90)])
def test_runs_of_a_sparse_matrix_equal_the_matrix(shape: tuple[int, int]) -> None:
    """Both directions of runs, gaps, blocks and tiles that are not full; the weight can be changed."""
    rng = np.random.default_rng(8)
    pre, post = ns.Population(shape[0], RELAY, name="pre"), ns.Population(shape[1], RELAY, name="post")
    matrix = random_array(shape, density=0.3, rng=rng, data_sampler=lambda size: rng.normal(size=size), format="csr")
    y = rng.normal(size=shape[0])
    net = ns.Network([pre, post], [ns.GradedProjection(pre, post, matrix, 2.0, "y", "u", immediate=True, name="w")],
                     stimuli=[ns.DC(y, target=pre)], probes=[ns.Probe(post, "u", name="u")])
    wanted = 2 * (matrix.T @ y)
    # sums of up to 1300 terms of size 1 in another order
    np.testing.assert_allclose(ns.simulate(net, 3, 1.0).traces["u"].values[-1], wanted, atol=1e-12)
    changed = ns.simulate(net, 3, 1.0, changes={"w": {"weight": 1.0}}).traces["u"].values[-1]
    np.testing.assert_allclose(changed, wanted / 2, atol=1e-12)


def test_a_spike_without_delay_acts_at_the_start_of_the_next_step() -> None:
    cell = ns.NeuronModel.from_equations("dv/dt = 0*v/ms", threshold="v >= 1", reset="v = 0", name="counter")
    chain = ns.Population(6, cell, name="chain", initial={"v": np.array([1.0, 0, 0, 0, 0, 0])})
    link = ns.Projection(chain, chain, ns.Explicit(np.arange(5), np.arange(1, 6)), ns.Delta(1.0), delay=0.0)
    spikes = ns.simulate(ns.Network([chain], [link]), 10, 0.5).spikes["chain"]
    np.testing.assert_array_equal(spikes.indices, np.arange(6))
    np.testing.assert_allclose(spikes.times, 0.5 * np.arange(1, 7), rtol=1e-15)


def test_what_cannot_be_immediate_is_refused() -> None:
    a, b = ns.Population(2, LOWPASS, name="a"), ns.Population(2, LOWPASS, name="b")
    with pytest.raises(NetworkError, match="Immediate projections form a circle"):
        ns.Network([a, b], [ns.GradedProjection(a, b, np.eye(2), immediate=True),
                            ns.GradedProjection(b, a, np.eye(2), immediate=True)])
    with pytest.raises(ParameterError, match="an immediate projection has no delay"):
        ns.GradedProjection(a, b, np.eye(2), delay=1.0, immediate=True)
    with pytest.raises(ParameterError, match="a delay is 0 or at least one step, never negative"):
        ns.Projection(a, b, ns.AllToAll(), ns.Pulse(1.0), delay=-1.0)
    with pytest.raises(NetworkError, match="events from outside act on states"):
        ns.Network([a], stimuli=[ns.PoissonInput(rate=10.0, weight=1.0, target=a, synapse=ns.Pulse())])
    bad = random_array((2, 2), density=1.0, rng=np.random.default_rng(0), format="csr")
    bad.data[1] = np.nan
    with pytest.raises(ParameterError, match="NaN or infinity"):
        ns.GradedProjection(a, b, bad)


@pytest.mark.parametrize("method", ["exact", "rk4"])
def test_a_state_does_not_fall_below_its_floor(method: str) -> None:
    model = ns.NeuronModel.from_equations("dx/dt = (u - x)/tau", parameters={"tau": 5.0, "least": -0.25}, inputs=["u"],
                                          floor={"x": "least"}, initial={"x": 1.0}, name="bounded")
    cells = ns.Population(3, model, name="cells")
    net = ns.Network([cells], stimuli=[ns.DC(np.array([-1.0, 0.5, -0.2]), target=cells)],
                     probes=[ns.Probe(cells, "x", name="x")])
    x = ns.simulate(net, 60, 0.5, method=method).traces["x"]
    for column, drive in enumerate((-1.0, 0.5, -0.2)):
        free = drive + (1 - drive) * np.exp(-x.times / 5.0)
        # rk4 at dt/tau = 0.1 has an error of about 1e-7
        np.testing.assert_allclose(x.values[:, column], np.maximum(free, -0.25), atol=1e-6)
    with pytest.raises(ns.ModelError, match="floor= names 'y', which is no state"):
        ns.NeuronModel.from_equations("dx/dt = -x/ms", floor={"y": 0.0})


@pytest.mark.parametrize("threads", [1, 2])
def test_an_immediate_spike_acts_in_the_step_in_which_it_happens(threads: int) -> None:
    """The filter shows at the end of a step what the neurons did in that step; delay 0 shows it one step later."""
    source, now, later = ns.Population(70, ns.Poisson(rate=40.0), name="source"), *(
        ns.Population(1, LOWPASS, name=name) for name in ("now", "later"))
    weight = np.arange(1.0, 71.0)[:, None]
    net = ns.Network([now, later, source], [
        ns.Projection(source, now, ns.Matrix(weight), ns.Pulse(), delay=0.0, immediate=True),
        ns.Projection(source, later, ns.Matrix(weight), ns.Pulse(), delay=0.0)],
        probes=[ns.Probe(p, "x", name=p.name) for p in (now, later)])
    result = ns.simulate(net, 200, 1.0, seed=1, threads=threads)
    spikes, u = result.spikes["source"], np.zeros(201)
    np.add.at(u, np.rint(spikes.times).astype(int) - 1, weight[spikes.indices, 0])
    # sums of a few terms of size 70
    np.testing.assert_allclose(result.traces["now"].values[:, 0], filtered(u, 7.0, 1.0)[:200], atol=1e-11)
    np.testing.assert_array_equal(result.traces["later"].values[1:], result.traces["now"].values[:-1])


def test_a_population_keeps_its_name_when_others_read_what_it_derives() -> None:
    """Two populations that show the same quantity are told apart, and their spikes are under their own names."""
    cell = ns.NeuronModel.from_equations("dv/dt = (u - v)/tau\ny = 2*v", threshold="v > 1", reset="v = 0", inputs=["u"],
                                         parameters={"tau": 10.0}, name="cell")
    a, b = ns.Population(1, cell, name="a"), ns.Population(1, cell, name="b")
    net = ns.Network([a, b], [ns.GradedProjection(a, b, np.eye(1), 0.1, "y"), ns.GradedProjection(b, a, np.eye(1), 0.1, "y")],
                     stimuli=[ns.DC(3.0, target=a)])
    whole, first = ns.simulate(net, 40, 1.0), ns.simulate(net, 25, 1.0)
    rest = ns.simulate(net, 15, 1.0, resume=first)
    assert set(whole.spikes) == {"a", "b"} and len(whole.spikes["a"]) > len(whole.spikes["b"])
    assert len(first.spikes["a"]) + len(rest.spikes["a"]) == len(whole.spikes["a"])
