"""Legendre memory: the last theta ms of a signal, as coefficients of Legendre polynomials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.nef.connection import Connection
from neurosim.nef.dynamics import recurrent
from neurosim.nef.ensemble import EnsembleArray
from neurosim.nef.filters import LinearFilter
from neurosim.nef.network import Network
from neurosim.nef.networks.checks import number
from neurosim.nef.node import Node
from neurosim.nef.parts import positive_integer


def legendre_memory(n_neurons: int = 100, order: int = 6, theta: float = 500.0, *, delays: Sequence[float] | None = None,
                    synapse: LinearFilter | float = 100.0, dt: float | None = None, name: str | None = None,
                    **options: Any) -> Network:
    """Return a memory of a sliding window of a signal.

        theta m' = A m + B u,    A_ij = (2 i + 1) (-1 if i < j else (-1)^(i - j + 1)),    B_i = (2 i + 1) (-1)^i
        u(t - r theta) = sum_i P_i(2 r - 1) m_i(t)      for 0 <= r <= 1 (as far as `order` coefficients can tell)

    with P_i the Legendre polynomials.  For |u| <= 1 the m_i stay below
    (2 i + 1) int |P_i|, that is 1, 1.5, 1.92, ..., and mostly below 1.5.  Frequencies up to about order/(3 theta) are kept.

    Args:
        n_neurons: of the ensemble of each coefficient.
        order: number of coefficients.
        theta: ms, length of the window.
        delays: ms, from 0 to theta: delayed values of u to have at the port `delayed`; None: theta alone.
        synapse: filter of the recurrent connections and of the input, or ms.
        dt: ms of a step for which the loop is exact; None: for continuous time, with an error of order dt.
        name: of the network.
        **options: of the ensembles, see `Ensemble`; radius is 1.5.

    Ports: input (one dimension; relay to connect to with synapse=None), output (m; the ensembles), delayed (relay of the
    delayed values without a filter of its own: connect from it with a synapse).

    Raises:
        ParameterError: for order < 1, theta <= 0, delays outside of the window.

    Source: Voelker, Kajic & Eliasmith 2019, Legendre memory units, NeurIPS 32; Voelker & Eliasmith 2018,
    doi:10.1162/neco_a_01046.
    """
    a, b = lmu_matrices(order, theta)
    weights = legendre_weights(order, theta, [theta] if delays is None else delays)
    back, drive = recurrent(a, b, synapse, dt)
    options.setdefault("radius", 1.5)
    m = EnsembleArray(n_neurons, order, name="m", **options)
    u, past = Node(size_in=1, name="input"), Node(size_in=len(weights), name="delayed")
    links = [Connection(u, m, transform=drive, synapse=synapse), Connection(m, m, transform=back, synapse=synapse),
             Connection(m, past, transform=weights, synapse=None)]
    return Network([u, m, past], links, name=name, ports={"input": u, "output": m, "delayed": past})


def lmu_matrices(order: int, theta: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (A/theta, B/theta) of the Legendre memory, shapes (order, order) and (order, 1), 1/ms; see `legendre_memory`."""
    q = positive_integer(order, "legendre_memory: order")
    theta = number(theta, "legendre_memory: theta", 1e-9)
    i, j = np.arange(q)[:, None], np.arange(q)[None]
    a = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    b = (2 * i + 1) * (-1.0) ** i
    return a / theta, b / theta


def legendre_weights(order: int, theta: float, delays: ArrayLike) -> np.ndarray:
    """Return P_i(2 delay/theta - 1), shape (n_delays, order): delayed values of the input from the coefficients.

    Raises:
        ParameterError: for delays outside of 0 ... theta.
    """
    from numpy.polynomial.legendre import legvander

    r = np.atleast_1d(np.asarray(delays, dtype=float)) / theta
    if r.ndim != 1 or not r.size or not np.all((r >= 0) & (r <= 1)):
        raise ParameterError(f"legendre_memory: delays must lie in the window, from 0 to {theta:g} ms; they are {delays}.")
    return legvander(2 * r - 1, order - 1)
