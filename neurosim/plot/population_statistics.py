"""Rates and irregularity of the neurons of populations, alone and beside their raster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from neurosim.plot import signs, style
from neurosim.plot.distributions import checked_kind, draw_boxes, draw_histograms, looks_of
from neurosim.plot.inputs import Spikes, populations_of, window_of
from neurosim.plot.raster import raster
from neurosim.simulator import analysis


class SummaryAxes(NamedTuple):
    """Axes of a summary: the raster, the rates and the coefficients of variation, row by row."""

    raster: Axes
    rate: Axes
    cv: Axes


def rate_histogram(
    source: Any,
    bins: Any = 40,
    window: tuple[float, float] | None = None,
    populations: Iterable[str] | None = None,
    ax: Axes | None = None,
    *,
    kind: str | None = None,
    log: bool = False,
    color: Any = None,
) -> Axes:
    """Draw how the neurons' mean rates are distributed in each population.

    A neuron with n spikes in the window of T ms has the rate 1000 n / T Hz. Bins hold whole multiples of the step
    1000 / T. With ``log=True`` silent neurons have no place on the axis; a note gives their share; means are of
    all neurons.

    Arguments
        source: a result, a dict of name to spike trains, or spike trains (`times` ms, `indices`, `size`)
        bins: number of bins, about, or their edges (Hz); common to the populations
        window: (start, stop) in ms, cut to what was recorded; None for all of it
        populations: names to draw; None for all
        ax: the axes to draw in; None for a new figure
        kind: "histogram", one over the other; "box", a row for each population with quartiles, median, mean (diamond),
            and whiskers from the 5th to the 95th percentile; None for histograms of up to 3 populations
        log: rates on a logarithmic axis
        color: a colour for all, or a sequence of one for each population; None for excitatory and inhibitory

    Returns the axes. Raises ParameterError for an unknown population or kind, an empty window, or unfit bins.
    """
    found, start, stop = _read(source, window, populations)
    rates = {name: _rates(trains, start, stop) for name, trains in found.items()}
    quantum = 1000.0 / (stop - start)
    ax = _draw(ax, rates, "Firing rate (Hz)", bins, kind, log, _colors(color, source, rates, kind), quantum)
    size = sum(values.size for values in rates.values())
    silent = sum(int(np.count_nonzero(values == 0)) for values in rates.values())
    if log and silent:
        _note(ax, f"{100 * silent / size:.2g} % silent")
    return ax


def cv_histogram(
    source: Any,
    bins: Any = 40,
    window: tuple[float, float] | None = None,
    populations: Iterable[str] | None = None,
    ax: Axes | None = None,
    *,
    kind: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw how the coefficients of variation of the neurons' intervals are distributed in each population.

        CV = standard deviation of a neuron's intervals / their mean        (n in the deviation: `analysis.cv`)

    for neurons with at least 3 spikes; the note above tells how many of all those are. A dotted line marks 1, the CV of
    a Poisson process.

    Arguments: as in `rate_histogram`

    Returns the axes. Raises ParameterError for an unknown population or kind, an empty window, or unfit bins.
    """
    found, start, stop = _read(source, window, populations)
    values = {name: _cv(trains, start, stop) for name, trains in found.items()}
    ax = _draw(ax, values, "CV of intervals (1)", bins, kind, False, _colors(color, source, values, kind))
    ax.set_xlabel("CV of inter-spike intervals")
    low, high = ax.get_xlim()
    if low < 1.0 < high:
        ax.axvline(1.0, color=style.GREY, lw=style.FINE, ls=":", zorder=0.5)
    known = sum(int(np.isfinite(v).sum()) for v in values.values())
    _note(ax, f"{known:,} of {sum(v.size for v in values.values()):,} neurons")
    return ax


def population_summary(
    source: Any,
    first: int | Mapping[str, int] | None = None,
    window: tuple[float, float] | None = None,
    populations: Iterable[str] | None = None,
    *,
    raster_window: tuple[float, float] | None = None,
    color: Any = None,
) -> SummaryAxes:
    """Draw the populations stacked, in a raster, and beside each its neurons' rates and CV as boxes.

    The view in which T. C. Potjans, M. Diesmann (2014), Cerebral Cortex 24, 785, doi:10.1093/cercor/bhs358 (figure 6)
    show the cortical microcircuit: excitatory and inhibitory populations in two colours, from the top down.

    Arguments
        source: a result, a dict of name to spike trains, or spike trains (`times` ms, `indices`, `size`)
        first: neurons drawn of each population in the raster; a dict for a number by name; None for all
        window: (start, stop) in ms of the rates and CV; None for all that was recorded
        populations: names to draw, from top to bottom; None for all
        raster_window: (start, stop) in ms of the raster; None for that of the rates
        color: a colour for all, or a sequence of one for each population; None for excitatory and inhibitory

    Returns the three axes of a new figure. Raises ParameterError as `raster` does.
    """
    found, start, stop = _read(source, window, populations)
    colors = _colors(color, source, found, "box")
    n = len(found)
    _, panels = style.figure(
        1, 3, width=style.TWO_COLUMNS, height=max(2.8, 1.2 + 0.3 * n), width_ratios=[3.0, 1.15, 1.15]
    )
    axes = SummaryAxes(*panels[0])
    raster(found, first, raster_window or window, ax=axes.raster, color=colors)
    bottom, top = axes.raster.get_ylim()
    rows = axes.raster.get_yticks() if n > 1 else np.array([0.5 * (bottom + top)])
    # Half the least distance of two rows; a part of the height for a single one.
    height = 0.45 * float(np.abs(np.diff(rows)).min()) if n > 1 else 0.2 * (top - bottom)
    rates = {name: _rates(trains, start, stop) for name, trains in found.items()}
    draw_boxes(axes.rate, rates, "Firing rate (Hz)", False, colors, rows, height, names=False)
    cv = {name: _cv(trains, start, stop) for name, trains in found.items()}
    draw_boxes(axes.cv, cv, "CV of intervals", False, colors, rows, height, names=False)
    for ax in (axes.rate, axes.cv):
        ax.set_ylim(bottom, top)
    return axes


