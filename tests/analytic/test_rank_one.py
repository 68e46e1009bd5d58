"""Weights that change with continuous signals, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import NetworkError

LOWPASS = ns.NeuronModel.from_equations("dx/dt = (u - x)/tau", parameters={"tau": 7.0}, inputs=["u"], name="lowpass")
ERROR = ns.NeuronModel.from_equations("dq/dt = (u - q)/tau\na = -rate*q\nb = -rate*q*q",
                                      parameters={"tau": 3.0, "rate": 0.02}, inputs=["u"], name="teacher")


def network(graded: bool, n_pre: int, n_post: int, sparse: bool):
    """Sources with constant inputs (or spikes), targets that sum them, units that make the rule."""
    rng = np.random.default_rng(n_pre)
    source = ns.Population(n_pre + 3, LOWPASS if graded else ns.Poisson(rate=100.0), name="source")
    trace = ns.Population(n_pre + 5, LOWPASS, name="trace")
    target, units = ns.Population(n_post + 2, LOWPASS, name="target"), ns.Population(n_post, ERROR, name="units")
    pre, post = np.divmod(np.arange(n_pre * n_post), n_post)
    if sparse:
        keep = rng.random(pre.size) < 0.4
        pre, post = pre[keep], post[keep]
    weight = rng.normal(size=pre.size)
    rule = ns.RankOne(trace[5:], "x", units, "a", "b")
    common = {"name": "w", "learning": rule}
    ends = source[2:2 + n_pre], target[1:1 + n_post]
    explicit = ns.Explicit(pre, post)
    link = (ns.GradedProjection(*ends, explicit, weight, **common) if graded else
            ns.Projection(*ends, explicit, ns.Pulse(weight), delay=0.0, immediate=True, **common))
    drive_y, drive_q = rng.normal(size=n_pre + 5), rng.normal(size=n_post)
    stimuli = [ns.DC(drive_y, target=trace), ns.DC(drive_q, target=units)]
    if graded:
        stimuli.append(ns.DC(np.linspace(-1, 1, n_pre + 3), target=source))
    net = ns.Network([source, trace, units, target], [link], stimuli,
                     [ns.Probe(link, "w", every=5.0, name="weights"), ns.Probe(target, "x", name="x")])
    return net, link, weight, pre, post, drive_y[5:], drive_q


@pytest.mark.parametrize(("graded", "n_pre", "n_post", "sparse"), [
    (True, 90, 3, False), (True, 4, 700, False), (True, 70, 70, True), (False, 100, 1, False), (False, 60, 4, True)])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_rule_is_what_a_loop_makes_of_it(graded: bool, n_pre: int, n_post: int, sparse: bool, threads: int) -> None:
    net, link, weight, pre, post, drive_y, drive_q = network(graded, n_pre, n_post, sparse)
    result = ns.simulate(net, 60, 1.0, threads=threads, seed=2)
    w, kept = weight.copy(), [weight.copy()]
    for k in range(60):
        # the units as of the end of the step: exact response to a constant input
        y = drive_y * (1 - np.exp(-(k + 1) / 7.0))
        q = drive_q * (1 - np.exp(-(k + 1) / 3.0))
        w = w + 1.0 * (y[pre] * (-0.02 * q)[post] + (-0.02 * q * q)[post] * w)
        if (k + 1) % 5 == 0:
            kept.append(w.copy())
    order = np.lexsort((post, pre))
    # 60 updates of numbers of size 1, each with a few roundings
    np.testing.assert_allclose(result.connections["w"].weight, w[order], atol=1e-13)
    np.testing.assert_allclose(result.traces["weights"].values, np.array(kept[:12])[:, order], atol=1e-13)
    if graded:
        x, source, target = np.zeros(n_post), np.zeros(n_pre), np.linspace(-1, 1, n_pre + 3)[2:2 + n_pre]
        w, decay, arrives = weight.copy(), np.exp(-1 / 7.0), np.zeros(n_post)
        for k in range(60):
            np.testing.assert_allclose(result.traces["x"].values[k, 1:1 + n_post], x, atol=1e-11)
            x = decay * x + (1 - decay) * arrives
            source = decay * source + (1 - decay) * target
            # at the end of a step: first what is sent, then what is learnt
            arrives = np.bincount(post, w * source[pre], n_post)
            y, q = drive_y * (1 - np.exp(-(k + 1) / 7.0)), drive_q * (1 - np.exp(-(k + 1) / 3.0))
            w = w + (y[pre] * (-0.02 * q)[post] + (-0.02 * q * q)[post] * w)


def test_a_split_run_learns_the_same_and_a_run_can_begin_again() -> None:
    net, *_ = network(False, 60, 4, True)
    whole = ns.simulate(net, 60, 1.0, seed=5)
    part = ns.simulate(net, 23, 1.0, seed=5)
    rest = [ns.simulate(net, 37, 1.0, seed=5, resume=part) for _ in range(2)]
    for r in rest:
        assert np.array_equal(r.connections["w"].weight, whole.connections["w"].weight)
        assert np.array_equal(np.concatenate([part.traces["x"].values, r.traces["x"].values]), whole.traces["x"].values)
    assert not np.array_equal(part.connections["w"].weight, whole.connections["w"].weight)


def test_learning_is_switched_by_a_parameter_of_its_units() -> None:
    net, _, weight, pre, post, *_ = network(True, 90, 3, False)
    first = ns.simulate(net, 20, 1.0)
    held = ns.simulate(net, 20, 1.0, resume=first, changes={"units": {"rate": 0.0}})
    again = ns.simulate(net, 20, 1.0, resume=held, changes={"units": {"rate": 0.02}})
    w = [r.connections["w"].weight for r in (first, held, again)]
    assert np.array_equal(w[0], w[1]) and not np.array_equal(w[1], w[2])
    order = np.lexsort((post, pre))
    assert not np.array_equal(w[0], weight[order])


def test_rules_that_do_not_fit_are_refused() -> None:
    a, b, units = ns.Population(4, LOWPASS, name="a"), ns.Population(3, LOWPASS, name="b"), ns.Population(3, ERROR, name="u")
    with pytest.raises(NetworkError, match="has no variable 'z'"):
        ns.RankOne(a, "z", units, "a")
    with pytest.raises(NetworkError, match="must stand side by side"):
        ns.RankOne(a[[0, 2]], "x", units, "a")
    rule = ns.RankOne(a, "x", units, "a")
    with pytest.raises(NetworkError, match="its source has 3 neurons, but its learning rule has 4 units"):
        ns.GradedProjection(a[:3], b, ns.AllToAll(), 1.0, learning=rule)
    with pytest.raises(NetworkError, match="not a matrix"):
        ns.GradedProjection(a, b, np.ones((4, 3)), learning=rule)
    with pytest.raises(NetworkError, match="learning must be a rule such as ns.RankOne"):
        ns.GradedProjection(a, b, ns.AllToAll(), 1.0, learning=3.0)
    link = ns.GradedProjection(a, b, ns.AllToAll(), 1.0, learning=rule)
    with pytest.raises(NetworkError, match="A rule of learning reads"):
        ns.Network([a, b], [link])
    with pytest.raises(NetworkError, match="one variable to record, the weight 'w'"):
        ns.Probe(link, "x")
