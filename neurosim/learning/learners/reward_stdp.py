"""Reward-modulated STDP: neurons of each class race for a sample, and the first learns whether its answer was right.

    answer      the class of the neuron that fires first, which silences all others
    reward      R = 1 if it was right, -punishment if not: one number for all
    learning    w <- w + eta R (x - w) for the connections of that neuron alone,  x: traces at its spike   (see `first_spike`)

With reward a neuron comes to look for what made it fire, and without for what did not: learning vector quantisation, with
spikes.  Nobody is told what would have been right.  One number can teach many neurons because only one of them was heard: as
long as several answer at once it cannot tell which of them it is for.

A few mistakes in a row must not undo what was learnt, so that punishment is much smaller than reward.  While thresholds, which
rise with each spike, make all neurons win about equally often, random thresholds of each sample let others than the best try.

Sources: Mozafari et al. 2018, doi:10.1109/TNNLS.2018.2826721; Fremaux & Gerstner 2016, doi:10.3389/fncir.2015.00085.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import NumericalWarning, ParameterError, nearest
from neurosim.estimators import validated
from neurosim.learning.learners.base import LearnerClassifier
from neurosim.learning.learners.channels import CHANNELS, Brightness, channels, equalised
from neurosim.learning.learners.traits import Traits
from neurosim.learning.rules.first_spike import Race, latencies

#: root mean square of the channels of a sample; 1 is the brightest there is
LEVEL = 0.4
#: thresholds at the beginning, as shares of the potential at the end of a sample that the weights equal
START = 0.3


class RewardSTDPClassifier(LearnerClassifier):
    """Neurons that race to the first spike, some for each class, and learn from reward alone.

    Parameters beside those of every learner (batch_size is not used: a change for every sample):

    per_class: neurons of each class.
    eta: share of the way to a sample that the weights of a rewarded neuron make; slowing: its factor from epoch to epoch.
    punishment: size of the reward after a wrong answer; 1 is that after a right one.
    exploration: standard deviation of thresholds from sample to sample while learning, relative; it slows down likewise.
    adaptation: thresholds in the long run if all neurons win equally often, as shares of the potential at the end of a sample
        that the weights equal; memory: samples for each neuron in which what a spike added falls to 1/e.
    channels: "on-off" or "on", a channel for each feature and one for what is not there, or only the first.

    Attributes (after fit): weights_ (channels, n_classes*per_class), neuron k being of class k % n_classes; thresholds_.
    """

    traits: ClassVar[Traits] = Traits(
        rule="dW = eta R (trace_pre - W) at the first spike of all", local=True, needs="none", phases=1,
        error_signal="one reward, broadcast to all", spiking=True, source_doi="10.1109/TNNLS.2018.2826721",
        notes="The network is told whether it was right, never what would have been right.")

    def __init__(self, per_class: int = 20, *, eta: float = 0.7, slowing: float = 0.93, punishment: float = 0.15,
                 exploration: float = 0.1, adaptation: float = 0.4, memory: float = 40.0, channels: str = "on-off",
                 max_iter: int = 30, batch_size: int = 1, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        self.per_class = per_class
        self.eta = eta
        self.slowing = slowing
        self.punishment = punishment
        self.exploration = exploration
        self.adaptation = adaptation
        self.memory = memory
        self.channels = channels
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        if self.channels not in CHANNELS:
            raise ParameterError(f"{type(self).__name__}: channels must be one of {', '.join(map(repr, CHANNELS))}, not "
                                 f"{self.channels!r}.{nearest(str(self.channels), CHANNELS)}")
        self._number("eta", 0.0, 1.0, open_low=True)
        for name in ("slowing", "adaptation", "memory"):
            self._number(name, open_low=True)
        for name in ("punishment", "exploration"):
            self._number(name)
        self._brightness = Brightness.of(x)
        z = self._seen(x)
        n, d = self._whole("per_class", 1)*t.shape[1], z.shape[1]
        # half a sample drawn at random, whatever its class, and half noise of the same mean
        weights = 0.5*z[rng.integers(len(z), size=n)].T + z.mean()*rng.uniform(size=(d, n))
        self._race = Race(np.ascontiguousarray(weights), np.full(n, START*d*LEVEL**2), np.arange(n) % t.shape[1])

    def _seen(self, x: np.ndarray) -> np.ndarray:
        """Return the brightness of the channels for samples x, 0 to 1."""
        return np.minimum(equalised(channels(self._brightness(x), self.channels), LEVEL), 1.0)

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        slower, right = self.slowing**self.n_iter_, t[order].argmax(axis=1)
        d, n = self.weights_.shape
        winners = self._race.learn(self._seen(x)[order], right, rng, eta=self.eta*slower, punishment=self.punishment,
                                   rise=self.adaptation*d*LEVEL**2/self.memory, memory=self.memory*n,
                                   exploration=self.exploration*slower)
        silent = float((winners < 0).mean())
        if silent > 0.5:
            warnings.warn(f"{type(self).__name__}: no neuron fires for {silent:.0%} of the samples (epoch {self.n_iter_ + 1}). "
                          "Use a lower adaptation, or channels='on-off' for dark samples.", NumericalWarning, stacklevel=2)
        return float(((winners < 0) | (self._race.classes[winners] != right)).mean())

    def _output(self, x: np.ndarray) -> np.ndarray:
        winners, _ = self._race.show(self._seen(x))
        answers = np.eye(len(self.classes_))[self._race.classes[winners]]
        # where nobody fires nothing is known
        answers[winners < 0] = 1/len(self.classes_)
        return answers

    def _learnt(self) -> list[np.ndarray]:
        return [self._race.weights, self._race.thresholds]

    @property
    def weights_(self) -> np.ndarray:
        """Weights, shape (channels, n_classes*per_class)."""
        return self._race.weights

    @property
    def thresholds_(self) -> np.ndarray:
        """Thresholds, shape (n_classes*per_class,)."""
        return self._race.thresholds

    def spikes_per_inference(self, X: Any) -> dict[str, float]:
        """Return what answers to samples X cost in spikes, means over samples.

        spikes: of channels up to the answer, and the one that is the answer; synaptic_events: each spike of a channel reaches
        all neurons, that of the neuron all others.
        """
        z = self._seen(validated(self, X, False, dtype=np.float64))
        winners, moments = self._race.show(z)
        inputs, answers = (latencies(z) < np.minimum(moments, 1.0)[:, None]).sum(axis=1).mean(), (winners >= 0).mean()
        n = len(self.thresholds_)
        return {"spikes": float(inputs + answers), "synaptic_events": float(inputs*n + answers*(n - 1))}
