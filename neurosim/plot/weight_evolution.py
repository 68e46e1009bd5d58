"""Weights over time: lines for a few connections, a map of their distribution or a band of quantiles for many."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from neurosim.errors import ParameterError, listing
from neurosim.plot import style
from neurosim.plot.distributions import histogram_edges
from neurosim.plot.inputs import samples_of

#: Up to this many connections have lines of their own.
LINES = 20
#: Columns of the map, and points in time of the band, at most.
COLUMNS = 300
_KINDS = ("lines", "density", "band")


def weight_evolution(
    trace: Any,
    connections: Any = None,
    window: tuple[float, float] | None = None,
    ax: Axes | None = None,
    *,
    kind: str | None = None,
    bins: Any = 60,
    unit: str | None = None,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw how weights change over time.

    Arguments
        trace: recorded weights, such as ``result.traces["w"]``: `times` (n_times,) ms, `values` (n_times, n_connections)
        connections: numbers of the connections wanted, as in ``trace.neurons``; None for all
        window: (start, stop) in ms; None for all
        ax: the axes to draw in; None for a new figure
        kind: "lines", one for each connection; "density", the share of the connections in bins of weight over time;
            "band", the median and the bands from the 25th to the 75th and the 5th to the 95th percentile; None for lines
            of up to 20 connections and density for more, which shows two groups where weights part
        bins: number of bins of the density, or their edges
        unit: unit of the weights; None for that of the trace
        label: name in the legend of a band, or what precedes the number of each line
        color: colour of a band or of every line; None for the palette

    Returns the axes, with time in s where it lasts 20 s or more. Raises ParameterError for what is no trace, for
    connections that were not recorded, and for an unknown kind.
    """
    data = samples_of(trace, connections, window)
    if kind is not None and kind not in _KINDS:
        raise ParameterError(f"kind={kind!r} is unknown. Known: {listing(_KINDS)}; or None for the one that fits.")
    n = data.values.shape[1]
    kind = kind or ("lines" if n <= LINES else "density")
    ax = style.open_axes(ax, style.MID_COLUMN if kind == "density" else style.ONE_COLUMN)
    long = data.times.size > 1 and data.times[-1] - data.times[0] >= 20_000.0
    times = data.times / 1000.0 if long else data.times
    name = style.with_unit("Weight", data.unit if unit is None else unit)
    several = bool(ax.lines)
    if kind == "lines":
        for k, (shade, line) in enumerate(style.palette(n)):
            named = f"{label or 'connection'} {data.neurons[k]}" if n <= 6 else label if k == 0 else None
            ax.plot(
                times, data.values[:, k], color=shade if color is None else style.checked_color(color),
                ls=line if color is None else "-", lw=style.LINE if n <= 6 else style.FINE, label=named,
            )  # fmt: skip
    elif kind == "band":
        _band(ax, times, data.values, style.line_color(ax, color), label)
    else:
        image = _density(ax, times, data.values, bins)
        style.colorbar(ax, image, "Share of connections")
        style.note_above(ax, f"{n:,} connections")
    ax.set_xlabel("Time (s)" if long else "Time (ms)")
    ax.set_ylabel(name)
    if times.size > 1:
        left, right = float(times[0]), float(times[-1])
        ax.set_xlim(min(left, ax.get_xlim()[0]) if several else left, max(right, ax.get_xlim()[1]) if several else right)
    if ax.get_legend_handles_labels()[0]:
        style.legend_above(ax, columns=3)
    return ax


def _blocks(n: int) -> np.ndarray:
    """Return the edges of at most COLUMNS equal blocks of samples."""
    return np.linspace(0, n, min(n, COLUMNS) + 1).astype(np.int64)


def _band(ax: Axes, times: np.ndarray, values: np.ndarray, color: Any, label: str | None) -> None:
    # One sample of each block: quantiles of many weights change little within one.
    chosen = _blocks(times.size)[:-1] if times.size else np.empty(0, np.int64)
    if times.size:
        chosen = np.unique(np.append(chosen, times.size - 1))
    if values.shape[1] == 0 or not chosen.size:
        return
    levels = np.array([np.nanpercentile(row, [5, 25, 50, 75, 95]) if np.isfinite(row).any() else [np.nan] * 5
                       for row in values[chosen]])
    at = times[chosen]
    ax.fill_between(at, levels[:, 0], levels[:, 4], color=color, alpha=0.15, lw=0)
    ax.fill_between(at, levels[:, 1], levels[:, 3], color=color, alpha=0.3, lw=0)
    ax.plot(at, levels[:, 2], color=color, lw=style.LINE, label=f"{label or 'median'}, 50 and 90 % of connections")


def _density(ax: Axes, times: np.ndarray, values: np.ndarray, bins: Any) -> Any:
    finite = values if values.size == 0 else values[np.isfinite(values)] if not np.isfinite(values.sum()) else values
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    edges = histogram_edges(bins, low, high)
    blocks = _blocks(times.size) if times.size else np.array([0, 0])
    share = np.zeros((edges.size - 1, blocks.size - 1))
    for k, (first, last) in enumerate(zip(blocks[:-1], blocks[1:], strict=True)):
        part = values[first:last].ravel()
        part = part[np.isfinite(part)]
        share[:, k] = np.histogram(part, edges)[0] / max(part.size, 1)
    # Each column begins with its first sample; the last one lasts as long as the one before.
    starts = times[blocks[:-1]] if times.size else np.array([0.0])
    last = 2 * starts[-1] - starts[-2] if starts.size > 1 else starts[-1] + 1.0
    columns = np.append(starts, max(last, times[-1] if times.size else last))
    shown = np.ma.masked_where(share == 0, share)
    # Weights that have parted pile up at their bounds, a hundred times as dense as what lies between.
    top, low = (float(share.max()), float(share[share > 0].min())) if share.any() else (1.0, 0.1)
    norm = LogNorm(min(max(low, top / 1000), top / 10), top)
    return ax.pcolormesh(columns, edges, shown, cmap=style.COLORMAP, norm=norm, rasterized=True)
