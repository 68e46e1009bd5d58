"""Readouts, activity, and layers of spiking neurons in models."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim import learning as nl
from neurosim import spiking
from neurosim.errors import NumericalWarning, ParameterError

RNG = np.random.default_rng(0)
S = (RNG.random((4, 12, 6)) < 0.3).astype(float)


@pytest.mark.parametrize("alpha, beta", [(0.0, 0.9), (0.6, 0.95), (0.3, 1.0)])
def test_leaky_integrator(alpha, beta):
    w, b = RNG.normal(size=(6, 3)), RNG.normal(size=3)
    u = spiking.leaky_integrator(S, w, b, alpha=alpha, beta=beta).value
    i, y = np.zeros((4, 3)), np.zeros((4, 3))
    for t in range(12):
        i = alpha*i + S[:, t] @ w + b
        y = beta*y + i
        np.testing.assert_allclose(u[:, t], y, rtol=1e-12)
    ad.check_gradient(lambda s, w, b: ad.sum(ad.square(spiking.leaky_integrator(s, w, b, alpha=alpha, beta=beta))), S, w, b)


def test_first_spike():
    s = np.zeros((1, 5, 3))
    s[0, 3, 0] = s[0, [1, 4], 1] = 1
    f = ad.Var(s)
    first = spiking.first_spike(f)
    assert first.value.tolist() == [[3, 1, 5]]
    ad.sum(first).backward()
    # without the spike at 3 there would be none until 5; a spike at k < 3 would come 3 - k earlier
    np.testing.assert_array_equal(f.grad[0, :, 0], [-3, -2, -1, -2, 0])
    np.testing.assert_array_equal(f.grad[0, :, 1], [-1, -3, 0, 0, 0])
    np.testing.assert_array_equal(f.grad[0, :, 2], [-5, -4, -3, -2, -1])
    # the function of numbers between 0 and 1 of which this is the gradient
    ad.check_gradient(lambda x: ad.sum(ad.square(spiking.first_spike(x))), RNG.random((2, 4, 3)))
    assert spiking.spike_count(s).value.tolist() == [[1, 2, 0]]


def test_activity_penalty():
    rate = S.sum(axis=1).mean(axis=0)
    expected = 2*np.mean(np.maximum(0, 3 - rate)**2 + np.maximum(0, rate - 4)**2)
    assert spiking.activity_penalty(S, 3, 4, 2).item() == pytest.approx(expected, rel=1e-12) and expected > 0
    ad.check_gradient(lambda s: spiking.activity_penalty(s, 3, 3.5), S)
    assert spiking.activity_penalty(S, 0).item() == 0
    with pytest.raises(ParameterError, match="low=5"):
        spiking.activity_penalty(S, 5, 4)


def test_layers_that_are_silent_or_never_rest():
    for s, words in ((np.zeros((2, 3, 4)), "hidden 1 never fires: 0 spikes"), (np.ones((2, 3, 4)), "always fires: 1 spikes")):
        with pytest.warns(NumericalWarning, match=words):
            assert spiking.warn_of_activity("hidden 1", s)
    assert not spiking.warn_of_activity("hidden 1", S)


@pytest.mark.parametrize("end", [nl.Integrator(3), nl.Integrator(3, tau_synapse=3.0, read="mean"),
                                 nl.Integrator(3, read="last"), nl.Integrator(3, read="all"), nl.SpikeCount(), nl.FirstSpike()])
@pytest.mark.parametrize("recurrent", [False, True])
def test_models_of_spiking_layers(end, recurrent):
    middle = nl.Spiking(3, tau_synapse=5.0, recurrent=recurrent, learn_tau=True, surrogate="sigmoid", steepness=4.0)
    model = nl.build([nl.Spiking(8), middle, end], (None, 6), seed=1)
    shape = (3,) if getattr(end, "read", "") != "all" else (None, 3)
    assert model.outputs == shape
    z = model(S, training=True)
    assert z.shape == (4, *(n or 12 for n in shape))
    ad.sum(ad.square(z)).backward()
    assert all(v.grad is not None and np.isfinite(v.grad).all() for v in model.parameters.values())
    assert sorted(n for n in model.parameters if n.startswith("1.")) == ["1.b", "1.leak", *["1.v"]*recurrent, "1.w"]
    assert np.array_equal(model.predict(S, batch=3), model.predict(S))


def test_constant_current_is_a_repeated_input():
    x = RNG.random((5, 6))
    model = nl.build([nl.Repeat(9), nl.Spiking(7), nl.Integrator(2)], 6, seed=2)
    same = nl.build([nl.Spiking(7), nl.Integrator(2)], (9, 6), seed=2)
    given = ad.Var(x)
    z = model(given)
    wide = ad.Var(np.repeat(x[:, np.newaxis], 9, axis=1))
    z2 = same(wide)
    np.testing.assert_allclose(z.value, z2.value, rtol=1e-12)
    for out in (z, z2):
        ad.sum(ad.square(out)).backward()
    np.testing.assert_allclose(given.grad, wide.grad.sum(axis=1), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(model.parameters["1.w"].grad, same.parameters["0.w"].grad, rtol=1e-10, atol=1e-12)


def test_manifolds_are_learnt():
    """A line in ten dimensions is told from three others: 95 % of new points, where chance is 25 %."""
    s, labels = spiking.random_manifolds(samples=200, units=10, classes=4, steps=40, smoothness=2.0, seed=1)
    model = nl.build([nl.Spiking(64, tau=10.0, tau_synapse=5.0), nl.Integrator(4)], (40, 10), seed=3, dtype="float32")
    nl.train(model, s[:600], labels[:600], nl.categorical_cross_entropy, nl.Adam(0.005), epochs=25, batch=50, seed=0)
    assert nl.accuracy(model.predict(s[600:]), labels[600:]) > 0.95


@pytest.mark.parametrize("wrong, message", [
    (lambda: nl.Spiking(0), "units"), (lambda: nl.Spiking(3, tau=0), "tau must"),
    (lambda: nl.Spiking(3, reset="zeros"), "'zero'"), (lambda: nl.Spiking(3, surrogate="sigmoidal"), "sigmoid"),
    (lambda: nl.Integrator(3, read="men"), "Did you mean 'mean'"),
    (lambda: nl.Integrator(3, tau_synapse=-1), "tau_synapse"), (lambda: nl.Repeat(0), "steps"),
    (lambda: nl.build([nl.Spiking(3)], 5), "Repeat"), (lambda: nl.build([nl.Repeat(3)], (5, 4)), "Repeat needs"),
    (lambda: spiking.leaky_integrator(S, np.ones((6, 2)), beta=2), "beta"), (lambda: spiking.spike_count(S[0]), "shape"),
    (lambda: nl.build([nl.Integrator(2)], (None, 3))(np.zeros((1, 0, 3))), "no steps")])
def test_refusals(wrong, message):
    with pytest.raises(ParameterError, match=message):
        wrong()


CODE = """
import numpy as np
from neurosim import autodiff as ad, spiking
from neurosim.codegen import store
rng = np.random.default_rng(0)
x = (rng.random((3, 9, 5)) < 0.2).astype("float32")
w, v, beta = (ad.Var(a.astype("float32")) for a in (rng.normal(0, 1, (5, 4)), rng.normal(0, 0.5, (4, 4)), np.full(4, 0.8)))
s = spiking.lif(x, w, np.full(4, 0.1, "float32"), v, beta=beta, surrogate="sigmoid", reset="zero")
ad.sum(ad.square(spiking.leaky_integrator(s, np.ones((4, 2), "float32")))).backward()
print(store.compiled, repr([a.tolist() for a in (s.value, w.grad, v.grad, beta.grad)]))
"""


def test_same_numbers_without_compiler_and_nothing_compiled_again(tmp_path):
    found = []
    for off in ("1", "0", "0"):
        env = {**os.environ, "NUMBA_DISABLE_JIT": off, "NEUROSIM_CACHE_DIR": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.split(" ", 1))
    assert found[0][1] == found[1][1] == found[2][1]
    assert int(found[1][0]) > 0 and found[2][0] == "0"


def test_random_feedback_changes_only_the_way_back():
    w, other = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))
    g = RNG.normal(size=(4, 12, 3))
    found = []
    for way in (None, other):
        s, v = ad.Var(S), ad.Var(w)
        u = spiking.leaky_integrator(s, v, beta=0.8, feedback=way)
        ad.sum(u*g).backward()
        found.append((u.value, v.grad, s.grad))
    assert np.array_equal(found[0][0], found[1][0]) and np.array_equal(found[0][1], found[1][1])
    s = ad.Var(S)
    ad.sum(spiking.leaky_integrator(s, other, beta=0.8)*g).backward()
    np.testing.assert_allclose(found[1][2], s.grad, rtol=1e-12)
