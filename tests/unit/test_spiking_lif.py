"""Layers of spiking neurons against a twin that is unrolled with the operations of the autodiff, and against plain NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim import spiking
from neurosim.errors import ParameterError
from neurosim.spiking.products import Constant, Events, Full, product_of
from neurosim.spiking.surrogates import SURROGATES


def twin(x, w, b, v, alpha, beta, threshold, reset, spike, through_reset):
    """The equations of lif, one operation at a time; `spike` is a function of a variable U - theta."""
    n, steps, _ = x.shape
    units = w.shape[1]
    current, membrane, s = (np.zeros((n, units)) for _ in range(3))
    every = []
    for t in range(steps):
        current = alpha*current + (x[:, t] @ w + b)
        if v is not None:
            current = current + s @ v
        held = s if through_reset or isinstance(s, np.ndarray) else s.detach()
        kept = {"subtract": beta*membrane - threshold*held, "zero": beta*membrane*(1 - held), "none": beta*membrane}[reset]
        membrane = kept + current
        s = spike(membrane - threshold)
        every.append(s)
    return ad.stack(every, axis=1)


def spike_of(name, k):
    shape = SURROGATES[name]
    return ad.custom(lambda x: ((x > 0)*1.0, x), lambda g, x: g*shape.slope(x, k), name)


def numbers(recurrent, seed=0, n=3, steps=7, n_in=5, units=6):
    rng = np.random.default_rng(seed)
    x = (rng.random((n, steps, n_in)) < 0.4).astype(float)
    w = rng.normal(0, 0.9, (n_in, units))
    b = rng.normal(0.1, 0.1, units)
    v = rng.normal(0, 0.5, (units, units)) if recurrent else None
    return x, w, b, v, rng.uniform(0.1, 0.9, units), rng.uniform(0.5, 0.95, units), rng.normal(size=(n, steps, units))


KINDS = list(itertools.product(("subtract", "zero", "none"), (False, True), (False, True)))


@pytest.mark.parametrize("reset, recurrent, through_reset", KINDS)
@pytest.mark.parametrize("surrogate", ["fast_sigmoid", "triangular"])
def test_equals_the_unrolled_twin(reset, recurrent, through_reset, surrogate):
    *given, g = numbers(recurrent)
    ours, theirs = ([None if a is None else ad.Var(a) for a in given] for _ in range(2))
    x, w, b, v, alpha, beta = ours
    s = spiking.lif(x, w, b, v, alpha=alpha, beta=beta, threshold=0.8, reset=reset, surrogate=surrogate, steepness=2.0,
                    through_reset=through_reset)
    r = twin(*theirs, 0.8, reset, spike_of(surrogate, 2.0), through_reset)
    assert 0.1 < s.value.mean() < 0.9
    np.testing.assert_array_equal(s.value, r.value)
    ad.sum(s*g).backward()
    ad.sum(r*g).backward()
    for mine, other, name in zip(ours, theirs, ("x", "w", "b", "v", "alpha", "beta")):
        if mine is not None:
            # the same sums in another order
            np.testing.assert_allclose(mine.grad, other.grad, rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_every_surrogate_in_both_precisions(surrogate):
    *given, g = numbers(True, seed=1)
    for dtype, tolerance in (("float64", 1e-10), ("float32", 2e-4)):
        ours, theirs = ([ad.Var(a.astype(kind)) for a in given] for kind in (dtype, "float64"))
        x, w, b, v, alpha, beta = ours
        s = spiking.lif(x, w, b, v, alpha=alpha, beta=beta, surrogate=surrogate, steepness=3.0)
        r = twin(*theirs, 1.0, "subtract", spike_of(surrogate, 3.0), False)
        assert s.dtype == dtype
        np.testing.assert_array_equal(s.value, r.value)
        ad.sum(s*g.astype(dtype)).backward()
        ad.sum(r*g).backward()
        for mine, other in zip(ours, theirs):
            np.testing.assert_allclose(mine.grad, other.grad, rtol=tolerance, atol=tolerance*np.abs(other.grad).max())


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_surrogate_is_the_slope_of_its_smooth_function(surrogate):
    shape, h = SURROGATES[surrogate], 1e-6
    for k in (0.5, 1.0, 7.0):
        # not within h of a corner
        x = np.concatenate([np.linspace(-3, -0.01, 41), np.linspace(0.012, 3, 41)])
        x = x[np.abs(np.abs(x) - 1/k) > 10*h]
        slope = (shape.smooth(x + h, k) - shape.smooth(x - h, k))/(2*h)
        # central differences err by h^2 and by rounding over h
        np.testing.assert_allclose(shape.slope(x, k), slope, atol=1e-7*k**2 + 1e-9)


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_smooth_twin_has_the_gradient_of_differences(reset):
    """What the compiled gradient equals is itself the gradient of the equations, with the smooth function for the spike."""
    x, w, b, v, alpha, beta, g = numbers(True, seed=2, n=2, steps=4, n_in=3, units=3)
    smooth = SURROGATES["sigmoid"]
    spike = ad.custom(lambda x: (smooth.smooth(x, 2.0), x), lambda g, x: g*smooth.slope(x, 2.0), "smooth spike")
    ad.check_gradient(lambda w, b, v, a, c: ad.sum(twin(x, w, b, v, a, c, 0.8, reset, spike, True)*g), w, b, v, alpha, beta)


def test_plain_numpy_spike_for_spike():
    """snnTorch's Synaptic neuron, written down in NumPy."""
    rng = np.random.default_rng(3)
    x = (rng.random((4, 50, 30)) < 0.1).astype(np.float32)
    w = rng.normal(0, 0.5, (30, 20)).astype(np.float32)
    s = spiking.lif(x, w, alpha=0.7, beta=0.9).value
    syn, mem, spikes = np.zeros((4, 20)), np.zeros((4, 20)), []
    for t in range(50):
        reset = mem > 1
        syn = 0.7*syn + x[:, t] @ w
        mem = 0.9*mem + syn - reset
        spikes.append(mem > 1)
    # float32 beside float64: where U comes within rounding of the threshold a spike may differ, and then what follows
    assert np.mean(s != np.stack(spikes, axis=1)) < 1e-3 and s.mean() > 0.02


