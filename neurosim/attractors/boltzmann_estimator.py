"""A restricted Boltzmann machine with the contract of scikit-learn's transformers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from neurosim.attractors.boltzmann_machine import BoltzmannMachine
from neurosim.attractors.boltzmann_training import Trainer, initial_machine
from neurosim.errors import NumericalWarning, ParameterError, nearest
from neurosim.estimators import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    generator_of,
    validated,
)

SCHEDULES = ("constant", "linear")


class RBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Restricted Boltzmann machine that learns features of data in [0, 1], by PCD or CD-k.

    P(h_j = 1 | v) = logistic(v W + c)_j are the features; energies: see `BoltzmannMachine`, updates: see `Trainer`.

    Args:
        n_components: hidden units.
        learning_rate: eta, above 0.
        batch_size: samples a batch, and chains of PCD.
        n_iter: epochs.
        persistent: PCD, else CD.
        steps: k of CD-k, or Gibbs steps a batch of PCD.
        momentum: from 0 to below 1.
        weight_decay: L2, 0 or more.
        schedule: of the learning rate: "constant", or "linear": eta (1 - e/n_iter) in epoch e = 0, 1 ..., as in the last of
            n_iter epochs in those that `partial_fit` adds.
        sample_data: values of X are probabilities of 1, and 0 or 1 is drawn by them whenever a sample is shown: small data sets
            are learnt by heart less; else they are taken as they are.
        random_state: None for fresh random numbers, a whole number, a RandomState or a Generator.

    Attributes (after fit):
        machine_: the `BoltzmannMachine`.
        components_: W^T (n_components, n_features); intercept_visible_: b; intercept_hidden_: c.
        n_iter_: epochs done.
        n_features_in_: n_features.

    Raises:
        ValueError: for NaN, infinity, wrong shapes; ParameterError, a ValueError too, for unusable parameters.

    Warns:
        NumericalWarning: for data outside of [0, 1], and if learning diverges: then it stops with what the epoch before had.

    Source: G. E. Hinton 2002, doi:10.1162/089976602760128018; T. Tieleman 2008, doi:10.1145/1390156.1390290.
    """

    def __init__(self, n_components: int = 256, *, learning_rate: float = 0.1, batch_size: int = 10, n_iter: int = 10,
                 persistent: bool = True, steps: int = 1, momentum: float = 0.0, weight_decay: float = 0.0,
                 schedule: str = "constant", sample_data: bool = False, random_state: Any = None):
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.persistent = persistent
        self.steps = steps
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.sample_data = sample_data
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> RBM:
        """Learn from X (n_samples, n_features); y is not used."""
        x = self._data(X, True)
        self._begin(x)
        for _ in range(self._whole("n_iter", 0)):
            if not self._epoch(x):
                break
        self._finish()
        return self

    def partial_fit(self, X: Any, y: Any = None) -> RBM:
        """Go once through X (n_samples, n_features); further calls go on."""
        first = not hasattr(self, "_trainer")
        x = self._data(X, first)
        if first:
            self._begin(x)
        self._epoch(x)
        self._finish()
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return P(h_j = 1 | v) of samples X (n_samples, n_features), (n_samples, n_components)."""
        return self._fitted().hidden_probabilities(self._data(X, False))

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the pseudo log-likelihood of samples, (n_samples,): every feature counts, none is drawn at random."""
        return self._fitted().pseudo_log_likelihood(self._data(X, False))

    def free_energy(self, X: Any) -> np.ndarray:
        """Return F(v) of samples, (n_samples,)."""
        return self._fitted().free_energy(self._data(X, False))

    def gibbs(self, X: Any, steps: int = 1, random_state: Any = None) -> np.ndarray:
        """Return visible states after steps of Gibbs sampling that begin at X, (n_samples, n_features) of 0 and 1."""
        return self._fitted().gibbs(self._data(X, False), steps, generator_of(random_state))[0]

    def generate(self, n: int, steps: int = 1000, random_state: Any = None) -> np.ndarray:
        """Return n fantasies, (n, n_features): probabilities after so many Gibbs steps from noise."""
        return self._fitted().generate(n, steps, generator_of(random_state))

    def fill_in(self, X: Any, known: Any, steps: int = 200, random_state: Any = None) -> np.ndarray:
        """Return X with what is not known, flags (n_features,) or (n_samples, n_features), filled in by its expectation."""
        machine = self._fitted()
        return machine.fill_in(np.asarray(X, machine.weights.dtype), known, steps, generator_of(random_state))

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _data(self, X: Any, reset: bool) -> np.ndarray:
        return validated(self, X, reset, dtype=(np.float64, np.float32))

    def _whole(self, name: str, low: int) -> int:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
            raise ParameterError(f"RBM: {name} must be a whole number of at least {low}, not {value!r}.")
        return int(value)

    def _fitted(self) -> BoltzmannMachine:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "machine_")
        return self.machine_

    def _begin(self, x: np.ndarray) -> None:
        low, high = float(x.min()), float(x.max())
        if low < 0 or high > 1:
            warnings.warn(f"RBM: X goes from {low:g} to {high:g}; visible units are probabilities from 0 to 1. Scale X, for "
                          "example with sklearn.preprocessing.minmax_scale.", NumericalWarning, stacklevel=3)
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)) or not 0 < rate < np.inf:
            raise ParameterError(f"RBM: learning_rate must be a number above 0, not {rate!r}.")
        if self.schedule not in SCHEDULES:
            raise ParameterError(f"RBM: schedule must be one of {', '.join(SCHEDULES)}, not {self.schedule!r}."
                                 f"{nearest(str(self.schedule), SCHEDULES)}")
        rng = generator_of(self.random_state)
        machine = initial_machine(x.shape[1], self._whole("n_components", 1), rng, x.dtype)
        self._trainer = Trainer(machine, rate=rate, steps=self._whole("steps", 1), persistent=bool(self.persistent),
                                chains=self._whole("batch_size", 1), momentum=self.momentum, decay=self.weight_decay,
                                sample_data=self.sample_data, seed=rng)
        self.n_iter_ = 0

    def _epoch(self, x: np.ndarray) -> bool:
        t, size = self._trainer, self._whole("batch_size", 1)
        x = np.ascontiguousarray(x, t.w.dtype)
        before = [a.copy() for a in (t.w, t.b, t.c)]
        if self.schedule == "linear":
            epochs = max(1, self._whole("n_iter", 0))
            t.rate = self.learning_rate * (epochs - min(self.n_iter_, epochs - 1)) / epochs
        order = t.rng.permutation(len(x))
        # values that grow out of bounds are found at the end of the epoch
        with np.errstate(over="ignore", invalid="ignore"):
            for a in range(0, len(x), size):
                t.learn(x[order[a:a + size]])
        self.n_iter_ += 1
        if all(np.isfinite(a).all() for a in (t.w, t.b, t.c)):
            return True
        t.w, t.b, t.c = before
        warnings.warn(f"RBM: weights became infinite in epoch {self.n_iter_}; learning stops with those of the epoch before. "
                      f"Use a learning_rate below {self.learning_rate:g}, or scale X to [0, 1].",
                      NumericalWarning, stacklevel=3)
        return False

    def _finish(self) -> None:
        self.machine_ = self._trainer.machine
        self.components_ = self.machine_.weights.T
        self.intercept_visible_, self.intercept_hidden_ = self.machine_.visible_bias, self.machine_.hidden_bias
