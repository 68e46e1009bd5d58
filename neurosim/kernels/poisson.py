"""Poisson numbers by counter: a count is a function of (lam, seed, stream, neuron, step) and of nothing else.

lam < 30: inversion. A number U = (c + r) / 2**16, uniform on (0, 1), has an integer c of 16 bits and a fraction r of 52 bits,
and the count is the number of k with

    F_k = sum_{j <= k} e**-lam lam**j / j! < U,   that is 2**16 F_k < c   or   2**16 F_k - c < r.

c alone decides unless some 2**16 F_k lies in the cell from c to c + 1: so for about one in 5000 numbers r must be drawn, and
the others take 16 bits each. One call of Threefry gives eight of them, and vector code compares 16 at a time. The law is
exact to the rounding of F_k, some units of 2**-53; nothing is cut off at 2**-16.
lam >= 30: transformed rejection.

64 neurons, from a multiple of 64 on, share eight calls of the generator, whose counters are neuron // 8 of the first: the
first words of all calls, then the second ones, hold four c each, from the low bits to the high ones. Of each c the top bit is
inverted, which makes it a signed integer c - 2**15. r is the first word of a call of its own, with the counter (neuron, step).
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from neurosim.kernels import vmath32
from neurosim.kernels.jit import (
    DISABLED,
    and_bits,
    array_kernel,
    kernel,
    or_bits,
    shift_left,
    shift_right,
    unsigned,
    xor_bits,
)
from neurosim.kernels.random import _centred, _uniform, _words
from neurosim.kernels.vmath64 import exp

# Purposes, as those in neurosim.kernels.random
POISSON = np.uint64(3 << 60)
POISSON_LARGE = np.uint64(4 << 60)
POISSON_REST = np.uint64(5 << 60)

LARGE = 30.0  # from here on by rejection
CELLS = 65536.0
LAST = 65535.0
HALF = 32768
TOP = np.uint64(HALF)
LAST_PIECE = np.uint64(65535)
NEGLIGIBLE = 2.0**-44  # a part of 2**16 that is below half the spacing of numbers near it

STIRLING_FROM = 16.0

LANES = 64
FEW = 1  # so many numbers are had sooner one by one
SLOTS = 4
STEPS = 64  # steps of the distribution below 1 - 2**-16; 56 for lam = 30

# Places in the scratch array, in float64. It serves as an array of several types: see _access.
PIECES = 0
COUNTS = 16
UNSURE = 32
TABLES = 48
TABLE = 2 + STEPS // 4  # lam, number of steps, steps
RATES = TABLES + SLOTS * TABLE
TERMS = RATES + 32
TOTALS = TERMS + 32
CELL = TOTALS + 32
LOWS = CELL + 32
HIGHS = LOWS + 32
#: length of the scratch array of fill_poisson
WORK = HIGHS + 32


# ---------------------------------------------------------------- scratch


def _access(dtype):
    """Functions that read and write a float64 array as if it were of another type, for indices that are in it.

    Slices and views would do, but their bounds are clipped when they run: LLVM could not see that they do not overlap.
    """
    if DISABLED:

        def load(work, i):
            return work.view(dtype)[i]

        def store(work, i, value):
            work.view(dtype)[i] = value

        return load, store

    number = from_dtype(np.dtype(dtype))
    machine = ir.FloatType() if dtype is np.float32 else ir.IntType(number.bitwidth)

    def place(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.gep(builder.bitcast(array.data, machine.as_pointer()), [arguments[1]])

    @intrinsic
    def load(typingctx, work, i):
        def generate(context, builder, signature, arguments):
            return builder.load(place(context, builder, signature, arguments))

        return number(work, types.intp), generate

    @intrinsic
    def store(typingctx, work, i, value):
        def generate(context, builder, signature, arguments):
            builder.store(arguments[2], place(context, builder, signature, arguments))
            return context.get_dummy_value()

        return types.void(work, types.intp, number), generate

    return load, store


_load16, _store16 = _access(np.int16)
_load32, _store32 = _access(np.int32)
_load64, _store64 = _access(np.uint64)
_loadf, _storef = _access(np.float32)


# ---------------------------------------------------------------- single numbers


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
    """Poisson number of mean lam >= 10 (here 30) by transformed rejection, algorithm PTRS.

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
    """Poisson number of mean lam, a float64 without fraction; NaN if lam is negative or NaN, infinite if lam is."""
    lam, neuron = np.float64(lam), unsigned(neuron)
    if not lam >= 0.0:
        return math.nan
    if lam == math.inf:
        return math.inf
    if lam >= LARGE:
        return _poisson_large(lam, seed, stream, neuron, step)
    call = or_bits(shift_left(shift_right(neuron, 6), 3), and_bits(shift_right(neuron, 2), 7))
    word0, word1 = _words(seed, stream, call, step, POISSON)
    word = word1 if and_bits(neuron, 32) != 0 else word0
    piece = and_bits(shift_right(word, shift_left(and_bits(neuron, 3), 4)), LAST_PIECE)
    c = float(xor_bits(piece, TOP))
    rest = 0.0
    term = CELLS * exp(-lam)
    total = term
    k = 0.0
    while total < c + 1.0 and term > NEGLIGIBLE:
        if total > c:
            if rest == 0.0:
                rest = _uniform(_words(seed, stream, neuron, step, POISSON_REST)[0])
            if rest <= total - c:  # the difference is exact
                break
        k += 1.0
        term *= lam * (1.0 / k)
        total += term
    return k


