"""One contract for every operation: its gradient is that of central differences and of a complex step.

The bounds are those of check_gradient: the truncation that two step sizes show and the rounding of the sum for central
differences, a thousand units in the last place for the complex step, which subtracts nothing.
"""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import autodiff as ad
from neurosim.errors import ParameterError

POSITIVE, KINKS = "positive", "away from zero"


def numbers(*shape, seed=0, where=None):
    """Return numbers of order one; positive ones, or none nearer to zero than 0.1."""
    x = np.random.default_rng(seed + 17*len(shape)).standard_normal(shape)
    if where == POSITIVE:
        return np.abs(x) + 0.3
    return np.where(np.abs(x) < 0.1, x + np.copysign(0.1, x), x) if where == KINKS else x


a, b, c = numbers(3, 4, seed=1), numbers(3, 4, seed=2), numbers(2, 3, 4, seed=3)
row, column, vector, single = numbers(4, seed=4), numbers(3, 1, seed=5), numbers(3, seed=6), numbers(seed=7)
positive, kinks = numbers(3, 4, seed=8, where=POSITIVE), numbers(3, 4, seed=9, where=KINKS)
image, images = numbers(2, 5, 6, 3, seed=10), numbers(3, 4, 4, 2, seed=11)
condition = np.random.default_rng(12).random((3, 4)) < 0.5

