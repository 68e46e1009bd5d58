"""Restricted Boltzmann machines against sums over all states written out, and learning against its formulas."""

from __future__ import annotations

import pickle
from itertools import product

import numpy as np
import pytest

from neurosim import attractors
from neurosim.attractors import BoltzmannMachine, Trainer
from neurosim.attractors import boltzmann_exact as exact
from neurosim.errors import ParameterError

RNG = np.random.default_rng(11)


def machine(n_visible: int = 4, n_hidden: int = 3, sd: float = 1.0, seed: int = 0) -> BoltzmannMachine:
    rng = np.random.default_rng(seed)
    return BoltzmannMachine(sd * rng.normal(size=(n_visible, n_hidden)), sd * rng.normal(size=n_visible),
                            sd * rng.normal(size=n_hidden))


def joint(m: BoltzmannMachine) -> dict:
    """Return P(v, h) by sums written out."""
    weight = {}
    for v in product((0, 1), repeat=m.n_visible):
        for h in product((0, 1), repeat=m.n_hidden):
            e = -sum(v[i] * m.weights[i, j] * h[j] for i in range(m.n_visible) for j in range(m.n_hidden))
            e -= sum(b * x for b, x in zip(m.visible_bias, v)) + sum(c * x for c, x in zip(m.hidden_bias, h))
            weight[v, h] = np.exp(-e)
    z = sum(weight.values())
    return {"z": z, **{key: value / z for key, value in weight.items()}}


@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (1, 1)])
def test_all_sums_against_the_joint_distribution(shape):
    """Sums of up to 2^8 terms of similar size: relative roundings of 1e-13."""
    m = machine(*shape)
    p = joint(m)
    z = p.pop("z")
    assert attractors.log_partition(m) == pytest.approx(np.log(z), rel=1e-13)
    states = exact.all_states(shape[0])
    marginal = np.array([sum(q for (v, _), q in p.items() if v == tuple(row.astype(int))) for row in states])
    np.testing.assert_allclose(exact.distribution(m), marginal, rtol=1e-12)
    np.testing.assert_allclose(np.exp(attractors.log_likelihood(m, states)), marginal, rtol=1e-12)
    np.testing.assert_allclose(-m.free_energy(states), np.log(marginal * z), atol=1e-12)
    both = sum(q * np.outer(v, h) for (v, h), q in p.items())
    found = attractors.model_statistics(m)
    np.testing.assert_allclose(found.weights, both, rtol=1e-12)
    np.testing.assert_allclose(found.visible, sum(q * np.array(v) for (v, _), q in p.items()), rtol=1e-12)
    np.testing.assert_allclose(found.hidden, sum(q * np.array(h) for (_, h), q in p.items()), rtol=1e-12)
    # conditional probabilities are ratios of joint ones
    for v in states:
        q = {h: w for (u, h), w in p.items() if u == tuple(v.astype(int))}
        wanted = sum(w * np.array(h) for h, w in q.items()) / sum(q.values())
        np.testing.assert_allclose(m.hidden_probabilities(v), wanted, rtol=1e-12)
    for h in exact.all_states(shape[1]):
        q = {v: w for (v, g), w in p.items() if g == tuple(h.astype(int))}
        np.testing.assert_allclose(m.visible_probabilities(h), sum(w * np.array(v) for v, w in q.items()) / sum(q.values()),
                                   rtol=1e-12)


def test_energy_is_its_definition_and_gaps_give_the_probabilities():
    m, v, h = machine(), RNG.integers(0, 2, (6, 4)), RNG.integers(0, 2, (6, 3))
    for k in range(6):
        wanted = -v[k] @ m.weights @ h[k] - m.visible_bias @ v[k] - m.hidden_bias @ h[k]
        assert m.energy(v, h)[k] == pytest.approx(wanted, abs=1e-14)
    on, off = h.copy(), h.copy()
    on[:, 1], off[:, 1] = 1, 0
    gap = m.energy(v, off) - m.energy(v, on)
    np.testing.assert_allclose(m.hidden_probabilities(v)[:, 1], 1 / (1 + np.exp(-gap)), rtol=1e-13)


