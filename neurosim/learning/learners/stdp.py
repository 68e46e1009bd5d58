"""Unsupervised learning by STDP, winner-take-all and adaptive thresholds; labels are only assigned afterwards.

    learning    samples are shown one by one; whoever fires first moves its weights to them   (see `winners`)
    labels      then nothing moves; all samples of the epoch are shown again, and
                P(class | neuron k) ~ mean spikes of k for samples of the class
    answer      P(class) ~ sum over neurons of spikes times P(class | neuron)

So the network is taught by no error at all: answers to y come in at the last step only, by counting.

Each sample is scaled to the same root mean square over its channels, so that a bright one is no stronger than a dark one.

Source: Diehl & Cook 2015, doi:10.3389/fncom.2015.00099, with current-based neurons and a rule that needs no normalisation of
the weights.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import NumericalWarning, ParameterError, SimulationError, nearest
from neurosim.estimators import validated
from neurosim.learning.learners.base import Diverged, LearnerClassifier
from neurosim.learning.learners.channels import CHANNELS, Brightness, channels, equalised
from neurosim.learning.learners.traits import Traits
from neurosim.learning.learners.winners import Competition, Times

#: root mean square of the channels of a sample; 1 is the highest rate
LEVEL = 0.3
#: channels at least; fewer are repeated with other phases, since a few regular trains tell little
FEWEST = 64
#: charge that a sample gives to a neuron whose weights it equals, in thresholds
DRIVE = 12.5
#: weights at the beginning reach up to this many times the mean brightness of a channel; thresholds (theta) begin here
SPREAD, START = 2.0, 1.0


def level(u: np.ndarray, kind: str) -> np.ndarray:
    """Return channels of brightness u (m, d), repeated if they are few, each sample at the same root mean square."""
    z = channels(u, kind)
    return equalised(np.tile(z, (1, -(-FEWEST//z.shape[1]))), LEVEL)


class STDPClassifier(LearnerClassifier):
    """Neurons that compete, learn by STDP without labels, and get labels afterwards.

    Parameters beside those of every learner (batch_size is not used: a change for every spike):

    n_neurons: that compete.
    channels: "on-off" or "on", a channel for each feature and one for what is not there, or only the first.
    eta: share of the way to a sample that the weights of its winner make; slowing: factor of eta from epoch to epoch.
    balance: feed-forward inhibition, as a share of the mean brightness of the channels.
    adaptation: how far thresholds rise in the long run, in thresholds, if there is one spike for a sample and all neurons win
        equally often; memory: samples in which what a spike added falls to 1/e.
    shown: ms for which a sample is shown. rate: of the brightest channel, Hz.

    Attributes (after fit): weights_ (channels, n_neurons), thresholds_ (n_neurons,), labels_ (n_neurons, n_classes): the
    probability of each class if a neuron fires.
    """

    traits: ClassVar[Traits] = Traits(
        rule="dW = eta (trace_pre - W) at a spike of post", local=True, needs="none", phases=1, error_signal="none: no labels",
        spiking=True, source_doi="10.3389/fncom.2015.00099",
        notes="Neurons compete for samples without labels; labels are counted afterwards.")

    def __init__(self, n_neurons: int = 200, *, channels: str = "on-off", eta: float = 0.1, slowing: float = 0.8,
                 balance: float = 0.6, adaptation: float = 0.5, memory: float = 500.0, shown: float = 60.0,
                 rate: float = 200.0, max_iter: int = 10, batch_size: int = 1, early_stopping: bool = False,
                 validation_fraction: float = 0.1, n_iter_no_change: int = 10, random_state: Any = None):
        self.n_neurons = n_neurons
        self.channels = channels
        self.eta = eta
        self.slowing = slowing
        self.balance = balance
        self.adaptation = adaptation
        self.memory = memory
        self.shown = shown
        self.rate = rate
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
        self._checked()
        self._brightness = Brightness.of(x)
        z = self._seen(x)
        n, d, mean = self._whole("n_neurons", 2), z.shape[1], float(z.mean())
        balance = self._number("balance", 0.0, 1.0)*mean
        # the mean square exceeds the square of the mean, and balance is less than 1
        gain = DRIVE/(d*(LEVEL**2 - balance*mean))
        self._competition = Competition(SPREAD*mean*rng.uniform(size=(d, n)), np.full(n, START), rng.uniform(size=d), gain,
                                        balance, Times(shown=max(1.0, self.shown), rate=self.rate))
        self.labels_ = np.zeros((n, t.shape[1]))

    def _checked(self) -> dict[str, float]:
        """Return what learning needs, checked."""
        self._number("shown", open_low=True)
        self._number("rate", open_low=True)
        memory = self._number("memory", open_low=True)
        return {"eta": self._number("eta", 0.0, 1.0, open_low=True)*self._number("slowing", open_low=True)**self.n_iter_,
                "theta_plus": self._number("adaptation")*self._whole("n_neurons", 2)/memory, "memory": memory}

    def _seen(self, x: np.ndarray) -> np.ndarray:
        """Return the channels that samples x excite."""
        return level(self._brightness(x), self.channels)

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        z = self._seen(x)
        try:
            learnt, _, _ = self._competition.show(z[order], **self._checked())
            _, spikes, _ = learnt.show(z)
        except SimulationError as problem:
            raise Diverged(f"{problem} Use a lower eta.") from None
        self._competition.weights[...] = learnt.weights
        self._competition.thresholds[...] = learnt.thresholds
        means = spikes.T @ t/np.maximum(t.sum(axis=0), 1)
        self.labels_[...] = means/np.where((total := means.sum(axis=1, keepdims=True)) > 0, total, 1)
        silent = float((spikes.sum(axis=1) == 0).mean())
        if silent > 0.5:
            warnings.warn(f"{type(self).__name__}: no neuron fires for {silent:.0%} of the samples (epoch {self.n_iter_ + 1}). "
                          "Use a lower adaptation or balance, or a longer shown.", NumericalWarning, stacklevel=2)
        return float((self._answers(spikes).argmax(axis=1) != t.argmax(axis=1)).mean())

    def _answers(self, spikes: np.ndarray) -> np.ndarray:
        votes = spikes @ self.labels_
        total = votes.sum(axis=1, keepdims=True)
        # where nobody fires nothing is known
        return np.where(total > 0, votes/np.where(total > 0, total, 1), 1/votes.shape[1])

    def _output(self, x: np.ndarray) -> np.ndarray:
        return self._answers(self._competition.show(self._seen(x))[1])

    def _learnt(self) -> list[np.ndarray]:
        return [self._competition.weights, self._competition.thresholds, self.labels_]

    @property
    def weights_(self) -> np.ndarray:
        """Weights, shape (channels, n_neurons)."""
        return self._competition.weights

    @property
    def thresholds_(self) -> np.ndarray:
        """What spikes have added to the thresholds, shape (n_neurons,)."""
        return self._competition.thresholds

    def spikes_per_inference(self, X: Any) -> dict[str, float]:
        """Return what answers to samples X cost in spikes, means over samples.

        spikes: of channels and neurons; synaptic_events: each spike of a channel reaches all neurons, each spike of a neuron
        all others.
        """
        _, neurons, inputs = self._competition.show(self._seen(validated(self, X, False, dtype=np.float64)))
        own, n = neurons.sum(axis=1).mean(), self._competition.weights.shape[1]
        return {"spikes": float(inputs.mean() + own), "synaptic_events": float(inputs.mean()*n + own*(n - 1))}