CASES = {
    # arithmetic, with broadcasting both ways and with numbers
    "add": (lambda x, y: x + y, a, b), "add broadcast": (lambda x, y: x + y, column, row), "add number": (lambda x: 2 + x, a),
    "subtract": (lambda x, y: x - y, a, row), "subtract from": (lambda x: 1 - x, a), "negative": (lambda x: -x, a),
    "multiply": (lambda x, y: x*y, c, column), "multiply single": (lambda x, y: x*y, single, a),
    "multiply by itself": (lambda x: x*x, a),
    "divide": (lambda x, y: x/y, a, positive), "divide number": (lambda y: 2/y, kinks), "square": (ad.square, a),
    "power 2": (lambda x: x**2, a), "power 3": (lambda x: x**3, a), "power -1": (lambda x: x**-1, kinks),
    "power 0.5": (lambda x: x**0.5, positive), "power 0": (lambda x: x**0 + x, a),
    "power of both": (lambda x, y: x**y, positive, a),
    "power of a number": (lambda y: 3.0**y, a), "power of an array": (lambda y: positive**y, a),
    "power by an array": (lambda x: x**np.array([0, 1, 2, 3]), a),
    # elementary and activation functions
    **{n: (getattr(ad, n), a) for n in ("exp", "expm1", "sin", "cos", "tanh", "arctan", "logistic", "softplus")},
    **{n: (getattr(ad, n), positive) for n in ("log", "log1p", "sqrt")},
    **{n: (getattr(ad, n), kinks) for n in ("absolute", "relu", "leaky_relu", "elu")},
    "far logistic": (lambda x: ad.logistic(200*x), kinks), "far softplus": (lambda x: ad.softplus(300*x), kinks),
    "sign": (lambda x: ad.sign(x)*x, kinks), "heaviside": (lambda x: ad.heaviside(x)*x, kinks),
    "clip": (lambda x: ad.clip(x, -0.5, 0.75), a), "clip by arrays": (lambda x: ad.clip(x, -np.abs(row), np.abs(row)), a),
    "maximum": (ad.maximum, a, b), "maximum number": (lambda x: ad.maximum(x, 0.2), a), "minimum": (ad.minimum, a, row),
    "where": (lambda x, y: ad.where(condition, x, y), a, row), "where number": (lambda x: ad.where(x > 0, x, 0.0), kinks),
    # reductions
    **{f"{n} {axis} {keep}": (lambda x, n=n, axis=axis, keep=keep: getattr(ad, n)(x, axis, keep),
                              numbers(2, 3, 4, seed=20, where=KINKS))
       for n in ("sum", "mean", "prod", "max", "min", "var", "std", "norm", "logsumexp")
       for axis, keep in ((None, False), (1, False), (-1, True), ((0, 2), False), ((0, 2), True))},
    "var ddof": (lambda x: x.var(axis=1, ddof=1), a), "std ddof": (lambda x: x.std(ddof=1), a),
    "norm 1": (lambda x: ad.norm(x, 1, order=1), kinks), "norm inf": (lambda x: ad.norm(x, 0, order=np.inf), kinks),
    "prod with zeros": (lambda x: x.prod(axis=1), np.array([[1.0, 0, 3], [0, 0, 2], [1, 2, 3]])),
    "cumsum": (lambda x: ad.cumsum(x, 1), c),
    # products
    **{f"matmul {x.shape} {y.shape}": (ad.matmul, x, y) for x, y in (
        (a, b.T), (row, b.T), (a, row), (row, row), (c, b.T), (b.T, c), (c, numbers(2, 4, 5, seed=30)), (c, row), (vector, c),
        (numbers(5, 1, 3, 4, seed=31), numbers(2, 4, 3, seed=32)))},
    "matmul array": (lambda w: c @ w, b.T), "matmul to array": (lambda w: w @ c, numbers(5, 3, seed=33)),
    "affine": (ad.affine, a, numbers(4, 5, seed=34), numbers(5, seed=35)),
    "affine 3": (ad.affine, c, numbers(4, 5, seed=34), numbers(5, seed=35)),
    "affine without b": (lambda x, w: ad.affine(x, w), c, numbers(4, 5, seed=34)),
    "affine vector": (ad.affine, row, b.T, vector),
    "einsum product": (lambda x, y: ad.einsum("ij,kj->ik", x, y), a, b),
    "einsum three": (lambda x, y, z: ad.einsum("bij,ij,j->b", x, y, z), c, a, row),
    "einsum alone": (lambda x: ad.einsum("bij->ib", x), c),
    "einsum summed alone": (lambda x, y: ad.einsum("bij,k->b", x, y), c, row),
    # shapes
    "reshape": (lambda x: x.reshape(4, -1), a), "transpose": (lambda x: x.T, a),
    "transpose axes": (lambda x: ad.transpose(x, (1, 2, 0)), c),
    "transpose method": (lambda x: x.transpose(2, 0, 1), c), "swapaxes": (lambda x: x.swapaxes(0, 2), c),
    "moveaxis": (lambda x: ad.moveaxis(x, 0, -1), c), "expand_dims": (lambda x: ad.expand_dims(x, 1), a),
    "squeeze": (lambda x: ad.squeeze(x, 1), column), "broadcast_to": (lambda x: ad.broadcast_to(x, (2, 3, 4)), column),
    "flip": (lambda x: ad.flip(x, 1), a), "roll": (lambda x: ad.roll(x, (1, -2), (0, 1)), a),
    "roll all": (lambda x: ad.roll(x, 5), a),
    "repeat": (lambda x: ad.repeat(x, 3, 1), c),
    "concatenate": (lambda x, y: ad.concatenate([x, b, y], 1), a, numbers(3, 2, seed=40)),
    "stack": (lambda x, y: ad.stack([x, y, x], 1), a, b),
    "split": (lambda x: ad.split(x, 2, 1), a),
    "split at": (lambda x: [p*(k + 1) for k, p in enumerate(ad.split(x, [1, 1, 3], -1))], a),
    "unstack": (lambda x: [p**2 for p in ad.unstack(x, 1)], c), "iteration": (lambda x: [p*k for k, p in enumerate(x)], a),
    "pad": (lambda x: ad.pad(x, [(1, 2), 1], 3.0), a),
    # elements
    "index number": (lambda x: x[1], a), "index slices": (lambda x: x[::-2, 1:3], a),
    "index dots": (lambda x: x[..., None, 2], c),
    "index array": (lambda x: x[np.array([0, 2, 2, 0, 0])], a), "index list": (lambda x: x[:, [1, 1, 3]], a),
    "index two arrays": (lambda x: x[np.array([0, 1, 0]), np.array([2, 2, 2])], a), "index truth": (lambda x: x[condition], a),
    "index tuple within": (lambda x: x[((0, 2, 2),)], a), "index range": (lambda x: x[:, range(1, 4, 2)], a),
    "index single": (lambda x: x[2, 3], a), "index of a join": (lambda x: x[0]*x[1] + x.sum(), a),
    "take": (lambda x: ad.take(x, [[0, 1], [1, 1]]), a), "take axis": (lambda x: ad.take(x, [3, 0, 3], 1), a),
    "take_along_axis": (lambda x: ad.take_along_axis(x, np.array([[0, 0], [3, 1], [2, 2]])), a),
    # normalising
    **{f"{n} {axis}": (lambda x, n=n, axis=axis: getattr(ad, n)(x, axis), c) for n in ("softmax", "log_softmax", "standardise")
       for axis in (-1, 0)},
    "softmax far": (lambda x: ad.softmax(100*x), a), "standardise over two": (lambda x: ad.standardise(x, (0, 2)), c),
    # recurrences
    "recurrence": (ad.recurrence, numbers(2, 5, 3, seed=50), numbers(2, 5, 3, seed=51), numbers(2, 3, seed=52)),
    "recurrence from 0": (lambda x, y: ad.recurrence(x, y, axis=0), numbers(7, 2, seed=53), numbers(7, 2, seed=54)),
    # images
    **{f"conv2d {o}": (lambda x, w, z, o=o: ad.conv2d(x, w, z, **o), image, numbers(2, 3, 3, 2, seed=60), numbers(2, seed=61))
       for o in ({}, {"padding": "same"}, {"stride": 2, "padding": 1}, {"stride": (1, 3)}, {"dilation": 2},
                 {"dilation": (1, 2), "padding": "same"},
                 {"padding": ((2, 0), (1, 3)), "stride": (3, 2)})},
    "conv2d 1x1": (lambda x, w: ad.conv2d(x, w), image, numbers(1, 1, 3, 4, seed=62)),
    **{f"conv1d {o}": (lambda x, w, z, o=o: ad.conv1d(x, w, z, **o), numbers(2, 7, 3, seed=63), numbers(3, 3, 2, seed=64),
                       numbers(2, seed=65))
       for o in ({}, {"stride": 2}, {"padding": (2, 0)}, {"dilation": 3, "padding": "same"})},
    **{f"{n} {o}": (lambda x, n=n, o=o: getattr(ad, n)(x, **o), images) for n in ("max_pool2d", "avg_pool2d")
       for o in ({"kernel": 2}, {"kernel": 3, "stride": 1}, {"kernel": (2, 3), "stride": (2, 1), "padding": ((0, 1), (1, 1))})},
    # several together
    "branches": (lambda x, y: ad.tanh(x @ y)*(x @ y) + ad.exp(-ad.square(x).sum(1, keepdims=True)), a, b.T),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_that_of_differences_and_complex_steps(name):
    f, *arrays = CASES[name]
    checks = ad.check_gradient(f, *arrays, complex_step=True, elements=60)
    assert {k.method for k in checks} == {"central difference", "complex step"} and len(checks) == 2*len(arrays)


def test_every_public_operation_has_a_case():
    text = " ".join(CASES)
    others = {"Var", "Op", "GradientError", "ArgumentCheck", "no_grad", "checked", "custom", "check_gradient"}
    methods = {"getitem": "index"}
    assert [n for n in ad.__all__ if n not in others and methods.get(n, n) not in text] == []


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_and_repeats(name):
    """float32 in, float32 out, for values and gradients; the same numbers each time; the inputs are left alone."""
    f, *arrays = CASES[name]
    singles = [x.astype(np.float32) for x in arrays]
    grads = []
    for _ in range(2):
        given = [ad.Var(x.copy()) for x in singles]
        made = f(*given)
        for y in made if isinstance(made, list) else [made]:
            if name not in ("power of an array", "clip by arrays", "power by an array", "matmul array", "matmul to array",
                            "concatenate"):
                assert y.dtype == np.float32
            y.backward(np.ones(y.shape), release=False)
        assert all(v.grad.dtype == np.float32 and v.grad.shape == v.shape for v in given)
        assert all(np.array_equal(v.value, x) for v, x in zip(given, singles))
        grads.append([v.grad for v in given])
    assert all(np.array_equal(p, q) for p, q in zip(*grads))


def naive_conv(x, w, b, stride, padding, dilation):
    """Sum over the window of every place, one product at a time."""
    (top, bottom), (left, right) = padding
    x = np.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)])
    kh, kw = w.shape[:2]
    rows = (x.shape[1] - (kh - 1)*dilation[0] - 1)//stride[0] + 1
    columns = (x.shape[2] - (kw - 1)*dilation[1] - 1)//stride[1] + 1
    z = np.zeros((len(x), rows, columns, w.shape[3]))
    for n, i, j, o in np.ndindex(z.shape):
        z[n, i, j, o] = b[o] + sum(x[n, i*stride[0] + u*dilation[0], j*stride[1] + v*dilation[1], k]*w[u, v, k, o]
                                   for u, v, k in np.ndindex(w.shape[:3]))
    return z


