"""Predictive coding as a network of graded units on the engine: one sample at a time, everything in continuous time.

    value nodes    tau_value dx^i/dt = sigma'(x^i) o b^i - e^i,   b^i = e^(i-1) W^(i-1)   (free ones)
    error nodes    tau_error de^i/dt = x^i - beta^i - m^i - nu^i e^i,   m^i = sigma(x^(i+1)) M^i
    weights        tau_weight dM^i/dt = sigma(x^(i+1))^T e^i,   tau_weight dW^i/dt = (e^i)^T sigma(x^(i+1))
                   tau_weight dbeta^i/dt = e^i

Each layer is a population of value nodes and, but for the top, one of error nodes; M and W are projections that learn, each by
itself, from activity on its own two sides alone.  With output "logistic", x^0 is compared with logistic(beta^0 + m^0).  At rest
x and e are those of `settle`; values that are not known of layer 0 relax there too, tau_value dx/dt = -e.

The step is of first order in dt where signals pass from one population to the next; rest does not depend on it.  Small enough
is dt <= tau_error/(5 nu); oscillations that die away are seen if tau_error is not well below tau_value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.model.ir import NeuronModel
from neurosim.predictive.activation import Activation
from neurosim.predictive.clamps import Clamps, End, clamps
from neurosim.predictive.network import PredictiveNetwork
from neurosim.predictive.settling import State
from neurosim.simulator.adaptation import RankOne
from neurosim.simulator.connectivity import Explicit, OneToOne
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.live import TimeFunction
from neurosim.simulator.network import Network, Probe
from neurosim.simulator.population import Population
from neurosim.simulator.results import Result
from neurosim.simulator.simulate import simulate as run
from neurosim.simulator.stimuli import DC, TimedArray


@dataclass(frozen=True, eq=False)
class OdeResult:
    """What a run on the engine came to.

    Attributes:
        network: the network with the weights at the end.
        state: x, e and F at the end, of one sample (rows = 1); residual: greatest |tau_value dx/dt|.
        result: the run: traces "x0", "x1", ... and "e0", "e1", ... if they were recorded; populations "value0", "error0", ...;
            projections "M0", "W0", ...
        aligned: greatest difference between M^T and W at the end, 0 to rounding with feedback "transposed".
    """

    network: PredictiveNetwork
    state: State
    result: Result
    aligned: float


def simulate(net: PredictiveNetwork, duration: float, dt: float = 0.1, *, data: Any = None, label: Any = None,
             data_known: Any = None, label_known: Any = None, tau_value: float = 10.0, tau_error: float = 1.0,
             tau_weight: float | None = None, settle_for: float = 0.0, every: float | None = None, threads: int = 1,
             progress: bool | None = None) -> OdeResult:
    """Run a network on the engine, with samples shown one after the other.

    Args:
        net: the network; it is not changed.
        duration: ms for which each sample is shown.
        dt: step in ms.
        data, label, data_known, label_known: as for `settle`; what is known must be the same for all samples.
        tau_value, tau_error: time constants of the nodes in ms.
        tau_weight: time constant of learning in ms; None: no learning.
        settle_for: ms of each presentation without learning, for the nodes to settle.
        every: ms between samples of the traces; None: no traces.
        threads, progress: as for `neurosim.simulate`.

    Raises:
        ParameterError: for output "softmax", whose units are not independent; shapes that do not fit; times out of range.
    """
    if net.output == "softmax":
        raise ParameterError("simulate: with output 'softmax' a unit depends on all others of its layer; use 'linear' or "
                             "'logistic' on the engine.")
    held = clamps(net, data, label, data_known, label_known)
    if not held.rows:
        raise ParameterError("simulate: there are no samples.")
    for end in (held.bottom, held.top):
        if end.known is not None and (end.known != end.known[0]).any():
            raise ParameterError("simulate: what is known must be the same for all samples. Run those that differ by "
                                 "themselves.")
    for name, value in (("duration", duration), ("tau_value", tau_value), ("tau_error", tau_error),
                        ("tau_weight", 1.0 if tau_weight is None else tau_weight), ("every", dt if every is None else every)):
        if not (np.isscalar(value) and np.isfinite(value) and value > 0):
            raise ParameterError(f"simulate: {name} must be a positive time in ms, not {value!r}.")
    if not 0 <= settle_for <= duration:
        raise ParameterError(f"simulate: settle_for={settle_for!r} ms lies between 0 and duration ({duration:g} ms).")
    network = _network(net, held, duration, (tau_value, tau_error, tau_weight), settle_for, every)
    result = run(network, duration*held.rows, dt, threads=threads, progress=progress, dtype=net.dtype.name)
    return _outcome(net, held, result)


def _network(net: PredictiveNetwork, held: Clamps, duration: float, taus: tuple[float, float, float | None], settle_for: float,
             every: float | None) -> Network:
    """Return the populations, projections and stimuli."""
    tau_value, tau_error, tau_weight = taus
    rate = 0.0 if tau_weight is None else 1/tau_weight
    first = _first_values(net, held)
    values, errors = [], []
    for i, n in enumerate(net.layers):
        end = {0: held.bottom, net.top: held.top}.get(i)
        free = np.ones(n) if end is None else np.zeros(n) if end.known is None else 1.0 - end.known[0]
        prior = 1/net.prior if i == net.top and net.prior is not None else 0.0
        values.append(Population(n, _value_model(net.activations[i]), name=f"value{i}", initial={"z": first[i]}, parameters={
            "tau": tau_value, "rate": rate, "free": free, "pull": prior, "mean": net.prior_mean}))
    for i, n in enumerate(net.layers[:-1]):
        errors.append(Population(n, _error_model(i == 0 and net.output == "logistic"), name=f"error{i}",
                                 initial={"beta": net.beta[i].astype(float)},
                                 parameters={"tau": tau_error, "nu": net.nu[i].astype(float), "rate": rate}))
    projections = []
    for i, error in enumerate(errors):
        here, above = values[i], values[i + 1]
        forth = Explicit(*np.divmod(np.arange(net.M[i].size), net.layers[i]))
        back = Explicit(*np.divmod(np.arange(net.M[i].size), net.layers[i + 1]))
        learn = (None, None) if tau_weight is None else (RankOne(above, "y", error, "a"), RankOne(error, "e", above, "a"))
        projections += [
            GradedProjection(here, error, OneToOne(), 1.0, "x", "value", name=f"x{i}->e{i}"),
            GradedProjection(above, error, forth, net.M[i].astype(float).ravel(), "y", "m", name=f"M{i}", learning=learn[0]),
            GradedProjection(error, here, OneToOne(), 1.0, "e", "error", name=f"e{i}->x{i}"),
            GradedProjection(error, above, back, net.W[i].astype(float).ravel(), "e", "b", name=f"W{i}", learning=learn[1])]
    stimuli = [_shown(end, values[i], duration) for i, end in ((0, held.bottom), (net.top, held.top))]
    if tau_weight is not None:
        gate = DC(1.0, target=[*values, *errors], input="gate") if settle_for == 0 else TimeFunction(
            # rounding must not decide whether the first step of a presentation counts
            target=[*values, *errors], input="gate", function=lambda t: float((t + 1e-9) % duration >= settle_for))
        stimuli.append(gate)
    probes = [] if every is None else [Probe(p, v, every=every, name=f"{v}{i}") for group, v in ((values, "x"), (errors, "e"))
                                       for i, p in enumerate(group)]
    return Network([*values, *errors], projections, stimuli, probes)


def _value_model(a: Activation | None) -> NeuronModel:
    y, slope = ("x", "1") if a is None else (a.equation, a.equation_slope)
    return NeuronModel.from_equations(
        f"""
        x = free*z + (1 - free)*shown
        y = {y}
        slope = {slope}
        a = rate*gate*y
        dz/dt = free*(slope*b - error - pull*(x - mean))/tau
        """,
        parameters={"tau": 10.0, "rate": 0.0, "free": 1.0, "pull": 0.0, "mean": 0.0}, inputs=["b", "error", "shown", "gate"],
        name=f"value_{a.name if a else 'identity'}")


def _error_model(logistic: bool) -> NeuronModel:
    predicted = "logistic(m + beta)" if logistic else "(m + beta)"
    return NeuronModel.from_equations(
        f"""
        de/dt = (value - {predicted} - nu*e)/tau
        a = rate*gate*e
        dbeta/dt = a
        """,
        parameters={"tau": 1.0, "nu": 1.0, "rate": 0.0}, inputs=["value", "m", "gate"],
        name="error_logistic" if logistic else "error")


def _shown(end: End, target: Population, duration: float) -> Any:
    values = end.values.astype(float)
    if len(values) == 1:
        return DC(values[0], target=target, input="shown")
    return TimedArray(values, interval=duration, target=target, input="shown")


def _first_values(net: PredictiveNetwork, held: Clamps) -> list[np.ndarray]:
    """Return x of all layers as `settle` begins with the first sample."""
    x = [np.empty(0)]*(net.top + 1)
    known = held.top.known
    x[net.top] = held.top.values[0] if known is None else np.where(known[0], held.top.values[0], net.prior_mean)
    for i in range(net.top - 1, -1, -1):
        x[i] = net.predict(i, net.activations[i + 1].value(x[i + 1])[None])[0]
    x[0] = net.mean_of(x[0][None])[0]
    return [a.astype(float) for a in x]


def _outcome(net: PredictiveNetwork, held: Clamps, result: Result) -> OdeResult:
    learnt = net.copy()
    gap = 0.0
    for i in range(net.top):
        shape = net.M[i].shape
        learnt.M[i][...] = result.connections[f"M{i}"].weight.reshape(shape)
        learnt.beta[i][...] = result.final(f"error{i}", "beta")
        w = result.connections[f"W{i}"].weight.reshape(shape[::-1])
        gap = max(gap, float(np.abs(w - learnt.M[i].T).max()))
        if net.feedback == "learned":
            learnt.W[i][...] = w
    x = [result.final(f"value{i}", "z") for i in range(net.top + 1)]
    for i, end in ((0, held.bottom), (net.top, held.top)):
        x[i] = end.values[-1].astype(float) if end.known is None else np.where(end.known[-1], end.values[-1], x[i])
    e = [result.final(f"error{i}", "e") for i in range(net.top)]
    energy = _energy(learnt, x, held)
    residual = 0.0
    for i in range(1, net.top + 1):
        a = net.activations[i]
        push = a.slope(x[i], a.value(x[i]))*(e[i - 1] @ learnt.W[i - 1])
        if i < net.top:
            push -= e[i]
        elif net.prior is not None:
            push -= (x[i] - net.prior_mean)/net.prior
        if i == net.top:
            push = push[:0] if held.top.known is None else push[~held.top.known[-1]]
        residual = max(residual, float(np.abs(push).max(initial=0.0)))
    if net.prior is not None:
        e.append((x[-1] - net.prior_mean)/net.prior if held.top.free else np.zeros_like(x[-1]))
    rows = [a[None] for a in x]
    state = State(rows, [a[None] for a in e], np.array([energy]), None, 0, residual, rows[net.data_end], rows[net.label_end])
    return OdeResult(learnt, state, result, gap)


def _energy(net: PredictiveNetwork, x: list[np.ndarray], held: Clamps) -> float:
    """Return F at x with what is known held, as `settle` counts it."""
    from neurosim.predictive.settling import Space

    last = lambda end: End(end.values[-1:], None if end.known is None else end.known[-1:])
    space = Space.take(net, 1)
    space.begin(Clamps(1, last(held.bottom), last(held.top)), 1.0, [a[None] for a in x])
    energy = float(space.energy[0])
    space.give_back()
    return energy
