"""Codes of intensities: a number from 0 to 1 becomes the spikes of one line in T steps.

    rate      a spike in each step with probability p x, by chance (Poisson, thinned to one spike per step)
    latency   one spike, the earlier the larger x
    phase     one spike per period, at a phase that x shifts

Everything is an array of samples (n, d) -> spikes (n, T, d), uint8, and back.  What is drawn depends on the seed alone.

Sources: Adrian & Zotterman 1926 (doi:10.1113/jphysiol.1926.sp002308); Thorpe, Delorme & Van Rullen 2001
(doi:10.1016/S0893-6080(01)00083-1); Hopfield 1995 (doi:10.1038/376033a0); Eshraghian et al. 2023
(doi:10.1109/JPROC.2023.3308088) for the logarithmic latency.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.spiking.checks import spikes_of, unit_interval, whole_steps

#: samples that are drawn at a time: uniform numbers are 8 times as large as spikes
ROWS = 64


def rate_code(x: Any, steps: int, probability: float = 1.0, seed: int = 0) -> np.ndarray:
    """Return spikes (n, T, d), uint8, each with probability p x of its own: P(k spikes) is binomial, Poisson for small p.

    Args:
        x: intensities from 0 to 1, shape (n, d).
        steps: T.
        probability: p, of a spike in a step where x is 1; rate times step.
        seed: of the random numbers; what a sample gets depends on its row, not on the other samples.

    Raises:
        ParameterError: values outside 0 to 1, with row and column.
    """
    x, steps = unit_interval("rate_code", x), whole_steps("rate_code", "steps", steps)
    if not isinstance(probability, (int, float, np.number)) or not 0 <= probability <= 1:
        raise ParameterError(f"rate_code: probability must lie from 0 to 1, not {probability!r}. More steps give more spikes.")
    rng = np.random.Generator(np.random.Philox(whole_steps("rate_code", "seed", seed, 0)))
    s = np.empty((len(x), steps, x.shape[1]), np.uint8)
    for k in range(0, len(x), ROWS):
        part = s[k:k + ROWS]
        np.less(rng.random(part.shape), probability*x[k:k + ROWS, np.newaxis], out=part.view(bool))
    return s


def rate_decode(s: Any, probability: float = 1.0) -> np.ndarray:
    """Return the mean number of spikes per step over p, (n, d): unbiased, with variance x (1 - p x)/(p T)."""
    s = spikes_of("rate_decode", s)
    if not 0 < probability <= 1 or not s.shape[1]:
        raise ParameterError(f"rate_decode: probability {probability!r} must be above 0 and at most 1, with steps.")
    return s.mean(axis=1)/probability


def latency_code(x: Any, steps: int, law: str = "linear", tau: float | None = None, threshold: float = 0.01) -> np.ndarray:
    """Return spikes (n, T, d), uint8: one for each x of at least `threshold`, none for others.

        linear        t = (T - 1) (1 - x)/(1 - theta)
        logarithmic   t = tau ln(x/(x - theta)) for x > theta: when a membrane of time constant tau, driven by x, reaches theta

    rounded to whole steps; logarithmic times after the end become the last step.

    Args:
        x: intensities from 0 to 1, shape (n, d).
        steps: T.
        law: "linear" or "logarithmic".
        tau: steps; None: such that x = 1.01 theta spikes in the last step.
        threshold: theta, above 0 and below 1.

    Raises:
        ParameterError: values outside 0 to 1, with row and column; unknown law; numbers out of range.
    """
    x, steps = unit_interval("latency_code", x), whole_steps("latency_code", "steps", steps)
    s = np.zeros((len(x), steps, x.shape[1]), np.uint8)
    if _law(law, threshold) == "linear":
        at, some = (steps - 1)*(1 - x)/(1 - threshold), x >= threshold
    else:
        some = x > threshold
        at = _tau(tau, steps)*np.log(np.where(some, x, 1)/(np.where(some, x, 1) - threshold))
    n, d = np.nonzero(some)
    s[n, np.minimum(np.rint(at[n, d]), steps - 1).astype(np.intp), d] = 1
    return s


def latency_decode(s: Any, law: str = "linear", tau: float | None = None, threshold: float = 0.01) -> np.ndarray:
    """Return x, (n, d), from the first spikes; 0 where there is none.

    The inverse of `latency_code`: x = 1 - t (1 - theta)/(T - 1), or x = theta/(1 - e^(-t/tau)), to half a step.
    """
    s = spikes_of("latency_decode", s)
    steps, some = s.shape[1], s.any(axis=1)
    at = s.argmax(axis=1) if steps else np.zeros(some.shape)
    if _law(law, threshold) == "linear":
        return np.where(some, 1 - at*(1 - threshold)/max(steps - 1, 1), 0.0)
    # step 0 stands for the first half step
    return np.where(some, np.minimum(threshold/-np.expm1(-np.maximum(at, 1e-9)/_tau(tau, steps)), 1.0), 0.0)


def phase_code(x: Any, steps: int, period: int = 10) -> np.ndarray:
    """Return spikes (n, T, d), uint8: in each period one, after round((1 - x)(period - 1)) steps of it, none where x is 0.

    Args:
        x: intensities from 0 to 1, shape (n, d).
        steps: T.
        period: of the oscillation, steps.

    Raises:
        ParameterError: values outside 0 to 1, with row and column; less steps than a period.
    """
    x, steps = unit_interval("phase_code", x), whole_steps("phase_code", "steps", steps)
    period = whole_steps("phase_code", "period", period, 2)
    if steps < period:
        raise ParameterError(f"phase_code: {steps} steps are less than a period of {period}. Use more steps.")
    at = np.rint((1 - x)*(period - 1))
    phase = np.arange(steps) % period
    return ((phase[:, np.newaxis] == at[:, np.newaxis]) & (x > 0)[:, np.newaxis]).astype(np.uint8)


def phase_decode(s: Any, period: int = 10) -> np.ndarray:
    """Return x, (n, d), from the mean phase of the spikes: 1 - phase/(period - 1), to half a step; 0 where there is none."""
    s, period = spikes_of("phase_decode", s), whole_steps("phase_decode", "period", period, 2)
    phase = (np.arange(s.shape[1]) % period)[:, np.newaxis]
    count = s.sum(axis=1)
    return np.where(count > 0, 1 - (s*phase).sum(axis=1)/np.maximum(count, 1)/(period - 1), 0.0)


def _law(law: str, threshold: float) -> str:
    if law not in ("linear", "logarithmic"):
        raise ParameterError(f"latency code: law {law!r} is not known. Use 'linear' or 'logarithmic'.")
    if not 0 < threshold < 1:
        raise ParameterError(f"latency code: threshold must lie between 0 and 1, not {threshold!r}.")
    return law


def _tau(tau: float | None, steps: int) -> float:
    if tau is None:
        return max(steps - 1, 1)/np.log(101)
    if not tau > 0:
        raise ParameterError(f"latency code: tau must be positive, not {tau!r} steps.")
    return float(tau)
