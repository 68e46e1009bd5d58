"""Tempotrons: neurons that learn from the one moment at which their potential is highest.

    channel j spikes once, at t_j = window (1 - z_j), the earlier the brighter; not at all if z_j = 0
    V_c(t) = sum_j w_jc K(t - t_j),   K(s) = (exp(-s/tau) - exp(-s/tau_s))/K_max for s > 0,   t*_c = argmax_t V_c
    dw_jc = +-eta/d K(t*_c - t_j)     if V_c(t*_c) is not beyond threshold +- margin; d: channels

One tempotron for each class, which shall fire for samples of its class alone.  K(t* - t_j) is the derivative of V(t*) by w_j:
t* moves too, but V is flat there.  The answer is the class whose potential comes highest; probabilities are
softmax(V(t*)/margin).

Potentials are sums of K in closed form at every `step` ms, for many samples at once: what a leaky neuron with an exponential
synapse on the engine does in front of the same spikes (as long as it does not fire), in products of matrices.

Source: Guetig & Sompolinsky 2006, doi:10.1038/nn1643; momentum as there.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neurosim.errors import ParameterError, nearest
from neurosim.estimators import validated
from neurosim.learning.learners.base import LearnerClassifier
from neurosim.learning.learners.channels import CHANNELS, Brightness, channels
from neurosim.learning.learners.traits import Traits
from neurosim.learning.rules.tempotron import kernel

#: threshold of all neurons
THRESHOLD = 1.0
#: numbers of potentials of the channels that are held at a time
HELD = 8_000_000
#: times after the last spike, in tau: the potential only falls there
AFTER = 1.0


class TempotronClassifier(LearnerClassifier):
    """One tempotron for each class, in front of latencies.

    Parameters beside those of every learner:

    learning_rate: eta, of the mean over a batch; momentum: of the changes.
    margin: distance to the threshold at which a neuron may rest.
    channels: "on-off" or "on", a channel for each feature and one for what is not there, or only the first.
    window: ms over which latencies are spread. tau, tau_s: of membrane and synapse, ms, tau > tau_s. step: ms.

    Attributes (after fit): weights_ (channels, n_classes).
    """

    traits: ClassVar[Traits] = Traits(
        rule="dW = +-eta K(t_max - t_pre) on errors", local=True, needs="none", phases=1,
        error_signal="whether the neuron should have fired", spiking=True, source_doi="10.1038/nn1643",
        notes="Each class has one neuron, which must know when its own potential was highest.")

    def __init__(self, *, learning_rate: float = 0.8, momentum: float = 0.9, margin: float = 0.2, channels: str = "on-off",
                 window: float = 50.0, tau: float = 15.0, tau_s: float = 3.75, step: float = 2.0, max_iter: int = 40,
                 batch_size: int = 32, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.margin = margin
        self.channels = channels
        self.window = window
        self.tau = tau
        self.tau_s = tau_s
        self.step = step
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        self._checked()
        self._brightness = Brightness.of(x)
        d = len(CHANNELS[:1 + (self.channels == "on-off")])*x.shape[1]
        # potentials begin well below threshold
        self.weights_ = rng.normal(0.0, 0.3*THRESHOLD/np.sqrt(d), (d, t.shape[1]))
        self._velocity = np.zeros_like(self.weights_)

    def _checked(self) -> None:
        name = type(self).__name__
        if self.channels not in CHANNELS:
            raise ParameterError(f"{name}: channels must be one of {', '.join(map(repr, CHANNELS))}, not {self.channels!r}."
                                 f"{nearest(str(self.channels), CHANNELS)}")
        for one in ("learning_rate", "margin", "window", "tau_s", "step"):
            self._number(one, open_low=True)
        self._number("momentum", 0.0, 1.0)
        if self._number("tau", open_low=True) <= self.tau_s:
            raise ParameterError(f"{name}: tau={self.tau:g} ms must be longer than tau_s={self.tau_s:g} ms.")
        if self.step > self.window:
            raise ParameterError(f"{name}: step={self.step:g} ms is longer than window={self.window:g} ms.")

    def latencies(self, X: Any) -> np.ndarray:
        """Return when channels spike for samples X, ms, shape (n_samples, channels); inf: never."""
        return self._times(validated(self, X, False, dtype=np.float64))

    def _times(self, x: np.ndarray) -> np.ndarray:
        z = channels(self._brightness(x), self.channels)
        return np.where(z > 0, self.window*(1 - z), np.inf)

    def _grid(self) -> np.ndarray:
        return np.arange(self.step, self.window + AFTER*self.tau + self.step/2, self.step)

    def _kernels(self, times: np.ndarray) -> np.ndarray:
        """Return K(t - t_j) for all samples, times of the grid and channels, shape (m, n_times, channels)."""
        # a spike that never comes is one long after the end
        late = self._grid()[:, None] - np.minimum(times, 1e6)[:, None, :]
        return kernel(late, self.tau, self.tau_s)

    def _peaks(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the highest potentials (m, n_classes), and K(t* - t_j) of each: (m, n_classes, channels)."""
        k = self._kernels(times)
        v = k @ self.weights_
        best = v.argmax(axis=1)
        rows = np.arange(len(times))[:, None]
        return v[rows, best, np.arange(v.shape[2])], k[rows, best]

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        times, total, size = self._times(x), 0.0, min(self._whole("batch_size", 1), self._at_once())
        for low in range(0, len(order), size):
            part = order[low:low + size]
            v, k = self._peaks(times[part])
            sign = 2*t[part] - 1
            short = self.margin - sign*(v - THRESHOLD)
            total += np.maximum(short, 0).sum()
            self._velocity *= self.momentum
            pace = self.learning_rate/(len(part)*len(self.weights_))
            self._velocity += pace*np.einsum("mc,mcd->dc", np.where(short > 0, sign, 0.0), k)
            self.weights_ += self._velocity
        return total/t.size

    def _at_once(self) -> int:
        return max(1, HELD//(len(self._grid())*len(self.weights_)))

    def _output(self, x: np.ndarray) -> np.ndarray:
        times, size = self._times(x), self._at_once()
        v = np.concatenate([self._peaks(times[k:k + size])[0] for k in range(0, len(x), size)])
        odds = np.exp((v - v.max(axis=1, keepdims=True))/self.margin)
        return odds/odds.sum(axis=1, keepdims=True)

    def _learnt(self) -> list[np.ndarray]:
        return [self.weights_, self._velocity]

    def spikes_per_inference(self, X: Any) -> dict[str, float]:
        """Return what answers to samples X cost in spikes, means over samples.

        spikes: of the channels, one each at most, and of the neurons that pass their threshold; synaptic_events: each spike
        of a channel reaches the neurons of all classes.
        """
        times, size = self.latencies(X), self._at_once()
        v = np.concatenate([self._peaks(times[k:k + size])[0] for k in range(0, len(times), size)])
        channel = np.isfinite(times).sum(axis=1).mean()
        return {"spikes": float(channel + (v > THRESHOLD).sum(axis=1).mean()),
                "synaptic_events": float(channel*self.weights_.shape[1])}
