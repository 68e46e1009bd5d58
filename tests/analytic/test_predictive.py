"""Predictive coding against plain loops, numerical gradients, and a backpropagation written out by hand."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from neurosim import predictive
from neurosim.errors import NumericalWarning
from neurosim.predictive import ACTIVATIONS, PredictiveNetwork
from neurosim.predictive.schedules import learnt

SMOOTH = ("identity", "tanh", "logistic", "softplus", "arctan")


def problem(sizes=(5, 7, 6, 3), rows=4, seed=3, scale=1.0, **options: Any):
    """A network with beta other than 0, data, and labels that are probabilities."""
    net = PredictiveNetwork(sizes, options.pop("activation", "tanh"), seed=seed, **options)
    rng = np.random.default_rng(seed + 1)
    for beta in net.beta:
        beta[:] = rng.normal(0, 0.3, beta.shape)
    data, label = rng.random((rows, sizes[0])), scale*rng.random((rows, sizes[-1]))
    label = label/label.sum(axis=1, keepdims=True) if options.get("output") == "softmax" else label
    return net, data, label


def sigma(a, x):
    return a.value(np.atleast_1d(np.asarray(x, float)))


def energy(net: PredictiveNetwork, x: list[np.ndarray], known=None) -> float:
    """F of one sample, as it is written."""
    total = 0.0
    for i in range(net.top):
        mu = sigma(net.activations[i + 1], x[i + 1]) @ net.M[i] + net.beta[i]
        mask = known if i == 0 and known is not None else np.ones(len(mu), bool)
        if i == 0 and net.output == "softmax":
            p = np.exp(mu)/np.exp(mu).sum()
            total += sum(t*np.log(t/q) for t, q in zip(x[0], p))/net.nu[0][0] if mask.any() else 0.0
        elif i == 0 and net.output == "logistic":
            p = 1/(1 + np.exp(-mu))
            each = x[0]*np.log(x[0]/p) + (1 - x[0])*np.log((1 - x[0])/(1 - p))
            total += (each/net.nu[0])[mask].sum()
        else:
            total += 0.5*((x[i] - mu)**2/net.nu[i])[mask].sum()
    if net.prior is not None:
        total += 0.5*((x[-1] - net.prior_mean)**2).sum()/net.prior
    return float(total)


def euler(net, data, label, data_known, label_known, steps, step):
    """One sample by loops: the equations of the sheet, all layers at once."""
    ends = {net.data_end: (data, data_known), net.label_end: (label, label_known)}
    x0, known0 = ends[0]
    top, known_top = ends[net.top]
    x = [None]*(net.top + 1)
    x[net.top] = np.where(known_top, top, net.prior_mean)
    for i in range(net.top - 1, -1, -1):
        x[i] = sigma(net.activations[i + 1], x[i + 1]) @ net.M[i] + net.beta[i]

    def errors():
        e = []
        for i in range(net.top):
            mu = sigma(net.activations[i + 1], x[i + 1]) @ net.M[i] + net.beta[i]
            if i == 0:
                mu = {"linear": lambda m: m, "logistic": lambda m: 1/(1 + np.exp(-m)),
                      "softmax": lambda m: np.exp(m)/np.exp(m).sum()}[net.output](mu)
                x[0] = np.where(known0, x0, mu)
            e.append((x[i] - mu)/net.nu[i])
        prior = not (net.prior is None or np.all(known_top))
        return e + [(x[net.top] - net.prior_mean)/net.prior if prior else np.zeros(net.layers[-1])]

    for _ in range(steps):
        e = errors()
        for i in range(1, net.top + 1):
            d = net.activations[i].slope(x[i], sigma(net.activations[i], x[i]))*(e[i - 1] @ net.W[i - 1]) - e[i]
            x[i] = x[i] + step*(np.where(known_top, 0, d) if i == net.top else d)
    return x, errors()


CASES = [
    dict(), dict(direction="generative"),
    dict(direction="generative", activation="logistic", top_activation="tanh", nu=(0.5, 2, 1)),
    dict(activation=("relu", "softplus"), output="softmax"), dict(output="logistic", nu=0.5, activation="arctan"),
    dict(feedback="learned"), dict(direction="generative", prior=0.7, prior_mean=0.2, activation="leaky_relu"),
    dict(sizes=(4, 3)), dict(sizes=(1, 1, 1)), dict(direction="generative", output="logistic", sizes=(6, 9, 2)),
]


@pytest.mark.parametrize("options", CASES, ids=str)
@pytest.mark.parametrize("given", ["both", "data", "label", "part", "parts"])
def test_inference_is_the_equations_step_by_step(options: dict[str, Any], given: str) -> None:
    net, data, label = problem(**options)
    if given == "parts" and net.output == "softmax":
        given = "part"
    rows = len(data)
    rng = np.random.default_rng(5)
    masks = {"both": (1, 1), "data": (1, 0), "label": (0, 1), "part": (rng.random(data.shape) < 0.5, 0),
             "parts": (rng.random(data.shape) < 0.5, rng.random(label.shape) < 0.5)}[given]
    masks = [np.broadcast_to(np.asarray(m, bool), a.shape) for m, a in zip(masks, (data, label))]
    state = predictive.settle(net, np.where(masks[0], data, np.nan), np.where(masks[1], label, np.nan), data_known=masks[0],
                              label_known=masks[1], iterations=25, step=0.05, backtracking=False)
    for s in range(rows):
        x, e = euler(net, data[s], label[s], masks[0][s], masks[1][s], 25, 0.05)
        for i in range(net.top + 1):
            # 25 steps of numbers of size 1, each with some ten roundings
            np.testing.assert_allclose(state.x[i][s], x[i], atol=1e-13, err_msg=f"x {i}")
            if i < net.top:
                np.testing.assert_allclose(state.e[i][s], np.where(masks[net.data_end != 0][s], e[i], 0) if i == 0 else e[i],
                                           atol=1e-13/min(n.min() for n in net.nu), err_msg=f"e {i}")
    assert state.data is state.x[net.data_end] and state.label is state.x[net.label_end]


@pytest.mark.parametrize("options", [c for c in CASES if c.get("feedback") != "learned"], ids=str)
def test_states_and_weights_descend_on_f(options: dict[str, Any]) -> None:
    """dx/dt = -dF/dx, dM = -dF/dM, dbeta = -dF/dbeta, by central differences."""
    net, data, label = problem(rows=1, **options)
    free_top = net.prior is not None
    # values off the kinks of relu; away from rest, so that no derivative vanishes
    state = predictive.settle(net, data, None if free_top else label, iterations=2, step=0.05)
    x, h = [a[0].copy() for a in state.x], 1e-6
    known = None if net.direction == "generative" or not free_top else np.zeros(net.layers[0], bool)
    assert state.energy[0] == pytest.approx(energy(net, x, known), rel=1e-12)
    found = learnt(net, [None] + [sigma(net.activations[i], x[i])[None] for i in range(1, net.top + 1)],
                                        [e for e in state.e], 0.0, 0.0)

    def slope_at(array: np.ndarray, place) -> float:
        kept, values = array[place], []
        for shift in (h, -h):
            array[place] = kept + shift
            values.append(energy(net, x, known))
        array[place] = kept
        return (values[0] - values[1])/(2*h)

    # a central difference is exact to h**2 and to the rounding of F, 1e-16 F/h
    close = dict(rtol=1e-7, atol=1e-8)
    for i in range(1, net.top + free_top):
        e = state.e[i][0] if i < len(state.e) else np.zeros(net.layers[i])
        d = net.activations[i].slope(x[i], sigma(net.activations[i], x[i]))*(state.e[i - 1][0] @ net.W[i - 1]) - e
        np.testing.assert_allclose(d, [-slope_at(x[i], k) for k in range(len(x[i]))], **close)
    for i in range(net.top):
        numeric = np.array([-slope_at(net.M[i], place) for place in np.ndindex(*net.M[i].shape)]).reshape(net.M[i].shape)
        np.testing.assert_allclose(found.M[i], numeric, **close)
        np.testing.assert_allclose(found.beta[i], [-slope_at(net.beta[i], k) for k in range(len(net.beta[i]))], **close)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_f_never_rises_whatever_the_first_step(seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    sizes = tuple(rng.integers(1, 12, rng.integers(2, 6)))
    names = [str(n) for n in rng.choice(sorted(ACTIVATIONS), len(sizes) - 2)]
    net, data, label = problem(sizes, 9, seed, direction=("generative", "discriminative")[seed % 2], activation=names,
                               dtype=dtype, nu=float(rng.uniform(0.1, 3)), prior=(None, 1.0)[seed // 2 % 2],
                               output=("linear", "logistic")[seed // 3 % 2])
    for m in net.M:
        m *= 3
    for known in (np.ones(sizes[0], bool), rng.random((9, sizes[0])) < 0.5):
        for step in (0.01, 1.0, 100.0):
            state = predictive.settle(net, data, (label, None)[seed % 3 == 0], data_known=known, iterations=60, step=step,
                                      record=True)
            assert state.energies.shape == (61, 9) and np.isfinite(state.energies).all()
            # the sums that are compared are those that are recorded: exactly, not up to rounding
            assert (np.diff(state.energies, axis=0) <= 0).all()
            assert (state.energies[-1] == state.energy).all()


def test_inference_comes_to_rest_where_a_linear_network_says() -> None:
    """x^1 minimises |t - x^1 M^0|^2/nu^0 + |x^1 - mu^1|^2/nu^1: a linear system."""
    net, data, label = problem((4, 6, 3), activation="identity", nu=(0.5, 2.0))
    state = predictive.settle(net, data, label, iterations=3000, step=0.2, backtracking=False, tolerance=1e-13)
    m, mu = net.M[0], data @ net.M[1] + net.beta[1]
    x = np.linalg.solve(m @ m.T/0.5 + np.eye(6)/2, ((label - net.beta[0]) @ m.T/0.5 + mu/2).T).T
    np.testing.assert_allclose(state.x[1], x, atol=1e-13)
    assert state.residual <= 1e-13 and state.iterations < 3000
    # what the docstring of the schedules says of e^0
    output = (label - mu @ m - net.beta[0]) @ np.linalg.inv(0.5*np.eye(3) + 2*m.T @ m)
    np.testing.assert_allclose(state.e[0], output, atol=1e-12)
    careful = predictive.settle(net, data, label, iterations=500)
    # F is flat to its rounding, 1e-16, where |dx| is 1e-8
    np.testing.assert_allclose(careful.x[1], x, atol=1e-6)
    again = predictive.settle(net, data, label, start=careful, iterations=0)
    np.testing.assert_allclose(again.energy, careful.energy, rtol=1e-14)


def backprop_by_hand(net: PredictiveNetwork, data: np.ndarray, label: np.ndarray):
    """Gradients of the mean loss of a multilayer perceptron, from the top (the input) to layer 0 (the output)."""
    given, target = (data, label) if net.direction == "discriminative" else (label, data)
    h, z = {}, {net.top: given}
    for i in range(net.top - 1, -1, -1):
        h[i + 1] = net.activations[i + 1].value(z[i + 1])
        z[i] = h[i + 1] @ net.M[i] + net.beta[i]
    out = {"linear": lambda z: z, "logistic": lambda z: 1/(1 + np.exp(-z)),
           "softmax": lambda z: np.exp(z)/np.exp(z).sum(axis=1, keepdims=True)}[net.output](z[0])
    delta, dM, dbeta = (out - target)/net.nu[0]/len(data), [], []
    for i in range(net.top):
        dM.append(h[i + 1].T @ delta)
        dbeta.append(delta.sum(axis=0))
        if i + 1 < net.top:
            delta = delta @ net.M[i].T*net.activations[i + 1].slope(z[i + 1], h[i + 1])
    return dM, dbeta


@pytest.mark.parametrize("options", [c for c in CASES if c.get("feedback") != "learned"], ids=str)
@pytest.mark.parametrize("schedule", ["fixed-prediction", "z-il", "backprop"])
def test_two_schedules_are_backprop_to_rounding(options: dict[str, Any], schedule: str) -> None:
    net, data, label = problem(**options)
    found = predictive.backprop(net, data, label) if schedule == "backprop" else predictive.changes(net, data, label, schedule)
    dM, dbeta = backprop_by_hand(net, data, label)
    for i in range(net.top):
        # products of up to four factors, summed over up to nine units
        np.testing.assert_allclose(found.M[i], -dM[i], atol=1e-14*max(1, np.abs(dM[i]).max()))
        np.testing.assert_allclose(found.beta[i], -dbeta[i], atol=1e-14*max(1, np.abs(dbeta[i]).max()))
    if schedule != "backprop":
        np.testing.assert_allclose(predictive.cosines(net, data, label, schedule), 1, atol=1e-14)


def test_fixed_predictions_approach_backprop_geometrically() -> None:
    """One hidden layer, step s: e^1 after n steps is 1 - (1 - s)^n times backprop's delta."""
    net, data, label = problem((5, 7, 3))
    wanted = predictive.backprop(net, data, label)
    for step, n in ((0.3, 1), (0.3, 5), (0.5, 4)):
        found = predictive.changes(net, data, label, "fixed-prediction", step=step, iterations=n)
        np.testing.assert_allclose(found.M[1], (1 - (1 - step)**n)*wanted.M[1], atol=1e-15)
        np.testing.assert_allclose(found.M[0], wanted.M[0], atol=1e-15)


