"""Recurrent layers: a state that goes along a sequence.  Gradients go back through time (BPTT).

Samples have shape (T, n_in); the result is the last state (units,), or all states (T, units).

Sources: Rumelhart, Hinton & Williams 1986 (doi:10.1038/323533a0); Werbos 1990 (doi:10.1109/5.58337).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.autodiff.graph import data
from neurosim.errors import ParameterError
from neurosim.learning.initialisers import Initialiser, initialiser_of
from neurosim.learning.layers import Layer, Mode, Shape, Tree, activation_of, whole


@dataclass(frozen=True)
class Recurrent(Layer):
    """h_t = sigma(x_t W + h_(t-1) U + b), h_0 = 0.

    Args:
        units: size of h.
        activation: name of an activation function, or a function of a variable.
        sequence: return all states instead of the last one.
        truncate: let gradients go back at most so many steps, from each multiple of it to the one before; None for all.
        initial: initialiser of W; U begins orthogonal.
    """

    units: int
    activation: str | Callable[[Any], Var] = "tanh"
    sequence: bool = False
    truncate: int | None = None
    initial: str | Initialiser | None = None

    def __post_init__(self):
        _check(self)
        activation_of(self.activation)

    def shape(self, inputs: Shape) -> Shape:
        return _shape(self, inputs)

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        return _weights(self, 1, inputs, rng, dtype)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        z, u, function = ad.affine(x, weights["w"], weights["b"]), weights["u"], activation_of(self.activation)

        def step(t: int, h: Any) -> Var:
            h = z[:, t] + h @ u
            return h if function is None else function(h)

        return _run(self, x, z.dtype, step)


@dataclass(frozen=True)
class GRU(Layer):
    """Gated recurrent units: how much of the state is replaced is computed from input and state.

        g = logistic(x_t W_g + h U_g + b_g)             update
        r = logistic(x_t W_r + h U_r + b_r)             reset
        c = tanh(x_t W_c + (r o h) U_c + b_c)           candidate
        h_t = g o c + (1 - g) o h_(t-1)

    The weights of g, r and c lie side by side in w (n_in, 3 units), u (units, 3 units) and b.

    Args:
        units: size of h.
        sequence: return all states instead of the last one.
        truncate: let gradients go back at most so many steps; None for all.
        initial: initialiser of the weights of the input; the U begin orthogonal.

    Source: Cho et al. 2014, arXiv:1406.1078 (whose z is 1 - g here).
    """

    units: int
    sequence: bool = False
    truncate: int | None = None
    initial: str | Initialiser | None = None

    def __post_init__(self):
        _check(self)

    def shape(self, inputs: Shape) -> Shape:
        return _shape(self, inputs)

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        return _weights(self, 3, inputs, rng, dtype)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        n, z = self.units, ad.affine(x, weights["w"], weights["b"])
        gates, candidate = weights["u"][:, :2*n], weights["u"][:, 2*n:]

        def step(t: int, h: Any) -> Var:
            both = ad.logistic(z[:, t, :2*n] + h @ gates)
            g, r = both[:, :n], both[:, n:]
            c = ad.tanh(z[:, t, 2*n:] + (r*h) @ candidate)
            return h + g*(c - h)

        return _run(self, x, z.dtype, step)


@dataclass(frozen=True)
class MinGRU(Layer):
    """Gated units whose gate and candidate look at the input only, so that all times are computed at once by a parallel scan.

        g_t = logistic(x_t W_g + b_g),   c_t = x_t W_c + b_c,   h_t = (1 - g_t) o h_(t-1) + g_t o c_t,   h_0 = 0

    The weights of g and c lie side by side in w (n_in, 2 units) and b.

    Args:
        units: size of h.
        sequence: return all states instead of the last one.
        scan: by a parallel scan; False: step by step, the same to rounding.
        initial: initialiser of the weights.

    Source: Feng et al. 2024, arXiv:2410.01201.
    """

    units: int
    sequence: bool = False
    scan: bool = True
    initial: str | Initialiser | None = None
    truncate = None

    def __post_init__(self):
        _check(self)

    def shape(self, inputs: Shape) -> Shape:
        return _shape(self, inputs)

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        w = [initialiser_of(self.initial)((inputs[-1], self.units), rng).astype(dtype) for _ in range(2)]
        return {"w": np.concatenate(w, axis=1), "b": np.zeros(2*self.units, dtype)}

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        z = ad.affine(x, weights["w"], weights["b"])
        g, c = ad.logistic(z[..., :self.units]), z[..., self.units:]
        kept, new = 1 - g, g*c
        if not self.scan:
            return _run(self, x, z.dtype, lambda t, h: kept[:, t]*h + new[:, t])
        _demand_steps(self, x)
        h = ad.recurrence(kept, new, axis=1)
        return h if self.sequence else h[:, -1]


def _check(layer: Any) -> None:
    name = type(layer).__name__
    whole(f"{name}: units", layer.units)
    if layer.truncate is not None:
        whole(f"{name}: truncate", layer.truncate)
    initialiser_of(layer.initial)


def _shape(layer: Any, inputs: Shape) -> Shape:
    if len(inputs) != 2 or inputs[1] is None:
        raise ParameterError(f"{type(layer).__name__} needs samples of shape (T, n_in), not {inputs}. Put time first; T may be "
                             "None.")
    return (inputs[0], layer.units) if layer.sequence else (layer.units,)


def _weights(layer: Any, blocks: int, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
    n = layer.units
    w = [initialiser_of(layer.initial)((inputs[-1], n), rng) for _ in range(blocks)]
    u = [initialiser_of("orthogonal")((n, n), rng) for _ in range(blocks)]
    return {"w": np.concatenate(w, axis=1).astype(dtype), "u": np.concatenate(u, axis=1).astype(dtype),
            "b": np.zeros(blocks*n, dtype)}


def _demand_steps(layer: Any, x: Any) -> None:
    if data(x).shape[1] == 0:
        raise ParameterError(f"{type(layer).__name__}: sequences of no steps have no last state. Leave them out.")


def _run(layer: Any, x: Any, dtype: np.dtype, step: Callable[[int, Any], Var]) -> Var:
    samples, steps = data(x).shape[:2]
    if not layer.sequence:
        _demand_steps(layer, x)
    h: Any = np.zeros((samples, layer.units), dtype)
    states = []
    for t in range(steps):
        if layer.truncate and t and t % layer.truncate == 0:
            h = h.detach()
        h = step(t, h)
        states.append(h)
    if not layer.sequence:
        return h
    return ad.stack(states, axis=1) if states else Var(np.zeros((samples, 0, layer.units), dtype), tracked=False)
