"""Estimators of backpropagation and predictive coding: what they compute, and what they say to bad input."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from neurosim import autodiff as ad
from neurosim import learning as nl
from neurosim.errors import NumericalWarning, ParameterError
from neurosim.learning.learners.base import Learner
from neurosim.learning.learners.predictive_coding import _nearest_distribution
from neurosim.predictive import PredictiveNetwork, changes, infer

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = (IRIS - IRIS.mean(axis=0))/IRIS.std(axis=0)
KINDS = {"backprop": nl.BackpropClassifier, "predictive coding": nl.PredictiveCodingClassifier}
NUMBERS = {"backprop": nl.BackpropRegressor, "predictive coding": nl.PredictiveCodingRegressor}
both = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
both_numbers = pytest.mark.parametrize("kind", NUMBERS.values(), ids=NUMBERS)
all_four = pytest.mark.parametrize("kind", [*KINDS.values(), *NUMBERS.values()], ids=lambda k: k.__name__)


def small(kind, **options):
    return kind(**{**dict(hidden_layer_sizes=(6,), max_iter=3, random_state=0), **options})


def cosines(a: list[np.ndarray], b: list[np.ndarray]) -> np.ndarray:
    return np.array([np.vdot(p, q)/np.sqrt(np.vdot(p, p)*np.vdot(q, q)) for p, q in zip(a, b)])


# what they compute

@pytest.mark.parametrize("activation, derivative", [("tanh", lambda y: 1 - y*y), ("relu", lambda y: (y > 0)*1.0)])
def test_gradients_of_backprop_are_the_recursion(activation, derivative):
    """Written out for two hidden layers; the same numbers to rounding."""
    one = small(nl.BackpropClassifier, hidden_layer_sizes=(7, 5), activation=activation).fit(IRIS, SPECIES)
    t = np.eye(3)[SPECIES]
    sigma = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[activation]
    y = [IRIS]
    for w, b in zip(one.coefs_[:-1], one.intercepts_[:-1]):
        y.append(sigma(y[-1] @ w + b))
    z = np.exp(y[-1] @ one.coefs_[-1] + one.intercepts_[-1])
    p = z/z.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(one.predict_proba(IRIS), p, rtol=1e-12)
    delta, wanted = (t - p)/len(t), []
    for k in range(2, -1, -1):
        wanted.insert(0, y[k].T @ delta)
        delta = delta @ one.coefs_[k].T*derivative(y[k])
    for a, b in zip(one.layer_gradients(IRIS, SPECIES), wanted):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_an_epoch_of_plain_descent_written_out():
    """SGD with L1 and L2, a batch of all samples: three steps of W <- W - rate (dE/dW + l1 sign W + l2 W), by hand."""
    rate, l1, l2 = 0.05, 0.003, 0.02
    options = dict(hidden_layer_sizes=(), optimiser="sgd", learning_rate=rate, l1=l1, l2=l2, batch_size=150)
    begin = small(nl.BackpropClassifier, **{**options, "learning_rate": 1e-300}, max_iter=1).fit(IRIS, SPECIES)
    w, b = begin.coefs_[0].copy(), begin.intercepts_[0].copy()
    for _ in range(3):
        z = np.exp(IRIS @ w + b)
        d = (z/z.sum(axis=1, keepdims=True) - np.eye(3)[SPECIES])/150
        w, b = w - rate*(IRIS.T @ d + l1*np.sign(w) + l2*w), b - rate*d.sum(axis=0)
    one = small(nl.BackpropClassifier, **options).fit(IRIS, SPECIES)
    np.testing.assert_allclose(one.coefs_[0], w, rtol=1e-11)
    np.testing.assert_allclose(one.intercepts_[0], b, rtol=1e-9, atol=1e-12)


def test_numbers_are_learnt_in_units_of_their_spread():
    """Without hidden layer and with full batches, descent ends at least squares; of the way, 0.7^100 is left at least."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 2))
    y = 400.0 + 30*x[:, 0] - 7*x[:, 1] + rng.standard_normal(80)
    design = np.column_stack([x, np.ones(80)])
    fit = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    for kind in NUMBERS.values():
        one = small(kind, hidden_layer_sizes=(), optimiser="sgd", learning_rate=0.3, batch_size=80, max_iter=100)
        np.testing.assert_allclose(one.fit(x, y).predict(x), fit, atol=1e-3)


