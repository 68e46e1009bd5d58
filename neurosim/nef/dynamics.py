"""Dynamics by recurrent connections: the third principle of the NEF, exact for general filters and for steps in time.

Wanted  x' = A x + B u.  The state x is what a filter H makes of the recurrent signal w:  X(s) = H(s) W(s).  With
w = A' x + v the loop is right if  W = H^-1 X, thus

    A' = H(A)^-1 = num(A)^-1 den(A),      v = (R(s)/num(s)) B u,   R(s) = (den(s) - num(s) A') (s - A)^-1

where H = num/den, and R is a polynomial.  For tau y' = w - y this is  A' = tau A + I, v = tau B u.  For time in steps the same
holds with z in place of s, (Ad, Bd) = exact step of (A, B) for u held during dt, and H(z) the exact step of the filter:

    first order, a = exp(-dt/tau):   A' = (Ad - a I)/(1 - a),   v = Bd u/(1 - a)

A filter of order p leaves n (p - 1) modes of the loop besides the wanted ones, for two equal poles s = -lambda - 2/tau: the
wanted system must be slow against the filter.

Source: Eliasmith & Anderson 2003, Neural Engineering, chapter 8 (isbn 9780262550604); general filters and steps: Voelker &
Eliasmith 2018, doi:10.1162/neco_a_01046.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.nef.filters import LinearFilter, Lowpass, _transfer


@dataclass(frozen=True, eq=False)
class Mapped:
    """Transforms that make a loop through a filter behave as wanted; returned by `recurrent`.

    Attributes:
        a: A', transform of the recurrent connection, shape (n, n).
        b: B', transform of the input, shape (n, m): exact for a first-order filter, and for others where u stands still.
        terms: matrices R_j B, each (n, m), of  v = (sum_j R_j B q^j) u/num(q)  with q = d/dt or one step ahead.
        numerator: coefficients of num, lowest power first.
        dt: ms of a step; None for continuous time.
    """

    a: np.ndarray
    b: np.ndarray
    terms: tuple[np.ndarray, ...]
    numerator: np.ndarray
    dt: float | None

    def __iter__(self):
        """Allow ``a, b = recurrent(...)``."""
        return iter((self.a, self.b))

    def drive(self, u: ArrayLike) -> np.ndarray:
        """Return v, the exact drive for an input in steps, from rest.

            sum_i num_i v_(k+i) = sum_j R_j Bd u_(k+j)

        Args:
            u: shape (n_times,) or (n_times, m), held during each step.

        Returns:
            v, shape (n_times, n), to be sent through the filter along with A' x.

        Raises:
            ParameterError: for continuous time, another shape, or a filter whose sampled zeros lie outside of the unit
                circle (three or more equal poles): v would grow; use b.
        """
        if self.dt is None:
            raise ParameterError("Mapped.drive: it is for steps in time. Give dt= to recurrent.")
        u = np.asarray(u, dtype=float)
        u = u[:, None] if u.ndim == 1 else u
        m = self.b.shape[1]
        if u.ndim != 2 or u.shape[1] != m:
            raise ParameterError(f"Mapped.drive: the input must have shape (n_times, {m}), not {u.shape}.")
        num = np.trim_zeros(self.numerator, "b")
        q = len(num) - 1
        if len(self.terms) > q + 1:
            raise ParameterError("Mapped.drive: the filter needs inputs of later steps. Use b, exact where the input stands "
                                 "still.")
        zeros = np.roots(num[::-1])
        if zeros.size and np.abs(zeros).max() >= 1:
            raise ParameterError(f"Mapped.drive: the filter in steps of {self.dt:g} ms has a zero at "
                                 f"{zeros[np.argmax(abs(zeros))]:.3g}, outside of the unit circle: the exact drive would grow. "
                                 "Use b, exact where the input stands still, or a filter of at most two poles.")
        v = np.zeros((len(u), self.b.shape[0]))
        padded = np.vstack([np.zeros((q, m)), u])
        for k in range(len(u)):
            total = sum(padded[k + j] @ term.T for j, term in enumerate(self.terms))
            for i in range(max(q - k, 0), q):
                total -= num[i] * v[k + i - q]
            v[k] = total / num[q]
        return v


def recurrent(a: ArrayLike, b: ArrayLike | None = None, synapse: LinearFilter | float = 100.0,
              dt: float | None = None) -> Mapped:
    """Return the transforms A' and B' by which neurons obey  x' = A x + B u  through a filter; see the module.

    Args:
        a: A, 1/ms, shape (n, n), or a number for n = 1.
        b: B, 1/ms per unit of u, shape (n, m), (n,) for m = 1, or a number; None: the unit matrix.
        synapse: the filter of the recurrent connection and of the input, or the time constant of a `Lowpass` in ms.
        dt: ms of a step: A' and B' are then exact for the simulation, with u held during each step; None: continuous time,
            which a simulation follows with an error in the order of dt.

    Returns:
        `Mapped`, which unpacks as ``a, b``.

    Raises:
        ParameterError: for shapes that do not fit, values that are not finite, a filter that passes input at once, a filter
            whose zeros are eigenvalues of the wanted system.
    """
    from scipy.linalg import expm

    a = _matrix(a, "A")
    n = len(a)
    if a.shape != (n, n):
        raise ParameterError(f"recurrent: A must be square, not of shape {a.shape}.")
    b = np.eye(n) if b is None else _matrix(b, "B")
    if len(b) != n and b.shape == (1, n):
        b = b.T
    if len(b) != n:
        raise ParameterError(f"recurrent: B of shape {b.shape} must have a row for each of the {n} states of A.")
    filter = synapse if isinstance(synapse, LinearFilter) else Lowpass(synapse)
    if filter.direct:
        raise ParameterError(f"recurrent: {filter!r} passes a part of its input at once, which a loop cannot. Use a filter "
                             "with more poles than zeros.")
    if dt is None:
        num, den = filter.transfer()
        still = 0.0
    else:
        num, den = _transfer(filter.discretise(dt))
        m = b.shape[1]
        whole = expm(np.block([[a, b], [np.zeros((m, n + m))]]) * dt)
        a, b = whole[:n, :n], whole[:n, n:]
        still = 1.0
    # lowest power first
    num, den = num[::-1], den[::-1]
    over = _polynomial(num, a)
    if np.linalg.cond(over) > 1e12:
        raise ParameterError(f"recurrent: an eigenvalue of the wanted system is a zero of {filter!r}, which lets nothing of it "
                             "pass. Use another filter.")
    mapped = np.linalg.solve(over, _polynomial(den, a))
    # R(q) (q - A) = den(q) - num(q) A'
    p = len(den) - 1
    power = [np.eye(n)]
    for _ in range(p):
        power.append(power[-1] @ a)
    quotient = [sum((den[i] * np.eye(n) - num[i] * mapped) @ power[i - 1 - j] for i in range(j + 1, p + 1)) for j in range(p)]
    terms = tuple(r @ b for r in quotient)
    static = sum(t * still**j for j, t in enumerate(terms)) / sum(c * still**i for i, c in enumerate(num))
    return Mapped(mapped, static, terms, num, None if dt is None else float(dt))


def nonlinear(f: Callable[[np.ndarray], Any], tau: float | Lowpass,
              dt: float | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """Return f'(x) = c f(x) + x, the function to decode on a recurrent connection so that  x' = f(x) + u;  u comes in as c u.

    c = tau in continuous time.  With dt it is  c = dt/(1 - exp(-dt/tau)),  for which the loop takes exactly Euler's steps
    x + dt (f(x) + u); see `input_gain`.

    Args:
        f: function of a state (n,), or of many of them (m, n); values per ms.
        tau: ms, or a `Lowpass`; only a first-order filter needs no derivatives of f.
        dt: ms of a step.

    Raises:
        ParameterError: for another filter, tau or dt <= 0.
    """
    c = input_gain(tau, dt)

    def mapped(x: np.ndarray) -> np.ndarray:
        return c * np.asarray(f(x)) + x

    return mapped


def input_gain(tau: float | Lowpass, dt: float | None = None) -> float:
    """Return c by which the input of a nonlinear loop is multiplied: tau, or dt/(1 - exp(-dt/tau)); ms.

    Raises:
        ParameterError: for another filter than `Lowpass`, tau or dt <= 0.
    """
    if isinstance(tau, LinearFilter):
        if tau.order != 1 or tau.direct or len(np.trim_zeros(tau.transfer()[0], "f")) != 1:
            raise ParameterError(f"nonlinear: {tau!r} is not a first-order filter, the only kind that needs no derivatives of "
                                 "f. Use nef.Lowpass.")
        tau = -1 / float(tau.state_space().a[0, 0])
    filter = Lowpass(tau)
    return filter.tau if dt is None else float(dt / filter.discretise(dt).b[0, 0])


def _polynomial(coefficients: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Return sum_i c_i A^i by Horner's rule."""
    out = np.zeros_like(a)
    for c in coefficients[::-1]:
        out = out @ a + c * np.eye(len(a))
    return out


def _matrix(values: ArrayLike, name: str) -> np.ndarray:
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"recurrent: {name} must be numbers, not {values!r:.60}.") from None
    if array.ndim < 2:
        array = array.reshape(-1, 1)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise ParameterError(f"recurrent: {name} must be a finite matrix, not of shape {np.shape(values)}.")
    return array
