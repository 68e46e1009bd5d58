"""Attractor networks: energies that fall, recalled patterns, features of a Boltzmann machine, and how many patterns fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.errors import ParameterError
from neurosim.plot import signs, style

#: lines of a bundle that are drawn; more hide each other
BUNDLE = 200
#: limit of the load of a Hopfield network with Hebb's rule (D. J. Amit, H. Gutfreund & H. Sompolinsky 1985)
LIMIT = 0.138


def energy_trace(
    energy: Any,
    times: Any = None,
    ax: Axes | None = None,
    *,
    xlabel: str = "Sweep (updates per neuron)",
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw how the energy of states falls.

    Arguments
        energy: ``recall.energy``, (n_times,) or (n_times, n_states), or a recall that holds it; of more than 200 states 200
            evenly chosen ones are drawn
        times: (n_times,) of the samples; None for 0, 1, 2 ...
        ax: the axes to draw in; None for a new figure
        xlabel: what the times are
        label, color: name and colour of the lines; None for the next of the axes

    Returns the axes. Raises ParameterError for shapes that do not fit, and energies that are not finite.
    """
    values = _finite(getattr(energy, "energy", energy), "energy")
    if not values.ndim or not values.size:
        raise ParameterError(f"energy has shape {values.shape}; (n_times,) or (n_times, n_states) is needed, with samples.")
    values = values.reshape(len(values), -1)
    x = np.arange(len(values)) if times is None else _finite(times, "times")
    if x.shape != (len(values),):
        raise ParameterError(f"times has shape {x.shape} for {len(values)} energies.")
    ax = style.open_axes(ax)
    shade = style.line_color(ax, color)
    n = values.shape[1]
    some = values[:, np.unique(np.linspace(0, n - 1, min(n, BUNDLE)).astype(int))]
    lines = ax.plot(x, some, color=shade, lw=style.LINE if n < 6 else style.FINE, alpha=1.0 if n < 6 else max(0.15, 3 / n))
    lines[0].set_label(label)
    ax.set_xlabel(xlabel)
    ax.set_ylabel("Energy")
    if times is None:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if label:
        style.legend_above(ax)
    return ax


