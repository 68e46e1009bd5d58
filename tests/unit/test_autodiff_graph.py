"""The graph: what is linked, summed, kept, released and refused."""

from __future__ import annotations

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim.errors import NeurosimError, ParameterError


def test_the_script_of_the_guide():
    x = np.arange(15.0).reshape(5, 3)
    w = ad.Var(np.ones((3, 2)))
    loss = (ad.tanh(x @ w) ** 2).mean()
    loss.backward()
    y = np.tanh(x @ np.ones((3, 2)))
    # ten terms, each a few roundings
    np.testing.assert_allclose(w.grad, x.T @ (2*y*(1 - y**2)/10), rtol=1e-13)
    assert loss.item() == pytest.approx(np.mean(y**2), rel=1e-15)


def test_links():
    x, w = ad.Var([[1.0, 2.0]], name="x"), ad.Var(np.eye(2), name="w")
    y = ad.tanh(x @ w)
    assert y.creator.name == "tanh" and y.creator.depth == 2
    (z,) = y.creator.inputs
    assert z.creator.name == "matmul" and z.creator.inputs == (x, w) and x.creator is None
    assert "made by tanh" in repr(y) and "'x'" in repr(x) and "Op('tanh'" in repr(y.creator)


def test_values():
    assert ad.Var([1, 2]).dtype == np.float64 and ad.Var(np.float32(1)).dtype == np.float32 and ad.Var(True).value == 1
    x = np.ones(3)
    assert ad.Var(x).value is x and ad.Var(ad.Var(x)).value is x
    v = ad.Var(np.ones((2, 3)))
    assert (v.shape, v.ndim, v.size, len(v)) == ((2, 3), 2, 6, 2) and v.T.shape == (3, 2)
    assert float(ad.Var(2.5)) == 2.5 and bool(ad.Var(1.0)) and not ad.Var(0.0)
    assert (v > 0.5).all() and (0.5 < v).all() and not (v < 1).any() and (np.ones(3) <= v).all()
    for wrong, shown in (([[1], [1, 2]], "same length"), (["a"], "numbers"), (None, "numbers")):
        with pytest.raises(ParameterError, match=shown):
            ad.Var(wrong)
    with pytest.raises(ParameterError, match="only one of one element"):
        v.item()


def test_numpy_and_variables_meet():
    x, w = np.arange(6.0).reshape(2, 3), ad.Var(np.ones((3, 2)))
    for y in (x @ w, np.matmul(x, w), np.tanh(w), 2*w, np.float64(2)*w, x.T + w, x.T - w, x.T*w, (1 + x.T)/w, 2**w, np.abs(w),
              -w, +w,
              np.maximum(w, 0), x.T**w):
        assert type(y) is ad.Var and y.tracked
    assert np.array_equal((x.T - w).value, x.T - 1) and np.array_equal((np.float64(3)/w).value, np.full((3, 2), 3.0))
    for wrong, shown in ((lambda: np.arcsin(w), "numpy.arcsin"), (lambda: np.add.reduce(w), "numpy.add.reduce"),
                         (lambda: np.asarray(w), r"\.value"), (lambda: np.add(w, 1, out=x.T), "options")):
        with pytest.raises(ParameterError, match=shown):
            wrong()
    y = x.T.copy()
    with pytest.raises((ParameterError, TypeError)):
        y += w
    with pytest.raises(TypeError, match="iterated"):
        list(ad.Var(1.0))


def test_branches_join():
    """y = x^2 + 3 x + x sin x with x used five times: y' = 2 x + 3 + sin x + x cos x."""
    x = ad.Var([0.3, -2.0])
    y = x*x + 3*x + x*ad.sin(x)
    y.backward([1.0, 1.0])
    np.testing.assert_allclose(x.grad, 2*x.value + 3 + np.sin(x.value) + x.value*np.cos(x.value), rtol=1e-15)


def test_diamonds_take_time_in_proportion_to_operations():
    """Two to the power of 200 paths, 200 operations: each is visited once."""
    x = ad.Var(1.0)
    y = x
    for _ in range(200):
        y = 0.5*y + 0.5*y
    y.backward()
    assert x.grad == 1.0


def test_a_graph_is_used_twice():
    x = ad.Var([1.0, 2.0])
    shared = ad.exp(x)
    a, b = shared.sum(), (shared*shared).sum()
    a.backward()
    np.testing.assert_allclose(x.grad, np.exp(x.value), rtol=1e-15)
    a.backward()
    np.testing.assert_allclose(x.grad, 2*np.exp(x.value), rtol=1e-15)
    b.backward()
    np.testing.assert_allclose(x.grad, 2*np.exp(x.value) + 2*np.exp(2*x.value), rtol=1e-14)
    b.zero_grad()
    assert x.grad is None
    # and it goes on growing
    (b*a).backward()
    np.testing.assert_allclose(x.grad, 2*np.exp(2*x.value)*a.value + b.value*np.exp(x.value), rtol=1e-14)


