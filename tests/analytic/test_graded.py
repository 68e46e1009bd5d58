"""Continuous projections against a plain loop over steps, and gap junctions against closed forms.

In each step x <- P x + (1 - P) i with P = exp(-dt/tau) and i = W y(x of the step before), which the loop does with NumPy.
"""

import numpy as np
import pytest
from scipy import sparse

import neurosim as ns
from neurosim.simulator import wiring

DT, TAU = 0.1, 10.0
P = np.exp(-DT / TAU)
EPS = np.finfo(float).eps
RATE = ns.NeuronModel.from_equations("dx/dt = (-x + i)/tau\ny = tanh(x)", parameters={"tau": TAU}, inputs=["i"], name="rate")
PASSIVE = ns.NeuronModel.from_equations("dv/dt = (v_rest - v + r*i)/tau : mV",
                                        parameters={"tau": TAU, "v_rest": -65.0, "r": 10.0},
                                        units={"tau": "ms", "r": "MOhm"}, inputs={"i": "nA"}, name="passive")
#: neurons, more than two tiles of 64
N = 150
RNG = np.random.default_rng(0)
X0 = RNG.normal(size=N)
DENSE = 1.2 * RNG.normal(size=(N, N)) / np.sqrt(N)
LEFT, RIGHT = RNG.normal(size=(N, 3)) / 4, RNG.normal(size=(3, N)) / 24
THIN = np.where(RNG.random((N, N)) < 0.05, RNG.normal(size=(N, N)) / 3, 0.0)


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    """Several blocks of targets, as large populations have them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "NARROW", 64)
        patch.setattr(wiring, "ROW", 2)
        yield


def twin(w, steps, x0, lag=0, f=np.tanh):
    """Return x at the beginning of every step."""
    x, seen, out = x0.copy(), [f(x0)] * (lag + 1), []
    for _ in range(steps):
        out.append(x)
        x = P * x + (1 - P) * (seen[-1 - lag] @ w)
        seen.append(f(x))
    return np.array(out)


def tolerance(w, x, terms, size=None, steps=None):
    """Largest difference that roundings can make; `size` bounds the absolute values that are added up for one input.

    A sum of products is wrong by (terms + 1) eps times the sum of absolute values, a step by 4 eps of what it joins; from step
    to step an error vector grows in length by G = P + (1 - P) |W| at most, as |dy/dx| <= 1 (with a delay no faster).
    """
    size = np.abs(w) if size is None else size
    top = max(1.0, np.abs(x).max())
    total = size.sum(axis=0).max() * top
    one = np.sqrt(x.shape[1]) * EPS * (4 * (top + (1 - P) * total) + (1 - P) * (terms + 1) * total)
    growth = max(1.0, P + (1 - P) * np.linalg.norm(w, 2))
    # both sides round
    return 2 * one * sum(growth**k for k in range(len(x) if steps is None else steps))


def population(name="r", x0=X0):
    return ns.Population(len(x0), RATE, name=name, initial={"x": x0})


def run(cells, *projections, duration=20.0, **options):
    cells = cells if isinstance(cells, list) else [cells]
    net = ns.Network(cells, projections, probes=[ns.Probe(c, "x", name=c.name) for c in cells])
    return ns.simulate(net, duration, DT, **options)


def values(result):
    return np.concatenate([t.values for t in result.traces.values()], axis=1)


CASES = {
    "dense": (DENSE, DENSE, {}),
    "dense, halved": (DENSE, -0.5 * DENSE, dict(weight=-0.5)),
    "dense, 7 steps later": (DENSE, DENSE, dict(delay=0.7)),
    "a state": (DENSE, DENSE, dict(variable="x")),
    "rule": (ns.Matrix(THIN), THIN, {}),
    "rule, 3 steps later": (ns.Matrix(sparse.csr_array(THIN)), THIN, dict(delay=0.3)),
    "low rank": ((LEFT, RIGHT), LEFT @ RIGHT, {}),
    "low rank, 12 steps later": ((LEFT, RIGHT), 2.0 * LEFT @ RIGHT, dict(delay=1.2, weight=2.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_plain_loop(name):
    given, w, options = CASES[name]
    options = {"variable": "y"} | options
    cells = population()
    if isinstance(given, ns.Matrix):
        # a matrix brings its weights; that of the projection scales them
        options["weight"] = 1.0
    result = run(cells, ns.GradedProjection(cells, cells, given, **options))
    f = np.tanh if options["variable"] == "y" else np.asarray
    expected = twin(w, 200, X0, round(options.get("delay", 0.0) / DT), f)
    low = isinstance(given, tuple)
    bound = tolerance(w, expected, N + 5 if low else N, 2 * np.abs(LEFT) @ np.abs(RIGHT) if low else None)
    assert bound < 1e-8 < np.abs(expected - twin(0 * w, 200, X0)).max()
    assert np.abs(values(result) - expected).max() <= bound


def test_drawn_weights_are_those_of_the_result():
    cells = population()
    result = run(cells, ns.GradedProjection(cells, cells, ns.FixedInDegree(20), ns.Normal(0.0, 0.3), variable="y", name="g"))
    c = result.connections["g"]
    assert len(c) == 20 * N and np.all(c.in_degrees() == 20) and 0.25 < c.weight.std() < 0.35
    w = c.matrix().toarray()
    expected = twin(w, 200, X0)
    assert np.abs(values(result) - expected).max() <= tolerance(w, expected, N)


@pytest.mark.parametrize("kind", ["dense", "rule", "low rank"])
def test_parts_and_lists_of_populations(kind):
    """The matrix counts neurons within the pooled parts; what is not in them neither sends nor receives."""
    first, second = population("first", X0[:70]), population("second", X0[70:])
    source, target = [first[10:40], second], [second[[0, 3, 79]], first]
    sending, receiving = np.r_[10:40, 70:150], np.r_[70, 73, 149, 0:70]
    rng = np.random.default_rng(1)
    part = rng.normal(size=(110, 73)) / 10
    left, right = rng.normal(size=(110, 2)), rng.normal(size=(2, 73)) / 100
    given = {"dense": part, "rule": ns.Matrix(part), "low rank": (left, right)}[kind]
    w = np.zeros((N, N))
    w[np.ix_(sending, receiving)] = left @ right if kind == "low rank" else part
    result = run([first, second], ns.GradedProjection(source, target, given, variable="y"))
    expected = twin(w, 200, X0)
    assert np.abs(values(result) - expected).max() <= tolerance(w, expected, N + 4, np.abs(w) + 0.2)


def test_projections_onto_one_population_add_up():
    cells = population()
    several = [ns.GradedProjection(cells, cells, DENSE, 0.25, variable="y", name="a"),
               ns.GradedProjection(cells, cells, DENSE, 0.75, variable="y", name="b")]
    expected = twin(DENSE, 200, X0)
    assert np.abs(values(run(cells, *several)) - expected).max() <= tolerance(DENSE, expected, 2 * N)


@pytest.mark.parametrize("name", ["dense, 7 steps later", "rule", "low rank"])
def test_threads_and_splits_change_no_bit(name):
    given, _, options = CASES[name]
    cells = population()
    weight = {} if isinstance(given, ns.Matrix) else {"weight": 1.0}
    net = ns.Network([cells], [ns.GradedProjection(cells, cells, given, **({"variable": "y"} | options | weight))],
                     probes=[ns.Probe(cells, "x")])
    whole = ns.simulate(net, 20, DT)
    assert whole.state.wires.geometry[cells][2] == 3
    for threads in (2, 3):
        assert np.array_equal(ns.simulate(net, 20, DT, threads=threads).traces["x"].values, whole.traces["x"].values)
    last, pieces = None, []
    # the second piece ends within the delay of the first
    for k, duration in enumerate((6.3, 0.1, 0.4, 13.2)):
        last = ns.simulate(net, duration, DT, resume=last, threads=1 + k % 3)
        pieces.append(last.traces["x"].values)
    assert np.array_equal(np.concatenate(pieces), whole.traces["x"].values)


# -- gap junctions ----------------------------------------------------------------------------------------------------

def test_two_cells_come_together_at_the_known_rate():
    """d' = -(1 + 2 g r) d/tau, here in steps: d <- (P - 2 g r (1 - P)) d; the mean does not feel the junction."""
    g, r = 0.05, 10.0
    cells = ns.Population(2, PASSIVE, name="c", initial={"v": [-60.0, -72.0]})
    pair = ns.Matrix(np.array([[0.0, g], [g, 0.0]]))

    def difference(dt, duration=30.0):
        net = ns.Network([cells], [ns.GapJunctions(cells, cells, pair, 1.0)], probes=[ns.Probe(cells, "v")])
        return ns.simulate(net, duration, dt).traces["v"].values

    v, k = difference(DT), np.arange(300)
    # 300 steps that round potentials of 65 mV a few times
    bound = 300 * 8 * EPS * 72
    np.testing.assert_allclose(v[:, 0] - v[:, 1], 12.0 * (P - 2 * g * r * (1 - P)) ** k, rtol=0, atol=bound)
    np.testing.assert_allclose(v.mean(axis=1), -65.0 - 1.0 * P**k, rtol=0, atol=bound)
    errors = []
    for dt in (0.2, 0.1, 0.05):
        v = difference(dt)
        t = dt * np.arange(len(v))
        errors.append(np.abs(v[:, 0] - v[:, 1] - 12.0 * np.exp(-(1 + 2 * g * r) * t / TAU)).max())
    # first order; the next order is smaller by the rate times dt, 4 % at most
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.04) and errors[1] / errors[2] == pytest.approx(2, rel=0.02)


