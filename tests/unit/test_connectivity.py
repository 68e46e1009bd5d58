"""Connectivity rules: what each gives exactly, in which order, for any number of threads; what bad input gets."""

import json
import os
import subprocess
import sys
import tracemalloc

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from neurosim.errors import ModelError, NetworkError, ParameterError
from neurosim.kernels import connect
from neurosim.kernels.connect import HALF, SUBSET
from neurosim.kernels.random import _words
from neurosim.simulator.connectivity import (
    AllToAll,
    Bernoulli,
    DistanceDependent,
    Explicit,
    FixedInDegree,
    FixedOutDegree,
    FixedTotalNumber,
    Graph,
    Matrix,
    OneToOne,
    Rule,
    Side,
    SmallWorld,
)

few = settings(max_examples=60, deadline=None, derandomize=True)
GAUSS = DistanceDependent("p*exp(-d**2/(2*s**2))", {"p": 0.8, "s": 0.3}, autapses=False)
RANDOM = [FixedInDegree(7), FixedInDegree(9, autapses=False), FixedInDegree(40, multapses=True), FixedOutDegree(7),
          FixedOutDegree(9, autapses=False), FixedOutDegree(30, multapses=True, autapses=False), FixedTotalNumber(300),
          FixedTotalNumber(300, autapses=False), FixedTotalNumber(300, multapses=False),
          FixedTotalNumber(300, multapses=False, autapses=False), Bernoulli(0.3), Bernoulli(0.3, autapses=False), GAUSS,
          DistanceDependent("0.5", max_distance=0.4, periodic=1.0), SmallWorld(4, 0.3), SmallWorld(4, 0.3, directed=True)]


def side(n: int, dimension: int = 2, name: str = "cells") -> Side:
    return Side(n, np.random.default_rng(n).random((n, dimension)), name)


def arrays(edges) -> list:
    return [edges.pre.tolist(), edges.post.tolist()]


def assert_ordered(edges):
    key = edges.post.astype(np.int64) * 2**31 + edges.pre
    assert np.all(np.diff(key) >= 0)
    assert edges.pre.dtype == edges.post.dtype == np.int32


# ---------------------------------------------------------------- random rules

@pytest.mark.parametrize("rule", RANDOM, ids=str)
def test_order_threads_streams_and_seeds(rule):
    cells, same = side(33), np.arange(33)
    rule.check(cells, cells, same)
    one = rule.edges(cells, cells, same, seed=3, stream=5, threads=1)
    assert_ordered(one)
    assert 0 <= one.pre.min() and one.pre.max() < 33 and 0 <= one.post.min() and one.post.max() < 33
    for threads in (2, 3, 50):
        assert arrays(rule.edges(cells, cells, same, 3, 5, threads)) == arrays(one)
    assert arrays(rule.edges(cells, cells, same, 3, 6)) != arrays(one)
    assert arrays(rule.edges(cells, cells, same, 4, 5)) != arrays(one)
    assert arrays(rule.edges(cells, cells, same, 2**64 + 3, 5)) == arrays(one)  # keys are modulo 2**64
    if not getattr(rule, "autapses", False):
        assert not np.any(one.pre == one.post)
    if not getattr(rule, "multapses", False):
        assert len(set(zip(*arrays(one)))) == len(one)
    assert not rule.ordered and one.weight is None and one.delay is None


sizes = st.integers(1, 40)
keys = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**40))


@st.composite
def overlaps(draw):
    """Two sides of one population, and which target is which source."""
    n_pre, n_post = draw(sizes), draw(sizes)
    shift = draw(st.integers(-n_post, n_pre))
    same = np.arange(n_post) + shift
    same[(same < 0) | (same >= n_pre)] = -1
    return Side(n_pre), Side(n_post), same


