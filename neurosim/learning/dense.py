"""Layers of neurons that are all joined to all inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.autodiff.graph import data, record
from neurosim.errors import ParameterError
from neurosim.learning.initialisers import Initialiser, initialiser_of
from neurosim.learning.layers import Layer, Mode, Shape, Tree, activation_of, whole


@dataclass(frozen=True)
class Dense(Layer):
    """y = sigma(x W + b), W of shape (n_in, n_out), for every row of the last axis.

    Args:
        units: n_out.
        activation: name of an activation function, or a function of a variable.
        bias: whether there is b, which begins at 0.
        initial: initialiser of W, by name or as a function (shape, rng) -> array; None: he for rectified units, else glorot.

    Raises:
        ParameterError: a name is not known, or `units` is not a positive whole number.
    """

    units: int
    activation: str | Callable[[Any], Var] = "linear"
    bias: bool = True
    initial: str | Initialiser | None = None

    def __post_init__(self):
        whole("Dense: units", self.units)
        activation_of(self.activation)
        initialiser_of(self.initial)

    def shape(self, inputs: Shape) -> Shape:
        if not inputs or inputs[-1] is None:
            raise ParameterError(f"Dense needs samples of shape (..., n_in), not {inputs}. Give each sample at least one axis.")
        return *inputs[:-1], self.units

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        w = initialiser_of(self.initial, self.activation)((inputs[-1], self.units), rng).astype(dtype)
        return {"w": w, "b": np.zeros(self.units, dtype)} if self.bias else {"w": w}

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        w, b = weights["w"], weights.get("b")
        if isinstance(self.activation, str) and self.activation in FUSED:
            return fused(x, w, b, self.activation)
        z = ad.affine(x, w, b)
        function = activation_of(self.activation)
        return z if function is None else function(z)


def fused(x: Any, w: Var, b: Var | None, activation: str) -> Var:
    """Return sigma(x w + b) as one operation, for functions whose slope follows from their value.

    With y the result and d = g o sigma': dx = d w^T, dw = x^T d, db = sum of the rows of d.  One operation instead of two, and
    no array for x w + b: for small layers the time of a step is that of the number of operations.

    Args:
        x: shape (..., n_in).
        w: shape (n_in, n_out).
        b: shape (n_out,), or None.
        activation: a key of `FUSED`.
    """
    u, m = data(x), w.value
    y = u @ m
    if b is not None:
        np.add(y, b.value, y)
    name, function, slope = FUSED[activation]
    if function is not None:
        function(y, y)

    def together(g: np.ndarray, wanted: list[bool]) -> tuple:
        d = g if slope is None else slope(g, y)
        rows, flat = (u, d) if d.ndim == 2 else (u.reshape(-1, u.shape[-1]), d.reshape(-1, d.shape[-1]))
        return (d @ m.T if wanted[0] else None, rows.T @ flat if wanted[1] else None,
                flat.sum(axis=0) if b is not None and wanted[2] else None)

    return record(name, y, (x, w) if b is None else (x, w, b), together=together)


def _tanh_slope(g: np.ndarray, y: np.ndarray) -> np.ndarray:
    d = np.multiply(y, y)
    np.subtract(1, d, d)
    return np.multiply(d, g, d)


def _logistic(x: np.ndarray, y: np.ndarray) -> None:
    # e^-x must not overflow; see activations.sigmoid_of
    np.maximum(x, -87 if x.dtype == np.float32 else -708, out=y)
    np.negative(y, y)
    np.exp(y, y)
    np.add(y, 1, y)
    np.divide(1, y, y)


def _logistic_slope(g: np.ndarray, y: np.ndarray) -> np.ndarray:
    d = np.subtract(1, y)
    np.multiply(d, y, d)
    return np.multiply(d, g, d)


#: activation: name of the operation, the function in place, and g o sigma' from g and the result
FUSED: dict[str, tuple[str, Any, Any]] = {
    "linear": ("dense", None, None),
    "tanh": ("dense tanh", np.tanh, _tanh_slope),
    "relu": ("dense relu", lambda x, y: np.maximum(x, 0, out=y), lambda g, y: g*(y > 0)),
    "logistic": ("dense logistic", _logistic, _logistic_slope),
}
