"""Projections: how they are written, what they are called, and what bad input gets before anything is built."""

import re
import warnings

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.model.expression import symbols
from neurosim.simulator import memory
from neurosim.simulator.receptors import gather

RELAY = ns.NeuronModel.from_equations("dv/dt = 0", threshold="v > 0.5", reset="v = 0", name="relay")
SUM = ns.NeuronModel.from_equations("dv/dt = 0", name="sum")
TWO = ns.NeuronModel.from_equations("dv/dt = -v/10\ndg/dt = -g/5", threshold="v + g > 1", reset="v = 0", name="two")
OWN = ns.NeuronModel.from_equations("dx/dt = -x/10 + 0*i", threshold="x > 1", reset="x = 0", inputs={"i": "1/ms"}, name="own")


@pytest.fixture
def cells():
    return ns.Population(4, RELAY, name="E"), ns.Population(3, RELAY, name="I")


def link(source, target, rule=None, synapse=None, **more):
    return ns.Projection(source, target, rule or ns.AllToAll(), synapse or ns.Delta(1.0), **more)


def fired(net, population, duration=5.0, dt=0.1, **options):
    return ns.simulate(net, duration, dt, **options).spikes[population]


def push(target, neurons=(0,), time=0.0):
    return ns.SpikeInput(times=[time] * len(neurons), neurons=list(neurons), weight=1.0, target=target)


# -- names ------------------------------------------------------------------------------------------------------------

def test_names_are_made_of_those_of_the_populations(cells):
    e, i = cells
    net = ns.Network([e, i], [link(e, i), link(e, [e, i]), link([e, i], i), link(i, i, name="own"),
                              link(e[:2], i[0], name="part")])
    assert [net.name_of(p) for p in net.projections] == ["E->I", "E->[E,I]", "[E,I]->I", "own", "part"]
    unnamed = [ns.Population(1, RELAY), ns.Population(1, RELAY)]
    net = ns.Network(unnamed, link(*unnamed))
    assert net.name_of(net.projections[0]) == "population_0->population_1"


def test_names_must_differ(cells):
    e, i = cells
    with pytest.raises(ns.NetworkError, match="Two projections are called 'E->I': give them different names with name="):
        ns.Network([e, i], [link(e, i), link(e, i)])
    one = link(e, i, name="one")
    with pytest.raises(ns.NetworkError, match="'one'"):
        ns.Network([e, i], [one, one])
    for bad in (3, ""):
        with pytest.raises(ns.NetworkError, match="The name of a projection is a text"):
            link(e, i, name=bad)


def test_populations_outside_of_the_network(cells):
    e, i = cells
    for p in (link(e, i), link(i, e), link([e, i], e), link(e, [e, i[:1]])):
        with pytest.raises(ns.NetworkError, match=r"connects Population\(3, relay, name='I'\), which is not in the network"):
            ns.Network([e], [p])
    with pytest.raises(ns.NetworkError, match="projections must hold"):
        ns.Network([e, i], [ns.Delta(1.0)])


# -- what is given ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, message", [
    (dict(source=3), "a list of these; not int"),
    (dict(target=[]), "list of targets is empty"),
    (dict(rule=ns.AllToAll), r"connectivity must be a rule such as ns.FixedInDegree\(100\), not"),
    (dict(rule=0.1), "connectivity must be a rule"),
    (dict(synapse=ns.Delta), r"synapse must be one such as .*, not Delta itself: call it"),
    (dict(synapse=0.1), "synapse must be one such as .* not float"),
    (dict(plasticity="stdp"), "plasticity must be a rule such as"),
])
def test_things_of_the_wrong_kind(cells, arguments, message):
    e, i = cells
    given = dict(source=e, target=i) | arguments
    with pytest.raises(ns.NetworkError, match=message):
        link(given.pop("source"), given.pop("target"), **given)


@pytest.mark.parametrize("delay, message", [
    (-1.0, "0 or at least one step, never negative; the smallest is -1 ms"),
    (float("nan"), "not finite"), (None, "not a number"), ("soon", "no number with a unit"), (True, "not a number"),
    ("3 mV", "ms"),
])
def test_a_delay_is_a_positive_time(cells, delay, message):
    with pytest.raises(ns.NeurosimError, match=message):
        link(*cells, delay=delay)


def test_a_delay_has_a_unit(cells):
    assert link(*cells, delay="1500 us").delay == pytest.approx(1.5, rel=1e-15)


