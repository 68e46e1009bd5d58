"""Learners by feedback alignment, equilibria, Hebbian contrasts and targets: scikit-learn's contract, and that of all."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from neurosim.errors import NumericalWarning, ParameterError
from neurosim.learning import Adam, CosineDecay
from neurosim.learning.learners.catalogue import learner
from neurosim.learning.learners.equilibrium_propagation import nearest_probabilities
from neurosim.learning.rules.feedback_alignment import angle

#: small parameters, by name in the catalogue
SMALL = {
    "feedback-alignment": {"hidden_layer_sizes": (20,)},
    "direct-feedback-alignment": {"hidden_layer_sizes": (20, 10)},
    "equilibrium-propagation": {"hidden_layer_sizes": (20,), "free_rounds": 6, "nudged_rounds": 3},
    "contrastive-hebbian": {"hidden_layer_sizes": (20,), "free_rounds": 3, "held_rounds": 2},
    "target-propagation": {"hidden_layer_sizes": (20, 15)},
}
FAST = {"max_iter": 25, "learning_rate": 0.01, "random_state": 0}


@parametrize_with_checks([learner(name, **FAST, **small) for name, small in SMALL.items()])
def test_scikit_learn(estimator, check):
    check(estimator)


@parametrize_with_checks([learner("feedback-alignment", numbers=True, **FAST, **SMALL["feedback-alignment"])])
def test_scikit_learn_with_numbers(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([learner(name, numbers=True, **FAST, **small) for name, small in SMALL.items()
                          if name != "feedback-alignment"])
def test_scikit_learn_with_numbers_of_the_others(estimator, check):
    check(estimator)


#: other settings that the contract of all learners must survive
VARIANTS = [
    *SMALL.items(),
    ("feedback-alignment", {"hidden_layer_sizes": (), "activation": "tanh"}),
    ("feedback-alignment", {"hidden_layer_sizes": (12, 8), "dropout": 0.3, "optimiser": "momentum", "learning_rate": 0.002,
                            "dtype": "float32"}),
    ("direct-feedback-alignment", {"hidden_layer_sizes": 7, "optimiser": Adam(CosineDecay(0.01, 60)), "initialiser": "zeros",
                                   "activation": "tanh"}),
    ("equilibrium-propagation", {"hidden_layer_sizes": (9, 6), "nudging": "random", "feedback_gain": 0.5, "dtype": "float32"}),
    ("equilibrium-propagation", {"hidden_layer_sizes": (9,), "nudging": "positive", "activation": "logistic"}),
    ("equilibrium-propagation", {"hidden_layer_sizes": ()}),
    ("contrastive-hebbian", {"hidden_layer_sizes": (9, 6), "dtype": "float32"}),
    ("contrastive-hebbian", {"hidden_layer_sizes": ()}),
    ("target-propagation", {"hidden_layer_sizes": (9, 6), "first_target": "answer", "inverse_steps": 2, "inverse_warmup": 0,
                            "activation": "tanh"}),
    ("target-propagation", {"hidden_layer_sizes": (9,), "dtype": "float32"}),
    ("target-propagation", {"hidden_layer_sizes": (), "first_target": "answer"}),
]


def samples(n=60, seed=3):
    x, y = make_blobs(n, 5, centers=3, random_state=seed)
    return StandardScaler().fit_transform(x), y


@pytest.mark.parametrize("name, parameters", VARIANTS)
def test_epochs_labels_copies(name, parameters):
    """fit with k epochs is k times partial_fit, with a journey between; the seed decides all; labels may be texts."""
    x, y = samples()
    words = np.array(["one", "two", "three"])[y]
    given = {**parameters, "max_iter": 3, "random_state": 5, "batch_size": 16}
    whole = learner(name, **given).fit(x, words)
    again = learner(name, **given).partial_fit(x, words)
    again = pickle.loads(pickle.dumps(again)).partial_fit(x, words).partial_fit(x, words)
    p = whole.predict_proba(x)
    assert set(whole.predict(x)) <= set(words) and p.shape == (60, 3) and np.isfinite(p).all()
    assert np.array_equal(again.predict_proba(x), p) and again.loss_curve_ == whole.loss_curve_
    assert np.array_equal(clone(whole).fit(x, words).predict_proba(x), p)
    assert not np.array_equal(clone(whole).set_params(random_state=6).fit(x, words).predict_proba(x), p)
    # probabilities add to 1 up to the rounding of float64, whatever the dtype of the network
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    sizes = [5, *np.atleast_1d(np.array(whole.hidden_layer_sizes, int)), 3]
    assert [w.shape for w in whole.coefs_] == list(zip(sizes, sizes[1:])) and [b.shape for b in whole.intercepts_] == [
        (n,) for n in sizes[1:]]


@pytest.mark.parametrize("name, parameters", VARIANTS)
def test_numbers_several_at_once(name, parameters):
    """Two linear functions, of which one is a thousand times larger: both are learnt, far better than their means."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 4))
    y = x @ rng.standard_normal((4, 2))*[1.0, 1000.0] + [3.0, -500.0]
    found = learner(name, numbers=True, **{"learning_rate": 0.01, **parameters, "max_iter": 40, "random_state": 0}).fit(x, y)
    assert found.predict(x).shape == y.shape
    # few units of which some are silenced cannot tell much more
    assert found.score(x, y) > (0.5 if parameters.get("dropout") else 0.8)
    assert found.fit(x, y[:, 0]).predict(x).shape == (200,)


