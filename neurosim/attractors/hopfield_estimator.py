"""Hopfield memories with the contract of scikit-learn's estimators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.attractors.hopfield_modern import ModernHopfield, softmax
from neurosim.attractors.hopfield_network import Hopfield
from neurosim.attractors.hopfield_rules import hebbian
from neurosim.errors import ParameterError, listing, nearest
from neurosim.estimators import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, generator_of, validated

KINDS = ("modern", "binary")


class HopfieldMemory(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Associative memory: fit stores samples, predict gives back the stored sample that an incomplete one belongs to.

    modern    samples less their mean and scaled to length 1 are keys k; a query q <- softmax(beta q K^T) K until it is at rest;
              given back is softmax(beta q K^T) X.  For real-valued samples, and many more of them than features.
    binary    a value above the middle of the range of its feature is 1, else -1; asynchronous updates by weights that `rule`
              made of the samples; given back are the lowest and highest value of each feature.

    Args:
        kind: "modern" or "binary".
        beta: modern: inverse temperature; the larger, the less samples are mixed.
        rule: binary: `hebbian` (None), `pseudo_inverse`, `storkey` or a function of patterns.
        updates: at most so many updates, or sweeps.
        tol: modern: at rest when no value of q changes by more.
        random_state: binary: of the orders of updates; the same for every sample, so that none depends on its neighbours.

    Attributes (after fit):
        patterns_: stored samples (n_samples, n_features); modern and binary.
        network_: the `ModernHopfield` or `Hopfield`.
        n_features_in_: n_features.

    Raises:
        ValueError: for NaN, infinity, wrong shapes; ParameterError, a ValueError too, for unusable parameters.

    Source: J. J. Hopfield 1982, doi:10.1073/pnas.79.8.2554; H. Ramsauer et al. 2021, doi:10.48550/arXiv.2008.02217.
    """

    def __init__(self, kind: str = "modern", *, beta: float = 50.0, rule: Callable[[Any], np.ndarray] | None = None,
                 updates: int = 100, tol: float = 1e-9, random_state: Any = None):
        self.kind = kind
        self.beta = beta
        self.rule = rule
        self.updates = updates
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> HopfieldMemory:
        """Store the rows of X (n_samples, n_features) instead of all earlier ones; y is not used."""
        return self._store(validated(self, X, True, dtype=np.float64))

    def partial_fit(self, X: Any, y: Any = None) -> HopfieldMemory:
        """Store the rows of X (n_samples, n_features) beside the earlier ones."""
        first = not hasattr(self, "patterns_")
        x = validated(self, X, first, dtype=np.float64)
        return self._store(x if first else np.concatenate([self.patterns_, x]))

    def _store(self, x: np.ndarray) -> HopfieldMemory:
        if self.kind not in KINDS:
            raise ParameterError(f"HopfieldMemory: there is no kind {self.kind!r}.{nearest(str(self.kind), KINDS)} Known: "
                                 f"{listing(KINDS)}.")
        self.patterns_ = x
        if self.kind == "modern":
            self.mean_ = x.mean(axis=0)
            self.network_ = ModernHopfield(self._keys(x), self.beta)
            return self
        self.low_, self.high_ = x.min(axis=0), x.max(axis=0)
        self.middle_ = self.low_ + 0.5 * (self.high_ - self.low_)
        self.network_ = Hopfield.storing(self._signs(x), self.rule or hebbian)
        # drawn once: recalls of the same sample are the same
        self._seed = int(generator_of(self.random_state).integers(2**32))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return what samples X (n_samples, n_features) recall, in the same shape."""
        x = validated(self, X, False, dtype=np.float64)
        if self.kind == "modern":
            q = self.network_.recall(self._keys(x), self.updates, self.tol)
            return softmax(self.network_.beta * (q @ self.network_.patterns.T)) @ self.patterns_
        found = self.network_.recall(self._signs(x), sweeps=self.updates, seed=self._seed, same_order=True).states
        return np.where(found > 0, self.high_, self.low_)

    def transform(self, X: Any) -> np.ndarray:
        """Return what samples X (n_samples, n_features) recall; the same as `predict`, for pipelines."""
        return self.predict(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the part of samples X that recall the stored sample nearest to them; y is not used."""
        return self.recovered(X, X)

    def recovered(self, X: Any, wanted: Any) -> float:
        """Return the part of samples X, incomplete ones, whose recall is nearest to the stored sample that is wanted.

        wanted: the right samples, (n_samples, n_features).
        """
        found, right = self.predict(X), validated(self, wanted, False, dtype=np.float64)
        if len(found) != len(right):
            raise ParameterError(f"HopfieldMemory.recovered: {len(found)} samples and {len(right)} that are wanted.")
        return float(np.mean(self._nearest(found) == self._nearest(right)))

    def _nearest(self, x: np.ndarray) -> np.ndarray:
        # the one of equal patterns that comes first
        distance = (self.patterns_**2).sum(axis=1) - 2 * x @ self.patterns_.T
        return distance.argmin(axis=1)

    def _keys(self, x: np.ndarray) -> np.ndarray:
        centred = x - self.mean_
        length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
        return centred / np.where(length > 0, length, 1.0)

    def _signs(self, x: np.ndarray) -> np.ndarray:
        return np.where(x > self.middle_, 1.0, -1.0)