def _read(source: Any, window: Any, populations: Iterable[str] | None) -> tuple[dict[str, Spikes], float, float]:
    found = populations_of(source, populations)
    start, stop = window_of(window, max(s.start for s in found.values()), min(s.stop for s in found.values()))
    return found, start, stop if stop > start else start + 1.0


def _part(trains: Spikes, start: float, stop: float) -> Spikes:
    """Return the spikes in [start, stop), or in [start, stop] where the recording ends there."""
    late = trains.times <= stop if stop >= trains.stop else trains.times < stop
    inside = (trains.times >= start) & late
    return Spikes(trains.times[inside], trains.indices[inside], trains.size, start, stop)


def _rates(trains: Spikes, start: float, stop: float) -> np.ndarray:
    counts = np.bincount(_part(trains, start, stop).indices, minlength=trains.size)
    return 1000.0 * counts / (stop - start)


def _cv(trains: Spikes, start: float, stop: float) -> np.ndarray:
    part = _part(trains, start, stop)
    if not np.all(part.times[1:] >= part.times[:-1]):
        order = np.argsort(part.times, kind="stable")
        part = Spikes(part.times[order], part.indices[order], part.size, start, stop)
    values = analysis.cv(part)
    # Intervals of a regular train differ in their last bits: that is no variation.
    return np.where(values < 1e-9, 0.0, values)


def _colors(color: Any, source: Any, groups: Mapping[str, Any], kind: str | None = None) -> list[Any]:
    names = list(groups)
    return looks_of(color, names, default_colors(source, names, checked_kind(kind, len(names)) == "histogram"))


def default_colors(source: Any, names: list[str], overlaid: bool) -> list[Any]:
    """Return blue and vermillion for excitatory and inhibitory populations, or the palette where these would not tell
    what is overlaid apart, or the kinds are not known.

    Arguments
        source: a result or whatever else spikes came in
        names: the populations that are drawn
        overlaid: whether they are drawn one over the other, so that each needs a colour of its own
    """
    known = signs.population_signs(source) if getattr(source, "network", None) is not None else {}
    kinds = [known.get(name) or signs.sign_of_name(name) for name in names]
    apart = len(set(kinds)) == len(kinds)
    if all(kinds) and (apart or not overlaid):
        return [signs.color_of(kind) for kind in kinds]
    return [shade for shade, _ in style.palette(len(names))]


def _draw(
    ax: Axes | None, groups: dict[str, np.ndarray], xlabel: str, bins: Any, kind: str | None, log: bool,
    colors: list[Any], quantum: float = 0.0,
) -> Axes:  # fmt: skip
    kind = checked_kind(kind, len(groups))
    ax = style.open_axes(ax, height=2.4 if kind == "histogram" else max(2.0, 0.9 + 0.2 * len(groups)))
    if kind == "box":
        draw_boxes(ax, groups, xlabel, log, colors)
    else:
        draw_histograms(ax, groups, xlabel, "Fraction of neurons" + (" per decade" if log else ""), bins, log, colors, quantum)
        style.legend_above(ax)
    return ax


def _note(ax: Axes, text: str) -> None:
    legend = ax.get_legend()
    boxes = any(note.get_text() == "mean" for note in ax.texts)
    if legend is None and not boxes:
        style.note_above(ax, text)
        return
    # Where names or means stand above the axes, the note goes inside, in the corner where tails are thin.
    if boxes:
        ax.set_title(text, loc="left", fontsize=style.text_size(ax), color="#595959", pad=2.0)
    else:
        ax.set_ylim(top=1.12 * ax.get_ylim()[1])
        ax.annotate(text, xy=(1.0, 1.0), xytext=(-2.0, -2.0), xycoords="axes fraction", textcoords="offset points",
                    ha="right", va="top", fontsize=style.text_size(ax), color="#595959")
