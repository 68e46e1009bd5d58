"""Distributions of a quantity over neurons, for one population or many: outlines of histograms, or boxes in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from neurosim.errors import ParameterError, listing
from neurosim.plot import style
from neurosim.plot.inputs import array_1d

#: Up to this many populations are drawn as histograms one over the other; more would hide each other.
OVERLAID = 3
_KINDS = ("histogram", "box")


def checked_kind(kind: str | None, n: int) -> str:
    """Return "histogram" or "box"; for None, whichever suits `n` groups. Raises ParameterError for other names."""
    if kind is None:
        return "histogram" if n <= OVERLAID else "box"
    if kind not in _KINDS:
        raise ParameterError(f"kind={kind!r} is unknown. Known: {listing(_KINDS)}; or None for the one that fits.")
    return kind


def looks_of(color: Any, names: Sequence[str], default: Sequence[Any] | None = None) -> list[Any]:
    """Return a colour for each name: `color` for all, one of a sequence each, or (None) `default` or the palette."""
    if color is None:
        return list(default) if default is not None else [shade for shade, _ in style.palette(len(names))]
    if is_color_like(color) or isinstance(color, str):
        return [style.checked_color(color)] * len(names)
    if len(color) != len(names):
        raise ParameterError(f"color holds {len(color)} colours for {len(names)} groups. Give one for each.")
    return [style.checked_color(shade) for shade in color]


def histogram_edges(bins: Any, low: float, high: float, log: bool = False, quantum: float = 0.0) -> np.ndarray:
    """Return edges of bins that hold all values from `low` to `high`.

    Arguments
        bins: their number, or the edges
        low, high: least and greatest value (of those above zero where `log`)
        log: bins of equal ratio
        quantum: step of a grid on which all values lie, 0 for none. Bins hold whole multiples of it, or some
            would hold one value more than others; their number is then met as nearly as that allows.

    Raises ParameterError for bins that are no positive number nor rising edges.
    """
    if np.ndim(bins) == 1:
        edges = array_1d(bins, "bins")
        if edges.size < 2 or not np.all(np.diff(edges) > 0) or (log and edges[0] <= 0):
            raise ParameterError("bins must be at least two rising edges" + (", all above 0 where log=True." if log else "."))
        return edges
    if np.ndim(bins) or isinstance(bins, str | bool | np.bool_) or int(bins) != bins or bins < 1:
        raise ParameterError(f"bins={bins!r} must be a number of bins from 1 up, or their edges.")
    n = int(bins)
    if log:
        low, high = (low / 1.5, high * 1.5) if high < 1.01 * low else (low, high * (1 + 1e-9))
        return np.geomspace(low, high, n + 1)
    if quantum > 0:
        width = quantum * max(np.ceil(((high - low) / quantum + 1) / n - 1e-9), 1.0)
        # Half a step off the grid: no value lies on an edge, where rounding would decide.
        first = low - 0.5 * quantum
        return first + width * np.arange(max(int(np.ceil((high - first) / width - 1e-9)), 1) + 1)
    if not high > low:
        half = 0.5 * abs(low) or 0.5
        return np.linspace(low - half, low + half, (n | 1) + 1)
    edges = np.linspace(low, high, n + 1)
    edges[-1] += 1e-9 * (high - low)
    return edges


def span_of(values: np.ndarray) -> tuple[float, float]:
    """Return least and greatest of `values`, 0 and 1 where there are none."""
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def draw_histograms(
    ax: Axes, groups: Mapping[str, np.ndarray], xlabel: str, ylabel: str, bins: Any, log: bool, colors: Sequence[Any],
    quantum: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Draw the share of each group in common bins, on a logarithmic axis the share per decade; return their edges.

    Arguments
        groups: name -> (n,) values; NaN is left out and, on a logarithmic axis, what is not above zero
        xlabel, ylabel, bins, log, quantum: as in `histogram_edges`; the labels of the axes
        colors: one for each group
    """
    known = {name: values[np.isfinite(values)] for name, values in groups.items()}
    pooled = np.concatenate([values[values > 0] if log else values for values in known.values()] or [np.empty(0)])
    low, high = span_of(pooled) if pooled.size or not log else (0.1, 10.0)
    edges = histogram_edges(bins, low, high, log, 0.0 if log else quantum)
    if log and quantum > 0 and np.ndim(bins) == 0 and pooled.size:
        # Whole multiples of the grid, or some bins would hold no value that can occur.
        edges = quantum * np.unique(np.append(np.rint(low / quantum) - 0.5, np.floor(edges / quantum + 1e-6) + 0.5))
    wide = np.log10(edges[1:] / edges[:-1]) if log else 1.0
    highest = 0.0
    for (name, values), color in zip(known.items(), colors, strict=True):
        heights = np.histogram(values, edges)[0] / (max(values.size, 1) * wide)
        highest = max(highest, float(heights.max(initial=0.0)))
        ax.stairs(heights, edges, fill=True, color=color, alpha=0.22, lw=0)
        ax.stairs(heights, edges, color=color, lw=style.LINE, label=name or None)
    if log:
        log_ticks(ax, edges[-1] / edges[0])
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, 1.06 * highest or 1.0)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return edges


