"""Raster of spikes with the population rates underneath, for ten spikes or ten million."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like, to_rgb
from matplotlib.ticker import MaxNLocator

from neurosim.errors import ParameterError, listing, nearest
from neurosim.plot import style
from neurosim.plot.inputs import Spikes, populations_of, window_of

#: Beyond this many visible spikes the raster becomes an image of spike density.
MARKERS = 20_000
#: Each population gets at least this part of the height, so that one neuron among 100,000 is seen.
SHARE = 0.06


class RasterAxes(NamedTuple):
    """Axes of a raster and of the rates below it; `rate` is None where only the raster was asked for."""

    raster: Axes
    rate: Axes | None


@dataclass(frozen=True)
class _Band:
    """Rows of one population: neurons 0 to `shown` - 1 between heights `bottom` and `top`."""

    name: str
    spikes: Spikes
    shown: int
    bottom: float
    top: float
    color: Any
    line: str

    def heights(self, indices: np.ndarray) -> np.ndarray:
        return self.bottom + (indices + 0.5) * (self.top - self.bottom) / max(self.shown, 1)


def raster(
    source: Any,
    first: int | Mapping[str, int] | None = None,
    window: tuple[float, float] | None = None,
    populations: Iterable[str] | None = None,
    bin: float | None = None,
    ax: Axes | Sequence[Axes] | None = None,
    *,
    label: str | None = None,
    color: Any = None,
) -> RasterAxes:
    """Draw a raster of spikes, one colour for each population, above the populations' rates.

    The rate of a population of N neurons in the bin [t, t + bin) with n spikes is

        r(t) = 1000 n / (N bin)   Hz per neuron, of all N neurons, also where only the first few are drawn.

    Up to 20,000 visible spikes are drawn one by one; more are counted on the grid of the figure's pixels and
    shown as shades of the population's colour, the darkest for the 99.5th percentile of the counts, so that
    the figure takes no longer, and no more bytes, for ten million spikes.

    Arguments
        source: a result, a dict of name to spike trains, or spike trains (`times` ms, `indices`, `size`)
        first: neurons drawn of each population, from the first; a dict for a number by name; None for all
        window: (start, stop) in ms, cut to what was recorded; None for all of it
        populations: names to draw, from top to bottom; None for all
        bin: width (ms) of the bins of the rate; None for the round number nearest to 1/200 of the window
        ax: None for a new figure, a pair of axes (raster, rate), or one Axes for the raster alone
        label: name for spike trains passed alone
        color: a colour for all, or a sequence of one for each population; None for the palette

    Returns the pair (raster, rate) of axes. Raises ParameterError for an unknown population, an empty window,
    a `first` or `bin` that is not positive, and for what is neither a result nor spike trains.
    """
    found = populations_of(source, populations)
    if label is not None and len(found) == 1:
        found = {label: next(iter(found.values()))}
    start, stop = window_of(window, min(s.start for s in found.values()), max(s.stop for s in found.values()))
    stop = stop if stop > start else start + 1.0
    bands = _bands(found, _rows(found, first), color)
    axes = _open(ax, len(bands))
    width = _bin_width(bin, stop - start, [_visible(band, start, stop)[0] for band in bands])

    _draw_spikes(axes.raster, bands, start, stop)
    _label_rows(axes.raster, bands)
    axes.raster.set_xlim(start, stop)
    if axes.rate is None:
        axes.raster.set_xlabel("Time (ms)")
    else:
        _draw_rates(axes.rate, bands, start, stop, width)
        axes.rate.set_xlim(start, stop)
        axes.raster.tick_params(axis="x", labelbottom=False)
        axes.rate.set_xlabel("Time (ms)")
    return axes


def _open(ax: Any, n: int) -> RasterAxes:
    if ax is None:
        _, panels = style.figure(
            2, 1, width=style.MID_COLUMN, height=max(3.4, 1.4 + 0.18 * n), sharex=True, height_ratios=[3, 1]
        )
        return RasterAxes(panels[0, 0], panels[1, 0])
    if isinstance(ax, Axes):
        return RasterAxes(ax, None)
    pair = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(pair) != 2:
        raise ParameterError(
            f"ax holds {len(pair)} axes; a raster needs the pair (raster, rate), or one Axes alone."
        )
    return RasterAxes(style.open_axes(pair[0]), None if pair[1] is None else style.open_axes(pair[1]))


def _rows(found: Mapping[str, Spikes], first: Any) -> dict[str, int]:
    """Return how many neurons of each population are drawn."""
    if isinstance(first, Mapping):
        for name in first:
            if name not in found:
                raise ParameterError(
                    f"first names a population {name!r}.{nearest(str(name), found)} "
                    f"There are: {listing(found)}."
                )
        limits = {name: first.get(name) for name in found}
    else:
        limits = dict.fromkeys(found, first)
    for limit in limits.values():
        whole = isinstance(limit, int | np.integer) and not isinstance(limit, bool)
        if limit is not None and not (whole and limit >= 1):
            raise ParameterError(
                f"first={limit!r} must be a whole number of neurons from 1 up, or None for all."
            )
    return {
        name: s.size if limits[name] is None else min(int(limits[name]), s.size) for name, s in found.items()
    }


def _bands(found: Mapping[str, Spikes], shown: Mapping[str, int], color: Any) -> list[_Band]:
    if color is None:
        looks = style.palette(len(found))
    elif is_color_like(color) or isinstance(color, str):
        looks = [(style.checked_color(color), line) for _, line in style.palette(len(found))]
    elif len(color) == len(found):
        looks = [(style.checked_color(shade), "-") for shade in color]
    else:
        raise ParameterError(
            f"color holds {len(color)} colours for {len(found)} populations. Give one for each."
        )
    total = max(sum(shown.values()), 1)
    heights = [max(n, SHARE * total) if len(found) > 1 else max(n, 1) for n in shown.values()]
    # From the top down, so that the first population stands where reading starts.
    top = sum(heights) - 0.5
    bands = []
    for (name, spikes), height, (shade, line) in zip(found.items(), heights, looks, strict=True):
        bands.append(_Band(name, spikes, shown[name], top - height, top, shade, line))
        top -= height
    return bands


def _inside(spikes: Spikes, start: float, stop: float) -> np.ndarray:
    """Return which spikes are in [start, stop), or in [start, stop] where the recording ends at `stop`."""
    late = spikes.times <= stop if stop >= spikes.stop else spikes.times < stop
    return (spikes.times >= start) & late


def _visible(band: _Band, start: float, stop: float) -> tuple[np.ndarray, np.ndarray]:
    spikes = band.spikes
    seen = _inside(spikes, start, stop)
    if band.shown < spikes.size:
        seen &= spikes.indices < band.shown
    return spikes.times[seen], spikes.indices[seen]


def _draw_spikes(ax: Axes, bands: list[_Band], start: float, stop: float) -> None:
    visible = [_visible(band, start, stop) for band in bands]
    bottom, top = bands[-1].bottom, bands[0].top
    ax.set_ylim(bottom, top)
    box = ax.get_position()
    points = 72.0 * ax.figure.get_size_inches()[1] * box.height
    if sum(times.size for times, _ in visible) > MARKERS:
        _draw_density(ax, bands, visible, start, stop)
    else:
        for band, (times, indices) in zip(bands, visible, strict=True):
            row = points * (band.top - band.bottom) / (top - bottom) / max(band.shown, 1)
            ticks = row >= 2.5
            ax.plot(
                times,
                band.heights(indices),
                ls="",
                marker="|" if ticks else "o",
                ms=min(0.75 * row, 9.0) if ticks else float(np.clip(0.9 * row, 1.2, 2.2)),
                mew=style.FINE if ticks else 0.0,
                color=band.color,
            )


def _draw_density(
    ax: Axes, bands: list[_Band], visible: list[tuple[np.ndarray, np.ndarray]], start: float, stop: float
) -> None:
    bottom, top = bands[-1].bottom, bands[0].top
    box, (width, height) = ax.get_position(), ax.figure.get_size_inches() * ax.figure.dpi
    # Cells hold whole time steps and whole neurons: some would hold one more than others, a moiré.
    cell = _multiple((stop - start) / max(width * box.width, 64), _grid([times for times, _ in visible]))
    n_x = max(int(np.ceil((stop - start) / cell - 1e-9)), 1)
    for band, (times, indices) in zip(bands, visible, strict=True):
        if times.size == 0:
            continue
        pixels = max(height * box.height * (band.top - band.bottom) / (top - bottom), 1)
        neurons = max(int(np.ceil(band.shown / pixels)), 1)
        n_y = -(-band.shown // neurons)
        column = np.clip(((times - start) / cell + 1e-6).astype(np.int64), 0, n_x - 1)
        row = indices.astype(np.int64) // neurons
        counts = np.bincount(row * n_x + column, minlength=n_x * n_y).reshape(n_y, n_x)
        hit = counts > 0
        full = max(float(np.percentile(counts[hit], 99.5)), 1.0)
        image = np.empty((n_y, n_x, 4), dtype=np.float32)
        image[..., :3] = to_rgb(band.color)
        image[..., 3] = np.minimum(counts / full, 1.0) ** 0.7
        foot, head = band.heights(np.array([-0.5, n_y * neurons - 0.5]))
        ax.imshow(image, aspect="auto", origin="lower", extent=(start, start + n_x * cell, foot, head))
    ax.set_ylim(bottom, top)


def _grid(trains: list[np.ndarray]) -> float:
    """Return the time step (ms) on which the spikes lie, 0 where they lie on none."""
    times = np.unique(np.concatenate([train[:20_000] for train in trains] or [np.empty(0)]))
    gaps = np.diff(times)
    gaps = gaps[gaps > 1e-9 * max(float(np.abs(times).max(initial=0.0)), 1.0)]
    if gaps.size == 0:
        return 0.0
    step = float(gaps.min())
    return step if np.all(np.abs(gaps / step - np.rint(gaps / step)) < 1e-3) else 0.0


def _multiple(width: float, step: float) -> float:
    """Return `width` raised to a whole multiple of `step`, or `width` itself if `step` is 0."""
    return width if step <= 0 else step * max(float(np.ceil(width / step - 1e-9)), 1.0)


def _label_rows(ax: Axes, bands: list[_Band]) -> None:
    if len(bands) == 1:
        ax.set_ylabel(f"{bands[0].name}, neuron" if bands[0].name else "Neuron")
        ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
        return
    box, total = ax.get_position(), bands[0].top - bands[-1].bottom
    points = 72.0 * ax.figure.get_size_inches()[1] * box.height
    ax.set_yticks(
        [(band.bottom + band.top) / 2 for band in bands],
        [_band_name(band, points * (band.top - band.bottom) / total) for band in bands],
    )
    ax.tick_params(axis="y", length=0)
    # where the axis is shared with another one its labels may be hidden, and then there are none to colour
    for tick, band in zip(ax.get_yticklabels(), bands):
        tick.set_color(band.color)
    for band in bands[:-1]:
        ax.axhline(band.bottom, color=style.GREY, lw=0.4)


def _band_name(band: _Band, points: float) -> str:
    # A second line under a name needs room for both, or it lies on the name below.
    whole = points < 19.0 or band.shown == band.spikes.size
    return band.name if whole else f"{band.name}\n{band.shown} of {band.spikes.size:,}"


def _bin_width(bin: float | None, span: float, trains: list[np.ndarray]) -> float:
    if bin is None:
        target = span / 200
        power = 10.0 ** np.floor(np.log10(target))
        nice = min((m * power for m in (1, 2, 5, 10)), key=lambda width: abs(np.log(width / target)))
        return round(_multiple(float(nice), _grid(trains)), 12)
    if not isinstance(bin, int | float | np.number) or not (np.isfinite(bin) and bin > 0):
        raise ParameterError(f"bin={bin!r} ms must be a positive width, such as bin=1.")
    if span / bin > 5e6:
        raise ParameterError(f"bin={bin:g} ms cuts {span:g} ms into {span / bin:.3g} bins. Use a wider bin.")
    return float(bin)


def _draw_rates(ax: Axes, bands: list[_Band], start: float, stop: float, width: float) -> None:
    # A hair is taken off, so that 200 ms in bins of 0.1 ms are 2000 bins and not 2001.
    n_bins = max(int(np.ceil((stop - start) / width - 1e-9)), 1)
    edges = np.minimum(start + width * np.arange(n_bins + 1), stop)
    edges[-1] = stop
    highest = 0.0
    for band in bands:
        times = band.spikes.times
        times = times[_inside(band.spikes, start, stop)]
        # The hair keeps rounding from pushing a spike at the edge of a bin into the bin before.
        bins = np.clip(((times - start) / width + 1e-9).astype(np.int64), 0, n_bins - 1)
        counts = np.bincount(bins, minlength=n_bins)
        rates = 1000.0 * counts / (np.diff(edges) * max(band.spikes.size, 1))
        ax.stairs(rates, edges, baseline=None, color=band.color, ls=band.line, lw=style.FINE)
        highest = max(highest, float(rates.max()))
    ax.set_ylim(0, 1.08 * highest if highest > 0 else 1.0)
    ax.set_ylabel("Rate (Hz)")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    style.note_above(ax, f"bins of {width:g} ms")
