"""Hippocampal pyramidal cell with Hodgkin-Huxley channels after Traub and Miles."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def TraubMiles(**parameters: Any) -> NeuronModel:
    """Neuron of the COBAHH benchmark: Hodgkin-Huxley channels with the rates of Traub and Miles.

        c_m dv/dt = g_l (e_l - v) - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k) + i
        dx/dt     = alpha_x (1 - x) - beta_x x                          for x = m, h, n;   s = v - v_t
        alpha_m   = 0.32 (13 - s)/(exp((13 - s)/4) - 1)                 beta_m = 0.28 (s - 40)/(exp((s - 40)/5) - 1)
        alpha_h   = 0.128 exp((17 - s)/18)                              beta_h = 4/(1 + exp((40 - s)/5))
        alpha_n   = 0.032 (15 - s)/(exp((15 - s)/5) - 1)                beta_n = 0.5 exp((10 - s)/40)
        spike when v > v_th becomes true, at most one in t_ref; nothing is reset or held

    exprel(x) = (exp(x) - 1)/x takes care of the removable singularities at s = 13, 15 and 40 mV.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    c_m         0.2      nF       capacitance
    g_l         0.01     uS       leak conductance (10 nS)
    g_na        20       uS       greatest sodium conductance (20000 nS)
    g_k         6        uS       greatest potassium conductance (6000 nS)
    e_l         -60      mV       leak reversal potential
    e_na        50       mV       sodium reversal potential
    e_k         -90      mV       potassium reversal potential
    v_t         -63      mV       shift of all rates
    v_th        -20      mV       level of the spike detector
    t_ref       3        ms       time in which no second spike counts
    ==========  =======  =======  ==========================================

    Input ``i`` in nA; states ``v`` in mV, from e_l, and the gates ``m``, ``h``, ``n``, from their steady
    states at the initial v.  The default values have no state of rest: without input the neuron fires at
    13.9 Hz, and falls silent below about -0.03 nA.

    Args:
        **parameters: other values of parameters, or initial values of states: number, array with one value
            per neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Traub & Miles 1991, Neuronal Networks of the Hippocampus, doi:10.1017/CBO9780511895401; values of
    Brette et al. 2007, doi:10.1007/s10827-007-0038-6, appendix B, benchmark 3.
    """
    return _traub_miles().with_parameters(**parameters)


@cache
def _traub_miles() -> NeuronModel:
    return NeuronModel.from_equations(
        """
        s = v - v_t : mV
        alpha_m = 1.28/ms/exprel((13*mV - s)/(4*mV)) : 1/ms
        beta_m = 1.4/ms/exprel((s - 40*mV)/(5*mV)) : 1/ms
        alpha_h = 0.128/ms*exp((17*mV - s)/(18*mV)) : 1/ms
        beta_h = 4/ms/(1 + exp((40*mV - s)/(5*mV))) : 1/ms
        alpha_n = 0.16/ms/exprel((15*mV - s)/(5*mV)) : 1/ms
        beta_n = 0.5/ms*exp((10*mV - s)/(40*mV)) : 1/ms
        dv/dt = (g_l*(e_l - v) - g_na*m**3*h*(v - e_na) - g_k*n**4*(v - e_k) + i)/c_m : mV
        dm/dt = alpha_m*(1 - m) - beta_m*m : 1
        dh/dt = alpha_h*(1 - h) - beta_h*h : 1
        dn/dt = alpha_n*(1 - n) - beta_n*n : 1
        """,
        threshold="v > v_th",
        refractory="t_ref",
        parameters={"c_m": 0.2, "g_l": 0.01, "g_na": 20.0, "g_k": 6.0, "e_l": -60.0, "e_na": 50.0, "e_k": -90.0,
                    "v_t": -63.0, "v_th": -20.0, "t_ref": 3.0},
        units={"c_m": "nF", "g_l": "uS", "g_na": "uS", "g_k": "uS", "e_l": "mV", "e_na": "mV", "e_k": "mV",
               "v_t": "mV", "v_th": "mV", "t_ref": "ms"},
        inputs={"i": "nA"},
        initial={"v": "e_l", "m": "alpha_m/(alpha_m + beta_m)", "h": "alpha_h/(alpha_h + beta_h)",
                 "n": "alpha_n/(alpha_n + beta_n)"},
        name="TraubMiles",
        doc=cleandoc(TraubMiles.__doc__ or ""),
    )
