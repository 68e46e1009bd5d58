"""Membrane potential against time: one neuron, a few, or a whole population."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.inputs import Samples, array_1d, envelope, is_spikes, samples_of, time_limits

#: Up to this many neurons are overlaid, up to the second are stacked; more become an image.
OVERLAID, STACKED = 8, 40
#: An image of a population has at most this many rows and columns, about the pixels of a printed column.
ROWS, COLUMNS = 800, 1600

_NAMES = {"v": "Membrane potential", "v_m": "Membrane potential", "vm": "Membrane potential"}


def voltage(
    trace: Any,
    spikes: Any = None,
    neurons: Any = None,
    ax: Axes | None = None,
    spike_height: float | None = None,
    window: tuple[float, float] | None = None,
    *,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw membrane potentials (any other variable of a trace as well) against time.

    Up to 8 neurons are overlaid, up to 40 are stacked with a scale bar, and more are shown as an image with
    one row for each neuron (for each few neurons where there are more than 800).

    A model with a reset never reaches the peak of its spike. Where the trace falls at its spikes, each is
    completed by a vertical line from the last value before the reset up to `spike_height`; where the trace
    has spikes of its own (Hodgkin-Huxley), they are marked by small ticks above it, unless `spike_height` is
    given.

    Arguments
        trace: `times` (n_times,) ms, `values` (n_times, n_neurons), as of result.traces["v"]
        spikes: spike trains of the same population, or the times (ms) of the only neuron drawn; None for no
            marks
        neurons: numbers of the neurons to draw, as in ``trace.neurons``; None for all
        ax: the axes to draw in; None for a new figure
        spike_height: value (mV) up to which spikes are drawn; None for the highest value of the trace plus
            its span
        window: (start, stop) in ms; None for the whole recording
        label: name of the line in the legend (one neuron) or what precedes the neuron's number
        color: colour of every line; None for the palette

    Returns the axes. Raises ParameterError for neurons not recorded, an empty window, or spikes of another
    shape.
    """
    data = samples_of(trace, neurons, window)
    n = data.neurons.size
    if spike_height is not None and not np.isfinite(spike_height):
        raise ParameterError(
            f"spike_height={spike_height!r} must be a finite value in the unit of the trace (mV)."
        )
    ax = style.open_axes(ax, style.MID_COLUMN, 2.2 if n <= OVERLAID else 3.4)
    if n > STACKED:
        _image(ax, data)
    else:
        marks = _spike_times(spikes, data)
        top = _top(data, spike_height)
        drawn = [_completed(data, k, marks[k], spike_height, top) for k in range(n)]
        names = [_line_name(label, number, n) for number in data.neurons.tolist()]
        if n <= OVERLAID:
            _overlaid(ax, data, drawn, names, color)
        else:
            _stacked(ax, data, drawn, label, color)
    ax.set_xlabel("Time (ms)")
    limits = time_limits(data.times)
    if limits is not None:
        ax.set_xlim(*limits)
    return ax


def value_label(variable: str, unit: str) -> str:
    """Return the label of an axis of values: ``Membrane potential (mV)`` for v, else variable and unit."""
    name = _NAMES.get(variable.lower())
    if name is not None or not variable:
        return style.with_unit(name or _NAMES["v"], unit or "mV")
    return style.with_unit(variable, unit)


def _spike_times(spikes: Any, data: Samples) -> list[np.ndarray]:
    """Return the spike times inside the drawn window, for each neuron drawn."""
    n = data.neurons.size
    if spikes is None or data.times.size == 0:
        return [np.empty(0)] * n
    if is_spikes(spikes):
        times, indices = array_1d(spikes.times, "spikes.times"), np.asarray(spikes.indices)
        wanted = np.isin(indices, data.neurons)
        times, indices = times[wanted], indices[wanted]
        trains = [times[indices == number] for number in data.neurons.tolist()]
    elif n == 1:
        trains = [array_1d(spikes, "spikes")]
    else:
        raise ParameterError(
            f"spikes is {type(spikes).__name__} and {n} neurons are drawn. Pass the population's spikes "
            '(result.spikes["E"]), or draw one neuron (neurons=[0]).'
        )
    start, stop = data.times[0], data.times[-1]
    return [train[(train >= start) & (train <= stop)] for train in trains]


def _top(data: Samples, spike_height: float | None) -> float:
    if spike_height is not None:
        return float(spike_height)
    finite = data.values[np.isfinite(data.values)]
    if finite.size == 0:
        return 1.0
    return float(finite.max() + (np.ptp(finite) or 1.0))


