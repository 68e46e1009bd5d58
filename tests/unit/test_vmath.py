"""Elementary functions: stated error bounds, special values, equal bits however they are run."""

import functools
import hashlib
import math
import os
import platform
import re
import subprocess
import sys
from fractions import Fraction

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from numba import njit

from neurosim.kernels import jit, vmath32, vmath64

MODULES = {np.float64: vmath64, np.float32: vmath32}
NAMES = (
    "exp",
    "expm1",
    "exprel",
    "exprel_small",
    "x_over_expm1",
    "logistic",
    "tanh",
    "log",
    "log2",
    "log10",
    "log1p",
    "softplus",
    "sin",
    "cos",
)
BOTH = [pytest.param(name, dtype, id=f"{name}-{dtype.__name__}") for dtype in MODULES for name in NAMES]
INF, NAN = math.inf, math.nan


@functools.cache
def loop(name, dtype):
    function = getattr(MODULES[dtype], name)

    @njit(error_model="numpy")
    def apply(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    return apply


def evaluate(name, dtype, x):
    x = np.ascontiguousarray(x, dtype)
    out = np.empty_like(x)
    loop(name, dtype)(x, out)
    return out


def stated_bound(name, dtype):
    return float(re.search(r"within ([\d.]+) ulp", getattr(MODULES[dtype], name).__doc__).group(1))


def samples(name, dtype, n, seed=20240601):
    """Arguments with normal results: uniform, near the delicate points, and of all magnitudes."""
    rng = np.random.default_rng(seed)
    single = dtype is np.float32
    edge = {"exp": (-86.9, 88.7) if single else (-708.0, 709.7)}
    edge["expm1"] = edge["exprel"] = edge["exp"]
    edge["x_over_expm1"] = edge["logistic"] = edge["softplus"] = (-80.0, 80.0) if single else (-700.0, 700.0)
    edge["exprel_small"] = (-0.5, 0.5)
    edge["tanh"] = (-12.0, 12.0) if single else (-25.0, 25.0)
    edge["sin"] = edge["cos"] = (-131072.0, 131072.0) if single else (-1e9, 1e9)
    decades = 36 if single else 300
    sign = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    small = 10.0 ** rng.uniform(-(8 if single else 18), 0.5, n)
    if name in ("log", "log2", "log10"):
        wide = 10.0 ** rng.uniform(-decades, decades, n)
        return np.concatenate([wide, rng.uniform(0.1, 4.0, n), np.abs(1.0 + sign * small) + 1e-30]).astype(
            dtype
        )
    if name == "log1p":
        wide = 10.0 ** rng.uniform(-decades, decades, n)
        return np.concatenate([wide, small, -small[small < 0.999], rng.uniform(-0.999, 3.0, n)]).astype(dtype)
    low, high = edge[name]
    if name == "exprel_small":
        return np.concatenate([rng.uniform(low, high, 3 * n), 0.1 * sign * small]).clip(low, high).astype(dtype)
    parts = [rng.uniform(low, high, n), rng.uniform(-3.0, 3.0, n), rng.uniform(-40.0, 40.0, n), sign * small]
    if name in ("sin", "cos"):
        # the floats nearest to multiples of pi / 2, where the reduction cancels most
        parts.append(rng.integers(1, int(high / 1.6), n) * (math.pi / 2))
        parts.append(np.arange(1, n) * (math.pi / 2))
    return np.concatenate(parts).clip(low, high).astype(dtype)


REFERENCE = {
    "exp": np.exp,
    "expm1": np.expm1,
    "exprel": lambda x: np.expm1(x) / x,
    "exprel_small": lambda x: np.expm1(x) / x,
    "x_over_expm1": lambda x: x / np.expm1(x),
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "sin": np.sin,
    "cos": np.cos,
}
PRECISE = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "exprel": lambda x: mpmath.expm1(x) / x,
    "exprel_small": lambda x: mpmath.expm1(x) / x,
    "x_over_expm1": lambda x: x / mpmath.expm1(x),
    "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "log": mpmath.log,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": mpmath.log10,
    "log1p": mpmath.log1p,
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
}


@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_error_is_below_the_stated_bound(name, dtype):
    x = samples(name, dtype, 300 if dtype is np.float64 else 100)
    x = x[x != 0]
    y = evaluate(name, dtype, x)
    worst = 0.0
    with mpmath.workdps(50):  # far more digits than either type, also after the cancellation in sin(1e9)
        for argument, value in zip(x, y):
            exact = PRECISE[name](mpmath.mpf(float(argument)))
            ulp = mpmath.mpf(float(np.spacing(abs(dtype(float(exact))))))
            worst = max(worst, float(abs(mpmath.mpf(float(value)) - exact) / ulp))
    assert worst <= stated_bound(name, dtype)


