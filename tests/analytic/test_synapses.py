"""Synapses against the closed-form sum of their responses over all spikes, and neurons that receive them against SciPy."""

import math

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurosim as ns

EPS = np.finfo(float).eps
DT = 0.1
STEPS = 700

SOURCE = ns.NeuronModel.from_equations("dv/dt = 0", threshold="v > 0.5", reset="v = 0", name="source")

# several spikes of one source, spikes of two sources in the same step, spikes that arrive in the same step
TIMES = np.array([0.0, 3.0, 3.1, 3.2, 3.2, 17.0, 17.4, 30.0, 30.0, 30.0, 55.5])
WHO = np.array([0, 0, 0, 0, 1, 1, 2, 0, 1, 2, 2])
SPIKE_STEPS = np.rint(TIMES / DT).astype(int) + 1  # an event at t makes a spike at the end of its step


def clamp(n_inputs):
    """A neuron whose potential stands still, so that its inputs can be compared with closed forms."""
    names = [f"i{k}" for k in range(n_inputs)]
    return ns.NeuronModel.from_equations(f"dv/dt = 0*({' + '.join(names)}) : mV", inputs=dict.fromkeys(names, "nA"),
                                         initial={"v": -65.0}, name=f"clamp_{n_inputs}")


def spikes_of(source):
    return ns.SpikeInput(times=TIMES, neurons=WHO, weight=1.0, target=source)


# -- closed forms: unit weight, time t >= 0 since the spike -----------------------------------------------------------

def filtered(order, scale):
    def response(t, tau):
        if scale == "area":
            return t**order * np.exp(-t / tau) / (math.factorial(order) * tau ** (order + 1))
        return np.exp(-t / tau) if order == 0 else (t / (order * tau)) ** order * np.exp(order - t / tau)
    return response


def difference(scale):
    def response(t, rise, decay):
        return np.stack([_difference(t[:, k], r, d, scale) for k, (r, d) in enumerate(np.broadcast(rise, decay))], axis=1)
    return response


def _difference(t, rise, decay, scale):
    if rise == decay:
        return filtered(1, scale)(t, rise)
    # for nearly equal constants both the numerator and its peak lose all digits unless they are written with expm1
    shape = -np.exp(-t / decay) * np.expm1(-t * (decay - rise) / (rise * decay))
    with mpmath.workdps(60):
        r, d = mpmath.mpf(float(rise)), mpmath.mpf(float(decay))
        top = mpmath.log(d / r) * r * d / (d - r)
        norm = float(mpmath.exp(-top / d) - mpmath.exp(-top / r)) if scale == "peak" else float(d - r)
    return shape / norm


def expected(response, constants, weight, delay, size):
    """Sum over all spikes at every step, shape (steps, neurons): what a probe shows at the start of the step.

    weight, delay: (sources, neurons); what arrives at time t is added at the start of that step, after the probe.
    """
    out = np.zeros((STEPS, size))
    for step, who in zip(SPIKE_STEPS, WHO):
        t = (np.arange(STEPS)[:, None] - step - delay[who]) * DT
        out += np.where(t > 0, weight[who] * response(np.maximum(t, 0.0), *constants), 0.0)
    return out


def close(found, known, slowest):
    # x <- P x + ...: at most 4 roundings a step and state, each forgotten with the slowest time constant, and as many in the
    # entries of P, which act as often; sums over the spikes in another order add less
    assert found.shape == known.shape and np.abs(known).max() > 0
    assert np.abs(found - known).max() <= 16 * EPS * (1 + slowest / DT) * np.abs(known).max()


def run(synapses, size, delays, **options):
    """Run one clamped population with one input for each synapse; return the traces of the inputs."""
    source, target = ns.Population(3, SOURCE, name="source"), ns.Population(size, clamp(len(synapses)), name="target")
    pre, post = np.repeat(np.arange(3), size), np.tile(np.arange(size), 3)
    projections = [ns.Projection(source, target, ns.Explicit(pre, post), synapse, delay=delays.ravel() * DT, name=f"p{k}")
                   for k, synapse in enumerate(synapses)]
    probes = [ns.Probe(target, f"i{k}") for k in range(len(synapses))]
    net = ns.Network([source, target], projections, [spikes_of(source)], probes)
    result = ns.simulate(net, STEPS * DT, DT, **options)
    assert result.methods["target"] == "exact"
    return [result.traces[f"i{k}"].values for k in range(len(synapses))]


