"""Integrator."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.dynamics import recurrent
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.filters import LinearFilter
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number
from neurosim.nef.node import Node


def integrator(n_neurons: int = 100, dimensions: int = 1, *, gain: float = 1e-3, synapse: LinearFilter | float = 100.0,
               dt: float | None = None, name: str | None = None, **options: Any) -> Network:
    """Return an ensemble that adds up its input over time.

        x' = gain u        (each dimension by itself)

    Through a lowpass of tau the recurrent connection sends x and the input tau gain u.  What the decoders are wrong by makes
    x drift at (decoded x - x)/tau, so that a long tau keeps x for longer.

    Args:
        n_neurons: of the ensemble.
        dimensions: of x.
        gain: 1/ms; 1e-3: an input of 1 moves x by 1 in a second.
        synapse: filter of both connections, or ms.
        dt: ms of a step for which the loop is exact; None: for continuous time, with an error of order dt.
        name: of the network.
        **options: of the ensemble, see `Ensemble`.

    Ports: input (relay: connect to it with synapse=None), output.

    Source: Eliasmith & Anderson 2003, Neural Engineering, section 8.2; Seung 1996, doi:10.1073/pnas.93.23.13339.
    """
    gain = number(gain, "integrator: gain")
    x, u = Ensemble(n_neurons, dimensions, name="x", **options), Node(size_in=dimensions, name="input")
    back, drive = recurrent(np.zeros((dimensions, dimensions)), gain * np.eye(dimensions), synapse, dt)
    links = [Connection(u, x, transform=drive, synapse=synapse), Connection(x, x, transform=back, synapse=synapse)]
    return Network([u, x], links, name=name, ports={"input": u, "output": x})