@pytest.mark.parametrize("direction", ["generative", "discriminative"])
def test_rest_tends_to_backprop_as_output_errors_vanish(direction: str) -> None:
    """The relative difference is of first order in 1/nu^0, in every layer."""
    distance = []
    for nu in (1e3, 2e3, 4e3):
        net, data, label = problem(direction=direction, nu=(nu, 1, 1), rows=6)
        found = predictive.changes(net, data, label, iterations=3000, step=0.1, backtracking=False)
        wanted = predictive.backprop(net, data, label)
        distance.append([np.linalg.norm(a - b)/np.linalg.norm(b) for a, b in zip(found.M, wanted.M)])
        assert (predictive.cosines(net, data, label, iterations=3000, step=0.1, backtracking=False) > 1 - 50/nu**2).all()
    distance = np.array(distance)
    assert (distance[0] < 2e-2).all()
    # of second order is what the ratios lack of 2: distance itself, 2e-2
    np.testing.assert_allclose(distance[:-1]/distance[1:], 2, rtol=0.02)


def test_at_rest_errors_obey_the_recursion_of_backprop() -> None:
    net, data, label = problem(nu=(1, 0.5, 2))
    state = predictive.settle(net, data, label, iterations=5000, step=0.1, backtracking=False, tolerance=1e-15)
    for i in (1, 2):
        slope = 1 - np.tanh(state.x[i])**2
        np.testing.assert_allclose(state.e[i], slope*(state.e[i - 1] @ net.M[i - 1].T), atol=1e-13)


