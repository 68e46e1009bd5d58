"""Izhikevich's simple model of spiking neurons."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.ir import NeuronModel


def Izhikevich(**parameters: Any) -> NeuronModel:
    """Simple model of spiking neurons.

        dv/dt = 0.04 v^2 + 5 v + 140 - u + i
        du/dt = a (b v - u)
        spike if v >= v_peak:  v <- c, u <- u + d

    The paper integrates v by Euler's method in two steps of 0.5 ms and u in one of 1 ms; its patterns are partly
    those of that scheme.  Here the method is chosen by analysis (rk4), and the solution of the equations
    themselves needs dt <= 0.1 ms; ``method="euler"`` with dt = 0.5 comes close to the paper.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    a           0.02     1/ms     rate of recovery
    b           0.2      1/ms     sensitivity of u to v
    c           -65      mV       potential after a spike
    d           8        mV/ms    jump of u at a spike
    v_peak      30       mV       where the upstroke is cut off
    ==========  =======  =======  ==========================================

    Regular spiking by default; of the paper also: intrinsically bursting c = -55, d = 4; chattering c = -50,
    d = 2; fast spiking a = 0.1, d = 2; low-threshold spiking b = 0.25, d = 2; thalamo-cortical b = 0.25,
    d = 0.05; resonator a = 0.1, b = 0.26, d = 2.

    Input ``i`` in mV/ms; states ``v`` in mV, from -65, and ``u`` in mV/ms, from b v.

    Args:
        **parameters: other values of parameters, or initial values of v and u: number, array with one value
            per neuron, distribution or quantity.

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Izhikevich 2003, doi:10.1109/TNN.2003.820440.
    """
    return _izhikevich().with_parameters(**parameters)


@cache
def _izhikevich() -> NeuronModel:
    return NeuronModel.from_equations(
        """
        dv/dt = 0.04*v**2/(mV*ms) + 5*v/ms + 140*mV/ms - u + i : mV
        du/dt = a*(b*v - u) : mV/ms
        """,
        threshold="v >= v_peak",
        reset="v = c; u += d",
        parameters={"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "v_peak": 30.0},
        units={"a": "1/ms", "b": "1/ms", "c": "mV", "d": "mV/ms", "v_peak": "mV"},
        inputs={"i": "mV/ms"},
        initial={"v": -65.0, "u": "b*v"},
        name="Izhikevich",
        doc=cleandoc(Izhikevich.__doc__ or ""),
    )
