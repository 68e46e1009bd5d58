"""Correlations of the spike counts of pairs of neurons: as a matrix and as a distribution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize

from neurosim.errors import ParameterError, listing, nearest
from neurosim.plot import signs, style
from neurosim.plot.blocks import label_side
from neurosim.plot.distributions import checked_kind, draw_boxes, draw_histograms, looks_of, number_text
from neurosim.plot.inputs import Spikes, populations_of, window_of
from neurosim.plot.population_statistics import default_colors
from neurosim.simulator import analysis

#: Neurons drawn of all populations together where none are named: more rows than pixels show nothing more.
DRAWN = 400
#: Neurons of each population whose pairs enter a distribution where none are named: 20,000 pairs.
SAMPLED = 200


def correlation_matrix(
    source: Any,
    bin: float = 10.0,
    neurons: int | Mapping[str, Any] | None = None,
    window: tuple[float, float] | None = None,
    populations: Iterable[str] | None = None,
    ax: Axes | None = None,
    *,
    limit: float | None = None,
) -> Axes:
    """Draw the correlation coefficients of binned spike counts of pairs of neurons, sorted by population.

        C_ij = cov(n_i, n_j) / sqrt(var n_i var n_j)      n_i: spikes of neuron i in bins (see `analysis`)

    The diagonal, 1 by definition, is left white; rows of neurons whose count never changes, above all silent ones, are
    grey. Blue is positive and vermillion negative.

    Arguments
        source: a result, a dict of name to spike trains, or spike trains (`times` ms, `indices`, `size`)
        bin: width (ms) of the bins
        neurons: how many of each population, at equal distances; or a dict of name to a number or to ids; None for all,
            thinned to about 400 in total
        window: (start, stop) in ms; None for what was recorded of all
        populations: names to draw, in order; None for all
        ax: the axes to draw in; None for a new figure
        limit: coefficient at which the colours end; None for the 99th percentile of the magnitudes

    Returns the axes; the matrix is ``ax.images[0]``, its colour bar ``ax.images[0].colorbar``. Raises ParameterError for
    an unknown population, ids out of range, and a bin that is not positive or longer than the window.
    """
    found = populations_of(source, populations)
    chosen = _chosen(found, neurons, None)
    matrix = analysis.correlation_matrix(*_pooled(found, chosen, bin, window))
    if limit is not None and not (np.isfinite(limit) and limit > 0):
        raise ParameterError(f"limit={limit!r} must be a correlation above 0, such as limit=0.1.")
    off = np.array(matrix)
    np.fill_diagonal(off, np.nan)
    known = np.abs(off[np.isfinite(off)])
    top = float(limit) if limit is not None else float(np.percentile(known, 99)) if known.size else 1.0
    ax = style.open_axes(ax, 4.0, 3.3)
    shown = np.ma.masked_invalid(off)
    n = matrix.shape[0]
    image = ax.imshow(shown, cmap=signs.diverging(), norm=Normalize(-(top or 1.0), top or 1.0), interpolation="nearest",
                      extent=(0, max(n, 1), max(n, 1), 0))
    # White on the grey of what is not known, so that the diagonal is not taken for silent neurons.
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    ax.add_collection(PolyCollection(np.arange(n)[:, None, None] + corners, facecolors="white", linewidths=0, zorder=1.5))
    ax.set_xlim(0, max(n, 1))
    ax.set_ylim(max(n, 1), 0)
    thinned = any(not np.array_equal(ids, np.arange(found[name].size)) for name, ids in chosen.items())
    _label_blocks(ax, {name: ids.size for name, ids in chosen.items()}, thinned)
    still = int(np.count_nonzero(~np.isfinite(np.diagonal(matrix))))
    note = f"{n} neurons, bins of {bin:g} ms" + (f", {still} without change" if still else "")
    style.note_above(ax, note)
    style.colorbar(ax, image, "Correlation coefficient").ax.locator_params(nbins=5)
    return ax


def correlation_histogram(
    source: Any,
    bin: float = 10.0,
    neurons: int | Mapping[str, Any] | None = None,
    window: tuple[float, float] | None = None,
    populations: Iterable[str] | None = None,
    bins: Any = 50,
    ax: Axes | None = None,
    *,
    kind: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw how the correlation coefficients of pairs of neurons are distributed within each population.

    Pairs with a neuron whose count never changes have none and are left out.

    Arguments
        source: a result, a dict of name to spike trains, or spike trains (`times` ms, `indices`, `size`)
        bin: width (ms) of the bins of the spike counts
        neurons: how many of each population, at equal distances; or a dict of name to a number or to ids; None for 200
        window: (start, stop) in ms; None for what was recorded of all
        populations: names to draw; None for all
        bins: number of bins of the histogram, or their edges
        ax: the axes to draw in; None for a new figure
        kind: "histogram", "box", or None for histograms of up to 3 populations, as in `rate_histogram`
        color: a colour for all, or a sequence of one for each population; None for excitatory and inhibitory

    Returns the axes. Raises ParameterError as `correlation_matrix` does.
    """
    found = populations_of(source, populations)
    kind = checked_kind(kind, len(found))
    chosen = _chosen(found, neurons, SAMPLED)
    pairs = {
        name: analysis.pairwise_correlations(*_pooled({name: found[name]}, {name: ids}, bin, window))
        for name, ids in chosen.items()
    }
    names = list(pairs)
    colors = looks_of(color, names, default_colors(source, names, kind == "histogram"))
    ax = style.open_axes(ax, height=2.4 if kind == "histogram" else max(2.0, 0.9 + 0.2 * len(names)))
    label = f"Correlation coefficient (bins of {bin:g} ms)"
    if kind == "box":
        draw_boxes(ax, pairs, label, False, colors)
    else:
        titles = {
            f"{name}: mean {number_text(float(v.mean()), 0.1)}" if v.size else f"{name}: no pairs": v
            for name, v in pairs.items()
        }
        if len(pairs) == 1 and not names[0]:
            titles = {title[2:]: v for title, v in titles.items()}
        draw_histograms(ax, titles, label, "Fraction of pairs", bins, False, colors)
        style.legend_above(ax, columns=3)
    low, high = ax.get_xlim()
    if low < 0 < high:
        ax.axvline(0.0, color=style.GREY, lw=style.FINE, ls=":", zorder=0.5)
    return ax