@pytest.mark.parametrize("name, parameters", VARIANTS)
def test_updates_beside_gradients(name, parameters):
    """Comparable layer by layer; the layer of the answer learns as by backpropagation or nearly, and all point downhill.

    Rules that tend to the gradient are within 60 degrees of it.  Targets tend to Gauss-Newton steps, within 90 degrees of it
    for exact inverses; what aligns with random feedback in a few steps is not told beforehand.
    """
    x, y = samples()
    found = learner(name, **{**parameters, "max_iter": 30, "random_state": 0, "batch_size": 16}).fit(x, y)
    before = [w.copy() for w in found.coefs_]
    updates, gradients = found.layer_updates(x, y), found.layer_gradients(x, y)
    assert [u.shape for u in updates] == [g.shape for g in gradients] == [w.shape for w in found.coefs_]
    assert all(np.array_equal(a, b) for a, b in zip(before, found.coefs_))
    angles = [angle(u, g) for u, g in zip(updates, gradients)]
    assert angles[-1] < 20
    assert "alignment" in name or max(angles) < (90 if name == "target-propagation" else 60)


@pytest.mark.parametrize("name", SMALL)
def test_in_pipelines_and_searches(name):
    x, y = samples()
    line = make_pipeline(StandardScaler(), learner(name, **SMALL[name], max_iter=2, random_state=0))
    step = line.steps[-1][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = GridSearchCV(line, {f"{step}__l2": [0.0, 1e-3]}, cv=2).fit(x, y)
    assert search.best_params_[f"{step}__l2"] in (0.0, 1e-3)


@pytest.mark.parametrize("name", SMALL)
def test_traits(name):
    traits = learner(name).traits
    assert traits.rule and traits.needs and traits.error_signal and traits.source_doi.startswith("10.")
    assert not traits.spiking and traits.phases in (2, 3) and traits == learner(name, numbers=True).traits


@pytest.mark.parametrize("name", SMALL)
def test_divergence_keeps_what_was_learnt(name):
    x, y = samples()
    found = learner(name, **SMALL[name], optimiser="sgd", learning_rate=0.1, random_state=0).partial_fit(x, y)
    kept = found.predict_proba(x)
    found.learning_rate = 1e300
    with pytest.warns(NumericalWarning, match=r"in epoch 1, the weights of layer \d .* lower learning rate than 1e\+300"):
        found.fit(x, y)
    found.set_params(learning_rate=0.1).fit(x, y)
    assert found.problem_ is None and kept.shape == found.predict_proba(x).shape


def test_inverses_that_diverge_are_named():
    x, y = samples()
    found = learner("target-propagation", **SMALL["target-propagation"], optimiser="sgd", inverse_rate=1e300, random_state=0)
    with pytest.warns(NumericalWarning, match="inverse"):
        found.fit(x, y)
    assert "inverse" in found.problem_


WRONG = {
    "feedback-alignment": [("activation", "rleu"), ("dropout", 1.0), ("feedback_scale", 0.0), ("l2", -1.0),
                           ("optimiser", "adm"), ("learning_rate", 0.0), ("dtype", "int8"),
                           ("hidden_layer_sizes", (3, 0)), ("batch_size", 0), ("initialiser", "glorott"), ("max_iter", 0)],
    "direct-feedback-alignment": [("feedback_scale", -1.0)],
    "equilibrium-propagation": [("activation", "softplus"), ("beta", 0.0), ("beta", 1.0), ("nudging", "symetric"),
                                ("feedback_gain", 0.0), ("free_rounds", 0), ("nudged_rounds", 1.5), ("tolerance", -1.0)],
    "contrastive-hebbian": [("activation", "tan"), ("feedback_gain", -1.0), ("held_rounds", 0), ("free_rounds", None)],
    "target-propagation": [("first_target", "hiden"), ("target_step", 0.0), ("noise", -0.1), ("inverse_rate", 0.0),
                           ("inverse_steps", -1), ("inverse_warmup", 0.5)],
}


@pytest.mark.parametrize("name, parameter, value", [(n, p, v) for n, many in WRONG.items() for p, v in many])
def test_wrong_parameters_are_named(name, parameter, value):
    x, y = samples()
    shown = parameter.replace("_", "[_ ]")
    with pytest.raises(ParameterError, match=shown):
        learner(name, **{**SMALL[name], parameter: value}).fit(x, y)


def test_nearest_probabilities():
    """Probabilities stay as they are; a shift changes nothing; one that is far above takes all; worked by hand."""
    p = np.random.default_rng(0).dirichlet(np.ones(5), 7)
    np.testing.assert_allclose(nearest_probabilities(p), p, atol=1e-15)
    np.testing.assert_allclose(nearest_probabilities(p + 3), p, atol=1e-14)
    np.testing.assert_allclose(nearest_probabilities(np.array([[2.0, 0.5, -1], [0.6, 0.6, -0.4], [1.0, 0.5, 0.0]])),
                               [[1, 0, 0], [0.5, 0.5, 0], [0.75, 0.25, 0]], atol=1e-15)


def digits():
    x, y = load_digits(return_X_y=True)
    return train_test_split(x/16, y, test_size=0.25, stratify=y, random_state=0)


#: epochs that are enough for the accuracy below
LESSONS = {"feedback-alignment": 20, "direct-feedback-alignment": 20, "equilibrium-propagation": 12, "contrastive-hebbian": 12,
           "target-propagation": 10}


@pytest.mark.parametrize("name", LESSONS)
def test_digits_in_short(name):
    """Split and seed are fixed, so that only other roundings could change the number: margin two points, no false alarms."""
    x, unseen, y, expected = digits()
    assert learner(name, max_iter=LESSONS[name], random_state=0).fit(x, y).score(unseen, expected) > 0.94
