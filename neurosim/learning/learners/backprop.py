"""Multilayer perceptrons that learn by backpropagation.

    y^0 = x,   y^l = sigma(y^(l-1) W^l + b^l),   z = y^(L-1) W^L + b^L
    classes    p = softmax(z),   E = -sum_k t_k log p_k
    numbers    E = 1/2 |z - t|^2,   t scaled to mean 0 and standard deviation 1
    learning   dE/dW^l = (y^(l-1))^T delta^l,   delta^(l-1) = sigma' o (delta^l (W^l)^T)

E is the mean over a batch, to which l1 sum |W| + l2/2 sum W^2 is added; the gradient goes to an optimiser.

Source: Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff import Var
from neurosim.blas import one_thread
from neurosim.errors import ParameterError, listing, nearest
from neurosim.learning.dense import Dense
from neurosim.learning.descent import Descent
from neurosim.learning.faults import Explosion
from neurosim.learning.layers import Activation, Layer
from neurosim.learning.learners.base import Diverged, Learner, LearnerClassifier, LearnerRegressor
from neurosim.learning.learners.traits import Traits
from neurosim.learning.losses import categorical_cross_entropy, squared_error
from neurosim.learning.models import build
from neurosim.learning.passes import one_pass
from neurosim.learning.regularising import BatchNorm, Dropout, LayerNorm

#: normalisations of hidden layers by name
NORMALISATIONS: dict[str, type[Layer]] = {"batch": BatchNorm, "layer": LayerNorm}


class _Backprop(Learner):
    """What classes and numbers have in common.

    A hidden layer is x W + b, then normalised if wanted, sigma, and dropout.
    """

    traits = Traits(
        rule="dW = y_pre^T delta, delta = (delta_above W^T) slope", local=False, needs="transposed weights", phases=2,
        error_signal="exact gradient, handed down from layer to layer", spiking=False, source_doi="10.1038/323533a0",
        notes="Errors run back through the weights of the way forward, apart from the activity.")

    def __init__(self, hidden_layer_sizes: Any = (256,), activation: Any = "relu", *, optimiser: Any = "adam",
                 learning_rate: Any = 0.001, l1: float = 0.0, l2: float = 0.0, clip: float | None = None, dropout: float = 0.0,
                 normalisation: str | None = None, initialiser: Any = None, dtype: str = "float64", max_iter: int = 100,
                 batch_size: int = 32, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.l1 = l1
        self.l2 = l2
        self.clip = clip
        self.dropout = dropout
        self.normalisation = normalisation
        self.initialiser = initialiser
        self.dtype = dtype
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights of each layer, (n_in, n_out), from the data to the answer."""
        return [w.value for w in self._weights()]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of each layer, (n_out,)."""
        return [self.model_.parameters[f"{k}.b"].value for k in self._dense()]

    def _dense(self) -> list[int]:
        return [k for k, layer in enumerate(self.model_.layers.layers) if isinstance(layer, Dense)]

    def _weights(self) -> list[Var]:
        return [self.model_.parameters[f"{k}.w"] for k in self._dense()]

    def _layers(self, outputs: int) -> list[Layer]:
        who, norm, share = type(self).__name__, self.normalisation, self._number("dropout", 0.0, 1.0)
        if norm is not None and norm not in NORMALISATIONS:
            raise ParameterError(f"{who}: there is no normalisation {norm!r}.{nearest(str(norm), NORMALISATIONS)} Use None, or "
                                 f"one of: {listing(NORMALISATIONS)}.")
        layers: list[Layer] = []
        for n in self._sizes():
            if norm is None:
                layers.append(Dense(n, self.activation, initial=self.initialiser))
            else:
                layers += [Dense(n, initial=self.initialiser), NORMALISATIONS[norm](), Activation(self.activation)]
            if share:
                layers.append(Dropout(share))
        return [*layers, Dense(outputs, initial=self.initialiser)]

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        optimiser, l1, l2 = self._optimiser(), self._number("l1"), self._number("l2")
        clip = None if self.clip is None else self._number("clip", open_low=True)
        self.model_ = build(self._layers(t.shape[1]), x.shape[1], int(rng.integers(2**63)), self._dtype())
        self._descent = Descent(self.model_.parameters.values(), optimiser, l1, l2, clip)
        # an array, so that it is put back with the weights
        self._steps = np.zeros(1, np.int64)

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        x, t = self.model_.as_inputs(x), t.astype(self.model_.dtype, copy=False)
        least = 2 if self.normalisation == "batch" else 1
        if len(x) < least:
            raise ParameterError(f"{type(self).__name__}: normalisation='batch' needs two samples at least, and there is 1 "
                                 "sample only, which has no variance. Use 'layer', or more samples.")
        parts = self._parts(order, least)
        self._descent.steps = int(self._steps[0])
        try:
            with self._one_thread(min(len(x), self.batch_size)):
                loss, _ = one_pass(self.model_, self._loss, self._descent, x, t, parts, self.n_iter_, rng)
        except Explosion as explosion:
            raise Diverged(f"{explosion.place}. {explosion.remedy}.") from explosion
        self._steps[0] = self._descent.steps
        return loss

    def _learnt(self) -> list[np.ndarray]:
        return [self._descent.x, *self._descent.state.values(), *self.model_.memory.values(), self._steps]

    def _output(self, x: np.ndarray) -> np.ndarray:
        with self._one_thread(min(len(x), 1024)):
            return self._answers(self.model_.predict(x).astype(np.float64, copy=False))

    def _gradients(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        with self._one_thread(len(x)):
            self._loss(self.model_(x), t.astype(self.model_.dtype, copy=False)).backward()
        found = [-w.grad for w in self._weights()]
        for v in self.model_.parameters.values():
            v.grad = None
        return found

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        samples = Var(x.astype(self.model_.dtype))
        with self._one_thread(len(x)):
            self._loss(self.model_(samples), t.astype(self.model_.dtype, copy=False)).backward()
        for v in self.model_.parameters.values():
            v.grad = None
        # the loss is a mean over samples
        return samples.grad.astype(np.float64)*len(x)

    def _updates(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._gradients(x, t)

    def _one_thread(self, rows: int):
        return one_thread(max(w.size for w in self._weights())*rows)


class BackpropClassifier(_Backprop, LearnerClassifier):
    """Perceptron of several layers with softmax and cross entropy, trained by backpropagation.

        z = sigma(... sigma(x W^1 + b^1) ...) W^L + b^L,   p = softmax(z),   E = -log p_label

    Args:
        hidden_layer_sizes: units of the hidden layers: (256,), (100, 50), one number, or () for none.
        activation: sigma: a name such as "relu", "tanh", "logistic", or a function of a variable of the autodiff.
        optimiser: "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", or a description such as Adam(0.001), which brings
            its own rate.
        learning_rate: of an optimiser given by its name: a number, or a schedule in epochs such as CosineDecay(0.001, 100).
        l1, l2: strengths of the penalties l1 sum |W| + l2/2 sum W^2.
        clip: greatest norm of the gradient of a batch; None: any.
        dropout: share of the units of each hidden layer that is silent in a step of learning.
        normalisation: of hidden layers before sigma: None, "batch" or "layer".
        initialiser: of the weights: a name such as "he", "glorot", or a function (shape, rng); None: what fits sigma.
        dtype: of the network, "float64" or "float32".
        max_iter: epochs of `fit`.
        batch_size: samples of a step.
        early_stopping, validation_fraction, n_iter_no_change, random_state: see `Learner`.

    Attributes (after fit):
        classes_, n_features_in_, n_iter_, loss_curve_, validation_scores_, problem_: see `Learner`.
        model_: the network, `learning.Model`.
        coefs_, intercepts_: weights (n_in, n_out) and biases of each layer.

    Raises:
        ValueError: for samples and answers that do not fit; ParameterError, a ValueError too, for parameters.

    Source: Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0.
    """

    _loss = staticmethod(categorical_cross_entropy)

    def _answers(self, z: np.ndarray) -> np.ndarray:
        p = np.exp(z - z.max(axis=1, keepdims=True))
        return p/p.sum(axis=1, keepdims=True)


class BackpropRegressor(_Backprop, LearnerRegressor):
    """Perceptron of several layers with a linear end and squared error, trained by backpropagation.

        z = sigma(... sigma(x W^1 + b^1) ...) W^L + b^L,   E = 1/2 |z - t|^2

    Args: as for `BackpropClassifier`.

    Attributes (after fit): as for `BackpropClassifier`, but classes_; the network's answers are those to scaled targets.

    Raises:
        ValueError: for samples and answers that do not fit; ParameterError, a ValueError too, for parameters.
    """

    _loss = staticmethod(squared_error)

    def _answers(self, z: np.ndarray) -> np.ndarray:
        return z
