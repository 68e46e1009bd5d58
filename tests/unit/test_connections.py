"""The connections of a result: who is connected to whom, counted within the pooled parts, by source and then by target."""

import numpy as np
import pytest

import neurosim as ns
from neurosim.simulator import wiring

DT = 0.1
RELAY = ns.NeuronModel.from_equations("dv/dt = -v\ndg/dt = 0", threshold="v > 0.5", reset="v = 0", name="relay")
RATE = ns.NeuronModel.from_equations("dx/dt = (-x + i)/tau", parameters={"tau": 10.0}, inputs=["i"], name="rate")


def connections(source, target, rule, synapse=None, kind=ns.Projection, **options):
    if kind is ns.Projection:
        options = {"delay": 1.0} | options
    p = kind(source, target, rule, synapse or ns.Delta(0.5, variable="g"), name="p", **options)
    populations = list(dict.fromkeys(v.population for v in (*p.sources, *p.targets)))
    # one structure for all: every population receives something
    back = [ns.Projection(c, c, ns.Explicit([], []), ns.Delta(1.0, variable="g"), name=f"to {c.name}") for c in populations
            if kind is ns.Projection]
    told = [tell(c, [0.0]) for c in populations if back]
    return ns.simulate(ns.Network(populations, [p, *back], told), 0.0, DT, seed=4).connections["p"]


def tell(population, times, neurons=None):
    return ns.SpikeInput(times=times, neurons=neurons, weight=1.0, target=population, variable="v")


