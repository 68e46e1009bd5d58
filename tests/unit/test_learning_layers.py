"""Layers against their formulas, written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurosim import autodiff as ad
from neurosim import learning as nl
from neurosim.errors import ParameterError
from neurosim.learning.initialisers import INITIALISERS

RNG = np.random.default_rng


def sigmoid(x):
    return 1/(1 + np.exp(-x))


def test_delta_recurrences():
    """dE/dz^l = sigma'(z^l) o (dE/dz^(l+1) W^T), dE/dW = h^T dE/dz, for three layers of logistic units, batched."""
    model = nl.build([nl.Dense(5, "logistic"), nl.Dense(4, "logistic"), nl.Dense(3)], 6, seed=1)
    x, t = RNG(0).standard_normal((7, 6)), RNG(1).integers(0, 3, 7)
    w = [model.parameters[f"{k}.w"].value for k in range(3)]
    h = [x]
    for k in range(2):
        h.append(sigmoid(h[-1] @ w[k]))
    z = h[-1] @ w[2]
    y = np.exp(z)/np.exp(z).sum(1, keepdims=True)
    loss = nl.categorical_cross_entropy(model(x), t)
    loss.backward()
    assert loss.item() == pytest.approx(-np.log(y[np.arange(7), t]).mean(), rel=1e-14)
    delta = (y - np.eye(3)[t])/7
    for k in (2, 1, 0):
        # sums of seven terms of order one
        np.testing.assert_allclose(model.parameters[f"{k}.w"].grad, h[k].T @ delta, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(model.parameters[f"{k}.b"].grad, delta.sum(0), rtol=1e-12, atol=1e-15)
        delta = h[k]*(1 - h[k])*(delta @ w[k].T)


class TestBatchNorm:
    """Training uses the batch, use the running numbers."""

    def test_formulas(self):
        model = nl.build([nl.BatchNorm(momentum=0.8, epsilon=0.01)], 3)
        gain, offset = np.array([1.0, 2, -1]), np.array([0.0, 1, 2])
        model.load({**model.arrays(), "0.gain": gain, "0.offset": offset})
        mean, variance = np.zeros(3), np.ones(3)
        for k in range(3):
            x = RNG(k).standard_normal((5, 3))*[1, 2, 3] + k
            y = model(x, training=True).value
            np.testing.assert_allclose(y, gain*(x - x.mean(0))/np.sqrt(x.var(0) + 0.01) + offset, rtol=1e-12, atol=1e-12)
            mean, variance = 0.8*mean + 0.2*x.mean(0), 0.8*variance + 0.2*x.var(0, ddof=1)
        np.testing.assert_allclose(model.memory["0.mean"], mean, rtol=1e-13)
        np.testing.assert_allclose(model.memory["0.variance"], variance, rtol=1e-13)
        np.testing.assert_allclose(model.predict(x), gain*(x - mean)/np.sqrt(variance + 0.01) + offset, rtol=1e-12, atol=1e-12)
        before = model.memory["0.mean"].copy()
        model(x)
        assert np.array_equal(before, model.memory["0.mean"])

    def test_images_are_normalised_by_channel(self):
        x = RNG(0).standard_normal((4, 3, 2, 5))*3 + 1
        y = nl.build([nl.BatchNorm()], (3, 2, 5))(x, training=True).value
        np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-14)
        np.testing.assert_allclose(y.std((0, 1, 2)), 1, rtol=1e-5)

    def test_one_sample_has_no_variance(self):
        with pytest.raises(ParameterError, match="larger batches"):
            nl.build([nl.BatchNorm()], 3)(np.ones((1, 3)), training=True)


def test_layer_norm():
    x = RNG(0).standard_normal((4, 6))*5 + 2
    y = nl.build([nl.LayerNorm(epsilon=1e-3)], 6)(x).value
    expected = (x - x.mean(1, keepdims=True))/np.sqrt(x.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)


class TestDropout:
    """What is dropped, and what is kept."""

    def test_share_and_mean(self):
        """200,000 independent elements: false alarms below 1e-9 a run (binomial), the seed is fixed."""
        n, p = 200_000, 0.3
        y = nl.build([nl.Dropout(p)], n)(np.ones((1, n)), training=True, rng=RNG(4)).value
        dropped = int((y == 0).sum())
        assert stats.binomtest(dropped, n, p).pvalue > 1e-9
        assert set(np.unique(y)) == {0.0, 1/(1 - p)}

    def test_use_is_the_identity(self):
        x = RNG(0).standard_normal((3, 4))
        model = nl.build([nl.Dropout(0.9)], 4)
        assert np.array_equal(model.predict(x), x) and np.array_equal(model(x).value, x)

    def test_the_gradient_goes_where_the_signal_went(self):
        x = ad.Var(np.ones((2, 50)))
        y = nl.build([nl.Dropout(0.5)], 50)(x, training=True, rng=RNG(0))
        y.sum().backward()
        assert np.array_equal(x.grad, y.value)

    def test_errors(self):
        with pytest.raises(ParameterError, match="p=1"):
            nl.Dropout(1.0)
        with pytest.raises(ParameterError, match="rng=generator"):
            nl.build([nl.Dropout(0.5)], 2)(np.ones((1, 2)), training=True)


