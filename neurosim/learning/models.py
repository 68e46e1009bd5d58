"""A model: a description of layers with its weights, as variables of the autodiff."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.errors import ParameterError
from neurosim.learning.layers import Layer, Mode, Sequential, Shape, Tree


class Model:
    """Layers with numbers; made by `build`.

        model(x)                                    a variable: outputs of samples in rows
        model(x, training=True, rng=generator)      as in training (dropout, batch normalisation)
        model.predict(x)                            a plain array, in batches, without a graph

    Attributes:
        layers: the description, Sequential.
        inputs, outputs: shape of one sample.
        dtype: of all numbers.
        parameters: what is learnt, variables by name: "0.w" is w of layer 0.
        memory: what is carried otherwise (running means), arrays by name.
    """

    def __init__(self, layers: Sequential, inputs: Shape, weights: Tree, memory: Tree, dtype: np.dtype):
        self.layers, self.inputs, self.outputs, self.dtype = layers, inputs, layers.shape(inputs), dtype
        self._weights, self._memory = _as_vars(weights, ""), memory
        self.parameters: dict[str, Var] = dict(_flat(self._weights, ""))
        self.memory: dict[str, np.ndarray] = dict(_flat(memory, ""))
        self._use = Mode()

    @property
    def count(self) -> int:
        """Number of learnt numbers."""
        return sum(v.size for v in self.parameters.values())

    def __call__(self, x: Any, training: bool = False, rng: np.random.Generator | None = None,
                 watched: list[tuple[str, Var]] | None = None) -> Var:
        """Return the outputs for samples `x`.

        Args:
            x: shape (n, ...) as `inputs` says; array or variable.
            training: as in training.
            rng: random numbers, needed by layers that make noise in training.
            watched: a list that gets (layer, what it gave) for every layer, with gradients kept.

        Raises:
            ParameterError: the shape is wrong.
        """
        x = self.as_inputs(x)
        mode = self._use if not training and watched is None else Mode(training, rng, watched)
        return self.layers.forward(x, self._weights, self._memory, mode)

    def largest_product(self, x: np.ndarray, rows: int) -> float:
        """Return the multiplications of the largest product of matrices for `rows` samples such as those of x, (n, ...).

        Infinite with kernels that move over samples, which meet each sample many times.
        """
        if any(v.ndim > 2 for v in self.parameters.values()):
            return math.inf
        return math.prod(x.shape[1:-1])*rows*max((v.size for v in self.parameters.values()), default=0)

    def predict(self, x: Any, batch: int = 1024) -> np.ndarray:
        """Return the outputs for samples `x` as an array, shape (n, ...), `batch` samples at a time."""
        x = self.as_inputs(x)
        x = x.value if isinstance(x, Var) else x
        with ad.no_grad():
            parts = [self(x[k:k + batch]).value for k in range(0, len(x), batch)]
        return np.concatenate(parts) if parts else self(x).value

    def as_inputs(self, x: Any) -> Any:
        """Return samples as they go in: a variable as it is, anything else as an array of the dtype of the model.

        Raises:
            ParameterError: not numbers, or a wrong shape.
        """
        if not isinstance(x, Var):
            x = np.asarray(x)
            if x.dtype != self.dtype:
                if x.dtype.kind not in "fiub":
                    raise ParameterError(f"the inputs must be numbers, not {x.dtype}. Convert them before.")
                x = x.astype(self.dtype)
        shape = x.shape[1:]
        if shape != self.inputs and (len(shape) != len(self.inputs) or not x.ndim
                                     or any(m not in (None, n) for n, m in zip(shape, self.inputs))):
            raise ParameterError(f"the inputs have shape {x.shape}; (n, {', '.join(map(str, self.inputs))}) is needed: samples "
                                 "in rows.")
        return x

    def through(self, x: Any, mode: Mode) -> Iterator[tuple[str, Layer, Var]]:
        """Yield key, layer and what the layer gives, layer by layer, for samples `x`."""
        x = self.as_inputs(x)
        for k, layer in enumerate(self.layers.layers):
            x = layer.forward(x, self._weights[str(k)], self._memory[str(k)], mode)
            yield str(k), layer, x

    def arrays(self) -> dict[str, np.ndarray]:
        """Return copies of all numbers by name: parameters, and memory behind "memory."."""
        return {**{k: v.value.copy() for k, v in self.parameters.items()},
                **{f"memory.{k}": v.copy() for k, v in self.memory.items()}}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set all numbers, as `arrays` gave them.

        Raises:
            ParameterError: a name is missing or unknown, or a shape differs.
        """
        own = {**{k: v.value for k, v in self.parameters.items()}, **{f"memory.{k}": v for k, v in self.memory.items()}}
        if missing := sorted(own.keys() ^ arrays.keys()):
            raise ParameterError(f"load: {missing[0]!r} is {'missing' if missing[0] in own else 'not of this model'}. Build "
                                 "the model with the same layers.")
        for name, value in own.items():
            if np.shape(arrays[name]) != value.shape:
                raise ParameterError(f"load: {name!r} has shape {np.shape(arrays[name])}, in this model {value.shape}. Build "
                                     "the model with the same layers.")
        for name, value in own.items():
            value[...] = arrays[name]

    def layer_of(self, name: str) -> str:
        """Return what the layer of a parameter is called: "0.w" -> "layer 0 (Dense)"."""
        key = name.removeprefix("memory.").split(".")[0]
        return f"layer {key} ({type(self.layers.layers[int(key)]).__name__})"

    def __repr__(self) -> str:
        kinds = ", ".join(type(layer).__name__ for layer in self.layers.layers)
        return f"Model({kinds}: {self.inputs} -> {self.outputs}, {self.count} parameters, {self.dtype})"


def build(layers: Sequential | Sequence[Layer], inputs: int | Shape, seed: int = 0, dtype: Any = "float64") -> Model:
    """Return a model with new weights.

    Args:
        layers: descriptions, in order.
        inputs: shape of one sample, or its length; None along an axis of any length (time).
        seed: of the weights.
        dtype: "float64" or "float32".

    Raises:
        ParameterError: layers that do not fit together, or another dtype.
    """
    if not isinstance(layers, Sequential):
        layers = Sequential(tuple(layers) if isinstance(layers, Sequence) else (layers,))
    inputs = (int(inputs),) if isinstance(inputs, (int, np.integer)) else tuple(inputs)
    if any(n is not None and (not isinstance(n, (int, np.integer)) or n < 1) for n in inputs):
        raise ParameterError(f"build: inputs={inputs} must be positive whole numbers, or None for an axis of any length.")
    kind = np.dtype(dtype)
    if kind not in (np.float64, np.float32):
        raise ParameterError(f"build: dtype={dtype!r} must be 'float64' or 'float32'.")
    layers.shapes(inputs)
    rng = np.random.default_rng(seed)
    return Model(layers, inputs, layers.weights(inputs, rng, kind), layers.memory(inputs, kind), kind)


def _as_vars(tree: Tree, path: str) -> Tree:
    return {k: _as_vars(v, f"{path}{k}.") if isinstance(v, dict) else Var(v, name=path + k) for k, v in tree.items()}


def _flat(tree: Tree, path: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield path + key, value
