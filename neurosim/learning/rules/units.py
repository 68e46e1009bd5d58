"""Units of networks that settle: s = rho(u), and the energy G(s) whose slope is the inverse of rho, so that G(s) - s u is least
at s = rho(u).

    name           rho(u)             G(s)                              range
    tanh           tanh u             s artanh s + ln(1 - s^2)/2        (-1, 1)
    logistic       1/(1 + e^-u)       s ln s + (1 - s) ln(1 - s)        (0, 1)
    hard_sigmoid   u within 0 and 1   s^2/2                             [0, 1]
    relu           max(u, 0)          s^2/2                             [0, inf)
    identity       u                  s^2/2                             all numbers

Source: Hopfield 1984 (doi:10.1073/pnas.81.10.3088), whose energy has the integral of the inverse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError, listing, nearest


@dataclass(frozen=True)
class Unit:
    """Functions of arrays: `settle` turns u into s in place, `slope` gives ds/du and `energy` gives G, both from s."""

    name: str
    settle: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray | float]
    energy: Callable[[np.ndarray], np.ndarray]


def _logistic(u: np.ndarray) -> np.ndarray:
    # 1/(1 + e^-u) without overflow
    u *= 0.5
    np.tanh(u, out=u)
    u += 1
    u *= 0.5
    return u


def _xlogx(s: np.ndarray) -> np.ndarray:
    return s*np.log(np.where(s > 0, s, 1))


def _tanh_energy(s: np.ndarray) -> np.ndarray:
    # the same, as entropy of (1 + s)/2: finite at the ends
    return _xlogx((1 + s)/2) + _xlogx((1 - s)/2) + np.log(2)


#: units by name
UNITS: dict[str, Unit] = {u.name: u for u in (
    Unit("tanh", lambda u: np.tanh(u, out=u), lambda s: 1 - s*s, _tanh_energy),
    Unit("logistic", _logistic, lambda s: s*(1 - s), lambda s: _xlogx(s) + _xlogx(1 - s)),
    Unit("hard_sigmoid", lambda u: np.clip(u, 0, 1, out=u), lambda s: ((s > 0) & (s < 1)).astype(s.dtype), lambda s: s*s/2),
    Unit("relu", lambda u: np.maximum(u, 0, out=u), lambda s: (s > 0).astype(s.dtype), lambda s: s*s/2),
    Unit("identity", lambda u: u, lambda s: 1.0, lambda s: s*s/2),
)}


def unit(name: str, what: str) -> Unit:
    """Return a unit by its name; `what` names the argument in messages.

    Raises:
        ParameterError: for an unknown name.
    """
    if not isinstance(name, str) or name not in UNITS:
        raise ParameterError(f"{what}: there is no unit {name!r} that settles.{nearest(str(name), UNITS)} Known: "
                             f"{listing(UNITS)}.")
    return UNITS[name]
