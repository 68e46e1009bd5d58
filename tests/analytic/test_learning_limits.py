"""What is known beforehand about gradients in deep networks and about approximation by thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import learning as nl
from neurosim.errors import ParameterError

RNG = np.random.default_rng


class TestGradientNorms:
    """Sizes of deltas from layer to layer."""

    @pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
    def test_orthogonal_linear_layers_scale_deltas_by_their_factor(self, factor):
        """dE/dy^l = dE/dy^(l+1) W^T with W = factor Q: each step back multiplies the norm by `factor`, exactly."""
        depth = 12
        layers = [nl.Dense(16, bias=False, initial=lambda s, rng: factor*nl.orthogonal(s, rng)) for _ in range(depth)]
        model = nl.build(layers, 16, seed=3)
        norms = nl.gradient_norms(model, RNG(0).standard_normal((20, 16)), RNG(1).standard_normal((20, 16)), nl.squared_error)
        assert norms.layers == [f"{k} Dense" for k in range(depth)] and set(norms.weights) == set(model.parameters)
        # a hundred roundings
        np.testing.assert_allclose(norms.deltas[:-1]/norms.deltas[1:], factor, rtol=1e-12)

    def test_the_last_delta_is_the_error(self):
        x, t = RNG(0).standard_normal((20, 5)), RNG(1).standard_normal((20, 3))
        model = nl.build([nl.Dense(3)], 5)
        norms = nl.gradient_norms(model, x, t, nl.squared_error)
        error = model.predict(x) - t
        assert norms.deltas[0] == pytest.approx(np.sqrt((error**2).sum(1).mean()), rel=1e-13)
        assert norms.weights["0.w"] == pytest.approx(np.linalg.norm(x.T @ error/20), rel=1e-13)
        assert all(v.grad is None for v in model.parameters.values())

    def test_logistic_layers_let_gradients_vanish_and_he_rectifiers_do_not(self):
        """sigma' <= 1/4: with weights of norm below 4 every step back shrinks; He's weights keep the size, within ten."""
        x, t = RNG(0).standard_normal((50, 64)), RNG(1).integers(0, 10, 50)
        ratios = {}
        for activation in ("logistic", "relu"):
            model = nl.build([*(nl.Dense(64, activation) for _ in range(10)), nl.Dense(10)], 64, seed=2)
            if activation == "logistic":
                assert max(np.linalg.norm(v.value, 2) for k, v in model.parameters.items() if k.endswith("w")) < 4
            deltas = nl.gradient_norms(model, x, t, nl.categorical_cross_entropy).deltas
            ratios[activation] = deltas[0]/deltas[9]
            if activation == "logistic":
                assert (deltas[:9] < deltas[1:10]).all()
        assert ratios["logistic"] < 1e-3 and 0.1 < ratios["relu"] < 10


class TestUniversalApproximation:
    """Thresholds within epsilon, everywhere."""

    dense = np.linspace(0, 1, 200_001)

    @pytest.mark.parametrize("f, lipschitz", [(lambda x: np.sin(2*np.pi*x), 2*np.pi),
                                              (lambda x: x**2, 2), (np.sqrt, None),
                                              (lambda x: np.abs(x - 0.3), 1), (lambda x: 0*x + 5, 0), (lambda x: 0*x + 5, None),
                                              (lambda x: x*np.sin(1/np.maximum(x, 1e-3)), None)])
    @pytest.mark.parametrize("epsilon", [0.3, 0.01])
    def test_within_epsilon(self, f, lipschitz, epsilon):
        pieces = nl.universal_approximation(f, epsilon, lipschitz)
        assert np.abs(pieces(self.dense) - f(self.dense)).max() < epsilon and pieces.error < epsilon
        assert pieces.edges[0] == 0 and pieces.edges[-1] == 1 and (np.diff(pieces.edges) > 0).all()
        assert len(pieces.values) == len(pieces.edges) - 1

    def test_pieces_go_with_one_over_epsilon(self):
        """Of f(x) = x a piece may have the length 2 epsilon; halving makes them up to twice shorter, the bound again."""
        for epsilon in (0.1, 0.01, 0.001):
            n = len(nl.universal_approximation(lambda x: x, epsilon, 1).values)
            assert 1/(2*epsilon) <= n <= 4/(2*epsilon)

    def test_as_a_model_of_two_layers(self):
        pieces = nl.universal_approximation(lambda x: np.sin(6*x), 0.05, 6)
        model = pieces.as_model()
        assert [type(layer).__name__ for layer in model.layers.layers] == ["Dense", "Dense"]
        x = np.concatenate([self.dense[::50], pieces.edges])
        # a sum of as many steps as there are pieces
        np.testing.assert_allclose(model.predict(x[:, np.newaxis])[:, 0], pieces(x), rtol=0, atol=1e-13)

    def test_jumps(self):
        with pytest.raises(ParameterError, match=r"more than 1000 pieces.*near x=0.4.*jump"):
            nl.universal_approximation(lambda x: (x > 0.45)*1.0, 0.1, most=1000)

    @pytest.mark.parametrize("f, epsilon, lipschitz, shown", [
        (lambda x: x, 0, None, "epsilon"), (lambda x: x, 0.1, -1, "lipschitz"), (lambda x: 1/x, 0.1, None, "finite numbers"),
        (lambda x: 3.0, 0.1, None, "shape ()")])
    def test_wrong_arguments(self, f, epsilon, lipschitz, shown):
        with pytest.raises(ParameterError) as error, np.errstate(all="ignore"):
            nl.universal_approximation(f, epsilon, lipschitz)
        assert shown in str(error.value)
