"""Lorenz attractor."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.nef.connection import Connection
from neurosim.nef.dynamics import nonlinear
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import Box, number
from neurosim.nef.solvers import L2, Solver

#: half the widths of the box of evaluation points, for rho = 28
SIDES = (24.0, 32.0, 30.0)


def lorenz(n_neurons: int = 2000, *, sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3, offset: float = 0.0,
           unit: float = 2000.0, tau: float = 200.0, dt: float | None = None, solver: Solver | None = None,
           name: str | None = None, **options: Any) -> Network:
    """Return an ensemble whose vector (x, y, z) runs on the Lorenz attractor.

        x' = sigma (y - x),   y' = -x z - y,   z' = x y - beta (z + rho) - offset        (per `unit`)

    z is counted from rho, so that the attractor lies around 0.  With the usual numbers it lies in the box |x| < 20, |y| < 28,
    |z| < 28, and its means and standard deviations are (0, 0, -4.45) and (7.92, 9.01, 8.62).

    Lorenz's fixed points are unstable by 0.09 per unit only.  Decoders that are a little short, and spikes, damp by about
    the same at unit = 1000, so that the state may stay near one of them: hence a slower unit and less regularisation here.
    2,000 neurons with spikes then give standard deviations that are right within 5 %.  With offset = rho it runs at 1000 too.

    Args:
        n_neurons: of the ensemble.
        sigma, rho, beta: of the equations.
        offset: 0: Lorenz's equations; rho: those of Eliasmith & Anderson (standard deviations 9.6, 11.1, 10.1).
        unit: ms that one unit of their time lasts.
        tau: ms, of the lowpass on the recurrent connection; well below unit.
        dt: ms of a step for which the loop takes Euler's steps; None: for continuous time.
        solver: of the recurrent decoders; None: `L2(0.03)`.
        name: of the network.
        **options: of the ensemble, see `Ensemble`; radius is 45 and eval_points fill a box
            somewhat larger than the attractor, for other sigma, rho and beta in proportion to rho.

    Ports: output.

    Source: Lorenz 1963, doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2; Eliasmith 2005, doi:10.1162/0899766053630332; offset:
    Eliasmith & Anderson 2003, Neural Engineering, section 8.2.
    """
    sigma, rho, beta = (number(v, f"lorenz: {k}") for k, v in (("sigma", sigma), ("rho", rho), ("beta", beta)))
    offset = number(offset, "lorenz: offset")
    unit = number(unit, "lorenz: unit", 1e-9)

    def field(state: np.ndarray) -> np.ndarray:
        x, y, z = state[..., 0], state[..., 1], state[..., 2]
        return np.stack([sigma * (y - x), -x * z - y, x * y - beta * (z + rho) - offset], axis=-1) / unit

    scale = abs(rho) / 28 or 1.0
    radius = options.setdefault("radius", 45 * scale)
    options.setdefault("eval_points", Box(tuple(s * scale / radius for s in SIDES)))
    state = Ensemble(n_neurons, 3, name="state", **options)
    loop = Connection(state, state, function=nonlinear(field, tau, dt), synapse=tau, solver=solver or L2(0.03))
    return Network([state], [loop], name=name, ports={"output": state})