SIZE = 70  # more than one tile
WEIGHT = np.random.default_rng(1).uniform(-1, 1, (3, SIZE))
DELAY = np.random.default_rng(2).integers(1, 60, (3, SIZE))


def test_currents_with_one_time_constant_for_each_neuron():
    tau = np.linspace(0.3, 20.0, SIZE)
    # equal constants, constants that nearly agree, and a rise slower than the decay
    rise, decay = np.linspace(0.5, 9.0, SIZE), np.full(SIZE, 5.0)
    rise[[3, 64, 65, 66, 67]] = 5.0, 5.0 * (1 - 1e-7), 5.0 * (1 + 1e-9), 5.0 * (1 - 1e-4), 5.0 * (1 + 4 * EPS)
    w = WEIGHT.ravel()
    found = run([ns.Exponential(w, tau, input="i0"), ns.Alpha(w, tau, input="i1"),
                 ns.DoubleExponential(w, rise, decay, input="i2"), ns.Filter(w, tau, order=3, input="i3")], SIZE, DELAY)
    for k, order in ((0, 0), (1, 1), (3, 3)):
        close(found[k], expected(filtered(order, "peak"), [tau], WEIGHT, DELAY, SIZE), 20.0)
    close(found[2], expected(difference("peak"), [rise, decay], WEIGHT, DELAY, SIZE), 9.0)


def test_conductances_and_responses_of_given_area():
    # one population for all five, because each program costs seconds of compilation
    w = np.abs(WEIGHT)
    e_rev = np.linspace(-90.0, 10.0, SIZE)
    found = run([ns.Exponential(w.ravel(), 5.0, e_rev, input="i0"), ns.Alpha(w.ravel(), 3.0, scale="area", input="i1"),
                 ns.NMDA(w.ravel(), mg=1.2, input="i2"), ns.Filter(w.ravel(), 2.0, -80.0, order=4, scale="area", input="i3"),
                 ns.DoubleExponential(w.ravel(), 1.5, 6.0, scale="area", input="i4")], SIZE, DELAY)
    close(found[0], expected(filtered(0, "peak"), [5.0], w, DELAY, SIZE) * (e_rev + 65.0), 5.0)
    close(found[1], expected(filtered(1, "area"), [3.0], w, DELAY, SIZE), 3.0)
    block = 1 / (1 + 1.2 / 3.57 * math.exp(0.062 * 65.0))
    close(found[2], expected(difference("peak"), [np.full(SIZE, 2.0), 100.0], w, DELAY, SIZE) * block * 65.0, 100.0)
    close(found[3], expected(filtered(4, "area"), [2.0], w, DELAY, SIZE) * -15.0, 2.0)
    close(found[4], expected(difference("area"), [np.full(SIZE, 1.5), 6.0], w, DELAY, SIZE), 6.0)


def test_spikes_of_a_delta_synapse_add_up():
    # dyadic weights: the sums are exact in any order
    target = ns.NeuronModel.from_equations("dv/dt = 0 : mV", initial={"v": -65.0}, name="sum")
    weight = np.round(WEIGHT * 1024) / 1024
    source, cells = ns.Population(3, SOURCE, name="source"), ns.Population(SIZE, target, name="cells")
    pre, post = np.repeat(np.arange(3), SIZE), np.tile(np.arange(SIZE), 3)
    net = ns.Network([source, cells], [ns.Projection(source, cells, ns.Explicit(pre, post), ns.Delta(weight.ravel()),
                                                     delay=DELAY.ravel() * DT)], [spikes_of(source)], [ns.Probe(cells, "v")])
    found = ns.simulate(net, STEPS * DT, DT).traces["v"].values
    known = -65.0 + expected(lambda t: np.ones_like(t), [], weight, DELAY, SIZE)
    np.testing.assert_array_equal(found, known)


# -- neurons ----------------------------------------------------------------------------------------------------------

def drive(order_or_taus, scale, weight, delay):
    """The current that one target of source 0 gets, as a function of time, and when it jumps."""
    arrivals = (SPIKE_STEPS[WHO == 0] + delay) * DT

    def current(t):
        since = t - arrivals[arrivals <= t]
        if isinstance(order_or_taus, tuple):
            order, tau = order_or_taus
            return weight * float(filtered(order, scale)(since, tau).sum())
        rise, decay = order_or_taus
        return weight * float(_difference(since, rise, decay, scale).sum())
    return current, arrivals


