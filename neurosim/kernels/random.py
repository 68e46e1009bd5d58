"""Random numbers by counter: a value is a function of (seed, stream, neuron, step) and of nothing else.

No state is kept, so a value depends neither on threads nor on tiles nor on how a run is split, and any of
them can be had again. The generator is Threefry-2x64 with 13 rounds, the fewest its authors found to pass
BigCrush: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw 2011, Parallel random numbers: as easy as
1, 2, 3, doi:10.1145/2063384.2063405. It needs 64-bit additions, exclusive ors and rotations only: a loop over
neurons becomes vector code.

The key is (seed, stream), the counter (neuron, step). What a number is drawn for enters the top bits of the
step, so that a uniform and a normal number of the same stream are independent; steps must be below 2**48.
Uniform numbers lie on a grid of 2**52 points (k + 1/2) 2**-52: neither 0 nor 1 occurs.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim.kernels.jit import (
    add_bits,
    and_bits,
    array_kernel,
    bits_of,
    entry,
    float_of,
    kernel,
    minimum,
    or_bits,
    shift_left,
    shift_right,
    unsigned,
    xor_bits,
)
from neurosim.kernels.vmath64 import exp, log_positive, sin_cos_reduced

PARITY = np.uint64(0x1BD11BDAA9FC1A22)  # of the key schedule of Threefish
ONE_BITS = np.uint64(0x3FF0000000000000)

# Purposes, in bits 60 to 63 of the second counter word; the attempt of a rejection method in bits 48 to 59.
UNIFORM = np.uint64(0)
NORMAL = np.uint64(1 << 60)
EXPONENTIAL = np.uint64(2 << 60)
POISSON = np.uint64(3 << 60)
POISSON_LARGE = np.uint64(4 << 60)

HALF_PI = math.pi / 2


# ---------------------------------------------------------------- Threefry-2x64


@kernel
def _rounds(x0, x1, a, b, c, d):
    """Four rounds with the given rotations."""
    x0 = add_bits(x0, x1)
    x1 = xor_bits(or_bits(shift_left(x1, a), shift_right(x1, 64 - a)), x0)
    x0 = add_bits(x0, x1)
    x1 = xor_bits(or_bits(shift_left(x1, b), shift_right(x1, 64 - b)), x0)
    x0 = add_bits(x0, x1)
    x1 = xor_bits(or_bits(shift_left(x1, c), shift_right(x1, 64 - c)), x0)
    x0 = add_bits(x0, x1)
    x1 = xor_bits(or_bits(shift_left(x1, d), shift_right(x1, 64 - d)), x0)
    return x0, x1


@kernel
def _twelve_rounds(key0, key1, key2, x0, x1):
    x0, x1 = _rounds(add_bits(x0, key0), add_bits(x1, key1), 16, 42, 12, 31)
    x0, x1 = _rounds(add_bits(x0, key1), add_bits(x1, add_bits(key2, 1)), 16, 32, 24, 21)
    x0, x1 = _rounds(add_bits(x0, key2), add_bits(x1, add_bits(key0, 2)), 16, 42, 12, 31)
    return add_bits(x0, key0), add_bits(x1, add_bits(key1, 3))


@kernel
def threefry(key0, key1, counter0, counter1):
    """Threefry-2x64-13 of four uint64 words: two uint64 words."""
    key2 = xor_bits(xor_bits(PARITY, key0), key1)
    x0, x1 = _twelve_rounds(key0, key1, key2, counter0, counter1)
    x0 = add_bits(x0, x1)
    return x0, xor_bits(or_bits(shift_left(x1, 16), shift_right(x1, 48)), x0)


@kernel
def threefry20(key0, key1, counter0, counter1):
    """Threefry-2x64-20, the variant with a margin of safety, for comparison."""
    key2 = xor_bits(xor_bits(PARITY, key0), key1)
    x0, x1 = _twelve_rounds(key0, key1, key2, counter0, counter1)
    x0, x1 = _rounds(x0, x1, 16, 32, 24, 21)
    x0, x1 = _rounds(add_bits(x0, key1), add_bits(x1, add_bits(key2, 4)), 16, 42, 12, 31)
    return add_bits(x0, key2), add_bits(x1, add_bits(key0, 5))


@kernel
def _words(seed, stream, neuron, step, purpose):
    return threefry(unsigned(seed), unsigned(stream), unsigned(neuron), or_bits(unsigned(step), purpose))


@kernel
def _centred(word):
    """Uniform on [-1/2, 1/2) in steps of 2**-52, by 52 bits written into a mantissa."""
    return float_of(or_bits(shift_right(word, 12), ONE_BITS)) - 1.5


@kernel
def _uniform(word):
    """Uniform on (0, 1), half a step above a multiple of 2**-52."""
    return float_of(or_bits(shift_right(word, 12), ONE_BITS)) - (1.0 - 2.0**-53)


# ---------------------------------------------------------------- pairs of numbers


@kernel
def uniform_pair(seed, stream, neuron, step):
    """Two independent numbers uniform on the open interval (0, 1), in steps of 2**-52."""
    word0, word1 = _words(seed, stream, neuron, step, UNIFORM)
    return _uniform(word0), _uniform(word1)


@kernel
def exponential_pair(seed, stream, neuron, step):
    """Two independent exponential numbers of mean 1, -log u; at most 36.7."""
    word0, word1 = _words(seed, stream, neuron, step, EXPONENTIAL)
    return -log_positive(_uniform(word0)), -log_positive(_uniform(word1))


@kernel
def normal_pair(seed, stream, neuron, step):
    """Two independent standard normal numbers R cos A and R sin A, R = sqrt(-2 log u); at most 8.6.

    G. E. P. Box and M. E. Muller 1958, doi:10.1214/aoms/1177706645. The angle is drawn in three
    parts: within 45 degrees of an axis, which axis, and the sign of R. So it needs no reduction.
    """
    word0, word1 = _words(seed, stream, neuron, step, NORMAL)
    radius = math.sqrt(-2.0 * log_positive(_uniform(word0)))
    sine, cosine = sin_cos_reduced(_centred(word1) * HALF_PI)
    # The low 12 bits of word1 are not part of the angle.
    radius = float_of(xor_bits(bits_of(radius), shift_left(and_bits(word1, 1), 63)))
    swap = and_bits(word1, 2) != 0
    first = sine if swap else cosine
    second = cosine if swap else sine
    return radius * first, radius * second


# ---------------------------------------------------------------- Poisson numbers

POISSON_SMALL = 10.0
POISSON_NEGLIGIBLE = 1e-18  # a term below half the spacing of the uniform numbers
STIRLING_FROM = 16.0


@kernel
def _log_poisson(k, lam):
    """log of lam**k e**-lam / k! without the cancellation of its terms.

    k! by Stirling's series; with x = k / lam - 1, k log(lam / k) + k - lam = -lam ((1 + x) log(1 + x) - x).
    C. Loader 2000, Fast and accurate computation of binomial probabilities.
    """
    if k < STIRLING_FROM:
        return k * math.log(lam) - lam - math.lgamma(k + 1.0)
    x = (k - lam) / lam
    square = 1.0 / (k * k)
    series = (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - square / 1680.0) * square) * square) / k
    return -lam * ((1.0 + x) * math.log1p(x) - x) - series - 0.5 * math.log(2.0 * math.pi * k)


@array_kernel
def _poisson_large(lam, seed, stream, neuron, step):
    """Poisson number of mean lam >= 10 by transformed rejection, algorithm PTRS.

    W. Hoermann 1993, doi:10.1016/0167-6687(93)90997-4. Each attempt is a counter of its own.
    """
    b = 0.931 + 2.53 * math.sqrt(lam)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    inside = 0.9277 - 3.6224 / (b - 2.0)
    k = math.floor(lam)
    for attempt in range(4096):
        purpose = or_bits(POISSON_LARGE, shift_left(unsigned(attempt), 48))
        word0, word1 = _words(seed, stream, neuron, step, purpose)
        u, v = _centred(word0), _uniform(word1)
        margin = 0.5 - abs(u)  # may be 0: k is then negative
        k = np.floor((2.0 * a / margin + b) * u + lam + 0.43)
        if margin >= 0.07 and v <= inside:
            break
        if k < 0.0 or (margin < 0.013 and v > margin):
            continue
        if math.log(v * inverse_alpha / (a / (margin * margin) + b)) <= _log_poisson(k, lam):
            break
    return k


@array_kernel
def poisson(lam, seed, stream, neuron, step):
    """Poisson number of mean lam, a float64 without fraction; NaN if lam is negative or NaN.

    lam < 10: inversion, the number of partial sums of the distribution below a uniform number (exact to the
    grid of 2**-52). Otherwise transformed rejection.
    """
    lam = np.float64(lam)
    if not lam >= 0.0:
        return math.nan
    if lam == math.inf:
        return math.inf
    if lam >= POISSON_SMALL:
        return _poisson_large(lam, seed, stream, neuron, step)
    number = unsigned(neuron)  # the neurons 2 j and 2 j + 1 share a pair of words
    word0, word1 = _words(seed, stream, shift_right(number, 1), step, POISSON)
    u = _uniform(word1 if and_bits(number, 1) != 0 else word0)
    term = exp(-lam)
    total = term
    k = 0.0
    while u > total and term > POISSON_NEGLIGIBLE:
        k += 1.0
        term *= lam * (1.0 / k)
        total += term
    return k


# ---------------------------------------------------------------- arrays


@array_kernel
def fill_uniform(even, odd, seed, stream, first, m, pair):
    """Fill even[:m] and odd[:m] with uniform numbers of the neurons first ... first + m - 1.

    even, odd: float64 or float32, at least m long; even is for step 2 pair, odd for step 2 pair + 1.
    """
    # Rounding to float32 must not give 1.
    largest = 1.0 - 2.0**-24 if even.itemsize == 4 else 1.0 - 2.0**-53
    for i in range(m):
        u0, u1 = uniform_pair(seed, stream, first + i, pair)
        even[i] = minimum(u0, largest)
        odd[i] = minimum(u1, largest)


@array_kernel
def fill_normal(even, odd, seed, stream, first, m, pair):
    """Fill even[:m] and odd[:m] with standard normal numbers of the neurons first ... first + m - 1.

    even, odd: float64 or float32, at least m long; even is for step 2 pair, odd for step 2 pair + 1.
    """
    for i in range(m):
        n0, n1 = normal_pair(seed, stream, first + i, pair)
        even[i] = n0
        odd[i] = n1


LANES = 64
#: length of the scratch array of fill_poisson
WORK = 5 * LANES + 2


@kernel
def _poisson_uniforms(u, seed, stream, first, m, step):
    """The uniform numbers that poisson inverts, for m >= 1 lanes: a view of u, two longer than m.

    Two neurons share a call of the generator, and the first and the last may need only one half of theirs.
    """
    start = first // 2
    for j in range((first + m + 1) // 2 - start):
        word0, word1 = _words(seed, stream, start + j, step, POISSON)
        u[2 * j] = _uniform(word0)
        u[2 * j + 1] = _uniform(word1)
    return u[first - 2 * start :]


@kernel
def _invert_shared(count, u, lam, m):
    """poisson's inversion for one lam < 10 and m lanes at once."""
    term = exp(-lam)
    total = term
    k = 0.0
    for i in range(m):
        count[i] = 0.0
    while term > POISSON_NEGLIGIBLE:
        above = 0
        for i in range(m):
            more = u[i] > total
            count[i] += 1.0 if more else 0.0
            above += 1 if more else 0
        if above == 0:
            break
        k += 1.0
        term *= lam * (1.0 / k)
        total += term


