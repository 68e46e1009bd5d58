"""Learners whose scores, curves and cosines are known, for tests of the comparison."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from neurosim.errors import ParameterError
from neurosim.learning.comparing.datasets import made


def known_data(n_classes: int = 4, each: int = 20):
    """Return data whose only feature is the class, `each` samples of each of `n_classes`."""
    y = np.repeat(np.arange(n_classes), each)
    return made("known", y[:, None] * 1.0, y)


class Stepwise(ClassifierMixin, BaseEstimator):
    """After k epochs it answers classes below k * step rightly and others wrongly: a score of k step / n_classes.

    cosine: of each layer's change with the gradient; None: it has no layers.
    diverges, fails: epoch in which it does so.
    """

    def __init__(self, max_iter=4, step=1, cosine=None, diverges=0, fails=0, random_state=None):
        self.max_iter = max_iter
        self.step = step
        self.cosine = cosine
        self.diverges = diverges
        self.fails = fails
        self.random_state = random_state

    def fit(self, X, y):
        """Learn all epochs."""
        self.partial_fit(X, y)
        self.epochs_ = self.max_iter
        return self

    def partial_fit(self, X, y, classes=None):
        """Learn one epoch; keeps what it was shown."""
        self.problem_ = None
        self.epochs_ = getattr(self, "epochs_", 0) + 1
        self.classes_ = np.unique(y) if classes is None else classes
        self.scale_ = np.ptp(X)
        if self.epochs_ == self.fails:
            raise RuntimeError("it broke\nsecond line")
        if self.epochs_ == self.diverges:
            self.epochs_ -= 1
            self.problem_ = "diverged in epoch so and so"
            warnings.warn(self.problem_, RuntimeWarning, stacklevel=2)
        return self

    def predict(self, X):
        """Answer."""
        place = np.round((X[:, 0] - X[:, 0].min()) / np.ptp(X[:, 0]) * 3).astype(int)
        return np.where(place < self.epochs_ * self.step, place, (place + 1) % 4)

    def layer_updates(self, X, y):
        """Two layers whose cosine with the gradient is `cosine`, and one that does not learn."""
        if self.cosine is None:
            raise ParameterError("this learner has no layers")
        return [np.array([[self.cosine, np.sqrt(1 - self.cosine**2)]]), np.array([[1e-200, 0.0]]), np.zeros((1, 2))]

    def layer_gradients(self, X, y):
        """See layer_updates."""
        return [np.array([[3.0, 0.0]]), np.array([[2.0, 0.0]]), np.ones((1, 2))]