@pytest.mark.parametrize("schedule", ["fixed-prediction", "z-il"])
@pytest.mark.parametrize("kind, y", [(nl.PredictiveCodingClassifier, SPECIES), (nl.PredictiveCodingRegressor, IRIS[:, 3])],
                         ids=["classes", "numbers"])
def test_schedules_that_equal_backprop_do_so_through_the_estimator(schedule, kind, y):
    """Updates equal backprop's gradients to rounding, before and after learning; with the autodiff's, too."""
    x = IRIS[:, :3]
    one = small(kind, hidden_layer_sizes=(8, 5), activation="tanh", schedule=schedule).fit(x, y)
    updates, gradients = one.layer_updates(x, y), one.layer_gradients(x, y)
    for a, b in zip(updates, gradients):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(cosines(updates, gradients), 1, atol=1e-12)
    outputs = 3 if kind is nl.PredictiveCodingClassifier else 1
    model = nl.build([nl.Dense(8, "tanh"), nl.Dense(5, "tanh"), nl.Dense(outputs)], 3)
    for k in range(3):
        model.parameters[f"{k}.w"].value[...], model.parameters[f"{k}.b"].value[...] = one.coefs_[k], one.intercepts_[k]
    loss = nl.categorical_cross_entropy if outputs == 3 else nl.squared_error
    loss(model(x), y if outputs == 3 else ((y - y.mean())/y.std())[:, None]).backward()
    for k in range(3):
        np.testing.assert_allclose(updates[k], -model.parameters[f"{k}.w"].grad, rtol=1e-8, atol=1e-13)


def test_at_rest_updates_are_near_the_gradient_and_no_nearer_than_they_should_be():
    """Whittington & Bogacz 2017: errors at rest obey backprop's recursion at states that inference has moved, so that cosines
    are below 1 and tend to 1 as nu of the answer grows, with a difference of 1/nu."""
    apart = []
    for nu in (10.0, 100.0, 1000.0):
        one = small(nl.PredictiveCodingRegressor, hidden_layer_sizes=(8,), activation="tanh", nu=(nu, 1.0), iterations=300,
                    learning_rate=1e-9, max_iter=1).fit(IRIS[:, :3], IRIS[:, 3])
        found = zip(one.layer_updates(IRIS[:, :3], IRIS[:, 3]), one.layer_gradients(IRIS[:, :3], IRIS[:, 3]))
        apart.append(max(np.linalg.norm(a - b)/np.linalg.norm(b) for a, b in found))
    assert 0.01 < apart[0] < 1
    # a tenth, but for what is of second order in 1/nu: less than 1/nu of it with errors of order one
    for nu, first, then in zip((10, 100), apart[:-1], apart[1:]):
        assert then/first == pytest.approx(0.1, rel=5/nu)


def test_default_inference_is_at_rest_but_for_a_percent_or_three():
    """Soon and late in learning: changes after as many steps as by default, and after 1,000."""
    for direction, width in (("discriminative", 0.03), ("generative", 0.03)):
        one = small(nl.PredictiveCodingClassifier, hidden_layer_sizes=(32,), direction=direction)
        for epochs in (1, 20):
            one.set_params(max_iter=epochs).fit(IRIS, SPECIES)
            rest = changes(one.network_, IRIS, SPECIES, iterations=1000, step=0.3).M
            rest = rest[::-1] if direction == "discriminative" else [m.T for m in rest]
            for a, b in zip(one.layer_updates(IRIS, SPECIES), rest):
                assert np.linalg.norm(a - b) < width*np.linalg.norm(b)


