"""Integrators that are told when to keep what they hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.ensemble import Ensemble, EnsembleArray
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import Box, number
from neurosim.nef.node import Node


def controlled_integrator(n_neurons: int = 200, *, gain: float = 1e-3, tau: float = 100.0, name: str | None = None,
                          **options: Any) -> Network:
    """Return an integrator with a leak that an input sets.

        x' = (c - 1) x/tau + gain u

    The control c is a second dimension of the ensemble, and the recurrent connection decodes the product c x.  c = 1
    integrates, c < 1 forgets with the time constant tau/(1 - c), c = 0 with that of the synapse.

    Args:
        n_neurons: of the ensemble.
        gain: 1/ms; 1e-3: an input of 1 moves x by 1 in a second.
        tau: ms, of the lowpass on the recurrent connection.
        name: of the network.
        **options: of the ensemble, see `Ensemble`.

    Ports: input (u), control (c), both relays to connect to with synapse=None; output (x).

    Source: Eliasmith & Anderson 2003, Neural Engineering, section 8.3.
    """
    gain, tau = number(gain, "controlled_integrator: gain"), number(tau, "controlled_integrator: tau", 1e-9)
    radius = options.setdefault("radius", float(np.sqrt(2)))
    options.setdefault("eval_points", Box((1 / radius, 1 / radius)))
    both = Ensemble(n_neurons, 2, name="x and c", **options)
    u, c = Node(size_in=1, name="input"), Node(size_in=1, name="control")
    links = [Connection(u, both[0], transform=tau * gain, synapse=tau), Connection(c, both[1], synapse=5.0),
             Connection(both, both[0], function=lambda x: x[..., 0] * x[..., 1], synapse=tau)]
    return Network([u, c, both], links, name=name, ports={"input": u, "control": c, "output": both[0]})


def gated_integrator(n_neurons: int = 100, dimensions: int = 1, *, rate: float = 0.01, tau: float = 100.0,
                     silence: float = 500.0, name: str | None = None, **options: Any) -> Network:
    """Return a memory that follows its input while its gate is open and holds it while the gate is shut.

        x' = rate (1 - gate) (u - x),    gate 0: open, 1: shut

    Ensembles for u - x feed integrators; the gate silences the neurons of u - x by a negative current.

    Args:
        n_neurons: of each ensemble; there are two for each dimension.
        dimensions: of x.
        rate: 1/ms at which x follows u.
        tau: ms, of the lowpass on the recurrent connection.
        silence: current that a shut gate takes from J; LIF neurons of up to 400 Hz and intercepts of up to 0.9 have J < 440 for
            x < 2.
        name: of the network.
        **options: of the ensembles, see `Ensemble`.

    Ports: input, gate (both relays to connect to with synapse=None), output, and reset of the same kind as gate: at 1 it
    silences the memory, which then forgets with tau.

    Source: Eliasmith 2013, How to Build a Brain, section 6.2 (isbn 9780199794546); Singh & Eliasmith 2006,
    doi:10.1523/JNEUROSCI.4864-05.2006.
    """
    rate, tau = number(rate, "gated_integrator: rate", 0), number(tau, "gated_integrator: tau", 1e-9)
    memory = EnsembleArray(n_neurons, dimensions, name="memory", **options)
    off = EnsembleArray(n_neurons, dimensions, name="difference", **options)
    u, gate, reset = Node(size_in=dimensions, name="input"), Node(size_in=1, name="gate"), Node(size_in=1, name="reset")
    links = [Connection(u, off, synapse=None), Connection(memory, off, transform=-1.0, synapse=5.0),
             Connection(off, memory, transform=rate * tau, synapse=tau), Connection(memory, memory, synapse=tau)]
    off_current = np.full((n_neurons, 1), -number(silence, "gated_integrator: silence", 0))
    for end, array in ((gate, off), (reset, memory)):
        links += [Connection(end, e.neurons, transform=off_current, synapse=5.0) for e in array.ensembles]
    return Network([u, gate, reset, off, memory], links, name=name,
                   ports={"input": u, "gate": gate, "reset": reset, "output": memory})
