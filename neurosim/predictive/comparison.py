"""Learning by local rules beside the gradient that backpropagation gives.

    delta^0 = e^0 of the first pass,   delta^i = sigma'(mu^i) o (delta^(i-1) (M^(i-1))^T)
    -dF^0/dM^i = sigma(mu^(i+1))^T delta^i,   -dF^0/dbeta^i = delta^i

The sign and the units are those of `Changes`, so that the two can be compared number by number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.predictive.clamps import clamps
from neurosim.predictive.network import DISCRIMINATIVE, PredictiveNetwork
from neurosim.predictive.schedules import Changes, changes, first_pass, learnt, slopes


def backprop(net: PredictiveNetwork, data: Any, label: Any) -> Changes:
    """Return minus the gradient of the mean F^0 with all hidden layers as predicted.

    With direction "discriminative" and output "linear" this is the gradient of a multilayer perceptron with squared error.

    Args:
        net: the network.
        data: (rows, n_data); label: (rows, n_label) or class numbers (rows,).

    Raises:
        ParameterError: for no samples, and shapes that do not fit.
    """
    if data is None or label is None:
        raise ParameterError("backprop: a gradient needs both ends: give data and label.")
    held = clamps(net, data, label)
    if not held.rows:
        raise ParameterError("backprop: there are no samples.")
    x, y, output, f = first_pass(net, held)
    delta = [output]
    for i in range(1, net.top):
        delta.append(slopes(net, x, y, i)*(delta[-1] @ net.M[i - 1].T))
    loss = float(f.mean())
    return learnt(net, y, delta, loss, loss)


def input_gradient(net: PredictiveNetwork, data: Any, label: Any) -> np.ndarray:
    """Return dF^0/d(data) of each sample, (rows, n_data), with all layers as predicted from the data (discriminative).

        dF^0/dx^L = -sigma'(x^L) o (delta^(L-1) (M^(L-1))^T)

    Raises:
        ParameterError: the network predicts data instead of answers; or as for `backprop`.
    """
    if net.direction != DISCRIMINATIVE:
        raise ParameterError("input_gradient: with direction='generative' an answer is no function of one pass.")
    held = clamps(net, data, label)
    x, y, delta, _ = first_pass(net, held)
    for i in range(1, net.top + 1):
        delta = slopes(net, x, y, i)*(delta @ net.M[i - 1].T)
    return -delta.astype(np.float64)


def cosines(net: PredictiveNetwork, data: Any, label: Any, schedule: str = "rest", **options: Any) -> np.ndarray:
    """Return for each layer the cosine between what is learnt and what backpropagation gives.

        cos_i = <dM^i, -dF^0/dM^i>/(|dM^i| |dF^0/dM^i|)

    Args:
        net, data, label, schedule, options: as for `changes`.

    Returns:
        (L,), from layer 0, the predicted end, upwards; NaN where one of both is 0.
    """
    here, there = changes(net, data, label, schedule, **options).M, backprop(net, data, label).M
    found = np.full(net.top, np.nan)
    for i, (a, b) in enumerate(zip(here, there)):
        # scaled first: squares of very small numbers are 0
        a, b = (m.ravel().astype(float) for m in (a, b))
        norms = [float(np.abs(m).max()) for m in (a, b)]
        if all(norms):
            a, b = a/norms[0], b/norms[1]
            found[i] = a @ b/np.sqrt((a @ a)*(b @ b))
    return found
