"""Communication channel."""

from __future__ import annotations

from typing import Any

from neurosim.nef.connection import Connection
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.filters import LinearFilter
from neurosim.nef.network import Network


def communication_channel(n_neurons: int = 100, dimensions: int = 1, *, synapse: LinearFilter | float = 5.0,
                          name: str | None = None, **options: Any) -> Network:
    """Return two ensembles, the second of which represents what the first sends.

        y(t) = (h * x)(t)

    Args:
        n_neurons: of each ensemble.
        dimensions: of x.
        synapse: h, filter or ms.
        name: of the network.
        **options: of both ensembles, see `Ensemble`.

    Ports: input, output.

    Source: Eliasmith & Anderson 2003, Neural Engineering, section 5.1.
    """
    pre = Ensemble(n_neurons, dimensions, name="pre", **options)
    post = Ensemble(n_neurons, dimensions, name="post", **options)
    return Network([pre, post], [Connection(pre, post, synapse=synapse)], name=name, ports={"input": pre, "output": post})