def test_learnt_feedback_aligns_as_weights_decay() -> None:
    """Both get the same change, so that W - M^T shrinks by 1 - rate decay a minibatch (Kolen & Pollack 1994)."""
    net, data, label = problem(feedback="learned", rows=12)
    before = [w - m.T for w, m in zip(net.W, net.M)]
    predictive.train(net, data, label, epochs=10, batch=5, rate=0.1, momentum=0.0, decay=0.3)
    for w, m, gap in zip(net.W, net.M, before):
        np.testing.assert_allclose(w - m.T, gap*(1 - 0.1*0.3)**30, atol=1e-14)


def test_training_is_descent_with_momentum_and_lowers_f() -> None:
    net, data, label = problem(rows=20)
    twin, first = net.copy(), net.copy()
    history = predictive.train(net, data, label, epochs=3, batch=8, rate=0.1, momentum=0.5, decay=0.01, seed=4)
    rng, speed = np.random.default_rng(4), [np.zeros_like(p) for p in twin.parameters]
    for _ in range(3):
        order = rng.permutation(20)
        for k in (0, 8, 16):
            found = predictive.changes(twin, data[order[k:k + 8]], label[order[k:k + 8]])
            for p, d, v in zip(twin.parameters, found.arrays, speed):
                v[...] = 0.5*v + d - (0.01*p if p.ndim == 2 else 0)
                p += 0.1*v
    for a, b in zip(net.parameters, twin.parameters):
        np.testing.assert_allclose(a, b, atol=1e-14)
    assert history.loss.shape == history.energy.shape == (3,) and history.accuracy is None and history.problem is None
    assert (history.energy <= history.loss).all()
    seen = []
    longer = predictive.train(first, data, label, epochs=200, rate=0.1, each_epoch=lambda k: seen.append(k) or k == 149)
    assert seen == list(range(150)) and longer.loss[-1] < 0.5*longer.loss[0]