@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_error_is_below_the_stated_bound_on_dense_samples(name, dtype):
    wide = np.float64 if dtype is np.float32 else np.longdouble
    if np.finfo(wide).nmant < np.finfo(dtype).nmant + 11:
        pytest.skip("long double is no wider than double on this platform; the test above has mpmath")
    x = samples(name, dtype, 40_000, seed=7)
    x = x[x != 0]
    y = evaluate(name, dtype, x)
    exact = REFERENCE[name](x.astype(wide))
    error = np.abs(y.astype(wide) - exact) / np.spacing(np.abs(exact.astype(dtype))).astype(wide)
    # The reference itself errs by 2 ulp of a format with 11 more bits.
    assert error.max() <= stated_bound(name, dtype) + 2 * 2.0**-11, x[error.argmax()]


LOG_2 = math.log(2.0)
SPECIAL = {
    "exp": [(INF, INF), (-INF, 0), (0, 1), (-0.0, 1), (1e30, INF), (-1e30, 0), (1e-30, 1), (-1e-30, 1)],
    "expm1": [(INF, INF), (-INF, -1), (0, 0), (1e30, INF), (-1e30, -1), (1e-30, 1e-30), (-1e-30, -1e-30)],
    "exprel": [
        (INF, INF),
        (-INF, 0),
        (0, 1),
        (-0.0, 1),
        (1e30, INF),
        (1e-30, 1),
        (-1e-30, 1),
        (1e-300, 1),
        (5e-324, 1),
    ],
    "exprel_small": [(0, 1), (-0.0, 1), (1e-300, 1), (-1e-30, 1)],
    "x_over_expm1": [
        (INF, 0),
        (-INF, INF),
        (0, 1),
        (-0.0, 1),
        (1e30, 0),
        (-1e30, 1e30),
        (1e-300, 1),
        (-5e-324, 1),
    ],
    "logistic": [(INF, 1), (-INF, 0), (0, 0.5), (1e30, 1), (-1e30, 0), (1e-30, 0.5)],
    "tanh": [(INF, 1), (-INF, -1), (0, 0), (1e30, 1), (-1e30, -1), (1e-30, 1e-30), (-1e-30, -1e-30)],
    "log": [(INF, INF), (-INF, NAN), (0, -INF), (-0.0, -INF), (-1, NAN), (1, 0), (-1e-30, NAN)],
    "log2": [
        (INF, INF),
        (-INF, NAN),
        (0, -INF),
        (-1, NAN),
        (1, 0),
        (2.0**100, 100),
        (2.0**-100, -100),
        (8, 3),
    ],
    "log10": [(INF, INF), (-INF, NAN), (0, -INF), (-1, NAN), (1, 0), (10, 1)],
    "log1p": [
        (INF, INF),
        (-INF, NAN),
        (-1, -INF),
        (-2, NAN),
        (0, 0),
        (1e-30, 1e-30),
        (-1e-30, -1e-30),
        (1, LOG_2),
    ],
    "softplus": [(INF, INF), (-INF, 0), (0, LOG_2), (1e30, 1e30), (-1e30, 0), (1e-30, LOG_2)],
    "sin": [(INF, NAN), (-INF, NAN), (0, 0), (1e30, NAN), (1e-30, 1e-30), (-1e-30, -1e-30)],
    "cos": [(INF, NAN), (-INF, NAN), (0, 1), (1e30, NAN), (1e-30, 1)],
}


@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_special_values(name, dtype):
    argument, expected = np.array([*SPECIAL[name], (NAN, NAN)]).T.astype(dtype)
    np.testing.assert_array_equal(evaluate(name, dtype, argument), expected)