@pytest.mark.parametrize("delay", [0.04, 0.06, 0.0999])
def test_a_delay_below_one_step_is_refused(cells, delay):
    e, i = cells
    with pytest.raises(ns.ParameterError, match=rf"E->I: the shortest delay is {delay:g} ms, less than one step of dt=0.1 ms"):
        ns.simulate(ns.Network([e, i], [link(e, i, delay=delay)]), 1.0, 0.1)
    with pytest.raises(ns.ParameterError, match="less than one step"):
        ns.simulate(ns.Network([e, i], [link(e, i, delay=ns.Uniform(0.0, delay))]), 1.0, 0.1)
    rule = ns.Explicit([0, 1, 2], [0, 1, 2])
    with pytest.raises(ns.ParameterError, match="less than one step"):
        ns.simulate(ns.Network([e, i], [link(e, i, rule, delay=[1.0, delay, 2.0])]), 1.0, 0.1)
    with pytest.raises(ns.ParameterError, match="less than one step"):
        ns.simulate(ns.Network([e, i], [link(e, i, ns.Matrix(np.ones((4, 3)), delays=np.full((4, 3), delay)))]), 1.0, 0.1)


def test_a_delay_too_long_to_count(cells):
    e, i = cells
    with pytest.raises(ns.ParameterError, match="E->I: the longest delay is 7000 ms, 70000 steps of 0.1 ms; at most 65000"):
        ns.simulate(ns.Network([e, i], [link(e, i, delay=7000.0)]), 1.0, 0.1)


@pytest.mark.parametrize("given, message, step", [
    (dict(delay=0.27), "the delay 0.27 ms is not a multiple of dt=0.1 ms; it becomes 0.3 ms", 3),
    (dict(delay=0.14), "the delay 0.14 ms is not a multiple of dt=0.1 ms; it becomes 0.1 ms", 1),
    (dict(rule=ns.Explicit([0, 1, 1], [0, 1, 2]), delay=[0.22, 0.5, 0.61]), "0.22 ms and 1 more is not a multiple", 2),
    (dict(rule=ns.Matrix(np.eye(4, 3), delays=0.38 * np.eye(4, 3)), synapse=ns.Delta()), "0.38 ms and 2 more .* 0.4 ms", 4),
])
def test_a_delay_off_the_grid_is_rounded_with_a_warning(cells, given, message, step):
    e, i = cells
    net = ns.Network([e, i], [link(e, i, **given)], [push(e)])
    with pytest.warns(ns.NeurosimWarning, match=f"E->I: .*{message}") as found:
        spikes = fired(net, "I")
    # the warning points at the line that runs the network
    assert len(found) == 1 and found[0].filename == __file__
    # source 0 spikes at 0.1; the target fires at the end of the step in which this arrives
    assert spikes[0] == pytest.approx([0.1 + 0.1 * step + 0.1])


