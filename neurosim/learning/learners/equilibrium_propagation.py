"""Equilibrium propagation as estimators; the equations stand in `learning.rules.energy` and `learning.rules.equilibrium`.

The loss is the squared error of a linear last layer, for classes as well (one-hot targets).  Probabilities of classes are then
the nearest ones (by distance) to what the last layer gives.

Sources: Scellier & Bengio 2017 (doi:10.3389/fncom.2017.00024); Laborieux et al. 2021 (doi:10.3389/fnins.2021.633674).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError, listing, nearest
from neurosim.learning.learners.base import LearnerClassifier, LearnerRegressor
from neurosim.learning.learners.layered import LayeredLearner
from neurosim.learning.learners.traits import Traits
from neurosim.learning.rules import equilibrium as rule
from neurosim.learning.rules.energy import EnergyNetwork, gradient, input_gradient
from neurosim.learning.rules.feedforward import loss_of
from neurosim.learning.rules.layers import Layers
from neurosim.learning.rules.units import unit


class Equilibrium(LayeredLearner):
    """A network with symmetric weights that learns from how a small nudge shifts its equilibrium.

    Args:
        hidden_layer_sizes: units of the hidden layers.
        activation: of the hidden units, by name, see `rules.units`.
        beta: strength of the nudge, above 0 and below 1.
        nudging: "symmetric": towards the answer and away from it, three phases; "positive": towards it, two phases; "random":
            either, by chance for each batch, two phases.
        feedback_gain: of what goes down between layers, in units of what goes up; 1: the network of the paper.
        free_rounds: updates of all layers in the free phase, at most.
        nudged_rounds: in each nudged phase.
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
        rule="dW = (y_pre y_post nudged - y_pre y_post free)/beta", local=True, needs="symmetric weights", phases=3,
        error_signal="shift of the equilibrium by a nudge of the answer", spiking=False, source_doi="10.3389/fncom.2017.00024",
        notes="One kind of dynamics in all phases; both directions of a connection must have one strength, and the states of "
              "the phases must be remembered until they are compared.")

    def __init__(self, hidden_layer_sizes: Any = (256,), activation: str = "hard_sigmoid", *, beta: float = 0.2,
                 nudging: str = "symmetric", feedback_gain: float = 0.3, free_rounds: int = 20, nudged_rounds: int = 6,
                 tolerance: float = 1e-4, optimiser: Any = "adam", learning_rate: float = 0.003, l2: float = 1e-4,
                 initialiser: Any = None, dtype: str = "float64", max_iter: int = 60, batch_size: int = 32,
                 early_stopping: bool = False, validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 random_state: Any = None):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.beta = beta
        self.nudging = nudging
        self.feedback_gain = feedback_gain
        self.free_rounds = free_rounds
        self.nudged_rounds = nudged_rounds
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
        self._number("beta", 0.0, 1.0, open_low=True)
        self._number("tolerance")
        self._whole("free_rounds", 1)
        self._whole("nudged_rounds", 1)
        if self.nudging not in rule.NUDGES:
            raise ParameterError(f"{type(self).__name__}: nudging must be one of {listing(rule.NUDGES)}, not {self.nudging!r}."
                                 f"{nearest(str(self.nudging), rule.NUDGES)}")
        self.layers_ = Layers.drawn(self._network_sizes(x, t), self._first_weights(), rng, self._optimiser(),
                                    self._number("l2"), self._dtype())
        self.network_ = EnergyNetwork(self.layers_, self.activation, "linear", self._number("feedback_gain", open_low=True))

    def _free(self, x: np.ndarray, tolerance: float = 0.0) -> list[np.ndarray]:
        # without a tolerance, the state of a sample does not depend on what others need
        return self.network_.settle(self.network_.start(x), self.free_rounds, tolerance=tolerance)[0]

    def _changes(self, free: list[np.ndarray], t: np.ndarray, beta: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return rule.changes(self.network_, free, t, beta, self.nudged_rounds, symmetric=self.nudging == "symmetric",
                            tolerance=self.tolerance)

    def _lesson(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> float:
        free = self._free(x, self.tolerance)
        sign = -1 if self.nudging == "random" and rng.random() < 0.5 else 1
        self.layers_.step(*self._changes(free, t, sign*self.beta), self.n_iter_)
        return loss_of("linear", free[-1], t)

    def _answer(self, x: np.ndarray) -> np.ndarray:
        y = self._free(x)[-1].astype(np.float64)
        return nearest_probabilities(y) if isinstance(self, LearnerClassifier) else y

    def _change(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._changes(self._free(x), t, self.beta)[0]

    def _descend(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return gradient(self.network_, self._free(x), t)[0]

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        x, t = self._cast(x), self._cast(t)
        with self._one_thread(len(x)):
            return input_gradient(self.network_, self._free(x), t)

    def products_per_inference(self) -> int:
        """Return the multiply-accumulates of an answer, all rounds of settling included."""
        return self.network_.products(self.free_rounds)


def nearest_probabilities(y: np.ndarray) -> np.ndarray:
    """Return the probabilities nearest to each row: max(y - c, 0) with c such that they add to 1.

    Source: Duchi et al. 2008 (doi:10.1145/1390156.1390191).
    """
    falling = -np.sort(-y, axis=1)
    c = (np.cumsum(falling, axis=1) - 1)/np.arange(1, y.shape[1] + 1)
    last = (falling > c).sum(axis=1, keepdims=True) - 1
    return np.maximum(y - np.take_along_axis(c, last, axis=1), 0)


class EquilibriumPropagationClassifier(Equilibrium, LearnerClassifier):
    """Equilibrium propagation, for classes: parameters and attributes as in `Equilibrium`, and `classes_`."""


class EquilibriumPropagationRegressor(Equilibrium, LearnerRegressor):
    """Equilibrium propagation, for numbers: parameters and attributes as in `Equilibrium`."""
