"""Paths of a state in two and three dimensions, coloured by time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.ensembles import subscript
from neurosim.plot.inputs import samples_of
from neurosim.plot.tuning import trimmed_map

#: Pieces of a path, each of one colour.
PIECES = 400


def phase_portrait(
    trace: Any,
    dimensions: tuple[int, int] = (0, 1),
    window: tuple[float, float] | None = None,
    ideal: Any = None,
    ax: Axes | None = None,
    *,
    labels: tuple[str, str] | None = None,
    unit: str | None = None,
    equal: bool = True,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw two variables against each other, coloured by time; a dot is the start.

    Arguments
        trace: `times` (n_times,) ms and `values` (n_times, d), such as ``result[probe]``; or an array (n_times, d)
        dimensions: the two that are drawn
        window: (start, stop) in ms; None for all
        ideal: the wanted path, shape (n, 2), drawn as a dashed line; None for none
        ax: the axes to draw in; None for a new figure
        labels, unit: names of the two variables, and their unit
        equal: the same scale on both axes, so that a circle is round
        label: name of the path in the legend
        color: one colour for all of it instead of time; so it is for arrays, which have no times

    Returns the axes. Raises ParameterError for dimensions that were not recorded, and for a path that is not finite.
    """
    times, path = _path(trace, dimensions, window, 2, "phase_portrait")
    wanted = None if ideal is None else _wanted(ideal)
    ax = style.open_axes(ax, 3.3, 2.7)
    if times is None or color is not None:
        shade = style.line_color(ax, color)
        ax.plot(path[:, 0], path[:, 1], color=shade, lw=style.FINE, label=label)
    else:
        shade = trimmed_map()(0.0)
        norm = Normalize(float(times[0]), float(times[-1]))
        lines = LineCollection(_pieces(path), cmap=trimmed_map(), norm=norm, lw=style.FINE, label=label, capstyle="round")
        lines.set_array(_times_of(times))
        ax.add_collection(lines)
        style.colorbar(ax, ScalarMappable(norm, trimmed_map()), "Time (ms)")
    ax.plot(*path[0], marker="o", ms=3.2, color=shade, ls="", zorder=4)
    if wanted is not None:
        ax.plot(wanted[:, 0], wanted[:, 1], color="black", lw=style.FINE, dashes=(5, 2.5), label="ideal", zorder=3)
    ax.autoscale_view()
    if equal:
        ax.set_aspect("equal", adjustable="datalim")
    names = labels or _names(dimensions)
    ax.set_xlabel(style.with_unit(names[0], unit))
    ax.set_ylabel(style.with_unit(names[1], unit))
    style.legend_above(ax)
    return ax


