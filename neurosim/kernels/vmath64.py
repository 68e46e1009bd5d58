"""Elementary functions of one float64 without branches, calls or tables: loops over them vectorise.

Numba calls the C library for each exp in a loop; these functions are inlined and LLVM turns the loop into
packed instructions. AVX2 has no conversion between 64-bit integers and floats, so integers ride in the low
bits of a float (adding 1.5 * 2**52 rounds to an integer and leaves it there). Every multiply-add is
explicit (jit.fma): a result has the same bits in vector and in scalar code.

Common to all: NaN gives NaN; errors are in ulp, units in the last place of the exact result; a result whose
magnitude is below 4e-308 (4e-306 for x_over_expm1) may be flushed to zero, and subnormal arguments of
logarithms count as zero. Range reduction as in W. J. Cody and W. Waite, Software Manual for the Elementary
Functions, 1980; J.-M. Muller, Elementary Functions, 3rd ed., 2016, doi:10.1007/978-1-4899-7983-4. The
polynomials are interpolants at Chebyshev nodes, computed with 60 digits.
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

INF = math.inf
NAN = math.nan

# 1.5 * 2**52: after adding it, the low bits of the sum hold the rounded integer.
MAGIC = 6755399441055744.0
# The same with 1022 added, so that shifting the low bits into the exponent field yields 2**(n - 1).
MAGIC_EXPONENT = 6755399441055744.0 + 1022.0

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471805599453
LN2_LOW = 2.3190468138462996e-17

# (exp r - 1 - r) / r**2 for |r| <= log(2) / 2; relative error of exp 1.7e-17
E2 = 0.5000000000000001
E3 = 0.16666666666666669
E4 = 0.04166666666662399
E5 = 0.008333333333330051
E6 = 0.0013888888917281794
E7 = 0.00019841269863105968
E8 = 2.480152119021773e-05
E9 = 2.7557268378684192e-06
E10 = 2.7620138719733994e-07
E11 = 2.5100424157005067e-08

# Below, exp is flushed to zero: 2**(n - 1) has no normal form. Above, 2**1023 * 2 exp(r) overflows by itself.
EXP_LOWEST = -708.3
EXP_HIGHEST = 709.79
# Below, exp(x) is less than half an ulp of one.
EXPM1_LOWEST = -40.0
TINY = 1e-290  # exprel is 1 below, and the half of it is still normal
EXPM1_HIGHEST = 40.0  # tanh is 1 above


@kernel
def _exp_polynomial(r):
    """(exp r - 1 - r) / r**2, even and odd powers apart: the operations of Horner, half the latency."""
    z = r * r
    even = fma(fma(fma(fma(E10, z, E8), z, E6), z, E4), z, E2)
    odd = fma(fma(fma(fma(E11, z, E9), z, E7), z, E5), z, E3)
    return fma(odd, r, even)


@kernel
def _exp_in_range(x):
    """e**x for EXP_LOWEST <= x <= EXP_HIGHEST."""
    t = fma(x, LOG2_E, MAGIC_EXPONENT)
    n = t - MAGIC_EXPONENT
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    p = fma(_exp_polynomial(r), r * r, r)
    return fma(p, 2.0, 2.0) * float_of(shift_left(bits_of(t), 52))


@kernel
def exp(x):
    """e**x within 1.5 ulp; zero below -708.05, infinite above the logarithm of the largest float64."""
    x = np.float64(x)
    x = maximum(minimum(x, EXP_HIGHEST), EXP_LOWEST)
    return _exp_in_range(x)


@kernel
def exp_within(x, reach):
    """e**x within 1.5 ulp for |x| <= reach, e**reach and e**-reach beyond; reach at most -EXP_LOWEST."""
    x = np.float64(x)
    return _exp_in_range(maximum(minimum(x, reach), -reach))


@kernel
def _half_expm1(x):
    """(e**x - 1) / 2 for x up to EXP_HIGHEST; one half, so that nothing overflows on the way."""
    x = maximum(x, EXPM1_LOWEST)
    t = fma(x, LOG2_E, MAGIC_EXPONENT)
    n = t - MAGIC_EXPONENT
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    p = fma(_exp_polynomial(r), r * r, r)
    scale = float_of(shift_left(bits_of(t), 52))
    return fma(p, scale, scale - 0.5)


@kernel
def expm1(x):
    """e**x - 1 within 1.5 ulp."""
    x = np.float64(x)
    x = maximum(minimum(x, EXP_HIGHEST), EXPM1_LOWEST)
    t = fma(x, LOG2_E, MAGIC_EXPONENT)
    n = t - MAGIC_EXPONENT
    high = fma(n, -LN2_HIGH, x)
    r = fma(n, -LN2_LOW, high)
    scale = float_of(shift_left(bits_of(t), 52))
    # high is exact; keeping it apart from the small terms removes one rounding where 2**n e**r - 1 cancels
    small = fma(_exp_polynomial(r), r * r, n * -LN2_LOW)
    h = fma(small, scale, fma(high, scale, scale - 0.5))
    return h + h


@kernel
def exprel(x):
    """(e**x - 1) / x within 2.5 ulp, 1 at x = 0; infinite above x = 709.78."""
    x = np.float64(x)
    top = minimum(x, EXP_HIGHEST)
    h = _half_expm1(top)
    quotient = (h + h) / top
    return 1.0 if abs(x) < TINY else quotient


# (exp x - 1) / x for |x| <= 1/2; relative error 5e-17
Q2 = 0.1666666666666722
Q3 = 0.04166666666666706
Q4 = 0.008333333333075146
Q5 = 0.001388888888870455
Q6 = 0.00019841270281832442
Q7 = 2.4801587616145414e-05
Q8 = 2.7556979476271894e-06
Q9 = 2.7557076636642725e-07
Q10 = 2.517282043357941e-08
Q11 = 2.0962955815976076e-09


@kernel
def exprel_small(x):
    """(e**x - 1) / x within 2.5 ulp for |x| <= 1/2 only: no reduction and no division, half the work of exprel."""
    x = np.float64(x)
    z = x * x
    even = fma(fma(fma(fma(fma(Q10, z, Q8), z, Q6), z, Q4), z, Q2), z, 1.0)
    odd = fma(fma(fma(fma(fma(Q11, z, Q9), z, Q7), z, Q5), z, Q3), z, 0.5)
    return fma(odd, x, even)


@kernel
def x_over_expm1(x):
    """x / (e**x - 1) = 1 / exprel(x) within 2.5 ulp, 1 at x = 0, zero above x = 709.78.

    The form of the rates of Hodgkin and Huxley 1952 (doi:10.1113/jphysiol.1952.sp004764), whose singularity
    at 0 is removable.
    """
    x = np.float64(x)
    top = minimum(x, EXP_HIGHEST)
    h = _half_expm1(top)
    quotient = top / (h + h)
    return 1.0 if abs(x) < TINY else quotient


@kernel
def exprel_of(x, e):
    """(e**x - 1) / x within 4 ulp, given e, the float next to e**x: where the difference cancels, a polynomial in x."""
    x = np.float64(x)
    return exprel_small(x) if abs(x) < 0.5 else (e - 1.0) / x


# (x / (e**x - 1) - 1 + x / 2) / x**2 in x**2 for |x| <= 1/2; relative error of the quotient 1.5e-18
B2 = 0.08333333333333333
B4 = -0.001388888888888438
B6 = 3.3068783047733035e-05
B8 = -8.267192171274026e-07
B10 = 2.087397799603726e-08
B12 = -5.185001491545071e-10


@kernel
def x_over_expm1_of(x, e):
    """x / (e**x - 1) within 4 ulp, given e, the float next to e**x: where the difference cancels, a polynomial in x."""
    x = np.float64(x)
    z = x * x
    small = fma(fma(fma(fma(fma(fma(B12, z, B10), z, B8), z, B6), z, B4), z, B2), z, fma(x, -0.5, 1.0))
    return small if abs(x) < 0.5 else x / (e - 1.0)


@kernel
def logistic(x):
    """1 / (1 + e**-x) within 2.5 ulp."""
    x = np.float64(x)
    return 1.0 / (1.0 + exp(-x))


@kernel
def tanh(x):
    """Hyperbolic tangent, (e**2x - 1) / (e**2x + 1), within 3 ulp."""
    x = np.float64(x)
    h = _half_expm1(minimum(x + x, EXPM1_HIGHEST))
    return h / (h + 1.0)


# ---------------------------------------------------------------- logarithms

SMALLEST_NORMAL = 2.2250738585072014e-308
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD  # sqrt(1/2)
ONE_LESS_SQRT_HALF = 0x3FF0000000000000 - SQRT_HALF_BITS
MANTISSA = 0x000FFFFFFFFFFFFF
EXPONENT = 0x7FF0000000000000
TWO_52_BITS = 0x4330000000000000  # 2**52, whose low bits take an integer
TWO_52_BIASED = 4503599627370496.0 + 1023.0

LOG2_E_LOW = 2.0355273740931033e-17
LOG10_E = 0.4342944819032518
LOG10_E_LOW = 1.098319650216765e-17
LOG10_2_HIGH = 0.3010299956639812
LOG10_2_LOW = -2.8037281277851704e-18

# (2 atanh s - 2 s) / s**3 in z = s**2, |s| <= (sqrt 2 - 1) / (sqrt 2 + 1); relative error of log 5e-18
L0 = 0.666666666666667
L1 = 0.39999999999899505
L2 = 0.28571428625975487
L3 = 0.2222221113479508
L4 = 0.18182889125261723
L5 = 0.15331720556253815
L6 = 0.14616449685043406


@kernel
def _exponent(shifted):
    """The k of x = 2**k m as a float, where shifted are the bits of x plus ONE_LESS_SQRT_HALF."""
    return float_of(or_bits(shift_right(shifted, 52), TWO_52_BITS)) - TWO_52_BIASED


@kernel
def _log1p_parts(f):
    """f**2 / 2 and c with log(1 + f) = f - (f**2 / 2 - c), for sqrt(1/2) <= 1 + f < sqrt(2).

    With s = f / (2 + f), log(1 + f) = 2 atanh s = f - s (f - s**2 R(s**2)).
    """
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    polynomial = fma(z2, fma(z2, fma(L6, z, L5), fma(L4, z, L3)), fma(L2, z, L1))
    half = 0.5 * f * f
    return half, s * fma(z, fma(z, polynomial, L0), half)


@kernel
def _log_domain(x, result):
    """result, replaced by the value of a logarithm where x is not a positive, finite, normal number."""
    below = NAN if x < 0.0 else -INF
    result = below if x < SMALLEST_NORMAL else result
    return result if x < INF else x  # infinity and NaN go through


@kernel
def log_positive(x):
    """Natural logarithm within 1 ulp of a positive, finite, normal x; without meaning for any other."""
    shifted = add_bits(bits_of(x), ONE_LESS_SQRT_HALF)
    k = _exponent(shifted)
    f = float_of(add_bits(and_bits(shifted, MANTISSA), SQRT_HALF_BITS)) - 1.0
    half, c = _log1p_parts(f)
    return fma(k, LN2_HIGH, f - (half - fma(k, LN2_LOW, c)))


@kernel
def log(x):
    """Natural logarithm within 1 ulp."""
    x = np.float64(x)
    return _log_domain(x, log_positive(x))


@kernel
def log2(x):
    """Logarithm to base 2 within 2 ulp, exact for powers of two."""
    x = np.float64(x)
    shifted = add_bits(bits_of(x), ONE_LESS_SQRT_HALF)
    f = float_of(add_bits(and_bits(shifted, MANTISSA), SQRT_HALF_BITS)) - 1.0
    half, c = _log1p_parts(f)
    y = f - (half - c)
    return _log_domain(x, fma(y, LOG2_E, fma(y, LOG2_E_LOW, _exponent(shifted))))


@kernel
def log10(x):
    """Logarithm to base 10 within 2 ulp."""
    x = np.float64(x)
    shifted = add_bits(bits_of(x), ONE_LESS_SQRT_HALF)
    k = _exponent(shifted)
    f = float_of(add_bits(and_bits(shifted, MANTISSA), SQRT_HALF_BITS)) - 1.0
    half, c = _log1p_parts(f)
    y = f - (half - c)
    return _log_domain(x, fma(k, LOG10_2_HIGH, fma(y, LOG10_E, fma(k, LOG10_2_LOW, y * LOG10_E_LOW))))


@kernel
def log1p_positive(x):
    """log(1 + x) within 1.5 ulp of a finite x >= 0; without meaning for any other."""
    u = 1.0 + x
    back = u - 1.0
    lost = (1.0 - (u - back)) + (x - back)  # 1 + x = u + lost exactly
    shifted = add_bits(bits_of(u), ONE_LESS_SQRT_HALF)
    k = _exponent(shifted)
    # 2**(1 - k), not 2**-k: the largest k would leave the range
    reciprocal = float_of(sub_bits(EXPONENT, and_bits(shifted, EXPONENT)))
    m = float_of(add_bits(and_bits(shifted, MANTISSA), SQRT_HALF_BITS))
    f = fma(0.5 * lost, reciprocal, m - 1.0)
    half, c = _log1p_parts(f)
    return fma(k, LN2_HIGH, f - (half - fma(k, LN2_LOW, c)))


@kernel
def log1p(x):
    """log(1 + x) within 1.5 ulp."""
    x = np.float64(x)
    result = log1p_positive(x)
    below = NAN if x < -1.0 else -INF
    result = below if x <= -1.0 else result
    return result if x < INF else x


# (2 atanh s - 2 s) / s**3 in z = s**2 for 0 <= s <= 1/3; relative error of log(1 + y), 0 <= y <= 1, 5e-18
P0 = 0.6666666666666666
P1 = 0.40000000000014585
P2 = 0.2857142856710876
P3 = 0.22222222717427864
P4 = 0.18181789436132859
P5 = 0.15385570064958623
P6 = 0.13314144209654935
P7 = 0.12001072809590713
P8 = 0.08800738486144674
P9 = 0.1616404561194353


@kernel
def softplus(x):
    """log(1 + e**x) = max(x, 0) + log(1 + e**-|x|) within 3 ulp; never overflows."""
    x = np.float64(x)
    y = exp(-abs(x))
    s = y / (2.0 + y)
    z = s * s
    w = z * z
    even = fma(fma(fma(fma(P8, w, P6), w, P4), w, P2), w, P0)
    odd = fma(fma(fma(fma(P9, w, P7), w, P5), w, P3), w, P1)
    return (0.0 if x < 0.0 else x) + fma(s * z, fma(odd, z, even), s + s)


# ---------------------------------------------------------------- trigonometric functions

TWO_OVER_PI = 0.6366197723675814
HALF_PI_1 = 1.5707963267948966
HALF_PI_2 = 6.123233995736766e-17
HALF_PI_3 = -1.4973849048591698e-33
TRIGONOMETRIC_RANGE = 1073741824.0  # 2**30

# (sin r - r) / r**3 and (cos r - 1 + r**2 / 2) / r**4 in z = r**2 for |r| <= pi / 4; errors 1.3e-17 and 5e-19
S0 = -0.16666666666666666
S1 = 0.008333333333330925
S2 = -0.00019841269836722418
S3 = 2.755731608381636e-06
S4 = -2.5051127944014188e-08
S5 = 1.5917848524808262e-10
C0 = 0.041666666666666664
C1 = -0.0013888888888887382
C2 = 2.480158729874307e-05
C3 = -2.7557317260008837e-07
C4 = 2.0876143827993133e-09
C5 = -1.1382456778061306e-11


@kernel
def sin_cos_reduced(r):
    """sin r and cos r for |r| <= pi / 4."""
    z = r * r
    s = fma(fma(fma(fma(fma(S5, z, S4), z, S3), z, S2), z, S1), z, S0)
    c = fma(fma(fma(fma(fma(C5, z, C4), z, C3), z, C2), z, C1), z, C0)
    half = 0.5 * z
    w = 1.0 - half
    return fma(r * z, s, r), w + fma(z * z, c, (1.0 - w) - half)


@kernel
def _quadrant(x):
    """x = n pi / 2 + r: a float with n in its low bits, and r, correct to an ulp up to |x| = 2**30.

    x - n HALF_PI_1 is exact: a multiple of 2**-53 below one.
    """
    t = fma(x, TWO_OVER_PI, MAGIC)
    n = t - MAGIC
    return bits_of(t), fma(n, -HALF_PI_3, fma(n, -HALF_PI_2, fma(n, -HALF_PI_1, x)))


@kernel
def sin(x):
    """Sine within 2 ulp for |x| <= 2**30 (1.07e9); NaN beyond rather than a number without meaning."""
    x = np.float64(x)
    quadrant, r = _quadrant(x)
    s, c = sin_cos_reduced(r)
    value = s if and_bits(quadrant, 1) == 0 else c
    value = float_of(xor_bits(bits_of(value), shift_left(and_bits(quadrant, 2), 62)))
    return value if abs(x) <= TRIGONOMETRIC_RANGE else NAN


@kernel
def cos(x):
    """Cosine within 2 ulp for |x| <= 2**30 (1.07e9); NaN beyond rather than a number without meaning."""
    x = np.float64(x)
    quadrant, r = _quadrant(x)
    s, c = sin_cos_reduced(r)
    value = c if and_bits(quadrant, 1) == 0 else s
    value = float_of(xor_bits(bits_of(value), shift_left(and_bits(add_bits(quadrant, 1), 2), 62)))
    return value if abs(x) <= TRIGONOMETRIC_RANGE else NAN


@kernel
def power(x, y):
    """x**y by the C library (1 ulp): not vectorised, since exp(y log x) loses up to ten bits."""
    return np.power(np.float64(x), np.float64(y))
