"""Run the compiled generators: scratch arrays, ranges of targets for threads, offsets of targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from neurosim.codegen.library import compiled
from neurosim.kernels.widths import DRAWS
from neurosim.simulator.draws import key

#: step of the uniform numbers that degrees are drawn with; steps of weights and delays are small
DEGREE_STEP = 2**47


def offsets(counts: np.ndarray) -> np.ndarray:
    """Return int64 first with first[j] ... first[j + 1] - 1 the places of target j, from the number of its connections."""
    first = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=first[1:])
    return first


def run(work: Callable[[int, int], None], borders: Sequence[int], threads: int) -> None:
    """Call work(low, high) for each pair of neighbouring borders, in several threads if asked to."""
    ranges = [(int(a), int(b)) for a, b in zip(borders, borders[1:]) if b > a]
    if threads <= 1 or len(ranges) <= 1:
        for low, high in ranges:
            work(low, high)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda r: work(*r), ranges))


def even_borders(n: int, threads: int) -> list[int]:
    """Return the borders of as many ranges of 0 ... n - 1 as there are threads, about equally long."""
    parts = max(1, min(threads, n))
    return [n * i // parts for i in range(parts + 1)]


def fair_borders(first: np.ndarray, threads: int) -> list[int]:
    """Return the borders of ranges of targets with about equally many connections."""
    n, total = first.size - 1, int(first[-1])
    parts = max(1, min(threads, n))
    return [0, *(int(np.searchsorted(first, total * i // parts)) for i in range(1, parts)), n]


def scratch(n: int, multapses: bool) -> tuple[np.ndarray, ...]:
    """Return bits, summary, count and draws for subsets of n numbers."""
    words = max(1, -(-n // 64))
    return (np.zeros(words, np.uint64), np.zeros(-(-words // 64), np.uint64),
            np.zeros(n if multapses else 1, np.int32), np.empty(DRAWS, np.uint64))


def subsets(first: np.ndarray, n_pre: int, same: np.ndarray, multapses: bool, seed: int, stream: int,
            threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw first[j + 1] - first[j] sources for each target j; all allowed sets (with multapses: lists) are equally likely.

    Args:
        first: from `offsets`.
        n_pre: number of sources.
        same: int32, the source that target j must not have or -1; empty: all are allowed.
        multapses: whether a source may come several times.

    Returns:
        pre, post: int32; pre ascends within each target.
    """
    pre, post = np.empty(first[-1], np.int32), np.empty(first[-1], np.int32)
    seed, stream = key(seed, stream)

    def work(low: int, high: int) -> None:
        compiled("fill_sources").bind(pre, post, first, same, n_pre, int(multapses), seed, stream,
                                      *scratch(n_pre, multapses))(low, high - low)

    run(work, fair_borders(first, threads), threads)
    return pre, post


def targets_of(first: np.ndarray) -> np.ndarray:
    """Return int32 with target j at its places."""
    return np.repeat(np.arange(first.size - 1, dtype=np.int32), np.diff(first))
