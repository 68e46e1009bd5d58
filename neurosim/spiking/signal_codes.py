"""Codes of signals and of single numbers by several lines.

    delta        a signal in time becomes events where it has moved by a threshold: up, down
    population   a number becomes the activity of neurons with Gaussian receptive fields along its range

Sources: Lichtsteiner, Posch & Delbruck 2008 (doi:10.1109/JSSC.2007.914337), temporal contrast; Bohte, Kok & La Poutre 2002
(doi:10.1016/S0925-2312(01)00658-0), whose receptive fields these are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.spiking.checks import spikes_of, unit_interval, whole_steps


def delta_code(x: Any, threshold: float = 0.1, signed: bool = True) -> np.ndarray:
    """Return events of signals: the sender keeps what the receiver believes, and sends a step when it is wrong by theta.

        e_t = trunc((x_t - r_(t-1))/theta) cut to -1 ... 1,  r_t = r_(t-1) + theta e_t,  r_0 = x_0

    Args:
        x: signals, shape (n, T, d).
        threshold: theta.
        signed: events -1 and 1, float32, (n, T, d); else lines for ups and then for downs, uint8, (n, T, 2 d).

    Raises:
        ParameterError: a wrong shape, values that are not finite, or a threshold that is not positive.
    """
    try:
        x = np.asarray(x, float)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"delta_code: signals must be numbers: {error}.") from None
    if x.ndim != 3:
        raise ParameterError(f"delta_code: signals of shape {x.shape}; samples of steps in rows, (n, T, d), are needed.")
    wrong = np.argwhere(~np.isfinite(x))
    if len(wrong):
        row, step, column = wrong[0]
        raise ParameterError(f"delta_code: the value {x[row, step, column]} in sample {row}, step {step}, column {column} is "
                             f"not finite ({len(wrong)} such values). Fill them in, or leave the samples out.")
    _positive("delta_code", threshold)
    events = np.zeros(x.shape, np.int8)
    if x.shape[1]:
        known = x[:, 0].copy()
        for t in range(1, x.shape[1]):
            # what is lost by rounding must not hold an event back
            events[:, t] = np.clip(np.trunc((x[:, t] - known)/threshold*(1 + 1e-12)), -1, 1)
            known += threshold*events[:, t]
    return events.astype(np.float32) if signed else np.concatenate([events > 0, events < 0], axis=2).astype(np.uint8)


def delta_decode(events: Any, start: Any, threshold: float = 0.1) -> np.ndarray:
    """Return r, (n, T, d): within theta of the signal, as long as that moves by at most theta in a step.

    Args:
        events: signed, shape (n, T, d), or lines for ups and downs, (n, T, 2 d).
        start: x_0, shape (n, d).
        threshold: theta.

    Raises:
        ParameterError: shapes that do not fit.
    """
    events, start = spikes_of("delta_decode", events).astype(float), np.asarray(start, float)
    _positive("delta_decode", threshold)
    d = start.shape[-1] if start.ndim else 0
    if events.shape[2] == 2*d:
        events = events[:, :, :d] - events[:, :, d:]
    if start.shape != (len(events), events.shape[2]):
        raise ParameterError(f"delta_decode: events of shape {events.shape} and a start of shape {start.shape} do not fit; the "
                             "start is (n, d).")
    return start[:, np.newaxis] + threshold*np.cumsum(events, axis=1)


def population_code(x: Any, neurons: int = 8, width: float = 1.5) -> np.ndarray:
    """Return the activity from 0 to 1, (n, d neurons), of neurons whose receptive fields cover 0 to 1; then code it in spikes.

        a_k = exp(-(x - c_k)^2/(2 sigma^2)),  c_k = (2 k - 1)/(2 (m - 2)) for k = 0 ... m - 1,  sigma = 1/(width (m - 2))

    The first and the last centre lie outside of 0 to 1.

    Args:
        x: values from 0 to 1, shape (n, d).
        neurons: m for each value, at least 3.
        width: the larger, the narrower the fields.

    Raises:
        ParameterError: values outside 0 to 1, with row and column; numbers out of range.
    """
    x = unit_interval("population_code", x)
    centres, sigma = _fields(neurons, width)
    a = np.exp(-((x[:, :, np.newaxis] - centres)/sigma)**2/2)
    return a.reshape(len(x), x.shape[1]*neurons)


def population_decode(a: Any, neurons: int = 8, width: float = 1.5) -> np.ndarray:
    """Return the values, (n, d), that fit activities (n, d neurons) best.

    ln a_k is linear in c_k but for a term that does not depend on x:  ln(a_k/a_l) sigma^2 = x (c_k - c_l) - (c_k^2 - c_l^2)/2.
    x is the slope of ln a_k + c_k^2/(2 sigma^2) over c_k/sigma^2, with weights a_k^2, by which noise of equal size in all a_k
    counts alike; exact without noise.

    Raises:
        ParameterError: shapes that do not fit.
    """
    a = np.asarray(a, float)
    centres, sigma = _fields(neurons, width)
    if a.ndim != 2 or a.shape[1] % neurons:
        raise ParameterError(f"population_decode: activities of shape {a.shape}; (n, {neurons} d) is needed.")
    a = a.reshape(len(a), -1, neurons)
    weight = np.maximum(a, 0)**2
    total = weight.sum(axis=2, keepdims=True)
    weight = weight/np.where(total > 0, total, 1)
    c = centres/sigma**2
    y = np.log(np.maximum(a, 1e-300)) + centres**2/(2*sigma**2)
    mean_c = (weight*c).sum(axis=2, keepdims=True)
    spread = (weight*(c - mean_c)**2).sum(axis=2)
    slope = (weight*(c - mean_c)*y).sum(axis=2)/np.where(spread > 0, spread, 1)
    # one neuron alone says no more than that x is near its centre
    return np.clip(np.where(spread > 1e-12, slope, (weight*centres).sum(axis=2)), 0, 1)


def _fields(neurons: int, width: float) -> tuple[np.ndarray, float]:
    m = whole_steps("population code", "neurons", neurons, 3)
    _positive("population code", width, "width")
    return (2*np.arange(m) - 1)/(2*(m - 2)), 1/(width*(m - 2))


def _positive(name: str, value: float, what: str = "threshold") -> None:
    if not value > 0 or not np.isfinite(value):
        raise ParameterError(f"{name}: {what} must be a positive number, not {value!r}.")