def test_the_network_is_that_of_the_room_of_predictive_coding():
    """An epoch with plain descent and one batch is theta <- theta + rate dtheta; an answer is one pass."""
    one = small(nl.PredictiveCodingClassifier, optimiser="sgd", learning_rate=0.1, batch_size=150, max_iter=1, step=0.1,
                iterations=30).fit(IRIS, SPECIES)
    begin = small(nl.PredictiveCodingClassifier, optimiser="sgd", learning_rate=1e-300, batch_size=150, max_iter=1)
    net = begin.fit(IRIS, SPECIES).network_
    assert isinstance(net, PredictiveNetwork) and net.layers == (3, 6, 4) and net.output == "softmax"
    found = changes(net, IRIS, SPECIES, iterations=30, step=0.1)
    for before, change, after in zip(net.parameters, found.arrays, one.network_.parameters):
        np.testing.assert_allclose(before + 0.1*change, after, rtol=1e-9, atol=1e-13)
    assert begin.loss_curve_ == pytest.approx([found.loss])
    np.testing.assert_allclose(one.predict_proba(IRIS), infer(one.network_, IRIS), rtol=1e-12)


def test_generative_networks_answer_with_the_class_of_the_least_energy():
    one = small(nl.PredictiveCodingClassifier, direction="generative", activation="tanh", max_iter=20, learning_rate=0.01)
    p = one.fit(IRIS, SPECIES).predict_proba(IRIS)
    from neurosim.predictive import energies

    f = energies(one.network_, IRIS, iterations=100, tolerance=0.0)
    np.testing.assert_allclose(np.log(p[:, 0]/p[:, 2]), f[:, 2] - f[:, 0], atol=1e-9)
    assert one.score(IRIS, SPECIES) > 0.8


def test_noise_is_added_to_the_data_in_learning_only():
    quiet, noisy = (small(nl.PredictiveCodingClassifier, noise=v).fit(IRIS, SPECIES) for v in (0.0, 0.5))
    assert not np.array_equal(quiet.coefs_[0], noisy.coefs_[0])
    np.testing.assert_array_equal(noisy.predict_proba(IRIS), noisy.predict_proba(IRIS))
    kept = IRIS.copy()
    small(nl.PredictiveCodingClassifier, noise=0.5).fit(kept, SPECIES)
    np.testing.assert_array_equal(kept, IRIS)


def test_nearest_distribution():
    """Against a search over a grid of the simplex of three, 1/200 apart."""
    rng = np.random.default_rng(1)
    mu = np.concatenate([rng.normal(0.3, 1, (40, 3)), [[-1, -2, -3], [0.2, 0.3, 0.5], [5, 5, 5]]])
    p = _nearest_distribution(mu)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p >= 0).all()
    np.testing.assert_allclose(p[-2], [0.2, 0.3, 0.5])
    a, b = np.meshgrid(np.arange(201), np.arange(201))
    grid = np.column_stack([a[a + b <= 200], b[a + b <= 200], 200 - a[a + b <= 200] - b[a + b <= 200]])/200
    best = ((grid[None] - mu[:, None])**2).sum(axis=2).min(axis=1)
    assert (((p - mu)**2).sum(axis=1) <= best + 1e-12).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@all_four
def test_dtypes_stay_what_they_are(kind, dtype):
    one = small(kind, dtype=dtype).fit(IRIS, SPECIES)
    assert all(a.dtype == dtype for a in [*one.coefs_, *one.intercepts_, *one.layer_updates(IRIS, SPECIES)])
    assert one.predict(IRIS).dtype == (int if kind in KINDS.values() else np.float64)


def test_optimisers_by_name_and_by_description():
    for kind in KINDS.values():
        byname = small(kind, optimiser="rmsprop", learning_rate=0.004).fit(IRIS, SPECIES)
        described = small(kind, optimiser=nl.RMSProp(0.004), learning_rate=7.0).fit(IRIS, SPECIES)
        falling = small(kind, optimiser="rmsprop", learning_rate=nl.StepDecay(0.004, 0.5, 1)).fit(IRIS, SPECIES)
        np.testing.assert_array_equal(byname.coefs_[0], described.coefs_[0])
        assert not np.array_equal(byname.coefs_[0], falling.coefs_[0])