@pytest.fixture(params=[False, True], ids=["one block", "several blocks"])
def cells(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(wiring, "NARROW", 64)
        monkeypatch.setattr(wiring, "ROW", 1)
        monkeypatch.setattr(wiring, "ROW_SCATTERED", 1)
    return ns.Population(150, RELAY, name="a"), ns.Population(90, RELAY, name="b")


def given(n_pre, n_post, n, seed=0):
    """Return pairs in any order, some of them several times, with a weight and a delay for each."""
    rng = np.random.default_rng(seed)
    pre, post = rng.integers(0, n_pre, n), rng.integers(0, n_post, n)
    return pre, post, rng.normal(size=n), rng.integers(1, 50, n) * DT


def as_rows(pre, post, weight, delay):
    """Return the connections as sorted rows; delays are rounded as steps."""
    return sorted(zip(pre.tolist(), post.tolist(), weight.tolist(), np.rint(delay / DT).astype(int).tolist(), strict=True))


# -- pairs, weights and delays ----------------------------------------------------------------------------------------

def test_all_of_one_population_to_another(cells):
    a, b = cells
    pre, post, weight, delay = given(150, 90, 3000)
    c = connections(a, b, ns.Explicit(pre, post), ns.Delta(weight, variable="g"), delay=delay)
    assert as_rows(c.pre, c.post, c.weight, c.delay) == as_rows(pre, post, weight, delay)
    # what is listed twice keeps its order, as the arrays are sorted by source, then by target
    order = np.lexsort((post, pre))
    assert np.array_equal(c.pre, pre[order]) and np.array_equal(c.post, post[order])
    assert np.array_equal(c.weight, weight[order]) and np.allclose(c.delay, delay[order], rtol=0, atol=1e-12)
    assert c.pre.dtype == c.post.dtype == np.int32
    assert (len(c), c.n_pre, c.n_post, c.name) == (3000, 150, 90, "p")
    assert repr(c) == "Connections('p', 3000 connections from 150 to 90 neurons)"


def test_pooled_parts_of_populations(cells):
    """Two sources and three targets, one of them in both lists."""
    a, b = cells
    source, target = [a[20:80:2], b], [b[[3, 89]], a, b[10:30]]
    pre, post, weight, delay = given(30 + 90, 2 + 150 + 20, 2000, 1)
    c = connections(source, target, ns.Explicit(pre, post), ns.Delta(weight, variable="g"), delay=delay)
    assert (c.n_pre, c.n_post) == (120, 172)
    order = np.lexsort((post, pre))
    assert np.array_equal(c.pre, pre[order]) and np.array_equal(c.post, post[order])
    assert as_rows(c.pre, c.post, c.weight, c.delay) == as_rows(pre, post, weight, delay)


def test_they_are_the_ones_that_act(cells):
    """Every source of the pool fires once; what arrives is the sum over the listed weights, target by target."""
    a, b = cells
    source, target = [a[5:], b[:40]], [b[50:], a[::3]]
    p = ns.Projection(source, target, ns.FixedInDegree(9), ns.Delta(ns.Normal(0.2, 0.1), variable="g"),
                      delay=ns.Uniform(0.5, 3.0), name="p")
    told = [tell(a, [0.0]), tell(b, [0.0])]
    result = ns.simulate(ns.Network([a, b], [p], told), 4.0, DT, seed=2)
    c = result.connections["p"]
    assert np.all(c.in_degrees() == 9) and len(c) == 9 * 90 and np.all(np.diff(c.pre) >= 0)
    assert 0.05 < c.weight.std() < 0.15 and c.delay.min() >= 0.5 - 1e-9 and c.delay.max() <= 3.0 + 1e-9
    assert len(np.unique(c.delay)) == 26
    arrived = c.matrix().sum(axis=0)
    found = np.concatenate([result.final("b", "g")[50:], result.final("a", "g")[::3]])
    # sums of nine numbers of order 0.2 in another order
    np.testing.assert_allclose(found, arrived, rtol=0, atol=1e-14)


def test_matrix_and_degrees(cells):
    a, b = cells
    pre, post, weight, _ = given(150, 90, 500, 2)
    pre[:5], post[:5] = 149, 89
    c = connections(a, b, ns.Explicit(pre, post), ns.Delta(weight, variable="g"))
    dense = np.zeros((150, 90))
    np.add.at(dense, (pre, post), weight)
    m = c.matrix()
    assert m.shape == (150, 90) and m.format == "csr"
    # up to five weights of a pair in another order
    np.testing.assert_allclose(m.toarray(), dense, rtol=0, atol=1e-14)
    assert np.array_equal(c.in_degrees(), np.bincount(post, minlength=90)) and c.in_degrees().sum() == 500
    assert np.array_equal(c.out_degrees(), np.bincount(pre, minlength=150)) and c.out_degrees()[149] >= 5


def test_one_weight_and_delay_for_all(cells):
    a, b = cells
    c = connections(a, b, ns.AllToAll(), ns.Delta(-0.25, variable="g"), delay=2.5)
    assert np.array_equal(c.pre, np.repeat(np.arange(150), 90)) and np.array_equal(c.post, np.tile(np.arange(90), 150))
    assert c.weight.shape == c.delay.shape == (13500,) and np.all(c.weight == -0.25)
    np.testing.assert_allclose(c.delay, 2.5, rtol=1e-15)


@pytest.mark.parametrize("rule", [ns.Explicit([], []), ns.Bernoulli(0.0), ns.FixedInDegree(0)])
def test_no_connections(rule):
    a, b = ns.Population(4, RELAY, name="a"), ns.Population(3, RELAY, name="b")
    c = connections([a, b], b, rule)
    assert len(c) == 0 and c.pre.shape == c.post.shape == c.weight.shape == c.delay.shape == (0,)
    assert c.in_degrees().tolist() == [0] * 3 and c.out_degrees().tolist() == [0] * 7
    assert c.matrix().shape == (7, 3) and c.matrix().nnz == 0


def test_one_connection():
    a, b = ns.Population(4, RELAY, name="a"), ns.Population(3, RELAY, name="b")
    c = connections([a[1:], b], [b, a], ns.Explicit([4], [5]), ns.Delta([2.0], variable="g"), delay=[0.7])
    assert (c.pre.tolist(), c.post.tolist(), c.weight.tolist()) == ([4], [5], [2.0]) and c.delay[0] == pytest.approx(0.7)


# -- plastic and continuous projections -------------------------------------------------------------------------------

def test_weights_after_plasticity():
    """Neuron j of the pool fires 1 + j ms before the targets: its weights grow by 2 a_plus exp(-(1 + j)/tau_plus)."""
    a, b = ns.Population(5, RELAY, name="a"), ns.Population(4, RELAY, name="b")
    source, target = [b[2:], a[1:4]], b[:2]
    # b2, b3, a1, a2, a3 are the sources 0 to 4
    at = {"b": [(2, 49), (3, 48)], "a": [(1, 47), (2, 46), (3, 45)]}
    told = [tell(p, [time for _, time in at[p.name]], [k for k, _ in at[p.name]]) for p in (a, b)]
    told.append(tell(b[:2], [50.0 + DT]))
    weight = np.linspace(0.1, 0.8, 7)
    pre, post = np.array([4, 0, 2, 1, 4, 3, 2]), np.array([1, 1, 0, 0, 0, 1, 1])
    p = ns.Projection(source, target, ns.Explicit(pre, post), ns.Delta(weight, variable="g"), delay=DT, name="p",
                      plasticity=ns.STDP(a_plus=0.01, tau_plus=4.0, w_max=2.0))
    c = ns.simulate(ns.Network([a, b], [p], told), 60.0, DT).connections["p"]
    order = np.lexsort((post, pre))
    assert np.array_equal(c.pre, pre[order]) and np.array_equal(c.post, post[order])
    changed = weight[order] + 2 * 0.01 * np.exp(-(1.0 + pre[order]) / 4.0)
    np.testing.assert_allclose(c.weight, changed, rtol=0, atol=1e-14)
    assert np.array_equal(c.weight, c["w"])
    # x rose by 1 when the spike reached the synapse, after a step of delay, and decays
    np.testing.assert_allclose(c["x"], np.exp(-(60.0 - (50.0 - 1.0 - pre[order] + 2 * DT)) / 4.0), rtol=0.06)
    with pytest.raises(ns.ParameterError, match="STDP_all_additive has no variable 'ww'. Did you mean 'w'.* Known: w, x, y"):
        c["ww"]


def test_a_static_projection_has_no_variables():
    a = ns.Population(4, RELAY, name="a")
    with pytest.raises(ns.ParameterError, match="'p' has no plasticity: its connections have .weight and .delay"):
        connections(a, a, ns.AllToAll())["w"]


def test_continuous_projections():
    r = ns.Population(6, RATE, name="r")
    w = np.arange(12.0).reshape(4, 3)
    for matrix in (w, (np.eye(4), w)):
        c = connections(r[:4], r[3:], matrix, 0.5, ns.GradedProjection)
        assert len(c) == 12 and (c.n_pre, c.n_post) == (4, 3) and np.array_equal(c.matrix().toarray(), 0.5 * w)
        assert np.array_equal(c.pre, np.repeat(np.arange(4), 3)) and np.array_equal(c.post, np.tile(np.arange(3), 4))
        assert np.all(c.delay == 0)
    c = connections(r[:4], r[3:], ns.Matrix(w), 0.5, ns.GradedProjection, delay=0.3)
    # zeros of a matrix are no connections
    assert len(c) == 11 and np.array_equal(c.matrix().toarray(), 0.5 * w)
    np.testing.assert_allclose(c.delay, 0.3, rtol=1e-15)


def test_names_of_projections():
    a = ns.Population(2, RELAY, name="a")
    links = [ns.Projection(a, a, ns.AllToAll(), ns.Delta(0.1, variable="g"), name=name) for name in ("first", None)]
    result = ns.simulate(ns.Network([a], links, [tell(a, [0.0])]), 0.0, DT)
    assert list(result.connections) == ["first", "a->a"]
    with pytest.raises(KeyError, match="There is no 'frist'. Did you mean 'first'.* Known: 'first', 'a->a'"):
        result.connections["frist"]
    assert dict(ns.simulate(a, 1.0, DT).connections) == {}