def _chosen(found: Mapping[str, Spikes], neurons: Any, default: int | None) -> dict[str, np.ndarray]:
    """Return the ids of the neurons wanted of each population."""
    if isinstance(neurons, Mapping):
        for name in neurons:
            if name not in found:
                raise ParameterError(
                    f"neurons names a population {name!r}.{nearest(str(name), found)} There are: {listing(found)}."
                )
    total = sum(s.size for s in found.values())
    chosen = {}
    for name, spikes in found.items():
        wanted = neurons.get(name) if isinstance(neurons, Mapping) else neurons
        if wanted is None:
            share = max(round(DRAWN * spikes.size / total), round(0.4 * DRAWN / len(found)))
            wanted = default or (spikes.size if total <= DRAWN else share)
        if np.ndim(wanted):
            ids = np.asarray(wanted)
            if ids.dtype.kind not in "iu" or ids.ndim != 1:
                raise ParameterError(f"neurons of {name!r} must be whole numbers in a flat list, not {wanted!r}.")
            if ids.size and not 0 <= ids.min() <= ids.max() < spikes.size:
                raise ParameterError(
                    f"neurons of {name!r} run from {ids.min()} to {ids.max()}; it has neurons 0 to {spikes.size - 1}."
                )
        elif isinstance(wanted, bool) or not isinstance(wanted, int | np.integer) or wanted < 1:
            raise ParameterError(f"neurons={wanted!r} must be a whole number from 1 up, ids, or None.")
        else:
            n = min(int(wanted), spikes.size)
            ids = np.arange(n) * spikes.size // max(n, 1)
        chosen[name] = ids
    return chosen


def _pooled(
    found: Mapping[str, Spikes], chosen: Mapping[str, np.ndarray], bin: Any, window: Any
) -> tuple[Spikes, Any, float, float]:
    """Return the spikes of the chosen neurons, numbered through, the bin, and the window that all were recorded in."""
    start, stop = window_of(window, max(s.start for s in found.values()), min(s.stop for s in found.values()))
    times, indices, total = [], [], 0
    for name, ids in chosen.items():
        spikes = found[name]
        # An id named twice is drawn twice: places are looked up in the sorted ids, and repeated.
        order = np.argsort(ids, kind="stable")
        low = np.searchsorted(ids[order], spikes.indices, "left")
        high = np.searchsorted(ids[order], spikes.indices, "right")
        for k in range(int((high - low).max(initial=0))):
            hit = low + k < high
            times.append(spikes.times[hit])
            indices.append(total + order[low[hit] + k])
        total += ids.size
    pooled = np.concatenate(times or [np.empty(0)])
    owner = np.concatenate(indices or [np.empty(0, np.int64)])
    order = np.argsort(pooled, kind="stable")
    first, last = (min(s.start for s in found.values()), max(s.stop for s in found.values()))
    return Spikes(pooled[order], owner[order], total, first, last), bin, start, stop


def _label_blocks(ax: Axes, sizes: Mapping[str, int], thinned: bool) -> None:
    """Name the blocks of a matrix at its left and lower edge, and draw their borders."""
    title = "Chosen neuron" if thinned else "Neuron"
    if len(sizes) == 1:
        name = next(iter(sizes))
        title = f"{name}, {title.lower()}" if name else title
        for axis in "xy":
            ax.locator_params(axis=axis, nbins=6, integer=True)
    else:
        title += ", by population"
        label_side(ax, "x", sizes)
        label_side(ax, "y", sizes)
    ax.set_xlabel(title)
    ax.set_ylabel(title)
