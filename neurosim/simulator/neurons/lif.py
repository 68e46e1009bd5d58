"""Leaky integrate-and-fire neurons, with units and dimensionless."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def LIF(**parameters: Any) -> NeuronModel:
    """Leaky integrate-and-fire neuron.

        tau_m dv/dt = -(v - v_rest) + r_m i
        spike if v > v_th:  v <- v_reset, held for t_ref

    The equation is linear, so it is integrated exactly for inputs that stand still during a step.  A constant
    input with r_m i > v_th - v_rest fires at the rate

        1/(t_ref + tau_m ln((v_inf - v_reset)/(v_inf - v_th))),  v_inf = v_rest + r_m i.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau_m       10       ms       membrane time constant
    r_m         10       MOhm     membrane resistance
    v_rest      -65      mV       resting potential
    v_th        -50      mV       threshold
    v_reset     -65      mV       potential after a spike
    t_ref       2        ms       refractory period
    ==========  =======  =======  ==========================================

    Input ``i`` in nA; state ``v`` in mV, from v_rest.

    Args:
        **parameters: other values of parameters, or the initial value of v: number, array with one value per
            neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Lapicque 1907 (translated in doi:10.1007/s00422-007-0189-6); values of Dayan & Abbott 2001, Theoretical
    Neuroscience, section 5.4, with a refractory period added.
    """
    return _lif().with_parameters(**parameters)


@cache
def _lif() -> NeuronModel:
    return NeuronModel.from_equations(
        "dv/dt = (v_rest - v + r_m*i)/tau_m : mV (unless refractory)",
        threshold="v > v_th",
        reset="v = v_reset",
        refractory="t_ref",
        parameters={"tau_m": 10.0, "r_m": 10.0, "v_rest": -65.0, "v_th": -50.0, "v_reset": -65.0, "t_ref": 2.0},
        units={"tau_m": "ms", "r_m": "MOhm", "v_rest": "mV", "v_th": "mV", "v_reset": "mV", "t_ref": "ms"},
        inputs={"i": "nA"},
        initial={"v": "v_rest"},
        name="LIF",
        doc=cleandoc(LIF.__doc__ or ""),
    )


def DimensionlessLIF(**parameters: Any) -> NeuronModel:
    """Leaky integrate-and-fire neuron with threshold 1 and reset 0.

        tau_m dv/dt = i - v
        spike if v > 1:  v <- 0, held for t_ref

    From v = 0 a constant input gives v(t) = i (1 - exp(-t/tau_m)); above 1 it fires at the rate
    1/(t_ref + tau_m ln(i/(i - 1))), the curve on which the Neural Engineering Framework rests.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau_m       20       ms       membrane time constant
    t_ref       2        ms       refractory period
    ==========  =======  =======  ==========================================

    Input ``i`` and state ``v`` are dimensionless; v starts at 0.

    Args:
        **parameters: other values of parameters, or the initial value of v: number, array with one value per
            neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Eliasmith & Anderson 2003, Neural Engineering, chapter 4.
    """
    return _dimensionless().with_parameters(**parameters)


@cache
def _dimensionless() -> NeuronModel:
    return NeuronModel.from_equations(
        "dv/dt = (i - v)/tau_m : 1 (unless refractory)",
        threshold="v > 1",
        reset="v = 0",
        refractory="t_ref",
        parameters={"tau_m": 20.0, "t_ref": 2.0},
        units={"tau_m": "ms", "t_ref": "ms"},
        inputs={"i": "1"},
        name="DimensionlessLIF",
        doc=cleandoc(DimensionlessLIF.__doc__ or ""),
    )
