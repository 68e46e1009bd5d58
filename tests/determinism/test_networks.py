"""Connected networks: the same seed gives the same bits for any number of threads and any split of the run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neurosim as ns
from neurosim.simulator import epochs, wiring

OWN = ns.NeuronModel.from_equations(
    """
    dv/dt = (1.1 - v + g)/tau_m + 0.1*xi : 1 (unless refractory)
    dg/dt = -g/5
    """, threshold="v > 1", reset="v = 0", refractory="1.0", parameters=dict(tau_m=15.0), name="own")


def network(scale=1):
    """Three populations, every kind of synapse, weights and delays of all sorts, noise and Poisson input."""
    a = ns.Population(700 // scale, ns.LIF(), name="a", initial={"v": ns.Uniform(-65, -50)})
    b = ns.Population(300 // scale, ns.LIF(t_ref=1.0), name="b", initial={"v": ns.Uniform(-65, -50)})
    c = ns.Population(130 // scale, OWN, name="c")
    k = max(2, 20 // scale)
    some = np.random.default_rng(8).integers(0, 130 // scale, (2, 400 // scale))
    given = np.random.default_rng(9).uniform(-0.2, 0.3, 400 // scale)
    lags = np.random.default_rng(10).integers(3, 90, 400 // scale) * 0.1
    link = ns.Projection
    return ns.Network(
        [a, b, c],
        [link(a, [a, b], ns.FixedInDegree(k), ns.Delta(ns.Normal(0.4, 0.2)), delay=ns.Uniform(0.3, 4.0), name="delta"),
         link(b, a, ns.Bernoulli(0.1), ns.Exponential(-0.1, 4.0), delay=0.7),
         link([a[10:60], c], a, ns.FixedTotalNumber(40 * k), ns.Alpha(ns.LogNormal(-3.5, 0.5), 2.0), delay=1.2, name="alpha"),
         link(c, a[5:], ns.FixedOutDegree(k), ns.DoubleExponential(0.05, 0.5, 6.0), delay=ns.Normal(3.0, 1.0, low=0.4)),
         link(a, b, ns.FixedInDegree(k), ns.Exponential(0.004, 3.0, 0.0), delay=1.0, name="exponential"),
         link(b, b, ns.FixedInDegree(k, autapses=False), ns.Filter(0.01, 2.0, -80.0, order=2),
              delay=ns.Choice([0.3, 5.0, 20.0])),
         link(a, b[::3], ns.FixedInDegree(k), ns.NMDA(ns.Uniform(0.0, 0.002)), delay=2.5, name="nmda"),
         link(c, c, ns.Explicit(*some), ns.Delta(given, variable="g"), delay=lags),
         link(b, c, ns.AllToAll(), ns.Delta(0.01, variable="g"), delay=0.4)],
        # each kind of random number in one population only, because each costs seconds of compilation
        stimuli=[ns.PoissonInput(rate=2500, weight=0.8, target=a), ns.DC(0.9, target=a), ns.DC(1.7, target=b)],
        probes=[ns.Probe(a, "v", neurons=np.arange(0, a.size, 9), name="a"), ns.Probe(b, "i", name="b"),
                ns.Probe(c, "g", every=0.3, name="c")])


def joined(results):
    out = {}
    for name in results[0].spikes:
        out[name + ".times"] = np.concatenate([r.spikes[name].times for r in results])
        out[name + ".indices"] = np.concatenate([r.spikes[name].indices for r in results])
    for name in results[0].traces:
        out[name + ".values"] = np.concatenate([r.traces[name].values for r in results])
    last = results[-1]
    for name, state in (("a", "v"), ("b", "v"), ("c", "v"), ("c", "g")):
        out[f"{name}.{state}"] = last.final(name, state)
    return out


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype and np.array_equal(a[name], b[name]), name


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    """Many blocks of targets for each population, as large networks have them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "NARROW", 64)
        patch.setattr(wiring, "ROW", 2)
        patch.setattr(wiring, "ROW_SCATTERED", 2)
        yield


