"""Adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def AdEx(**parameters: Any) -> NeuronModel:
    """Adaptive exponential integrate-and-fire neuron.

        c_m dv/dt   = -g_l (v - e_l) + g_l delta_t exp((v - v_t)/delta_t) - w + i
        tau_w dw/dt = a (v - e_l) - w
        spike if v > v_cut:  v <- v_reset, w <- w + b, held for t_ref

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    c_m         0.281    nF       capacitance
    g_l         0.030    uS       leak conductance
    e_l         -70.6    mV       leak reversal potential
    v_t         -50.4    mV       threshold of the exponential
    delta_t     2        mV       its sharpness
    tau_w       144      ms       time constant of adaptation
    a           0.004    uS       subthreshold adaptation
    b           0.0805   nA       adaptation per spike
    v_reset     -70.6    mV       potential after a spike
    v_cut       20       mV       where the upstroke is cut off
    t_ref       0        ms       refractory period (v is held, w goes on)
    ==========  =======  =======  ==========================================

    Input ``i`` in nA; states ``v`` in mV, from e_l, and ``w`` in nA, from 0.

    Args:
        **parameters: other values of parameters, or initial values of v and w: number, array with one value
            per neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Brette & Gerstner 2005, doi:10.1152/jn.00686.2005.
    """
    return _adex().with_parameters(**parameters)


@cache
def _adex() -> NeuronModel:
    return NeuronModel.from_equations(
        """
        dv/dt = (g_l*(e_l - v + delta_t*exp((v - v_t)/delta_t)) - w + i)/c_m : mV (unless refractory)
        dw/dt = (a*(v - e_l) - w)/tau_w : nA
        """,
        threshold="v > v_cut",
        reset="v = v_reset; w += b",
        refractory="t_ref",
        parameters={"c_m": 0.281, "g_l": 0.030, "e_l": -70.6, "v_t": -50.4, "delta_t": 2.0, "tau_w": 144.0,
                    "a": 0.004, "b": 0.0805, "v_reset": -70.6, "v_cut": 20.0, "t_ref": 0.0},
        units={"c_m": "nF", "g_l": "uS", "e_l": "mV", "v_t": "mV", "delta_t": "mV", "tau_w": "ms",
               "a": "uS", "b": "nA", "v_reset": "mV", "v_cut": "mV", "t_ref": "ms"},
        inputs={"i": "nA"},
        initial={"v": "e_l", "w": 0.0},
        name="AdEx",
        doc=cleandoc(AdEx.__doc__ or ""),
    )
