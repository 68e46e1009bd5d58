"""Feedback alignment and direct feedback alignment as estimators: errors come down by fixed random matrices.

The equations stand in `learning.rules.feedback_alignment`.  Classifiers have softmax answers and the cross-entropy as loss,
regressors linear answers and the squared error.

Sources: Lillicrap et al. 2016 (doi:10.1038/ncomms13276); Nokland 2016, arXiv:1609.01596.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from neurosim.learning.learners.base import LearnerClassifier, LearnerRegressor
from neurosim.learning.learners.layered import LayeredLearner
from neurosim.learning.learners.traits import Traits
from neurosim.learning.rules import feedback_alignment as rule
from neurosim.learning.rules.feedforward import answers, changes, forward, input_gradient, loss_of, masks_of
from neurosim.learning.rules.layers import Layers
from neurosim.predictive.activation import activation


class FixedFeedback(LayeredLearner):
    """A multilayer perceptron that learns by random feedback.

    Args:
        hidden_layer_sizes: units of the hidden layers.
        activation: of the hidden units, by name, see `predictive.activation`.
        optimiser: by name ("adam", "momentum", "sgd" ...), or a description such as Momentum(0.05), whose rate then counts.
        learning_rate: of an optimiser given by name.
        l2: strength of the penalty l2/2 sum w^2.
        dropout: share of hidden units that are silenced at random while learning.
        feedback_scale: size of the feedback, in units of that of first weights.
        initialiser: of first weights, by name or as a function (shape, rng); None: the one that fits the activation.
        dtype: "float64" or "float32".
        max_iter, batch_size, early_stopping, validation_fraction, n_iter_no_change, random_state: see `Learner`.

    Attributes (after fit): feedback_: the fixed matrices; layers_, coefs_, intercepts_, and those of `Learner`.
    """

    #: how errors come down, a function of the last delta, slopes and matrices
    _way: ClassVar[Callable]

    def __init__(self, hidden_layer_sizes: Any = (256,), activation: str = "relu", *, optimiser: Any = "adam",
                 learning_rate: float = 0.001, l2: float = 1e-4, dropout: float = 0.0, feedback_scale: float = 1.0,
                 initialiser: Any = None, dtype: str = "float64", max_iter: int = 100, batch_size: int = 32,
                 early_stopping: bool = False, validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 random_state: Any = None):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.l2 = l2
        self.dropout = dropout
        self.feedback_scale = feedback_scale
        self.initialiser = initialiser
        self.dtype = dtype
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    @abstractmethod
    def _feedback(self, sizes: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
        """Return the fixed matrices."""

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        activation(self.activation, f"{type(self).__name__}: activation")
        self._number("dropout", 0.0, 1.0)
        self._number("feedback_scale", open_low=True)
        sizes = self._network_sizes(x, t)
        self.layers_ = Layers.drawn(sizes, self._first_weights(), rng, self._optimiser(), self._number("l2"),
                                    self._dtype())
        self.feedback_ = self._feedback(sizes, rng)

    def _directions(self, x: np.ndarray, t: np.ndarray, way: Callable, back: list[np.ndarray],
                    masks: list[np.ndarray] | None = None) -> tuple[list[np.ndarray], list[np.ndarray], float]:
        """Return changes of weights and biases by some way of the errors, and the loss."""
        passed = forward(self.layers_, self.activation, x, masks)
        answer = answers(self._kind, passed.y[-1])
        weights, biases = changes(passed.y[:-1], way(answer - t, passed.slopes, back))
        return weights, biases, loss_of(self._kind, answer, t)

    def _lesson(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> float:
        hidden = self.layers_.sizes[1:-1]
        masks = masks_of(hidden, len(x), self.dropout, rng, x.dtype) if self.dropout else None
        weights, biases, loss = self._directions(x, t, type(self)._way, self.feedback_, masks)
        self.layers_.step(weights, biases, self.n_iter_)
        return loss

    def _answer(self, x: np.ndarray) -> np.ndarray:
        z = forward(self.layers_, self.activation, x).y[-1].astype(np.float64)
        return answers(self._kind, z)

    def _change(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._directions(x, t, type(self)._way, self.feedback_)[0]

    def _descend(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._directions(x, t, rule.chain, rule.transposed(self.layers_.weights))[0]

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        passed = forward(self.layers_, self.activation, self._cast(x))
        return input_gradient(self.layers_, passed, answers(self._kind, passed.y[-1]) - self._cast(t))

    @abstractmethod
    def exact_feedback(self) -> list[np.ndarray]:
        """Return what backpropagation would have in the place of each matrix of `feedback_`, for the present weights."""


class _Chained(FixedFeedback):
    _way = staticmethod(rule.chain)
    traits = Traits(
        rule="dW = y_pre delta_post, delta = (delta_above B) slope, B fixed", local=True, needs="fixed random feedback",
        phases=2, error_signal="errors handed down from layer to layer", spiking=False, source_doi="10.1038/ncomms13276",
        notes="Forward weights come to align with the feedback, so that no weight needs to be known in two places.")

    def _feedback(self, sizes: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
        return rule.chain_feedback(sizes, self._first_weights(), self.feedback_scale, rng, self.dtype)

    def exact_feedback(self) -> list[np.ndarray]:
        return rule.transposed(self.layers_.weights)


class _Direct(FixedFeedback):
    _way = staticmethod(rule.direct)
    traits = Traits(
        rule="dW = y_pre delta_post, delta = (error of the answer B) slope, B fixed", local=True, needs="fixed random feedback",
        phases=2, error_signal="error of the answer, broadcast to all layers", spiking=False,
        source_doi="10.48550/arXiv.1609.01596",
        notes="Each layer learns as soon as the answer is known, without those above it.")

    def _feedback(self, sizes: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
        return rule.direct_feedback(sizes, self.feedback_scale, rng, self.dtype)

    def exact_feedback(self) -> list[np.ndarray]:
        # from the answer down to each hidden layer, straight
        down = rule.transposed(self.layers_.weights)
        for k in range(len(down) - 2, -1, -1):
            down[k] = down[k + 1] @ down[k]
        return down


class FeedbackAlignmentClassifier(_Chained, LearnerClassifier):
    """Feedback alignment, for classes: parameters and attributes as in `FixedFeedback`, and `classes_`."""


class FeedbackAlignmentRegressor(_Chained, LearnerRegressor):
    """Feedback alignment, for numbers: parameters and attributes as in `FixedFeedback`."""


class DirectFeedbackAlignmentClassifier(_Direct, LearnerClassifier):
    """Direct feedback alignment, for classes: parameters and attributes as in `FixedFeedback`, and `classes_`."""


class DirectFeedbackAlignmentRegressor(_Direct, LearnerRegressor):
    """Direct feedback alignment, for numbers: parameters and attributes as in `FixedFeedback`."""