def test_released():
    x = ad.Var([1.0, 2.0])
    shared = ad.exp(x)
    shared.sum().backward(release=True)
    with pytest.raises(ad.GradientError, match=r"exp.*released.*leave release out"):
        (2*shared).sum().backward()


def test_gradients_share_memory_with_nothing():
    x, y = ad.Var(np.ones(3)), ad.Var(np.ones(3))
    seed = np.ones(3)
    z = x + y
    z.backward(seed)
    x.grad *= 5
    assert np.array_equal(y.grad, np.ones(3)) and np.array_equal(seed, np.ones(3))
    leaf = ad.Var(np.ones(3))
    leaf.backward(seed)
    leaf.grad *= 2
    assert np.array_equal(seed, np.ones(3)) and np.array_equal(leaf.grad, [2, 2, 2])
    m = ad.Var(np.ones((2, 3)))
    ad.reshape(m, 6).backward(np.arange(6.0))
    m.grad[:] = 0
    w = ad.Var(np.ones(4))
    w[1:3].backward(np.array([1.0, 2.0]))
    assert np.array_equal(w.grad, [0, 1, 2, 0])


def test_keep_grad_and_detach():
    x = ad.Var([1.0, 2.0])
    h = (x**2).keep_grad()
    y = 3*h
    (y + h.detach()).backward([1.0, 1.0])
    assert np.array_equal(h.grad, [3, 3]) and np.array_equal(x.grad, [6, 12]) and y.grad is None
    y.zero_grad()
    assert h.grad is None and x.grad is None
    assert not h.detach().tracked and ad.Var(1.0).keep_grad().grad is None


def test_no_grad():
    x = ad.Var([1.0])
    with ad.no_grad():
        y = 2*x
        assert not y.tracked and y.creator is None
    with pytest.raises(ParameterError, match="no variable"):
        (3*y).backward()
    assert (2*x).tracked
    with pytest.raises(RuntimeError), ad.no_grad():
        raise RuntimeError
    assert (2*x).tracked
    assert ad.tanh(np.ones(2)).creator is None


@pytest.mark.parametrize("seed, shown",
                         [(None, "shape (2, 3) needs a seed"), (np.ones(3), "seed has shape (3,), the value (2, 3)")])
def test_backward_demands_a_seed(seed, shown):
    with pytest.raises(ParameterError) as error:
        ad.exp(ad.Var(np.ones((2, 3)))).backward(seed)
    assert shown in str(error.value)


def test_one_element_needs_no_seed():
    x = ad.Var(np.ones((2, 3)))
    x.sum(keepdims=True).backward()
    assert np.array_equal(x.grad, np.ones((2, 3)))
    with pytest.raises(ParameterError, match="real"):
        (ad.Var(1j)*1).backward()


def test_deep_chains():
    """20,000 operations: neither recorded, nor walked, nor forgotten by recursion."""
    x = ad.Var(1.0)
    y = x
    for _ in range(20_000):
        y = y*1.00001
    y.backward()
    assert y.creator.depth == 20_000 and x.grad == pytest.approx(1.00001**20_000, rel=1e-9)
    y.zero_grad()
    del y
    gc.collect()


def test_memory_is_free_without_the_garbage_collector():
    x = ad.Var(np.ones(1000))
    gc.disable()
    try:
        y = ad.exp(2*x).keep_grad()
        inner, op = weakref.ref(y.creator.inputs[0]), weakref.ref(y)
        y.sum().backward()
        assert inner() is not None
        del y
        assert inner() is None and op() is None
    finally:
        gc.enable()


def test_release_frees_on_the_way():
    """Ten arrays of 8 MB are held by the graph; with release, backward leaves them behind one by one."""
    n, peaks = 1_000_000, []
    for release in (False, True):
        x = ad.Var(np.ones(n))
        y = x
        for _ in range(10):
            y = ad.exp(y*0.1)
        y = y.sum()
        tracemalloc.start()
        y.backward(release=release)
        held = y.creator.inputs
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (held == ()) == release
    # what is added on the way is at most the gradient, its successor and a factor: three arrays
    assert max(peaks) < 3.5*8*n


def test_equal_depths_are_summed_in_one_order():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal(50)
    grads = set()
    for _ in range(5):
        x = ad.Var(1.0)
        padding = [object() for _ in range(rng.integers(100))]
        sum((f*ad.sin(f*x) for f in factors), ad.Var(0.0)).backward()
        grads.add(float(x.grad))
        del padding
    assert len(grads) == 1


def test_checked_finds_what_is_not_finite():
    x = ad.Var([1.0, 0.0])
    with np.errstate(all="ignore"), ad.checked():
        with pytest.raises(ad.GradientError, match=r"log gave 1 of 2 values that are not finite, from inputs in 0 to 1"):
            ad.log(x)
        y = ad.sqrt(x).sum()
        with pytest.raises(ad.GradientError, match=r"sqrt: the gradient of input 0 is not finite"):
            y.backward()
        # what came in was not finite already: no fault of the operation
        assert np.isinf(ad.exp(np.inf).value)
    with np.errstate(divide="ignore"):
        assert np.isneginf(ad.log(np.zeros(1)).value[0])


