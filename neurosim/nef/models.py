"""The neuron types as models of the engine: with spikes, and as graded units that give the rate G(J) itself.

All have one input ``i``, the current J, and in rate mode the derived quantity ``rate`` (Hz).

LIF neurons fire within steps.  At the end of the step in which v passes 1, the time since then follows from
r = (J - v)/(J - 1) = exp(-s/tau_m).  The neuron is held for the whole steps of the refractory period, n, and what is left of
it, g = t_ref - s - n dt, is made up for by starting below 0: v = J (1 - exp(g/tau_m)), from where it reaches after a whole
step what a neuron released g later reaches from 0.  This is exact for a constant current and costs one division a spike, no
exponential.  Rates equal G(J) for steps up to 1/G, within one spike of the whole run.
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
    if isinstance(kind, LIF):
        return NeuronModel.from_equations(
            """
            dv/dt = (i - v)/tau_m : 1 (unless refractory)
            held = maximum(0, floor(t_ref/dt + 1e-6) - 1)*dt : ms
            """,
            threshold="v > 1", reset="v = i*(1 - exp((t_ref - held)/tau_m)*(i - v)/(i - 1))", refractory="held",
            parameters={"tau_m": kind.tau_m, "t_ref": kind.t_ref, "v_min": kind.v_min}, inputs={"i": "1"},
            floor={"v": "v_min"}, initial={"v": 0.0}, name="LIF", doc=LIF.__doc__)
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
