"""The contract of all learners: networks that learn in epochs, as scikit-learn's estimators.

A learner says how its network begins, what an epoch does to it, and what it answers.  Everything else is the same for all and
stands here: checks, classes, order of the samples, early stopping, divergence, `fit` and `partial_fit`.

What is drawn at random in an epoch depends on `random_state` and the number of the epoch alone, so that `fit` with k epochs is
the same as k times `partial_fit`.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import NumericalWarning, ParameterError, listing, nearest
from neurosim.estimators import BaseEstimator, ClassifierMixin, RegressorMixin, generator_of, validated
from neurosim.learning.optimisers import OPTIMISERS, Optimiser
from neurosim.learning.schedules import Schedule

#: dtypes of the numbers of a network
KINDS = ("float64", "float32")


class Diverged(Exception):
    """Numbers ceased to be finite; the text says in which layer, and what to do against it."""


class Learner(BaseEstimator):
    """Common part of classifiers and regressors.

    Parameters that every learner has, beside its own:

        max_iter: epochs of `fit`, passes over the samples.
        batch_size: samples of one change of the weights.
        early_stopping: whether to set samples aside and stop when their score has not risen for `n_iter_no_change` epochs.
        validation_fraction: share of the samples that is set aside then.
        n_iter_no_change: see above.
        random_state: of weights, order and whatever else is drawn: None, a whole number, a RandomState or a Generator.

    Attributes (after fit):
        n_features_in_: features of a sample.
        n_iter_: epochs that were made.
        loss_curve_: mean loss of each epoch.
        validation_scores_: with early_stopping, the score of each epoch.
        problem_: what stopped training, or None.
    """

    #: samples without which there is no score
    _fewest: ClassVar[int] = 1

    @abstractmethod
    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        """Check the learner's own parameters and make the network, for samples x (n, n_in) and targets t (n, n_out)."""

    @abstractmethod
    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        """Make one pass in the order given and return the mean loss; raise `Diverged` where numbers are not finite."""

    @abstractmethod
    def _output(self, x: np.ndarray) -> np.ndarray:
        """Return what the network answers, (n, n_out): probabilities of classes, or values as large as the targets."""

    @abstractmethod
    def _learnt(self) -> list[np.ndarray]:
        """Return the arrays that an epoch changes, all of them, as they are kept (not copies)."""

    def layer_updates(self, X: Any, y: Any) -> list[np.ndarray]:
        """Return how the learner would change the weights of each layer for samples X and answers y (summed or mean: only
        directions count), from the layer of the data to that of the answers, each (n_in, n_out).

        Raises:
            ParameterError: the learner has no weights that can be compared with backpropagation's.
        """
        return self._updates(*self._compared(X, y))

    def layer_gradients(self, X: Any, y: Any) -> list[np.ndarray]:
        """Return minus the gradient of the learner's own loss by backpropagation through its present network, likewise."""
        return self._gradients(*self._compared(X, y))

    def input_gradient(self, X: Any, y: Any) -> np.ndarray:
        """Return dE/dx for samples X and answers y, (n_samples, n_features): where each sample's own loss E rises.

        Raises:
            ParameterError: the learner's answers have no gradient, or none that is exact.
        """
        return self._input_gradient(*self._compared(X, y))

    def _updates(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        raise ParameterError(f"{type(self).__name__}: has no layers whose changes could be compared with backpropagation.")

    def _gradients(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        raise ParameterError(f"{type(self).__name__}: has no layers whose changes could be compared with backpropagation.")

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        raise ParameterError(f"{type(self).__name__}: has no exact gradient of its loss by the samples.")

    # what is the same for all

    def fit(self, X: Any, y: Any) -> Any:
        """Learn anew from samples X (n_samples, n_features) with answers y, and return self.

        Raises:
            ValueError: NaN, infinity, wrong shapes, a single class; ParameterError, a ValueError too, for parameters.

        Warns:
            NumericalWarning: numbers ceased to be finite; the learner is then as after the last good epoch.
        """
        x, t = self._targets(X, y, first=True, classes=None)
        epochs = self._whole("max_iter", 1)
        held = None
        if self.early_stopping:
            patience = self._whole("n_iter_no_change", 1)
            x, t, held = self._aside(x, t)
        self._start(x, t)
        best: tuple[float, list[np.ndarray]] | None = None
        best_epoch = -1
        for _ in range(epochs):
            if not self._one(x, t):
                break
            if held is None:
                continue
            score = self._score(*held)
            self.validation_scores_.append(score)
            if best is None or score > best[0]:
                best, best_epoch = (score, [a.copy() for a in self._learnt()]), self.n_iter_ - 1
            if self.n_iter_ - 1 - best_epoch >= patience:
                break
        if best is not None:
            self._take_back(best[1])
        return self

    def _partial_fit(self, X: Any, y: Any, classes: Any) -> Any:
        first = not hasattr(self, "n_iter_")
        x, t = self._targets(X, y, first=first, classes=classes)
        if first:
            self._start(x, t)
        self._one(x, t)
        return self

    def _start(self, x: np.ndarray, t: np.ndarray) -> None:
        self._whole("batch_size", 1)
        rng = generator_of(self.random_state)
        self._seed = int(rng.integers(2**63))
        self.n_iter_, self.loss_curve_, self.validation_scores_, self.problem_ = 0, [], [], None
        self._begin(x, t, np.random.default_rng([self._seed, 0]))

    def _one(self, x: np.ndarray, t: np.ndarray) -> bool:
        """Make an epoch; return whether all went well."""
        before = [a.copy() for a in self._learnt()]
        order = np.random.default_rng([self._seed, 1, self.n_iter_]).permutation(len(x))
        try:
            # explosions are looked for, and told of, below
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                loss = self._epoch(x, t, order, np.random.default_rng([self._seed, 2, self.n_iter_]))
            if not np.isfinite(loss):
                raise Diverged("the loss ceased to be finite. Use a lower learning rate, or scale X to about 1.")
            for k, a in enumerate(self._learnt()):
                if not np.isfinite(a).all():
                    raise Diverged(f"array {k} of what is learnt, of shape {a.shape}, ceased to be finite. Use a lower "
                                   "learning rate, or scale X to about 1.")
        except Diverged as problem:
            self._take_back(before)
            self.problem_ = f"{type(self).__name__}: in epoch {self.n_iter_ + 1}, {problem}"
            warnings.warn(f"{self.problem_} Learning stops with what was learnt before this epoch.", NumericalWarning,
                          stacklevel=4)
            if not self.n_iter_:
                self.n_iter_ = 1
            return False
        self.n_iter_ += 1
        self.loss_curve_.append(float(loss))
        return True

    def _take_back(self, arrays: list[np.ndarray]) -> None:
        for a, old in zip(self._learnt(), arrays):
            a[...] = old

    def _whole(self, name: str, low: int) -> int:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
            raise ParameterError(f"{type(self).__name__}: {name} must be a whole number of at least {low}, not {value!r}.")
        return int(value)

    def _number(self, name: str, low: float = 0.0, high: float = np.inf, *, open_low: bool = False) -> float:
        """Return a parameter that is a number from low (or above it) to less than high.

        Raises:
            ParameterError: it is none.
        """
        value = getattr(self, name)
        good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not good or not (low < value if open_low else low <= value) or not value < high:
            upper = f" and below {high:g}" if np.isfinite(high) else ""
            raise ParameterError(f"{type(self).__name__}: {name} must be a number {'above' if open_low else 'of at least'} "
                                 f"{low:g}{upper}, not {value!r}.")
        return float(value)

    def _sizes(self, name: str = "hidden_layer_sizes") -> tuple[int, ...]:
        """Return the sizes of hidden layers: whole numbers of at least 1, or one alone, or none.

        Raises:
            ParameterError: they are no such numbers.
        """
        value = getattr(self, name)
        sizes = (value,) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else value
        try:
            sizes = tuple(sizes)
        except TypeError:
            sizes = (None,)
        if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in sizes):
            raise ParameterError(f"{type(self).__name__}: {name} must be whole numbers of at least 1 such as (100, 50), not "
                                 f"{value!r}.")
        return tuple(int(n) for n in sizes)

    def _parts(self, order: np.ndarray, least: int = 1) -> list[np.ndarray]:
        """Return the order in pieces of batch_size samples; a last one of fewer than `least` joins the one before."""
        size = int(self.batch_size)
        parts = [order[k:k + size] for k in range(0, len(order), size)]
        if len(parts) > 1 and len(parts[-1]) < least:
            parts[-2:] = [np.concatenate(parts[-2:])]
        return parts

    def _optimiser(self, name: str = "optimiser", rate: str = "learning_rate") -> Optimiser:
        """Return the optimiser: a description as given, or one by its name with the learning rate.

        Raises:
            ParameterError: an unknown name, or a rate that is neither a positive number nor a schedule.
        """
        given, speed = getattr(self, name), getattr(self, rate)
        if isinstance(given, Optimiser):
            return given
        if not isinstance(given, str) or given not in OPTIMISERS:
            raise ParameterError(f"{type(self).__name__}: there is no optimiser {given!r}.{nearest(str(given), OPTIMISERS)} "
                                 f"Use a description such as Adam(0.001), or one of: {listing(OPTIMISERS)}.")
        return OPTIMISERS[given](speed if isinstance(speed, Schedule) else self._number(rate, open_low=True))

    def _dtype(self) -> str:
        """Return the dtype of the network.

        Raises:
            ParameterError: it is neither float64 nor float32.
        """
        if self.dtype not in KINDS:
            raise ParameterError(f"{type(self).__name__}: dtype must be one of {listing(KINDS)}, not {self.dtype!r}.")
        return str(np.dtype(self.dtype))

    def _aside(self, x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        share = self._number("validation_fraction", 0.0, 1.0, open_low=True)
        rng = generator_of(self.random_state)
        held = self._drawn(t, share, rng)
        if held.all():
            raise ParameterError(f"{type(self).__name__}: validation_fraction={share:g} of {len(x)} samples leaves none for "
                                 f"learning; validation needs {self._fewest} at least. Give more samples, or leave "
                                 "early_stopping out.")
        return x[~held], t[~held], (x[held], t[held])

    def _drawn(self, t: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        held = np.zeros(len(t), bool)
        held[rng.permutation(len(t))[:max(self._fewest, round(share * len(t)))]] = True
        return held

    @abstractmethod
    def _targets(self, X: Any, y: Any, first: bool, classes: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return checked samples (n, n_in) and targets (n, n_out)."""

    @abstractmethod
    def _compared(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return checked samples and targets of a learner that has learnt."""

    @abstractmethod
    def _score(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return how good answers to checked samples are; the higher, the better."""


class LearnerClassifier(ClassifierMixin, Learner):
    """A learner of classes.  Attributes (after fit): classes_, in ascending order, beside those of `Learner`."""

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Any:
        """Learn from samples X, (n_samples, n_features), for one epoch more, and return self.

        classes: all there are, needed if the first call does not show each of them.
        """
        return self._partial_fit(X, y, classes)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class for samples X, (n_samples, n_classes)."""
        return self._output(validated(self, X, False, dtype=np.float64))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of samples X, (n_samples,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _targets(self, X: Any, y: Any, first: bool, classes: Any) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.utils.multiclass import check_classification_targets
        from sklearn.utils.validation import column_or_1d, validate_data

        x, y = validate_data(self, X, y, reset=first, dtype=np.float64)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        if first:
            known = np.unique(y if classes is None else classes)
            if len(known) < 2:
                raise ValueError(f"{type(self).__name__}: y holds 1 class only, {known.tolist()[0]!r}. A classifier needs "
                                 "samples of two classes at least.")
            self.classes_ = known
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"{type(self).__name__}: classes differ from those of the first call, {self.classes_}.")
        return x, self._one_hot(y)

    def _one_hot(self, y: np.ndarray) -> np.ndarray:
        place = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        strange = self.classes_[place] != y
        if strange.any():
            raise ValueError(f"{type(self).__name__}: y holds classes that were not there at first: "
                             f"{np.unique(y[strange])[:5]}. Give all classes to the first partial_fit, or use fit.")
        t = np.zeros((len(y), len(self.classes_)))
        t[np.arange(len(y)), place] = 1.0
        return t

    def _compared(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        return validated(self, X, False, dtype=np.float64), self._one_hot(np.asarray(y))

    def _drawn(self, t: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        # the same share of each class, rounded down; what is missing then comes from the classes that lost most by that, and
        # as long as there are others not from those that would lose their last sample
        wanted = share*t.sum(axis=0)
        counts = np.floor(wanted).astype(int)
        spare = t.sum(axis=0) - counts > 1
        order = np.lexsort((counts - wanted, ~spare))
        counts[order[:max(1, round(share*len(t))) - counts.sum()]] += 1
        held = np.zeros(len(t), bool)
        for k, n in enumerate(counts):
            held[rng.permutation(np.flatnonzero(t[:, k]))[:n]] = True
        return held

    def _aside(self, x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        parts = super()._aside(x, t)
        lost = t.any(axis=0) & ~parts[1].any(axis=0)
        if lost.any():
            raise ParameterError(f"{type(self).__name__}: validation_fraction={self.validation_fraction:g} of {len(t)} samples "
                                 f"leaves none of class {self.classes_[lost][0]!s} for learning. Give more samples, or leave "
                                 "early_stopping out.")
        return parts

    def _score(self, x: np.ndarray, t: np.ndarray) -> float:
        return float((self._output(x).argmax(axis=1) == t.argmax(axis=1)).mean())


class LearnerRegressor(RegressorMixin, Learner):
    """A learner of numbers, one or several for a sample.

    Targets are shifted and scaled to mean 0 and standard deviation 1 while it learns, by what the first call showed, and
    answers are carried back.
    """

    # R^2 compares with the spread of the answers
    _fewest: ClassVar[int] = 2

    def partial_fit(self, X: Any, y: Any) -> Any:
        """Learn from samples X, (n_samples, n_features), for one epoch more, and return self."""
        return self._partial_fit(X, y, None)

    def predict(self, X: Any) -> np.ndarray:
        """Return the answers for samples X: (n_samples,), or (n_samples, n_outputs) if y was such."""
        found = self._output(validated(self, X, False, dtype=np.float64)) * self._spread + self._mean
        return found[:, 0] if self._flat else found

    def _targets(self, X: Any, y: Any, first: bool, classes: Any) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.utils.validation import validate_data

        x, y = validate_data(self, X, y, reset=first, dtype=np.float64, multi_output=True, y_numeric=True)
        y = np.asarray(y, dtype=np.float64)
        if first:
            self._flat = y.ndim == 1
            columns = y.reshape(len(y), -1)
            self._mean, spread = columns.mean(axis=0), columns.std(axis=0)
            self._spread = np.where(spread > 0, spread, 1.0)
        return x, self._scaled(y)

    def _scaled(self, y: np.ndarray) -> np.ndarray:
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != len(self._mean):
            raise ValueError(f"{type(self).__name__}: y has {columns.shape[1]} columns, but {len(self._mean)} at first.")
        return (columns - self._mean) / self._spread

    def _compared(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        return validated(self, X, False, dtype=np.float64), self._scaled(np.asarray(y, dtype=np.float64))

    def _score(self, x: np.ndarray, t: np.ndarray) -> float:
        from sklearn.metrics import r2_score

        return float(r2_score(t, self._output(x)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
