"""Quadratic integrate-and-fire neuron."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def QIF(**parameters: Any) -> NeuronModel:
    """Quadratic integrate-and-fire neuron, the normal form of type I excitability.

        tau_m dv/dt = (v - v_rest) (v - v_c)/(v_c - v_rest) + r_m i
        spike if v > v_cut:  v <- v_reset, held for t_ref

    Near v_rest it behaves as the leaky neuron with tau_m and r_m.  A constant input fires if
    r_m i > D/4, with D = v_c - v_rest, and then with the period

        t_ref + tau_m D/s (arctan(u_cut/s) - arctan(u_reset/s)),   s^2 = D (r_m i - D/4),   u = v - (v_rest + v_c)/2,

    which grows as the inverse square root of the distance to that value.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau_m       10       ms       membrane time constant at rest
    r_m         10       MOhm     membrane resistance at rest
    v_rest      -65      mV       resting potential
    v_c         -50      mV       where the upstroke begins without input
    v_cut       20       mV       where the upstroke is cut off
    v_reset     -65      mV       potential after a spike
    t_ref       0        ms       refractory period
    ==========  =======  =======  ==========================================

    Input ``i`` in nA; state ``v`` in mV, from v_rest.

    Args:
        **parameters: other values of parameters, or the initial value of v: number, array with one value per
            neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Ermentrout & Kopell 1986, doi:10.1137/0146017; in this form Latham et al. 2000,
    doi:10.1152/jn.2000.83.2.808.
    """
    return _qif().with_parameters(**parameters)


@cache
def _qif() -> NeuronModel:
    return NeuronModel.from_equations(
        "dv/dt = ((v - v_rest)*(v - v_c)/(v_c - v_rest) + r_m*i)/tau_m : mV (unless refractory)",
        threshold="v > v_cut",
        reset="v = v_reset",
        refractory="t_ref",
        parameters={"tau_m": 10.0, "r_m": 10.0, "v_rest": -65.0, "v_c": -50.0, "v_cut": 20.0, "v_reset": -65.0,
                    "t_ref": 0.0},
        units={"tau_m": "ms", "r_m": "MOhm", "v_rest": "mV", "v_c": "mV", "v_cut": "mV", "v_reset": "mV", "t_ref": "ms"},
        inputs={"i": "nA"},
        initial={"v": "v_rest"},
        name="QIF",
        doc=cleandoc(QIF.__doc__ or ""),
    )
