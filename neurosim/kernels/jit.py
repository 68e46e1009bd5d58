"""The only compilation decorators of the package, and the few machine operations that Numba does not offer.

Decorators
    kernel          scalar function, always inlined into its caller
    array_kernel    function of arrays that is called from other compiled code
    entry           function of arrays that is called from Python: as array_kernel, kept in the disk cache

Machine operations (float64 with int64 or uint64, float32 with int32; the type of the first argument is kept)
    fma(a, b, c)               a b + c, rounded once
    minimum(a, b), maximum(a, b)      NaN if either is; one instruction when b is a constant other than 0
    bits_of(x), float_of(i)    reinterpret the bits of a float as an integer and back
    unsigned(i)                any integer as uint64, modulo 2**64
    shift_left, shift_right    by a constant; shift_right fills with zeros
    add_bits, sub_bits, and_bits, or_bits, xor_bits      modulo 2**width

Numba widens int32 arithmetic to int64, which halves the number of vector lanes: hence the typed integers.
With NUMBA_DISABLE_JIT=1 each of them is a plain Python function with the same result, bit for bit.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

# No reassociation, no contraction and no assumption about NaN or infinity. A fused multiply-add is written
# where it is wanted (fma below), so that a loop gives the same bits whether LLVM vectorised it or not, for
# any number of lanes, and in the remainder of the loop: results must depend neither on tiles nor on threads.
FASTMATH = False

OPTIONS: dict[str, Any] = {"fastmath": FASTMATH, "error_model": "numpy", "nogil": True}

DISABLED = bool(numba.config.DISABLE_JIT)


@functools.cache
def sources_digest() -> str:
    """SHA-256 of the sources of this folder: compiled code that inlines kernels is stale when it changes."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _quiet(function: Callable) -> Callable:
    """Compiled code gives no floating-point warnings; neither may the same function in the interpreter."""

    @functools.wraps(function)
    def quiet(*arguments):
        with np.errstate(all="ignore"):
            return function(*arguments)

    return quiet


class _KernelCache(FunctionCache):
    """Disk cache keyed by the digest of all kernels; Numba's own sees only the file of the outer function."""

    def _index_key(self, sig, codegen):
        return (*super()._index_key(sig, codegen), sources_digest())


def kernel(function: Callable) -> Callable:
    """Compile a function of scalars that is inlined wherever it is called.

    Inlining is forced: one call left in the body of a loop would keep LLVM from vectorising it.
    """
    return _quiet(function) if DISABLED else numba.njit(forceinline=True, **OPTIONS)(function)


def array_kernel(function: Callable) -> Callable:
    """Compile a function of arrays (or a long scalar one) for calls from other compiled code."""
    return _quiet(function) if DISABLED else numba.njit(**OPTIONS)(function)


def entry(function: Callable) -> Callable:
    """Compile a function of arrays for calls from Python; kept on disk, a second process compiles nothing."""
    if DISABLED:
        return _quiet(function)
    dispatcher = numba.njit(**OPTIONS)(function)
    dispatcher._cache = _KernelCache(dispatcher.py_func)
    return dispatcher


# ---------------------------------------------------------------- fallbacks for the interpreter

_INTEGER_OF = {np.float64: np.int64, np.float32: np.int32}
_FLOAT_OF = {np.int64: np.float64, np.uint64: np.float64, np.int32: np.float32, np.uint32: np.float32}


def _typed(x):
    """A Python number as the NumPy scalar Numba would make of it."""
    if isinstance(x, np.generic):
        return x
    return np.int64(x) if isinstance(x, int) else np.float64(x)


def _fma_double(a: float, b: float, c: float) -> float:
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        # A finite product must not overflow before it meets an infinite c.
        finite_product = math.isfinite(a) and math.isfinite(b)
        return c if finite_product else float(np.float64(a) * np.float64(b) + np.float64(c))
    (an, ad), (bn, bd), (cn, cd) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    numerator = an * bn * cd + cn * ad * bd
    if numerator == 0:
        return a * b + c  # the sign of a zero follows the rules of the unfused operations
    try:
        return numerator / (ad * bd * cd)  # a quotient of integers is rounded once
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def _fma_single(a: np.float32, b: np.float32, c: np.float32) -> np.float32:
    product, addend = float(a) * float(b), float(c)  # the product of two float32 is exact in float64
    total = product + addend
    if math.isfinite(total):
        part = total - product
        error = (product - (total - part)) + (addend - part)
        # Rounding twice is harmless when the first rounding is to odd:
        # S. Boldo and G. Melquiond 2008, doi:10.1109/TC.2007.70819.
        if error != 0.0 and not int(np.float64(total).view(np.int64)) & 1:
            total = math.nextafter(total, math.copysign(math.inf, error))
    return np.float32(total)


