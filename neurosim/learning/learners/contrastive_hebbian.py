"""Contrastive Hebbian learning as estimators; the equations stand in `learning.rules.contrastive_hebbian` and `energy`.

Classifiers have a softmax as last layer and learn the cross-entropy where feedback is weak; regressors a linear one and the
squared error.

Sources: Movellan 1991 (doi:10.1016/B978-1-4832-1448-1.50007-X); Xie & Seung 2003 (doi:10.1162/089976603762552988).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.learning.learners.base import LearnerClassifier, LearnerRegressor
from neurosim.learning.learners.layered import LayeredLearner
from neurosim.learning.learners.traits import Traits
from neurosim.learning.rules import contrastive_hebbian as rule
from neurosim.learning.rules.energy import EnergyNetwork, gradient, input_gradient
from neurosim.learning.rules.feedforward import loss_of
from neurosim.learning.rules.layers import Layers
from neurosim.learning.rules.units import unit


class Contrastive(LayeredLearner):
    """A network with symmetric weights that learns from the difference between the answer held and the network free.

    Args:
        hidden_layer_sizes: units of the hidden layers.
        activation: of the hidden units, by name, see `rules.units`.
        feedback_gain: of what goes down between layers, in units of what goes up; the weaker, the nearer to backpropagation.
        free_rounds: updates of all layers in the free phase, at most.
        held_rounds: in the phase in which the answer is held.
        tolerance: while learning, a phase ends early when no state changes by more in a round.
        optimiser: by name ("adam", "momentum", "sgd" ...), or a description such as Momentum(0.05), whose rate then counts.
        learning_rate: of an optimiser given by name.
        l2: strength of the penalty l2/2 sum w^2.
        initialiser: of first weights, by name or as a function (shape, rng); None: the one that fits the activation.
        dtype: "float64" or "float32".
        max_iter, batch_size, early_stopping, validation_fraction, n_iter_no_change, random_state: see `Learner`.

    Attributes (after fit): network_, an `EnergyNetwork`; layers_, coefs_, intercepts_, and those of `Learner`.
    """

    traits = Traits(
        rule="dW = y_pre y_post answer held - y_pre y_post free", local=True, needs="symmetric weights", phases=2,
        error_signal="shift of activity when the answer is held", spiking=False, source_doi="10.1162/089976603762552988",
        notes="Hebb's rule and its reverse; feedback may be weaker than the way up, if layers know by how much.")

    def __init__(self, hidden_layer_sizes: Any = (256,), activation: str = "relu", *, feedback_gain: float = 0.1,
                 free_rounds: int = 10, held_rounds: int = 5, tolerance: float = 1e-6, optimiser: Any = "adam",
                 learning_rate: float = 0.001, l2: float = 1e-4, initialiser: Any = None, dtype: str = "float64",
                 max_iter: int = 100, batch_size: int = 32, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.feedback_gain = feedback_gain
        self.free_rounds = free_rounds
        self.held_rounds = held_rounds
        self.tolerance = tolerance
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.l2 = l2
        self.initialiser = initialiser
        self.dtype = dtype
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        unit(self.activation, f"{type(self).__name__}: activation")
        self._number("tolerance")
        self._whole("free_rounds", 1)
        self._whole("held_rounds", 1)
        self.layers_ = Layers.drawn(self._network_sizes(x, t), self._first_weights(), rng, self._optimiser(),
                                    self._number("l2"), self._dtype())
        self.network_ = EnergyNetwork(self.layers_, self.activation, self._kind, self._number("feedback_gain", open_low=True))

    def _free(self, x: np.ndarray, tolerance: float = 0.0) -> list[np.ndarray]:
        # without a tolerance, the state of a sample does not depend on what others need
        return self.network_.settle(self.network_.start(x), self.free_rounds, tolerance=tolerance)[0]

    def _changes(self, free: list[np.ndarray], t: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return rule.changes(self.network_, free, t, self.held_rounds, self.tolerance)

    def _lesson(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> float:
        free = self._free(x, self.tolerance)
        self.layers_.step(*self._changes(free, t), self.n_iter_)
        return loss_of(self._kind, free[-1], t)

    def _answer(self, x: np.ndarray) -> np.ndarray:
        y = self._free(x)[-1].astype(np.float64)
        return y/y.sum(axis=1, keepdims=True) if self._kind == "softmax" else y

    def _change(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._changes(self._free(x), t)[0]

    def _descend(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return gradient(self.network_, self._free(x), t)[0]

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        x, t = self._cast(x), self._cast(t)
        with self._one_thread(len(x)):
            return input_gradient(self.network_, self._free(x), t)

    def products_per_inference(self) -> int:
        """Return the multiply-accumulates of an answer, all rounds of settling included."""
        return self.network_.products(self.free_rounds)


class ContrastiveHebbianClassifier(Contrastive, LearnerClassifier):
    """Contrastive Hebbian learning, for classes: parameters and attributes as in `Contrastive`, and `classes_`."""


class ContrastiveHebbianRegressor(Contrastive, LearnerRegressor):
    """Contrastive Hebbian learning, for numbers: parameters and attributes as in `Contrastive`."""
