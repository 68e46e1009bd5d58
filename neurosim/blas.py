"""Small products of matrices on one thread.

BLAS shares even small products among threads, which then wait for each other: a gain of a few microseconds on a machine that is
idle, and ten times the time on one that is not (an epoch of digits, 64-128-10: 0.5 instead of 0.055 s beside other work on 2
cores).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

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
