"""Separating planes: the perceptron, which stops at the first, and the support vector machine, which finds the widest margin.

    perceptron   w <- w + y_i x_i   if y_i w.x_i <= 0        at most (R/gamma)^2 times, if a unit w* has y_i w*.x_i >= gamma,
                                                             R = max |x_i|
    margin       minimise 1/2 a^T Q a - sum(a)   for 0 <= a <= C, y.a = 0,   Q_ij = y_i y_j K_ij
                 f_i = sum_j a_j y_j K_ij + b

Labels y are -1 or 1.  The minimum is characterised by the conditions of Karush, Kuhn and Tucker; with m_i = y_i f_i

    y.a = 0,     a_i max(m_i - 1, 0) = 0,     (C - a_i) max(1 - m_i, 0) = 0

Sources: Rosenblatt 1958, doi:10.1037/h0042519; Novikoff 1962 (the bound); Cortes & Vapnik 1995, doi:10.1007/BF00994018;
Mehrotra 1992, doi:10.1137/0802028 (predictor and corrector of the interior-point method).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from neurosim.errors import ParameterError, SimulationError

#: residual at which the widest margin is found, in units of max(1, C)
EXACT = 1e-10
#: share of the way to the nearest bound that a step may go, and steps at most
NEAR, STEPS = 0.995, 100
#: of a in its distances to 0 and to C
SIGNS = np.array([[1.0], [-1.0]])


def perceptron(x: np.ndarray, y: np.ndarray, epochs: int = 100) -> tuple[np.ndarray, list[int]]:
    """Return the weights of a perceptron and its mistakes in each epoch; it ends with an epoch without any.

    Args:
        x: samples, shape (n, d); a column of ones gives it a bias.
        y: labels -1 or 1, shape (n,).
        epochs: at most so many.

    Raises:
        ParameterError: for labels that are not -1 or 1.
    """
    x, y = _checked(x, y)
    w, mistakes = np.zeros(x.shape[1]), []
    while len(mistakes) < epochs and (not mistakes or mistakes[-1]):
        mistakes.append(0)
        for row, label in zip(x, y):
            if label*(row @ w) <= 0:
                w += label*row
                mistakes[-1] += 1
    return w, mistakes


@dataclass(frozen=True)
class Margin:
    """The widest margin: what `widest_margin` returns.

    a: multipliers of the samples, shape (n,), above 0 for support vectors. b: intercept. residuals: largest violation of the
    conditions of Karush, Kuhn and Tucker after each step.
    """

    a: np.ndarray
    b: float
    residuals: list[float] = field(repr=False)

    def decision(self, k: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return f of other samples, shape (m,); k: their kernel with the samples learnt from, shape (m, n)."""
        return k @ (self.a*y) + self.b


def residual(a: np.ndarray, b: float, k: np.ndarray, y: np.ndarray, c: float) -> float:
    """Return the largest violation of the conditions of Karush, Kuhn and Tucker."""
    m = y*(k @ (a*y) + b)
    return float(max(abs(y @ a), (np.maximum(a, 0)*np.maximum(m - 1, 0)).max(), ((c - a)*np.maximum(1 - m, 0)).max(),
                     -a.min(), (a - c).max()))


def widest_margin(k: np.ndarray, y: np.ndarray, c: float = 1.0) -> Margin:
    """Return the solution of the dual problem of the support vector machine, by an interior-point method.

    Args:
        k: kernel of the samples, shape (n, n), symmetric and positive semidefinite: ``x @ x.T`` for a plane.
        y: labels -1 or 1 (both present), shape (n,).
        c: price of a violated margin, above 0.

    Raises:
        ParameterError: for labels, a kernel or a price that cannot be used.
        SimulationError: if the kernel is so ill-conditioned that no solution is found.
    """
    from scipy.linalg import LinAlgError

    k, y = _checked(k, y)
    if k.shape != (len(y), len(y)) or len(np.unique(y)) < 2:
        raise ParameterError(f"widest_margin: k has shape {k.shape}; it must be ({len(y)}, {len(y)}), both labels there.")
    if not 0 < c < np.inf:
        raise ParameterError(f"widest_margin: c must be a finite number above 0, not {c!r}.")
    q, a, b = y[:, None]*k*y, np.full(len(y), c/2), 0.0
    multipliers, residuals = np.ones((2, len(y))), []
    for _ in range(STEPS):
        # distances to the two bounds
        slack = np.stack([a, c - a])
        try:
            solve = _linearised(q, y, q @ a + b*y - 1, y @ a, slack, multipliers)
        except LinAlgError:
            break
        # to the solution of the linearised conditions, and then with what that left over
        gap = slack*multipliers
        _, _, ds, dm = solve(-gap)
        far = _reach(slack, ds, multipliers, dm)
        centre = gap.mean()*(((slack + far*ds)*(multipliers + far*dm)).mean()/gap.mean())**3
        da, db, ds, dm = solve(centre - gap - ds*dm)
        far = NEAR*_reach(slack, ds, multipliers, dm)
        a, b, multipliers = a + far*da, b + far*db, multipliers + far*dm
        residuals.append(residual(a, b, k, y, c))
        if residuals[-1] < EXACT*max(1.0, c):
            return Margin(a, float(b), residuals)
    raise SimulationError("widest_margin: no solution found: the kernel is not positive semidefinite, or c is so large that "
                          "rounding hides it. Scale the features to about 1, or use a smaller c.")


def _linearised(q: np.ndarray, y: np.ndarray, slope: np.ndarray, sum_y: float, slack: np.ndarray,
                multipliers: np.ndarray) -> Callable:
    """Return a function: from the change wanted of slack*multipliers to changes of a, b, slack and multipliers."""
    from scipy.linalg import cho_factor, cho_solve

    factor = cho_factor(q + np.diag((multipliers/slack).sum(axis=0)))
    by_label = cho_solve(factor, y)

    def solve(wanted: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
        da = cho_solve(factor, (SIGNS*(multipliers + wanted/slack)).sum(axis=0) - slope)
        db = (y @ da + sum_y)/(y @ by_label)
        da -= by_label*db
        ds = SIGNS*da
        return da, db, ds, (wanted - multipliers*ds)/slack

    return solve


def _reach(slack: np.ndarray, ds: np.ndarray, multipliers: np.ndarray, dm: np.ndarray) -> float:
    """Return the longest step, 1 at most, that leaves all slacks and multipliers at 0 or above."""
    return 1/max(1.0, float(-(ds/slack).min()), float(-(dm/multipliers).min()))


def _checked(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 2 or y.shape != (len(x),) or not len(x) or not np.all(np.abs(y) == 1) or not np.all(np.isfinite(x)):
        raise ParameterError("Samples must be finite numbers of shape (n, d), and labels -1 or 1, one for each.")
    return x, y
