"""Mean field of leaky integrate-and-fire neurons: Siegert's rate and the rates at which populations agree with themselves.

A neuron of which the potential, measured where it is at rest, has the mean mu and (in white noise) the standard deviation
sigma/sqrt(2) fires at the rate

    1/nu = t_ref + tau_m sqrt(pi) int_{(v_reset - mu)/sigma}^{(v_th - mu)/sigma} erfcx(-x) dx,   erfcx(-x) = e^(x^2) (1 + erf x)

Currents that decay with tau_syn instead of kicks move both limits up by sqrt(tau_syn/tau_m) |zeta(1/2)|/sqrt(2), to first
order in sqrt(tau_syn/tau_m).

Sources: A. J. F. Siegert (1951), On the first passage time probability problem, Phys. Rev. 81, 617,
doi:10.1103/PhysRev.81.617; N. Brunel (2000), doi:10.1023/A:1008925309027, equations 21 and 22; N. Fourcaud, N. Brunel (2002),
Dynamics of the firing probability of noisy integrate-and-fire neurons, Neural Comput. 14, 2057,
doi:10.1162/089976602320264015, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

#: |zeta(1/2)|/sqrt(2)
SHIFT = 1.4603545088095868 / math.sqrt(2.0)
#: beyond this limit the rate is below exp(-600)
_SILENT = 25.0


def siegert(mu: float, sigma: float, tau_m: float, v_th: float, v_reset: float, t_ref: float = 0.0,
            tau_syn: float = 0.0) -> float:
    """Return the rate in Hz; mu, sigma, v_th, v_reset in mV from rest, times in ms; sigma 0: without noise."""
    if sigma <= 0:
        if mu <= v_th:
            return 0.0
        return 1000.0 / (t_ref + tau_m * math.log((mu - v_reset) / (mu - v_th)))
    shift = SHIFT * math.sqrt(tau_syn / tau_m)
    low, high = (v_reset - mu) / sigma + shift, (v_th - mu) / sigma + shift
    if high > _SILENT:
        return 0.0
    from scipy.integrate import quad
    from scipy.special import erfcx

    area = quad(lambda x: erfcx(-x), low, high, epsabs=0.0, epsrel=1e-10, limit=200)[0]
    return 1000.0 / (t_ref + tau_m * math.sqrt(math.pi) * area)


def zeros(function: Callable[[float], float], grid: np.ndarray) -> list[float]:
    """Return the zeros of a continuous function between neighbours of an ascending grid."""
    from scipy.optimize import brentq

    values = [function(x) for x in grid]
    return [float(brentq(function, a, b, xtol=1e-9))
            for a, b, fa, fb in zip(grid, grid[1:], values, values[1:]) if fa * fb <= 0 and fa != 0]


def settle(rate_of: Callable[[np.ndarray], np.ndarray], start: np.ndarray, pace: float = 0.1, accuracy: float = 1e-9,
           most: int = 20_000) -> np.ndarray:
    """Return the rates at which dnu/ds = rate_of(nu) - nu comes to rest from `start`, by steps of `pace`; NaN if never."""
    nu = np.array(start, dtype=float)
    for _ in range(most):
        change = rate_of(nu) - nu
        if np.max(np.abs(change)) < accuracy:
            return nu
        nu = nu + pace * change
    return np.full_like(nu, np.nan)
