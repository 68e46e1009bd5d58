"""Borders and names of populations along the sides of a matrix of neurons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from neurosim.plot import signs, style


def label_side(ax: Axes, axis: str, sizes: Mapping[str, int]) -> None:
    """Name the blocks of neurons along one side of a matrix, in the colour of their sign, and draw their borders.

    Names of thin blocks move a little, so that they do not touch.

    Arguments
        ax: the axes, of which one unit is one neuron
        axis: "x" or "y"
        sizes: neurons of each block, in order
    """
    ends = np.cumsum(list(sizes.values()))
    turn = 90 if axis == "x" and len(sizes) > 4 else 0
    box = ax.get_position()
    width, height = ax.figure.get_size_inches()
    points = 72.0 * (width * box.width if axis == "x" else height * box.height)
    # Room for a line of text; along the lower edge upright names need no more.
    line = 1.25 * style.text_size(ax)
    room = line if axis == "y" or turn else 0.62 * style.text_size(ax) * max(map(len, sizes)) + 4.0
    total = max(float(ends[-1]), 1.0)
    places = _spread(ends - np.array(list(sizes.values())) / 2, min(room / points, 1.0 / len(sizes)) * total, total)
    ax.set(**{f"{axis}ticks": places, f"{axis}ticklabels": list(sizes)})
    ax.tick_params(axis=axis, length=0, rotation=turn)
    for tick, name in zip(getattr(ax, f"get_{axis}ticklabels")(), sizes, strict=True):
        sign = signs.sign_of_name(name)
        tick.set_color(signs.color_of(sign) if sign else style.INK)
    for end in ends[:-1]:
        (ax.axvline if axis == "x" else ax.axhline)(end, color=style.INK, lw=style.HAIR)


def _spread(places: np.ndarray, least: float, total: float) -> np.ndarray:
    """Return ascending places moved apart until each is `least` from the next, within 0 and `total`."""
    moved = np.array(places, dtype=float)
    for k in range(1, moved.size):
        moved[k] = max(moved[k], moved[k - 1] + least)
    moved[-1] = min(moved[-1], max(total - least / 2, places[-1]))
    for k in range(moved.size - 2, -1, -1):
        moved[k] = min(moved[k], moved[k + 1] - least)
    return moved
