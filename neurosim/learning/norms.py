"""How large gradients are from layer to layer: whether they vanish or explode on their way back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.learning.models import Model


class GradientNorms(NamedTuple):
    """Norms of gradients, from the first layer to the last.

    Attributes:
        layers: what they are called, "0 Dense".
        deltas: root of the mean over samples of |dE_n/dy|^2, y being what the layer gave and E_n the loss of sample n.
        weights: norm of dE/dw for each parameter, by name.
    """

    layers: list[str]
    deltas: np.ndarray
    weights: dict[str, float]


def gradient_norms(model: Model, x: Any, t: Any, loss: Any) -> GradientNorms:
    """Return how large the gradients of a loss are in every layer; the model is left as it is.

    Args:
        model: made by `build`.
        x, t: inputs and targets of a batch.
        loss: function of outputs and targets, mean over samples.

    Source: Hochreiter 1998 (doi:10.1142/S0218488598000094); Glorot & Bengio 2010, proceedings.mlr.press/v9/glorot10a.
    """
    watched: list = []
    before = {name: v.grad for name, v in model.parameters.items()}
    for v in model.parameters.values():
        v.grad = None
    loss(model(x, watched=watched), t).backward()
    n = len(watched[0][1])
    # the loss is a mean: n times its gradient is that of the sample itself
    deltas = np.array([np.linalg.norm(y.grad)*np.sqrt(n) if y.grad is not None else 0.0 for _, y in watched])
    weights = {name: 0.0 if v.grad is None else float(np.linalg.norm(v.grad)) for name, v in model.parameters.items()}
    for name, v in model.parameters.items():
        v.grad = before[name]
    return GradientNorms([name for name, _ in watched], deltas, weights)
