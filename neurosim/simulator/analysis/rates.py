"""Firing rates: over a window, in bins, and smoothed by a kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.simulator.analysis import inputs

# One-sided densities g(u), u >= 0, of unit area: scale and cut-off in units of sigma.  The cut-off leaves out
# less than 1e-10 of the area (the boxcar has none to leave out).
_KERNELS: dict[str, tuple[float, float, bool]] = {
    "gaussian": (1.0, 7.0, False),
    "exponential": (1.0, 24.0, True),
    "alpha": (1.0 / math.sqrt(2.0), 28.0 / math.sqrt(2.0), True),
    "boxcar": (math.sqrt(3.0), math.sqrt(3.0), False),
}
_CHUNK = 1 << 21


def mean_rate(trains: Any, start: float | None = None, stop: float | None = None) -> Any:
    """Mean firing rate r = 1000 n / (stop - start), with n the number of spikes in [start, stop).

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`

    Returns Hz: a float for one train, shape (size,) for several; a silent neuron has 0.
    Raises ParameterError for times that are not finite and for a window that is empty or not recorded.
    """
    record = inputs.read(trains, "mean_rate", start, stop)
    counts = np.bincount(record.indices, minlength=record.size)
    return record.shaped(counts * (1000.0 / record.span))


def binned_rate(
    trains: Any,
    bin: float,
    start: float | None = None,
    stop: float | None = None,
    *,
    per_neuron: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Rate in bins, r_b = 1000 n_b / (N bin): the peri-stimulus time histogram of N neurons.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    bin : width in ms; a rest of the window that fills no bin is dropped
    start, stop : window in ms, as in `mean_rate`
    per_neuron : keep the neurons apart instead of averaging over them

    Returns (centres of the bins in ms, shape (n_bins,); rate in Hz, shape (n_bins,) or, with
    per_neuron and several neurons, (n_bins, size)).
    Raises ParameterError for a bin that is not positive or longer than the window.
    Source: Perkel, Gerstein & Moore 1967, doi:10.1016/S0006-3495(67)86597-4.
    """
    record = inputs.read(trains, "binned_rate", start, stop)
    place, count, width = inputs.bins(record, bin, "binned_rate")
    centres = record.start + (np.arange(count) + 0.5) * width
    kept = place >= 0
    if per_neuron and not record.single:
        flat = place[kept] * record.size + record.indices[kept]
        counts = np.bincount(flat, minlength=count * record.size).reshape(count, record.size)
        return centres, counts * (1000.0 / width)
    counts = np.bincount(place[kept], minlength=count)
    return centres, counts * (1000.0 / width / record.size) if record.size else np.full(count, np.nan)


def kernel_rate(
    trains: Any,
    sigma: float,
    step: float = 1.0,
    kernel: str = "gaussian",
    start: float | None = None,
    stop: float | None = None,
    *,
    causal: bool | None = None,
    per_neuron: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed rate r(t) = (1000/N) sum_j h(t - t_j), the sum taken exactly at each sample, without binning.

    Each kernel is made of a density g(u) on u >= 0, with u in ms:

        gaussian     g = 2 exp(-u^2 / 2 sigma^2) / (sigma sqrt(2 pi))       symmetric by nature
        boxcar       g = 1/w for u <= w, w = sqrt(3) sigma                  symmetric by nature
        exponential  g = exp(-u/tau) / tau, tau = sigma                     causal by nature
        alpha        g = u exp(-u/tau) / tau^2, tau = sigma / sqrt(2)       causal by nature

    causal: h(t) = g(t) for t >= 0 and 0 before; symmetric: h(t) = g(|t|) / 2.  In its natural form each
    kernel has unit area and standard deviation `sigma`, so that the same sigma smooths alike.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    sigma : ms
    step : sampling interval of the result in ms
    kernel : "gaussian", "exponential", "alpha" or "boxcar"
    start, stop : window of the samples in ms, as in `mean_rate`; spikes recorded outside it still contribute.
        At the ends of the record the rate falls off, since what would have come from beyond is not known
    causal : True or False to force the form; None for the natural one
    per_neuron : keep the neurons apart instead of averaging over them

    Returns (times in ms, shape (n_times,), from start in steps below stop; rate in Hz, shape (n_times,) or,
    with per_neuron and several neurons, (n_times, size)).
    Raises ParameterError for an unknown kernel and for sigma or step that are not positive.
    Source: Nawrot, Aertsen & Rotter 1999, doi:10.1016/S0165-0270(99)00127-2.
    """
    where = "kernel_rate"
    scale, reach, natural = _KERNELS[inputs.choice(kernel, "kernel", where, _KERNELS)]
    width = inputs.number(sigma, "sigma", where, above=0.0)
    spacing = inputs.number(step, "step", where, above=0.0)
    whole = inputs.gather(trains, where)
    record = inputs.window(whole, where, start, stop)
    count = max(1, math.ceil(record.span / spacing * (1.0 - inputs.EDGE)))
    times = record.start + np.arange(count) * spacing
    one_sided = natural if causal is None else bool(causal)
    apart = per_neuron and not record.single
    columns = record.size if apart else 1
    if record.size == 0:
        return times, np.full((count, 0) if apart else count, np.nan)
    spikes, owners, weights = _distinct(whole, apart)
    total = np.zeros(count * columns)
    after = reach * width
    before = 0.0 if one_sided else after
    near = (spikes >= record.start - after) & (spikes <= times[-1] + before)
    spikes, owners, weights = spikes[near], owners[near], weights[near]
    first = np.ceil((spikes - before - record.start) / spacing - inputs.EDGE).astype(np.int64)
    offsets = np.arange(math.floor((after + before) / spacing) + 2)
    rows = max(1, _CHUNK // offsets.size)
    for low in range(0, spikes.size, rows):
        part = slice(low, low + rows)
        sample = first[part, None] + offsets
        lag = record.start + sample * spacing - spikes[part, None]
        value = _density(kernel, lag, scale * width, after, one_sided) * weights[part, None]
        inside = (sample >= 0) & (sample < count)
        cell = sample * columns + owners[part, None]
        total += np.bincount(cell[inside], weights=value[inside], minlength=total.size)
    rate = total * (1000.0 if apart else 1000.0 / record.size)
    return times, rate.reshape(count, columns) if apart else rate


def _distinct(record: inputs.Record, apart: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Spikes of a population on a time grid coincide by the thousand: each time is smoothed once, weighted.
    if apart:
        return record.times, record.indices.astype(np.int64), np.ones(record.times.size)
    times, counts = np.unique(record.times, return_counts=True)
    return times, np.zeros(times.size, np.int64), counts.astype(np.float64)


def _density(kernel: str, lag: np.ndarray, scale: float, reach: float, causal: bool) -> np.ndarray:
    # A spike on a sample may come out at a lag of -1e-13: it belongs to t = 0, where causal kernels jump.
    slack = inputs.EDGE * max(1.0, scale)
    u = np.where(np.abs(lag) < slack, 0.0, lag)
    u = np.where(u < 0.0, np.inf, u) if causal else np.abs(u)
    u = np.where(u > reach + slack, np.inf, u)
    outside = np.isinf(u)
    u = np.where(outside, 0.0, u)
    if kernel == "gaussian":
        g = np.exp(-0.5 * (u / scale) ** 2) * (2.0 / (scale * math.sqrt(2.0 * math.pi)))
    elif kernel == "exponential":
        g = np.exp(-u / scale) / scale
    elif kernel == "alpha":
        g = u * np.exp(-u / scale) / scale**2
    else:
        g = np.full(u.shape, 1.0 / scale)
    return np.where(outside, 0.0, g if causal else 0.5 * g)
