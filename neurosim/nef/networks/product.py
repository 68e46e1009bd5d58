"""Products."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.ensemble import EnsembleArray
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number
from neurosim.nef.node import Node


def product(n_neurons: int = 200, dimensions: int = 1, *, magnitude: float = 1.0, name: str | None = None,
            **options: Any) -> Network:
    """Return a network that multiplies two vectors, dimension by dimension.

        a_i b_i = s_i^2 - d_i^2,    s = (a + b)/2,  d = (a - b)/2

    Squares of one dimension are decoded with fewer neurons than products in two (Gosmann 2015).

    Args:
        n_neurons: for each product, half of them for s and half for d.
        dimensions: of a and of b.
        magnitude: largest |a_i| and |b_i|.
        name: of the network.
        **options: of the ensembles, see `Ensemble`.

    Ports: a, b (relays to connect to with a synapse or none), output (relay without a filter of its own: connect from it
    with a synapse).

    Source: Gosmann 2015, Precise multiplications with the NEF, technical report, University of Waterloo.
    """
    magnitude = number(magnitude, "product: magnitude", 1e-12)
    half = max(1, n_neurons // 2)
    options.setdefault("radius", magnitude)
    one = np.eye(dimensions)
    a, b, out = (Node(size_in=dimensions, name=k) for k in ("a", "b", "output"))
    parts = EnsembleArray(half, 2 * dimensions, name="sum and difference", **options)
    links = [Connection(a, parts, transform=np.vstack([one, one]) / 2, synapse=None),
             Connection(b, parts, transform=np.vstack([one, -one]) / 2, synapse=None),
             Connection(parts, out, function=lambda v: v**2, transform=np.hstack([one, -one]), synapse=None)]
    return Network([a, b, parts, out], links, name=name, ports={"a": a, "b": b, "output": out})
