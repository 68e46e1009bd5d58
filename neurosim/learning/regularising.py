"""Layers that keep signals in range or make noise: dropout, batch and layer normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.autodiff.graph import data, record
from neurosim.autodiff.normalising import standardised
from neurosim.errors import ParameterError
from neurosim.learning.layers import Layer, Mode, Shape, Tree


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, each element is set to 0 with probability p and else multiplied by 1/(1 - p); in use, nothing.

    Args:
        p: 0 <= p < 1.

    Raises:
        ParameterError: p is out of range; when training, there are no random numbers.

    Source: Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a.
    """

    p: float = 0.5

    def __post_init__(self):
        if not 0 <= self.p < 1:
            raise ParameterError(f"Dropout: p={self.p} must be at least 0 and less than 1.")

    def shape(self, inputs: Shape) -> Shape:
        return inputs

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        x = x if isinstance(x, Var) else Var(x, tracked=False)
        if not mode.training or self.p == 0:
            return x
        if mode.rng is None:
            raise ParameterError("Dropout: training needs random numbers. Call model(x, training=True, rng=generator).")
        kept = mode.rng.random(x.shape, dtype=np.float32) >= self.p
        return x*(kept*x.dtype.type(1/(1 - self.p)))


@dataclass(frozen=True)
class BatchNorm(Layer):
    """y = gain (x - mean)/sqrt(variance + epsilon) + offset for each channel (last axis).

    In training mean and variance are those of the batch; the model remembers running ones, r <- momentum r + (1 - momentum) m
    (of the unbiased variance), which are used when it is not training.

    Args:
        momentum: 0 <= momentum < 1.
        epsilon: added to the variance.

    Raises:
        ParameterError: a number is out of range; when training, a batch of one element per channel.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    def __post_init__(self):
        if not 0 <= self.momentum < 1 or not self.epsilon > 0:
            raise ParameterError(f"BatchNorm: momentum={self.momentum} must be in [0, 1) and epsilon={self.epsilon} positive.")

    def shape(self, inputs: Shape) -> Shape:
        _demand_channels("BatchNorm", inputs)
        return inputs

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        return {"gain": np.ones(inputs[-1], dtype), "offset": np.zeros(inputs[-1], dtype)}

    def memory(self, inputs: Shape, dtype: np.dtype) -> Tree:
        return {"mean": np.zeros(inputs[-1], dtype), "variance": np.ones(inputs[-1], dtype)}

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        gain, offset = weights["gain"], weights["offset"]
        if not mode.training:
            s = np.sqrt(memory["variance"] + memory["variance"].dtype.type(self.epsilon))
            return (x - memory["mean"])*(gain/s) + offset
        u = data(x)
        n = u.size//u.shape[-1]
        if n < 2:
            raise ParameterError("BatchNorm: a batch of one element per channel has no variance. Train with larger batches.")
        axes = tuple(range(u.ndim - 1))
        y, s, mean, variance = standardised(u, axes, self.epsilon)

        def pull(g: np.ndarray) -> np.ndarray:
            return (g - g.mean(axis=axes) - y*(g*y).mean(axis=axes))/s

        for name, value in (("mean", mean), ("variance", variance*(n/(n - 1)))):
            memory[name] *= self.momentum
            memory[name] += (1 - self.momentum)*value.reshape(-1)
        return record("standardise", y, (x,), pull)*gain + offset


@dataclass(frozen=True)
class LayerNorm(Layer):
    """y = gain (x - mean)/sqrt(variance + epsilon) + offset, mean and variance of each row (last axis).

    Args:
        epsilon: added to the variance.

    Source: Ba, Kiros & Hinton 2016, arXiv:1607.06450.
    """

    epsilon: float = 1e-5

    def __post_init__(self):
        if not self.epsilon > 0:
            raise ParameterError(f"LayerNorm: epsilon={self.epsilon} must be positive.")

    def shape(self, inputs: Shape) -> Shape:
        _demand_channels("LayerNorm", inputs)
        return inputs

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        return {"gain": np.ones(inputs[-1], dtype), "offset": np.zeros(inputs[-1], dtype)}

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        return ad.standardise(x, -1, self.epsilon)*weights["gain"] + weights["offset"]


def _demand_channels(name: str, inputs: Shape) -> None:
    if not inputs or inputs[-1] is None:
        raise ParameterError(f"{name} needs samples with a last axis of known length, not {inputs}.")
