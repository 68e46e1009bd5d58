"""Gradients by the samples: of learners that settle against differences, of spiking ones against those of their biases."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from neurosim import learning
from neurosim.errors import ParameterError

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (40, 5))
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
NUMBERS = X[:, 0] - X[:, 1]**2 + X[:, 2]


def losses(one, x, t):
    """Return the loss of each settled answer."""
    s = one._free(x)[-1]
    return -np.log((s*t).sum(axis=1)) if one.network_.output == "softmax" else ((s - t)**2).sum(axis=1)/2


@pytest.mark.parametrize("kind", ["EquilibriumPropagation", "ContrastiveHebbian"])
@pytest.mark.parametrize("y", [LABELS, NUMBERS], ids=["classes", "numbers"])
@pytest.mark.parametrize("sizes", [(), (7,), (6, 5)], ids=str)
def test_gradient_of_a_settled_network_is_that_of_differences(kind, y, sizes):
    made = getattr(learning, kind + ("Classifier" if y.dtype.kind == "i" else "Regressor"))
    # enough rounds for states to stand still to rounding
    one = made(sizes, activation="tanh", feedback_gain=0.3, free_rounds=100, max_iter=3, random_state=0).fit(X, y)
    found, h = one.input_gradient(X, y), 1e-5
    x, t = one._compared(X, y)
    wanted = np.stack([(losses(one, x + s, t) - losses(one, x - s, t))/(2*h) for s in h*np.eye(5)], axis=1)
    # differences err by h^2 and by rounding over h, both about 1e-10
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)
    # a sample does not act on others
    np.testing.assert_allclose(one.input_gradient(X[:3], y[:3]) if y is LABELS else found[:3], found[:3], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind, options", [
    (learning.SurrogateClassifier, {}), (learning.SurrogateClassifier, {"readout": "max", "tau_synapse": 3.0}),
    (learning.SurrogateClassifier, {"recurrent": True, "readout": "last"}),
    (learning.SurrogateClassifier, {"readout": "count", "reset": "zero"}),
    (learning.SurrogateClassifier, {"hidden_layer_sizes": (12, 8)}), (learning.EPropClassifier, {}),
    (learning.EPropClassifier, {"readout": "max", "feedback": "symmetric"})], ids=str)
def test_surrogate_gradient_by_the_samples_is_that_of_the_first_biases(kind, options):
    """A constant current u enters a layer like its bias: dE/du = W dE/db for one sample, by the chain rule that both share."""
    options = {"hidden_layer_sizes": (12,), "dtype": "float64", "max_iter": 4, "penalty": 0.01, "high": 3.0, **options}
    one = kind(random_state=0, **options).fit(X, LABELS)
    found = one.input_gradient(X, LABELS)
    low, spread = X.min(axis=0), np.ptp(X, axis=0)
    assert found.shape == X.shape and np.isfinite(found).all() and np.abs(found).max() > 0
    one.penalty = 0.0
    for k in range(5):
        x, t = one._compared(X[k:k + 1], LABELS[k:k + 1])
        with one._through_time(t.shape[1]) if kind is learning.EPropClassifier else nullcontext():
            one._loss((x - low)/spread, t, None)[0].backward()
            first, bias = (next(v for name, v in one.model_.parameters.items() if name.endswith(end)) for end in (".w", ".b"))
            np.testing.assert_allclose(found[k], first.value @ bias.grad/spread, rtol=1e-9, atol=1e-14)
            for v in one.model_.parameters.values():
                v.grad = None
    # currents stand still beyond the range of the first samples; single samples have the gradient that they have among others
    far = X.copy()
    far[:, 2] = 5.0
    assert (one.input_gradient(far, LABELS)[:, 2] == 0).all()
    np.testing.assert_allclose(one.input_gradient(X[7:9], LABELS[7:9]), found[7:9], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("coding", ["rate", "latency", "phase", "population"])
def test_times_of_spikes_have_no_slope_by_the_samples(coding):
    one = learning.SurrogateClassifier((6,), coding, max_iter=1, steps=8, random_state=0).fit(X, LABELS)
    with pytest.raises(ParameterError, match="no exact gradient"):
        one.input_gradient(X, LABELS)


def test_attacks_along_the_gradient_are_worse_than_chance():
    """A step of 0.2 along the sign of the gradient raises the loss of most samples, and more than one in any direction."""
    one = learning.SurrogateClassifier((30,), max_iter=40, learning_rate=0.01, random_state=0).fit(X, LABELS)
    g = one.input_gradient(X, LABELS)
    own = lambda x: -np.log(one.predict_proba(x)[np.arange(len(X)), LABELS]).mean()
    chance = np.mean([own(X + 0.2*np.sign(RNG.normal(size=X.shape))) for _ in range(5)])
    assert own(X + 0.2*np.sign(g)) > chance and own(X + 0.2*np.sign(g)) > own(X)
