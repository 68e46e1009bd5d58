"""What ensembles represent: decoded values over the wanted ones, and the error against the number of neurons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.ensembles import subscript
from neurosim.plot.inputs import Samples, array_1d, envelope, samples_of, time_limits

#: Values drawn as lines; more are an image.
LINES = 7
_MARKERS = "os^Dv<>p"


def decoded(
    trace: Any,
    ideal: Any = None,
    dimensions: Iterable[int] | None = None,
    window: tuple[float, float] | None = None,
    ax: Axes | None = None,
    *,
    ylabel: str = "Decoded value",
    unit: str | None = None,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw decoded values over time, the wanted values as dashed lines on them, and the error

        RMSE = sqrt(mean over times and dimensions of (decoded - ideal)^2)

    Up to 7 dimensions are lines; more are an image, one row for each, with the error above.

    Arguments
        trace: what a probe recorded, ``result[probe]``: `times` (n_times,) ms, `values` (n_times, d)
        ideal: wanted values: (n_times,), (n_times, d) or (d,), a trace of the same times, or a function of the time in ms that
            takes one time; None for none.  A synapse delays what is decoded: take that into account, or record the wanted
            value through the same synapse
        dimensions: those drawn; None for all
        window: (start, stop) in ms; None for all
        ax: the axes to draw in; None for a new figure
        ylabel, unit: name and unit of the values
        label: name of the value, or what precedes the number of each dimension
        color: a colour for all; None for the palette

    Returns the axes. Raises ParameterError for shapes that do not fit, and dimensions that were not recorded.
    """
    whole = samples_of(trace)
    wanted = None if ideal is None else _ideal(ideal, whole)
    d = whole.values.shape[1]
    chosen = list(range(d)) if dimensions is None else [int(k) for k in np.atleast_1d(np.asarray(dimensions))]
    wrong = [k for k in chosen if not 0 <= k < d]
    if wrong or not chosen:
        raise ParameterError(f"decoded: dimensions={chosen} of a trace with {d}. Choose some of 0 to {d - 1}.")
    part = samples_of(_Part(whole.times, whole.values[:, chosen]), window=window)
    if wanted is not None:
        wanted = samples_of(_Part(whole.times, wanted[:, chosen]), window=window).values
    ax = style.open_axes(ax, style.MID_COLUMN if len(chosen) > LINES else style.ONE_COLUMN)
    error = None if wanted is None or not wanted.size else float(np.sqrt(np.mean((part.values - wanted) ** 2)))
    ax.set_xlabel("Time (ms)")
    if len(chosen) > LINES:
        _image(ax, part, style.with_unit(ylabel, unit))
        if error is not None:
            style.note_above(ax, f"RMSE {error:.2g}")
        return ax
    for k, number in enumerate(chosen):
        name = label if len(chosen) == 1 else f"{label or 'x'}{subscript(number + 1)}"
        # Where nothing else is drawn, the axis says what the line is.
        name = name or ("decoded" if wanted is not None else None)
        shade = style.line_color(ax, color)
        ax.plot(*envelope(part.times, part.values[:, k]), color=shade, lw=style.LINE, label=name)
    if wanted is not None:
        for k in range(len(chosen)):
            text = f"ideal (RMSE {error:.2g})" if k == 0 and error is not None else None
            ax.plot(*envelope(part.times, wanted[:, k]), color="black", lw=style.FINE, dashes=(5, 2.5), label=text, zorder=3)
    if (limits := time_limits(part.times)) is not None:
        ax.set_xlim(*limits)
    ax.set_ylabel(style.with_unit(ylabel, unit))
    style.legend_above(ax)
    return ax


class _Part:
    """Times and values, as plots take them."""

    def __init__(self, times: np.ndarray, values: np.ndarray):
        self.times, self.values = times, values


def _ideal(ideal: Any, trace: Samples) -> np.ndarray:
    """Return the wanted values, shape (n_times, d)."""
    shape = trace.values.shape
    if hasattr(ideal, "times") and hasattr(ideal, "values"):
        other = samples_of(ideal, name="ideal")
        if other.times.shape != trace.times.shape or not np.allclose(other.times, trace.times, rtol=1e-9, atol=1e-9):
            raise ParameterError(
                f"decoded: ideal has {other.times.size} times and the trace {trace.times.size}, or others. Record both with "
                "the same every=, or pass a function of time."
            )
        values = other.values
    elif callable(ideal):
        values = np.array([np.ravel(ideal(float(t))) for t in trace.times], dtype=np.float64).reshape(len(trace.times), -1)
    else:
        values = np.asarray(ideal, dtype=np.float64)
        values = values[:, None] if values.ndim == 1 and values.size == shape[0] and shape[1] == 1 else values
        # (d,): the same at all times
        values = values[None] if values.ndim < 2 else values
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        raise ParameterError(
            f"decoded: ideal has shape {values.shape} for values of shape {shape}; (n_times, d), (d,) or a function of time is "
            "needed."
        ) from None


