"""Spikes found in sampled voltage, for models and clamps that have no threshold of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.simulator.analysis import inputs


def spike_detect(
    values: Any, times: ArrayLike | None = None, threshold: float | None = None, min_prominence: float = 10.0
) -> Any:
    """Times of the peaks of a voltage trace: t = t0 + (p h+ + q h-) / (2 (p - q)).

    This is the vertex of the parabola through the samples y-, y0, y+ at t0 - h-, t0, t0 + h+, y0 being the
    highest, with p = (y0 - y-)/h- and q = (y+ - y0)/h+.  A peak counts if it reaches `threshold` and stands
    at least `min_prominence` above the higher of the valleys that part it from higher ground: the fading
    oscillations of depolarisation block are then no spikes, and the spikes of a burst are counted one by one.

    values : a Trace; or mV, shape (n_times,) or (n_times, n_neurons)
    times : ms, shape (n_times,), ascending; a Trace knows its own
    threshold : mV; None for none, since the spikes of a strongly driven neuron may stay below 0 mV
    min_prominence : mV

    Returns ms, ascending, shape (n_spikes,); for several neurons a list of such arrays.
    Raises ParameterError for values that are not finite and times that do not fit them.
    Source: scipy.signal.find_peaks, doi:10.1038/s41592-019-0686-2.
    """
    from scipy.signal import find_peaks

    where = "spike_detect"
    if times is None and hasattr(values, "times"):
        times = values.times
    if times is None:
        raise ParameterError(f"{where}: the sampling times are not known. Give times= in ms, or a Trace.")
    voltage = np.asarray(getattr(values, "values", values), dtype=np.float64)
    clock = inputs.train(times, where, "times")
    if voltage.ndim not in (1, 2) or voltage.shape[0] != clock.size:
        raise ParameterError(
            f"{where}: values of shape {voltage.shape} do not fit {clock.size} times. Give (n_times,) or "
            "(n_times, n_neurons)."
        )
    if not np.isfinite(voltage).all():
        raise ParameterError(f"{where}: values hold NaN or infinity. Cut the trace to where it is finite.")
    if np.any(np.diff(np.asarray(times, dtype=np.float64)) <= 0):
        raise ParameterError(f"{where}: times must ascend without repeats.")
    height = None if threshold is None else inputs.number(threshold, "threshold", where, unit="mV")
    prominence = inputs.number(min_prominence, "min_prominence", where, least=0.0, unit="mV")
    found = [
        _vertex(clock, v, find_peaks(v, height=height, prominence=prominence)[0])
        for v in (voltage[:, None] if voltage.ndim == 1 else voltage).T
    ]
    return found[0] if voltage.ndim == 1 else found


def _vertex(clock: np.ndarray, v: np.ndarray, peak: np.ndarray) -> np.ndarray:
    before, after = clock[peak] - clock[peak - 1], clock[peak + 1] - clock[peak]
    rise, fall = (v[peak] - v[peak - 1]) / before, (v[peak + 1] - v[peak]) / after
    # On a plateau the three samples are level and the sample itself is the answer.
    bend = 2.0 * (rise - fall)
    return clock[peak] + np.divide(
        rise * after + fall * before, bend, out=np.zeros(peak.size), where=bend > 0.0
    )
