"""Spike-timing-dependent plasticity of triplets of spikes."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.errors import ParameterError, listing, nearest
from neurosim.model.plasticity import PlasticityModel
from neurosim.simulator.plasticity.stdp import PAIRINGS

#: a2_plus, a3_plus, a2_minus, a3_minus, tau_x, tau_y of the full model, by data and pairing
FITS = {
    ("visual", "all"): (5e-10, 6.2e-3, 7e-3, 2.3e-4, 101.0, 125.0),
    ("visual", "nearest"): (8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714.0, 40.0),
    ("hippocampus", "all"): (6.1e-3, 6.7e-3, 1.6e-3, 1.4e-3, 946.0, 27.0),
    ("hippocampus", "nearest"): (4.6e-3, 9.1e-3, 3e-3, 7.5e-9, 575.0, 47.0),
}


def TripletSTDP(data: str = "visual", pairing: str = "all", **parameters: Any) -> PlasticityModel:
    """Triplet rule: the effect of a pair grows with the latest spike before it on the same side.

        tau_plus dr1/dt = -r1     tau_x dr2/dt = -r2     (set by source spikes)
        tau_minus do1/dt = -o1    tau_y do2/dt = -o2     (set by target spikes)
        source spikes:  send w,  w <- w - o1 (a2_minus + a3_minus r2) w_scale,  then r1 <- r1 + 1, r2 <- r2 + 1
        target spikes:           w <- w + r1 (a2_plus  + a3_plus  o2) w_scale,  then o1 <- o1 + 1, o2 <- o2 + 1
        w is limited to w_min ... w_max

    `data` chooses the published fit of the full model, `pairing` whether all spikes count or the latest only (1 instead of
    + 1); both set the defaults, here those of data="visual", pairing="all":

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau_plus    16.8     ms       fast trace of the source
    tau_x       101      ms       slow trace of the source
    tau_minus   33.7     ms       fast trace of the target
    tau_y       125      ms       slow trace of the target
    a2_plus     5e-10    1        potentiation of a pair
    a3_plus     0.0062   1        potentiation of a triplet target-source-target
    a2_minus    0.007    1        depression of a pair
    a3_minus    0.00023  1        depression of a triplet source-target-source
    w_scale     1        as w     unit of the changes
    w_min       0        as w     lowest weight
    w_max       1        as w     highest weight
    ==========  =======  =======  ==========================================

    Args:
        data: "visual" (Sjostrom et al. 2001) or "hippocampus" (Wang et al. 2005).
        pairing: "all" or "nearest".
        **parameters: other values of parameters: number, quantity or distribution (drawn for each synapse).

    Raises:
        ParameterError: for unknown data, pairing or name, or an unusable value.

    Source: Pfister & Gerstner 2006, doi:10.1523/JNEUROSCI.1425-06.2006, equations 3 and 4 and the fits of the full model.
    """
    if pairing not in PAIRINGS:
        raise ParameterError(f"TripletSTDP has no pairing {pairing!r}.{nearest(str(pairing), PAIRINGS)} "
                             f"Known: {listing(PAIRINGS)}.")
    if (data, pairing) not in FITS:
        known = sorted({d for d, _ in FITS})
        raise ParameterError(f"TripletSTDP has no data {data!r}.{nearest(str(data), known)} Known: {listing(known)}.")
    return _triplet(data, pairing).with_parameters(**parameters)


@cache
def _triplet(data: str, pairing: str) -> PlasticityModel:
    mark = PAIRINGS[pairing]
    fit = dict(zip(("a2_plus", "a3_plus", "a2_minus", "a3_minus", "tau_x", "tau_y"), FITS[data, pairing]))
    return PlasticityModel.from_equations(
        """
        dr1/dt = -r1/tau_plus : 1
        dr2/dt = -r2/tau_x : 1
        do1/dt = -o1/tau_minus : 1
        do2/dt = -o2/tau_y : 1
        """,
        on_pre=f"w -= w_scale*o1*(a2_minus + a3_minus*r2); {mark.format('r1')}; {mark.format('r2')}",
        on_post=f"w += w_scale*r1*(a2_plus + a3_plus*o2); {mark.format('o1')}; {mark.format('o2')}",
        parameters={"tau_plus": 16.8, "tau_minus": 33.7, "w_scale": 1.0, "w_min": 0.0, "w_max": 1.0} | fit,
        units={"tau_plus": "ms", "tau_minus": "ms", "tau_x": "ms", "tau_y": "ms", "a2_plus": "1", "a3_plus": "1",
               "a2_minus": "1", "a3_minus": "1"},
        bounds={"w": ("w_min", "w_max")},
        name=f"TripletSTDP_{pairing}",
        doc=cleandoc(TripletSTDP.__doc__ or ""),
    )
