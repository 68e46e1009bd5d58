"""Decoders by least squares from the tuning curves of a population of neurons (the NEF as a classifier).

    D = argmin_D |A D - T|^2 + m sigma^2 |D|^2,   sigma = noise max(A),   y = a D

A (m, neurons): rates of all samples seen, T their targets.  Only A^T A and A^T T are kept, to which every epoch and every
`partial_fit` adds: the decoders after it are those of all samples so far, each counted as often as it came.

Decoders come from rates, in either mode; noise stands for the error of rates that are counted in spikes, and is the same
as regularisation.

Source: Eliasmith & Anderson 2003, Neural Engineering, MIT Press, chapters 2 and 4 (isbn 9780262550604).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neurosim.learning.learners.base import Diverged, LearnerClassifier, LearnerRegressor
from neurosim.learning.learners.decoding import DecodedPopulation, simplex
from neurosim.learning.learners.traits import Traits

#: samples whose activities are held at a time
BLOCK = 2048


class _Readout(DecodedPopulation):
    """Common part of classes and numbers; for the parameters see `NEFReadoutClassifier`."""

    traits: ClassVar[Traits] = Traits(
        rule="W = argmin |A W - T|^2 + m sigma^2 |W|^2", local=False, needs="none", phases=1,
        error_signal="targets of all samples at once", spiking=True, source_doi="10.1371/journal.pone.0022885",
        notes="Tuning curves are drawn and learn nothing; decoders are solved for, not learnt by a rule.")

    def __init__(self, n_neurons: int = 1000, *, encoders: str = "differences", max_rates: Any = (100.0, 200.0),
                 intercepts: Any = (0.0, 0.9), noise: float = 0.02, tau_m: float = 20.0, t_ref: float = 2.0,
                 mode: str = "rate", duration: float = 100.0, max_iter: int = 1, batch_size: int = 200,
                 early_stopping: bool = False, validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 random_state: Any = None):
        self.n_neurons = n_neurons
        self.encoders = encoders
        self.max_rates = max_rates
        self.intercepts = intercepts
        self.noise = noise
        self.tau_m = tau_m
        self.t_ref = t_ref
        self.mode = mode
        self.duration = duration
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        self._number("noise", open_low=True)
        self._tune(x, rng)
        n, k = self._tuning.size, t.shape[1]
        self._gram, self._cross, self._decoders = np.zeros((n, n)), np.zeros((n, k)), np.zeros((n, k))
        # number of samples, and the highest rate among them
        self._seen = np.zeros(2)

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        from scipy.linalg import cho_factor, cho_solve

        # sums are taken in the order of the samples, which does not matter here
        for k in range(0, len(x), BLOCK):
            a = self._tuning.rates(x[k:k + BLOCK])
            if not np.isfinite(a).all():
                raise Diverged("rates of the population ceased to be finite. Scale X to about 1.")
            self._gram += a.T @ a
            self._cross += a.T @ t[k:k + BLOCK]
            self._seen += len(a), 0
            self._seen[1] = max(self._seen[1], a.max())
        ridge = self._seen[0]*(self._number("noise", open_low=True)*self._seen[1])**2
        if ridge > 0:
            factor = cho_factor(self._gram + ridge*np.eye(len(self._gram)), lower=True, overwrite_a=True)
            self._decoders[...] = cho_solve(factor, self._cross)
        return sum(((self._tuning.rates(x[k:k + BLOCK]) @ self._decoders - t[k:k + BLOCK])**2).sum()
                   for k in range(0, len(x), BLOCK))/t.size

    def _learnt(self) -> list[np.ndarray]:
        return [self._decoders, self._gram, self._cross, self._seen]


class NEFReadoutClassifier(_Readout, LearnerClassifier):
    """Classes decoded from a population of LIF neurons; decoders by regularised least squares to one-hot targets.

    Probabilities are those nearest to what is decoded.

    Parameters beside those of every learner (max_iter more than 1 changes nothing, batch_size is not used):

    n_neurons: neurons of the population.
    encoders: "differences" of samples of the first call, or directions on the "sphere".
    max_rates: Hz, two ends. intercepts: two ends within [-1, 1).
    noise: sigma as a share of the highest rate.
    tau_m, t_ref: of the LIF neurons, ms.
    mode: "rate" or "spiking", of the answers.
    duration: ms for which a sample is shown in spiking mode.
    """

    def _output(self, x: np.ndarray) -> np.ndarray:
        return simplex(self._activities(x) @ self._decoders)


class NEFReadoutRegressor(_Readout, LearnerRegressor):
    """Numbers decoded from a population of LIF neurons; decoders by regularised least squares.

    Parameters: as for `NEFReadoutClassifier`.
    """

    def _output(self, x: np.ndarray) -> np.ndarray:
        return self._activities(x) @ self._decoders
