"""Winner take all."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number, thresholded
from neurosim.nef.node import Node


def winner_take_all(n_neurons: int = 100, choices: int = 4, *, inhibition: float = 2.0, threshold: float = 0.0,
                    tau: float = 20.0, name: str | None = None, **options: Any) -> Network:
    """Return ensembles of which the one with the largest input silences the others.

        tau x_i' = u_i - x_i - inhibition sum_(j != i) [x_j]+

    With inhibition > 1 there is room for one winner only: x_i = u_i, and the others are pushed below the threshold, where
    their neurons are silent.  Who has won stays so until another input exceeds inhibition times its own.

    Args:
        n_neurons: of each ensemble.
        choices: how many.
        inhibition: of each on each other.
        threshold: value below which neurons are silent.
        tau: ms, of the filters of inhibition and input.
        name: of the network.
        **options: of the ensembles, see `Ensemble`.

    Ports: input (relay to connect to with synapse=None), output (relay without a filter of its own, 0 for losers).

    Source: Yuille & Geiger 1995, Winner-take-all mechanisms, in Arbib, Handbook of Brain Theory; for spiking neurons: Gosmann,
    Voelker & Eliasmith 2017, A spiking independent accumulator model for winner-take-all computation, CogSci.
    """
    inhibition, tau = number(inhibition, "winner_take_all: inhibition", 0), number(tau, "winner_take_all: tau", 1e-9)
    radius = options.pop("radius", 1.0)
    x = thresholded(n_neurons, choices, number(threshold, "winner_take_all: threshold", -radius, radius), radius, name="x",
                    **options)
    u, out = Node(size_in=choices, name="input"), Node(size_in=choices, name="output")
    positive = lambda v: np.maximum(v, threshold)
    others = inhibition * (np.eye(choices) - 1)
    links = [Connection(u, x, synapse=tau),
             Connection(x, x, function=lambda v: np.maximum(v, 0), transform=others, synapse=tau),
             Connection(x, out, function=positive, synapse=None)]
    return Network([u, x, out], links, name=name, ports={"input": u, "output": out})
