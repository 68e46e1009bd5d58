"""Diagram of an expression: variables and constants on the left, operations as boxes, the result on the right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from neurosim.autodiff import Var
from neurosim.errors import ParameterError
from neurosim.plot import style

#: up to so many boxes; more cannot be read
MOST = 80
#: size of a box and distance of columns and rows, inches
_WIDE, _HIGH, _COLUMN, _ROW = 0.86, 0.32, 1.22, 0.46
_FILL = {"operation": "#D6E6F2", "variable": "#F9DFCB", "constant": "#EDEDED"}
_EDGE = {"operation": style.PALETTE[0], "variable": style.PALETTE[1], "constant": style.GREY}


@dataclass(eq=False)
class _Box:
    """A box, or a point where a long arrow passes a column, with its place."""

    kind: str
    title: str
    note: str
    column: int
    sources: list[_Box] = field(default_factory=list)
    place: float = 0.0


def expression_diagram(expression: Var, ax: Axes | None = None) -> Axes:
    """Draw the graph of which a variable was made: what goes in (leaves), the operations, and the shapes of all values.

    Variables of which gradients are wanted are orange, constants grey, operations blue; an arrow leads from a value to the
    operation that uses it.  A value that is used twice has two arrows.

    Arguments
        expression: a variable, the result; its operations must not have been released by backward(release=True)
        ax: axes to draw into; None for a new figure, as large as the graph

    Raises ParameterError for what is no variable, was released, or has more than 80 boxes.
    """
    if not isinstance(expression, Var):
        raise ParameterError(f"expression_diagram needs a Var of neurosim.autodiff, not {type(expression).__name__}.")
    boxes = _boxes(expression)
    columns = _columns(boxes)
    tallest = max(len(column) for column in columns)
    width, height = _COLUMN*(len(columns) - 1) + _WIDE + 0.3, _ROW*max(tallest - 1, 0) + _HIGH + 0.5
    ax = style.open_axes(ax, max(width, 1.6), max(height, 0.9))
    ax.set_axis_off()
    ax.set(xlim=(-_WIDE/2 - 0.1, _COLUMN*(len(columns) - 1) + _WIDE/2 + 0.1), aspect="equal")
    middle = (tallest - 1)/2
    ax.set_ylim(-_ROW*middle - _HIGH/2 - 0.15, _ROW*middle + _HIGH/2 + 0.15)
    for column in columns:
        for box in column:
            if box.kind == "passing":
                continue
            _draw_box(ax, box)
            for n, source in enumerate(sorted(box.sources, key=lambda s: -s.place)):
                _draw_arrow(ax, source, box, n, len(box.sources))
    return ax


def _boxes(expression: Var) -> list[_Box]:
    """Return one box for each operation and leaf; columns of operations are their depths."""
    made: dict[int, _Box] = {}
    held: list[Any] = []

    def box_of(x: Any, user: int) -> _Box:
        creator = x.creator if isinstance(x, Var) else None
        thing = creator if creator is not None else x
        if (box := made.get(id(thing))) is None:
            if creator is not None:
                if creator.pulls is None:
                    raise ParameterError(f"expression_diagram: {creator.name} was released by backward(release=True). Compute "
                                         "the expression again.")
                box = _Box("operation", creator.name, _shape(x.value), creator.depth)
                ahead.append((creator, box))
            elif isinstance(x, Var) and x.tracked:
                box = _Box("variable", x.name or "variable", _shape(x.value), user - 1)
            else:
                value = np.asarray(x.value if isinstance(x, Var) else x)
                named = x.name if isinstance(x, Var) else None
                single = value.size == 1 and value.dtype.kind in "biuf"
                title = named or (f"{value.item():.4g}" if single else "constant")
                box = _Box("constant", title, _shape(value), user - 1)
            if len(made) >= MOST:
                raise ParameterError(f"expression_diagram: more than {MOST} operations and leaves cannot be read. Draw a "
                                     "smaller part of the expression.")
            made[id(thing)] = box
            # the same number twice is no shared value, and must not be taken for it once it is gone
            held.append(thing)
        elif creator is None:
            box.column = min(box.column, user - 1)
        return box

    ahead: list = []
    top = box_of(expression, expression.creator.depth + 1 if expression.creator is not None else 1)
    for op, box in ahead:
        for x in op.inputs:
            if not isinstance(x, (Var, np.ndarray)):
                # numbers are shared by Python, not by the expression
                x = np.array(x)
            box.sources.append(box_of(x, op.depth))
    return [top, *(b for b in made.values() if b is not top)]


def _shape(value: np.ndarray) -> str:
    return "×".join(map(str, value.shape)) if value.ndim else "single"


def _columns(boxes: list[_Box]) -> list[list[_Box]]:
    """Return boxes by column, with points where long arrows pass, in an order with few crossings, and set their places."""
    least = min(box.column for box in boxes)
    columns: list[list[_Box]] = [[] for _ in range(max(box.column for box in boxes) - least + 1)]
    for box in boxes:
        box.column -= least
        columns[box.column].append(box)
    for box in boxes:
        for n, source in enumerate(box.sources):
            for column in range(source.column + 1, box.column):
                source = _Box("passing", "", "", column, [source])
                columns[column].append(source)
            box.sources[n] = source
    best, fewest = [list(column) for column in columns], np.inf
    for _ in range(8):
        _spread(columns)
        users: dict[int, list[float]] = {}
        for column in columns:
            for box in column:
                for source in box.sources:
                    users.setdefault(id(source), []).append(box.place)
        for column in reversed(columns):
            column.sort(key=lambda box: -np.mean(users.get(id(box), [box.place])))
        best, fewest = _better(columns, best, fewest)
        for column in columns:
            column.sort(key=lambda box: -np.mean([s.place for s in box.sources] or [box.place]))
            _spread([column])
        best, fewest = _better(columns, best, fewest)
    _spread(best)
    return best


def _better(columns: list[list[_Box]], best: list[list[_Box]], fewest: float) -> tuple[list[list[_Box]], float]:
    """Return the arrangement with fewer crossings of arrows."""
    _spread(columns)
    crossings = 0
    for column in columns:
        ends = np.array([(source.place, box.place) for box in column for source in box.sources]).reshape(-1, 2)
        apart = np.sign(ends[:, np.newaxis] - ends)
        crossings += int((apart[..., 0]*apart[..., 1] < 0).sum())//2
    return ([list(column) for column in columns], crossings) if crossings < fewest else (best, fewest)


def _spread(columns: list[list[_Box]]) -> None:
    for column in columns:
        for n, box in enumerate(column):
            box.place = (len(column) - 1)/2 - n


def _xy(box: _Box) -> tuple[float, float]:
    return _COLUMN*box.column, _ROW*box.place


def _draw_box(ax: Axes, box: _Box) -> None:
    x, y = _xy(box)
    size = style.text_size(ax)
    corner = _HIGH/2 if box.kind != "operation" else 0.06
    ax.add_patch(FancyBboxPatch((x - _WIDE/2, y - _HIGH/2), _WIDE, _HIGH, boxstyle=f"round,pad=0,rounding_size={corner}",
                                fc=_FILL[box.kind], ec=_EDGE[box.kind], lw=style.FINE, zorder=3, gid=f"{box.kind}:{box.title}"))
    title = box.title if len(box.title) <= 16 else box.title[:15] + "…"
    fitted = size*min(1.0, 13/max(len(title), 1))
    ax.text(x, y + 0.02, title, ha="center", va="bottom", fontsize=fitted, color=style.INK, zorder=4)
    ax.text(x, y - 0.02, box.note, ha="center", va="top", fontsize=0.85*size, color="#595959", zorder=4)


def _draw_arrow(ax: Axes, source: _Box, box: _Box, number: int, count: int) -> None:
    end = np.array(_xy(box)) - [_WIDE/2, 0]
    # several arrows end beside each other, without crossing
    end[1] += _HIGH*0.6*((count - 1)/2 - number)/count
    points = [end]
    while source.kind == "passing":
        x, y = _xy(source)
        points += [np.array([x + _WIDE/2, y]), np.array([x - _WIDE/2, y])]
        source = source.sources[0]
    points.append(np.array(_xy(source)) + [_WIDE/2, 0])
    points.reverse()
    for k in range(len(points) - 1):
        last = k == len(points) - 2
        ax.add_patch(FancyArrowPatch(points[k], points[k + 1], arrowstyle="-|>" if last else "-", mutation_scale=6, shrinkA=0,
                                     shrinkB=0, lw=style.FINE, color="#595959", zorder=2))