def trajectory_3d(
    trace: Any,
    dimensions: tuple[int, int, int] = (0, 1, 2),
    window: tuple[float, float] | None = None,
    ax: Axes | None = None,
    *,
    labels: tuple[str, str, str] | None = None,
    unit: str | None = None,
    view: tuple[float, float] = (22.0, -55.0),
    color: Any = None,
) -> Axes:
    """Draw three variables as a path in space, coloured by time; a dot is the start.

    Arguments
        trace: `times` (n_times,) ms and `values` (n_times, d), such as ``result[probe]``; or an array (n_times, d)
        dimensions: the three that are drawn
        window: (start, stop) in ms; None for all
        ax: axes with ``projection="3d"``; None for a new figure
        labels, unit: names of the variables, and their unit
        view: elevation and azimuth of the eye, degrees
        color: one colour for all of it instead of time; so it is for arrays, which have no times

    Returns the axes. Raises ParameterError for dimensions that were not recorded, a path that is not finite, and flat axes.
    """
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    times, path = _path(trace, dimensions, window, 3, "trajectory_3d")
    if ax is None:
        _, axes = style.figure(width=style.MID_COLUMN, height=3.6, subplot_kw={"projection": "3d"})
        ax = axes[0, 0]
    elif not hasattr(style.open_axes(ax), "set_zlim"):
        raise ParameterError('trajectory_3d needs axes in space: plot.figure(subplot_kw={"projection": "3d"}).')
    if times is None or color is not None:
        shade = style.line_color(ax, color)
        ax.plot(*path.T, color=shade, lw=style.FINE)
    else:
        shade = trimmed_map()(0.0)
        norm = Normalize(float(times[0]), float(times[-1]))
        lines = Line3DCollection(_pieces(path), cmap=trimmed_map(), norm=norm, lw=style.FINE, capstyle="round")
        lines.set_array(_times_of(times))
        ax.add_collection3d(lines, autolim=False)
        bar = ax.figure.colorbar(ScalarMappable(norm, trimmed_map()), ax=ax, pad=0.12, shrink=0.6, fraction=0.04, aspect=22)
        bar.outline.set_visible(False)
        bar.set_label("Time (ms)", fontsize=ax.xaxis.label.get_size(), color=style.INK)
        bar.ax.tick_params(length=2.0, width=style.HAIR, labelsize=style.text_size(ax), color=style.INK, labelcolor=style.INK)
    ax.plot(*path[0], marker="o", ms=3.2, color=shade, ls="")
    low, high = path.min(axis=0), path.max(axis=0)
    room = np.where(high > low, 0.03 * (high - low), 0.5)
    ax.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]),
           zlim=(low[2] - room[2], high[2] + room[2]))
    names = labels or _names(dimensions)
    for axis, name in zip((ax.xaxis, ax.yaxis, ax.zaxis), names):
        axis.set_label_text(style.with_unit(name, unit), fontsize=ax.xaxis.label.get_size(), color=style.INK)
        axis.labelpad = -6
        # The panes and grid of Matplotlib are grey on grey; here only the edges stay.
        axis.set_pane_color((1.0, 1.0, 1.0, 0.0))
        axis.line.set(color=style.INK, lw=style.HAIR)
        axis._axinfo["grid"].update(color="#E3E3E3", linewidth=0.4)
        axis.get_major_locator().set_params(nbins=5)
        ax.tick_params(axis=axis.axis_name, pad=-3, labelsize=style.text_size(ax), labelcolor=style.INK)
    ax.view_init(*view)
    ax.set_box_aspect(None, zoom=0.92)
    return ax


def _path(trace: Any, dimensions: Any, window: Any, n: int, what: str) -> tuple[np.ndarray | None, np.ndarray]:
    """Return times (or None for a plain array) and the path, shape (n_times, n)."""
    if hasattr(trace, "times"):
        found = samples_of(trace, window=window)
        times, values = found.times, found.values
    else:
        times, values = None, np.asarray(trace, dtype=np.float64)
        if window is not None:
            raise ParameterError(f"{what}: an array has no times for window=. Cut it yourself, or pass a trace.")
        if values.ndim != 2:
            raise ParameterError(f"{what}: the path has shape {values.shape}; (n_times, d) is needed.")
    try:
        chosen = [int(k) for k in dimensions]
    except (TypeError, ValueError):
        chosen = []
    d = values.shape[1]
    if len(chosen) != n or not all(0 <= k < d for k in chosen):
        raise ParameterError(f"{what}: dimensions={dimensions!r} must be {n} of the {d} that were recorded, 0 to {d - 1}.")
    path = np.asarray(values[:, chosen], dtype=np.float64)
    if not len(path):
        raise ParameterError(f"{what}: the trace is empty.")
    if not np.isfinite(path).all():
        raise ParameterError(f"{what}: the path is not finite. Cut it with window= before that.")
    return (times if times is None or len(times) > 1 else None), path


def _wanted(ideal: Any) -> np.ndarray:
    path = np.asarray(ideal, dtype=np.float64)
    if path.ndim != 2 or path.shape[1] != 2:
        raise ParameterError(f"phase_portrait: ideal has shape {path.shape}; (n, 2) is needed.")
    return path


def _names(dimensions: Any) -> list[str]:
    return [f"x{subscript(int(k) + 1)}" for k in dimensions]


def _edges(n: int) -> np.ndarray:
    """Return where pieces of a path of n points begin, and the last point."""
    return np.unique(np.linspace(0, n - 1, min(n, PIECES + 1)).astype(np.int64))


def _pieces(path: np.ndarray) -> list[np.ndarray]:
    edges = _edges(len(path))
    return [path[a : b + 1] for a, b in zip(edges[:-1], edges[1:])]


def _times_of(times: np.ndarray) -> np.ndarray:
    edges = _edges(len(times))
    return (times[edges[:-1]] + times[edges[1:]]) / 2
