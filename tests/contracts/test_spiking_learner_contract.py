"""Learners with spikes hold scikit-learn's contract, and that of all learners."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from neurosim.errors import ParameterError
from neurosim.learning.learners.catalogue import LEARNERS, learner

#: small parameters, by name in the catalogue
SMALL = {
    "nef-readout": {"n_neurons": 60},
    "pes": {"n_neurons": 60, "max_iter": 15},
    "stdp-wta": {"n_neurons": 30, "max_iter": 4, "balance": 0.4},
    "tempotron": {"max_iter": 20, "learning_rate": 2.0, "batch_size": 16},
    "liquid-state": {"n_neurons": 50, "alpha": 10.0},
    "reward-stdp": {"per_class": 4, "max_iter": 10},
}
#: those that run networks in every check
LONG = ("stdp-wta", "pes", "liquid-state")
CLASSIFIERS = {name: learner(name, random_state=0, **small) for name, small in SMALL.items()}
REGRESSORS = [learner(name, numbers=True, random_state=0, **small) for name, small in SMALL.items() if LEARNERS[name][2]]


@parametrize_with_checks([*(one for name, one in CLASSIFIERS.items() if name not in LONG), *REGRESSORS])
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([CLASSIFIERS[name] for name in LONG])
def test_scikit_learn_at_length(estimator, check):
    check(estimator)


def samples(n=60, seed=3):
    x, y = make_blobs(n, 5, centers=3, random_state=seed)
    return (x - x.min(axis=0))/np.ptp(x), y


@pytest.mark.parametrize("name", SMALL)
def test_epochs_labels_copies(name):
    """fit with k epochs is k times partial_fit; the seed decides all; labels may be texts; copies answer alike."""
    x, y = samples()
    words = np.array(["one", "two", "three"])[y]
    small = {**SMALL[name], "max_iter": 2, "random_state": 5}
    whole = learner(name, **small).fit(x, words)
    again = learner(name, **small)
    for _ in range(2):
        again.partial_fit(x, words)
    p = whole.predict_proba(x)
    assert set(whole.predict(x)) <= set(words)
    assert np.array_equal(again.predict_proba(x), p) and again.loss_curve_ == whole.loss_curve_
    assert np.array_equal(clone(whole).fit(x, words).predict_proba(x), p)
    assert np.array_equal(pickle.loads(pickle.dumps(whole)).predict_proba(x), p)
    # sums of products may be rounded differently for other numbers of rows
    np.testing.assert_allclose(np.concatenate([whole.predict_proba(x[:7]), whole.predict_proba(x[7:])]), p, atol=1e-9)


@pytest.mark.parametrize("name", SMALL)
def test_cost_in_spikes(name):
    x, y = samples()
    found = learner(name, **{**SMALL[name], "random_state": 0}).fit(x, y).spikes_per_inference(x)
    assert set(found) == {"spikes", "synaptic_events"} and found["spikes"] > 0 and found["synaptic_events"] > 0
    assert all(type(v) is float for v in found.values())


@pytest.mark.parametrize("name", SMALL)
def test_in_pipelines_and_searches(name):
    x, y = samples()
    one, two = ({**SMALL[name], "max_iter": 1, "random_state": 0}, [1, 2])
    line = make_pipeline(StandardScaler(), learner(name, **one))
    step = line.steps[-1][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = GridSearchCV(line, {f"{step}__random_state": two}, cv=2).fit(x, y)
    assert search.best_params_[f"{step}__random_state"] in two


WRONG = {
    "nef-readout": [("n_neurons", 0), ("encoders", "spere"), ("max_rates", (0, 100)), ("max_rates", (100.0, 600.0)),
                    ("intercepts", (0.9, 0.1)), ("intercepts", 0.5), ("noise", 0), ("tau_m", -1.0), ("mode", "spikes"),
                    ("duration", 0)],
    "pes": [("learning_rate", 0), ("learning_rate", 2.5), ("settle", 40.0), ("tau_s", 0), ("mode", 3), ("shown", "long")],
    "stdp-wta": [("n_neurons", 1), ("channels", "off"), ("eta", 1.5), ("slowing", 0), ("balance", 1.0), ("adaptation", -1),
                 ("memory", 0), ("shown", 0), ("rate", -5.0)],
    "tempotron": [("learning_rate", 0), ("momentum", 1.0), ("margin", 0), ("channels", None), ("tau", 3.0), ("step", 80.0),
                  ("window", -1.0)],
    "liquid-state": [("n_neurons", 1), ("strength", -0.1), ("drive", "much"), ("synapses", "fixed"), ("slot", 2.0),
                     ("slots", 0), ("tau_s", 0), ("readout", "svm"), ("alpha", 0)],
    "reward-stdp": [("per_class", 0), ("eta", 0), ("eta", 1.0), ("slowing", 0), ("punishment", -0.1), ("exploration", -1.0),
                    ("adaptation", 0), ("memory", 0), ("channels", "both")],
}


@pytest.mark.parametrize("name, parameter, value", [(n, *pair) for n, pairs in WRONG.items() for pair in pairs])
def test_wrong_parameters_are_named(name, parameter, value):
    x, y = samples()
    with pytest.raises(ParameterError, match=f"{parameter}"):
        broken = learner(name, **{**SMALL[name], parameter: value}).fit(x, y)
        broken.spikes_per_inference(x)
