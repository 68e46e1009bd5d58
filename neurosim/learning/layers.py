"""What a layer is: a description of how samples in rows become other samples, and of the weights that it needs.

Layers are frozen descriptions without numbers in them; `build` makes the numbers, from a seed.  The same description can be
built many times.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.errors import ParameterError, listing, nearest

#: shape of one sample; None along an axis of any length (time)
Shape = tuple[int | None, ...]
#: names to arrays, or to the same of a layer within
Tree = dict[str, Any]


@dataclass
class Mode:
    """How a pass through a model is meant.

    Attributes:
        training: use and update what differs between training and use (dropout, batch normalisation).
        rng: random numbers of the pass.
        watched: if a list, layers add what they are called and what they gave, with its gradient kept.
    """

    training: bool = False
    rng: np.random.Generator | None = None
    watched: list[tuple[str, Var]] | None = None
    path: str = field(default="", repr=False)


class Layer(ABC):
    """A step of a model: y = f(x; weights) for samples in rows (axis 0)."""

    @abstractmethod
    def shape(self, inputs: Shape) -> Shape:
        """Return the shape of one sample of the result.

        Args:
            inputs: shape of one sample of the input.

        Raises:
            ParameterError: the layer cannot take such samples.
        """

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        """Return new weights, by name: what is learnt."""
        return {}

    def memory(self, inputs: Shape, dtype: np.dtype) -> Tree:
        """Return new memory, by name: what is carried from pass to pass and not learnt by gradient."""
        return {}

    @abstractmethod
    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        """Return the result for samples `x`, shape (n, ...).

        Args:
            x: variable or array.
            weights: variables by name.
            memory: arrays by name; changed in place in training.
            mode: training or use.
        """


@dataclass(frozen=True)
class Sequential(Layer):
    """Layers one after another.

    Args:
        layers: descriptions, in order.

    Raises:
        ParameterError: there are none, or something is no layer.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self):
        object.__setattr__(self, "layers", tuple(self.layers))
        wrong = [x for x in self.layers if not isinstance(x, Layer)]
        if wrong or not self.layers:
            raise ParameterError(f"Sequential: {wrong[0]!r} is no layer. Pass layers such as Dense(10)." if wrong else
                                 "Sequential: there are no layers. Pass at least one.")

    def shapes(self, inputs: Shape) -> list[Shape]:
        """Return the shape of one sample before the first and after each layer.

        Raises:
            ParameterError: a layer cannot take what comes before; the message tells which.
        """
        found = [tuple(inputs)]
        for k, layer in enumerate(self.layers):
            try:
                found.append(layer.shape(found[-1]))
            except ParameterError as error:
                raise ParameterError(f"layer {k} ({type(layer).__name__}): {error}") from None
        return found

    def shape(self, inputs: Shape) -> Shape:
        return self.shapes(inputs)[-1]

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        return {str(k): layer.weights(s, rng, dtype) for k, (layer, s) in enumerate(zip(self.layers, self.shapes(inputs)))}

    def memory(self, inputs: Shape, dtype: np.dtype) -> Tree:
        return {str(k): layer.memory(s, dtype) for k, (layer, s) in enumerate(zip(self.layers, self.shapes(inputs)))}

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        path = mode.path
        for k, layer in enumerate(self.layers):
            key = str(k)
            if mode.watched is None:
                x = layer.forward(x, weights[key], memory[key], mode)
                continue
            mode.path = f"{path}{key} {type(layer).__name__}"
            if isinstance(layer, Sequential):
                mode.path += "."
            x = layer.forward(x, weights[key], memory[key], mode)
            if not isinstance(layer, Sequential):
                mode.watched.append((mode.path, x.keep_grad()))
        mode.path = path
        return x


#: activation functions by name
ACTIVATIONS: dict[str, Callable[[Any], Var] | None] = {
    "linear": None, "logistic": ad.logistic, "tanh": ad.tanh, "relu": ad.relu, "leaky_relu": ad.leaky_relu, "elu": ad.elu,
    "softplus": ad.softplus, "arctan": ad.arctan, "heaviside": ad.heaviside, "softmax": ad.softmax}


def activation_of(given: str | Callable[[Any], Var]) -> Callable[[Any], Var] | None:
    """Return the function of an activation that was given by name or as a function of a variable; None for "linear".

    Raises:
        ParameterError: the name is not known.
    """
    if callable(given):
        return given
    if given not in ACTIVATIONS:
        raise ParameterError(f"activation {given!r} is not known.{nearest(str(given), ACTIVATIONS)} Use a function of a Var, "
                             f"or one of: {listing(ACTIVATIONS)}.")
    return ACTIVATIONS[given]


@dataclass(frozen=True)
class Activation(Layer):
    """y = sigma(x), element by element (softmax: along the last axis).

    Args:
        function: name of an activation function, or a function of a variable.
    """

    function: str | Callable[[Any], Var]

    def __post_init__(self):
        activation_of(self.function)

    def shape(self, inputs: Shape) -> Shape:
        return inputs

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        function = activation_of(self.function)
        return (x if isinstance(x, Var) else Var(x, tracked=False)) if function is None else function(x)


@dataclass(frozen=True)
class Flatten(Layer):
    """All axes of a sample as one."""

    def shape(self, inputs: Shape) -> Shape:
        if None in inputs:
            raise ParameterError(f"Flatten needs samples of known shape, not {inputs}. Take the last step of a sequence "
                                 "before.")
        return (int(np.prod(inputs)),)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        n = x.shape[0]
        return ad.reshape(x, (n, int(np.prod(x.shape[1:]))))


def whole(what: str, value: Any, least: int = 1) -> None:
    """Raise ParameterError if `value` is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ParameterError(f"{what} must be a whole number of at least {least}, not {value!r}.")
