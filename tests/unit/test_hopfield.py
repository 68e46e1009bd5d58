"""Hopfield networks against loops written out, closed forms, and what is said of bad input."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from neurosim import attractors
from neurosim.attractors import ASYNCHRONOUS, SYNCHRONOUS, Hopfield, ModernHopfield, hebbian, pseudo_inverse, storkey
from neurosim.errors import ParameterError

RNG = np.random.default_rng(5)
EPS = np.finfo(float).eps


def patterns(m: int, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (m, n)) * 2.0 - 1.0


# rules

def test_hebbian_is_the_sum_over_pairs():
    x = patterns(5, 9)
    w = hebbian(x)
    for i in range(9):
        for j in range(9):
            # whole numbers divided by 5: the same to the last bit
            assert w[i, j] == (0 if i == j else sum(x[k, i] * x[k, j] for k in range(5)) / 5)


def test_storkey_is_its_definition():
    x, n = patterns(4, 11), 11
    w = np.zeros((n, n))
    for row in x:
        h = np.array([[sum(w[i, k] * row[k] for k in range(n) if k not in (i, j)) for j in range(n)] for i in range(n)])
        new = w.copy()
        for i in range(n):
            for j in range(n):
                if i != j:
                    new[i, j] += (row[i] * row[j] - row[i] * h[j, i] - h[i, j] * row[j]) / n
        w = new
    # sums of 11 terms, four times over
    np.testing.assert_allclose(storkey(x), w, atol=100 * EPS)
    assert np.array_equal(storkey(x), storkey(x).T) or np.allclose(storkey(x), storkey(x).T, atol=10 * EPS)


def test_pseudo_inverse_projects_and_keeps_all_patterns():
    """Also where they are alike, dependent or repeated."""
    base = patterns(1, 40)
    x = np.repeat(base, 20, axis=0)
    for k in range(20):
        x[k, [k, k + 1]] *= -1
    x = np.concatenate([x, x[:3], -x[:2]])
    w = pseudo_inverse(x)
    projection = np.linalg.pinv(x) @ x
    np.testing.assert_allclose(w, projection - np.diag(np.diag(projection)), atol=1e-12)
    assert Hopfield(w).stable(x).all()
    assert not Hopfield.storing(x).stable(x).all()


def test_pseudo_inverse_of_a_whole_space_is_refused():
    with pytest.raises(ParameterError, match="span all 4 dimensions"):
        pseudo_inverse(np.array([[1, 1, 1, 1], [-1, 1, 1, 1], [1, -1, 1, 1], [1, 1, -1, 1]]))


@pytest.mark.parametrize("rule", [hebbian, pseudo_inverse, storkey])
def test_one_pattern_is_an_attractor_of_everything_nearer_to_it(rule):
    x = patterns(1, 50)
    start = np.repeat(x, 30, axis=0)
    for row in start:
        row[RNG.permutation(50)[:20]] *= -1
    found = Hopfield.storing(x, rule).recall(start, seed=1)
    assert np.all(found.states == x) and found.converged.all()


@pytest.mark.parametrize("rule", [hebbian, pseudo_inverse, storkey])
@pytest.mark.parametrize("bad, words", [
    ([[0, 1, 1]], ["-1 and 1 only", "0 at [0, 0]", "2*x - 1"]),
    ([[1, 0.5, 1]], ["0.5 at [0, 1]"]),
    ([[1, np.nan]], ["finite", "nan at [0, 1]"]),
    ([1, -1], ["shape (2,)", "(m, n)"]),
    (np.ones((0, 3)), ["no rows"]),
    (np.ones((3, 0)), ["shape (3, 0)"]),
    ([["a", "b"]], ["array of numbers"]),
    ([[1, -1], [1]], ["array of numbers"]),
])
def test_bad_patterns(rule, bad, words):
    with pytest.raises(ParameterError) as said:
        rule(bad)
    for word in words:
        assert word in str(said.value)


# updates

def naive(w, b, x, order):
    """Update one state in a given order of neurons, with sums written out."""
    x = list(x)
    for i in order:
        h = sum(w[j, i] * x[j] for j in range(len(x))) + b[i]
        if h * x[i] < 0:
            x[i] = -x[i]
    return x


@pytest.mark.parametrize("symmetric", [True, False])
def test_each_sweep_is_a_naive_sweep_in_some_order(symmetric):
    """Four neurons have 24 orders: what a sweep made is among what these make, and all of them occur."""
    rng = np.random.default_rng(3)
    w = rng.normal(size=(4, 4))
    w = w + w.T if symmetric else w
    b = 0.1 * rng.normal(size=4)
    ends = {x: {tuple(naive(w, b, x, order)) for order in permutations(range(4))} for x in product((-1.0, 1.0), repeat=4)}
    x, wanted = max(ends.items(), key=lambda item: len(item[1]))
    # 200 rows draw 200 orders: the chance to miss one of the 24 is 24 (23/24)^200 = 0.005, and the seed is fixed
    found = Hopfield(w, b).recall(np.repeat([x], 200, axis=0), sweeps=1, seed=2)
    assert {tuple(row) for row in found.states} == wanted and len(wanted) > 1
    assert np.all(found.sweeps == 1)


@pytest.mark.parametrize("symmetric", [True, False])
def test_energies_on_the_way_are_those_of_the_states(symmetric):
    rng = np.random.default_rng(4)
    w = rng.normal(size=(30, 30))
    w = w + w.T if symmetric else w
    net = Hopfield(w, rng.normal(size=30))
    assert net.symmetric is symmetric
    found = net.recall(patterns(20, 30, 1), sweeps=6, seed=3, every_update=True)
    whole = net.recall(patterns(20, 30, 1), sweeps=6, seed=3)
    np.testing.assert_array_equal(found.states, whole.states)
    scale = np.abs(w).sum()
    # one rounding for each of up to 180 changes
    np.testing.assert_allclose(found.energy[::30], whole.energy, atol=200 * EPS * scale)
    np.testing.assert_allclose(found.energy[-1], net.energy(found.states), atol=200 * EPS * scale)
    np.testing.assert_allclose(found.energy[0], net.energy(patterns(20, 30, 1)), atol=EPS * scale)
    x = found.states
    np.testing.assert_allclose(net.energy(x), [-r @ w @ r / 2 - net.bias @ r for r in x], atol=100 * EPS * scale)


def test_states_at_rest_are_stable_and_others_are_not():
    net = Hopfield.storing(patterns(6, 60))
    found = net.recall(patterns(50, 60, 2), seed=1)
    assert found.converged.all() and net.stable(found.states).all() and (found.period == 1).all()
    cut = net.recall(patterns(50, 60, 2), seed=1, sweeps=1)
    assert not cut.converged.any() and np.array_equal(cut.period == 0, ~cut.converged)
    still = net.recall(found.states)
    assert np.all(still.sweeps == 1) and not still.flips.any() and np.array_equal(still.states, found.states)


def test_a_field_of_zero_changes_nothing():
    """Two memories leave fields of 0 at rest; rounding of weights like 1/3 must not move them."""
    net = Hopfield(np.zeros((5, 5)))
    x = patterns(8, 5)
    np.testing.assert_array_equal(net.recall(x).states, x)
    w = np.array([[0, 1 / 3, 1 / 3, -2 / 3], [1 / 3, 0, 0, 0], [1 / 3, 0, 0, 0], [-2 / 3, 0, 0, 0]])
    # the field of neuron 0 is 1/3 + 1/3 - 2/3
    assert Hopfield(w).stable([1, 1, 1, 1]) == Hopfield(3 * w).stable([1, 1, 1, 1])


def test_synchronous_updates_and_their_cycle():
    """Two neurons that excite each other exchange their states for ever: the textbook cycle of length two."""
    net = Hopfield([[0, 1], [1, 0]])
    found = net.recall([[1, -1], [1, 1], [-1, -1]], SYNCHRONOUS)
    np.testing.assert_array_equal(found.period, [2, 1, 1])
    np.testing.assert_array_equal(found.states[1:], [[1, 1], [-1, -1]])
    big = Hopfield.storing(patterns(20, 100))
    x = patterns(40, 100, 3)
    found = big.recall(x, SYNCHRONOUS, sweeps=200)
    # symmetric weights end in cycles of one or two states (Goles-Chacc et al. 1985)
    assert set(found.period) <= {1, 2}
    y = x
    for _ in range(200):
        h = y @ big.weights
        y = np.where(h > 1e-9, 1.0, np.where(h < -1e-9, -1.0, y))
    rest = found.period == 1
    np.testing.assert_array_equal(found.states[rest], y[rest])
    for k in np.flatnonzero(~rest):
        h = y[k] @ big.weights
        other = np.where(h > 1e-9, 1.0, np.where(h < -1e-9, -1.0, y[k]))
        assert np.array_equal(found.states[k], y[k]) or np.array_equal(found.states[k], other)


def test_held_neurons_stay_and_the_rest_is_completed():
    x = patterns(3, 60)
    known = np.arange(60) < 30
    start = np.where(known, x, patterns(3, 60, 9))
    for order in (ASYNCHRONOUS, SYNCHRONOUS):
        found = Hopfield.storing(x).recall(start, order, held=known)
        np.testing.assert_array_equal(found.states[:, known], start[:, known])
        np.testing.assert_array_equal(found.states, x)


def test_seeds_and_shapes():
    net, x = Hopfield.storing(patterns(8, 40)), patterns(24, 40, 4).reshape(2, 3, 4, 40)
    one, two, other = net.recall(x, seed=1), net.recall(x, seed=1), net.recall(x, seed=2)
    assert one.states.shape == x.shape and one.energy.shape[1:] == (2, 3, 4) and one.period.shape == (2, 3, 4)
    np.testing.assert_array_equal(one.states, two.states)
    assert not np.array_equal(one.states, other.states)
    assert one.overlap(patterns(8, 40)).shape == (2, 3, 4, 8)
    rng = np.random.default_rng(1)
    first, second = net.recall(x, seed=rng), net.recall(x, seed=rng)
    assert not np.array_equal(first.states, second.states)
    single = net.recall(x[0, 0, 0], seed=1)
    assert single.states.shape == (40,) and single.energy.ndim == 1
    assert net.recall(np.empty((0, 40))).states.shape == (0, 40)


def test_with_the_same_order_a_state_does_not_depend_on_its_neighbours():
    net, x = Hopfield.storing(patterns(12, 40)), patterns(30, 40, 4)
    whole = net.recall(x, seed=1, same_order=True).states
    part = net.recall(x[17:20], seed=1, same_order=True).states
    np.testing.assert_array_equal(whole[17:20], part)


def test_one_neuron():
    net = Hopfield([[0.0]], bias=0.5)
    np.testing.assert_array_equal(net.recall([[-1.0], [1.0]]).states, [[1], [1]])


@pytest.mark.parametrize("make, words", [
    (lambda: Hopfield(np.ones((2, 3))), ["(2, 3)", "square"]),
    (lambda: Hopfield(np.ones((2, 2)), bias=[1, 2, 3]), ["bias has shape (3,)", "(2,)"]),
    (lambda: Hopfield([[0, np.inf], [0, 0]]), ["inf at [0, 1]"]),
    (lambda: Hopfield(np.ones((2, 2))).recall([1, 1, 1]), ["(3,)", "(..., 2)"]),
    (lambda: Hopfield(np.ones((2, 2))).recall([1, 0]), ["-1 and 1 only", "2*x - 1"]),
    (lambda: Hopfield(np.ones((2, 2))).recall([1, 1], "synchronous"), ["ASYNCHRONOUS or SYNCHRONOUS", "'synchronous'"]),
    (lambda: Hopfield(np.ones((2, 2))).recall([1, 1], sweeps=0), ["sweeps", "at least 1"]),
    (lambda: Hopfield(np.ones((2, 2))).recall([1, 1], seed=-1), ["seed"]),
    (lambda: Hopfield(np.ones((2, 2))).recall([1, 1], held=[1, 0]), ["held", "flags"]),
    (lambda: Hopfield(np.ones((2, 2))).recall([1, 1], SYNCHRONOUS, every_update=True), ["every_update"]),
    (lambda: attractors.capacity(10, [0.2, 0.1]), ["ascend"]),
    (lambda: attractors.capacity(10, [0.01]), ["at least one pattern"]),
    (lambda: attractors.expected_overlap([0.0]), ["above 0"]),
    (lambda: attractors.ContinuousHopfield(np.zeros((2, 2)), gain=0), ["gain", "above 0"]),
    (lambda: attractors.ContinuousHopfield(np.zeros((2, 2)), squash=np.tanh), ["TANH, LOGISTIC or ARCTAN"]),
    (lambda: ModernHopfield(np.zeros((0, 2))), ["no rows"]),
    (lambda: ModernHopfield(np.zeros((3, 2)), beta=-1), ["beta", "above 0"]),
    (lambda: ModernHopfield(np.zeros((3, 2))).update([1, 2, 3]), ["(3,)", "(..., 2)"]),
    (lambda: attractors.attention([1.0], [[1.0]], [[1.0], [2.0]]), ["1 keys and 2 values"]),
])
def test_bad_arguments(make, words):
    with pytest.raises(ParameterError) as said:
        make()
    for word in words:
        assert word in str(said.value)


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(AttributeError, match="Did you mean 'Hopfield'"):
        attractors.Hopfeld  # noqa: B018


# modern

def test_an_update_is_attention_by_sums_written_out():
    x, q, beta = RNG.normal(size=(7, 4)), RNG.normal(size=(5, 4)), 1.7
    for query, found in zip(q, ModernHopfield(x, beta).update(q)):
        p = [np.exp(beta * sum(a * b for a, b in zip(query, row))) for row in x]
        wanted = sum(w * row for w, row in zip(p, x)) / sum(p)
        # a handful of roundings of numbers of size 1 to 10
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(ModernHopfield(x, beta).update(q), attractors.attention(q, x, x, beta))
    np.testing.assert_array_equal(attractors.attention(q, x, x), attractors.attention(q, x, x, 0.5))


def test_attention_in_blocks_is_attention(monkeypatch):
    from neurosim.attractors import hopfield_modern

    x, q = RNG.normal(size=(9, 4)), RNG.normal(size=(3, 11, 4))
    whole = ModernHopfield(x).recall(q)
    monkeypatch.setattr(hopfield_modern, "BLOCK", 20)
    # products of other shapes may add in another order
    np.testing.assert_allclose(ModernHopfield(x).recall(q), whole, atol=1e-12)


def test_large_similarities_do_not_overflow():
    x = 1e3 * np.eye(3)
    net = ModernHopfield(x, beta=10.0)
    np.testing.assert_array_equal(net.update([900.0, 1.0, 2.0]), x[0])
    assert np.isfinite(net.energy(x)).all()


def test_limits_of_beta():
    """beta to 0: the mean of all patterns; to infinity: the most similar one."""
    x = RNG.normal(size=(6, 5))
    np.testing.assert_allclose(ModernHopfield(x, 1e-12).recall(x), np.repeat(x.mean(axis=0)[None], 6, axis=0), atol=1e-10)
    np.testing.assert_allclose(ModernHopfield(x, 1e6).update(x), x[(x @ x.T).argmax(axis=1)], atol=1e-12)


def test_separation_is_written_out():
    x = RNG.normal(size=(5, 3))
    wanted = [x[k] @ x[k] - max(x[k] @ x[j] for j in range(5) if j != k) for k in range(5)]
    np.testing.assert_allclose(ModernHopfield(x).separation(), wanted, atol=1e-14)
    assert ModernHopfield(x[:1]).separation() == np.inf