def test_a_last_batch_of_one_sample_joins_the_one_before_it_where_a_variance_is_needed():
    one = small(nl.BackpropClassifier, normalisation="batch", batch_size=149).fit(IRIS, SPECIES)
    assert one.n_iter_ == 3
    parts = one._parts(np.arange(33), 2)
    one.batch_size = 16
    assert [len(p) for p in parts] == [33]
    assert [len(p) for p in one._parts(np.arange(33), 2)] == [16, 17]
    assert [len(p) for p in one._parts(np.arange(33))] == [16, 16, 1]
    with pytest.raises(ParameterError, match="there is 1 sample only, which has no variance"):
        one.partial_fit(IRIS[:1], SPECIES[:1])


def test_samples_set_aside_are_a_share_of_each_class_as_far_as_there_are_whole_samples():
    one, rng = small(nl.BackpropClassifier), np.random.default_rng(0)

    def aside(counts: list[int], share: float) -> list[int]:
        t = np.repeat(np.eye(len(counts)), counts, axis=0)
        held = one._drawn(t, share, rng)
        return t[held].sum(axis=0).astype(int).tolist()

    assert aside([50, 30, 20], 0.1) == [5, 3, 2]
    # one at least; a class of one sample keeps it
    assert aside([4, 1], 0.1) == [1, 0]
    # 0.6, 0.6 and 1.8, of which 3 in all
    assert sum(aside([6, 6, 18], 0.1)) == 3 and aside([6, 6, 18], 0.1)[2] == 2
    assert aside([1, 1, 1], 0.4).count(1) == 1


def test_functions_as_activation_and_initialiser():
    one = small(nl.BackpropClassifier, activation=ad.sin, initialiser=lambda shape, rng: rng.normal(0, 0.1, shape))
    assert one.fit(IRIS, SPECIES).n_iter_ == 3


def test_layers_are_named_where_a_rule_has_none_to_compare():
    class Bare(Learner):
        _begin = _epoch = _output = _learnt = _targets = _score = None

        def _compared(self, X, y):
            return X, y

    with pytest.raises(ParameterError, match="Bare: has no layers"):
        Bare().layer_updates(1, 2)
    with pytest.raises(ParameterError, match="Bare: has no layers"):
        Bare().layer_gradients(1, 2)


# what they say to bad input

@all_four
@pytest.mark.parametrize("change, words", [
    (lambda x, y: (np.where(x == x[3, 2], np.nan, x), y), "contains NaN"),
    (lambda x, y: (np.where(x == x[3, 2], np.inf, x), y), "contains infinity"),
    (lambda x, y: (x[:, 0], y), "Expected 2D array"),
    (lambda x, y: (x, y[:9]), "inconsistent numbers of samples"),
    (lambda x, y: (x.astype(str).astype(object) + "cm", y), "could not convert string to float"),
    (lambda x, y: (x[:0], y[:0]), "0 sample"),
])
def test_samples_that_are_none(kind, change, words):
    with pytest.raises(ValueError, match=words):
        small(kind).fit(*change(IRIS, SPECIES))


@both
def test_classes_that_are_none(kind):
    with pytest.raises(ValueError, match="1 class only, 0"):
        small(kind).fit(IRIS[:50], SPECIES[:50])
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        small(kind).fit(IRIS, IRIS[:, 0])
    one = small(kind).fit(IRIS[:100], SPECIES[:100])
    with pytest.raises(ValueError, match=r"classes that were not there at first: \[2\]"):
        one.partial_fit(IRIS, SPECIES)
    with pytest.raises(ValueError, match="were not there at first"):
        one.layer_updates(IRIS, SPECIES)
    with pytest.raises(ValueError, match="classes differ from those of the first call"):
        one.partial_fit(IRIS[:100], SPECIES[:100], classes=[0, 1, 2])
    with pytest.raises(ValueError, match="X has 3 features, but"):
        one.predict(IRIS[:, :3])
    two = small(kind).partial_fit(IRIS[:50], SPECIES[:50], classes=[0, 1, 2]).partial_fit(IRIS, SPECIES)
    assert two.predict_proba(IRIS).shape == (150, 3)


