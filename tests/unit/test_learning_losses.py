"""Losses against their definitions, their limits and their gradients."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim import learning as nl
from neurosim.errors import ParameterError

RNG = np.random.default_rng
Z = RNG(0).standard_normal((5, 3))


def softmax(z):
    e = np.exp(z)
    return e/e.sum(-1, keepdims=True)


def test_squared_error():
    t = RNG(1).standard_normal((5, 3))
    assert nl.squared_error(Z, t).item() == pytest.approx(0.5*((Z - t)**2).sum()/5, rel=1e-15)
    ad.check_gradient(nl.squared_error, Z, t, complex_step=False)
    z = ad.Var(Z)
    nl.squared_error(z, t).backward()
    np.testing.assert_allclose(z.grad, (Z - t)/5, rtol=1e-15)


def test_bernoulli():
    t = RNG(1).random((5, 3))
    y = 1/(1 + np.exp(-Z))
    expected = -(t*np.log(y) + (1 - t)*np.log(1 - y)).sum()/5
    assert nl.bernoulli_cross_entropy(Z, t).item() == pytest.approx(expected, rel=1e-14)
    ad.check_gradient(lambda z: nl.bernoulli_cross_entropy(z, t), Z)


@pytest.mark.parametrize("labels", [np.array([0, 2, 1, 1, 0]), np.array([0, 2, 1, 1, 0], np.uint8), np.array([0.0, 2, 1, 1, 0]),
                                    np.eye(3)[[0, 2, 1, 1, 0]]])
def test_categorical(labels):
    expected = -np.log(softmax(Z)[np.arange(5), [0, 2, 1, 1, 0]]).mean()
    assert nl.categorical_cross_entropy(Z, labels).item() == pytest.approx(expected, rel=1e-14)
    ad.check_gradient(lambda z: nl.categorical_cross_entropy(z, labels), Z)


def test_categorical_of_probabilities_and_sequences():
    p = RNG(1).random((5, 3))
    assert nl.categorical_cross_entropy(Z, p).item() == pytest.approx(-(p*np.log(softmax(Z))).sum()/5, rel=1e-14)
    ad.check_gradient(lambda z: nl.categorical_cross_entropy(z, p), Z)
    z, t = RNG(2).standard_normal((4, 6, 3)), RNG(3).integers(0, 3, (4, 6))
    whole = nl.categorical_cross_entropy(z, t).item()
    assert whole == pytest.approx(nl.categorical_cross_entropy(z.reshape(24, 3), t.ravel()).item(), rel=1e-15)
    ad.check_gradient(lambda v: nl.categorical_cross_entropy(v, t), z)


def test_as_compositions_of_operations():
    """The losses are single operations; the same from small ones."""
    t = np.array([0, 2, 1, 1, 0])
    for one, many in ((lambda z: nl.categorical_cross_entropy(z, t), lambda z: -ad.log_softmax(z)[np.arange(5), t].mean()),
                      (lambda z: nl.bernoulli_cross_entropy(z, Z > 0), lambda z: (ad.softplus(z) - (Z > 0)*z).sum()/5),
                      (lambda z: nl.squared_error(z, Z + 1), lambda z: (0.5*(z - Z - 1)**2).sum()/5)):
        a, b = ad.Var(Z), ad.Var(Z)
        one(a).backward(), many(b).backward()
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-13, atol=1e-15)


def test_whole_numbers_and_truth_values():
    # 1/2 |z - t|^2 of one place is no whole number; 0 - 1 of uint8 would be 255
    assert nl.squared_error(np.array([[0, 1]]), np.array([[1, 1]])).item() == 0.5
    assert nl.squared_error(np.array([[0, 1]], np.uint8), np.array([[1, 1]], np.uint8)).item() == 0.5
    # as many samples as classes: an index of truth values would fit, and choose other places
    z = ad.Var(Z[:2, :2])
    found = nl.categorical_cross_entropy(z, [True, False])
    assert found.item() == nl.categorical_cross_entropy(Z[:2, :2], [1, 0]).item()
    found.backward()
    np.testing.assert_allclose(z.grad, (softmax(Z[:2, :2]) - [[0, 1], [1, 0]])/2, rtol=1e-14)


def test_far_logits():
    z = np.array([[1e4, 0.0], [0.0, 1e4]])
    with np.errstate(all="raise", under="ignore"):
        assert nl.categorical_cross_entropy(z, [0, 1]).item() == 0 and nl.categorical_cross_entropy(z, [1, 0]).item() == 1e4
        assert nl.bernoulli_cross_entropy([[1e4], [-1e4]], [[1.0], [0.0]]).item() == 0
        assert nl.bernoulli_cross_entropy([[1e4], [-1e4]], [[0.0], [1.0]]).item() == 1e4
        v = ad.Var(z)
        nl.categorical_cross_entropy(v, [1, 0]).backward()
        assert np.array_equal(v.grad, [[0.5, -0.5], [-0.5, 0.5]])


def test_float32():
    z = ad.Var(Z.astype(np.float32))
    for loss, t in ((nl.squared_error, Z.astype(np.float32)), (nl.bernoulli_cross_entropy, (Z > 0).astype(np.float32)),
                    (nl.categorical_cross_entropy, np.zeros(5, int))):
        z.grad = None
        value = loss(z, t)
        value.backward()
        assert value.dtype == np.float32 and z.grad.dtype == np.float32


@pytest.mark.parametrize("call, shown", [
    (lambda: nl.squared_error(Z, Z[:, 0]), "(5, 3) and targets of shape (5,)"),
    (lambda: nl.squared_error(Z[:, :1], Z[:, 0]), "t[:, np.newaxis]"),
    (lambda: nl.squared_error(Z[:0], Z[:0]), "no samples"),
    (lambda: nl.bernoulli_cross_entropy(Z, Z.T), "must have one shape"),
    (lambda: nl.categorical_cross_entropy(Z, [0, 1]), "(n,) class numbers"),
    (lambda: nl.categorical_cross_entropy(Z, [0, 1, 3, 0, 0]), "classes from 0 to 3 for 3 outputs"),
    (lambda: nl.categorical_cross_entropy(Z, [0, -1, 1, 0, 0]), "classes from -1 to 1"),
    (lambda: nl.categorical_cross_entropy(Z, [0.5, 1, 1, 0, 0]), "whole numbers"),
    (lambda: nl.categorical_cross_entropy(Z, list("abcde")), "return_inverse"),
    (lambda: nl.categorical_cross_entropy(Z[:0], []), "n > 0"),
])
def test_errors(call, shown):
    with pytest.raises(ParameterError) as error:
        call()
    assert shown in str(error.value)


def test_accuracy():
    assert nl.accuracy(Z, Z.argmax(1)) == 1 and nl.accuracy(Z, np.eye(3)[Z.argmax(1)]) == 1
    assert nl.accuracy([[1.0], [-1.0], [2.0], [3.0]], [1, 0, 0, 1]) == 0.75
    assert nl.accuracy(np.zeros((4, 2)), [0, 0, 1, 1]) == 0.5