@pytest.mark.parametrize("units", [7, 32, 77])
def test_ways_of_multiplying_agree(units):
    """Less than a tile of columns, a whole one, several and a part."""
    rng = np.random.default_rng(4)
    rare = np.where(rng.random((9, 11, 35)) < 0.1, rng.normal(size=(9, 11, 35)), 0)
    w, dz = rng.normal(size=(35, units)), rng.normal(size=(9, 11, units))
    cases = [(Events, rare, 0), (Events, rare, 1), (Full, rare + 1, 0), (Full, rare + 1, 2),
             (Constant, np.broadcast_to(rare[:, :1], rare.shape), 0), (Events, np.zeros((9, 11, 35)), 0)]
    for kind, x, lag in cases:
        product = product_of(x, lag)
        assert isinstance(product, kind)
        if not lag:
            u = np.full((9, 11, units), np.nan)
            run = product.forward(w, u)
            for start, count in ((0, 4), (4, 5)):
                run(start, count)
            np.testing.assert_allclose(u, x @ w, atol=1e-12)
        room = np.full((5, 11, units), np.nan)
        run, total = product.backward(room)
        for start, count in ((0, 4), (4, 5)):
            room[:count] = dz[start:start + count]
            run(start, count)
        np.testing.assert_allclose(total(), np.einsum("nti,ntj->ij", x[:, :11 - lag], dz[:, lag:]), atol=1e-12)


