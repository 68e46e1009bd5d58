"""Power of signals over frequency, and over frequency and time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.inputs import array_1d, samples_of


def spectrogram(
    signal: Any,
    fs: float | None = None,
    dt: float | None = None,
    ax: Axes | None = None,
    *,
    neuron: int | None = None,
    segment: float | None = None,
    max_frequency: float | None = None,
    dynamic_range: float = 50.0,
    unit: str | None = None,
    start: float = 0.0,
    label: str | None = None,
) -> Axes:
    """Draw the power spectral density of a signal over time, in decibels.

    With Hann windows w of `segment` ms that overlap by 7/8 (more of it where the signal is short), mean
    removed,

        S(f, t) = 2 dt |sum_k w_k x_{t+k} exp(-2 pi i f k dt)|^2 / sum_k w_k^2,    shown as 10 log10 S

    P. D. Welch (1967), IEEE Trans. Audio Electroacoust. 15, 70, doi:10.1109/TAU.1967.1161901.

    Arguments
        signal: a trace with evenly spaced `times` (ms), or (n,) values
        fs, dt: sampling rate (Hz) or sampling interval (ms) of plain values: one of them
        ax: the axes to draw in; None for a new figure
        neuron: number of the neuron of a trace; None for the first recorded
        segment: length (ms) of one window; None for 1/16 of the signal, but 32 samples at least
        max_frequency: highest frequency (Hz) shown; None for all, up to half the sampling rate
        dynamic_range: decibels below the maximum at which the colour map ends
        unit: unit of the signal; None for the trace's own
        start: time (ms) of the first of plain values
        label: title above the axes

    Returns the axes; the colour bar is ``ax.images[-1].colorbar``. Raises ParameterError for uneven times,
    NaN, too few samples, or where fs and dt are both missing or both given.
    """
    values, step, first, own_unit = _signal(signal, fs, dt, neuron, start)
    unit = own_unit if unit is None else unit
    n = values.size
    length = _segment(segment, step, n)
    top = 500.0 / step if max_frequency is None else float(max_frequency)
    if not top > 0:
        raise ParameterError(f"max_frequency={max_frequency!r} Hz must be positive.")
    hop = max(length // 8, 1, (n - length) // 2000)
    frequencies, centres, power = _periodograms(values, step, length, hop, top)
    ax = style.open_axes(ax, style.MID_COLUMN, 2.4)
    highest = float(power.max(initial=0.0))
    floor = highest * 10.0 ** (-dynamic_range / 10) if highest > 0 else 1e-300
    decibels = 10.0 * np.log10(np.maximum(power, floor))
    half_t, half_f = 0.5 * hop * step, 0.5 * (frequencies[1] - frequencies[0])
    shown = ax.imshow(
        decibels,
        cmap=style.COLORMAP,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(
            first + centres[0] - half_t,
            first + centres[-1] + half_t,
            frequencies[0] - half_f,
            frequencies[-1] + half_f,
        ),
    )
    ax.set_ylim(0, min(top, frequencies[-1] + half_f))
    ax.set_xlabel("Time (ms)")
    ax.set_ylabel("Frequency (Hz)")
    style.colorbar(ax, shown, f"Power (dB re 1 {style.pretty_unit(_per_hertz(unit))})")
    if label:
        style.note_above(ax, label)
    return ax


def power_spectrum(
    freqs: Any,
    power: Any,
    ax: Axes | None = None,
    *,
    log: bool = True,
    unit: str | None = None,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw power spectral density against frequency.

    Arguments
        freqs: (n,) frequencies, Hz
        power: (n,) power spectral density, in `unit` squared per Hz; NaN leaves a gap
        ax: the axes to draw in; None for a new figure
        log: both axes logarithmic, without what is not positive; otherwise both linear
        unit: unit of the signal, such as "mV" (power in mV²/Hz); None where the signal has none (power in
            1/Hz)
        label, color: name in the legend and colour; None for the next colour of the axes

    Returns the axes. Raises ParameterError if the lengths differ or a frequency is negative.
    """
    x, y = array_1d(freqs, "freqs"), array_1d(power, "power")
    if x.size != y.size:
        raise ParameterError(
            f"freqs has {x.size} values and power {y.size}; one power for each frequency is needed."
        )
    if np.any(x < 0):
        raise ParameterError(
            "freqs has negative values. Pass the one-sided spectrum (np.fft.rfft, scipy.signal.welch)."
        )
    ax = style.open_axes(ax)
    color = style.line_color(ax, color)
    if log:
        y = np.where(y > 0, y, np.nan)
        x, y = x[x > 0], y[x > 0]
        if np.isfinite(y).any():
            ax.set_xscale("log")
            ax.set_yscale("log")
    ax.plot(x, y, color=color, lw=style.LINE, label=label)
    ax.set_xlabel("Frequency (Hz)")
    ax.set_ylabel(f"Power ({style.pretty_unit(_per_hertz(unit))})")
    if label:
        style.legend_above(ax)
    return ax


