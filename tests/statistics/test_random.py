"""Counter-based random numbers: published vectors, distributions, independence, arrays equal to single draws.

Seeds are fixed, so each outcome is too; ALARM is the probability with which a correct generator would have
failed a single test of significance had its seed been drawn. There are about 250: one false alarm in 400.
"""

import hashlib
import math
import os
import platform
import re
import subprocess
import sys

import llvmlite.binding as llvm
import numpy as np
import pytest
from numba import njit
from scipy import stats

from neurosim.kernels import random
from neurosim.simulator import draws

ALARM = 1e-5
SIGMAS = stats.norm.isf(ALARM / 2)
u64 = np.uint64


@njit(error_model="numpy")
def threefry13(k0, k1, c0, c1):
    return random.threefry(k0, k1, c0, c1)


@njit(error_model="numpy")
def threefry20(k0, k1, c0, c1):
    return random.threefry20(k0, k1, c0, c1)


@njit(error_model="numpy")
def pairs(kind, seed, stream, neuron, step, out):
    """Pairs of one kind for arrays of neurons and steps."""
    for i in range(neuron.size):
        if kind == 0:
            out[0, i], out[1, i] = random.uniform_pair(seed, stream, neuron[i], step[i])
        elif kind == 1:
            out[0, i], out[1, i] = random.normal_pair(seed, stream, neuron[i], step[i])
        else:
            out[0, i], out[1, i] = random.exponential_pair(seed, stream, neuron[i], step[i])


@njit(error_model="numpy")
def fill(kind, even, odd, seed, stream, first, m, pair):
    if kind == 0:
        random.fill_uniform(even, odd, seed, stream, first, m, pair)
    else:
        random.fill_normal(even, odd, seed, stream, first, m, pair)


KINDS = {"uniform": 0, "normal": 1, "exponential": 2}
LAW = {"uniform": stats.uniform.cdf, "normal": stats.norm.cdf, "exponential": stats.expon.cdf}


def draw(kind, n, seed=1, stream=0, axis="neuron"):
    """(2, n) numbers along neurons at step 5, or along steps at neuron 5."""
    moving, fixed = np.arange(n), np.full(n, 5)
    neuron, step = (moving, fixed) if axis == "neuron" else (fixed, moving)
    out = np.empty((2, n))
    pairs(KINDS[kind], seed, stream, neuron, step, out)
    return out


# From tests/kat_vectors of Random123, https://github.com/DEShawResearch/random123: key, counter, result.
PI_KEY, PI_COUNTER = (0xA4093822299F31D0, 0x082EFA98EC4E6C89), (0x243F6A8885A308D3, 0x13198A2E03707344)
ONES = (2**64 - 1, 2**64 - 1)
KNOWN = [
    (threefry13, (0, 0), (0, 0), (0xF167B032C3B480BD, 0xE91F9FEE4B7A6FB5)),
    (threefry13, ONES, ONES, (0xCCDEC5C917A874B1, 0x4DF53ABCA26CEB01)),
    (threefry13, PI_KEY, PI_COUNTER, (0xC3AAC71561042993, 0x3FE7AE8801AFF316)),
    (threefry20, (0, 0), (0, 0), (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D)),
    (threefry20, ONES, ONES, (0xE02CB7C4D95D277A, 0xD06633D0893B8B68)),
    (threefry20, PI_KEY, PI_COUNTER, (0x263C7D30BB0F0AF1, 0x56BE8361D3311526)),
]


@pytest.mark.parametrize(("function", "key", "counter", "expected"), KNOWN)
def test_published_vectors(function, key, counter, expected):
    assert tuple(int(w) for w in function(*map(u64, key), *map(u64, counter))) == expected


def test_uniform_numbers_never_reach_the_ends():
    @njit
    def ends(word):
        return random._uniform(word), random._centred(word)

    low, high = ends(u64(0)), ends(u64(2**64 - 1))
    assert low == (2.0**-53, -0.5)
    assert high == (1.0 - 2.0**-53, 0.5 - 2.0**-52)


