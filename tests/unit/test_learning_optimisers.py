"""Optimisers, penalties, clipping and schedules against their formulas."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim import learning as nl
from neurosim.errors import ParameterError
from neurosim.learning.descent import PIECE
from neurosim.learning.optimisers import OPTIMISERS

STEPS = 7


def formulas(name, x, gradients, rate=0.05):
    """Return x after the steps, as the textbook writes them, with the defaults of the class but for the rate."""
    m, s = np.zeros_like(x), np.zeros_like(x)
    for t, g in enumerate(gradients, 1):
        if name == "sgd":
            x = x - rate*g
        elif name in ("momentum", "nesterov"):
            m = 0.9*m + g
            x = x - rate*(m if name == "momentum" else g + 0.9*m)
        elif name == "rmsprop":
            s = 0.9*s + 0.1*g**2
            x = x - rate*g/(np.sqrt(s) + 1e-8)
        else:
            if name == "adamw":
                x = x - rate*0.01*x
            m, s = 0.9*m + 0.1*g, 0.999*s + 0.001*g**2
            x = x - rate*(m/(1 - 0.9**t))/(np.sqrt(s/(1 - 0.999**t)) + 1e-8)
    return x


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("shape", [(3, 2), (1, PIECE + 5)])
def test_steps_are_those_of_the_formulas(name, shape):
    """Also in pieces.  Seven steps of a dozen roundings each, in another order than here."""
    rng = np.random.default_rng(0)
    x, gradients = rng.standard_normal(shape), rng.standard_normal((STEPS, *shape))
    w = ad.Var(x.copy())
    descent = nl.Descent([w], OPTIMISERS[name](0.05))
    for g in gradients:
        w.grad = g.copy()
        assert descent.step() == 0.05 and w.grad is None
    np.testing.assert_allclose(w.value, formulas(name, x, gradients), rtol=1e-12, atol=1e-13)
    assert descent.steps == STEPS


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", [nl.Adam(0.05), nl.AdamW(nl.ExponentialDecay(0.05, 0.5), decay=0.1)])
@pytest.mark.parametrize("options", [{}, {"l2": 0.1, "clip": 100.0}])
def test_the_compiled_pass_rounds_as_numpy_does(rule, dtype, options, monkeypatch):
    rng = np.random.default_rng(3)
    start = [rng.standard_normal(shape).astype(dtype) for shape in ((2, PIECE), (3, 5), (7,))]
    compiled = nl.Descent([ad.Var(a.copy()) for a in start], rule, **options)
    monkeypatch.setattr(type(rule), "compiled", lambda *_: None)
    plain = nl.Descent([ad.Var(a.copy()) for a in start], rule, **options)
    for k in range(STEPS):
        gradients = [rng.standard_normal(a.shape).astype(dtype) for a in start]
        for descent in (compiled, plain):
            for v, g in zip(descent.parameters, gradients):
                # one in another order of axes, one missing at times
                v.grad = None if k == 3 and v.ndim == 1 else np.asfortranarray(g) if v.shape == (3, 5) else g.copy()
            descent.step(k)
            assert all(v.grad is None for v in descent.parameters)
        assert compiled.norms() == plain.norms()
    assert np.array_equal(compiled.x, plain.x) and all(np.array_equal(compiled.state[n], plain.state[n]) for n in "ms")


@pytest.mark.parametrize("shape", [(3, 2), (2, PIECE)])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_copies_go_on_by_themselves(shape, again):
    gradient = np.random.default_rng(0).standard_normal(shape)
    first = nl.Descent([ad.Var(np.ones(shape))], nl.Adam(0.01))
    first.parameters[0].grad = gradient.copy()
    first.step()
    second, kept = again(first), first.x.copy()
    assert np.shares_memory(second.parameters[0].value, second.x) and not np.shares_memory(second.x, first.x)
    second.parameters[0].grad = gradient.copy()
    second.step()
    assert np.array_equal(first.x, kept) and second.steps == 2
    first.parameters[0].grad = gradient.copy()
    first.step()
    assert np.array_equal(first.x, second.x) and np.array_equal(second.parameters[0].value.ravel(), second.x)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_quadratic_is_minimised(name):
    """1/2 (x - c) A (x - c) with eigenvalues 1 and 4.

    The rates sum to 10, so that e^-10 of the distance is left, and end at 3e-5, which is how far Adam swings."""
    c, a = np.array([[1.0, -2.0]]), np.diag([1.0, 4.0])
    x = ad.Var(np.zeros((1, 2)))
    rate = nl.ExponentialDecay(0.1, 0.99)
    descent = nl.Descent([x], nl.AdamW(rate, decay=0) if name == "adamw" else OPTIMISERS[name](rate))
    for k in range(800):
        (0.5*((x - c) @ a*(x - c)).sum()).backward()
        descent.step(k)
    np.testing.assert_allclose(x.value, c, atol=1e-3)


def test_values_become_views_and_keep_their_numbers():
    b, w = ad.Var(np.ones(3), name="b"), ad.Var(np.arange(6.0).reshape(2, 3), name="w")
    frozen = ad.Var(np.ones(2), tracked=False)
    descent = nl.Descent([b, frozen, w], nl.SGD(0.5))
    # weights lie in front of biases
    assert np.array_equal(descent.x, [0, 1, 2, 3, 4, 5, 1, 1, 1]) and descent.weights == 6
    assert w.value.base is not None and np.shares_memory(w.value, descent.x)
    (w.sum() + 0*b.sum()).backward()
    descent.step()
    assert np.array_equal(w.value, np.arange(6.0).reshape(2, 3) - 0.5) and np.array_equal(b.value, np.ones(3))
    assert descent.norms() == {"w": pytest.approx(math.sqrt(6)), "b": 0.0}
    descent.step()
    assert np.array_equal(b.value, np.ones(3))


def test_penalties_belong_to_weights_only():
    w, b = ad.Var(np.array([[2.0, -3.0]])), ad.Var(np.array([5.0]))
    descent = nl.Descent([w, b], nl.SGD(0.1), l1=0.5, l2=0.2)
    assert descent.penalty() == pytest.approx(0.5*5 + 0.1*13)
    descent.step()
    np.testing.assert_allclose(w.value, [[2 - 0.1*(0.2*2 + 0.5), -3 + 0.1*(0.2*3 + 0.5)]], rtol=1e-14)
    assert b.value == 5
    # AdamW shrinks weights without a gradient, and leaves biases
    w, b = ad.Var(np.array([[2.0]])), ad.Var(np.array([5.0]))
    nl.Descent([w, b], nl.AdamW(0.1, decay=0.3)).step()
    assert w.value == pytest.approx(2*(1 - 0.03)) and b.value == 5


def test_clipping():
    w = ad.Var(np.zeros((1, 2)))
    descent = nl.Descent([w], nl.SGD(1.0), clip=1.0)
    for g, expected in (([3.0, 4.0], [-0.6, -0.8]), ([0.3, 0.4], [-0.9, -1.2])):
        w.grad = np.array([g])
        descent.step()
        np.testing.assert_allclose(w.value, [expected], rtol=1e-14)


def test_float32_stays():
    w = ad.Var(np.ones((2, 2), np.float32))
    for name in OPTIMISERS:
        descent = nl.Descent([w], OPTIMISERS[name](nl.CosineDecay(0.1, 10)), l1=0.1, l2=0.1, clip=0.1)
        w.grad = np.ones((2, 2), np.float32)
        descent.step(3)
        assert w.dtype == np.float32 and all(v.dtype == np.float32 for v in descent.state.values())


def test_schedules():
    assert [nl.StepDecay(1.0, 0.5, 2).at(e) for e in (0, 1.9, 2, 5)] == [1, 1, 0.5, 0.25]
    assert nl.ExponentialDecay(2.0, 0.5).at(3) == 0.25
    cosine = nl.CosineDecay(1.0, 10, 0.1)
    assert cosine.at(0) == 1 and cosine.at(5) == pytest.approx(0.55) and cosine.at(10) == cosine.at(99) == pytest.approx(0.1)
    warm = nl.WarmUp(4, nl.StepDecay(1.0, 0.5, 2))
    assert [warm.at(e) for e in (0, 1, 3, 4, 6)] == [0, 0.25, 0.75, 1, 0.5]
    # numbers of NumPy are rates too
    assert nl.SGD(np.float32(0.5)).rate == 0.5 and nl.Adam(np.int64(1)).rate == 1
    assert nl.WarmUp(2, 0.3).at(1) == pytest.approx(0.15) and nl.WarmUp(2, 0.3).at(5) == 0.3


@pytest.mark.parametrize("call, shown", [
    (lambda: nl.SGD(-1), "rate=-1"), (lambda: nl.Adam(math.nan), "rate=nan"), (lambda: nl.Adam(beta1=1), "beta1=1"),
    (lambda: nl.Momentum(beta=-0.1), "beta=-0.1"), (lambda: nl.RMSProp(rho=2), "rho=2"), (lambda: nl.AdamW(decay=-1), "decay"),
    (lambda: nl.Adam("fast"), "schedule"), (lambda: nl.StepDecay(0.1, factor=0), "factor=0"),
    (lambda: nl.CosineDecay(0.1, 10, math.nan), "last"),
    (lambda: nl.Adam(epsilon=-1e-8), "epsilon"), (lambda: nl.RMSProp(epsilon=0), "epsilon"),
    (lambda: nl.AdamW(epsilon=math.nan), "epsilon"),
    (lambda: nl.CosineDecay(0.1, 10, -1), "last"), (lambda: nl.WarmUp(0, 0.1), "epochs"), (lambda: nl.WarmUp(1, -1), "rate"),
    (lambda: nl.Descent([], nl.SGD()), "at least one"), (lambda: nl.Descent([ad.Var(1.0)], 0.1), "no optimiser"),
    (lambda: nl.Descent([ad.Var(1.0), ad.Var(np.float32(1))], nl.SGD()), "one dtype"),
    (lambda: nl.Descent([ad.Var(1.0)], nl.SGD(), clip=0), "clip"), (lambda: nl.Descent([ad.Var(1.0)], nl.SGD(), l2=-1), "l2"),
])
def test_errors(call, shown):
    with pytest.raises(ParameterError) as error:
        call()
    assert shown in str(error.value)