@pytest.fixture(scope="module", params=["float64", "float32"])
def whole(request, small_blocks):
    net = network()
    result = ns.simulate(net, 60, 0.1, seed=5, dtype=request.param)
    assert all(g[2] > 1 for g in result.state.wires.geometry.values())
    return net, request.param, joined([result])


def test_there_is_something_to_compare(whole):
    reference = whole[2]
    for name, size in (("a", 700), ("b", 300), ("c", 130)):
        # each neuron fires, but not all the time
        assert size < len(reference[f"{name}.times"]) < 20 * size
    assert len(np.unique(np.diff(reference["a.times"]))) > 1


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(whole, threads):
    net, dtype, reference = whole
    assert_same(reference, joined([ns.simulate(net, 60, 0.1, seed=5, dtype=dtype, threads=threads)]))


@pytest.mark.parametrize("parts", [(30.0, 30.0), (0.1, 0.1, 0.2, 33.0, 26.6), (17.3, 0.0, 42.4, 0.3), (59.9, 0.1)])
def test_splits_change_no_bit(whole, parts):
    net, dtype, reference = whole
    results, last = [], None
    for k, part in enumerate(parts):
        last = ns.simulate(net, part, 0.1, seed=5, dtype=dtype, resume=last, threads=1 + k % 3)
        results.append(last)
    assert_same(reference, joined(results))


def test_a_result_can_be_continued_several_times(whole):
    """Continuing copies what is under way: the first continuation must not disturb the second."""
    net, dtype, reference = whole
    first = ns.simulate(net, 21.7, 0.1, seed=5, dtype=dtype)
    for _ in range(2):
        assert_same(reference, joined([first, ns.simulate(net, 38.3, 0.1, seed=5, dtype=dtype, resume=first)]))


def test_epochs_stretches_and_full_records_change_no_bit(whole, monkeypatch):
    net, dtype, reference = whole
    monkeypatch.setattr(epochs, "STRETCH", 1e-9)
    monkeypatch.setattr(epochs, "RECORD", 1)
    monkeypatch.setattr(epochs, "MOST", 2 * (700 + 300 + 130))
    assert_same(reference, joined([ns.simulate(net, 60, 0.1, seed=5, dtype=dtype, threads=2)]))


def test_the_seed_decides_and_spikes_are_in_order(whole):
    net, dtype, reference = whole
    other = joined([ns.simulate(net, 60, 0.1, seed=6, dtype=dtype)])
    assert not np.array_equal(reference["a.values"], other["a.values"])
    for name in "abc":
        key = np.rint(reference[f"{name}.times"] / 0.1) * 1000 + reference[f"{name}.indices"]
        assert np.all(np.diff(key) > 0)


def test_blocks_of_targets_change_no_spike(whole, monkeypatch):
    """Sums are made in the same order within one neuron, however neurons are cut into blocks."""
    net, dtype, reference = whole
    monkeypatch.setattr(wiring, "NARROW", 512)
    monkeypatch.setattr(wiring, "ROW", 200)
    monkeypatch.setattr(wiring, "ROW_SCATTERED", 200)
    assert_same(reference, joined([ns.simulate(net, 60, 0.1, seed=5, dtype=dtype)]))


def small():
    return joined([ns.simulate(network(scale=20), 20.0, 0.1, seed=2)])


def test_interpreter_and_compiler_agree():
    script = ("import json, test_networks as t; "
              "print(json.dumps({k: v.tolist() for k, v in t.small().items()}))")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(
                              [str(Path(__file__).parent), str(Path(ns.__file__).parents[1])])})
    assert done.returncode == 0, done.stderr[-2000:]
    interpreted, compiled = json.loads(done.stdout.splitlines()[-1]), small()
    assert len(compiled["a.times"]) and len(compiled["b.times"]) and len(compiled["c.times"])
    for name, values in compiled.items():
        if name.endswith(("times", "indices")):
            np.testing.assert_array_equal(values, interpreted[name], err_msg=name)
        else:
            # the same operations in the same order; only sqrt, cos and the like could differ by an ulp
            np.testing.assert_allclose(values, interpreted[name], rtol=1e-11, atol=1e-13, err_msg=name)
