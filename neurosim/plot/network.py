"""Diagram of a network: populations as discs, projections as arrows (excitatory) and bars (inhibitory)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path

from neurosim.errors import ParameterError, listing, nearest
from neurosim.plot import signs, style
from neurosim.plot.captions import caption_of, number_of
from neurosim.plot.placement import place_texts
from neurosim.plot.wiring import wiring_of

#: Up to this many projections carry captions; more would hide each other.
CAPTIONED = 8
_THIN, _THICK = 0.5, 3.2


@dataclass(frozen=True)
class Node:
    """A population as drawn: its disc, and the direction away from the middle, where its loops and name go."""

    name: str
    size: int
    sign: int
    centre: np.ndarray
    radius: float
    outward: float


@dataclass(frozen=True)
class Arc:
    """A projection from one population to another as drawn: Bezier points (3, 2), or (4, 2) of a loop, and its looks."""

    projection: str
    source: str
    target: str
    sign: int
    points: np.ndarray
    caption: str
    width: float

    def at(self, t: np.ndarray) -> np.ndarray:
        """Return points of the curve, shape (t.size, 2), for `t` from 0 to 1."""
        points = np.repeat(self.points[np.newaxis], np.size(t), 0)
        share = np.ravel(t)[:, np.newaxis, np.newaxis]
        while points.shape[1] > 1:
            points = (1 - share) * points[:, :-1] + share * points[:, 1:]
        return points[:, 0]


def network_diagram(
    network: Any,
    ax: Axes | None = None,
    *,
    strength: Mapping[str, Any] | None = None,
    captions: bool | Mapping[str, str] | None = None,
    positions: Mapping[str, tuple[float, float]] | None = None,
) -> Axes:
    """Draw the populations of a network and what connects them.

    A population is a disc with its name and size, larger for more neurons (by the logarithm), blue where it excites,
    vermillion where it inhibits. A projection is an arrow where weights are positive, and ends in a bar where they are
    negative; from or onto pooled populations it has one for each pair. Discs stand on a circle in the network's order.

    Arguments
        network: has `populations` (`name`, `size`) and `projections` (`name`, `sources` and `targets`: views with
            `population`, `weight_sign` 1, -1 or 0, and optionally `connectivity` and `delay` in ms)
        ax: the axes to draw in; None for a new figure
        strength: by name of the projection, a number, or its connections (``result.connections``), whose mean weight
            onto a target neuron is taken; widths are in proportion. None for one width
        captions: whether arrows tell rule of connection and delay; or texts by name of the projection; None for up to 8
            projections
        positions: (x, y) by name of the population; None for a circle

    Returns the axes, without frame. Discs have the gid "population:NAME", arrows "projection:NAME". Raises ParameterError
    for what is no network, and for names that it has not.
    """
    populations, projections = _parts(network)
    kinds = signs.population_signs(network)
    names = [signs.name_in(network, p) for p in populations]
    own = {id(p): name for p, name in zip(populations, names, strict=True)}
    _check_names("positions", positions, names, whole=True)
    titles = [_title(network, p) for p in projections]
    _check_names("strength", strength, titles)
    if isinstance(captions, Mapping):
        _check_names("captions", captions, titles)
    nodes = _nodes(names, [int(p.size) for p in populations], kinds, positions)
    arcs = _arcs(list(zip(projections, titles, strict=True)), nodes, own, strength, captions)
    ax = style.open_axes(ax, style.MID_COLUMN, 4.4 if len(nodes) > 2 else 2.6)
    ax.set_axis_off()
    ax.set_aspect("equal")
    for arc in sorted(arcs, key=lambda arc: -arc.width):
        _draw_arc(ax, arc)
    for node in nodes.values():
        disc = Circle(tuple(node.centre), node.radius, fc=signs.color_of(node.sign), ec="white", lw=style.LINE, zorder=3)
        disc.set_gid(f"population:{node.name}")
        ax.add_patch(disc)
    _legend(ax, arcs, nodes)
    place_texts(ax, nodes, arcs)
    return ax


def _parts(network: Any) -> tuple[list[Any], list[Any]]:
    if not hasattr(network, "populations"):
        if hasattr(network, "network"):
            return _parts(network.network)
        raise ParameterError(f"network is {type(network).__name__}, not a Network: it has no populations.")
    populations = list(signs.items_of(network.populations))
    projections = list(signs.items_of(getattr(network, "projections", ())))
    for projection in projections:
        if not (hasattr(projection, "sources") and hasattr(projection, "targets")):
            raise ParameterError(f"a projection is {type(projection).__name__}, without sources and targets.")
    return populations, projections


def _title(network: Any, projection: Any) -> str:
    """Return the name of a projection in results; one made of its ends where it has none and the network gives none."""
    if callable(getattr(network, "name_of", None)) or projection.name is not None:
        return signs.name_in(network, projection)
    ends = ([signs.name_in(network, getattr(view, "population", view)) for view in side]
            for side in (projection.sources, projection.targets))
    return "->".join(names[0] if len(names) == 1 else f"[{','.join(names)}]" for names in ends)


def _check_names(what: str, given: Any, names: list[str], whole: bool = False) -> None:
    if given is None:
        return
    for name in given:
        if name not in names:
            raise ParameterError(f"{what} names {name!r}.{nearest(str(name), names)} There are: {listing(names)}.")
    missing = [name for name in names if name not in given]
    if whole and missing:
        raise ParameterError(f"{what} has none for {missing[0]!r}. Give one for each population.")


def _nodes(names: list[str], sizes: list[int], kinds: Mapping[str, int], positions: Any) -> dict[str, Node]:
    n = len(names)
    if positions is not None:
        centres = np.array([positions[name] for name in names], dtype=float).reshape(n, 2)
    elif n == 1:
        centres = np.zeros((1, 2))
    elif n == 2:
        centres = np.array([[-0.75, 0.0], [0.75, 0.0]])
    else:
        # Clockwise, with the first two at the top, as pairs of excitatory and inhibitory populations are named.
        angle = np.pi / 2 + np.pi / n - 2 * np.pi * np.arange(n) / n
        centres = np.stack([np.cos(angle), np.sin(angle)], 1)
    middle = centres.mean(0)
    gaps = np.linalg.norm(centres[:, np.newaxis] - centres, axis=2)[~np.eye(n, dtype=bool)]
    spacing = float(gaps.min()) if gaps.size else 1.0
    if spacing <= 0:
        raise ParameterError("positions put two populations in one place. Give each its own.")
    largest = min(0.3 * spacing, 0.24 * max(float(np.ptp(centres, axis=0).max()) / 2, 1.0))
    logs = np.log10(np.maximum(sizes, 1))
    low, high = float(logs.min()), float(logs.max())
    nodes = {}
    for name, size, level, centre in zip(names, sizes, logs, centres, strict=True):
        part = 1.0 if high == low else (level - low) / (high - low)
        away = centre - middle
        outward = float(np.arctan2(away[1], away[0])) if np.hypot(*away) > 1e-9 else np.pi / 2
        nodes[name] = Node(name, size, kinds.get(name, 0), centre, largest * (0.72 + 0.28 * part), outward)
    return nodes


def _arcs(
    projections: list[tuple[Any, str]], nodes: dict[str, Node], own: Mapping[int, str], strength: Any, captions: Any
) -> list[Arc]:
    pairs: list[tuple[Any, str, str, str]] = []
    for projection, title in projections:
        ends = [[own[id(p)] for view in side if id(p := getattr(view, "population", view)) in own]
                for side in (projection.sources, projection.targets)]
        # A projection between parts of one population names it once for each part.
        pairs += [(projection, title, a, b) for a in dict.fromkeys(ends[0]) for b in dict.fromkeys(ends[1])]
    widths = _widths([title for _, title, *_ in pairs], strength)
    shown = len(projections) <= CAPTIONED if captions is None else captions
    seen: dict[tuple[str, str], int] = {}
    arcs, told = [], set()
    for projection, title, a, b in pairs:
        rank = seen[a, b] = seen.get((a, b), -1) + 1
        points = _loop(nodes[a], rank) if a == b else _bow(nodes[a], nodes[b], rank)
        text = ""
        # A pooled projection has many arrows and one caption.
        if title not in told:
            text = str(shown.get(title, "")) if isinstance(shown, Mapping) else caption_of(projection) if shown else ""
            told.add(title)
        sign = int(np.sign(getattr(projection, "weight_sign", 0) or 0))
        arcs.append(Arc(title, a, b, sign, points, text, widths[title]))
    return _joined(arcs)


def _joined(arcs: list[Arc]) -> list[Arc]:
    """Give parallel arrows one caption with their names, at the outermost: beside an inner one it would name the wrong one."""
    groups: dict[tuple[str, str], list[int]] = {}
    for k, arc in enumerate(arcs):
        groups.setdefault((arc.source, arc.target), []).append(k)
    for places in groups.values():
        if len(places) > 1:
            texts = [f"{arcs[k].projection}: {arcs[k].caption}".replace("\n", ", ") for k in places if arcs[k].caption]
            for k in places:
                arcs[k] = replace(arcs[k], caption="\n".join(texts) if k == places[-1] else "")
    return arcs


def _widths(projections: list[str], strength: Mapping[str, Any] | None) -> dict[str, float]:
    if strength is None:
        return dict.fromkeys(projections, 1.2 if len(projections) <= 16 else 0.8)
    values = {}
    for title in dict.fromkeys(projections):
        given = strength.get(title, 0.0)
        if hasattr(given, "pre"):
            wiring = wiring_of(given, f"strength[{title!r}]")
            weight = wiring.weight
            total = float(weight.sum(dtype=np.float64)) if isinstance(weight, np.ndarray) else weight * wiring.pre.size
            given = total / max(wiring.n_post, 1)
        values[title] = abs(number_of(given, f"strength of {title!r}"))
    top = max(values.values(), default=0.0) or 1.0
    return {title: _THIN + (_THICK - _THIN) * value / top for title, value in values.items()}


def _bow(a: Node, b: Node, rank: int) -> np.ndarray:
    """Return the Bezier points of a curve from the rim of `a` to that of `b`, bent to the left of its way.

    What leads back bends to its own left, and so to the other side.
    """
    way = b.centre - a.centre
    left = np.array([-way[1], way[0]])
    middle = (a.centre + b.centre) / 2 + (0.16 + 0.18 * rank) * left
    curve = Arc("", "", "", 0, np.array([a.centre, middle, b.centre]), "", 1.0)
    t = np.linspace(0, 1, 2001)
    at = curve.at(t)
    from_a, to_b = np.linalg.norm(at - a.centre, axis=1), np.linalg.norm(at - b.centre, axis=1)
    gap = 0.06 * min(a.radius, b.radius)
    first = t[np.argmax(from_a >= a.radius + gap)]
    last = t[t.size - 1 - np.argmax(to_b[::-1] >= b.radius + 2 * gap)]
    # The part between two parameters of a quadratic curve has its control point where the tangents meet (blossom).
    p0, p1, p2 = curve.points
    control = (1 - first) * (1 - last) * p0 + (first * (1 - last) + last * (1 - first)) * p1 + first * last * p2
    return np.array([curve.at(first)[0], control, curve.at(last)[0]])


def _loop(node: Node, rank: int) -> np.ndarray:
    """Return the Bezier points of a loop from a disc to itself, on the side away from the middle."""
    # Several loops lie one within the other.
    spread = 0.38 + 0.26 * min(rank, 3)
    turn = 1.45 * spread if rank == 0 else 1.15 * spread
    # The middle of the curve, a quarter its ends and three quarters its control points, at this distance.
    top = 1.85 + 0.5 * rank
    reach = node.radius * (top - 0.25 * np.cos(spread)) / (0.75 * np.cos(turn))

    def at(angle: float, distance: float) -> np.ndarray:
        return node.centre + distance * np.array([np.cos(node.outward + angle), np.sin(node.outward + angle)])

    return np.array([at(spread, 1.06 * node.radius), at(turn, reach), at(-turn, reach),
                     at(-spread, 1.12 * node.radius)])


def _draw_arc(ax: Axes, arc: Arc) -> None:
    code = Path.CURVE4 if len(arc.points) == 4 else Path.CURVE3
    path = Path(arc.points, [Path.MOVETO, *[code] * (len(arc.points) - 1)])
    head = "-[,widthB=0.35,lengthB=0.0" if arc.sign < 0 else "-|>,head_length=0.55,head_width=0.26"
    patch = FancyArrowPatch(
        path=path, arrowstyle=head, mutation_scale=7.0 + 2.2 * arc.width, lw=arc.width, color=signs.color_of(arc.sign),
        alpha=0.9, zorder=2, joinstyle="miter", capstyle="butt",
    )  # fmt: skip
    patch.set_gid(f"projection:{arc.projection}")
    ax.add_patch(patch)


def _legend(ax: Axes, arcs: list[Arc], nodes: Mapping[str, Node]) -> None:
    present = {arc.sign for arc in arcs} | {node.sign for node in nodes.values()}
    texts = {1: "excitatory", -1: "inhibitory", 0: "both signs, or not known"}
    shown = [(signs.color_of(sign), text) for sign, text in texts.items() if sign in present]
    handles = [Line2D([], [], color=color, lw=2.2, label=text) for color, text in shown]
    if len(handles) > 1:
        style.legend_above(ax, handles, columns=3)
