"""What a trained network answers: labels of data, data of labels, missing parts of data."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.predictive.clamps import one_hot
from neurosim.predictive.network import DISCRIMINATIVE, PredictiveNetwork
from neurosim.predictive.settling import settle

#: samples that are settled at once
ROWS = 512


def infer(net: PredictiveNetwork, data: Any, *, data_known: Any = None, iterations: int = 100, step: float = 0.1,
          tolerance: float = 1e-4) -> np.ndarray:
    """Return what the network takes data for: the label end with the data end clamped.

    The class is the argmax of a row.  With direction "discriminative" and complete data, this is one pass and exact.

    Args:
        net: the network.
        data: (rows, n_data); data_known: bool, (n_data,) or (rows, n_data), which values are known.
        iterations, step, tolerance: as for `settle`.

    Returns:
        (rows, n_label): the label end; probabilities where the output of that end is made of them.
    """
    if net.direction == DISCRIMINATIVE and data_known is None:
        iterations = 0
    return _answer(net, "label", iterations, step, tolerance, data=data, data_known=data_known)


def generate(net: PredictiveNetwork, label: Any, *, noise: bool = False, seed: int | None = 0, iterations: int = 100,
             step: float = 0.1, tolerance: float = 1e-4) -> np.ndarray:
    """Return the data that a label stands for: the data end with the label end clamped.

    With direction "generative" this is one pass: at rest every layer is as predicted.

    Args:
        net: the network.
        label: (rows, n_label), or class numbers (rows,).
        noise: draw from the model instead, x^i = mu^i + sqrt(nu^i) N(0, 1) from the top down; direction "generative" only.
        seed: of the noise.
        iterations, step, tolerance: as for `settle`, for direction "discriminative".

    Returns:
        (rows, n_data).

    Raises:
        ParameterError: for noise with direction "discriminative", whose top has no distribution.
    """
    label = np.asarray(list(label)) if isinstance(label, range) else label
    if noise:
        return _drawn(net, label, np.random.default_rng(seed))
    iterations = iterations if net.direction == DISCRIMINATIVE else 0
    return _answer(net, "data", iterations, step, tolerance, label=label)


def infill(net: PredictiveNetwork, data: Any, data_known: Any, label: Any = None, *, iterations: int = 200, step: float = 0.1,
           tolerance: float = 1e-4) -> np.ndarray:
    """Return data with what is not known filled in.

    Args:
        net: the network.
        data: (rows, n_data); values that are not known may be anything, NaN too.
        data_known: bool, (n_data,) or (rows, n_data).
        label: as for `settle`; None: inferred at the same time.
        iterations, step, tolerance: as for `settle`.

    Returns:
        (rows, n_data): the known values as they are, the others as predicted.
    """
    return _answer(net, "data", iterations, step, tolerance, data=data, data_known=data_known, label=label)


def energies(net: PredictiveNetwork, data: Any, *, iterations: int = 100, step: float = 0.1, tolerance: float = 1e-4,
             data_known: Any = None) -> np.ndarray:
    """Return how badly each class explains the data: F at rest with the data and that class clamped.

    The class with the least F is the answer that the model itself gives, where `infer` lets the label take any value.

    Args:
        net: the network.
        data: (rows, n_data); data_known: as for `infer`.
        iterations, step, tolerance: as for `settle`.

    Returns:
        (rows, n_label).
    """
    n = net.layers[net.label_end]
    found = []
    for k in range(n):
        kept = lambda part: settle(net, **part, iterations=iterations, step=step, tolerance=tolerance).energy
        label = lambda rows, k=k: np.full(rows, k) if n > 1 else np.ones((rows, 1))
        found.append(_by_rows(kept, dict(data=data, data_known=data_known), label))
    return np.stack(found, axis=1)


def _answer(net: PredictiveNetwork, end: str, iterations: int, step: float, tolerance: float, **given: Any) -> np.ndarray:
    options = dict(iterations=iterations, step=step, tolerance=tolerance)
    return _by_rows(lambda part: getattr(settle(net, **part, **options), end), given)


def _by_rows(answer: Any, given: dict[str, Any], label: Any = None) -> np.ndarray:
    """Return the answers to all samples, some hundred at a time."""
    whole = {name: value if value is None else np.asarray(value) for name, value in given.items()}
    rows = max((len(v) for n, v in whole.items() if v is not None and n != "data_known" and v.ndim), default=0)
    found = []
    for first in range(0, max(rows, 1), ROWS):
        part = {n: v[first:first + ROWS] if v is not None and (n != "data_known" or v.ndim == 2) and v.ndim else v
                for n, v in whole.items()}
        if label is not None:
            part["label"] = label(min(ROWS, rows - first))
        found.append(answer(part))
    return np.concatenate(found)


def _drawn(net: PredictiveNetwork, label: Any, rng: np.random.Generator) -> np.ndarray:
    if net.direction == DISCRIMINATIVE:
        raise ParameterError("generate: noise=True needs direction 'generative': here nothing predicts the data, so that they "
                             "have no distribution. Leave out noise.")
    x = one_hot(label, net.layers[net.label_end], net.dtype)
    if x is None or not np.isfinite(x).all():
        raise ParameterError("generate: label must be finite numbers or class numbers.")
    for i in range(net.top - 1, -1, -1):
        mu = net.predict(i, net.activations[i + 1].value(x))
        if i == 0 and net.output != "linear":
            p = net.mean_of(mu)
            if net.output == "logistic":
                return (rng.random(p.shape) < p).astype(net.dtype)
            return np.eye(p.shape[1], dtype=net.dtype)[(rng.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1).clip(
                max=p.shape[1] - 1)]
        x = mu + np.sqrt(net.nu[i])*rng.standard_normal(mu.shape, net.dtype)
    return x
