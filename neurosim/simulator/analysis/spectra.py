"""Power spectra: of sampled signals, over time, and of spike trains."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.simulator.analysis import inputs

_CHUNK = 1 << 22


def power_spectrum(
    values: Any,
    dt: float | None = None,
    segment: float | None = None,
    *,
    detrend: str | None = "constant",
    window: str = "hann",
) -> tuple[np.ndarray, np.ndarray]:
    """One-sided power density by Welch: S(f) = 2 dt <|sum_k w_k x_k e^(-2 pi i f k dt)|^2> / sum_k w_k^2.

    The mean is over segments that overlap by half, w is the window, dt is in s, and the 2 is missing at the
    two ends of the spectrum.  The integral of S over f is the variance of the signal.

    values : a Trace; or samples of shape (n_times,) or (n_times, n_signals)
    dt : sampling interval in ms; a Trace knows its own
    segment : length of the segments in ms, which sets the resolution 1000/segment Hz; by default an eighth of
        the signal (two ninths, with the overlap), but at least 256 samples where there are as many
    detrend : "constant", "linear", or None to keep the mean
    window : any name known to scipy.signal.get_window

    Returns (frequencies in Hz, shape (n_freq,); power in unit^2/Hz, shape (n_freq,) or (n_freq, n_signals)).
    Raises ParameterError for values that are not finite, fewer than two samples, and an unfit segment.
    Source: Welch 1967, doi:10.1109/TAU.1967.1161901.
    """
    from scipy.signal import welch

    where = "power_spectrum"
    signal, step, _ = samples(values, dt, where)
    length = _segment(segment, step, signal.shape[0], where)
    kind = False if detrend is None else inputs.choice(detrend, "detrend", where, ("constant", "linear"))
    return welch(signal, fs=1000.0 / step, window=window, nperseg=length, detrend=kind, axis=0)


def spectrogram(
    values: Any,
    dt: float | None = None,
    segment: float = 200.0,
    overlap: float = 0.75,
    *,
    window: str = "hann",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power spectral density over time: the density of `power_spectrum` in each of many sliding segments.

    values : a Trace of one neuron, or samples of shape (n_times,)
    dt : sampling interval in ms; a Trace knows its own
    segment : length of each segment in ms, which sets the resolution 1000/segment Hz
    overlap : share of a segment that the next one has in common with it, 0 <= overlap < 1
    window : any name known to scipy.signal.get_window

    Returns (frequencies in Hz, shape (n_freq,); middles of the segments in ms, shape (n_segments,), on the
    clock of the Trace or from 0; power in unit^2/Hz, shape (n_freq, n_segments)).
    Raises ParameterError as `power_spectrum` does, and for more than one signal.
    Source: Welch 1967, doi:10.1109/TAU.1967.1161901.
    """
    from scipy.signal import spectrogram as sliding

    where = "spectrogram"
    signal, step, begin = samples(values, dt, where)
    if signal.ndim == 2 and signal.shape[1] == 1:
        signal = signal[:, 0]
    if signal.ndim != 1:
        raise ParameterError(f"{where}: values hold {signal.shape[1]} signals. Give one, such as trace[k].")
    length = _segment(segment, step, signal.size, where)
    share = inputs.number(overlap, "overlap", where, least=0.0, unit="1")
    if share >= 1.0:
        raise ParameterError(f"{where}: overlap is {share:g}. Give a share below 1.")
    common = min(length - 1, round(share * length))
    frequencies, middles, power = sliding(
        signal, fs=1000.0 / step, window=window, nperseg=length, noverlap=common, detrend="constant"
    )
    return frequencies, begin + middles * 1000.0, power


