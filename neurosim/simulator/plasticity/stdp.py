"""Spike-timing-dependent plasticity of pairs of spikes."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.errors import ParameterError, listing, nearest
from neurosim.model.plasticity import PlasticityModel

#: statements that set the traces, by pairing
PAIRINGS = {"all": "{} += 1", "nearest": "{} = 1"}
#: factors of potentiation and depression, by dependence on the weight
DEPENDENCES = {
    "additive": ("1", "1"),
    "multiplicative": ("(w_max - w)/(w_max - w_min)", "(w - w_min)/(w_max - w_min)"),
    # rounding must not make a negative base, which has no power
    "power": ("maximum((w_max - w)/(w_max - w_min), 0)**mu", "maximum((w - w_min)/(w_max - w_min), 0)**mu"),
}


def STDP(pairing: str = "all", weight_dependence: str = "additive", **parameters: Any) -> PlasticityModel:
    """Pair-based spike-timing-dependent plasticity.

        tau_plus  dx/dt = -x        tau_minus dy/dt = -y
        source spikes:  send w,  w <- w - a_minus f_minus(u) y (w_max - w_min),  then x <- x + 1
        target spikes:           w <- w + a_plus  f_plus(u)  x (w_max - w_min),  then y <- y + 1
        u = (w - w_min)/(w_max - w_min),  w is limited to w_min ... w_max

    A source spike that reaches the synapse dt before the target spike adds a_plus exp(-dt/tau_plus) f_plus(u), one that comes
    after it takes away a_minus exp(-dt/tau_minus) f_minus(u), in units of w_max - w_min.

        pairing="all"       every spike pairs with all earlier ones of the other side
        pairing="nearest"   with the latest one only: x <- 1, y <- 1

        weight_dependence="additive"         f_plus = 1            f_minus = 1
        weight_dependence="multiplicative"   f_plus = 1 - u        f_minus = u
        weight_dependence="power"            f_plus = (1 - u)**mu  f_minus = u**mu

    Of two spikes in one step the source's comes first.  The weight that is sent is the one before the change.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau_plus    20       ms       window of potentiation (source first)
    tau_minus   20       ms       window of depression (target first)
    a_plus      0.005    1        potentiation of one pair
    a_minus     0.00525  1        depression of one pair
    w_min       0        as w     lowest weight
    w_max       1        as w     highest weight: give it in the unit of the synapse
    mu          0.02     1        weight_dependence="power" only: 0 additive, 1 multiplicative
    ==========  =======  =======  ==========================================

    Args:
        pairing: "all" or "nearest".
        weight_dependence: "additive", "multiplicative" or "power".
        **parameters: other values of parameters: number, quantity or distribution (drawn for each synapse).

    Raises:
        ParameterError: for an unknown pairing, dependence or name, or an unusable value.

    Source: Song, Miller & Abbott 2000, doi:10.1038/78829 (additive; the values); Gutig, Aharonov, Rotter & Sompolinsky 2003,
    doi:10.1523/JNEUROSCI.23-09-03697.2003 (power law); Morrison, Diesmann & Gerstner 2008, doi:10.1007/s00422-008-0233-1
    (pairings).
    """
    for what, value, known in (("pairing", pairing, PAIRINGS), ("weight_dependence", weight_dependence, DEPENDENCES)):
        if value not in known:
            raise ParameterError(f"STDP has no {what} {value!r}.{nearest(str(value), known)} Known: {listing(known)}.")
    return _stdp(pairing, weight_dependence).with_parameters(**parameters)


@cache
def _stdp(pairing: str, weight_dependence: str) -> PlasticityModel:
    up, down = DEPENDENCES[weight_dependence]
    mark = PAIRINGS[pairing]
    own = {"mu": 0.02} if weight_dependence == "power" else {}
    return PlasticityModel.from_equations(
        """
        dx/dt = -x/tau_plus : 1
        dy/dt = -y/tau_minus : 1
        """,
        on_pre=f"w -= a_minus*(w_max - w_min)*{down}*y; {mark.format('x')}",
        on_post=f"w += a_plus*(w_max - w_min)*{up}*x; {mark.format('y')}",
        parameters={"tau_plus": 20.0, "tau_minus": 20.0, "a_plus": 0.005, "a_minus": 0.00525, "w_min": 0.0, "w_max": 1.0} | own,
        units={"tau_plus": "ms", "tau_minus": "ms", "a_plus": "1", "a_minus": "1"},
        bounds={"w": ("w_min", "w_max")},
        name=f"STDP_{pairing}_{weight_dependence}",
        doc=cleandoc(STDP.__doc__ or ""),
    )
