"""Descriptions of networks of ensembles: what they hold, and what is said of wrong ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import neurosim as ns
from neurosim import nef
from neurosim.errors import NetworkError, NeurosimWarning, ParameterError, SimulationError
from neurosim.nef.connection import Adapts, LearningRule
from neurosim.nef.cover import cheapest_cover
from neurosim.nef.flatten import flatten
from neurosim.nef.functions import evaluate
from neurosim.nef.node import Kind


class Rule(LearningRule):
    """A rule that only says that it takes an error."""

    takes_error = True


# ensembles

@pytest.mark.parametrize("options, words", [
    (dict(intercepts=1.0), ["intercepts of neuron 0 is 1", "below 1"]),
    (dict(intercepts=[0, 0, -1.5, 0, 0]), ["intercepts of neuron 2 is -1.5", "at least -1"]),
    (dict(intercepts=ns.Uniform(-1, 1.2)), ["'e'", "intercepts", "[-1, 1)"]),
    (dict(intercepts=ns.Uniform(-1.2, 0)), ["gives -1.2", "[-1, 1)"]),
    (dict(intercepts=ns.Choice([0.0, 1.0])), ["gives 1", "[-1, 1)"]),
    (dict(max_rates=500), ["max_rates of neuron 0 is 500 Hz", "below 500 Hz", "t_ref = 2 ms"]),
    (dict(max_rates=ns.Uniform(200, 600)), ["600 Hz", "below 500 Hz", "drawn from"]),
    (dict(max_rates=[100, 200, 300, np.nan, 100]), ["max_rates must be finite", "at [3]"]),
    (dict(max_rates=[100, 200]), ["max_rates has shape (2,)", "5 neurons"]),
    (dict(encoders=np.zeros((5, 2))), ["the encoder of neuron 0", "and of 4 more", "length 0"]),
    (dict(encoders=np.ones((5, 3))), ["encoders have shape (5, 3)", "(5, 2)"]),
    (dict(encoders=[[1, np.inf]] * 5), ["encoders must be finite", "inf at [0, 1]"]),
    (dict(eval_points=np.ones((7, 3))), ["eval_points have shape (7, 3)", "(m, 2)"]),
    (dict(eval_points=np.ones((7, 2)), n_eval_points=7), ["n_eval_points is for samplers"]),
    (dict(n_eval_points=0), ["n_eval_points must be a whole number of at least 1"]),
    (dict(radius=0), ["radius must be a number above 0, not 0"]),
    (dict(radius=-1.0), ["radius", "-1.0"]),
    (dict(radius=np.nan), ["radius"]),
    (dict(gain=1.0), ["gain and bias belong together"]),
    (dict(gain=np.ones(4), bias=0.0), ["gain has shape (4,)"]),
    (dict(neurons=nef.LIF), ["neurons must be a neuron type"]),
    (dict(noise=-1), ["noise"]),
    (dict(seed=-1), ["seed"]),
    (dict(seed=1.5), ["seed"]),
])
def test_bad_ensembles(options, words):
    with pytest.raises(ParameterError) as said:
        nef.Ensemble(5, 2, name="e", **options)
    for word in ["Ensemble 'e'", *words]:
        assert word in str(said.value)


@pytest.mark.parametrize("args", [(0,), (2.5,), (True,), ("many",), (5, 0), (5, -1)])
def test_sizes_are_whole_numbers(args):
    with pytest.raises(ParameterError, match="whole number of at least 1"):
        nef.Ensemble(*args)


def test_few_evaluation_points_warn():
    with pytest.warns(NeurosimWarning, match="3 evaluation points for 4 dimensions"):
        nef.Ensemble(5, 4, eval_points=np.eye(4)[:3])
    with pytest.warns(NeurosimWarning, match="2 evaluation points for 4 dimensions"):
        nef.Ensemble(5, 4, n_eval_points=2)


def test_ensembles_keep_what_they_are_given():
    encoders = np.array([[3.0, 4.0], [0.6, 0.8]])
    e = nef.Ensemble(2, 2, encoders=encoders, gain=2.0, bias=[1.0, 3.0])
    np.testing.assert_allclose(e.encoders, [[0.6, 0.8], [0.6, 0.8]], rtol=1e-15)
    # what has length 1 stays to the last bit, so that arrays of others give the same currents
    np.testing.assert_array_equal(e.encoders[1], encoders[1])
    built = nef.build(nef.Network([e]))[e]
    np.testing.assert_array_equal(built.gain, [2, 2])
    np.testing.assert_array_equal(built.bias, [1, 3])
    assert (e.size_in, e.size_out, e.neurons.size_in) == (2, 2, 2)
    assert e.neurons == e.neurons and e.neuron_type == nef.LIF()
    encoders[0] = 0
    assert e.encoders[0, 0] == 0.6


def test_uniform_up_to_the_limit_is_fine():
    """The upper end of Uniform is never drawn."""
    nef.Ensemble(5, max_rates=ns.Uniform(100, 500), intercepts=ns.Uniform(-1, 1))


# parts

def test_parts():
    e = nef.Ensemble(5, 4, name="e")
    np.testing.assert_array_equal(e[1:].indices(4), [1, 2, 3])
    np.testing.assert_array_equal(e[1:][::2].indices(4), [1, 3])
    np.testing.assert_array_equal(e[-1].indices(4), [3])
    np.testing.assert_array_equal(e[[2, 0]].indices(4), [2, 0])
    np.testing.assert_array_equal(e[np.array([True, False, True, False])].indices(4), [0, 2])
    assert e[1:].size_out == 3 and e.neurons[:2].size_in == 2
    for key in (4, -5, [0, 9], "x", 1.5, (0, 1), True, [], None):
        with pytest.raises(NetworkError, match="has 4 dimensions"):
            e[key]
    with pytest.raises(NetworkError):
        e[2:][2]
    with pytest.raises(TypeError):
        list(e)


# nodes

def test_kinds_of_nodes():
    assert nef.Node(0.5).kind is Kind.CONSTANT and nef.Node([1, 2]).size_out == 2
    assert nef.Node(np.sin).kind is Kind.FUNCTION and nef.Node(lambda t: [t, 1, 2]).size_out == 3
    assert nef.Node(nef.Samples(np.zeros((5, 2)))).size_out == 2
    relay = nef.Node(size_in=3)
    assert relay.kind is Kind.RELAY and relay.size_out == 3
    back = nef.Node(lambda t, x: x[:1], size_in=2, every=10)
    assert back.kind is Kind.CALLBACK and (back.size_in, back.size_out) == (2, 1)
    assert nef.Node(lambda t, x: None, size_in=2, every=10).size_out == 0
    # with size_out the function is not asked before the run
    assert nef.Node(lambda t, x: 1 / 0, size_in=2, every=10, size_out=1).size_out == 1


@pytest.mark.parametrize("make, words", [
    (lambda: nef.Node(name="n"), ["relay", "size_in="]),
    (lambda: nef.Node(lambda t: [1, 2], size_out=3, name="n"), ["returns 2 numbers", "size_out = 3"]),
    (lambda: nef.Node(lambda t: np.nan, name="n"), ["nan", "t = 0 ms", "finite"]),
    (lambda: nef.Node(lambda t: "x", name="n"), ["must return numbers"]),
    (lambda: nef.Node(lambda t: None, name="n"), ["returns None", "must return numbers"]),
    (lambda: nef.Node(lambda t, x: x, name="n"), ["called as f(t), fails at t = 0 ms", "TypeError", "size_in= and every="]),
    (lambda: nef.Node(lambda t, x: x[3], size_in=2, every=1, name="n"), ["called as f(t, x), fails", "IndexError"]),
    (lambda: nef.Node(lambda t: [[1, 2], [3, 4]], name="n"), ["shape (2, 2)"]),
    (lambda: nef.Node([1, np.inf], name="n"), ["finite", "inf at [1]"]),
    (lambda: nef.Node([[1, 2]], name="n"), ["shape (1, 2)", "nef.Samples"]),
    (lambda: nef.Node([1, 2], size_out=1, name="n"), ["gives 2 numbers", "size_out is 1"]),
    (lambda: nef.Node(lambda t, x: x, size_in=2, name="n"), ["f(t, x)", "every="]),
    (lambda: nef.Node(lambda t, x: x, size_in=2, every=0, name="n"), ["every must be a number above 0 ms"]),
    (lambda: nef.Node(lambda t, x: x, size_in=2, every=-3.0, name="n"), ["every", "-3.0"]),
    (lambda: nef.Node(1.0, size_in=2, name="n"), ["size_in is 2", "f(t, x)"]),
    (lambda: nef.Node(1.0, every=3, name="n"), ["every= is for functions"]),
    (lambda: nef.Node(size_in=2, every=3, name="n"), ["a relay has no every"]),
    (lambda: nef.Node(size_in=2.5, name="n"), ["size_in must be a whole number"]),
])
def test_bad_nodes(make, words):
    with pytest.raises(ParameterError) as said:
        make()
    for word in ["Node 'n'", *words]:
        assert word in str(said.value)


def test_samples():
    s = nef.Samples([[0.0], [1.0], [2.0]], 0.1)
    # 0.3/0.1 is 2.9999999999999996
    np.testing.assert_array_equal(s.at(np.array([0, 0.05, 0.1, 0.3, 9, -1]))[:, 0], [0, 0, 1, 2, 2, 0])
    for bad in (np.zeros((0, 2)), np.zeros((2, 2, 2)), [np.nan]):
        with pytest.raises(ParameterError, match="Samples: values"):
            nef.Samples(bad)
    with pytest.raises(ParameterError, match="interval must be a number above 0 ms"):
        nef.Samples([1.0], 0)


def test_values_of_nodes_over_time():
    asked = []
    node = nef.Node(lambda t: asked.append(t) or [t, -t], every=2.0)
    asked.clear()
    np.testing.assert_array_equal(node.values(np.arange(5.0)), [[0, 0], [0, 0], [2, -2], [2, -2], [4, -4]])
    assert asked == [0, 2, 4]
    late = nef.Node(lambda t: 1.0 if t < 5 else np.nan, name="n")
    with pytest.raises(ParameterError, match="Node 'n': its function returns .nan. at t = 5 ms"):
        late.values(np.arange(10.0))
    wrong = nef.Node(lambda t: [1.0] if t < 5 else [1.0, 2.0], name="n")
    with pytest.raises(ParameterError, match="returns 2 numbers at t = 5 ms, but the node has size_out = 1"):
        wrong.values(np.arange(10.0))


# functions

@pytest.mark.parametrize("function, wanted", [
    (lambda x: x[0] * x[1], lambda p: p[:, :1] * p[:, 1:]),
    (lambda x: x**2, lambda p: p**2),
    (lambda x: [x[1], -x[0]], lambda p: np.c_[p[:, 1], -p[:, 0]]),
    (lambda x: x[:, :1], lambda p: p[:, :1]),
    (lambda x: np.sum(x, axis=1), lambda p: p.sum(1)[:, None]),
    (lambda x: 3, lambda p: np.full((len(p), 1), 3.0)),
    (np.sum, lambda p: p.sum(1)[:, None]),
    (lambda x: [x[0:1], x[1:2]], lambda p: p),
])
@pytest.mark.parametrize("m", [1, 2, 3, 50])
def test_functions_of_a_point_or_of_all(function, wanted, m):
    """As many points as dimensions are where a vectorised call could be mistaken."""
    points = np.random.default_rng(m).uniform(-1, 1, (m, 2))
    np.testing.assert_allclose(evaluate(function, points, "here"), wanted(points), rtol=1e-15)


def test_a_function_may_write_into_its_argument():
    def careless(x):
        x[...] = 0
        return x

    points = np.ones((30, 2))
    evaluate(careless, points, "here")
    assert (points == 1).all()


@pytest.mark.parametrize("function, words", [
    (lambda x: np.nan if x[0] > 0.5 else 1.0, ["nan", "evaluation point (0.75)", "finite", "and 1 more"]),
    (lambda x: [1.0] if x[0] < 0 else [1.0, 2.0], ["gives 2 numbers", "evaluation point (0)", "but 1 at (-0.5)"]),
    (lambda x: "x", ["does not give a number", "(-0.5)"]),
    (lambda x: None, ["does not give a number", "(-0.5)"]),
    (lambda x: x * 1j, ["does not give a number", "(-0.5)"]),
    (lambda x: [[1, 2], [3, 4]], ["does not give a number or a vector"]),
    (lambda x: 1 / 0, ["fails", "ZeroDivisionError"]),
    (np.linalg.inv, ["'inv' fails"]),
])
def test_bad_functions_name_the_point(function, words):
    pre = nef.Ensemble(5, eval_points=[[-0.5], [-0.3], [0.0], [0.2], [0.3], [0.75], [0.8]], name="a")
    with pytest.raises(ParameterError) as said:
        nef.Connection(pre, nef.Ensemble(5, name="b"), function=function)
    for word in ["Connection from Ensemble 'a' to Ensemble 'b'", *words]:
        assert word in str(said.value)


def test_functions_are_tried_at_drawn_points_and_checked_at_all():
    pre, post = nef.Ensemble(50, name="a"), nef.Ensemble(5, name="b")
    with pytest.raises(ParameterError, match="nan"):
        nef.Connection(pre, post, function=lambda x: np.nan)
    # one point in a thousand is not among the few that are tried
    net = nef.Network([pre, post], [nef.Connection(pre, post, function=lambda x: np.where(x > 0.998, np.nan, x))])
    with pytest.raises(ParameterError, match=r"Connection 'a->b': the function given as a lambda gives \(nan\) at the "
                                             r"evaluation point \(0.99"):
        nef.build(net)


# connections

A, B = nef.Ensemble(5, 2, name="a"), nef.Ensemble(6, 3, name="b")
N, R = nef.Node([1.0, 2.0], name="n"), nef.Node(size_in=2, name="r")
BACK = nef.Node(lambda t, x: x, size_in=2, every=5, name="back")
ARRAY = nef.EnsembleArray(5, 3, 2, name="many")


@pytest.mark.parametrize("make, words", [
    (lambda: nef.Connection(A, B), ["Ensemble 'a' gives 2 numbers", "Ensemble 'b' takes 3", "(3, 2)", "x[:2]"]),
    (lambda: nef.Connection(A, B[0]), ["gives 2 numbers", "Ensemble 'b'[0] takes 1"]),
    (lambda: nef.Connection(A, B, function=lambda x: x[0]), ["the function gives 1 number,", "takes 3"]),
    (lambda: nef.Connection(A, B, transform=np.ones((2, 3))), ["transform has shape (2, 3)", "must be (3, 2)"]),
    (lambda: nef.Connection(A, B, transform=csr_array(np.ones((2, 3)))), ["transform has shape (2, 3)"]),
    (lambda: nef.Connection(A, B[:2], transform=[1, 2, 3]), ["a vector of 3", "diagonal"]),
    (lambda: nef.Connection(A, B, transform=2.0), ["gives 2 numbers", "takes 3"]),
    (lambda: nef.Connection(A, A, transform=np.full((2, 2), np.nan)), ["transform must be finite"]),
    (lambda: nef.Connection(A, A, transform="x"), ["transform must be numbers"]),
    (lambda: nef.Connection(A, A, synapse=-1), ["-1 ms", "negative"]),
    (lambda: nef.Connection(A, A, synapse="fast"), ["synapse must be", "'fast'"]),
    (lambda: nef.Connection(A, A, synapse=np.nan), ["time constant"]),
    (lambda: nef.Connection(A, A, solver="l2"), ["solver must be"]),
    (lambda: nef.Connection(A, A, solver=nef.L2), ["solver must be"]),
    (lambda: nef.Connection(N, A, function=lambda x: x), ["decoded from an ensemble", "values of the node"]),
    (lambda: nef.Connection(R, A, function=lambda x: x), ["Send the value to an ensemble"]),
    (lambda: nef.Connection(BACK, A, function=lambda x: x), ["within the node's own function"]),
    (lambda: nef.Connection(A.neurons, A, function=lambda x: x), ["neurons have no decoders"]),
    (lambda: nef.Connection(N, A, eval_points=[[1, 2]]), ["eval_points are for decoders"]),
    (lambda: nef.Connection(A, N), ["Node 'n' takes nothing"]),
    (lambda: nef.Connection(A, A, function=np.ones((7, 1)), transform=np.ones((2, 1))), ["are drawn here", "eval_points="]),
    (lambda: nef.Connection(A, A, function=np.ones((7, 2)), eval_points=np.ones((6, 2))), ["7 rows", "6 evaluation points"]),
    (lambda: nef.Connection(A, A, eval_points=np.ones((6, 3))), ["eval_points have shape (6, 3)"]),
    (lambda: nef.Connection(A, N, weights=True), ["takes nothing"]),
    (lambda: nef.Connection(A, R, weights=True), ["between two ensembles"]),
    (lambda: nef.Connection(A, A, weights=np.ones((5, 5))), ["True or False", "a.neurons"]),
    (lambda: nef.Connection(A, B[[0, 0]]), ["dimension 0", "named twice"]),
    (lambda: nef.Connection(ARRAY[1:3], A, function=lambda x: x), ["cuts through ensembles", "array.ensembles[k]"]),
    (lambda: nef.Connection(ARRAY, ARRAY, function=np.ones((5, 2))), ["not the same for all ensembles"]),
    (lambda: nef.Connection(A, A, learning="pes"), ["learning must be a learning rule"]),
    (lambda: nef.Connection(A, A).error, ["no learning rule that takes an error", "learning="]),
    (lambda: nef.Connection(A, nef.Network([A], ports={"x": A})), ["cannot end at Network", "ports: x"]),
    (lambda: nef.Connection(nef.Connection(A, A), A), ["cannot begin at Connection"]),
    (lambda: nef.Connection("a", A), ["cannot begin at str"]),
    (lambda: nef.Connection(nef.Connection(A, A, learning=Rule()).error, A), ["gives nothing"]),
    (lambda: nef.Connection(A, A, name=""), ["name must be a string"]),
])
def test_bad_connections(make, words):
    with pytest.raises((NetworkError, ParameterError)) as said:
        make()
    for word in words:
        assert word in str(said.value)


def test_sizes_of_connections():
    c = nef.Connection(A, B, function=lambda x: x[0] * x[1], transform=np.ones((3, 1)))
    assert (c.size_in, c.size_mid, c.size_out) == (2, 1, 3)
    c = nef.Connection(ARRAY, ARRAY[:3], function=lambda x: x[:1])
    assert (c.size_in, c.size_mid, c.size_out) == (6, 3, 3)
    np.testing.assert_array_equal(nef.Connection(A, A, transform=[2, 3]).matrix().toarray(), [[2, 0], [0, 3]])
    np.testing.assert_array_equal(nef.Connection(A, A).matrix().toarray(), np.eye(2))
    assert nef.Connection(A, A, synapse=0).synapse is None
    assert nef.Connection(A, A, synapse=3).synapse == nef.Lowpass(3.0)
    learned = nef.Connection(A, B, transform=np.ones((3, 2)), learning=Rule())
    assert learned.error.size_in == 3
    assert learned.learning[0].adapts is Adapts.DECODERS
    nef.Connection(B, learned.error)


# probes

@pytest.mark.parametrize("make, words", [
    (lambda: nef.Probe(A.neurons, attribute="spikez"), ["'spikez'", "Did you mean 'spikes'?", "v, i, rate"]),
    (lambda: nef.Probe(A, attribute="spikes"), ["'spikes'", "ensemble.neurons"]),
    (lambda: nef.Probe(A, attribute="valeu"), ["Did you mean 'value'?"]),
    (lambda: nef.Probe(A, every=0), ["every must be a number above 0 ms"]),
    (lambda: nef.Probe(A, synapse=-2), ["-2 ms"]),
    (lambda: nef.Probe(A.neurons, synapse=2), ["recorded as they are"]),
    (lambda: nef.Probe(N, function=lambda x: x), ["no decoders"]),
    (lambda: nef.Probe(A, function=lambda x: np.nan), ["nan", "evaluation point"]),
    (lambda: nef.Probe(A, function=3), ["must be a function"]),
    (lambda: nef.Probe(nef.Connection(A, A)), ["no learning rule", "result.decoders"]),
    (lambda: nef.Probe(nef.Network([A], ports={"x": A})), ["ports: x"]),
    (lambda: nef.Probe("a"), ["not str"]),
    (lambda: nef.Probe(A, solver=3), ["solver"]),
    (lambda: nef.Probe(nef.Node(lambda t, x: None, size_in=1, every=1)), ["gives nothing"]),
])
def test_bad_probes(make, words):
    with pytest.raises((NetworkError, ParameterError)) as said:
        make()
    for word in words:
        assert word in str(said.value)


# networks

def test_networks_hold_what_they_need():
    a, b = nef.Ensemble(5, name="a"), nef.Ensemble(5)
    for connections, probes, words in [
        ([nef.Connection(a, b)], [], ["ends at Ensemble without a name", "Put it into its objects"]),
        ([nef.Connection(b.neurons, a, transform=np.ones((1, 5)))], [], ["begins at", "not in the network"]),
        ([nef.Connection(a, nef.Connection(a, a, learning=Rule()).error)], [], ["before this one"]),
        ([], [nef.Probe(b)], ["records Ensemble without a name", "not in the network"]),
        ([], [nef.Probe(a, name="p"), nef.Probe(a, name="p")], ["two probes are called 'p'", "name="]),
    ]:
        with pytest.raises(NetworkError) as said:
            nef.Network([a], connections, probes)
        for word in words:
            assert word in str(said.value)
    c = nef.Connection(a, a)
    for make, word in [
        (lambda: nef.Network([a, a]), "is in it twice"),
        (lambda: nef.Network([a, nef.Network([a])]), "is in it twice"),
        (lambda: nef.Network([a, nef.Ensemble(5, name="a")]), "two objects are called 'a'"),
        (lambda: nef.Network([a], [c, c]), "is in it twice"),
        (lambda: nef.Network([a], [nef.Connection(a, a, name="c"), nef.Connection(a, a, name="c")]), "two connections are"),
        (lambda: nef.Network([a], [nef.Connection(a, a, name="a")]), "both called 'a'"),
        (lambda: nef.Network([c]), "objects must hold ensembles, nodes and networks; it holds Connection"),
        (lambda: nef.Network(3), "objects must be a list"),
        (lambda: nef.Network([a], [a]), "connections must hold"),
        (lambda: nef.Network([a], ports={"x": b}), "not in the network"),
        (lambda: nef.Network([a], ports={"probes": a}), "has that already"),
        (lambda: nef.Network([a], ports={"a b": a}), "follow a dot"),
    ]:
        with pytest.raises(NetworkError, match=word):
            make()


def test_names_and_nesting():
    inner = lambda name: nef.Network([e := nef.Ensemble(5), s := nef.Ensemble(5, name="s")], [nef.Connection(e, s)],
                                     [nef.Probe(s)], name=name, ports={"input": e, "output": s[0]})
    one, two = inner(None), inner("two")
    node = nef.Node(1.0)
    array = nef.EnsembleArray(5, 2)
    net = nef.Network([node, one, two, array], [nef.Connection(node, one.input), nef.Connection(one.output, two.input),
                                                nef.Connection(one.output, two.input), nef.Connection(two.output, array[1])],
                      [nef.Probe(array.ensembles[0].neurons)])
    assert list(net._names.values()) == ["node_0", "network_0.ensemble_0", "network_0.s", "two.ensemble_0", "two.s", "array_0",
                                         "array_0.input", "array_0.0", "array_0.1", "array_0.output"]
    assert list(net._links.values()) == ["network_0.ensemble_0->s", "two.ensemble_0->s", "node_0->network_0.ensemble_0",
                                         "network_0.s[0]->two.ensemble_0", "network_0.s[0]->two.ensemble_0#2",
                                         "two.s[0]->array_0[1]"]
    assert list(net._records.values()) == ["network_0.s", "two.s", "array_0.0.spikes"]
    assert net["two.s"] is two.ensembles[1] and net["array_0"] is array
    with pytest.raises(KeyError, match="Did you mean 'two.s'"):
        net["two.z"]
    with pytest.raises(AttributeError, match="no port 'inptu'. Did you mean 'input'"):
        one.inptu  # noqa: B018
    assert array.output in net and two in net and nef.Ensemble(5) not in net


def test_draws_depend_on_seed_and_place_only():
    a, b, array = nef.Ensemble(20, 2), nef.Ensemble(20, 2), nef.EnsembleArray(10, 2)
    same = lambda x, y: all(np.array_equal(getattr(x, k), getattr(y, k)) for k in ("gain", "bias", "encoders", "eval_points"))
    one = nef.build(nef.Network([a, array, b]), seed=5)
    links = [nef.Connection(a, b, solver=nef.Noise()), nef.Connection(array.output, a, transform=np.ones((2, 2)), synapse=9)]
    two = nef.build(nef.Network([a, array, b], links, [nef.Probe(a)]), seed=5)
    for e in one.ensembles:
        assert same(one[e], two[e])
    assert not same(one[a], one[b]) and not same(one[a], nef.build(nef.Network([a]), seed=6)[a])
    assert same(one[a], nef.build(nef.Network([a, b]), seed=5)[a])
    # inside a network an object has the place that it has when all is laid out
    assert same(one[b], nef.build(nef.Network([a, nef.Network([array, b])]), seed=5)[b])
    own = nef.Ensemble(20, 2, seed=3)
    assert same(nef.build(nef.Network([a, own]), seed=1)[own], nef.build(nef.Network([own]), seed=2)[own])


def test_equal_decoders_are_solved_once():
    a, b = nef.Ensemble(30, 3), nef.Ensemble(30, 3)
    f = lambda x: x[0] ** 2
    links = [nef.Connection(a, b), nef.Connection(a[0], b[0], synapse=20), nef.Connection(a[2], b[1]),
             nef.Connection(a, b[0], function=f), nef.Connection(a, b[1], function=f),
             nef.Connection(a, b[2], function=f, solver=nef.L2(reg=0.2))]
    built = nef.build(nef.Network([a, b], links, [nef.Probe(a[1])]))
    assert [d.size for d in built.decoded] == [3, 1, 1]
    whole = built.decoders(links[0])
    np.testing.assert_array_equal(built.decoders(links[2]), whole[:, 2:])
    # only what is used is decoded
    assert [d.size for d in nef.build(nef.Network([a, b], links[1:3])).decoded] == [2]


def test_weights_equal_decoders_times_encoders():
    a, b = nef.Ensemble(40, 2), nef.Ensemble(30, 3, radius=2.0)
    t = np.arange(6.0).reshape(3, 2)
    plain, full = nef.Connection(a, b, transform=t), nef.Connection(a, b, transform=t, weights=True)
    built = nef.build(nef.Network([a, b], [plain, full]))
    wanted = built[b].scaled_encoders @ t @ built.decoders(plain).T
    np.testing.assert_allclose(built.weights[full], wanted, rtol=1e-10, atol=1e-12 * np.abs(wanted).max())
    only = nef.Connection(a, b, transform=t, weights=True, solver=nef.NonNegative())
    w = nef.build(nef.Network([a, b], [only])).weights[only]
    assert w.shape == (30, 40) and w.min() >= 0


def test_built_by_random_draws_out_of_limits():
    e = nef.Ensemble(200, max_rates=ns.Normal(300, 200), name="e")
    with pytest.raises(ParameterError, match="Ensemble 'e': LIF: max_rates of neuron"):
        nef.build(nef.Network([e]))


def test_tuning_curves():
    e = nef.Ensemble(4, radius=2.0, encoders=[[1], [1], [-1], [-1]], max_rates=[100, 200, 300, 400],
                     intercepts=[0, 0.5, 0, -0.5])
    x, rates = nef.tuning_curves(e)
    assert x.shape == (1001, 1) and rates.shape == (1001, 4) and x[-1, 0] == 2
    # max_rate at <e, x> = radius, silent up to the intercept
    np.testing.assert_allclose([*rates[-1, :2], *rates[0, 2:]], [100, 200, 300, 400], rtol=1e-12)
    assert (rates[x[:, 0] < 1 - 1e-9, 1] == 0).all() and (rates[x[:, 0] > 1.01, 1] > 0).all()
    assert nef.tuning_curves(nef.Ensemble(4, 2))[1].shape == (41 * 41, 4)
    with pytest.raises(ParameterError, match="give inputs of shape"):
        nef.tuning_curves(nef.Ensemble(4, 3))


# flattening

def test_circles_are_named():
    r, s = nef.Node(size_in=1, name="r"), nef.Node(size_in=1, name="s")
    net = nef.Network([r, s], [nef.Connection(r, s, synapse=None), nef.Connection(s, r, synapse=None)])
    with pytest.raises(NetworkError, match="Relays feed each other without delay: (r -> s -> r|s -> r -> s)"):
        flatten(nef.build(net))
    flatten(nef.build(nef.Network([r, s], [nef.Connection(r, s, synapse=None), nef.Connection(s, r, synapse=1)])))
    back = nef.Node(lambda t, x: x, size_in=1, every=1.0, name="back")
    net = nef.Network([back, r], [nef.Connection(back, r, synapse=None), nef.Connection(r, back, synapse=None)])
    with pytest.raises(NetworkError, match="Callbacks feed each other without delay: back"):
        flatten(nef.build(net))


def test_filters_stand_where_there_are_fewest_numbers():
    a, b, c = nef.Ensemble(5, 4), nef.Ensemble(5, 1), nef.Ensemble(5, 4)
    # four numbers to one: behind the matrix
    flat = flatten(nef.build(nef.Network([a, b], [nef.Connection(a, b, transform=np.ones((1, 4)))])))
    assert [f.size for f in flat.filters] == [1]
    # one number to four: before
    flat = flatten(nef.build(nef.Network([a, b], [nef.Connection(b, a, transform=np.ones((4, 1)))])))
    assert [f.size for f in flat.filters] == [1]
    # two sources of four, through one relay of one
    r = nef.Node(size_in=1)
    links = [nef.Connection(e, r, transform=np.ones((1, 4))) for e in (a, c)] + [nef.Connection(r, b, synapse=None)]
    flat = flatten(nef.build(nef.Network([a, b, c, r], links)))
    assert [f.size for f in flat.filters] == [1] and len(flat.terms) == 3
    # other time constants are other filters
    flat = flatten(nef.build(nef.Network([a, c], [nef.Connection(a, c), nef.Connection(a, c, synapse=9)])))
    assert [f.size for f in flat.filters] == [4, 4]


def test_cheapest_cover_against_all_choices():
    """Small graphs: no set of ends that touches all edges is lighter."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        n, m = rng.integers(1, 5, 2)
        edges = [(i, j) for i in range(n) for j in range(m) if rng.random() < 0.6] or [(0, 0)]
        ws, wt = {i: int(rng.integers(1, 6)) for i in range(n)}, {j: int(rng.integers(1, 6)) for j in range(m)}
        s, t = cheapest_cover(edges, ws, wt)
        assert all(a in s or b in t for a, b in edges)
        best = min(sum(ws[i] for i in range(n) if k >> i & 1) + sum(wt[j] for j in range(m) if k >> (n + j) & 1)
                   for k in range(2 ** (n + m)) if all(k >> a & 1 or k >> (n + b) & 1 for a, b in edges))
        assert sum(ws[i] for i in s) + sum(wt[j] for j in t) == best


def test_probes_without_a_name_are_numbered():
    """Results are found by the probe itself, so that a name is only needed to find them by name."""
    a = nef.Ensemble(10)
    net = nef.Network([a], probes=[nef.Probe(a), nef.Probe(a, synapse=10), nef.Probe(a, function=np.square)])
    assert [net.name_of(p) for p in net.records] == ["ensemble_0", "ensemble_0#2", "ensemble_0#3"]


def test_weights_that_do_not_fit_into_memory_are_refused_before_anything_is_solved(monkeypatch):
    from neurosim.simulator import memory

    a, b = nef.Ensemble(2000), nef.Ensemble(1000)
    net = nef.Network([a, b], [nef.Connection(a, b, weights=True)])
    monkeypatch.setattr(memory, "free_bytes", lambda: 100_000_000)
    with pytest.raises(SimulationError, match="need 0.12 GB.*0.1 GB are free. Leave out weights=True"):
        nef.build(net)
