"""Rates of neurons over a stimulus or a represented value: tuning curves, maps in two dimensions, encoders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Circle
from matplotlib.patheffects import Normal, Stroke

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.curves import from_zero
from neurosim.plot.ensembles import Tuning, built_of, is_ensemble, subscript, tuning_of

#: Maps drawn where no neurons are named.
MAPS = 6
# White with a dark rim: seen on the darkest and on the brightest rates.
_ARROW = {
    "arrowstyle": "-|>,head_width=0.2,head_length=0.4", "shrinkA": 0, "shrinkB": 0, "color": "white", "lw": style.LINE,
    "path_effects": [Stroke(linewidth=2.4 * style.LINE, foreground=style.INK), Normal()],
}  # fmt: skip


def tuning_curves(
    x: Any,
    rates: Any = None,
    ax: Axes | None = None,
    *,
    xlabel: str | None = None,
    unit: str | None = None,
    ylabel: str = "Firing rate (Hz)",
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw the rates of neurons against a stimulus, or those of an ensemble against the value that it represents.

    Up to 7 neurons have colours and names of their own; up to 200 are coloured by the stimulus they prefer (where the rate is
    highest), which are two colours where all rise or fall throughout, as in an ensemble of one dimension; more are an image of
    rates, one row for each neuron, sorted by preferred stimulus.

    Arguments
        x: (n_x,) or (n_x, 1) stimulus, in any order; in `unit`.  Or a nef ensemble of one dimension: ``result.built[ensemble]``
            (the neurons of that run), or the ensemble itself (as the first of a network with seed 0)
        rates: (n_x, n_neurons) or (n_x,) rates in Hz; NaN leaves a gap; None for an ensemble
        ax: the axes to draw in; None for a new figure
        xlabel, unit: name of the stimulus and its unit; None if it has none
        ylabel: label of the rates
        label: name of the curve, or what precedes each neuron's number
        color: one colour for every curve; None for colours as above

    Returns the axes. Raises ParameterError if the shapes do not fit together, or for ensembles of more dimensions.
    """
    xlabel = xlabel or ("x" if is_ensemble(x) else "Stimulus")
    tuning = tuning_of(x, rates, 1, "tuning_curves")
    x, y = tuning.points[:, 0], tuning.rates
    ax = style.open_axes(ax)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    n = y.shape[1]
    several = bool(ax.lines)
    ax.set_xlabel(style.with_unit(xlabel, unit))
    if n > 200:
        _rate_image(ax, x, y, ylabel)
        return ax
    ax.set_ylabel(ylabel)
    preferred = _preferred(x, y)
    if n <= 7 or color is not None:
        for k in range(n):
            name = label if n == 1 else f"{label or 'neuron'} {k}" if n <= 7 else label if k == 0 else None
            ax.plot(x, y[:, k], color=style.line_color(ax, color), lw=style.LINE if n <= 7 else style.FINE, label=name)
    elif x.size > 1 and np.isin(preferred, x[[0, -1]]).all():
        for end, name, shade in ((-1, "rising", style.PALETTE[0]), (0, "falling", style.PALETTE[1])):
            for j, k in enumerate(np.flatnonzero(preferred == x[end])):
                ax.plot(x, y[:, k], color=shade, lw=style.FINE, alpha=0.8, label=name if j == 0 else None)
    else:
        norm = Normalize(float(x[0]), float(x[-1])) if x.size else Normalize(0, 1)
        # The ends of the map are left out: its yellow is too faint for a thin line on white.
        shades = trimmed_map()
        curves = LineCollection([np.stack([x, y[:, k]], 1) for k in range(n)], cmap=shades, norm=norm, lw=style.FINE)
        curves.set_array(preferred)
        ax.add_collection(curves)
        style.colorbar(ax, ScalarMappable(norm, shades), style.with_unit(f"Preferred {xlabel.lower()}", unit))
    from_zero(ax, several, y)
    if x.size > 1:
        ax.set_xlim(x[0], x[-1])
    if ax.get_legend_handles_labels()[0]:
        style.legend_above(ax)
    return ax


def trimmed_map() -> Any:
    """Return the map of values without its palest part, for lines on white."""
    return ListedColormap(matplotlib.colormaps[style.COLORMAP](np.linspace(0.0, 0.85, 256)))


