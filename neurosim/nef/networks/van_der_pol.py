"""Van der Pol oscillator."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.dynamics import input_gain, nonlinear
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number
from neurosim.nef.node import Node


def van_der_pol(n_neurons: int = 1000, mu: float = 1.0, *, unit: float = 200.0, tau: float = 50.0, dt: float | None = None,
                name: str | None = None, **options: Any) -> Network:
    """Return an ensemble whose vector (x, y) runs on the limit cycle of van der Pol's oscillator.

        x' = y,   y' = mu (1 - x^2) y - x        (per `unit`)

    Its period is 2 pi for small mu, 6.663 units for mu = 1, its amplitude about 2.

    Args:
        n_neurons: of the ensemble.
        mu: strength of the damping.
        unit: ms that one unit of time lasts.
        tau: ms, of the lowpass on the recurrent connection; below unit.
        dt: ms of a step for which the loop takes Euler's steps; None: for continuous time.
        name: of the network.
        **options: of the ensemble, see `Ensemble`; radius is 4 for mu up to 2.

    Ports: input (added to the right-hand sides, per ms; relay to connect to with synapse=None), output.

    Source: van der Pol 1926, doi:10.1080/14786442608564127.
    """
    mu, unit = number(mu, "van_der_pol: mu", 0), number(unit, "van_der_pol: unit", 1e-9)

    def field(state: np.ndarray) -> np.ndarray:
        x, y = state[..., 0], state[..., 1]
        return np.stack([y, mu * (1 - x * x) * y - x], axis=-1) / unit

    # the largest |y| on the cycle: 2.7 for mu = 1, 3.8 for 2, then about 1.3 mu + 1.5
    options.setdefault("radius", 4.0 if mu <= 2 else 1.5 * mu + 1.5)
    state, u = Ensemble(n_neurons, 2, name="state", **options), Node(size_in=2, name="input")
    links = [Connection(u, state, transform=input_gain(tau, dt), synapse=tau),
             Connection(state, state, function=nonlinear(field, tau, dt), synapse=tau)]
    return Network([u, state], links, name=name, ports={"input": u, "output": state})