def _image(ax: Axes, part: Samples, ylabel: str) -> None:
    values = part.values
    # No more columns than pixels: means of neighbouring samples.
    if len(values) > 2000:
        edges = np.linspace(0, len(values), 2001).astype(np.int64)[:-1]
        values = np.add.reduceat(values, edges, axis=0) / np.diff(np.append(edges, len(values)))[:, None]
    limits = time_limits(part.times) or (0.0, 1.0)
    d = values.shape[1]
    high = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    mesh = ax.imshow(
        values.T, aspect="auto", origin="lower", extent=(*limits, 0.5, d + 0.5), cmap=style.COLORMAP, vmin=-high, vmax=high,
        interpolation="nearest",
    )  # fmt: skip
    ax.set_ylabel("Dimension")
    style.colorbar(ax, mesh, ylabel)


def decoded_error(
    sizes: Any,
    errors: Any,
    ax: Axes | None = None,
    *,
    fit: bool = True,
    xlabel: str = "Number of neurons",
    ylabel: str = "RMSE of the decoded value",
    unit: str | None = None,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw errors against the number of neurons on logarithmic axes, with the power law that fits each,

        error = c N^s,      log error = log c + s log N  by least squares over all points

    Of independent noise the part of the error falls with s = -1/2, what is left without noise (distortion) falls faster.
    Source: C. Eliasmith, C. H. Anderson (2003), Neural Engineering, chapter 2.

    Arguments
        sizes: (n,) numbers of neurons, in any order
        errors: (n,) errors, or (n, repeats), drawn as dots with their geometric means; or a dict of name to such arrays
        ax: the axes to draw in; None for a new figure
        fit: draw the power law, and name its exponent in the legend
        xlabel, ylabel: names of the axes
        unit: of the error
        label: name of the curve, if errors is no dict
        color: colour of the curve; None for the palette

    Returns the axes. Raises ParameterError for shapes that do not fit, and numbers that are not above zero.
    """
    n = array_1d(sizes, "sizes")
    curves = dict(errors) if isinstance(errors, Mapping) else {label: errors}
    for name, values in list(curves.items()):
        what = "errors" if name is None else f"errors[{name!r}]"
        y = np.asarray(values, dtype=np.float64)
        y = y[:, None] if y.ndim == 1 else y
        if y.ndim != 2 or len(y) != n.size or not y.size:
            raise ParameterError(f"{what} has shape {np.shape(values)} for {n.size} sizes; ({n.size},) or ({n.size}, repeats).")
        if not (y > 0).all() or not (n > 0).all() or not np.isfinite(y).all():
            raise ParameterError(f"{what}: sizes and errors must be above zero and finite to be drawn on logarithmic axes.")
        curves[name] = y
    order = np.argsort(n, kind="stable")
    n = n[order]
    ax = style.open_axes(ax, height=2.7)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for k, (name, y) in enumerate(curves.items()):
        y = y[order]
        shade = style.line_color(ax, color)
        mean = np.exp(np.log(y).mean(axis=1))
        text, line = name, "-"
        if fit and np.unique(n).size > 1:
            slope, factor = power_law(np.repeat(n, y.shape[1]), y.ravel())
            ax.plot(n, factor * n**slope, color=shade, lw=style.FINE, ls="--", zorder=1)
            law = f"$N^{{{slope:.2f}}}$"
            text, line = f"{name}, {law}" if name else law, ""
        if y.shape[1] > 1:
            ax.plot(np.repeat(n, y.shape[1]), y.ravel(), ls="", marker=".", ms=3.2, color=shade, alpha=0.35, mew=0, zorder=1)
        ax.plot(n, mean, color=shade, marker=_MARKERS[k % len(_MARKERS)], ms=3.4, lw=style.LINE, ls=line, label=text)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(style.with_unit(ylabel, unit))
    _plain_numbers(ax.xaxis, n)
    _plain_numbers(ax.yaxis, np.ravel(ax.get_ylim()))
    if ax.get_legend_handles_labels()[0]:
        style.legend_above(ax, columns=2)
    return ax


def power_law(n: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return (s, c) of y = c n^s by least squares of the logarithms."""
    x, z = np.log(n), np.log(y)
    centred = x - x.mean()
    slope = float(centred @ z / (centred @ centred))
    return slope, float(np.exp(z.mean() - slope * x.mean()))


def _plain_numbers(axis: Any, values: np.ndarray) -> None:
    """Name numbers of a logarithmic axis as they are, 0.02, 0.05, 0.1 ..., as few as fit."""
    dense = not values.size or np.log10(values[-1] / values[0]) < 2
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if dense else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.set_minor_locator(NullLocator() if dense else LogLocator(subs=np.arange(2, 10)))
    axis.set_minor_formatter("")