def _preferred(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the stimulus of each neuron's highest rate, the first where there are several."""
    if x.size == 0:
        return np.zeros(y.shape[1])
    return x[np.argmax(np.where(np.isfinite(y), y, -np.inf), axis=0)]


def _rate_image(ax: Axes, x: np.ndarray, y: np.ndarray, ylabel: str) -> None:
    # Of neurons that prefer the same stimulus, those come first whose rates lie lower on the whole.
    known = np.where(np.isfinite(y), y, 0.0)
    centre = x @ known / np.maximum(known.sum(0), 1e-300)
    rows = y[:, np.lexsort((centre, _preferred(x, y)))].T
    shown = 800
    if rows.shape[0] > shown:
        edges = np.linspace(0, rows.shape[0], shown + 1).astype(np.int64)[:-1]
        known = np.isfinite(rows)
        total = np.add.reduceat(np.where(known, rows, 0.0), edges, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            rows = total / np.add.reduceat(known, edges, axis=0, dtype=np.int64)
    columns = _edges(x) if x.size else np.array([0.0, 1.0])
    values = np.ma.masked_invalid(rows) if x.size else np.ma.masked_all((rows.shape[0], 1))
    heights = np.linspace(0, y.shape[1], rows.shape[0] + 1)
    mesh = ax.pcolormesh(columns, heights, values, cmap=style.COLORMAP, vmin=0, rasterized=True)
    ax.set_ylabel("Neuron, by preferred stimulus")
    style.colorbar(ax, mesh, ylabel)


def _edges(x: np.ndarray) -> np.ndarray:
    """Return where cells around rising places meet: half way between them, which need not be evenly spaced."""
    half = (x[1] - x[0], x[-1] - x[-2]) if x.size > 1 else (1.0, 1.0)
    return np.concatenate([[x[0] - half[0] / 2], (x[1:] + x[:-1]) / 2, [x[-1] + half[1] / 2]])


def rate_maps(
    x: Any,
    rates: Any = None,
    neurons: Iterable[int] | None = None,
    axes: Any = None,
    *,
    labels: tuple[str, str] = ("x₁", "x₂"),
    unit: str | None = None,
    ylabel: str = "Firing rate (Hz)",
) -> np.ndarray:
    """Draw the rates of a few neurons over two stimuli, or over the two values that an ensemble represents, one panel each.

    Of an ensemble, what lies outside of the radius is left white, and an arrow shows the encoder.  All panels share one scale.

    Arguments
        x: a nef ensemble of two dimensions, built or not; or the points of a grid, shape (m, 2), in any order
        rates: (m, n_neurons) rates in Hz at those points; None for an ensemble
        neurons: numbers of the neurons drawn; None for the first 6
        axes: as many axes as neurons; None for a new figure
        labels, unit: names of the two stimuli, and their unit
        ylabel: label of the colour bar

    Returns an object array (n_panels,) of axes. Raises ParameterError for points that are no grid, neurons that are not there,
    and a wrong number of axes.
    """
    tuning = tuning_of(x, rates, 2, "rate_maps")
    n = tuning.rates.shape[1]
    chosen = list(range(min(n, MAPS))) if neurons is None else np.atleast_1d(np.asarray(neurons)).tolist()
    wrong = [k for k in chosen if not (isinstance(k, int) and 0 <= k < n)]
    if wrong or not chosen:
        raise ParameterError(f"rate_maps: neurons={chosen} must name some of the {n} neurons, 0 to {n - 1}.")
    first, second, maps, top = _grid(tuning, chosen)
    axes, bottom, left = _panels(axes, len(chosen))
    for k, (ax, values) in enumerate(zip(axes, maps)):
        mesh = ax.pcolormesh(_edges(first), _edges(second), values.T, cmap=style.COLORMAP, vmin=0, vmax=top, rasterized=True)
        ax.set_aspect("equal" if tuning.radius else "auto")
        ax.set_title(f"neuron {chosen[k]}", fontsize=style.text_size(ax), pad=3)
        if tuning.radius:
            r = tuning.radius
            mesh.set_clip_path(ax.add_patch(Circle((0, 0), r, fill=False, ec=style.INK, lw=style.HAIR)))
            tip = 0.6 * r * tuning.encoders[chosen[k]]
            ax.annotate("", xy=tip, xytext=(0, 0), arrowprops=_ARROW)
            ax.set(xlim=(-1.04 * r, 1.04 * r), ylim=(-1.04 * r, 1.04 * r), xticks=[-r, 0, r], yticks=[-r, 0, r])
        ax.set_xlabel(style.with_unit(labels[0], unit) if bottom[k] else "")
        ax.set_ylabel(style.with_unit(labels[1], unit) if left[k] else "")
    bar = axes[0].figure.colorbar(mesh, ax=list(axes), pad=0.02, fraction=0.05, aspect=25)
    bar.outline.set_visible(False)
    bar.set_label(ylabel, fontsize=axes[0].yaxis.label.get_size(), color=style.INK)
    bar.ax.tick_params(length=2.0, width=style.HAIR, labelsize=style.text_size(axes[0]), color=style.INK, labelcolor=style.INK)
    return axes


def _grid(tuning: Tuning, chosen: list[int]) -> tuple[np.ndarray, np.ndarray, list[np.ma.MaskedArray], float]:
    """Return the two axes of a grid, the maps (n_first, n_second), and the highest rate within the radius."""
    first, i = np.unique(tuning.points[:, 0], return_inverse=True)
    second, j = np.unique(tuning.points[:, 1], return_inverse=True)
    m = len(tuning.points)
    if not m or first.size * second.size != m or np.unique(i * second.size + j).size != m:
        raise ParameterError(
            f"rate_maps: {m} points are no grid; it must be every pair of some values of the first and of the second stimulus, "
            "for example np.stack(np.meshgrid(a, b, indexing='ij'), -1).reshape(-1, 2)."
        )
    maps = []
    for k in chosen:
        values = np.empty((first.size, second.size))
        values[i, j] = tuning.rates[:, k]
        maps.append(np.ma.masked_invalid(values))
    inside = np.hypot(first[:, None], second) <= (tuning.radius or np.inf)
    top = max((float(m[inside].max()) for m in maps if m[inside].count()), default=0.0)
    return first, second, maps, top or 1.0


def _panels(axes: Any, n: int) -> tuple[np.ndarray, list[bool], list[bool]]:
    """Return n axes, and which of them have none below them and none to their left."""
    if axes is not None:
        flat = np.ravel(np.asarray(axes, dtype=object))
        if flat.size != n:
            raise ParameterError(f"rate_maps: there are {flat.size} axes for {n} neurons; one for each is needed.")
        for ax in flat:
            style.open_axes(ax)
        places = [ax.get_subplotspec() for ax in flat]
        if any(place is None for place in places):
            return flat, [True] * n, [True] * n
        rows, columns = [p.rowspan.start for p in places], [p.colspan.start for p in places]
        bottom = [r == max(b for a, b in zip(columns, rows) if a == c) for c, r in zip(columns, rows)]
        left = [c == min(a for a, b in zip(columns, rows) if b == r) for c, r in zip(columns, rows)]
        return flat, bottom, left
    columns = min(n, 3) if n <= 6 else int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    width = min(1.35 * columns + 0.9, style.TWO_COLUMNS)
    _, grid = style.figure(rows, columns, width=width, height=1.45 * rows * (width - 0.9) / (1.35 * columns) + 0.25)
    flat = np.ravel(grid)
    for ax in flat[n:]:
        ax.remove()
    return flat[:n], [k + columns >= n for k in range(n)], [k % columns == 0 for k in range(n)]


def encoders(
    ensemble: Any,
    ax: Axes | None = None,
    *,
    dimensions: tuple[int, int] = (0, 1),
    labels: tuple[str, str] | None = None,
) -> Axes:
    """Draw the directions that the neurons of an ensemble prefer, coloured by the intercept.

    In two dimensions the encoders lie on the unit circle, and the spoke outside of it is as long as the neuron's highest rate,
    on a scale where the highest of all is 0.5.  In more, two components are drawn as dots inside of it.

    Arguments
        ensemble: ``result.built[ensemble]`` (the neurons of that run) or an ensemble (as the first of a network with seed 0)
        ax: the axes to draw in; None for a new figure
        dimensions: the two that are drawn
        labels: their names

    Returns the axes. Raises ParameterError for what is no ensemble, and dimensions that it does not have.
    """
    built = built_of(ensemble, "encoders")
    e = np.asarray(built.encoders)
    d = e.shape[1]
    try:
        a, b = (int(k) for k in dimensions)
    except (TypeError, ValueError):
        raise ParameterError(f"encoders: dimensions={dimensions!r} must be a pair of numbers such as (0, 1).") from None
    if d < 2 or not (0 <= a < d and 0 <= b < d) or a == b:
        remedy = "In one dimension encoders are +1 or -1: draw tuning_curves." if d < 2 else f"Choose two of 0 to {d - 1}."
        raise ParameterError(f"encoders: dimensions={dimensions!r} of an ensemble of {d}. {remedy}")
    ax = style.open_axes(ax, 3.2, 2.6)
    ax.add_patch(Circle((0, 0), 1, fill=False, ec=style.GREY, lw=style.HAIR))
    starts = np.asarray(built.intercepts, dtype=np.float64)
    norm, shades = Normalize(-1, 1), trimmed_map()
    points = e[:, [a, b]]
    if d == 2:
        high = np.asarray(built.max_rates, dtype=np.float64)
        lengths = 0.5 * high / max(float(high.max(initial=0.0)), 1e-300)
        ends = points * (1 + lengths)[:, None]
        # As many as fit around the circle side by side.
        width = float(np.clip(250 / max(len(e), 1), 0.3, style.LINE))
        spokes = LineCollection(np.stack([points, ends], axis=1), cmap=shades, norm=norm, lw=width)
        spokes.set_array(starts)
        ax.add_collection(spokes)
        style.note_above(ax, f"longest spoke: {high.max(initial=0.0):.0f} Hz")
        limit = 1.58
    else:
        ax.scatter(points[:, 0], points[:, 1], c=starts, cmap=shades, norm=norm, s=7 if len(e) <= 500 else 2.5, lw=0)
        limit = 1.08
    ax.set_aspect("equal")
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    names = labels or (f"Encoder e{subscript(a + 1)}", f"Encoder e{subscript(b + 1)}")
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    style.colorbar(ax, ScalarMappable(norm, shades), "Intercept")
    return ax
