"""Rules of learning against what theory says of them: equalities, limits and orders of convergence."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from neurosim.errors import ParameterError
from neurosim.learning import Adam
from neurosim.learning.initialisers import glorot, orthogonal
from neurosim.learning.rules import contrastive_hebbian, equilibrium, target_propagation
from neurosim.learning.rules import feedback_alignment as fa
from neurosim.learning.rules.energy import EnergyNetwork, gradient
from neurosim.learning.rules.feedforward import answers, changes, forward, loss_of, masks_of
from neurosim.learning.rules.layers import Layers
from neurosim.learning.rules.units import UNITS


def problem(sizes=(5, 7, 6, 3), n=9, seed=0, classes=True):
    """Return layers with biases, samples and targets."""
    rng = np.random.default_rng(seed)
    layers = Layers.drawn(sizes, glorot, rng)
    layers.x[...] += 0.1*rng.standard_normal(layers.x.size)
    t = np.eye(sizes[-1])[rng.integers(0, sizes[-1], n)] if classes else rng.standard_normal((n, sizes[-1]))
    return layers, rng.standard_normal((n, sizes[0])), t


def numeric(layers, loss, step=1e-6):
    """Return minus the gradient of a loss of the layers by central differences, in one flat array."""
    found = np.empty_like(layers.x)
    for k in range(layers.x.size):
        kept = layers.x[k]
        layers.x[k] = kept + step
        up = loss()
        layers.x[k] = kept - step
        found[k] = (loss() - up)/(2*step)
        layers.x[k] = kept
    return found


def flat(pair):
    """Return changes of weights and biases in one flat array."""
    return np.concatenate([a.reshape(-1) for part in pair for a in part])


def backprop(layers, activation, output, x, t, masks=None):
    """Return changes of backpropagation."""
    passed = forward(layers, activation, x, masks)
    error = answers(output, passed.y[-1]) - t
    return changes(passed.y[:-1], fa.chain(error, passed.slopes, fa.transposed(layers.weights)))


@pytest.mark.parametrize("output", ["softmax", "linear"])
@pytest.mark.parametrize("activation", ["tanh", "softplus", "leaky_relu", "identity"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_transposed_feedback_is_backpropagation(output, activation, dropout):
    """B = W^T against central differences (rounding/step + step^2), with masks of dropout held fixed too."""
    layers, x, t = problem()
    masks = masks_of((7, 6), len(x), dropout, np.random.default_rng(3), x.dtype) if dropout else None
    expected = numeric(layers, lambda: loss_of(output, answers(output, forward(layers, activation, x, masks).y[-1]), t))
    np.testing.assert_allclose(flat(backprop(layers, activation, output, x, t, masks)), expected, atol=2e-8)


def test_direct_feedback_is_the_chain_with_one_hidden_layer():
    layers, x, t = problem((5, 7, 3))
    passed = forward(layers, "tanh", x)
    error = answers("softmax", passed.y[-1]) - t
    back = fa.chain_feedback(layers.sizes, glorot, 1.0, np.random.default_rng(1))
    for one, other in zip(fa.chain(error, passed.slopes, back), fa.direct(error, passed.slopes, back), strict=True):
        assert np.array_equal(one, other)


def test_direct_feedback_of_deep_linear_nets_is_a_chain_with_products_of_matrices():
    layers, x, t = problem((5, 7, 6, 4, 3))
    passed = forward(layers, "identity", x)
    chain = fa.chain_feedback(layers.sizes, glorot, 1.0, np.random.default_rng(1))
    products = [chain[2] @ chain[1] @ chain[0], chain[2] @ chain[1], chain[2]]
    error = passed.y[-1] - t
    for one, other in zip(fa.chain(error, passed.slopes, chain), fa.direct(error, passed.slopes, products), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_random_feedback_has_the_size_that_is_announced():
    """Sample variances of 10^5 numbers: 1 % is more than four standard errors (0.0028 for uniform numbers)."""
    rng, sizes = np.random.default_rng(0), (3, 1000, 400, 100)
    for b, n in zip(fa.direct_feedback(sizes, 2.0, rng), sizes[1:-1]):
        assert b.shape == (100, n) and b.var() == pytest.approx(4/100, rel=0.015)
    for b, pair in zip(fa.chain_feedback(sizes, glorot, 2.0, rng), zip(sizes[1:], sizes[2:])):
        assert b.shape == pair[::-1] and b.var() == pytest.approx(4*2/sum(pair), rel=0.02)


def test_forward_weights_of_a_linear_network_align_with_the_feedback():
    """Lillicrap 2016, Fig. 1-2 in small: random linear targets; the angle to backprop's deltas starts near 90 and falls.

    From small weights the forward matrix becomes W^1^T-aligned with B, whatever the seed: all three fall below 45 degrees; the
    first angle of 30-dimensional random directions is within 90 +- 40.
    """
    for seed in range(3):
        rng = np.random.default_rng(seed)
        target = glorot((30, 10), rng)
        layers = Layers([0.01*rng.standard_normal((30, 20)), 0.01*rng.standard_normal((20, 10))], [np.zeros(20), np.zeros(10)])
        back, angles, losses = fa.chain_feedback(layers.sizes, glorot, 1.0, rng), [], []
        for _ in range(400):
            x = rng.standard_normal((50, 30))
            passed = forward(layers, "identity", x)
            error = passed.y[-1] - x @ target
            deltas = fa.chain(error, passed.slopes, back)
            angles.append(fa.angle(deltas[0], error @ layers.weights[1].T))
            losses.append(np.vdot(error, error)/50)
            layers.step(*changes(passed.y[:-1], deltas))
        assert 50 < angles[0] < 130 and angles[-1] < 45 and losses[-1] < 1e-3*losses[0]


def test_angle_of_known_arrays():
    assert fa.angle(np.array([1.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(45, abs=1e-12)
    assert np.isnan(fa.angle(np.zeros(2), np.ones(2)))


# networks that settle

def settled(unit="tanh", gain=1.0, output="linear", sizes=(4, 6, 5, 3), scale=1.0, seed=0):
    """Return a network, its free states to rounding, and targets."""
    layers, x, t = problem(sizes, seed=seed)
    layers.x[...] *= scale
    net = EnergyNetwork(layers, unit, output, gain)
    free, _ = net.settle(net.start(x), 2000, tolerance=1e-15)
    return net, free, t


@pytest.mark.parametrize("name", UNITS)
def test_units_are_the_slopes_of_their_energies(name):
    """rho(G'(s)) = s and rho' = 1/G'' inside the range, by central differences of G."""
    u = np.linspace(0.1, 0.9, 9)
    s = UNITS[name].settle(u.copy())
    h = 1e-5
    inverse = (UNITS[name].energy(s + h) - UNITS[name].energy(s - h))/(2*h)
    np.testing.assert_allclose(inverse, u, atol=1e-8)
    slope = (UNITS[name].settle(u + h) - UNITS[name].settle(u - h))/(2*h)
    np.testing.assert_allclose(np.broadcast_to(UNITS[name].slope(s), s.shape), slope, atol=1e-9)


@pytest.mark.parametrize("name", ["tanh", "logistic", "hard_sigmoid"])
@pytest.mark.parametrize("output", ["linear", "softmax"])
@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_energy_never_rises_while_a_network_settles(name, output, gain):
    """From any start and with strong weights too; hidden units are bounded, by which E is bounded below."""
    rng = np.random.default_rng(2)
    layers, x, _ = problem((4, 6, 5, 3))
    layers.x[...] *= 2
    net = EnergyNetwork(layers, name, output, gain)
    s = [x, *(UNITS[name].settle(rng.standard_normal((9, n))) for n in (6, 5)), rng.random((9, 3))]
    s[-1] /= s[-1].sum(axis=1, keepdims=True)
    before = first = net.energy(s)
    for _ in range(40):
        s = net.settle(s, 1)[0]
        after = net.energy(s)
        # rounding of sums of about ten terms of that size
        assert np.all(after <= before + 1e-13*np.abs(before).max())
        before = after
    assert np.all(before < first - 1e-3)


def test_rest_is_where_every_layer_obeys_its_equation():
    net, s, _ = settled(gain=0.7, output="softmax")
    w, b = net.layers.weights, net.layers.biases
    np.testing.assert_allclose(s[1], np.tanh(s[0] @ w[0] + b[0] + 0.7*s[2] @ w[1].T), atol=1e-14)
    np.testing.assert_allclose(s[2], np.tanh(s[1] @ w[1] + b[1] + 0.7*s[3] @ w[2].T), atol=1e-14)
    np.testing.assert_allclose(s[3], answers("softmax", s[2] @ w[2] + b[2]), atol=1e-14)


def test_without_feedback_the_network_is_a_perceptron():
    layers, x, t = problem()
    net = EnergyNetwork(layers, "tanh", "softmax", 0.0)
    free, rounds = net.settle(net.start(x), 10, tolerance=1e-12)
    assert rounds == 1
    np.testing.assert_allclose(free[-1], answers("softmax", forward(layers, "tanh", x).y[-1]), rtol=1e-13)
    np.testing.assert_allclose(flat(gradient(net, free, t)), flat(backprop(layers, "tanh", "softmax", x, t)), atol=1e-15)
    with pytest.raises(ParameterError, match="gain 0"):
        net.energy(free)


@pytest.mark.parametrize("output", ["linear", "softmax"])
@pytest.mark.parametrize("gain", [1.0, 0.4])
@pytest.mark.parametrize("name", ["tanh", "logistic"])
def test_exact_gradient_through_the_rest(output, gain, name):
    net, free, t = settled(name, gain, output, (3, 4, 3, 2), scale=0.3)

    def loss():
        return loss_of(output, net.settle(free, 300, tolerance=1e-16)[0][-1], t)

    np.testing.assert_allclose(flat(gradient(net, free, t, 2000)), numeric(net.layers, loss, 1e-5), atol=1e-9)


@pytest.mark.parametrize("symmetric, order", [(False, 1), (True, 2)])
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_equilibrium_propagation_tends_to_the_gradient(symmetric, order, gain):
    """Order of the error in beta, from halving it; the next term of the series shifts it by a few beta."""
    net, free, t = settled("tanh", gain)
    expected = flat(gradient(net, free, t, 2000))
    betas = 0.02/2**np.arange(4)
    errors = [np.linalg.norm(flat(equilibrium.changes(net, free, t, b, 2000, symmetric=symmetric, tolerance=1e-15)) - expected)
              for b in betas]
    orders = np.log2(np.array(errors[:-1])/errors[1:])
    np.testing.assert_allclose(orders[-2:], order, atol=0.05)
    assert errors[-1]/np.linalg.norm(expected) < (1e-4 if symmetric else 0.02)


def test_equilibrium_propagation_of_a_negative_nudge():
    """Between +beta and -beta lies their mean."""
    net, free, t = settled()
    up, down = (flat(equilibrium.changes(net, free, t, b, 500, symmetric=False, tolerance=1e-14)) for b in (0.2, -0.2))
    both = flat(equilibrium.changes(net, free, t, 0.2, 500, tolerance=1e-14))
    np.testing.assert_allclose((up + down)/2, both, atol=1e-12)


@pytest.mark.parametrize("output", ["linear", "softmax"])
def test_contrastive_hebbian_learning_tends_to_backpropagation(output):
    """Xie & Seung 2003: rescaled by the gain, with an error that is as the gain."""
    layers, x, t = problem()
    expected = flat(backprop(layers, "tanh", output, x, t))
    gains, errors = 0.02/2**np.arange(4), []
    for gain in gains:
        net = EnergyNetwork(layers, "tanh", output, gain)
        free, _ = net.settle(net.start(x), 500, tolerance=1e-16)
        errors.append(np.linalg.norm(flat(contrastive_hebbian.changes(net, free, t, 500, 1e-16)) - expected))
    orders = np.log2(np.array(errors[:-1])/errors[1:])
    np.testing.assert_allclose(orders[1:], 1, atol=0.1)
    assert errors[-1] < 0.02*np.linalg.norm(expected)


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_contrastive_hebbian_changes_lower_the_contrast_of_energies(gain):
    """They are minus the slope of E(held) - E(free) while states stand still, here by central differences."""
    net, free, t = settled(gain=gain, output="softmax")
    held = net.settle(free, 500, target=t, tolerance=1e-15)[0]
    found = flat(contrastive_hebbian.changes(net, free, t, 500, 1e-15))
    expected = numeric(net.layers, lambda: float((net.energy(held) - net.energy(free)).mean()), 1e-4)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert np.all(net.energy(held) >= net.energy(free) - 1e-12)


def test_nudges_that_cannot_be_are_refused():
    net, free, t = settled(output="softmax")
    with pytest.raises(ParameterError, match="linear last layer"):
        net.settle(free, 1, target=t, beta=0.1)
    net, free, t = settled()
    with pytest.raises(ParameterError, match="beta above -1"):
        net.settle(free, 1, target=t, beta=-1.0)


# targets

def exact_chain(sizes=(6, 6, 6), seed=0):
    """Return a square network of tanh layers with well-conditioned weights, and the inverses of its layers from 2 on."""
    rng = np.random.default_rng(seed)
    layers = Layers([orthogonal((n, m), rng) for n, m in zip((6, *sizes), sizes)], [0.1*rng.standard_normal(n) for n in sizes])
    x = 0.5*rng.standard_normal((8, 6))
    return layers, x


def layer(layers, k, h):
    """Return what layer k, counted from 1, makes of h."""
    return np.tanh(h @ layers.weights[k - 1] + layers.biases[k - 1])


def test_targets_of_exact_inverses_bring_about_the_first_one():
    """Difference target propagation with g = f^-1: whoever starts from the lowest target reaches the highest, exactly."""
    layers, x = exact_chain((6, 6, 6))
    h = [x]
    for k in (1, 2, 3):
        h.append(layer(layers, k, h[-1]))
    inverses = [lambda y, k=k: (np.arctanh(y) - layers.biases[k]) @ np.linalg.inv(layers.weights[k]) for k in (1, 2)]
    first = h[3] + 0.05*np.random.default_rng(1).standard_normal(h[3].shape)
    found = target_propagation.targets(h[1:], first, inverses)
    np.testing.assert_allclose(layer(layers, 3, layer(layers, 2, found[0])), first, atol=1e-12)
    np.testing.assert_allclose(layer(layers, 3, found[1]), first, atol=1e-12)


@pytest.mark.parametrize("first", target_propagation.FIRST)
def test_targets_of_exact_inverses_are_gauss_newton_steps(first):
    """Small steps: h* - h = -eta J^-1 dC/dh of the layer where they begin (Meulemans 2020); the error is as eta."""
    layers, x = exact_chain((6, 6, 6))
    t = np.eye(6)[np.arange(8) % 6]
    passed = forward(layers, "tanh", x)
    error = answers("softmax", passed.y[-1]) - t
    inverses = [lambda y: (np.arctanh(y) - layers.biases[1]) @ np.linalg.inv(layers.weights[1]),
                lambda z: (z - layers.biases[2]) @ np.linalg.inv(layers.weights[2])][:1 if first == "hidden" else 2]
    # expected differences by Jacobians: down from the first target by inverses of f' = slope W^T
    top = error @ layers.weights[2].T if first == "hidden" else error @ np.linalg.inv(layers.weights[2])
    expected = [(top/passed.slopes[1]) @ np.linalg.inv(layers.weights[1]), top]
    gaps = []
    for eta in (1e-3, 5e-4):
        found = target_propagation.deltas(passed, error, layers.weights[2], eta, first, inverses)
        assert found[2] is error
        gaps.append(max(np.abs(found[k]/passed.slopes[k] - expected[k]).max() for k in (0, 1)))
    assert gaps[1] < 1e-2 and gaps[0]/gaps[1] == pytest.approx(2, abs=0.1)


def test_the_difference_makes_wrong_inverses_harmless_at_the_goal():
    """Identity of the correction: where the target above is what is there, so is the target below, for any g."""
    rng = np.random.default_rng(0)
    h = [rng.standard_normal((4, n)) for n in (5, 3, 2)]
    down = [rng.standard_normal(s) for s in ((3, 5), (2, 3))]
    inverses = [lambda y, v=v: np.sin(y @ v) for v in down]
    for one, other in zip(target_propagation.targets(h, h[-1], inverses), h, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-15)
    first = h[-1] + 0.1
    found = target_propagation.targets(h, first, inverses)
    np.testing.assert_allclose(found[1] - inverses[1](first), h[1] - inverses[1](h[2]), atol=1e-15)
    assert target_propagation.targets(h[:1], h[0] + 1, []) == [pytest.approx(h[0] + 1)]


@pytest.mark.parametrize("answers_too", [False, True])
def test_inverses_learn_down_the_slope_of_reconstruction(answers_too):
    """Against central differences of the loss, with the noise held fixed by its seed."""
    layers, x, _ = problem((5, 7, 6, 3))
    sizes = (3, 6, 7) if answers_too else (6, 7)
    back = Layers.drawn(sizes, glorot, np.random.default_rng(4))
    h = forward(layers, "tanh", x).y[1:len(sizes)]

    def change():
        return target_propagation.inverse_changes(back, layers, "tanh", h, 0.1, np.random.default_rng(5))

    def loss():
        rng, total = np.random.default_rng(5), 0.0
        for k, v, c in zip(range(len(h), 0, -1), back.weights, back.biases):
            goal = h[k - 1] + 0.1*rng.standard_normal(h[k - 1].shape)
            z = goal @ layers.weights[k] + layers.biases[k]
            g = np.tanh((z if k == 2 else np.tanh(z)) @ v + c)
            total += ((g - goal)**2).sum()/(2*len(x))
        return total

    np.testing.assert_allclose(flat(change()[:2]), numeric(back, loss), atol=1e-8)


def test_inverses_of_an_orthogonal_linear_layer_are_learnt():
    """g = W^-1 is the only exact reconstruction without noise; gradient descent finds it."""
    rng = np.random.default_rng(0)
    layers = Layers([orthogonal((4, 4), rng) for _ in range(3)], [np.zeros(4)]*3)
    back = Layers.drawn((4, 4), glorot, rng)
    h = [rng.standard_normal((40, 4))]
    for _ in range(1000):
        weights, biases, _ = target_propagation.inverse_changes(back, layers, "identity", h, 0.0, rng)
        back.step(weights, biases)
    np.testing.assert_allclose(back.weights[0], layers.weights[1].T, atol=1e-6)


# layers

def test_layers_step_as_their_optimiser_says():
    """Adam's first step is the rate, against the sign; l2 belongs to weights alone; larger than one piece of a cache."""
    rng = np.random.default_rng(0)
    layers = Layers.drawn((150, 130, 3), glorot, rng, Adam(0.01))
    before = [a.copy() for a in (*layers.weights, *layers.biases)]
    change = [rng.choice([-1.0, 1.0], a.shape) for a in before]
    layers.step(change[:2], change[2:])
    for old, new, d in zip(before, (*layers.weights, *layers.biases), change):
        np.testing.assert_allclose(new - old, 0.01*d, atol=1e-9)
    plain = Layers([np.full((2, 1), 2.0)], [np.full(1, 2.0)], l2=0.5)
    plain.step([np.zeros((2, 1))], [np.zeros(1)])
    # rate 0.1: 2 - 0.1 (0.5 2)
    assert np.array_equal(plain.weights[0], np.full((2, 1), 1.9)) and plain.biases[0][0] == 2.0


def test_layers_learn_on_after_a_journey():
    layers, x, t = problem()
    copy = pickle.loads(pickle.dumps(layers))
    for each in (layers, copy):
        each.step(*backprop(each, "tanh", "softmax", x, t))
    assert np.array_equal(copy.weights[1], layers.weights[1]) and np.shares_memory(copy.weights[1], copy.x)


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="chain of matrices"):
        Layers([np.zeros((2, 3)), np.zeros((4, 1))], [np.zeros(3), np.zeros(1)])
