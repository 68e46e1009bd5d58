"""Neurons that fire at random."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def Poisson(**parameters: Any) -> NeuronModel:
    """Poisson spike source: no state, no input, only a rate.

        spike with probability rate dt/1000 in every step

    At most one spike a step: the count in a window is binomial with mean rate times window, the variance is
    smaller than Poisson's by the factor 1 - rate dt/1000.  A rate above 1000/dt Hz cannot be reached and fires
    in every step.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    rate        10       Hz       expected spikes a second
    ==========  =======  =======  ==========================================

    Args:
        **parameters: another rate: number, array with one value per neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Dayan & Abbott 2001, Theoretical Neuroscience, section 1.4.
    """
    return _poisson().with_parameters(**parameters)


@cache
def _poisson() -> NeuronModel:
    return NeuronModel.from_equations(
        "",
        threshold="rand() < rate*dt/1000",
        edge=False,
        parameters={"rate": 10.0},
        units={"rate": "Hz"},
        name="Poisson",
        doc=cleandoc(Poisson.__doc__ or ""),
    )