def test_delays_on_the_grid_are_taken_without_a_word(cells):
    e, i = cells
    graph = nx.DiGraph()
    graph.add_nodes_from(range(3))
    graph.add_edge(0, 1, delay=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # 0.3 is 2.9999999999999996 steps of 0.1
        for dt, delay in ((0.1, 0.3), (0.1, 0.7), (0.01, 0.29), (0.025, 1.5), (1 / 3, 1.0), (0.1, ns.Uniform(0.1, 0.33))):
            ns.simulate(ns.Network([e, i], [link(e, i, delay=delay)]), 0.0, dt)
        # a matrix or graph that brings its delays has no use for that of the projection (1 ms if none is given)
        own = ns.Matrix(np.eye(4, 3), delays=np.full((4, 3), 0.6))
        ns.simulate(ns.Network([e, i], [link(e, i, own, ns.Delta())]), 0.0, 0.3)
        own = ns.Matrix(np.eye(4, 3), delays=np.full((4, 3), 4.0))
        ns.simulate(ns.Network([e, i], [link(e, i, own, ns.Delta())]), 0.0, 2.0)
        ns.simulate(ns.Network([i], [link(i, i, ns.Graph(graph))]), 0.0, 0.3)


@pytest.mark.parametrize("label", ["weight", "delay"])
def test_one_value_for_each_connection(cells, label):
    e, i = cells

    def given(rule, values):
        synapse = ns.Delta(values if label == "weight" else 1.0)
        return link(e, i, rule, synapse, **({"delay": values} if label == "delay" else {}))

    for rule in (ns.FixedInDegree(2), ns.FixedOutDegree(1), ns.FixedTotalNumber(5), ns.Bernoulli(0.5)):
        with pytest.raises(ns.ParameterError, match=f"one {label} for each connection needs a rule whose connections have a "
                                                    f"known order.*{type(rule).__name__} draws them"):
            given(rule, [1.0, 2.0])
    for rule, count in ((ns.AllToAll(), 12), (ns.Explicit([0, 3], [1, 1]), 2)):
        net = ns.Network([e, i], [given(rule, np.ones(count))])
        assert ns.simulate(net, 1.0).completed
        for wrong in (1, count + 1):
            with pytest.raises(ns.ParameterError, match=rf"{label} has shape \({wrong},\), but there are {count} conn"):
                given(rule, np.ones(wrong))
    with pytest.raises(ns.ParameterError, match=rf"{label} has shape \(16,\), but there are 12 conn"):
        link(e, e, ns.AllToAll(autapses=False), ns.Delta(np.ones(16 if label == "weight" else 12)), delay=np.ones(16))
    with pytest.raises(ns.NeurosimError, match=r"shape \(2, 2\)"):
        given(ns.AllToAll(), np.ones((2, 2)))
    with pytest.raises(ns.NeurosimError, match="not finite"):
        given(ns.AllToAll(), [1.0, np.nan])


def test_weights_of_a_matrix_are_scaled_by_that_of_the_synapse(cells):
    e, _ = cells
    total = ns.Population(3, SUM, name="sum")
    values = np.arange(12.0).reshape(4, 3) - 5

    def arrived(synapse, matrix=values):
        net = ns.Network([e, total], [link(e, total, ns.Matrix(matrix), synapse)], [push(e, [0, 1, 2, 3])])
        return ns.simulate(net, 3.0).final("sum", "v").tolist()

    assert arrived(ns.Delta()) == values.sum(axis=0).tolist()
    assert arrived(ns.Delta(-0.5)) == (-0.5 * values.sum(axis=0)).tolist()
    # booleans say where connections are, the synapse says how strong
    assert arrived(ns.Delta(0.25), values > 0) == (0.25 * (values > 0).sum(axis=0)).tolist()
    with pytest.raises(ns.ParameterError, match="the weight comes from the matrix or graph; give a number that scales it"):
        arrived(ns.Delta(ns.Uniform(0, 1)))


def test_a_distribution_that_gives_nonsense(cells):
    e, i = cells

    class Odd(ns.Uniform):
        def sample(self, seed, stream, n):
            return np.full(n, np.nan)

    with pytest.raises(ns.ParameterError, match="E->I: the distribution of the weight must give 12 finite numbers"):
        ns.simulate(ns.Network([e, i], [link(e, i, synapse=ns.Delta(Odd(0, 1)))]), 1.0)


# -- rules meet populations when the projection is described ----------------------------------------------------------

@pytest.mark.parametrize("make, error, message", [
    (lambda e, i: link(e, i, ns.FixedInDegree(5)), ns.NetworkError, "needs 5 different sources, but 'E' has 4. Use k <= 4"),
    (lambda e, i: link(e, e, ns.FixedInDegree(4, autapses=False)), ns.NetworkError, "has 3 other than itself"),
    (lambda e, i: link(e[:2], i, ns.FixedInDegree(3)), ns.NetworkError, "but 'E' has 2"),
    (lambda e, i: link([e, i], i, ns.FixedInDegree(8)), ns.NetworkError, "needs 8 different sources, but .* has 7"),
    (lambda e, i: link(e, i, ns.OneToOne()), ns.NetworkError, "'E' has 4 neurons and .* 'I' has 3"),
    (lambda e, i: link(e, i, ns.Explicit([0, 4], [0, 0])), ns.NetworkError, r"sources\[1\] is 4, but 'E' has neurons 0 to 3"),
    (lambda e, i: link(e, i[1:], ns.Explicit([0], [2])), ns.NetworkError, r"targets\[0\] is 2, but 'I' has neurons 0 to 1"),
    (lambda e, i: link(e, i, ns.Matrix(np.ones((3, 4)))), ns.NetworkError, r"\(4, 3\).*use \.T"),
    (lambda e, i: link(e, i, ns.Bernoulli(1.5)), ns.ParameterError, r"p is 1.5; a probability must be in \[0, 1\]"),
    (lambda e, i: e[7], ns.NetworkError, "Neuron 7 does not exist: 'E' has neurons 0 to 3"),
])
def test_a_rule_that_does_not_fit(cells, make, error, message):
    with pytest.raises(error, match=message):
        make(*cells)


# -- synapses meet models when the network is described ---------------------------------------------------------------

def test_a_delta_synapse_finds_its_state(cells):
    e, i = cells
    net = ns.Network([e, i], [link(e, i)], [push(e)])
    assert len(fired(net, "I")) == 3
    own = ns.Population(1, OWN, name="own")
    assert len(fired(ns.Network([e, own], [link(e, own, synapse=ns.Delta(2.0))], [push(e)]), "own")) == 1
    two = ns.Population(1, TWO, name="two")
    result = ns.simulate(ns.Network([e, two], [link(e, two, synapse=ns.Delta(0.5, variable="g"))], [push(e)]), 2.0)
    assert result.final("two", "v")[0] == 0.0 < result.final("two", "g")[0]
    with pytest.raises(ns.NetworkError, match="E->two: two has no state 'gg'. Did you mean 'g'.* States: v, g"):
        ns.Network([e, two], [link(e, two, synapse=ns.Delta(0.5, variable="gg"))])
    vague = ns.NeuronModel.from_equations("da/dt = -a/10\ndb/dt = -b/5", name="vague")
    p = ns.Population(1, vague, name="vague")
    with pytest.raises(ns.NetworkError, match="E->vague: name the state of vague that spikes act on: variable=, one of a, b"):
        ns.Network([e, p], [link(e, p)])


def test_a_synapse_whose_target_lacks_a_receptor(cells):
    e, i = cells
    with pytest.raises(ns.NetworkError, match="E->I: relay has no input for a synaptic current: declare one with inputs="):
        ns.Network([e, i], [link(e, i, synapse=ns.Exponential(0.1, 5.0))])
    own = ns.Population(2, OWN, name="own")
    with pytest.raises(ns.NetworkError, match=r"E->own: own has no potential 'v' for the driving force: give variable="):
        ns.Network([e, own], [link(e, own, synapse=ns.Exponential(0.1, 5.0, 0.0))])
    # one of several targets is enough
    with pytest.raises(ns.NetworkError, match=r"E->\[own,I\]: relay has no input"):
        ns.Network([e, i, own], [link(e, [own, i], synapse=ns.Alpha(0.1, 5.0))])


def test_a_potential_may_have_the_name_of_something_inside_a_synapse():
    model = ns.NeuronModel.from_equations("dx/dt = 0*i", inputs={"i": "1"}, initial={"x": 2.0}, name="called_x")
    source, cells = ns.Population(1, RELAY, name="source"), ns.Population(1, model, name="cells")
    synapse = ns.DoubleExponential(3.0, 1.0, 5.0, 10.0, variable="x")
    net = ns.Network([source, cells], [link(source, cells, synapse=synapse)], [push(source)], [ns.Probe(cells, "i")])
    found = ns.simulate(net, 6.0, 0.1).traces["i"].values[-1, 0]
    t = 5.9 - 1.1
    peak = (1 / 5.0) ** (1.0 / 4.0) - (1 / 5.0) ** (5.0 / 4.0)
    # 50 steps of a few roundings
    assert found == pytest.approx(8.0 * 3.0 * (np.exp(-t / 5.0) - np.exp(-t / 1.0)) / peak, rel=1e-13)


@pytest.mark.parametrize("name", ["x", "a", "e_rev", "tau_rise", "norm", "mg", "potential"])
def test_names_inside_of_a_synapse_do_not_meet_those_of_the_model(name):
    model = ns.NeuronModel.from_equations(f"d{name}/dt = 0*i", inputs={"i": "1"}, name=f"called_{name}")
    source, cells = ns.Population(1, RELAY, name="source"), ns.Population(1, model, name="cells")
    net = ns.Network([source, cells], [link(source, cells, synapse=ns.NMDA(3.0, variable=name))])
    found = gather(net, cells)
    used = symbols(found.inputs["i"])
    assert name in used and not set(found.states) & set(model.state_names)
    assert used - {name} == {"_nmda0_x", "_nmda0_norm", "_nmda0_e_rev", "_nmda0_mg"}


# -- general ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("rule", [ns.Explicit([], []), ns.Bernoulli(0.0), ns.FixedInDegree(0), ns.FixedTotalNumber(0),
                                  ns.Matrix(np.zeros((4, 3)))])
