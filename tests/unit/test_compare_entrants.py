"""Who takes part in a comparison: names, dotted paths, estimators, and what is set for them."""

from __future__ import annotations

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from neurosim import learning
from neurosim.errors import ParameterError
from neurosim.learning.comparing.entrants import EPOCHS, entrants, split_names, usual_epochs
from neurosim.learning.learners.catalogue import LEARNERS


def test_few_samples_are_shown_more_often():
    assert [usual_epochs(n) for n in (10**6, 1797, 1500, 750, 150, 20, 0)] == [50, 50, 50, 100, 500, 500, 500]


def test_names_are_split_outside_of_brackets_and_quotes():
    text = "a, b.C(x=(1, 2), y='p,q)'),,d[0,1] "
    assert split_names(text) == ["a", "b.C(x=(1, 2), y='p,q)')", "d[0,1]"]


def test_all_ways_to_name_a_learner():
    given = ["backprop, sklearn.svm.SVC(C=10, kernel='linear')", LogisticRegression, SVC(C=3), "backprop(batch_size=7)"]
    found = entrants(given, numbers=False)
    assert [e.label for e in found] == ["backprop", "SVC(C=10, kernel='linear')", "LogisticRegression", "SVC",
                                        "backprop(batch_size=7)"]
    assert [e.label for e in entrants([SVC(C=1), SVC(C=2)], False)] == ["SVC #1", "SVC #2"]
    assert (found[1].estimator.C, found[1].estimator.kernel, found[3].estimator.C) == (10, "linear", 3)
    assert found[4].estimator.batch_size == 7 and found[3].estimator is not given[2]
    assert [e.label for e in entrants({"mine": SVC(), "yours": "sklearn.svm.SVC"}, numbers=False)] == ["mine", "yours"]


def test_all_are_the_catalogue():
    for numbers in (False, True):
        names = [name for name, entry in LEARNERS.items() if not numbers or entry[2] is not None]
        assert [e.label for e in entrants("all", numbers)] == names


def test_nested_estimators_take_part():
    grid = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [1, 10]}, cv=2)
    result = learning.compare("iris", {"grid": grid, "pipe": make_pipeline(MLPClassifier(max_iter=5))}, seeds=1)
    assert result.scores("grid")[0] > 0.9 and [r["failed"] for r in result.records] == [None, None]
    assert result.records[1]["warnings"][0].startswith("Stochastic Optimizer")


def test_epochs():
    def epochs(learner, **options):
        return entrants(learner, False, **options)[0].epochs

    assert epochs(MLPClassifier()) == epochs("backprop") == EPOCHS
    assert epochs(MLPClassifier(max_iter=7)) == 7 and epochs("sklearn.linear_model.SGDClassifier(max_iter=8)") == 8
    assert epochs(MLPClassifier(max_iter=7), epochs=9) == 9
    assert epochs(MLPClassifier(), epochs=9, settings={"MLPClassifier.max_iter": 5}) == 5
    assert epochs("sklearn.linear_model.SGDClassifier(max_iter=8)", epochs=9) == 8
    # no partial_fit, no epochs, or stopping that needs fit
    assert epochs(SVC()) is None and epochs("sklearn.naive_bayes.GaussianNB") is None
    assert epochs(MLPClassifier(early_stopping=True), epochs=9) is None


def test_settings():
    found = entrants(["backprop", MLPClassifier(), SVC()], False, hidden=(9, 8),
                     settings={"batch_size": 16, "backprop.batch_size": 5, "SVC.C": 2.0, "random_state": 1})
    assert [e.estimator.get_params().get("hidden_layer_sizes") for e in found] == [(9, 8), (9, 8), None]
    assert [e.estimator.get_params().get("batch_size") for e in found] == [5, 16, None] and found[2].estimator.C == 2.0
    two = entrants("sklearn.svm.SVC(C=1), sklearn.svm.SVC(C=2)", False, settings={"SVC(C=2).gamma": 0.5, "SVC.kernel": "poly"})
    assert [e.estimator.gamma for e in two] == ["scale", 0.5] and [e.estimator.kernel for e in two] == ["poly", "poly"]


@pytest.mark.parametrize("learners, options, words", [
    ("backpro", {}, "no learner 'backpro'. Did you mean 'backprop'"),
    ("sklearn.svm.LinearSCV", {}, "no class 'LinearSCV'. Did you mean 'LinearSV"),
    ("sklearn.swm.SVC", {}, "'sklearn.swm' cannot be imported"),
    ("sklearn.svm.SVC(CC=1)", {}, "no parameter 'CC'"),
    ("sklearn.svm.SVC(kernl='rbf')", {}, "Did you mean 'kernel'"),
    ("sklearn.svm.SVC(C=open('x'))", {}, "cannot be read"),
    ("sklearn.svm.SVC(10)", {}, "cannot be read"),
    ("sklearn.svm.SVC(C=", {}, "cannot be read"),
    ("backprop(learning_rat=1)", {}, "Did you mean 'learning_rate"),
    ("sklearn.model_selection.GridSearchCV", {}, "cannot be made"),
    ("sklearn.preprocessing.StandardScaler", {}, "no estimator with fit, predict"),
    ("sklearn.svm.SVR", {}, "is a regressor"),
    ("sklearn.svm.SVC", {"numbers": True}, "is a classifier"),
    ("pes", {"numbers": True}, "learns classes only"),
    ([], {}, "No learner"),
    ("backprop", {"settings": {"backpro.x": 1}}, "no learner 'backpro' takes part. Did you mean 'backprop'"),
    ("backprop", {"settings": {"backprop.batchsize": 1}}, "no parameter 'batchsize'. Did you mean 'batch_size'"),
    ("backprop", {"settings": {"batchsize": 1}}, "none of those who take part has the parameter 'batchsize'. Did you mean"),
    ("sklearn.svm.SVC", {"hidden": 3}, "hidden: none of those"),
    ("backprop", {"epochs": 0}, "at least 1"),
    (object(), {}, "no estimator"),
])
def test_wrong_learners(learners, options, words):
    with pytest.raises(ParameterError) as said:
        entrants(learners, **{"numbers": False, **options})
    assert words in str(said.value)
