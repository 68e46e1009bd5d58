"""Where the texts of a network diagram go: names in or beside discs, captions along arrows, none on another."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from neurosim.plot import signs, style

#: Boxes are (x0, y0, x1, y1) in pixels.
_Box = tuple[float, float, float, float]


def place_texts(ax: Axes, nodes: Mapping[str, Any], arcs: list[Any]) -> None:
    """Write names and sizes into the discs, or beside them where they do not fit, and captions beside the arrows.

    Limits of the axes are set so that they hold everything. Captions go where they cover least of other texts, discs and
    arrows.

    Arguments
        ax: the axes, whose aspect is equal
        nodes: by name, with `name`, `size`, `sign`, `centre`, `radius` and `outward` (radians)
        arcs: with `source`, `target`, `caption`, `sign` and `at`
    """
    corners = [node.centre + sign * node.radius for node in nodes.values() for sign in (-1.0, 1.0)]
    corners += [point for arc in arcs for point in arc.at(np.linspace(0, 1, 33))]
    if len(nodes) == 1:
        # One disc would fill the figure.
        corners += [point + 2.5 * node.radius * np.array(way) for node in nodes.values() for point in [node.centre]
                    for way in ((-1.0, -1.0), (1.0, 1.0))]
    _limits(ax, np.array(corners))
    # Wider limits make texts larger against the discs: a few turns settle that.
    for _ in range(8):
        _layout(ax)
        for text in [text for text in ax.texts if text.get_gid() in ("name", "caption")]:
            text.remove()
        names = _place_names(ax, nodes, arcs)
        texts = names + _place_captions(ax, nodes, arcs, [_box(text) for text in names])
        boxes = [_box(text) for text in texts]
        ends = ax.transData.inverted().transform([[b[0], b[1]] for b in boxes] + [[b[2], b[3]] for b in boxes])
        (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
        least, most = ends.min(0), ends.max(0)
        if left <= least[0] and most[0] <= right and low <= least[1] and most[1] <= high:
            return
        _limits(ax, np.vstack([corners, ends]))


def _place_names(ax: Axes, nodes: Mapping[str, Any], arcs: list[Any]) -> list[Text]:
    pixels = float(np.abs(ax.transData.transform((1.0, 0.0)) - ax.transData.transform((0.0, 0.0))).max())
    texts = []
    for node in nodes.values():
        loops = [float(np.linalg.norm(arc.at(np.linspace(0, 1, 33)) - node.centre, axis=1).max())
                 for arc in arcs if arc.source == arc.target == node.name]
        texts.append(_name(ax, node, pixels, max(loops, default=node.radius)))
    return texts


def _limits(ax: Axes, points: np.ndarray) -> None:
    low, high = points.min(0), points.max(0)
    pad = 0.04 * float((high - low).max())
    ax.set_xlim(low[0] - pad, high[0] + pad)
    ax.set_ylim(low[1] - pad, high[1] + pad)


def _layout(ax: Axes) -> None:
    # Constrained layout and equal aspect settle only when the figure is drawn.
    figure = ax.figure if hasattr(ax.figure, "draw_without_rendering") else ax.figure.figure
    figure.draw_without_rendering()


def _name(ax: Axes, node: Any, pixels: float, reach: float) -> Text:
    """Write the name of a population: inside where it fits, else beyond its loop, in the direction `outward`."""
    words = f"{node.name}\n{node.size:,}"
    size = style.text_size(ax)
    inside = ax.text(*node.centre, words, ha="center", va="center", color="white", fontsize=size, zorder=4, linespacing=1.15)
    _mark(inside, "name")
    box = inside.get_window_extent()
    if np.hypot(box.width, 0.75 * box.height) <= 1.9 * node.radius * pixels:
        return inside
    inside.remove()
    way = np.array([np.cos(node.outward), np.sin(node.outward)])
    at = node.centre + way * (reach + 4.0 / pixels)
    outside = ax.text(
        *at, words, color=signs.color_of(node.sign), fontsize=size, zorder=4, linespacing=1.15,
        ha="center" if abs(way[0]) < 0.4 else "left" if way[0] > 0 else "right",
        va="center" if abs(way[1]) < 0.4 else "bottom" if way[1] > 0 else "top",
    )  # fmt: skip
    _mark(outside, "name")
    return outside


def _mark(text: Text, kind: str) -> None:
    text.set_gid(kind)
    # The layout would shrink the axes for texts at the rim, and with them what the texts were placed by.
    text.set_in_layout(False)


def _place_captions(ax: Axes, nodes: Mapping[str, Any], arcs: list[Any], taken: list[_Box]) -> list[Text]:
    wanted = [arc for arc in arcs if arc.caption]
    taken = list(taken)
    for node in nodes.values():
        (x0, y0), (x1, y1) = ax.transData.transform([node.centre - node.radius, node.centre + node.radius])
        taken.append((x0, y0, x1, y1))
    curves = {id(arc): ax.transData.transform(arc.at(np.linspace(0, 1, 60))) for arc in arcs}
    frame = ax.get_window_extent()
    texts = []
    for arc in wanted:
        text = ax.text(0, 0, arc.caption, ha="center", va="center", fontsize=0.92 * style.text_size(ax), zorder=5,
                       color=signs.color_of(arc.sign), linespacing=1.15)  # fmt: skip
        _mark(text, "caption")
        own = text.get_window_extent()
        half = np.array([own.width, own.height]) / 2 + 2.0
        best, least = None, np.inf
        curve = curves[id(arc)]
        for k in range(12, 49, 3):
            way = curve[k + 1] - curve[k - 1]
            side = np.array([-way[1], way[0]]) / max(float(np.hypot(*way)), 1e-9)
            # As far as the box reaches in that direction, so that the arrow passes beside it.
            distance = float(np.abs(side) @ half) + 3.0
            for turn, further in product((1.0, -1.0), (0.0, 15.0, 30.0, 60.0)):
                centre = curve[k] + turn * (distance + further) * side
                box = (*(centre - half), *(centre + half))
                cost = _cost(box, taken, list(curves.values()), frame) + 0.01 * abs(k - 30) + further
                if cost < least:
                    best, least = (centre, box), cost
        centre, box = best
        text.set_position(ax.transData.inverted().transform(centre))
        taken.append(box)
        texts.append(text)
    return texts


def _box(text: Text) -> _Box:
    box = text.get_window_extent()
    return box.x0, box.y0, box.x1, box.y1


def _cost(box: _Box, taken: list[_Box], curves: list[np.ndarray], frame: Any) -> float:
    """Return how bad a place is: texts and discs under it weigh most, then arrows, then leaving the frame."""
    x0, y0, x1, y1 = box
    cost = 0.0
    for a0, b0, a1, b1 in taken:
        width, height = min(x1, a1) - max(x0, a0), min(y1, b1) - max(y0, b0)
        if width > 0 and height > 0:
            cost += 1000.0 + width * height
    # Limits widen to hold what leaves the frame, which makes all else smaller.
    cost += max(frame.x0 - x0, 0.0) + max(x1 - frame.x1, 0.0) + max(frame.y0 - y0, 0.0) + max(y1 - frame.y1, 0.0)
    for curve in curves:
        inside = (curve[:, 0] > x0) & (curve[:, 0] < x1) & (curve[:, 1] > y0) & (curve[:, 1] < y1)
        cost += 20.0 * np.count_nonzero(inside)
    return cost
