"""Lorenz attractor."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.dynamics import nonlinear
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number


def lorenz(n_neurons: int = 2000, *, sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3, unit: float = 1000.0,
           tau: float = 100.0, dt: float | None = None, name: str | None = None, **options: Any) -> Network:
    """Return an ensemble whose vector (x, y, z) runs on the Lorenz attractor.

        x' = sigma (y - x),   y' = -x z - y,   z' = x y - beta (z + rho) - rho        (per `unit`)

    z is counted from rho, so that the attractor lies around 0: with the usual numbers within 60.

    Args:
        n_neurons: of the ensemble.
        sigma, rho, beta: of the equations.
        unit: ms that one unit of their time lasts.
        tau: ms, of the lowpass on the recurrent connection; well below unit.
        dt: ms of a step for which the loop takes Euler's steps; None: for continuous time.
        name: of the network.
        **options: of the ensemble, see `Ensemble`; radius is 60.

    Ports: output.

    Source: Lorenz 1963, doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2; Eliasmith 2005, doi:10.1162/0899766053630332.
    """
    sigma, rho, beta = (number(v, f"lorenz: {k}") for k, v in (("sigma", sigma), ("rho", rho), ("beta", beta)))
    unit = number(unit, "lorenz: unit", 1e-9)

    def field(state: np.ndarray) -> np.ndarray:
        x, y, z = state[..., 0], state[..., 1], state[..., 2]
        return np.stack([sigma * (y - x), -x * z - y, x * y - beta * (z + rho) - rho], axis=-1) / unit

    options.setdefault("radius", 60.0)
    state = Ensemble(n_neurons, 3, name="state", **options)
    return Network([state], [Connection(state, state, function=nonlinear(field, tau, dt), synapse=tau)], name=name,
                   ports={"output": state})