def test_a_projection_without_connections(cells, rule):
    e, i = cells
    delay = 1.0 if isinstance(rule, ns.Matrix) else ns.Uniform(1.0, 2.0)
    weight = 0.0 if isinstance(rule, ns.Matrix) else ns.Uniform(0.0, 1.0)
    net = ns.Network([e, i], [link(e, i, rule, ns.Delta(weight), delay=delay)], [push(e)])
    result = ns.simulate(net, 50.0)
    assert len(result.spikes["E"]) == 1 and len(result.spikes["I"]) == 0
    # buffers are as long as delays need them, not as long as the run could be
    assert sum(ring.nbytes for ring in result.state.wires.rings.values()) < 1 << 24


def test_a_source_that_never_spikes(cells):
    e, _ = cells
    silent = ns.Population(2, SUM, name="silent")
    result = ns.simulate(ns.Network([silent, e], [link(silent, e)]), 3.0)
    assert len(result.spikes["E"]) == 0


def test_autapses(cells):
    e, _ = cells
    net = ns.Network([e], [link(e, e, ns.OneToOne(), delay=0.5)], [push(e, [2])])
    np.testing.assert_allclose(fired(net, "E", 3.0)[2], 0.1 + 0.6 * np.arange(5), atol=1e-9)


def test_signs_for_diagrams(cells):
    e, i = cells
    for synapse, sign in ((ns.Delta(0.1), 1), (ns.Delta(-0.1), -1), (ns.Delta(0.0), 0), (ns.Delta([1.0] * 12), 1),
                          (ns.Delta([1.0, -1.0] * 6), 0), (ns.Exponential(0.1, 5.0, -80.0), -1),
                          (ns.Exponential(0.1, 5.0, 0.0), 1), (ns.Delta(ns.Uniform(-3, -1)), -1),
                          (ns.Delta(ns.Normal(0, 1)), 0)):
        assert link(e, i, synapse=synapse).weight_sign == sign