def pattern_grid(
    patterns: Any,
    shape: tuple[int, int] | None = None,
    columns: int | None = None,
    ax: Axes | None = None,
    *,
    limits: tuple[float, float] | None = None,
    signed: bool = False,
    colorbar: str | None = None,
) -> Axes:
    """Draw patterns as a grid of small images.

    Arguments
        patterns: (n, pixels), drawn one after the other, or a dict of name to such arrays, of which each is a row of its own
        shape: rows and columns of an image; None for a square one
        columns: images in a row; None for as many as make a square, or all of a named row
        ax: the axes to draw in; None for a new figure
        limits: values drawn white and black; None for the range of all patterns, of each named row on its own
        signed: colours for values of both signs, white at 0, with the same limits on both sides
        colorbar: text beside a colour bar; None for none

    Returns the axes. Raises ParameterError for arrays that are no patterns of this shape.
    """
    rows = dict(patterns) if isinstance(patterns, Mapping) else {None: patterns}
    if not rows:
        raise ParameterError("patterns holds no row. Pass (n, pixels), or a dict of name to such arrays.")
    blocks = {}
    for name, part in rows.items():
        what = "patterns" if name is None else f"patterns[{name!r}]"
        part = np.asarray(part, dtype=np.float64)
        part = part.reshape(len(part), -1) if part.ndim > 2 else part
        if part.ndim != 2 or not part.size:
            raise ParameterError(f"{what} has shape {part.shape}; (n, pixels) is needed, with at least one pattern.")
        blocks[name] = part
    high, wide = _image_shape(shape, next(iter(blocks.values())).shape[1])
    for part in blocks.values():
        if part.shape[1] != high * wide:
            raise ParameterError(f"patterns of {part.shape[1]} pixels do not fit images of {high} x {wide}. Pass "
                                 "shape=(rows, columns).")
    named = None not in blocks
    if limits is None and (colorbar is not None or not named):
        limits = _range(np.concatenate([part.ravel() for part in blocks.values()]), signed)
    n = max(map(len, blocks.values()))
    across = columns or (n if named else int(np.ceil(np.sqrt(n * 1.5))))
    tiles, ticks, names, top = [], [], [], 0
    for name, part in blocks.items():
        low, up = limits or _range(part, signed)
        # a common scale from 0 to 1, so that rows may have limits of their own
        part = (part - low) / ((up - low) or 1.0)
        down = -(-len(part) // across)
        sheet = np.full((down * (high + 1), across * (wide + 1)), np.nan)
        for k, image in enumerate(part):
            r, c = divmod(k, across)
            sheet[r * (high + 1):r * (high + 1) + high, c * (wide + 1):c * (wide + 1) + wide] = image.reshape(high, wide)
        tiles.append(sheet)
        ticks.append(top + (len(sheet) - 2) / 2)
        names.append(name)
        top += len(sheet)
    sheet = np.concatenate(tiles)[:-1, :-1]
    size = style.MID_COLUMN if across > 8 else style.ONE_COLUMN
    ax = style.open_axes(ax, size, max(0.8, size * 0.85 * sheet.shape[0] / sheet.shape[1] + 0.2))
    shown = ax.imshow(sheet, cmap=signs.diverging() if signed else "gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.spines[:].set_visible(False)
    ax.set_xticks([])
    ax.set_yticks(ticks if named else [], names if named else [])
    ax.tick_params(axis="y", length=0)
    if colorbar is not None:
        low, up = limits
        shown.set_data(low + sheet * (up - low))
        shown.set_clim(low, up)
        # beside the image, whose height is not that of the axes' place
        bar = ax.figure.colorbar(shown, cax=ax.inset_axes((1.02, 0.0, 0.025, 1.0)))
        bar.outline.set_visible(False)
        bar.set_label(colorbar, fontsize=ax.yaxis.label.get_size(), color=style.INK)
        bar.ax.tick_params(which="both", length=2.0, width=style.HAIR, labelsize=style.text_size(ax), color=style.INK)
    return ax


def rbm_features(
    weights: Any, shape: tuple[int, int] | None = None, columns: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw what each hidden unit of a Boltzmann machine looks for: its weights to all visible units, as an image.

    Arguments
        weights: W (n_visible, n_hidden), or a machine or RBM that holds it
        shape: rows and columns of an image; None for a square one
        columns: images in a row; None for about a square
        ax: the axes to draw in; None for a new figure

    Returns the axes. Raises ParameterError for weights that are no such matrix.
    """
    weights = getattr(weights, "machine_", weights)
    w = _finite(getattr(weights, "weights", weights), "weights")
    if w.ndim != 2 or not w.size:
        raise ParameterError(f"weights has shape {w.shape}; (n_visible, n_hidden) is needed.")
    return pattern_grid(w.T, shape, columns, ax, signed=True, colorbar="Weight")


def capacity_curve(
    found: Any, ax: Axes | None = None, *, limit: float | None = LIMIT, label: str | None = None, color: Any = None
) -> Axes:
    """Draw the part of the patterns that a Hopfield network retains against its load.

    Arguments
        found: what `neurosim.attractors.capacity` returned, or several of these, for networks of other sizes
        ax: the axes to draw in; None for a new figure
        limit: load drawn as a dotted line, that of theory; None for none
        label: name of the curve if there is one only; None for the number of neurons
        color: colour of all curves; None for the next ones

    Error bars are standard errors over networks. Returns the axes. Raises ParameterError if there is nothing to draw.
    """
    sweeps = [found] if hasattr(found, "retained") else list(found) if isinstance(found, Iterable) else []
    if not sweeps or not all(hasattr(s, "retained") for s in sweeps):
        raise ParameterError(f"capacity_curve needs what neurosim.attractors.capacity returned, not {type(found).__name__}.")
    ax = style.open_axes(ax)
    for one in sweeps:
        kept = np.asarray(one.retained)
        error = kept.std(axis=1, ddof=1) / np.sqrt(kept.shape[1]) if kept.shape[1] > 1 else np.zeros(len(kept))
        name = label if label and len(sweeps) == 1 else f"N = {one.size:,}"
        ax.errorbar(one.loads, kept.mean(axis=1), error, color=style.line_color(ax, color), lw=style.LINE, marker="o", ms=2.8,
                    elinewidth=style.FINE, label=name)
    if limit is not None:
        ax.axvline(limit, color=style.GREY, lw=style.FINE, ls=":", label=f"theory, {limit:g}")
    ax.set_xlabel("Load (patterns per neuron)")
    ax.set_ylabel("Part retained")
    ax.set_ylim(-0.03, 1.03)
    style.legend_above(ax, columns=4)
    return ax


def _image_shape(shape: Any, pixels: int) -> tuple[int, int]:
    if shape is None:
        side = int(round(np.sqrt(pixels)))
        if side * side != pixels:
            raise ParameterError(f"patterns of {pixels} pixels are no square images. Pass shape=(rows, columns).")
        return side, side
    try:
        high, wide = (int(k) for k in shape)
    except (TypeError, ValueError):
        raise ParameterError(f"shape={shape!r} must be two whole numbers, the rows and columns of an image.") from None
    if high < 1 or wide < 1:
        raise ParameterError(f"shape={shape!r} must be two numbers of at least 1.")
    return high, wide


def _range(values: np.ndarray, signed: bool) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    if signed:
        top = float(np.abs(finite).max()) or 1.0
        return -top, top
    return float(finite.min()), float(finite.max())


def _finite(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} must be an array of numbers ({error}).") from None
    if not np.isfinite(array).all():
        raise ParameterError(f"{name} holds NaN or infinity. Pass finite numbers.")
    return array
