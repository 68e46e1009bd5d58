"""Decoders from activities and targets: least squares with L2 regularisation or noise, non-negative, sparse.

    D = argmin_D ||A D - Y||^2 + m sigma^2 ||D||^2,   sigma = reg max(A)

A: activities (m, n) in Hz at m evaluation points of n neurons; Y: targets (m, k); D: decoders (n, k).

Noise and L2 are the same thing: with independent noise of variance sigma^2 on every activity,
E[(A + N)^T (A + N)] = A^T A + m sigma^2 I and E[(A + N)^T Y] = A^T Y.

Every solver is called as  solver(A, Y, rng=None) -> (D, info)  with info["rmse"] of shape (k,), the root mean square of
A D - Y in each column, and info["method"].  A may be an array or `activities.Activities`, which is worked through in
blocks.

Source: Eliasmith & Anderson 2003, Neural Engineering, MIT Press, sections 2.1 and 4.1 and appendix A (isbn 9780262550604).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import NumericalWarning, ParameterError, SimulationError
from neurosim.nef.activities import Activities, Given
from neurosim.nef.factors import EPS, BlockCG, Dual, Factor, Primal, Spectral


class Method(Enum):
    """How least squares are solved; see `L2`."""

    AUTO = "auto"
    CHOLESKY = "cholesky"
    SVD = "svd"
    BLOCK_CG = "block_cg"


AUTO, CHOLESKY, SVD, BLOCK_CG = Method

#: bytes that a square matrix may take; with larger ones on both sides AUTO turns to block CG: 16,384 neurons and points
MEMORY = 2 * 2**30
#: relative error of a Cholesky solution, n eps/reg^2 at worst, above which AUTO turns to singular values
ROUNDING = 1e-6


class Solver:
    """Common part of all solvers."""

    #: whether two calls with the same arguments may differ (they draw from rng)
    random = False
    #: whether the decoders of Y M are those of Y times M, so that factors D and encoders may stay apart
    linear = True
    #: whether fewer evaluation points than neurons will do, see `sphere.default_n_eval_points`
    regularised = True

    def __call__(self, activities: ArrayLike | Activities, targets: ArrayLike,
                 rng: np.random.Generator | int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Return (decoders (n, k), info).

        Args:
            activities: A, Hz, shape (m, n), or `Activities`.
            targets: Y, shape (m, k), or (m,) for k = 1.
            rng: generator or seed for solvers that draw numbers.

        Raises:
            ParameterError: for shapes that do not fit and numbers that are not finite.
        """
        a, y = checked(activities, targets)
        return self._solve(a, y, np.random.default_rng(rng))

    def key(self) -> str | None:
        """Return a text that says everything the solution depends on, for caches; None: not known, so nothing is cached."""
        cls = type(self)
        return None if cls.__repr__ is object.__repr__ else f"{cls.__module__}.{self!r}"

    def factorise(self, activities: ArrayLike | Activities) -> Factor | None:
        """Return what `_solve` would compute from A alone, to be used for many targets; None: there is no such thing."""
        return None

    def _solve(self, a: Activities, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        factor = self.factorise(a)
        if factor is None:
            return _silent(a, y)
        return factor.solve(y)


@dataclass(frozen=True)
class L2(Solver):
    """Least squares with L2 regularisation:  min ||A D - Y||^2 + m sigma^2 ||D||^2,  sigma = reg max(A).

    Args:
        reg: sigma relative to the greatest activity; 0.1 stands for noise of that size.
        method: CHOLESKY: of the primal (n, n) or the dual (m, m) matrix, whichever is smaller; SVD; BLOCK_CG: by
            products with A only; AUTO: Cholesky, SVD where reg is so small that Cholesky would lose 10 digits,
            block CG where the smaller matrix exceeds 2 GiB.
        tolerance: of block CG, relative to each right-hand side.
        iterations: of block CG at most; None: 10 min(m, n).

    Raises:
        ParameterError: for reg < 0, reg = 0 with CHOLESKY, an unknown method.
    """

    reg: float = 0.1
    method: Method = AUTO
    tolerance: float = 1e-9
    iterations: int | None = None

    def __post_init__(self):
        _at_least(self, 0, reg=self.reg)
        _method(self)
        if self.reg == 0 and self.method in (CHOLESKY, BLOCK_CG):
            raise ParameterError(f"L2: reg is 0, for which {self.method.name} may divide by zero. Give reg > 0 or method=SVD.")
        _at_least(self, 0, tolerance=self.tolerance)
        if self.iterations is not None:
            _at_least(self, 1, iterations=self.iterations)

    def factorise(self, activities: ArrayLike | Activities) -> Factor | None:
        """Return the factor of A, with `solve(Y)`; None if all activities are 0."""
        a = activities if isinstance(activities, Activities) else Given(activities)
        m, n = a.shape
        sigma = self.reg * a.top
        return _factor(a, m * sigma**2, self.method, self.reg, self.tolerance, self.iterations) if a.top > 0 else None


@dataclass(frozen=True)
class LeastSquares(Solver):
    """Least squares without regularisation, by singular values: the solution of least length.

    Args:
        rcond: singular values up to rcond times the greatest count as 0; None: max(m, n) times the machine epsilon.

    Raises:
        ParameterError: for rcond outside [0, 1).
    """

    rcond: float | None = None

    regularised = False

    def __post_init__(self):
        if self.rcond is not None:
            _at_least(self, 0, rcond=self.rcond)
            if self.rcond >= 1:
                raise ParameterError(f"LeastSquares: rcond is {self.rcond}. Give a number below 1.")

    def factorise(self, activities: ArrayLike | Activities) -> Factor | None:
        """Return the singular values of A, with `solve(Y)`; None if all activities are 0."""
        a = activities if isinstance(activities, Activities) else Given(activities)
        return Spectral(a, 0.0, self.rcond) if a.top > 0 else None


@dataclass(frozen=True)
class Noise(Solver):
    """Least squares with noise on the activities:  min ||(A + N) D - Y||^2,  N_ij ~ Normal(0, sigma^2),  sigma = noise max(A).

    One draw of what `L2` does on average; for more points than neurons, say twice as many.  rmse is that of A D - Y
    without noise.

    Args:
        noise: sigma relative to the greatest activity.
        method: CHOLESKY: of (A + N)^T (A + N), for m > n; SVD; AUTO: CHOLESKY for m > n and noise > 0.001, else SVD.

    Raises:
        ParameterError: for noise < 0, BLOCK_CG, an unknown method; CHOLESKY with m <= n.

    Warns:
        NumericalWarning: for m <= n, where the noise itself is fitted.
    """

    noise: float = 0.1
    method: Method = AUTO

    random = True
    regularised = False

    def __post_init__(self):
        _at_least(self, 0, noise=self.noise)
        _method(self)
        if self.method is BLOCK_CG:
            raise ParameterError("Noise: BLOCK_CG is for large regularised problems. Give AUTO, CHOLESKY or SVD.")

    def _solve(self, a: Activities, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        m, n = a.shape
        if m <= n:
            if self.method is CHOLESKY:
                raise ParameterError(f"Noise: CHOLESKY needs more evaluation points ({m}) than neurons ({n}). Give more "
                                     "points, method=SVD, or L2, which needs fewer.")
            warnings.warn(f"Noise: {m} evaluation points for {n} neurons: the decoders fit the noise as well. Give more "
                          "points (n_eval_points), or use L2.", NumericalWarning, stacklevel=3)
        noisy = rng.standard_normal((m, n))
        noisy *= self.noise * a.top
        for part, block in a.rows():
            noisy[part] += block
        fast = self.method is CHOLESKY or (self.method is AUTO and m > n and self.noise > 1e-3)
        factor = Primal(Given(noisy), 0.0) if fast and a.top > 0 else Spectral(Given(noisy), 0.0)
        decoders, info = factor.solve(y)
        residual = -y
        for part, block in a.rows():
            residual[part] += block @ decoders
        return decoders, {**info, "rmse": _rms(residual)}


@dataclass(frozen=True)
class NonNegative(Solver):
    """Least squares with decoders that are not negative:  min ||A D - Y||^2 + m sigma^2 ||D||^2  with D >= 0.

    With the Cholesky factor R^T R = A^T A + m sigma^2 I each column is  min ||R d - R^-T A^T y||, d >= 0, solved by
    active sets.  At the solution the gradient R^T R d - A^T y is 0 where d > 0 and >= 0 where d = 0.

    Args:
        reg: sigma relative to the greatest activity.

    Raises:
        ParameterError: for reg <= 0.
        SimulationError: if active sets do not settle.

    Source: Lawson & Hanson 1995, doi:10.1137/1.9781611971217, chapter 23.
    """

    reg: float = 0.1

    linear = False

    def __post_init__(self):
        _at_least(self, 0, reg=self.reg)
        if self.reg == 0:
            raise ParameterError("NonNegative: reg is 0. Give a number above 0; 1e-3 hardly changes the answer.")

    def _solve(self, a: Activities, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        from scipy.linalg import solve_triangular
        from scipy.optimize import nnls

        if not a.top > 0:
            return _silent(a, y)
        primal = Primal(a, a.shape[0] * (self.reg * a.top) ** 2)
        free, _ = primal.solve(y)
        upper = np.ascontiguousarray(primal.lower.T)
        right = solve_triangular(primal.lower, primal.transposed(y), lower=True)
        decoders = np.empty_like(free)
        for k in range(y.shape[1]):
            if (free[:, k] >= 0).all():
                decoders[:, k] = free[:, k]
                continue
            try:
                decoders[:, k] = nnls(upper, right[:, k], maxiter=30 * a.shape[1])[0]
            except RuntimeError as error:
                raise SimulationError(f"NonNegative: column {k} did not settle ({error}). Raise reg.") from error
        residual = -y
        for part, block in a.rows():
            residual[part] += block @ decoders
        return decoders, {"rmse": _rms(residual), "method": "active sets", "ridge": primal.ridge}


@dataclass(frozen=True)
class SparseDrop(Solver):
    """Sparse decoders: solve, set the smallest of them to 0, solve again for the others.

    All entries of D compete, so that columns may keep different numbers of them; each column is solved again from the
    neurons that it kept.

    Args:
        drop: part of the entries to drop, from 0 to below 1.
        solver1: for the first solution.
        solver2: for the second.

    Raises:
        ParameterError: for drop outside [0, 1).
    """

    drop: float = 0.25
    solver1: Solver = field(default_factory=L2)
    solver2: Solver = field(default_factory=L2)

    linear = False

    def __post_init__(self):
        _at_least(self, 0, drop=self.drop)
        if self.drop >= 1:
            raise ParameterError(f"SparseDrop: drop is {self.drop}, which leaves nothing. Give a number below 1.")
        for name in ("solver1", "solver2"):
            if not isinstance(getattr(self, name), Solver):
                raise ParameterError(f"SparseDrop: {name} must be a solver, not {getattr(self, name)!r}.")

    @property
    def random(self) -> bool:
        """Whether one of the two solvers draws numbers."""
        return self.solver1.random or self.solver2.random

    @property
    def regularised(self) -> bool:
        """Whether fewer evaluation points than neurons will do for both."""
        return self.solver1.regularised and self.solver2.regularised

    def _solve(self, a: Activities, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        decoders, first = self.solver1._solve(a, y, rng)
        decoders = np.array(decoders)
        size = np.abs(decoders)
        gone = int(round(self.drop * size.size))
        keep = np.ones(size.size, dtype=bool)
        keep[np.argsort(size, axis=None, kind="stable")[:gone]] = False
        keep = keep.reshape(size.shape) & (size > 0)
        matrix = a.whole()
        out = np.zeros_like(decoders)
        # columns that kept the same neurons share one solution
        patterns, which = np.unique(keep.T, axis=0, return_inverse=True)
        for p, pattern in enumerate(patterns):
            if pattern.any():
                columns = np.flatnonzero(np.ravel(which) == p)
                part, _ = self.solver2._solve(Given(matrix[:, pattern]), y[:, columns], rng)
                out[np.ix_(pattern, columns)] = part
        residual = matrix @ out - y
        return out, {"rmse": _rms(residual), "method": "drop", "kept": int(np.count_nonzero(out)), "first": first}


def weight_targets(targets: np.ndarray, transform: ArrayLike, gain: np.ndarray, encoders: np.ndarray,
                   radius: float = 1.0) -> np.ndarray:
    """Return targets in the space of input currents, from which full weight matrices are solved.

        Y_w = Y T^T (gain E/radius)^T,   W = D_w of shape (n, n_post)

    Args:
        targets: Y, shape (m, k).
        transform: T, a number, a vector (k,) (diagonal) or a matrix (d, k).
        gain: of the neurons behind, shape (n_post,).
        encoders: shape (n_post, d).
        radius: of the ensemble behind.

    Returns:
        Shape (m, n_post).
    """
    transform = np.asarray(transform, dtype=float)
    moved = targets * transform if transform.ndim < 2 else targets @ transform.T
    return moved @ (np.asarray(encoders) * (np.asarray(gain) / radius)[:, None]).T


def checked(activities: ArrayLike | Activities, targets: ArrayLike) -> tuple[Activities, np.ndarray]:
    """Return (Activities, targets of shape (m, k)).

    Raises:
        ParameterError: for shapes that do not fit and numbers that are not finite.
    """
    a = activities if isinstance(activities, Activities) else Given(activities)
    y = np.asarray(targets, dtype=float)
    if y.ndim == 1:
        y = y[:, None]
    if y.ndim != 2 or len(y) != a.shape[0]:
        raise ParameterError(f"Targets of shape {np.shape(targets)} do not fit activities of shape {a.shape}: they must have "
                             f"shape ({a.shape[0]}, k), a row for every evaluation point.")
    if not a.shape[0]:
        raise ParameterError("There are no evaluation points to solve decoders from. Give at least one.")
    if not np.isfinite(y).all():
        point, column = np.argwhere(~np.isfinite(y))[0]
        raise ParameterError(f"Target {column} at evaluation point {point} is {y[point, column]}. Give finite targets.")
    if not np.isfinite(a.top):
        raise ParameterError("Activities are not finite. Look at gain and bias, or at the rate curve of the neurons.")
    return a, y


def _factor(a: Activities, ridge: float, method: Method, reg: float, tolerance: float, iterations: int | None) -> Factor:
    m, n = a.shape
    small = min(m, n)
    if method is AUTO:
        if reg == 0 or small * EPS / reg**2 > ROUNDING:
            method = SVD
        else:
            method = CHOLESKY if 8 * small**2 <= MEMORY else BLOCK_CG
    if method is SVD:
        return Spectral(a, ridge)
    if method is BLOCK_CG:
        return BlockCG(a, ridge, tolerance, iterations)
    return Dual(a, ridge) if m < n else Primal(a, ridge)


def _silent(a: Activities, y: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    warnings.warn("No neuron is active at any evaluation point, so that nothing can be decoded: all decoders are 0. Look at "
                  "intercepts, gain and bias.", NumericalWarning, stacklevel=4)
    return np.zeros((a.shape[1], y.shape[1])), {"rmse": _rms(y), "method": "none: no activity", "ridge": 0.0}


def _rms(residual: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(residual**2, axis=0))


def _at_least(owner: Solver, least: float, **values: Any) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not least <= value < np.inf:
            raise ParameterError(f"{type(owner).__name__}: {name} must be a number of at least {least}, not {value!r}.")


def _method(owner: Any) -> None:
    if not isinstance(owner.method, Method):
        names = ", ".join(m.name for m in Method)
        raise ParameterError(f"{type(owner).__name__}: method must be one of nef.{names}, not {owner.method!r}.")
