"""Liquid state machine: a fixed recurrent spiking network, and a linear readout of its state at several times.

    i = bias + u V         currents of sample u, V random and sparse
    f = (s(t_1), ..., s(t_K)),   y = f W + b

Only W and b learn, on f of all samples of the epoch, by one of three readouts of scikit-learn: ridge regression on one-hot
targets, logistic regression, or the largest margin (a linear support vector machine for each class).  The liquid itself is
drawn from `random_state`; see `reservoir`.

Every epoch and every `partial_fit` learns the readout anew, from its own samples.

Source: Maass, Natschlaeger & Markram 2002, doi:10.1162/089976602760407955.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neurosim.errors import ParameterError, SimulationError, nearest
from neurosim.estimators import validated
from neurosim.learning.learners.base import Diverged, LearnerClassifier
from neurosim.learning.learners.channels import Brightness
from neurosim.learning.learners.decoding import simplex
from neurosim.learning.learners.reservoir import DT, Liquid
from neurosim.learning.learners.traits import Traits

#: what the parameters readout and synapses may be
READOUTS = ("ridge", "logistic", "margin")
SYNAPSES = ("static", "dynamic")
#: features that a neuron receives, at most
FAN_IN = 16
#: range of the constant currents, in thresholds
BIAS = (0.6, 1.4)
#: ms: spikes on their way arrive, and then darkness ends what they did
SHORTEST = 5*DT
#: logit of a class of which the samples of the last epoch had none
NEVER = -30.0


class LiquidStateClassifier(LearnerClassifier):
    """A linear readout of a fixed recurrent spiking network.

    Parameters beside those of every learner (max_iter more than 1 changes nothing, batch_size is not used):

    n_neurons: of the liquid. strength: mean excitatory weight, in thresholds; inhibitory ones are four times as strong.
    drive: standard deviation of the currents of a bright sample, in thresholds.
    synapses: "static", or "dynamic": depressed by use.
    slot, slots: a sample is shown for `slots` times `slot` ms, and the state read at the end of each.
    tau_s: filter of the spikes, ms.
    readout: "ridge", "logistic" or "margin"; alpha: its regularisation (for logistic and margin C = 1/alpha).
    """

    traits: ClassVar[Traits] = Traits(
        rule="W by ridge, logistic or max-margin regression", local=False, needs="none", phases=1,
        error_signal="error of the readout only", spiking=True, source_doi="10.1162/089976602760407955",
        notes="The recurrent network is random and learns nothing; only a linear readout of its state does.")

    def __init__(self, n_neurons: int = 300, *, strength: float = 0.1, drive: float = 2.0, synapses: str = "dynamic",
                 slot: float = 20.0, slots: int = 3, tau_s: float = 20.0, readout: str = "ridge", alpha: float = 100.0,
                 max_iter: int = 1, batch_size: int = 200, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        self.n_neurons = n_neurons
        self.strength = strength
        self.drive = drive
        self.synapses = synapses
        self.slot = slot
        self.slots = slots
        self.tau_s = tau_s
        self.readout = readout
        self.alpha = alpha
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        name = type(self).__name__
        for parameter, known in (("readout", READOUTS), ("synapses", SYNAPSES)):
            if (value := getattr(self, parameter)) not in known:
                raise ParameterError(f"{name}: {parameter} must be one of {', '.join(map(repr, known))}, not {value!r}."
                                     f"{nearest(str(value), known)}")
        self._number("alpha", open_low=True)
        n, slots, slot = self._whole("n_neurons", 2), self._whole("slots", 1), round(self._number("slot")/DT)*DT
        if slot < SHORTEST:
            raise ParameterError(f"{name}: slot={self.slot:g} ms is too short: spikes are on their way for {DT:g} ms, and "
                                 f"a dark slot must end them. Use {SHORTEST:g} ms or more.")
        self._liquid = Liquid.of(n, rng, self._number("strength"), self.synapses == "dynamic",
                                 self._number("tau_s", open_low=True), slot, slots)
        self._brightness = Brightness.of(x)
        d = x.shape[1]
        fan = min(d, FAN_IN)
        self._into = np.zeros((d, n))
        for k in range(n):
            self._into[rng.choice(d, fan, replace=False), k] = rng.normal(0, self._number("drive")/np.sqrt(fan), fan)
        # the mean sample leaves the currents as they are drawn
        self._bias = rng.uniform(*BIAS, n) - self._brightness(x).mean(axis=0) @ self._into
        self.weights_, self.intercept_ = np.zeros((n*slots, t.shape[1])), np.zeros(t.shape[1])

    def states(self, X: Any) -> np.ndarray:
        """Return the filtered spikes of the liquid, shape (n_samples, slots, n_neurons)."""
        return self._states(validated(self, X, False, dtype=np.float64))[0]

    def _states(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._liquid.states(self._brightness(x) @ self._into + self._bias)

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        try:
            f = self._states(x)[0].reshape(len(x), -1)
        except SimulationError as problem:
            raise Diverged(f"{problem} Use a lower strength or drive.") from None
        present = np.flatnonzero(t.any(axis=0))
        if len(present) < 2 and self.readout != "ridge":
            raise ParameterError(f"{type(self).__name__}: readout={self.readout!r} needs samples of two classes in each epoch.")
        self.weights_[...], self.intercept_[...] = 0.0, NEVER
        self._learn(f, t, present)
        return float((self._answers(f).argmax(axis=1) != t.argmax(axis=1)).mean())

    def _learn(self, f: np.ndarray, t: np.ndarray, present: np.ndarray) -> None:
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.svm import LinearSVC

        if self.readout == "ridge":
            found = Ridge(alpha=self.alpha).fit(f, t)
            self.weights_[...], self.intercept_[...] = found.coef_.T, found.intercept_
            return
        model = (LogisticRegression(C=1/self.alpha, max_iter=1000) if self.readout == "logistic"
                 else LinearSVC(C=1/self.alpha, random_state=0, dual=True, max_iter=10_000))
        found = model.fit(f, t.argmax(axis=1))
        # of two classes there is one plane, and the logit of the first is 0
        coef, intercept = found.coef_, found.intercept_
        if len(present) == 2:
            coef, intercept = np.vstack([np.zeros_like(coef), coef]), np.append(0.0, intercept)
        self.weights_[:, present], self.intercept_[present] = coef.T, intercept

    def _answers(self, f: np.ndarray) -> np.ndarray:
        y = f @ self.weights_ + self.intercept_
        if self.readout == "ridge":
            return simplex(y)
        odds = np.exp(y - y.max(axis=1, keepdims=True))
        return odds/odds.sum(axis=1, keepdims=True)

    def _output(self, x: np.ndarray) -> np.ndarray:
        return self._answers(self._states(x)[0].reshape(len(x), -1))

    def _learnt(self) -> list[np.ndarray]:
        return [self.weights_, self.intercept_]

    def spikes_per_inference(self, X: Any) -> dict[str, float]:
        """Return what answers to samples X cost in spikes, means over samples.

        spikes: of the liquid (samples come as currents); synaptic_events: each reaches its targets in the liquid and the answer
        of each class.
        """
        _, counts = self._states(validated(self, X, False, dtype=np.float64))
        out = np.bincount(self._liquid.sources, minlength=self._liquid.size) + len(self.intercept_)
        return {"spikes": float(counts.sum(axis=1).mean()), "synaptic_events": float((counts @ out).mean())}
