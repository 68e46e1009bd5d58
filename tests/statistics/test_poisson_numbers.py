"""Counter-based Poisson numbers: their law, their independence, and one value however it is asked for.

Seeds are fixed, so each outcome is too; ALARM is the probability with which a correct generator would have failed a single
test of significance had its seed been drawn. There are about 200: one false alarm in 500.
"""

import hashlib
import math
import os
import platform
import re
import subprocess
import sys

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from numba import njit
from scipy import stats

from neurosim.kernels import poisson as kernels
from neurosim.kernels import random
from neurosim.simulator import draws

ALARM = 1e-5
SIGMAS = stats.norm.isf(ALARM / 2)


@njit(error_model="numpy")
def single(lam, seed, stream, neuron, step, out):
    for i in range(neuron.size):
        out[i] = kernels.poisson(lam, seed, stream, neuron[i], step[i])


@njit(error_model="numpy")
def filled(out, lam, seed, stream, first, m, step, work):
    kernels.fill_poisson(out, lam, seed, stream, first, m, step, work)


def fill(out, lam, seed, stream, first, m, step, work=None):
    work = np.zeros(kernels.WORK) if work is None else work
    filled(out, np.asarray(lam), seed, stream, first, m, step, work)
    return out


def singles(lam, seed, stream, first, m, step):
    out = np.empty(m)
    single(lam, seed, stream, first + np.arange(m), np.full(m, step), out)
    return out


def chisquare_poisson(counts, lam):
    """p value of the counts against the distribution, in at most some 60 cells that expect 20 or more."""
    n, edges, below = counts.size, [], 0.0
    candidates = np.unique(stats.poisson.ppf([*np.linspace(0.0, 1.0, 61)[1:-1], 1 - 300 / n, 1 - 20 / n], lam))
    for edge in candidates:
        upto, above = stats.poisson.cdf(edge, lam), stats.poisson.sf(edge, lam)
        if n * (upto - below) >= 20 and n * above >= 20:
            edges.append(edge)
            below = upto
    expected = n * np.diff([0.0, *stats.poisson.cdf(edges, lam), 1.0])
    observed = np.bincount(np.searchsorted(edges, counts), minlength=expected.size)
    assert expected.size >= 2
    return stats.chisquare(observed, expected).pvalue


LAMBDAS = (1e-3, 0.01, 0.1, 0.7, 1.0, 2.0, 5.0, 9.9, 10.0, 16.5, 29.99, 30.0, 50.0, 150.0, 1000.0)


def has_law(counts, lam):
    n = counts.size
    assert (counts == np.floor(counts)).all() and counts.min() >= 0
    assert chisquare_poisson(counts, lam) > ALARM
    assert abs(counts.mean() - lam) < SIGMAS * math.sqrt(lam / n)
    # the sample variance has variance (mu4 - mu2**2) / n = (lam + 2 lam**2) / n
    assert abs(counts.var() - lam) < SIGMAS * math.sqrt((lam + 2 * lam**2) / n)


@pytest.mark.parametrize("lam", LAMBDAS)
def test_distribution(lam):
    n = 200_000
    has_law(fill(np.empty(n), [lam], 41, 2, 0, n, 9), lam)
    along_steps = np.empty(n)
    single(lam, 41, 2, np.full(n, 6), np.arange(n), along_steps)
    has_law(along_steps, lam)


@pytest.mark.parametrize("lam", [1e-3, 2.0, 20.0])
def test_tail_beyond_the_first_sixteen_bits(lam):
    """Counts that fewer than one cell of 2**16 holds, and smaller ones, are as frequent as they should be."""
    n, blocks = 2_000_000, 8
    counts = np.concatenate([fill(np.empty(n), [lam], 43, 1, 0, n, step) for step in range(blocks)])
    for level in (1e-4, 2.0**-16, 2e-6):
        k = stats.poisson.isf(level, lam)
        for edge in (k, k + 1):
            beyond = int((counts > edge).sum())
            assert stats.binomtest(beyond, counts.size, stats.poisson.sf(edge, lam)).pvalue > ALARM