def test_divergence_leaves_the_network_as_after_the_last_good_epoch() -> None:
    net, data, label = problem(activation="relu", rows=20)
    with pytest.warns(NumericalWarning, match="grew without bound in epoch .* Take a learning rate below 1e"):
        history = predictive.train(net, data, label, epochs=50, rate=1e6, momentum=0.0)
    assert history.problem and len(history.loss) < 50
    assert all(np.isfinite(p).all() for p in net.parameters)
    with pytest.warns(NumericalWarning, match="grew without bound within 300 iterations. Take a step shorter than 50"):
        predictive.settle(problem(activation="relu", scale=5)[0], data, label, step=50.0, iterations=300, backtracking=False)


def test_generating_inferring_and_filling_in() -> None:
    net, data, label = problem((6, 8, 3), rows=5, direction="generative")
    made = predictive.generate(net, label)
    hidden = label @ net.M[1] + net.beta[1]
    np.testing.assert_allclose(made, np.tanh(hidden) @ net.M[0] + net.beta[0], atol=1e-14)
    assert predictive.settle(net, label=label, iterations=30).energy.max() < 1e-28
    np.testing.assert_array_equal(predictive.generate(net, range(3)), predictive.generate(net, np.eye(3)))
    # what the network itself made has a cause with F = 0, which inference finds; fewer labels than data, so there is one only
    found = predictive.infer(net, made, iterations=5000, step=0.2, tolerance=1e-9)
    np.testing.assert_allclose(found, label, atol=1e-4)
    known = np.array([True, False, True, True, True, True])
    filled = predictive.infill(net, np.where(known, made, np.nan), known, iterations=5000, step=0.2, tolerance=1e-9)
    assert (filled[:, known] == made[:, known]).all()
    np.testing.assert_allclose(filled, made, atol=1e-4)
    np.testing.assert_allclose(predictive.infill(net, np.where(known, made, 0), known, label), made, atol=1e-6)
    f = predictive.energies(net, predictive.generate(net, range(3)))
    assert f.shape == (3, 3) and (f.argmin(axis=1) == range(3)).all() and f.diagonal().max() < 1e-20
    other, data, label = problem((6, 8, 3), rows=1100)
    wanted = np.tanh(data @ other.M[1] + other.beta[1]) @ other.M[0] + other.beta[0]
    np.testing.assert_allclose(predictive.infer(other, data), wanted, atol=1e-13)
    soft, data, label = problem((6, 8, 3), output="softmax")
    np.testing.assert_allclose(predictive.infer(soft, data).sum(axis=1), 1, rtol=1e-14)