def test_checked_finds_changes_in_place():
    x = ad.Var(np.ones(3))
    with ad.checked():
        y = (x*np.arange(3.0)).sum()
        y.backward()
        z = ad.square(x).sum()
    x.value[0] = 5
    with pytest.raises(ad.GradientError, match=r"square: a value that went in was changed in place"):
        z.backward()


def test_wrong_rules_are_named():
    bad = ad.custom(lambda x: (x*2, None), lambda g, saved: np.ones(5), "bad")
    with pytest.raises(ad.GradientError, match=r"bad: its rule gave a gradient of shape \(5,\) for input 0 of shape \(3,\)"):
        bad(ad.Var(np.ones(3))).sum().backward()


class TestCustom:
    """Operations that are written elsewhere."""

    @staticmethod
    def squash(saved_factor=1.0):
        def forward(x, y, gain=1.0):
            """Return tanh(gain x) y."""
            t = np.tanh(gain*x)
            return t*y, (t, y, gain)

        def backward(g, saved):
            t, y, gain = saved
            return saved_factor*g*y*gain*(1 - t**2), g*t

        return ad.custom(forward, backward, "squash")

    def test_joins_the_graph(self):
        squash = self.squash()
        assert squash.__name__ == "squash" and "tanh" in squash.__doc__
        x, y = np.random.default_rng(0).standard_normal((2, 3, 4))
        ad.check_gradient(lambda u, v: ad.exp(squash(u, v, gain=1.5))*u, x, y, complex_step=True)
        ad.check_gradient(lambda u: squash(u, y[:1]), x)

    def test_a_surrogate_is_taken_as_it_is(self):
        spike = ad.custom(lambda v: ((v > 0)*1.0, v), lambda g, v: g/(1 + 10*np.abs(v))**2, "spike")
        v = ad.Var([-0.1, 0.2])
        spike(v).sum().backward()
        np.testing.assert_allclose(v.grad, 1/(1 + 10*np.abs(v.value))**2, rtol=1e-15)

    def test_none_and_errors(self):
        stop = ad.custom(lambda x, y: (x + y, None), lambda g, saved: (g, None), "stop")
        x, y = ad.Var(1.0), ad.Var(2.0)
        stop(x, y).backward()
        assert x.grad == 1 and y.grad is None
        with pytest.raises(ad.GradientError, match="1 gradients for 2 inputs"):
            ad.custom(lambda x, y: (x + y, None), lambda g, s: g, "one")(x, y).backward()
        with pytest.raises(ParameterError, match=r"one: forward must return \(result, saved\)"):
            ad.custom(lambda x: x, lambda g, s: g, "one")(x)
        with pytest.raises(ParameterError, match="must be functions"):
            ad.custom(None, None, "nothing")


class TestCheckGradient:
    """The check finds errors, and only errors."""

    def test_a_wrong_gradient_is_found_and_described(self):
        wrong = ad.custom(lambda x: (x**3, x), lambda g, x: g*3.001*x**2, "cube")
        with pytest.raises(ad.GradientError) as error:
            ad.check_gradient(lambda x, y: wrong(x) + y, np.array([1.0, 2.0]), np.array([3.0]), complex_step=True)
        text = str(error.value)
        assert "argument 0, central difference, 2 elements: DIFFERS" in text
        assert "argument 1, complex step, 1 elements: agrees" in text
        checks = ad.check_gradient(lambda x: wrong(x), np.array([1.0, 2.0]), raises=False)
        assert checks[0].ratio > 1 and checks[0].error > 0

    def test_errors_of_a_millionth_are_found(self):
        wrong = ad.custom(lambda x: (np.sin(x), x), lambda g, x: g*np.cos(x)*(1 + 1e-6), "sine")
        with pytest.raises(ad.GradientError):
            ad.check_gradient(wrong, np.array([0.3, 1.0]))

    def test_large_arrays_are_sampled(self):
        (check,) = ad.check_gradient(lambda x: ad.square(x), np.ones((100, 100)), elements=7)
        assert check.compared == 7 and check.ratio <= 1

    def test_what_is_not_used_has_gradient_zero(self):
        first, second = ad.check_gradient(lambda x, y: 2*x, 1.0, np.ones(2))
        assert second.backward == 0 and second.ratio <= 1 and first.element == ()

    def test_not_a_number_is_wrong(self):
        with pytest.raises(ad.GradientError):
            ad.check_gradient(ad.custom(lambda x: (x, None), lambda g, s: g*np.nan, "nan"), 1.0)

    def test_no_variables(self):
        with pytest.raises(ParameterError, match="must return a Var"):
            ad.check_gradient(lambda x: x.value, 1.0)


def test_public_names():
    for name in ad.__all__:
        assert (getattr(ad, name).__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match="Did you mean 'softmax'"):
        ad.softmaks  # noqa: B018
    assert issubclass(ad.GradientError, NeurosimError)
