"""Predictive coding by spikes as estimators; neurons, values and errors stand in `neurosim.predictive.pairs`.

    code        features scaled to 0 ... 1 by their ranges in the first samples  ->  constant currents
    learning    data and answer clamped, for `steps` steps:   dM^i = ybar^(i+1)^T ebar^i,   dbeta^i = ebar^i
    answer      the data alone clamped, errors silent:   zbar^0;   probabilities of classes are the nearest ones to it

ybar and ebar are means over the second half of what spikes left behind in synapses.  Units are rectified, since a neuron that
is silenced tells nothing; the loss is F = 1/2 sum_i |ebar^i|^2 with the answer clamped, for classes as well.

Sources: Whittington & Bogacz 2017, doi:10.1162/NECO_a_00949; Boerlin, Machens & Denève 2013,
doi:10.1371/journal.pcbi.1003258.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff import Var
from neurosim.blas import one_thread
from neurosim.errors import ParameterError, nearest
from neurosim.estimators import validated
from neurosim.learning.descent import Descent
from neurosim.learning.learners.base import Diverged, Learner, LearnerClassifier, LearnerRegressor
from neurosim.learning.learners.decoding import simplex
from neurosim.learning.learners.traits import Traits
from neurosim.predictive import comparison
from neurosim.predictive.network import FEEDBACKS, PredictiveNetwork
from neurosim.predictive.pairs import Pairs, Presented, events, show

#: steps of a presentation with one hidden layer, where nothing else is said, and further ones for each further layer, which
#: values and errors come to only after the layer before it
STEPS, FURTHER = 60, 40
#: greatest number that is told, where nothing else is said: of one-hot answers, and of standardised ones
CLASSES, NUMBERS = 2.0, 4.0
#: samples that are shown at a time where nothing is learnt
AT_ONCE = 1024


class SpikingPredictiveCoding(Learner):
    """A network of value and error nodes, each a pair of LIF neurons, that learns from what they told by spikes.

    Args:
        hidden_layer_sizes: value nodes of the hidden layers, from the data to the answer: (256,), (100, 50), one number, or ().
        steps: of the presentation of a sample, at least 2; a neuron spikes once in a step at most.  None: 60, and 40 more for
            each hidden layer but one.
        tau: time constant of synapses and membranes, in steps.
        pace: share by which values follow what arrives, in a step; above 0 and below 1.
        ceiling: the greatest number that a node can tell; a spike tells about ceiling/tau, so that with a higher one there are
            fewer spikes, and numbers are coarser.  None: 2 where classes are learnt, 4 for numbers, which are standardised.
        feedback: "transposed", or "learned": weights of their own for the way back, changed by the same products.
        optimiser: by name ("adam", "momentum", "sgd" ...), or a description such as Momentum(0.05), whose rate then counts.
        learning_rate: of an optimiser given by name.
        l2: strength of the penalty l2/2 sum w^2.
        clip: greatest norm of the change of a batch; None: any.
        dtype: "float32" or "float64".
        max_iter, batch_size, early_stopping, validation_fraction, n_iter_no_change, random_state: see `Learner`.

    Attributes (after fit): network_, a `PredictiveNetwork`; coefs_, intercepts_, and those of `Learner`; loss_curve_ is F.
    """

    traits = Traits(
        rule="dM = ybar_above^T ebar, means of filtered spikes", local=True, needs="transposed weights", phases=1,
        error_signal="spikes of error neurons beside the value neurons of each layer", spiking=True,
        source_doi="10.1162/NECO_a_00949",
        notes="Values and errors are told by pairs of LIF neurons, \"on\" and \"off\". Errors reach a layer through the "
              "transposed weights, or through feedback learnt by the same rule (feedback='learned').")

    def __init__(self, hidden_layer_sizes: Any = (256,), *, steps: int | None = None, tau: float = 10.0, pace: float = 0.1,
                 ceiling: float | None = None, feedback: str = "transposed", optimiser: Any = "adam",
                 learning_rate: Any = 0.002, l2: float = 0.0, clip: float | None = None, dtype: str = "float32",
                 max_iter: int = 30, batch_size: int = 32, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.steps = steps
        self.tau = tau
        self.pace = pace
        self.ceiling = ceiling
        self.feedback = feedback
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.l2 = l2
        self.clip = clip
        self.dtype = dtype
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights from the layer of the data to that of the answer, each (n_in, n_out) in that direction."""
        return self.network_.M[::-1]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of the predicted layers, from the data to the answer."""
        return self.network_.beta[::-1]

    def spikes_per_inference(self, X: Any) -> dict[str, float]:
        """Return what answering a sample costs, as means over samples X.

        Returns:
            spikes: of the value neurons, since errors are silent; synaptic_events: each spike times the synapses that it meets,
            that to its own error included; multiplications: of the currents of the data with their weights, once for a sample.
        """
        x = self._scaled_data(validated(self, X, False, dtype=np.float64))
        spikes = np.concatenate([self._shown(x[k:k + AT_ONCE], None).spikes for k in range(0, len(x), AT_ONCE)])
        return {"spikes": float(spikes.mean(axis=0, dtype=np.float64).sum()), "synaptic_events": events(self.network_, spikes),
                "multiplications": float(self.network_.M[-1].size)}

    def _pairs(self) -> Pairs:
        further = FURTHER*max(len(self._sizes()) - 1, 0)
        steps = STEPS + further if self.steps is None else self._whole("steps", 2)
        usual = CLASSES if isinstance(self, LearnerClassifier) else NUMBERS
        ceiling = usual if self.ceiling is None else self._number("ceiling", open_low=True)
        return Pairs(self._number("tau", open_low=True), steps, self._number("pace", 0.0, 1.0, open_low=True), ceiling)

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        if self.feedback not in FEEDBACKS:
            raise ParameterError(f"{type(self).__name__}: there is no feedback {self.feedback!r}."
                                 f"{nearest(str(self.feedback), FEEDBACKS)} Use 'transposed' or 'learned'.")
        self._pairs()
        optimiser, l2 = self._optimiser(), self._number("l2")
        clip = None if self.clip is None else self._number("clip", open_low=True)
        self._low, high = x.min(axis=0), x.max(axis=0)
        with np.errstate(over="ignore"):
            spread = high - self._low
        # a feature that is the same for all samples says nothing
        self._range = np.where((spread > 0) & np.isfinite(spread), spread, np.inf)
        self.network_ = PredictiveNetwork((x.shape[1], *self._sizes(), t.shape[1]), "relu", feedback=self.feedback,
                                          seed=int(rng.integers(2**63)), dtype=self._dtype())
        self._arrays = [Var(a) for a in self.network_.parameters]
        self._descent = Descent(self._arrays, optimiser, l2=l2, clip=clip)
        # an array, so that it is put back with the weights
        self._steps = np.zeros(1, np.int64)

    def _scaled_data(self, x: np.ndarray) -> np.ndarray:
        return np.clip((x - self._low)/self._range, 0, 1)

    def _shown(self, x: np.ndarray, t: np.ndarray | None) -> Presented:
        # those that the optimiser changes; in a copy of an estimator the network has its own at first
        self.network_.share([v.value for v in self._arrays])
        return show(self.network_, x, t, self._pairs())

    def _changes(self, found: Presented) -> list[np.ndarray]:
        """Return what is learnt, in the order of the network's parameters, means over samples."""
        n = len(found.spikes)
        m = [y.T @ (e/n) for y, e in zip(found.y[1:], found.e)]
        # the rule of feedback has the same factors
        back = [a.T for a in m] if self.feedback == "learned" else []
        return [a for pair in zip(m, (e.mean(axis=0) for e in found.e)) for a in pair] + back

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        x, total = self._scaled_data(x), 0.0
        self._descent.steps = int(self._steps[0])
        with one_thread(self.network_.largest*int(self.batch_size)):
            for rows in self._parts(order):
                found = self._shown(x[rows], t[rows])
                total += found.energy*len(rows)
                for v, change in zip(self._arrays, self._changes(found)):
                    v.grad = -change
                self._descent.step(self.n_iter_)
                if not np.isfinite(total) or not np.isfinite(self._descent.x).all():
                    raise Diverged(self._place())
        self._steps[0] = self._descent.steps
        return total/len(order)

    def _place(self) -> str:
        """Return where numbers are not finite, and a remedy."""
        for k, w in enumerate(self.coefs_):
            if not np.isfinite(w).all():
                return (f"the weights of layer {k} ({w.shape[0]} to {w.shape[1]} units from the data on) ceased to be finite. "
                        f"Use a learning rate below {self._descent.optimiser.rate}, or clip=1.")
        return f"F ceased to be finite. Use a learning rate below {self._descent.optimiser.rate}, clip=1 or a smaller pace."

    def _learnt(self) -> list[np.ndarray]:
        return [self._descent.x, *self._descent.state.values(), self._steps]

    def _told(self, x: np.ndarray) -> np.ndarray:
        """Return what the nodes of the answer told, (n, n_out)."""
        x = self._scaled_data(x)
        found = [self._shown(x[k:k + AT_ONCE], None).z[0] for k in range(0, len(x), AT_ONCE)]
        return np.concatenate(found).astype(np.float64)

    def _updates(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._changes(self._shown(self._scaled_data(x), t))[0:2*self.network_.top:2][::-1]

    def _gradients(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return comparison.backprop(self.network_, self._scaled_data(x), t).M[::-1]


class SpikingPredictiveCodingClassifier(SpikingPredictiveCoding, LearnerClassifier):
    """Predictive coding by spikes, for classes: parameters and attributes as in `SpikingPredictiveCoding`, and `classes_`."""

    def _output(self, x: np.ndarray) -> np.ndarray:
        return simplex(self._told(x))


class SpikingPredictiveCodingRegressor(SpikingPredictiveCoding, LearnerRegressor):
    """Predictive coding by spikes, for numbers: parameters and attributes as in `SpikingPredictiveCoding`."""

    def _output(self, x: np.ndarray) -> np.ndarray:
        return self._told(x)