@both_numbers
def test_numbers_that_are_none(kind):
    with pytest.raises(ValueError, match="Input y contains NaN"):
        small(kind).fit(IRIS, np.where(SPECIES == 2, np.nan, 1.0))
    with pytest.raises(ValueError, match="could not convert string to float"):
        small(kind).fit(IRIS, np.array(["a", "b", "c"])[SPECIES])
    one = small(kind).fit(IRIS, SPECIES)
    with pytest.raises(ValueError, match="y has 2 columns, but 1 at first"):
        one.partial_fit(IRIS, IRIS[:, :2])


COMMON = [
    (dict(hidden_layer_sizes=(5, 0)), r"hidden_layer_sizes must be whole numbers of at least 1 such as \(100, 50\)"),
    (dict(hidden_layer_sizes=2.5), "hidden_layer_sizes"),
    (dict(activation="rellu"), "Did you mean 'relu'"),
    (dict(optimiser="adman"), "no optimiser 'adman'. Did you mean 'adam'"),
    (dict(optimiser=3), "no optimiser 3"),
    (dict(learning_rate=-0.1), "learning_rate must be a number above 0, not -0.1"),
    (dict(learning_rate="fast"), "learning_rate must be a number above 0, not 'fast'"),
    (dict(learning_rate=np.nan), "learning_rate"),
    (dict(l1=-1), "l1 must be a number of at least 0"),
    (dict(l2=-1), "l2 must be a number of at least 0"),
    (dict(clip=0), "clip must be a number above 0"),
    (dict(dtype="float16"), "dtype must be one of"),
    (dict(max_iter=0), "max_iter must be a whole number of at least 1"),
    (dict(batch_size=0), "batch_size"),
    (dict(early_stopping=True, validation_fraction=1.0), "validation_fraction must be a number above 0 and below 1"),
    (dict(early_stopping=True, validation_fraction=0.999), "150 samples leaves none for learning"),
    (dict(early_stopping=True, n_iter_no_change=0), "n_iter_no_change"),
    (dict(random_state="x"), "cannot be used to seed"),
]


@pytest.mark.parametrize("n", [3, 4, 10])
def test_early_stopping_with_few_samples(n):
    """A score needs one sample of classes, two of numbers; what learning needs is never taken for it."""
    x = IRIS[:n]
    some = small(nl.BackpropRegressor, early_stopping=True).fit(x, x[:, 0])
    assert len(some.validation_scores_) == 3 and np.isfinite(some.validation_scores_).all()
    assert len(small(nl.BackpropClassifier, early_stopping=True).fit(x, np.arange(n) % 2).validation_scores_) == 3
    with pytest.raises(ValueError, match="2 samples leaves none of class 0 for learning. Give more samples"):
        small(nl.BackpropClassifier, early_stopping=True).fit(x[:2], [0, 1])
    with pytest.raises(ValueError, match="2 samples leaves none for learning; validation needs 2 at least"):
        small(nl.BackpropRegressor, early_stopping=True).fit(x[:2], x[:2, 0])


@both
@pytest.mark.parametrize("options, words", COMMON, ids=lambda v: next(iter(v)) if isinstance(v, dict) else "")
def test_common_parameters_that_are_none(kind, options, words):
    with pytest.raises(ValueError, match=words):
        small(kind, **options).fit(IRIS, SPECIES)


