"""Graded units: rates instead of spikes."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.errors import ParameterError, listing, nearest
from neurosim.model.ir import NeuronModel

#: expression in the input, and its own parameters as (value, unit), by name of the activation function
FORMS: dict[str, tuple[str, dict[str, tuple[float, str]]]] = {
    "identity": ("i", {}),
    "logistic": ("logistic(i)", {}),
    "arctan": ("arctan(i)", {}),
    "tanh": ("tanh(i)", {}),
    "threshold": ("heaviside(i)", {}),
    "relu": ("relu(i)", {}),
    "leaky_relu": ("where(i > 0, i, slope*i)", {"slope": (0.01, "1")}),
    "softplus": ("softplus(i)", {}),
    # the bound keeps the branch that is not taken free of NaN
    "lif_rate": ("where(i > 1, 1000/(t_ref + tau_m*log1p(1/maximum(i - 1, 1e-30))), 0)",
                 {"tau_m": (20.0, "ms"), "t_ref": (2.0, "ms")}),
}


def Graded(activation: str = "logistic", **parameters: Any) -> NeuronModel:
    """Graded (rate) unit, a low-pass filter behind an activation function.

        tau dx/dt = -x + sigma(i)

    `activation` names sigma; `neurosim.simulator.neurons.activation` has the same functions for arrays:

        identity     i                         tanh         tanh(i)
        logistic     1/(1 + exp(-i))           arctan       arctan(i)
        threshold    1 if i > 0, else 0        softplus     ln(1 + exp(i))
        relu         max(i, 0)                 leaky_relu   i if i > 0, else slope i
        lif_rate     1000/(t_ref + tau_m ln(i/(i - 1))) if i > 1, else 0;  Hz

    softmax and argmax join the units of a layer and are no model of one unit.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    tau         10       ms       time constant of the unit
    slope       0.01     1        leaky_relu only: slope below 0
    tau_m       20       ms       lif_rate only: membrane time constant
    t_ref       2        ms       lif_rate only: refractory period
    ==========  =======  =======  ==========================================

    Input ``i`` dimensionless; state ``x`` dimensionless (lif_rate: Hz), from 0.  There are no spikes.  The
    equation is linear in x: inputs that stand still during a step are integrated exactly.

    Args:
        activation: name of the activation function.
        **parameters: other values of parameters, or the initial value of x: number, array with one value per
            neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown activation or name, or an unusable value.

    Source: Wilson & Cowan 1972, doi:10.1016/S0006-3495(72)86068-5.
    """
    if activation in ("softmax", "argmax"):
        raise ParameterError(f"{activation} acts on a whole layer, not on one unit: use ACTIVATIONS[{activation!r}] of "
                             f"neurosim.simulator.neurons on the layer, or one of {listing(FORMS)} here.")
    if activation not in FORMS:
        raise ParameterError(f"Graded has no activation {activation!r}.{nearest(str(activation), FORMS)} "
                             f"Known: {listing(FORMS)}.")
    return _graded(activation).with_parameters(**parameters)


@cache
def _graded(activation: str) -> NeuronModel:
    sigma, own = FORMS[activation]
    return NeuronModel.from_equations(
        f"dx/dt = (-x + {sigma})/tau : {'Hz' if activation == 'lif_rate' else '1'}",
        parameters={"tau": 10.0, **{name: value for name, (value, _) in own.items()}},
        units={"tau": "ms", **{name: unit for name, (_, unit) in own.items()}},
        inputs={"i": "1"},
        name=f"Graded_{activation}",
        doc=cleandoc(Graded.__doc__ or ""),
    )