class TestRecurrent:
    """Step by step, as the equations say."""

    x = RNG(0).standard_normal((3, 6, 4))

    @pytest.mark.parametrize("sequence", [False, True])
    def test_plain(self, sequence):
        model = nl.build([nl.Recurrent(5, sequence=sequence)], (None, 4), seed=2)
        w, u, b = (model.parameters[f"0.{k}"].value for k in "wub")
        h, states = np.zeros((3, 5)), []
        for t in range(6):
            h = np.tanh(self.x[:, t] @ w + h @ u + b)
            states.append(h)
        np.testing.assert_allclose(model(self.x).value, np.stack(states, 1) if sequence else h, rtol=1e-13, atol=1e-14)

    def test_gru(self):
        model = nl.build([nl.GRU(5)], (6, 4), seed=2)
        w, u, b = (model.parameters[f"0.{k}"].value for k in "wub")
        b += RNG(3).standard_normal(15)
        (wg, wr, wc), (ug, ur, uc), (bg, br, bc) = np.split(w, 3, 1), np.split(u, 3, 1), np.split(b, 3)
        h = np.zeros((3, 5))
        for t in range(6):
            x = self.x[:, t]
            g, r = sigmoid(x @ wg + h @ ug + bg), sigmoid(x @ wr + h @ ur + br)
            h = g*np.tanh(x @ wc + (r*h) @ uc + bc) + (1 - g)*h
        np.testing.assert_allclose(model(self.x).value, h, rtol=1e-13, atol=1e-14)

    @pytest.mark.parametrize("steps", [1, 2, 3, 17, 64, 100])
    def test_the_scan_of_mingru_is_the_loop(self, steps):
        """Values and gradients; all factors are between 0 and 1, so that rounding does not grow."""
        x = RNG(1).standard_normal((2, steps, 4))
        grads = []
        for scan in (True, False):
            model = nl.build([nl.MinGRU(5, sequence=True, scan=scan)], (None, 4), seed=2)
            y = model(x)
            y.backward(np.cos(np.arange(y.size)).reshape(y.shape))
            grads.append([y.value, *(v.grad for v in model.parameters.values())])
        for p, q in zip(*grads):
            np.testing.assert_allclose(p, q, rtol=1e-12, atol=1e-12)

    def test_mingru(self):
        model = nl.build([nl.MinGRU(5)], (6, 4), seed=2)
        (wg, wc) = np.split(model.parameters["0.w"].value, 2, 1)
        h = np.zeros((3, 5))
        for t in range(6):
            g = sigmoid(self.x[:, t] @ wg)
            h = (1 - g)*h + g*(self.x[:, t] @ wc)
        np.testing.assert_allclose(model(self.x).value, h, rtol=1e-13, atol=1e-14)

    def test_truncated_gradients(self):
        """With truncate=2 and five linear steps the last state sees inputs 4 and 5 only."""
        x = ad.Var(RNG(0).standard_normal((1, 5, 2)))
        for truncate, seen in ((None, 5), (2, 1), (4, 1), (3, 2)):
            model = nl.build([nl.Recurrent(3, "linear", truncate=truncate)], (5, 2))
            x.zero_grad()
            model(x).sum().backward()
            assert int(np.any(x.grad[0] != 0, axis=1).sum()) == seen

    def test_errors(self):
        with pytest.raises(ParameterError, match=r"layer 0 \(GRU\).*\(T, n_in\)"):
            nl.build([nl.GRU(3)], 4)
        with pytest.raises(ParameterError, match="no steps"):
            nl.build([nl.Recurrent(3)], (None, 4))(np.ones((2, 0, 4)))
        assert nl.build([nl.GRU(3, sequence=True)], (None, 4))(np.ones((2, 0, 4))).shape == (2, 0, 3)


