"""Difference target propagation as estimators; the equations stand in `learning.rules.target_propagation`.

Source: Lee et al. 2015 (doi:10.1007/978-3-319-23528-8_31, arXiv:1412.7525).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError, listing, nearest
from neurosim.learning.learners.base import Diverged, LearnerClassifier, LearnerRegressor
from neurosim.learning.learners.layered import LayeredLearner
from neurosim.learning.learners.traits import Traits
from neurosim.learning.rules import target_propagation as rule
from neurosim.learning.rules.feedback_alignment import chain, transposed
from neurosim.learning.rules.feedforward import answers, changes, forward, input_gradient, loss_of
from neurosim.learning.rules.layers import Layers
from neurosim.predictive.activation import activation


class TargetPropagation(LayeredLearner):
    """A multilayer perceptron whose layers are taught by targets that learned inverses send down.

    Args:
        hidden_layer_sizes: units of the hidden layers.
        activation: of the hidden units, by name, see `predictive.activation`.
        first_target: "hidden": the last hidden layer gets the first target, by the gradient of the answer's loss (the paper);
            "answer": the answers get it, and no weight is used in two directions.
        target_step: eta, length of the step to the first target.
        noise: standard deviation of what is added to activity while inverses learn.
        inverse_rate: learning rate of the inverses, by the same kind of optimiser (one given as description: as it is).
        inverse_steps: steps of the inverses for each of the weights.
        inverse_warmup: passes through the samples in which the inverses alone learn, before the first epoch.
        optimiser: by name ("adam", "momentum", "sgd" ...), or a description such as Momentum(0.05), whose rate then counts.
        learning_rate: of an optimiser given by name.
        l2: strength of the penalty l2/2 sum w^2, of weights and inverses.
        initialiser: of first weights, by name or as a function (shape, rng); None: the one that fits the activation.
        dtype: "float64" or "float32".
        max_iter, batch_size, early_stopping, validation_fraction, n_iter_no_change, random_state: see `Learner`.

    Attributes (after fit):
        inverses_: `Layers` from the top down, or None where none is needed.
        inverse_losses_: mean squared error of reconstruction of each epoch.
        layers_, coefs_, intercepts_, and those of `Learner`.
    """

    traits = Traits(
        rule="dW = y_pre (target - y_post) slope", local=True, phases=3, error_signal="targets sent down by learned inverses",
        needs="learned inverses, and transposed weights of the last layer", spiking=False,
        source_doi="10.1007/978-3-319-23528-8_31",
        notes="Inverses learn by reconstructing noisy activity; with first_target='answer' no weights are transposed at all.")

    def __init__(self, hidden_layer_sizes: Any = (256, 256), activation: str = "relu", *, first_target: str = "hidden",
                 target_step: float = 0.1, noise: float = 0.1, inverse_rate: float = 0.001, inverse_steps: int = 1,
                 inverse_warmup: int = 5, optimiser: Any = "adam", learning_rate: float = 0.001, l2: float = 1e-4,
                 initialiser: Any = "orthogonal", dtype: str = "float64", max_iter: int = 60, batch_size: int = 32,
                 early_stopping: bool = False, validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 random_state: Any = None):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.first_target = first_target
        self.target_step = target_step
        self.noise = noise
        self.inverse_rate = inverse_rate
        self.inverse_steps = inverse_steps
        self.inverse_warmup = inverse_warmup
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
        activation(self.activation, f"{type(self).__name__}: activation")
        self._number("target_step", open_low=True)
        self._number("noise")
        self._whole("inverse_steps", 0)
        self._whole("inverse_warmup", 0)
        if self.first_target not in rule.FIRST:
            raise ParameterError(f"{type(self).__name__}: first_target must be one of {listing(rule.FIRST)}, not "
                                 f"{self.first_target!r}.{nearest(str(self.first_target), rule.FIRST)}")
        sizes, initialiser = self._network_sizes(x, t), self._first_weights()
        l2, dtype = self._number("l2"), self._dtype()
        self.layers_ = Layers.drawn(sizes, initialiser, rng, self._optimiser(), l2, dtype)
        down = sizes[1:][::-1] if self.first_target == "answer" else sizes[1:-1][::-1]
        inverse = self._optimiser(rate="inverse_rate")
        self.inverses_ = Layers.drawn(down, initialiser, rng, inverse, l2, dtype) if len(down) > 1 else None
        self.inverse_losses_: list[float] = []
        x = self._cast(x)
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(self.inverse_warmup if self.inverses_ else 0):
                for rows in np.array_split(rng.permutation(len(x)), max(1, len(x)//int(self.batch_size))):
                    self._teach_inverses(forward(self.layers_, self.activation, x[rows]).y, rng)

    def _teach_inverses(self, y: list[np.ndarray], rng: np.random.Generator) -> float:
        weights, biases, loss = rule.inverse_changes(self.inverses_, self.layers_, self.activation,
                                                     y[1:len(self.inverses_.sizes)], self.noise, rng)
        self.inverses_.step(weights, biases, getattr(self, "n_iter_", 0))
        return loss

    def _directions(self, x: np.ndarray, t: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], float, list[np.ndarray]]:
        passed = forward(self.layers_, self.activation, x)
        answer = answers(self._kind, passed.y[-1])
        inverses = rule.inverses_of(self.inverses_, self.activation) if self.inverses_ else []
        down = rule.deltas(passed, answer - t, self.layers_.weights[-1], self.target_step, self.first_target, inverses)
        return *changes(passed.y[:-1], down), loss_of(self._kind, answer, t), passed.y

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        self._reconstruction = []
        loss = super()._epoch(x, t, order, rng)
        if self._reconstruction:
            self.inverse_losses_.append(float(np.mean(self._reconstruction)))
        return loss

    def _lesson(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> float:
        weights, biases, loss, y = self._directions(x, t)
        for _ in range(self.inverse_steps if self.inverses_ else 0):
            self._reconstruction.append(self._teach_inverses(y, rng))
            # where the loss is none either, the layers came first
            if np.isfinite(loss) and not np.isfinite(self._reconstruction[-1]):
                raise Diverged(f"what the inverses reconstruct ceased to be finite. Use a lower inverse_rate than "
                               f"{self.inverse_rate}, or scale X to about 1.")
        self.layers_.step(weights, biases, self.n_iter_)
        return loss

    def _learnt(self) -> list[np.ndarray]:
        return [*self.layers_.learnt(), *(self.inverses_.learnt() if self.inverses_ else ())]

    def _answer(self, x: np.ndarray) -> np.ndarray:
        return answers(self._kind, forward(self.layers_, self.activation, x).y[-1].astype(np.float64))

    def _change(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._directions(x, t)[0]

    def _descend(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        passed = forward(self.layers_, self.activation, x)
        error = answers(self._kind, passed.y[-1]) - t
        return changes(passed.y[:-1], chain(error, passed.slopes, transposed(self.layers_.weights)))[0]

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        passed = forward(self.layers_, self.activation, self._cast(x))
        return input_gradient(self.layers_, passed, answers(self._kind, passed.y[-1]) - self._cast(t))


class TargetPropagationClassifier(TargetPropagation, LearnerClassifier):
    """Difference target propagation, for classes: parameters and attributes as in `TargetPropagation`, and `classes_`."""


class TargetPropagationRegressor(TargetPropagation, LearnerRegressor):
    """Difference target propagation, for numbers: parameters and attributes as in `TargetPropagation`."""