def test_blocks_give_the_same_as_one(monkeypatch):
    *given, g = numbers(True, seed=5, n=11)
    found = []
    for block in (1, 1 << 20):
        monkeypatch.setattr("neurosim.spiking.through_time.BLOCK", block)
        inputs = [ad.Var(a) for a in given]
        x, w, b, v, alpha, beta = inputs
        ad.sum(spiking.lif(x, w, b, v, alpha=alpha, beta=beta)*g).backward()
        found.append([a.grad for a in inputs])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_edges():
    w = np.ones((3, 2))
    assert spiking.lif(np.zeros((0, 4, 3)), w).shape == (0, 4, 2)
    assert spiking.lif(np.zeros((2, 0, 3)), w).shape == (2, 0, 2)
    tracked = ad.Var(w)
    ad.sum(spiking.lif(np.zeros((2, 0, 3)), tracked)).backward()
    assert not tracked.grad.any()
    # weights of other numbers become float64
    for kind in (np.int64, np.float16, ">f8"):
        s = spiking.lif(np.full((1, 3, 3), 0.3), w.astype(kind), beta=0.5)
        assert s.dtype == np.float64 and s.value[0, :, 0].tolist() == [0, 1, 0]
        u = spiking.leaky_integrator(np.ones((1, 3, 3), np.uint8), w.astype(kind), beta=0.5)
        np.testing.assert_array_equal(u.value[0, :, 0], [3, 4.5, 5.25])
    # exactly at the threshold there is no spike
    assert not spiking.lif(np.full((1, 1, 1), 1.0), np.ones((1, 1))).value.any()


@pytest.mark.parametrize("change, message", [
    ({"reset": "substract"}, "Did you mean 'subtract'"), ({"surrogate": "arctn"}, "Did you mean 'arctan'"),
    ({"beta": 1.5}, "beta must lie"), ({"alpha": np.ones(7)}, "alpha has shape"), ({"threshold": 0}, "threshold"),
    ({"v": np.ones((2, 3))}, "v has shape"), ({"w": np.ones((4, 2))}, "x has shape")])
def test_wrong_arguments(change, message):
    given = {"x": np.zeros((2, 4, 3)), "w": np.ones((3, 2)), **change}
    with pytest.raises(ParameterError, match=message):
        spiking.lif(**given)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_local_gradient_is_that_of_eligibility_traces(reset):
    """e-prop as its authors have it: a trace for every synapse that runs forward in time, times the signal of its neuron."""
    x, w, b, v, alpha, beta, g = numbers(True, seed=6)
    ours = [ad.Var(a) for a in (w, b, v)]
    s = spiking.lif(x, *ours, alpha=alpha, beta=beta, reset=reset, surrogate="triangular", steepness=1.5, local=True)
    ad.sum(s*g).backward()
    n, steps, units = s.shape
    before = np.concatenate([np.zeros((n, 1, units)), s.value[:, :-1]], axis=1)
    sources = np.concatenate([x, np.ones((n, steps, 1)), before], axis=2)
    current, membrane, fired = (np.zeros((n, units)) for _ in range(3))
    current_trace = trace = np.zeros((n, sources.shape[2], units))
    total = np.zeros(trace.shape[1:])
    for t in range(steps):
        rest = 1 - fired if reset == "zero" else np.ones_like(fired)
        current = alpha*current + sources[:, t] @ np.vstack([w, b, v])
        membrane = beta*membrane*rest - (fired if reset == "subtract" else 0) + current
        fired = (membrane > 1)*1.0
        np.testing.assert_array_equal(fired, s.value[:, t])
        current_trace = alpha*current_trace + sources[:, t, :, np.newaxis]
        trace = beta*trace*rest[:, np.newaxis] + current_trace
        psi = SURROGATES["triangular"].slope(membrane - 1, 1.5)
        total += ((g[:, t]*psi)[:, np.newaxis]*trace).sum(axis=0)
    for mine, other in zip(ours, np.split(total, [len(w), len(w) + 1])):
        np.testing.assert_allclose(mine.grad, other.reshape(mine.shape), rtol=1e-10, atol=1e-10)