@kernel
def _invert_each(count, u, lam, start, m, rate, term, total):
    """poisson's inversion for m lanes, each with its own lam; lanes with lam >= 10 are left for later."""
    for i in range(m):
        rate[i] = lam[start + i]
    for i in range(m):
        term[i] = exp(-rate[i])
        total[i] = term[i]
        count[i] = 0.0
    k = 0.0
    above = 1
    while above > 0:
        above = 0
        k += 1.0
        reciprocal = 1.0 / k
        for i in range(m):
            more = (u[i] > total[i]) & (term[i] > POISSON_NEGLIGIBLE) & (rate[i] < POISSON_SMALL)
            count[i] += 1.0 if more else 0.0
            above += 1 if more else 0
            term[i] *= rate[i] * reciprocal
            total[i] += term[i]


@array_kernel
def fill_poisson(out, lam, seed, stream, first, m, step, work):
    """Fill out[:m] with Poisson numbers of the neurons first ... first + m - 1.

    out: float64 or float32, at least m long. lam: expected number, one for all (length 1) or one for each
    (length m); a negative or NaN lam gives NaN. Each number is that of poisson(lam, seed, stream, neuron,
    step) and does not change with the length of lam. work: float64, WORK long; nothing is allocated here, so that
    compiled code needs no memory manager.
    """
    scratch, count = work[: LANES + 2], work[LANES + 2 : 2 * LANES + 2]
    shared = lam.size == 1
    rate = np.float64(lam[0]) if m > 0 else 0.0
    large = shared and not 0.0 <= rate < POISSON_SMALL
    for start in range(0, m, LANES):
        lanes = min(LANES, m - start)
        if not large:
            u = _poisson_uniforms(scratch, seed, stream, first + start, lanes, step)
            if shared:
                _invert_shared(count, u, rate, lanes)
            else:
                _invert_each(count, u, lam, start, lanes, work[130:194], work[194:258], work[258:322])
            for i in range(lanes):
                out[start + i] = count[i]
        if large or not shared:
            for i in range(start, start + lanes):
                rate = np.float64(lam[0 if shared else i])
                if not 0.0 <= rate < POISSON_SMALL:
                    out[i] = poisson(rate, seed, stream, first + i, step)


# ---------------------------------------------------------------- for the host


@entry
def _fill_uniform(even, odd, seed, stream, pair):
    fill_uniform(even, odd, seed, stream, 0, even.size, pair)


@entry
def _fill_normal(even, odd, seed, stream, pair):
    fill_normal(even, odd, seed, stream, 0, even.size, pair)


def _draw(fill, seed: int, stream: int, n: int, step: int) -> np.ndarray:
    even, odd = np.empty(n), np.empty(n)
    mask = 2**64 - 1
    fill(even, odd, np.uint64(int(seed) & mask), np.uint64(int(stream) & mask), int(step) >> 1)
    return odd if int(step) & 1 else even


def uniforms(seed: int, stream: int, n: int, step: int = 0) -> np.ndarray:
    """Uniform numbers on the open interval (0, 1) of the neurons 0 ... n - 1 at a step: (n,) float64."""
    return _draw(_fill_uniform, seed, stream, n, step)


def normals(seed: int, stream: int, n: int, step: int = 0) -> np.ndarray:
    """Standard normal numbers of the neurons 0 ... n - 1 at a step: (n,) float64."""
    return _draw(_fill_normal, seed, stream, n, step)
