"""Reward-modulated STDP: competing neurons, each of one class, that learn from the reward of their answers alone.

    sample      whoever fires first silences the others, but for those that fire within a step of it
    reward      R = mean over its spikes, 1 for a right one and -1 for any other: one number for all
    learning    w <- w + eta (R - expected) c,   c: sum of x - w at the spikes of the neuron   (see `rewarded`)

What was rewarded more than expected is moved to, what less is moved from. expected is the mean reward of the epoch before, at
most `trust`: with more, mistakes push more than successes hold, and what was learnt is lost again.  Weights begin near samples
drawn at random, whatever their class.  The answer is the class that gets most spikes.

One number cannot tell which of several neurons was right: as long as many fire for a sample, it learns slowly, and differently
from seed to seed. Competition must be sharp, which channels of different brightness and a high balance make it.

Sources: Izhikevich 2007, doi:10.1093/cercor/bhl152; Fremaux & Gerstner 2016, doi:10.3389/fncir.2015.00085.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neurosim.errors import ParameterError, SimulationError, nearest
from neurosim.estimators import validated
from neurosim.learning.learners.base import Diverged, LearnerClassifier
from neurosim.learning.learners.channels import CHANNELS, Brightness
from neurosim.learning.learners.rewarded import Rewarded
from neurosim.learning.learners.stdp import DRIVE, LEVEL, START, level
from neurosim.learning.learners.traits import Traits
from neurosim.learning.learners.winners import Times


class RewardSTDPClassifier(LearnerClassifier):
    """Competing neurons, some for each class, that learn from reward alone.

    Parameters beside those of every learner (batch_size is not used: a change for every sample):

    per_class: neurons of each class.
    eta: speed of learning; slowing: its factor from epoch to epoch.
    exploration: standard deviation of the random currents while learning, in thresholds; it slows down likewise.
    trust: the highest reward that is expected.
    channels: "on", a channel for each feature, as for images; or "on-off", one for what is not there too, with a lower balance
        (0.5), as for a few features.
    balance: feed-forward inhibition, as a share of the mean brightness of the channels.
    adaptation: how far thresholds rise in the long run, in thresholds, for one spike a sample; memory: samples in which what a
        spike added falls to 1/e.
    shown: ms for which a sample is shown. rate: of the brightest channel, Hz.

    Attributes (after fit): weights_ (channels, n_classes*per_class), neuron k being of class k % n_classes.
    """

    traits: ClassVar[Traits] = Traits(
        rule="dW = eta (R - expected) eligibility", local=True, needs="none", phases=1,
        error_signal="one reward, broadcast to all", spiking=True, source_doi="10.3389/fncir.2015.00085",
        notes="The network is told whether it was right, never what would have been right.")

    def __init__(self, per_class: int = 10, *, eta: float = 0.15, slowing: float = 0.95, exploration: float = 0.1,
                 trust: float = -0.3, channels: str = "on", balance: float = 0.95, adaptation: float = 0.5,
                 memory: float = 500.0, shown: float = 60.0, rate: float = 200.0, max_iter: int = 15, batch_size: int = 1,
                 early_stopping: bool = False, validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 random_state: Any = None):
        self.per_class = per_class
        self.eta = eta
        self.slowing = slowing
        self.exploration = exploration
        self.trust = trust
        self.channels = channels
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
        for name in ("eta", "slowing", "memory", "shown", "rate"):
            self._number(name, open_low=True)
        for name in ("exploration", "adaptation"):
            self._number(name)
        self._number("trust", -1.0, 1.0)
        self._brightness = Brightness.of(x)
        z = self._seen(x)
        n, d, mean = self._whole("per_class", 1)*t.shape[1], z.shape[1], float(z.mean())
        balance = self._number("balance", 0.0, 1.0)*mean
        weights = 0.5*z[rng.integers(len(z), size=n)].T + mean*rng.uniform(size=(d, n))
        self._network = Rewarded(weights, np.full(n, START), rng.uniform(size=d), DRIVE/(d*(LEVEL**2 - balance*mean)), balance,
                                 Times(shown=max(1.0, self.shown), rate=self.rate))
        # neurons by class, and the reward expected at first: that of a guess
        self._classes = np.eye(t.shape[1])[np.arange(n) % t.shape[1]]
        self._expected = np.array([2/t.shape[1] - 1])

    def _seen(self, x: np.ndarray) -> np.ndarray:
        return level(self._brightness(x), self.channels)

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        net, slower = self._network, self.slowing**self.n_iter_
        wanted = t[order] @ self._classes.T
        noise = self.exploration*slower*rng.standard_normal(wanted.shape)
        try:
            after, spikes = net.taught(self._seen(x)[order], wanted, noise, self.eta*slower, min(self.trust, self._expected[0]),
                                       self.adaptation*len(net.thresholds)/self.memory, self.memory)
        except SimulationError as problem:
            raise Diverged(f"{problem} Use a lower eta.") from None
        net.weights[...], net.thresholds[...] = after.weights, after.thresholds
        self._expected[0] = ((spikes*(2*wanted - 1)).sum(axis=1)/np.maximum(spikes.sum(axis=1), 1)).mean()
        return float((1 - self._expected[0])/2)

    def _output(self, x: np.ndarray) -> np.ndarray:
        votes = self._network.show(self._seen(x))[1] @ self._classes
        total = votes.sum(axis=1, keepdims=True)
        # where nobody fires nothing is known
        return np.where(total > 0, votes/np.where(total > 0, total, 1), 1/votes.shape[1])

    def _learnt(self) -> list[np.ndarray]:
        return [self._network.weights, self._network.thresholds, self._expected]

    @property
    def weights_(self) -> np.ndarray:
        """Weights, shape (channels, n_classes*per_class)."""
        return self._network.weights

    def spikes_per_inference(self, X: Any) -> dict[str, float]:
        """Return what answers to samples X cost in spikes, means over samples; see `STDPClassifier.spikes_per_inference`."""
        _, neurons, inputs = self._network.show(self._seen(validated(self, X, False, dtype=np.float64)))
        own, n = neurons.sum(axis=1).mean(), self.weights_.shape[1]
        return {"spikes": float(inputs.mean() + own), "synaptic_events": float(inputs.mean()*n + own*(n - 1))}
