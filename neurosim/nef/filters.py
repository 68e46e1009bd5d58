"""Linear filters: what a synapse does to a signal on its way.

    H(s) = (b_0 s^p + ... + b_p)/(a_0 s^p + ... + a_p),   s in 1/ms

    x' = A x + B u,   y = C x + D u          continuous, time in ms
    x_(k+1) = Ad x_k + Bd u_k,  y_k = C x_k + D u_k     for u held during a step: exact

A filter acts on every dimension of a signal separately.  Filters are compared by their values, so that equal ones can be
shared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import factorial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError


class StateSpace(NamedTuple):
    """Matrices of a filter: A (p, p), B (p, 1), C (1, p), D (1, 1)."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    d: np.ndarray


@dataclass(frozen=True)
class LinearFilter:
    """Filter with a rational transfer function.

        H(s) = sum_i numerator_i s^(q-i) / sum_i denominator_i s^(p-i),   highest power first, s in 1/ms

    Args:
        numerator: coefficients; leading zeros are dropped.
        denominator: coefficients; degree p at least that of the numerator.

    Raises:
        ParameterError: for coefficients that are not finite, a denominator of 0, more zeros than poles (not proper), a pole
            that does not lie in the left half plane (not stable).
    """

    numerator: tuple[float, ...]
    denominator: tuple[float, ...]

    def __post_init__(self):
        for name in ("numerator", "denominator"):
            object.__setattr__(self, name, _coefficients(getattr(self, name), name))
        if self.denominator == (0.0,):
            raise ParameterError("LinearFilter: the denominator is 0. Give its coefficients, highest power of s first.")
        if len(self.numerator) > len(self.denominator):
            raise ParameterError(f"LinearFilter: the numerator has degree {len(self.numerator) - 1} and the denominator "
                                 f"{len(self.denominator) - 1}: it would differentiate its input. Give at least as many poles "
                                 "as zeros.")
        _stable(np.roots(self.denominator))

    @staticmethod
    def from_state_space(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike = 0.0) -> Matrices:
        """Return the filter  x' = A x + B u, y = C x + D u.

        Args:
            a: (p, p), 1/ms.
            b: (p,) or (p, 1).
            c: (p,) or (1, p).
            d: a number.

        Raises:
            ParameterError: for shapes that do not fit, values that are not finite, an A that is not stable.
        """
        return Matrices(a, b, c, d)

    def state_space(self) -> StateSpace:
        """Return the matrices in ms: time constants in the diagonal of a chain, or the controllable form."""
        p = len(self.denominator) - 1
        lead = self.denominator[0]
        den = np.array(self.denominator[1:]) / lead
        num = np.r_[np.zeros(p + 1 - len(self.numerator)), self.numerator] / lead
        a = np.eye(p, k=-1)
        a[:1] = -den
        return StateSpace(a, np.eye(p, 1), (num[1:] - num[0] * den)[None, :], num[:1, None].copy())

    def transfer(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (numerator, denominator), coefficients of the powers of s, highest first, denominator led by 1."""
        return _transfer(self.state_space())

    @property
    def order(self) -> int:
        """Number of states p; 0 for a mere factor."""
        return len(self.state_space().a)

    @property
    def direct(self) -> bool:
        """Whether a part of the input passes at once (D is not 0), so that a circle needs another filter."""
        return bool(self.state_space().d[0, 0] != 0)

    def without_direct(self) -> LinearFilter | None:
        """Return the filter with D = 0, which passes nothing at once; None if nothing is left: a mere factor."""
        a, b, c, _ = self.state_space()
        if not len(a):
            return None
        # one state shows itself, so that it steps like a lowpass
        return LinearFilter.from_state_space(a, b * c, 1.0) if len(a) == 1 else LinearFilter.from_state_space(a, b, c)

    @property
    def area(self) -> float:
        """Integral of the impulse response, which is the factor of a constant input: D - C A^-1 B."""
        a, b, c, d = self.state_space()
        return float((d - c @ np.linalg.solve(a, b))[0, 0])

    def discretise(self, dt: float) -> StateSpace:
        """Return (Ad, Bd, C, D) for inputs held during steps of dt ms; exact.

            Ad = exp(A dt),  Bd = int_0^dt exp(A s) ds B:  both from  exp([[A, B], [0, 0]] dt)

        Raises:
            ParameterError: for dt <= 0.
        """
        from scipy.linalg import expm

        dt = _positive("dt", dt, "discretise")
        a, b, c, d = self.state_space()
        p = len(a)
        whole = expm(np.block([[a, b], [np.zeros((1, p + 1))]]) * dt)
        return StateSpace(whole[:p, :p], whole[:p, p:], c, d)

    def response(self, t: ArrayLike) -> np.ndarray:
        """Return the impulse response C exp(A t) B in 1/ms at times t (ms, any shape); 0 for t < 0; D is a pulse at 0."""
        from scipy.linalg import expm

        t = np.asarray(t, dtype=float)
        a, b, c, _ = self.state_space()
        flat = np.maximum(np.atleast_1d(t).ravel(), 0)
        values = (c @ expm(a * flat[:, None, None]) @ b)[:, 0, 0] if len(a) else np.zeros(flat.shape)
        return np.where(t < 0, 0.0, values.reshape(t.shape))[()]

    def frequency(self, f: ArrayLike) -> np.ndarray:
        """Return H(2 pi i f), complex, at frequencies f in Hz, any shape."""
        f = np.asarray(f, dtype=float)
        a, b, c, d = self.state_space()
        s = 2j * np.pi * np.atleast_1d(f).ravel() / 1000
        inner = np.linalg.solve(s[:, None, None] * np.eye(len(a)) - a, np.broadcast_to(b, (s.size, *b.shape)).astype(complex))
        return (c @ inner + d)[:, 0, 0].reshape(f.shape)[()]

    def apply(self, signal: ArrayLike, dt: float) -> np.ndarray:
        """Return the filtered signal y_k = C x_k + D u_k, from rest: x_0 = 0, x_(k+1) = Ad x_k + Bd u_k.

        The value at k is that at the start of step k, as probes show it: without D the first one is 0.

        Args:
            signal: u, shape (n_times,) or (n_times, d); row k holds during step k.
            dt: ms.

        Raises:
            ParameterError: for another shape, dt <= 0.
        """
        u = np.asarray(signal, dtype=float)
        if u.ndim not in (1, 2):
            raise ParameterError(f"apply: the signal must have shape (n_times,) or (n_times, d), not {u.shape}.")
        a, b, c, d = self.discretise(dt)
        out = d[0, 0] * u
        if len(a) == 1:
            from scipy.signal import lfilter

            out[1:] += lfilter(c[0] * b[0], [1.0, -a[0, 0]], u, axis=0)[:-1]
            return out
        x = np.zeros((len(a), *u.shape[1:]))
        drive = b.reshape(-1, *(1,) * (u.ndim - 1))
        for k in range(len(u) if len(a) else 0):
            out[k] += c[0] @ x
            x = a @ x + drive * u[k]
        return out


@dataclass(frozen=True, init=False)
class Matrices(LinearFilter):
    """Filter given by its matrices; made by `LinearFilter.from_state_space`."""

    matrices: tuple = field(default=())

    def __init__(self, a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike = 0.0):
        try:
            a, b, c, d = (np.array(v, dtype=float) for v in (a, b, c, d))
        except (TypeError, ValueError):
            raise ParameterError("LinearFilter.from_state_space: A, B, C and D must be arrays of numbers.") from None
        p = len(a) if a.ndim == 2 else -1
        if a.shape != (p, p) or b.size != p or c.size != p or d.size != 1:
            raise ParameterError(f"LinearFilter.from_state_space: A {a.shape}, B {b.shape}, C {c.shape} and D {d.shape} must "
                                 "have shapes (p, p), (p, 1), (1, p) and (1, 1).")
        if not all(np.isfinite(v).all() for v in (a, b, c, d)):
            raise ParameterError("LinearFilter.from_state_space: A, B, C and D must be finite.")
        _stable(np.linalg.eigvals(a))
        space = StateSpace(a, b.reshape(p, 1), c.reshape(1, p), d.reshape(1, 1))
        object.__setattr__(self, "matrices", tuple(tuple(map(tuple, v.tolist())) for v in space))
        num, den = _transfer(space)
        object.__setattr__(self, "numerator", tuple(num.tolist()))
        object.__setattr__(self, "denominator", tuple(den.tolist()))

    def state_space(self) -> StateSpace:
        """Return the matrices that were given."""
        p = len(self.matrices[0])
        shapes = ((p, p), (p, 1), (1, p), (1, 1))
        return StateSpace(*(np.array(v, dtype=float).reshape(s) for v, s in zip(self.matrices, shapes)))


@dataclass(frozen=True, init=False)
class Chain(LinearFilter):
    """First-order filters in a row:  H(s) = prod_j 1/(tau_j s + 1),  tau_j x_j' = x_(j-1) - x_j,  y = x_p.

    Raises:
        ParameterError: for a time constant that is not positive and finite.
    """

    taus: tuple[float, ...] = ()

    def __init__(self, taus: tuple[float, ...]):
        what = type(self).__name__
        object.__setattr__(self, "taus", tuple(_positive("tau", tau, what) for tau in taus))
        object.__setattr__(self, "numerator", (1.0,))
        den = np.ones(1)
        for tau in self.taus:
            den = np.convolve(den, (tau, 1.0))
        object.__setattr__(self, "denominator", tuple(den.tolist()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{tau:g}' for tau in self.taus)})"

    def state_space(self) -> StateSpace:
        """Return the matrices of the chain, in ms."""
        rate = 1 / np.array(self.taus)
        p = len(rate)
        a = np.diag(-rate) + np.diag(rate[1:], -1)
        return StateSpace(a, np.eye(p, 1) * rate[:1], np.eye(1, p, p - 1), np.zeros((1, 1)))


@dataclass(frozen=True, init=False, repr=False)
class Lowpass(Chain):
    """First-order filter:  tau y' = u - y,  H(s) = 1/(tau s + 1),  h(t) = exp(-t/tau)/tau.

    Args:
        tau: ms.

    Raises:
        ParameterError: for tau <= 0; for no filter at all a connection takes synapse=None.
    """

    def __init__(self, tau: float):
        super().__init__((tau,))

    @property
    def tau(self) -> float:
        """Time constant, ms."""
        return self.taus[0]

    def discretise(self, dt: float) -> StateSpace:
        """Return (exp(-dt/tau), 1 - exp(-dt/tau), 1, 0), each of shape (1, 1)."""
        h = _positive("dt", dt, "discretise") / self.tau
        return StateSpace(*(np.full((1, 1), v) for v in (np.exp(-h), -np.expm1(-h), 1.0, 0.0)))

    def response(self, t: ArrayLike) -> np.ndarray:
        """Return exp(-t/tau)/tau in 1/ms at times t (ms, any shape); 0 for t < 0."""
        t = np.asarray(t, dtype=float)
        return np.where(t < 0, 0.0, np.exp(-np.maximum(t, 0) / self.tau) / self.tau)[()]


@dataclass(frozen=True, init=False, repr=False)
class Gamma(Chain):
    """Filter h_n(t) = t^n exp(-t/tau)/(n! tau^(n+1)), H(s) = 1/(tau s + 1)^(n+1); n = 0 is `Lowpass`, n = 1 `Alpha`.

    Args:
        tau: ms.
        n: whole number from 0 to 20; the response peaks at n tau.

    Raises:
        ParameterError: for tau <= 0 or another n.
    """

    def __init__(self, tau: float, n: int):
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 0 <= n <= 20:
            raise ParameterError(f"{type(self).__name__}: n must be a whole number from 0 to 20, not {n!r}.")
        super().__init__((tau,) * (int(n) + 1))

    def __repr__(self) -> str:
        return f"Gamma({self.tau:g}, {len(self.taus) - 1})"

    @property
    def tau(self) -> float:
        """Time constant, ms."""
        return self.taus[0]

    def response(self, t: ArrayLike) -> np.ndarray:
        """Return h_n(t) in 1/ms at times t (ms, any shape); 0 for t < 0."""
        n = len(self.taus) - 1
        t = np.asarray(t, dtype=float)
        x = np.maximum(t, 0) / self.tau
        return np.where(t < 0, 0.0, x**n * np.exp(-x) / (factorial(n) * self.tau))[()]


@dataclass(frozen=True, init=False, repr=False)
class Alpha(Gamma):
    """Second-order filter with two equal poles:  H(s) = 1/(tau s + 1)^2,  h(t) = t exp(-t/tau)/tau^2.

    Args:
        tau: ms; the response peaks there.

    Raises:
        ParameterError: for tau <= 0.
    """

    def __init__(self, tau: float):
        super().__init__(tau, 1)

    def __repr__(self) -> str:
        return f"Alpha({self.tau:g})"


@dataclass(frozen=True, init=False, repr=False)
class DoubleExponential(Chain):
    """Filter H(s) = 1/((tau_rise s + 1)(tau_decay s + 1)),  h(t) = (e^(-t/tau_decay) - e^(-t/tau_rise))/(tau_decay - tau_rise).

    Args:
        tau_rise, tau_decay: ms; equal ones give `Alpha`.

    Raises:
        ParameterError: for a time constant that is not positive.
    """

    def __init__(self, tau_rise: float, tau_decay: float):
        super().__init__((tau_rise, tau_decay))


def _transfer(space: StateSpace) -> tuple[np.ndarray, np.ndarray]:
    """Return (numerator, denominator) of C (s - A)^-1 B + D by the recursion of Faddeev and Le Verrier.

    It needs no eigenvalues, which lose half of the digits where poles coincide.
    """
    a, b, c, d = space
    p = len(a)
    den, num = np.zeros(p + 1), np.zeros(p + 1)
    den[0] = 1.0
    m = np.eye(p)
    for k in range(1, p + 1):
        num[k] = (c @ m @ b)[0, 0]
        am = a @ m
        den[k] = -np.trace(am) / k
        m = am + den[k] * np.eye(p)
    return num + d[0, 0] * den, den


def _coefficients(values: Any, name: str) -> tuple[float, ...]:
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"LinearFilter: the {name} must be numbers, not {values!r:.60}.") from None
    if array.ndim > 1 or not array.size or not np.isfinite(array).all():
        raise ParameterError(f"LinearFilter: the {name} must be finite coefficients, highest power of s first, not "
                             f"{values!r:.60}.")
    array = np.trim_zeros(np.atleast_1d(array), "f")
    return tuple(array.tolist()) or (0.0,)


def _stable(poles: np.ndarray) -> None:
    if poles.size and not poles.real.max() < 0:
        worst = poles[np.argmax(poles.real)]
        raise ParameterError(f"LinearFilter: the pole at {worst:.4g} per ms does not decay: the filter is not stable. Real "
                             "parts of poles must be negative; integrators are made of neurons, see nef.recurrent.")


def _positive(name: str, value: Any, what: str) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)) or not 0 < value < np.inf:
        raise ParameterError(f"{what}: {name} must be positive and finite, in ms, not {value!r}."
                             + (" For no filter at all a connection takes synapse=None." if name == "tau" else ""))
    return float(value)