@pytest.mark.parametrize("axis", ["neuron", "step"])
@pytest.mark.parametrize("kind", KINDS)
def test_distribution(kind, axis):
    for row in draw(kind, 200_000, seed=11, stream=3, axis=axis):
        assert stats.kstest(row, LAW[kind]).pvalue > ALARM


def test_moments_of_the_normal_numbers():
    x = draw("normal", 1_000_000, seed=12).ravel()
    n = x.size
    # mean of x**k over n draws has variance (E x**2k - (E x**k)**2) / n, with E x**2k = (2k - 1)!!
    for power, mean, second in (
        (1, 0.0, 1.0),
        (2, 1.0, 3.0),
        (3, 0.0, 15.0),
        (4, 3.0, 105.0),
        (6, 15.0, 10395.0),
    ):
        assert abs((x**power).mean() - mean) < SIGMAS * math.sqrt((second - mean**2) / n)
    for level in (3.0, 4.0):
        beyond = int((np.abs(x) > level).sum())
        assert stats.binomtest(beyond, n, 2 * stats.norm.sf(level)).pvalue > ALARM
    assert np.abs(x).max() < 8.6


def test_pairs_of_normal_numbers_have_no_preferred_direction():
    x, y = draw("normal", 400_000, seed=13)
    assert stats.kstest((x * x + y * y) / 2, stats.expon.cdf).pvalue > ALARM
    angle = np.arctan2(y, x) / (2 * np.pi) % 1.0
    assert stats.kstest(angle, stats.uniform.cdf).pvalue > ALARM
    # finer than Kolmogorov-Smirnov where the eight parts of the circle meet
    counts = np.bincount((angle * 64).astype(int), minlength=64)
    assert stats.chisquare(counts).pvalue > ALARM


def correlation_is_chance(a, b):
    return abs(np.corrcoef(a, b)[0, 1]) < SIGMAS / math.sqrt(a.size)


@pytest.mark.parametrize("kind", KINDS)
def test_words_streams_seeds_neurons_and_steps_are_independent(kind):
    n = 200_000
    base = draw(kind, n, seed=21, stream=4)
    others = [base[1], np.roll(base[0], 1), np.roll(base[0], 64), np.roll(base[1], 1)]
    for seed, stream in ((22, 4), (21, 5), (4, 21), (21 + 2**32, 4), (21, 4 + 2**32), (-21, 4)):
        others += list(draw(kind, n, seed=seed, stream=stream))
    others += list(draw(kind, n, seed=21, stream=4, axis="step"))
    for other in others:
        assert correlation_is_chance(base[0], other)
        assert correlation_is_chance(np.abs(base[0] - np.median(base[0])), np.abs(other - np.median(other)))


def test_kinds_of_the_same_stream_are_independent():
    n = 200_000
    uniform, normal, exponential = (draw(kind, n, seed=23)[0] for kind in KINDS)
    rows = [uniform, stats.norm.cdf(normal), exponential]
    for i, a in enumerate(rows):
        for b in rows[i + 1 :]:
            assert correlation_is_chance(a, b)


def test_neighbours_in_the_plane_of_neuron_and_step():
    neuron, step = (a.ravel() for a in np.meshgrid(np.arange(400), np.arange(400), indexing="ij"))
    out = np.empty((2, neuron.size))
    pairs(KINDS["uniform"], 31, 0, neuron, step, out)
    plane = out[0].reshape(400, 400)
    for a, b in (
        (plane[1:], plane[:-1]),
        (plane[:, 1:], plane[:, :-1]),
        (plane[1:, 1:], plane[:-1, :-1]),
        (plane, plane.T),
    ):
        off = ~np.eye(400, dtype=bool) if a is plane else np.ones(a.shape, bool)
        half = off & (np.triu(np.ones_like(off)) > 0) if a is plane else off  # each symmetric pair once
        assert correlation_is_chance(a[half], b[half])
    cells = np.bincount(
        (plane[::2] * 16).astype(int).ravel() * 16 + (plane[1::2] * 16).astype(int).ravel(), minlength=256
    )
    assert stats.chisquare(cells).pvalue > ALARM