def test_sums_over_the_smaller_layer_in_chunks(monkeypatch):
    m = machine(7, 5, 0.7)
    whole = attractors.model_statistics(m)
    monkeypatch.setattr(exact, "CHUNK", 8)
    for a, b in zip(whole, attractors.model_statistics(m)):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_the_gradient_is_that_of_the_log_likelihood():
    """Central differences with steps of 1e-5: rounding makes 1e-11, curvature 1e-10."""
    m, data = machine(5, 4), RNG.integers(0, 2, (7, 5)).astype(float)
    gradient = attractors.log_likelihood_gradient(m, data)

    def mean(w, b, c):
        return attractors.log_likelihood(BoltzmannMachine(w, b, c), data).mean()

    base = [m.weights, m.visible_bias, m.hidden_bias]
    for k, slope in enumerate(gradient):
        for place in np.ndindex(slope.shape):
            up, down = [a.copy() for a in base], [a.copy() for a in base]
            up[k][place] += 1e-5
            down[k][place] -= 1e-5
            assert (mean(*up) - mean(*down)) / 2e-5 == pytest.approx(slope[place], abs=1e-9)


def test_one_gibbs_step_by_sums_over_hidden_states():
    m = machine(3, 2)
    p = joint(m)
    p.pop("z")
    states = exact.all_states(3)
    wanted = np.zeros((8, 8))
    for a, v in enumerate(states):
        given = {h: q for (u, h), q in p.items() if u == tuple(v.astype(int))}
        for h, q in given.items():
            on = m.visible_probabilities(h)
            for b, u in enumerate(states):
                wanted[a, b] += q / sum(given.values()) * np.prod(np.where(u == 1, on, 1 - on))
    step = exact.transitions(m)
    np.testing.assert_allclose(step, wanted, rtol=1e-12)
    np.testing.assert_allclose(step.sum(axis=1), 1.0, rtol=1e-13)
    # detailed balance, hence the model's distribution is the stationary one
    flow = exact.distribution(m)[:, None] * step
    np.testing.assert_allclose(flow, flow.T, atol=1e-15)


def test_contrastive_divergence_and_its_limit():
    m, share = machine(5, 4, 0.6), RNG.random(32)
    share /= share.sum()
    likelihood = exact.data_statistics(m, exact.all_states(5), share).minus(attractors.model_statistics(m))
    distance = []
    for k in (1, 2, 5, 20, 500):
        distance.append(max(np.abs(a - b).max() for a, b in zip(attractors.contrastive_gradient(m, share, k), likelihood)))
        assert attractors.contrastive_divergence(m, share, k) >= 0
    assert distance[0] > 1e-3 > 10 * distance[3] and distance[-1] < 1e-12
    model = exact.distribution(m)
    # data that are the model's: nothing to learn
    assert attractors.contrastive_divergence(m, model) == pytest.approx(0, abs=1e-13)
    assert max(np.abs(a).max() for a in attractors.contrastive_gradient(m, model)) < 1e-14
    # powers of the whole matrix and step by step are the same
    long = share @ np.linalg.matrix_power(exact.transitions(m), 7)
    np.testing.assert_allclose(exact._after(m, share, 7), long, rtol=1e-12)


def test_saturated_machines_are_finite():
    m = machine(6, 4, 1000.0)
    assert np.isfinite(attractors.log_partition(m)) and np.isfinite(exact.transitions(m)).all()
    np.testing.assert_allclose(exact.transitions(m).sum(axis=1), 1.0, rtol=1e-12)
    assert np.isfinite(m.pseudo_log_likelihood(exact.all_states(6))).all()


def test_pseudo_log_likelihood_is_its_definition():
    m, v = machine(5, 3), RNG.integers(0, 2, (2, 6, 5)).astype(float)
    log_p = dict(zip(map(tuple, exact.all_states(5)), np.log(exact.distribution(m))))
    wanted = np.zeros((2, 6))
    for place in np.ndindex(2, 6):
        for i in range(5):
            other = v[place].copy()
            other[i] = 1 - other[i]
            gap = log_p[tuple(other)] - log_p[tuple(v[place])]
            wanted[place] -= np.log1p(np.exp(gap))
    np.testing.assert_allclose(m.pseudo_log_likelihood(v), wanted, atol=1e-12)


# learning

