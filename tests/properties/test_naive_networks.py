"""Random small networks against a simulator that is too simple to be wrong, spike for spike."""

from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_network import NaiveLink, common, pool, simulate

import neurosim as ns
from neurosim.simulator import epochs, wiring
from neurosim.simulator.connectivity import Side
from neurosim.simulator.lower import STREAMS

DT, STEPS, TAU_M, TAU_S, N_REF = 0.5, 120, 10.0, 4.0, 3


@st.composite
def parts(draw, sizes):
    """One to three parts of populations, each as (population, neurons or None for all)."""
    found = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        p = draw(st.integers(0, len(sizes) - 1))
        n = sizes[p]
        kind = draw(st.sampled_from(["all", "all", "slice", "list"]))
        if kind == "slice":
            start = draw(st.integers(0, n - 1))
            found.append((p, list(range(start, n, draw(st.integers(1, 4))))))
        elif kind == "list":
            found.append((p, sorted(draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=20)))))
        else:
            found.append((p, None))
    return found


@st.composite
def rules(draw, n_pre, n_post, shared, rng):
    """A rule that can connect so many neurons; `shared`: whether a neuron may be on both sides."""
    kinds = ["all", "bernoulli", "total", "explicit", "explicit", "matrix", "in", "out"]
    kind = draw(st.sampled_from(kinds + ["one"] * 3 * (n_pre == n_post)))
    autapses = True if shared == "twice" else draw(st.booleans())
    multapses = draw(st.booleans())
    if kind == "one":
        return ns.OneToOne()
    if kind == "all":
        return ns.AllToAll(autapses=autapses) if n_pre * n_post <= 4000 else ns.Bernoulli(4000 / (n_pre * n_post))
    if kind == "bernoulli":
        return ns.Bernoulli(min(1.0, draw(st.sampled_from([0.0, 0.03, 0.2])) * 2), autapses=autapses)
    if kind in ("in", "out"):
        most = (n_pre if kind == "in" else n_post) - (0 if autapses or shared == "no" else 1)
        multapses = multapses and most > 0
        k = draw(st.integers(0, 30 if multapses else min(30, most)))
        return (ns.FixedInDegree if kind == "in" else ns.FixedOutDegree)(k, autapses=autapses, multapses=multapses)
    if kind == "total":
        return ns.FixedTotalNumber(draw(st.integers(0, 2000)))
    count = draw(st.integers(1, 1500))
    pre, post = rng.integers(0, n_pre, count), rng.integers(0, n_post, count)
    if kind == "explicit":
        return ns.Explicit(pre, post)
    values = np.zeros((n_pre, n_post))
    values[pre, post] = rng.uniform(-0.2, 0.3, count)
    return ns.Matrix(values)


