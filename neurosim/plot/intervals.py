"""Histogram of the intervals between spikes, with their coefficient of variation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.inputs import array_1d, is_spikes, spikes_of


def isi_histogram(
    spikes: Any,
    bins: int | Any = 50,
    log: bool = False,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw the distribution of inter-spike intervals and write their coefficient of variation above it.

    The intervals of all neurons are pooled. The coefficient of variation

        CV = standard deviation of a neuron's intervals / their mean        (n - 1 in the deviation)

    is taken neuron by neuron, for those with at least 3 spikes, and given as mean and standard deviation over
    neurons: that of pooled intervals would be raised by the mere difference of the neurons' rates.

    Arguments
        spikes: spike trains, the sorted or unsorted times (ms) of one neuron, or a list of such arrays
        bins: their number, or their edges (ms)
        log: intervals on a logarithmic axis, in bins of equal ratio, as the fraction of all intervals in each
            bin; otherwise as probability density (1/ms)
        ax: the axes to draw in; None for a new figure
        label: name in the legend
        color: colour; None for the next of the axes

    Returns the axes, empty but labelled where there are fewer than two spikes.
    Raises ParameterError for bins that are no positive number nor rising edges.
    """
    intervals, neurons = _intervals(spikes)
    edges = _edges(bins, intervals, log)
    ax = style.open_axes(ax)
    color = style.line_color(ax, color)
    note = _cv_note(intervals, neurons)
    if log:
        # Two spikes in one step have the interval 0, which has no logarithm: they count in the first bin.
        counts, _ = np.histogram(np.maximum(intervals, edges[0]), edges)
        heights = counts / max(intervals.size, 1)
    else:
        counts, _ = np.histogram(intervals, edges)
        heights = counts / (max(intervals.size, 1) * np.diff(edges))
    several = bool(ax.patches)
    named = " · ".join(part for part in (label, note if label else "") if part)
    ax.stairs(heights, edges, fill=True, color=color, alpha=0.25, lw=0)
    ax.stairs(heights, edges, color=color, lw=style.LINE, label=named or None)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if edges[-1] < 300 * edges[0] else (1,)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("Inter-spike interval (ms)")
    ax.set_ylabel("Fraction of intervals" if log else "Probability density (1/ms)")
    low, high = (
        (min(ax.get_xlim()[0], edges[0]), max(ax.get_xlim()[1], edges[-1])) if several else edges[[0, -1]]
    )
    ax.set_xlim(low, high)
    highest = float(heights.max(initial=0.0))
    ax.set_ylim(0, max(1.06 * highest, ax.get_ylim()[1] if several else 0.0) or 1.0)
    if label:
        style.legend_above(ax, columns=1)
    else:
        style.note_above(ax, note)
    return ax


def _intervals(spikes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return all intervals (ms) and the neuron of each, sorted by neuron."""
    if is_spikes(spikes):
        data = spikes_of(spikes)
        times, owners = data.times, data.indices.astype(np.int64)
    else:
        if isinstance(spikes, Mapping) or hasattr(spikes, "spikes"):
            raise ParameterError(
                f"spikes is {type(spikes).__name__}, of several populations. Pass those of one, such as "
                'result.spikes["E"].'
            )
        nested = isinstance(spikes, list | tuple) and any(np.ndim(train) > 0 for train in spikes)
        trains = [array_1d(train, "spikes") for train in (spikes if nested else [spikes])]
        times = np.concatenate(trains) if trains else np.empty(0)
        owners = np.repeat(np.arange(len(trains)), [train.size for train in trains])
    order = np.lexsort((times, owners))
    times, owners = times[order], owners[order]
    same = owners[1:] == owners[:-1]
    return np.diff(times)[same], owners[1:][same]


def _edges(bins: Any, intervals: np.ndarray, log: bool) -> np.ndarray:
    if np.ndim(bins) == 1:
        edges = array_1d(bins, "bins")
        if edges.size < 2 or not np.all(np.diff(edges) > 0) or (log and edges[0] <= 0):
            raise ParameterError(
                "bins must be at least two rising edges in ms"
                + (", all above 0 where log=True." if log else ".")
            )
        return edges
    if np.ndim(bins) or isinstance(bins, str | bool) or int(bins) != bins or bins < 1:
        raise ParameterError(f"bins={bins!r} must be a number of bins from 1 up, or their edges in ms.")
    if log:
        positive = intervals[intervals > 0]
        low, high = (positive.min(), positive.max()) if positive.size else (1.0, 1000.0)
        low, high = (low / 1.5, high * 1.5) if high < 1.01 * low else (low, high * (1 + 1e-9))
        return np.geomspace(low, high, int(bins) + 1)
    high = float(intervals.max(initial=0.0)) or 1.0
    return np.linspace(0.0, high * (1 + 1e-9), int(bins) + 1)


def _cv_note(intervals: np.ndarray, neurons: np.ndarray) -> str:
    """Return the text on variation: CV of one neuron, mean and deviation of several, or why there is none."""
    if intervals.size == 0:
        return "no intervals"
    _, owner, n = np.unique(neurons, return_inverse=True, return_counts=True)
    mean = np.bincount(owner, intervals) / n
    squares = np.bincount(owner, (intervals - mean[owner]) ** 2)
    enough = (n >= 2) & (mean > 0)
    if not enough.any():
        return "CV needs 3 spikes"
    cv = np.sqrt(squares[enough] / (n[enough] - 1)) / mean[enough]
    if cv.size == 1:
        return f"CV = {cv[0]:.2f}"
    return f"CV = {cv.mean():.2f} ± {cv.std(ddof=1):.2f} (n = {cv.size:,})"