@pytest.mark.parametrize("stride, padding, dilation", [((1, 1), ((0, 0), (0, 0)), (1, 1)), ((2, 1), ((1, 0), (2, 1)), (1, 2))])
def test_convolution_is_the_sum_over_windows(stride, padding, dilation):
    w, z = numbers(2, 3, 3, 2, seed=70), numbers(2, seed=71)
    got = ad.conv2d(image, w, z, stride, padding, dilation).value
    # 18 products of order one each
    np.testing.assert_allclose(got, naive_conv(image, w, z, stride, padding, dilation), rtol=0, atol=1e-13)


def test_same_padding_gives_image_over_stride_rounded_up():
    for n, k, s in ((5, 3, 1), (5, 3, 2), (6, 2, 2), (7, 4, 3), (4, 1, 2)):
        shape = ad.conv2d(np.zeros((1, n, n + 1, 1)), np.zeros((k, k, 1, 1)), stride=s, padding="same").shape
        assert shape == (1, -(-n//s), -(-(n + 1)//s), 1)


def test_many_samples_go_through_in_pieces(monkeypatch):
    from neurosim.autodiff import sliding

    w = ad.Var(numbers(3, 3, 3, 2, seed=72))
    x = ad.Var(numbers(7, 5, 6, 3, seed=73))
    ad.conv2d(x, w).sum().backward()
    whole = x.grad, w.grad
    x.zero_grad(), w.zero_grad()
    monkeypatch.setattr(sliding, "CHUNK", 2*12*27*8)
    ad.conv2d(x, w).sum().backward()
    np.testing.assert_allclose(x.grad, whole[0], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(w.grad, whole[1], rtol=1e-13, atol=1e-13)


def test_scan_is_the_loop():
    p, q, h = numbers(4, 37, 3, seed=80), numbers(4, 37, 3, seed=81), numbers(4, 3, seed=82)
    p = np.tanh(p)
    got, loop = ad.recurrence(p, q, h).value, []
    for t in range(37):
        h = p[:, t]*h + q[:, t]
        loop.append(h)
    # |a| < 1: rounding does not grow, and no h is larger than some ten
    np.testing.assert_allclose(got, np.stack(loop, 1), rtol=0, atol=1e-13)


def test_stable_where_exponentials_overflow():
    x = np.array([-1e4, -800.0, 0, 800, 1e4])
    with np.errstate(all="raise", under="ignore"):
        assert np.allclose(ad.logistic(x).value, [0, 0, 0.5, 1, 1], rtol=0, atol=1e-300)
        assert np.array_equal(ad.softplus(x).value, [0, 0, np.log(2), 800, 1e4])
        assert ad.logsumexp(x).value == 1e4 and np.isclose(ad.logsumexp([800.0, 800]).value, 800 + np.log(2), rtol=1e-15)
        assert np.array_equal(ad.log_softmax([0.0, 2000.0]).value, [-2000, 0])
        assert np.array_equal(ad.softmax([0.0, 2000.0]).value, [0, 1])
    assert ad.logsumexp([-np.inf, -np.inf]).value == -np.inf and ad.logsumexp([-np.inf, 1.0]).value == 1
    # relative precision in the tail: logistic(-40) = e^-40/(1 + e^-40)
    assert np.isclose(ad.logistic(-40.0).value, np.exp(-40), rtol=1e-15)


def test_subgradients_at_kinks():
    def slope(f, x):
        v = ad.Var(np.asarray(x, dtype=float))
        f(v).sum().backward()
        return v.grad.tolist()

    assert slope(ad.absolute, [0.0]) == [0] and slope(ad.relu, [0.0]) == [0] and slope(ad.norm, [0.0, 0]) == [0, 0]
    assert slope(lambda v: v.max(), [1.0, 3, 3]) == [0, 0.5, 0.5] and slope(lambda v: v.std(), [2.0, 2]) == [0, 0]
    assert slope(lambda v: ad.maximum(v, 1.0), [1.0, 2]) == [0.5, 1] and slope(lambda v: v**0, [0.0]) == [0]
    assert slope(lambda v: ad.max_pool2d(v, 2), np.ones((1, 2, 2, 1))) == [[[[1.0], [0]], [[0], [0]]]]


def test_pooling_hands_on_what_is_no_number():
    image = np.arange(8.0).reshape(1, 2, 4, 1)
    for place in np.ndindex(2, 2):
        image[(0, *place, 0)] = np.nan
        np.testing.assert_array_equal(ad.max_pool2d(image, 2).value.ravel(), [np.nan, 7])


@pytest.mark.parametrize("f, shown", [
    (lambda v: v + np.ones((2, 4)), ["add", "(3, 4)", "(2, 4)", "broadcast"]),
    (lambda v: v @ np.ones((3, 2)), ["matmul", "(3, 4)", "(3, 2)"]),
    (lambda v: np.ones((2, 2)) @ v, ["matmul", "(2, 2)", "(3, 4)"]),
    (lambda v: ad.affine(v, np.ones((3, 2))), ["affine", "(n_in, n_out)"]),
    (lambda v: v.sum(axis=2), ["sum", "axis=2", "2 axes"]),
    (lambda v: v.reshape(5, 2), ["reshape", "(3, 4)"]),
    (lambda v: ad.concatenate([v, np.ones((4, 5))]), ["concatenate", "(3, 4) and (4, 5)"]),
    (lambda v: ad.stack([v, np.ones(3)]), ["stack", "(3, 4) and (3,)"]),
    (lambda v: ad.split(v, 3, 1), ["split", "length 4", "3 equal"]),
    (lambda v: ad.pad(v, [1]), ["pad", "(3, 4)"]),
    (lambda v: ad.where(np.ones(5) > 0, v, 0), ["where", "(5,)"]),
    (lambda v: ad.conv2d(v, v), ["conv2d", "channels last"]),
    (lambda v: ad.conv2d(np.ones((1, 2, 2, 1)), np.ones((3, 3, 1, 1))), ["conv2d", "3 x 3", "2 x 2", "padding"]),
    (lambda v: ad.conv2d(np.ones((1, 2, 2, 1)), np.ones((1, 1, 1, 1)), padding="full"), ["padding='full'", "'same'"]),
    (lambda v: ad.conv2d(np.ones((1, 2, 2, 1)), np.ones((1, 1, 1, 1)), stride=0), ["stride=0"]),
    (lambda v: ad.einsum("ii->i", v), ["einsum", "each letter once"]),
    (lambda v: ad.einsum("ij,jk->ik", v, np.ones((3, 3))), ["einsum", "(3, 4) and (3, 3)"]),
    (lambda v: ad.einsum("ij,ij->i", v, np.ones((3, 1))), ["einsum", "(3, 4) and (3, 1)"]),
    (lambda v: ad.recurrence(v, np.ones((3, 5))), ["recurrence", "(3, 5)"]),
    (lambda v: v[v], ["index", ".value"]),
    (lambda v: ad.max(np.ones((0, 3))), ["max", "nothing to reduce"]),
    (lambda v: ad.softmax(v[:, :0]), ["softmax", "nothing to reduce", "(3, 0)"]),
    (lambda v: ad.logsumexp(v[:0]), ["logsumexp", "nothing to reduce"]),
    (lambda v: ad.var(np.ones(1), ddof=1), ["var", "ddof=1"]),
    (lambda v: ad.norm(v, order=3), ["norm", "order=3"]),
    (lambda v: ad.clip(v, 1, 0), ["clip", "low"]),
    (lambda v: ad.clip(v, v, 1), ["clip", "constants"]),
])
def test_wrong_shapes_and_values_are_named(f, shown):
    with pytest.raises(ParameterError) as error:
        f(ad.Var(np.ones((3, 4))))
    for part in shown:
        assert part in str(error.value)


@pytest.mark.parametrize("f, shape", [
    (ad.exp, (0, 3)), (lambda v: v.sum(axis=0), (0, 3)), (lambda v: v @ np.ones((3, 2)), (0, 3)), (ad.softmax, (0, 3)),
    (lambda v: ad.conv2d(v, np.ones((1, 1, 3, 2))), (0, 2, 2, 3)), (lambda v: ad.recurrence(v, v), (2, 0, 3)),
])
def test_empty_arrays(f, shape):
    v = ad.Var(np.ones(shape))
    f(v).sum().backward()
    assert v.grad.shape == shape
