"""Basal ganglia: which of several actions has the largest utility."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.ensemble import EnsembleArray
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number, thresholded
from neurosim.nef.node import Node

#: weights of Gurney, Prescott & Redgrave 2001 as fitted there: striatum (cortex in), subthalamic nucleus (cortex in),
#: striatum out, globus pallidus externus to subthalamic nucleus, subthalamic nucleus to pallidum, externus to internus
W_STRIATUM, W_STN, W_STRIATUM_OUT, W_GPE_STN, W_STN_OUT, W_GPE_GPI = 1.0, 1.0, 1.0, 1.0, 0.9, 0.3
#: dopamine in the paths of D1 ("select") and D2 ("control") receptors
DOPAMINE_SELECT, DOPAMINE_CONTROL = 0.2, 0.2
#: values at which outputs begin
E_STRIATUM, E_STN, E_GPE, E_GPI = 0.2, -0.25, -0.2, -0.2
#: ms: glutamate of the subthalamic nucleus, GABA of all others
AMPA, GABA = 2.0, 8.0
#: what ensembles represent
RADIUS = 1.5


def basal_ganglia(actions: int, n_neurons: int = 100, *, weight: float = -3.0, name: str | None = None,
                  **options: Any) -> Network:
    """Return a model of the basal ganglia, whose output releases the action of largest utility from inhibition.

    For each action i of utility u_i, with [x]_e = max(x - e, 0) and c = 0.2 the tone of dopamine:

        D1   = [(1 + c) u_i]_0.2           D2  = [(1 - c) u_i]_0.2
        STN  = [u_i - GPe_i]_-0.25         GPe = [0.9 sum_j STN_j - D2_i]_-0.2
        GPi  = [0.9 sum_j STN_j - D1_i - 0.3 GPe_i]_-0.2
        output_i = weight GPi_i

    GPi is 0 for the chosen action and positive for all others.  Utilities are best between 0 and 1, with 0.1 or more between
    the first and the second.

    Args:
        actions: how many.
        n_neurons: of each ensemble; there are five for each action.
        weight: of the inhibition that is the output.
        name: of the network.
        **options: of the ensembles, see `Ensemble`.

    Ports: input (utilities; relay), output (relay without a filter of its own), and the arrays d1, d2, stn, gpe, gpi.

    Source: Gurney, Prescott & Redgrave 2001, doi:10.1007/PL00007984 and doi:10.1007/PL00007985; with spiking neurons: Stewart,
    Choo & Eliasmith 2010, Dynamic behaviour of a spiking model of action selection in the basal ganglia, ICCM.
    """
    weight = number(weight, "basal_ganglia: weight")
    radius = options.pop("radius", RADIUS)
    make = lambda title, start: thresholded(n_neurons, actions, start, radius, name=title, **options)
    d1, d2 = make("d1", E_STRIATUM), make("d2", E_STRIATUM)
    stn, gpe, gpi = make("stn", E_STN), make("gpe", E_GPE), make("gpi", E_GPI)
    u, out = Node(size_in=actions, name="input"), Node(size_in=actions, name="output")
    all_ = np.ones((actions, actions))

    def link(pre: EnsembleArray, start: float, post: Any, transform: Any, synapse: float | None) -> Connection:
        return Connection(pre, post, function=lambda x: np.maximum(x - start, 0), transform=transform, synapse=synapse)

    links = [Connection(u, d1, transform=W_STRIATUM * (1 + DOPAMINE_SELECT), synapse=None),
             Connection(u, d2, transform=W_STRIATUM * (1 - DOPAMINE_CONTROL), synapse=None),
             Connection(u, stn, transform=W_STN, synapse=None),
             link(d1, E_STRIATUM, gpi, -W_STRIATUM_OUT, GABA), link(d2, E_STRIATUM, gpe, -W_STRIATUM_OUT, GABA),
             link(stn, E_STN, gpi, W_STN_OUT * all_, AMPA), link(stn, E_STN, gpe, W_STN_OUT * all_, AMPA),
             link(gpe, E_GPE, gpi, -W_GPE_GPI, GABA), link(gpe, E_GPE, stn, -W_GPE_STN, GABA),
             link(gpi, E_GPI, out, weight, None)]
    return Network([u, d1, d2, stn, gpe, gpi, out], links, name=name,
                   ports={"input": u, "output": out, "d1": d1, "d2": d2, "stn": stn, "gpe": gpe, "gpi": gpi})