def test_waves_on_a_ring_decay_each_at_its_own_rate():
    """On a ring of n cells cos(2 pi m k/n) is multiplied by P - (1 - P) r g (2 - 2 cos(2 pi m/n)) in every step."""
    n, g, r = 100, 0.2, 10.0
    k = np.arange(n)
    ring = np.zeros((n, n))
    ring[k, (k + 1) % n] = ring[(k + 1) % n, k] = g
    for m in (1, 7, 50):
        wave = np.cos(2 * np.pi * m * k / n)
        cells = ns.Population(n, PASSIVE, name="c", initial={"v": -65.0 + 5.0 * wave})
        net = ns.Network([cells], [ns.GapJunctions(cells, cells, ns.Matrix(ring), 1.0)], probes=[ns.Probe(cells, "v")])
        v = ns.simulate(net, 10.0, DT, threads=2).traces["v"].values
        factor = P - (1 - P) * r * g * (2 - 2 * np.cos(2 * np.pi * m / n))
        np.testing.assert_allclose(v + 65.0, 5.0 * factor ** np.arange(100)[:, None] * wave, rtol=0, atol=100 * 16 * EPS * 70)


# -- what is refused --------------------------------------------------------------------------------------------------

SUM = ns.NeuronModel.from_equations("dx/dt = -x/tau\ny = x + i", parameters={"tau": TAU}, inputs=["i"], name="sum")