def _binary(operation: Callable) -> Callable:
    def apply(a, b):
        a = _typed(a)
        return operation(a, type(a)(b))

    return apply


def _python_operations() -> dict[str, Callable]:
    def fma(a, b, c):
        a = _typed(a)
        if isinstance(a, np.float32):
            return _fma_single(a, np.float32(b), np.float32(c))
        return np.float64(_fma_double(float(a), float(b), float(c)))

    def bits_of(x):
        x = _typed(x)
        return x.view(_INTEGER_OF[type(x)])

    def float_of(i):
        i = _typed(i)
        return i.view(_FLOAT_OF[type(i)])

    def unsigned(i):
        return np.uint64(int(i) % 2**64)

    def shift_right(a, count):
        a = _typed(a)
        width = 8 * a.itemsize
        shifted = (int(a) % 2**width) >> int(count)
        return np.uint64(shifted).astype(type(a))

    return {
        "fma": fma,
        "minimum": _binary(np.minimum),
        "maximum": _binary(np.maximum),
        "bits_of": bits_of,
        "float_of": float_of,
        "unsigned": unsigned,
        "shift_left": _binary(np.left_shift),
        "shift_right": shift_right,
        "add_bits": _binary(np.add),
        "sub_bits": _binary(np.subtract),
        "and_bits": _binary(np.bitwise_and),
        "or_bits": _binary(np.bitwise_or),
        "xor_bits": _binary(np.bitwise_xor),
    }


# ---------------------------------------------------------------- intrinsics for compiled code


def _llvm_binary(method: str) -> Callable:
    """Intrinsic of two integers (the second cast to the type of the first) made of one LLVM instruction."""

    def typed(typingctx, a, b):
        if not (isinstance(a, types.Integer) and isinstance(b, (types.Integer, types.IntegerLiteral))):
            return None

        def generate(context, builder, signature, arguments):
            return getattr(builder, method)(*arguments)

        return a(a, a), generate

    return intrinsic(typed)


def _llvm_extremum(name: str) -> Callable:
    """Intrinsic of two floats. Comparisons with selects would do, but LLVM merges two in a row into three."""

    def typed(typingctx, a, b):
        if a not in (types.float64, types.float32):
            return None

        def generate(context, builder, signature, arguments):
            machine = arguments[0].type
            prototype = ir.FunctionType(machine, [machine, machine])
            return builder.call(builder.module.declare_intrinsic(name, [machine], prototype), arguments)

        return a(a, a), generate

    return intrinsic(typed)


def _compiled_operations() -> dict[str, Callable]:
    @intrinsic
    def fma(typingctx, a, b, c):
        if a not in (types.float64, types.float32):
            return None

        def generate(context, builder, signature, arguments):
            return builder.fma(*arguments)

        return a(a, a, a), generate

    @intrinsic
    def bits_of(typingctx, x):
        target = {types.float64: types.int64, types.float32: types.int32}.get(x)
        if target is None:
            return None

        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], ir.IntType(target.bitwidth))

        return target(x), generate

    @intrinsic
    def float_of(typingctx, i):
        floats = {64: (types.float64, ir.DoubleType()), 32: (types.float32, ir.FloatType())}
        if not isinstance(i, types.Integer):
            return None
        target, machine = floats[i.bitwidth]

        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], machine)

        return target(i), generate

    @intrinsic
    def unsigned(typingctx, i):
        if not isinstance(i, types.Integer):
            return None

        def generate(context, builder, signature, arguments):
            return context.cast(builder, arguments[0], i, types.uint64)

        return types.uint64(i), generate

    return {
        "fma": fma,
        "minimum": _llvm_extremum("llvm.minimum"),
        "maximum": _llvm_extremum("llvm.maximum"),
        "bits_of": bits_of,
        "float_of": float_of,
        "unsigned": unsigned,
        "shift_left": _llvm_binary("shl"),
        "shift_right": _llvm_binary("lshr"),
        "add_bits": _llvm_binary("add"),
        "sub_bits": _llvm_binary("sub"),
        "and_bits": _llvm_binary("and_"),
        "or_bits": _llvm_binary("or_"),
        "xor_bits": _llvm_binary("xor"),
    }


_operations = _python_operations() if DISABLED else _compiled_operations()
fma = _operations["fma"]
minimum = _operations["minimum"]
maximum = _operations["maximum"]
bits_of = _operations["bits_of"]
float_of = _operations["float_of"]
unsigned = _operations["unsigned"]
shift_left = _operations["shift_left"]
shift_right = _operations["shift_right"]
add_bits = _operations["add_bits"]
sub_bits = _operations["sub_bits"]
and_bits = _operations["and_bits"]
or_bits = _operations["or_bits"]
xor_bits = _operations["xor_bits"]
