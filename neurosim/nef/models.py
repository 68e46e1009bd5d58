"""The neuron types as models of the engine: with spikes, and as graded units that give the rate G(J) itself.

All have one input ``i``, the current J, and in rate mode the derived quantity ``rate`` (Hz).

LIF neurons fire within steps.  With E = exp(-dt/tau_m), what is left of the refractory period at the end of a step is kept as
rho = exp(left/tau_m), 1 if nothing is left.  The part of the next step in which the neuron is free, d, follows without an
exponential: exp(-d/tau_m) = min(E rho, 1); rho < 1 is time of the step before that is still to be made up for.  So

    v <- J + (v - J) min(E rho, 1),   rho <- max(E rho, 1)

At the end of the step in which v passes 1, the time s since then follows from (J - v)/(J - 1) = exp(-s/tau_m), so that
rho = exp(t_ref/tau_m) (J - v)/(J - 1).  For a current that is constant within steps this is exact, and costs one division a
spike.  Rates equal G(J) for steps up to 1/G, within one spike of the whole run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from neurosim.errors import ParameterError
from neurosim.model.ir import NeuronModel
from neurosim.nef.neurons import LIF, NeuronType, RectifiedLinear, Sigmoid, Tanh

#: rate in Hz as text in the input i, and its parameters
_CURVES: dict[type, tuple[str, Callable[[NeuronType], dict[str, float]]]] = {
    # the larger of the two keeps the logarithm finite where the rate is 0
    LIF: ("where(i > 1, 1000/(t_ref + tau_m*log1p(1/maximum(i - 1, 1e-30))), 0)",
          lambda kind: {"tau_m": kind.tau_m, "t_ref": kind.t_ref}),
    RectifiedLinear: ("maximum(i, 0)", lambda kind: {}),
    Sigmoid: ("1000/t_ref*logistic(i)", lambda kind: {"t_ref": kind.t_ref}),
    Tanh: ("1000/t_ref*tanh(i)", lambda kind: {"t_ref": kind.t_ref}),
}


@cache
def spiking(kind: NeuronType) -> NeuronModel:
    """Return the model with spikes.

    Raises:
        ParameterError: for a type whose activity may be negative.
    """
    if type(kind) is LIF:
        return NeuronModel.from_equations(
            """
            dv/dt = (i - v)/tau_m : 1
            drho/dt = -rho/tau_m : 1
            """,
            threshold="v > 1", reset="rho = exp(t_ref/tau_m)*(i - v)/(i - 1); v = 0",
            maps={"v": "v + (1 - minimum(exp(-dt/tau_m)*rho, 1))*(i - v)", "rho": "maximum(exp(-dt/tau_m)*rho, 1)"},
            floor={"v": "v_min"},
            parameters={"tau_m": kind.tau_m, "t_ref": kind.t_ref, "v_min": kind.v_min}, inputs={"i": "1"},
            initial={"v": 0.0, "rho": 1.0}, name="LIF", doc=LIF.__doc__)
    if isinstance(kind, Tanh):
        raise ParameterError("nef.Tanh has negative activities, which spikes cannot carry. Simulate with mode=nef.RATE, or use "
                             "another neuron type.")
    if type(kind) in _CURVES:
        text, values = _CURVES[type(kind)]
        return NeuronModel.from_equations(f"rate = {text}\ndv/dt = rate/1000", threshold="v >= 1", reset="v = v - 1",
                                          parameters=values(kind), inputs=["i"], initial={"v": 0.0},
                                          name=type(kind).__name__, doc=type(kind).__doc__)
    return kind.spiking_model()


@cache
def graded(kind: NeuronType) -> NeuronModel:
    """Return the model of rate mode: the derived quantity ``rate`` is G(i) in Hz."""
    if type(kind) in _CURVES:
        text, values = _CURVES[type(kind)]
        return NeuronModel.from_equations(f"rate = {text}", parameters=values(kind), inputs=["i"],
                                          name=f"{type(kind).__name__}Rate", doc=type(kind).__doc__)
    return kind.rate_model()
