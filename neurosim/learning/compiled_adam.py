"""A step of Adam in one pass over its four arrays, compiled once for each precision.

In NumPy the same rule is ten passes, which for large networks and small batches take longer than the products of matrices.  The
roundings are the same, so that the numbers are, bit for bit.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from neurosim.codegen.native import ARRAY, Interpreted, Native
from neurosim.codegen.store import load

_SOURCE = '''"""Adam, {kind}: compiled loop."""

import math

from neurosim.kernels.jit import entry, unsigned


@entry
def adam(step0, n_steps, x, g, m, s, numbers):
    """Elements step0 ... : m <- beta1 m + g, s <- beta2 s + g^2, x <- x - rate m/(sqrt(s) + epsilon).

    g begins at element step0.  numbers: beta1, beta2, epsilon, rate.
    """
    beta1, beta2, epsilon, rate = numbers[0], numbers[1], numbers[2], numbers[3]
    first = unsigned(step0)
    for j in range(unsigned(n_steps)):
        k = first + j
        m[k] = m[k] * beta1 + g[j]
        s[k] = s[k] * beta2 + g[j] * g[j]
        x[k] -= m[k] / (math.sqrt(s[k]) + epsilon) * rate
'''


#: the cell that holds the address of g: the second array, of which it is the fifth cell
DATA = ARRAY + 4


@cache
def _loop(single: bool) -> Native | Interpreted:
    return load(_SOURCE.format(kind="float32" if single else "float64"), single, "adam", "RRRRR")


class AdamPass:
    """The loop for some arrays of one dtype; made by `adam_pass`.

    Args:
        loop: machine code.
        x, m, s: shape (n,), changed by each call.

    Attributes:
        numbers: beta1, beta2, epsilon, rate; read by each call.
    """

    def __init__(self, loop: Native, x: np.ndarray, m: np.ndarray, s: np.ndarray):
        self.numbers = np.zeros(4, x.dtype)
        # the place of g is filled in by each call
        self._job = loop.bind(x, x, m, s, self.numbers)
        self._kind, self._size = x.dtype, x.size

    def __call__(self, first: int, g: np.ndarray) -> None:
        """Change the elements from `first` on by their gradient g, any shape, contiguous."""
        # a wrong array would not raise an error but read elsewhere
        if g.dtype != self._kind or not g.flags.c_contiguous or not 0 <= first <= self._size - g.size:
            raise ValueError(f"AdamPass: {g.dtype} {g.shape} at {first} does not fit {self._kind} of {self._size} elements")
        self._job.cells[DATA] = g.ctypes.data
        self._job(first, g.size)


def adam_pass(x: np.ndarray, m: np.ndarray, s: np.ndarray) -> AdamPass | None:
    """Return the loop for arrays of one dtype, shape (n,), or None where there is no machine code (NUMBA_DISABLE_JIT)."""
    loop = _loop(x.dtype == np.float32)
    return AdamPass(loop, x, m, s) if isinstance(loop, Native) else None