def log_ticks(ax: Axes, ratio: float) -> None:
    """Make the x axis logarithmic with plain numbers at its ticks.

    Arguments
        ratio: greatest over least value; below 300, 2 and 5 are named as well
    """
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if ratio < 300 else (1,)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def count_ticks(ax: Axes) -> None:
    """Let the y axis show whole numbers, from ten thousand up as 10k, 2M."""
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    if ax.get_ylim()[1] >= 10_000:
        ax.yaxis.set_major_formatter(EngFormatter(sep=""))


def number_text(value: float, span: float) -> str:
    """Return a number with two digits, or with fewer where it is next to nothing against `span`."""
    if abs(value) < 0.01 * span:
        text = f"{value:.{int(np.clip(np.ceil(2 - np.log10(span)), 0, 9))}f}"
        text = text.lstrip("-") if float(text) == 0 else text
    else:
        text = f"{value:.2g}" if abs(value) < 10 else f"{value:,.0f}"
    return text.replace("-", "−")


def draw_boxes(
    ax: Axes, groups: Mapping[str, np.ndarray], xlabel: str, log: bool, colors: Sequence[Any],
    rows: Sequence[float] | None = None, height: float = 0.56, names: bool = True,
) -> None:  # fmt: skip
    """Draw each group as a box in a row: quartiles and median, whiskers from the 5th to the 95th percentile.

    A white diamond marks the mean, of zeros too, which is written at the right end of the row. Outliers are not
    drawn: of a hundred thousand neurons, thousands would lie outside of any whiskers.

    Arguments
        groups: name -> (n,) values; NaN is left out and, on a logarithmic axis, what is not above zero
        xlabel: label of the values
        log: logarithmic axis
        colors: one for each group
        rows: heights of the rows, None for 0, 1, ... from the top down
        height: of a box, in units of `rows`
        names: whether the rows are named
    """
    if log:
        ax.set_xscale("log")
    own = rows is None
    rows = np.arange(len(groups), dtype=float) if rows is None else np.asarray(rows, dtype=float)
    ends: list[float] = []
    texts: dict[float, float] = {}
    for (_, values), row, color in zip(groups.items(), rows, colors, strict=True):
        known = values[np.isfinite(values)]
        shown = known[known > 0] if log else known
        if known.size:
            texts[row] = float(known.mean())
        if shown.size:
            far_low, low, middle, high, far_high = np.percentile(shown, [5, 25, 50, 75, 95])
            mean = texts[row]
            ax.hlines(row, far_low, far_high, color=color, lw=style.FINE)
            ax.barh(row, high - low, left=low, height=height, color=color, alpha=0.35, lw=0)
            ax.vlines([low, high], row - height / 2, row + height / 2, color=color, lw=style.HAIR)
            ax.vlines(middle, row - height / 2, row + height / 2, color=color, lw=1.6 * style.LINE)
            ax.plot([mean], [row], marker="D", ms=3.0, mfc="white", mec=color, mew=style.FINE, ls="")
            ends += [far_low, far_high] if log and mean <= 0 else [far_low, far_high, mean]
    span = max(ends, default=1.0) - min(ends, default=0.0) or 1.0
    for row, color in zip(rows, colors, strict=True):
        ax.annotate(
            number_text(texts[row], span) if row in texts else "none", xy=(1.0, row), xytext=(3.0, 0.0),
            xycoords=("axes fraction", "data"), textcoords="offset points", va="center", ha="left",
            fontsize=style.text_size(ax), color=color,
        )  # fmt: skip
    if own:
        ax.set_ylim(len(groups) - 0.4, -0.6)
    ax.set_yticks(rows if names else [], list(groups) if names else None)
    ax.tick_params(axis="y", length=0)
    for tick, color in zip(ax.get_yticklabels(), colors, strict=False):
        tick.set_color(color)
    if ends:
        low, high = min(ends), max(ends)
        if log:
            ax.set_xlim(low / 1.3, high * 1.3)
            log_ticks(ax, high / low)
        else:
            pad = 0.05 * (high - low) or 0.5 * abs(high) or 0.5
            # Quantities that cannot be negative start at zero.
            ax.set_xlim(0.0 if low >= 0 else low - pad, high + pad)
    if not log:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    ax.set_xlabel(xlabel)
    style.note_above(ax, "mean").set(ha="left", position=(3.0, 2.0))