@pytest.mark.parametrize("dtype", MODULES)
def test_edges_of_the_range_of_exp(dtype):
    limits = np.finfo(dtype)
    highest = np.log(np.longdouble(limits.max)).astype(dtype)
    below, above = np.nextafter(highest, dtype(0)), np.nextafter(highest, dtype(INF))
    assert np.isfinite(evaluate("exp", dtype, [below])).all()
    above = np.nextafter(above, dtype(INF))
    for name, beyond in (("exp", INF), ("expm1", INF), ("exprel", INF), ("x_over_expm1", 0.0)):
        step = dtype(0.01)
        assert evaluate(name, dtype, [above + step])[0] == beyond
    tail = np.linspace(float(np.log(limits.tiny)) - 40, float(np.log(limits.tiny)) + 2, 5000).astype(dtype)
    result = evaluate("exp", dtype, tail)
    kept = result > 0
    assert (np.diff(kept.astype(int)) >= 0).all()  # flushed below one place, kept above
    assert result[kept].min() >= limits.tiny
    assert np.exp(tail[~kept].astype(float)).max() < 1.5 * float(limits.tiny)


@pytest.mark.parametrize("dtype", MODULES)
def test_extreme_arguments_of_the_logarithms(dtype):
    limits = np.finfo(dtype)
    x = np.array(
        [limits.max, limits.tiny, np.nextafter(dtype(1), dtype(0)), np.nextafter(dtype(1), dtype(2))], dtype
    )
    for name in ("log", "log2", "log10", "log1p"):
        exact = REFERENCE[name](x.astype(np.longdouble))
        error = np.abs(evaluate(name, dtype, x) - exact) / np.spacing(np.abs(exact.astype(dtype)))
        assert error.max() <= stated_bound(name, dtype)
    # documented: subnormal arguments count as zero
    assert evaluate("log", dtype, [limits.tiny / dtype(2)])[0] == -INF


def test_nan_with_a_payload_stays_nan():
    for dtype, pattern in ((np.float64, np.int64(0x7FF80000000007A2)), (np.float32, np.int32(0x7FC007A2))):
        x = np.array([pattern]).view(dtype)
        for name in NAMES:
            assert np.isnan(evaluate(name, dtype, x)[0]), name


@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_vector_and_scalar_code_give_the_same_bits(name, dtype):
    x = samples(name, dtype, 40, seed=3)
    together = evaluate(name, dtype, x)  # vector body and scalar remainder
    alone = np.array([evaluate(name, dtype, x[i : i + 1])[0] for i in range(x.size)])
    np.testing.assert_array_equal(together, alone)
    for cut in (1, 3, 7):
        np.testing.assert_array_equal(evaluate(name, dtype, x[cut:]), together[cut:])


def test_other_types_are_converted():
    @njit
    def mixed(i, x):
        return vmath64.exp(i), vmath64.log(np.float32(x)), vmath32.exp(x), vmath32.log(i)

    whole, double, single, single_log = mixed(2, 0.5)
    assert whole == evaluate("exp", np.float64, [2.0])[0]
    assert double == evaluate("log", np.float64, [0.5])[0]
    assert single == evaluate("exp", np.float32, [0.5])[0]
    assert single_log == evaluate("log", np.float32, [2.0])[0]


@pytest.mark.parametrize("dtype", MODULES)
def test_power_is_that_of_the_c_library(dtype):
    function = MODULES[dtype].power

    @njit(error_model="numpy")
    def apply(x, y):
        return function(x, y)

    for x, y in (
        (2.0, 0.5),
        (1.7, 3.0),
        (-2.0, 3.0),
        (-2.0, 0.5),
        (0.0, -1.0),
        (0.0, 0.0),
        (INF, 2.0),
        (10.0, 400.0),
    ):
        with np.errstate(all="ignore"):
            expected = np.power(dtype(x), dtype(y))
        np.testing.assert_array_max_ulp(dtype(apply(dtype(x), dtype(y))), expected, 1)


# ---------------------------------------------------------------- machine operations


def test_interpreted_fma_is_rounded_once():
    rng = np.random.default_rng(11)
    operation = jit._python_operations()["fma"]
    a, b = rng.standard_normal((2, 500)) * 10.0 ** rng.uniform(-20, 20, (2, 500))
    # cancellation, where a second rounding shows
    c = -a * b * (1.0 + rng.choice([0.0, 1e-16, 1e-8, 1.0], 500))
    for x, y, z in zip(a, b, c):
        exact = Fraction(x) * Fraction(y) + Fraction(z)
        assert operation(x, y, z) == float(exact)