def _per_hertz(unit: str | None) -> str:
    if not unit or unit == "1":
        return "1/Hz"
    return f"{unit}**2/Hz" if unit.isalpha() else f"({unit})²/Hz"


def _signal(
    signal: Any, fs: float | None, dt: float | None, neuron: int | None, start: float
) -> tuple[np.ndarray, float, float, str | None]:
    """Return values, sampling interval (ms), first time (ms) and unit of the signal."""
    unit = None
    if hasattr(signal, "times") and hasattr(signal, "values"):
        if fs is not None or dt is not None:
            raise ParameterError("a trace has its own times. Leave out fs and dt.")
        data = samples_of(signal, neuron, None, "signal")
        if data.times.size < 2 or data.neurons.size == 0:
            raise ParameterError("signal holds fewer than two samples. Record for longer, or more often.")
        gaps = np.diff(data.times)
        step, first = float(gaps.mean()), float(data.times[0])
        if np.abs(gaps - step).max() > 0.01 * step:
            raise ParameterError(
                "signal is sampled unevenly. Record it at a fixed interval (Probe(every=...))."
            )
        values, unit = data.values[:, 0].astype(np.float64), data.unit
    else:
        values, first = array_1d(signal, "signal"), float(start)
        if (fs is None) == (dt is None):
            raise ParameterError("plain values need either fs (Hz) or dt (ms), one of the two.")
        step = float(dt) if dt is not None else 1000.0 / float(fs) if fs else 0.0
        if not (np.isfinite(step) and step > 0):
            raise ParameterError(f"fs={fs!r} Hz, dt={dt!r} ms: the sampling interval must be positive.")
    if not np.isfinite(values).all():
        raise ParameterError("signal holds NaN or infinite values. Cut the window to the finite part.")
    return values, step, first, unit


def _segment(segment: float | None, step: float, n: int) -> int:
    if n < 4:
        raise ParameterError(f"signal has {n} samples; at least 4 are needed for a spectrogram.")
    if segment is None:
        return min(max(n // 16, 32), n)
    length = round(float(segment) / step)
    if not 4 <= length <= n:
        raise ParameterError(
            f"segment={segment:g} ms is {length} samples; it must be from 4 samples ({4 * step:g} ms) to the "
            f"whole signal ({n * step:g} ms)."
        )
    return length


def _periodograms(
    values: np.ndarray, step: float, length: int, hop: int, top: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frequencies (Hz), centres (ms from the start) and power (n_frequencies, n_windows) per Hz."""
    starts = np.arange(0, values.size - length + 1, hop)
    window = np.hanning(length + 1)[:-1]
    all_frequencies = np.fft.rfftfreq(length, step / 1000.0)
    frequencies = all_frequencies[: max(int(np.searchsorted(all_frequencies, top, "right")), 2)]
    power = np.empty((frequencies.size, starts.size))
    centred = values - values.mean()
    views = np.lib.stride_tricks.sliding_window_view(centred, length)
    for block in range(0, starts.size, 64):
        spectrum = np.fft.rfft(views[starts[block : block + 64]] * window, axis=1)[:, : frequencies.size]
        power[:, block : block + 64] = (np.abs(spectrum) ** 2).T
    power *= 2.0 * (step / 1000.0) / (window**2).sum()
    # Zero, and for an even length the highest frequency, have no mirror image to fold in.
    power[0] *= 0.5
    if length % 2 == 0 and frequencies.size == all_frequencies.size:
        power[-1] *= 0.5
    return frequencies, (starts + 0.5 * length) * step, power
