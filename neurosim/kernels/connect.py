"""Random connections by counter: subsets, pairs, degrees, acceptance by distance, rewired rings.

A connection is a function of (seed, stream, target or source, number of the draw), so that it does not depend on how the
neurons are dealt out to threads.  Each use has a purpose of its own in the top bits of the second counter word (8 to 12 of
16, beside those of `neurosim.kernels.random`): connections, weights and delays may share a stream.

Integers below n are floor(word n / 2**64) of a 64-bit word, without rejection: every value has the probability 1/n to within
a relative n / 2**64, less than 2**-33 for fewer than 2**31 neurons.  Scratch arrays come from the caller; those named
`bits`, `summary` and `count` must hold zeros and hold zeros again afterwards.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from neurosim.kernels.jit import (
    DISABLED,
    and_bits,
    array_kernel,
    entry,
    kernel,
    minimum,
    or_bits,
    shift_left,
    shift_right,
    sub_bits,
    unsigned,
)
from neurosim.kernels.random import _uniform, _words
from neurosim.kernels.widths import DRAWS, HALF

SUBSET = np.uint64(8 << 60)
PAIRS = np.uint64(9 << 60)
SHARE = np.uint64(10 << 60)
ACCEPT = np.uint64(11 << 60)
REWIRE = np.uint64(12 << 60)

ZERO = np.uint64(0)
ONE = np.uint64(1)
LOW = np.uint64(0xFFFFFFFF)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: multiplicative hashing

#: terms of a distribution below this part of the largest one are left out; the uniform numbers have 52 bits
NEGLIGIBLE = 2.0**-60

if DISABLED:

    def _lowest(x):
        """Number of the lowest bit that is set."""
        return (int(x) & -int(x)).bit_length() - 1
else:

    @intrinsic
    def _lowest(typingctx, x):
        """Number of the lowest bit that is set."""
        if x != types.uint64:
            return None

        def generate(context, builder, signature, arguments):
            return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

        return types.int64(x), generate


@kernel
def _below(word, n):
    """floor(word n / 2**64) for n < 2**32, both uint64, by products that fit 64 bits."""
    # the mask tells LLVM that 32-bit products do, for which there are vector instructions
    n = and_bits(n, LOW)
    low = shift_right(and_bits(word, LOW) * n, 32)
    return shift_right(shift_right(word, 32) * n + low, 32)


@kernel
def _bit(t):
    return shift_left(ONE, and_bits(t, 63))


@kernel
def _is_set(bits, t):
    return and_bits(bits[shift_right(t, 6)], _bit(t)) != 0


@kernel
def _set(bits, summary, t):
    w = shift_right(t, 6)
    bits[w] = or_bits(bits[w], _bit(t))
    v = shift_right(w, 6)
    summary[v] = or_bits(summary[v], _bit(w))


# ---------------------------------------------------------------- subsets


@array_kernel
def _subset(out, start, n, k, skip, multapses, seed, stream, item, bits, summary, count, draws):
    """Write k of the n numbers 0 ... n - 1 into out[start:start + k], ascending; those from `skip` on are raised by one.

    Without multapses all subsets of k are equally likely: R. W. Floyd in J. Bentley and B. Floyd 1987,
    doi:10.1145/30401.315746; k draws whatever k is.  With multapses the k numbers are independent.  A set of bits, with one
    bit in `summary` for each of its words that is not empty, puts them in order.
    """
    slope = 0 if multapses else 1
    for s in range(0, k, DRAWS):
        m = min(DRAWS, k - s)
        bound = n if multapses else n - k + 1 + s
        for i in range(min(HALF, m)):
            word0, word1 = _words(seed, stream, item, s // 2 + i, SUBSET)
            draws[i] = _below(word0, unsigned(bound + slope * i))
            draws[HALF + i] = _below(word1, unsigned(bound + slope * (HALF + i)))
        for i in range(m):
            t = draws[i]
            if multapses:
                count[t] += 1
            elif _is_set(bits, t):
                t = unsigned(bound + i - 1)
            _set(bits, summary, t)
    _collect(out, start, n, skip, multapses, bits, summary, count)


@array_kernel
def _collect(out, start, n, skip, multapses, bits, summary, count):
    """Write the numbers whose bits are set, ascending, and clear the scratch arrays."""
    p = start
    for v in range((n + 4095) // 4096):
        y = summary[v]
        summary[v] = ZERO
        while y != 0:
            w = 64 * v + _lowest(y)
            y = and_bits(y, sub_bits(y, 1))
            x = bits[w]
            bits[w] = ZERO
            while x != 0:
                t = 64 * w + _lowest(x)
                x = and_bits(x, sub_bits(x, 1))
                number = t + (1 if t >= skip else 0)
                if multapses:
                    for _ in range(count[t]):
                        out[p] = number
                        p += 1
                    count[t] = 0
                else:
                    out[p] = number
                    p += 1


@entry
def fill_sources(low, n_targets, pre, post, first, same, n_pre, multapses, seed, stream, bits, summary, count, draws):
    """Draw the sources of the targets low ... low + n_targets - 1 into pre[first[j]:first[j + 1]], ascending; post gets j.

    pre, post: int32.  first: int64, one longer than the targets.  same: int32, the source that target j must not have or -1;
    empty: all are allowed.  bits, summary: uint64, one bit for each source and for each word of bits.  count: int32, n_pre long
    with multapses (a number, 0 or 1).  draws: uint64, DRAWS long.
    """
    for j in range(low, low + n_targets):
        start = first[j]
        k = first[j + 1] - start
        twin = same[j] if same.size > 0 else -1
        n = n_pre - (1 if twin >= 0 else 0)
        skip = np.int64(twin) if twin >= 0 else n
        _subset(pre, start, n, k, skip, multapses, seed, stream, j, bits, summary, count, draws)
        for i in range(start, start + k):
            post[i] = j


@entry
def scatter_targets(low, n_sources, pre, cursor, own, n_post, k, multapses, scatter, seed, stream, out, bits, summary, count,
                    draws):
    """Draw k targets for each of the sources low ... low + n_sources - 1, and count or place the connections.

    scatter 0: cursor[j] += 1 for each connection onto j.  1: pre[cursor[j]] = source, then cursor[j] += 1.
    own: int32, the target that source i must not have or -1; empty: all are allowed.  out: int32, k long.
    """
    for i in range(low, low + n_sources):
        twin = own[i] if own.size > 0 else -1
        n = n_post - (1 if twin >= 0 else 0)
        skip = np.int64(twin) if twin >= 0 else n
        _subset(out, 0, n, k, skip, multapses, seed, stream, i, bits, summary, count, draws)
        for q in range(k):
            j = out[q]
            if scatter:
                pre[cursor[j]] = i
            cursor[j] += 1


# ---------------------------------------------------------------- a total number dealt out to targets


@entry
def count_pairs(low, n_pairs, hits, same, n_pre, n_post, seed, stream, draws):
    """Draw the pairs low ... low + n_pairs - 1, each uniform on the allowed ones, and count them by target: hits[j] += 1.

    A pair of a neuron with itself (same, as in `fill_sources`) is drawn again.  draws: uint64, DRAWS long.
    """
    targets, sources = unsigned(n_post), unsigned(n_pre)
    for s in range(low, low + n_pairs, HALF):
        m = min(HALF, low + n_pairs - s)
        for i in range(m):
            word0, word1 = _words(seed, stream, s + i, 0, PAIRS)
            draws[i] = _below(word0, targets)
            draws[HALF + i] = _below(word1, sources)
        for i in range(m):
            j, source = draws[i], draws[HALF + i]
            if same.size > 0:
                attempt = 0
                while same[j] == np.int64(source):
                    attempt += 1
                    word0, word1 = _words(seed, stream, s + i, attempt, PAIRS)
                    j, source = _below(word0, targets), _below(word1, sources)
            hits[j] += 1


@kernel
def _odds(x, marked, drawn, rest):
    """P(x + 1) / P(x) of the hypergeometric law; rest = total - marked - drawn."""
    return (np.float64(marked - x) * np.float64(drawn - x)) / (np.float64(x + 1) * np.float64(rest + x + 1))


@array_kernel
def _hypergeometric(u, total, marked, drawn):
    """Number of marked ones among `drawn` of `total`, by inversion of u in (0, 1).

    The terms are taken from the mode upwards, then downwards, by their ratios, and normalised by their sum: no factorials, so
    that the probabilities are right to 1e-12 for any size.
    """
    rest = total - marked - drawn
    least, most = max(0, -rest), min(marked, drawn)
    mode = np.int64(np.float64(marked + 1) * (np.float64(drawn + 1) / np.float64(total + 2)))
    mode = min(max(mode, least), most)
    whole = 1.0
    term, x = 1.0, mode
    while x < most and term > NEGLIGIBLE:
        term *= _odds(x, marked, drawn, rest)
        x += 1
        whole += term
    term, x = 1.0, mode
    while x > least and term > NEGLIGIBLE:
        x -= 1
        term /= _odds(x, marked, drawn, rest)
        whole += term
    goal = u * whole
    below = 1.0
    term, x = 1.0, mode
    while below < goal and x < most and term > NEGLIGIBLE:
        term *= _odds(x, marked, drawn, rest)
        x += 1
        below += term
    if below >= goal:
        return x
    term, x = 1.0, mode
    while below < goal and x > least and term > NEGLIGIBLE:
        x -= 1
        term /= _odds(x, marked, drawn, rest)
        below += term
    return x


@entry
def share_out(low, n_targets, hits, same, n_pre, allowed, number, seed, stream):
    """Deal `number` distinct pairs, all sets of them equally likely, out of `allowed` to all targets, from 0 on: hits[j].

    The count of target j given those before it is hypergeometric.  same: as in `fill_sources`.
    """
    for j in range(low, low + n_targets):
        own = n_pre - (1 if same.size > 0 and same[j] >= 0 else 0)
        word0, _ = _words(seed, stream, j, 0, SHARE)
        x = _hypergeometric(_uniform(word0), allowed, own, number)
        hits[j] = x
        allowed -= own
        number -= x


# ---------------------------------------------------------------- pairs with a probability each


@kernel
def _component(x, length):
    """Difference along one axis, the shorter way round where the length is finite; |x| <= length."""
    x = abs(x)
    return minimum(x, length - x)


@kernel
def _cell(x, origin, per_length, number):
    """Number of the cell of x along one axis, the nearest for places outside of the grid."""
    place = np.floor((x - origin) * per_length)
    return np.int64(min(max(place, 0.0), np.float64(number - 1)))


@kernel
def _cells_around(c, number, ring):
    """First cell and number of cells around cell c along one axis: three, fewer at open borders and in small grids."""
    if ring:
        return c + number - 1, min(number, 3)
    first = max(c - 1, 0)
    return first, min(c + 1, number - 1) - first + 1


@entry
def near_pairs(source, distance, counts, low, high, targets, cells, order, sources, box, origin, per_length, numbers, radius,
               own):
    """Find the sources of the targets from `low` on that are within the radius, until the arrays are full or `high` is reached.

    The sources are sorted by the cell of a grid, cell = (c0 numbers[1] + c1) numbers[2] + c2, whose cells are longer than the
    radius: those of a target are in its cell and the adjacent ones.

    source: int32, distance: float64, at least as long as there are sources; filled target by target.  counts: int64, counts[j -
    low] is the number of sources of target j.  targets, sources: float64, shape (3, n): positions, zeros for what is not there.
    cells: int64, first place of each cell in `order`, int32, the numbers of the sources.  box: float64, lengths or inf; all
    positions are within them.  own: int32, the source that target j must not have or -1; empty: all are allowed.

    Returns the first target that is not done.
    """
    p = 0
    for j in range(low, high):
        x, y, z = targets[0, j], targets[1, j], targets[2, j]
        first0, many0 = _cells_around(_cell(x, origin[0], per_length[0], numbers[0]), numbers[0], box[0] < np.inf)
        first1, many1 = _cells_around(_cell(y, origin[1], per_length[1], numbers[1]), numbers[1], box[1] < np.inf)
        first2, many2 = _cells_around(_cell(z, origin[2], per_length[2], numbers[2]), numbers[2], box[2] < np.inf)
        begin = p
        for c0 in range(first0, first0 + many0):
            for c1 in range(first1, first1 + many1):
                for c2 in range(first2, first2 + many2):
                    cell = (c0 % numbers[0] * numbers[1] + c1 % numbers[1]) * numbers[2] + c2 % numbers[2]
                    start = cells[cell]
                    m = cells[cell + 1] - start
                    if p + m > distance.size:
                        return j
                    for i in range(m):
                        dx = _component(sources[0, start + i] - x, box[0])
                        dy = _component(sources[1, start + i] - y, box[1])
                        dz = _component(sources[2, start + i] - z, box[2])
                        distance[p + i] = math.sqrt(dx * dx + dy * dy + dz * dz)
                        source[p + i] = order[start + i]
                    if radius < np.inf or own.size > 0:
                        twin = own[j] if own.size > 0 else -1
                        q = p
                        for i in range(p, p + m):
                            d, s = distance[i], source[i]
                            distance[q], source[q] = d, s
                            q += 1 if d <= radius and s != twin else 0
                        p = q
                    else:
                        p += m
        counts[j - low] = p - begin
    return high


@entry
def accept_pairs(out, counts, source, probability, low, number, seed, stream, bits, summary, count, draws):
    """Keep each pair whose uniform number is below its probability: sources into out, ascending for each target.

    counts: int64, numbers of pairs of the targets low ... low + number - 1, which become those of the pairs kept.  draws:
    float64, HALF long.  Returns the number of pairs kept.
    """
    begin = 0
    p = 0
    for j in range(number):
        end = begin + counts[j]
        kept = 0
        for s in range(begin, end, HALF):
            m = min(HALF, end - s)
            for i in range(m):
                word0, _ = _words(seed, stream, low + j, source[s + i], ACCEPT)
                draws[i] = _uniform(word0)
            for i in range(m):
                if draws[i] < probability[s + i]:
                    _set(bits, summary, unsigned(source[s + i]))
                    kept += 1
        if kept > 0:
            _collect(out, p, 64 * bits.size, 64 * bits.size, False, bits, summary, count)
        counts[j] = kept
        p += kept
        begin = end
    return p


# ---------------------------------------------------------------- rings


@kernel
def _flip(bits, t):
    w = shift_right(t, 6)
    bits[w] = bits[w] ^ _bit(t)


@entry
def rewire_rows(pre, n, half, p, seed, stream, low, high, bits, summary, count):
    """Sources of the targets low ... high - 1: `half` neighbours on each side, each replaced with probability p.

    The new source is uniform on those that are neither the target nor among its sources.
    """
    k = 2 * half
    for j in range(low, high):
        _flip(bits, unsigned(j))
        for q in range(k):
            _flip(bits, unsigned((j + n - half + q + (1 if q >= half else 0)) % n))
        for q in range(k):
            word0, word1 = _words(seed, stream, j, q, REWIRE)
            if k + 1 < n and _uniform(word0) < p:
                attempt = 0
                t = _below(word1, unsigned(n))
                while _is_set(bits, t):
                    attempt += 1
                    word0, word1 = _words(seed, stream, j, q + k * attempt, REWIRE)
                    t = _below(word1, unsigned(n))
                _flip(bits, t)
                _flip(bits, unsigned((j + n - half + q + (1 if q >= half else 0)) % n))
        _flip(bits, unsigned(j))
        for w in range(bits.size):
            if bits[w] != 0:
                v = unsigned(w // 64)
                summary[v] = or_bits(summary[v], _bit(unsigned(w)))
        _collect(pre, np.int64(j) * k, n, n, False, bits, summary, count)


@kernel
def _slot(table, key, shift):
    """Place of a key in a table of open addresses, or the free place where it belongs."""
    s = np.int64(shift_right(unsigned(key) * GOLDEN, shift))
    while table[s] != -1 and table[s] != key:
        s = (s + 1) & (table.size - 1)
    return s


@kernel
def _pair_key(a, b, n):
    return min(a, b) * n + max(a, b)


@entry
def rewire_ring(far, n, half, p, seed, stream, degree, moved, table, shift):
    """Rewire the edges of a ring in the order of Watts and Strogatz: far[(lap - 1) n + i] is the other end of edge i, i + lap.

    far: int32, n half long.  degree: int32, n long, holds 2 half.  moved: bool, as long as far, False.  table: int64, a power
    of two 2**(64 - shift) long, more than n half, filled with -1: the new edges.
    """
    for lap in range(1, half + 1):
        for i in range(n):
            e = (lap - 1) * n + i
            near = (i + lap) % n
            far[e] = near
            word0, word1 = _words(seed, stream, i, lap, REWIRE)
            if not _uniform(word0) < p or degree[i] >= n - 1:
                continue
            attempt = 0
            while True:
                w = np.int64(_below(word1, unsigned(n)))
                ahead = (w + n - i) % n
                gap, begin = (ahead, i) if 2 * ahead < n else (n - ahead, w)
                free = w != i and not (gap <= half and not moved[(gap - 1) * n + begin])
                if free and table[_slot(table, _pair_key(i, w, n), shift)] == -1:
                    break
                attempt += 1
                _, word1 = _words(seed, stream, i, lap + (half + 1) * attempt, REWIRE)
            moved[e] = True
            far[e] = w
            key = _pair_key(i, w, n)
            table[_slot(table, key, shift)] = key
            degree[near] -= 1
            degree[w] += 1
