"""Predictive coding on the engine comes to the same rest, and learns the same, as the batched form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import predictive
from neurosim.errors import ParameterError
from neurosim.predictive import PredictiveNetwork

DATA = np.random.default_rng(7).random((2, 4))
LABEL = np.random.default_rng(8).random((2, 3))


def network(**options: Any) -> PredictiveNetwork:
    net = PredictiveNetwork((4, 6, 5, 3), options.pop("activation", "tanh"), seed=2, **options)
    for beta in net.beta:
        beta[:] = np.random.default_rng(9).normal(0, 0.3, beta.shape)
    if net.feedback == "learned":
        # feedback of its own kind need not come to rest; near the transposed one it does
        for w, m in zip(net.W, net.M):
            w[...] = m.T + 0.1*w
    return net


@pytest.mark.parametrize(("options", "given"), [
    (dict(nu=(0.5, 2, 1)), dict(data=DATA[:1], label=LABEL[:1])),
    pytest.param(dict(direction="generative", prior=0.7, prior_mean=0.2),
                 dict(data=DATA[:1], data_known=np.array([1, 0, 1, 1], bool)), marks=pytest.mark.slow),
    (dict(output="logistic", feedback="learned", prior=1.0),
     dict(data=DATA[:1], label=LABEL[:1], data_known=np.array([1, 1, 0, 1], bool))),
], ids=str)
def test_rest_is_that_of_the_batched_form(options: dict[str, Any], given: dict[str, Any]) -> None:
    net = network(**options)
    found = predictive.simulate(net, 3000, 0.1, **given)
    wanted = predictive.settle(net, **given, iterations=20_000, step=0.05, backtracking=False, tolerance=1e-14)
    for a, b in zip(found.state.x + found.state.e, wanted.x + wanted.e):
        # both are at rest to residuals below 1e-13; the slowest of their modes has a time constant of some tens
        np.testing.assert_allclose(a, b, atol=1e-11)
    np.testing.assert_allclose(found.state.energy, wanted.energy, atol=1e-12)
    assert found.state.residual < 1e-12
    assert np.array_equal(found.network.M[0], net.M[0]) and np.array_equal(found.network.W[0], net.W[0])


def test_a_presentation_changes_the_weights_as_the_batched_form_does() -> None:
    """Learning for T at rest: dM = T/tau sigma^T e; what it moves meanwhile is of second order in T/tau."""
    net = network()
    wanted = predictive.changes(net, DATA[:1], LABEL[:1], iterations=5000, step=0.05, backtracking=False)
    distance = []
    for tau in (1e4, 1e5):
        found = predictive.simulate(net, 1000, 0.1, data=DATA[:1], label=LABEL[:1], tau_weight=tau, settle_for=900)
        moved = [(a - b)*tau/100 for a, b in zip(found.network.parameters, net.parameters)]
        distance.append([np.linalg.norm(m - d)/np.linalg.norm(d) for m, d in zip(moved, wanted.arrays)])
        # the two projections see the same numbers in the same order
        assert found.aligned < 1e-15
    distance = np.array(distance)
    # at first order: nodes follow weights that move by T/tau of their changes, which is a few times T/tau
    assert (distance[0] < 10*100/1e4).all()
    np.testing.assert_allclose(distance[0]/distance[1], 10, rtol=0.1)


def test_samples_are_shown_one_after_the_other() -> None:
    net = network(direction="generative", feedback="learned")
    both = predictive.simulate(net, 600, 0.1, data=DATA, label=LABEL, every=1.0, tau_weight=1e5, settle_for=500)
    x0, e0 = both.result.traces["x0"], both.result.traces["e0"]
    assert x0.times[-1] == pytest.approx(1199) and both.result.time == 1200
    np.testing.assert_array_equal(x0.values[x0.times < 599.5], np.tile(DATA[0], (600, 1)))
    np.testing.assert_array_equal(x0.values[x0.times > 600.5], np.tile(DATA[1], (599, 1)))
    for k, t, close in ((0, 499, 1e-9), (1, 1199, 1e-2)):
        wanted = predictive.settle(net, DATA[k:k + 1], LABEL[k:k + 1], iterations=3000, step=0.05, backtracking=False)
        # later weights have moved by 1e-3 of changes of size 1, and predictions of layer 0 by a few times that
        np.testing.assert_allclose(e0.values[e0.times == t][0], wanted.e[0][0], atol=close)
    changes = [predictive.changes(net, DATA[k:k + 1], LABEL[k:k + 1], iterations=3000, step=0.05, backtracking=False)
               for k in (0, 1)]
    for name in ("M", "W"):
        for i in range(3):
            wanted = 1e-3*sum(getattr(c, name)[i] for c in changes)
            moved = getattr(both.network, name)[i] - getattr(net, name)[i]
            np.testing.assert_allclose(moved, wanted, atol=2e-2*np.abs(wanted).max())


def test_what_cannot_run_on_the_engine_is_refused() -> None:
    both = dict(data=DATA, label=LABEL)
    with pytest.raises(ParameterError, match="a unit depends on all others of its layer"):
        predictive.simulate(network(output="softmax"), 10, data=DATA)
    with pytest.raises(ParameterError, match="what is known must be the same for all samples"):
        predictive.simulate(network(), 10, data=DATA, data_known=np.eye(2, 4, dtype=bool))
    with pytest.raises(ParameterError, match="tau_error must be a positive time in ms, not 0"):
        predictive.simulate(network(), 10, tau_error=0, **both)
    with pytest.raises(ParameterError, match="settle_for=20 ms lies between 0 and duration"):
        predictive.simulate(network(), 10, settle_for=20, **both)
    with pytest.raises(ParameterError, match="there are no samples"):
        predictive.simulate(network(), 10, data=DATA[:0])
