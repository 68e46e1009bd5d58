"""Hebbian rules of rates, on spikes: Oja and BCM."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.plasticity import PlasticityModel


def Oja(**parameters: Any) -> PlasticityModel:
    """Oja's rule on spikes: Hebbian growth with a decay that keeps the weights bounded.

        tau dx/dt = -x (source)     tau dy/dt = -y (target)     low-pass rates in Hz
        source spikes:  send w,  x <- x + 1000/tau
        target spikes:           w <- w + eta (x - alpha y w),  then y <- y + 1000/tau

    Target spikes sample the product with the rate of the target: for rates x and y that are steady and independent the mean
    change per unit of time is Oja's eta (x y - alpha y**2 w), which comes to rest at w = x/(alpha y).

    ==========  =======  =========  ========================================
    parameter   default  unit       meaning
    ==========  =======  =========  ========================================
    tau         100      ms         window over which rates are measured
    eta         1e-5     as w, /Hz  change of one target spike at a source rate of 1 Hz
    alpha       1        1/as w     strength of the decay
    ==========  =======  =========  ========================================

    Graded neurons have their rates as states.  Write Oja's rule itself, which is advanced in every step, and send in every
    step what the input w x adds to the target's tau_x dx/dt = -x + w x_pre, through ``ns.Delta(weight, variable="x")``:

        PlasticityModel.from_equations("dw/dt = eta*x_post*(x_pre - alpha*x_post*w)", on_step="send(w*x_pre*dt/tau_x)",
                                       parameters=dict(eta=1e-4, alpha=1.0, tau_x=10.0))

    Args:
        **parameters: other values of parameters: number, quantity or distribution (drawn for each synapse).

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Oja 1982, doi:10.1007/BF00275687.
    """
    return _oja().with_parameters(**parameters)


@cache
def _oja() -> PlasticityModel:
    return PlasticityModel.from_equations(
        """
        dx/dt = -x/tau : Hz
        dy/dt = -y/tau : Hz
        """,
        on_pre="x += 1000/tau",
        on_post="w += eta*(x - alpha*y*w); y += 1000/tau",
        parameters={"tau": 100.0, "eta": 1e-5, "alpha": 1.0},
        units={"tau": "ms"},
        name="Oja",
        doc=cleandoc(Oja.__doc__ or ""),
    )


def BCM(**parameters: Any) -> PlasticityModel:
    """Rule of Bienenstock, Cooper and Munro on spikes: the threshold between depression and potentiation follows the target.

        tau dx/dt = -x (source)     tau dy/dt = -y (target)     low-pass rates in Hz
        tau_theta dtheta/dt = y**2/rho_0 - theta
        source spikes:  send w,  x <- x + 1000/tau
        target spikes:           w <- w + eta x (y - theta),  then y <- y + 1000/tau
        w is limited to w_min ... w_max

    Target spikes sample the product with the rate of the target: for steady independent rates the mean change per unit of time
    is eta x y (y - theta).  The threshold is the mean square of the rate over rho_0, so that the target settles near rho_0.

    ==========  =======  ============  =====================================
    parameter   default  unit          meaning
    ==========  =======  ============  =====================================
    tau         100      ms            window over which rates are measured
    tau_theta   5000     ms            window of the sliding threshold
    rho_0       10       Hz            rate at which the target settles
    eta         1e-7     as w, /Hz**2  change of one target spike at x (y - theta) = 1 Hz**2
    w_min       0        as w          lowest weight
    w_max       1        as w          highest weight
    ==========  =======  ============  =====================================

    theta begins at rho_0.  For graded neurons (see `Oja`) write

        PlasticityModel.from_equations('''dtheta/dt = (x_post**2/rho_0 - theta)/tau_theta
                                          dw/dt = eta*x_pre*x_post*(x_post - theta)''', on_step="send(w*x_pre*dt/tau_x)",
                                       parameters=dict(eta=1e-6, rho_0=10.0, tau_theta=5000.0, tau_x=10.0),
                                       initial={"theta": "rho_0"})

    in which theta is kept once for each target neuron.

    Args:
        **parameters: other values of parameters: number, quantity or distribution (drawn for each synapse).

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Bienenstock, Cooper & Munro 1982, doi:10.1523/JNEUROSCI.02-01-00032.1982; threshold of Intrator & Cooper 1992,
    doi:10.1016/S0893-6080(05)80003-6.
    """
    return _bcm().with_parameters(**parameters)


@cache
def _bcm() -> PlasticityModel:
    return PlasticityModel.from_equations(
        """
        dx/dt = -x/tau : Hz
        dy/dt = -y/tau : Hz
        dtheta/dt = (y**2/rho_0 - theta)/tau_theta : Hz
        """,
        on_pre="x += 1000/tau",
        on_post="w += eta*x*(y - theta); y += 1000/tau",
        parameters={"tau": 100.0, "tau_theta": 5000.0, "rho_0": 10.0, "eta": 1e-7, "w_min": 0.0, "w_max": 1.0},
        units={"tau": "ms", "tau_theta": "ms", "rho_0": "Hz"},
        initial={"theta": "rho_0"},
        bounds={"w": ("w_min", "w_max")},
        name="BCM",
        doc=cleandoc(BCM.__doc__ or ""),
    )
