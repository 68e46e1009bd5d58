"""Spectrum of a population's activity, against that of independent Poisson neurons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.distributions import log_ticks, looks_of
from neurosim.plot.inputs import populations_of, window_of
from neurosim.simulator import analysis


def population_spectrum(
    source: Any,
    bin: float = 1.0,
    segment: float | None = None,
    window: tuple[float, float] | None = None,
    populations: Iterable[str] | None = None,
    ax: Axes | None = None,
    *,
    poisson: bool = False,
    max_frequency: float | None = None,
    color: Any = None,
) -> Axes:
    """Draw the power spectral density of the rate of each population, by Welch (see `analysis.population_spectrum`).

    N independent Poisson neurons of rate r Hz have 2 r / N at every frequency; a peak above tells an oscillation that the
    neurons share.

    Arguments
        source: a result, a dict of name to spike trains, or spike trains (`times` ms, `indices`, `size`)
        bin: width (ms) of the bins of the rate; frequencies reach 500 / bin Hz
        segment: length (ms) of the segments, which sets the resolution 1000 / segment Hz; None as in `analysis`
        window: (start, stop) in ms; None for all
        populations: names to draw; None for all
        ax: the axes to draw in; None for a new figure
        poisson: whether dotted lines mark 2 r / N
        max_frequency: highest frequency (Hz) shown; None for all
        color: a colour for all, or a sequence of one for each population; None for the palette

    Returns the axes. Raises ParameterError for an unknown population, an empty window, and an unfit bin or segment.
    """
    found = populations_of(source, populations)
    if max_frequency is not None and not (np.isfinite(max_frequency) and max_frequency > 0):
        raise ParameterError(f"max_frequency={max_frequency!r} Hz must be positive.")
    ax = style.open_axes(ax, style.MID_COLUMN, 2.6)
    looks = style.palette(len(found))
    if color is not None:
        looks = [(shade, line) for shade, (_, line) in zip(looks_of(color, list(found)), looks, strict=True)]
    drawn = False
    for (name, spikes), (shade, line) in zip(found.items(), looks, strict=True):
        start, stop = window_of(window, spikes.start, spikes.stop)
        # Spikes in rising order, which the measures rely on and a record need not keep.
        order = np.argsort(spikes.times, kind="stable")
        record = type(spikes)(spikes.times[order], spikes.indices[order], spikes.size, spikes.start, spikes.stop)
        frequencies, power = analysis.population_spectrum(record, bin, segment, start, stop)
        keep = frequencies <= (np.inf if max_frequency is None else max_frequency)
        shown = np.where(power[keep] > 0, power[keep], np.nan)
        drawn |= bool(np.isfinite(shown).any())
        ax.plot(frequencies[keep], shown, color=shade, ls=line, lw=style.FINE, label=name or None)
        rate = float(np.mean(analysis.mean_rate(record, start, stop))) if spikes.size else 0.0
        if poisson and rate > 0:
            ax.axhline(2.0 * rate / spikes.size, color=shade, lw=style.FINE, ls=":", zorder=1.5)
    if drawn:
        ax.set_yscale("log")
        low, high = (float(edge) for edge in frequencies[keep][[0, -1]]) if keep.any() else (1.0, 10.0)
        if high > low:
            log_ticks(ax, high / low)
            ax.set_xlim(low, high)
    ax.set_xlabel("Frequency (Hz)")
    ax.set_ylabel("Power of the rate (Hz²/Hz)")
    style.legend_above(ax)
    return ax
