"""One factorisation of regularised normal equations, used for any number of right-hand sides.

    (A^T A + r I) D = A^T Y                primal, n x n
    D = A^T C,  (A A^T + r I) C = Y        dual, m x m: the same D, cheaper for fewer points than neurons

r = m sigma^2 > 0.  A is an `Activities`, walked through in blocks, so that the dual form needs memory for m^2 numbers
only, however many neurons there are.  Nothing is ever inverted.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.blas import product
from neurosim.errors import NumericalWarning
from neurosim.nef.activities import Activities

EPS = float(np.finfo(float).eps)


class Factor(ABC):
    """Activities made ready; `solve` may be called often."""

    #: what `info` calls it
    method = ""

    def __init__(self, activities: Activities, ridge: float):
        self.activities = activities
        self.ridge = ridge

    @abstractmethod
    def solve(self, targets: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Return (decoders (n, k), info) for targets of shape (m, k)."""

    @property
    def nbytes(self) -> int:
        """Memory held, bytes, with activities that are kept."""
        return self.activities.nbytes

    def _info(self, residual: np.ndarray, **more: Any) -> dict[str, Any]:
        rmse = np.sqrt(np.mean(residual**2, axis=0)) if len(residual) else np.zeros(residual.shape[1])
        return {"rmse": rmse, "method": self.method, "ridge": self.ridge, **more}

    def transposed(self, right: np.ndarray) -> np.ndarray:
        """Return A^T right, shape (n, k)."""
        return _transposed_product(self.activities, right)

    def _residual(self, decoders: np.ndarray, targets: np.ndarray) -> np.ndarray:
        residual = -targets
        for part, block in self.activities.rows():
            residual[part] += product(block, decoders)
        return residual


