"""A learner that has learnt, the samples it has to do with, and how good its answers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(eq=False)
class Trained:
    """A learner and the samples it has to do with: those it learns from, those for the test, and some of the first as probe.

    seed: of the run; what a measure draws at random depends on it alone, so that it is the same for every learner.
    epochs: how many times the learner is given the samples; None: it is fitted at once.
    """

    learner: Any
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    probe: np.ndarray
    seed: int = 0
    epochs: int | None = None


def score(learner: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Return the share of right answers, or, for numbers, R^2 = 1 - sum (y - answer)^2 / sum (y - mean y)^2."""
    found = np.asarray(learner.predict(x))
    if y.dtype.kind == "i":
        return float(np.mean(found == y))
    left = np.sum((y - found.reshape(y.shape)) ** 2)
    return float(1.0 - left / np.sum((y - y.mean()) ** 2))


def afresh(learner: Any, seed: Any) -> Any:
    """Return the learner as it was before it learnt, with `seed` wherever it draws."""
    from sklearn.base import clone

    found = clone(learner)
    states = [name for name in found.get_params() if name == "random_state" or name.endswith("__random_state")]
    return found.set_params(**dict.fromkeys(states, seed))