@pytest.mark.parametrize("momentum, decay", [(0.0, 0.0), (0.0, 0.1), (0.8, 0.0), (0.8, 0.1)])
def test_updates_are_the_formula(momentum, decay):
    """What was sampled is read from the trainer's own array; weights after two updates by the formulas written out."""
    m = machine(6, 4, 0.3)
    trainer = Trainer(m, rate=0.2, persistent=False, momentum=momentum, decay=decay, seed=1)
    w, b, c = m.weights.copy(), m.visible_bias.copy(), m.hidden_bias.copy()
    speed = [0.0, 0.0, 0.0]
    for _ in range(2):
        v = RNG.integers(0, 2, (5, 6)).astype(float)
        trainer.learn(v)
        s = trainer._array("both", (10, 6))[5:]
        q, r = (1 / (1 + np.exp(-(x @ w + c))) for x in (v, s))
        change = (0.2 * (v.T @ q - s.T @ r) / 5 - 0.2 * decay * w, 0.2 * (v - s).mean(axis=0), 0.2 * (q - r).mean(axis=0))
        speed = [momentum * old + new for old, new in zip(speed, change)]
        w, b, c = w + speed[0], b + speed[1], c + speed[2]
        assert set(np.unique(s)) <= {0.0, 1.0}
    for found, wanted in ((trainer.w, w), (trainer.b, b), (trainer.c, c)):
        np.testing.assert_allclose(found, wanted, atol=1e-14)


def test_chains_go_on_and_need_not_be_as_many_as_the_batch():
    m = machine(6, 4, 0.3)
    trainer = Trainer(m, rate=0.0, persistent=True, chains=7, steps=3, seed=1)
    before = trainer.hidden.copy()
    trainer.learn(np.ones((5, 6)))
    after = trainer.hidden.copy()
    trainer.learn(np.ones((2, 6)))
    assert after.shape == (7, 4) and not np.array_equal(before, after) and not np.array_equal(after, trainer.hidden)
    np.testing.assert_array_equal(trainer.w, m.weights)


def test_learning_raises_the_likelihood_up_to_the_best():
    """Two patterns of four bits: ln P = -ln 2 is the most there is; by exact gradient it is reached to 0.02."""
    data = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], float)
    m = attractors.initial_machine(4, 3, seed=1)
    for _ in range(3000):
        g = attractors.log_likelihood_gradient(m, data)
        m = BoltzmannMachine(*(old + 0.2 * new for old, new in zip((m.weights, m.visible_bias, m.hidden_bias), g)))
    assert -0.02 < attractors.log_likelihood(m, data).mean() + np.log(2) <= 0


@pytest.mark.parametrize("persistent, steps", [(True, 1), (False, 3)])
def test_sampled_learning_finds_a_machine_as_good_as_the_one_that_made_the_data(persistent, steps):
    """By ln P of the data, exactly: the maker scores the entropy of its own distribution, the best fit of 29 parameters to 3000
    samples 29/6000 = 0.005 more. Runs with constant rates scatter below that by about 0.01; without learning it is 0.5 less."""
    maker = machine(5, 4, 1.0, seed=2)
    data, _ = maker.gibbs(np.zeros((3000, 5)), 100, seed=1)
    trainer = Trainer(attractors.initial_machine(5, 4, seed=2), rate=0.05, steps=steps, persistent=persistent, chains=100,
                      seed=3)
    goal = attractors.log_likelihood(maker, data).mean()
    assert attractors.log_likelihood(trainer.machine, data).mean() < goal - 0.3
    for _ in range(80):
        for batch in np.split(data, 30):
            trainer.learn(batch)
    assert attractors.log_likelihood(trainer.machine, data).mean() > goal - 0.03


def test_a_step_of_contrastive_divergence_is_one_update():
    m, v = machine(), RNG.integers(0, 2, (9, 4))
    trainer = Trainer(m, rate=0.3, steps=2, persistent=False, seed=4)
    trainer.learn(v.astype(float))
    found = attractors.contrastive_step(m, v, rate=0.3, steps=2, seed=4)
    np.testing.assert_array_equal(found.weights, trainer.w)
    np.testing.assert_array_equal(m.weights, machine().weights)


def test_single_precision_stays_single():
    m = attractors.initial_machine(6, 3, seed=1, dtype=np.float32)
    trainer = Trainer(m, seed=1)
    trainer.learn(np.ones((4, 6), np.float32))
    one = trainer.machine
    assert one.weights.dtype == one.visible_bias.dtype == one.hidden_probabilities(np.ones(6)).dtype == np.float32
    assert one.generate(2, 3).dtype == np.float32


