"""Contrastive Hebbian learning: Hebb's rule with the answer held, minus Hebb's rule with the network free.

    dW^l = gain^(l-L) ((s_held^(l-1))^T s_held^l - (s_free^(l-1))^T s_free^l)

It lowers E(held) - E(free).  With feedback that is weak (gain -> 0) states of the two phases differ by

    s_held^l - s_free^l  ->  gain (s_held^(l+1) - s_free^(l+1)) (W^(l+1))^T o rho'(u^l),     s_held^L - s_free^L = t - answer

which is backpropagation, scaled down by gain^(L-l); the factor of the rule undoes it.

Sources: Movellan 1991, Contrastive Hebbian learning in the continuous Hopfield model (doi:10.1016/B978-1-4832-1448-1.50007-X);
Xie & Seung 2003 (doi:10.1162/089976603762552988).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.learning.rules.energy import EnergyNetwork, contrast


def changes(net: EnergyNetwork, free: Sequence[np.ndarray], t: np.ndarray, rounds: int,
            tolerance: float = 0.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return changes of weights and biases, mean over samples.

    Args:
        free: settled states without a teacher, of layers 0 ... L.
        t: targets, (n, n_L).
        rounds, tolerance: of the phase in which they are held, see `EnergyNetwork.settle`.
    """
    held = net.settle(free, rounds, tolerance=tolerance, target=t)[0]
    return contrast(net, held, free)