@st.composite
def networks(draw):
    """The arguments of both simulators."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.one_of(st.integers(1, 8), st.integers(1, 200)), min_size=1, max_size=3))
    seed = draw(st.integers(0, 2**40))
    links = []
    for _ in range(draw(st.integers(0, 4))):
        source, target = draw(parts(sizes)), draw(parts(sizes))
        sides = [pool([(p, list(range(sizes[p])) if which is None else which) for p, which in side])
                 for side in (source, target)]
        overlap = bool(set(sides[0]) & set(sides[1]))
        twice = any(len(set(side)) < len(side) for side in sides)
        shared = "twice" if overlap and twice else "yes" if overlap else "no"
        rule = draw(rules(len(sides[0]), len(sides[1]), shared, rng))
        state = draw(st.sampled_from(["v", "x"]))
        lags = draw(st.sampled_from(["one", "one", "drawn", "each"]))
        weights = draw(st.sampled_from(["one", "drawn", "each"]))
        links.append(dict(source=source, target=target, sides=sides, rule=rule, state=state, lags=lags, weights=weights,
                          lag=draw(st.integers(1, 30)), least=draw(st.integers(1, 4))))
    # one order of the receptors, so that few programs are compiled
    links.sort(key=lambda link: link["state"])
    return sizes, links, seed, rng


def build(sizes, links, seed, rng):
    """Return the network, and what the naive simulator needs."""
    bias, v0 = [rng.uniform(0.7, 1.3, n) for n in sizes], [rng.uniform(0, 1, n) for n in sizes]
    model = ns.DimensionlessLIF(tau_m=TAU_M, t_ref=N_REF * DT)
    cells = [ns.Population(n, model, name=f"p{p}", initial={"v": v}) for p, (n, v) in enumerate(zip(sizes, v0))]
    kicks, stimuli = [], []
    for p, n in enumerate(sizes):
        who, when, add = rng.integers(0, n, 20), rng.integers(0, STEPS, 20), rng.uniform(-0.5, 1.0, 20)
        kicks += list(zip([p] * 20, who.tolist(), when.tolist(), add.tolist()))
        stimuli += [ns.SpikeInput(times=when * DT, neurons=who, weight=add, target=cells[p]), ns.DC(bias[p], target=cells[p])]
    projections, naive = [], []
    for k, link in enumerate(links):
        pre, post = link["sides"]
        rule, stream = link["rule"], epochs.PROJECTION_STREAM + k * STREAMS
        edges = rule.edges(Side(len(pre)), Side(len(post)),
                           common(pre, post), seed, stream)
        n = len(edges)
        weight, delay = rng.uniform(-0.2, 0.3), link["lag"] * DT
        if link["weights"] == "drawn":
            weight = ns.Uniform(-0.2, 0.3)
        elif link["weights"] == "each" and rule.ordered and n:
            weight = rng.uniform(-0.2, 0.3, n)
        if link["lags"] == "drawn":
            delay = ns.Uniform(link["least"] * DT, 30 * DT)
        elif link["lags"] == "each" and rule.ordered and n:
            delay = rng.integers(link["least"], 31, n) * DT
        if edges.weight is not None:
            # a number scales the matrix
            weight = float(rng.uniform(0.5, 1.5))
            weights = edges.weight * weight
        elif hasattr(weight, "sample"):
            weights = weight.sample(seed, stream + wiring.WEIGHT_STREAM, n)
        else:
            weights = np.broadcast_to(weight, n)
        delays = delay.sample(seed, stream + wiring.DELAY_STREAM, n) if hasattr(delay, "sample") else np.broadcast_to(delay, n)
        synapse = ns.Delta(weight) if link["state"] == "v" else ns.Exponential(weight, TAU_S)
        ends = [[cells[p] if which is None else cells[p][which] for p, which in link[side]] for side in ("source", "target")]
        projections.append(ns.Projection(*ends, rule, synapse, delay=delay, name=f"link {k}"))
        naive.append(NaiveLink([pre[j] for j in edges.pre], [post[i] for i in edges.post], weights,
                               np.rint(delays / DT).astype(int), link["state"]))
    return ns.Network(cells, projections, stimuli), (naive, kicks, bias, v0)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(networks(), st.integers(1, 3), st.sampled_from([64, 512]), st.integers(0, STEPS))
def test_every_spike_of_a_random_network(drawn, threads, narrow, split):
    sizes, links, seed, rng = drawn
    net, (naive, kicks, bias, v0) = build(sizes, links, seed, rng)
    with mock.patch.multiple(wiring, NARROW=narrow, ROW=narrow // 64, ROW_SCATTERED=narrow // 64):
        first = ns.simulate(net, split * DT, DT, seed=seed, threads=threads)
        second = ns.simulate(net, (STEPS - split) * DT, DT, seed=seed, threads=threads, resume=first)
    spikes, v = simulate(sizes, naive, kicks, bias, v0, STEPS, DT, TAU_M, TAU_S, N_REF)
    for p in range(len(sizes)):
        found = [(int(np.rint(t / DT)), int(k)) for r in (first, second)
                 for t, k in zip(r.spikes[f"p{p}"].times, r.spikes[f"p{p}"].indices)]
        # Sums are made in another order, which shifts v by some 1e-15; a spike differs only if v comes that close to the
        # threshold: 80 networks of some 20,000 steps of neurons with values spread over 1 make that 1e-9.
        assert found == spikes[p]
        np.testing.assert_allclose(second.final(f"p{p}", "v"), v[p], rtol=0, atol=1e-11)


def test_the_random_networks_are_worth_the_name():
    """The comparison is empty if the drawn networks are silent or unconnected."""
    seen = {"connections": 0, "spikes": 0, "several": 0, "blocks": 0}

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(networks())
    def look(drawn):
        sizes, links, seed, rng = drawn
        _, (naive, kicks, bias, v0) = build(sizes, links, seed, rng)
        seen["connections"] += sum(len(link.delays) for link in naive)
        seen["spikes"] += sum(map(len, simulate(sizes, naive, kicks, bias, v0, STEPS, DT, TAU_M, TAU_S, N_REF)[0]))
        seen["several"] += any(len(link["source"]) > 1 for link in links)
        seen["blocks"] += any(n > 64 for n in sizes)

    look()
    assert seen["connections"] > 2000 and seen["spikes"] > 2000 and seen["several"] > 3 and seen["blocks"] > 3