@few
@given(overlaps(), st.integers(0, 45), st.booleans(), st.booleans(), keys)
def test_fixed_degrees_are_exact(sides, k, autapses, multapses, key):
    pre, post, same = sides
    for rule, fixed, many in ((FixedInDegree(k, autapses, multapses), "post", post), (FixedOutDegree(k, autapses, multapses),
                                                                                      "pre", pre)):
        offered = (pre if fixed == "post" else post).size - (0 if autapses else int(np.any(same >= 0)))
        if k > (offered if not multapses else (2**31 if offered else 0)):
            with pytest.raises(NetworkError, match="autapses=True" if multapses else "multapses=True"):
                rule.check(pre, post, same)
            continue
        rule.check(pre, post, same)
        edges = rule.edges(pre, post, same, *key, threads=2)
        assert_ordered(edges)
        assert np.all(np.bincount(getattr(edges, fixed), minlength=many.size) == k)
        if not autapses:
            assert not np.any(same[edges.post] == edges.pre)
        if not multapses:
            assert len(set(zip(*arrays(edges)))) == len(edges)


@few
@given(overlaps(), st.integers(0, 300), st.booleans(), st.booleans(), keys)
def test_total_number_is_exact(sides, n, autapses, multapses, key):
    pre, post, same = sides
    rule = FixedTotalNumber(n, autapses, multapses)
    pairs = pre.size * post.size - (0 if autapses else np.count_nonzero(same >= 0))
    if n > pairs and (not multapses or not pairs):
        with pytest.raises(NetworkError):
            rule.check(pre, post, same)
        return
    rule.check(pre, post, same)
    edges = rule.edges(pre, post, same, *key, threads=2)
    assert_ordered(edges)
    assert len(edges) == n == rule.expected(pre.size, post.size)
    assert autapses or not np.any(same[edges.post] == edges.pre)
    assert multapses or len(set(zip(*arrays(edges)))) == n


def test_everything_when_the_number_leaves_no_choice():
    cells, same = Side(70), np.arange(70)
    for own in (True, False):
        everything = arrays(AllToAll(own).edges(cells, cells, same))
        k = 70 if own else 69
        for rule in (FixedInDegree(k, own), FixedOutDegree(k, own), FixedTotalNumber(70 * k, own, False), Bernoulli(1.0, own)):
            assert arrays(rule.edges(cells, cells, same)) == everything, rule
    for rule in (FixedInDegree(0), FixedOutDegree(0), FixedTotalNumber(0), FixedTotalNumber(0, True, False), Bernoulli(0.0)):
        edges = rule.edges(cells, cells, same, threads=3)
        assert len(edges) == 0 and edges.pre.dtype == np.int32


def test_one_neuron():
    one, same = Side(1, np.zeros((1, 1))), np.array([0])
    for rule in (FixedInDegree(1), FixedOutDegree(1), FixedTotalNumber(1, multapses=False), Bernoulli(1.0), AllToAll(),
                 OneToOne(), DistanceDependent("1.0")):
        rule.check(one, one, same)
        assert arrays(rule.edges(one, one, same)) == [[0], [0]]
    for rule in (Bernoulli(1.0, False), AllToAll(False), DistanceDependent("1.0", autapses=False)):
        rule.check(one, one, same)
        assert len(rule.edges(one, one, same)) == 0


@njit(error_model="numpy")
def words(seed, stream, item, draw):
    return _words(seed, stream, item, draw, SUBSET)


