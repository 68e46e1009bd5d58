"""Squares."""

from __future__ import annotations

from typing import Any

from neurosim.nef.connection import Connection
from neurosim.nef.ensemble import EnsembleArray
from neurosim.nef.network import Network
from neurosim.nef.node import Node


def squaring(n_neurons: int = 100, dimensions: int = 1, *, name: str | None = None, **options: Any) -> Network:
    """Return ensembles from which the square of each dimension is decoded.

        y_i = x_i^2

    Args:
        n_neurons: of the ensemble of each dimension.
        dimensions: of x.
        name: of the network.
        **options: of the ensembles, see `Ensemble`.

    Ports: input (x), output (y, relay without a filter of its own: connect from it with a synapse).

    Source: Eliasmith & Anderson 2003, Neural Engineering, section 6.2.
    """
    x, y = EnsembleArray(n_neurons, dimensions, name="x", **options), Node(size_in=dimensions, name="output")
    square = Connection(x, y, function=lambda v: v**2, synapse=None)
    return Network([x, y], [square], name=name, ports={"input": x, "output": y})
