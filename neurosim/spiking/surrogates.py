"""Surrogate gradients: what stands for the slope of the step from no spike to a spike, in the backward pass only.

A neuron spikes where x = U - theta is positive: s = H(x), whose slope is zero or infinite.  Instead, ds/dx = psi(x), the
slope of a smooth function; k is the steepness.

    name              psi(x)                              smooth function                   source
    fast_sigmoid      1/(1 + k |x|)^2                     x/(1 + k |x|)                     Zenke & Ganguli 2018
    sigmoid           k y (1 - y)                         y = 1/(1 + e^(-k x))              Zenke & Vogels 2021
    arctan            k/2 /(1 + (pi k x/2)^2)             1/2 + arctan(pi k x/2)/pi         Fang et al. 2021
    triangular        k max(0, 1 - k |x|)                 1/2 + k x - sign(x) (k x)^2/2,    Bellec et al. 2018
                                                          0 or 1 beyond |x| = 1/k
    gaussian          k/sqrt(2 pi) e^(-(k x)^2/2)         1/2 + erf(k x/sqrt 2)/2           Yin et al. 2021
    exponential       k/2 e^(-k |x|)                      e^(-k |x|)/2 from either side     Shrestha & Orchard 2018
    straight_through  1                                   x                                 Bengio et al. 2013

Sources: Neftci, Mostafa & Zenke 2019 (doi:10.1109/MSP.2019.2931595), a review; Zenke & Ganguli 2018
(doi:10.1162/neco_a_01086); Zenke & Vogels 2021 (doi:10.1162/neco_a_01367); Fang et al. 2021
(doi:10.1109/ICCV48922.2021.00266); Bellec et al. 2018, arXiv:1803.09574; Yin, Corradi & Bohte 2021
(doi:10.1038/s42256-021-00397-w); Shrestha & Orchard 2018, arXiv:1810.08646; Bengio et al. 2013, arXiv:1308.3432.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError, listing, nearest


@dataclass(frozen=True)
class Surrogate:
    """One shape of the slope.

    Attributes:
        name: in the table above.
        slope: (x, k) -> psi(x), arrays of any shape.
        smooth: (x, k) -> the function whose slope psi is.
        loop: body of the function psi(x, k) in compiled loops, where ZERO, HALF, ONE, HALF_PI, BELL stand for typed constants.
    """

    name: str
    slope: Callable[[np.ndarray, float], np.ndarray]
    smooth: Callable[[np.ndarray, float], np.ndarray]
    loop: str


def _logistic(x: np.ndarray) -> np.ndarray:
    # e^-x may overflow to infinity, whose inverse is the right answer
    with np.errstate(over="ignore"):
        return 1/(1 + np.exp(-x))


def _sigmoid(x: np.ndarray, k: float) -> np.ndarray:
    y = _logistic(k*x)
    return k*y*(1 - y)


def _triangle_sum(x: np.ndarray, k: float) -> np.ndarray:
    y = np.clip(k*x, -1, 1)
    return 0.5 + y - np.sign(y)*y**2/2


def _erf(x: np.ndarray, k: float) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr(k*x)


#: all surrogates, by name
SURROGATES: dict[str, Surrogate] = {s.name: s for s in (
    Surrogate("fast_sigmoid", lambda x, k: 1/(1 + k*np.abs(x))**2, lambda x, k: x/(1 + k*np.abs(x)),
              "y = ONE + k * abs(x)\n    return ONE / (y * y)"),
    Surrogate("sigmoid", _sigmoid, lambda x, k: _logistic(k*x),
              "y = vmath.logistic(k * x)\n    return k * y * (ONE - y)"),
    Surrogate("arctan", lambda x, k: k/2/(1 + (np.pi*k*x/2)**2), lambda x, k: 0.5 + np.arctan(np.pi*k*x/2)/np.pi,
              "y = HALF_PI * k * x\n    return HALF * k / (ONE + y * y)"),
    Surrogate("triangular", lambda x, k: k*np.maximum(0, 1 - k*np.abs(x)), _triangle_sum,
              "y = ONE - k * abs(x)\n    return k * y if y > ZERO else ZERO"),
    Surrogate("gaussian", lambda x, k: k/math.sqrt(2*math.pi)*np.exp(-(k*x)**2/2), _erf,
              "y = k * x\n    return BELL * k * vmath.exp(-HALF * y * y)"),
    Surrogate("exponential", lambda x, k: k/2*np.exp(-k*np.abs(x)),
              lambda x, k: np.where(x > 0, 1 - np.exp(-k*np.abs(x))/2, np.exp(-k*np.abs(x))/2),
              "return HALF * k * vmath.exp(-k * abs(x))"),
    Surrogate("straight_through", lambda x, k: np.ones_like(x), lambda x, k: np.array(x), "return ONE"),
)}


def surrogate_of(name: str) -> Surrogate:
    """Return a surrogate by its name.

    Raises:
        ParameterError: the name is not known.
    """
    if name not in SURROGATES:
        raise ParameterError(f"surrogate {name!r} is not known.{nearest(str(name), SURROGATES)} Use one of: "
                             f"{listing(SURROGATES)}.")
    return SURROGATES[name]