def test_a_trainer_goes_on_after_being_stored():
    trainer = Trainer(machine(), seed=1)
    trainer.learn(np.ones((3, 4)))
    copy = pickle.loads(pickle.dumps(trainer))
    for t in (trainer, copy):
        t.learn(np.ones((3, 4)))
    np.testing.assert_array_equal(trainer.w, copy.w)


# sampling

def test_known_units_are_held_and_the_rest_is_the_expectation():
    """Strong weights tie unit 0 to unit 1 by a hidden unit: they are alike, and unit 2 is a coin with P = 0.8."""
    m = BoltzmannMachine([[12.0], [12.0], [0.0]], [-6.0, -6.0, np.log(4)], [-12.0])
    v = np.array([[1, 0, 0], [0, 1, 1]], float)
    known = np.array([True, False, False])
    filled = m.fill_in(v, known, steps=4000, seed=1)
    np.testing.assert_array_equal(filled[:, 0], v[:, 0])
    assert filled[0, 1] > 0.95 and filled[1, 1] < 0.05
    np.testing.assert_allclose(filled[:, 2], 0.8, atol=1e-12)
    each = np.array([[True, False, False], [False, True, True]])
    np.testing.assert_array_equal(m.fill_in(v, each, 10)[each], v[each])
    holes = np.where(each, v, np.nan)
    np.testing.assert_array_equal(m.fill_in(holes, each, 10, seed=2), m.fill_in(v, each, 10, seed=2))


def test_seeds_shapes_and_empty_batches():
    m = machine()
    np.testing.assert_array_equal(m.generate(3, 5, seed=1), m.generate(3, 5, seed=1))
    assert not np.array_equal(m.generate(3, 5, seed=1), m.generate(3, 5, seed=2))
    state, p = m.gibbs(np.ones((2, 3, 4)), 2)
    assert state.shape == p.shape == (2, 3, 4) and m.generate(0).shape == (0, 4)
    assert m.pseudo_log_likelihood(np.empty((0, 4))).shape == (0,)
    assert m.generate(5, 1, start=np.ones((2, 4))).shape == (5, 4)


@pytest.mark.parametrize("make, words", [
    (lambda: BoltzmannMachine(np.ones(3)), ["weights", "(3,)"]),
    (lambda: BoltzmannMachine(np.ones((3, 2)), np.ones(2)), ["visible_bias", "(2,)", "(3,)"]),
    (lambda: BoltzmannMachine(np.ones((3, 2)), 0.0, [1, np.nan]), ["hidden_bias", "nan at [1]"]),
    (lambda: machine().free_energy(np.ones(3)), ["(3,)", "(..., 4)"]),
    (lambda: machine().gibbs(np.ones(4), 0), ["steps", "at least 1"]),
    (lambda: machine().gibbs(np.ones(4), known=[1, 0, 1, 0]), ["known", "flags"]),
    (lambda: machine().fill_in(np.ones(4), np.ones(3, bool)), ["known", "(4,)"]),
    (lambda: machine().fill_in([1, np.nan, 0, 0], np.array([True, True, False, False])), ["nan at [1]"]),
    (lambda: machine().generate(2, start=np.empty((0, 4))), ["start has no rows"]),
    (lambda: attractors.log_partition(machine(30, 26)), ["2^26", "30 visible and 26 hidden", "pseudo_log_likelihood"]),
    (lambda: exact.transitions(machine(13, 2)), ["13 visible", "12"]),
    (lambda: exact.transitions(machine(2, 13)), ["13 hidden", "12"]),
    (lambda: attractors.contrastive_gradient(machine(2, 2), [0.5, 0.5, 0.5, 0.5]), ["4 probabilities", "sum is 2"]),
    (lambda: attractors.log_likelihood_gradient(machine(), np.empty((0, 4))), ["no rows"]),
    (lambda: Trainer(machine(), rate=-1), ["rate", "0 or more"]),
    (lambda: Trainer(machine(), steps=0), ["steps"]),
    (lambda: Trainer(machine(), momentum=1.0), ["momentum must be below 1"]),
    (lambda: attractors.contrastive_step(machine(), [[1, 1]]), ["(1, 2)", "(m, 4)"]),
    (lambda: attractors.initial_machine(0, 3), ["n_visible"]),
])
def test_bad_arguments(make, words):
    with pytest.raises(ParameterError) as said:
        make()
    for word in words:
        assert word in str(said.value)
