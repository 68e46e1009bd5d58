"""Thalamus: the other end of the basal ganglia, where the chosen action is on and the others are off."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number, thresholded
from neurosim.nef.node import Node

#: ms: inhibition among actions
GABA = 8.0


def thalamus(actions: int, n_neurons: int = 50, *, inhibition: float = 1.0, threshold: float = 0.2, name: str | None = None,
             **options: Any) -> Network:
    """Return ensembles that are held at 1 and inhibited by what comes in and by each other.

        x_i = 1 + input_i - inhibition sum_(j != i) x_j,    silent below the threshold

    Args:
        actions: how many.
        n_neurons: of each ensemble.
        inhibition: of each on each other.
        threshold: value below which neurons are silent.
        name: of the network.
        **options: of the ensembles, see `Ensemble`.

    Ports: input (relay: connect ``basal_ganglia(...).output`` to it with some ms), output.

    Source: Stewart, Choo & Eliasmith 2010, Symbolic reasoning in spiking neurons: a model of the cortex/basal ganglia/thalamus
    loop, CogSci.
    """
    inhibition = number(inhibition, "thalamus: inhibition", 0)
    radius = options.pop("radius", 1.0)
    x = thresholded(n_neurons, actions, number(threshold, "thalamus: threshold", -radius, radius), radius, name="x", **options)
    u, one = Node(size_in=actions, name="input"), Node(1.0, name="drive")
    links = [Connection(u, x, synapse=None), Connection(one, x, transform=np.ones((actions, 1)), synapse=None),
             Connection(x, x, transform=inhibition * (np.eye(actions) - 1), synapse=GABA)]
    return Network([u, one, x], links, name=name, ports={"input": u, "output": x})
