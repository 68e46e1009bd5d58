"""BackpropClassifier, PredictiveCodingClassifier and their regressors keep scikit-learn's contract and that of learners."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from neurosim import learning as nl
from neurosim.errors import NumericalWarning, ParameterError

QUICK = dict(max_iter=12, batch_size=16, learning_rate=0.03, random_state=0)
CLASSIFIERS = {
    "backprop": nl.BackpropClassifier((8,), **QUICK),
    "batch norm and dropout": nl.BackpropClassifier((12, 8), "tanh", dropout=0.1, normalisation="batch", **QUICK),
    "layer norm": nl.BackpropClassifier(12, normalisation="layer", l1=1e-4, clip=1.0, **QUICK),
    "no hidden layer": nl.BackpropClassifier((), optimiser="momentum", early_stopping=True, **QUICK),
    "predictive coding": nl.PredictiveCodingClassifier((8,), **QUICK),
    "z-il": nl.PredictiveCodingClassifier((10, 8), "tanh", schedule="z-il", **QUICK),
    "fixed predictions": nl.PredictiveCodingClassifier(10, "softplus", schedule="fixed-prediction", output="logistic", **QUICK),
    "learned feedback": nl.PredictiveCodingClassifier((8,), feedback="learned", noise=0.1, output="linear", **QUICK),
    "generative": nl.PredictiveCodingClassifier((6,), "tanh", direction="generative", **QUICK),
}
REGRESSORS = {
    "backprop": nl.BackpropRegressor((16,), **QUICK),
    "batch norm and dropout": nl.BackpropRegressor((24,), "tanh", dropout=0.05, normalisation="batch", **QUICK),
    "predictive coding": nl.PredictiveCodingRegressor((16,), **QUICK),
    "z-il": nl.PredictiveCodingRegressor((12, 8), "tanh", schedule="z-il", **QUICK),
    "generative": nl.PredictiveCodingRegressor((8,), "tanh", direction="generative",
                                               **{**QUICK, "learning_rate": 0.01, "max_iter": 25}),
}
ALL = {**{f"{k} classes": v for k, v in CLASSIFIERS.items()}, **{f"{k} numbers": v for k, v in REGRESSORS.items()}}
every = pytest.mark.parametrize("name", ALL)


USUAL = [kinds[name] for kinds in (CLASSIFIERS, REGRESSORS) for name in ("backprop", "predictive coding")]


@parametrize_with_checks(USUAL)
def test_contract(estimator, check):
    _keeps(estimator, check)


@pytest.mark.slow
@parametrize_with_checks([one for one in [*CLASSIFIERS.values(), *REGRESSORS.values()] if one not in USUAL])
def test_contract_of_variants(estimator, check):
    _keeps(estimator, check)


def _keeps(estimator, check):
    with warnings.catch_warnings():
        # the checks' own data are not scaled
        warnings.simplefilter("ignore", NumericalWarning)
        check(estimator)


def data(name: str, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return samples with classes, or with numbers that are a smooth function of them."""
    x, y = make_moons(n, noise=0.15, random_state=2)
    return (x, np.array(["left", "right"])[y]) if name.endswith("classes") else (x, np.sin(2*x[:, 0]) + x[:, 1])


def state(estimator) -> list[np.ndarray]:
    return [a.copy() for a in estimator._learnt()]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return len(a) == len(b) and all(np.array_equal(p, q) for p, q in zip(a, b))


@every
def test_fit_is_partial_fit_again_and_again(name):
    x, y = data(name)
    one = clone(ALL[name]).set_params(max_iter=3, early_stopping=False).fit(x, y)
    two = clone(one)
    for _ in range(3):
        two.partial_fit(x, y)
    assert same(state(one), state(two)) and one.loss_curve_ == two.loss_curve_ and one.n_iter_ == two.n_iter_ == 3


@every
def test_the_seed_decides_everything(name):
    x, y = data(name)
    one, two, other = (clone(ALL[name]).set_params(max_iter=2, random_state=s).fit(x, y) for s in (5, 5, 6))
    assert same(state(one), state(two)) and not same(state(one), state(other))
    for random in (None, np.random.RandomState(1), np.random.default_rng(1)):
        assert clone(ALL[name]).set_params(max_iter=1).set_params(random_state=random).fit(x, y).n_iter_ == 1


@every
def test_copies_go_on_as_the_original_does(name):
    """Copied and pickled estimators hold arrays of their own, and the links between them."""
    x, y = data(name)
    one = clone(ALL[name]).set_params(max_iter=2).fit(x, y)
    copies = [pickle.loads(pickle.dumps(one)), copy.deepcopy(one)]
    before = state(one)
    answers = one.predict(x)
    for other in copies:
        np.testing.assert_array_equal(other.predict(x), answers)
        other.partial_fit(x, y)
    assert same(before, state(one))
    one.partial_fit(x, y)
    for other in copies:
        assert same(state(other), state(one))
        np.testing.assert_array_equal(other.predict(x), one.predict(x))