def test_too_much_memory_is_told_before_anything_is_built(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 100_000_000)
    a = ns.Population(10_000, RELAY, name="a")
    with pytest.raises(ns.SimulationError, match=re.escape("Most of it is the connections of 'a->a'")):
        ns.simulate(ns.Network([a], [link(a, a, ns.Bernoulli(0.9))]), 1.0)


def test_a_connected_network_keeps_its_step(cells):
    e, i = cells
    net = ns.Network([e, i], [link(e, i)])
    first = ns.simulate(net, 1.0, 0.1)
    with pytest.raises(ns.SimulationError, match="goes on with the step it was begun with, dt=0.1 ms"):
        ns.simulate(net, 1.0, 0.05, resume=first)


def test_initial_values_of_plastic_variables_are_in_the_order_of_the_weights(cells):
    """An array of initial values goes to the same connections as an array of weights, whatever is sorted on the way."""
    e, i = cells
    rng = np.random.default_rng(3)
    n = 30
    sources, targets = rng.integers(0, 4, n), rng.integers(0, 7, n)
    rule = ns.PlasticityModel.from_equations("z : 1", on_pre="w += 0*z", initial={"z": np.arange(n)}, name="numbered")
    projection = ns.Projection(e, [i, e], ns.Explicit(sources, targets), ns.Delta(np.arange(n)), plasticity=rule,
                               delay=0.1 * rng.integers(1, 6, n), name="p")
    made = ns.simulate(ns.Network([e, i], [projection]), 0.1).connections["p"]
    assert np.array_equal(made["z"], made.weight) and not np.array_equal(made.weight, np.arange(n))
    with pytest.raises(ns.ParameterError, match="one initial 'z' for each connection needs a rule .*Bernoulli draws them"):
        link(e, i, ns.Bernoulli(0.5), plasticity=rule)
    with pytest.raises(ns.ParameterError, match=r"initial 'z' has shape \(30,\), but there are 12 connections"):
        link(e, i, plasticity=rule)


@pytest.mark.parametrize("low, high", [(0, 8), (2, 6), (0, 3), (5, 8), (7, 8)])
@pytest.mark.parametrize("places", [[0], [0, 0, 1, 3], [0, 1]])
def test_sources_of_a_range_with_as_many_targets_side_by_side(low, high, places):
    """Weights are powers of 2: sums tell which spikes arrived where, without rounding. Two sources in three spike."""
    matrix = np.zeros((8, 6))
    width = 2 if places == [0, 1] else 1
    for j in range(low, high):
        first = places[j % len(places)] + (width == 2 and j % 3)
        matrix[j, first:first + width] = 2.0 ** (j + 8 * np.arange(width))
    e, total = ns.Population(8, RELAY, name="E"), ns.Population(6, SUM, name="sum")
    spiking = [j for j in range(8) if j % 3]
    net = ns.Network([e, total], [link(e, total, ns.Matrix(matrix), ns.Delta(1.0), delay=0.2)], [push(e, spiking)])
    assert ns.simulate(net, 1.0, 0.1).final("sum", "v").tolist() == matrix[spiking].sum(axis=0).tolist()
