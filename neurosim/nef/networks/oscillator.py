"""Oscillators, of fixed and of controlled frequency."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.dynamics import input_gain, nonlinear, recurrent
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.filters import LinearFilter
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import Box, number
from neurosim.nef.node import Node


def oscillator(n_neurons: int = 200, frequency: float = 1.0, *, pull: float = 0.0, synapse: LinearFilter | float = 100.0,
               dt: float | None = None, name: str | None = None, **options: Any) -> Network:
    """Return a harmonic oscillator in two dimensions.

        x' = w [[0, -1], [1, 0]] x + pull (1 - |x|^2) x + u/ms,    w = 2 pi frequency/1000

    A kick, such as u = (0.01, 0) for 100 ms, sets it going.  With pull = 0 it is linear and keeps the length that x has, apart
    from drift: spikes damp by about w^2 ms/2 per ms, which a pull of some times that makes up for.

    Args:
        n_neurons: of the ensemble.
        frequency: Hz; its sign says which way round.
        pull: 1/ms, back to the circle of length 1; other than 0 it needs a lowpass as synapse, and radius
            is 1.25.
        synapse: filter of both connections, or ms.
        dt: ms of a step for which the loop is exact; None: for continuous time: its length then grows by w^2 dt/2 per ms.
        name: of the network.
        **options: of the ensemble, see `Ensemble`.

    Ports: input (u, relay: connect to it with synapse=None), output.

    Source: Eliasmith & Anderson 2003, Neural Engineering, section 8.2.
    """
    w = 2 * np.pi * number(frequency, "oscillator: frequency") / 1000
    pull = number(pull, "oscillator: pull", 0)
    turn = w * np.array([[0.0, -1.0], [1.0, 0.0]])
    if pull > 0:
        # decoders are best inside: the circle must not be their edge
        options.setdefault("radius", 1.25)
    x, u = Ensemble(n_neurons, 2, name="x", **options), Node(size_in=2, name="input")
    if pull == 0:
        back, drive = recurrent(turn, np.eye(2), synapse, dt)
        loop = Connection(x, x, transform=back, synapse=synapse)
    else:
        field = lambda v: v @ turn.T + pull * (1 - np.sum(v * v, axis=-1, keepdims=True)) * v
        drive, loop = input_gain(synapse, dt), Connection(x, x, function=nonlinear(field, synapse, dt), synapse=synapse)
    links = [Connection(u, x, transform=drive, synapse=synapse), loop]
    return Network([u, x], links, name=name, ports={"input": u, "output": x})


def controlled_oscillator(n_neurons: int = 1000, max_frequency: float = 2.0, *, pull: float = 0.01, tau: float = 100.0,
                          dt: float | None = None, name: str | None = None, **options: Any) -> Network:
    """Return an oscillator whose frequency an input sets, on a circle of length 1.

        x' = c w [[0, -1], [1, 0]] x + pull (1 - |x|^2) x + u/ms,    w = 2 pi max_frequency/1000

    The control c in [-1, 1] is a third dimension of the ensemble.  x = 0 is a fixed point, which noise of the decoders, or a
    kick, leaves.

    Args:
        n_neurons: of the ensemble.
        max_frequency: Hz, at c = 1.
        pull: 1/ms, back to the circle.
        tau: ms, of the lowpass on the recurrent connection.
        dt: ms of a step for which the loop takes Euler's steps; None: for continuous time.
        name: of the network.
        **options: of the ensemble, see `Ensemble`.

    Ports: input (u, two dimensions), control (c), both relays to connect to with synapse=None; output (x).

    Source: Eliasmith & Anderson 2003, Neural Engineering, section 8.3.
    """
    w = 2 * np.pi * number(max_frequency, "controlled_oscillator: max_frequency") / 1000
    pull = number(pull, "controlled_oscillator: pull", 0)
    c = input_gain(tau, dt)
    radius = options.setdefault("radius", 1.5)
    options.setdefault("eval_points", Box((1.3 / radius, 1.3 / radius, 1.2 / radius)))

    def turned(state: np.ndarray) -> np.ndarray:
        x, y, control = state[..., 0], state[..., 1], state[..., 2]
        grow = 1 + c * pull * (1 - x * x - y * y)
        return np.stack([grow * x - c * w * control * y, grow * y + c * w * control * x], axis=-1)

    whole = Ensemble(n_neurons, 3, name="x and c", **options)
    u, control = Node(size_in=2, name="input"), Node(size_in=1, name="control")
    links = [Connection(u, whole[:2], transform=c, synapse=tau), Connection(control, whole[2], synapse=5.0),
             Connection(whole, whole[:2], function=turned, synapse=tau)]
    return Network([u, control, whole], links, name=name, ports={"input": u, "control": control, "output": whole[:2]})
