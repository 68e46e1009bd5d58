"""Products of matrices: small ones on one thread, and all by the same BLAS where SciPy's is used anyway.

BLAS shares even small products among threads, which then wait for each other: a gain of a few microseconds on a machine that is
idle, and ten times the time on one that is not (an epoch of digits, 64-128-10: 0.5 instead of 0.055 s beside other work on 2
cores).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np

#: multiplications of one product up to which one thread is enough: some tenths of a millisecond
SMALL = 1 << 22


@cache
def _controller() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None  # it comes with scikit-learn; without it, BLAS does as it likes
    return ThreadpoolController()


def one_thread(largest: float) -> AbstractContextManager:
    """Return a context in which BLAS uses one thread if products are small; it costs 10 microseconds.

    Args:
        largest: multiplications of the largest product: rows of samples times weights.
    """
    if largest > SMALL or _controller() is None:
        return nullcontext()
    return _controller().limit(limits=1, user_api="blas")


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return a b by SciPy's BLAS.

    NumPy and SciPy bring a BLAS each, whose threads go on looking for work some time after a product: two that are used in
    turn stand in each other's way (two ensembles of 1,000 neurons built in 165 instead of 68 ms on two cores).

    Args:
        a, b: float64, shapes (m, k) and (k, n), in C or Fortran order.
        out: (m, n), C-ordered, where the product is written to.
    """
    from scipy.linalg.blas import dgemm, dgemv

    if 0 in (*a.shape, *b.shape):
        return np.matmul(a, b, out=out)
    if a.shape[1] == 1:
        return np.multiply(a, b, out=out)
    # BLAS reads columns: a C-ordered matrix is the transpose of what it sees, and must not be copied
    if b.shape[1] == 1 and out is None:
        rows = a.flags.c_contiguous
        return dgemv(1.0, a.T if rows else a, b[:, 0], trans=int(rows))[:, None]
    (left, turned), (right, around) = ((x.T, 0) if x.flags.c_contiguous else (x, 1) for x in (b, a))
    if out is None:
        return dgemm(1.0, left, right, trans_a=turned, trans_b=around).T
    return dgemm(1.0, left, right, beta=0.0, c=out.T, trans_a=turned, trans_b=around, overwrite_c=1).T
