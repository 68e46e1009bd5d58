"""Spike-timing-dependent plasticity that waits for a reward."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.errors import ParameterError
from neurosim.model.plasticity import PlasticityModel


def RewardSTDP(signal: str = "dopamine", **parameters: Any) -> PlasticityModel:
    """Reward-modulated plasticity: pairs of spikes leave an eligibility trace, and a reward signal turns it into weight.

        tau_plus dx/dt = -x        tau_minus dy/dt = -y
        source spikes:  send w,  c <- c - a_minus y (w_max - w_min),  then x <- x + 1
        target spikes:           c <- c + a_plus  x (w_max - w_min),  then y <- y + 1
        tau_c dc/dt = -c           dw/dt = c d/tau_w,  w is limited to w_min ... w_max

    d is a state of the target neurons, named by `signal` and dimensionless, such as

        d(dopamine)/dt = -dopamine/tau_d

    written ``ddopamine/dt = -dopamine/tau_d : 1`` among the equations of the neuron; a `SpikeInput` with that state as
    variable, or any projection with ``ns.Delta(weight, variable="dopamine")``, delivers the reward.  c and w are advanced in
    every step of dt for every synapse.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau_plus    20       ms       window of eligibility for potentiation
    tau_minus   20       ms       window of eligibility for depression
    a_plus      0.1      1        eligibility by a pair, source first
    a_minus     0.15     1        eligibility by a pair, target first
    tau_c       1000     ms       decay of eligibility
    tau_w       1000     ms       time in which d = 1 turns constant eligibility into weight
    w_min       0        as w     lowest weight
    w_max       1        as w     highest weight
    ==========  =======  =======  ==========================================

    One pair with eligibility c0 at time 0 and d = d0 exp(-t/tau_d) from then on change the weight by
    c0 d0/(tau_w (1/tau_c + 1/tau_d)).

    Args:
        signal: name of the state of the target neurons.
        **parameters: other values of parameters: number, quantity or distribution (drawn for each synapse).

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Izhikevich 2007, doi:10.1093/cercor/bhl152 (time constants; the ratio of depression to potentiation is 1.5).
    """
    if not isinstance(signal, str) or not signal.isidentifier():
        raise ParameterError(f"RewardSTDP: signal is the name of a state of the target neurons, such as 'dopamine', "
                             f"not {signal!r}.")
    return _reward(signal).with_parameters(**parameters)


@cache
def _reward(signal: str) -> PlasticityModel:
    return PlasticityModel.from_equations(
        f"""
        dx/dt = -x/tau_plus : 1
        dy/dt = -y/tau_minus : 1
        dc/dt = -c/tau_c
        dw/dt = c*{signal}_post/tau_w
        """,
        on_pre="c -= a_minus*(w_max - w_min)*y; x += 1",
        on_post="c += a_plus*(w_max - w_min)*x; y += 1",
        parameters={"tau_plus": 20.0, "tau_minus": 20.0, "a_plus": 0.1, "a_minus": 0.15, "tau_c": 1000.0, "tau_w": 1000.0,
                    "w_min": 0.0, "w_max": 1.0},
        units={"tau_plus": "ms", "tau_minus": "ms", "tau_c": "ms", "tau_w": "ms", "a_plus": "1", "a_minus": "1"},
        bounds={"w": ("w_min", "w_max")},
        name="RewardSTDP",
        doc=cleandoc(RewardSTDP.__doc__ or ""),
    )
