"""Training: what stops it, what it keeps, and that it is the same when it is taken up again."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest

from neurosim import learning as nl
from neurosim.errors import NumericalWarning, ParameterError, StorageError

RNG = np.random.default_rng


def clouds(n=120, seed=0):
    """Return two clouds of points in the plane, two standard deviations from each other, and their labels."""
    t = np.arange(n) % 2
    return RNG(seed).standard_normal((n, 2)) + 2*t[:, np.newaxis], t


def small(seed=0, dtype="float64", dropout=0.0):
    """Return a small classifier with everything that carries numbers."""
    return nl.build([nl.Dense(8, "tanh"), nl.BatchNorm(), nl.Dropout(dropout), nl.Dense(2)], 2, seed, dtype)


def numbers(model):
    """Return all numbers of a model as one array."""
    return np.concatenate([v.ravel() for v in model.arrays().values()])


def fit(model, epochs=5, **options):
    """Train on the clouds."""
    options = {"optimiser": nl.Adam(0.01), "batch": 16, "progress": False, **options}
    return nl.train(model, *clouds(), nl.categorical_cross_entropy, epochs=epochs, **options)


def test_the_loss_falls_and_the_course_is_kept():
    model = small()
    history = fit(model, 20, validation=0.25, metric=nl.accuracy)
    for course in (history.loss, history.validation_loss, history.metric, history.validation_metric, history.rate,
                   history.seconds,
                   *history.gradient_norms.values()):
        assert len(course) == history.epochs == 20
    assert history.loss[-1] < 0.5*history.loss[0]
    assert history.completed and history.stopped == "epochs" and history.problem is None
    # Bayes error of the clouds is 1 - Phi(sqrt 2) = 0.08; 30 held-out samples of it below 0.7 happen once in 20,000 seeds
    assert history.validation_metric[-1] > 0.7
    assert set(history.gradient_norms) == set(model.parameters)
    assert nl.History.from_json(history.to_json()) == history
    assert history.seconds_to(history.validation_loss[3]) <= sum(history.seconds[:4])
    assert np.isnan(history.seconds_to(-1.0))


def test_one_batch_is_gradient_descent():
    """A linear model, the whole data as one batch: the very iteration w <- w - rate X^T (X w - t)/n."""
    x, t = RNG(0).standard_normal((30, 3)), RNG(1).standard_normal((30, 2))
    model = nl.build([nl.Dense(2, bias=False)], 3, seed=1)
    w = model.parameters["0.w"].value.copy()
    history = nl.train(model, x, t, nl.squared_error, nl.SGD(0.3), epochs=25, batch=30, progress=False)
    for k in range(25):
        assert history.loss[k] == pytest.approx(0.5*((x @ w - t)**2).sum()/30, rel=1e-12)
        w = w - 0.3*x.T @ (x @ w - t)/30
    np.testing.assert_allclose(model.parameters["0.w"].value, w, rtol=1e-12, atol=1e-12)


def test_linear_regression_ends_at_least_squares():
    """With L2 of l the limit is (X^T X/n + l)^-1 X^T t/n; the slowest mode shrinks below 1e-9 in 300 steps."""
    x, t = RNG(0).standard_normal((200, 3)), RNG(1).standard_normal((200, 1))
    model = nl.build([nl.Dense(1, bias=False)], 3)
    nl.train(model, x, t, nl.squared_error, nl.SGD(0.5), epochs=300, batch=200, l2=0.1, progress=False)
    expected = np.linalg.solve(x.T @ x/200 + 0.1*np.eye(3), x.T @ t/200)
    np.testing.assert_allclose(model.parameters["0.w"].value, expected, rtol=1e-8, atol=1e-9)


def test_seeds():
    runs = []
    for seed in (0, 0, 1):
        model = small(dropout=0.3)
        fit(model, seed=seed)
        runs.append(numbers(model))
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


def test_float32():
    model = small(dtype="float32")
    history = fit(model, validation=0.2, l2=1e-3, l1=1e-4, clip=1.0)
    assert all(v.value.dtype == np.float32 for v in model.parameters.values()) and history.epochs == 5
    assert model.predict(clouds()[0]).dtype == np.float32


class TestEarlyStopping:
    """Patience, and which model is kept."""

    def test_keeps_the_best(self):
        """Validation targets that contradict training: the first epoch is the best one, and is taken back."""
        x, t = clouds()
        model, after = small(), []
        history = fit(model, 50, validation=(x, 1 - t), patience=4, after_epoch=lambda k, h: after.append(numbers(model)))
        assert history.best_epoch == 0 and history.epochs == 5 and history.stopped == "early" and history.completed
        assert np.array_equal(numbers(model), after[0]) and not np.array_equal(after[4], after[0])
        loss, _ = nl.evaluate(model, x, 1 - t, nl.categorical_cross_entropy)
        assert loss == min(history.validation_loss) == history.validation_loss[0]

    def test_least_progress(self):
        """An infinite demand: nothing after the first epoch counts as progress."""
        history = fit(small(), 50, validation=0.2, patience=3, least=1e9)
        assert history.best_epoch == 0 and history.epochs == 4

    def test_without_patience_the_last_model_stays(self):
        x, t = clouds()
        model, after = small(), []
        history = fit(model, 3, validation=(x, 1 - t), after_epoch=lambda k, h: after.append(numbers(model)))
        assert history.best_epoch == 0 and np.array_equal(numbers(model), after[2])

    def test_callback_stops(self):
        history = fit(small(), 50, after_epoch=lambda k, h: k == 2)
        assert history.epochs == 3 and history.stopped == "callback" and history.completed


class TestCheckpoints:
    """Files that go round, and those that do not."""

    @pytest.mark.parametrize("optimiser", [nl.Adam(0.01), nl.Nesterov(nl.CosineDecay(0.05, 6)), nl.SGD(0.1)])
    def test_a_resumed_training_is_the_same(self, tmp_path, optimiser):
        """To the bit: weights, running means, losses, the best model."""
        options = {"optimiser": optimiser, "validation": 0.2, "patience": 50, "l2": 1e-3}
        whole = small(dropout=0.2)
        straight = fit(whole, 6, **options)
        path = tmp_path / "run.h5"
        first = fit(small(dropout=0.2), 2, checkpoint=path, **options)
        assert first.epochs == 2 and path.exists() and os.listdir(tmp_path) == ["run.h5"]
        model = small(seed=9, dropout=0.2)
        resumed = fit(model, 6, checkpoint=path, resume=True, **options)
        assert resumed.loss == straight.loss and resumed.validation_loss == straight.validation_loss
        assert resumed.gradient_norms == straight.gradient_norms and resumed.best_epoch == straight.best_epoch
        assert np.array_equal(numbers(model), numbers(whole))
        # all done: nothing more happens
        again = fit(model, 6, checkpoint=path, resume=True, **options)
        assert again.loss == straight.loss and np.array_equal(numbers(model), numbers(whole))

    def test_another_training_is_refused(self, tmp_path):
        path = tmp_path / "run.h5"
        fit(small(), 1, checkpoint=path)
        with pytest.raises(StorageError, match=r"another training.*batch 16.*batch 32.*leave resume out"):
            fit(small(), 2, batch=32, checkpoint=path, resume=True)
        with pytest.raises(StorageError, match=r"another model.*Build the model"):
            fit(nl.build([nl.Dense(2)], 2), 2, checkpoint=path, resume=True)
        # without resume the file is written anew
        assert fit(small(), 1, batch=32, checkpoint=path).epochs == 1

    def test_resume_without_a_file_begins(self, tmp_path):
        assert fit(small(), 2, checkpoint=tmp_path / "deep" / "run.h5", resume=True, every=2).epochs == 2
        with pytest.raises(ParameterError, match="resume needs checkpoint"):
            fit(small(), 1, resume=True)

    def test_models_go_round(self, tmp_path):
        x = clouds()[0]
        model = small()
        fit(model)
        nl.save_model(model, tmp_path / "model.h5")
        assert np.array_equal(nl.load_model(small(seed=5), tmp_path / "model.h5").predict(x), model.predict(x))
        with pytest.raises(StorageError, match=r"another model.*float64.*float32"):
            nl.load_model(small(dtype="float32"), tmp_path / "model.h5")

    @pytest.mark.parametrize("damage", ["text", "cut", "flipped", "foreign", "newer", "group", "absent"])
    def test_damaged_files(self, tmp_path, damage):
        path = tmp_path / "model.h5"
        model = nl.build([nl.Dense(64)], 64)
        nl.save_model(model, path)
        whole = path.read_bytes()
        if damage == "text":
            path.write_text("weights: 1, 2, 3")
        elif damage == "cut":
            path.write_bytes(whole[:len(whole)//2])
        elif damage == "flipped":
            place = whole.index(model.parameters["0.w"].value.tobytes()[800:816])
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
        elif damage == "absent":
            path.unlink()
        else:
            with h5py.File(path, "a") as file:
                if damage == "foreign":
                    del file.attrs["format"]
                elif damage == "newer":
                    file.attrs["version"] = 99
                else:
                    del file["optimiser"]
        shown = {"absent": "no such file", "foreign": "no model of neurosim", "newer": "newer neurosim"}.get(damage, "damaged")
        before = numbers(model)
        with pytest.raises(StorageError, match=shown):
            nl.load_model(model, path)
        assert np.array_equal(numbers(model), before)

    def test_a_folder_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StorageError, match="cannot be written"):
            nl.save_model(small(), tmp_path / "file" / "model.h5")

    def test_large_and_empty_arrays(self, tmp_path):
        model = nl.build([nl.Dense(1100)], 1000, dtype="float32")
        nl.save_model(model, tmp_path / "model.h5")
        other = nl.load_model(nl.build([nl.Dense(1100)], 1000, seed=1, dtype="float32"), tmp_path / "model.h5")
        assert np.array_equal(numbers(model), numbers(other))


class TestDivergence:
    """Numbers explode: where, when, what helps, and what is kept."""

    def test_stops_and_keeps_what_was_learnt(self):
        x, t = clouds()
        model = nl.build([nl.Dense(8, "relu"), nl.Dense(1)], 2)
        after = []

        def explode(k, history):
            after.append(numbers(model))
            if k == 2:
                x_now = model.parameters["0.w"].value
                x_now[...] *= 1e160

        shown = (r"stopped in epoch 3: the loss is inf, first not finite: the loss; outputs grow most in layer 0 \(Dense.*"
                 r"before this epoch is kept.*lower learning rate \(now 0.1\)")
        with pytest.warns(NumericalWarning, match=shown):
            history = nl.train(model, x, t[:, np.newaxis]*1.0, nl.squared_error, nl.SGD(0.1), epochs=9, progress=False,
                               after_epoch=explode)
        assert history.epochs == 3 and history.stopped == "diverged" and not history.completed and "epoch 3" in history.problem
        assert np.array_equal(numbers(model), after[2])

    def test_a_rate_that_is_too_large(self):
        """Least squares with a rate far above 2/lambda: overflow within some steps; the model stays finite."""
        x = 1000*RNG(0).standard_normal((64, 3))
        # the loss, a square, overflows before the outputs
        model = nl.build([nl.Dense(4), nl.Dense(1)], 3)
        shown = r"the loss; outputs grow most in layer \d \(Dense, where.*standardise the inputs, which reach \d+"
        with pytest.warns(NumericalWarning, match=shown):
            history = nl.train(model, x, x[:, :1], nl.squared_error, nl.SGD(10.0), epochs=50, batch=8, progress=False)
        assert history.stopped == "diverged" and np.isfinite(numbers(model)).all() and len(history.loss) == history.epochs

    def test_the_best_model_is_taken_back(self):
        model, best = small(), []

        def after(k, history):
            if k == 1:
                best.append(numbers(model))
                model.parameters["3.w"].value[0, 0] = np.nan

        with pytest.warns(NumericalWarning, match=r"weights of layer 3 \(Dense, parameter '3.w'\)"):
            history = fit(model, 9, validation=0.2, patience=9, after_epoch=after)
        assert history.epochs == 2 and np.isfinite(numbers(model)).all()
        if history.best_epoch == 1:
            assert np.array_equal(numbers(model), best[0])

    def test_validation_alone_explodes(self):
        x, t = clouds()
        far = x.copy()
        far[0] = 1e200
        model = nl.build([nl.Dense(1), nl.Dense(1)], 2)
        with pytest.warns(NumericalWarning, match="epoch 0"):
            history = nl.train(model, x, t[:, np.newaxis]*1.0, nl.squared_error, nl.SGD(0.01), epochs=3, progress=False,
                               validation=(far, t[:, np.newaxis]*1.0))
        assert history.epochs == 0 and history.validation_loss == [] and history.gradient_norms["0.w"] == []

    def test_interrupted(self):
        model, after, calls = small(), [], []

        def loss(z, t):
            calls.append(1)
            if len(calls) == 20:
                raise KeyboardInterrupt
            return nl.categorical_cross_entropy(z, t)

        history = nl.train(model, *clouds(), loss, batch=16, epochs=9, progress=False,
                           after_epoch=lambda k, h: after.append(numbers(model)))
        # eight batches an epoch
        assert history.stopped == "interrupted" and history.epochs == 2 and "epoch 2" in history.problem
        assert np.array_equal(numbers(model), after[1])


class TestBadInput:
    """Errors that say what, where and the remedy."""

    @pytest.mark.parametrize("x, t, options, shown", [
        ([[1, np.nan], [1, 2]], [0, 1], {}, "x: NaN or infinity in row 0"),
        ([[1, 2], [1, 2]], [0.0, np.inf], {}, "t: NaN or infinity in row 1"),
        ([[1, 2]], [0, 1], {}, "1 and 2 rows"), ([["a", "b"]], [0], {}, "x: must be numbers"),
        ([[1, 2]], ["a"], {}, "t: must be numbers"),
        (np.ones((0, 2)), [], {}, "no samples"), (3.0, 1, {}, "single number"),
        (np.ones((4, 3)), np.zeros(4, int), {}, "(n, 2) is needed"),
        (np.ones((4, 2)), np.zeros(4, int), {"batch": 0}, "batch"),
        (np.ones((4, 2)), np.zeros(4, int), {"epochs": -1}, "epochs"),
        (np.ones((4, 2)), np.zeros(4, int), {"patience": 3}, "patience needs validation"),
        (np.ones((4, 2)), np.zeros(4, int), {"validation": 1.5}, "between 0 and 1"),
        (np.ones((4, 2)), np.zeros(4, int), {"validation": 0.1}, "both parts need samples"),
        (np.ones((4, 2)), np.zeros(4, int), {"validation": (np.ones((1, 2)), [np.nan])}, "validation targets: NaN"),
        (np.ones((4, 2)), np.full(4, 2), {}, "classes from 2 to 2 for 2 outputs"),
        (np.ones((4, 2)), np.zeros(4, int), {"optimiser": "adam"}, "no optimiser"),
    ])
    def test_messages(self, x, t, options, shown):
        with pytest.raises(ParameterError) as error:
            nl.train(small(), x, t, nl.categorical_cross_entropy, progress=False, **options)
        assert shown in str(error.value)

    def test_no_epochs(self):
        model = small()
        before = numbers(model)
        assert fit(model, 0).epochs == 0 and np.array_equal(numbers(model), before)

    def test_evaluate(self):
        x, t = clouds()
        model = small()
        loss, score = nl.evaluate(model, x, t, nl.categorical_cross_entropy, nl.accuracy, batch=7)
        assert loss == pytest.approx(nl.categorical_cross_entropy(model(x), t).item(), rel=1e-12)
        assert score == pytest.approx(nl.accuracy(model(x), t)) and np.isnan(nl.evaluate(model, x, t,
                                                                                         nl.categorical_cross_entropy)[1])
        with pytest.raises(ParameterError, match="no samples"):
            nl.evaluate(model, x[:0], t[:0], nl.categorical_cross_entropy)


def test_progress_bar(capsys):
    fit(small(), 3, progress=True)
    assert "training" in capsys.readouterr().err
    fit(small(), 3, progress=False)
    assert capsys.readouterr().err == ""


def test_images_and_sequences_are_learnt():
    """Bars across or upright; the sign of the first element of a sequence: both are learnt to the last sample."""
    rng = RNG(0)
    t = np.arange(60) % 2
    x = 0.1*rng.standard_normal((60, 6, 6, 1))
    for k, place in enumerate(rng.integers(0, 6, 60)):
        x[k][(place, slice(None)) if t[k] else (slice(None), place)] += 1
    model = nl.build([nl.Conv2D(4, 3, padding="same", activation="relu"), nl.MaxPool2D(2), nl.Flatten(), nl.Dense(2)],
                     (6, 6, 1))
    history = nl.train(model, x, t, nl.categorical_cross_entropy, nl.Adam(0.02), epochs=25, batch=20, metric=nl.accuracy,
                       progress=False)
    assert history.metric[-1] == 1
    x = rng.standard_normal((60, 3, 1))
    t = (x[:, 0, 0] > 0).astype(int)
    for layer in (nl.GRU(8), nl.MinGRU(8)):
        model = nl.build([layer, nl.Dense(2)], (None, 1), seed=1)
        history = nl.train(model, x, t, nl.categorical_cross_entropy, nl.Adam(0.03), epochs=100, batch=60, progress=False)
        assert history.loss[-1] < 0.5*history.loss[0]