class TestInitialisers:
    """Variances and orthogonality."""

    @pytest.mark.parametrize("name, variance", [("glorot", 2/(300 + 500)), ("he", 2/300), ("lecun", 1/300)])
    def test_variance(self, name, variance):
        """150,000 draws: the mean of squares is within 6 standard errors, false alarm 2e-9 (fourth moment of a normal)."""
        w = INITIALISERS[name]((300, 500), RNG(0))
        assert abs(np.mean(w**2)/variance - 1) < 6*np.sqrt(2/w.size) and abs(w.mean()) < 6*np.sqrt(variance/w.size)

    def test_kernels_count_their_places(self):
        w = INITIALISERS["he"]((5, 5, 12, 64), RNG(0))
        assert abs(np.mean(w**2)/(2/300) - 1) < 6*np.sqrt(2/w.size)

    @pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 3, 4)])
    def test_orthogonal(self, shape):
        w = INITIALISERS["orthogonal"](shape, RNG(0)).reshape(-1, shape[-1])
        product = w.T @ w if len(w) >= shape[-1] else w @ w.T
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-14)

    def test_names_functions_and_errors(self):
        assert np.array_equal(nl.build([nl.Dense(2, initial="zeros")], 3).parameters["0.w"].value, np.zeros((3, 2)))
        assert np.array_equal(nl.build([nl.Dense(2, initial=lambda s, rng: np.full(s, 7.0))], 3).parameters["0.w"].value,
                              np.full((3, 2), 7))
        with pytest.raises(ParameterError, match="Did you mean 'glorot'"):
            nl.Dense(2, initial="glorrot")


class TestModel:
    """Names, shapes and numbers."""

    def test_names(self):
        model = nl.build([nl.Dense(4, "relu"), nl.Sequential((nl.BatchNorm(), nl.Dense(2)))], 3)
        assert list(model.parameters) == ["0.w", "0.b", "1.0.gain", "1.0.offset", "1.1.w", "1.1.b"]
        assert list(model.memory) == ["1.0.mean", "1.0.variance"] and model.count == 12 + 4 + 8 + 8 + 2
        assert model.parameters["1.1.w"].name == "1.1.w" and model.layer_of("1.1.w") == "layer 1 (Sequential)"
        assert "(3,) -> (2,), 34 parameters" in repr(model)
        watched = []
        model(np.ones((2, 3)), watched=watched)
        assert [name for name, _ in watched] == ["0 Dense", "1 Sequential.0 BatchNorm", "1 Sequential.1 Dense"]

    def test_arrays_go_round(self):
        first, second = (nl.build([nl.Dense(4), nl.BatchNorm()], 3, seed=s) for s in (0, 1))
        first(RNG(0).standard_normal((5, 3)), training=True)
        second.load(first.arrays())
        x = RNG(1).standard_normal((5, 3))
        assert np.array_equal(first.predict(x), second.predict(x))
        with pytest.raises(ParameterError, match=r"'0.w' has shape \(4, 3\), in this model \(3, 4\)"):
            second.load({**first.arrays(), "0.w": np.ones((4, 3))})
        with pytest.raises(ParameterError, match="'9.w' is not of this model"):
            second.load({**first.arrays(), "9.w": np.ones(3)})

    def test_wrong_inputs(self):
        model = nl.build([nl.Dense(4)], 3)
        for wrong in (np.ones((2, 4)), np.ones(3), np.ones((2, 3, 1)), np.float64(1)):
            with pytest.raises(ParameterError, match=r"\(n, 3\) is needed"):
                model(wrong)
        with pytest.raises(ParameterError, match="must be numbers"):
            model(np.array([["a", "b", "c"]]))

    @pytest.mark.parametrize("layers, inputs, shown", [
        ([], 3, "no layers"), ([3], 3, "3 is no layer"), ([nl.Dense(2)], 0, "positive whole"),
        ([nl.Conv2D(2, 3)], 3, "one channel"),
        ([nl.Dense(2), nl.Conv2D(2, 3)], (4, 4, 1), None),
        ([nl.Conv2D(2, 5)], (4, 4, 1), "layer 0 (Conv2D): Conv2D: a window of 5 x 5"),
        ([nl.Flatten()], (None, 2), "known shape"), ([nl.Dense(2), nl.MaxPool2D(2)], 3, "layer 1 (MaxPool2D)"),
    ])
    def test_wrong_descriptions(self, layers, inputs, shown):
        if shown is None:
            assert nl.build(layers, inputs).outputs == (2, 2, 2)
            return
        with pytest.raises(ParameterError) as error:
            nl.build(layers, inputs)
        assert shown in str(error.value)

    @pytest.mark.parametrize("make, shown", [
        (lambda: nl.Dense(0), "units"), (lambda: nl.Dense(2.5), "units"), (lambda: nl.Dense(True), "units"),
        (lambda: nl.Dense(2, "rely"), "Did you mean 'relu'"), (lambda: nl.Conv2D(0, 3), "channels"),
        (lambda: nl.Recurrent(2, truncate=0), "truncate"), (lambda: nl.BatchNorm(momentum=1), "momentum"),
        (lambda: nl.LayerNorm(0), "epsilon"), (lambda: nl.build([nl.Dense(2)], 3, dtype="int"), "dtype"),
    ])
    def test_wrong_values(self, make, shown):
        with pytest.raises(ParameterError, match=shown):
            make()