def reference(slope, jumps, times, v0):
    """Integrate between the jumps with DOP853; at a jump itself nothing has happened to v yet."""
    edges = np.unique([0.0, *jumps, times[-1] + DT])
    out, v = np.empty(times.size), v0
    for low, high in zip(edges, edges[1:]):
        # just inside, so that what arrives at the left edge counts and what arrives at the right edge does not
        done = solve_ivp(slope, (low + 1e-12, high - 1e-12), [v], method="DOP853", rtol=1e-12, atol=1e-12, dense_output=True)
        inside = (times > low - 1e-9) & (times < high - 1e-9)
        out[inside] = done.sol(times[inside])[0]
        v = done.y[0, -1]
    return out


KINDS = [((0, 5.0), ns.Exponential(0.3, 5.0)), ((1, 3.0), ns.Alpha(0.3, 3.0)), ((3, 1.5), ns.Filter(0.3, 1.5, order=3)),
         ([1.0, 8.0], ns.DoubleExponential(0.3, 1.0, 8.0))]


def test_a_leaky_neuron_answers_currents_as_scipy_says():
    source = ns.Population(3, SOURCE, name="source")
    cells = ns.Population(len(KINDS), ns.LIF(v_th=1e3, tau_m=12.0), name="cells")
    projections = [ns.Projection(source[0], cells[k], ns.AllToAll(), synapse, delay=DT * (7 + k), name=f"p{k}")
                   for k, (_, synapse) in enumerate(KINDS)]
    net = ns.Network([source, cells], projections, [spikes_of(source)], [ns.Probe(cells, "v")])
    result = ns.simulate(net, STEPS * DT, DT)
    assert result.methods["cells"] == "exact"
    trace = result.traces["v"]
    for k, (constants, _) in enumerate(KINDS):
        current, jumps = drive(constants, "peak", 0.3, 7 + k)
        known = reference(lambda t, v, i=current: (-65.0 - v + 10.0 * i(t)) / 12.0, jumps, trace.times, -65.0)
        # rtol 1e-12 of DOP853 on 65 mV, for some hundred steps of its own
        assert np.abs(trace.values[:, k] - known).max() < 1e-8
        assert known.max() > -65.0 + 1.0


@pytest.mark.parametrize("method, order, dts", [(None, 1, (0.1, 0.05)), ("rk4", 4, (0.4, 0.2))])
def test_a_leaky_neuron_answers_conductances_with_the_order_of_the_method(method, order, dts):
    """Spikes arrive on the grid of every step length, so that the order is that of the smooth problem."""
    kinds = [ns.Alpha(0.04, 3.0, 0.0), ns.DoubleExponential(0.04, 1.0, 8.0, -80.0)]
    arrival, wanted = 10.0, np.array([12.0, 16.0, 24.0, 40.0])
    responses = [lambda t: filtered(1, "peak")(t, 3.0), lambda t: _difference(np.atleast_1d(t), 1.0, 8.0, "peak")[0]]

    def slope(t, v):
        g = np.array([0.04 * response(t) for response in responses])
        return (-65.0 - v + 10.0 * g * (np.array([0.0, -80.0]) - v)) / 10.0

    known = solve_ivp(slope, (0.0, 40.0), [-65.0, -65.0], method="DOP853", rtol=1e-12, atol=1e-12, t_eval=wanted - arrival).y.T
    errors = []
    for dt in dts:
        source, cells = ns.Population(1, SOURCE, name="source"), ns.Population(2, ns.LIF(v_th=1e3), name="cells")
        # event at 10 - delay - dt makes a spike at 10 - delay
        projections = [ns.Projection(source, cells[k], ns.AllToAll(), s, delay=2.0, name=f"p{k}") for k, s in enumerate(kinds)]
        net = ns.Network([source, cells], projections,
                         [ns.SpikeInput(times=[arrival - 2.0 - dt], weight=1.0, target=source)], [ns.Probe(cells, "v")])
        result = ns.simulate(net, 40.0 + 2 * dt, dt, method={"cells": method} if method else None)
        trace = result.traces["v"]
        errors.append(np.abs(trace.values[np.rint(wanted / dt).astype(int)] - known).max(axis=0))
    measured = np.log2(errors[0] / errors[1])
    # a wrong order differs by 1
    assert np.all(np.abs(measured - order) < 0.35), (measured, errors)
