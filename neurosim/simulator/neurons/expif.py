"""Exponential integrate-and-fire neuron."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def ExpIF(**parameters: Any) -> NeuronModel:
    """Exponential integrate-and-fire neuron.

        tau_m dv/dt = -(v - v_rest) + delta_t exp((v - v_t)/delta_t) + r_m i
        spike if v > v_cut:  v <- v_reset, held for t_ref

    A constant input fires if r_m i > v_t - v_rest - delta_t.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau_m       10       ms       membrane time constant
    r_m         10       MOhm     membrane resistance
    v_rest      -65      mV       resting potential
    v_t         -59.9    mV       threshold of the exponential
    delta_t     3.48     mV       its sharpness
    v_cut       -30      mV       where the upstroke is cut off
    v_reset     -68      mV       potential after a spike
    t_ref       1.7      ms       refractory period
    ==========  =======  =======  ==========================================

    Input ``i`` in nA; state ``v`` in mV, from v_rest.

    Args:
        **parameters: other values of parameters, or the initial value of v: number, array with one value per
            neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Fourcaud-Trocme et al. 2003, doi:10.1523/JNEUROSCI.23-37-11628.2003.
    """
    return _expif().with_parameters(**parameters)


@cache
def _expif() -> NeuronModel:
    return NeuronModel.from_equations(
        "dv/dt = (v_rest - v + delta_t*exp((v - v_t)/delta_t) + r_m*i)/tau_m : mV (unless refractory)",
        threshold="v > v_cut",
        reset="v = v_reset",
        refractory="t_ref",
        parameters={"tau_m": 10.0, "r_m": 10.0, "v_rest": -65.0, "v_t": -59.9, "delta_t": 3.48, "v_cut": -30.0,
                    "v_reset": -68.0, "t_ref": 1.7},
        units={"tau_m": "ms", "r_m": "MOhm", "v_rest": "mV", "v_t": "mV", "delta_t": "mV", "v_cut": "mV",
               "v_reset": "mV", "t_ref": "ms"},
        inputs={"i": "nA"},
        initial={"v": "v_rest"},
        name="ExpIF",
        doc=cleandoc(ExpIF.__doc__ or ""),
    )
