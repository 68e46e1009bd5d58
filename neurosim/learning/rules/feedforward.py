"""A multilayer perceptron: forward pass, losses, and the changes that errors of its layers stand for.

    z^l = y^(l-1) W^l + b^l,      y^l = m^l o sigma(z^l),      l = 1 ... L,      y^L = z^L
    answers: y^L ("linear", loss 1/2 |y^L - t|^2) or softmax(y^L) ("softmax", loss -sum t log)
    delta^L = answer - t,      dW^l = -(y^(l-1))^T delta^l / n,      db^l = -mean of delta^l

m^l is 1, or the mask of dropout divided by the share that is kept (Srivastava et al. 2014).  How delta^l comes down from
delta^L is what learning rules differ in.

Source of dropout: Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.learning.rules.layers import Layers
from neurosim.predictive.activation import ACTIVATIONS


@dataclass(frozen=True)
class Pass:
    """What a forward pass leaves: y of layers 0 ... L, and of layers 1 ... L-1 slopes dy/dz, masks included."""

    y: list[np.ndarray]
    slopes: list[np.ndarray | float]


def forward(layers: Layers, activation: str, x: np.ndarray, masks: Sequence[np.ndarray] | None = None) -> Pass:
    """Return the forward pass of samples x (n, n_in); masks: of the hidden layers, (n, size) each, or None for none."""
    f = ACTIVATIONS[activation]
    y, slopes = [x], []
    for k, (w, b) in enumerate(zip(layers.weights, layers.biases)):
        z = y[-1] @ w
        z += b
        if k == len(layers.weights) - 1:
            y.append(z)
            break
        h = f.value(z)
        slope = f.slope(z, h)
        if masks is not None:
            h, slope = h*masks[k], slope*masks[k]
        y.append(h)
        slopes.append(slope)
    return Pass(y, slopes)


def masks_of(sizes: Sequence[int], rows: int, dropout: float, rng: np.random.Generator, dtype: np.dtype) -> list[np.ndarray]:
    """Return masks of dropout for hidden layers of these sizes: 0 with this probability, else 1/(1 - dropout)."""
    keep = dtype.type(1/(1 - dropout))
    return [(rng.random((rows, n), np.float32) >= dropout)*keep for n in sizes]


def softmax(z: np.ndarray) -> np.ndarray:
    """Return e^z / sum e^z of each row."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    return e


def answers(output: str, z: np.ndarray) -> np.ndarray:
    """Return answers from what the last layer gives, for output "linear" or "softmax"."""
    return softmax(z) if output == "softmax" else z


def loss_of(output: str, answer: np.ndarray, t: np.ndarray) -> float:
    """Return the mean loss over the rows."""
    if output == "softmax":
        # what is rounded to 0 is at least the smallest normal number
        return float(-(t*np.log(np.maximum(answer, np.finfo(answer.dtype).tiny))).sum()/len(t))
    d = answer - t
    return float(np.vdot(d, d)/(2*len(t)))


def input_gradient(layers: Layers, passed: Pass, error: np.ndarray) -> np.ndarray:
    """Return dE/dx of each sample, (n, n_in), from its forward pass and delta^L, by backpropagation."""
    d = error
    for w, slope in zip(layers.weights[:0:-1], passed.slopes[::-1]):
        d = (d @ w.T)*slope
    return (d @ layers.weights[0].T).astype(np.float64)


def changes(y: Sequence[np.ndarray], deltas: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return changes of weights and of biases from y of layers 0 ... L-1 and deltas of layers 1 ... L."""
    n = len(deltas[0])
    return [h.T @ (d/-n) for h, d in zip(y, deltas)], [d.sum(axis=0)/-n for d in deltas]
