"""The same seed gives the same bits, whatever the number of threads, the split of the run or the size of the stretches."""

import numpy as np
import pytest

import neurosim as ns
from neurosim.simulator import simulate as module

SIZE = 130  # two full tiles and a part

NOISY = ns.NeuronModel.from_equations(
    """
    dv/dt = (e_l - v + r*i)/tau_m + sigma*sqrt(2/tau_m)*xi : mV
    dw/dt = (a*(v - e_l) - w)/100 + 0.01*xi_w
    """, threshold="v > v_th + 1*randn()", reset="v = e_l + 2*rand(); w += 1", refractory="t_ref",
    parameters=dict(e_l=-65.0, r=10.0, tau_m=10.0, sigma=2.0, a=0.1, v_th=-55.0, t_ref=1.5), inputs={"i": "nA"}, name="noisy")


def network():
    a = ns.Population(SIZE, NOISY, name="a", parameters={"tau_m": ns.Uniform(8, 12)}, initial={"v": ns.Normal(-65, 3)})
    b = ns.Population(SIZE, NOISY, name="b")
    times = np.arange(0, 60, 0.7)
    return ns.Network(
        [a, b],
        stimuli=[ns.DC(np.linspace(0, 1.5, 2 * SIZE), target=[a, b]), ns.OrnsteinUhlenbeck(0.2, 0.3, 4.0, target=a),
                 ns.OrnsteinUhlenbeck(0.1, 0.3, 4.0, shared=True, target=b), ns.WhiteNoise(0.4, target=a),
                 ns.PoissonInput(rate=500, weight=0.4, target=[a, b]), ns.Sine(0.2, 40, target=a),
                 ns.SpikeInput(times=times, neurons=np.arange(times.size) % SIZE, weight=3.0, target=b),
                 ns.TimedArray(np.linspace(0, 1, 50), 1.3, target=b[5:90])],
        probes=[ns.Probe(a, "v", name="v"), ns.Probe(b, "w", neurons=[0, 64, 129], every=0.7, name="w"),
                ns.Probe(a, "i", neurons=[3], name="i")])


def joined(results):
    out = {}
    for name in ("a", "b"):
        out[name] = np.concatenate([r.spikes[name].times for r in results])
        out[name + "_k"] = np.concatenate([r.spikes[name].indices for r in results])
    for name in ("v", "w", "i"):
        out[name] = np.concatenate([r.traces[name].values for r in results])
        out[name + "_t"] = np.concatenate([r.traces[name].times for r in results])
    for name in ("a", "b"):
        for state in ("v", "w"):
            out[f"{name}.{state}"] = results[-1].final(name, state)
    return out


def assert_same(a, b):
    for name in a:
        assert a[name].dtype == b[name].dtype and np.array_equal(a[name], b[name]), name


@pytest.fixture(scope="module", params=["float64", "float32"])
def whole(request):
    net = network()
    return net, request.param, joined([ns.simulate(net, 60, 0.1, seed=5, dtype=request.param)])


def test_there_is_something_to_compare(whole):
    assert len(whole[2]["a"]) > 100 and len(whole[2]["b"]) > 100


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(whole, threads):
    net, dtype, reference = whole
    assert_same(reference, joined([ns.simulate(net, 60, 0.1, seed=5, dtype=dtype, threads=threads)]))


@pytest.mark.parametrize("parts", [(30.0, 30.0), (0.1, 33.3, 26.6), (17.3, 0.0, 42.7)])
def test_splits_change_no_bit(whole, parts):
    net, dtype, reference = whole
    results, last = [], None
    for part in parts:
        last = ns.simulate(net, part, 0.1, seed=5, dtype=dtype, resume=last)
        results.append(last)
    assert_same(reference, joined(results))


def test_stretches_and_full_buffers_change_no_bit(whole, monkeypatch):
    net, dtype, reference = whole
    monkeypatch.setattr(module, "STRETCH", 1e-9)
    monkeypatch.setattr(module, "CAPACITY", 640)
    assert_same(reference, joined([ns.simulate(net, 60, 0.1, seed=5, dtype=dtype, threads=2)]))


def test_seeds_and_populations_differ(whole):
    net, dtype, reference = whole
    other = joined([ns.simulate(net, 60, 0.1, seed=6, dtype=dtype)])
    assert not np.array_equal(reference["v"], other["v"])
    # two populations of one model under one seed must not share their noise
    assert not np.array_equal(reference["a.w"], reference["b.w"])


def test_order_in_results():
    net = network()
    spikes = ns.simulate(net, 60, 0.1, seed=5, threads=2).spikes["a"]
    key = np.round(spikes.times / 0.1).astype(int) * SIZE + spikes.indices
    assert np.all(np.diff(key) > 0)


def test_small_and_large_steps_of_the_exponential_method():
    # at this dt some tiles have dt |df/dx| above 1/2 in their spikes and not between them, so that both versions of the
    # exponential step are used; which one, may depend neither on the split of the run nor on the threads
    cells = ns.Population(SIZE, ns.HodgkinHuxley(), name="cells", initial={"v": ns.Uniform(-80, -40)})
    net = ns.Network([cells], stimuli=[ns.DC(np.linspace(5, 30, SIZE), target=cells)], probes=[ns.Probe(cells, "v")])
    for dtype in ("float64", "float32"):
        whole = ns.simulate(net, 30, 0.05, seed=1, dtype=dtype)
        parts, last = [], None
        for k in range(30):
            last = ns.simulate(net, 1.0, 0.05, seed=1, dtype=dtype, resume=last, threads=1 + k % 3)
            parts.append(last.traces["v"].values)
        assert np.array_equal(whole.traces["v"].values, np.concatenate(parts))
        assert len(whole.spikes["cells"]) > SIZE
