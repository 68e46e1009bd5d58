"""Equilibrium propagation: a network settles, is nudged a little towards the answer, and learns from the difference.

    free phase      s_0 least E
    nudged phase    s_beta least E + beta C
    change          dW = -(dE/dW(s_beta) - dE/dW(s_0))/beta  ->  -dC(s_0)/dW   as beta -> 0

The error of the one-sided change is O(beta).  The symmetric one, between +beta and -beta and divided by 2 beta, has O(beta^2).

Sources: Scellier & Bengio 2017 (doi:10.3389/fncom.2017.00024); symmetric: Laborieux et al. 2021
(doi:10.3389/fnins.2021.633674).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.learning.rules.energy import EnergyNetwork, contrast

#: how the network is nudged: both ways, towards the target, or either way by chance (as in 2017)
NUDGES = ("symmetric", "positive", "random")


def changes(net: EnergyNetwork, free: Sequence[np.ndarray], t: np.ndarray, beta: float, rounds: int, *, symmetric: bool = True,
            tolerance: float = 0.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return changes of weights and biases, mean over samples, which stand for minus the gradient of C.

    Args:
        free: settled states without a teacher, of layers 0 ... L.
        t: targets, (n, n_L).
        beta: strength of the nudge; above 0 and below 1 if symmetric, above -1 and not 0 else.
        rounds, tolerance: of the nudged phases, see `EnergyNetwork.settle`.
    """
    drive = net.drive(free[0])
    nudged = net.settle(free, rounds, tolerance=tolerance, target=t, beta=beta, drive=drive)[0]
    if not symmetric:
        return contrast(net, nudged, free, 1/beta)
    other = net.settle(free, rounds, tolerance=tolerance, target=t, beta=-beta, drive=drive)[0]
    return contrast(net, nudged, other, 1/(2*beta))