def test_a_circle_without_delay_is_refused():
    """y = x + i depends on what arrives in the same moment; x does not."""
    a, b = (ns.Population(2, SUM, name=name) for name in "ab")
    link = lambda s, t, v="y", **more: ns.GradedProjection(s, t, np.eye(2), variable=v, **more)  # noqa: E731
    with pytest.raises(ns.NetworkError, match="form a circle without delay .input 'i' of 'a' <- input 'i' of 'a'.*give one of "
                                              "them delay="):
        ns.Network([a], [link(a, a)])
    with pytest.raises(ns.NetworkError, match=r"circle without delay \(input 'i' of '[ab]' <- input 'i' of '[ab]' <- "):
        ns.Network([a, b], [link(a, b), link(b, a)])
    ns.Network([a, b], [link(a, b), link(b, a, delay=0.1)])
    ns.Network([a, b], [link(a, b), link(b, a, "x")])
    ns.Network([a, b], [link(a, b)])


@pytest.mark.parametrize("given, error, message", [
    (dict(connectivity=np.eye(3)), ns.ParameterError, r"4 sources and 2 targets need a matrix of shape \(4, 2\), .*\(3, 3\)"),
    (dict(connectivity=(np.ones((4, 2)), np.ones((3, 2)))), ns.ParameterError, r"\(4, d\) and \(d, 2\); given: \(4, 2\), "),
    (dict(connectivity=np.full((4, 2), np.nan)), ns.ParameterError, "two-dimensional and finite"),
    (dict(connectivity=np.ones(8)), ns.ParameterError, r"two-dimensional and finite; this one has shape \(8,\)"),
    (dict(connectivity="all"), ns.NetworkError, "connectivity must be a rule such as .* not str"),
    (dict(weight=[1.0, 2.0]), ns.ParameterError, "beside a matrix, weight is one factor"),
    (dict(weight=ns.Uniform(0, 1)), ns.ParameterError, "beside a matrix, weight is one factor"),
    (dict(connectivity=ns.Bernoulli(0.5), weight=[1.0]), ns.ParameterError, "needs a rule with an order of its own"),
    (dict(variable="yy"), ns.NetworkError, "rate has no variable 'yy'. Did you mean 'y'.* Known: x, y"),
    (dict(variable="i"), ns.NetworkError, "rate has no variable 'i'"),
    (dict(delay=-1.0), ns.ParameterError, "0 ms or more, not -1.0"),
    (dict(delay=[1.0, 2.0]), ns.ParameterError, "delay is one number for all connections"),
    (dict(difference=True, variable="x"), ns.NetworkError, "gap junctions: connectivity must be a rule"),
    (dict(difference=True), ns.NetworkError, "rate has no state 'y' for the difference"),
])
def test_what_does_not_fit_is_refused(given, error, message):
    source, target = population("s", X0[:4]), population("t", X0[:2])
    with pytest.raises(error, match=message):
        ns.GradedProjection(source, target, **({"connectivity": np.ones((4, 2)), "variable": "y"} | given))


@pytest.mark.parametrize("delay, message", [(0.04, "the shortest delay is 0.04 ms, less than one step of dt=0.1 ms"),
                                            (7000.0, "the longest delay is 7000 ms, 70000 steps")])
def test_delays_that_cannot_be(delay, message):
    cells = population()
    for given in (DENSE, ns.AllToAll()):
        with pytest.raises(ns.ParameterError, match=message):
            run(cells, ns.GradedProjection(cells, cells, given, variable="y", delay=delay), duration=1.0)


def test_a_missing_input_is_named_when_the_network_is_described():
    deaf = ns.Population(2, ns.NeuronModel.from_equations("dx/dt = -x", name="deaf"), name="deaf")
    cells = population("s", X0[:4])
    with pytest.raises(ns.NetworkError, match="s->deaf: deaf has no input"):
        ns.Network([cells, deaf], [ns.GradedProjection(cells, deaf, np.ones((4, 2)), variable="y")])
    with pytest.raises(ns.NetworkError, match="s->s: rate has no input 'j'. Did you mean|s->s: rate has no input 'j'"):
        ns.Network([cells], [ns.GradedProjection(cells, cells, np.eye(4), variable="y", input="j")])
