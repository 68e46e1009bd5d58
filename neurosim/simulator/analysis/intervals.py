"""Inter-spike intervals and the regularity of firing: isi, cv, cv2, lv, and the rate they imply.

All of these take spike times, never intervals.  Intervals never span two neurons, and with a window only
those count that lie wholly in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.simulator.analysis import inputs


def isi(trains: Any, start: float | None = None, stop: float | None = None) -> np.ndarray:
    """Inter-spike intervals I_i = t_(i+1) - t_i in ms.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    start, stop : window in ms; by default everything recorded

    Returns ms, shape (n_intervals,); for several neurons the intervals of neuron 0, then those of 1, and so
    on.  No interval (no spike, one spike) gives an empty array.
    Raises ParameterError for times that are not finite and for an empty window.
    """
    return _intervals(inputs.read(trains, "isi", start, stop, finite=False))[0]


def cv(trains: Any, start: float | None = None, stop: float | None = None, *, ddof: int = 0) -> Any:
    """Coefficient of variation of the intervals: CV = sqrt(sum (I - mean I)^2 / (n - ddof)) / mean I.

    1 for a Poisson process, 0 for a regular train, 1/sqrt(k) for a gamma process of order k.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    start, stop : window in ms; by default everything recorded
    ddof : 0 for the moment of the sample, 1 for the unbiased variance

    Returns a float for one train, shape (size,) for several; NaN with fewer than 3 spikes.
    Raises ParameterError for times that are not finite and for an empty window.
    Source: Softky & Koch 1993, doi:10.1523/JNEUROSCI.13-01-00334.1993.
    """
    record = inputs.read(trains, "cv", start, stop, finite=False)
    less = inputs.number(ddof, "ddof", "cv", least=0.0, unit="1")
    intervals, owners = _intervals(record)
    count = np.bincount(owners, minlength=record.size)
    mean = _ratio(np.bincount(owners, weights=intervals, minlength=record.size), count, count > 0)
    spread = np.bincount(owners, weights=(intervals - mean[owners]) ** 2, minlength=record.size)
    valid = (count >= 2) & (count > less) & (mean > 0.0)
    return record.shaped(_ratio(np.sqrt(_ratio(spread, count - less, valid)), mean, valid))


def cv2(trains: Any, start: float | None = None, stop: float | None = None) -> Any:
    """Local coefficient of variation: CV2 = mean over i of 2 |I_(i+1) - I_i| / (I_(i+1) + I_i).

    1 for a Poisson process, 0 for a regular train; unlike CV hardly moved by a slow change of rate.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    start, stop : window in ms; by default everything recorded

    Returns a float for one train, shape (size,) for several; NaN with fewer than 3 spikes.
    Raises ParameterError for times that are not finite and for an empty window.
    Source: Holt, Softky, Koch & Douglas 1996, doi:10.1152/jn.1996.75.5.1806.
    """
    record = inputs.read(trains, "cv2", start, stop, finite=False)
    contrast, owners = _contrasts(record)
    return record.shaped(_mean(2.0 * np.abs(contrast), owners, record.size))


def lv(trains: Any, start: float | None = None, stop: float | None = None) -> Any:
    """Local variation: LV = mean over i of 3 ((I_(i+1) - I_i) / (I_(i+1) + I_i))^2.

    1 for a Poisson process, 0 for a regular train, 3/(2k + 1) for a gamma process of order k.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    start, stop : window in ms; by default everything recorded

    Returns a float for one train, shape (size,) for several; NaN with fewer than 3 spikes.
    Raises ParameterError for times that are not finite and for an empty window.
    Source: Shinomoto, Shima & Tanji 2003, doi:10.1162/089976603322518759.
    """
    record = inputs.read(trains, "lv", start, stop, finite=False)
    contrast, owners = _contrasts(record)
    return record.shaped(_mean(3.0 * contrast**2, owners, record.size))


def rate_from_isi(
    trains: Any, start: float | None = None, stop: float | None = None, *, silent: float = np.nan
) -> Any:
    """Rate by intervals: r = 1000 / mean I = 1000 (n - 1) / (t_n - t_1), over the spikes in the window.

    A count n / T is only good to 1/T; for regular firing this rate is exact with two spikes, which is what an
    f-I curve from short runs needs.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    start, stop : window in ms; by default everything recorded
    silent : what a neuron with fewer than two spikes gets; 0 makes a full f-I curve

    Returns Hz: a float for one train, shape (size,) for several.
    Raises ParameterError for times that are not finite and for an empty window.
    """
    record = inputs.read(trains, "rate_from_isi", start, stop, finite=False)
    intervals, owners = _intervals(record)
    total = np.bincount(owners, weights=intervals, minlength=record.size)
    count = np.bincount(owners, minlength=record.size)
    rate = _ratio(1000.0 * count, total, total > 0.0)
    rate[count == 0] = silent
    return record.shaped(rate)


def _intervals(record: inputs.Record) -> tuple[np.ndarray, np.ndarray]:
    times, owners = inputs.by_neuron(record)
    same = owners[1:] == owners[:-1]
    return np.diff(times)[same], owners[1:][same]


def _contrasts(record: inputs.Record) -> tuple[np.ndarray, np.ndarray]:
    intervals, owners = _intervals(record)
    same = owners[1:] == owners[:-1]
    before, after = intervals[:-1][same], intervals[1:][same]
    total = before + after
    # Three spikes at one time: two equal intervals of zero length, hence no contrast.
    return np.divide(after - before, total, out=np.zeros_like(total), where=total > 0.0), owners[1:][same]


def _mean(values: np.ndarray, owners: np.ndarray, size: int) -> np.ndarray:
    count = np.bincount(owners, minlength=size)
    return _ratio(np.bincount(owners, weights=values, minlength=size), count, count > 0)


def _ratio(top: np.ndarray, bottom: np.ndarray, valid: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=valid)