def test_steps_of_the_distribution_are_exact():
    """A number changes where 2**16 F_k lies: neurons whose cell is open, against sums with 30 digits."""
    lam, n = 2.0, 400_000
    counts = fill(np.empty(n), [lam], 44, 0, 0, n, 3)
    cells, rests = np.empty(n), np.empty(n)

    @njit(error_model="numpy")
    def parts(cells, rests):
        for i in range(cells.size):
            u = np.uint64(i)
            call = (u >> np.uint64(6)) * np.uint64(8) + ((u >> np.uint64(2)) & np.uint64(7))
            words = random._words(44, 0, call, 3, kernels.POISSON)
            word = words[1] if u & np.uint64(32) else words[0]
            cells[i] = ((word >> (np.uint64(16) * (u & np.uint64(3)))) ^ np.uint64(0x8000)) & np.uint64(0xFFFF)
            rests[i] = random._uniform(random._words(44, 0, u, 3, kernels.POISSON_REST)[0])

    parts(cells, rests)
    with mpmath.workdps(30):
        terms = [mpmath.exp(-lam) * mpmath.mpf(lam) ** k / mpmath.factorial(k) for k in range(25)]
        sums = [65536 * mpmath.fsum(terms[: k + 1]) for k in range(25)]
        open_ = np.isin(cells, [int(s) for s in sums if s < 65536])
        assert 40 < open_.sum() < 200  # 12 cells of 65536 hold steps: 73 are expected
        for i in np.flatnonzero(open_):
            assert counts[i] == sum(s < mpmath.mpf(cells[i]) + mpmath.mpf(rests[i]) for s in sums)
    whole = np.searchsorted([float(s) for s in sums], cells + 0.5)
    np.testing.assert_array_equal(counts[~open_], whole[~open_])


@pytest.mark.parametrize("lam", [1e5, 1e9, 1e12])
def test_large_numbers(lam):
    n = 100_000
    counts = fill(np.empty(n), [lam], 42, 0, 0, n, 0)
    # skewness 1 / sqrt(lam) moves the distribution function by 0.07 / sqrt(lam), far below 1 / sqrt(n)
    z = (counts + stats.uniform.rvs(-0.5, 1, n, random_state=1) - lam) / math.sqrt(lam)
    assert stats.kstest(z, stats.norm.cdf).pvalue > ALARM


def test_log_of_the_distribution():
    @njit
    def compiled(k, lam):
        return kernels._log_poisson(k, lam)

    for lam in (10.0, 33.3, 1000.0, 1e6):
        for k in {0.0, 1.0, 15.0, 16.0, 17.0, *np.floor(lam + np.sqrt(lam) * np.arange(-3.0, 6.0))}:
            if k >= 0:
                assert compiled(k, lam) == pytest.approx(stats.poisson.logpmf(k, lam), rel=1e-9, abs=1e-9)


def test_steps_fit_their_table():
    # so many sums lie below the last of 2**16 cells
    assert stats.poisson.isf(2.0**-16, kernels.LARGE) + 1 <= kernels.STEPS
    assert kernels.LARGE > 0 and kernels.STEPS % 4 == 0


def test_of_zero_and_of_no_number():
    lam = np.array([0.0, -0.0, -1.0, math.nan, math.inf, 5e-324, -1e-60])
    each = [0, 0, math.nan, math.nan, math.inf, 0, math.nan]
    np.testing.assert_array_equal(fill(np.empty(7), lam, 1, 1, 0, 7, 0), each)
    for value, expected in zip(lam, each):
        np.testing.assert_array_equal(fill(np.empty(70), np.full(70, value), 1, 1, 0, 70, 0), np.full(70, expected))
        np.testing.assert_array_equal(fill(np.empty(70), [value], 1, 1, 0, 70, 0), np.full(70, expected))
    fill(np.empty(1), [1.0], 1, 1, 0, 0, 0)
    fill(np.empty(1), np.empty(0), 1, 1, 0, 0, 0)


# ---------------------------------------------------------------- independence


def correlation_is_chance(a, b):
    return abs(np.corrcoef(a, b)[0, 1]) < SIGMAS / math.sqrt(a.size)


@pytest.mark.parametrize("lam", [0.1, 2.0, 9.9])
def test_neighbours_steps_streams_and_seeds_are_independent(lam):
    n = 200_000

    def draw(seed, stream, step):
        return fill(np.empty(n), [lam], seed, stream, 0, n, step)

    base = draw(21, 4, 7)
    # 1: the next piece of a word; 4: the next call; 8; 32: the other word of a call; 64: the next eight calls
    others = [np.roll(base, shift) for shift in (1, 2, 3, 4, 8, 32, 64)]
    others += [draw(21, 4, 8), draw(21, 4, 6), draw(22, 4, 7), draw(21, 5, 7), draw(4, 21, 7), draw(-21, 4, 7)]
    others += [draw(21 + 2**32, 4, 7), draw(21, 4 + 2**32, 7)]
    for other in others:
        assert correlation_is_chance(base, other)
        assert correlation_is_chance(base == 0, other == 0)


def test_independent_of_the_other_numbers_of_a_stream():
    n = 200_000
    counts = fill(np.empty(n), [3.0], 23, 0, 0, n, 5)
    for other in (draws.uniforms(23, 0, n, 10), draws.uniforms(23, 0, n, 11), draws.normals(23, 0, n, 10)):
        assert correlation_is_chance(counts, other)