@every
def test_early_stopping_takes_the_best_back(name):
    x, y = data(name, 90)
    one = clone(ALL[name]).set_params(max_iter=12, early_stopping=True, n_iter_no_change=3, validation_fraction=0.3)
    one.fit(x, y)
    scores = one.validation_scores_
    best = int(np.argmax(scores))
    # nothing but patience or the end stops it
    assert len(scores) == one.n_iter_ == min(12, best + 4)
    # the epochs up to the best one alone end in the same state
    again = clone(one).set_params(max_iter=best + 1).fit(x, y)
    assert same(state(one), state(again)) and again.validation_scores_ == scores[:best + 1]


@every
def test_weights_from_the_data_to_the_answer(name):
    x, y = data(name)
    one = clone(ALL[name]).set_params(max_iter=1).fit(x, y)
    sizes = [2, *one._sizes(), 2 if name.endswith("classes") else 1]
    assert [w.shape for w in one.coefs_] == list(zip(sizes[:-1], sizes[1:]))
    assert one.traits.local == ("PredictiveCoding" in type(one).__name__)
    updates, gradients = one.layer_updates(x, y), one.layer_gradients(x, y)
    assert [a.shape for a in updates] == [a.shape for a in gradients] == [w.shape for w in one.coefs_]
    before = state(one)
    one.layer_updates(x, y)
    assert same(before, state(one))
    if "PredictiveCoding" not in type(one).__name__:
        assert same(updates, gradients)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_probabilities(name):
    x, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    one = make_pipeline(StandardScaler(), clone(CLASSIFIERS[name]).set_params(max_iter=15)).fit(x, names)
    p = one.predict_proba(x)
    assert p.shape == (150, 3) and p.dtype == np.float64 and (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(one.classes_, np.unique(names))
    np.testing.assert_array_equal(one.classes_[p.argmax(axis=1)], one.predict(x))
    # what is learnt tells three species apart: three of four right where chance is one of three
    assert one.score(x, names) > 0.75


@pytest.mark.parametrize("name", REGRESSORS)
def test_several_numbers_at_once(name):
    """Each column in its own units: answers do not depend on them, to rounding that some epochs enlarge."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 3))
    y = np.stack([x[:, 0] + np.sin(x[:, 1]), x[:, 2] - x[:, 0]], axis=1)
    one = clone(REGRESSORS[name]).set_params(max_iter=30).fit(x, y)
    assert one.predict(x).shape == (120, 2) and one.score(x, y) > 0.6
    units, zeros = np.array([1e3, 1e-3]), np.array([5.0, -7.0])
    other = clone(one).fit(x, y*units + zeros)
    np.testing.assert_allclose((other.predict(x) - zeros)/units, one.predict(x), rtol=0, atol=1e-5)
    column = clone(one).fit(x, y[:, :1])
    assert column.predict(x).shape == (120, 1)
    np.testing.assert_array_equal(column.predict(x)[:, 0], clone(one).fit(x, y[:, 0]).predict(x))


def test_grids_and_folds():
    x, y = make_moons(120, noise=0.15, random_state=1)
    for kind in (nl.BackpropClassifier, nl.PredictiveCodingClassifier):
        one = make_pipeline(StandardScaler(), kind((8,), max_iter=5, random_state=0))
        name = kind.__name__.lower()
        grid = GridSearchCV(one, {f"{name}__learning_rate": [1e-9, 0.03]}, cv=3).fit(x, y)
        assert grid.best_params_ == {f"{name}__learning_rate": 0.03}
        assert cross_val_score(grid.best_estimator_, x, y, cv=3).mean() > 0.7


@every
def test_all_samples_may_have_the_same_features(name):
    x, y = data(name)
    one = clone(ALL[name]).set_params(max_iter=2).fit(np.zeros_like(x), y)
    assert one.problem_ is None and len(np.unique(one.predict(np.zeros_like(x)))) == 1


def test_networks_as_they_are_named_in_the_catalogue():
    from neurosim.learning.learners.catalogue import learner

    assert isinstance(learner("backprop", hidden_layer_sizes=(3,)), nl.BackpropClassifier)
    assert isinstance(learner("predictive-coding", numbers=True), nl.PredictiveCodingRegressor)
    with pytest.raises(ParameterError, match="Did you mean 'backprop'"):
        learner("backprob")