def spike_spectrum(
    trains: Any,
    bin: float = 1.0,
    segment: float | None = None,
    start: float | None = None,
    stop: float | None = None,
    *,
    per_neuron: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum of spike trains, S(f) = <|sum_j e^(-2 pi i f t_j)|^2> / T, at f = k/T for k >= 1.

    Two-sided density of the sum of delta functions, so that a Poisson process of rate r has S(f) = r at every
    f, any train tends to its rate at high f, and a renewal process to r CV^2 at low f.  The mean is over
    successive segments of length T and over neurons; spikes are binned first.  f = 0 is left out, since there
    stands the squared mean.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    bin : ms; frequencies reach 500/bin Hz, and near that end aliasing adds what lies beyond
    segment : T in ms, rounded down to whole bins; by default an eighth of the window
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`
    per_neuron : keep the neurons apart instead of averaging over them

    Returns (frequencies in Hz, shape (n_freq,); S in Hz, shape (n_freq,) or, with per_neuron and several
    neurons, (n_freq, size)).  A silent neuron has S = 0.
    Raises ParameterError for a bin that is not positive and a segment of fewer than two bins or too long.
    Source: Bartlett 1963, doi:10.1111/j.2517-6161.1963.tb00508.x.
    """
    from scipy.fft import rfft, rfftfreq

    where = "spike_spectrum"
    record = inputs.read(trains, where, start, stop)
    place, count, width = inputs.bins(record, bin, where)
    span = count / 8 if segment is None else inputs.number(segment, "segment", where, above=0.0) / width
    length = math.floor(span * (1.0 + inputs.EDGE))
    if segment is None:
        length = max(length, min(count, 2))
    if not 2 <= length <= count:
        raise ParameterError(
            f"{where}: a segment has {length} bins of {width:g} ms and the window {count}. Give a segment of "
            "at least two bins that fits into the window."
        )
    pieces = count // length
    kept = (place >= 0) & (place < pieces * length)
    neuron, place = record.indices[kept].astype(np.int64), place[kept]
    order = np.argsort(neuron, kind="stable")
    neuron, place = neuron[order], place[order]
    power = np.zeros((record.size, length // 2))
    rows = max(1, _CHUNK // (pieces * length))
    spiking = np.unique(neuron)
    for low in range(0, spiking.size, rows):
        some = spiking[low : low + rows]
        part = slice(*np.searchsorted(neuron, [some[0], some[-1] + 1]))
        cell = np.searchsorted(some, neuron[part]) * (pieces * length) + place[part]
        n = np.bincount(cell, minlength=some.size * pieces * length).reshape(some.size, pieces, length)
        power[some] = (np.abs(rfft(n.astype(np.float64))[..., 1:]) ** 2).mean(axis=1)
    power *= 1000.0 / (length * width)
    frequencies = rfftfreq(length, width / 1000.0)[1:]
    if record.single:
        return frequencies, power[0]
    if per_neuron:
        return frequencies, power.T
    return frequencies, power.mean(axis=0) if record.size else np.full(frequencies.size, np.nan)


def population_spectrum(
    trains: Any,
    bin: float = 1.0,
    segment: float | None = None,
    start: float | None = None,
    stop: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One-sided power density of the population rate r(t) = (1000 / N bin) sum_i n_i(t), by Welch.

    N independent Poisson neurons of rate r (Hz) have S(f) = 2 r / N at every f; what stands above is common to
    the neurons.  The mean rate is taken off, and f = 0 left out.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    bin : ms; frequencies reach 500/bin Hz
    segment : length of the segments in ms, which sets the resolution 1000/segment Hz; as in `power_spectrum`
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`

    Returns (frequencies in Hz, shape (n_freq,); S in Hz^2/Hz, shape (n_freq,)).
    Raises ParameterError for a bin that is not positive, fewer than two bins, and an unfit segment.
    Source: Welch 1967, doi:10.1109/TAU.1967.1161901.
    """
    where = "population_spectrum"
    record = inputs.read(trains, where, start, stop)
    place, count, width = inputs.bins(record, bin, where)
    if count < 2:
        raise ParameterError(f"{where}: the window holds one bin of {width:g} ms. Give a shorter bin or a longer window.")
    counts = np.bincount(place[place >= 0], minlength=count)
    frequencies, power = power_spectrum(counts * (1000.0 / width / max(record.size, 1)), width, segment)
    return frequencies[1:], power[1:]


def samples(values: Any, dt: Any, where: str) -> tuple[np.ndarray, float, float]:
    """Return evenly sampled values, their interval and first time in ms, of a Trace or an array with dt."""
    begin = 0.0
    if hasattr(values, "values") and hasattr(values, "times"):
        times = np.asarray(values.times, dtype=np.float64)
        steps = np.diff(times)
        if steps.size and np.ptp(steps) > 1e-6 * steps.mean():
            raise ParameterError(f"{where}: the samples are not evenly spaced. Interpolate them to a grid.")
        if dt is None and steps.size:
            dt = (times[-1] - times[0]) / steps.size
        begin = float(times[0]) if times.size else 0.0
        values = values.values
    try:
        signal = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{where}: values must be numbers.") from error
    if signal.ndim not in (1, 2) or signal.shape[0] < 2:
        raise ParameterError(
            f"{where}: values have shape {signal.shape}. "
            "Give (n_times,) or (n_times, n_signals) with n_times >= 2."
        )
    if not np.isfinite(signal).all():
        raise ParameterError(f"{where}: values hold NaN or infinity. Cut the signal to where it is finite.")
    if dt is None:
        raise ParameterError(f"{where}: the sampling interval is not known. Give dt= in ms, or a Trace.")
    return signal, inputs.number(dt, "dt", where, above=0.0), begin


def _segment(segment: Any, step: float, count: int, where: str) -> int:
    if segment is None:
        return min(count, max(256, 2 * count // 9))
    length = round(inputs.number(segment, "segment", where, above=0.0) / step)
    if not 2 <= length <= count:
        raise ParameterError(
            f"{where}: a segment of {length} samples does not fit a signal of {count}. Give a segment from "
            f"{2 * step:g} to {count * step:g} ms."
        )
    return length
