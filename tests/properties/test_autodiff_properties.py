"""Whatever the shapes: gradients of what was broadcast are sums, and backward is linear in its seed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurosim import autodiff as ad

PAIRS = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4)
OPERATIONS = st.sampled_from([ad.add, ad.subtract, ad.multiply, ad.divide, ad.maximum, ad.minimum,
                              lambda x, y: ad.where(x > y, x, y), lambda x, y: ad.exp(0.1*x)**y])
FEW = settings(max_examples=60, deadline=None)


def distinct(shape, seed):
    """Return numbers from 0.5 to 1.5, so that nothing is divided by zero."""
    return 0.5 + np.random.default_rng(seed).random(shape)


@FEW
@given(PAIRS, OPERATIONS, st.integers(0, 1000))
def test_gradient_of_a_broadcast_operand_is_the_sum_over_its_copies(pair, operation, seed):
    x, y = (ad.Var(distinct(s, seed + k)) for k, s in enumerate(pair.input_shapes))
    z = operation(x, y)
    assert z.shape == pair.result_shape
    v = distinct(z.shape, seed + 2)
    z.backward(v)
    # the same operation on copies that were made beforehand, where nothing is broadcast
    whole = [ad.Var(np.array(np.broadcast_to(p.value, z.shape))) for p in (x, y)]
    operation(*whole).backward(v)
    for p, q in zip((x, y), whole):
        extra = z.ndim - p.ndim
        summed = q.grad.sum(axis=tuple(range(extra)))
        summed = summed.sum(axis=tuple(k for k, n in enumerate(p.shape) if n == 1), keepdims=True)
        assert p.grad.shape == p.shape
        # at most 256 terms of order one
        np.testing.assert_allclose(p.grad, summed.reshape(p.shape), rtol=1e-12, atol=1e-12)


@FEW
@given(hnp.array_shapes(max_dims=3, max_side=4), st.integers(0, 1000), st.floats(-3, 3))
def test_backward_is_linear_in_its_seed_and_sums_over_calls(shape, seed, factor):
    x = ad.Var(distinct(shape, seed))
    y = ad.tanh(x)*ad.softmax(x) + ad.cumsum(x)
    u, v = distinct(shape, seed + 1), distinct(shape, seed + 2)
    y.backward(u)
    y.backward(factor*v)
    both = x.grad
    x.zero_grad()
    y.backward(u + factor*v)
    np.testing.assert_allclose(both, x.grad, rtol=1e-12, atol=1e-12)


@FEW
@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=4, max_side=4), elements=st.floats(-2, 2)), st.data())
def test_any_index_of_numpy(x, chosen):
    index = chosen.draw(hnp.basic_indices(x.shape, allow_newaxis=True) | hnp.integer_array_indices(x.shape))
    v = ad.Var(x)
    y = v[index]
    assert np.array_equal(y.value, x[index])
    y.backward(np.ones(y.shape))
    counted = np.zeros_like(x)
    np.add.at(counted, index, 1.0)
    assert np.array_equal(v.grad, counted)


@FEW
@given(st.integers(1, 40), st.integers(0, 1000))
def test_random_graphs(n, seed):
    """Sums and products of earlier values, chosen at random: the gradient by hand-written forward mode."""
    rng = np.random.default_rng(seed)
    start = distinct(3, seed)
    x = ad.Var(start)
    values, slopes, made = [start], [np.ones(3)], [x]
    for _ in range(n):
        i, j = rng.integers(0, len(made), 2)
        if rng.random() < 0.5:
            made.append(0.5*made[i] + made[j])
            values.append(0.5*values[i] + values[j])
            slopes.append(0.5*slopes[i] + slopes[j])
        else:
            made.append(ad.sin(made[i])*made[j])
            slopes.append(np.cos(values[i])*slopes[i]*values[j] + np.sin(values[i])*slopes[j])
            values.append(np.sin(values[i])*values[j])
    made[-1].backward(np.ones(3))
    np.testing.assert_allclose(x.grad, slopes[-1], rtol=1e-10, atol=1e-10)