@pytest.mark.parametrize("n, k, multapses", [(1000, 600, False), (1000, 600, True), (300_000, 700, False), (5, 5, False)])
def test_subsets_are_those_of_floyds_algorithm(n, k, multapses):
    edges = FixedInDegree(k, True, multapses).edges(Side(n), Side(3), None, 8, 2)
    u64 = np.uint64
    for target in range(3):
        chosen = []
        for draw in range(k):
            block, place = divmod(draw, 2 * HALF)
            pair = words(u64(8), u64(2), target, block * HALF + place % HALF)
            bound = n if multapses else n - k + 1 + draw
            t = (int(pair[place // HALF]) * bound) >> 64
            chosen.append(bound - 1 if not multapses and t in chosen else t)
        assert edges.pre[edges.post == target].tolist() == sorted(chosen)


def test_disjoint_sides_ignore_autapses():
    pre, post = Side(20), Side(30)
    for a, b in ((FixedInDegree(5), FixedInDegree(5, False)), (Bernoulli(0.4), Bernoulli(0.4, False))):
        for same in (None, np.full(30, -1)):
            assert arrays(a.edges(pre, post, None, 1, 1)) == arrays(b.edges(pre, post, same, 1, 1))


@pytest.mark.parametrize("rule", [FixedInDegree(500), FixedOutDegree(500), FixedTotalNumber(10**6), Bernoulli(0.25)], ids=str)
def test_memory_is_that_of_the_connections(rule):
    cells = Side(2000)
    rule.edges(cells, cells)
    tracemalloc.start()
    edges = rule.edges(cells, cells)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * (edges.pre.nbytes + edges.post.nbytes)


# ---------------------------------------------------------------- rules without chance

def test_one_to_one_and_all_to_all():
    assert arrays(OneToOne().edges(Side(3), Side(3))) == [[0, 1, 2], [0, 1, 2]]
    edges = AllToAll().edges(Side(2), Side(3))
    assert arrays(edges) == [[0, 1] * 3, [0, 0, 1, 1, 2, 2]]
    edges = AllToAll(autapses=False).edges(Side(3), Side(2), np.array([1, -1]))
    assert arrays(edges) == [[0, 2, 0, 1, 2], [0, 0, 1, 1, 1]]
    assert OneToOne().ordered and AllToAll().ordered and AllToAll().expected(10**6, 10**6) == 1e12
    with pytest.raises(NetworkError, match="'a' has 3 neurons and the target 'b' has 4"):
        OneToOne().check(Side(3, name="a"), Side(4, name="b"))


def test_explicit():
    rule = Explicit([3, 1, 1], np.array([0, 2, 2], dtype=np.uint8))
    rule.check(Side(4), Side(3))
    edges = rule.edges(Side(4), Side(3))
    assert arrays(edges) == [[3, 1, 1], [0, 2, 2]] and edges.pre.dtype == edges.post.dtype == np.int32
    empty = Explicit([], [])
    empty.check(Side(1), Side(1))
    assert len(empty.edges(Side(1), Side(1))) == 0 and rule.ordered
    given = np.array([0, 1])
    rule = Explicit(given, given)
    given[:] = 9
    assert arrays(rule.edges(Side(2), Side(2))) == [[0, 1], [0, 1]]
    with pytest.raises(NetworkError, match=r"sources\[0\] is 3, but 'a' has neurons 0 to 2"):
        Explicit([3, 4], [0, 0]).check(Side(3, name="a"), Side(3))
    with pytest.raises(NetworkError, match=r"targets\[1\] is 7"):
        Explicit([0, 0], [0, 7]).check(Side(3), Side(3))
    with pytest.raises(ParameterError, match=r"targets\[1\] is -1"):
        Explicit([0, 0], [0, -1])
    with pytest.raises(ParameterError, match="2 sources and 1 targets"):
        Explicit([0, 0], [0])
    for bad in ([0.5], [True], ["x"], [[1]], 3, [None]):
        with pytest.raises(ParameterError, match="sources"):
            Explicit(bad, [0])


W = np.array([[0.0, 2.0, 0.0], [-1.0, 0.0, 3.0]])


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.lil_array,
                                  np.ndarray.tolist])
def test_matrix(make):
    rule = Matrix(make(W), delays=make(W**2))
    rule.check(Side(2), Side(3))
    edges = rule.edges(Side(2), Side(3))
    assert arrays(edges) == [[1, 0, 1], [0, 1, 2]]
    assert edges.weight.tolist() == [-1.0, 2.0, 3.0] and edges.delay.tolist() == [1.0, 4.0, 9.0]
    assert rule.expected(2, 3) == 3 and rule.ordered


def test_matrix_special_cases():
    doubled = sparse.coo_array((np.array([1.0, 2.0, 0.0]), (np.array([0, 0, 1]), np.array([1, 1, 0]))), shape=(2, 2))
    edges = Matrix(doubled).edges(Side(2), Side(2))
    assert arrays(edges) == [[0], [1]] and edges.weight.tolist() == [3.0]
    mask = Matrix(W != 0).edges(Side(2), Side(3))
    assert arrays(mask) == [[1, 0, 1], [0, 1, 2]] and mask.weight is None
    assert len(Matrix(np.zeros((2, 3))).edges(Side(2), Side(3))) == 0
    assert len(Matrix(sparse.csr_array((2, 3)), delays=np.zeros((2, 3))).edges(Side(2), Side(3))) == 0
    with pytest.raises(NetworkError, match=r"use \.T"):
        Matrix(W).check(Side(3), Side(2))
    bad = W.copy()
    bad[1, 2] = np.nan
    for matrix in (bad, sparse.csr_array(bad)):
        with pytest.raises(ParameterError, match=r"values\[1, 2\] is not finite"):
            Matrix(matrix)
    with pytest.raises(ParameterError, match="delays have shape"):
        Matrix(W, delays=W.T)
    with pytest.raises(ParameterError, match="from 1 to 0 has no positive delay"):
        Matrix(W, delays=W)
    for bad in ([1.0, 2.0], [[1j]], [["x"]], 3.0, [[1, 2], [3]]):
        with pytest.raises(ParameterError):
            Matrix(bad)


def test_graph():
    graph = nx.DiGraph()
    graph.add_nodes_from("abc")
    graph.add_edge("c", "a", weight=2.0, delay=1)
    graph.add_edge("a", "b", weight=3.0, delay=2)
    graph.add_edge("a", "a", weight=4.0, delay=3)
    edges = Graph(graph).edges(Side(3), Side(3))
    assert arrays(edges) == [[0, 2, 0], [0, 0, 1]]
    assert edges.weight.tolist() == [4.0, 2.0, 3.0] and edges.delay.tolist() == [3.0, 1.0, 2.0]
    both = Graph(graph.to_undirected(), weight=None, delay="delay").edges(Side(3), Side(3))
    assert arrays(both) == [[0, 1, 2, 0, 0], [0, 0, 0, 1, 2]] and both.weight is None
    assert both.delay.tolist() == [3.0, 2.0, 1.0, 2.0, 1.0]
    with pytest.raises(NetworkError, match="3 nodes"):
        Graph(graph).check(Side(3), Side(4))
    graph.add_edge("b", "c", weight=1.0)
    with pytest.raises(ParameterError, match="from 'b' to 'c' has no 'delay'"):
        Graph(graph)
    graph["b"]["c"]["delay"] = np.nan
    with pytest.raises(ParameterError, match="is nan"):
        Graph(graph)
    with pytest.raises(ParameterError, match="networkx"):
        Graph(np.eye(2))


def test_graph_nodes_that_are_numbers_and_parallel_edges():
    graph = nx.MultiDiGraph()
    graph.add_nodes_from([2, 0, 1])
    graph.add_edges_from([(2, 0, {"weight": 5}), (2, 0, {"weight": 3}), (1, 0, {"weight": 1})])
    edges = Graph(graph).edges(Side(3), Side(3))
    assert arrays(edges) == [[1, 2, 2], [0, 0, 0]] and edges.weight.tolist() == [1.0, 5.0, 3.0]
    big = nx.gnp_random_graph(60, 0.2, seed=1, directed=True)
    expected = nx.to_numpy_array(big).T.nonzero()
    edges = Graph(big).edges(Side(60), Side(60))
    assert arrays(edges) == [expected[1].tolist(), expected[0].tolist()] and edges.weight is None


# ---------------------------------------------------------------- distance

def all_pairs(a, b, box=None):
    """Naive twin: distances (targets, sources) by a loop."""
    d = np.empty((len(b), len(a)))
    for j, i in np.ndindex(d.shape):
        x = np.abs(b[j] - a[i])
        if box is not None:
            x = np.array([min(v % length, length - v % length) if length else v for v, length in zip(x, box)])
        d[j, i] = np.sqrt(np.sum(x * x))
    return d


@pytest.mark.parametrize("dimension, box", [(1, None), (1, [1.0]), (2, None), (2, [1.0, 1.0]), (2, [1.3, None]), (3, None),
                                            (3, [1.0, 2.0, 1.0])])
@pytest.mark.parametrize("radius", [0.05, 0.21, 0.6, 5.0])
def test_step_in_distance_gives_exactly_the_neighbours(dimension, box, radius):
    generator = np.random.default_rng(dimension)
    # places beyond the box and targets beyond the sources
    a, b = generator.uniform(-0.5, 1.5, (120, dimension)), generator.uniform(-1, 2, (40, dimension))
    pre, post = Side(120, a), Side(40, b)
    target, source = np.nonzero(all_pairs(a, b, box) <= radius)
    periodic = None if box is None else tuple(box)
    for rule in (DistanceDependent("where(d <= r, 1, 0)", {"r": radius}, periodic),
                 DistanceDependent("1", periodic=periodic, max_distance=radius),
                 DistanceDependent(lambda d: d <= radius, periodic=periodic)):
        rule.check(pre, post)
        assert arrays(rule.edges(pre, post, None, 1, 1, threads=2)) == [source.tolist(), target.tolist()]


def test_a_cut_removes_what_is_beyond_and_nothing_else():
    cells = side(500)
    law = "exp(-d/0.1)"
    whole = DistanceDependent(law, periodic=1.0).edges(cells, cells, None, 4, 4)
    cut = DistanceDependent(law, periodic=1.0, max_distance=0.1).edges(cells, cells, None, 4, 4)
    d = all_pairs(cells.positions, cells.positions, [1.0, 1.0])
    near = d[whole.post, whole.pre] <= 0.1
    assert 0 < np.count_nonzero(near) < len(whole)
    assert arrays(cut) == [whole.pre[near].tolist(), whole.post[near].tolist()]
    estimate = DistanceDependent(law, periodic=1.0).expected(500, 500, cells, cells)
    assert estimate == pytest.approx(np.exp(-d / 0.1).sum(), rel=1e-9)  # all pairs are looked at
    assert DistanceDependent(law).expected(500, 400) == 200_000


def test_expression_and_function_give_the_same():
    cells = side(100)
    a = DistanceDependent("p*exp(-d)", {"p": 0.5}).edges(cells, cells, None, 1, 1)
    b = DistanceDependent(lambda d: 0.5 * np.exp(-d)).edges(cells, cells, None, 1, 1, threads=3)
    assert arrays(a) == arrays(b)


def test_places_that_coincide():
    cells = Side(30, np.ones((30, 2)))
    for radius in (None, 0.5):
        edges = DistanceDependent("1", max_distance=radius, autapses=False).edges(cells, cells, np.arange(30))
        assert arrays(edges) == arrays(AllToAll(False).edges(cells, cells, np.arange(30)))


# ---------------------------------------------------------------- small worlds

def ring(n, k):
    return sorted({((i + s * lap) % n, i) for i in range(n) for lap in range(1, k // 2 + 1) for s in (1, -1)},
                  key=lambda pair: pair[::-1])


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("n, k", [(3, 2), (5, 4), (6, 4), (50, 6), (200, 2)])
def test_small_world(n, k, directed):
    cells, same = Side(n), np.arange(n)
    SmallWorld(k, 0.0, directed).check(cells, cells, same)
    lattice = SmallWorld(k, 0.0, directed).edges(cells, cells, same)
    assert list(zip(lattice.pre.tolist(), lattice.post.tolist())) == ring(n, k)
    for p in (0.2, 1.0):
        edges = SmallWorld(k, p, directed).edges(cells, cells, same, 1, 2)
        assert_ordered(edges)
        pairs = set(zip(*arrays(edges)))
        assert len(pairs) == len(edges) == n * k
        assert not np.any(edges.pre == edges.post)
        if directed:
            assert np.all(np.bincount(edges.post, minlength=n) == k)
        else:
            assert {(j, i) for i, j in pairs} == pairs
            assert np.bincount(edges.post, minlength=n).min() >= k // 2  # an edge keeps its first end
        assert (pairs == set(ring(n, k))) == (n == k + 1)


# ---------------------------------------------------------------- bad input

CASES = [
    (lambda: Bernoulli(1.5), ParameterError, r"p is 1.5.*\[0, 1\].*0.015"),
    (lambda: Bernoulli(-0.1), ParameterError, r"p is -0.1"),
    (lambda: Bernoulli(float("nan")), ParameterError, "nan"),
    (lambda: Bernoulli("0.1"), ParameterError, "must be a number"),
    (lambda: Bernoulli(True), ParameterError, "must be a number"),
    (lambda: Bernoulli(0.1, autapses=None), ParameterError, "True or False"),
    (lambda: FixedInDegree(2.0), ParameterError, "whole number, not 2.0. Write 2"),
    (lambda: FixedInDegree(-1), ParameterError, "at least 0"),
    (lambda: FixedOutDegree(None), ParameterError, "whole number"),
    (lambda: FixedTotalNumber(2**70), ParameterError, "below"),
    (lambda: SmallWorld(3, 0.1), ParameterError, "even"),
    (lambda: SmallWorld(0, 0.1), ParameterError, "at least 2"),
    (lambda: SmallWorld(2, 2), ParameterError, "probability"),
    (lambda: DistanceDependent(0.5), ParameterError, "expression"),
    (lambda: DistanceDependent("exp(-d/lamda)", {"lambda_": 1.0}), ParameterError, "Did you mean 'lambda_'"),
    (lambda: DistanceDependent("exp(-d)", {"s": 1.0}), ParameterError, "'s' does not occur"),
    (lambda: DistanceDependent("d", {"d": 1.0}), ParameterError, "another name"),
    (lambda: DistanceDependent("__import__('os')"), ModelError, "no function"),
    (lambda: DistanceDependent("rand()"), ParameterError, "random"),
    (lambda: DistanceDependent("s*d", {"s": [1.0, 2.0]}), ParameterError, "one number"),
    (lambda: DistanceDependent("d", [1]), ParameterError, "by name"),
    (lambda: DistanceDependent(np.exp, {"s": 1.0}), ParameterError, "function has its own"),
    (lambda: DistanceDependent("d", periodic=0.0), ParameterError, "positive length"),
    (lambda: DistanceDependent("d", max_distance=-1.0), ParameterError, "positive length"),
    (lambda: DistanceDependent("d", max_distance=np.nan), ParameterError, "not finite"),
]


@pytest.mark.parametrize("make, kind, message", CASES)
def test_bad_values(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


PLACED, BARE = Side(5, np.zeros((5, 2)), "placed"), Side(5, None, "bare")
SIDES = [
    (FixedInDegree(6), BARE, BARE, None, "6 different sources, but 'bare' has 5. Use k <= 5, or multapses=True"),
    (FixedInDegree(5, False), BARE, BARE, np.arange(5), "has 4 other than itself"),
    (FixedOutDegree(6), BARE, BARE, None, "6 different targets"),
    (FixedInDegree(1, False, True), Side(1), Side(1), np.array([0]), "autapses=True"),
    (FixedTotalNumber(26, multapses=False), BARE, BARE, None, "only 25 pairs"),
    (FixedTotalNumber(1, False), Side(1), Side(1), np.array([0]), "autapses=True"),
    (FixedOutDegree(1, False), BARE, Side(2), np.array([3, 3]), "twice"),
    (Bernoulli(0.1), Side(0, None, "none"), BARE, None, "source 'none' has no neurons"),
    (AllToAll(), BARE, Side(0, None, "none"), None, "target 'none' has no neurons"),
    (Bernoulli(0.1), Side(2**31), BARE, None, "at most"),
    (Bernoulli(0.1), BARE, BARE, np.arange(4), "shape"),
    (Bernoulli(0.1), BARE, BARE, np.arange(5) + 3, "outside"),
    (SmallWorld(2, 0.1), BARE, Side(6), None, "equally many"),
    (SmallWorld(2, 0.1), BARE, BARE, None, "not the same neurons"),
    (SmallWorld(6, 0.1), BARE, BARE, np.arange(5), "each needs 6 others"),
    (DistanceDependent("1"), PLACED, BARE, None, "'bare' has no positions"),
    (DistanceDependent("1"), PLACED, Side(5, np.zeros((5, 3))), None, r"2 dimension\(s\) in 'placed' and 3"),
    (DistanceDependent("1"), PLACED, Side(5, np.zeros((4, 2))), None, "shape"),
    (DistanceDependent("1"), PLACED, Side(5, np.full((5, 2), np.nan)), None, "not finite"),
    (DistanceDependent("1", periodic=(1.0,)), PLACED, PLACED, None, r"1 length\(s\)"),
    (DistanceDependent("2*exp(-d)"), PLACED, PLACED, None, r"2 at d = 0; it must be in \[0, 1\].*clip"),
    (DistanceDependent("1/d - 1/d"), PLACED, PLACED, None, "nan at d = 0"),
    (DistanceDependent(lambda d: np.zeros(3)), PLACED, PLACED, None, "shape"),
]


@pytest.mark.parametrize("rule, pre, post, same, message", SIDES)
def test_sides_that_do_not_suit(rule, pre, post, same, message):
    with pytest.raises((NetworkError, ParameterError), match=message):
        rule.check(pre, post, same)


def test_a_probability_that_is_wrong_at_one_rare_distance():
    places = np.zeros((400, 1))
    places[137] = 3.0
    cells = Side(400, places)
    rule = DistanceDependent("where(d > 2, 5, 0.1)")
    with pytest.raises(ParameterError, match="5 at d = 3"):
        rule.edges(cells, cells, threads=2)


def test_rules_are_values():
    assert FixedInDegree(3) == FixedInDegree(3) and hash(Bernoulli(0.5)) == hash(Bernoulli(0.5))
    assert str(FixedInDegree(np.int64(3))) == "FixedInDegree(k=3, autapses=True, multapses=False)"
    assert str(Matrix(W)) == "Matrix(2 x 3)" and isinstance(Matrix(W), Rule)
    with pytest.raises(AttributeError):
        FixedInDegree(3).k = 4


# ---------------------------------------------------------------- one definition, two machines

SCRIPT = """
import hashlib, json
import numpy as np
from neurosim.simulator.connectivity import *
cells = Side(13, np.random.default_rng(0).random((13, 2)))
same = np.arange(13)
found = {}
for rule in (FixedInDegree(5), FixedInDegree(12, False), FixedInDegree(5, False, True), FixedOutDegree(4, False),
             FixedTotalNumber(40), FixedTotalNumber(40, False), FixedTotalNumber(40, False, False), Bernoulli(0.4, False),
             DistanceDependent("exp(-3*d)", periodic=1.0, max_distance=0.4), DistanceDependent("exp(-3*d)", autapses=False),
             SmallWorld(4, 0.5), SmallWorld(4, 0.5, True)):
    edges = rule.edges(cells, cells, same, 7, 3)
    found[str(rule)] = [edges.pre.tolist(), edges.post.tolist()]
print(json.dumps(found))
"""


def run(**environment) -> dict:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0 and not done.stderr, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_interpreter_and_compiler_agree():
    compiled = run(NUMBA_DISABLE_JIT="0")
    assert len(compiled) == 12 and run(NUMBA_DISABLE_JIT="1") == compiled


def test_importing_rules_compiles_nothing():
    code = "import sys, neurosim.simulator.connectivity; print({'numba', 'scipy', 'networkx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_purposes_differ_from_those_of_other_random_numbers():
    from neurosim.kernels import poisson, random

    theirs = (random.UNIFORM, random.NORMAL, random.EXPONENTIAL, poisson.POISSON, poisson.POISSON_LARGE, poisson.POISSON_REST)
    own = (connect.SUBSET, connect.PAIRS, connect.SHARE, connect.ACCEPT, connect.REWIRE)
    assert len({int(p) >> 60 for p in theirs + own}) == len(theirs + own)
