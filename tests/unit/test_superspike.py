"""SuperSpike against its authors' way, traces of synapses that run forward in time, and against the gradient of its cost."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim import spiking
from neurosim.errors import ParameterError
from neurosim.learning.descent import Descent
from neurosim.learning.rules.superspike import Kernel, Neurons, RMaxProp, lesson

RNG = np.random.default_rng(0)


def network(sizes=(12, 6, 4, 3), n=2, steps=60, scale=0.35):
    rng = np.random.default_rng(1)
    weights = [rng.normal(0.1, scale, pair) for pair in zip(sizes, sizes[1:])]
    x = (rng.random((n, steps, sizes[0])) < 0.1).astype(float)
    wanted = (rng.random((n, steps, sizes[-1])) < 0.05).astype(float)
    back = [rng.normal(size=w.shape[::-1]) for w in weights[1:]]
    return weights, x, wanted, back


@pytest.mark.parametrize("rise, decay", [(5.0, 10.0), (3.0, 3.0), (20.0, 2.0)])
def test_kernel(rise, decay):
    kernel = Kernel(rise, decay)
    z = RNG.normal(size=(2, 700, 3))
    a, b = np.exp(-1/rise), np.exp(-1/decay)
    t = np.arange(700)
    # the convolution of two exponentials, written as a sum
    alpha = np.array([np.sum(a**np.arange(k + 1)*b**(k - np.arange(k + 1))) for k in t])
    alpha /= np.sqrt(np.sum(alpha**2))
    expected = np.array([np.convolve(alpha, z[0, :, j])[:700] for j in range(3)]).T
    np.testing.assert_allclose(kernel(z)[0], expected, atol=1e-10)
    # a filter and the same filter backwards are adjoint
    y = RNG.normal(size=z.shape)
    assert np.vdot(kernel(z), y) == pytest.approx(np.vdot(z, kernel(y, backwards=True)), rel=1e-10)
    single = np.zeros((1, 700, 1))
    single[0, 5] = 1
    assert np.sum(kernel(single)**2) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("symmetric", [True, False])
def test_changes_are_those_of_traces_that_run_forward(symmetric):
    """All quantities of the paper, step by step: filtered spikes, psi, double filtered traces, and errors of each neuron."""
    weights, x, wanted, back = network()
    neurons, kernel = Neurons(8.0, 4.0, 3, 5.0), Kernel(6.0, 9.0)
    found = lesson(weights, x, wanted, neurons, kernel, None if symmetric else back)
    back = [w.T for w in weights[1:]] if symmetric else back
    a, b = np.exp(-1/4), np.exp(-1/8)
    ra, rb = np.exp(-1/6), np.exp(-1/9)
    scale = kernel(np.eye(1, 2)[:, :, None])[0, 0, 0]
    n, steps, _ = x.shape
    sizes = [w.shape[1] for w in weights]
    state = [np.zeros((4, n, m)) for m in sizes]                   # current, membrane, fired, steps to wait
    heard = [np.zeros((2, n, m)) for m in sizes]                   # the two filters of the error
    psp = [np.zeros((2, n, len(w))) for w in weights]
    trace = [np.zeros((2, n, *w.shape)) for w in weights]
    total, cost = [np.zeros_like(w) for w in weights], np.zeros((n, sizes[-1]))
    for t in range(steps):
        below = x[:, t]
        for k, w in enumerate(weights):
            i, u, fired, wait = state[k]
            i = a*i + below @ w
            u = b*u + i - fired
            fired = ((u > 1) & (wait <= 0))*1.0
            free = wait <= 0
            state[k] = np.array([i, u, fired, np.where(fired > 0, 3, wait - 1)])
            psp[k][0] = a*psp[k][0] + below
            psp[k][1] = b*psp[k][1] + psp[k][0]
            psi = free/(1 + 5*np.abs(u - 1))**2
            trace[k][0] = ra*trace[k][0] + psp[k][1][:, :, None]*psi[:, None]
            trace[k][1] = rb*trace[k][1] + trace[k][0]
            below = fired
        errors = [wanted[:, t] - below]
        for matrix in back[::-1]:
            errors.insert(0, errors[0] @ matrix)
        for k, error in enumerate(errors):
            heard[k][0] = ra*heard[k][0] + error
            heard[k][1] = rb*heard[k][1] + heard[k][0]
            total[k] += np.einsum("nj,nij->ij", scale*heard[k][1], scale*trace[k][1])
        cost += (scale*heard[-1][1])**2/2
    assert all(s.mean() > 0.01 for s in found.spikes)
    np.testing.assert_allclose(found.costs, cost, rtol=1e-9)
    for mine, other in zip(found.changes, total):
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-10)


def test_change_of_one_layer_without_reset_is_minus_the_gradient_of_the_cost():
    """Built of other operations of the autodiff: neurons of `lif` and integrators, which filter as the kernel does."""
    (w, *_), x, _, _ = network()
    wanted = (RNG.random((2, 60, 6)) < 0.05).astype(float)
    kernel = Kernel(6.0, 9.0)
    found = lesson([w], x, wanted, Neurons(8.0, 4.0, 0, 5.0), kernel)
    v = ad.Var(w)
    a, b = np.exp(-1/4), np.exp(-1/8)
    s = spiking.lif(x, v, alpha=a, beta=b, steepness=5.0)
    np.testing.assert_array_equal(s.value, found.spikes[0])
    scale = kernel(np.eye(1, 2)[:, :, None])[0, 0, 0]
    error = scale*spiking.leaky_integrator(s - wanted, np.eye(6), alpha=np.exp(-1/6), beta=np.exp(-1/9))
    cost = ad.sum(ad.square(error))*0.5
    cost.backward()
    assert cost.item() == pytest.approx(found.costs.sum(), rel=1e-10)
    np.testing.assert_allclose(found.changes[0], -v.grad, rtol=1e-9, atol=1e-12)


def test_a_spike_too_few_costs_a_half():
    wanted = np.zeros((1, 400, 2))
    wanted[0, 100, 0] = wanted[0, [50, 250], 1] = 1
    found = lesson([np.zeros((3, 2))], np.ones((1, 400, 3)), wanted)
    # what of alpha is left after 200 steps of decay times 10 is below 1e-7
    np.testing.assert_allclose(found.costs, [[0.5, 1.0]], rtol=1e-6)
    exact = lesson([np.zeros((3, 2))], np.ones((1, 400, 3)), 0*wanted)
    assert not exact.costs.any() and not exact.changes[0].any()


def test_it_learns():
    """One neuron, 50 inputs that fire at random but always alike, three times to fire at: closer than 2 steps on average."""
    rng = np.random.default_rng(2)
    x = (rng.random((1, 250, 50)) < 0.02).astype(float)
    wanted = np.zeros((1, 250, 1))
    wanted[0, [60, 130, 200]] = 1
    w = ad.Var(rng.normal(0, 0.1, (50, 1)))
    descent = Descent([w], RMaxProp(0.01))
    costs = []
    for _ in range(400):
        found = lesson([w.value], x, wanted)
        w.grad = -found.changes[0]
        descent.step()
        costs.append(found.costs.sum())
    off = Kernel()(np.eye(3, 100)[None].transpose(0, 2, 1))[0]
    assert min(costs[-100:]) < 3*np.sum((off[:, 0] - off[:, 2])**2)/2


def test_rmaxprop():
    x = ad.Var(np.array([1.0, 1.0]))
    descent = Descent([x], RMaxProp(0.1, rho=0.25))
    for g in ([4.0, -1.0], [1.0, 2.0], [1.0, 0.0]):
        x.grad = np.array(g)
        descent.step()
    # s = 16, 4, 1 and 1, 4, 1: steps 0.1 (1, 1/2, 1) and 0.1 (-1, 1, 0)
    np.testing.assert_allclose(x.value, [1 - 0.25, 1.0], rtol=1e-9)


@pytest.mark.parametrize("call, message", [
    (lambda: Kernel(0.0), "rise"), (lambda: Neurons(tau=-1.0), "tau"), (lambda: RMaxProp(rho=1.0), "rho"),
    (lambda: lesson([np.ones((3, 2))], np.ones((1, 5, 3)), np.ones((1, 5, 3))), "wanted spikes"),
    (lambda: lesson([np.ones((3, 2)), np.ones((2, 1))], np.ones((1, 5, 3)), np.ones((1, 5, 1)), back=[np.ones((2, 1))]),
     "feedback has shapes")])
def test_refusals(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
