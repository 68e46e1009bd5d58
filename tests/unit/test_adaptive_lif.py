"""Neurons with moving thresholds against a twin of operations of the autodiff, and against eligibility traces in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim import learning as nl
from neurosim import spiking
from neurosim.errors import ParameterError
from neurosim.spiking.surrogates import SURROGATES

NUMBERS = {"threshold": 0.8, "surrogate": "triangular", "steepness": 1.2, "dampening": 0.7}


def spike_of(name, k, gamma):
    shape = SURROGATES[name]
    return ad.custom(lambda x: ((x > 0)*1.0, x), lambda g, x: g*gamma*shape.slope(x, k), name)


def twin(x, w, b, v, alpha, beta, rho, kappa, reset, refractory, spike, threshold=0.8):
    """The equations of adaptive_lif, one operation at a time; `spike` is a function of a variable."""
    n, steps, _ = x.shape
    units = w.shape[1]
    current, membrane, raised, s = (np.zeros((n, units)) for _ in range(4))
    rest, every = np.zeros((n, units)), []
    for t in range(steps):
        held = s.detach().value if t else s
        current = alpha*current + (x[:, t] @ w + b)
        if v is not None:
            current = current + s @ v
        kept = {"subtract": beta*membrane - threshold*held, "zero": beta*membrane*(1 - held), "none": beta*membrane}[reset]
        membrane = kept + current
        raised = rho*raised + s
        s = spike(membrane - threshold - kappa*raised)*(rest <= 0)
        rest = np.where(s.value > 0, refractory, rest - 1)
        every.append(s)
    return ad.stack(every, axis=1)


def numbers(recurrent, seed=0, n=3, steps=25, n_in=5, units=6):
    rng = np.random.default_rng(seed)
    x = (rng.random((n, steps, n_in)) < 0.4).astype(float)
    w, b = rng.normal(0, 0.6, (n_in, units)), rng.normal(0.1, 0.1, units)
    v = rng.normal(0, 0.4, (units, units)) if recurrent else None
    rest = {"alpha": rng.uniform(0.1, 0.6, units), "beta": rng.uniform(0.5, 0.95, units),
            "rho": rng.uniform(0.8, 0.99, units), "strength": np.r_[0, rng.uniform(0.1, 0.5, units - 1)]}
    return x, w, b, v, rest, rng.normal(size=(n, steps, units))


KINDS = list(itertools.product(("subtract", "zero", "none"), (False, True), (0, 3)))
#: each is compiled anew, which takes seconds, so that some are slow; not so surrogates whose slope far below the threshold is
#: not 0 or might be no number, while the others are held against their twins in the loops of `lif` too
QUICK = ("straight_through", "gaussian", ("subtract", True, 3), ("subtract", True, 0), ("zero", True, 0), ("none", False, 3))


def some_slow(cases):
    return [case if case in QUICK else pytest.param(*([case] if isinstance(case, str) else case), marks=pytest.mark.slow)
            for case in cases]


@pytest.mark.parametrize("reset, recurrent, refractory", some_slow(KINDS))
def test_equals_the_unrolled_twin(reset, recurrent, refractory):
    *given, rest, g = numbers(recurrent)
    ours, theirs = ([None if a is None else ad.Var(a) for a in given] for _ in range(2))
    s = spiking.adaptive_lif(*ours, **rest, **NUMBERS, reset=reset, refractory=refractory)
    r = twin(*theirs, *rest.values(), reset, refractory, spike_of("triangular", 1.2, 0.7))
    assert 0.05 < s.value.mean() < 0.9
    np.testing.assert_array_equal(s.value, r.value)
    if refractory:
        # no two spikes of a neuron within the refractory steps
        assert max(s.value[:, k:k + refractory + 1].sum(axis=1).max() for k in range(s.shape[1] - refractory)) == 1
    ad.sum(s*g).backward()
    ad.sum(r*g).backward()
    for mine, other, name in zip(ours, theirs, ("x", "w", "b", "v")):
        if mine is not None:
            # the same sums in another order
            np.testing.assert_allclose(mine.grad, other.grad, rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("surrogate", some_slow(SURROGATES))
def test_every_surrogate_in_both_precisions(surrogate):
    *given, rest, g = numbers(True, seed=1)
    for dtype, tolerance in (("float64", 1e-10), ("float32", 5e-4)):
        ours, theirs = ([ad.Var(a.astype(kind)) for a in given] for kind in (dtype, "float64"))
        s = spiking.adaptive_lif(*ours, **rest, **{**NUMBERS, "surrogate": surrogate}, refractory=1)
        r = twin(*theirs, *rest.values(), "subtract", 1, spike_of(surrogate, 1.2, 0.7))
        assert s.dtype == dtype
        np.testing.assert_array_equal(s.value, r.value)
        ad.sum(s*g.astype(dtype)).backward()
        ad.sum(r*g).backward()
        for mine, other in zip(ours, theirs):
            np.testing.assert_allclose(mine.grad, other.grad, rtol=tolerance, atol=tolerance*np.abs(other.grad).max())


def test_smooth_twin_has_the_gradient_of_differences():
    """What the compiled gradient equals is itself the gradient of the equations, with the smooth function for the spike."""
    x, w, b, v, rest, g = numbers(True, seed=2, n=2, steps=4, n_in=3, units=3)
    smooth = SURROGATES["sigmoid"]
    spike = ad.custom(lambda x: (smooth.smooth(x, 2.0), x), lambda g, x: g*smooth.slope(x, 2.0), "smooth spike")
    ad.check_gradient(lambda w, b, v: ad.sum(twin(x, w, b, v, *rest.values(), "none", 0, spike)*g), w, b, v)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_without_adaptation_it_is_lif(reset):
    *given, rest, g = numbers(True, seed=3)
    decays = {name: rest[name] for name in ("alpha", "beta")}
    ours, theirs = ([ad.Var(a) for a in given] for _ in range(2))
    s = spiking.adaptive_lif(*ours, **decays, **{**NUMBERS, "dampening": 1.0}, strength=0.0, reset=reset)
    r = spiking.lif(*theirs, **decays, threshold=0.8, surrogate="triangular", steepness=1.2, reset=reset)
    np.testing.assert_array_equal(s.value, r.value)
    ad.sum(s*g).backward()
    ad.sum(r*g).backward()
    for mine, other in zip(ours, theirs):
        np.testing.assert_allclose(mine.grad, other.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reset, refractory", [("subtract", 0), ("subtract", 2), ("zero", 1)])
def test_local_gradient_is_that_of_eligibility_traces(reset, refractory):
    """e-prop as its authors have it: traces for every synapse that run forward in time, times the signal of its neuron."""
    x, w, b, v, rest, g = numbers(True, seed=4)
    alpha, beta, rho, kappa = rest.values()
    ours = [ad.Var(a) for a in (w, b, v)]
    s = spiking.adaptive_lif(x, *ours, **rest, **NUMBERS, reset=reset, refractory=refractory, local=True)
    ad.sum(s*g).backward()
    n, steps, units = s.shape
    before = np.concatenate([np.zeros((n, 1, units)), s.value[:, :-1]], axis=1)
    sources = np.concatenate([x, np.ones((n, steps, 1)), before], axis=2)
    current, membrane, raised, fired, wait = (np.zeros((n, units)) for _ in range(5))
    filtered = eps = eta = np.zeros((n, sources.shape[2], units))
    total = np.zeros(eps.shape[1:])
    for t in range(steps):
        left = (1 - fired if reset == "zero" else np.ones_like(fired))
        current = alpha*current + sources[:, t] @ np.vstack([w, b, v])
        membrane = beta*membrane*left - (0.8*fired if reset == "subtract" else 0) + current
        raised = rho*raised + fired
        beyond, free = membrane - 0.8 - kappa*raised, wait <= 0
        fired = ((beyond > 0) & free)*1.0
        wait = np.where(fired > 0, refractory, wait - 1)
        np.testing.assert_array_equal(fired, s.value[:, t])
        filtered = alpha*filtered + sources[:, t, :, np.newaxis]
        eps = beta*eps*left[:, np.newaxis] + filtered
        psi = (0.7*SURROGATES["triangular"].slope(beyond, 1.2)*free)[:, np.newaxis]
        total += (g[:, t, np.newaxis]*psi*(eps - kappa*eta)).sum(axis=0)
        eta = psi*eps + (rho - kappa*psi)*eta
    for mine, other in zip(ours, np.split(total, [len(w), len(w) + 1])):
        np.testing.assert_allclose(mine.grad, other.reshape(mine.shape), rtol=1e-10, atol=1e-10)


def test_local_gradient_of_a_layer_without_recurrence_is_the_gradient():
    """e-prop leaves out only what spikes do to other neurons of their layer: without such weights, it leaves nothing out."""
    x, w, b, _, rest, g = numbers(False, seed=5)
    found = []
    for local in (False, True):
        ours = [ad.Var(a) for a in (w, b)]
        ad.sum(spiking.adaptive_lif(x, *ours, **rest, **NUMBERS, local=local)*g).backward()
        found.append([a.grad for a in ours])
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)


def test_rate_of_adaptation():
    """Constant input I without leak fires every (theta + kappa a)/I steps, and a settles at 1/(1 - rho^n)."""
    steps, drive, kappa, rho = 4000, 0.25, 0.4, 0.98
    s = spiking.adaptive_lif(np.ones((1, steps, 1)), np.full((1, 1), drive), beta=0.99, rho=rho, strength=kappa,
                             reset="zero").value[0, :, 0]
    apart = np.diff(np.flatnonzero(s))
    assert apart[0] < apart[-1]

    def membrane(k):
        return drive*(1 - 0.99**k)/(1 - 0.99)

    def raised(k):
        return rho**(k - 1)/(1 - rho**k)

    expected = next(k for k in range(1, 200) if membrane(k) > 1 + kappa*raised(k))
    # whole steps: neighbouring intervals may alternate by one
    assert abs(apart[-20:].mean() - expected) <= 1


def test_blocks_give_the_same_as_one(monkeypatch):
    *given, rest, g = numbers(True, seed=6, n=11)
    found = []
    for block in (1, 1 << 20):
        monkeypatch.setattr("neurosim.spiking.through_time.BLOCK", block)
        inputs = [ad.Var(a) for a in given]
        ad.sum(spiking.adaptive_lif(*inputs, **rest, refractory=2)*g).backward()
        found.append([a.grad for a in inputs])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_edges():
    w = np.ones((3, 2))
    assert spiking.adaptive_lif(np.zeros((0, 4, 3)), w).shape == (0, 4, 2)
    assert spiking.adaptive_lif(np.zeros((2, 0, 3)), w).shape == (2, 0, 2)
    tracked = ad.Var(w)
    ad.sum(spiking.adaptive_lif(np.zeros((2, 0, 3)), tracked)).backward()
    assert not tracked.grad.any()
    # exactly at the threshold there is no spike
    assert not spiking.adaptive_lif(np.full((1, 1, 1), 1.0), np.ones((1, 1))).value.any()


@pytest.mark.parametrize("change, message", [
    ({"reset": "substract"}, "Did you mean 'subtract'"), ({"surrogate": "arctn"}, "Did you mean 'arctan'"),
    ({"rho": 1.5}, "rho must lie"), ({"beta": np.ones(7)}, "beta has shape"), ({"dampening": 0}, "dampening"),
    ({"strength": -1}, "strength must be 0"), ({"strength": np.ones(3)}, "strength has shape"),
    ({"refractory": -1}, "refractory must be"), ({"refractory": 1.5}, "refractory must be"),
    ({"beta": ad.Var(0.9)}, "no gradient"), ({"v": np.ones((2, 3))}, "v has shape"), ({"w": np.ones((4, 2))}, "x has shape")])
def test_wrong_arguments(change, message):
    given = {"x": np.zeros((2, 4, 3)), "w": np.ones((3, 2)), **change}
    with pytest.raises(ParameterError, match=message):
        spiking.adaptive_lif(**given)


def test_layer_is_the_operation():
    layer = nl.AdaptiveSpiking(6, tau=12.0, tau_adaptation=90.0, strength=0.3, share=0.5, tau_synapse=4.0, refractory=1,
                               recurrent=True, threshold=0.7, steepness=1.5, dampening=0.4)
    model = nl.build([layer, nl.Integrator(2, read="all")], (25, 5), seed=1)
    assert model.outputs == (25, 2) and sorted(model.parameters) == ["0.b", "0.v", "0.w", "1.b", "1.w"]
    x, *_ = numbers(False)
    w, b, v, end = (model.parameters[name].value for name in ("0.w", "0.b", "0.v", "1.w"))
    s = spiking.adaptive_lif(x, w, b, v, alpha=np.exp(-1/4), beta=np.exp(-1/12), rho=np.exp(-1/90), threshold=0.7, refractory=1,
                             strength=[0, 0, 0, 0.3, 0.3, 0.3], steepness=1.5, dampening=0.4)
    assert s.value.any()
    np.testing.assert_array_equal(model(x).value, spiking.leaky_integrator(s, end, np.zeros(2), beta=np.exp(-1/20)).value)
    ad.sum(ad.square(model(x, training=True))).backward()
    assert all(np.isfinite(p.grad).all() for p in model.parameters.values())


@pytest.mark.parametrize("wrong, message", [
    ({"units": 0}, "units"), ({"tau_adaptation": 0}, "tau_adaptation must"), ({"reset": "zeros"}, "'zero'"),
    ({"share": 1.5}, "share"), ({"strength": -0.1}, "strength"), ({"refractory": -1}, "refractory"),
    ({"surrogate": "triangle"}, "triangular")])
def test_layer_refuses(wrong, message):
    with pytest.raises(ParameterError, match=message):
        nl.AdaptiveSpiking(**{"units": 3, **wrong})