# ---------------------------------------------------------------- a value depends on its counter only


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_arrays_do_not_depend_on_how_they_are_split(kind):
    m, first = 333, 1000
    whole = np.empty((2, m))
    fill(KINDS[kind], whole[0], whole[1], 5, 6, first, m, 7)
    single = np.empty((2, m))
    pairs(KINDS[kind], 5, 6, first + np.arange(m), np.full(m, 7), single)
    np.testing.assert_array_equal(whole, single)
    for width in (1, 5, 64, 100):
        parts = np.zeros((2, m))
        for at in range(0, m, width):
            n = min(width, m - at)
            fill(KINDS[kind], parts[0, at:], parts[1, at:], 5, 6, first + at, n, 7)
        np.testing.assert_array_equal(whole, parts)
    single_precision = np.empty((2, m), np.float32)
    fill(KINDS[kind], single_precision[0], single_precision[1], 5, 6, first, m, 7)
    np.testing.assert_array_equal(single_precision, whole.astype(np.float32))


def test_single_precision_uniform_numbers_stay_below_one():
    even, odd = np.empty((2, 3_000_000), np.float32)  # one in 2**25 would round to 1
    for pair in range(6):
        fill(0, even, odd, 1, 1, 0, even.size, pair)
        assert max(even.max(), odd.max()) < 1.0
        assert min(even.min(), odd.min()) > 0.0


def test_numbers_for_the_host():
    for function, kind in ((draws.uniforms, "uniform"), (draws.normals, "normal")):
        for step in (0, 1, 6, 7):
            expected = np.empty((2, 50))
            pairs(KINDS[kind], 3, 4, np.arange(50), np.full(50, step // 2), expected)
            np.testing.assert_array_equal(function(3, 4, 50, step), expected[step % 2])
        np.testing.assert_array_equal(function(3, 4, 50), function(3, 4, 80)[:50])
        assert function(3, 4, 0).shape == (0,)
        assert function(3, 4, 1).dtype == np.float64
        np.testing.assert_array_equal(function(-1, 4, 5), function(2**64 - 1, 4, 5))
        assert (function(3, 4, 50) != function(3, 5, 50)).all()


HOST = """
import hashlib, sys, numpy as np
from neurosim.codegen import store
from neurosim.simulator import draws
uniform, normal = draws.uniforms(77, 3, 40, 5), draws.normals(77, 3, 40, 4)
for values in (uniform, normal):
    print(hashlib.sha256(values.tobytes()).hexdigest())
"""
HITS = """
print(store.compiled, "numba" in sys.modules)
"""


def run(program, **environment):
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=dict(os.environ, **environment), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_without_compilation_the_bits_are_the_same():
    expected = (draws.uniforms(77, 3, 40, 5), draws.normals(77, 3, 40, 4))
    digests = [hashlib.sha256(values.tobytes()).hexdigest() for values in expected]
    assert run(HOST, NUMBA_DISABLE_JIT="1") == digests


def test_a_second_process_compiles_nothing_and_needs_no_numba(tmp_path):
    *first, made, numba = run(HOST + HITS, NEUROSIM_CACHE_DIR=str(tmp_path))
    assert (made, numba) == ("2", "True")
    *second, made, numba = run(HOST + HITS, NEUROSIM_CACHE_DIR=str(tmp_path))
    assert (made, numba) == ("0", "False")
    assert first == second


def vector_integers():
    return platform.machine().lower() in ("x86_64", "amd64") and bool(
        llvm.get_host_cpu_features().get("avx2")
    )


@pytest.mark.skipif(not vector_integers(), reason="looks for AVX2 instructions")
def test_loops_become_vector_code():
    @njit(error_model="numpy")
    def normal(even, odd, seed, m):
        random.fill_normal(even, odd, seed, 1, 0, m, 3)

    for dtype in (np.float64, np.float32):
        normal(np.empty(3, dtype), np.empty(3, dtype), 1, 3)
    for text in normal.inspect_asm().values():
        for instruction in ("vsqrtpd", "vpaddq", "vpsrlq", "vdivpd"):
            assert re.search(rf"\b{instruction}\b.*[yz]mm", text), instruction
