"""Layers for images (height, width, channels) and sequences (length, channels): channels last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.autodiff.sliding import windows
from neurosim.errors import ParameterError
from neurosim.learning.initialisers import Initialiser, initialiser_of
from neurosim.learning.layers import Layer, Mode, Shape, Tree, activation_of, whole


@dataclass(frozen=True)
class Conv2D(Layer):
    """y = sigma(x * w + b): the same kernels over all places of an image.

    Args:
        channels: how many kernels, and channels of the result.
        kernel: size, number or (height, width).
        stride, dilation: number, or one along height and one along width.
        padding: "valid" (none), "same", a number, (rows, columns) or ((above, below), (left, right)); of zeros.
        activation: name of an activation function, or a function of a variable.
        bias: whether there is b, which begins at 0.
        initial: initialiser of w; None: he for rectified units, else glorot.
    """

    channels: int
    kernel: int | tuple[int, int]
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    activation: str | Callable[[Any], Var] = "linear"
    bias: bool = True
    initial: str | Initialiser | None = None

    def __post_init__(self):
        whole("Conv2D: channels", self.channels)
        activation_of(self.activation)
        initialiser_of(self.initial)

    def shape(self, inputs: Shape) -> Shape:
        _demand("Conv2D", inputs, 3)
        at = windows("Conv2D", inputs[:2], _pair(self.kernel), self.stride, self.padding, self.dilation)
        return *at.places, self.channels

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        w = initialiser_of(self.initial, self.activation)((*_pair(self.kernel), inputs[-1], self.channels), rng).astype(dtype)
        return {"w": w, "b": np.zeros(self.channels, dtype)} if self.bias else {"w": w}

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        z = ad.conv2d(x, weights["w"], weights.get("b"), self.stride, self.padding, self.dilation)
        function = activation_of(self.activation)
        return z if function is None else function(z)


@dataclass(frozen=True)
class Conv1D(Layer):
    """y = sigma(x * w + b): the same kernels over all places of a sequence.

    Args:
        channels: how many kernels, and channels of the result.
        kernel, stride, dilation: whole numbers.
        padding: "valid" (none), "same", a number, or (before, after); of zeros.
        activation: name of an activation function, or a function of a variable.
        bias: whether there is b, which begins at 0.
        initial: initialiser of w; None: he for rectified units, else glorot.
    """

    channels: int
    kernel: int
    stride: int = 1
    padding: Any = "valid"
    dilation: int = 1
    activation: str | Callable[[Any], Var] = "linear"
    bias: bool = True
    initial: str | Initialiser | None = None

    def __post_init__(self):
        whole("Conv1D: channels", self.channels)
        whole("Conv1D: kernel", self.kernel)
        activation_of(self.activation)
        initialiser_of(self.initial)

    def shape(self, inputs: Shape) -> Shape:
        _demand("Conv1D", inputs, 2)
        around = self.padding if isinstance(self.padding, str) else ((0, 0), self.padding)
        at = windows("Conv1D", (1, inputs[0]), (1, self.kernel), (1, self.stride), around, (1, self.dilation))
        return at.places[1], self.channels

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        w = initialiser_of(self.initial, self.activation)((self.kernel, inputs[-1], self.channels), rng).astype(dtype)
        return {"w": w, "b": np.zeros(self.channels, dtype)} if self.bias else {"w": w}

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        z = ad.conv1d(x, weights["w"], weights.get("b"), self.stride, self.padding, self.dilation)
        function = activation_of(self.activation)
        return z if function is None else function(z)


@dataclass(frozen=True)
class MaxPool2D(Layer):
    """The largest element of each window and channel.

    Args:
        kernel: size of the windows, number or (height, width).
        stride: distance of windows; None: the kernel.
        padding: as of `Conv2D`.
    """

    kernel: int | tuple[int, int] = 2
    stride: Any = None
    padding: Any = "valid"

    def shape(self, inputs: Shape) -> Shape:
        return _pooled("MaxPool2D", self, inputs)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        return ad.max_pool2d(x, self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class AvgPool2D(Layer):
    """The mean of each window and channel.

    Args:
        kernel: size of the windows, number or (height, width).
        stride: distance of windows; None: the kernel.
        padding: as of `Conv2D`; what is added counts as zeros.
    """

    kernel: int | tuple[int, int] = 2
    stride: Any = None
    padding: Any = "valid"

    def shape(self, inputs: Shape) -> Shape:
        return _pooled("AvgPool2D", self, inputs)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        return ad.avg_pool2d(x, self.kernel, self.stride, self.padding)


def _pooled(name: str, layer: Any, inputs: Shape) -> Shape:
    _demand(name, inputs, 3)
    size = _pair(layer.kernel)
    return *windows(name, inputs[:2], size, size if layer.stride is None else layer.stride, layer.padding).places, inputs[-1]


def _pair(given: int | tuple[int, int]) -> tuple[int, int]:
    return (given, given) if isinstance(given, (int, np.integer)) else tuple(given)


def _demand(name: str, inputs: Shape, axes: int) -> None:
    if len(inputs) != axes or None in inputs:
        needed = "(height, width, channels)" if axes == 3 else "(length, channels)"
        raise ParameterError(f"{name} needs samples of shape {needed}, not {inputs}. Reshape the data; grey images have one "
                             "channel.")