def _completed(
    data: Samples, k: int, spikes: np.ndarray, spike_height: float | None, top: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return time and value of a line with its spikes drawn in, and the spikes to be marked instead."""
    times, values = envelope(data.times, data.values[:, k].astype(np.float64))
    if spikes.size == 0:
        return times, values, spikes
    raw = data.values[:, k]
    after = np.clip(np.searchsorted(data.times, spikes, "left"), 1, max(data.times.size - 1, 1))
    # A spike is stamped at the start or the end of its step, so its reset lies one sample around it.
    around = np.stack([raw[np.clip(after + shift, 0, raw.size - 1)] for shift in (-1, 0, 1)])
    before = around[:2].max(0)
    fall = before - around.min(0)
    known = np.isfinite(fall)
    span = np.ptp(raw[np.isfinite(raw)]) if known.any() else 0.0
    resets = span > 0 and np.median(fall[known]) > 0.3 * span and np.median(before[known]) < top
    if spike_height is None and not resets:
        return times, values, spikes
    peak = np.maximum(top, before)
    gap = np.full(spikes.size, np.nan)
    spike_x = np.stack([spikes, spikes, spikes], 1).ravel()
    spike_y = np.stack([before, peak, gap], 1).ravel()
    return (
        np.concatenate([times, [np.nan], spike_x]),
        np.concatenate([values, [np.nan], spike_y]),
        np.empty(0),
    )


def _line_name(label: str | None, number: int, n: int) -> str | None:
    if n == 1:
        return label
    return f"{label} {number}" if label else f"neuron {number}"


def _overlaid(ax: Axes, data: Samples, drawn: list[Any], names: list[str | None], color: Any) -> None:
    marked = [spikes for _, _, spikes in drawn if spikes.size]
    highest = max((float(np.nanmax(y)) for _, y, _ in drawn if np.isfinite(y).any()), default=0.0)
    lowest = min((float(np.nanmin(y)) for _, y, _ in drawn if np.isfinite(y).any()), default=0.0)
    step = 0.05 * ((highest - lowest) or 1.0)
    row = 0
    for (x, y, spikes), name in zip(drawn, names, strict=True):
        shade = style.line_color(ax, color)
        ax.plot(x, y, color=shade, lw=style.LINE if len(drawn) == 1 else style.FINE, label=name)
        if spikes.size:
            height = highest + (1.5 + row) * step
            ax.plot(
                spikes, np.full(spikes.size, height), ls="", marker="|", ms=4, mew=style.FINE, color=shade
            )
            row += 1
    if marked:
        ax.set_ylim(lowest - step, highest + (row + 1.5) * step)
    ax.set_ylabel(value_label(data.variable, data.unit))
    if any(names):
        style.legend_above(ax)


def _stacked(ax: Axes, data: Samples, drawn: list[Any], label: str | None, color: Any) -> None:
    n = len(drawn)
    spans = [np.nanmax(y) - np.nanmin(y) for _, y, _ in drawn if np.isfinite(y).any()]
    step = 1.15 * (max(spans, default=1.0) or 1.0)
    feet = []
    for k, (x, y, spikes) in enumerate(drawn):
        base = (n - 1 - k) * step
        low = np.nanmin(y) if np.isfinite(y).any() else 0.0
        shade = style.PALETTE[0] if color is None else style.line_color(ax, color)
        ax.plot(x, y - low + base, color=shade, lw=style.FINE)
        if spikes.size:
            ax.plot(
                spikes,
                np.full(spikes.size, base + 0.92 * step),
                ls="",
                marker="|",
                ms=2.5,
                mew=0.6,
                color=shade,
            )
        feet.append(base + (np.nanmedian(y) - low if np.isfinite(y).any() else 0.0))
    every = -(-n // 20)
    numbers = [str(number) if k % every == 0 else "" for k, number in enumerate(data.neurons.tolist())]
    ax.set_yticks(feet, numbers)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-0.1 * step, n * step)
    ax.set_ylabel(label or "Neuron")
    _scale_bar(ax, step, data)


def _scale_bar(ax: Axes, step: float, data: Samples) -> None:
    """Draw a bar of a round number of units to the right of the axes, where there are no data."""
    power = 10.0 ** np.floor(np.log10(step))
    size = power * max(m for m in (1, 2, 5) if m * power <= max(step, power))
    unit = style.pretty_unit(data.unit or ("mV" if value_label(data.variable, "").startswith("Memb") else ""))
    place = ax.get_yaxis_transform()
    ax.plot(
        [1.02, 1.02],
        [0.0, size],
        transform=place,
        color=style.INK,
        lw=1.5,
        solid_capstyle="butt",
        clip_on=False,
    )
    ax.text(
        1.035,
        size / 2,
        f"{size:g} {unit}".strip(),
        transform=place,
        va="center",
        fontsize=style.text_size(ax),
    )


def _image(ax: Axes, data: Samples) -> None:
    """Show one row a neuron; rows and columns beyond the pixels of a page are means of neighbours."""
    values = data.values
    shape = (min(values.shape[0], COLUMNS), min(values.shape[1], ROWS))
    for axis, cells in enumerate(shape):
        n = values.shape[axis]
        if n > cells:
            edges = np.linspace(0, n, cells + 1).astype(np.int64)
            total = np.add.reduceat(values, edges[:-1], axis=axis, dtype=np.float64)
            values = total / np.expand_dims(np.diff(edges), 1 - axis)
    values = np.ma.masked_invalid(values.T)
    low, high = np.percentile(values.compressed(), (0.5, 99.5)) if values.count() else (0.0, 1.0)
    first, last = (data.times[0], data.times[-1]) if data.times.size else (0.0, 1.0)
    shown = ax.imshow(
        values,
        cmap=style.COLORMAP,
        vmin=low,
        vmax=high if high > low else low + 1.0,
        aspect="auto",
        origin="lower",
        extent=(first, last if last > first else first + 1.0, -0.5, data.neurons.size - 0.5),
    )
    consecutive = np.array_equal(data.neurons, np.arange(data.neurons.size))
    ax.set_ylabel("Neuron" if consecutive else "Recorded neuron, in order")
    style.colorbar(ax, shown, value_label(data.variable, data.unit))
