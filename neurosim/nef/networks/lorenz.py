"""Lorenz attractor."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.dynamics import nonlinear
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number
from neurosim.nef.node import Node
from neurosim.nef.solvers import L2, Solver

#: the ensemble holds ((x, y, z) - CENTER)/SIDES, for rho = 28: a ball of radius 1.2 then has little empty space
CENTER, SIDES = (0.0, 0.0, -4.0), (20.0, 27.0, 22.0)


def lorenz(n_neurons: int = 4000, *, sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3, offset: float = 0.0,
           unit: float = 2000.0, tau: float = 100.0, dt: float | None = None, solver: Solver | None = None,
           name: str | None = None, **options: Any) -> Network:
    """Return an ensemble whose vector (x, y, z) runs on the Lorenz attractor.

        x' = sigma (y - x),   y' = -x z - y,   z' = x y - beta (z + rho) - offset        (per `unit`)

    z is counted from rho, so that the attractor lies around 0.  With the usual numbers it lies in the box |x| < 20, |y| < 28,
    |z| < 28, and its means and standard deviations are (0, 0, -4.45) and (7.92, 9.01, 8.62).

    Lorenz's fixed points are unstable by 0.09 per unit only.  Decoders that are a little off may make them stable, and spikes
    damp by about as much at unit = 1000: hence a slower unit, many neurons, little regularisation, and a state that is scaled
    to fill its ball.  Networks of six seeds stayed on the attractor for two minutes; with 2,000 neurons one in ten may not.

    Args:
        n_neurons: of the ensemble.
        sigma, rho, beta: of the equations.
        offset: 0: Lorenz's equations; rho: those of Eliasmith & Anderson (standard deviations 9.6, 11.1, 10.1).
        unit: ms that one unit of their time lasts.
        tau: ms, of the lowpass on the recurrent connection; well below unit.
        dt: ms of a step for which the loop takes Euler's steps; None: for continuous time.
        solver: of the recurrent decoders; None: `L2(0.01)`.
        name: of the network.
        **options: of the ensemble, see `Ensemble`, which holds (x/20, y/27, (z + 4)/22), in proportion to rho; its
            radius is 1.2.

    Ports: output: (x, y, z); state: the ensemble.

    Source: Lorenz 1963, doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2; Eliasmith 2005, doi:10.1162/0899766053630332; offset:
    Eliasmith & Anderson 2003, Neural Engineering, section 8.2.
    """
    sigma, rho, beta = (number(v, f"lorenz: {k}") for k, v in (("sigma", sigma), ("rho", rho), ("beta", beta)))
    offset = number(offset, "lorenz: offset")
    unit = number(unit, "lorenz: unit", 1e-9)

    center, sides = (np.array(v) * (abs(rho) / 28 or 1.0) for v in (CENTER, SIDES))

    def field(state: np.ndarray) -> np.ndarray:
        x, y, z = np.moveaxis(state * sides + center, -1, 0)
        return np.stack([sigma * (y - x), -x * z - y, x * y - beta * (z + rho) - offset], axis=-1) / sides / unit

    options.setdefault("radius", 1.2)
    state, output = Ensemble(n_neurons, 3, name="state", **options), Node(size_in=3, name="output")
    middle = Node(center, name="center")
    links = [Connection(state, state, function=nonlinear(field, tau, dt), synapse=tau, solver=solver or L2(0.01)),
             Connection(state, output, transform=sides, synapse=None), Connection(middle, output, synapse=None)]
    return Network([state, middle, output], links, name=name, ports={"output": output, "state": state})
