"""The excitable system of FitzHugh and Nagumo."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def FitzHughNagumo(**parameters: Any) -> NeuronModel:
    """FitzHugh-Nagumo model; its dimensionless time is counted in ms.

        dv/dt = v - v^3/3 - w + i
        dw/dt = (v + a - b w)/tau
        spike when v > v_th becomes true

    With the default values the fixed point is unstable between the Hopf points i = 0.3313 and 1.4187, where
    v^2 = 1 - b/tau.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    a           0.7      1        offset of the slow nullcline
    b           0.8      1        its slope
    tau         12.5     ms       time constant of w
    v_th        1        1        level of the spike detector
    ==========  =======  =======  ==========================================

    Input ``i`` and states ``v`` and ``w`` are dimensionless; v starts at -1.19941, the rest of the default
    values, w on its nullcline.

    Args:
        **parameters: other values of parameters, or initial values of v and w: number, array with one value
            per neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: FitzHugh 1961, doi:10.1016/S0006-3495(61)86902-6; Nagumo et al. 1962, doi:10.1109/JRPROC.1962.288235.
    """
    return _fitzhugh_nagumo().with_parameters(**parameters)


@cache
def _fitzhugh_nagumo() -> NeuronModel:
    return NeuronModel.from_equations(
        """
        dv/dt = (v - v**3/3 - w + i)/(1*ms) : 1
        dw/dt = (v + a - b*w)/tau : 1
        """,
        threshold="v > v_th",
        parameters={"a": 0.7, "b": 0.8, "tau": 12.5, "v_th": 1.0},
        units={"a": "1", "b": "1", "tau": "ms", "v_th": "1"},
        inputs={"i": "1"},
        initial={"v": -1.19940803524404, "w": "(v + a)/b"},
        name="FitzHughNagumo",
        doc=cleandoc(FitzHughNagumo.__doc__ or ""),
    )