def test_drawn_data_have_the_moments_of_the_model() -> None:
    net, _, _ = problem((2, 3, 2), direction="generative", activation="identity", nu=(0.2, 0.5))
    n = 20_000
    x = predictive.generate(net, np.tile([[0.3, -0.6]], (n, 1)), noise=True, seed=1)
    mean = (np.array([0.3, -0.6]) @ net.M[1] + net.beta[1]) @ net.M[0] + net.beta[0]
    cov = 0.5*net.M[0].T @ net.M[0] + 0.2*np.eye(2)
    # five standard errors of 2 means and 3 moments: false alarm 5 x 6e-7
    assert (np.abs(x.mean(axis=0) - mean) < 5*np.sqrt(cov.diagonal()/n)).all()
    sd = np.sqrt((np.outer(cov.diagonal(), cov.diagonal()) + cov**2)/n)
    assert (np.abs(np.cov(x.T) - cov) < 5*sd).all()


@pytest.mark.parametrize("name", SMOOTH + ("relu", "leaky_relu"))
def test_activations_in_all_forms(name: str) -> None:
    """Slopes by central differences; compiled loops equal NumPy, through a first pass."""
    a, x = ACTIVATIONS[name], np.linspace(-6, 6, 25) + 0.01
    slope = np.broadcast_to(a.slope(x, a.value(x)), x.shape)
    np.testing.assert_allclose(slope, (a.value(x + 1e-6) - a.value(x - 1e-6))/2e-6, atol=1e-9)
    net = PredictiveNetwork((3, 25, 2), name)
    net.M[1][:], net.beta[1][:] = 0, x
    wanted = a.value(x) @ net.M[0]
    # a few ulp of each of 25 terms of size up to 6
    np.testing.assert_allclose(predictive.infer(net, np.zeros((1, 3)))[0], wanted, atol=1e-13)


def test_single_precision_and_copies() -> None:
    nets = [problem(dtype=d)[0] for d in ("float64", "float32")]
    _, data, label = problem()
    for m, n in zip(nets[0].parameters, nets[1].parameters):
        n[...] = m
    wide, narrow = (predictive.changes(net, data, label) for net in nets)
    for a, b in zip(wide.arrays, narrow.arrays):
        assert b.dtype == np.float32
        # 20 steps with a few roundings of 6e-8 each
        np.testing.assert_allclose(b, a, atol=2e-5)
    twin, deep = nets[0].copy(), copy.deepcopy(nets[0])
    predictive.train(nets[0], data, label, epochs=1)
    assert all(not np.array_equal(a, b) for a, b in zip(twin.parameters, nets[0].parameters))
    for a, b in zip(predictive.changes(deep, data, label).arrays, wide.arrays):
        np.testing.assert_array_equal(a, b)


def test_no_samples_and_one_unit() -> None:
    net, _, _ = problem()
    assert predictive.infer(net, np.empty((0, 5))).shape == (0, 3)
    assert predictive.settle(net, np.empty((0, 5)), np.empty((0, 3)), iterations=3).energy.shape == (0,)
    one = PredictiveNetwork((1, 1))
    assert predictive.infer(one, [[2.0]])[0, 0] == pytest.approx(2*one.M[0][0, 0])
    assert predictive.energies(one, [[2.0]]).shape == (1, 1)
