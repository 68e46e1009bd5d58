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
    sub_bits,
    unsigned,
    xor_bits,
)
from neurosim.kernels.vmath64 import log_positive, sin_cos_reduced

PARITY = np.uint64(0x1BD11BDAA9FC1A22)  # of the key schedule of Threefish
ONE_BITS = np.uint64(0x3FF0000000000000)
# Rotations. Numba compiles a function anew for each integer that is written out in a call of it, but not for these.
WIDTH = np.uint64(64)
R12, R16, R21, R24 = np.uint64(12), np.uint64(16), np.uint64(21), np.uint64(24)
R31, R32, R42 = np.uint64(31), np.uint64(32), np.uint64(42)

# Purposes, in bits 60 to 63 of the second counter word; the attempt of a rejection method in bits 48 to 59.
# 3 to 5 are those of neurosim.kernels.poisson, 8 to 12 those of neurosim.kernels.connect.
UNIFORM = np.uint64(0)
NORMAL = np.uint64(1 << 60)
EXPONENTIAL = np.uint64(2 << 60)

HALF_PI = math.pi / 2


# ---------------------------------------------------------------- Threefry-2x64


@kernel
def _rounds(x0, x1, a, b, c, d):
    """Four rounds with the given rotations."""
    x0 = add_bits(x0, x1)
    x1 = xor_bits(or_bits(shift_left(x1, a), shift_right(x1, sub_bits(WIDTH, a))), x0)
    x0 = add_bits(x0, x1)
    x1 = xor_bits(or_bits(shift_left(x1, b), shift_right(x1, sub_bits(WIDTH, b))), x0)
    x0 = add_bits(x0, x1)
    x1 = xor_bits(or_bits(shift_left(x1, c), shift_right(x1, sub_bits(WIDTH, c))), x0)
    x0 = add_bits(x0, x1)
    x1 = xor_bits(or_bits(shift_left(x1, d), shift_right(x1, sub_bits(WIDTH, d))), x0)
    return x0, x1


@kernel
def _twelve_rounds(key0, key1, key2, x0, x1):
    x0, x1 = _rounds(add_bits(x0, key0), add_bits(x1, key1), R16, R42, R12, R31)
    x0, x1 = _rounds(add_bits(x0, key1), add_bits(x1, add_bits(key2, 1)), R16, R32, R24, R21)
    x0, x1 = _rounds(add_bits(x0, key2), add_bits(x1, add_bits(key0, 2)), R16, R42, R12, R31)
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
    x0, x1 = _rounds(x0, x1, R16, R32, R24, R21)
    x0, x1 = _rounds(add_bits(x0, key1), add_bits(x1, add_bits(key2, 4)), R16, R42, R12, R31)
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


# ---------------------------------------------------------------- for the host


@entry
def uniform_numbers(first, n, seed, stream, pair, even, odd):
    """Fill even[:n] and odd[:n] as `fill_uniform` does."""
    fill_uniform(even, odd, seed, stream, first, n, pair)


@entry
def normal_numbers(first, n, seed, stream, pair, even, odd):
    """Fill even[:n] and odd[:n] as `fill_normal` does."""
    fill_normal(even, odd, seed, stream, first, n, pair)