def test_interpreted_operations_equal_the_compiled_ones():
    @njit(error_model="numpy")
    def compiled(a, b, c):
        out = np.empty_like(a)
        for i in range(a.size):
            out[i] = jit.fma(a[i], b[i], c[i])
        return out

    operation = jit._python_operations()["fma"]
    rng = np.random.default_rng(12)
    for dtype in MODULES:
        a, b = (rng.standard_normal((2, 2000)) * 2.0 ** rng.integers(-12, 12, (2, 2000))).astype(dtype)
        c = (-a * b * dtype(1) + (2.0 ** rng.uniform(-80, 10, 2000)).astype(dtype)).astype(dtype)
        a[:4], b[:4], c[:4] = [INF, 0, 1, NAN], [1, INF, 2, 1], [-INF, 1, INF, 1]
        a[4:6], b[4:6], c[4:6] = np.finfo(dtype).max, [2, -2], [-INF, 1]
        with np.errstate(all="ignore"):
            interpreted = np.array([operation(*three) for three in zip(a, b, c)], dtype)
        np.testing.assert_array_equal(interpreted, compiled(a, b, c))


def test_integer_operations_keep_their_width():
    @njit
    def single(i):
        x = jit.add_bits(i, 2**31 - 1)
        return (
            jit.shift_left(i, 23),
            jit.shift_right(jit.sub_bits(i, 2), 1),
            x,
            jit.xor_bits(i, 5),
            jit.and_bits(i, 1),
            jit.or_bits(i, 6),
            jit.float_of(i),
            jit.bits_of(np.float32(1.0)),
        )

    one = np.int32(1)
    assert single(one) == (2**23, 2**31 - 1, -(2**31), 4, 1, 7, np.int32(1).view(np.float32), 0x3F800000)
    operations = jit._python_operations()
    with np.errstate(over="ignore"):
        assert operations["add_bits"](one, 2**31 - 1) == -(2**31)
    assert operations["shift_right"](np.int32(-1), 1) == 2**31 - 1
    assert operations["shift_right"](np.int64(-1), 1) == 2**63 - 1
    assert operations["unsigned"](-1) == 2**64 - 1
    assert type(operations["shift_left"](one, 3)) is np.int32


PROGRAM = f"""
import hashlib, numpy as np
from neurosim.kernels import vmath32, vmath64
edges = [np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 88.6]
x = np.concatenate([np.linspace(-9, 9, 25), np.logspace(-9, 8, 18), edges])
for module, dtype in ((vmath64, np.float64), (vmath32, np.float32)):
    for name in {NAMES}:
        function = getattr(module, name)
        y = np.array([function(v) for v in x.astype(dtype)], dtype)
        y[np.isnan(y)] = np.nan  # the sign of a NaN is no result
        print(name, hashlib.sha256(y.tobytes()).hexdigest())
"""


def test_without_compilation_the_bits_are_the_same_and_nothing_warns():
    environment = dict(os.environ, NUMBA_DISABLE_JIT="1")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    edges = [INF, -INF, 0.0, -0.0, 1e30, -1e30, 88.6]
    x = np.concatenate([np.linspace(-9, 9, 25), np.logspace(-9, 8, 18), edges])
    lines = []
    for dtype in MODULES:
        for name in NAMES:
            y = evaluate(name, dtype, x)
            y[np.isnan(y)] = np.nan
            lines.append(f"{name} {hashlib.sha256(y.tobytes()).hexdigest()}")
    assert run.stdout.split("\n")[:-1] == lines


def has_vector_fma():
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    features = llvm.get_host_cpu_features()
    return bool(features.get("fma")) and bool(features.get("avx2"))


@pytest.mark.skipif(not has_vector_fma(), reason="looks for AVX2 instructions")
@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_loops_become_vector_code_without_calls(name, dtype):
    evaluate(name, dtype, np.ones(3))
    (text,) = loop(name, dtype).inspect_asm().values()
    body = text[: text.index("_ZN7cpython")]  # the function itself, without its Python wrapper
    suffix = "pd" if dtype is np.float64 else "ps"
    packed = [
        line for line in body.splitlines() if re.search(rf"\bvfn?m(add|sub)\d+{suffix}\b.*[yz]mm", line)
    ]
    assert len(packed) >= 4
    assert not re.search(r"\bcall", body)


@pytest.mark.skipif(not has_vector_fma(), reason="counts AVX2 instructions")
def test_clamps_take_one_instruction_each():
    evaluate("exp", np.float64, np.ones(3))
    (text,) = loop("exp", np.float64).inspect_asm().values()
    body = text[: text.index("_ZN7cpython")]
    vector = [line for line in body.splitlines() if re.search(r"[yz]mm", line)]
    assert not any("vblend" in line or "vcmp" in line for line in vector)