class Primal(Factor):
    """Cholesky factor of A^T A + r I, shape (n, n)."""

    method = "primal Cholesky"

    def __init__(self, activities: Activities, ridge: float):
        super().__init__(activities, ridge)
        self.lower = _cholesky(_gram(activities, rows=True), ridge)

    @property
    def nbytes(self) -> int:
        """Memory held, bytes, with activities that are kept."""
        return self.lower.nbytes + self.activities.nbytes

    def solve(self, targets: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Return (decoders (n, k), info) for targets of shape (m, k)."""
        decoders = _solved(self.lower, _transposed_product(self.activities, targets))
        return decoders, self._info(self._residual(decoders, targets))


class Dual(Factor):
    """Cholesky factor of A A^T + r I, shape (m, m)."""

    method = "dual Cholesky"

    def __init__(self, activities: Activities, ridge: float):
        super().__init__(activities, ridge)
        self.lower = _cholesky(_gram(activities, rows=False), ridge)

    @property
    def nbytes(self) -> int:
        """Memory held, bytes, with activities that are kept."""
        return self.lower.nbytes + self.activities.nbytes

    def solve(self, targets: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Return (decoders (n, k), info) for targets of shape (m, k)."""
        c = _solved(self.lower, targets)
        # A D = A A^T C = Y - r C, so that the residual costs nothing
        return _transposed_product(self.activities, c), self._info(-self.ridge * c)


class Spectral(Factor):
    """Singular values A = U diag(s) V^T:  D = V diag(s/(s^2 + r)) U^T Y; for r = 0 tiny s are left out.

    Args:
        activities: A.
        ridge: r >= 0.
        rcond: singular values up to rcond s_max count as 0; None: max(m, n) times the machine epsilon.
    """

    method = "SVD"

    def __init__(self, activities: Activities, ridge: float, rcond: float | None = None):
        super().__init__(activities, ridge)
        from scipy.linalg import svd

        self._u, s, self._vt = svd(activities.whole(), full_matrices=False, check_finite=False)
        least = s[0] * (max(activities.shape) * EPS if rcond is None else rcond) if s.size else 0.0
        self.rank = int((s > least).sum())
        self._filter = np.zeros_like(s)
        np.divide(s, s * s + ridge, out=self._filter, where=s > (least if ridge == 0 else 0))

    @property
    def nbytes(self) -> int:
        """Memory held, bytes, with activities that are kept."""
        return self._u.nbytes + self._vt.nbytes + self.activities.nbytes

    def solve(self, targets: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Return (decoders (n, k), info) for targets of shape (m, k)."""
        decoders = product(self._vt.T, self._filter[:, None] * product(self._u.T, targets))
        return decoders, self._info(self._residual(decoders, targets), rank=self.rank)


class BlockCG(Factor):
    """Conjugate gradients for all columns at once, without ever forming a square matrix.

    The smaller one of the primal and the dual system  H X = B  is solved.  With Q, S of orthonormal, H-conjugate columns:

        Q xi = B (QR);  S = Q;  repeat:  alpha = (S^T H S)^-1,  X += S alpha xi,  Q' zeta = Q - H S alpha (QR),
        S <- Q' + S zeta^T,  xi <- zeta xi

    The columns of xi have the lengths of the residuals.  A QR at every step keeps equal or dependent columns harmless.

    Source: O'Leary 1980, doi:10.1016/0024-3795(80)90247-5; form with QR: Dubrulle 2001, Retooling the method of block
    conjugate gradients, ETNA 12:216-233.

    Args:
        activities: A.
        ridge: r >= 0.
        tolerance: of the length of a residual, relative to its right-hand side.
        iterations: at most; None: 10 times the size of the system, and at least 100.
    """

    method = "block CG"

    def __init__(self, activities: Activities, ridge: float, tolerance: float = 1e-9, iterations: int | None = None):
        super().__init__(activities, ridge)
        m, n = activities.shape
        self.dual = m < n
        self.tolerance = tolerance
        self.iterations = max(100, 10 * min(m, n)) if iterations is None else iterations

    def solve(self, targets: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Return (decoders (n, k), info) for targets of shape (m, k); info has "iterations" and "reached".

        Warns:
            NumericalWarning: if the tolerance was not reached.
        """
        a = self.activities
        right = targets if self.dual else _transposed_product(a, targets)
        solution, count, reached = block_cg(self._product, right, self.tolerance, self.iterations)
        worst = float(reached.max(initial=0.0))
        if worst > self.tolerance:
            warnings.warn(f"Block conjugate gradients stopped after {count} iterations with a relative residual of {worst:.2g} "
                          f"(wanted {self.tolerance:g}). Raise iterations, reg or tolerance, or use fewer evaluation points.",
                          NumericalWarning, stacklevel=2)
        decoders = _transposed_product(a, solution) if self.dual else solution
        return decoders, self._info(self._residual(decoders, targets), iterations=count, reached=reached)

    def _product(self, x: np.ndarray) -> np.ndarray:
        out = self.ridge * x
        if self.dual:
            for _, block in self.activities.columns():
                out += product(block, product(block.T, x))
        else:
            for _, block in self.activities.rows():
                out += product(block.T, product(block, x))
        return out


def block_cg(product: Callable[[np.ndarray], np.ndarray], right: np.ndarray, tolerance: float,
             iterations: int) -> tuple[np.ndarray, int, np.ndarray]:
    """Solve H X = B for a positive definite H that is known by its products only; see `BlockCG`.

    Args:
        product: function S (n, k) -> H S (n, k).
        right: B, shape (n, k).
        tolerance: relative length of the residual of each column at which it ends.
        iterations: at most.

    Returns:
        (X of shape (n, k), iterations done, relative residuals (k,)).
    """
    from scipy.linalg import cho_factor, cho_solve

    lengths = np.linalg.norm(right, axis=0)
    scale = np.where(lengths > 0, lengths, 1)
    x = np.zeros_like(right)
    if not right.size or not lengths.any():
        return x, 0, np.zeros(right.shape[1])
    # columns of equal weight: the tolerance is relative for each
    q, xi = np.linalg.qr(right / scale)
    s = q
    reached = np.linalg.norm(xi, axis=0)
    done = 0
    while done < iterations and (reached > tolerance).any():
        done += 1
        t = product(s)
        small = s.T @ t
        try:
            factor = cho_factor((small + small.T) / 2, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            break  # H is singular to rounding: what is reached is the best there is
        x += s @ cho_solve(factor, xi)
        q, zeta = np.linalg.qr(q - cho_solve(factor, t.T).T)
        s = q + s @ zeta.T
        xi = zeta @ xi
        reached = np.linalg.norm(xi, axis=0)
    return x * scale, done, reached


def _gram(activities: Activities, rows: bool) -> np.ndarray:
    """Return A^T A (rows: summed over points) or A A^T (summed over neurons); only the lower triangle is filled."""
    from scipy.linalg.blas import dsyrk

    size = activities.shape[1 if rows else 0]
    gram = np.zeros((size, size), order="F")
    for _, block in activities.rows() if rows else activities.columns():
        if block.size == 0:
            continue
        # BLAS reads columns: a C-ordered block is its transpose, and must not be copied
        forward = block.flags.c_contiguous
        gram = dsyrk(1.0, block.T if forward else block, beta=1.0, c=gram, trans=int(rows != forward), lower=1, overwrite_c=1)
    return gram


def _cholesky(gram: np.ndarray, ridge: float) -> np.ndarray:
    """Return L of gram + ridge I = L L^T, in the place of gram.

    LAPACK itself: for a hundred neurons SciPy's function around it takes as long as the factorisation.
    """
    from scipy.linalg import LinAlgError
    from scipy.linalg.lapack import dpotrf

    if not gram.size:
        return gram
    gram.flat[::len(gram) + 1] += ridge
    lower, place = dpotrf(gram, lower=1, clean=1, overwrite_a=1)
    if place:
        raise LinAlgError(f"The leading minor of order {place} is not positive: the matrix of activities is singular.")
    return lower


def _solved(lower: np.ndarray, right: np.ndarray) -> np.ndarray:
    from scipy.linalg.lapack import dpotrs

    return dpotrs(lower, right, lower=1)[0] if lower.size and right.size else right


def _transposed_product(activities: Activities, right: np.ndarray) -> np.ndarray:
    """Return A^T right, shape (n, k)."""
    out = np.empty((activities.shape[1], right.shape[1]))
    for part, block in activities.columns():
        out[part] = product(block.T, right)
    return out
