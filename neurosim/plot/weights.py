"""Histograms of weights, before and after learning, and of delays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.distributions import count_ticks, histogram_edges, log_ticks
from neurosim.plot.wiring import CHUNK, wiring_of


def weight_histogram(
    connections: Any,
    before: Any = None,
    bins: Any = 50,
    ax: Axes | None = None,
    *,
    log: bool = False,
    log_counts: bool = False,
    unit: str | None = None,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw how the weights of connections are distributed, and how they were before.

    Arguments
        connections: of one projection, such as ``result.connections["E->I"]``, or (n,) weights, or their final values;
            one number for all connections is one bar
        before: the same before learning, drawn in grey behind; None for none
        bins: number of bins, or their edges, common to both
        ax: the axes to draw in; None for a new figure
        log: weights on a logarithmic axis; what is not above zero has no place there and is told in the note
        log_counts: numbers of connections on a logarithmic axis
        unit: unit of the weights; None for that of the connections, if they have one
        label: name in the legend
        color: colour; None for the next of the axes

    Returns the axes. Raises ParameterError for weights that are not numbers, or not finite, and for unfit bins.
    """
    after, own_unit = _weights(connections, "connections")
    sets = [after] if before is None else [_weights(before, "before")[0], after]
    ax = style.open_axes(ax)
    color = style.line_color(ax, color)
    names = [label] if before is None else ["before", label or "after"]
    unit = own_unit if unit is None else unit
    left_out = _draw(ax, sets, names, [color] if before is None else [style.GREY, color], bins, log, log_counts)
    ax.set_xlabel(style.with_unit("Weight", unit))
    if any(names):
        style.legend_above(ax)
    else:
        style.note_above(ax, _summary(after) + (f", {left_out:,} not above 0" if left_out else ""))
    return ax


def delay_histogram(
    connections: Any,
    bins: Any = 60,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw how the delays of connections are distributed.

    Delays are whole multiples of the time step: bins hold whole multiples of it too, centred on the delays.

    Arguments
        connections: of one projection, such as ``result.connections["E->I"]``, or (n,) delays in ms
        bins: number of bins, about, or their edges (ms)
        ax: the axes to draw in; None for a new figure
        label, color: name in the legend and colour; None for the next of the axes

    Returns the axes. Raises ParameterError for delays that are not numbers, or not finite, and for unfit bins.
    """
    values, _ = _weights(connections, "connections", "delay")
    ax = style.open_axes(ax)
    color = style.line_color(ax, color)
    _draw(ax, [values], [label], [color], bins, False, False, _grid(values[0]))
    ax.set_xlabel("Delay (ms)")
    if label:
        style.legend_above(ax)
    else:
        style.note_above(ax, _summary(values, " ms"))
    return ax


#: Distinct or homogeneous values, and how many connections each stands for.
_Values = tuple[np.ndarray, int]


def _weights(source: Any, name: str, part: str = "weight") -> tuple[_Values, str]:
    """Return (values (n,), connections a value stands for) and the unit."""
    unit = ""
    if hasattr(source, "pre") or isinstance(source, Mapping):
        wiring = wiring_of(source, name)
        values, unit = getattr(wiring, part), wiring.unit
        if not isinstance(values, np.ndarray):
            return _finite((np.array([values] if wiring.pre.size else []), wiring.pre.size), f"{name}.{part}"), unit
    else:
        values = source.values if hasattr(source, "times") and hasattr(source, "values") else source
        unit = str(getattr(source, "unit", "") or "")
        try:
            values = np.ravel(np.asarray(values))
        except ValueError as error:
            raise ParameterError(f"{name} must be connections or numbers: {error}.") from error
        if values.dtype.kind not in "iufb":
            raise ParameterError(f"{name} is {type(source).__name__}, neither connections nor numbers.")
    return _finite((values, 1), f"{name}.{part}" if hasattr(source, "pre") else name), unit


def _finite(values: _Values, name: str) -> _Values:
    # The extremes carry NaN and infinity along, without an array of flags.
    if values[0].size and not (np.isfinite(values[0].min()) and np.isfinite(values[0].max())):
        raise ParameterError(f"{name} holds NaN or infinity. Pass finite numbers.")
    return values


def _summary(values: _Values, unit: str = "") -> str:
    text = f"{values[0].size * values[1]:,} connections"
    if values[0].size:
        mean, sd = float(values[0].mean(dtype=np.float64)), float(values[0].std(dtype=np.float64))
        text += f", {mean:.3g}" + (f" ± {sd:.2g}" if sd > 1e-9 * abs(mean) else "") + unit
    return text.replace("-", "−")


def _grid(values: np.ndarray) -> float:
    """Return the step (ms) on which the delays lie, 0 where they lie on none or are all the same."""
    some = np.unique(values[:: max(values.size // 200_000, 1)])
    if some.size > 5000:
        return 0.0
    gaps = np.diff(some)
    gaps = gaps[gaps > 1e-6 * max(float(np.abs(some).max(initial=0.0)), 1e-6)]
    if not gaps.size:
        return 0.0
    step = float(gaps.min())
    return step if np.all(np.abs(gaps / step - np.rint(gaps / step)) < 1e-2) else 0.0


def _draw(
    ax: Axes, sets: list[_Values], names: list[str | None], colors: list[Any], bins: Any, log: bool, log_counts: bool,
    quantum: float = 0.0,
) -> int:  # fmt: skip
    """Draw numbers of connections in common bins; return how many have no place on a logarithmic axis."""
    shown = [(values[values > 0], n) if log else (values, n) for values, n in sets]
    filled = [values for values, _ in shown if values.size]
    low = min((float(v.min()) for v in filled), default=0.1 if log else 0.0)
    high = max((float(v.max()) for v in filled), default=10.0 if log else 1.0)
    edges = histogram_edges(bins, low, high, log, quantum)
    several = bool(ax.patches)
    limits = ax.get_xlim(), ax.get_ylim()
    highest = 0
    for (values, each), name, color in zip(shown, names, colors, strict=True):
        counts = np.zeros(edges.size - 1, np.int64)
        for start in range(0, values.size, CHUNK):
            counts += np.histogram(values[start : start + CHUNK], edges)[0]
        counts *= each
        highest = max(highest, int(counts.max(initial=0)))
        floor = 0.5 if log_counts else 0.0
        ax.stairs(np.maximum(counts, floor), edges, baseline=floor, fill=True, color=color, alpha=0.25, lw=0)
        ax.stairs(np.maximum(counts, floor), edges, baseline=floor, color=color, lw=style.LINE, label=name)
    left, right = edges[0], edges[-1]
    if several:
        left, right = min(left, limits[0][0]), max(right, limits[0][1])
        highest = max(highest, limits[1][1] / 1.06)
    if log:
        log_ticks(ax, right / left)
    ax.set_xlim(left, right)
    if log_counts:
        ax.set_yscale("log")
        ax.set_ylim(0.5, 2.0 * max(highest, 1))
    else:
        ax.set_ylim(0, 1.06 * highest or 1.0)
        count_ticks(ax)
    if not log:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    ax.set_ylabel("Number of connections")
    return sum((v.size - s.size) * n for (v, n), (s, _) in zip(sets, shown, strict=True))
