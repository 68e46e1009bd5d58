"""Plasticity of inhibitory synapses that holds the rate of their targets."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.plasticity import PlasticityModel


def InhibitorySTDP(**parameters: Any) -> PlasticityModel:
    """Symmetric plasticity of inhibitory synapses, which brings the target neuron to the rate rho_0.

        tau dx/dt = -x (source)     tau dy/dt = -y (target)
        source spikes:  send w,  x <- x + 1,  w <- w + eta (y - alpha)
        target spikes:           y <- y + 1,  w <- w + eta x
        alpha = 2 rho_0 tau,  w is limited to w_min ... w_max

    For independent spikes the mean change is eta r_source 2 tau (r_target - rho_0) per unit of time: it vanishes at the rate
    rho_0.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau         20       ms       window
    rho_0       3        Hz       rate of the target neuron at which nothing changes
    eta         1e-5     as w     change of one pair
    w_min       0        as w     lowest weight
    w_max       0.1      as w     highest weight
    ==========  =======  =======  ==========================================

    The weights are strengths, at least 0: the synapse is inhibitory by its reversal potential.  Defaults suit conductances in
    uS.

    Args:
        **parameters: other values of parameters: number, quantity or distribution (drawn for each synapse).

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, doi:10.1126/science.1211095.
    """
    return _inhibitory().with_parameters(**parameters)


@cache
def _inhibitory() -> PlasticityModel:
    return PlasticityModel.from_equations(
        """
        dx/dt = -x/tau : 1
        dy/dt = -y/tau : 1
        alpha = 0.002*rho_0*tau : 1      # Hz ms is 0.001
        """,
        on_pre="x += 1; w += eta*(y - alpha)",
        on_post="y += 1; w += eta*x",
        parameters={"tau": 20.0, "rho_0": 3.0, "eta": 1e-5, "w_min": 0.0, "w_max": 0.1},
        units={"tau": "ms", "rho_0": "Hz"},
        bounds={"w": ("w_min", "w_max")},
        name="InhibitorySTDP",
        doc=cleandoc(InhibitorySTDP.__doc__ or ""),
    )
