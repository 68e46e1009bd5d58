"""Barnacle muscle fibre after Morris and Lecar."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.errors import ParameterError, listing, nearest
from neurosim.model.ir import NeuronModel

#: parameter sets by the way in which firing sets in
CLASSES = {
    "hopf": {"g_ca": 4.4, "v_3": 2.0, "v_4": 30.0, "phi": 0.04},
    "snlc": {"g_ca": 4.0, "v_3": 12.0, "v_4": 17.4, "phi": 0.067},
    "homoclinic": {"g_ca": 4.0, "v_3": 12.0, "v_4": 17.4, "phi": 0.23},
}


def MorrisLecar(class_: str = "hopf", **parameters: Any) -> NeuronModel:
    """Morris-Lecar model with instantaneous calcium activation.

        c_m dv/dt = i - g_l (v - e_l) - g_ca m_inf (v - e_ca) - g_k w (v - e_k)
        dw/dt     = phi cosh((v - v_3)/(2 v_4)) (w_inf - w)
        m_inf     = (1 + tanh((v - v_1)/v_2))/2
        w_inf     = (1 + tanh((v - v_3)/v_4))/2
        spike when v > v_th becomes true

    `class_` chooses how firing sets in: "hopf" (type II: at a subcritical Hopf point near 93.9 uA/cm2, with a rate
    above zero), "snlc" (type I: at a saddle node on the cycle near 40 uA/cm2, with arbitrarily low rates) or
    "homoclinic" (as snlc with faster w: rest and firing coexist just below the saddle node).

    ==========  =======  ======  ==========  =======  =====================================
    parameter   hopf     snlc    homoclinic  unit     meaning
    ==========  =======  ======  ==========  =======  =====================================
    c_m         20       20      20          uF/cm2   capacitance
    g_l         2        2       2           mS/cm2   leak conductance
    g_ca        4.4      4       4           mS/cm2   greatest calcium conductance
    g_k         8        8       8           mS/cm2   greatest potassium conductance
    e_l         -60      -60     -60         mV       leak reversal potential
    e_ca        120      120     120         mV       calcium reversal potential
    e_k         -84      -84     -84         mV       potassium reversal potential
    v_1         -1.2     -1.2    -1.2        mV       half activation of calcium
    v_2         18       18      18          mV       its slope
    v_3         2        12      12          mV       half activation of potassium
    v_4         30       17.4    17.4        mV       its slope
    phi         0.04     0.067   0.23        1/ms     rate of w
    v_th        0        0       0           mV       level of the spike detector
    ==========  =======  ======  ==========  =======  =====================================

    Input ``i`` in uA/cm2; states ``v`` in mV, from e_l, and ``w``, from w_inf at the initial v.

    Args:
        class_: "hopf", "snlc" or "homoclinic".
        **parameters: other values of parameters, or initial values of v and w: number, array with one value
            per neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown class or name, or an unusable value.

    Source: Morris & Lecar 1981, doi:10.1016/S0006-3495(81)84782-0; parameter sets of Rinzel & Ermentrout 1998,
    in Koch & Segev, Methods in Neuronal Modeling, chapter 7.
    """
    if class_ not in CLASSES:
        raise ParameterError(f"MorrisLecar has no class {class_!r}.{nearest(str(class_), CLASSES)} "
                             f"Known: {listing(CLASSES)}.")
    return _morris_lecar().with_parameters(**{**CLASSES[class_], **parameters})


@cache
def _morris_lecar() -> NeuronModel:
    return NeuronModel.from_equations(
        """
        m_inf = 0.5*(1 + tanh((v - v_1)/v_2)) : 1
        w_inf = 0.5*(1 + tanh((v - v_3)/v_4)) : 1
        dv/dt = (i - g_l*(v - e_l) - g_ca*m_inf*(v - e_ca) - g_k*w*(v - e_k))/c_m : mV
        dw/dt = phi*cosh((v - v_3)/(2*v_4))*(w_inf - w) : 1
        """,
        threshold="v > v_th",
        parameters={"c_m": 20.0, "g_l": 2.0, "g_ca": 4.4, "g_k": 8.0, "e_l": -60.0, "e_ca": 120.0, "e_k": -84.0,
                    "v_1": -1.2, "v_2": 18.0, "v_3": 2.0, "v_4": 30.0, "phi": 0.04, "v_th": 0.0},
        units={"c_m": "uF/cm2", "g_l": "mS/cm2", "g_ca": "mS/cm2", "g_k": "mS/cm2", "e_l": "mV", "e_ca": "mV",
               "e_k": "mV", "v_1": "mV", "v_2": "mV", "v_3": "mV", "v_4": "mV", "phi": "1/ms", "v_th": "mV"},
        inputs={"i": "uA/cm2"},
        initial={"v": "e_l", "w": "w_inf"},
        name="MorrisLecar",
        doc=cleandoc(MorrisLecar.__doc__ or ""),
    )