# ---------------------------------------------------------------- one value


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("first", [0, 1, 61, 64, 2**40 + 3])
def test_arrays_equal_single_numbers(dtype, first):
    m = 151
    rng = np.random.default_rng(5)
    lam = np.where(rng.random(m) < 0.2, rng.uniform(30, 60, m), rng.uniform(0, 10, m)).astype(dtype)
    each = fill(np.empty(m, dtype), lam, 7, 8, first, m, 9)
    for i in range(m):
        assert each[i] == singles(float(lam[i]), 7, 8, first + i, 1, 9)[0]


@pytest.mark.parametrize("lam", [1e-12, 1e-3, 0.3, 2.0, 8.0, 10.0, 29.5, np.nextafter(30.0, 0.0), 30.0, 45.0])
def test_one_lam_or_one_for_each_gives_the_same_numbers(lam):
    """20,000 numbers, so that cells without a decision occur; 29.999... is the last lam that float32 makes 30."""
    m = 20_000
    shared = fill(np.empty(m), [lam], 7, 8, 3, m, 9)
    np.testing.assert_array_equal(shared, fill(np.empty(m), np.full(m, lam), 7, 8, 3, m, 9))
    np.testing.assert_array_equal(shared, singles(lam, 7, 8, 3, m, 9))
    # a lam of its own next to quite different ones
    mixed = np.where(np.arange(m) % 3 == 0, lam, np.random.default_rng(1).uniform(0, 30, m))
    found = fill(np.empty(m), mixed, 7, 8, 3, m, 9)
    np.testing.assert_array_equal(found[::3], shared[::3])


def test_what_the_scratch_array_keeps_does_not_matter():
    work, m = np.zeros(kernels.WORK), 70
    rng = np.random.default_rng(2)
    for step in range(300):
        lam, stream = [float(rng.choice([0.0, 0.5, 2.0, 9.0, 25.0, 40.0]))], int(rng.integers(6))
        kept = fill(np.empty(m), lam, 5, stream, 0, m, step, work)
        np.testing.assert_array_equal(kept, fill(np.empty(m), lam, 5, stream, 0, m, step))
        if step % 5 == 0:
            fill(np.empty(m), rng.uniform(0, 12, m), 5, stream, 0, m, step, work)


def test_arrays_do_not_depend_on_how_they_are_split():
    m = 333
    for lam in (np.array([2.5]), np.array([35.0]), np.random.default_rng(3).uniform(0, 40, m)):
        whole = fill(np.empty(m), lam, 5, 6, 11, m, 7)
        for width in (1, 2, 3, 5, 8, 64, 100):
            parts = np.empty(m)
            for at in range(0, m, width):
                n = min(width, m - at)
                fill(parts[at : at + n], lam if lam.size == 1 else lam[at : at + n], 5, 6, 11 + at, n, 7)
            np.testing.assert_array_equal(whole, parts)


def test_nothing_is_written_past_the_end():
    for first, m in ((0, 1), (5, 3), (60, 70), (0, 64)):
        for lam in ([2.0], np.linspace(0, 40, m)):
            out, work = np.full(m + 64, -1.0), np.full(kernels.WORK + 64, -1.0)
            work[: kernels.WORK] = 0
            fill(out, lam, 5, 6, first, m, 7, work)
            assert (out[m:] == -1).all() and (out[:m] >= 0).all()
            assert (work[kernels.WORK :] == -1).all()


LAMS = ([0.5], [7.0], [20.0], [40.0], np.linspace(0, 40, 300), np.full(300, 2.0))
COUNTS = """
import hashlib, numpy as np
from neurosim.kernels import poisson
counts, work = np.empty((6, 300)), np.zeros(poisson.WORK)
for row, lam in zip(counts, ([0.5], [7.0], [20.0], [40.0], np.linspace(0, 40, 300), np.full(300, 2.0))):
    poisson.fill_poisson(row, np.array(lam, float), -5, 3, 1, 300, 2, work)
print(hashlib.sha256(counts.tobytes()).hexdigest())
"""


def test_without_compilation_the_bits_are_the_same():
    counts = np.empty((6, 300))
    for row, lam in zip(counts, LAMS):
        fill(row, lam, -5, 3, 1, 300, 2)
    command = [sys.executable, "-W", "error", "-c", COUNTS]
    done = subprocess.run(command, env=dict(os.environ, NUMBA_DISABLE_JIT="1"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [hashlib.sha256(counts.tobytes()).hexdigest()]


def vector_integers():
    return platform.machine().lower() in ("x86_64", "amd64") and bool(llvm.get_host_cpu_features().get("avx2"))


@pytest.mark.skipif(not vector_integers(), reason="looks for AVX2 instructions")
def test_loops_become_vector_code():
    # compared 16 at a time, drawn 4 at a time, in float32 8 at a time
    fill(np.empty(3), [1.0], 1, 1, 0, 3, 0)
    for text in filled.inspect_asm().values():
        for instruction in ("vpcmpgtw", "vpcmpeqw", "vpaddq", "vmulps", "vcmpltps"):
            assert re.search(rf"\b{instruction}\b.*[yz]mm", text), instruction
