"""Networks of predictive coding as estimators.

    prediction   mu^i = sigma(x^(i+1)) M^i + beta^i,   e^i = (x^i - mu^i)/nu^i
    inference    x^i <- x^i + step (sigma'(x^i) o (e^(i-1) W^(i-1)) - e^i)   with data and answer clamped
    learning     dM^i = sigma(x^(i+1))^T e^i,   dbeta^i = e^i               means over a batch, given to an optimiser

Every change needs only what is at the two ends of a connection.  Layer 0 is the predicted end:

    discriminative   x^0 = answer, x^L = data; answering is one pass down, p = softmax(mu^0) for classes
    generative       x^0 = data, x^L = answer; a class is as probable as e^-F, F at rest with the data and that class clamped;
                     numbers are what x^L comes to rest at with the data clamped

Sources: Rao & Ballard 1999, doi:10.1038/4580; Whittington & Bogacz 2017, doi:10.1162/NECO_a_00949; other schedules than "rest":
`neurosim.predictive.schedules`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff import Var
from neurosim.errors import ParameterError, listing, nearest
from neurosim.learning.descent import Descent
from neurosim.learning.learners.base import Diverged, Learner, LearnerClassifier, LearnerRegressor
from neurosim.learning.learners.traits import Traits
from neurosim.predictive.answers import energies, infer
from neurosim.predictive.comparison import backprop, input_gradient
from neurosim.predictive.network import DISCRIMINATIVE, GENERATIVE, PredictiveNetwork
from neurosim.predictive.schedules import REST, SCHEDULES, changes

#: inference with the schedule "rest", where nothing else is said: steps with one hidden layer by direction, which bring changes
#: of weights to about 1 % of those at rest; more for each further layer, though deep networks are not wholly at rest by then
ITERATIONS, FURTHER = {DISCRIMINATIVE: 8, GENERATIVE: 20}, 16
#: and length of the first step
STEP = 0.3
#: steps of inference for an answer of a generative network
ANSWERING = 100


class _PredictiveCoding(Learner):
    """What classes and numbers have in common."""

    traits = Traits(
        rule="dM = sigma(x_above)^T e", local=True, needs="transposed weights", phases=2,
        error_signal="error nodes beside the value nodes of each layer, brought to rest", spiking=False,
        source_doi="10.1162/NECO_a_00949",
        notes="Errors reach a layer through the transposed weights, or through feedback learnt by the same rule "
              "(feedback='learned').")

    def __init__(self, hidden_layer_sizes: Any = (256,), activation: Any = "relu", *, schedule: str = REST,
                 iterations: int | None = None, step: float | None = None, direction: str = DISCRIMINATIVE,
                 output: str | None = None, nu: Any = 1.0, feedback: str = "transposed", noise: float = 0.0,
                 optimiser: Any = "adam", learning_rate: Any = 0.003, l1: float = 0.0, l2: float = 0.0,
                 clip: float | None = None, dtype: str = "float64", max_iter: int = 60, batch_size: int = 32,
                 early_stopping: bool = False, validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 random_state: Any = None):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.schedule = schedule
        self.iterations = iterations
        self.step = step
        self.direction = direction
        self.output = output
        self.nu = nu
        self.feedback = feedback
        self.noise = noise
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.l1 = l1
        self.l2 = l2
        self.clip = clip
        self.dtype = dtype
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _end(self) -> str:
        """Return what the predicted end is made of, where nothing is said."""
        return "linear"

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        who = type(self).__name__
        if self.schedule not in SCHEDULES:
            raise ParameterError(f"{who}: there is no schedule {self.schedule!r}.{nearest(str(self.schedule), SCHEDULES)} "
                                 f"Known: {listing(SCHEDULES)}.")
        self._number("noise")
        iterations = None if self.iterations is None else self._whole("iterations", 1)
        step = None if self.step is None else self._number("step", open_low=True)
        optimiser, l1, l2 = self._optimiser(), self._number("l1"), self._number("l2")
        clip = None if self.clip is None else self._number("clip", open_low=True)
        self.network_ = PredictiveNetwork((x.shape[1], *self._sizes(), t.shape[1]), self.activation, direction=self.direction,
                                          output=self._end() if self.output is None else self.output, nu=self.nu,
                                          feedback=self.feedback, seed=int(rng.integers(2**63)), dtype=self._dtype())
        if self.schedule == REST:
            usual = ITERATIONS[self.direction] + FURTHER*max(self.network_.top - 2, 0)
            iterations, step = usual if iterations is None else iterations, STEP if step is None else step
        self._inference = {"schedule": self.schedule, "iterations": iterations, "step": step}
        self._arrays = [Var(a) for a in self.network_.parameters]
        self._descent = Descent(self._arrays, optimiser, l1, l2, clip)
        # an array, so that it is put back with the weights
        self._steps = np.zeros(1, np.int64)

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        # those that the optimiser changes; in a copy of an estimator the network has its own at first
        self.network_.share([v.value for v in self._arrays])
        self._descent.steps = int(self._steps[0])
        n, done, total = len(order), 0, 0.0
        for rows in self._parts(order):
            seen = x[rows]
            if self.noise:
                seen += self.noise*rng.standard_normal(seen.shape)
            found = changes(self.network_, seen, t[rows], **self._inference)
            done += len(rows)
            total += found.loss*len(rows)
            if not np.isfinite(total):
                raise Diverged(self._place())
            for v, change in zip(self._arrays, found.arrays):
                v.grad = np.negative(change, change)
            self._descent.step(self.n_iter_ + done/n)
        if not np.isfinite(self._descent.x).all():
            raise Diverged(self._place())
        self._steps[0] = self._descent.steps
        return total/n

    def _place(self) -> str:
        """Return where numbers are not finite, and a remedy."""
        coefs, where = self.coefs_, "F ceased to be finite, though the weights are"
        for k, w in enumerate(coefs):
            if not np.isfinite(w).all():
                where = f"the weights of layer {k} ({w.shape[0]} to {w.shape[1]} units from the data on) ceased to be finite"
                break
        rate = self._descent.optimiser.rate
        return f"{where}. Use a learning rate below {rate}, clip=1, a shorter step of inference, or scale X to about 1."

    def _learnt(self) -> list[np.ndarray]:
        return [self._descent.x, *self._descent.state.values(), self._steps]

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights from the layer of the data to that of the answer, each (n_in, n_out) in that direction."""
        return self._from_data(self.network_.M)

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases beta of the predicted layers, from the data to the answer."""
        return self.network_.beta[::-1] if self.network_.direction == DISCRIMINATIVE else list(self.network_.beta)

    def _from_data(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        return weights[::-1] if self.network_.direction == DISCRIMINATIVE else [m.T for m in weights]

    def _updates(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._from_data(changes(self.network_, x, t, **self._inference).M)

    def _gradients(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._from_data(backprop(self.network_, x, t).M)

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        if self.network_.direction != DISCRIMINATIVE:
            return super()._input_gradient(x, t)
        return input_gradient(self.network_, x, t)


class PredictiveCodingClassifier(_PredictiveCoding, LearnerClassifier):
    """Network of predictive coding for classes.

        mu^i = sigma(x^(i+1)) M^i + beta^i,   e^i = (x^i - mu^i)/nu^i,   dM^i = sigma(x^(i+1))^T e^i   after inference

    Args:
        hidden_layer_sizes: units of the hidden layers, from the data to the answer: (256,), (100, 50), one number, or ().
        activation: sigma of the hidden layers: "relu", "tanh", "logistic" and others of `predictive.ACTIVATIONS`, or one for
            each.
        schedule: "rest": weights learn when inference has come to rest; "fixed-prediction" and "z-il": the same as
            backpropagation, see `neurosim.predictive.schedules`.
        iterations: steps of inference for a batch; None: at rest 8 (generative: 20) and 16 more for each hidden layer but one,
            for the others as many as there are layers.
        step: length of the first step (at rest those that follow adapt); None: 0.3 at rest, 1 for the others.
        direction: "discriminative": data predict answers; "generative": answers predict data.
        output: what the predicted end is made of, "linear", "logistic" or "softmax"; None: "softmax" where classes are
            predicted, else "linear".
        nu: variance of the errors, a number or one for each layer from the predicted end on.
        feedback: "transposed", or "learned": weights of their own for the way back.
        noise: standard deviation of Gaussian noise on the data in each step of learning; 0.1 brings some 0.3 points on digits
            from 0 to 1.
        optimiser, learning_rate, l1, l2, clip, dtype: as for `BackpropClassifier`.
        max_iter, batch_size, early_stopping, validation_fraction, n_iter_no_change, random_state: see `Learner`.

    Attributes (after fit):
        classes_, n_features_in_, n_iter_, loss_curve_ (F before inference), validation_scores_, problem_: see `Learner`.
        network_: the network, `predictive.PredictiveNetwork`.
        coefs_, intercepts_: weights and biases from the data to the answer.

    Raises:
        ValueError: for samples and answers that do not fit; ParameterError, a ValueError too, for parameters.

    Sources: Rao & Ballard 1999, doi:10.1038/4580; Whittington & Bogacz 2017, doi:10.1162/NECO_a_00949.
    """

    def _end(self) -> str:
        return "softmax" if self.direction == DISCRIMINATIVE else "linear"

    def _output(self, x: np.ndarray) -> np.ndarray:
        net = self.network_
        if net.direction != DISCRIMINATIVE:
            # of e^-F for each class; the same number of steps for all samples, whichever they are shown with
            f = energies(net, x, iterations=ANSWERING, tolerance=0.0).astype(np.float64)
            p = np.exp(f.min(axis=1, keepdims=True) - f)
        else:
            p = infer(net, x).astype(np.float64)
            p = _nearest_distribution(p) if net.output == "linear" else p + np.finfo(float).tiny
        return p/p.sum(axis=1, keepdims=True)


def _nearest_distribution(mu: np.ndarray) -> np.ndarray:
    """Return for each row the p >= 0 of sum 1 with the least |p - mu|: max(mu - theta, 0).

    Means of one-hot targets are probabilities but for what the network has not learnt.

    Source: Held, Wolfe & Crowder 1974, doi:10.1007/BF01580223.
    """
    down = -np.sort(-mu, axis=1)
    thetas = (down.cumsum(axis=1) - 1)/np.arange(1, mu.shape[1] + 1)
    count = (down > thetas).sum(axis=1, keepdims=True)
    return np.maximum(mu - np.take_along_axis(thetas, count - 1, axis=1), 0.0)


class PredictiveCodingRegressor(_PredictiveCoding, LearnerRegressor):
    """Network of predictive coding for numbers, one or several for a sample.

    Args: as for `PredictiveCodingClassifier`; `output` is "linear" where numbers are predicted.

    Attributes (after fit): as for `PredictiveCodingClassifier`, but classes_.

    Raises:
        ValueError: for samples and answers that do not fit; ParameterError, a ValueError too, for parameters.
    """

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        if self.direction == DISCRIMINATIVE and self.output not in (None, "linear"):
            raise ParameterError(f"{type(self).__name__}: output={self.output!r} is for probabilities; numbers are predicted "
                                 "with 'linear'. Leave output out.")
        super()._begin(x, t, rng)

    def _output(self, x: np.ndarray) -> np.ndarray:
        return infer(self.network_, x, iterations=ANSWERING, tolerance=0.0).astype(np.float64, copy=False)
