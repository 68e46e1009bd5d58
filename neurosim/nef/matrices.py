"""Matrices of paths: arrays where they are small or full, in CSR form where that is smaller by far.

A product of small sparse matrices takes SciPy some hundred microseconds, of arrays a few: a network has thousands of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: entries up to which a matrix is an array in any case, and part of non-zero entries from which larger ones are
SMALL, DENSE = 1024, 0.25
#: entries up to which a matrix is an array for the time of a product: half a megabyte
QUICK = 1 << 16


def entries(values: np.ndarray | float, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Any:
    """Return the matrix with values at (rows[k], columns[k]); those at one place are added up."""
    if shape[0] * shape[1] <= SMALL:
        out = np.zeros(shape)
        np.add.at(out, (rows, columns), values)
        return out
    from scipy.sparse import csr_array

    return csr_array((np.broadcast_to(values, rows.shape), (rows, columns)), shape=shape)


def tidy(matrix: Any) -> Any:
    """Return a matrix as an array, or in CSR form where that is smaller by far."""
    size = matrix.shape[0] * matrix.shape[1]
    if isinstance(matrix, np.ndarray):
        if size <= SMALL or np.count_nonzero(matrix) >= DENSE * size:
            return np.ascontiguousarray(matrix)
        from scipy.sparse import csr_array

        return csr_array(matrix)
    matrix = matrix.tocsr()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix.toarray() if size <= SMALL or matrix.nnz >= DENSE * size else matrix


def quick(matrix: Any) -> Any:
    """Return a matrix that many others will be multiplied with as an array, unless it is large."""
    return matrix if isinstance(matrix, np.ndarray) or matrix.shape[0] * matrix.shape[1] > QUICK else matrix.toarray()


def total(one: Any, other: Any) -> Any:
    """Return the sum of two matrices in any form."""
    if isinstance(one, np.ndarray) == isinstance(other, np.ndarray):
        return one + other
    return one + other.toarray() if isinstance(one, np.ndarray) else one.toarray() + other


def filled(matrix: Any) -> np.ndarray:
    """Return how many entries each column of an array, or CSR matrix, has."""
    if isinstance(matrix, np.ndarray):
        return np.count_nonzero(matrix, axis=0)
    return np.bincount(matrix.indices, minlength=matrix.shape[1])


def support(matrix: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows and which columns of an array, or CSR matrix, hold anything else than 0."""
    if isinstance(matrix, np.ndarray):
        return np.flatnonzero(matrix.any(axis=1)), np.flatnonzero(matrix.any(axis=0))
    return np.flatnonzero(np.diff(matrix.indptr)), np.unique(matrix.indices)
