"""What the estimators of all rooms share: scikit-learn's base classes and checks; importing this needs scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import MissingPackageError

try:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        OneToOneFeatureMixin,
        RegressorMixin,
        TransformerMixin,
    )
    from sklearn.utils.validation import validate_data
except ImportError as error:
    raise MissingPackageError(f"Estimators such as BackpropClassifier and RBM need scikit-learn 1.6 or later, which cannot "
                              f"be imported ({error}). Install it with: pip install 'neurosim[learning]'") from error

__all__ = ["BaseEstimator", "ClassNamePrefixFeaturesOutMixin", "ClassifierMixin", "OneToOneFeatureMixin", "RegressorMixin",
           "TransformerMixin", "generator_of", "validated"]


def generator_of(random_state: Any) -> np.random.Generator:
    """Return a Generator: None for fresh random numbers, a whole number, a RandomState, or a Generator, which moves on.

    Raises:
        ValueError: for anything else, as scikit-learn has it.
    """
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return random_state
    from sklearn.utils import check_random_state

    return np.random.default_rng(check_random_state(random_state).randint(2**31, size=4))


def validated(estimator: Any, X: Any, reset: bool, **options: Any) -> np.ndarray:
    """Return X as a finite two-dimensional array; `reset` sets the number of features, else it is checked.

    Raises:
        ValueError, TypeError: with scikit-learn's own messages.
    """
    if not reset:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(estimator)
    return validate_data(estimator, X, reset=reset, **options)
