"""Connectivity as a matrix of sources and targets, for ten connections or a hundred million."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize

from neurosim.errors import ParameterError, listing
from neurosim.plot import signs, style
from neurosim.plot.blocks import label_side
from neurosim.plot.wiring import Wiring, block_counts, wiring_of

#: Rows and columns of the image at most; larger populations are binned.
CELLS = 400
_VALUES = ("count", "weight", "probability")


def connectivity_matrix(
    connections: Any,
    ax: Axes | None = None,
    *,
    values: str | None = None,
    sources: Mapping[str, int] | None = None,
    targets: Mapping[str, int] | None = None,
    unit: str | None = None,
    limit: float | None = None,
) -> Axes:
    """Draw which sources (columns) connect to which targets (rows, from the top down).

    Up to 400 neurons on a side each pair has a cell of its own. More are binned into equal blocks of neurons, and a cell
    shows its n connections among its P pairs:

        "probability"  n / P     (connections per pair, more than 1 where pairs connect many times)
        "count"        n
        "weight"       sum of the weights / P

    Cells without a connection are white.

    Arguments
        connections: of one projection, such as ``result.connections["E->I"]``: `pre`, `post`, `weight`, `n_pre`, `n_post`
        ax: the axes to draw in; None for a new figure
        values: "count", "weight" or "probability"; None for weights where each pair has a cell and connections have
            weights of their own, counts where they have not, and probability where pairs are binned
        sources, targets: sizes of pooled populations by name, in order, drawn as borders; None for one population
        unit: unit of the weights; None for that of the connections, if they have one
        limit: value at which the colours end; None for the greatest (99.5th percentile where binned)

    Returns the axes; the image is ``ax.images[0]``. Raises ParameterError for what holds no connections, unknown
    `values`, and sizes that do not add up.
    """
    wiring = wiring_of(connections)
    if values is not None and values not in _VALUES:
        raise ParameterError(f"values={values!r} is unknown. Known: {listing(_VALUES)}.")
    if limit is not None and not (np.isfinite(limit) and limit > 0):
        raise ParameterError(f"limit={limit!r} must be above 0.")
    for side, sizes, size in (("sources", sources, wiring.n_pre), ("targets", targets, wiring.n_post)):
        if sizes is not None and sum(sizes.values()) != size:
            raise ParameterError(f"{side} hold {sum(sizes.values())} neurons, and the projection {size}. Give all, in order.")
    steps = [max(-(-size // CELLS), 1) for size in (wiring.n_pre, wiring.n_post)]
    single = steps == [1, 1]
    if values is None:
        values = "probability" if not single else "weight" if isinstance(wiring.weight, np.ndarray) else "count"
    n = block_counts(wiring, *steps)
    shown = _shown(wiring, n, steps, values)
    ratio = wiring.n_post / max(wiring.n_pre, 1)
    # Cells are square, unless the figure would be a strip. A bar of colours would not follow a fixed aspect.
    ax = style.open_axes(ax, 4.0, 0.55 + float(np.clip(2.75 * ratio, 1.4, 4.0)))
    image = _draw(ax, wiring, n, shown, steps, values, limit)
    if values != "count" or n.max(initial=0) > 1:
        style.colorbar(ax, image, _label(values, single, wiring.unit if unit is None else unit))
    _label_side(ax, "x", sources, wiring.ends[0], "Presynaptic")
    _label_side(ax, "y", targets, wiring.ends[1], "Postsynaptic")
    note = f"{wiring.pre.size:,} connections"
    if not single:
        note += f", cells of {steps[0]} × {steps[1]} neurons"
    style.note_above(ax, note)
    return ax


def _shown(wiring: Wiring, n: np.ndarray, steps: list[int], values: str) -> np.ma.MaskedArray:
    if values == "count":
        return np.ma.masked_where(n == 0, n)
    # The last block of each side may hold fewer neurons than the others.
    wide = np.minimum(steps[0], wiring.n_pre - steps[0] * np.arange(n.shape[1]))
    high = np.minimum(steps[1], wiring.n_post - steps[1] * np.arange(n.shape[0]))
    pairs = np.outer(high, wide)
    total = block_counts(wiring, *steps, weights=True) if values == "weight" else n
    return np.ma.masked_where((n == 0) | ~np.isfinite(total), total / pairs)


def _draw(
    ax: Axes, wiring: Wiring, n: np.ndarray, shown: np.ma.MaskedArray, steps: list[int], values: str, limit: float | None
) -> Any:
    known = shown.compressed()
    norm, cmap = signs.norm_of(known, 100.0 if steps == [1, 1] else 99.5)
    if values == "count" and n.max(initial=0) <= 1:
        # Connected or not: one colour, that of the sign of the weight.
        sign = float(np.sign(np.mean(wiring.weight))) if np.size(wiring.weight) and np.isfinite(np.mean(wiring.weight)) else 0.0
        norm, cmap = Normalize(0, 1), ListedColormap([style.INK if sign == 0 else signs.color_of(sign)])
    elif limit is not None:
        norm = Normalize(-limit if norm.vmin else 0.0, limit if norm.vmax else 0.0)
    right, foot = (max(count * step, 1) for count, step in zip(n.shape[::-1], steps, strict=True))
    image = ax.imshow(
        shown if shown.size else np.ma.masked_all((1, 1)), norm=norm, cmap=cmap, interpolation="nearest",
        extent=(0, right, foot, 0), aspect="auto",
    )  # fmt: skip
    # A colour map of its own has grey for what is not known; here white is "no connection".
    image.set_cmap(image.get_cmap().with_extremes(bad="white"))
    ax.set_xlim(0, max(wiring.n_pre, 1))
    ax.set_ylim(max(wiring.n_post, 1), 0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return image


def _label(values: str, single: bool, unit: str) -> str:
    if values == "weight":
        return style.with_unit("Weight" if single else "Mean weight of a pair", unit)
    return "Connection probability" if values == "probability" else "Number of connections"


def _label_side(ax: Axes, axis: str, sizes: Mapping[str, int] | None, name: str, side: str) -> None:
    getattr(ax, f"set_{axis}label")(f"{side} neuron" + (f", {name}" if name and not sizes else ""))
    ax.locator_params(axis=axis, nbins=5, steps=[1, 2, 5, 10], integer=True)
    if sizes:
        label_side(ax, axis, sizes)
