"""The squid axon's membrane after Hodgkin and Huxley."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def HodgkinHuxley(**parameters: Any) -> NeuronModel:
    """Membrane of the squid giant axon at 6.3 degrees.

        c_m dv/dt = i - g_l (v - e_l) - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k)
        dx/dt     = alpha_x (1 - x) - beta_x x                     for x = m, h, n
        alpha_m   = 0.1 (v + 40)/(1 - exp(-(v + 40)/10))           beta_m = 4 exp(-(v + 65)/18)
        alpha_h   = 0.07 exp(-(v + 65)/20)                         beta_h = 1/(1 + exp(-(v + 35)/10))
        alpha_n   = 0.01 (v + 55)/(1 - exp(-(v + 55)/10))          beta_n = 0.125 exp(-(v + 65)/80)
        spike when  v > v_th and dv/dt > dv_th  becomes true

    v is the potential of today's sign convention with rest at -65 mV.  alpha_m and alpha_n have removable
    singularities at -40 and -55 mV, which exprel(x) = (exp(x) - 1)/x takes care of.

    Spikes become smaller with the current: above 50 uA/cm2 they no longer reach 0 mV, and at 154.5 the
    oscillation ends at a supercritical Hopf point near -43 mV.  No fixed level sees them all, nor would it reject
    the small oscillations around a depolarised state; a level together with a slope does.

    Exponential Euler, chosen by analysis, is of first order: at dt = 0.01 ms rates are 0.5 % too low (68.0 Hz at
    10 uA/cm2 instead of 68.3).  ``method="rk4"`` has four digits at dt = 0.02 ms.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    c_m         1        uF/cm2   capacitance
    g_na        120      mS/cm2   greatest sodium conductance
    g_k         36       mS/cm2   greatest potassium conductance
    g_l         0.3      mS/cm2   leak conductance
    e_na        50       mV       sodium reversal potential
    e_k         -77      mV       potassium reversal potential
    e_l         -54.387  mV       leak reversal potential
    v_th        -43      mV       level of the spike detector
    dv_th       2        mV/ms    slope of the spike detector
    ==========  =======  =======  ==========================================

    Input ``i`` in uA/cm2; states ``v`` in mV, from -65, and the gates ``m``, ``h``, ``n``, from their steady
    states at the initial v.  The rates and ``dv`` can be recorded.

    Args:
        **parameters: other values of parameters, or initial values of states: number, array with one value
            per neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764.
    """
    return _hodgkin_huxley().with_parameters(**parameters)


@cache
def _hodgkin_huxley() -> NeuronModel:
    return NeuronModel.from_equations(
        """
        alpha_m = 1/ms/exprel(-(v + 40*mV)/(10*mV)) : 1/ms
        beta_m = 4/ms*exp(-(v + 65*mV)/(18*mV)) : 1/ms
        alpha_h = 0.07/ms*exp(-(v + 65*mV)/(20*mV)) : 1/ms
        beta_h = 1/ms/(1 + exp(-(v + 35*mV)/(10*mV))) : 1/ms
        alpha_n = 0.1/ms/exprel(-(v + 55*mV)/(10*mV)) : 1/ms
        beta_n = 0.125/ms*exp(-(v + 65*mV)/(80*mV)) : 1/ms
        dv = (i - g_l*(v - e_l) - g_na*m**3*h*(v - e_na) - g_k*n**4*(v - e_k))/c_m : mV/ms
        dv/dt = dv : mV
        dm/dt = alpha_m*(1 - m) - beta_m*m : 1
        dh/dt = alpha_h*(1 - h) - beta_h*h : 1
        dn/dt = alpha_n*(1 - n) - beta_n*n : 1
        """,
        threshold="v > v_th and dv > dv_th",
        parameters={"c_m": 1.0, "g_na": 120.0, "g_k": 36.0, "g_l": 0.3, "e_na": 50.0, "e_k": -77.0, "e_l": -54.387,
                    "v_th": -43.0, "dv_th": 2.0},
        units={"c_m": "uF/cm2", "g_na": "mS/cm2", "g_k": "mS/cm2", "g_l": "mS/cm2", "e_na": "mV", "e_k": "mV",
               "e_l": "mV", "v_th": "mV", "dv_th": "mV/ms"},
        inputs={"i": "uA/cm2"},
        initial={"v": -65.0, "m": "alpha_m/(alpha_m + beta_m)", "h": "alpha_h/(alpha_h + beta_h)",
                 "n": "alpha_n/(alpha_n + beta_n)"},
        name="HodgkinHuxley",
        doc=cleandoc(HodgkinHuxley.__doc__ or ""),
    )