@pytest.mark.parametrize("kind, options, words", [
    (nl.BackpropClassifier, dict(dropout=1.0), "dropout must be a number of at least 0 and below 1, not 1.0"),
    (nl.BackpropClassifier, dict(normalisation="bach"), "no normalisation 'bach'. Did you mean 'batch'"),
    (nl.BackpropClassifier, dict(initialiser="hee"), "Did you mean 'he'"),
    (nl.PredictiveCodingClassifier, dict(schedule="rests"), "no schedule 'rests'. Did you mean 'rest'"),
    (nl.PredictiveCodingClassifier, dict(iterations=0), "iterations must be a whole number of at least 1"),
    (nl.PredictiveCodingClassifier, dict(step=0), "step must be a number above 0"),
    (nl.PredictiveCodingClassifier, dict(schedule="z-il", iterations=7), "z-il takes exactly one step"),
    (nl.PredictiveCodingClassifier, dict(direction="up"), "direction must be one of"),
    (nl.PredictiveCodingClassifier, dict(output="softmaxx"), "Did you mean 'softmax'"),
    (nl.PredictiveCodingClassifier, dict(nu=-1.0), "nu of layer 0 must be positive"),
    (nl.PredictiveCodingClassifier, dict(feedback="none"), "feedback must be one of"),
    (nl.PredictiveCodingClassifier, dict(noise=-1), "noise must be a number of at least 0"),
    (nl.PredictiveCodingRegressor, dict(output="softmax"), "output='softmax' is for probabilities"),
    (nl.PredictiveCodingClassifier, dict(direction="generative", output="logistic"), "values lie between 0 and 1"),
])
def test_own_parameters_that_are_none(kind, options, words):
    with pytest.raises(ValueError, match=words):
        small(kind, **options).fit(IRIS, SPECIES)


@pytest.mark.parametrize("kind, options, words", [
    (nl.BackpropClassifier, {}, r"in epoch 4, the loss is .*first not finite: .*layer \d \(Dense.*Use a lower learning rate"),
    (nl.BackpropRegressor, {}, r"in epoch \d+, the loss is .*layer \d+ \(Dense.*Use a lower learning rate"),
    (nl.PredictiveCodingClassifier, dict(output="linear"), r"in epoch \d+, .*Use a learning rate below .*shorter step"),
    (nl.PredictiveCodingRegressor, dict(schedule="z-il"), r"in epoch \d+, .*Use a learning rate below"),
], ids=["backprop", "backprop numbers", "rest numbers", "z-il numbers"])
def test_divergence_is_told_of_and_what_was_learnt_before_is_kept(kind, options, words):
    """Good epochs first, then a rate at which nothing stays finite."""
    one = small(kind, optimiser="sgd", learning_rate=0.01, hidden_layer_sizes=(6, 5), **options).fit(IRIS, SPECIES)
    kept, answers = [a.copy() for a in one._learnt()], one.predict(IRIS)
    one._descent.optimiser = nl.SGD(1e200)
    # the rule is bound to the arrays by now
    one._descent._bind()
    with pytest.warns(NumericalWarning, match=words) as said:
        one.partial_fit(IRIS, SPECIES)
    assert len(said) == 1 and "Learning stops with what was learnt before this epoch" in str(said[0].message)
    assert "in epoch 4" in one.problem_ and one.n_iter_ == 3
    for a, b in zip(kept, one._learnt()):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.predict(IRIS), answers)


def test_divergence_in_the_first_epoch_names_the_layer_and_leaves_a_network_that_answers():
    with pytest.warns(NumericalWarning, match=r"in epoch 1, the weights of layer 0 \(4 to 6 units from the data on\)"):
        one = small(nl.PredictiveCodingClassifier, optimiser="sgd", learning_rate=1e308, batch_size=150, l2=10.0, max_iter=9,
                    activation="tanh").fit(IRIS, SPECIES)
    assert one.n_iter_ == 1 and np.isfinite(one.predict_proba(IRIS)).all()
    with pytest.warns(NumericalWarning, match="in epoch 1, the loss is .*layer 0 \\(Dense"):
        two = small(nl.BackpropClassifier, optimiser="sgd", learning_rate=1e308, l2=10.0).fit(IRIS, SPECIES)
    assert np.isfinite(two.predict_proba(IRIS)).all() and clone(two).learning_rate == 1e308
