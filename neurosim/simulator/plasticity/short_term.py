"""Short-term plasticity: depression and facilitation."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any

from neurosim.model.plasticity import PlasticityModel


def ShortTerm(facilitation: bool = True, **parameters: Any) -> PlasticityModel:
    """Short-term depression and facilitation.

        du/dt = -u/tau_facil         dx/dt = (1 - x)/tau_rec
        source spikes:  u <- u + U (1 - u),  send w u x,  x <- x - u x

    x is the part of the transmitter that is available, from 1; u the part of it that a spike releases, from 0, so that the
    first spike after silence sends w U.  Spikes of rate 1/T come to

        u = U/(1 - (1 - U) exp(-T/tau_facil)),     x = (1 - exp(-T/tau_rec))/(1 - (1 - u) exp(-T/tau_rec)).

    With facilitation=False u is U at all times (depression only).  The weight w does not change.

    ==========  =======  =======  ==========================================
    parameter   default  unit     meaning
    ==========  =======  =======  ==========================================
    U           0.5      1        part that the first spike releases, 0 to 1
    tau_rec     800      ms       recovery from depression
    tau_facil   1000     ms       decay of facilitation (with facilitation only)
    ==========  =======  =======  ==========================================

    With equal values for all synapses u and x are kept once for each source neuron.

    Args:
        facilitation: whether u changes.
        **parameters: other values of parameters: number, quantity or distribution (drawn for each synapse).

    Raises:
        ParameterError: for an unknown name or an unusable value.

    Source: Markram, Wang & Tsodyks 1998, doi:10.1073/pnas.95.9.5323; Tsodyks, Pawelzik & Markram 1998,
    doi:10.1162/089976698300017502.
    """
    return _short_term(bool(facilitation)).with_parameters(**parameters)


@cache
def _short_term(facilitation: bool) -> PlasticityModel:
    doc = cleandoc(ShortTerm.__doc__ or "")
    if not facilitation:
        return PlasticityModel.from_equations(
            "dx/dt = (1 - x)/tau_rec : 1",
            on_pre="send(w*U*x); x -= U*x",
            parameters={"U": 0.5, "tau_rec": 800.0},
            units={"U": "1", "tau_rec": "ms"},
            initial={"x": 1.0},
            name="ShortTerm_depression",
            doc=doc,
        )
    return PlasticityModel.from_equations(
        """
        du/dt = -u/tau_facil : 1
        dx/dt = (1 - x)/tau_rec : 1
        """,
        on_pre="u += U*(1 - u); send(w*u*x); x -= u*x",
        parameters={"U": 0.5, "tau_rec": 800.0, "tau_facil": 1000.0},
        units={"U": "1", "tau_rec": "ms", "tau_facil": "ms"},
        initial={"x": 1.0},
        name="ShortTerm",
        doc=doc,
    )
