"""Elementary functions of one float32, the twins of vmath64 by name: eight lanes, not four, on AVX2.

Every constant is a float32 and every integer an int32 (jit's typed operations), since one float64 or one
widened integer would take the whole expression to four lanes. Arguments are rounded to float32.

Common to all: NaN gives NaN; errors are in ulp of float32; a result whose magnitude is below 2e-38 (3e-37
for x_over_expm1) may be flushed to zero, and subnormal arguments of logarithms count as zero. Methods and
sources as in vmath64.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim.kernels.jit import (
    add_bits,
    and_bits,
    bits_of,
    float_of,
    fma,
    kernel,
    maximum,
    minimum,
    or_bits,
    shift_left,
    shift_right,
    sub_bits,
    xor_bits,
)

INF = np.float32(math.inf)
NAN = np.float32(math.nan)
ZERO = np.float32(0.0)
HALF = np.float32(0.5)
ONE = np.float32(1.0)
TWO = np.float32(2.0)
NO_BITS = np.int32(0)

# 1.5 * 2**23: after adding it, the low bits of the sum hold the rounded integer.
MAGIC = np.float32(12582912.0)
# The same with 126 added, so that shifting the low bits into the exponent field yields 2**(n - 1).
MAGIC_EXPONENT = np.float32(12582912.0 + 126.0)

LOG2_E = np.float32(1.4426950216293335)
LN2_HIGH = np.float32(0.6931471824645996)
LN2_LOW = np.float32(-1.9046542121259336e-09)

# (exp r - 1 - r) / r**2 for |r| <= log(2) / 2; relative error of exp 1.1e-8
E2 = np.float32(0.5)
E3 = np.float32(0.16666576266288757)
E4 = np.float32(0.041666556149721146)
E5 = np.float32(0.008363203145563602)
E6 = np.float32(0.0013926213141530752)

# Below, exp is flushed to zero: 2**(n - 1) has no normal form. Above, 2**127 * 2 exp(r) overflows by itself.
EXP_LOWEST = np.float32(-87.2)
EXP_HIGHEST = np.float32(88.73)
# Below, exp(x) is less than half an ulp of one.
EXPM1_LOWEST = np.float32(-20.0)
TINY = np.float32(1e-36)  # exprel is 1 below, and the half of it is still normal
EXPM1_HIGHEST = np.float32(20.0)  # tanh is 1 above


@kernel
def _exp_polynomial(r):
    """(exp r - 1 - r) / r**2, even and odd powers apart: the operations of Horner, half the latency."""
    z = r * r
    even = fma(fma(E6, z, E4), z, E2)
    odd = fma(E5, z, E3)
    return fma(odd, r, even)


@kernel
def _exp_in_range(x):
    """e**x for EXP_LOWEST <= x <= EXP_HIGHEST."""
    t = fma(x, LOG2_E, MAGIC_EXPONENT)
    n = t - MAGIC_EXPONENT
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    p = fma(_exp_polynomial(r), r * r, r)
    return fma(p, TWO, TWO) * float_of(shift_left(bits_of(t), 23))


@kernel
def exp(x):
    """e**x within 1.5 ulp; zero below -86.98, infinite above the logarithm of the largest float32."""
    x = np.float32(x)
    x = maximum(minimum(x, EXP_HIGHEST), EXP_LOWEST)
    return _exp_in_range(x)


@kernel
def exp_within(x, reach):
    """e**x within 1.5 ulp for |x| <= reach, e**reach and e**-reach beyond; reach at most -EXP_LOWEST."""
    x = np.float32(x)
    return _exp_in_range(maximum(minimum(x, reach), -reach))


@kernel
def _half_expm1(x):
    """(e**x - 1) / 2 for x up to EXP_HIGHEST; one half, so that nothing overflows on the way."""
    x = maximum(x, EXPM1_LOWEST)
    t = fma(x, LOG2_E, MAGIC_EXPONENT)
    n = t - MAGIC_EXPONENT
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    p = fma(_exp_polynomial(r), r * r, r)
    scale = float_of(shift_left(bits_of(t), 23))
    return fma(p, scale, scale - HALF)


@kernel
def expm1(x):
    """e**x - 1 within 1.5 ulp."""
    x = np.float32(x)
    x = maximum(minimum(x, EXP_HIGHEST), EXPM1_LOWEST)
    t = fma(x, LOG2_E, MAGIC_EXPONENT)
    n = t - MAGIC_EXPONENT
    high = fma(n, -LN2_HIGH, x)
    r = fma(n, -LN2_LOW, high)
    scale = float_of(shift_left(bits_of(t), 23))
    # high is exact; keeping it apart from the small terms removes one rounding where 2**n e**r - 1 cancels
    small = fma(_exp_polynomial(r), r * r, n * -LN2_LOW)
    h = fma(small, scale, fma(high, scale, scale - HALF))
    return h + h


@kernel
def exprel(x):
    """(e**x - 1) / x within 2.5 ulp, 1 at x = 0; infinite above x = 88.72."""
    x = np.float32(x)
    top = minimum(x, EXP_HIGHEST)
    h = _half_expm1(top)
    quotient = (h + h) / top
    return ONE if abs(x) < TINY else quotient


# (exp x - 1) / x for |x| <= 1/2; relative error 4e-9
Q1 = np.float32(0.5000000425920544)
Q2 = np.float32(0.16666667139493802)
Q3 = np.float32(0.041665304193438314)
Q4 = np.float32(0.008333182071584195)
Q5 = np.float32(0.0013997773379590332)
Q6 = np.float32(0.000199621762266955)


@kernel
def exprel_small(x):
    """(e**x - 1) / x within 2.5 ulp for |x| <= 1/2 only: no reduction and no division, half the work of exprel."""
    x = np.float32(x)
    z = x * x
    even = fma(fma(fma(Q6, z, Q4), z, Q2), z, ONE)
    odd = fma(fma(Q5, z, Q3), z, Q1)
    return fma(odd, x, even)


@kernel
def x_over_expm1(x):
    """x / (e**x - 1) = 1 / exprel(x) within 2.5 ulp, 1 at x = 0, zero above x = 88.72.

    The form of the rates of Hodgkin and Huxley 1952 (doi:10.1113/jphysiol.1952.sp004764), whose singularity
    at 0 is removable.
    """
    x = np.float32(x)
    top = minimum(x, EXP_HIGHEST)
    h = _half_expm1(top)
    quotient = top / (h + h)
    return ONE if abs(x) < TINY else quotient


@kernel
def exprel_of(x, e):
    """(e**x - 1) / x within 4 ulp, given e, the float next to e**x: where the difference cancels, a polynomial in x."""
    x = np.float32(x)
    return exprel_small(x) if abs(x) < HALF else (e - ONE) / x


# (x / (e**x - 1) - 1 + x / 2) / x**2 in x**2 for |x| <= 1/2; relative error of the quotient 1.1e-9
B2 = np.float32(0.0833333358168602)
B4 = np.float32(-0.0013888600515201688)
B6 = np.float32(3.276095230830833e-05)


@kernel
def x_over_expm1_of(x, e):
    """x / (e**x - 1) within 4 ulp, given e, the float next to e**x: where the difference cancels, a polynomial in x."""
    x = np.float32(x)
    z = x * x
    small = fma(fma(fma(B6, z, B4), z, B2), z, fma(x, -HALF, ONE))
    return small if abs(x) < HALF else x / (e - ONE)


@kernel
def logistic(x):
    """1 / (1 + e**-x) within 2.5 ulp."""
    x = np.float32(x)
    return ONE / (ONE + exp(-x))


@kernel
def tanh(x):
    """Hyperbolic tangent, (e**2x - 1) / (e**2x + 1), within 3 ulp."""
    x = np.float32(x)
    h = _half_expm1(minimum(x + x, EXPM1_HIGHEST))
    return h / (h + ONE)


# ---------------------------------------------------------------- logarithms

SMALLEST_NORMAL = np.float32(1.1754943508222875e-38)
SQRT_HALF_BITS = 0x3F3504F3  # sqrt(1/2)
ONE_LESS_SQRT_HALF = 0x3F800000 - SQRT_HALF_BITS
MANTISSA = 0x007FFFFF
EXPONENT = np.int32(0x7F800000)
TWO_23_BITS = 0x4B000000  # 2**23, whose low bits take an integer
TWO_23_BIASED = np.float32(8388608.0 + 127.0)

LOG2_E_LOW = np.float32(1.925963033500011e-08)
LOG10_E = np.float32(0.4342944920063019)
LOG10_E_LOW = np.float32(-1.0103049952192578e-08)
LOG10_2_HIGH = np.float32(0.3010300099849701)
LOG10_2_LOW = np.float32(-1.432098883924482e-08)

# (2 atanh s - 2 s) / s**3 in z = s**2, |s| <= (sqrt 2 - 1) / (sqrt 2 + 1); relative error of log 2.8e-9
L0 = np.float32(0.6666668653488159)
L1 = np.float32(0.3998878002166748)
L2 = np.float32(0.29579949378967285)


@kernel
def _exponent(shifted):
    """The k of x = 2**k m as a float, where shifted are the bits of x plus ONE_LESS_SQRT_HALF."""
    return float_of(or_bits(shift_right(shifted, 23), TWO_23_BITS)) - TWO_23_BIASED


@kernel
def _log1p_parts(f):
    """f**2 / 2 and c with log(1 + f) = f - (f**2 / 2 - c), for sqrt(1/2) <= 1 + f < sqrt(2).

    With s = f / (2 + f), log(1 + f) = 2 atanh s = f - s (f - s**2 R(s**2)).
    """
    s = f / (TWO + f)
    z = s * s
    half = HALF * f * f
    return half, s * fma(z, fma(z, fma(z, L2, L1), L0), half)


@kernel
def _log_domain(x, result):
    """result, replaced by the value of a logarithm where x is not a positive, finite, normal number."""
    below = NAN if x < ZERO else -INF
    result = below if x < SMALLEST_NORMAL else result
    return result if x < INF else x  # infinity and NaN go through


@kernel
def log_positive(x):
    """Natural logarithm within 1 ulp of a positive, finite, normal x; without meaning for any other."""
    shifted = add_bits(bits_of(x), ONE_LESS_SQRT_HALF)
    k = _exponent(shifted)
    f = float_of(add_bits(and_bits(shifted, MANTISSA), SQRT_HALF_BITS)) - ONE
    half, c = _log1p_parts(f)
    return fma(k, LN2_HIGH, f - (half - fma(k, LN2_LOW, c)))


@kernel
def log(x):
    """Natural logarithm within 1 ulp."""
    x = np.float32(x)
    return _log_domain(x, log_positive(x))


@kernel
def log2(x):
    """Logarithm to base 2 within 2 ulp, exact for powers of two."""
    x = np.float32(x)
    shifted = add_bits(bits_of(x), ONE_LESS_SQRT_HALF)
    f = float_of(add_bits(and_bits(shifted, MANTISSA), SQRT_HALF_BITS)) - ONE
    half, c = _log1p_parts(f)
    y = f - (half - c)
    return _log_domain(x, fma(y, LOG2_E, fma(y, LOG2_E_LOW, _exponent(shifted))))


@kernel
def log10(x):
    """Logarithm to base 10 within 2 ulp."""
    x = np.float32(x)
    shifted = add_bits(bits_of(x), ONE_LESS_SQRT_HALF)
    k = _exponent(shifted)
    f = float_of(add_bits(and_bits(shifted, MANTISSA), SQRT_HALF_BITS)) - ONE
    half, c = _log1p_parts(f)
    y = f - (half - c)
    return _log_domain(x, fma(k, LOG10_2_HIGH, fma(y, LOG10_E, fma(k, LOG10_2_LOW, y * LOG10_E_LOW))))


@kernel
def log1p(x):
    """log(1 + x) within 1.5 ulp."""
    x = np.float32(x)
    u = ONE + x
    back = u - ONE
    lost = (ONE - (u - back)) + (x - back)  # 1 + x = u + lost exactly
    shifted = add_bits(bits_of(u), ONE_LESS_SQRT_HALF)
    k = _exponent(shifted)
    # 2**(1 - k), not 2**-k: the largest k would leave the range
    reciprocal = float_of(sub_bits(EXPONENT, and_bits(shifted, EXPONENT)))
    m = float_of(add_bits(and_bits(shifted, MANTISSA), SQRT_HALF_BITS))
    f = fma(HALF * lost, reciprocal, m - ONE)
    half, c = _log1p_parts(f)
    result = fma(k, LN2_HIGH, f - (half - fma(k, LN2_LOW, c)))
    below = NAN if x < -ONE else -INF
    result = below if x <= -ONE else result
    return result if x < INF else x


# (2 atanh s - 2 s) / s**3 in z = s**2 for 0 <= s <= 1/3; relative error of log(1 + y), 0 <= y <= 1, 4e-10
P0 = np.float32(0.6666666865348816)
P1 = np.float32(0.3999970555305481)
P2 = np.float32(0.285923570394516)
P3 = np.float32(0.2170657515525818)
P4 = np.float32(0.23224329948425293)


@kernel
def softplus(x):
    """log(1 + e**x) = max(x, 0) + log(1 + e**-|x|) within 3 ulp; never overflows."""
    x = np.float32(x)
    y = exp(-abs(x))
    s = y / (TWO + y)
    z = s * s
    w = z * z
    even = fma(fma(P4, w, P2), w, P0)
    odd = fma(P3, w, P1)
    return (ZERO if x < ZERO else x) + fma(s * z, fma(odd, z, even), s + s)


# ---------------------------------------------------------------- trigonometric functions

TWO_OVER_PI = np.float32(0.6366197723675814)
HALF_PI_1 = np.float32(1.5707963705062866)
HALF_PI_2 = np.float32(-4.371138828673793e-08)
HALF_PI_3 = np.float32(-1.7151245100058819e-15)
TRIGONOMETRIC_RANGE = np.float32(131072.0)  # 2**17

# (sin r - r) / r**3 and (cos r - 1 + r**2 / 2) / r**4 in z = r**2 for |r| <= pi / 4; errors 1.2e-8 and 8e-10
S0 = np.float32(-0.166666641831398)
S1 = np.float32(0.008332746103405952)
S2 = np.float32(-0.00019587387214414775)
C0 = np.float32(0.0416666641831398)
C1 = np.float32(-0.0013888300163671374)
C2 = np.float32(2.4547436623834074e-05)


@kernel
def sin_cos_reduced(r):
    """sin r and cos r for |r| <= pi / 4."""
    z = r * r
    s = fma(fma(S2, z, S1), z, S0)
    c = fma(fma(C2, z, C1), z, C0)
    half = HALF * z
    w = ONE - half
    return fma(r * z, s, r), w + fma(z * z, c, (ONE - w) - half)


@kernel
def _quadrant(x):
    """x = n pi / 2 + r: a float with n in its low bits, and r, correct to an ulp up to |x| = 2**17.

    x - n HALF_PI_1 is exact: a multiple of 2**-24 below one.
    """
    t = fma(x, TWO_OVER_PI, MAGIC)
    n = t - MAGIC
    return bits_of(t), fma(n, -HALF_PI_3, fma(n, -HALF_PI_2, fma(n, -HALF_PI_1, x)))


@kernel
def sin(x):
    """Sine within 2 ulp for |x| <= 2**17 (131072); NaN beyond rather than a number without meaning."""
    x = np.float32(x)
    quadrant, r = _quadrant(x)
    s, c = sin_cos_reduced(r)
    value = s if and_bits(quadrant, 1) == NO_BITS else c
    value = float_of(xor_bits(bits_of(value), shift_left(and_bits(quadrant, 2), 30)))
    return value if abs(x) <= TRIGONOMETRIC_RANGE else NAN


@kernel
def cos(x):
    """Cosine within 2 ulp for |x| <= 2**17 (131072); NaN beyond rather than a number without meaning."""
    x = np.float32(x)
    quadrant, r = _quadrant(x)
    s, c = sin_cos_reduced(r)
    value = c if and_bits(quadrant, 1) == NO_BITS else s
    value = float_of(xor_bits(bits_of(value), shift_left(and_bits(add_bits(quadrant, 1), 2), 30)))
    return value if abs(x) <= TRIGONOMETRIC_RANGE else NAN


@kernel
def power(x, y):
    """x**y by the C library (1 ulp): not vectorised, since exp(y log x) loses up to seven bits."""
    return np.power(np.float32(x), np.float32(y))