# ---------------------------------------------------------------- arrays


@kernel
def _table(work, lam, slot):
    """Steps floor(2**16 F_k) - 2**15 of the distribution for lam < 30: where they are, and how many, a multiple of 4."""
    at = TABLES + TABLE * slot
    steps = 4 * (at + 2)
    if work[at] != lam:
        work[at] = lam
        n = 0
        term = CELLS * exp(-lam)
        total = term
        while total < LAST and n < STEPS:
            _store16(work, steps + n, np.int16(math.floor(total) - HALF))
            n += 1
            term *= lam * (1.0 / n)
            total += term
        while n % 4 != 0:
            _store16(work, steps + n, np.int16(HALF - 1))
            n += 1
        work[at + 1] = n
    return steps, int(work[at + 1])


@kernel
def _count_shared(work, steps, n):
    """Counts of 64 neurons of one lam, but for those that are marked unsure; whether there are any of these."""
    for i in range(LANES):
        _store16(work, 4 * COUNTS + i, np.int16(0))
        # the last cell has all further steps
        _store16(work, 4 * UNSURE + i, np.int16(1 if _load16(work, 4 * PIECES + i) == HALF - 1 else 0))
    for k in range(0, n, 4):
        a, b = _load16(work, steps + k), _load16(work, steps + k + 1)
        c, d = _load16(work, steps + k + 2), _load16(work, steps + k + 3)
        for i in range(LANES):
            v = _load16(work, 4 * PIECES + i)
            more = (1 if v > a else 0) + (1 if v > b else 0) + (1 if v > c else 0) + (1 if v > d else 0)
            same = (1 if v == a else 0) | (1 if v == b else 0) | (1 if v == c else 0) | (1 if v == d else 0)
            _store16(work, 4 * COUNTS + i, np.int16(_load16(work, 4 * COUNTS + i) + more))
            _store16(work, 4 * UNSURE + i, np.int16(_load16(work, 4 * UNSURE + i) | same))
    unsure = np.uint64(0)
    for i in range(LANES // 4):
        unsure = or_bits(unsure, _load64(work, UNSURE + i))
    return unsure != 0


@kernel
def _count_each(work, lam, at, low, lanes, width):
    """Counts of the neurons low ... low + lanes - 1 of 64, each with its own lam, but for those that are marked unsure.

    In float32 the sums 2**16 F_k of lam < 30 are wrong by less than 1: rounding lam moves them by 2**16 lam 2**-24, exp by
    1.5 2**16 2**-23, the three roundings of each term by at most 3 lam 2**16 2**-24, and those of 60 sums by 60 2**16 2**-25,
    0.6 in all. So a neuron with c - 1 > 2**16 F_k counts k, and one with c + 2 <= 2**16 F_k does not.
    """
    for i in range(width):
        _storef(work, 2 * RATES + i, np.float32(0.0))
    for i in range(lanes):
        # outside or not is seen before lam is rounded
        own = np.float64(lam[unsigned(at + i)])
        _storef(work, 2 * RATES + low + i, np.float32(own if (own >= 0.0) & (own < LARGE) else -1.0))
    for i in range(width):
        rate = _loadf(work, 2 * RATES + i)
        inside = rate >= np.float32(0.0)
        rate = rate if inside else np.float32(0.0)
        term = vmath32.exp(-rate) * np.float32(CELLS)
        _storef(work, 2 * RATES + i, rate)
        _storef(work, 2 * TERMS + i, term)
        _storef(work, 2 * TOTALS + i, term)
        _storef(work, 2 * CELL + i, np.float32(_load16(work, 4 * PIECES + i)) + np.float32(HALF))
        _store32(work, 2 * LOWS + i, np.int32(0))
        _store32(work, 2 * HIGHS + i, np.int32(0 if inside else 1))
    k = 0
    above = np.int32(1)
    while above != 0:
        above = np.int32(0)
        k += 1
        reciprocal = np.float32(1.0 / k)
        for i in range(width):
            c, total = _loadf(work, 2 * CELL + i), _loadf(work, 2 * TOTALS + i)
            more = np.int32(1 if c - np.float32(1.0) > total else 0)
            most = np.int32(1 if c + np.float32(2.0) > total else 0)
            above = or_bits(above, more)
            _store32(work, 2 * LOWS + i, np.int32(_load32(work, 2 * LOWS + i) + more))
            _store32(work, 2 * HIGHS + i, np.int32(_load32(work, 2 * HIGHS + i) + most))
            term = _loadf(work, 2 * TERMS + i) * (_loadf(work, 2 * RATES + i) * reciprocal)
            _storef(work, 2 * TERMS + i, term)
            _storef(work, 2 * TOTALS + i, total + term)
    unsure = np.int32(0)
    for i in range(width):
        number, highest = _load32(work, 2 * LOWS + i), _load32(work, 2 * HIGHS + i)
        _store16(work, 4 * COUNTS + i, np.int16(number))
        open_ = np.int16(1 if number != highest else 0)
        _store16(work, 4 * UNSURE + i, open_)
        unsure = or_bits(unsure, np.int32(open_))
    return unsure != 0


@array_kernel
def fill_poisson(out, lam, seed, stream, first, m, step, work):
    """Fill out[:m] with Poisson numbers of the neurons first ... first + m - 1.

    out: float64 or float32, at least m long. lam: expected number, one for all (length 1) or one for each (length m); a
    negative or NaN lam gives NaN. Each number is that of poisson(lam, seed, stream, neuron, step) and does not change with the
    length of lam. work: float64, WORK long, zeros before the first call. It keeps what depends on lam alone, for the next
    step; nothing is allocated here, so that compiled code needs no memory manager.
    """
    shared = lam.size == 1
    rate = np.float64(lam[0]) if m > 0 else 0.0
    one_by_one = shared and not 0.0 <= rate < LARGE
    ahead = int(and_bits(unsigned(first), LANES - 1))
    for block in range((ahead + m + LANES - 1) // LANES):
        start = max(0, block * LANES - ahead)
        low = ahead + start - block * LANES
        lanes = min(LANES - low, m - start)
        neuron = unsigned(first + start)
        unsure = True
        if lanes > FEW and not one_by_one:
            # of 8, were it a constant, LLVM would unroll the loop and see no vectors in it
            calls = min(8, (low + lanes + 3) // 4)
            counter = shift_left(shift_right(neuron, 6), 3)
            for call in range(calls):
                word0, word1 = _words(seed, stream, counter + unsigned(call), step, POISSON)
                _store64(work, PIECES + call, word0)
                _store64(work, PIECES + 8 + call, word1)
            if shared:
                steps, n = _table(work, rate, int(and_bits(unsigned(stream), SLOTS - 1)))
                unsure = _count_shared(work, steps, n)
            else:
                unsure = _count_each(work, lam, start, low, lanes, (low + lanes + 7) // 8 * 8)
            for i in range(lanes):
                # an index that may be negative would be looked at in every lane
                out[unsigned(start + i)] = _load16(work, 4 * COUNTS + low + i)
        if unsure:
            for i in range(lanes):
                if lanes <= FEW or one_by_one or _load16(work, 4 * UNSURE + low + i) != 0:
                    own = np.float64(lam[0 if shared else start + i])
                    out[start + i] = poisson(own, seed, stream, neuron + unsigned(i), step)
